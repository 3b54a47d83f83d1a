"""Where the speech encoders of the shipped models lie on this machine.

An encoder is a folder in the layout of the Hugging Face hub: ``config.json`` and ``model.safetensors``. It is looked
for in one place: the folder that the user names (``--encoder``), else the one that the variable ``AFFECTMAP_ENCODERS``
names, else ``encoders`` in the user's cache folder. A folder of several encoders holds each under its name, with or
without ``-encoder`` behind it; a folder that is itself an encoder is taken as it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from affectmap.errors import ModelError

#: The encoder of the model that is called whisper.
WHISPER_BASE = "whisper-base"
#: The variable that names a folder of encoders, or one encoder.
VARIABLE = "AFFECTMAP_ENCODERS"
#: Names of files in the hub's layout.
CONFIG, PREPROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
#: Files without which a folder is no encoder.
NEEDED = (CONFIG, WEIGHTS)


def find_encoder(name: str = WHISPER_BASE, folder: Path | None = None) -> Path:
    """Find the folder of an encoder.

    Args:
        name: Name of the encoder.
        folder: The encoder itself, or a folder that holds it; by default the one named by ``AFFECTMAP_ENCODERS``, or
            ``encoders`` in the user's cache folder.

    Returns:
        A folder with ``config.json`` and ``model.safetensors``; what they hold is not looked at.

    Raises:
        ModelError: If it is not there; the message says what to run.

    Example:
        >>> find_encoder("whisper-base", Path("no/such/folder"))
        Traceback (most recent call last):
        affectmap.errors.ModelError: no/such/folder holds no encoder whisper-base: expected config.json and ...
    """
    named = os.environ.get(VARIABLE)
    place = folder or encoders_folder()
    candidates = (place / f"{name}-encoder", place / name, place)
    for each in candidates:
        if all((each / file).is_file() for file in NEEDED):
            return each
    if folder is None and not named:
        raise ModelError(
            f"the encoder {name} is not on this machine; run `affectmap models fetch {name}`, or, without a network, "
            f"bring its folder here and name it by --encoder or {VARIABLE}"
        )
    raise ModelError(
        f"{place if folder else f'{VARIABLE} names {place}, which'} holds no encoder {name}: expected "
        f"{' and '.join(NEEDED)} in it, or in {name} in it; name another folder, or run `affectmap models fetch {name}`"
    )


def encoders_folder() -> Path:
    """Give the folder in which encoders are looked for and fetched to: the variable's, or one in the user's cache."""
    return Path(os.environ.get(VARIABLE) or Path(platformdirs.user_cache_dir("affectmap")) / "encoders")
