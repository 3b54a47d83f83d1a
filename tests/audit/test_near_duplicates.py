"""Copies at another level, in another format, trimmed or cut out are found; different recordings are not."""

from functools import cache

import numpy as np
import pytest
import soundfile

from affectmap.audit.near_duplicates import NearDuplicates, Rows, find_duplicates, shared_sound
from affectmap.features.engines import measure_functionals
from affectmap.preparation.folds import Fold, leave_one_corpus_out, speaker_folds, stratified_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.schema import WHISPER_FEATURES, segmented_index
from factories import make_corpus, with_cells


@cache
def babble(seed, seconds=2.0, sampling_rate=16000):
    """A voice whose pitch and formant wander, so that no two stretches are alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    knots = np.linspace(0, seconds, 12)
    pitch = np.interp(time, knots, rng.uniform(90, 260, 12))
    phase = 2 * np.pi * np.cumsum(pitch) / sampling_rate
    level = np.interp(time, knots, rng.uniform(0.3, 1.0, 12))
    tilt = rng.uniform(0.8, 1.6)
    signal = level * sum(np.sin(k * phase + rng.uniform(0, 6)) / k**tilt for k in range(1, 14))
    signal += 0.02 * rng.standard_normal(len(time))
    return (0.4 * signal / np.abs(signal).max()).astype(np.float32)


@cache
def functionals_of(samples: bytes):
    return measure_functionals(np.frombuffer(samples, np.float32), 16000)


@pytest.fixture
def write(tmp_path):
    """Write signals and measure them; gives rows in the order of their names."""

    def make(**signals):
        files = {}
        for name, signal in signals.items():
            file = tmp_path / name.replace("__", ".")
            whole = np.round(32767 * signal).astype(np.int16)
            soundfile.write(file, signal if file.suffix == ".ogg" else whole, 16000)
            files[str(file)] = soundfile.read(file, dtype="float32")[0]
        values = np.stack([functionals_of(signal.tobytes()) for signal in files.values()])
        return Rows(segmented_index(list(files)), values)

    return make


def pairs_of(*corpora):
    return [(pair.first, pair.second, pair.kind) for pair in find_duplicates(corpora)]


def test_different_recordings_are_no_duplicates(write):
    assert pairs_of(write(**{f"n{seed}__wav": babble(seed) for seed in range(12)})) == []


def test_the_same_samples_under_other_names_and_formats(write):
    rows = write(a__wav=babble(0), b__wav=babble(1), c__flac=babble(0), d__wav=babble(0))
    assert pairs_of(rows) == [(0, 2, "same samples"), (0, 3, "same samples")]


@pytest.mark.parametrize(
    "change",
    [
        lambda signal: 0.25 * signal,
        lambda signal: signal[1600:-800],
        lambda signal: np.concatenate([np.zeros(8000, np.float32), signal, np.zeros(4000, np.float32)]),
    ],
    ids=["quieter", "trimmed", "padded"],
)
def test_copies_at_another_level_or_with_other_ends(write, change):
    others = {f"n{seed}__wav": babble(seed) for seed in range(1, 9)}
    rows = write(a__wav=babble(0), **others, z__wav=change(babble(0)))
    assert pairs_of(rows) == [(0, 9, "same sound")]


def test_a_lossy_copy(write):
    others = {f"n{seed}__wav": babble(seed) for seed in range(1, 9)}
    assert pairs_of(write(a__wav=babble(0), **others, z__ogg=babble(0))) == [(0, 9, "same sound")]


def test_copies_are_found_by_the_functionals_behind_an_encoders_means(write):
    rows = write(a__wav=babble(0), b__wav=babble(1), c__wav=0.25 * babble(0))
    means = np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32)
    wide = Rows(rows.index, np.hstack([means, rows.functionals]), WHISPER_FEATURES)
    assert pairs_of(wide) == pairs_of(rows) != []


def test_across_corpora_rows_are_numbered_one_after_another(write):
    one, other = write(a__wav=babble(0), b__wav=babble(1)), write(c__wav=babble(2), d__wav=babble(1))
    assert pairs_of(one, other) == [(1, 3, "same samples")]


def test_segments_of_one_file_are_told_apart(tmp_path):
    file = str(tmp_path / "long.wav")
    signal = np.concatenate([babble(0), babble(1), babble(0)])
    soundfile.write(file, signal, 16000)
    signal = soundfile.read(file, dtype="float32")[0]
    parts = [(0, 2), (2, 4), (4, 6)]
    values = np.stack([measure_functionals(signal[16000 * a : 16000 * b], 16000) for a, b in parts])
    index = segmented_index([file] * 3, [f"{a}s" for a, _ in parts], [f"{b}s" for _, b in parts])
    assert pairs_of(Rows(index, values)) == [(0, 2, "same samples")]


def test_functionals_without_recordings_are_compared_among_themselves():
    values = 3 + np.random.default_rng(0).normal(size=(50, 88)).astype(np.float32)
    values[7], values[9] = values[3], np.round(values[4], 4)
    rows = Rows(segmented_index([f"/nowhere/{i}.wav" for i in range(50)]), values)
    assert pairs_of(rows) == [(3, 7, "same functionals"), (4, 9, "same functionals")]


def test_constant_functionals_and_few_rows_do_no_harm():
    index = segmented_index([*"abc"])
    assert len(pairs_of(Rows(index, np.ones((3, 88), np.float32)))) == 2
    assert pairs_of(Rows(index[:1], np.ones((1, 88), np.float32))) == []
    assert pairs_of() == []


def test_overlap_is_measured_where_it_is():
    long = babble(0, seconds=3.0)
    n_shared, likeness = shared_sound(long[:32000], -0.5 * long[16000:])
    assert (n_shared, round(likeness, 3)) == (16000, 1.0)
    assert shared_sound(babble(1), babble(2))[1] < 0.9
    assert shared_sound(np.zeros(100, np.float32), np.zeros(80, np.float32))[1] == 0.0


def with_copy(corpus, row, of, row_of, **cells):
    functionals = corpus.functionals.astype(np.float32).copy()
    functionals[row] = of.functionals[row_of]
    table = {name: corpus.table[name].to_numpy(dtype=object).copy() for name in cells}
    for name, value in cells.items():
        table[name][row] = value
    return with_cells(corpus, functionals=functionals, **table)


def single(name, seed=0, **options):
    corpus = make_corpus(name, seed=seed, **options)
    return with_cells(corpus, functionals=corpus.functionals.astype(np.float32))


def told(copies, folds=()):
    checks = [*copies.checks(), *(check for check, _ in copies.split_checks(folds))]
    return {(check.check, check.corpus, check.other): check for check in checks}


def test_clean_corpora_are_sound():
    source, target = single("cats"), single("dogs", seed=1)
    copies = NearDuplicates(PooledSource.of([source]), [target])
    checks = told(copies, speaker_folds(source.speaker, source.emotion, 2))
    assert {check.verdict for check in checks.values()} == {"sound"}
    assert [*checks] == [
        ("duplicate recordings", "cats", ""),
        ("duplicate recordings", "dogs", ""),
        ("duplicate recordings", "all", ""),
        ("duplicates in training and test", "cats", ""),
    ]


def test_a_copy_within_a_corpus_is_a_warning_and_in_one_fold_no_leak():
    source = single("cats")
    source = with_copy(source, 1, source, 0)
    copies = NearDuplicates(PooledSource.of([source]), [])
    checks = told(copies, speaker_folds(source.speaker, source.emotion, 2))
    check = checks["duplicate recordings", "cats", ""]
    assert (check.verdict, check.value, check.n) == ("warning", 1, 48)
    assert check.detail == (
        "1 pair of recordings with the same sound (same functionals 1) in cats, first cats/0.wav, cats/1.wav; "
        "keep one of each"
    )
    assert checks["duplicates in training and test", "cats", ""].verdict == "sound"


def test_a_copy_on_both_sides_of_folds_is_a_leak_of_these_folds():
    source = single("cats")
    source = with_copy(source, 1, source, 0)
    rows = np.arange(48)
    folds = [Fold("1", rows[1:], rows[:1], False), Fold("2", rows[:40], rows[40:], False)]
    (check, marks), *rest = NearDuplicates(PooledSource.of([source]), []).split_checks(folds)
    assert rest == []
    assert (check.verdict, check.value, check.n) == ("leak", 1, 2)
    assert check.detail == (
        "1 of 2 folds of cats have the same sound in training and test, first cats/0.wav, cats/1.wav; keep one of "
        "each, or use --folds speaker"
    )
    assert marks == [("cats", "held-out", 1, "leak"), ("cats", "within", 1, "leak")]


def test_copies_with_other_labels_are_counted():
    source = single("cats")
    source = with_copy(source, 1, source, 0, emotion="angry")
    check = told(NearDuplicates(PooledSource.of([source]), []))["labels of duplicates", "cats", ""]
    assert (check.verdict, check.value, check.n) == ("warning", 1, 1)


def test_a_recording_of_the_source_in_a_target_is_a_leak_of_the_target():
    source, target = single("cats"), with_copy(single("dogs", seed=1), 5, single("cats"), 7)
    split = [*NearDuplicates(PooledSource.of([source]), [target]).split_checks([])]
    ((check, marks),) = split
    assert (check.corpus, check.other, check.verdict) == ("dogs", "cats", "leak")
    assert check.detail == (
        "one recording of dogs is in the source cats: cats/7.wav, dogs/5.wav; leave it out of one of the two"
    )
    assert marks == [("dogs", "zero-shot", 0, "leak"), ("dogs", "probe", 0, "leak")]
    assert told(NearDuplicates(PooledSource.of([source]), [target]))["duplicate recordings", "cats", "dogs"].value == 1


def test_two_targets_that_share_a_recording_are_a_warning():
    dogs, owls = single("dogs", seed=1), with_copy(single("owls", seed=2), 0, single("dogs", seed=1), 3)
    checks = told(NearDuplicates(PooledSource.of([single("cats")]), [dogs, owls]))
    assert checks["duplicate recordings", "dogs", "owls"].verdict == "warning"
    assert not [check for check in checks.values() if check.verdict == "leak"]


def test_two_speakers_with_the_same_sound_leak_within_a_corpus():
    target = single("dogs", seed=1)
    target = with_copy(target, 40, target, 0)
    ((check, marks),) = NearDuplicates(PooledSource.of([single("cats")]), [target]).split_checks([])
    assert (check.corpus, check.verdict) == ("dogs", "leak")
    assert [mark.reading for mark in marks] == ["probe", "within", "supervised"]


def test_one_corpus_left_out_is_judged_by_copies_across():
    cats, dogs = single("cats"), with_copy(single("dogs", seed=1), 5, single("cats"), 7)
    source = PooledSource.of([cats, dogs, single("owls", seed=2)])
    split = [*NearDuplicates(source, []).split_checks(leave_one_corpus_out(source.corpus_name))]
    assert [(check.corpus, check.verdict) for check, _ in split] == [
        ("cats", "leak"),
        ("dogs", "leak"),
        ("owls", "sound"),
    ]
    assert "--folds" not in split[0][0].detail
    assert [mark for _, marks in split for mark in marks] == [
        ("cats", "held-out", 1, "leak"),
        ("dogs", "held-out", 2, "leak"),
    ]


def test_copies_of_one_recording_elsewhere_are_copies_of_each_other():
    cats, dogs = single("cats"), single("dogs", seed=1)
    for row in (5, 40):
        dogs = with_copy(dogs, row, cats, 7)
    # The recording of cats is tested with one of its copies, and trained on with the other.
    rows = np.arange(96)
    held_out = np.array([7, 48 + 40])
    fold = Fold("1", np.setdiff1d(rows, held_out), held_out, False)
    found = NearDuplicates(PooledSource.of([cats, dogs]), []).split_checks([fold])
    assert {mark.corpus for _, marks in found for mark in marks if mark.reading == "held-out"} == {"cats", "dogs"}
    checks = told(NearDuplicates(PooledSource.of([cats]), [dogs]))
    assert checks["duplicate recordings", "dogs", ""].value == 1
    assert checks["duplicates in training and test", "dogs", "dogs"].verdict == "leak"
    carried = checks["duplicates in training and test", "dogs", "cats"]
    assert carried.detail == (
        "2 recordings of dogs are in the source cats, first cats/7.wav, dogs/5.wav; leave them out of one of the two"
    )


def test_many_copies_are_not_paired_with_each_other(monkeypatch):
    monkeypatch.setattr("affectmap.audit.near_duplicates.MOST_ALIKE", 3)
    source = single("cats")
    for row in (1, 2):
        source = with_copy(source, row, source, 0)
    assert len(NearDuplicates(PooledSource.of([source]), []).pairs) == 3
    source = with_copy(source, 3, source, 0)
    assert [pair[:2] for pair in NearDuplicates(PooledSource.of([source]), []).pairs] == [(0, 1), (0, 2), (0, 3)]


def test_rows_in_neither_part_are_on_no_side():
    source = single("cats")
    source = with_copy(source, 1, source, 0)
    fold = Fold("1", np.arange(2, 40), np.arange(40, 48), False)
    ((check, marks),) = NearDuplicates(PooledSource.of([source]), []).split_checks([fold])
    assert (check.verdict, marks) == ("sound", [])
    stratified = stratified_folds(source.emotion, 2, speaker=source.speaker)
    assert len([*NearDuplicates(PooledSource.of([source]), []).split_checks(stratified)]) == 1
