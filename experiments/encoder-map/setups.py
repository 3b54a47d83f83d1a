"""What is compared on an encoder's features: simple maps, the other recipe, soft prototypes, and small maps of 88."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from affectmap.model.training import TrainingSettings
from affectmap.transfer.settings import ENCODER_RECIPE, Recipe

#: All inputs (means of the encoder's layer, then functionals), or one of the two.
ALL, MEANS, FUNCTIONALS = "all", "means", "functionals"
SINGLE = replace(ENCODER_RECIPE, n_teachers=1)
PAPER = Recipe(training=TrainingSettings(), smoothing=0.0, classes=False, standardised=("corpus",), n_teachers=1)
NETWORK = Recipe(n_teachers=1)
BEST = "soft prototypes"


@dataclass(frozen=True)
class Setup:
    """One row of the tables.

    Attributes:
        name: Name in the tables.
        group: ``line``, ``network``, ``soft``, ``change`` (of soft prototypes) or ``small`` (maps of the 88 alone).
        kind: ``pca``, ``ridge`` and ``features``, which have no seeds; ``network``; ``soft``; ``sum`` of the line and
            soft prototypes; ``student`` of soft prototypes, or of what they say of all rows in ``listener``, which has
            the functionals alone.
        recipe: How it is trained.
        penalty: That of a ridge regression.
        inputs: What it is given.
        n_seeds: Models; ``None`` for as many as the run has.
    """

    name: str
    group: str
    kind: str
    recipe: Recipe = SINGLE
    penalty: float = 10_000.0
    inputs: str = ALL
    n_seeds: int | None = None


def _soft(name: str, *, weight: float = 1.0, **changes: object) -> Setup:
    training = {key: changes.pop(key) for key in list(changes) if key in vars(SINGLE.training)}
    recipe = replace(SINGLE, training=replace(SINGLE.training, **training), weight=weight, **changes)
    return Setup(name, "change", "soft", recipe, n_seeds=2)


def _network(name: str, recipe: Recipe, **training: object) -> Setup:
    return Setup(name, "network", "network", replace(recipe, training=replace(recipe.training, **training)), n_seeds=3)


LINES = (
    Setup("PCA-2", "line", "pca"),
    Setup("ridge, rated corpora", "line", "ridge", replace(SINGLE, classes=False), 3_000.0),
    Setup("ridge, penalty 300", "line", "ridge", penalty=300.0),
    Setup("ridge, penalty 3,000", "line", "ridge", penalty=3_000.0),
    Setup("ridge, penalty 10,000", "line", "ridge"),
    Setup("ridge, penalty 30,000", "line", "ridge", penalty=30_000.0),
    Setup("all features, no map", "line", "features"),
)
NETWORKS = (
    _network("DAE-Metric-Joint", PAPER),
    _network("DAE-Metric-Joint without reconstruction", PAPER, reconstruction=0.0),
    _network("recipe of the 88, one model", NETWORK),
)
SOFT = (
    Setup(BEST, "soft", "soft"),
    Setup("soft prototypes, distilled", "soft", "student", ENCODER_RECIPE, n_seeds=2),
)
#: Soft prototypes with one thing changed.
CHANGES = (
    _soft("class term alone", weight=1e-6),
    _soft("ten times the axis loss", weight=10.0),
    _soft("with the paper's loss", losses="paper+axis"),
    _soft("the paper's loss for the axis loss", losses="paper"),
    _soft("y-aware InfoNCE besides", losses="y-aware-infonce+axis"),
    _soft("noise 1", noise_std=1.0),
    _soft("noise 2", noise_std=2.0),
    _soft("ratings as they are", smoothing=0.0),
    _soft("rated corpora alone", classes=False),
    _soft("standardised by corpus alone", standardised=("corpus",)),
    Setup("means of layer 3 alone", "change", "soft", inputs=MEANS, n_seeds=2),
    Setup("mean with the line", "change", "sum", n_seeds=2),
)
SMALL = (
    Setup("ridge of the 88", "small", "ridge", penalty=300.0, inputs=FUNCTIONALS),
    Setup("recipe of the 88", "small", "network", NETWORK, inputs=FUNCTIONALS, n_seeds=2),
    Setup("soft prototypes of the 88", "small", "soft", inputs=FUNCTIONALS, n_seeds=2),
    Setup("88, taught by soft prototypes of all features", "small", "listener", n_seeds=2),
)
#: What nesting chooses from; these are scored on corpora without ratings, too.
CHOICES = (
    "ridge, penalty 3,000",
    "ridge, penalty 10,000",
    "ridge, penalty 30,000",
    BEST,
    "class term alone",
    "mean with the line",
)


def all_setups() -> Iterator[Setup]:
    """Give every row of the tables once."""
    yield from (*LINES, *NETWORKS, *SOFT, *CHANGES, *SMALL)
