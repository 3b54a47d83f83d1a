import dataclasses

import numpy as np
import pytest

from affectmap.report.glance import glances, not_rated
from affectmap.report.transfer import Transfer


def with_values(results, method, quantity, values):
    """The results with zero-shot means of a method set, by corpus."""
    summary = results.summary.copy()
    for corpus, value in values.items():
        rows = (summary["method"] == method) & (summary["quantity"] == quantity) & (summary["corpus"] == corpus)
        summary.loc[rows & (summary["reading"] == "zero-shot"), "mean"] = value
    return dataclasses.replace(results, summary=summary)


def test_bars_stay_within_their_box(whole_results):
    results = whole_results
    for method in results.summary["method"].unique():
        results = with_values(results, method, "activation", {"urdu": -1.0, "aesdd": -1.0})
    results = with_values(results, "DAE-Metric-Act", "activation", {"urdu": 0.9, "aesdd": -0.3})
    first, second = (glance.measures[0] for glance in glances(results))
    assert first.share == 0.9
    assert second.share == 0.0
    assert second.text.replace("\u202f", " ") == "−30 %"


def test_glance_tells_language_and_speakers(whole_results):
    assert [glance.about for glance in glances(whole_results)] == ["Urdu, 29 speakers", "Greek, six speakers"]
    unknown = whole_results.corpora.assign(n_speakers=None, language="")
    assert glances(dataclasses.replace(whole_results, corpora=unknown))[0].about == ""


def test_every_bar_has_its_interval(whole_results):
    bar = glances(whole_results)[0].measures[0]
    row = Transfer(whole_results).row(bar.method, "urdu", "activation")
    assert bar.span == (row["ci_low"], row["ci_high"])
    assert bar.sureness.startswith(f"95 % interval over speakers: {100 * row['ci_low']:.0f} to ")


def test_drawn_intervals_stay_within_their_box(whole_results):
    summary = whole_results.summary.assign(ci_low=-0.5, ci_high=1.5)
    bar = glances(dataclasses.replace(whole_results, summary=summary))[0].measures[0]
    assert bar.span == (0.0, 1.0)
    assert "−50 to 150" in bar.sureness


@pytest.mark.parametrize(("speakers", "why"), [(3, "too few speakers"), (None, "speakers not named")])
def test_an_interval_that_is_unknown_says_why(whole_results, speakers, why):
    results = dataclasses.replace(
        whole_results,
        summary=whole_results.summary.assign(ci_low=np.nan),
        corpora=whole_results.corpora.assign(n_speakers=speakers),
    )
    bars = [bar for glance in glances(results) for bar in glance.measures]
    assert {bar.sureness for bar in bars} == {f"interval unknown: {why}"}
    assert {bar.span for bar in bars} == {None}


def test_cards_say_what_nobody_rated(whole_results):
    corpora = whole_results.corpora.assign(n_activation=0, n_valence=[0, 4, 0])
    results = dataclasses.replace(whole_results, corpora=corpora)
    first, second = glances(results)
    assert first.missing == "Activation: not rated in urdu, so not measured."
    assert second.missing == "Activation, valence: not rated in aesdd, so not measured."
    assert not_rated(Transfer(results), []) == ""
