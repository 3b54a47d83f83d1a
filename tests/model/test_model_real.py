"""The shipped model on recordings of people."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap import load_corpus, load_model, uar

pytestmark = pytest.mark.real
CLASSES = ["neutral", "sad", "happy", "angry"]


@pytest.fixture(scope="module")
def data() -> Path:
    if "AFFECTMAP_DATA" not in os.environ:
        pytest.skip("AFFECTMAP_DATA names no folder of recordings")
    return Path(os.environ["AFFECTMAP_DATA"])


@pytest.mark.parametrize(("name", "least"), [("ravdess", 0.4), ("emovo", 0.6)])
def test_corpora_that_it_was_trained_on_by_class(data, name, least):
    """In-sample; experiments/shipped-model/elsewhere.csv has them by models that were not trained on them."""
    corpus = pd.read_parquet(data / "features" / f"{name}.parquet").dropna(subset=["emotion"])
    model = load_model()
    for table in (model.transform(corpus), model.adapt(corpus).transform(corpus)):
        mean = table["activation"].groupby(corpus["emotion"]).mean()
        assert mean["angry"] > mean["happy"] > mean["sad"]
        classed = corpus["emotion"].isin(CLASSES)
        guess = table[CLASSES].idxmax(axis=1)
        assert uar(corpus["emotion"][classed].to_numpy(object), guess[classed].to_numpy(object)) > least
        assert table["not_speech"].mean() < 0.02


@pytest.mark.slow
def test_louder_speech_is_more_activated(data):
    files = sorted((data / "corpora" / "emodb").rglob("*.wav"))[::60]
    model, found = load_model(), []
    for file in files:
        signal, sampling_rate = soundfile.read(file)
        found.append(model.embed([gain * signal for gain in (0.03, 0.3, 1.0)], sampling_rate)["activation"].to_numpy())
    mean = np.mean(found, axis=0)
    assert mean[0] < mean[1] < mean[2]


@pytest.mark.slow
def test_recordings_that_it_was_trained_on(data):
    """In-sample: says that files go the way that training took, and nothing about new recordings."""
    table = load_corpus(f"emodb={data / 'corpora' / 'emodb'}", data / "corpora" / "labels").table
    table = table[table["emotion"].isin(["sad", "angry"])].iloc[::6]
    found = load_model().embed([str(file) for file in table.index.get_level_values("file")])
    assert found["problem"].isna().all()
    assert not found[["too_short", "silent", "clipped", "not_speech"]].any(axis=None)
    assert np.corrcoef(table["activation"].to_numpy(), found["activation"].to_numpy())[0, 1] > 0.7
