"""Choose thresholds of signals on other corpora, and say what gates of them gain, lose and let in.

Conventions:
    * A table has a row a folder, as gates.py writes it: ``gain`` is what listening would add to UAR, and a column a
      signal. ``left_out`` names the corpus that neither the model nor the folder has; it is empty where results are.
    * A gate is open where a signal is no less than its threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from affectmap.model.listening import USUAL
from affectmap.schema import Floats, Mask

#: Folders as corpora are, and folders from which there is nothing to learn.
REAL = ("whole", "four")
NOTHING = ("features shuffled", "no known emotion", "other emotions, four known")
#: What a threshold must keep out: nothing, features that say nothing, or all from which there is nothing to learn.
KEPT_OUT: dict[str, tuple[str, ...]] = {"": (), "shuffled": NOTHING[:1], "all": NOTHING}
#: The signal in use; others may be joined to it, so that both must be open.
USED = "class kept"
#: Change of UAR that counts as one, and the loss that a threshold may bring on any folder it is chosen on.
CHANGE, MOST_LOSS = 0.005, 0.01
KEYS = ("ear", "corpus", "left_out", "kind", "normalisation", "n", "uar", "gain", "gain_known")


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """Give a row an ear, signal and rule: how well it parts folders, and what its nested gate comes to.

    Folders too small for models to listen to play no part, but those that teach nothing, of which there are few.
    """
    names = [name for name in table.columns if name not in KEYS]
    table = table[(table["n"] >= USUAL.least_recordings) | table["kind"].isin(NOTHING)]
    rows = []
    for ear, own in table.groupby("ear", sort=False):
        rows += [{"ear": ear, "signal": name, **each} for name, each in _always_and_used(own)]
        for name in names:
            if own[name].notna().all():
                rows += [{"ear": ear, "signal": name, **parted(own, name), **each} for each in _gates(own, name)]
    return pd.DataFrame(rows)


def parted(table: pd.DataFrame, signal: str) -> dict[str, float]:
    """Say how often a signal is larger in a folder that gains than in one that loses, or that teaches nothing."""
    own = table[table["left_out"] == ""]
    nothing = own["kind"].isin(NOTHING)
    gains, loses = (own["gain"] >= CHANGE) & ~nothing, (own["gain"] <= -CHANGE) & ~nothing
    real = own["kind"].isin(REAL) & gains
    found: dict[str, float] = {"n_gain": int(gains.sum()), "n_loss": int(loses.sum())}
    found["auc_loss"] = _auc(own[signal].to_numpy(), gains.to_numpy(), loses.to_numpy())
    found |= {"n_real": int(real.sum()), "n_nothing": int(nothing.sum())}
    found["auc_nothing"] = _auc(own[signal].to_numpy(), real.to_numpy(), nothing.to_numpy())
    return found


def _auc(value: Floats, one: Mask, other: Mask) -> float:
    if not one.any() or not other.any():
        return float("nan")
    return float(roc_auc_score(one[one | other], value[one | other]))


def chosen(inner: pd.DataFrame, signal: str, open_already: Mask, kept_out: Sequence[str]) -> float:
    """Choose the threshold that gains most on the mean of real folders and loses no more than `MOST_LOSS` on any.

    Args:
        inner: Rows of the other corpora.
        signal: The signal.
        open_already: Where the gate that it is joined to is open (N,).
        kept_out: Kinds of folders that it must keep out besides.

    Returns:
        The threshold, halfway between two values; of several as good, the highest. Infinite if none is allowed but
        that which keeps all out.
    """
    value, real = inner[signal].to_numpy(), inner["kind"].isin(REAL).to_numpy()
    out, gain = inner["kind"].isin(kept_out).to_numpy(), inner["gain"].to_numpy()
    seen = np.unique(value)
    tried = np.concatenate([[-np.inf], (seen[1:] + seen[:-1]) / 2, [np.inf]])
    best, found = -np.inf, np.inf
    for threshold in tried:
        is_open = open_already & (value >= threshold)
        own = np.where(is_open, gain, 0.0)[real]
        if own.min() >= -MOST_LOSS and not is_open[out].any() and own.mean() >= best - 1e-9:
            best, found = float(own.mean()), float(threshold)
    return found


def _gates(table: pd.DataFrame, signal: str) -> Iterator[dict[str, object]]:
    for joined in ("", USED):
        for kept_out in KEPT_OUT:
            if joined != signal:
                yield {"joined": joined, "kept_out": kept_out, **nested(table, signal, joined, KEPT_OUT[kept_out])}


def nested(table: pd.DataFrame, signal: str, joined: str, kept_out: Sequence[str]) -> dict[str, float]:
    """Choose a threshold for every corpus by the others; give what the gate comes to on all corpora."""
    outer, is_open, used = table[table["left_out"] == ""], [], []
    for name, own in outer.groupby("corpus", sort=False):
        inner = table[table["left_out"] == name]
        used.append(chosen(inner, signal, _used(inner, joined), kept_out))
        is_open.append(pd.Series(_used(own, joined) & (own[signal].to_numpy() >= used[-1]), index=own.index))
    return {"lowest": min(used), "highest": max(used), **_result(outer, pd.concat(is_open).reindex(outer.index))}


def _used(table: pd.DataFrame, joined: str) -> Mask:
    if not joined:
        return np.ones(len(table), dtype=np.bool_)
    return np.asarray(table[joined] >= USUAL.least_agreement)


def _always_and_used(table: pd.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    outer = table[table["left_out"] == ""]
    yield "none, always open", _result(outer, pd.Series(data=True, index=outer.index))
    yield f"{USED}, as it is", _result(outer, outer[USED] >= USUAL.least_agreement)


def _result(outer: pd.DataFrame, is_open: pd.Series) -> dict[str, object]:
    """Say what a gate gains and loses, and how often it opens."""
    gain, kind = outer["gain"].where(is_open, 0.0), outer["kind"]
    found: dict[str, object] = {}
    for name in REAL:
        found |= {f"gain_{name}": gain[kind == name].mean(), f"worst_{name}": gain[kind == name].min()}
    made = gain[~kind.isin((*REAL, *NOTHING))]
    found |= {"gain_made": made.mean(), "worst_made": made.min()}
    for name in NOTHING:
        found |= {f"n {name}": int((kind == name).sum()), f"open {name}": int(is_open[kind == name].sum())}
    return found
