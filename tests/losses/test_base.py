"""What the base does beyond the contract that all losses share."""

import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES, AxisLoss, LabelLoss


class Seen(LabelLoss):
    """Keeps what reaches compute."""

    def compute(self, latent, label, weight):
        self.seen = latent, label, weight
        return (latent.sum(dim=2) * weight).sum(dim=1)


def test_compute_sees_clean_rows():
    loss = Seen()
    latent = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]).half()
    label = torch.tensor([[1, 2, 3], [4, 5, 6]])
    weight = torch.tensor([[2.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    assert loss(latent, label, weight).tolist() == [2.5, 0.0]
    latent, label, weight = loss.seen
    assert (latent.dtype, label.dtype, weight.dtype) == (torch.float32,) * 3
    assert latent.tolist() == [[[1.0], [2.0], [0.0]], [[0.0]] * 3]
    assert label.tolist() == [[[1.0], [2.0], [0.0]], [[0.0]] * 3]
    assert weight.tolist() == [[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_one_missing_label_of_several_takes_the_row_out():
    loss = Seen()
    loss(torch.ones(2, 1), torch.tensor([[1.0, float("nan")], [1.0, 2.0]]))
    assert loss.seen[2].tolist() == [[0.0, 1.0]]
    assert loss.seen[1].tolist() == [[[0.0, 0.0], [1.0, 2.0]]]


def test_values_are_not_looked_at_when_asked():
    loss = AxisLoss()
    latent, label = torch.rand(4, 2), torch.tensor([1.0, 2.0, float("inf"), 3.0])
    with pytest.raises(ConfigError, match="1 labels are infinite"):
        loss(latent, label)
    loss.check_values = False
    assert not loss(latent, label).isinf()


def test_a_label_too_large_for_the_latents_dtype_is_infinite():
    with pytest.raises(ConfigError, match="1 labels are infinite"):
        AxisLoss()(torch.rand(2, 2), torch.tensor([1.0, 1e300], dtype=torch.float64))


def test_a_loss_has_to_compute():
    with pytest.raises(NotImplementedError, match="LabelLoss has no compute"):
        LabelLoss()(torch.ones(2, 2), torch.ones(2))


def test_the_table_is_in_order_and_every_loss_can_be_made():
    assert list(LOSSES) == sorted(LOSSES)
    for name, loss in LOSSES.items():
        assert isinstance(loss.for_dims(3, 2), LabelLoss), name
