"""Planted defects are found, clean corpora are sound, and the figures that suffer are marked."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.audio.conditions import Conditions
from affectmap.audit.examination import examine, speaker_sound
from affectmap.audit.verdicts import CARRIED, WITHIN
from affectmap.corpora import load_corpus
from affectmap.experiment.config import ExperimentConfig
from affectmap.preparation.folds import leave_one_corpus_out, speaker_folds, stratified_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import prepare
from factories import folds_of, make_corpus, with_cells

DATA = os.environ.get("AFFECTMAP_DATA")


def clean(name="cats", **options):
    corpus = make_corpus(name, **options)
    return with_cells(corpus, functionals=corpus.functionals.astype(np.float32))


def one_emotion_each(name="cats", **options):
    corpus = clean(name, **options)
    return with_cells(corpus, speaker=[f"{emotion} {i % 2}" for i, emotion in enumerate(corpus.emotion)])


def audit_of(source, *targets, folds=None, **settings):
    pool = PooledSource.of([source])
    return examine(pool, targets, speaker_folds(pool.speaker, pool.emotion, 2) if folds is None else folds, **settings)


def told(audit, check, corpus="cats"):
    return next(each for each in audit.checks if (each.check, each.corpus) == (check, corpus))


def test_clean_corpora_are_sound_and_nothing_is_marked():
    audit = audit_of(clean(), clean("dogs", seed=1))
    assert {check.verdict for check in audit.checks} == {"sound"}
    assert (audit.marks, audit.notes()) == ((), [])
    assert len({check.check for check in audit.checks}) == 6


def test_a_shared_speaker_is_a_leak_of_the_folds_that_share():
    source = clean()
    folds = speaker_folds(source.speaker, source.emotion, 4)
    # One utterance of the first speaker is now said by the second.
    speaker = source.table["speaker"].to_numpy(dtype=object).copy()
    speaker[0] = "s1"
    audit = audit_of(with_cells(source, speaker=speaker), folds=folds)
    check = told(audit, "shared speakers")
    assert (check.verdict, check.value, check.n) == ("leak", 2, 4)
    assert check.detail.startswith("2 of 4 folds of cats share speakers between training and test (1 of 4 speakers): ")
    assert len(audit.marks) == 4
    assert {mark[:2] for mark in audit.marks} == {("cats", "held-out"), ("cats", "within")}
    assert audit.notes() == [f"{check.detail}."]


def test_folds_of_unnamed_speakers_cannot_be_told_and_are_marked():
    source = with_cells(clean(), speaker=None)
    audit = audit_of(source, folds=stratified_folds(source.emotion, 2))
    assert told(audit, "shared speakers").verdict == "cannot be told"
    assert told(audit, "emotion from the speaker").verdict == "cannot be told"
    assert len(audit.marks) == 4
    assert [note.split(":")[0] for note in audit.notes()] == [
        "2 of 2 folds of cats may share speakers between training and test"
    ]


def test_of_pooled_corpora_only_that_which_leaks_is_marked():
    cats, dogs = clean(), clean("dogs", seed=1)
    pool = PooledSource.of([cats, dogs])
    folds = leave_one_corpus_out(pool.corpus_name)
    audit = examine(pool, [], folds, policy="source")
    assert [check.verdict for check in audit.checks if check.check == "shared speakers"] == ["sound", "sound"]
    assert audit.marks == ()


def test_without_folds_nothing_is_said_of_them():
    audit = audit_of(clean(), folds=[])
    assert told(audit, "shared speakers").verdict == "cannot be told"
    assert not [check for check in audit.checks if check.check == "duplicates in training and test"]
    assert audit.notes() == []


def test_speakers_of_one_emotion_are_a_warning():
    check = told(audit_of(one_emotion_each()), "emotion from the speaker")
    assert (check.verdict, check.value, check.n) == ("warning", 1.0, 48)
    assert check.detail.startswith("8 of 8 speakers of cats show one emotion only, and the best guess from the speaker")
    assert speaker_sound(clean())
    assert not speaker_sound(one_emotion_each())


def with_conditions(corpus, **columns):
    noise = np.random.default_rng(0).normal(size=(len(corpus.table), 5))
    made = pd.DataFrame(noise, corpus.table.index, list(Conditions._fields)).assign(**columns)
    return replace(corpus, conditions=made)


def test_recording_conditions_that_follow_the_emotion_are_a_warning():
    corpus = clean(n_speakers=6)
    followed = with_conditions(corpus, noise_floor_db=[len(emotion) for emotion in corpus.emotion])
    check = told(audit_of(followed), "emotion from the recording")
    assert (check.verdict, check.n) == ("warning", 72)
    assert check.value > 0.6
    assert "tell emotions of unseen speakers of cats with a UAR of " in check.detail
    assert "(chance .25, 95 % from " in check.detail
    assert "most of all the noise floor (.7" in check.detail
    assert not audit_of(followed).bad()
    assert told(audit_of(with_conditions(corpus)), "emotion from the recording").verdict == "sound"


def test_recording_conditions_of_few_or_unnamed_speakers_cannot_be_told():
    for corpus in (clean(), with_cells(clean(n_speakers=6), speaker=None), with_cells(clean(), emotion=None)):
        audit = audit_of(with_conditions(corpus), folds=[])
        assert told(audit, "emotion from the recording").verdict == "cannot be told"


def test_where_no_recording_was_read_nothing_is_said_of_conditions():
    assert "emotion from the recording" not in {check.check for check in audit_of(clean()).checks}


def test_where_nothing_can_be_told_statistics_by_speaker_are_not_called_sound():
    assert not speaker_sound(with_cells(clean(), emotion=None))
    assert not speaker_sound(with_cells(clean(), speaker=None))
    assert not speaker_sound(with_cells(clean(), speaker=[f"s{i}" for i in range(48)]))


def test_statistics_by_speaker_confound_a_corpus_whose_speakers_give_emotion_away():
    audit = audit_of(clean(), one_emotion_each("dogs", seed=1), policy="speaker")
    assert told(audit, "mean and standard deviation").verdict == "warning"
    check = told(audit, "mean and standard deviation", "dogs")
    assert (check.verdict, check.value, check.n) == ("confounded", 1.0, 48)
    assert audit.marks == tuple(("dogs", reading, 0, "confounded") for reading in CARRIED + WITHIN)
    assert audit.bad()


@pytest.mark.parametrize(
    ("policy", "verdict", "share", "n"),
    [
        ("source", "sound", 0, 24),
        ("target-20", "sound", 0, 10),
        ("target-all", "warning", 1, 48),
        ("speaker", "warning", 1, 48),
    ],
)
def test_whose_mean_and_spread(policy, verdict, share, n):
    audit = audit_of(clean(), clean("dogs", seed=1), policy=policy)
    assert told(audit, "mean and standard deviation", "dogs")[3:6] == (verdict, share, n)
    source = told(audit, "mean and standard deviation")
    assert source[3:6] == (("warning", 1, 48) if policy == "speaker" else ("sound", 0, 24))


@pytest.mark.parametrize(("policy", "expected"), [("source", ("sound", 0, 48)), ("target-20", ("warning", 1, 48))])
def test_a_source_left_out_is_standardised_like_a_target(policy, expected):
    pool = PooledSource.of([clean(), clean("dogs", seed=1)])
    audit = examine(pool, [], leave_one_corpus_out(pool.corpus_name), policy=policy)
    assert told(audit, "mean and standard deviation")[3:6] == expected


def test_the_same_settings_give_the_same_audit():
    assert audit_of(clean(), one_emotion_each("dogs")) == audit_of(clean(), one_emotion_each("dogs"))


@pytest.fixture(scope="module")
def published():
    """Corpora as published, measured once."""
    if not DATA:
        pytest.skip("AFFECTMAP_DATA names no folder with corpora/ and features/")
    folder = Path(DATA) / "corpora"
    return {name: prepare(load_corpus(f"{name}={folder / name}", folder / "labels")) for name in ("emodb", "urdu")}


@pytest.mark.real
def test_published_corpora(published):
    emodb, urdu = published["emodb"], published["urdu"]
    config = ExperimentConfig(source=["emodb=x"])
    source = PooledSource.of([emodb])
    audit = examine(source, [urdu], folds_of(source, config))
    assert audit.marks == ()
    assert {check.verdict for check in audit.checks if check.corpus in ("emodb", "all")} == {"sound"}
    check = told(audit, "emotion from the speaker", "urdu")
    assert (check.verdict, round(check.value, 2)) == ("warning", 0.96)
    assert check.detail.startswith("25 of 28 speakers of URDU show one emotion only")
    # Cut from the same broadcasts, with a second or two in common.
    assert told(audit, "duplicate recordings", "urdu").value == 2
    assert speaker_sound(emodb)
    assert not speaker_sound(urdu)


@pytest.mark.real
def test_published_urdu_leaks_where_it_is_shuffled(published):
    source = PooledSource.of([published["urdu"]])
    config = ExperimentConfig(source=["urdu=x"], folds="stratified")
    audit = examine(source, [], folds_of(source, config), policy="speaker")
    assert told(audit, "shared speakers", "urdu").value == 5
    assert told(audit, "duplicates in training and test", "urdu").verdict == "leak"
    assert told(audit, "mean and standard deviation", "urdu").verdict == "confounded"
