import dataclasses

import pytest

from affectmap.report.transfer import Transfer, bounds


def test_values_are_those_of_the_summary_without_labels(whole_results):
    transfer = Transfer(whole_results)
    row = transfer.row("PCA-2", "urdu", "activation")
    assert row["reading"] == "zero-shot"
    assert transfer.value("PCA-2", "urdu", "activation") == row["mean"]
    # The source was heard in training, so it shows no transfer.
    assert transfer.row("PCA-2", "emodb", "activation") is None
    assert transfer.value("absent", "urdu", "activation") is None


def test_leader_counts_the_compared_methods_only(whole_results):
    leader = Transfer(whole_results).leader(["activation"])
    assert leader.n_methods == 4
    assert {row["method"] for row in leader.rows} == {leader.method}
    summary = whole_results.summary
    baselines = summary[~summary["method"].str.startswith("DAE-")]
    assert Transfer(dataclasses.replace(whole_results, summary=baselines)).leader(["activation"]) is None


def test_unknown_counts_of_ratings_are_not_none(whole_results):
    corpora = whole_results.corpora.assign(n_activation=None, n_valence=0)
    assert Transfer(dataclasses.replace(whole_results, corpora=corpora)).unrated("urdu") == ["valence"]


@pytest.mark.parametrize("ends", [(None, 0.5), (0.1, float("nan")), (float("-inf"), 0.5)])
def test_half_an_interval_is_none(ends):
    assert bounds({"ci_low": ends[0], "ci_high": ends[1]}) is None
