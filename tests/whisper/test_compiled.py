"""The compiled layers give what those of NumPy give."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from affectmap.whisper import compiled, read_weights
from affectmap.whisper.encoder import Encoder
from affectmap.whisper.mel import mel_filters
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


#: Largest difference from NumPy beside the largest value, in float32 and with products in 16 bits.
TOLERANCES = {True: 2e-5, False: 3e-3}
both = pytest.mark.parametrize("exact", TOLERANCES)


def spectrogram_of(parameters, n_frames, seed=0):
    n_bands = len(parameters.conv1.weight) // 3
    return np.random.default_rng(seed).normal(0, 0.5, (2 * n_frames, n_bands)).astype(np.float32)


@both
@pytest.mark.parametrize("n_frames", [1, 2, 15, 16, 17, 97, 192, 193, 530, 1500])
def test_layers_are_those_of_numpy(parameters, n_frames, exact):
    spectrogram, shares = spectrogram_of(parameters, n_frames), np.array([0.2, 0.3, 0.5], np.float32)
    for wanted in {n_frames, max(1, n_frames - 25)}:
        expected = PlainLayers(parameters).run(spectrogram, wanted, shares)
        found = compiled.load(parameters, exact).run(spectrogram, wanted, shares)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=TOLERANCES[exact] * np.abs(expected).max())


@both
def test_what_is_not_wanted_changes_no_bit_of_the_rest(parameters, exact):
    spectrogram, shares = spectrogram_of(parameters, 100), np.array([0, 0, 1], np.float32)
    layers = compiled.load(parameters, exact)
    whole = layers.run(spectrogram, 100, shares)
    for wanted in (1, 7, 75, 99):
        np.testing.assert_array_equal(layers.run(spectrogram, wanted, shares), whole[:wanted])


@both
def test_threads_and_order_change_no_bit(parameters, exact):
    layers, shares = compiled.load(parameters, exact), np.array([0, 0, 1], np.float32)
    inputs = [spectrogram_of(parameters, n, seed=n) for n in (3, 50, 400, 75, 2, 300, 75, 8)]
    alone = [compiled.load(parameters, exact).run(each, len(each) // 2, shares) for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: layers.run(each, len(each) // 2, shares), inputs[::-1]))[::-1]
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_large_logits_are_no_trouble(parameters):
    spectrogram, shares = 30 * spectrogram_of(parameters, 60), np.array([0, 0, 1], np.float32)
    found = compiled.load(parameters, exact=True).run(spectrogram, 60, shares)
    expected = PlainLayers(parameters).run(spectrogram, 60, shares)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_no_sum_of_words_overflows():
    """Columns and rows at the limit: all numbers alike, one alone, signs that agree."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], 64)
    columns = [np.ones(64), signs, 1e4 * np.eye(64)[3], np.where(signs > 0, 1, 1e-3), np.zeros(64)]
    weight = np.stack([*columns, *rng.standard_normal((11, 64))], axis=1).astype(np.float32)
    words, scales = compiled._in_words(weight)
    assert words.shape == (1, 32, 16, 2)
    restored = words.transpose(1, 3, 0, 2).reshape(64, 16).astype(float)
    squares = np.square(restored).reshape(2, 32, 16).sum(axis=1)
    assert np.sqrt(squares).max() * (compiled.ROW_NORM + 3) < 2**31
    np.testing.assert_allclose(restored * scales, weight, atol=1e-4 * np.abs(weight).max(axis=0).max())
    assert (np.abs(restored * scales - weight) <= 0.51 * scales).all()


def test_words_that_all_agree(parameters):
    """Every product as large as it can be, in the direction that adds up."""
    alike = parameters.conv1._replace(weight=np.ones_like(parameters.conv1.weight))
    ones, shares = parameters._replace(conv1=alike, layers=()), np.ones(1, np.float32)
    spectrogram = np.ones_like(spectrogram_of(parameters, 20))
    expected = PlainLayers(ones).run(spectrogram, 20, shares)
    found = compiled.load(ones, exact=False).run(spectrogram, 20, shares)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_numpy_takes_the_place_of_a_missing_file(monkeypatch, whisper_folder, voice):
    weights, signal = read_weights(whisper_folder, 3), voice(seconds=0.5).astype(np.float32)
    expected = Encoder(weights).pooled(signal)
    monkeypatch.setattr(compiled, "_library", lambda: None)
    plain = Encoder(weights)
    assert isinstance(plain._layers(exact=False), PlainLayers)
    np.testing.assert_allclose(plain.pooled(signal), expected, atol=3e-3 * np.abs(expected).max())


@pytest.mark.parametrize("n_bands", [3, 80, 128])
def test_bands_are_those_of_numpy(n_bands):
    rng = np.random.default_rng(0)
    spectra = (rng.standard_normal((33, 201)) + 1j * rng.standard_normal((33, 201))).astype(np.complex64)
    filters = mel_filters(n_bands)
    np.testing.assert_allclose(compiled.mel_bands(spectra, filters), np.square(np.abs(spectra)) @ filters, rtol=1e-5)


def test_a_file_of_another_version_is_left_alone(monkeypatch):
    monkeypatch.setattr(compiled, "VERSION", -1)
    assert compiled._library.__wrapped__() is None
