"""The recipe as the settings of a run want it."""

from __future__ import annotations

from dataclasses import replace

from affectmap.errors import UsageError
from affectmap.preparation.config import ExperimentConfig
from affectmap.transfer.recipe import Recipe

#: Settings that the recipe has as well; all are of its teachers.
SHARED = ("noise_std", "hidden_dims", "latent_dim", "epochs", "batch_size", "learning_rate")


def recipe_for(config: ExperimentConfig) -> Recipe:
    """Give the recipe with the settings that were given; what was not is the recipe's own, not the paper's.

    Args:
        config: Settings of a run. A preset and a method other than ``joint`` belong to the paper.

    Returns:
        The recipe.

    Raises:
        UsageError: If such a preset or method is asked for.
        ConfigError: If a value does not fit the recipe.

    Example:
        >>> recipe = recipe_for(ExperimentConfig(source=["emodb=x"], methods=["joint"], noise_std=0.5))
        >>> recipe.training.noise_std, recipe.training.epochs == Recipe().training.epochs
        (0.5, True)
    """
    for name, value, usual in (("method", "+".join(config.methods), "joint"), ("preset", config.preset, "paper")):
        if value != usual:
            raise UsageError(f"{name} {value} is the paper's; add --recipe paper, or leave {name} out")
    given = {name: getattr(config, name) for name in SHARED if name in config.model_fields_set}
    given = {name: value for name, value in given.items() if value is not None}
    recipe = Recipe()
    weight = config.weight if "weight" in config.model_fields_set else recipe.weight
    return replace(recipe, training=replace(recipe.training, **given), weight=weight)
