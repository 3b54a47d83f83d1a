"""The forms of the continuous metric loss against a plain double loop, by hand, and where they could break."""

import math
from itertools import combinations

import pytest
import torch
from torch import nn

from affectmap.errors import ConfigError
from affectmap.losses import AuthorsCodeLoss, ContinuousMetricLoss, SplitLatentLoss, metric_terms
from cases import each
from label_batches import make_batch, make_weight, weighted_moments, weighted_pairs

PRESETS = ("paper", "authors-code")
NAN = float("nan")


def naive_terms(pairs):
    """Slope and residual loss of a list of (d_z, d_y), as eq. 2 to 4 say; None if labels do not differ."""
    squares = sum(d_y**2 for _, d_y in pairs)
    if squares == 0:
        return None
    slope = sum(d_y * d_z for d_z, d_y in pairs) / squares
    return abs(1 - slope), sum((d_z - slope * d_y) ** 2 for d_z, d_y in pairs) / len(pairs)


def naive_loss(latent, label, preset):
    """The loss by Python's own arithmetic, one pair after the other."""
    rows = [(z, y) for z, y in zip(latent.tolist(), label.tolist(), strict=True)]
    rows = [(z, y if isinstance(y, list) else [y]) for z, y in rows]
    rows = [(z, y) for z, y in rows if not any(math.isnan(value) for value in y)]
    if preset == "paper":
        pairs = [(math.dist(z_i, z_j), math.dist(y_i, y_j)) for (z_i, y_i), (z_j, y_j) in combinations(rows, 2)]
        return sum(naive_terms(pairs) or (0.0, 0.0))
    n_labels = 1 if label.dim() == 1 else label.shape[1]
    size = latent.shape[1] // n_labels
    total = 0.0
    for k in range(n_labels):
        part = slice(k * size, (k + 1) * size)
        pairs = []
        for (z_i, y_i), (z_j, y_j) in combinations(rows, 2):
            differences = [a - b for a, b in zip(z_i[part], z_j[part], strict=True)]
            pairs.append((sum(differences) / size, y_i[k] - y_j[k]))
        total += sum(naive_terms(pairs) or (0.0, 0.0))
    return total


@each("preset", PRESETS)
@each("missing", [0.0, 0.4])
@each(("latent_dim", "n_labels"), [(2, None), (2, 1), (5, None), (2, 2), (6, 2), (6, 3)])
def test_equals_the_double_loop(preset, missing, latent_dim, n_labels):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels, missing=missing, seed=seed)
        found = ContinuousMetricLoss(preset)(latent, label).item()
        assert found == pytest.approx(naive_loss(latent, label, preset), rel=1e-12)
        assert found > 0


def test_three_points_by_hand():
    # Distances 3, 4, 5 for label distances 1, 1, 2: α* = (3 + 4 + 10) / 6 = 17/6, errors 1/6, 7/6, -4/6.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    label = torch.tensor([1.0, 2.0, 3.0])
    loss = ContinuousMetricLoss()(latent, label)
    assert loss.item() == pytest.approx(11 / 6 + (1 + 49 + 16) / 36 / 3, rel=1e-14)


def test_three_points_by_hand_in_the_form_of_the_authors_code():
    # Means 0, 1.5, 3.5, so that d_z = -1.5, -2, -3.5 for d_y = -1, -1, -2: α* = 10.5 / 6 = 1.75.
    latent = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    label = torch.tensor([1.0, 2.0, 3.0])
    loss = ContinuousMetricLoss("authors-code")(latent, label)
    assert loss.item() == pytest.approx(0.75 + (0.25**2 + 0.25**2 + 0.0) / 3, rel=1e-14)


def test_two_labels_are_compared_by_their_euclidean_distance():
    latent = torch.tensor([[0.0, 0.0], [5.0, 0.0]])
    label = torch.tensor([[1.0, 1.0], [4.0, 5.0]])
    assert ContinuousMetricLoss()(latent, label).item() == 0.0
    assert ContinuousMetricLoss()(latent, label[:, 0]).item() == pytest.approx(5 / 3 - 1)


def test_authors_code_gives_each_label_its_half_of_the_latent():
    latent, label = make_batch(latent_dim=4, n_labels=2)
    loss = ContinuousMetricLoss("authors-code")
    halves = loss(latent[:, :2], label[:, 0]) + loss(latent[:, 2:], label[:, 1])
    assert loss(latent, label).item() == pytest.approx(halves.item(), rel=1e-14)


@each(("latent_dim", "n_labels"), [(5, 4), (5, 2), (7, 3)])
def test_authors_code_takes_a_latent_that_labels_do_not_divide(latent_dim, n_labels):
    latent, label = make_batch(latent_dim=latent_dim, n_labels=n_labels)
    ContinuousMetricLoss("authors-code")(latent, label).backward()
    assert (latent.grad != 0).any(dim=0).all(), "a latent dimension belongs to no label"


@each("preset", PRESETS)
@each("n_labels", [None, 2])
def test_gradient_is_that_of_finite_differences(preset, n_labels):
    latent, label = make_batch(n_rows=9, n_labels=n_labels, missing=0.2)
    loss = ContinuousMetricLoss(preset)
    assert torch.autograd.gradcheck(lambda z: loss(z, label), (latent,))


@each("preset", PRESETS)
@each("dtype", [torch.float32, torch.float64])
def test_gradient_is_finite_where_points_coincide(preset, dtype):
    latent, label = make_batch(n_rows=12)
    latent = latent.detach().to(dtype)
    latent[3:7] = latent[0]
    latent.requires_grad_()
    ContinuousMetricLoss(preset)(latent, label).backward()
    assert latent.grad.isfinite().all()
    assert latent.grad.abs().sum() > 0


@each("preset", PRESETS)
@each("n_labels", [None, 2])
def test_gradient_is_finite_where_all_points_are_one(preset, n_labels):
    latent = torch.ones(10, 2, requires_grad=True)
    _, label = make_batch(n_rows=10, n_labels=n_labels)
    loss = ContinuousMetricLoss(preset)(latent, label)
    loss.backward()
    # Slope 0, no residual; in the authors' form one such loss a label.
    assert loss.item() == (2.0 if preset == "authors-code" and n_labels == 2 else 1.0)
    assert latent.grad.isfinite().all()


def test_gradient_is_finite_for_points_closer_than_float32_can_square():
    latent = (torch.tensor([[0.0, 0.0], [1e-30, 0.0], [0.0, 1e-30]])).requires_grad_()
    ContinuousMetricLoss()(latent, torch.tensor([1.0, 2.0, 3.0])).backward()
    assert latent.grad.isfinite().all()


@each("n_labels", [None, 2])
def test_paper_form_does_not_see_rotation_shift_and_order(n_labels):
    latent, label = make_batch(latent_dim=3, n_labels=n_labels, missing=0.2)
    loss = ContinuousMetricLoss()
    expected = loss(latent, label).item()
    generator = torch.Generator().manual_seed(5)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    order = torch.randperm(len(latent), generator=generator)
    assert loss(latent @ rotation, label).item() == pytest.approx(expected, rel=1e-12)
    assert loss(latent + torch.tensor([3.0, -7.0, 0.1]), label).item() == pytest.approx(expected, rel=1e-12)
    assert loss(latent[order], label[order]).item() == pytest.approx(expected, rel=1e-12)
    assert loss(latent[order], label).item() != pytest.approx(expected, rel=1e-3)


def test_authors_form_does_not_see_shift_and_order():
    latent, label = make_batch()
    loss = ContinuousMetricLoss("authors-code")
    expected = loss(latent, label).item()
    order = torch.randperm(len(latent), generator=torch.Generator().manual_seed(5))
    assert loss(latent + torch.tensor([3.0, -7.0]), label).item() == pytest.approx(expected, rel=1e-12)
    assert loss(latent[order], label[order]).item() == pytest.approx(expected, rel=1e-12)


def test_zero_with_zero_gradient_at_the_optimum():
    _, label = make_batch(n_labels=2)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    latent = (label @ rotation + 3).requires_grad_()
    loss = ContinuousMetricLoss()(latent, label)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    # The slope's own part |1 - α*| has a kink there; the residual's part is flat.
    residual = metric_terms(latent[None], label[None], torch.ones(1, len(label), dtype=torch.bool)).residual
    (gradient,) = torch.autograd.grad(residual.sum(), latent)
    assert gradient.abs().max() < 1e-12


@each("preset", PRESETS)
@each(
    "label",
    [
        torch.full((6,), 3.3),
        torch.full((6, 2), 0.1),
        torch.full((6,), NAN),
        torch.full((6, 2), NAN),
        torch.tensor([NAN, NAN, 2.0, NAN, NAN, NAN]),
        torch.tensor([NAN, 4.1, 4.1, NAN, 4.1, NAN]),
        torch.tensor([[1.0, NAN], [2.0, NAN], [NAN, 1.0], [NAN, 2.0], [3.0, 3.0], [NAN, NAN]]),
        torch.empty(6, 0),
    ],
)
def test_exactly_zero_with_zero_gradient_where_there_is_no_metric_term(preset, label):
    latent = make_batch(n_rows=6)[0].detach().float().requires_grad_()
    loss = ContinuousMetricLoss(preset)(latent, label)
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == 0
    assert (latent.grad == 0).all()


@each("preset", PRESETS)
@each("n_rows", [0, 1])
@each("n_labels", [None, 2])
def test_no_pair_is_no_loss(preset, n_rows, n_labels):
    latent, label = make_batch(n_rows=n_rows, n_labels=n_labels)
    loss = ContinuousMetricLoss(preset)(latent, label)
    loss.backward()
    assert loss.item() == 0
    assert (latent.grad == 0).all()


@each("preset", PRESETS)
@each("n_labels", [None, 2])
def test_unlabelled_rows_change_nothing_and_get_no_gradient(preset, n_labels):
    latent, label = make_batch(n_labels=n_labels, missing=0.3)
    complete = ~label.reshape(len(label), -1).isnan().any(dim=1)
    loss = ContinuousMetricLoss(preset)
    whole = loss(latent, label)
    whole.backward()
    assert 2 < complete.sum() < len(label)
    assert whole.item() == pytest.approx(loss(latent[complete], label[complete]).item(), rel=1e-12)
    assert (latent.grad[~complete] == 0).all()
    assert (latent.grad[complete] != 0).any()


@each("label_dtype", [torch.int64, torch.int32, torch.float16, torch.float32, torch.float64])
@each("latent_dtype", [torch.float32, torch.float64])
def test_label_of_any_dtype(latent_dtype, label_dtype):
    latent = make_batch()[0].detach().to(latent_dtype)
    label = torch.arange(len(latent)) % 5 + 1
    found = ContinuousMetricLoss()(latent, label.to(label_dtype))
    assert found.dtype == latent_dtype
    assert found.item() == ContinuousMetricLoss()(latent, label.to(latent_dtype)).item()


@each("preset", PRESETS)
@each("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(preset, dtype):
    # 100 distances of about 1,000 squared and summed are far beyond float16's 65,504.
    latent = (1000 * make_batch(n_rows=15)[0].detach()).to(dtype).requires_grad_()
    label = torch.arange(15) % 5 + 1
    loss = ContinuousMetricLoss(preset)(latent, label)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == ContinuousMetricLoss(preset)(latent.detach().float(), label).item()
    assert latent.grad.dtype == dtype


@each(
    ("latent", "label", "message"),
    [
        (torch.zeros(3), torch.zeros(3), r"latent \(3,\) and label \(3,\) do not fit; expected \(\.\.\., N, D\)"),
        (torch.zeros(3, 2), torch.zeros(4), r"latent \(3, 2\) and label \(4,\) do not fit"),
        (torch.zeros(3, 2), torch.zeros(3, 2, 1), r"label \(3, 2, 1\) do not fit"),
        (torch.zeros(3, 2), torch.tensor(1.0), r"label \(\) do not fit"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3), "latent is torch.int64; expected a floating dtype"),
    ],
)
def test_wrong_shapes_are_refused_in_one_line(latent, label, message):
    with pytest.raises(ConfigError, match=message) as error:
        ContinuousMetricLoss()(latent, label)
    assert "\n" not in str(error.value)


def test_authors_code_needs_a_dimension_for_each_label():
    with pytest.raises(ConfigError, match="2 dimensions do not do for 3 labels; give it at least 3"):
        ContinuousMetricLoss("authors-code")(torch.zeros(4, 2), torch.zeros(4, 3))


def test_unknown_preset():
    with pytest.raises(ConfigError, match=r"preset is 'papper'; expected one of \['paper', 'authors-code'\]"):
        ContinuousMetricLoss("papper")
    assert repr(ContinuousMetricLoss("authors-code")) == "ContinuousMetricLoss(preset='authors-code')"


@each("preset", PRESETS)
def test_many_models_at_once_equal_one_by_one(preset):
    batches = [make_batch(n_labels=2, missing=missing, seed=seed) for seed, missing in enumerate([0, 0.3, 1])]
    latent, label = (torch.stack([batch[i] for batch in batches]) for i in (0, 1))
    terms = metric_terms(latent, label, ~label.isnan().any(dim=2), preset)
    alone = [ContinuousMetricLoss(preset)(*batch).item() for batch in batches]
    assert (terms.slope + terms.residual).tolist() == pytest.approx(alone, rel=1e-12)
    assert terms.usable.tolist() == [True, True, False]


def test_labels_of_absent_rows_are_ignored_whatever_they_are():
    latent, label = (tensor.detach()[None] for tensor in make_batch(n_rows=6, n_labels=1))
    present = torch.tensor([[True, True, True, True, False, False]])
    expected = metric_terms(latent, label, present)
    label[0, 4:] = torch.tensor([[1e30], [NAN]])
    found = metric_terms(latent, label, present)
    assert (found.slope, found.residual) == (expected.slope, expected.residual)


@each("preset", PRESETS)
def test_trains_a_network_of_someone_else(preset):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, 6, generator=generator)
    label = features[:, 0].clamp(-2, 2) + 3
    label[::5] = NAN
    torch.manual_seed(0)
    network = nn.Linear(6, 2)
    loss = ContinuousMetricLoss(preset)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    values = []
    for _ in range(60):
        value = loss(network(features), label)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[1] < values[0]
    assert values[-1] < 0.5 * values[0]
    assert not list(loss.parameters())


def test_lives_in_a_module_and_its_state():
    holder = nn.ModuleDict({"metric": ContinuousMetricLoss("authors-code"), "head": nn.Linear(2, 2)})
    assert set(holder.state_dict()) == {"head.weight", "head.bias"}
    assert holder.double()["metric"].preset == "authors-code"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
@each("preset", PRESETS)
def test_on_a_cuda_device(preset):
    latent, label = make_batch(missing=0.2)
    there = ContinuousMetricLoss(preset)(latent.cuda(), label)
    assert there.item() == pytest.approx(ContinuousMetricLoss(preset)(latent, label).item(), rel=1e-12)


# The form of the authors' code


def test_authors_code_loss_is_the_preset():
    latent, label = make_batch(latent_dim=5, n_labels=2, missing=0.2)
    assert AuthorsCodeLoss()(latent, label) == ContinuousMetricLoss("authors-code")(latent, label)
    assert repr(AuthorsCodeLoss()) == "AuthorsCodeLoss(preset='authors-code')"


def test_authors_code_loss_weights_are_those_of_a_regression_of_means_on_labels():
    # Over all pairs of rows, weighted by products, signed differences have twice the moments of the rows.
    latent, label = make_batch()
    weight = make_weight()
    rows = list(zip(weight.tolist(), latent.mean(dim=1).tolist(), label.tolist(), strict=True))
    _, _, var_z, var_y, cov = weighted_moments(rows)
    slope, total = cov / var_y, weight.sum().item()
    # Mean over pairs i ≠ j, so without the pairs of a row with itself.
    share = 1 / (1 - (weight / total).square().sum().item())
    expected = abs(1 - slope) + 2 * share * (var_z - slope * cov)
    torch.testing.assert_close(AuthorsCodeLoss()(latent, label, weight).item(), expected)


# A part of the latent for each label


def naive_split(latent, label, weight):
    pairs = weighted_pairs(latent, label, weight)
    squares = sum(w * d_y**2 for w, _, d_y in pairs)
    slope = sum(w * d_y * d_z for w, d_z, d_y in pairs) / squares
    error = sum(w * (d_z - slope * d_y) ** 2 for w, d_z, d_y in pairs)
    return abs(1 - slope) + error / sum(w for w, _, _ in pairs)


@each(("latent_dim", "parts"), [(2, [(0, 1), (1, 2)]), (5, [(0, 3), (3, 5)]), (4, [(0, 2), (2, 3), (3, 4)])])
def test_split_latent_equals_the_double_loop_on_every_part(latent_dim, parts):
    for seed in range(3):
        latent, label = make_batch(latent_dim=latent_dim, n_labels=len(parts), seed=seed)
        weight = make_weight(seed=seed)
        values = [naive_split(latent[:, a:b], label[:, i], weight) for i, (a, b) in enumerate(parts)]
        expected = sum(values) / len(parts)
        assert SplitLatentLoss()(latent, label, weight).item() == pytest.approx(expected, rel=1e-12)


def test_split_latent_three_points_by_hand():
    # Part 1 is its label. Part 2: d_z 4, 2, 2 for d_y 2, 1, 1, slope 2, nothing left over.
    latent = torch.tensor([[1.0, 0.0], [2.0, 4.0], [4.0, 2.0]])
    label = torch.tensor([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
    assert SplitLatentLoss()(latent, label).item() == pytest.approx((0 + 1) / 2)


def test_split_latent_with_one_label_it_is_the_loss_of_the_paper():
    latent, label = make_batch(latent_dim=3, missing=0.2)
    assert SplitLatentLoss()(latent, label).item() == ContinuousMetricLoss()(latent, label).item()


def test_split_latent_zero_where_every_part_keeps_the_distances_of_its_label():
    _, label = make_batch(n_labels=2)
    latent = torch.stack([3 - label[:, 0], label[:, 1] + 9], dim=1)
    assert SplitLatentLoss()(latent, label).item() == pytest.approx(0, abs=1e-12)
    assert SplitLatentLoss()(latent.flip(1), label).item() > 0.1


def test_split_latent_a_label_that_does_not_differ_takes_no_part():
    latent, label = make_batch(latent_dim=4, n_labels=2)
    label[:, 1] = 0.1
    expected = ContinuousMetricLoss()(latent[:, :2], label[:, 0]).item()
    assert SplitLatentLoss()(latent, label).item() == pytest.approx(expected, rel=1e-14)


def test_split_latent_more_labels_than_dimensions():
    with pytest.raises(ConfigError, match="3 labels need as many latent dimensions, one part each; got 2"):
        SplitLatentLoss()(torch.zeros(4, 2), torch.zeros(4, 3))
