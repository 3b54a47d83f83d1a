"""What is compared: the paper's methods, simple maps, the recipe, and the recipe with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from affectmap.model.training import TrainingSettings
from affectmap.transfer.settings import Recipe

PAPER = Recipe(training=TrainingSettings(), smoothing=0.0, classes=False, standardised=("corpus",), n_teachers=1)
RECIPE = Recipe()
SINGLE = replace(RECIPE, n_teachers=1)


@dataclass(frozen=True)
class Setup:
    """One row of the tables.

    Attributes:
        name: Name in the tables.
        group: ``simple``, ``paper``, ``recipe``, ``change`` or ``sees target``.
        recipe: How it is trained.
        kind: ``network``; ``ridge``, ``pca`` or ``functionals``, which have no seeds; ``mean`` or ``student`` of as
            many networks as the recipe has teachers.
        labels: Which of activation and valence it is given.
        aligned: ``coral``: sources get the target's correlations; ``latent``: the embeddings of the sources together,
            and of the target, are standardised; ``unlabelled``: the target's recordings are in the reconstruction.
    """

    name: str
    group: str
    recipe: Recipe = SINGLE
    kind: str = "network"
    labels: tuple[int, ...] = (0, 1)
    aligned: str = ""


def _changed(name: str, *, group: str = "change", aligned: str = "", **changes: object) -> Setup:
    """Give the single model of the recipe with fields of the recipe or of its training changed."""
    training = {key: changes.pop(key) for key in list(changes) if key in vars(RECIPE.training)}
    recipe = replace(SINGLE, training=replace(SINGLE.training, **training), **changes)
    return Setup(name, group, recipe, aligned=aligned)


SIMPLE = (
    Setup("PCA-2", "simple", PAPER, "pca"),
    Setup("ridge, rated corpora", "simple", PAPER, "ridge"),
    Setup("ridge, recipe's corpora and labels", "simple", SINGLE, "ridge"),
    Setup("88 functionals, rated corpora", "simple", PAPER, "functionals"),
    Setup("88 functionals, all corpora", "simple", SINGLE, "functionals"),
)
DAE = (
    Setup("DAE-Unsupervised", "paper", PAPER, labels=()),
    Setup("DAE-Metric-Act", "paper", PAPER, labels=(0,)),
    Setup("DAE-Metric-Val", "paper", PAPER, labels=(1,)),
    Setup("DAE-Metric-Joint", "paper", PAPER),
)
OURS = (
    Setup("recipe, one model", "recipe"),
    Setup("recipe, mean of 10", "recipe", RECIPE, "mean"),
    Setup("recipe", "recipe", RECIPE, "student"),
)
#: The recipe with one thing changed; those of the first tuple are what nesting chooses from.
CHOICES = (
    Setup("recipe, one model", "change"),
    _changed("rated corpora alone", classes=False),
    _changed("ratings as they are", smoothing=0.0),
    _changed("prototypes alone", smoothing=1.0),
    _changed("without the paper's loss", losses="axis"),
    _changed("without the axis loss", losses="paper"),
    _changed("with reconstruction", reconstruction=1.0),
    _changed("standardised by corpus alone", standardised=("corpus",)),
    _changed("noise 2", noise_std=2.0),
)
FURTHER = (
    _changed("50 epochs, constant rate", epochs=50, schedule="constant"),
    _changed("noise .5", noise_std=0.5),
    _changed("classes drawn from their spread", drawn=True),
    _changed("pairs within a corpus", batches="by-group"),
    _changed("batches of 256", batch_size=256),
    _changed("latent of 3", latent_dim=3),
    _changed("latent of 16", latent_dim=16),
    _changed("one hidden layer of 64", hidden_dims=(64,)),
    _changed("Rank-N-Contrast for the paper's loss", losses="rank-n-contrast+axis"),
)
ALIGNED = (
    _changed("CORAL", group="sees target", aligned="coral"),
    _changed("latent standardised", group="sees target", aligned="latent"),
    _changed("target in the reconstruction", group="sees target", aligned="unlabelled", reconstruction=1.0),
)


def all_setups() -> Iterator[Setup]:
    """Give every row of the tables once."""
    yield from (*SIMPLE, *DAE, *OURS, *CHOICES[1:], *FURTHER, *ALIGNED)
