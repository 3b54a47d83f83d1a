"""The linear head against plain loops, by hand, and many heads at once."""

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LinearHeadLoss
from cases import each
from label_batches import label_rows, make_batch, make_weight, weighted_moments


def naive_loss(loss, latent, label, weight):
    slopes, offsets = loss.weight.tolist(), loss.bias[0].tolist()
    values = []
    for k, offset in enumerate(offsets):
        found = [offset + sum(slopes[a][k] * z for a, z in enumerate(row)) for row in latent.tolist()]
        truth = [row[k] for row in label_rows(label)]
        mean_z, mean_y, var_z, var_y, cov = weighted_moments(list(zip(weight.tolist(), found, truth, strict=True)))
        values.append(1 - 2 * cov / (var_z + var_y + (mean_z - mean_y) ** 2))
    return sum(values) / len(values)


def make_head(*sizes, seed=0, **options):
    return LinearHeadLoss(*sizes, generator=torch.Generator().manual_seed(seed), **options).double()


@each(("latent_dim", "n_labels"), [(1, 1), (2, 2), (5, 3)])
def test_equals_the_plain_loop(latent_dim, n_labels):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, seed=seed)
        weight, loss = make_weight(seed=seed), make_head(latent_dim, n_labels, seed=seed)
        expected = naive_loss(loss, latent, label, weight)
        assert loss(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_three_points_by_hand():
    # The head gives 0, 2, 4 for 1, 2, 3: covariance 4/3, variances 8/3 and 2/3, means equal: CCC 0.8.
    loss = make_head(1, 1)
    with torch.no_grad():
        loss.weight.fill_(2)
        loss.bias.fill_(-2)
    latent, label = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    assert loss.ratings(latent).flatten().tolist() == [0, 2, 4]
    assert loss(latent, label).item() == pytest.approx(0.2, rel=1e-6)


def test_gradients_of_the_head_are_those_of_finite_differences():
    latent, label = make_batch(n_rows=9, n_labels=2, missing=0.2)
    loss = make_head(2, 2)
    parameters = {name: value.detach().clone().requires_grad_() for name, value in loss.named_parameters()}

    def call(weight, bias):
        return torch.func.functional_call(loss, {"weight": weight, "bias": bias}, (latent.detach(), label))

    assert torch.autograd.gradcheck(call, tuple(parameters.values()))


def test_zero_with_zero_gradient_where_the_head_reads_the_labels():
    loss = make_head(3, 2)
    latent, _ = make_batch(latent_dim=3)
    value = loss(latent, loss.ratings(latent).detach())
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-14)
    for gradient in (latent.grad, loss.weight.grad, loss.bias.grad):
        assert gradient.abs().max() < 1e-13


def test_every_model_has_its_own_head():
    batches = [make_batch(latent_dim=3, n_labels=2, missing=0.2, seed=seed) for seed in range(4)]
    latent, label = (torch.stack([batch[i].detach() for batch in batches]) for i in (0, 1))
    loss = make_head(3, 2, n_models=4)
    together = loss(latent, label)
    together.sum().backward()
    for k, value in enumerate(together):
        alone = make_head(3, 2)
        alone.load_state_dict({"weight": loss.weight[k].detach(), "bias": loss.bias[k].detach()})
        expected = alone(latent[k], label[k])
        expected.backward()
        assert value.item() == pytest.approx(expected.item(), rel=1e-12)
        torch.testing.assert_close(loss.weight.grad[k], alone.weight.grad)
        torch.testing.assert_close(loss.ratings(latent)[k], alone.ratings(latent[k]))


def test_a_seed_gives_the_head():
    assert torch.equal(make_head(3, 2, seed=1).weight, make_head(3, 2, seed=1).weight)
    assert make_head(4, 2).weight.abs().max() <= 0.5
    assert set(make_head(3, 2).state_dict()) == {"weight", "bias"}


def test_wrong_use():
    with pytest.raises(ConfigError, match="a head from 0 dimensions to 1 labels; expected 1 or more"):
        LinearHeadLoss(0)
    with pytest.raises(ConfigError, match="from 2 dimensions to 1 labels; got 3 and 1: make it with"):
        LinearHeadLoss()(torch.zeros(4, 3), torch.zeros(4))
    with pytest.raises(ConfigError, match="3 batches for the heads of 2 models; expected as many"):
        LinearHeadLoss(n_models=2)(torch.zeros(3, 4, 2), torch.zeros(3, 4))
    assert repr(LinearHeadLoss(n_models=2)) == "LinearHeadLoss(latent_dim=2, n_labels=1, n_models=2)"
