"""One draw of speakers: the ends of intervals of every kind, and p-values of two tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit
from speakers import SLOPES, Draw, draw, rows_of, sizes_of

from affectmap.stats.intervals import LeftOut, Scale, fold_mean, interval, left_out
from affectmap.stats.least_squares import explained, pair_sums, speaker_pair_sums
from affectmap.stats.metrics import adjusted_r2
from affectmap.stats.sign_flips import label_products, sign_flip_p_value

Floats = npt.NDArray[np.float64]
#: Values of one draw by name: (B,) for the weights (B, S) of its speakers.
Quantities = Callable[[Floats], dict[str, Floats]]
N_RESAMPLES, N_STUDENTISED = 500, 150
#: Name of a design, speakers, folds that hold them out (1: all at once), and whether all say as much.
DESIGNS = (
    ("3", 3, 1, True), ("4", 4, 1, True), ("6", 6, 1, True), ("10", 10, 1, True), ("29", 29, 1, True),
    ("28 unequal", 28, 1, False), ("10 in 5 folds", 10, 5, True), ("4 in 2 folds", 4, 2, True),
)  # fmt: skip
SCALES: dict[str, Scale] = {
    "UAR": "share", "recall of sad": "share", "R² activation": "explained", "R² valence": "explained",
    "pairwise R² activation": "explained", "CCC activation": "correlation",
}  # fmt: skip
METHODS = ("percentile bootstrap", "bootstrap-t", "jackknife-t, plain", "jackknife-t, as used")
#: Speakers above which pairs and studentised resamples take too long, of a kind that shows nothing new.
MOST_PAIRED = 10
#: Speakers of which the true values are those, and fewer for pairs.
N_LARGE, N_PAIRED = 1000, 50


def quantities_of(drawn: Draw, *, pairs: bool) -> Quantities:
    """Prepare sums by speaker, from which every quantity follows for any weights of the speakers."""
    n_speakers = int(drawn.speaker.max()) + 1
    cell, size = 4 * drawn.speaker + drawn.emotion, 4 * n_speakers
    rows = np.bincount(cell, minlength=size).reshape(n_speakers, 4)
    hits = [np.bincount(cell, hit, size).reshape(n_speakers, 4) for hit in drawn.hit]
    products = [
        [_products(drawn, label, prediction, n_speakers) for prediction in both]
        for label, both in zip(drawn.rating, drawn.prediction, strict=True)
    ]
    paired = [
        speaker_pair_sums(drawn.rating[0][:, None], np.stack([z, drawn.other], axis=1), drawn.speaker, n_speakers)
        for z in (drawn.prediction[0] if pairs else ())
    ]

    def values(weights: Floats) -> dict[str, Floats]:
        """Compute each quantity of the first method, and its difference from the second's."""
        n = weights @ rows
        recall = [np.where(n > 0, weights @ hit / np.maximum(n, 1), np.nan) for hit in hits]
        found = {"UAR": [np.nanmean(each, axis=1) for each in recall], "recall of sad": [r[:, 1] for r in recall]}
        for name, both in zip(("activation", "valence"), products, strict=True):
            totals = [np.tensordot(weights, each, 1) for each in both]
            found[f"R² {name}"] = [explained(each).adjusted_r2 for each in totals]
            if name == "activation":
                found["CCC activation"] = [_ccc(each) for each in totals]
        if paired:
            found["pairwise R² activation"] = [_pairwise(each, weights) for each in paired]
        differences = {f"{name}, difference": second - first for name, (first, second) in found.items()}
        return {name: first for name, (first, _) in found.items()} | differences

    return values


def _products(drawn: Draw, label: Floats, prediction: Floats, n_speakers: int) -> Floats:
    columns = np.stack([np.ones_like(label), prediction, drawn.other, label], axis=1)
    return np.stack([columns[drawn.speaker == s].T @ columns[drawn.speaker == s] for s in range(n_speakers)])


def _ccc(totals: Floats) -> Floats:
    mean = totals[:, 0] / totals[:, :1, 0]
    covariance = totals / totals[:, :1, :1] - mean[:, :, None] * mean[:, None, :]
    shift = (mean[:, 1] - mean[:, 3]) ** 2
    ccc: Floats = 2 * covariance[:, 1, 3] / (covariance[:, 1, 1] + covariance[:, 3, 3] + shift)
    return ccc


def _pairwise(sums: Floats, weights: Floats) -> Floats:
    """Weigh the pairs of two speakers; a copy of a speaker is not paired with another of the same."""
    own = np.diagonal(sums, axis1=1, axis2=2)
    between = [np.sum((weights @ np.triu(each, 1)) * weights, axis=1) for each in sums]
    return explained(pair_sums(np.stack(between, axis=1) + weights @ own.T)).adjusted_r2


def one_draw(seed: int, design: tuple[str, int, int, bool]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Draw speakers once: value, low and high of each quantity and method."""
    _, n, n_folds, equal = design
    rng = np.random.default_rng([seed, n, n_folds, int(equal)])
    drawn = draw(rng, sizes_of(rng, n, equal=equal))
    fold = rng.permutation(n) % n_folds
    parts = [(np.flatnonzero(fold == k), rows_of(drawn, np.flatnonzero(fold == k))) for k in range(n_folds)]
    functions = [(who, quantities_of(part, pairs=n <= MOST_PAIRED)) for who, part in parts]
    counts = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES).astype(np.float64)
    names = [f"s{k:02}" for k in range(n)]
    utterances = np.bincount(drawn.speaker, minlength=n)
    found = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = [function(counts[:, who]) for who, function in functions]
        wholes = [function(np.ones((1, len(who)))) for who, function in functions]
        others = [function(1 - np.eye(len(who))) for who, function in functions]
        small = functions if n_folds == 1 and n <= MOST_PAIRED else []
        students = [_studentised(function, counts[:N_STUDENTISED]) for _, function in small]
    for quantity in wholes[0]:
        left = [
            left_out(whole[quantity][0], other[quantity], [names[k] for k in who], utterances[who])
            for (who, _), whole, other in zip(functions, wholes, others, strict=True)
        ]
        mean = fold_mean(left)
        drawn_means = _mean_of_folds(np.stack([each[quantity] for each in resampled]))
        ends = {
            METHODS[0]: np.nanquantile(drawn_means, [0.025, 0.975]),
            METHODS[2]: _plain(mean),
            METHODS[3]: interval(mean, SCALES.get(quantity, "plain"))[1:3],
        }
        if students and quantity in students[0]:
            ends[METHODS[1]] = _bootstrap_t(mean, *students[0][quantity])
        for method, (low, high) in ends.items():
            found[quantity, method] = mean.value, low, high
    return found


def _mean_of_folds(values: Floats) -> Floats:
    """Average folds; one none of whose speakers was drawn takes no part."""
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _plain(found: LeftOut) -> tuple[float, float]:
    """Jackknife-t without scale, and with one degree of freedom less than there are speakers."""
    moved, n = np.array(list(found.without.values())), len(found.without)
    margin = stdtrit(n - 1, 0.975) * np.sqrt((n - 1) / n * np.sum((moved - moved.mean()) ** 2))
    return found.value - margin, found.value + margin


def _studentised(function: Quantities, counts: Floats) -> dict[str, tuple[Floats, Floats]]:
    """Values of resamples, and the standard error that leaving out a drawn speaker gives each."""
    n_resamples, n = counts.shape
    without = np.maximum((counts[:, None, :] - np.eye(n)).reshape(-1, n), 0)
    value, moved = function(counts), function(without)
    errors = {}
    for name in value:
        if not name.startswith("pairwise"):
            squares = (moved[name].reshape(n_resamples, n) - value[name][:, None]) ** 2
            errors[name] = (
                value[name],
                np.sqrt((n - 1) / n * np.nansum(np.where(counts > 0, counts * squares, 0), axis=1)),
            )
    return errors


def _bootstrap_t(found: LeftOut, values: Floats, errors: Floats) -> tuple[float, float]:
    moved, n = np.array(list(found.without.values())), len(found.without)
    error = np.sqrt((n - 1) / n * np.sum((moved - found.value) ** 2))
    known = np.isfinite(values) & (errors > 0)
    if not known.any():
        return np.nan, np.nan
    low, high = np.quantile((values[known] - found.value) / errors[known], [0.025, 0.975])
    return found.value - high * error, found.value - low * error


def true_values(n_draws: int = 12) -> dict[str, float]:
    """Compute every quantity of very many speakers; pairs of fewer, since there are so many."""
    rng = np.random.default_rng(2022)
    large = [quantities_of(draw(rng, sizes_of(rng, N_LARGE, equal=True)), pairs=False) for _ in range(n_draws)]
    paired = [quantities_of(draw(rng, sizes_of(rng, N_PAIRED, equal=True)), pairs=True) for _ in range(n_draws)]
    values = [function(np.ones((1, N_LARGE))) for function in large]
    of_pairs = [function(np.ones((1, N_PAIRED))) for function in paired]
    return {name: float(np.mean([each[name][0] for each in of_pairs])) for name in of_pairs[0]} | {
        name: float(np.mean([each[name][0] for each in values])) for name in values[0]
    }


#: What the tests meet: mean slope of both methods, and its standard deviation over speakers.
TESTS = (
    ("nothing, speakers alike", 0.0, 0.0),
    ("nothing, speakers differ", 0.0, 0.16),
    ("valence", 0.12, 0.16),
    ("activation", 0.6, 0.16),
)


def one_test(seed: int, slope: float, slope_sd: float, n: int, n_folds: int) -> tuple[float, float]:
    """Test one draw by F and by signs of speakers; of several folds, the largest p-value of the F-tests."""
    rng = np.random.default_rng([seed, n, n_folds, round(100 * slope), round(100 * slope_sd)])
    drawn = draw(rng, sizes_of(rng, n, equal=True), np.full_like(SLOPES, slope), slope_sd)
    z, fold = np.stack([drawn.prediction[0, 0], drawn.other], axis=1), (rng.permutation(n) % n_folds)[drawn.speaker]
    parts = [(drawn.rating[0][fold == k], z[fold == k], drawn.speaker[fold == k]) for k in range(n_folds)]
    p_values = [adjusted_r2(label, rows).p_value for label, rows, _ in parts]
    return max(p_values), sign_flip_p_value([label_products(*part) for part in parts])
