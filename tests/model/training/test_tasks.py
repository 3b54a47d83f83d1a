"""Settings and tasks refuse what cannot be trained, in one line."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.model.training import TrainingSettings, TrainingTask
from affectmap.model.training.tasks import check_together

WHOLE = "expected a whole number of 1 or more"


def features(*shape):
    return np.zeros(shape, dtype=np.float32)


def test_defaults_are_the_paper_s():
    settings = TrainingSettings()
    assert settings == TrainingSettings(preset="paper")
    assert (settings.epochs, settings.batch_size, settings.learning_rate) == (50, 64, 1e-3)
    assert (settings.hidden_dims, settings.latent_dim, settings.noise_std) == ((40, 20, 10), 2, 1.0)


def test_authors_code_brings_its_own_epochs_and_learning_rate():
    settings = TrainingSettings(preset="authors-code")
    assert (settings.preset, settings.epochs, settings.learning_rate) == ("authors-code", 100, 1e-4)
    assert settings == replace(TrainingSettings(), preset="authors-code", epochs=100, learning_rate=1e-4)


def test_chosen_values_come_before_the_preset_s():
    settings = TrainingSettings(preset="authors-code", epochs=7, learning_rate=None, latent_dim=4)
    assert (settings.epochs, settings.learning_rate, settings.latent_dim) == (7, 1e-4, 4)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("preset", "papers", r"preset is 'papers'; expected one of paper, authors-code"),
        ("preset", None, "preset is None"),
        ("epochs", 0, f"epochs is 0; {WHOLE}"),
        ("epochs", 2.5, f"epochs is 2.5; {WHOLE}"),
        ("epochs", True, f"epochs is True; {WHOLE}"),
        ("epochs", "50", f"epochs is '50'; {WHOLE}"),
        ("latent_dim", 0, f"latent_dim is 0; {WHOLE}"),
        ("latent_dim", None, f"latent_dim is None; {WHOLE}"),
        ("batch_size", 0, f"batch_size is 0; {WHOLE}"),
        ("batch_size", -64, f"batch_size is -64; {WHOLE}"),
        ("hidden_dims", (40, 0), rf"hidden_dims\[1\] is 0; {WHOLE}"),
        ("hidden_dims", (40, 20.0), rf"hidden_dims\[1\] is 20.0; {WHOLE}"),
        ("hidden_dims", 40, f"hidden_dims is 40; expected a list, each item a{WHOLE[10:]}"),
        ("hidden_dims", "40", "hidden_dims is '40'; expected a list, each item a whole number"),
        ("noise_std", -0.1, "noise_std is -0.1; expected a number of 0 or more"),
        ("noise_std", float("nan"), "noise_std is nan; expected a number of 0 or more"),
        ("noise_std", None, "noise_std is None; expected a number of 0 or more"),
        ("learning_rate", 0, "learning_rate is 0; expected a number above 0"),
        ("learning_rate", -1e-3, "learning_rate is -0.001; expected a number above 0"),
        ("learning_rate", float("inf"), "learning_rate is inf; expected a number above 0"),
        ("learning_rate", "1e-3", "learning_rate is '1e-3'; expected a number above 0"),
    ],
)
def test_settings_out_of_range(field, value, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        TrainingSettings(**{field: value})
    assert "\n" not in str(error.value)


def test_settings_take_numpy_s_numbers_and_lists():
    settings = TrainingSettings(
        epochs=np.int64(3), noise_std=np.float32(0), learning_rate=np.float64(0.1), hidden_dims=[4, np.int32(3)]
    )
    assert settings.hidden_dims == (4, 3)
    assert hash(settings) == hash(replace(settings))
    assert TrainingSettings(hidden_dims=()).hidden_dims == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"features": features(0, 88)}, "a model has no utterances to train on; check the folds and the emotions"),
        ({"features": features(5, 0)}, r"features have shape \(5, 0\); expected \(N, F\)"),
        ({"features": features(5)}, r"features have shape \(5,\); expected \(N, F\)"),
        ({"features": np.full((2, 2), np.nan)}, "features are not all finite"),
        ({"features": np.array([[1.0, np.inf]])}, "features are not all finite"),
        ({"label": np.ones(5)}, r"labels have shape \(5,\); expected \(5, L\), one row an utterance"),
        ({"label": np.ones((4, 1))}, r"labels have shape \(4, 1\); expected \(5, L\)"),
        ({"label": np.ones((5, 0))}, r"labels have shape \(5, 0\); expected \(5, L\)"),
        ({"label": np.full((5, 1), np.inf)}, "labels are infinite in places; expected finite numbers, or NaN"),
        ({"weight": -1.0}, "weight is -1.0; expected a number of 0 or more"),
        ({"weight": float("nan")}, "weight is nan; expected a number of 0 or more"),
        ({"weight": "1"}, "weight is '1'; expected a number of 0 or more"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 9223372036854775807"),
        ({"seed": 2**63}, "seed is 9223372036854775808; expected a whole number from 0 to"),
        ({"seed": None}, "seed is None; expected a whole number from 0 to"),
    ],
)
def test_tasks_that_cannot_be_trained(values, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        TrainingTask(**{"features": features(5, 88), "label": None} | values)
    assert "\n" not in str(error.value)


def test_number_of_labels_in_the_metric_term():
    label = np.ones((5, 2))
    assert TrainingTask(features(5, 88), label).n_labels == 2
    assert TrainingTask(features(5, 88), label, weight=0).n_labels == 0
    assert TrainingTask(features(5, 88), None).n_labels == 0
    assert TrainingTask(features(5, 88), np.ones((5, 1), dtype=int), seed=2**63 - 1).n_labels == 1


def test_seed_of_numpy_becomes_one_that_pytorch_takes():
    task = TrainingTask(features(5, 88), None, seed=np.int32(3))
    assert torch.Generator().manual_seed(task.seed).initial_seed() == 3


def test_widths_must_agree():
    tasks = [TrainingTask(features(5, width), None) for width in (88, 12, 88)]
    with pytest.raises(ConfigError, match=r"models of one stack have \[12, 88\] features; expected one number"):
        check_together(tasks, TrainingSettings(), "cpu")


def test_authors_code_splits_the_latent_by_label():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    check_together([task], TrainingSettings(preset="paper", latent_dim=1), "cpu")
    settings = TrainingSettings(preset="authors-code", latent_dim=1)
    check_together([replace(task, weight=0)], settings, "cpu")
    with pytest.raises(ConfigError, match="1 dimensions do not do for 2 labels; give it at least 2"):
        check_together([task], settings, "cpu")


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:9", "", None, 0])
def test_other_devices(device):
    with pytest.raises(ConfigError, match=f"device is {device!r}; expected 'cpu' or 'cuda'"):
        check_together([], TrainingSettings(), device)


def test_cuda_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="PyTorch finds no CUDA device here; use 'cpu'"):
        check_together([], TrainingSettings(), "cuda")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"losses": "papers"}, r"losses is 'papers'; expected names joined by '\+', each once, of .*paper, "),
        ({"losses": "axis+axis"}, "losses is 'axis\\+axis'; expected names"),
        ({"losses": "linear-head"}, "losses is 'linear-head'; expected names"),
        ({"losses": None}, "losses is None; expected a text"),
        ({"losses": "axis", "preset": "authors-code"}, "losses is 'axis'; authors-code is a loss itself"),
        ({"schedule": "cosine"}, r"schedule is 'cosine'; expected one of constant, one-cycle"),
        ({"batches": "by-corpus"}, r"batches is 'by-corpus'; expected one of mixed, by-group"),
        ({"reconstruction": -1.0}, "reconstruction is -1.0; expected a number of 0 or more"),
    ],
)
def test_settings_beyond_the_paper_are_checked(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainingSettings(**values)


def test_axis_loss_needs_an_axis_for_every_label():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    with pytest.raises(ConfigError, match="2 labels need as many latent axes; got 1"):
        check_together([task], TrainingSettings(losses="paper+axis", latent_dim=1), "cpu")


def test_batches_by_group_need_groups():
    task = TrainingTask(features(5, 88), np.ones((5, 2)))
    with pytest.raises(ConfigError, match="batches by-group need the group of every utterance; a task has none"):
        check_together([task], TrainingSettings(batches="by-group"), "cpu")
    with pytest.raises(ConfigError, match=r"groups have shape \(4,\); expected \(5,\), one an utterance"):
        replace(task, group=np.zeros(4, dtype=int))
