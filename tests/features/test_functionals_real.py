"""The recordings as published: openSMILE's numbers where it is asked for, the broken one told."""

import os
from pathlib import Path

import numpy as np
import opensmile
import pandas as pd
import pytest

from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import check_signal, read_audio
from affectmap.errors import AudioError
from affectmap.features import functionals as features
from affectmap.features.functionals import corpus_functionals, extract_functionals
from affectmap.schema import FUNCTIONALS

DATA = os.environ.get("AFFECTMAP_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA, reason="AFFECTMAP_DATA names no folder with corpora/ and features/"),
]
BROKEN = "s05 (3).wav"


def recordings(corpus):
    return sorted((Path(DATA) / "corpora" / corpus).rglob("*.wav"))


def table_of(files):
    ends = pd.to_timedelta([pd.NaT] * len(files))
    index = pd.MultiIndex.from_arrays(
        [list(map(str, files)), ends.fillna(pd.Timedelta(0)), ends], names=["file", "start", "end"]
    )
    return pd.DataFrame(index=index)


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["emodb", "urdu", "aesdd"])
def test_every_recording_but_the_broken_one_can_be_used(corpus):
    reasons = {}
    for file in recordings(corpus):
        try:
            check_signal(*read_audio(file), file)
        except AudioError as error:
            reasons[file.name] = str(error)
    assert list(reasons) == ([BROKEN] if corpus == "aesdd" else [])
    assert all("broken, or not audio" in reason for reason in reasons.values())


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["emodb", "urdu", "aesdd"])
def test_functionals_equal_opensmile(corpus, tmp_path):
    files = recordings(corpus)[::60]
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    functionals, findings = extract_functionals(corpus, table_of(files), engine="opensmile", cache=tmp_path)
    assert findings == []
    signals = [without_offset(read_audio(file)[0]) for file in files]
    # openSMILE lets what lies beyond full scale wrap around to the other sign.
    expected = np.vstack([smile(np.clip(signal, -1, 32767 / 32768), 16000).ravel() for signal in signals])
    np.testing.assert_array_equal(functionals.to_numpy(), expected)


def test_the_broken_recording_is_dropped_and_told(tmp_path):
    files = [file for file in recordings("aesdd") if "s05" in file.name]
    functionals, findings = extract_functionals("aesdd", table_of(files), cache=tmp_path)
    assert len(functionals) == len(files) - 1
    assert [(Path(f.file).name, f.kind, f.dropped) for f in findings] == [(BROKEN, "unreadable", True)]


@pytest.mark.slow
def test_the_second_run_measures_nothing(tmp_path, monkeypatch):
    files = recordings("emodb")[:30]
    first, _ = extract_functionals("emodb", table_of(files), cache=tmp_path)

    def fail(*given):
        raise AssertionError("measured again")

    monkeypatch.setattr(features, "measure_functionals", fail)
    assert extract_functionals("emodb", table_of(files), cache=tmp_path)[0].equals(first)


@pytest.mark.parametrize("corpus", ["ravdess", "emovo"])
def test_functionals_that_others_measured_are_taken(corpus):
    brought = pd.read_parquet(Path(DATA) / "features" / f"{corpus}.parquet")
    table = table_of([f"{row}.wav" for row in range(len(brought))])
    functionals, _, findings = corpus_functionals(corpus, table, brought.set_axis(table.index))
    assert functionals.shape == (len(brought) - len(findings), len(FUNCTIONALS))
