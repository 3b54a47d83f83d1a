"""The embedder: functionals in, affect space out, with scikit-learn's verbs.

An embedder is kept as a folder of plain files: ``embedder.json`` (settings, feature and label names,
versions), ``weights.safetensors`` (network, mean and scale) and ``curves.csv``. Nothing is pickled.
"""

from __future__ import annotations

import copy
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import save as serialise
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from affectmap.errors import AffectmapError, ConfigError, ModelError
from affectmap.files import new_folder, write_json
from affectmap.model.embedder_folder import (
    CURVES_FILE,
    FORMAT,
    SETTINGS_FILE,
    WEIGHTS_FILE,
    check_tensors,
    first_line,
    read_folder,
)
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.settings import PAPER, Schedule, TrainingSettings
from affectmap.model.training import TrainedModel, TrainingTask, train_stacked
from affectmap.preparation.standardisation import Statistics, fit_statistics
from affectmap.schema import Preset
from affectmap.settings import fields_of

#: Rows that are standardised and embedded at a time.
BLOCK_ROWS = 65_536


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Denoising autoencoder with the continuous metric loss, as a scikit-learn transformer.

    Without labels it is DAE-Unsupervised; with activation, valence or both it is DAE-Metric-Act, -Val or
    -Joint. In a pipeline with a classifier `y` is classes: set `weight` to 0, which trains without labels, or fit
    the embedder on activation and valence first and put ``sklearn.frozen.FrozenEstimator(embedder)`` in.

    Source: Das et al. 2022, eq. 1 to 6 and section 4.

    Args:
        preset: ``paper`` or ``authors-code``.
        hidden_dims: Encoder's hidden layer sizes.
        latent_dim: Dimensions of the embedding, ≥ 1.
        noise_std: σ of the noise on standardised features, ≥ 0.
        weight: λ of eq. 6, ≥ 0; at 0 labels are not even looked at.
        epochs: Passes over the data; the preset's if missing (50, or 100).
        batch_size: Utterances a step.
        learning_rate: Adam's; the preset's if missing (1e-3, or 1e-4).
        losses: Names of `affectmap.losses.LOSSES` joined by ``+``, in place of the preset's own.
        reconstruction: Weight of L_rec, ≥ 0; at 0 only the encoder is trained.
        schedule: Of the learning rate: ``constant`` or ``one-cycle``.
        standardise: Whether to z-score features with the training data's statistics; off if they already are.
        random_state: Seed of weights, order and noise, a whole number ≥ 0.
        device: ``cpu`` or ``cuda``.

    Attributes:
        statistics_: Mean and standard deviation of every feature, applied before the network.
        label_names_: Names of the labels it learned from, where `y` had names.
        network_: The trained `DenoisingAutoencoder`.
        curves_: Learning curves, one row an epoch.
        recipe_: How it was trained if `affectmap.transfer.recipe.fit_transfer` did: sources, settings and class
            prototypes, as plain dictionaries; else ``None``.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> functionals, activation = rng.normal(size=(60, 88)), rng.uniform(1, 5, size=60)
        >>> embedder = Embedder(epochs=2).fit(functionals, activation)
        >>> embedder.transform(functionals).shape
        (60, 2)
    """

    recipe_: dict[str, Any] | None = None

    def __init__(
        self,
        preset: Preset = PAPER.preset,
        hidden_dims: tuple[int, ...] = PAPER.hidden_dims,
        latent_dim: int = PAPER.latent_dim,
        noise_std: float = PAPER.noise_std,
        weight: float = 1.0,
        epochs: int | None = None,
        batch_size: int = PAPER.batch_size,
        learning_rate: float | None = None,
        losses: str = PAPER.losses,
        reconstruction: float = PAPER.reconstruction,
        schedule: Schedule = PAPER.schedule,
        standardise: bool = True,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.preset = preset
        self.hidden_dims = hidden_dims
        self.latent_dim = latent_dim
        self.noise_std = noise_std
        self.weight = weight
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.losses = losses
        self.reconstruction = reconstruction
        self.schedule = schedule
        self.standardise = standardise
        self.random_state = random_state
        self.device = device

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Learn the embedding.

        Args:
            X: ``(N, F)`` functionals, array or table.
            y: ``(N,)`` or ``(N, L)`` labels on 1..5, ``NaN`` where missing; ``None`` for no supervision.

        Returns:
            This embedder.

        Raises:
            ConfigError: If a setting is out of range, or labels are not numbers or do not fit the features.
            ValueError: If features are not finite numbers in two dimensions (scikit-learn's checks).

        Warns:
            UserWarning: If there are labels, but no two utterances that differ in them.
        """
        settings = self.training_settings()
        X = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
        label, label_names = _checked_labels(None if self.weight == 0 else y)
        statistics = fit_statistics(X) if self.standardise else _no_statistics(self.n_features_in_)
        task = TrainingTask(statistics.apply(X), label, self.weight, self.random_state)
        if label is not None:
            _warn_if_nothing_to_learn(label)
        (trained,) = train_stacked([task], settings, device=self.device)
        self.statistics_, self.label_names_ = statistics, label_names
        self.network_, self.curves_ = trained.network, trained.curves
        self.recipe_ = None
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Place utterances in the affect space.

        Args:
            X: ``(N, F)`` functionals with the columns that were fitted.

        Returns:
            ``(N, latent_dim)`` float32. The axes of one embedding mean nothing by themselves; distances do.
        """
        check_is_fitted(self, "network_")
        features: npt.NDArray[np.float32] = validate_data(self, X, dtype=np.float32, reset=False)
        blocks = (features[start : start + BLOCK_ROWS] for start in range(0, len(features), BLOCK_ROWS))
        return np.concatenate([self.network_.embed(self.statistics_.apply(block)) for block in blocks])

    def adapt(self, X: npt.ArrayLike) -> Embedder:
        """Give a copy that standardises with the statistics of other, unlabelled recordings; the network stays.

        Args:
            X: ``(N, F)`` functionals of the corpus, language or speaker to adapt to.

        Returns:
            A new embedder; this one is not changed.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> here, there = rng.normal(size=(60, 88)), rng.normal(5, size=(40, 88))
            >>> embedder = Embedder(epochs=2).fit(here)
            >>> embedder.adapt(there).statistics_.mean.mean().round()
            np.float64(5.0)
        """
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=np.float32, reset=False, ensure_min_samples=2)
        adapted = copy.copy(self)
        adapted.statistics_ = fit_statistics(X)
        return adapted

    def training_settings(self) -> TrainingSettings:
        """Give the settings of training, with the preset's values where none was set.

        Raises:
            ConfigError: If one is out of range.
        """
        chosen = {
            name: value for name, value in self.get_params(deep=False).items() if name in fields_of(TrainingSettings)
        }
        return TrainingSettings(**chosen)

    @classmethod
    def of_trained(
        cls,
        trained: TrainedModel,
        statistics: Statistics,
        feature_names: list[str],
        label_names: list[str],
        settings: TrainingSettings,
        **params: Any,  # noqa: ANN401 (the parameters' own types)
    ) -> Embedder:
        """Wrap a model that was trained in a stack.

        Args:
            trained: The model.
            statistics: Of its training fold's features, ``(F,)``.
            feature_names: Of its features, ``(F,)``.
            label_names: Of the labels it learned from.
            settings: It was trained with.
            **params: Others of the embedder, as in its constructor.

        Returns:
            An embedder that takes raw features.
        """
        known = cls().get_params()
        embedder = cls(**{name: value for name, value in vars(settings).items() if name in known}, **params)
        embedder.statistics_, embedder.label_names_ = statistics, label_names
        embedder.network_, embedder.curves_ = trained.network, trained.curves
        embedder.n_features_in_ = len(feature_names)
        embedder.feature_names_in_ = np.asarray(feature_names, dtype=object)
        return embedder

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write the embedder to a folder, whole or not at all.

        Args:
            folder: To be made; refused if it exists, unless `overwrite` and it was written by affectmap.
            overwrite: Whether to replace an earlier one.

        Raises:
            StorageError: If the folder may not be replaced or cannot be written.

        Example:
            >>> import tempfile
            >>> folder = Path(tempfile.mkdtemp()) / "model"
            >>> features = np.random.default_rng(0).normal(size=(60, 88))
            >>> embedder = Embedder(epochs=2).fit(features)
            >>> embedder.save(folder)
            >>> np.array_equal(Embedder.load(folder).transform(features), embedder.transform(features))
            True
        """
        check_is_fitted(self, "network_")
        names = getattr(self, "feature_names_in_", None)
        settings = {
            "format": FORMAT,
            "params": {**self.get_params(), "hidden_dims": list(self.hidden_dims)},
            "n_features": self.n_features_in_,
            "feature_names": None if names is None else list(names),
            "label_names": self.label_names_,
            "versions": {name: version(name) for name in ("affectmap", "torch")},
        }
        settings |= {} if self.recipe_ is None else {"recipe": self.recipe_}
        statistics = {"mean": self.statistics_.mean, "std": self.statistics_.std}
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in statistics.items()}
        tensors |= {name: value.contiguous() for name, value in self.network_.state_dict().items()}
        with new_folder(Path(folder), overwrite=overwrite) as temporary:
            write_json(temporary / SETTINGS_FILE, settings)
            # Written here: a full disk is then told as one, which safetensors' own writer does not.
            (temporary / WEIGHTS_FILE).write_bytes(serialise(tensors))
            self.curves_.to_csv(temporary / CURVES_FILE)

    @classmethod
    def load(cls, folder: Path | str) -> Embedder:
        """Read an embedder that `save` wrote.

        Raises:
            ModelError: If the folder is missing, damaged, or of a newer version.
        """
        folder = Path(folder)
        settings, tensors, curves = read_folder(folder)
        try:
            embedder = cls(**settings["params"] | {"hidden_dims": tuple(settings["params"]["hidden_dims"])})
            embedder.n_features_in_ = int(settings["n_features"])
            embedder.label_names_ = [str(name) for name in settings["label_names"]]
            embedder.recipe_ = settings.get("recipe")
            names = settings["feature_names"]
            if names is not None:
                embedder.feature_names_in_ = np.asarray([str(name) for name in names], dtype=object)
            network = _network(embedder)
        except (AffectmapError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{folder / SETTINGS_FILE} is damaged ({type(error).__name__}: {first_line(error)}); save it again"
            ) from error
        feature_names = getattr(embedder, "feature_names_in_", None)
        check_tensors(folder, network, tensors, embedder.n_features_in_, feature_names)
        embedder.statistics_ = Statistics(tensors.pop("mean").numpy(), tensors.pop("std").numpy())
        network.load_state_dict(tensors)
        embedder.network_, embedder.curves_ = network, curves
        return embedder

    @property
    def _n_features_out(self) -> int:
        # scikit-learn's mixin makes the names of the output's columns from it.
        return int(cast(torch.nn.Linear, self.network_.encoder[-1]).out_features)

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that the output is float32 whatever comes in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _checked_labels(y: npt.ArrayLike | None) -> tuple[npt.NDArray[np.float64] | None, list[str]]:
    if y is None:
        return None, []
    names = list(y.columns) if isinstance(y, pd.DataFrame) else [getattr(y, "name", None)]
    try:
        found = y.to_numpy(na_value=np.nan) if isinstance(y, (pd.DataFrame, pd.Series)) else np.asarray(y)
        if np.iscomplexobj(found):
            raise TypeError("they are complex")
        label = found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"labels are not numbers ({first_line(error)}); expected activation, valence or both, or set weight to 0"
        ) from error
    if label.ndim == 1:
        label = label[:, None]
    return label, [str(name) for name in names if name is not None]


def _warn_if_nothing_to_learn(label: npt.NDArray[np.float64]) -> None:
    complete = label[~np.isnan(label).any(axis=1)]
    if len(np.unique(complete, axis=0)) < 2:
        # Level 3 is the caller of fit.
        warnings.warn(
            f"{len(complete)} of {len(label)} utterances have all labels, and no two differ: training without labels",
            UserWarning,
            stacklevel=3,
        )


def _no_statistics(n_features: int) -> Statistics:
    return Statistics(np.zeros(n_features), np.ones(n_features))


def _network(embedder: Embedder) -> DenoisingAutoencoder:
    settings = embedder.training_settings()
    return DenoisingAutoencoder(
        embedder.n_features_in_,
        settings.hidden_dims,
        settings.latent_dim,
        settings.noise_std,
        settings.preset,
        torch.Generator(),  # weights are replaced at once, and the caller's global generator is left alone
    ).eval()
