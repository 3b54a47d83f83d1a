"""The compiled layers give what those of NumPy give."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from affectmap.whisper import compiled, read_weights
from affectmap.whisper.encoder import Encoder
from affectmap.whisper.plain import PlainLayers, parameters_of
from speech_models import write_whisper

pytestmark = pytest.mark.skipif(not compiled.available(), reason="nothing is compiled (python setup.py build_ext -i)")
# Numbers a frame, heads, hidden layer, mel bands.
SIZES = {"odd": (22, 2, 37, 8), "one head": (16, 1, 16, 3), "even": (64, 2, 160, 80)}


@pytest.fixture(scope="module", params=SIZES)
def parameters(request, tmp_path_factory):
    dim, n_heads, n_hidden, n_bands = SIZES[request.param]
    folder = write_whisper(
        tmp_path_factory.mktemp("sizes"),
        d_model=dim,
        encoder_attention_heads=n_heads,
        decoder_attention_heads=n_heads,
        encoder_ffn_dim=n_hidden,
        num_mel_bins=n_bands,
    )
    return parameters_of(read_weights(folder, 2))


def spectrogram_of(parameters, n_frames, seed=0):
    n_bands = len(parameters.conv1.weight) // 3
    return np.random.default_rng(seed).normal(0, 0.5, (2 * n_frames, n_bands)).astype(np.float32)


@pytest.mark.parametrize("n_frames", [1, 2, 15, 16, 17, 97, 192, 193, 530, 1500])
def test_layers_are_those_of_numpy(parameters, n_frames):
    spectrogram, shares = spectrogram_of(parameters, n_frames), np.array([0.2, 0.3, 0.5], np.float32)
    for wanted in {n_frames, max(1, n_frames - 25)}:
        expected = PlainLayers(parameters).run(spectrogram, wanted, shares)
        found = compiled.load(parameters).run(spectrogram, wanted, shares)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_what_is_not_wanted_changes_no_bit_of_the_rest(parameters):
    spectrogram, shares = spectrogram_of(parameters, 100), np.array([0, 0, 1], np.float32)
    layers = compiled.load(parameters)
    whole = layers.run(spectrogram, 100, shares)
    for wanted in (1, 7, 75, 99):
        np.testing.assert_array_equal(layers.run(spectrogram, wanted, shares), whole[:wanted])


def test_threads_and_order_change_no_bit(parameters):
    layers, shares = compiled.load(parameters), np.array([0, 0, 1], np.float32)
    inputs = [spectrogram_of(parameters, n, seed=n) for n in (3, 50, 400, 75, 2, 300, 75, 8)]
    alone = [compiled.load(parameters).run(each, len(each) // 2, shares) for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: layers.run(each, len(each) // 2, shares), inputs[::-1]))[::-1]
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_large_logits_are_no_trouble(parameters):
    spectrogram, shares = 30 * spectrogram_of(parameters, 60), np.array([0, 0, 1], np.float32)
    found = compiled.load(parameters).run(spectrogram, 60, shares)
    expected = PlainLayers(parameters).run(spectrogram, 60, shares)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_numpy_takes_the_place_of_a_missing_file(monkeypatch, whisper_folder, voice):
    weights, signal = read_weights(whisper_folder, 3), voice(seconds=0.5).astype(np.float32)
    expected = Encoder(weights).pooled(signal)
    monkeypatch.setattr(compiled, "_library", lambda: None)
    plain = Encoder(weights)
    assert isinstance(plain._layers, PlainLayers)
    np.testing.assert_allclose(plain.pooled(signal), expected, atol=1e-4)


def test_a_file_of_another_version_is_left_alone(monkeypatch):
    monkeypatch.setattr(compiled, "VERSION", -1)
    assert compiled._library.__wrapped__() is None
