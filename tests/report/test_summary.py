import dataclasses

import numpy as np
import pandas as pd

from affectmap.report.summary import Transfer, about_small, glances, interval_of, summarise
from affectmap.text import score


def said(results):
    return dict(summarise(results))


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
        "Four autoencoders were trained on emodb (German) and evaluated on two unseen corpora: "
        "urdu (Urdu) and aesdd (Greek)."
    )


def test_names_the_best_method_by_its_mean_over_targets(whole_results):
    results = with_values(whole_results, "DAE-Metric-Joint", "activation", {"urdu": 0.61, "aesdd": 0.2})
    results = with_values(results, "DAE-Metric-Act", "activation", {"urdu": 0.3, "aesdd": 0.4})
    results = with_values(results, "DAE-Unsupervised", "activation", {"urdu": 0.101, "aesdd": -0.2})
    text = said(results)["Activation."]
    assert (
        "DAE-Metric-Joint, the best of the four autoencoders and chosen afterwards, explains "
        ".61 of the differences between ratings in urdu (with other speakers "
    ) in text
    assert ".20 in aesdd (" in text
    assert text.startswith("Embeddings of unseen corpora predict it clearly: DAE-Metric-Joint")
    assert text.endswith("DAE-Unsupervised, which uses no rating, explains .10 and .00.")


def test_words_follow_the_numbers(whole_results):
    cases = {
        0.3: "predict it clearly",
        0.29: "predict it in part",
        0.1: "predict it in part",
        0.09: "hardly predict it",
    }
    for value, words in cases.items():
        results = whole_results
        for method in results.summary["method"].unique():
            results = with_values(results, method, "valence", {"urdu": value, "aesdd": value})
        assert f"Embeddings of unseen corpora {words}: " in said(results)["Valence."], value


def test_says_so_when_no_metric_method_wins(whole_results):
    results = with_values(whole_results, "DAE-Unsupervised", "activation", {"urdu": 0.9, "aesdd": 0.9})
    text = said(results)["Activation."]
    assert text.endswith("It uses no rating.")
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
    # .50 of three classes is less above guessing than .45 of four.
    results = whole_results
    for method in results.summary["method"].unique():
        results = with_values(results, method, "N-S-H-A", {"urdu": 0.3})
        results = with_values(results, method, "S-H-A", {"aesdd": 0.35})
    results = with_values(results, "DAE-Metric-Act", "S-H-A", {"aesdd": 0.5})
    results = with_values(results, "DAE-Metric-Val", "N-S-H-A", {"urdu": 0.5})
    text = said(results)["Emotions."]
    assert "embedding of DAE-Metric-Val, the best of the four autoencoders and chosen afterwards," in text
    assert ".50 of neutral, sad, happy and angry speech (guessing gives .25) in urdu (with other speakers " in text
    assert ".35 of sad, happy and angry speech (guessing gives .33) in aesdd (with other speakers " in text
    assert text.endswith("N-S-H-A: neutral, sad, happy, angry.")


def with_interval(results, low, high):
    """The results with all intervals so far below and above their means."""
    mean = results.summary["mean"]
    return dataclasses.replace(results, summary=results.summary.assign(ci_low=mean + low, ci_high=mean + high))


def with_differences(results, differences):
    """The results with these differences of the leaders from ridge, each with its verdict."""
    leaders = [(leader.method, row) for leader in Transfer(results).leaders() for row in leader.rows]
    names = ["table", "corpus", "role", "quantity", "method", "against"]
    rows = [
        (*(row[name] for name in names[:4]), method, "Ridge (activation, valence)", difference, verdict)
        for (method, row), (difference, verdict) in zip(leaders, differences, strict=False)
    ]
    frame = pd.DataFrame(rows, columns=[*names, "difference", "verdict"])
    return dataclasses.replace(results, comparisons=frame)


def test_the_simpler_map_is_told_by_paired_differences(whole_results):
    told = ["above", "below", "below", "cannot be told", "cannot be told", "cannot be told"]
    results = with_differences(whole_results, [(0.01 * k - 0.045, verdict) for k, verdict in enumerate(told)])
    assert said(results)["A simpler map."] == (
        "Ridge regression from the same features straight to the ratings, beside the methods named above: in six "
        "comparisons the network is surely ahead in one and surely behind in two (differences on the same speakers); "
        "−.02 on average."
    )
    one = said(with_differences(whole_results, [(0.2, "above")]))["A simpler map."]
    assert "in one comparison the network is surely ahead in one and surely behind in none" in one


def test_without_ridge_nothing_is_said_of_it(whole_results):
    assert "A simpler map." not in said(with_differences(whole_results, []))
    assert "A simpler map." not in said(with_differences(whole_results, [(float("nan"), "cannot be told")]))


def test_small_corpora_are_warned_of(whole_results):
    corpora = whole_results.corpora
    assert about_small(corpora) == "aesdd has only six speakers: its results are very uncertain."
    assert about_small(corpora.assign(n_speakers=[2, None, 5], n_evaluated=[9, 99, 64])) == (
        "urdu has only 99 evaluated utterances: its results are very uncertain. "
        "aesdd has only five speakers and 64 evaluated utterances: its results are very uncertain."
    )
    assert about_small(corpora.assign(n_speakers=8, n_evaluated=100)) == ""


def test_many_small_corpora_share_a_warning(copied):
    assert about_small(copied(["c4", "c5"]).corpora.assign(n_evaluated=7)) == (
        "urdu, aesdd, c4 and c5 have fewer than eight speakers or 100 evaluated utterances each: "
        "their results are very uncertain."
    )


def test_one_method_is_the_best_of_nothing(whole_results):
    summary = whole_results.summary
    one = dataclasses.replace(whole_results, summary=summary[summary["method"] == "DAE-Metric-Act"])
    sentences = said(one)
    assert sentences["What was done."].startswith("One autoencoder was trained on emodb (German) and evaluated on")
    assert not any("compared" in text or "afterwards" in text for text in sentences.values())


def test_intervals_that_are_unknown_are_said_to_be(whole_results):
    text = said(dataclasses.replace(whole_results, summary=whole_results.summary.assign(ci_low=None, n_speakers=2)))
    assert text["Activation."].count("(no interval: 2 speakers)") == 2


def test_shares_below_none_are_none(whole_results):
    results = whole_results
    for method in results.summary["method"].unique():
        results = with_values(results, method, "valence", {"urdu": -0.2, "aesdd": -0.2})
    text = said(with_interval(results, -0.1, 0.1))["Valence."]
    assert ".00 of the differences between ratings in urdu (with other speakers .00 to .00)" in text


def test_languages_that_are_unknown_leave_no_brackets(whole_results):
    results = dataclasses.replace(whole_results, corpora=whole_results.corpora.assign(language=None))
    assert said(results)["What was done."].endswith("two unseen corpora: urdu and aesdd.")


def test_what_nobody_rated_is_said(whole_results):
    corpora = whole_results.corpora.assign(n_activation=[5, 0, 0], n_valence=[5, 0, 9])
    results = dataclasses.replace(whole_results, corpora=corpora)
    assert said(results)["Not rated."] == (
        "Activation, valence: not rated in urdu, so not measured. Activation: not rated in aesdd, so not measured."
    )
    assert "Not rated." not in said(whole_results)


def test_claims_are_told_in_words(whole_results):
    text = said(whole_results)["The paper’s claims."]
    assert text.startswith(
        "On these corpora, (a) metric methods explain ratings better than the unsupervised one: holds;"
    )
    assert "(b) activation is explained better than valence: holds; (c)" in text
    assert text.count(";") == 5
    strange = whole_results.claims[whole_results.claims["claim"] == "e"].assign(claim="x")
    text = said(dataclasses.replace(whole_results, claims=strange))["The paper’s claims."]
    assert text == "On these corpora, (x) see below: does not hold."


def test_many_corpora_give_a_range(copied):
    results = copied(["c4", "c5"])
    results = with_values(results, "DAE-Metric-Act", "activation", {"c4": 0.9, "c5": 0.8, "urdu": 0.5, "aesdd": 0.6})
    assert "chosen afterwards, explains .50 to .90 (median .70) of the" in said(results)["Activation."]
    assert len(glances(results)) == 4


def test_without_targets_nothing_is_said_about_transfer(source_only):
    sentences = said(source_only)
    assert list(sentences) == ["What was done.", "Transfer."]
    assert "held-out" in sentences["What was done."]
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
    assert second.text == "−.30"


def test_glance_tells_language_and_speakers(whole_results):
    assert [glance.about for glance in glances(whole_results)] == ["Urdu, 29 speakers", "Greek, six speakers"]
    unknown = whole_results.corpora.assign(n_speakers=None, language="")
    assert glances(dataclasses.replace(whole_results, corpora=unknown))[0].about == ""


def test_every_bar_has_its_interval(whole_results):
    bar = glances(whole_results)[0].measures[0]
    row = Transfer(whole_results).row(bar.method, "urdu", "activation")
    assert bar.span == (row["ci_low"], row["ci_high"])
    assert bar.sureness.startswith(f"95 % interval over speakers: {score(row['ci_low'])} to ")


def test_drawn_intervals_stay_within_their_box(whole_results):
    summary = whole_results.summary.assign(ci_low=-0.5, ci_high=1.5)
    bar = glances(dataclasses.replace(whole_results, summary=summary))[0].measures[0]
    assert bar.span == (0.0, 1.0)
    assert "−.50 to 1.50" in bar.sureness


def test_an_interval_that_is_unknown_says_why(whole_results):
    for speakers, why in ((2, "2 speakers"), (None, "speakers not named")):
        corpora = whole_results.corpora.assign(n_speakers=speakers)
        summary = whole_results.summary.assign(ci_low=np.nan, n_speakers=speakers)
        results = dataclasses.replace(whole_results, summary=summary, corpora=corpora)
        bars = [bar for glance in glances(results) for bar in glance.measures]
        assert {bar.sureness for bar in bars} == {f"no interval: {why}"}
        assert {bar.span for bar in bars} == {None}, why


def test_cards_say_what_nobody_rated(whole_results):
    corpora = whole_results.corpora.assign(n_activation=0, n_valence=[0, 4, 0])
    results = dataclasses.replace(whole_results, corpora=corpora)
    first, second = glances(results)
    assert first.missing == "Activation: not rated in urdu, so not measured."
    assert second.missing == "Activation, valence: not rated in aesdd, so not measured."
    assert Transfer(results).not_rated([]) == ""


def test_values_are_those_of_the_summary_without_labels(whole_results):
    transfer = Transfer(whole_results)
    row = transfer.row("PCA-2", "urdu", "activation")
    assert row["reading"] == "zero-shot"
    mine = whole_results.summary.query("method == 'PCA-2' and corpus == 'urdu' and quantity == 'activation'")
    assert row["mean"] == mine.loc[mine["reading"] == "zero-shot", "mean"].item()
    # The methods were trained on the source, so it shows no transfer.
    assert transfer.row("PCA-2", "emodb", "activation") is None
    assert transfer.row("absent", "urdu", "activation") is None


def test_leader_counts_the_compared_methods_only(whole_results):
    leader = Transfer(whole_results).leader(["activation"])
    assert leader.n_methods == 4
    assert {row["method"] for row in leader.rows} == {leader.method}
    summary = whole_results.summary
    baselines = summary[~summary["method"].str.startswith("DAE-")]
    assert Transfer(dataclasses.replace(whole_results, summary=baselines)).leader(["activation"]) is None


def test_unknown_counts_of_ratings_are_not_none(whole_results):
    corpora = whole_results.corpora.assign(n_activation=None, n_valence=0)
    assert Transfer(dataclasses.replace(whole_results, corpora=corpora)).not_rated(["urdu"]) == (
        "Valence: not rated in urdu, so not measured."
    )


def test_half_an_interval_is_none():
    assert interval_of({"ci_low": 0.1, "ci_high": 0.5}) == (0.1, 0.5)
    for low, high in ((None, 0.5), (0.1, float("nan")), (float("-inf"), 0.5)):
        assert interval_of({"ci_low": low, "ci_high": high}) is None, (low, high)
