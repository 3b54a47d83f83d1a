"""The audit in plain words: can these figures be believed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from affectmap.audit.verdicts import SIGNS, Verdict
from affectmap.report.style import counted, is_number, number, out_of, percent

#: Check whose value is a share; values of the others are counts, or shares of nought and one.
_SHARES = ("emotion told from the speaker", "mean and spread")
#: How a verdict is drawn: class and mark.
_MARKS = {
    Verdict.SOUND: ("holds", "✓"),
    Verdict.UNTOLD: ("open", "?"),
    Verdict.WARNING: ("open", "!"),
    Verdict.CONFOUNDED: ("fails", "✗"),
    Verdict.LEAK: ("fails", "✗"),
}


@dataclass(frozen=True)
class AuditView:
    """What the page says of the audit.

    Attributes:
        headline: In a sentence or two.
        told: Checks that are not sound, the worst first.
        rows: All checks.
    """

    headline: str
    told: list[dict[str, Any]]
    rows: list[dict[str, Any]]


def audit_view(audit: pd.DataFrame) -> AuditView:
    """Put the checks of an audit into words.

    Args:
        audit: The results' audit.

    Returns:
        What the page shows.

    Example:
        >>> check = {"check": "durations", "corpus": "cats", "other": "", "verdict": "sound", "value": 0.0, "n": 3,
        ...          "detail": "no utterance of cats is unusually short or long"}
        >>> audit_view(pd.DataFrame([check])).headline
        'Nothing speaks against the figures: the one check that was made is sound.'
    """
    rows = [_row({str(key): value for key, value in row.items()}) for row in audit.to_dict("records")]
    order = [str(verdict) for verdict in reversed(Verdict)]
    told = sorted((row for row in rows if row["verdict"] != Verdict.SOUND), key=lambda row: order.index(row["verdict"]))
    return AuditView(_headline(rows), told, rows)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    verdict = Verdict(row["verdict"])
    kind, mark = _MARKS[verdict]
    value = percent(row["value"]) if row["check"] in _SHARES else number(row["value"], 0)
    of = f"{int(row['n']):,}" if is_number(row["n"]) else ""
    names = [row["corpus"], row["other"] if row["other"] != row["corpus"] else ""]
    where = ", ".join(name for name in names if name)
    return row | {"kind": kind, "mark": mark, "sign": SIGNS.get(verdict, ""), "shown": value, "of": of, "where": where}


def _headline(rows: list[dict[str, Any]]) -> str:
    n, n_sound = len(rows), sum(row["verdict"] == Verdict.SOUND for row in rows)
    bad = sum(row["verdict"] in SIGNS for row in rows)
    if not rows:
        return "Nothing was checked."
    if n_sound == n:
        every = f"all {counted(n, 'check')} are sound" if n > 1 else "the one check that was made is sound"
        return f"Nothing speaks against the figures: {every}."
    if bad:
        return (
            f"Some figures must not be taken at face value: {out_of(bad, n, 'check')} found a leak or a confounded "
            "corpus. What they bear on is marked in all tables."
        )
    return f"No leak was found; {out_of(n - n_sound, n, 'check')} {'asks' if n - n_sound == 1 else 'ask'} for care."
