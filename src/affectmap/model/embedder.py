"""The embedder: a model that is fitted on data, with scikit-learn's verbs. PyTorch is imported by fitting alone."""

from __future__ import annotations

import copy
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from affectmap.documents import first_line
from affectmap.errors import ConfigError, ModelError
from affectmap.model.folder import METADATA_FILE, ModelFolder, read_model_folder
from affectmap.model.heads import fit_heads
from affectmap.model.metadata import new_metadata
from affectmap.model.model import Model
from affectmap.model.settings import PAPER, Schedule, TrainingSettings
from affectmap.model.tensors import Array
from affectmap.preparation.standardisation import PRIOR, Statistics, fit_statistics
from affectmap.schema import FUNCTIONALS, LABELS, Floats, Preset
from affectmap.settings import fields_of, shortened

if TYPE_CHECKING:
    from affectmap.model.network import DenoisingAutoencoder
    from affectmap.model.training import TrainedModel


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
        schedule: Schedule of the learning rate: ``constant`` or ``one-cycle``.
        standardise: Whether to z-score features with the training data's statistics; off if they already are.
        random_state: Seed of weights, order and noise, a whole number ≥ 0.
        device: ``cpu`` or ``cuda``.

    Attributes:
        model_: The trained model in NumPy, which transforms, adapts and is saved; `affectmap.model.model.Model`. Labels
            that are named activation or valence give it heads.
        statistics_: Mean and standard deviation of every feature, applied before the network.
        label_names_: Names of the labels it learned from, where `y` had names.
        network_: The trained `DenoisingAutoencoder`, built anew; it needs PyTorch.
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
        from affectmap.model.training import TrainingTask, train_stacked

        settings = self.training_settings()
        X = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
        label, label_names = _checked_labels(None if self.weight == 0 else y)
        statistics = fit_statistics(X) if self.standardise else _no_statistics(self.n_features_in_)
        task = TrainingTask(statistics.apply(X), label, self.weight, self.random_state)
        if label is not None:
            _warn_if_nothing_to_learn(label)
        (trained,) = train_stacked([task], settings, device=self.device)
        self.model_ = self._model(trained, statistics, label_names)
        if label is not None and label_names and set(label_names) <= set(LABELS):
            rating = np.full((len(label), len(LABELS)), np.nan)
            rating[:, [LABELS.index(name) for name in label_names]] = label
            self.model_ = self.model_.with_heads(fit_heads(self.model_.embedding(X)[0], rating))
        return self

    def _model(
        self,
        trained: TrainedModel,
        statistics: Statistics,
        label_names: list[str],
        **training: Any,  # noqa: ANN401
    ) -> Model:
        """Give the model of what was trained."""
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            names = FUNCTIONALS if self.n_features_in_ == len(FUNCTIONALS) else range(self.n_features_in_)
        tensors: dict[str, Array] = {"mean": statistics.mean, "std": statistics.std, **trained.network.arrays()}
        metadata = new_metadata([str(name) for name in names], int(self.latent_dim))
        method = {"latent_dim": int(self.latent_dim), "weight": float(self.weight), "labels": label_names}
        metadata["training"] = {**training, **method}
        if "recipe" in training:
            metadata["units"]["embedding"] = "points of the scale from its middle, 3; first activation, then valence"
        metadata["estimator"] = {
            "params": {**self.get_params(), "hidden_dims": list(self.hidden_dims)},
            "has_names": hasattr(self, "feature_names_in_"),
            "torch": version("torch"),
        }
        card = "# unnamed\n\nNothing was measured on this model: it has no card.\n"
        return Model(ModelFolder(tensors, metadata, card, trained.curves.to_csv()))

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Embed utterances.

        Args:
            X: ``(N, F)`` functionals with the columns that were fitted.

        Returns:
            ``(N, latent_dim)`` float32, as `affectmap.model.model.Model.transform` gives it. The axes of one embedding
            mean nothing by themselves; distances do.
        """
        check_is_fitted(self, "model_")
        features = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        with np.errstate(over="ignore"):
            embedding: npt.NDArray[np.float32] = self.model_.embedding(features)[0].astype(np.float32)
        return embedding

    def adapt(self, X: npt.ArrayLike, *, prior: float = PRIOR) -> Embedder:
        """Give a copy that standardises with the statistics of other, unlabelled recordings; the network stays.

        Args:
            X: ``(N, F)`` functionals of the corpus, language or speaker to adapt to; what plays no part, and what else
                happens, is said at `affectmap.model.model.Model.adapt`, which does it.
            prior: How many utterances this embedder's own statistics count for.

        Returns:
            A new embedder; this one is not changed.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> here, there = rng.normal(size=(60, 88)), rng.normal(5, size=(40, 88))
            >>> embedder = Embedder(epochs=2).fit(here)
            >>> embedder.adapt(there).statistics_.mean.mean().round()
            np.float64(4.0)
        """
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_all_finite=False)
        adapted = copy.copy(self)
        adapted.model_ = self.model_.adapt(X, prior=prior)
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
        *,
        recipe: dict[str, Any] | None = None,
        **params: Any,  # noqa: ANN401 (the parameters' own types)
    ) -> Embedder:
        """Wrap a model that was trained in a stack.

        Args:
            trained: The model.
            statistics: Statistics of its training fold's features, ``(F,)``.
            feature_names: Names of its features, ``(F,)``.
            label_names: Names of the labels it learned from.
            settings: It was trained with.
            recipe: How it was trained, for `recipe_`.
            **params: Others of the embedder, as in its constructor.

        Returns:
            An embedder that takes raw features.
        """
        known = cls().get_params()
        embedder = cls(**{name: value for name, value in vars(settings).items() if name in known}, **params)
        embedder.n_features_in_ = len(feature_names)
        embedder.feature_names_in_ = np.asarray(feature_names, dtype=object)
        more = {} if recipe is None else {"recipe": recipe}
        embedder.model_ = embedder._model(trained, statistics, label_names, **more)
        return embedder

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write the folder of the model, which every command and `affectmap.load_model` take; see `Model.save`.

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
        check_is_fitted(self, "model_")
        self.model_.save(folder, overwrite=overwrite)

    @classmethod
    def load(cls, folder: Path | str) -> Embedder:
        """Read the folder of a model, without PyTorch.

        Raises:
            ModelError: If the folder is missing, damaged, or of another format.
        """
        content = read_model_folder(Path(folder))
        model, estimator = Model(content), content.metadata.get("estimator") or {}
        try:
            params = dict(estimator["params"])
            hidden_dims = tuple(int(size) for size in params.pop("hidden_dims"))
            embedder = cls(**params, hidden_dims=hidden_dims)
            for name in ("weight", "standardise", "random_state", "device"):  # others are checked as settings below
                kind, value = type(getattr(cls(), name)), getattr(embedder, name)
                if type(value) not in (kind, int if kind is float else kind):
                    raise ConfigError(f"{name} is {shortened(value)}; expected {kind.__name__}")
            if [*hidden_dims, embedder.latent_dim] != [len(bias) for _, bias in model.layers]:
                raise ConfigError(f"layers of {hidden_dims} and {embedder.latent_dim} are not those of the weights")
            cls(**params | {"losses": ""}, hidden_dims=hidden_dims).training_settings()  # names of losses bring PyTorch
            embedder.n_features_in_ = len(model.inputs)
            if estimator["has_names"]:
                embedder.feature_names_in_ = np.asarray(model.inputs, dtype=object)
            embedder.model_ = model
            embedder.label_names_, embedder.curves_  # noqa: B018 (read, to see that they can be)
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise ModelError(
                f"{Path(folder) / METADATA_FILE} does not describe an embedder ({reason}); train it again"
            ) from error
        return embedder

    @property
    def statistics_(self) -> Statistics:
        """Mean and standard deviation of every feature."""
        return self._fitted().statistics

    @property
    def label_names_(self) -> list[str]:
        """Names of the labels it learned from."""
        return [str(name) for name in self._fitted().metadata["training"]["labels"]]

    @property
    def recipe_(self) -> dict[str, Any] | None:
        """How `affectmap.transfer.recipe.fit_transfer` trained it, if it did."""
        recipe: dict[str, Any] | None = self._fitted().metadata["training"].get("recipe")
        return recipe

    @property
    def curves_(self) -> pd.DataFrame:
        """Learning curves, one row an epoch."""
        return self._fitted().curves

    @property
    def network_(self) -> DenoisingAutoencoder:
        """The trained network."""
        from affectmap.model.network import DenoisingAutoencoder

        return DenoisingAutoencoder.of_arrays(self._fitted().folder.tensors, self.noise_std, self.preset)

    def _fitted(self) -> Model:
        if "model_" not in vars(self):  # an attribute that is not there yet, to scikit-learn
            raise AttributeError(f"this {type(self).__name__} is not fitted")
        model: Model = self.model_
        return model

    @property
    def _n_features_out(self) -> int:
        # scikit-learn's mixin makes the names of the output's columns from it.
        return len(self.model_.metadata["outputs"]["embedding"])

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that the output is float32 whatever comes in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _checked_labels(y: npt.ArrayLike | None) -> tuple[Floats | None, list[str]]:
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


def _warn_if_nothing_to_learn(label: Floats) -> None:
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
