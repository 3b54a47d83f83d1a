"""How often the intervals contain the rating on corpora that neither the model nor the width was fitted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.model.heads import coverage, largest_half_width
from affectmap.schema import LABELS, Floats
from affectmap.transfer.calibration import LEVEL


def nested_coverage(
    predict: Callable[[tuple[str, ...], str, str], Floats],
    labels: Mapping[str, Floats],
    normalisations: Mapping[str, Sequence[str]],
    level: float = LEVEL,
) -> pd.DataFrame:
    """Measure leave-one-corpus-out how often intervals contain the rating.

    For every corpus, the model is trained on all others, and the width is `largest_half_width` over residuals on
    each of the others of models trained on the rest. The corpus that is reported is in neither.

    Args:
        predict: Takes the corpora to train on, one to predict and a normalisation; gives its ratings (N, 2).
        labels: Activation and valence (N, 2) of every corpus, at least three.
        normalisations: Those to report, each with those whose residuals its width comes from.
        level: Probability with which a rating shall lie in its interval.

    Returns:
        One row a normalisation, corpus and label, with ``half_width``, ``coverage`` and ``n``.

    Raises:
        ConfigError: If there are fewer than three corpora.

    Example:
        >>> ratings = {name: np.full((50, 2), 3.0) for name in "abc"}
        >>> table = nested_coverage(lambda sources, target, _: ratings[target] + 0.1, ratings, {"alone": ["alone"]})
        >>> table["coverage"].tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if len(labels) < 3:
        raise ConfigError(f"coverage was asked for {len(labels)} corpora; it needs at least 3")
    rows = []
    for normalisation, measured in normalisations.items():
        for corpus, truth in labels.items():
            others = tuple(name for name in labels if name != corpus)
            rests = {name: tuple(each for each in others if each != name) for name in others}
            residuals = [labels[name] - predict(rests[name], name, each) for name in others for each in measured]
            prediction = predict(others, corpus, normalisation)
            for i, label in enumerate(LABELS):
                width = largest_half_width([residual[:, i] for residual in residuals], level)
                share, n = coverage(truth[:, i], prediction[:, i], width), int(np.isfinite(truth[:, i]).sum())
                row = {"normalisation": normalisation, "corpus": corpus, "label": label}
                rows.append({**row, "half_width": width, "coverage": share, "n": n})
    return pd.DataFrame(rows)
