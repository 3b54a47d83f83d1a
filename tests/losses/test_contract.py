"""What every loss promises, tested once over the whole table of losses."""

from itertools import product

import numpy as np
import pytest
import torch

from affectmap.errors import ConfigError
from affectmap.losses import LOSSES
from affectmap.losses.base import LabelLoss
from cases import each
from label_batches import make_batch, make_weight

NAN = float("nan")
NAMES = sorted(LOSSES)
#: Losses whose gradient is by definition another than that of their value.
SURROGATE = ("ranksim",)

every_loss = each("name", NAMES)
label_shapes = each("n_labels", [None, 1, 2])


def make_loss(name, latent_dim=3, n_labels=None, dtype=torch.float64):
    torch.default_generator.manual_seed(0)  # alone: torch.manual_seed notes its whole stack for a GPU to come
    return LOSSES[name].for_dims(latent_dim, n_labels or 1).to(dtype)


def value_and_gradient(loss, latent, label, weight=None):
    latent = latent.detach().clone().requires_grad_()
    value = loss(latent, label, weight)
    (gradient,) = torch.autograd.grad(value.sum(), latent)
    return value.detach(), gradient


def vmapped(loss, *batches):
    loss.check_values = False
    return torch.func.vmap(loss)(*batches)


def assert_same(found, expected, **tolerance):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, **{"rtol": 1e-9, "atol": 1e-11, **tolerance})


@every_loss
@label_shapes
def test_a_scalar_that_is_finite_and_moves_the_latent(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels)
    value, gradient = value_and_gradient(make_loss(name, n_labels=n_labels), latent, label)
    assert value.shape == ()
    assert value.isfinite()
    assert gradient.isfinite().all()
    assert (gradient != 0).any()


@every_loss
@label_shapes
def test_order_of_rows_does_not_matter(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels, missing=0.2)
    weight, loss = make_weight(len(latent)), make_loss(name, n_labels=n_labels)
    order = torch.randperm(len(latent), generator=torch.Generator().manual_seed(3))
    value, gradient = value_and_gradient(loss, latent, label, weight)
    shuffled = value_and_gradient(loss, latent[order], label[order], weight[order])
    assert_same(shuffled, (value, gradient[order]))


@every_loss
@label_shapes
@each("leading", [(2, 2), (0,)])
def test_many_batches_at_once_equal_one_by_one(name, n_labels, leading):
    n_batches = torch.Size(leading).numel()
    batches = [make_batch(latent_dim=3, n_labels=n_labels, missing=0.3 * (i % 2), seed=i) for i in range(n_batches)]
    weights = [make_weight(23, seed=i) for i in range(n_batches)]
    loss = make_loss(name, n_labels=n_labels)
    one = make_batch(latent_dim=3, n_labels=n_labels)
    latent = torch.stack([batch[0] for batch in batches] or [one[0]])[:n_batches].reshape(*leading, *one[0].shape)
    label = torch.stack([batch[1] for batch in batches] or [one[1]])[:n_batches].reshape(*leading, *one[1].shape)
    weight = torch.stack(weights or [make_weight(23)])[:n_batches].reshape(*leading, 23)
    value, gradient = value_and_gradient(loss, latent, label, weight)
    assert value.shape == leading
    alone = [value_and_gradient(loss, *batch, weight) for batch, weight in zip(batches, weights, strict=True)]
    for found, expected in zip(zip(value.flatten(), gradient.flatten(0, -3), strict=True), alone, strict=True):
        assert_same(found, expected)


@every_loss
@label_shapes
def test_runs_under_vmap(name, n_labels):
    batches = [make_batch(latent_dim=3, n_labels=n_labels, missing=0.3, seed=i) for i in range(3)]
    latent, label = (torch.stack([batch[i].detach() for batch in batches]) for i in (0, 1))
    weight, loss = torch.stack([make_weight(23, seed=i) for i in range(3)]), make_loss(name, n_labels=n_labels)
    torch.testing.assert_close(vmapped(loss, latent, label, weight), loss(latent, label, weight))


@every_loss
@label_shapes
@each("way", ["weight", "label"])
def test_a_row_of_weight_0_or_without_a_label_is_absent(name, n_labels, way):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels)
    weight, loss = make_weight(len(latent)), make_loss(name, n_labels=n_labels)
    there = torch.arange(len(latent)) % 4 != 1
    expected, gradient = value_and_gradient(loss, latent[there], label[there], weight[there])
    if way == "weight":
        weight[~there] = 0
    else:
        label[~there] = NAN
    found, whole = value_and_gradient(loss, latent, label, weight)
    assert_same((found, whole[there]), (expected, gradient))
    assert (whole[~there] == 0).all()


@every_loss
def test_an_absent_row_may_hold_anything(name):
    latent, label = make_batch(latent_dim=3, missing=0.3)
    broken = torch.where(label.isnan()[:, None], NAN, latent.detach())
    loss = make_loss(name)
    assert_same(value_and_gradient(loss, broken, label), value_and_gradient(loss, latent, label))


@every_loss
@label_shapes
def test_a_network_that_has_diverged_is_not_hidden(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels)
    for value, rows in product((NAN, float("inf")), (slice(3, 4), slice(None))):
        broken = latent.detach().clone()
        broken[rows] = value
        assert make_loss(name, n_labels=n_labels)(broken, label).isnan(), (value, rows)


@every_loss
@label_shapes
def test_only_ratios_of_weights_count(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels)
    loss, weight = make_loss(name, n_labels=n_labels), make_weight(len(latent))
    expected = value_and_gradient(loss, latent, label)
    weighted = value_and_gradient(loss, latent, label, weight)
    for constant in (1e-30, 0.3, 1e30):
        equal = torch.full((len(latent),), constant)
        assert_same(value_and_gradient(loss, latent, label, equal), expected)
        assert_same(value_and_gradient(loss, latent, label, weight * constant), weighted)
    assert weighted[0] != pytest.approx(expected[0].item(), rel=1e-6), "weights change nothing at all"


@each("name", [name for name in NAMES if name not in SURROGATE])
@label_shapes
def test_gradient_is_that_of_finite_differences(name, n_labels):
    latent, label = make_batch(n_rows=9, latent_dim=3, n_labels=n_labels, missing=0.2)
    loss, weight = make_loss(name, n_labels=n_labels), make_weight(9)
    assert torch.autograd.gradcheck(lambda points: loss(points, label, weight), (latent,))


@every_loss
@label_shapes
def test_half_precision_is_computed_in_float32(name, n_labels):
    points, label = make_batch(n_rows=15, latent_dim=3, n_labels=n_labels)
    loss = make_loss(name, n_labels=n_labels, dtype=torch.float32)
    for dtype in (torch.float16, torch.bfloat16):
        latent = (100 * points.detach()).to(dtype)
        value, gradient = value_and_gradient(loss, latent, label.half())
        assert value.dtype == torch.float32
        assert value.item() == loss(latent.float(), label).item()
        assert gradient.dtype == dtype
        assert gradient.isfinite().all()


@every_loss
def test_mixed_precision_outside_changes_nothing_inside(name):
    latent, label = make_batch(latent_dim=3)
    latent, loss = latent.detach().float(), make_loss(name, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(latent, label).item() == loss(latent, label).float().item()
        found = loss(latent, label)
    assert found.item() == loss(latent, label).item()


@every_loss
@label_shapes
def test_float32_is_close_to_float64(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels, missing=0.2)
    expected = value_and_gradient(make_loss(name, n_labels=n_labels), latent, label)
    single = make_loss(name, n_labels=n_labels, dtype=torch.float32)
    found = value_and_gradient(single, latent.float(), label.float())
    assert_same(found, [value.float() for value in expected], rtol=1e-3, atol=1e-4)


@every_loss
@each(
    "label",
    [
        torch.full((6,), 3.3),
        torch.full((6, 2), 0.1),
        torch.full((6,), NAN),
        torch.tensor([NAN, NAN, 2.0, NAN, NAN, NAN]),
        torch.tensor([NAN, 4.1, 4.1, NAN, 4.1, NAN]),
        torch.tensor([[1.0, NAN], [2.0, NAN], [NAN, 1.0], [NAN, 2.0], [3.0, 3.0], [NAN, NAN]]),
        torch.empty(6, 0),
    ],
)
def test_exactly_zero_where_labels_do_not_differ(name, label):
    for dtype in (torch.float32, torch.float64):
        latent = make_batch(n_rows=6, latent_dim=3)[0].to(dtype)
        loss = make_loss(name, n_labels=1 if label.dim() == 1 else label.shape[1], dtype=dtype)
        value, gradient = value_and_gradient(loss, latent, label)
        assert value.item() == 0
        assert (gradient == 0).all()


@every_loss
def test_exactly_zero_where_no_row_has_a_weight(name):
    latent, label = make_batch(latent_dim=3)
    value, gradient = value_and_gradient(make_loss(name), latent, label, torch.zeros(len(latent)))
    assert value.item() == 0
    assert (gradient == 0).all()


@every_loss
@label_shapes
def test_few_rows(name, n_labels):
    loss = make_loss(name, n_labels=n_labels)
    for n_rows in range(4):
        value, gradient = value_and_gradient(loss, *make_batch(n_rows=n_rows, latent_dim=3, n_labels=n_labels))
        assert value.isfinite(), n_rows
        assert gradient.isfinite().all(), n_rows
        if n_rows < 2:
            assert value.item() == 0
            assert (gradient == 0).all()


@every_loss
@label_shapes
@each("dtype", [torch.float32, torch.float64])
def test_gradient_is_finite_where_points_coincide(name, n_labels, dtype):
    latent, label = make_batch(n_rows=12, latent_dim=3, n_labels=n_labels)
    loss = make_loss(name, n_labels=n_labels, dtype=dtype)
    for n_same, place in product((5, 12), (0.0, 0.1, 1e-30, 1000.0)):
        points = latent.detach().to(dtype, copy=True)
        points[:n_same] = place
        value, gradient = value_and_gradient(loss, points, label)
        assert value.isfinite(), (n_same, place)
        assert gradient.isfinite().all(), (n_same, place)


@every_loss
@each("size", [1e-4, 1e4])
def test_values_of_unusual_size_are_finite(name, size):
    latent, label = make_batch(latent_dim=3, n_labels=2)
    loss = make_loss(name, n_labels=2, dtype=torch.float32)
    for given in ((size * latent.float(), label), (latent.float(), size * label)):
        value, gradient = value_and_gradient(loss, *given)
        assert value.isfinite()
        assert gradient.isfinite().all()


@every_loss
@label_shapes
def test_what_it_does_not_see_is_what_it_says(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels, missing=0.2)
    loss = make_loss(name, n_labels=n_labels)
    generator = torch.Generator().manual_seed(5)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    expected = loss(latent, label).item()
    changed = {
        "rotation_invariant": latent @ rotation,
        "shift_invariant": latent + torch.tensor([3.0, -7.0, 0.1]),
        "scale_invariant": 0.3 * latent,
    }
    for promise, points in changed.items():
        same = loss(points, label).item() == pytest.approx(expected, rel=1e-7, abs=1e-9)
        if getattr(loss, promise):
            assert same, promise
        elif n_labels == 2:  # with one label a loss may keep more than it promises
            assert not same, promise


@every_loss
def test_label_of_any_dtype(name):
    latent, _ = make_batch(latent_dim=3)
    loss, label = make_loss(name), torch.arange(len(latent)) % 5
    expected = loss(latent, label.double()).item()
    for dtype in (torch.int64, torch.uint8, torch.float16, torch.float32):
        assert loss(latent, label.to(dtype)).item() == expected
    assert loss(latent, label > 2).item() == loss(latent, (label > 2).double()).item()


@every_loss
def test_checks_its_inputs_where_all_losses_do(name):
    assert LOSSES[name].forward is LabelLoss.forward


@each(
    ("latent", "label", "weight", "message"),
    [
        (
            torch.zeros(3),
            torch.zeros(3),
            None,
            r"latent \(3,\) and label \(3,\) do not fit; .* give latent\[:, None\]$",
        ),
        (torch.zeros(3), torch.zeros(3, 2), None, r"label \(3, 2\) do not fit; .*; give the latent first$"),
        (
            torch.zeros(3, 4, 1),
            torch.zeros(3),
            None,
            r"do not fit; .*; give latent\.flatten\(1\), one row an utterance$",
        ),
        (torch.zeros(3, 0), torch.zeros(3), None, r"latent \(3, 0\) has no dimension; expected D of 1 or more"),
        ([[0.0]], torch.zeros(1), None, r"latent is of type list; expected a tensor, see torch\.as_tensor"),
        (torch.zeros(3, 2), np.zeros(3), None, "label is of type ndarray; expected a tensor"),
        (torch.zeros(3, 2), torch.zeros(3), 2.0, "weight is of type float; expected a tensor"),
        (
            torch.zeros(3, 2),
            torch.zeros(4),
            None,
            r"latent \(3, 2\) and label \(4,\) do not fit; expected \(\.\.\., N, D\) .* L\)$",
        ),
        (torch.zeros(3, 2), torch.zeros(3, 2, 1), None, r"label \(3, 2, 1\) do not fit"),
        (torch.zeros(5, 3, 2), torch.zeros(3, 2), None, r"latent \(5, 3, 2\) and label \(3, 2\) do not fit"),
        (torch.zeros(3, 2), torch.tensor(1.0), None, r"label \(\) do not fit"),
        (torch.zeros(3, 2), torch.zeros(3), torch.ones(3, 1), r"weight is \(3, 1\); expected \(3,\), one a row"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3), None, "latent is torch.int64; expected a floating"),
        (torch.zeros(3, 2), torch.zeros(3, dtype=torch.complex64), None, "label is torch.complex64; expected a real"),
        (torch.zeros(3, 2), torch.tensor([1.0, float("inf"), NAN]), None, "1 labels are infinite; expected numbers"),
        (torch.zeros(3, 2), torch.zeros(3), torch.tensor([1.0, -2.0, NAN]), r"2 weights are .* the first -2\.0"),
        (torch.zeros(3, 2), torch.zeros(3), torch.tensor([1.0, float("inf"), 0.0]), "1 weights are .* the first inf"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(latent, label, weight, message):
    with pytest.raises(ConfigError, match=message) as error:
        make_loss("paper", latent_dim=2)(latent, label, weight)
    assert "\n" not in str(error.value)


@every_loss
def test_leaves_its_inputs_alone(name):
    latent, label = make_batch(latent_dim=3, missing=0.3)
    weight, latent = make_weight(len(latent)), latent.detach()
    copies = [tensor.clone() for tensor in (latent, label, weight)]
    make_loss(name)(latent, label, weight)
    for tensor, copy in zip((latent, label, weight), copies, strict=True):
        torch.testing.assert_close(tensor, copy, rtol=0, atol=0, equal_nan=True)


@pytest.mark.slow
@every_loss
def test_trains_a_network(name):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(48, 6, generator=generator)
    label = torch.stack([features[:, 0] + 3, features[:, 1] + 3], dim=1)
    label[::5, 0] = NAN
    torch.manual_seed(0)
    network, loss = torch.nn.Linear(6, 2), make_loss(name, 2, 2, dtype=torch.float32)
    optimiser = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.05)
    values = []
    for _ in range(80):
        value = loss(network(features), label)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert min(values[-10:]) < values[0]


@every_loss
def test_documents_itself(name):
    text = LOSSES[name].__doc__
    assert "Source:" in text
    assert ">>> " in text


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
@every_loss
@label_shapes
def test_on_a_cuda_device(name, n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels, missing=0.2)
    loss, weight = make_loss(name, n_labels=n_labels), make_weight(len(latent))
    expected = value_and_gradient(loss, latent, label, weight)
    found = value_and_gradient(loss.cuda(), latent.cuda(), label, weight)
    assert_same([tensor.cpu() for tensor in found], expected, rtol=1e-7, atol=1e-9)
