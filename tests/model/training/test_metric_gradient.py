import pytest
import torch

from affectmap.losses import LOSSES
from affectmap.model.training import TrainingSettings
from affectmap.model.training.metric_gradient import metric_gradient
from affectmap.model.training.workspace import Workspace

PRESETS = ("paper", "authors-code")


@pytest.fixture
def space():
    return Workspace("cpu", torch.float64)


def of(losses):
    return TrainingSettings(preset=losses) if losses in PRESETS else TrainingSettings(losses=losses)


def batch(n_models=3, n_rows=9, latent_dim=2, n_labels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(n_models, n_rows, latent_dim, generator=generator, dtype=torch.float64)
    label = torch.randint(2, 11, (n_models, n_rows, n_labels), generator=generator).double() / 2
    weight = torch.linspace(0.5, 2.0, n_models, dtype=torch.float64)
    return latent, label, weight


def automatic(latent, label, present, weight, preset):
    """Loss by loss, with automatic differentiation."""
    gradients, values = [], []
    for k in range(len(latent)):
        leaf = latent[k].clone().requires_grad_()
        asked = label[k].clone()
        asked[present[k] == 0] = torch.nan
        value = sum(LOSSES[name]()(leaf, asked) for name in of(preset).loss_names)
        gradients.append(torch.autograd.grad(weight[k] * value, leaf)[0])
        values.append(value.detach())
    return torch.stack(gradients), torch.stack(values)


@pytest.mark.parametrize("preset", [*PRESETS, "axis", "paper+axis", "rank-n-contrast+paper", "stress"])
@pytest.mark.parametrize(("latent_dim", "n_labels"), [(2, 1), (2, 2), (5, 2)])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_equals_automatic_differentiation(preset, latent_dim, n_labels, missing, space):
    latent, label, weight = batch(latent_dim=latent_dim, n_labels=n_labels)
    present = (torch.rand(3, 9, generator=torch.Generator().manual_seed(1)) >= missing).double()
    found = metric_gradient(latent, label, present, weight, of(preset), space)
    gradient, value = automatic(latent, label, present, weight, preset)
    torch.testing.assert_close(found.latent, gradient, atol=1e-13, rtol=1e-11)
    torch.testing.assert_close(found.values.value, value, atol=1e-13, rtol=1e-11)
    assert found.values.usable.all() == ("paper" in preset or preset == "authors-code")


def test_points_that_coincide_have_a_finite_gradient(space):
    latent, label, weight = batch()
    latent[:, 4] = latent[:, 3]
    present = torch.ones(3, 9, dtype=torch.float64)
    found = metric_gradient(latent, label, present, weight, of("paper"), space)
    torch.testing.assert_close(found.latent, automatic(latent, label, present, weight, "paper")[0])


@pytest.mark.parametrize("preset", PRESETS)
def test_presence_for_all_rows_at_once(preset, space):
    latent, label, weight = batch()
    whole = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    at_once = metric_gradient(latent, label, whole, weight, of(preset), space)
    row_by_row = metric_gradient(latent, label, whole.repeat(1, 9), weight, of(preset), space)
    for first, second in zip([at_once.latent, *at_once.values], [row_by_row.latent, *row_by_row.values], strict=True):
        torch.testing.assert_close(first, second)
    assert at_once.values.usable.tolist() == [True, False, True]
    assert not at_once.latent[1].any()


@pytest.mark.parametrize("preset", [*PRESETS, "axis", "paper+axis"])
@pytest.mark.parametrize("case", ["equal labels", "one row", "no row"])
def test_without_a_metric_term_nothing_moves(preset, case, space):
    latent, label, weight = batch(n_models=1)
    present = torch.ones(1, 9, dtype=torch.float64)
    if case == "equal labels":
        label[:] = 3.0
    else:
        present[:, 1 if case == "one row" else 0 :] = 0
    found = metric_gradient(latent, label, present, weight, of(preset), space)
    assert not found.latent.any()
    assert (found.values.slope.item(), found.values.residual.item(), found.values.usable.item()) == (0.0, 0.0, False)


def test_a_broken_latent_is_not_hidden(space):
    latent, label, weight = batch()
    latent[1, 2, 0] = torch.nan
    found = metric_gradient(latent, label, torch.ones(3, 1, dtype=torch.float64), weight, of("paper"), space)
    assert found.latent[1].isnan().any()
    assert found.latent[[0, 2]].isfinite().all()


def test_the_workspace_carries_nothing_over(space):
    latent, label, weight = batch()
    present = torch.ones(3, 1, dtype=torch.float64)
    first = metric_gradient(latent, label, present, weight, of("paper"), space)
    metric_gradient(*batch(seed=1)[:2], present, weight, of("paper"), space)
    again = metric_gradient(latent, label, present, weight, of("paper"), space)
    for before, after in zip([first.latent, *first.values], [again.latent, *again.values], strict=True):
        assert torch.equal(before, after)
