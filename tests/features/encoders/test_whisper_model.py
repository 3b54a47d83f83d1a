"""Features of a Whisper, found by name or folder, without PyTorch."""

import sys

import audformat
import numpy as np
import pytest

from affectmap import whisper
from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import read_audio
from affectmap.errors import ModelError, UsageError
from affectmap.features.encoders.features import FeatureEncoder, load_speech_encoder
from affectmap.features.encoders.weights import parse_encoder
from affectmap.features.encoders.whisper_model import WhisperModel
from encoder_files import write_whole_whisper


@pytest.fixture
def folder(tmp_path):
    return write_whole_whisper(tmp_path / "whole")


@pytest.fixture
def no_torch(monkeypatch):
    """As in the base install."""
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def voices(write_voice):
    return [str(write_voice(f"{seconds}.wav", seconds=seconds)) for seconds in (0.7, 0.1, 1.5)]


def expected(folder, file, layers):
    """Pool the frames of each layer by their definition."""
    signal = without_offset(read_audio(file)[0])
    hidden = sum(share * whisper.load_encoder(folder, layer).hidden(signal) for layer, share in layers.items())
    return np.concatenate([hidden.mean(axis=0), hidden.std(axis=0, ddof=1)])


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize(("layers", "shares"), [("2", {2: 1}), ("1-3", {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}), ("-1", {4: 1})])
def test_rows_are_the_means_and_deviations_of_its_frames(folder, voices, layers, shares, tmp_path):
    encoder = FeatureEncoder(parse_encoder(f"encoder:{folder}@{layers}"))
    rows, findings = encoder.extract("pets", audformat.segmented_index(voices), cache=tmp_path / "cache")
    assert findings == []
    assert list(rows.columns[[0, 15, 16, 31]]) == ["mean_0000", "mean_0015", "std_0000", "std_0015"]
    for row, file in zip(rows.to_numpy(), voices, strict=True):
        np.testing.assert_allclose(row, expected(folder, file, shares), atol=1e-5)


@pytest.mark.usefixtures("no_torch")
def test_one_pooling_is_a_part_of_both(folder, voices, tmp_path):
    index = audformat.segmented_index(voices)
    both, mean, std = (
        FeatureEncoder(parse_encoder(f"encoder:{folder}@3{pooling}")).extract("pets", index, cache=tmp_path)[0]
        for pooling in ("", ":mean", ":std")
    )
    assert mean.equals(both.iloc[:, :16])
    assert std.equals(both.iloc[:, 16:])


@pytest.mark.usefixtures("no_torch")
def test_a_known_encoder_is_found_by_its_name(folder, voices, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(folder))
    index = audformat.segmented_index(voices)
    named, placed = (
        FeatureEncoder(parse_encoder(f"encoder:{name}")).extract("pets", index, cache=tmp_path / cache)[0]
        for name, cache in (("whisper-base", "a"), (f"{folder}@3", "b"))
    )
    assert named.equals(placed)
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path / "none"))
    with pytest.raises(ModelError, match="holds no encoder whisper-base"):
        FeatureEncoder(parse_encoder("encoder:whisper-base"))


def test_the_cache_knows_weights_by_their_values(folder, voices, tmp_path, monkeypatch):
    half = write_whole_whisper(tmp_path / "half", kind="float16")
    index = audformat.segmented_index(voices)
    first, _ = FeatureEncoder(parse_encoder(f"encoder:{folder}@3")).extract("pets", index, cache=tmp_path)
    monkeypatch.setattr(WhisperModel, "__init__", lambda *arguments, **options: pytest.fail("a model was loaded"))
    again, _ = FeatureEncoder(parse_encoder(f"encoder:{half}@3")).extract("pets", index, cache=tmp_path)
    assert again.equals(first)


def test_layers_that_it_lacks_and_weights_that_are_damaged(folder):
    with pytest.raises(UsageError, match="layers are 5; expected 0 to 4"):
        FeatureEncoder(parse_encoder(f"encoder:{folder}@5"))
    (folder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load_speech_encoder(folder, 3)


def test_its_parameters_are_counted(folder):
    weights = whisper.read_weights(folder, 3)
    assert load_speech_encoder(folder, 3).n_parameters == sum(tensor.size for tensor in weights.tensors.values())


def test_threads_change_nothing(folder, voices, tmp_path):
    encoder, index = FeatureEncoder(parse_encoder(f"encoder:{folder}@3")), audformat.segmented_index(voices)
    one, three = (encoder.extract("pets", index, cache=tmp_path / str(n), n_jobs=n)[0] for n in (1, 3))
    assert one.equals(three)


def test_recordings_of_any_length_are_taken(folder, write_voice, tmp_path):
    file = str(write_voice("long.wav", seconds=61))
    rows, findings = FeatureEncoder(parse_encoder(f"encoder:{folder}@1")).extract(
        "pets", audformat.segmented_index([file]), cache=tmp_path / "cache"
    )
    assert findings == []
    np.testing.assert_allclose(rows.to_numpy()[0], expected(folder, file, {1: 1}), atol=1e-4)
