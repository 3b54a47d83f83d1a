"""What the means do not show: classes, ratings, sexes and speakers, by scikit-learn beside them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error, precision_score, recall_score

from affectmap.experiment.details import (
    CCC,
    CCC_BY_SEX,
    ERROR,
    PRECISION,
    RECALL,
    UAR_BY_SEX,
    UAR_BY_SPEAKER,
    confusion_table,
    detailed_scores,
)
from affectmap.stats.scores import Scores

FOUR = ["neutral", "sad", "happy", "angry"]


def make_utterances(seed=0, n_folds=2, n=60, **columns):
    """One method's predictions of pets; every fold and seed holds out other utterances of six speakers."""
    rng = np.random.default_rng(seed)
    frames = []
    for fold in range(1, n_folds + 1):
        truth, rating = rng.choice(FOUR, n), rng.uniform(1, 5, (n, 2))
        speaker = rng.choice([f"s{k}" for k in range(6)], n)
        frame = pd.DataFrame({"corpus": "pets", "method": "PCA-2", "reading": "zero-shot"}, range(n))
        frame["fold"], frame["seed"], frame["use"] = fold, 0, "evaluated"
        frame["speaker"], frame["sex"] = speaker, np.where(speaker < "s3", "female", "male")
        frame["emotion"] = truth
        right = rng.random(n) < 0.6
        frame["N-S-H-A"] = pd.Categorical(np.where(right, truth, rng.choice(FOUR, n)), FOUR)
        frame["N-S-A"] = frame["N-S-H-A"].where(frame["N-S-H-A"] != "happy")
        frame[["activation", "valence"]] = rating
        frame[["predicted_activation", "predicted_valence"]] = 0.5 * rating + 1 + rng.normal(0, 0.4, (n, 2))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).assign(**columns)


def values(table, sources=()):
    """The mean of every cell by table and quantity."""
    summary = Scores(detailed_scores(table, sources)).summary()
    return summary.set_index(["table", "quantity"])


def over_folds(table, measure):
    return np.mean([measure(each) for _, each in table.groupby("fold")])


def test_recall_and_precision_of_each_class():
    table = make_utterances()
    found = values(table)
    for name in FOUR:
        for kind, oracle in ((RECALL, recall_score), (PRECISION, precision_score)):
            expected = over_folds(
                table, lambda each, o=oracle, n=name: o(each["emotion"], each["N-S-H-A"], labels=[n], average=None)[0]
            )
            assert found.loc[(kind, name), "mean"] == pytest.approx(expected)
            assert found.loc[(kind, name), "ci_low"] < expected < found.loc[(kind, name), "ci_high"]
    assert set(found["role"]) == {"target"}
    assert set(values(table, ["pets"])["role"]) == {"source"}


def ccc(one, two):
    covariance = np.mean((one - one.mean()) * (two - two.mean()))
    return 2 * covariance / (one.var(ddof=0) + two.var(ddof=0) + (one.mean() - two.mean()) ** 2)


def test_agreement_and_error_of_ratings():
    table = make_utterances()
    found = values(table)
    for label in ("activation", "valence"):
        expected = over_folds(table, lambda each, n=label: ccc(each[n], each[f"predicted_{n}"]))
        assert found.loc[(CCC, label), "mean"] == pytest.approx(expected)
        error = over_folds(table, lambda each, n=label: mean_absolute_error(each[n], each[f"predicted_{n}"]))
        assert found.loc[(ERROR, label), "mean"] == pytest.approx(error)


def test_each_sex_and_speaker_by_itself():
    table = make_utterances()
    found = values(table)
    for sex, mine in table.groupby("sex"):
        expected = over_folds(mine, lambda each: balanced_accuracy_score(each["emotion"], each["N-S-H-A"]))
        cell = found.loc[(UAR_BY_SEX, sex)]
        assert cell["mean"] == pytest.approx(expected)
        assert cell["n_speakers"] == 3  # the others do not count
        agreement = over_folds(mine, lambda each: ccc(each["valence"], each["predicted_valence"]))
        assert found.loc[(CCC_BY_SEX, f"valence, {sex}"), "mean"] == pytest.approx(agreement)
    for speaker, mine in table.groupby("speaker"):
        expected = over_folds(
            mine,
            lambda each: recall_score(
                each["emotion"], each["N-S-H-A"], labels=sorted(set(each["emotion"])), average="macro"
            ),
        )
        assert found.loc[(UAR_BY_SPEAKER, speaker), "mean"] == pytest.approx(expected)


def test_what_is_not_known_has_no_value():
    table = make_utterances()
    nobody = values(table.assign(sex=None, speaker=None))
    assert not {UAR_BY_SEX, CCC_BY_SEX} & set(nobody.index.get_level_values(0))
    assert nobody.loc[(RECALL, "sad"), "ci_low"] != nobody.loc[(RECALL, "sad"), "ci_low"]  # no interval
    some = table.assign(speaker=table["speaker"].where(table.index > 0))
    assert set(values(some)["n_speakers"]) == {1}
    unrated = values(table.assign(activation=np.nan))
    assert (CCC, "activation") not in unrated.index
    assert (CCC, "valence") in unrated.index
    no_classes = values(table.drop(columns=["N-S-H-A", "N-S-A"]))
    assert set(no_classes.index.get_level_values(0)) == {CCC, ERROR, CCC_BY_SEX}
    assert values(table.assign(use="training")).empty


def test_only_the_largest_set_of_classes_counts():
    table = make_utterances()
    table.loc[table["emotion"] == "happy", "N-S-H-A"] = None
    three = table.assign(**{"N-S-H-A": None})
    assert {name for kind, name in values(three).index if kind == RECALL} == {"neutral", "sad", "angry"}
    assert {name for kind, name in values(table).index if kind == RECALL} == set(FOUR)


def test_the_order_of_rows_does_not_matter():
    table = make_utterances()
    mixed = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(values(mixed).sort_index(), values(table).sort_index())


def test_confusions_are_counted_over_folds():
    table = make_utterances()
    found = confusion_table(table).set_index(["truth", "predicted"])
    expected = pd.crosstab(table["emotion"], table["N-S-H-A"])
    assert set(found["classes"]) == {"N-S-H-A"}
    for (truth, predicted), row in found.iterrows():
        assert row["n"] == expected.loc[truth, predicted]
        assert row["share"] == pytest.approx(row["n"] / expected.loc[truth].sum())
    assert found["n"].sum() == len(table)
    assert confusion_table(table.drop(columns=["N-S-H-A", "N-S-A"])).empty
