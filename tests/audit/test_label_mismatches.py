"""Labels that do not fit their recordings."""

from dataclasses import replace

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audit.label_mismatches import mismatch_checks
from affectmap.schema import Finding
from factories import make_corpus


def checks_of(corpus):
    return {check.check: check for check in mismatch_checks(corpus)}


def with_files(corpus, files):
    index = audformat.segmented_index([str(file) for file in files])
    return replace(corpus, table=corpus.table.set_axis(index))


def test_a_corpus_that_fits_is_sound():
    checks = checks_of(make_corpus())
    assert list(checks) == ["labels and recordings"]
    assert (checks["labels and recordings"].verdict, checks["labels and recordings"].value) == ("sound", 0)


def test_what_has_no_counterpart_is_counted():
    kinds = ("missing", "unlabelled", "unlabelled", "extra", "outlier", "note")
    corpus = replace(make_corpus(), findings=tuple(Finding("cats", "a.wav", kind, "") for kind in kinds))
    check = checks_of(corpus)["labels and recordings"]
    assert (check.verdict, check.value) == ("warning", 4)
    assert "(missing 1, extra 1, unlabelled 2); affectmap corpora or the report names each" in check.detail


def emodb_names(corpus, wrong=0):
    letter = {"neutral": "N", "sad": "T", "happy": "F", "angry": "W"}
    letters = [letter[emotion] for emotion in corpus.emotion]
    for row in range(wrong):
        letters[row] = "W" if letters[row] != "W" else "T"
    return with_files(corpus, [f"/pets/03a{i:02}{name}a.wav" for i, name in enumerate(letters)])


def test_emotions_of_a_table_are_compared_with_names_of_a_supported_corpus():
    corpus = make_corpus()
    assert checks_of(emodb_names(corpus))["emotions and file names"].verdict == "sound"
    check = checks_of(emodb_names(corpus, wrong=2))["emotions and file names"]
    assert (check.verdict, check.value, check.n) == ("warning", 2, 48)
    assert "2 of 48 names of cats say another emotion than its table, as EMO-DB names them" in check.detail
    assert "first 03a00Wa.wav: angry in the name, neutral in the table" in check.detail


def test_a_naming_that_contradicts_most_rows_is_another_naming():
    corpus = make_corpus()
    assert "emotions and file names" not in checks_of(emodb_names(corpus, wrong=40))


@pytest.fixture
def recorded(tmp_path):
    """A corpus whose recordings last as long as told."""

    def make(seconds):
        corpus = make_corpus(n_speakers=1, n_takes=len(seconds) // 4)
        files = [tmp_path / f"{row}.wav" for row in range(len(seconds))]
        for file, lasts in zip(files, seconds, strict=True):
            soundfile.write(file, np.zeros(round(8000 * lasts)), 8000)
        return with_files(corpus, files)

    return make


def test_usual_durations_are_sound_also_where_most_are_equal(recorded):
    assert checks_of(recorded([2.0] * 6 + [1.0, 3.0]))["durations"].verdict == "sound"


def test_an_odd_duration_is_named(recorded):
    check = checks_of(recorded([2.0, 2.2, 1.8, 2.1, 1.9, 60.0, 2.0, 0.1]))["durations"]
    assert (check.verdict, check.value, check.n) == ("warning", 2, 8)
    assert "(median 2.0 s), most 5.wav with 60.0 s; listen to them" in check.detail


def test_durations_that_were_measured_need_no_recordings():
    corpus = make_corpus()
    seconds = pd.DataFrame({"duration_s": [*[2.0, 2.2] * 23, 1.9, 60.0]}, corpus.table.index)
    check = checks_of(replace(corpus, conditions=seconds))["durations"]
    assert (check.verdict, check.value, check.n) == ("warning", 1, 48)
    assert "with 60.0 s; listen to them" in check.detail
