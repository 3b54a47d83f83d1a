"""Duplicates within a corpus, in two of them, and on both sides of a split."""

import numpy as np

from affectmap.audit.near_copies import Copies
from affectmap.preparation.folds import Fold, leave_one_corpus_out, speaker_folds, stratified_folds
from affectmap.preparation.prepared_corpus import PooledSource
from factories import make_corpus, with_cells


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
    copies = Copies.of(PooledSource.of([source]), [target])
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
    copies = Copies.of(PooledSource.of([source]), [])
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
    (check, marks), *rest = Copies.of(PooledSource.of([source]), []).split_checks(folds)
    assert rest == []
    assert (check.verdict, check.value, check.n) == ("leak", 1, 2)
    assert check.detail == (
        "1 of 2 folds of cats have the same sound in training and test, first cats/0.wav, cats/1.wav; keep one of "
        "each, or use --folds speaker"
    )
    assert marks == [("cats", "held-out", 1, "leak")]


def test_copies_with_other_labels_are_counted():
    source = single("cats")
    source = with_copy(source, 1, source, 0, emotion="angry")
    check = told(Copies.of(PooledSource.of([source]), []))["labels of duplicates", "cats", ""]
    assert (check.verdict, check.value, check.n) == ("warning", 1, 1)


def test_a_recording_of_the_source_in_a_target_is_a_leak_of_the_target():
    source, target = single("cats"), with_copy(single("dogs", seed=1), 5, single("cats"), 7)
    split = [*Copies.of(PooledSource.of([source]), [target]).split_checks([])]
    ((check, marks),) = split
    assert (check.corpus, check.other, check.verdict) == ("dogs", "cats", "leak")
    assert check.detail == (
        "one recording of dogs is in the source cats: cats/7.wav, dogs/5.wav; leave it out of one of the two"
    )
    assert marks == [("dogs", "zero-shot", 0, "leak"), ("dogs", "probe", 0, "leak")]
    assert told(Copies.of(PooledSource.of([source]), [target]))["duplicate recordings", "cats", "dogs"].value == 1


def test_two_targets_that_share_a_recording_are_a_warning():
    dogs, owls = single("dogs", seed=1), with_copy(single("owls", seed=2), 0, single("dogs", seed=1), 3)
    checks = told(Copies.of(PooledSource.of([single("cats")]), [dogs, owls]))
    assert checks["duplicate recordings", "dogs", "owls"].verdict == "warning"
    assert not [check for check in checks.values() if check.verdict == "leak"]


def test_two_speakers_with_the_same_sound_leak_within_a_corpus():
    target = single("dogs", seed=1)
    target = with_copy(target, 40, target, 0)
    ((check, marks),) = Copies.of(PooledSource.of([single("cats")]), [target]).split_checks([])
    assert (check.corpus, check.verdict) == ("dogs", "leak")
    assert [mark.reading for mark in marks] == ["probe", "within", "supervised"]


def test_one_corpus_left_out_is_judged_by_copies_across():
    cats, dogs = single("cats"), with_copy(single("dogs", seed=1), 5, single("cats"), 7)
    source = PooledSource.of([cats, dogs, single("owls", seed=2)])
    split = [*Copies.of(source, []).split_checks(leave_one_corpus_out(source.corpus_name))]
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
    found = Copies.of(PooledSource.of([cats, dogs]), []).split_checks([fold])
    assert {mark.corpus for _, marks in found for mark in marks if mark.reading == "held-out"} == {"cats", "dogs"}
    checks = told(Copies.of(PooledSource.of([cats]), [dogs]))
    assert checks["duplicate recordings", "dogs", ""].value == 1
    assert checks["duplicates in training and test", "dogs", "dogs"].verdict == "leak"
    carried = checks["duplicates in training and test", "dogs", "cats"]
    assert carried.detail == (
        "2 recordings of dogs are in the source cats, first cats/7.wav, dogs/5.wav; leave them out of one of the two"
    )


def test_many_copies_are_not_paired_with_each_other(monkeypatch):
    monkeypatch.setattr("affectmap.audit.near_copies.MOST_ALIKE", 3)
    source = single("cats")
    for row in (1, 2):
        source = with_copy(source, row, source, 0)
    assert len(Copies.of(PooledSource.of([source]), []).pairs) == 3
    source = with_copy(source, 3, source, 0)
    assert [pair[:2] for pair in Copies.of(PooledSource.of([source]), []).pairs] == [(0, 1), (0, 2), (0, 3)]


def test_rows_in_neither_part_are_on_no_side():
    source = single("cats")
    source = with_copy(source, 1, source, 0)
    fold = Fold("1", np.arange(2, 40), np.arange(40, 48), False)
    ((check, marks),) = Copies.of(PooledSource.of([source]), []).split_checks([fold])
    assert (check.verdict, marks) == ("sound", [])
    stratified = stratified_folds(source.emotion, 2, speaker=source.speaker)
    assert len([*Copies.of(PooledSource.of([source]), []).split_checks(stratified)]) == 1
