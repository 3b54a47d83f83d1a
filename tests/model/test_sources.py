"""Whatever a model is given is embedded or refused; names of columns and keys are never taken for files."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.corpora import Corpus, load_corpus
from affectmap.errors import ConfigError
from affectmap.features.recordings import RecordingCache
from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS, segmented_index
from cases import each
from corpus_files import write_tone
from model_files import make_functionals


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder with two recordings and a table that names them, one of them cut in two."""
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("a.wav", "b.wav")):
        write_tone(folder / name, seconds=1.0, pitch=150 + 30 * seed)
    (folder / "whole.csv").write_text("file,speaker\na.wav,1\nb.wav,2\n")
    (folder / "parts.csv").write_text("file,start,end,speaker\na.wav,0,0.5,1\na.wav,0.5,,1\nb.wav,,,2\nb.wav,9,,2\n")
    return folder


def test_a_corpus_is_embedded_as_its_recordings(model, recordings):
    corpus = load_corpus(f"table:mine={recordings / 'whole.csv'}")
    table = model.embed(corpus, speaker=None)
    plain = model.embed([recordings / "a.wav", recordings / "b.wav"])
    assert table.index.equals(corpus.table.index)
    np.testing.assert_array_equal(table["activation"], plain["activation"])
    assert list(table.columns) == list(plain.columns)
    assert model.measure(corpus)[0].shape == (2, 88)


def test_segments_are_embedded_each_by_itself(model, recordings):
    corpus = load_corpus(f"table:mine={recordings / 'parts.csv'}")
    table = model.embed(corpus)
    signal = soundfile.read(recordings / "a.wav")[0]
    parts = model.embed([signal[:8000], signal[8000:]], 16000)
    np.testing.assert_allclose(table["valence"].iloc[:2], parts["valence"], atol=1e-3)
    assert table["valence"].isna().tolist() == [False, False, False, True]
    assert table["problem"].iloc[3].startswith("segment 9-1 s lies outside")
    for _ in range(2):  # measured, and found
        with RecordingCache(recordings / "cache") as cache:
            pd.testing.assert_frame_equal(model.embed(corpus, cache=cache), table)
    frame = corpus.table.reset_index()
    for given in (corpus.table, frame, frame.assign(start=frame["start"].dt.total_seconds())):
        pd.testing.assert_frame_equal(model.embed(given), table)


def test_a_corpus_with_functionals_needs_no_audio(model):
    functionals = pd.DataFrame(make_functionals(3), segmented_index(list("abc")), list(FUNCTIONALS))
    functionals.iloc[1, 5] = np.nan
    table = model.embed(Corpus("mine", pd.DataFrame(index=functionals.index), functionals=functionals))
    assert table.index.equals(functionals.index)
    assert table["problem"].tolist() == [None, "1 of its 88 features are not finite numbers", None]
    pd.testing.assert_frame_equal(model.embed(functionals.assign(speaker="x")[[*FUNCTIONALS[::-1], "speaker"]]), table)
    np.testing.assert_array_equal(table["valence"], model.transform(functionals)["valence"])


def test_tables_that_name_recordings(model, recordings):
    files = [str(recordings / name) for name in ("a.wav", "b.wav")]
    expected = model.embed(files)
    for given in (
        pd.DataFrame({"text": ["x", "y"], "file": files}),
        pd.DataFrame({"text": ["x", "y"]}, pd.Index(files, name="file")),
        pd.Series(files),
        pd.Index(files),
        (file for file in files),
    ):
        table = model.embed(given)
        assert table.index.tolist() == files
        np.testing.assert_array_equal(table["activation"], expected["activation"])


def test_a_signal_however_it_is_held(model, recordings):
    signal, _ = soundfile.read(recordings / "a.wav")
    expected = model.embed(signal, 16000)
    for given in (signal.tolist(), pd.Series(signal), [signal]):
        np.testing.assert_allclose(model.embed(given, 16000)["valence"], expected["valence"], atol=1e-5)


@each(
    ("given", "message"),
    [
        (pd.DataFrame({"valence": [3.0], "speaker": ["a.wav"]}), "a table with the columns valence, speaker cannot be"),
        (pd.DataFrame({"file": ["a.wav", None]}), "row 2 of the table names no file"),
        (pd.DataFrame({"file": ["a.wav"], "start": ["soon"]}), "start and end of a segment must be seconds"),
        (pd.DataFrame(np.ones((1, 87)), columns=list(FUNCTIONALS[1:])), f"1 of the 88 features are missing, first {FUNCTIONALS[0]}"),
        ({"a.wav": 1}, "dict cannot be embedded; expected a path"),
        (b"a.wav", "bytes cannot be embedded"),
        (None, "NoneType cannot be embedded"),
        (7, "int cannot be embedded"),
        (["a.wav", None], "source 2 is NoneType; expected a path or a mono signal"),
        ([pd.DataFrame({"file": ["a.wav"]})], "source 1 is DataFrame"),
    ],
)  # fmt: skip
def test_what_cannot_be_embedded(given, message, model):
    with pytest.raises(ConfigError, match=message) as caught:
        model.embed(given)
    assert "\n" not in str(caught.value)
