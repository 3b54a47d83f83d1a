"""The errors that are the user's to mend: one base, one line each."""


class AffectmapError(Exception):
    """Base of every error that is the user's to mend; its message is one line: what, where, what to do."""


class CorpusError(AffectmapError):
    """A corpus folder, its table or its recordings are not what was expected."""


class LabelError(AffectmapError):
    """A label sheet is damaged, lacks a column, or does not fit the recordings."""


class AudioError(AffectmapError):
    """A recording cannot be read or holds nothing to measure."""


class ConfigError(AffectmapError):
    """A setting is unknown, out of range, or contradicts another or the data."""


class UsageError(ConfigError):
    """The command line or the settings file is wrong, whatever the data; exit code 2."""


class ModelError(AffectmapError):
    """A model folder is missing, damaged or made for other inputs."""


class StorageError(AffectmapError):
    """A file or folder cannot be written, or would overwrite something."""
