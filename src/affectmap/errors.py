"""The errors that are the user's to mend: one base, one line each."""

from __future__ import annotations

import re

#: Longest message in characters: a damaged file may hold a text of any length where a word was expected.
LONGEST = 1000
# What ends a line, moves the cursor or turns the direction of writing: a message may quote what a stranger wrote.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class AffectmapError(Exception):
    r"""Base of every error that is the user's to mend; its message is one line: what, where, what to do.

    Example:
        >>> str(AffectmapError("a.csv: emotion is 'gl\x1bad';\nexpected a class"))
        "a.csv: emotion is 'gl\\x1bad'; expected a class"
    """

    def __str__(self) -> str:
        """Give the message in one line that a terminal shows as it is, without the middle of one that is too long."""
        message = super().__str__()
        if len(message) > LONGEST:
            message = f"{message[: 2 * LONGEST // 3]} ... {message[-LONGEST // 3 + 5 :]}"
        line = " ".join(message.splitlines()) if "\n" in message else message
        return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), line)


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
