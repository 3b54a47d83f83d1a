"""Pretrained speech models: how they are named, where they lie on this machine, and whether they may be read.

Conventions:
    * A model is named by the path of a folder, by the name of a known encoder (``whisper-base``, see `locate`), or by
      its identifier on the Hugging Face hub, such as ``microsoft/wavlm-large``. A folder comes first; of an identifier
      a known encoder that is here and has the layers, then the hub's cache on this machine, and only then is the hub
      asked, once and for a few seconds.
    * Weights are read from safetensors, or, where there are none, from ``pytorch_model.bin`` by PyTorch's reader that
      takes nothing but tensors. Code that comes with a model is never run.
    * A person writes ``encoder:MODEL@LAYERS:POOLING``. Layer 0 is what goes into the first transformer layer, layer 1
      what comes out of it, and so on: ``@9`` is one layer, ``@-1`` the last, ``@4-8`` the mean of layers 4 to 8,
      ``@mean`` that of all, ``@6:0.7,9:0.3`` a weighted mean. By default it is the layer that models take of a known
      encoder, and the mean of all of others. ``:mean``, ``:std`` or ``:mean+std`` (the default) says what is kept of
      the layer's course over time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from affectmap.documents import DocumentError, parse_json, read_start
from affectmap.errors import ModelError, UsageError
from affectmap.extras import require
from affectmap.features.encoders.cards import ENCODERS
from affectmap.features.encoders.locate import CONFIG, PREPROCESSOR, WEIGHTS, find_encoder

SAFE, PICKLED = WEIGHTS, "pytorch_model.bin"
#: Where the hub has SUPERB's recogniser of emotions.
SUPERB_ID = "superb/hubert-large-superb-er"
#: Seconds that the hub may take to answer.
TIMEOUT_S = 10.0

#: The extra that brings transformers.
EXTRA = "encoders"
#: What the setting begins with.
ENCODER = "encoder:"
#: What may be kept of a layer's course over time.
POOLINGS = ("mean", "std", "mean+std")

_ON_HUB = {card.hub: card for card in ENCODERS.values()}
_FORMER = "ssl:"
_LAYERS = r"mean|-?\d+|\d+-\d+|\d+:[\d.]+(?:,\d+:[\d.]+)*"
_CHOICE = re.compile(rf"(?P<layers>{_LAYERS})(?::(?P<pooling>[a-z+]+))?")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def parse_reference(text: str) -> str:
    """Read ``superb``, or ``superb=MODEL`` for a folder or another identifier."""
    name, given, model = text.partition("=")
    if name != "superb" or (given and not model):
        raise UsageError(f"the reference is {text!r}; expected superb, or superb=MODEL with a folder or a hub's name")
    return model or SUPERB_ID


def find_pretrained(name: str, option: str, layers: str = "") -> Path:
    """Find a model's folder.

    Args:
        name: Path of a folder, or identifier on the hub.
        option: How a folder is named on the command line, with ``DIR`` in the folder's place; for messages.
        layers: Layers that are wanted of an encoder, as they were written.

    Returns:
        A folder with configuration, preprocessor and weights. It is downloaded if the hub has it and can be reached.

    Raises:
        ModelError: If it is nowhere to be had, or lacks something.
        UsageError: If the name is neither a folder nor an identifier, or what asks the hub is not installed.

    Example:
        >>> find_pretrained("no/such/folder", "--features encoder:DIR")
        Traceback (most recent call last):
        affectmap.errors.UsageError: no/such/folder is no folder, and no model on the hub is called so; name a folder...
    """
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 (Path's own way fails at the home of nobody)
    if not folder.is_dir():
        if folder.is_file():
            raise UsageError(f"{name} is a file; name the folder that holds it, as in {option}")
        if name in ENCODERS:
            return checked_folder(find_encoder(name))
        if not _HUB_ID.fullmatch(name):
            raise UsageError(
                f"{name} is no folder, and no model on the hub is called so; name a folder as in {option}, or an "
                "identifier such as microsoft/wavlm-large"
            )
        here = _known_here(name, layers)
        if here is None:
            require(option, EXTRA, "transformers", "torch")
        folder = here or _cached(name) or _downloaded(name, option)
    return checked_folder(folder)


def _known_here(name: str, layers: str) -> Path | None:
    """Give the folder of a known encoder that is named as on the hub; a pack may lack later layers."""
    if name not in _ON_HUB or layers in ("", "mean") or layers.startswith("-"):  # of the whole model
        return None
    # They load NumPy, which help of the command line goes without.
    from affectmap.features.encoders.pack import read_checked
    from affectmap.whisper.weights import read_shape

    try:
        folder = find_encoder(_ON_HUB[name].name)
        read_checked(folder, _ON_HUB[name])
        layer_weights(layers, read_shape(folder).n_layers)
    except (ModelError, UsageError):  # the hub has it
        return None
    return folder


def checked_folder(folder: Path) -> Path:
    """Make sure that a folder holds a model, as ``save_pretrained`` of transformers or the hub write it."""
    expected = f"expected {CONFIG}, {PREPROCESSOR} and {SAFE}; download the model again"
    for file in (CONFIG, PREPROCESSOR):
        if not (folder / file).is_file():
            raise ModelError(f"{folder} has no {file}; {expected}")
    if not weight_files(folder):
        raise ModelError(f"{folder} has no {SAFE}; {expected}")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """List the files of weights that count: safetensors, and only without them ``pytorch_model.bin``."""
    for name in (SAFE, PICKLED):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            parts = _parts(index)
            if parts and all(part.is_file() for part in parts):
                return parts
    return []


def _parts(index: Path) -> list[Path]:
    """List the files that an index of weights names; they must lie beside it."""
    named = _read_json(index).get("weight_map")
    parts = list(named.values()) if isinstance(named, dict) else []
    if not parts or not all(isinstance(part, str) and part and Path(part).name == part for part in parts):
        raise ModelError(f"{index} names no files of weights beside it; download the model again")
    return [index.parent / part for part in sorted(set(parts))]


def read_config(folder: Path) -> dict[str, Any]:
    """Read a model's configuration without loading the model."""
    return _read_json(folder / CONFIG)


def model_digest(folder: Path) -> str:
    """Digest everything that a model's numbers depend on: configuration, preprocessor and weights."""
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
        content = parse_json(read_start(file))
    except (OSError, DocumentError) as error:
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


class EncoderChoice(NamedTuple):
    """What ``encoder:MODEL@LAYERS:POOLING`` asks for.

    Attributes:
        model: Path of a folder, name of a known encoder, or identifier on the hub.
        layers: As they were written.
        pooling: What is kept of them, one of `POOLINGS`.
    """

    model: str
    layers: str
    pooling: str = POOLINGS[-1]


def parse_encoder(text: str) -> EncoderChoice:
    """Read what a person wrote.

    Args:
        text: ``encoder:MODEL``, ``encoder:MODEL@LAYERS`` or ``encoder:MODEL@LAYERS:POOLING``. What follows the last
            ``@`` but reads like no layers belongs to the model's path.

    Returns:
        Model, layers and pooling.

    Raises:
        UsageError: If it reads differently.

    Example:
        >>> parse_encoder("encoder:whisper-base@3:mean")
        EncoderChoice(model='whisper-base', layers='3', pooling='mean')
        >>> parse_encoder("encoder:models/me@home").layers
        'mean'
    """
    if text.startswith(_FORMER):
        raise UsageError(f"features are {text!r}; write {ENCODER}{text.removeprefix(_FORMER)}, as it is called now")
    model = text.removeprefix(ENCODER)
    if not text.startswith(ENCODER) or not model or model.startswith("@"):
        raise UsageError(
            f"features are {text!r}; expected egemaps, egemaps-corrected, whisper, columns, columns:PREFIX, or "
            "encoder:MODEL@LAYERS:POOLING, such as encoder:whisper-base@3:mean"
        )
    front, _, back = model.rpartition("@")
    found = _CHOICE.fullmatch(back)
    if not front or found is None:
        known = ENCODERS.get(model) or _ON_HUB.get(model)
        return EncoderChoice(model, "mean" if known is None else str(known.layer))
    pooling = found["pooling"] or POOLINGS[-1]
    if pooling not in POOLINGS:
        raise UsageError(f"features are {text!r}, with the pooling {pooling}; expected {', '.join(POOLINGS)}")
    return EncoderChoice(front, found["layers"], pooling)


def layer_weights(layers: str, n_layers: int) -> dict[int, float]:
    """Give the weight of every layer that counts, from 0 to `n_layers`; weights sum to 1."""
    if layers == "mean":
        weights = dict.fromkeys(range(n_layers + 1), 1.0)
    elif ":" in layers:
        pairs = [part.split(":") for part in layers.split(",")]
        weights = {int(layer): _number(weight) for layer, weight in pairs}
        if len(weights) < len(pairs):
            raise UsageError(f"layers are {layers}; expected each layer once, with all of its weight")
    elif "-" in layers[1:]:
        first, last = map(int, layers.split("-"))
        weights = dict.fromkeys(range(first, min(last, n_layers + 1) + 1), 1.0)  # one too many is enough to refuse
    else:
        weights = {int(layers) + (n_layers + 1) * layers.startswith("-"): 1.0}
    total = sum(weights.values())
    if total <= 0 or not all(0 <= layer <= n_layers for layer in weights):
        raise UsageError(
            f"layers are {layers}; expected 0 to {n_layers}, which this encoder has, -1 for the last, mean, a range "
            f"such as 1-{n_layers}, or weights such as 1:0.5,{n_layers}:0.5"
        )
    return {layer: weight / total for layer, weight in weights.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"the weight {text} of a layer is no number; write 0.5 or the like") from None
