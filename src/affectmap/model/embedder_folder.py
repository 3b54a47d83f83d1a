"""An embedder's folder of plain files, read with every check before any of it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from safetensors import SafetensorError

from affectmap.errors import ModelError

if TYPE_CHECKING:
    import torch

    from affectmap.model.network import DenoisingAutoencoder

T = TypeVar("T")

FORMAT = 1
SETTINGS_FILE, WEIGHTS_FILE, CURVES_FILE = "embedder.json", "weights.safetensors", "curves.csv"


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor], pd.DataFrame]:
    """Read settings, tensors and learning curves.

    Args:
        folder: That ``Embedder.save`` wrote.

    Returns:
        The content of its three files.

    Raises:
        ModelError: If a file is missing, damaged, or of another version.
    """
    # Loaded here: both bring PyTorch, and knowing an embedder's folder need not.
    from safetensors.torch import load_file

    from affectmap.model.training import CURVES

    for name in (SETTINGS_FILE, WEIGHTS_FILE, CURVES_FILE):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} does not exist; expected a folder that Embedder.save wrote")
    settings = _read(folder / SETTINGS_FILE, lambda file: json.loads(file.read_text(encoding="utf-8")))
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = settings.get("format") if isinstance(settings, dict) else None
        raise ModelError(
            f"{folder / SETTINGS_FILE} has format {found!r}, expected {FORMAT}; "
            "it is not an embedder, or comes from another version of affectmap"
        )
    tensors = _read(folder / WEIGHTS_FILE, load_file)
    curves = _read(folder / CURVES_FILE, partial(_read_curves, names=CURVES))
    if tuple(curves.columns) != CURVES:
        raise ModelError(f"{folder / CURVES_FILE} has columns {list(curves.columns)}; expected {list(CURVES)}")
    return settings, tensors, curves


def _read_curves(file: Path, names: tuple[str, ...]) -> pd.DataFrame:
    # By way of text: what read_csv makes of a number may differ from what was written in the last bit.
    return pd.read_csv(file, index_col="epoch", dtype=dict.fromkeys(names, str)).astype(np.float64)


def _read(file: Path, reader: Callable[[Path], T]) -> T:
    try:
        return reader(file)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"{file} cannot be read ({first_line(error)}); save the embedder again") from error


def check_tensors(
    folder: Path,
    network: DenoisingAutoencoder,
    tensors: dict[str, torch.Tensor],
    n_features: int,
    feature_names: Sequence[str] | None,
) -> None:
    """Make sure that tensors are those that the settings speak of, and weights finite.

    Args:
        folder: For messages.
        network: Of the settings' sizes.
        tensors: As read.
        n_features: By the settings.
        feature_names: By the settings; None where they have none.

    Raises:
        ModelError: If they do not fit.
    """
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    expected |= {"mean": (n_features,), "std": (n_features,)}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{folder}: {name} is {found.get(name, 'missing')} in {WEIGHTS_FILE}, but "
                f"{expected.get(name, 'unknown')} by {SETTINGS_FILE}; save the embedder again"
            )
    n_names = n_features if feature_names is None else len(feature_names)
    if n_names != n_features:
        raise ModelError(f"{folder / SETTINGS_FILE} names {n_names} of {n_features} features; save it again")
    # Mean and spread are not finite where a feature carried nothing; weights always are.
    lost = [name for name in network.state_dict() if not tensors[name].isfinite().all()]
    if lost:
        raise ModelError(f"{folder / WEIGHTS_FILE} has values in {lost[0]} that are not finite; save it again")


def first_line(error: Exception) -> str:
    """Give the first line of an error's message, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
