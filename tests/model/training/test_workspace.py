import torch

from affectmap.model.training.workspace import Workspace


def test_a_new_shape_is_a_new_array():
    space = Workspace("cpu", torch.float64)
    first = space.take("pairs", 2, 3)
    first.fill_(1)
    assert space.take("pairs", 2, 3).sum() == 6
    assert space.take("other", 2, 3).sum() == 0
    changed = space.take("pairs", 2, 4)
    assert (changed.shape, changed.dtype, changed.sum()) == ((2, 4), torch.float64, 0)
