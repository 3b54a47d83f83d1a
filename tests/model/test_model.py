"""A model at work: columns, flags, statistics, threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.errors import ConfigError, StorageError
from affectmap.model.heads import Calibration
from affectmap.model.model import SHIPPED, load_model
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FUNCTIONALS
from model_files import HALF_WIDTHS, SPEECH, make_embedder, make_functionals, make_speech, write_model

COLUMNS = [
    *("embedding_0", "embedding_1", "activation", "activation_low", "activation_high"),
    *("valence", "valence_low", "valence_high", "neutral", "sad", "happy", "angry"),
    *("too_short", "silent", "quiet", "clipped", "narrow_band", "uneven_channels", "mostly_pause", "rumble"),
    *("not_speech", "unfamiliar"),
]
VALUES, FLAGS = COLUMNS[:12], COLUMNS[12:]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load_model(write_model(tmp_path_factory.mktemp("models") / "small"))


@pytest.fixture(scope="module")
def shipped():
    return load_model()


def test_columns_come_in_their_order(small, shipped):
    for model in (small, shipped):
        table = model.transform(make_functionals(3))
        assert list(table.columns) == COLUMNS == model.columns
        assert all(table[name].dtype == np.float64 for name in VALUES)
        assert all(table[name].dtype == np.bool_ for name in FLAGS)


def test_values_keep_to_their_ranges(shipped):
    rng = np.random.default_rng(0)
    statistics = shipped.statistics
    table = shipped.transform(statistics.mean + 5 * rng.normal(size=(300, 88)) * statistics.std)
    for label in ("activation", "valence"):
        assert table[label].between(1, 5).all()
        assert (table[f"{label}_low"] <= table[label]).all()
        assert (table[label] <= table[f"{label}_high"]).all()
        assert table[[f"{label}_low", f"{label}_high"]].stack().between(1, 5).all()
    np.testing.assert_allclose(table[["neutral", "sad", "happy", "angry"]].sum(axis=1), 1)


def test_embedding_is_the_networks(small):
    functionals = make_functionals(50, seed=3)
    expected = make_embedder().transform(functionals)
    np.testing.assert_allclose(small.transform(functionals)[["embedding_0", "embedding_1"]], expected, atol=1e-5)


def test_one_row_gets_the_same_alone_as_among_others(small):
    functionals = make_functionals(20, seed=4)
    together = small.transform(functionals)
    for row in range(20):
        alone = small.transform(functionals[row : row + 1])
        np.testing.assert_allclose(alone[VALUES].to_numpy()[0], together[VALUES].to_numpy()[row], rtol=0, atol=1e-6)
        assert alone[FLAGS].iloc[0].tolist() == together[FLAGS].iloc[row].tolist()


def test_a_table_is_taken_by_the_names_of_its_columns(small):
    functionals = pd.DataFrame(make_functionals(5), index=[*"abcde"], columns=list(FUNCTIONALS))
    shuffled = functionals[list(FUNCTIONALS)[::-1]].assign(speaker="anna")
    pd.testing.assert_frame_equal(small.transform(functionals), small.transform(shuffled))
    assert small.transform(shuffled).index.tolist() == [*"abcde"]
    assert small.transform(functionals.iloc[:0]).shape == (0, len(COLUMNS))


def test_a_model_without_heads_gives_embedding_and_flags(tmp_path):
    model = load_model(write_model(tmp_path / "bare", heads=None, calibration=None))
    assert model.columns == ["embedding_0", "embedding_1", *FLAGS]


def test_a_model_without_intervals_gives_ratings_alone(tmp_path):
    model = load_model(write_model(tmp_path / "bare", calibration=None))
    assert "activation" in model.columns
    assert "activation_low" not in model.columns


def test_a_model_may_have_other_dimensions(tmp_path):
    model = load_model(write_model(tmp_path / "wide", embedder=make_embedder(5)))
    assert model.columns[:6] == [*(f"embedding_{i}" for i in range(5)), "activation"]


def test_rows_without_numbers_are_nan_with_a_flag(small):
    functionals = make_functionals(4)
    functionals[1], functionals[2, 7], functionals[3, 0] = np.nan, np.nan, np.inf
    table = small.transform(functionals)
    assert table[VALUES].isna().all(axis=1).tolist() == [False, True, True, True]
    assert table["too_short"].tolist() == [False, True, False, False]
    assert table["unfamiliar"].tolist() == [False, False, True, True]


def test_unfamiliar_begins_at_the_models_distance(small):
    statistics = small.statistics
    steps = np.array([0.0, 1.99, 2.01, 50.0])
    table = small.transform(statistics.mean + steps[:, None] * statistics.std)
    assert table["unfamiliar"].tolist() == [False, False, True, True]


def test_outside_of_what_the_model_has_seen_the_interval_is_the_whole_scale(shipped):
    statistics, rng = shipped.statistics, np.random.default_rng(1)
    direction = rng.normal(size=(20, 88)) * statistics.std
    for steps, is_far in ((1.0, False), (10.0, True), (1000.0, True)):
        table = shipped.transform(statistics.mean + steps * direction)
        assert table["unfamiliar"].eq(is_far).all()
        for label in ("activation", "valence"):
            width = (table[f"{label}_high"] - table[f"{label}_low"]).round(9)
            assert width.eq(4.0).equals(table["unfamiliar"] | table["not_speech"])
            assert table[label].between(1, 5).all()
    embedding = table[["embedding_0", "embedding_1"]].abs().max(axis=None)
    assert embedding > 50  # which tells how far away it is


def test_what_is_no_speech_has_no_interval_either_and_what_cannot_be_had_stays_missing(shipped):
    silence = np.zeros((1, 88))
    missing = np.full((1, 88), np.nan)
    table = shipped.transform(np.concatenate([silence, missing]))
    assert table["not_speech"].tolist() == [True, False]
    assert table[["activation_low", "activation_high"]].iloc[0].tolist() == [1.0, 5.0]
    assert table[["activation", "activation_low", "activation_high"]].iloc[1].isna().all()


def test_a_model_without_intervals_gets_none(tmp_path):
    table = load_model(write_model(tmp_path / "model", calibration=None)).transform(np.full((1, 88), 1e6))
    assert table["unfamiliar"].tolist() == [True]
    assert "activation_low" not in table


def half_width_of(table, label="activation"):
    inner = table[f"{label}_low"].gt(1) & table[f"{label}_high"].lt(5)
    widths = (table[f"{label}_high"] - table[f"{label}_low"])[inner] / 2
    assert len(widths)
    np.testing.assert_allclose(widths, widths.iloc[0])
    return pytest.approx(widths.iloc[0])


def test_intervals_are_those_of_the_statistics_in_use(small):
    rows = make_speech(200, seed=2)
    assert half_width_of(small.transform(rows)) == HALF_WIDTHS["source"]["activation"]
    assert half_width_of(small.adapt(rows[:30]).transform(rows)) == HALF_WIDTHS["adapted"]["activation"]


@pytest.mark.parametrize(("n", "prior"), [(1, 10), (29, 10), (90, 0), (200, 30)])
def test_what_was_not_measured_of_a_place_gets_the_wider_intervals(small, n, prior):
    rows = make_speech(200, seed=2)
    assert half_width_of(small.adapt(rows[:n], prior=prior).transform(rows)) == HALF_WIDTHS["source"]["activation"]


def test_speakers_get_the_wider_of_their_own_and_the_models_intervals(small, tmp_path):
    rows, who = make_speech(200, seed=2), ["anna"] * 200
    widths = {"source": {"activation": 0.6, "valence": 0.5}, "adapted": {"activation": 0.4, "valence": 0.3}}
    for speaker, expected in (({}, 0.6), ({"activation": 0.7, "valence": 0.3}, 0.7), ({"activation": 0.1}, 0.6)):
        own = {"speaker": {"valence": 0.3} | speaker} if speaker else {}
        calibration = Calibration(0.9, widths | own, 2.0)
        model = load_model(write_model(tmp_path / "model", calibration=calibration, overwrite=True))
        assert half_width_of(model.transform(rows, speaker=who)) == expected
        assert half_width_of(model.transform(rows, speaker=who), "valence") == 0.5
    rows[100:] = np.nan  # bo has nothing to be standardised by, and keeps the model's own
    with pytest.warns(UserWarning, match="1 of 2 speakers"):
        table = small.transform(np.concatenate([rows[:100], rows[100:]]), speaker=["anna"] * 100 + ["bo"] * 100)
    assert half_width_of(table) == HALF_WIDTHS["source"]["activation"]


def test_adapting_takes_out_shift_and_scale(small):
    here = make_speech(400, seed=8)
    there = 7 * here + 30
    there[:, SPEECH] = 7 * here[:, SPEECH]
    one, other = small.adapt(here, prior=0), small.adapt(there, prior=0)
    np.testing.assert_allclose(one.transform(here)[VALUES], other.transform(there)[VALUES], atol=1e-9)
    np.testing.assert_array_equal(other.statistics.mean, fit_statistics(there).mean)


def test_adapting_changes_no_other_model(small):
    functionals, before = make_speech(30, seed=9), small.metadata
    expected = small.transform(functionals)
    adapted = small.adapt(5 * functionals + 1)
    pd.testing.assert_frame_equal(small.transform(functionals), expected)
    assert small.metadata == before
    assert adapted.metadata["standardisation"] == {
        "policy": "adapted",
        "n_utterances": 30,
        "n_left_out": 0,
        "prior": 10.0,
    }


def test_what_is_no_speech_is_not_adapted_to(small):
    rows = make_speech(40, seed=9)
    noise = make_speech(5, seed=10)
    noise[:, SPEECH[0]] = 0
    mixed = small.adapt(np.concatenate([noise, rows]))
    np.testing.assert_array_equal(mixed.statistics.mean, small.adapt(rows).statistics.mean)
    assert mixed.metadata["standardisation"]["n_utterances"] == 40
    assert mixed.metadata["standardisation"]["n_left_out"] == 5
    with pytest.raises(ConfigError, match="0 of 5 utterances are usable"):
        small.adapt(noise)


def test_what_is_no_speech_does_not_count_for_its_speaker(small):
    rows = make_speech(25, seed=9)
    rows[20:, SPEECH[0]] = 0
    mixed = small.transform(rows, speaker=["anna"] * 25)
    pd.testing.assert_frame_equal(mixed[:20], small.transform(rows[:20], speaker=["anna"] * 20))
    assert mixed[VALUES].notna().all(axis=None)


def test_the_card_of_an_adapted_model_says_so_once(small):
    functionals = make_speech(30)
    card = small.adapt(functionals).adapt(functionals[:20]).card
    assert card.count("## Adapted") == 1
    assert "taken from 20 other utterances" in card
    assert "are the wider of as trained and adapted" in card
    assert "are those of adapted corpora" in small.adapt(functionals).card
    assert card.startswith(small.card.rstrip())


def test_metadata_is_a_copy(small):
    small.metadata["flags"]["max_distance"] = 0.0
    assert small.metadata["flags"]["max_distance"] == 2.0


def test_a_saved_model_gives_the_same(small, tmp_path):
    functionals = make_functionals(30, seed=10)
    adapted = small.adapt(functionals)
    adapted.save(tmp_path / "model")
    again = load_model(str(tmp_path / "model"))
    pd.testing.assert_frame_equal(again.transform(functionals), adapted.transform(functionals))
    assert again.metadata["standardisation"]["policy"] == "adapted"
    with pytest.raises(StorageError, match="exists"):
        small.save(tmp_path / "model")
    small.save(tmp_path / "model", overwrite=True)


def test_speakers_are_standardised_by_themselves(small):
    one = make_speech(3000, seed=11)
    other = 3 * one + 20
    names = ["anna"] * 3000 + ["bo"] * 3000
    table = small.transform(np.concatenate([one, other]), speaker=names)
    apart = np.abs(table[VALUES].to_numpy()[:3000] - table[VALUES].to_numpy()[3000:]).mean()
    without = small.transform(np.concatenate([one, other]))[VALUES].to_numpy()
    assert apart < 0.05 < 0.5 < np.abs(without[:3000] - without[3000:]).mean()
    alone = small.transform(one, speaker=names[:3000])
    np.testing.assert_allclose(table[VALUES].to_numpy()[:3000], alone[VALUES].to_numpy(), atol=1e-12)


def test_few_utterances_of_a_speaker_are_told_where_they_are_given(small):
    with pytest.warns(UserWarning, match=r"1 of 1 speakers have fewer than 10 usable") as told:
        small.transform(make_functionals(3), speaker=["anna"] * 3)
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("functionals", "message"),
    [
        (np.zeros((3, 87)), r"shape \(3, 87\); expected \(utterances, 88\)"),
        (np.zeros(88), r"shape \(88,\)"),
        ([["a"] * 88], "must be numbers"),
        (pd.DataFrame(np.zeros((2, 3)), columns=[*"abc"]), "88 of the 88 functionals are missing, first F0semitone"),
        (pd.DataFrame([["a"] * 88], columns=list(FUNCTIONALS)), "must be numbers"),
    ],
)
def test_functionals_that_do_not_fit(small, functionals, message):
    for verb in (small.transform, small.adapt):
        with pytest.raises(ConfigError, match=message):
            verb(functionals)


def test_a_recording_is_one_row(shipped, write_voice):
    file = write_voice("a.wav", seconds=1.0)
    table = shipped.embed(file)
    assert table.index.tolist() == [str(file)]
    assert list(table.columns) == [*COLUMNS, "note", "problem"]
    assert table["problem"].tolist() == [None]
    assert table[VALUES].notna().all(axis=None)
    signal, rate = soundfile.read(file)
    pd.testing.assert_frame_equal(shipped.embed(signal, rate).reset_index(drop=True), table.reset_index(drop=True))


def test_good_and_bad_recordings_together(shipped, write_voice, tmp_path):
    good = write_voice("a.wav", seconds=1.0)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "loud.wav", np.sign(soundfile.read(good)[0]), 16000)
    soundfile.write(tmp_path / "short.wav", np.ones(100) / 2, 16000)
    table = shipped.embed([good, *(tmp_path / f"{name}.wav" for name in ("silent", "loud", "short", "gone"))])
    assert table["silent"].tolist() == [False, True, False, True, False]  # the short one is constant
    assert table["clipped"].tolist() == [False, False, True, False, False]
    assert table["too_short"].tolist() == [False, False, False, True, False]
    assert table[VALUES].isna().all(axis=1).tolist() == [False, False, False, True, True]
    assert table["problem"].notna().tolist() == [False, False, False, True, True]
    assert table.loc[str(tmp_path / "silent.wav"), "not_speech"]
    pd.testing.assert_frame_equal(table.iloc[[0]], shipped.embed(good), check_dtype=False)


def test_an_unreadable_recording_is_not_called_too_short(shipped, tmp_path):
    table = shipped.embed(tmp_path / "gone.wav")
    assert not table[FLAGS].any(axis=None)
    assert "no such file" in table["problem"].iloc[0]


def test_nothing_gives_an_empty_table(shipped):
    assert shipped.embed([]).shape == (0, len(COLUMNS) + 2)


def test_threads_get_the_same(shipped):
    rows = [make_functionals(7, seed=seed) for seed in range(40)]
    expected = [shipped.transform(each) for each in rows]
    with ThreadPoolExecutor(8) as pool:
        for found, other in zip(pool.map(shipped.transform, rows), expected, strict=True):
            pd.testing.assert_frame_equal(found, other)


def test_the_shipped_model_is_small_and_says_what_it_is(shipped):
    folder = resources.files("affectmap").joinpath("models", SHIPPED)
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 200_000
    assert shipped.metadata["name"] == SHIPPED
    assert shipped.sampling_rate == 16000
    for word in ("Intended use", "research", "Not", "coverage", "silence", "Licences", "Limits"):
        assert word in shipped.card


def test_the_shipped_model_hears_calm_from_excited(shipped, write_voice):
    low, high = (soundfile.read(write_voice("a.wav", seconds=2.0, pitch=pitch))[0] for pitch in (120.0, 320.0))
    table = shipped.embed([0.1 * low, high], 16000)
    assert table["activation"].iloc[0] < table["activation"].iloc[1]


def test_no_training_framework_is_needed(write_voice):
    file = write_voice("a.wav")
    code = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'sklearn', 'scipy', 'matplotlib', 'onnxruntime'): sys.modules[name] = None\n"
        f"import affectmap; print(affectmap.load_model().embed({str(file)!r}).shape)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout.strip() == f"(1, {len(COLUMNS) + 2})", told.stderr
