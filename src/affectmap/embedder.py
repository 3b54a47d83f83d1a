"""The embedder: functionals in, affect space out, with scikit-learn's verbs.

An embedder is kept as a folder of plain files: ``embedder.json`` (settings, feature and label names, versions),
``weights.safetensors`` (network, mean and scale) and ``curves.csv``. Nothing is pickled.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from affectmap.autoencoder import HIDDEN_DIMS, DenoisingAutoencoder
from affectmap.losses import Preset
from affectmap.preprocessing import Statistics, fit_statistics
from affectmap.schema import ConfigError, ModelError
from affectmap.storage import new_folder, write_json
from affectmap.training import TrainedModel, TrainingSettings, TrainingTask, train_stacked

FORMAT = 1
SETTINGS_FILE, WEIGHTS_FILE, CURVES_FILE = "embedder.json", "weights.safetensors", "curves.csv"


class Embedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Denoising autoencoder with the continuous metric loss, as a scikit-learn transformer.

    Without labels it is DAE-Unsupervised; with activation, valence or both it is DAE-Metric-Act, -Val or -Joint.

    Source: Das et al. 2022, eq. 1 to 6 and section 4.

    Args:
        preset: ``paper`` or ``authors-code``.
        hidden_dims: Encoder's hidden layer sizes.
        latent_dim: Dimensions of the embedding, ≥ 1.
        noise_std: σ of the noise on standardised features, ≥ 0.
        weight: λ of eq. 6, ≥ 0.
        epochs: Passes over the data; the preset's if missing (50, or 100).
        batch_size: Utterances a step.
        learning_rate: Adam's; the preset's if missing (1e-3, or 1e-4).
        standardise: Whether to z-score features with the training data's statistics; off if they already are.
        random_state: Seed of weights, order and noise.
        device: ``cpu`` or ``cuda``.

    Attributes:
        statistics_: Mean and standard deviation of every feature, applied before the network.
        network_: The trained :class:`~affectmap.autoencoder.DenoisingAutoencoder`.
        curves_: Learning curves, one row an epoch.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> functionals, activation = rng.normal(size=(60, 88)), rng.uniform(1, 5, size=60)
        >>> embedder = Embedder(epochs=2).fit(functionals, activation)
        >>> embedder.transform(functionals).shape
        (60, 2)
    """

    def __init__(
        self,
        preset: Preset = "paper",
        hidden_dims: tuple[int, ...] = HIDDEN_DIMS,
        latent_dim: int = 2,
        noise_std: float = 1.0,
        weight: float = 1.0,
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float | None = None,
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
            ConfigError: If labels do not fit the features.
            ValueError: If features are not finite numbers in two dimensions (scikit-learn's checks).
        """
        label, self.label_names_ = _checked_labels(y)
        X = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
        if label is not None and len(label) != len(X):
            raise ConfigError(f"{len(label)} labels for {len(X)} utterances; expected one row of labels each")
        n_features = X.shape[1]
        self.statistics_ = fit_statistics(X) if self.standardise else _no_statistics(n_features)
        task = TrainingTask(self.statistics_.apply(X), label, self.weight, self.random_state)
        (trained,) = train_stacked([task], self.training_settings(), device=self.device)
        self.network_, self.curves_ = trained.network, trained.curves
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Place utterances in the affect space.

        Args:
            X: ``(N, F)`` functionals with the columns that were fitted.

        Returns:
            ``(N, latent_dim)`` float32. The axes of one embedding mean nothing by themselves; distances do.
        """
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with torch.no_grad():
            embedding: npt.NDArray[np.float32] = self.network_.encode(
                torch.as_tensor(self.statistics_.apply(X), dtype=torch.float32)
            ).numpy()
        return embedding

    def adapt(self, X: npt.ArrayLike) -> Embedder:
        """Give a copy that standardises with the statistics of other, unlabelled recordings; the network stays.

        Args:
            X: ``(N, F)`` functionals of the corpus, language or speaker to adapt to.

        Returns:
            A new embedder; this one is not changed.
        """
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=np.float32, reset=False, ensure_min_samples=2)
        adapted = Embedder(**self.get_params())
        adapted.__dict__.update(self.__dict__)
        adapted.statistics_ = fit_statistics(X)
        return adapted

    def training_settings(self) -> TrainingSettings:
        """Give the settings of training, with the preset's values where none was set."""
        settings = replace(
            TrainingSettings.of(self.preset),
            hidden_dims=tuple(self.hidden_dims),
            latent_dim=self.latent_dim,
            noise_std=self.noise_std,
            batch_size=self.batch_size,
        )
        chosen = {"epochs": self.epochs, "learning_rate": self.learning_rate}
        return replace(settings, **{name: value for name, value in chosen.items() if value is not None})

    @classmethod
    def of_trained(
        cls,
        trained: TrainedModel,
        statistics: Statistics,
        feature_names: list[str],
        label_names: list[str],
        **params: Any,
    ) -> Embedder:
        """Wrap a model that was trained in a stack, with the statistics of its training fold."""
        embedder = cls(**params)
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
        statistics = {"mean": self.statistics_.mean, "std": self.statistics_.std}
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in statistics.items()}
        tensors |= {name: value.contiguous() for name, value in self.network_.state_dict().items()}
        with new_folder(Path(folder), overwrite=overwrite) as temporary:
            write_json(temporary / SETTINGS_FILE, settings)
            save_file(tensors, temporary / WEIGHTS_FILE)
            self.curves_.to_csv(temporary / CURVES_FILE)

    @classmethod
    def load(cls, folder: Path | str) -> Embedder:
        """Read an embedder that :meth:`save` wrote.

        Raises:
            ModelError: If the folder is missing, damaged, or of a newer version.
        """
        folder = Path(folder)
        settings, tensors, curves = _read_folder(folder)
        try:
            params = {**settings["params"], "hidden_dims": tuple(settings["params"]["hidden_dims"])}
            embedder = cls(**params)
            statistics = Statistics(tensors.pop("mean").numpy(), tensors.pop("std").numpy())
            embedder.network_ = _network(embedder, int(settings["n_features"]))
            embedder.network_.load_state_dict(tensors)
            embedder.label_names_ = settings["label_names"]
            names = settings["feature_names"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{folder}: {SETTINGS_FILE} and {WEIGHTS_FILE} do not fit: {reason}; save it again"
            ) from error
        embedder.statistics_, embedder.curves_ = statistics, curves
        embedder.n_features_in_ = int(settings["n_features"])
        if names is not None:
            embedder.feature_names_in_ = np.asarray(names, dtype=object)
        return embedder


def _checked_labels(y: npt.ArrayLike | None) -> tuple[npt.NDArray[np.float64] | None, list[str]]:
    if y is None:
        return None, []
    if isinstance(y, pd.DataFrame):
        names = [str(column) for column in y.columns]
    else:
        names = [] if getattr(y, "name", None) is None else [str(getattr(y, "name", None))]
    label = np.asarray(y, dtype=np.float64)
    if label.ndim not in (1, 2) or np.isinf(label).any():
        raise ConfigError(f"labels have shape {label.shape}; expected finite numbers or NaN, (N,) or (N, L)")
    return label.reshape(len(label), -1), names


def _no_statistics(n_features: int) -> Statistics:
    return Statistics(np.zeros(n_features), np.ones(n_features))


def _network(embedder: Embedder, n_features: int) -> DenoisingAutoencoder:
    settings = embedder.training_settings()
    return DenoisingAutoencoder(
        n_features, settings.hidden_dims, settings.latent_dim, settings.noise_std, settings.preset
    ).eval()


def _read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor], pd.DataFrame]:
    try:
        settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
        curves = pd.read_csv(folder / CURVES_FILE, index_col="epoch")
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder}: no {Path(error.filename).name}; expected a folder that Embedder.save wrote"
        ) from error
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{folder}: the embedder cannot be read ({reason}); save it again") from error
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise ModelError(
            f"{folder}: {SETTINGS_FILE} is not of format {FORMAT}; it comes from another version of affectmap"
        )
    return settings, tensors, curves
