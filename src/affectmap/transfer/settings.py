"""Settings of the recipe for unseen corpora, and how settings that a user gives go into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from affectmap.errors import UsageError
from affectmap.model.settings import TrainingSettings
from affectmap.schema import EGEMAPS, WHISPER
from affectmap.settings import CHECKED, Real, Settings, Switch, Whole, fields_of

Teacher = Literal["network", "soft-prototypes"]
#: Seeds of teachers that belong to one seed of `affectmap.transfer.recipe.fit_transfer`.
MOST_TEACHERS = 1000
#: Normalisation that training can see.
STANDARDISED: tuple[Literal["corpus", "speaker"], ...] = ("corpus", "speaker")
#: Settings of the models whose mean is distilled.
TEACHER = TrainingSettings(losses="paper+axis", reconstruction=0.0, epochs=15, schedule="one-cycle")


#: Settings of soft prototypes, whose many weights need more noise.
SOFT_PROTOTYPES = TrainingSettings(
    losses="axis",
    reconstruction=0.0,
    noise_std=1.5,
    epochs=12,
    batch_size=256,
    learning_rate=3e-3,
    schedule="one-cycle",
)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Recipe(Settings):
    """Settings of the recipe; the defaults were found on EMO-DB, URDU and AESDD (``experiments/transfer``).

    Nested leave-one-corpus-out chose these there for one corpus, and others, within .01 of them, for two.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> Recipe().training.losses
        'paper+axis'
    """

    panel: ClassVar[str] = "Recipe"

    teacher: Teacher = Field(
        default="network",
        description="what is distilled: networks of the encoder's shape, or soft prototypes, where the probabilities "
        "of classes mix their places on the map",
    )
    training: TrainingSettings = Field(
        default=TEACHER, description="network, losses and optimiser of the models whose mean is distilled"
    )
    weight: Real = Field(default=1.0, gt=0, description="weight λ of the losses on the latent")
    smoothing: Real = Field(
        default=0.5, ge=0, le=1, description="how far ratings move towards the prototypes of their classes"
    )
    classes: Switch = Field(default=True, description="utterances without ratings take part through their classes")
    drawn: Switch = Field(
        default=False, description="draw these from their class's distribution rather than take its mean"
    )
    standardised: Annotated[tuple[Literal["corpus", "speaker"], ...], Field(min_length=1)] = Field(
        default=STANDARDISED, description="normalisation that training sees: by corpus, by speaker, or both"
    )
    n_teachers: Whole = Field(
        default=10, ge=1, le=MOST_TEACHERS, description="models whose mean is distilled; 1 network is not distilled"
    )
    n_copies: Whole = Field(
        default=10, ge=1, description="copies of the training rows with noise that the last network learns from"
    )

    @property
    def is_distilled(self) -> bool:
        """Whether a network learns from the teachers, rather than the only one being the model."""
        return self.n_teachers > 1 or self.teacher != "network"


#: The recipe for hundreds of features, such as an encoder's; found on those of Whisper base
#: (``experiments/encoder-map``).
ENCODER_RECIPE = Recipe(teacher="soft-prototypes", training=SOFT_PROTOTYPES, n_teachers=3)


def usual_recipe(features: str) -> Recipe:
    """Give the recipe for features of this name, as the setting ``features`` has it.

    Example:
        >>> usual_recipe("egemaps").teacher, usual_recipe("whisper").teacher
        ('network', 'soft-prototypes')
    """
    return ENCODER_RECIPE if features == WHISPER or features.startswith("encoder:") else Recipe()


def recipe_for(given: Mapping[str, Any]) -> Recipe:
    """Give the recipe with the settings that a user gave; what was not given is the recipe's own, not the paper's.

    Args:
        given: Settings by name, as `affectmap.experiment.config.given_settings` collects them. Those of
            `TrainingSettings` go to the teachers; a preset and a method other than ``joint`` belong to the paper.

    Raises:
        UsageError: If such a preset or method is asked for.
        ConfigError: If a value does not fit the recipe.

    Example:
        >>> recipe = recipe_for({"source": ["emodb=x"], "noise_std": 0.5})
        >>> recipe.training.noise_std, recipe.training.epochs == Recipe().training.epochs
        (0.5, True)
    """
    asked = {"method": "+".join(given.get("methods", ["joint"])), "preset": given.get("preset", "paper")}
    for (name, value), usual in zip(asked.items(), ("joint", "paper"), strict=True):
        if value != usual:
            raise UsageError(f"{name} {value} is the paper's; add --recipe paper, or leave {name} out")
    own = {name: value for name, value in given.items() if name in fields_of(TrainingSettings) and value is not None}
    recipe = usual_recipe(str(given.get("features", EGEMAPS)))
    return replace(recipe, training=replace(recipe.training, **own), weight=given.get("weight", recipe.weight))


def student_settings(recipe: Recipe) -> TrainingSettings:
    """Give the settings of the network that learns from teachers."""
    return replace(
        recipe.training,
        losses="axis",
        reconstruction=0.0,
        noise_std=0.0,
        epochs=10,
        batch_size=256,
        learning_rate=2e-3,
        schedule="one-cycle",
        batches="mixed",
    )
