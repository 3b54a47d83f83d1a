"""Pretrained models of others: where they lie on this machine, what they are, and whether they may be read.

Conventions:
    * A model is named by the path of a folder or by its identifier on the Hugging Face hub, such as
      ``microsoft/wavlm-large``. A folder comes first, then the hub's cache on this machine; only then is the hub asked,
      once and for a few seconds.
    * Weights are read from safetensors, or, where there are none, from ``pytorch_model.bin`` by PyTorch's reader that
      takes nothing but tensors. Code that comes with a model is never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affectmap.errors import ModelError, UsageError
from affectmap.extras import require

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
#: Where the hub has SUPERB's recogniser of emotions.
SUPERB_ID = "superb/hubert-large-superb-er"
#: Seconds that the hub may take to answer.
TIMEOUT_S = 10.0

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def parse_reference(text: str) -> str:
    """Read what a person wrote: ``superb``, or ``superb=MODEL`` for a folder or another identifier.

    Args:
        text: As written.

    Returns:
        Folder, or identifier on the hub.

    Raises:
        UsageError: If it reads differently.

    Example:
        >>> parse_reference("superb"), parse_reference("superb=models/er")
        ('superb/hubert-large-superb-er', 'models/er')
    """
    name, given, model = text.partition("=")
    if name != "superb" or (given and not model):
        raise UsageError(f"the reference is {text!r}; expected superb, or superb=MODEL with a folder or a hub's name")
    return model or SUPERB_ID


def find_pretrained(name: str, option: str) -> Path:
    """Find a model's folder.

    Args:
        name: Path of a folder, or identifier on the hub.
        option: How a folder is named on the command line, with ``DIR`` in the folder's place; for messages.

    Returns:
        A folder with configuration, preprocessor and weights. It is downloaded if the hub has it and can be reached.

    Raises:
        ModelError: If it is nowhere to be had, or lacks something.
        UsageError: If the name is neither a folder nor an identifier, or the extra ``ssl`` is missing.

    Example:
        >>> find_pretrained("no/such/folder", "--features ssl:DIR")
        Traceback (most recent call last):
        affectmap.errors.UsageError: no/such/folder is no folder, and no model on the hub is called so; name a folder...
    """
    require(option, "ssl", "transformers", "torch")
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 (Path's own way fails at the home of nobody)
    if not folder.is_dir():
        if folder.is_file():
            raise UsageError(f"{name} is a file; name the folder that holds it, as in {option}")
        if not _HUB_ID.fullmatch(name):
            raise UsageError(
                f"{name} is no folder, and no model on the hub is called so; name a folder as in {option}, or an "
                "identifier such as microsoft/wavlm-large"
            )
        folder = _cached(name) or _downloaded(name, option)
    return checked_folder(folder)


def checked_folder(folder: Path) -> Path:
    """Make sure that a folder holds a model.

    Args:
        folder: As ``save_pretrained`` of transformers writes it, or as the hub has it.

    Returns:
        The folder.

    Raises:
        ModelError: If a file is missing.

    Example:
        >>> checked_folder(Path("nowhere"))
        Traceback (most recent call last):
        affectmap.errors.ModelError: nowhere has no config.json; expected config.json, preprocessor_config.json and ...
    """
    expected = f"expected {CONFIG}, {PREPROCESSOR} and {SAFE}; download the model again"
    for file in (CONFIG, PREPROCESSOR):
        if not (folder / file).is_file():
            raise ModelError(f"{folder} has no {file}; {expected}")
    if not weight_files(folder):
        raise ModelError(f"{folder} has no {SAFE}; {expected}")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """List the files of weights that count: safetensors, and only without them ``pytorch_model.bin``.

    Args:
        folder: Of a model.

    Returns:
        The files, large models have several; none where there are none, or one of several is missing.

    Example:
        >>> weight_files(Path("nowhere"))
        []
    """
    for name in (SAFE, PICKLED):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            parts = [folder / part for part in sorted(set(_read_json(index).get("weight_map", {}).values()))]
            if parts and all(part.is_file() for part in parts):
                return parts
    return []


def read_config(folder: Path) -> dict[str, Any]:
    """Read a model's configuration without loading the model.

    Args:
        folder: Of a model.

    Returns:
        What ``config.json`` holds.

    Raises:
        ModelError: If it cannot be read.
    """
    return _read_json(folder / CONFIG)


def model_digest(folder: Path) -> str:
    """Digest everything that a model's numbers depend on: configuration, preprocessor and weights.

    Args:
        folder: Of a model.

    Returns:
        32 hexadecimal digits.

    Raises:
        ModelError: If a file cannot be read.
    """
    total = hashlib.sha256()
    for file in (folder / CONFIG, folder / PREPROCESSOR, *weight_files(folder)):
        try:
            with file.open("rb") as handle:
                total.update(hashlib.file_digest(handle, "sha256").digest())
        except OSError as error:
            raise ModelError(f"{file} cannot be read ({error.strerror}); check its permissions") from error
    return total.hexdigest()[:32]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read as JSON ({error}); download the model again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file} holds no settings; download the model again")
    return content


def _cached(name: str) -> Path | None:
    """Give the folder of a model that lies whole in the hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, CONFIG)
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    return folder if (folder / PREPROCESSOR).is_file() and weight_files(folder) else None


def _downloaded(name: str, option: str) -> Path:
    """Ask the hub, once; its library's own way to fetch all files of a model waits for ever."""
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        with _quiet():
            files = {each.rfilename for each in HfApi().model_info(name, timeout=TIMEOUT_S).siblings or []}
            kind = SAFE if any(_is_weight(file, SAFE) for file in files) else PICKLED
            weights = sorted(file for file in files if _is_weight(file, kind))
            paths = [
                hf_hub_download(name, file, etag_timeout=TIMEOUT_S)
                for file in (CONFIG, PREPROCESSOR, *weights)
                if file in files
            ]
    except RepositoryNotFoundError as error:  # which a closed one is told to be, too
        raise ModelError(
            f"{name} is not on this machine, and the hub shows no such model to you; correct its name, or, if it is "
            "there but closed, accept its terms and run `hf auth login`"
        ) from error
    except Exception as error:  # whatever the network, a proxy or the disk comes up with
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{name} is not on this machine, and the hub cannot be reached ({reason}); where there is a network run "
            f"`hf download {name} --local-dir DIR`, bring DIR here and name it: {option}"
        ) from error
    if not paths:
        raise ModelError(f"{name} has no {CONFIG} on the hub; name a model for transformers")
    return Path(paths[0]).parent


def _is_weight(file: str, kind: str) -> bool:
    stem, suffix = kind.rsplit(".", 1)
    return re.fullmatch(rf"{stem}(-\d+-of-\d+)?\.{suffix}(\.index\.json)?", file) is not None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep bars and advice of the hub's library to itself."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity_error()
    if not os.isatty(2):  # a gigabyte on its way is worth a bar where somebody looks
        disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if not hidden:
            enable_progress_bars()
