import dataclasses

import pytest

from affectmap.report.summary import glances, summarise


def said(results):
    return {lead: text.replace("\u202f", " ") for lead, text in summarise(results)}


def with_values(results, method, quantity, values):
    """The results with zero-shot means of a method set, by corpus."""
    summary = results.summary.copy()
    for corpus, value in values.items():
        rows = (summary["method"] == method) & (summary["quantity"] == quantity) & (summary["corpus"] == corpus)
        summary.loc[rows & (summary["reading"] == "zero-shot"), "mean"] = value
    return dataclasses.replace(results, summary=summary)


def test_says_what_was_done(whole_results):
    text = said(whole_results)["What was done."]
    assert text == (
        "Four autoencoders learnt from emodb (German) and were then tried on two corpora never heard in training: "
        "urdu (Urdu) and aesdd (Greek)."
    )


def test_names_the_best_method_by_its_mean_over_targets(whole_results):
    results = with_values(whole_results, "DAE-Metric-Joint", "activation", {"urdu": 0.61, "aesdd": 0.2})
    results = with_values(results, "DAE-Metric-Act", "activation", {"urdu": 0.3, "aesdd": 0.4})
    results = with_values(results, "DAE-Unsupervised", "activation", {"urdu": 0.101, "aesdd": -0.2})
    text = said(results)["Activation."]
    assert "DAE-Metric-Joint, explains 61 % in urdu and 20 % in aesdd" in text
    assert "It can clearly be read" in text
    assert text.endswith("DAE-Unsupervised, which saw no rating, explains 10 % and 0 %.")


@pytest.mark.parametrize(("value", "word"), [(0.3, "clearly"), (0.29, "in part"), (0.1, "in part"), (0.09, "hardly")])
def test_words_follow_the_numbers(whole_results, value, word):
    results = whole_results
    for method in results.summary["method"].unique():
        results = with_values(results, method, "valence", {"urdu": value, "aesdd": value})
    assert f"It can {word} be read" in said(results)["Valence."]


def test_says_so_when_no_metric_method_wins(whole_results):
    results = with_values(whole_results, "DAE-Unsupervised", "activation", {"urdu": 0.9, "aesdd": 0.9})
    text = said(results)["Activation."]
    assert text.endswith("That is the autoencoder that saw no rating.")
    assert glances(results)[0].measures[0].unsupervised is None


def test_each_corpus_is_told_with_the_most_classes_it_has(whole_results):
    # The most of one corpus, S-A, is the lesser one of none that stays; the other keeps its four.
    summary = whole_results.summary
    few = (summary["corpus"] == "aesdd") & (summary["quantity"] == "S-H-A")
    two = (summary["corpus"] == "urdu") & (summary["quantity"] == "N-S-A")
    results = dataclasses.replace(
        whole_results, summary=summary[~few].assign(quantity=summary["quantity"].where(~two, "S-A"))
    )
    measures = {each.corpus: each.measures[-1].guessing for each in glances(results)}
    assert measures == {"urdu": 1 / 4, "aesdd": 1 / 2}


def test_classes_are_counted_from_guessing(whole_results):
    # 50 % of three classes is less above guessing than 45 % of four.
    results = whole_results
    for method in results.summary["method"].unique():
        results = with_values(results, method, "N-S-H-A", {"urdu": 0.3})
        results = with_values(results, method, "S-H-A", {"aesdd": 0.35})
    results = with_values(results, "DAE-Metric-Act", "S-H-A", {"aesdd": 0.5})
    results = with_values(results, "DAE-Metric-Val", "N-S-H-A", {"urdu": 0.5})
    text = said(results)["Emotions."]
    assert "embedding of DAE-Metric-Val" in text
    assert "50 % in urdu of neutral, sad, happy and angry speech (guessing: 25 %)" in text
    assert "35 % in aesdd of sad, happy and angry speech (guessing: 33 %)" in text


@pytest.mark.parametrize(
    ("ridge", "verdict"),
    [
        (0.99, "six of six comparisons, and by that yardstick the network has not earned its place."),
        (-1.0, "none of six comparisons, and by that yardstick the network earns its place."),
    ],
)
def test_the_simpler_map_is_held_against_the_network(whole_results, ridge, verdict):
    results = whole_results
    for quantity in ("activation", "valence", "N-S-H-A", "S-H-A"):
        results = with_values(results, "Ridge (activation, valence)", quantity, {"urdu": ridge, "aesdd": ridge})
    assert verdict in said(results)["A simpler map."]


def test_claims_are_counted_by_verdict(whole_results):
    assert said(whole_results)["The paper’s claims."] == (
        "On these corpora (a), (b), (d) and (f) hold, (e) does not hold and (c) cannot be told."
    )
    two = whole_results.claims[whole_results.claims["claim"].isin(["a", "b"])].assign(verdict="does not hold")
    text = said(dataclasses.replace(whole_results, claims=two))["The paper’s claims."]
    assert text == "On these corpora (a) and (b) do not hold."


def test_many_corpora_give_a_range(copied):
    results = copied(["c4", "c5"])
    results = with_values(results, "DAE-Metric-Act", "activation", {"c4": 0.9, "c5": 0.8, "urdu": 0.5, "aesdd": 0.6})
    assert "DAE-Metric-Act, explains 50 % to 90 % (median 70 %) of" in said(results)["Activation."]
    assert len(glances(results)) == 4


def test_without_targets_nothing_is_said_about_transfer(source_only):
    sentences = said(source_only)
    assert list(sentences) == ["What was done.", "Transfer."]
    assert "held out" in sentences["What was done."]
    assert glances(source_only) == []


def test_unrated_quantities_are_not_spoken_of(unrated):
    sentences = said(unrated("valence"))
    assert "Valence." not in sentences
    assert [m.label for m in glances(unrated("valence"))[0].measures] == [
        "Activation explained",
        "Emotions recognised, of four",
    ]


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
    assert glances(dataclasses.replace(whole_results, corpora=unknown))[0].about == "–"
