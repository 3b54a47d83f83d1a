"""What a run refuses or says before it trains."""

import numpy as np
import pytest

from affectmap.errors import ConfigError, CorpusError
from affectmap.experiment.protocol import Job
from affectmap.experiment.run_checks import check_jobs, check_measured, class_notes, sampling_notes, speaker_notes
from affectmap.model.training import TrainingTask
from affectmap.preparation.pooled_source import PooledSource
from affectmap.stats.scores import EXACT_UTTERANCES
from factories import FOUR, make_corpus, with_cells


def pooled(*corpora):
    return PooledSource.of(corpora)


def test_a_corpus_of_different_utterances_passes():
    corpus = make_corpus()
    check_measured(corpus)
    functionals = np.ones_like(corpus.functionals)
    functionals[0, 0] = 2.0
    check_measured(with_cells(corpus, functionals=functionals))


def test_a_corpus_of_equal_utterances_is_refused():
    corpus = make_corpus(n_speakers=2, n_takes=1)
    same = with_cells(corpus, functionals=np.ones_like(corpus.functionals))
    with pytest.raises(
        CorpusError, match=r"^cats: all 8 utterances have the same functionals; expected different ones$"
    ):
        check_measured(same)


def test_all_four_classes_need_no_note():
    assert class_notes(pooled(make_corpus()), [make_corpus("dogs")]) == []


def test_a_missing_class_is_noted_in_one_line_with_what_is_left():
    dogs, owls = make_corpus("dogs", ("sad", "happy", "angry")), make_corpus("owls", ("sad", "angry", "fear"))
    assert class_notes(pooled(make_corpus()), [dogs, owls]) == [
        "dogs has no neutral utterances; it is classified as S-H-A and S-A.",
        "owls has no neutral and no happy utterances; it is classified as S-A.",
    ]


def test_a_class_missing_in_the_source_is_missing_for_the_targets_too():
    notes = class_notes(pooled(make_corpus(emotions=("neutral", "sad", "happy"))), [make_corpus("dogs")])
    assert notes == ["cats has no angry utterances; it is classified as N-S-H and N-S."]


@pytest.mark.parametrize("emotions", [("angry",), ("fear",), ("sad", "fear")])
def test_fewer_than_two_shared_classes_are_refused(emotions):
    with pytest.raises(
        ConfigError, match=r"dogs has no .*shares fewer than two of neutral, .* with the source cats; name"
    ):
        class_notes(pooled(make_corpus()), [make_corpus("dogs", emotions)])


def test_classes_that_are_not_shared_are_refused():
    with pytest.raises(ConfigError, match=r"owls has no sad, no happy, and shares fewer than two"):
        class_notes(pooled(make_corpus(emotions=("sad", "happy"))), [make_corpus("owls", ("neutral", "angry"))])


def test_a_pooled_source_is_judged_together_but_each_part_must_share():
    halves = make_corpus(emotions=("sad", "happy")), make_corpus("dogs", ("neutral", "angry"))
    notes = class_notes(pooled(*halves), [make_corpus("owls")])
    assert [note.split(";")[1] for note in notes] == [" it is classified as S-H.", " it is classified as N-A."]


def test_speakers_of_a_single_utterance_are_noted():
    corpus = make_corpus(n_speakers=3, n_takes=1)
    speaker = corpus.table["speaker"].to_numpy(dtype=object).copy()
    speaker[:2] = "lonely", "shy"
    assert speaker_notes([corpus, with_cells(corpus, speaker=speaker)]) == [
        "2 of 5 speakers of cats have a single utterance; the policy speaker sets its features to 0."
    ]


def test_speakers_that_all_have_a_single_utterance_are_refused():
    corpus = make_corpus(n_speakers=1)
    alone = with_cells(corpus, speaker=[f"s{i}" for i in range(len(corpus.table))])
    with pytest.raises(ConfigError, match=r"cats: every speaker has a single utterance, .*; use another policy"):
        speaker_notes([alone])


def test_unknown_speakers_are_left_to_those_who_need_them():
    assert speaker_notes([with_cells(make_corpus(), speaker=None)]) == []


def job(label, fold=1):
    features = np.zeros((len(FOUR), 88), dtype=np.float32)
    task = TrainingTask(features, None if label is None else np.array(label, dtype=float))
    return Job("DAE-Metric-Joint", ("activation", "valence"), "cats", fold, 0, task)


def test_models_with_different_labels_or_none_pass():
    check_jobs([job(None), job([[1, 1], [1, 2], [np.nan, 3], [1, 1]])])


@pytest.mark.parametrize("label", [[[1, 2]] * 4, [[np.nan, 2]] * 4, [[1, 2], [np.nan, 3], [5, np.nan], [1, 2]]])
def test_a_fold_without_different_labels_is_refused(label):
    with pytest.raises(
        ConfigError, match=r"^cats, fold 3: no two utterances trained on differ in activation and valence; "
    ):
        check_jobs([job(None), job(label, fold=3)])
    with pytest.raises(ConfigError, match=r"^cats, all utterances: .* or leave out DAE-Metric-Joint$"):
        check_jobs([job(label, fold=0)])


def test_a_sample_is_told_and_all_pairs_are_not():
    assert sampling_notes([]) == sampling_notes([EXACT_UTTERANCES]) == []
    (note,) = sampling_notes([10, EXACT_UTTERANCES + 1])
    assert "20,000 utterances are rated (up to 20,001 in a fold)" in note
