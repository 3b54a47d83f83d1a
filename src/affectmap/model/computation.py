"""What a model computes of features: a point by its network, ratings and classes by its heads, intervals and flags.

It measures nothing; `affectmap.model.model` brings features here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from affectmap.audio.quality import FLAGS, not_speech
from affectmap.model.correction import Basis, corrected_heads
from affectmap.model.encoder import encode, layer, standardised
from affectmap.model.folder import ModelFolder
from affectmap.model.heads import Heads, half_widths_in_use, open_intervals, probabilities_of
from affectmap.model.listening import Shift, SourceClasses
from affectmap.model.metadata import MEASURED
from affectmap.model.sources import feature_values
from affectmap.preparation.standardisation import Statistics
from affectmap.schema import LABEL_RANGE, Floats, Mask, Objects

if TYPE_CHECKING:
    import pandas as pd


class Computation:
    """The arithmetic of a model; conventions as in `affectmap.model.model`. Threads may share it.

    Args:
        folder: Content of the model's folder, checked.

    Attributes:
        layers: Weight (F, O) and bias (O,) of every layer of the network.
        heads: What gives ratings and probabilities of classes.
        source_classes: What it can listen with; ``None`` for a model that cannot.
        shift: What listening changes; ``None`` for a model that has not listened.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        tensors, outputs = folder.tensors, folder.metadata["outputs"]
        n_layers = sum(name.startswith("encoder.") for name in tensors) // 2
        self.layers = [layer(tensors, f"encoder.{i}") for i in range(n_layers)]
        self.heads = Heads.of_tensors(tensors, outputs, float(folder.metadata.get("temperature", 1.0)))
        classes = tuple(folder.metadata.get("source_classes", ()))
        self.source_classes = SourceClasses.of_tensors(tensors, classes) if classes else None
        self.shift = Shift.of_tensors(tensors, classes)
        self._half_widths = half_widths_in_use(folder.metadata, self.heads.labels)

    @property
    def has_intervals(self) -> bool:
        """Whether ratings come with intervals."""
        return bool(self._half_widths)

    @property
    def statistics(self) -> Statistics:
        """Mean and standard deviation of every feature that are in use."""
        mean, std = (self._folder.tensors[name].astype(np.float64) for name in ("mean", "std"))
        return Statistics(mean, std)

    def checked(self, features: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Give features as an array (N, F) in the model's order.

        Raises:
            ConfigError: If columns are missing or shapes do not fit.
        """
        noun = "functionals" if self._is_measured else "features"
        return feature_values(features, self._folder.metadata["inputs"], noun)

    def embedding(self, values: npt.NDArray[Any], statistics: Statistics | None = None) -> tuple[Floats, Floats]:
        """Run the network alone; see `Model.embedding`."""
        used = statistics or self.statistics
        latent, distance = encode(values, used, self.layers)
        if self.shift is not None:
            latent += self.shift.moved(self._standardised(values, used))
        return latent, distance

    def predictions(
        self, values: Floats, latent: Floats, statistics: Statistics | None = None
    ) -> tuple[Floats, Floats]:
        """Give ratings (N, L) and probabilities of classes (N, C) of features (N, F) and their embedding (N, D)."""
        inputs = self.head_inputs(values, latent, statistics)
        return self.heads.ratings(inputs), self._probabilities(values, inputs, statistics or self.statistics)

    def _probabilities(self, values: Floats, inputs: Floats, statistics: Statistics) -> Floats:
        """Give them by the heads; by what was learned by listening, unless ratings corrected the heads afterwards."""
        if not self.hears_classes:
            return self.heads.probabilities(inputs)
        assert self.shift is not None
        scores = self.shift.scores(self._standardised(values, statistics), self.heads.classes)
        found: Floats = np.where(np.isfinite(inputs[:, :1]), probabilities_of(scores), np.nan)
        return found

    @property
    def hears_classes(self) -> bool:
        """Whether probabilities are those that were learned by listening."""
        is_corrected = "classes" in self._folder.metadata.get("correction", {})
        return self.shift is not None and not is_corrected and set(self.heads.classes) <= set(self.shift.source.classes)

    def head_inputs(self, values: Floats, latent: Floats, statistics: Statistics | None = None) -> Floats:
        """Give what the heads take: the embedding, and the standardised features where ratings corrected them."""
        if "correction" not in self._folder.metadata:
            return latent
        return np.hstack([latent, self._standardised(values, statistics or self.statistics)])

    def _standardised(self, values: Floats, statistics: Statistics) -> Floats:
        """Standardise features; one that is not finite is 0, and the embedding of its row says that it has no value."""
        return np.nan_to_num(standardised(values, statistics), posinf=0.0, neginf=0.0)

    def corrected(self, values: Floats, label: Floats, emotion: Objects) -> ModelFolder:
        """Give the model's folder with heads corrected by ratings (N, 2) and emotions (N,) of features (N, F).

        A row that is unlike all training data, or no speech, plays no part.
        """
        latent, distance = self.embedding(values)
        flags = self._flags(values, distance)
        outside = flags["unfamiliar"] | flags["not_speech"]
        rating, known = np.where(outside[:, None], np.nan, label), emotion.copy()
        known[outside] = None
        basis = Basis(latent, self._standardised(values, self.statistics))
        level = float(self._folder.metadata.get("intervals", {}).get("level", 0.9))
        heads = (
            self._listened_heads() if self.hears_classes and np.isin(known, self.heads.classes).any() else self.heads
        )
        return self._folder.corrected(corrected_heads(heads, basis, rating, known, level))

    def _listened_heads(self) -> Heads:
        """Give heads whose classes are those that were learned by listening, of embedding and standardised features."""
        assert self.shift is not None
        some = [self.shift.source.classes.index(name) for name in self.heads.classes]
        nothing = np.zeros((self.layers[-1][0].shape[1], len(some)))
        weight = np.vstack([nothing, self.shift.weight[:, some]])
        return replace(self.heads, class_weight=weight, class_bias=self.shift.bias[some], temperature=1.0)

    def speech_only(self, values: Floats) -> Floats:
        """Blank the rows that are no speech, so that no statistics are taken from them."""
        return np.where(self._not_speech(values)[:, None], np.nan, values)

    def columns(
        self, values: Floats, statistics: Sequence[Statistics], which: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[Any]]:
        """Embed features (N, F), each row by those of the statistics whose number it has; give columns by name (N,)."""
        names, heads = self._folder.metadata["outputs"]["embedding"], self.heads
        latent, distance = np.full((len(values), len(names)), np.nan), np.full(len(values), np.nan)
        ratings, chances = (np.full((len(values), len(each)), np.nan) for each in (heads.labels, heads.classes))
        for number, each in enumerate(statistics):
            rows = np.flatnonzero(which == number)
            latent[rows], distance[rows] = self.embedding(values[rows], each)
            ratings[rows], chances[rows] = self.predictions(values[rows], latent[rows], each)
        columns = {name: latent[:, i] for i, name in enumerate(names)}
        for label, rating in zip(heads.labels, ratings.T, strict=True):
            columns[label] = rating
            if self._half_widths:
                of_corpus, of_speaker = (widths[label] for widths in self._half_widths)
                half_width = np.where(which > 0, of_speaker, of_corpus)
                columns[f"{label}_low"] = np.clip(rating - half_width, *LABEL_RANGE)
                columns[f"{label}_high"] = np.clip(rating + half_width, *LABEL_RANGE)
        columns |= dict(zip(heads.classes, chances.T, strict=True))
        flags = self._flags(values, distance)
        open_intervals(columns, flags["unfamiliar"] | flags["not_speech"])
        return columns | flags

    @property
    def _is_measured(self) -> bool:
        """Whether its features are some that affectmap measures."""
        return self._folder.metadata["features"] in MEASURED

    def _not_speech(self, values: Floats) -> Mask:
        if not self._is_measured:
            return np.zeros(len(values), dtype=np.bool_)
        return not_speech(values, self._folder.metadata["flags"])

    def _flags(self, values: Floats, distance: Floats) -> dict[str, Mask]:
        flags: dict[str, Mask] = {name: np.zeros(len(values), dtype=np.bool_) for name in FLAGS}
        flags["too_short"] |= np.isnan(values).all(axis=1)
        flags["not_speech"] = self._not_speech(values)
        is_far = distance > self._folder.metadata["flags"]["max_distance"]
        flags["unfamiliar"] = is_far | (np.isnan(distance) & ~flags["too_short"])
        return flags
