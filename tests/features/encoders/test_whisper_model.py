"""Features of a Whisper, found by name or folder, without PyTorch."""

import sys

import audformat
import numpy as np
import pytest

from affectmap import whisper
from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import read_audio
from affectmap.errors import ModelError, UsageError
from affectmap.features.encoders import weights as pretrained
from affectmap.features.encoders.features import FeatureEncoder, load_speech_encoder
from affectmap.features.encoders.pack import write_pack
from affectmap.features.encoders.weights import parse_encoder
from affectmap.features.encoders.whisper_model import WhisperModel
from encoder_files import card_of, write_whole_whisper

#: How far means and deviations may be off those of frames in float32: matrices are multiplied in 16 bits.
AS_SIXTEEN_BITS = 1e-3


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
        np.testing.assert_allclose(row, expected(folder, file, shares), atol=AS_SIXTEEN_BITS)


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


@pytest.fixture
def known(folder, tmp_path, monkeypatch):
    """The pack of two layers of a known encoder that the hub has, too."""
    card = card_of(folder)
    write_pack(folder, tmp_path / "pack", card)
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path / "pack"))
    monkeypatch.setitem(pretrained._ON_HUB, card.hub, card)
    return tmp_path / "pack"


@pytest.mark.usefixtures("no_torch")
def test_its_name_on_the_hub_finds_the_pack_that_is_here(known, folder, voices):
    encoder = FeatureEncoder(parse_encoder("encoder:someone/tiny"))
    assert (encoder.folder, encoder.weights) == (known, {2: 1})
    rows, _ = encoder.extract("pets", audformat.segmented_index(voices))
    np.testing.assert_allclose(rows.to_numpy()[0], expected(folder, voices[0], {2: 1}), atol=AS_SIXTEEN_BITS)
    assert FeatureEncoder(parse_encoder("encoder:someone/tiny@0-1:std")).folder == known


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize("layers", ["@3", "@1-3", "@-1", "@mean", "@0:0.5,4:0.5"])
def test_layers_that_the_pack_lacks_are_asked_of_the_hub(known, layers):
    with pytest.raises(UsageError, match=r"needs .*affectmap\[encoders\]"):
        FeatureEncoder(parse_encoder(f"encoder:someone/tiny{layers}"))


@pytest.mark.usefixtures("no_torch")
def test_another_model_in_its_place_is_not_taken_for_the_hubs(known, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(write_whole_whisper(tmp_path / "other", seed=1)))
    with pytest.raises(UsageError, match=r"needs .*affectmap\[encoders\]"):
        FeatureEncoder(parse_encoder("encoder:someone/tiny"))


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
    np.testing.assert_allclose(rows.to_numpy()[0], expected(folder, file, {1: 1}), atol=AS_SIXTEEN_BITS)
