"""Settings of the network and its training, declared once: options, pages and the embedder take them from here."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic.dataclasses import dataclass

from affectmap.model import MAX_LAYERS, MAX_WIDTH
from affectmap.schema import Preset
from affectmap.settings import CHECKED, Real, Settings, Whole

Schedule = Literal["constant", "one-cycle"]
Batching = Literal["mixed", "by-group"]

#: Names of `affectmap.losses.LOSSES`, which loads PyTorch, without the head whose weights are its user's to train.
LOSS_NAMES = (
    "authors-code", "axis", "distance-correlation", "elr", "f-similarity", "log-ratio", "ordinal-triplet", "pair-ccc",
    "pair-pearson", "paper", "rank-n-contrast", "ranksim", "sammon", "split-latent", "stress", "y-aware-infonce",
)  # fmt: skip
#: What a preset sets besides the form of loss and decoder, where nothing else is given.
PRESETS: dict[str, dict[str, Any]] = {"paper": {}, "authors-code": {"epochs": 100, "learning_rate": 1e-4}}


def _known_losses(losses: str, info: ValidationInfo) -> str:
    names = losses.split("+") if losses else []
    if not set(names) <= set(LOSS_NAMES) or len(set(names)) < len(names):
        raise ValueError(f"losses is {losses!r}; expected names joined by '+', each once, of {', '.join(LOSS_NAMES)}")
    if names and info.data.get("preset") == "authors-code":
        raise ValueError(f"losses is {losses!r}; authors-code is a loss itself, leave one of the two out")
    return losses


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TrainingSettings(Settings):
    """What all models of one stack share; the defaults are the paper's (Das et al. 2022, section 4).

    Example:
        >>> TrainingSettings().epochs, TrainingSettings(preset="authors-code").epochs
        (50, 100)
    """

    panel: ClassVar[str] = "Network and training"

    preset: Preset = Field(
        default="paper", description="form of loss and decoder: the paper's, or that of the code its authors released"
    )
    hidden_dims: tuple[Annotated[Whole, Field(ge=1, le=MAX_WIDTH)], ...] = Field(
        default=(40, 20, 10), max_length=MAX_LAYERS - 1, description="sizes of the encoder's hidden layers"
    )
    latent_dim: Whole = Field(default=2, ge=1, le=MAX_WIDTH, description="size of the latent")
    noise_std: Real = Field(default=1.0, ge=0, description="standard deviation σ of the noise on standardised features")
    epochs: Whole = Field(default=50, ge=1, description="passes over the data")
    batch_size: Whole = Field(default=64, ge=1, description="utterances a step")
    learning_rate: Real = Field(default=1e-3, gt=0, description="learning rate of Adam")
    losses: Annotated[str, AfterValidator(_known_losses)] = Field(
        default="", description="losses on the latent in place of the preset's own, joined by +, as in paper+axis"
    )
    reconstruction: Real = Field(
        default=1.0, ge=0, description="weight of the reconstruction loss; at 0 the decoder is not trained"
    )
    schedule: Schedule = Field(
        default="constant",
        description="learning rate: constant, or rising to its value and falling to nothing (Smith and Topin 2019)",
    )
    batches: Batching = Field(
        default="mixed", description="rows of a batch: mixed, or of one corpus, so that pairs lie within a corpus"
    )

    @classmethod
    def _completed(cls, values: dict[str, Any]) -> dict[str, Any]:
        preset = PRESETS.get(values.get("preset", "paper"), {})
        # None means not set, as in an `Embedder`, for what a preset may set.
        chosen = {name: value for name, value in values.items() if value is not None or name not in _OF_PRESETS}
        return preset | chosen

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses on the latent that are added up.

        Example:
            >>> TrainingSettings().loss_names, TrainingSettings(losses="paper+axis").loss_names
            (('paper',), ('paper', 'axis'))
        """
        return tuple(self.losses.split("+")) if self.losses else (self.preset,)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class FitSettings(TrainingSettings):
    """What the training of one model needs besides."""

    weight: Real = Field(default=1.0, ge=0, description="weight λ of the losses on the latent (eq. 6)")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where to train")


_OF_PRESETS = {name for values in PRESETS.values() for name in values}
#: The paper's settings, from which the defaults of functions and estimators come.
PAPER = TrainingSettings()
