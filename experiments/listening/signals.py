"""Signals without labels by which a folder might be listened to or not: the larger, the more speaks for listening.

Conventions:
    * A *folder* is given as standardised features (N, F), and looked at in the space (N, P) where classes of the
      training corpora have unit covariance. Its K classes are those that the rounds of listening end with.
    * A likelihood is a difference of mean log-densities a recording, divided by P.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from folds import Classes, Fold
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import KFold, ShuffleSplit

from affectmap.model.listening import (
    PRIOR_RECORDINGS,
    ROUNDS_TO_THE_END,
    SHRINKAGE,
    USUAL,
    Listened,
    SourceClasses,
    listen,
)
from affectmap.schema import Features, Floats, Rows

#: Listens to whatever it is given, and to the end of the rounds.
TO_THE_END = USUAL._replace(least_agreement=0.0, least_recordings=2, rounds=ROUNDS_TO_THE_END)
#: Pairs of random halves, and parts of which each is held back once.
N_HALVES, N_PARTS = 3, 5


class Mixture(NamedTuple):
    """Normal distributions of one covariance (P, P), with means (K, P), each as likely as any other."""

    mean: Floats
    covariance: Floats

    def log_density(self, points: Floats) -> Floats:
        """Give the logarithm of the density of points (N, P)."""
        each = [np.atleast_1d(multivariate_normal.logpdf(points, mean, self.covariance)) for mean in self.mean]
        found: Floats = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
        return found


class Reference(NamedTuple):
    """What signals compare a folder with.

    Attributes:
        fold: What is known of the classes.
        source: The same as `listen` takes it.
        background: One normal distribution of the source recordings.
        prototypes: The sources' classes, each as likely as any other.
        distance: Of the source recordings to the nearest class mean.
    """

    fold: Fold
    source: SourceClasses
    background: Mixture
    prototypes: Mixture
    distance: Floats


def reference(fold: Fold) -> Reference:
    """Take from a fold what signals need."""
    classes = fold.classes
    points = classes.rows(fold.source.features)
    broad = LedoitWolf().fit(points)
    return Reference(
        fold,
        source_classes(classes),
        Mixture(broad.location_[None], broad.covariance_),
        Mixture(classes.centre, np.eye(points.shape[1])),
        _nearest(points, classes.centre),
    )


def source_classes(classes: Classes) -> SourceClasses:
    """Give the classes of a fold as models hold them."""
    return SourceClasses(classes.names, classes.weight, classes.bias, classes.place, classes.basis, classes.centre)


def signals(of: Reference, z: Features) -> dict[str, float]:
    """Compute every signal of a folder; the first is the gate's."""
    features, points = z.astype(np.float64), of.fold.classes.rows(z)
    listened = listen(features, of.source, TO_THE_END)
    return {
        "class kept": listened.agreement,
        "two halves": halves(of, features),
        **held_back(of, features, points),
        "prototypes over background": prototypes_over_background(of, points),
        "near, 95 %": near(of, points, 0.95),
        "near, 99 %": near(of, points, 0.99),
        "between over within": between(_classes(listened, features), points),
        "spread of classes": spread(of, points),
        "sure before": float(np.exp(of.fold.classes.log_probability(z).max(axis=1)).mean()),
        "two inputs": two_inputs(of.fold, z),
    }


def halves(of: Reference, z: Floats) -> float:
    """Share of the recordings that two random halves of the folder, each listened to by itself, give one class."""
    shares = []
    for rows in ShuffleSplit(N_HALVES, train_size=0.5, random_state=0).split(z):
        one, other = (_classes(listen(z[half], of.source, TO_THE_END), z) for half in rows)
        shares.append(float((one == other).mean()))
    return float(np.mean(shares))


def held_back(of: Reference, z: Floats, points: Floats) -> dict[str, float]:
    """Log-density of held-back recordings by the classes of the others, less that by other distributions."""
    found = np.empty((len(z), 4))
    for learned, held in KFold(min(N_PARTS, len(z)), shuffle=True, random_state=0).split(z):
        number = _classes(listen(z[learned], of.source, TO_THE_END), z[learned])
        own = _estimated(points[learned], number, of.source.mean)
        one = _estimated(points[learned], np.zeros_like(number), points[learned].mean(axis=0)[None])
        each = own, of.background, of.prototypes, one
        found[held] = np.stack([one.log_density(points[held]) for one in each], axis=1)
    mean = found.mean(axis=0) / points.shape[1]
    names = "classes over background", "classes over prototypes", "classes over one normal"
    return dict(zip(names, (mean[0] - mean[1:]).tolist(), strict=True))


def prototypes_over_background(of: Reference, points: Floats) -> float:
    """Log-density by the sources' classes, less that by one normal distribution of all their recordings."""
    both = of.prototypes.log_density(points) - of.background.log_density(points)
    return float(both.mean() / points.shape[1])


def near(of: Reference, points: Floats, quantile: float) -> float:
    """Share of the recordings no farther from the nearest class mean than this share of the source recordings."""
    return float((_nearest(points, of.source.mean) <= np.quantile(of.distance, quantile)).mean())


def between(number: Rows, points: Floats) -> float:
    """Variance between classes (N,) over that within."""
    within = sum(((points[number == k] - points[number == k].mean(axis=0)) ** 2).sum() for k in np.unique(number))
    return float(((points - points.mean(axis=0)) ** 2).sum() / within - 1)


def spread(of: Reference, points: Floats) -> float:
    """Variance along the directions between the sources' class means, over that of the sources there."""
    centred = of.source.mean - of.source.mean.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][: len(centred) - 1]
    expected = np.trace(directions @ of.background.covariance @ directions.T)
    return float((points @ directions.T).var(axis=0).sum() / expected)


def two_inputs(fold: Fold, z: Features) -> float:
    """Share of the recordings that encoder and functionals, each alone, give one class; ``NaN`` without an encoder."""
    if not fold.views:
        return float("nan")
    names = [np.array(each.names)[each.log_probability(z).argmax(axis=1)] for each in fold.views]
    return float((names[0] == names[1]).mean())


def _estimated(points: Floats, number: Rows, prior: Floats) -> Mixture:
    """Estimate classes (N,) as listening does: means drawn to some (K, P), a covariance drawn to a sphere."""
    assigned = np.eye(len(prior))[number]
    mean = (assigned.T @ points + PRIOR_RECORDINGS * prior) / (assigned.sum(axis=0)[:, None] + PRIOR_RECORDINGS)
    residual = points - mean[number]
    covariance = residual.T @ residual / len(points)
    sphere = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return Mixture(mean, (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere)


def _classes(listened: Listened, z: Floats) -> Rows:
    return (z @ listened.weight + listened.bias).argmax(axis=1)


def _nearest(points: Floats, centre: Floats) -> Floats:
    found: Floats = cdist(points, centre).min(axis=1)
    return found
