"""Small tables of raw ratings that several tests share."""

import numpy as np
import pandas as pd

from affectmap.agreement.ratings import RATING_COLUMNS, typed

FULL = {
    "activation": float("nan"),
    "valence": float("nan"),
    "emotion": None,
    "cannot_tell": False,
    "comment": "",
    "presentation": 1,
    "revision": 1,
    "rated_at": "2026-01-31T12:00:00Z",
    "seconds": 6.0,
}


def make_ratings(*rows):
    """Raw ratings of dictionaries; what a row does not say is as in FULL."""
    return typed([{**FULL, **row} for row in rows])


def simulate(n_items=30, raters=("anna", "bo", "chen"), n_repeats=0, noise=0.4, seed=0, folder="wav"):
    """Ratings of raters who hear the same truth with noise, in half steps, with two classes."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, size=(n_items, 2))
    rows = []
    for rater in raters:
        for item in range(n_items):
            for presentation in (1, 2)[: 1 + (item < n_repeats)]:
                heard = np.clip(np.round(2 * (truth[item] + rng.normal(scale=noise, size=2))) / 2, 1, 5)
                row = {"file": f"{folder}/{item:03}.wav", "rater": rater, "presentation": presentation}
                emotion = "happy" if heard[1] > 3 else "sad"
                rows.append({**row, "activation": heard[0], "valence": heard[1], "emotion": emotion})
    return make_ratings(*rows)


def as_csv(ratings: pd.DataFrame) -> str:
    """Raw ratings as text."""
    return ratings[list(RATING_COLUMNS)].to_csv(index=False)
