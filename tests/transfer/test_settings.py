"""Settings of a run within the recipe."""

import pytest

from affectmap.errors import ConfigError, UsageError
from affectmap.model.settings import FitSettings
from affectmap.transfer.settings import ENCODER_RECIPE, Recipe, recipe_for


def given(**settings):
    return {"source": ["table:cats=cats.csv"], "methods": ["joint"], **settings}


def test_what_is_not_given_is_the_recipes_own():
    assert recipe_for(given()) == Recipe()
    assert recipe_for(given(epochs=None, learning_rate=None, seed=3, n_jobs=1)) == Recipe()


def test_what_is_given_goes_to_the_teachers():
    chosen = {
        "noise_std": 0.5,
        "hidden_dims": [16, 8],
        "latent_dim": 3,
        "epochs": 7,
        "batch_size": 32,
        "learning_rate": 0.01,
    }
    recipe = recipe_for(given(**chosen, weight=2.0))
    assert vars(recipe.training).items() >= (chosen | {"hidden_dims": (16, 8)}).items()
    assert recipe.weight == 2.0
    assert recipe.training.losses == Recipe().training.losses


@pytest.mark.parametrize("features", ["whisper", "encoder:whisper-base@3"])
def test_an_encoders_features_have_a_recipe_of_their_own(features):
    assert recipe_for(given(features=features)) == ENCODER_RECIPE
    assert recipe_for(given(features=features, epochs=3)).training.epochs == 3
    assert recipe_for(given(features="columns:mean_")) == Recipe()


def test_a_setting_that_equals_the_papers_default_counts_as_given():
    paper = {name: getattr(FitSettings(), name) for name in ("weight", "noise_std", "batch_size", "losses", "epochs")}
    recipe = recipe_for(given(**paper))
    assert recipe.weight == paper.pop("weight")
    assert {name: getattr(recipe.training, name) for name in paper} == paper


@pytest.mark.parametrize("methods", [["valence"], ["unsupervised"], ["activation", "joint"]])
def test_other_methods_are_the_papers(methods):
    with pytest.raises(UsageError, match=f"^method {r'[+]'.join(methods)} is the paper's; add --recipe paper, or"):
        recipe_for(given(methods=methods))


def test_the_authors_code_is_the_papers():
    with pytest.raises(
        UsageError, match=r"^preset authors-code is the paper's; add --recipe paper, or leave preset out"
    ):
        recipe_for(given(preset="authors-code"))


def test_nothing_is_learned_without_a_weight():
    with pytest.raises(ConfigError, match=r"weight is 0\.0; expected a number above 0"):
        recipe_for(given(weight=0.0))
