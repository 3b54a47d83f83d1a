"""A whole run as one function: what comes out, what depends on what, and what is refused."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from affectmap.corpora.synthetic.recordings import NOTICE
from affectmap.errors import AudioError, ConfigError, CorpusError, UsageError
from affectmap.experiment import experiment
from affectmap.experiment.config import make_config
from affectmap.experiment.experiment import Experiment
from affectmap.model.embedder import Embedder
from affectmap.schema import FUNCTIONALS
from corpus_files import FAST, make_rows, write_emodb, write_table, write_tone

METHODS = ("DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint")


@pytest.fixture
def settings(tmp_path):
    """Settings of a short run over birds, carried over to cats, with changes."""
    birds = write_table(tmp_path, "birds", make_rows())
    cats = write_table(tmp_path, "cats", make_rows(n_speakers=3, seed=1))

    def change(**changes):
        return make_config(**{**FAST, "source": [birds], "target": [cats], **changes})

    return change


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of all methods with two seeds, and what it told on the way."""
    folder = tmp_path_factory.mktemp("whole")
    birds = write_table(folder, "birds", make_rows())
    owls = write_table(folder, "owls", make_rows(n_speakers=3, emotions=("sad", "happy", "angry"), seed=2))
    lines, bars = [], []

    @contextmanager
    def progress(label):
        bars.append(label)
        yield lambda done, total: None

    everything = {**FAST, "methods": ["unsupervised", "activation", "valence", "joint"], "n_seeds": 2}
    config = make_config(**{**everything, "source": [birds], "target": [owls]})
    results = Experiment(config, notify=lines.append, progress=progress).run("affectmap reproduce")
    return results, lines, bars


def runs_of(results, **wanted):
    runs = results.runs
    for column, value in wanted.items():
        runs = runs[runs[column] == value]
    return runs


#: What is said of functionals that a table brings.
GIVEN = (
    "its functionals are columns of a table; what measured them is not known, and they are taken for those of egemaps at "
    "16000 Hz, mean removed"
)


def test_it_tells_what_it_does_in_order(whole):
    _, lines, bars = whole
    assert lines == [
        "birds: 32 utterances found, 0 dropped, 32 used, 32 rated",
        f"note: birds: {GIVEN}",
        "owls: 18 utterances found, 0 dropped, 18 used, 18 rated",
        f"note: owls: {GIVEN}",
        "note: owls has no neutral utterances; it is classified as S-H-A and S-A.",
        "training 28 models",  # 4 methods x (2 folds x 2 seeds + 1 of all rows), 2 supervised x 2 folds x 2 seeds
        "scoring 28 embeddings",  # (4 methods and 3 baselines) x 2 folds x 2 seeds
    ]
    measured, work = (
        ["functionals of birds", "functionals of owls"],
        ["training, epochs of all models", "embedding", "scoring"],
    )
    assert bars == [*measured, *work]


def test_notes_stages_command_and_settings_are_kept(whole):
    results, *_ = whole
    assert results.notes == [
        f"birds: {GIVEN}",
        f"owls: {GIVEN}",
        "owls has no neutral utterances; it is classified as S-H-A and S-A.",
    ]
    assert list(results.timings) == [
        "reading corpora",
        "functionals",
        "folds and standardisation",
        "audit",
        "training",
        "embedding",
        "scoring",
        "claims and tables",
    ]
    assert all(seconds >= 0 for seconds in results.timings.values())
    assert results.command == "affectmap reproduce"
    assert results.settings["n_seeds"] == 2
    assert results.settings["training"]["learning_rate"] == 0.001


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("table", "corpus", "reading", "quantities"),
    [
        ("1", "birds", "held-out", {"activation", "valence"}),
        ("3", "birds", "held-out", {"activation", "valence"}),
        ("3", "owls", "zero-shot", {"activation", "valence"}),
        ("4", "birds", "held-out", {"N-S-H-A", "N-S-A"}),
        ("4", "owls", "zero-shot", {"S-H-A", "S-A"}),
        ("4", "owls", "probe", {"S-H-A", "S-A"}),
    ],
)
def test_every_method_fold_and_seed_is_scored(whole, method, table, corpus, reading, quantities):
    found = runs_of(whole[0], table=table, method=method, corpus=corpus, reading=reading)
    assert set(found["quantity"]) == quantities
    for _, one in found.groupby("quantity"):
        assert sorted(zip(one["fold"], one["seed"], strict=True)) == [(1, 0), (1, 1), (2, 0), (2, 1)]
        assert one["value"].notna().all()


def test_baselines_and_within_scores_are_there(whole):
    summary = whole[0].summary
    assert {"PCA-2", "Ridge (activation, valence)", "88 functionals"} <= set(summary["method"])
    for table in ("3", "4"):
        within = summary[(summary["reading"] == "within") & (summary["table"] == table)]
        assert set(within["corpus"]) == {"birds", "owls"}
        held_out = summary[(summary["reading"] == "held-out") & summary["method"].isin(within["method"])]
        same = held_out[held_out["table"] == table].set_index("quantity")["mean"]
        assert within[within["corpus"] == "birds"].set_index("quantity")["mean"].equals(same)
    supervised = summary[summary["reading"] == "supervised"]
    assert set(supervised["method"]) == {"Metric-Act (supervised)", "Metric-Val (supervised)"}
    assert set(supervised["corpus"]) == {"owls"}


def test_ridge_finds_what_was_put_in(whole):
    ridge = runs_of(whole[0], table="3", method="Ridge (activation, valence)", corpus="owls", reading="zero-shot")
    assert (ridge["value"] > 0.5).all()


def test_claims_table_2_and_curves_are_there(whole):
    results, *_ = whole
    assert set(results.claims["claim"]) == set("abcdefh")
    assert {"PCA-2", "Ridge (activation, valence)"} < set(results.comparisons["against"])
    assert set(results.comparisons["method"]) == set(METHODS)
    assert "eGeMAPSv02, birds" in set(results.table2["features_corpus"])
    curves = results.curves.groupby(["method", "corpus", "fold", "seed"])["epoch"].agg(list)
    assert set(map(tuple, curves)) == {(1, 2)}
    assert len(curves) == 28


def test_embeddings_are_those_of_the_first_fold_and_seed(whole):
    embeddings = whole[0].embeddings
    assert set(embeddings["method"]) == {*METHODS, "PCA-2", "Ridge (activation, valence)"}
    owls = embeddings[(embeddings["corpus"] == "owls") & (embeddings["method"] == "PCA-2")]
    assert len(owls) == 14  # 18, of which a fifth gave the statistics
    assert not owls["file"].duplicated().any()


def test_embedders_of_folds_and_of_all_rows(whole):
    embedders = whole[0].embedders
    expected = {f"{method.lower()}/{part}" for method in METHODS for part in ("fold-1", "fold-2", "all")}
    assert set(embedders) == expected
    assert embedders["dae-metric-act/all"].label_names_ == ["activation"]
    assert embedders["dae-unsupervised/fold-1"].label_names_ == []


def test_models_of_every_seed_are_kept_on_request(settings):
    results = Experiment(settings(n_seeds=2, keep_models="all", target=[])).run()
    names = [f"dae-metric-joint/{seed}{part}" for seed in ("", "seed-1/") for part in ("fold-1", "fold-2", "all")]
    assert set(results.embedders) == set(names)
    rows = make_rows()[list(FUNCTIONALS)]
    first, second = (results.embedders[name].transform(rows) for name in (names[2], names[5]))
    assert np.abs(first - second).max() > 0.01


def test_seeds_do_not_depend_on_each_other(settings):
    both, second = (Experiment(settings(**changes)).run() for changes in ({"n_seeds": 2}, {"seed": 1}))
    mine, other = (runs_of(results, seed=1) for results in (both, second))
    of_seed = [mine[mine["reading"] != "within"], other[other["reading"] != "within"]]
    pd.testing.assert_frame_equal(*(each.reset_index(drop=True) for each in of_seed), check_exact=True)


def test_baselines_differ_between_seeds_for_rows_do(whole):
    runs = runs_of(whole[0], method="PCA-2", corpus="owls", reading="zero-shot", table="3", fold=1)
    assert sorted(set(runs["seed"])) == [0, 1]
    assert (runs.groupby("quantity")["value"].nunique() == 2).all()


def test_an_embedder_gives_the_embedding_of_the_tables(settings):
    results = Experiment(settings(policy="source")).run()
    embeddings = results.embeddings
    mine = embeddings[(embeddings["method"] == "DAE-Metric-Joint") & (embeddings["corpus"] == "cats")]
    rows = make_rows(n_speakers=3, seed=1)
    place = dict(
        zip(rows["file"], results.embedders["dae-metric-joint/fold-1"].transform(rows[list(FUNCTIONALS)]), strict=True)
    )
    expected = [place[file.rsplit("/", 1)[1]] for file in mine["file"]]
    np.testing.assert_allclose(mine[["z1", "z2"]].to_numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_processes_change_no_number(settings):
    one, two = (Experiment(settings(n_jobs=n_jobs)).run() for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(one.runs, two.runs)


def test_without_targets_there_is_no_transfer(settings):
    results = Experiment(settings(target=[])).run()
    assert set(results.corpora["role"]) == {"source"}
    assert not set(results.summary["reading"]) & {"zero-shot", "probe", "supervised"}


def test_several_sources_are_pooled_and_scored_apart(settings, tmp_path):
    dogs = write_table(tmp_path, "dogs", make_rows(n_speakers=3, seed=4))
    config = settings(target=[], folds="corpus")
    results = Experiment(replace(config, source=[*config.source, dogs])).run()
    assert results.corpora["role"].tolist() == ["source", "source"]
    held_out = runs_of(results, table="1", reading="held-out", quantity="valence", method="PCA-2")
    assert sorted(held_out["corpus"]) == ["birds", "dogs"]
    assert sorted(held_out["fold"]) == [1, 2]


def test_synthetic_speech_is_the_first_note(settings):
    results = Experiment(settings(synthetic=True)).run()
    assert results.notes[0] == NOTICE
    assert results.corpora["synthetic"].all()


def test_folds_that_share_speakers_are_told(settings):
    lines = []
    Experiment(settings(folds="stratified", target=[]), notify=lines.append).prepare()
    assert any(line.startswith("note: 2 of 2 folds of birds share speakers") for line in lines)


def test_without_labels_unsupervised_training_goes_on_without_ridge(settings, tmp_path):
    mute = write_table(tmp_path, "mute", make_rows().assign(activation=np.nan, valence=np.nan))
    results = Experiment(settings(source=[mute], methods=["unsupervised"])).run()
    assert set(runs_of(results, method="Ridge (activation, valence)")["reading"]) <= {"within"}
    assert set(runs_of(results, table="4")["corpus"]) == {"mute", "cats"}


def test_a_fold_without_labels_goes_on_unsupervised_and_is_refused_otherwise(settings, tmp_path):
    rows = make_rows()
    rows.loc[rows["speaker"] != "s0", ["activation", "valence"]] = np.nan
    some = write_table(tmp_path, "some", rows)
    results = Experiment(settings(source=[some], methods=["unsupervised"])).run()
    assert set(runs_of(results, method="Ridge (activation, valence)")["reading"]) <= {"within"}
    with pytest.raises(
        ConfigError, match=r"some, fold \d: no two utterances trained on differ in activation and valence"
    ):
        Experiment(settings(source=[some])).run()


def test_settings_and_device_are_checked_before_any_recording_is_measured(settings, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(
        "affectmap.preparation.prepared_corpus.load_corpus", lambda *a, **k: pytest.fail("read before the check")
    )
    for start in (Experiment.run, Experiment.fit_embedder):
        with pytest.raises(ConfigError, match="device is 'cuda', but PyTorch finds no CUDA device here; use 'cpu'"):
            start(Experiment(settings(device="cuda")))


def test_a_corpus_given_twice_is_refused_before_anything_is_read(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "affectmap.preparation.prepared_corpus.load_corpus", lambda *a, **k: pytest.fail("read before the check")
    )
    other = write_table(tmp_path, "birds2", make_rows())
    for source, target in ((["table:cats=a.csv"], ["table:cats=b.csv"]), (["table:cats=a.csv"] * 2, [other])):
        with pytest.raises(UsageError, match="corpus cats is given twice; a corpus is one source or one target"):
            Experiment(settings(source=source, target=target)).run()


def test_a_target_too_small_for_its_policy_is_named(settings, tmp_path):
    few = write_table(tmp_path, "few", make_rows(n_speakers=1, n_takes=1))
    with pytest.raises(ConfigError, match=r"^few: policy 'target-20' takes its statistics from 1 of 4 utterances"):
        Experiment(settings(target=[few])).run()


def test_policy_speaker_notes_speakers_of_one_utterance(settings, tmp_path):
    rows = make_rows(n_speakers=3)
    rows.loc[0, "speaker"] = "lonely"
    lines = []
    shy = write_table(tmp_path, "shy", rows)
    Experiment(settings(target=[shy], policy="speaker"), notify=lines.append).prepare()
    note = "note: 1 of 4 speakers of shy have a single utterance; the policy speaker sets its features to 0."
    assert note in lines


def damaged(rows):
    rows.loc[2, FUNCTIONALS[0]] = np.nan
    return rows


def test_a_damaged_row_is_counted_and_listed(settings, tmp_path):
    torn = write_table(tmp_path, "torn", damaged(make_rows()))
    lines = []
    results = Experiment(settings(source=[torn]), notify=lines.append).run()
    assert "torn: 32 utterances found, 1 dropped (unreadable 1), 31 used, 31 rated" in lines
    listed = results.findings[results.findings["dropped"]]
    assert listed[["corpus", "kind"]].to_numpy().tolist() == [["torn", "unreadable"]]
    assert results.corpora.loc[0, ["n_found", "n_dropped", "n_used"]].tolist() == [32, 1, 31]


def test_strict_does_not_say_that_a_row_was_left_out(settings, tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "gone.csv").write_text("file\na.wav\nb.wav\n")
    with pytest.raises(CorpusError, match=r"gone: b.wav cannot be used: .* no such recording was found; mend it first"):
        Experiment(settings(source=[f"table:gone={tmp_path / 'gone.csv'}"], strict=True)).run()


def test_strict_stops_at_a_damaged_row(settings, tmp_path):
    torn = write_table(tmp_path, "torn", damaged(make_rows()))
    with pytest.raises(CorpusError, match=r"torn: s0_sad_0\.wav cannot be used: its functionals are not all finite"):
        Experiment(settings(source=[torn], strict=True)).run()


def test_notes_about_a_corpus_are_told_as_they_come_up(settings, tmp_path):
    lines = []
    spare = write_table(tmp_path, "spare", make_rows().assign(microphone="near"))
    Experiment(settings(source=[spare]), notify=lines.append).fit_embedder()
    assert "note: spare: columns left out, for they are not known: microphone" in lines


def test_equal_utterances_are_refused(settings, tmp_path):
    rows = make_rows()
    rows[list(FUNCTIONALS)] = 1.0
    with pytest.raises(CorpusError, match="same: all 32 utterances have the same functionals"):
        Experiment(settings(source=[write_table(tmp_path, "same", rows)])).fit_embedder()


def test_an_embedder_is_trained_on_the_source_and_never_on_targets(settings):
    with_target, without = (Experiment(settings(target=target)).fit_embedder() for target in (settings().target, []))
    rows = make_rows()[list(FUNCTIONALS)]
    np.testing.assert_allclose(with_target.statistics_.mean, rows.mean(), rtol=1e-5)
    np.testing.assert_array_equal(with_target.transform(rows), without.transform(rows))


def test_an_embedder_is_that_of_the_embedders_own_fit(settings):
    rows = make_rows()
    mine = Experiment(settings(methods=["valence"], epochs=3, seed=2)).fit_embedder()
    # Features of the corpus are float64 here and float32 there, so the statistics agree to rounding only.
    direct = Embedder(epochs=3, random_state=2000).fit(rows[list(FUNCTIONALS)], rows["valence"])
    assert mine.label_names_ == direct.label_names_ == ["valence"]
    np.testing.assert_allclose(
        mine.transform(rows[list(FUNCTIONALS)]), direct.transform(rows[list(FUNCTIONALS)]), rtol=1e-3, atol=1e-4
    )


def test_an_embedder_needs_labels_that_differ(settings, tmp_path):
    flat = write_table(tmp_path, "flat", make_rows().assign(valence=3.0))
    with pytest.raises(ConfigError, match="flat: valence is 3 for all 32 utterances"):
        Experiment(settings(source=[flat])).fit_embedder()
    assert Experiment(settings(source=[flat], methods=["activation"])).fit_embedder().label_names_ == ["activation"]


def test_dropped_recordings_are_named_when_an_embedder_is_trained(tmp_path):
    wav = write_emodb(tmp_path)
    write_tone(wav / "03a02Wa.wav", seconds=0.05)
    lines = []
    config = make_config(**FAST, source=[f"emodb={tmp_path}/emodb"], labels=tmp_path / "labels")
    Experiment(config, cache=tmp_path / "cache", notify=lines.append).fit_embedder()
    assert lines[0] == "emodb: 17 utterances found, 1 dropped (unreadable 1), 16 used, 16 rated"
    assert f"dropped {wav}/03a02Wa.wav: lasts 0.05 s, expected at least 0.06 s; leave it out" in lines
    strict = replace(config, strict=True)
    with pytest.raises(AudioError, match=r"03a02Wa\.wav: lasts 0\.05 s"):
        Experiment(strict, cache=tmp_path / "cache").fit_embedder()


@pytest.mark.slow
def test_folds_trained_one_after_another_come_to_the_same(settings, monkeypatch):
    lines = []
    together = Experiment(settings()).run()
    monkeypatch.setattr(experiment, "TOGETHER_BYTES", 0)
    apart = Experiment(settings(), notify=lines.append).run()
    assert sum(line.startswith("training ") for line in lines) > 2
    pd.testing.assert_frame_equal(apart.runs, together.runs)
    pd.testing.assert_frame_equal(apart.curves, together.curves)


@pytest.mark.slow
def test_no_classifier_is_fitted_twice(tmp_path, monkeypatch):
    fitted = []

    class Counted(SVC):
        def fit(self, X, y):
            fitted.append((self.C, np.asarray(X).tobytes(), tuple(y)))
            return super().fit(X, y)

    monkeypatch.setattr("affectmap.stats.scores.SVC", Counted)
    birds, bats = (write_table(tmp_path, name, make_rows(seed=seed)) for seed, name in enumerate(["birds", "bats"]))
    owls = write_table(tmp_path, "owls", make_rows(n_speakers=3, emotions=("sad", "happy", "angry"), seed=2))
    everything = {**FAST, "methods": ["unsupervised", "joint"]}  # one seed: so few speakers may be split alike twice
    Experiment(make_config(**everything, source=[birds, bats], target=[owls])).run()
    assert len(fitted) > 25
    assert len(set(fitted)) == len(fitted)


@pytest.mark.slow
def test_processes_change_no_score(settings, monkeypatch):
    alone = Experiment(settings(n_jobs=1)).run()
    monkeypatch.setattr("affectmap.experiment.experiment.PARALLEL_SCORES", 0)
    shared = Experiment(settings(n_jobs=2)).run()
    pd.testing.assert_frame_equal(shared.runs, alone.runs, check_exact=True)
    pd.testing.assert_frame_equal(shared.summary, alone.summary, check_exact=True)
