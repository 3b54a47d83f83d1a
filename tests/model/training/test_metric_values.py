import pytest
import torch

from affectmap.losses import LOSSES
from affectmap.model.training.metric_values import metric_values


def test_the_sum_is_that_of_the_losses_and_shows_the_paper_s_terms():
    generator = torch.Generator().manual_seed(0)
    latent, label = torch.randn(2, 12, 2, generator=generator), torch.rand(2, 12, 2, generator=generator)
    present = (torch.rand(2, 12, generator=generator) > 0.3).float()
    found = metric_values(latent, label, present, ("paper", "axis", "stress"))
    alone = {name: LOSSES[name]()(latent, label, present) for name in ("paper", "axis", "stress")}
    torch.testing.assert_close(found.value, sum(alone.values()))
    torch.testing.assert_close(found.slope + found.residual, alone["paper"])
    assert found.usable.all()


@pytest.mark.parametrize("names", [(), ("axis",)])
def test_without_the_paper_s_loss_its_terms_are_0(names):
    latent, label = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0)), torch.arange(10.0).view(2, 5, 1)
    found = metric_values(latent, label, torch.ones(2, 5), names)
    assert found.slope.tolist() == found.residual.tolist() == [0, 0]
    assert (found.value > 0).all() == bool(names)
