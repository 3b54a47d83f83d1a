"""Features of recordings from a tiny encoder: batches, cache, findings."""

from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio.reading import read_audio, resample
from affectmap.errors import AudioError, UsageError
from affectmap.features.encoders import features as encoded_features
from affectmap.features.encoders.features import FeatureEncoder, batches_by_length
from affectmap.features.encoders.models import SpeechModel
from affectmap.features.encoders.weights import EncoderChoice, parse_encoder
from affectmap.features.utterances import list_utterances
from speech_models import write_encoder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoders") / "tiny", "WavLM")


@pytest.fixture
def encoder(tiny):
    return FeatureEncoder(EncoderChoice(str(tiny), "1-2"))


@pytest.fixture
def voices(write_voice):
    lengths = (0.5, 0.2, 0.35)
    return [str(write_voice(f"{i}.wav", seconds=s, pitch=100 + 40 * i)) for i, s in enumerate(lengths)]


@pytest.fixture
def loaded(monkeypatch):
    """Numbers of signals that went through models, a list a model."""
    batches = []

    class Counted(SpeechModel):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            batches.append([])

        def pooled(self, signals, weights):
            batches[-1].append(len(signals))
            return super().pooled(signals, weights)

    monkeypatch.setattr(encoded_features, "SpeechModel", Counted)
    return batches


def test_one_row_an_utterance_as_the_model_gives_it(encoder, voices, tiny, tmp_path):
    calls = []
    rows, findings = encoder.extract(
        "pets", audformat.segmented_index(voices), cache=tmp_path, progress=lambda *n: calls.append(n)
    )
    assert findings == []
    assert rows.shape == (3, 32)
    assert list(rows.columns[[0, 15, 16, 31]]) == ["mean_0000", "mean_0015", "std_0000", "std_0015"]
    model = SpeechModel(tiny)
    expected = [model.pooled([read_audio(file)[0]], {1: 0.5, 2: 0.5})[0] for file in voices]
    np.testing.assert_allclose(rows.to_numpy(), expected, atol=1e-5)
    assert calls[0] == (0, 3)
    assert calls[-1] == (3, 3)


def test_the_cache_is_found_by_content_and_loads_no_model(encoder, voices, loaded, tmp_path):
    index = audformat.segmented_index(voices)
    first, _ = encoder.extract("pets", index, cache=tmp_path)
    again, _ = encoder.extract("pets", index, cache=tmp_path)
    assert again.equals(first)
    assert loaded == [[3]]
    moved = tmp_path / "moved.wav"
    moved.write_bytes(Path(voices[0]).read_bytes())
    encoder.extract("pets", audformat.segmented_index([str(moved)]), cache=tmp_path)
    assert loaded == [[3]]


def test_other_layers_weights_or_segments_are_measured_anew(tiny, voices, loaded, tmp_path):
    whole, part = audformat.segmented_index(voices[:1]), audformat.segmented_index(voices[:1], [0.1], [0.3])
    other = write_encoder(tmp_path / "other", "WavLM", seed=1)
    found = [
        FeatureEncoder(EncoderChoice(str(folder), layers)).extract("pets", index, cache=tmp_path)[0].to_numpy()
        for folder, layers, index in (
            (tiny, "1", whole), (tiny, "2", whole), (other, "1", whole), (tiny, "1", part), (tiny, "1:1", whole)
        )
    ]  # fmt: skip
    assert len(loaded) == 4  # the last is the first in other words
    assert len({values.tobytes() for values in found}) == 4
    np.testing.assert_array_equal(found[0], found[4])


def test_other_rates_are_resampled_to_the_encoder_s(encoder, tiny, write_voice, tmp_path):
    file = str(write_voice("a.wav", sampling_rate=44100))
    rows, _ = encoder.extract("pets", audformat.segmented_index([file]), cache=tmp_path)
    signal = resample(*read_audio(file), 16000)
    np.testing.assert_allclose(rows.to_numpy(), SpeechModel(tiny).pooled([signal], {1: 0.5, 2: 0.5}), atol=1e-5)


def test_bad_recordings_are_findings(encoder, voices, tmp_path, monkeypatch):
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "long.wav", np.sin(np.arange(16000)), 16000)
    monkeypatch.setattr("affectmap.features.encoders.models.LONGEST_S", 0.9)
    files = [str(tmp_path / "text.wav"), *voices, str(tmp_path / "long.wav"), str(tmp_path / "gone.wav")]
    rows, findings = encoder.extract("pets", audformat.segmented_index(files), cache=tmp_path / "cache")
    assert rows.index.get_level_values("file").tolist() == voices
    assert [finding.detail[:30] for finding in findings] == [
        "broken, or not audio (Format n",
        "lasts 1 s, expected up to 0.9 ",
        "there is no such file; restore",
    ]
    with pytest.raises(AudioError, match=r"text\.wav: broken"):
        encoder.extract("pets", audformat.segmented_index(files), cache=tmp_path / "cache", strict=True)
    with pytest.raises(AudioError, match="pets: none of its 1 utterances can be used"):
        encoder.extract("pets", audformat.segmented_index(files[:1]), cache=tmp_path / "cache")


def test_numbers_that_are_not_finite_are_findings(encoder, voices, tmp_path, monkeypatch):
    def broken(self, signals, weights):
        return np.array([[np.nan] * 32, *[[1.0] * 32] * (len(signals) - 1)], np.float32)

    monkeypatch.setattr(SpeechModel, "pooled", broken)
    rows, (finding,) = encoder.extract("pets", audformat.segmented_index(voices), cache=tmp_path)
    assert finding.file == voices[1]  # the shortest comes first
    assert finding.detail == "the model gives numbers that are not finite; leave it out"
    assert len(rows) == 2


def test_copies_are_equal_to_the_last_bit(encoder, voices, loaded, tmp_path):
    copies = [str(tmp_path / f"copy-{number}.wav") for number in range(2)]
    for copy in copies:
        Path(copy).write_bytes(Path(voices[0]).read_bytes())
    index = audformat.segmented_index([*copies, *voices])
    rows, _ = encoder.extract("pets", index, cache=tmp_path / "cache")
    assert len({row.tobytes() for row in rows.to_numpy()}) == 3
    assert sum(loaded[0]) == 3


def test_an_interrupted_run_keeps_what_it_had(encoder, voices, loaded, tmp_path, monkeypatch):
    monkeypatch.setitem(encoded_features.BATCH_S, "cpu", 0.1)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.extract("pets", audformat.segmented_index(voices), cache=tmp_path, progress=stop)
    encoder.extract("pets", audformat.segmented_index(voices), cache=tmp_path)
    assert loaded == [[1, 1], [1]]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ({}, []),
        ({5: 3.0}, [[5]]),
        ({0: 1.0, 1: 1.0, 2: 1.0}, [[0, 1], [2]]),
        ({0: 5.0, 1: 0.0, 2: 1.0}, [[1, 2], [0]]),
    ],
)
def test_batches(lengths, expected):
    assert batches_by_length(lengths, 2.0) == expected


def test_layers_that_the_encoder_lacks(tiny):
    with pytest.raises(UsageError, match="layers are 9; expected 0 to 3"):
        FeatureEncoder(parse_encoder(f"encoder:{tiny}@9"))


def test_segments_of_a_file_that_is_gone_have_their_length(encoder):
    index = audformat.segmented_index(["gone.wav"], [1], [3])
    assert isinstance(index, pd.MultiIndex)
    (utterance,) = list_utterances(index)
    assert encoded_features._duration(utterance) == 2
