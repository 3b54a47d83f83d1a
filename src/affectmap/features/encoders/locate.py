"""Where the speech encoders of the shipped models lie on this machine.

An encoder is a folder in the layout of the Hugging Face hub: ``config.json`` and ``model.safetensors``. It is looked
for in the folder that the user names (``--encoder``), then in the one of the variable ``AFFECTMAP_ENCODERS``, then in
the user's cache folder, where ``affectmap models fetch`` puts it. A folder of several encoders holds each under its
name, with or without ``-encoder`` behind it; a folder that is itself an encoder is taken as it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from affectmap.errors import ModelError

#: The encoder of the model that is called whisper.
WHISPER = "whisper-base"
#: The variable that names a folder of encoders, or one encoder.
VARIABLE = "AFFECTMAP_ENCODERS"
#: Files without which a folder is no encoder.
NEEDED = ("config.json", "model.safetensors")


def find_encoder(name: str = WHISPER, folder: Path | None = None) -> Path:
    """Find the folder of an encoder.

    Args:
        name: Name of the encoder.
        folder: The encoder itself, or a folder that holds it. No other place is looked at then. By default the folder
            named by ``AFFECTMAP_ENCODERS``, then the user's cache folder.

    Returns:
        A folder with ``config.json`` and ``model.safetensors``; what they hold is not looked at.

    Raises:
        ModelError: If it is not there; the message says what to run.

    Example:
        >>> find_encoder("whisper-base", Path("no/such/folder"))
        Traceback (most recent call last):
        affectmap.errors.ModelError: no/such/folder holds no encoder whisper-base: expected config.json and ...
    """
    if folder is not None:
        if found := _held(folder, name):
            return found
        raise ModelError(
            f"{folder} holds no encoder {name}: expected {' and '.join(NEEDED)} in it, or in {name} in it; name "
            f"another folder, or run `affectmap models fetch {name}`"
        )
    for place in places(name):
        if found := _held(place, name):
            return found
    looked = " or ".join(str(place) for place in places(name))
    raise ModelError(
        f"the encoder {name} is not in {looked}; run `affectmap models fetch {name}`, or, without a network, bring its "
        f"folder here and name it by --encoder or {VARIABLE}"
    )


def places(name: str = WHISPER) -> list[Path]:
    """List the folders in which an encoder is looked for, the first one first."""
    named = os.environ.get(VARIABLE)
    return [*([Path(named)] if named else []), cached_encoder(name)]


def cached_encoder(name: str = WHISPER) -> Path:
    """Give the folder in the user's cache in which a fetched encoder lies, whether it is there or not."""
    return Path(platformdirs.user_cache_dir("affectmap")) / "encoders" / name


def _held(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}-encoder", folder / name, folder)
    return next((each for each in candidates if all((each / file).is_file() for file in NEEDED)), None)
