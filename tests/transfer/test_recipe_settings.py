"""Settings of a run within the recipe."""

import pytest

from affectmap.errors import ConfigError, UsageError
from affectmap.preparation.config import ExperimentConfig
from affectmap.transfer.recipe import Recipe
from affectmap.transfer.recipe_settings import SHARED, recipe_for


def config(**settings):
    return ExperimentConfig(source=["table:cats=cats.csv"], **{"methods": ["joint"], **settings})


def test_what_is_not_given_is_the_recipes_own():
    assert recipe_for(config()) == Recipe()
    assert recipe_for(config(epochs=None, learning_rate=None, seed=3, n_jobs=1)) == Recipe()


def test_what_is_given_goes_to_the_teachers():
    given = {
        "noise_std": 0.5,
        "hidden_dims": [16, 8],
        "latent_dim": 3,
        "epochs": 7,
        "batch_size": 32,
        "learning_rate": 0.01,
    }
    assert set(given) == set(SHARED)
    recipe = recipe_for(config(**given, weight=2.0))
    assert vars(recipe.training).items() >= (given | {"hidden_dims": (16, 8)}).items()
    assert recipe.weight == 2.0
    assert recipe.training.losses == Recipe().training.losses


def test_a_setting_that_equals_the_papers_default_counts_as_given():
    paper = {name: ExperimentConfig.model_fields[name].default for name in ("weight", "noise_std", "batch_size")}
    recipe = recipe_for(config(**paper))
    assert (recipe.weight, recipe.training.noise_std, recipe.training.batch_size) == tuple(paper.values())


@pytest.mark.parametrize("methods", [["valence"], ["unsupervised"], ["activation", "joint"]])
def test_other_methods_are_the_papers(methods):
    with pytest.raises(UsageError, match=f"^method {r'[+]'.join(methods)} is the paper's; add --recipe paper, or"):
        recipe_for(config(methods=methods))


def test_the_authors_code_is_the_papers():
    with pytest.raises(
        UsageError, match=r"^preset authors-code is the paper's; add --recipe paper, or leave preset out"
    ):
        recipe_for(config(preset="authors-code"))


def test_nothing_is_learned_without_a_weight():
    with pytest.raises(ConfigError, match=r"weight is 0\.0; expected a number above 0"):
        recipe_for(config(weight=0.0))
