"""How good a model is on a corpus: values by hand, by other libraries, and of corpora that lack things."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error, r2_score
from sklearn.svm import SVC

import affectmap
from affectmap.errors import ConfigError, CorpusError, LabelError, UsageError
from affectmap.evaluation import baselines, scoring
from affectmap.evaluation.baselines import MEAN_RATING, RIDGE_PENALTY, SVC_C, WITHIN, mean_ratings, within_corpus
from affectmap.evaluation.predictions import predict
from affectmap.evaluation.scoring import score
from affectmap.evaluation.tables import text_tables
from affectmap.experiment.config import ExperimentConfig
from affectmap.model.embedder import Embedder
from affectmap.model.heads import fit_heads
from affectmap.preparation.folds import speaker_folds
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import Finding
from cases import each
from corpus_files import make_rows
from model_files import make_model
from scored import make_corpus, make_predictions

NAN = float("nan")


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def found(model):
    return score(model, make_corpus())


def test_a_tiny_case_by_hand(monkeypatch):
    columns = ("speaker", "sex", "emotion", "S-A", "activation", "predicted_activation")
    cells = [
        ("a", "female", "sad", "sad", 1.0, 2.0),
        ("a", "female", "sad", "angry", 2.0, 2.0),
        ("b", "male", "angry", "angry", 4.0, 3.0),
        ("b", "male", "fear", "angry", 5.0, 3.0),
    ]
    given = {"predicted_valence": 3.0, "p_sad": 0.5, "p_angry": 0.5}
    rows = [dict(zip(columns, row, strict=True)) | given for row in cells]
    monkeypatch.setattr(scoring, "predict", lambda *_, **__: make_predictions(rows, ("sad", "angry")))
    found = score(make_model(), make_corpus())
    assert found.row("uar").value == pytest.approx((1 / 2 + 1) / 2)
    assert found.row("uar", versus="chance").value == pytest.approx(0.25)
    assert found.row("precision_angry").value == pytest.approx(1 / 2)
    assert found.row("accuracy").n == 3
    assert found.row("mean_absolute_error", "activation").value == pytest.approx((1 + 0 + 1 + 2) / 4)
    assert found.row("bias", "activation").value == pytest.approx((1 + 0 - 1 - 2) / 4)
    assert found.row("r2", "activation").value == pytest.approx(1 - 6 / 10)
    # a by the mean of b's 4 and 5, b by that of a's 1 and 2
    mean = found.row("mean_absolute_error", "activation", method=MEAN_RATING).value
    assert mean == pytest.approx((3.5 + 2.5 + 2.5 + 3.5) / 4)
    assert found.row("mean_absolute_error", "activation", versus=MEAN_RATING).value == pytest.approx(1 - 3)
    female, male, difference = found.rows(by="sex", measure="mean_absolute_error", quantity="activation")
    assert [each.value for each in (female, male, difference)] == pytest.approx([0.5, 1.5, -1.0])
    assert (difference.group, difference.versus) == ("female", "male")
    assert found.other_emotions == {"fear": 1}
    assert found.confusion.loc["fear"].to_dict() == {"sad": 0, "angry": 1}
    assert found.rows(quantity="valence") == []  # nobody rated it
    assert (found.counts["classified"], found.counts["rated"], found.counts["speakers"]) == (3, 4, 2)


def test_values_are_those_of_scikit_learn(found):
    table = found.utterances
    assert found.row("uar").value == pytest.approx(balanced_accuracy_score(table["emotion"], table["N-S-H-A"]))
    for label in ("activation", "valence"):
        truth, prediction = table[label], table[f"predicted_{label}"]
        assert found.row("mean_absolute_error", label).value == pytest.approx(mean_absolute_error(truth, prediction))
        assert found.row("r2", label).value == pytest.approx(r2_score(truth, prediction))
        inside = (table[f"{label}_low"] <= truth) & (truth <= table[f"{label}_high"])
        assert found.row("coverage", label).value == pytest.approx(inside.mean())
    for row in found.rows(by="speaker", measure="uar"):
        mine = table[table["speaker"] == row.group]
        assert row.value == pytest.approx(balanced_accuracy_score(mine["emotion"], mine["N-S-H-A"]))
        assert (row.n_speakers, np.isnan(row.low)) == (0, True)


def test_intervals_contain_their_values(found):
    table = found.measures.dropna(subset="low")
    assert len(table) > 60
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert (table["n_speakers"] >= 2).all()
    assert np.isnan(found.row("calibration_error").low)


def test_models_within_the_corpus_are_fitted_on_other_speakers_alone(model):
    predictions = predict(model, make_corpus())
    table, features = predictions.utterances, predictions.features
    emotion, speaker = (table[name].to_numpy(dtype=object) for name in ("emotion", "speaker"))
    ratings, classes, why = within_corpus(predictions, {"N-S-H-A": ("neutral", "sad", "happy", "angry")})
    assert why == ""
    for fold in speaker_folds(speaker, emotion, 5, 0):
        values, train = fit_statistics(features[fold.train]).apply(features), fold.train
        ridge = Ridge(alpha=300.0).fit(values[train], table["valence"].to_numpy()[train])
        np.testing.assert_allclose(ratings[fold.test, 1], ridge.predict(values[fold.test]).clip(1, 5), rtol=1e-6)
        svc = SVC(kernel="linear", C=0.1, class_weight="balanced").fit(values[train], emotion[train].astype(str))
        assert classes["N-S-H-A"][fold.test].tolist() == svc.predict(values[fold.test]).tolist()


def test_a_classifier_is_fitted_on_no_more_than_so_many(model, monkeypatch):
    predictions, choices = predict(model, make_corpus()), {"N-S-H-A": ("neutral", "sad", "happy", "angry")}
    all_rows = within_corpus(predictions, choices)[1]["N-S-H-A"]
    monkeypatch.setattr(baselines, "MOST_FITTED", 5)
    fewer, again = (within_corpus(predictions, choices)[1]["N-S-H-A"] for _ in range(2))
    assert fewer.tolist() == again.tolist() != all_rows.tolist()
    monkeypatch.setattr(baselines, "MOST_FITTED", 32)  # as many as four of five speakers have
    assert within_corpus(predictions, choices)[1]["N-S-H-A"].tolist() == all_rows.tolist()


def test_labels_of_a_speaker_do_not_move_what_is_learnt_for_that_speaker(model):
    corpus = make_corpus()
    changed = corpus.table.assign(valence=corpus.table["valence"].where(corpus.table["speaker"] != "s2", 1.0))
    before, after = (
        within_corpus(predict(model, replace(corpus, table=table)), {})[0] for table in (corpus.table, changed)
    )
    own = (predict(model, corpus).utterances["speaker"] == "s2").to_numpy()
    np.testing.assert_array_equal(before[own], after[own])
    assert not np.array_equal(before[~own], after[~own])


def test_penalties_are_those_of_the_baselines_of_a_run():
    config = ExperimentConfig(source=["emodb=x"])
    assert (config.ridge_penalty, config.svc_c_functionals) == (RIDGE_PENALTY, SVC_C)


def test_the_mean_rating_is_that_of_the_other_speakers():
    label, speaker = np.array([[1.0], [NAN], [3.0], [5.0]]), np.array(["a", "a", "b", "c"], dtype=object)
    assert mean_ratings(label, speaker).ravel().tolist() == [4.0, 4.0, 3.0, 2.0]
    assert mean_ratings(label, None).ravel().tolist() == [3.0] * 4
    assert mean_ratings(label[:1], speaker[:1]).ravel().tolist() == [1.0]


def test_a_second_run_gives_the_same_bytes_and_the_order_of_rows_does_not_matter(model):
    corpus = make_corpus()
    order = np.random.default_rng(1).permutation(len(corpus.table))
    turned = replace(corpus, table=corpus.table.iloc[order], functionals=corpus.functionals.iloc[order])
    for adapt in ("alone", "corpus", "speaker"):
        first = json.dumps(score(model, corpus, adapt=adapt).as_dict())
        assert first == json.dumps(score(model, corpus, adapt=adapt).as_dict())
        assert first == json.dumps(score(model, turned, adapt=adapt).as_dict())


@each(
    ("cells", "expected"),
    [
        ({"emotions": ("angry",)}, {"ccc"}),
        ({"activation": NAN, "valence": NAN}, {"uar"}),
        ({"activation": NAN}, {"uar", "ccc"}),
        ({"emotion": None}, {"ccc"}),
        ({"emotion": "fear"}, {"ccc"}),
        ({"n_speakers": 1}, {"uar", "ccc"}),
        ({"n_speakers": 2}, {"uar", "ccc"}),
        ({"speaker": None}, {"uar", "ccc"}),
        ({"sexes": False}, {"uar", "ccc"}),
        ({"sex": "female"}, {"uar", "ccc"}),
        ({"activation": 3.0}, {"uar", "ccc"}),
        ({"activation": 3.0, "valence": 2.0}, {"uar"}),
    ],
)
def test_a_corpus_that_lacks_something_is_scored_on_the_rest(model, cells, expected):
    found = score(model, make_corpus(**dict(cells)))
    assert {"uar", "ccc"} & set(found.measures["measure"]) == expected
    assert "nan" not in str(found)
    assert all(len(row) == len(table.header) for table in text_tables(found) for row in table.rows)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["corpus"] == "pets"


def test_nothing_to_be_compared_with_is_an_error(model):
    expected = r"pets: none of 40 usable utterances has a label that small predicts \(activation"
    with pytest.raises(LabelError, match=expected):
        score(model, make_corpus(emotion="fear", activation=NAN, valence=NAN))
    with pytest.raises(ConfigError, match="small gives an embedding alone, no rating and no class"):
        score(make_model(heads=None), make_corpus())


def test_few_speakers_have_no_interval_and_nothing_is_learnt(model):
    found = score(model, make_corpus(n_speakers=2))
    assert found.measures["low"].isna().all()
    assert found.row("uar", method=WITHIN) is None
    assert f"no {WITHIN}: there are two speakers" in found.notes
    assert "No intervals: two speakers." in str(found)


def test_a_speaker_with_one_class_or_one_rating_has_no_uar_and_no_ccc(model):
    emotion, valence = ["sad"] * 8 + ["sad", "angry"] * 16, [3.0] * 8 + [2.0, 4.0] * 16
    found = score(model, make_corpus(emotion=emotion, valence=valence))
    assert [row.group for row in found.rows(by="speaker", measure="uar")] == ["s1", "s2", "s3", "s4"]
    assert [row.group for row in found.rows(by="speaker", measure="ccc", quantity="valence")] == [
        "s1",
        "s2",
        "s3",
        "s4",
    ]
    assert "s0" in {row.group for row in found.rows(by="speaker", measure="accuracy")}
    assert "s0" in {row.group for row in found.rows(by="speaker", measure="mean_absolute_error", quantity="valence")}


def test_one_class_has_a_recall_and_nothing_to_be_told_from(model):
    found = score(model, make_corpus(emotions=("angry",)))
    assert found.row("recall_angry").value == found.row("accuracy").value
    assert not [row for row in found.values if row.measure == "uar"]
    assert "Classes: Recall of angry: " in str(found)
    assert "All are of one class" in str(found)


def test_a_sex_with_one_class_has_no_uar(model):
    emotion = ["sad" if int(speaker[1:]) % 2 else "angry" for speaker in make_corpus().table["speaker"]]
    found = score(model, make_corpus(emotion=emotion))
    assert found.row("uar") is not None
    assert found.rows(by="sex", measure="uar") == []
    assert len(found.rows(by="sex", measure="accuracy")) == 2


def test_ratings_that_are_the_same_are_compared_with_nothing(model):
    found = score(model, make_corpus(activation=3.0))
    of_activation = {(row.measure, row.method) for row in found.rows(by="all", quantity="activation")}
    kept = ("mean_absolute_error", "bias", "coverage", "width")
    assert of_activation == {(measure, "model") for measure in kept}
    assert "Activation: All ratings are the same, so no CCC; " in str(found)


def test_no_interval_ends_where_no_value_can_be(model):
    rng = np.random.default_rng(3)
    found = score(model, make_corpus(n_speakers=3, activation=rng.uniform(1, 5, 24), valence=rng.uniform(1, 5, 24)))
    rows = [row for row in found.values if np.isfinite(row.low)]
    most = {"uar": 1, "accuracy": 1, "coverage": 1, "ccc": 2, "pearson": 2, "mean_absolute_error": 4, "bias": 4}
    for row in rows:
        assert row.low <= row.value <= row.high
        if row.versus:
            assert max(-row.low, row.high) <= most.get(row.measure, np.inf)
        elif row.measure != "width":
            assert row.high <= (4 if row.measure in ("mean_absolute_error", "bias") else 1)
    wide = [row for row in rows if row.versus and row.high - row.value != pytest.approx(row.value - row.low)]
    assert wide  # some interval was cut


def test_notes_on_the_corpus_are_told(model):
    again = Finding("pets", "a.wav", "note", "named again with the same values, and counted once")
    read = Finding("pets", "", "note", "column 'Gender' is read as sex")
    notes = score(model, make_corpus(findings=[again, again, read])).notes
    assert "column 'Gender' is read as sex" in notes
    assert "two rows named again with the same values, and counted once" in notes


def test_unknown_speakers_are_told(model):
    found = score(model, make_corpus(speaker=["a", None] * 20))
    assert found.counts["speakers"] == 0
    assert "No intervals: not all speakers are known." in str(found)
    assert [row.group for row in found.rows(by="speaker", measure="uar")] == ["a"]


def test_what_was_left_out_before_counts_as_unusable(model):
    lost = Finding("pets", "lost.wav", "missing", "there is no such file", dropped=True)
    found = score(model, make_corpus(findings=[lost, Finding("pets", "", "note", "a note")]))
    assert (found.counts["found"], found.counts["unusable"]) == (41, 1)
    assert found.unusable.values.tolist() == [["lost.wav", "there is no such file"]]


def test_labels_that_were_not_given_are_told(model):
    finding = Finding("pets", "", "unlabelled", "no folder of label sheets was given")
    assert "no folder of label sheets was given" in score(model, make_corpus(findings=[finding])).notes


def test_a_model_without_a_head_is_scored_on_the_other(model):
    heads = model.heads
    no_classes = {"class_weight": heads.class_weight[:, :0], "class_bias": heads.class_bias[:0], "classes": ()}
    found = score(make_model(heads=replace(heads, **no_classes)), make_corpus())
    assert set(found.measures["quantity"]) == {"activation", "valence"}
    no_ratings = {"rating_weight": heads.rating_weight[:, :0], "rating_bias": heads.rating_bias[:0], "labels": ()}
    found = score(make_model(heads=replace(heads, **no_ratings), calibration=None), make_corpus())
    assert set(found.measures["quantity"]) == {"N-S-H-A", "N-S-A"}
    assert np.isnan(found.level)


def test_the_public_name_takes_what_names_a_corpus(model, tmp_path):
    with pytest.raises(UsageError, match="cannot read corpus 'nothing'"):
        affectmap.score(None, "nothing")
    model.save(tmp_path / "model")
    assert affectmap.score(tmp_path / "model", make_corpus()).model == "small"
    assert isinstance(affectmap.score(model, make_corpus()), affectmap.Evaluation)


def test_a_model_of_other_features_gets_them_from_the_table(tmp_path):
    rows = make_rows(n_speakers=5)
    label = rows[["activation", "valence"]].to_numpy()
    names = [f"mean_{number:03}" for number in range(6)]
    features = pd.DataFrame(label @ np.random.default_rng(0).normal(size=(2, 6)), columns=names)
    embedder = Embedder(epochs=2).fit(features, label)
    latent = embedder.transform(features).astype(np.float64)
    model = embedder.model_.with_heads(fit_heads(latent, label, rows["emotion"].to_numpy(dtype=object)))
    table = rows[["file", "emotion", "activation", "valence", "speaker"]].join(features).assign(other=1.0)
    table.to_csv(tmp_path / "mine.csv", index=False)
    found = score(model, f"table:mine={tmp_path / 'mine.csv'}")
    assert found.counts["used"] == 40
    assert "its features are columns of a table: what measured them is not known" in found.notes
    expected = model.transform(features).set_axis(rows["file"], axis=0).sort_index()
    np.testing.assert_allclose(found.utterances["predicted_valence"], expected["valence"], rtol=1e-5)
    table.drop(columns="mean_002").to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(CorpusError, match="lacks 1 of 6 features, first mean_002"):
        score(model, f"table:mine={tmp_path / 'less.csv'}")


def test_labels_that_are_the_predictions_give_a_perfect_score(model):
    corpus = make_corpus()
    predicted = predict(model, corpus).utterances.set_index("file")
    own = predicted.loc[corpus.table.index.get_level_values("file")]
    columns = {"activation": "predicted_activation", "valence": "predicted_valence", "emotion": "N-S-H-A"}
    cells = {name: own[column].to_numpy() for name, column in columns.items()}
    found = score(model, replace(corpus, table=corpus.table.assign(**cells)))
    for label in ("activation", "valence"):
        assert found.row("ccc", label).value == pytest.approx(1)
        assert found.row("mean_absolute_error", label).value == pytest.approx(0, abs=1e-12)
        assert found.row("coverage", label).value == 1
    assert found.row("accuracy").value == 1
