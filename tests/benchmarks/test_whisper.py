"""The encoders that ours is measured against compute the same."""

import numpy as np
import pytest

import whisper as benchmark
from affectmap.whisper import EncoderWeights
from affectmap.whisper.encoder import with_silence
from affectmap.whisper.mel import log_mel
from affectmap.whisper.weights import EncoderShape, tensor_shapes

pytestmark = pytest.mark.slow
SHAPE = EncoderShape(3, 64, 2, 96, 80, 1500)


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(0)
    named = {name: 0.1 * rng.standard_normal(shape) for name, shape in tensor_shapes(SHAPE).items()}
    return EncoderWeights(SHAPE, {name: values.astype(np.float16) for name, values in named.items()})


def test_all_agree(weights, tmp_path, voice, caplog):
    layers = benchmark._candidates(weights, tmp_path)
    spectrogram = log_mel(with_silence(voice(seconds=0.7).astype(np.float32)))
    expected = layers.pop(benchmark.TORCH)(spectrogram, 35)
    assert expected.shape == (35, 64)
    assert {"affectmap, NumPy alone", "ONNX Runtime, float32", "ONNX Runtime, 8 bits"} <= layers.keys()
    for name, run in layers.items():
        tolerance = 1e-4 if "float32" in name or "NumPy" in name else 1e-2 if "16" in name else 0.5
        np.testing.assert_allclose(run(spectrogram, 35), expected, atol=tolerance, err_msg=name)


def test_a_difference_is_told(voice):
    spectra = {
        benchmark.TORCH: lambda spectrogram, n: spectrogram[:n],
        "other": lambda spectrogram, n: spectrogram[:n] + 1,
    }
    frames, pooled = benchmark._differences(spectra, [voice(seconds=0.5).astype(np.float32)])
    assert (frames.value, pooled.value) == pytest.approx((1, 1))
