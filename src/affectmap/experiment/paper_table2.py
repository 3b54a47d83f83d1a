"""Table 2: figures of others, as constants, and ours beside them.

Source: Das et al. 2022, table 2; the reference of each row is the one given there.
"""

from __future__ import annotations

import pandas as pd

from affectmap.stats.scores import Key, Scores

COLUMNS = ("method", "features_corpus", "n_classes", "score", "unit", "origin")

#: Rows of table 2 from the paper; scores in percent.
ROWS = (
    ("GAN (Latif et al. 2019)", "eGeMAPS, EMO-DB", 2, 66.0, "UAR", "literature"),
    ("FLUDA (Ahn et al. 2021)", "IS10, IEMOCAP and others", 4, 50.0, "UA", "literature"),
    ("VAE+LSTM (Latif et al. 2018)", "LogMel, IEMOCAP", 4, 56.08, "UA", "literature"),
    ("AE+LSTM (Latif et al. 2018)", "LogMel, IEMOCAP", 4, 55.42, "UA", "literature"),
    ("Stacked-AE+BLSTM-RNN (Ghosh et al. 2016)", "COVAREP, IEMOCAP", 4, 50.26, "UA", "literature"),
    ("DAE+Linear-SVM, the paper's baseline", "eGeMAPS, IEMOCAP", 4, 52.09, "UA", "paper"),
)


def table2(scores: Scores, sources: list[str], features: str = "eGeMAPSv02") -> pd.DataFrame:
    """Put the unsupervised baseline of this run beside the literature.

    Args:
        scores: Of the run.
        sources: Names of the source corpora.
        features: What was measured, for people.

    Returns:
        Columns `COLUMNS`, the literature first; scores in percent. Ours are held-out means over folds, with as
        many of the four classes as the source has.

    Example:
        >>> table2(Scores([]), [])["score"].max()
        np.float64(66.0)
    """
    ours = []
    for key in scores:
        if _is_ours(key) and key.corpus in sources:
            n_classes = key.quantity.count("-") + 1
            method = f"DAE-Unsupervised + linear SVC, {key.quantity}"
            ours.append((method, f"{features}, {key.corpus}", n_classes, 100 * scores.mean(key), "UAR", "this run"))
    return pd.DataFrame([*ROWS, *ours], columns=list(COLUMNS))


def _is_ours(key: Key) -> bool:
    is_baseline = (key.table, key.method, key.reading) == ("4", "DAE-Unsupervised", "held-out")
    return is_baseline and "H-A" in key.quantity
