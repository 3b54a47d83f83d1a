"""The encoder gives what transformers' own gives, which runs in float64 here: in float32 it is off by 1e-4 itself."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from affectmap.audio.cleaning import without_offset
from affectmap.whisper import WeightsError, load_encoder, read_weights
from affectmap.whisper.encoder import FRAME, WINDOW, with_silence
from affectmap.whisper.mel import log_mel

TOLERANCE = 1e-4


@pytest.fixture
def signal(voice) -> np.ndarray:
    return without_offset(voice(seconds=1.23).astype(np.float32))


@pytest.fixture(scope="module")
def tiny(whisper_folder):
    return load_encoder(whisper_folder, 3)


def their_encoder(folder, **options):
    """Load transformers' encoder in float64; transformers is imported late, for its import alone takes seconds."""
    from transformers import WhisperModel

    return WhisperModel.from_pretrained(folder, dtype=torch.float64, **options).encoder.eval()


def theirs(folder, spectrogram) -> list[np.ndarray]:
    """The layers of transformers' encoder, called one by one with the positions 0 to n_frames - 1."""
    model = their_encoder(folder, attn_implementation="eager")
    with torch.inference_mode():
        inputs = torch.from_numpy(spectrogram.T[None]).double()
        frames = torch.nn.functional.gelu(model.conv2(torch.nn.functional.gelu(model.conv1(inputs)))).transpose(1, 2)
        layers = [frames + model.embed_positions.weight[: frames.shape[1]]]
        for layer in model.layers:
            out = layer(layers[-1], None)
            layers.append(out if isinstance(out, torch.Tensor) else out[0])
    return [layer[0].numpy() for layer in layers]


def assert_layers_agree(folder, signal, n_layers):
    spectrogram = log_mel(with_silence(signal), read_weights(folder, 0).shape.n_bands)
    n_frames = len(signal) // FRAME
    for n, expected in enumerate(theirs(folder, spectrogram)[: n_layers + 1]):
        found = load_encoder(folder, n).hidden(signal)
        np.testing.assert_allclose(found, expected[:n_frames], atol=TOLERANCE, err_msg=f"layer {n}")


def test_a_clip(whisper_folder, signal):
    assert_layers_agree(whisper_folder, signal, 3)


def assert_thirty_seconds_agree(folder, signal, n_layers):
    """With input of 30 s their encoder runs as a whole."""
    padded = np.pad(signal, (0, WINDOW - len(signal)))
    encoder = load_encoder(folder, n_layers)
    spectrogram = log_mel(padded, read_weights(folder, 0).shape.n_bands)
    model = their_encoder(folder)
    with torch.inference_mode():
        out = model(torch.from_numpy(spectrogram.T[None]).double(), output_hidden_states=True)
    np.testing.assert_allclose(encoder.hidden(padded), out.hidden_states[n_layers][0].numpy(), atol=TOLERANCE)


def test_thirty_seconds(whisper_folder, signal):
    assert_thirty_seconds_agree(whisper_folder, signal, 2)


def test_layers_are_mixed_by_their_shares(tiny, whisper_folder, signal):
    parts = [load_encoder(whisper_folder, n).hidden(signal) for n in (1, 3)]
    mixed = tiny.hidden(signal, {1: 0.25, 3: 0.75})
    np.testing.assert_allclose(mixed, 0.25 * parts[0] + 0.75 * parts[1], atol=1e-5)


def test_pooling(whisper_folder, signal):
    tiny = load_encoder(whisper_folder, 3, exact=True)
    frames = tiny.hidden(signal).astype(np.float64)
    expected = np.concatenate([frames.mean(axis=0), frames.std(axis=0, ddof=1)])
    np.testing.assert_allclose(tiny.pooled(signal), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("n_samples", "n_frames"), [(1, 2), (639, 2), (640, 2), (959, 2), (960, 3), (480000, 1500)])
def test_number_of_frames(tiny, n_samples, n_frames):
    signal = np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    assert tiny.hidden(signal).shape == (n_frames, 22)


@pytest.mark.slow
def test_a_long_recording_goes_through_in_windows(tiny, whisper_folder):
    exact = load_encoder(whisper_folder, 3, exact=True)
    signal = np.random.default_rng(0).standard_normal(2 * WINDOW + 5000).astype(np.float32)
    windows = [tiny.hidden(part) for part in (signal[:WINDOW], signal[WINDOW : 2 * WINDOW], signal[2 * WINDOW :])]
    frames = np.concatenate(windows)
    np.testing.assert_array_equal(tiny.hidden(signal), frames)
    expected = np.concatenate([frames.mean(axis=0, dtype=float), frames.std(axis=0, ddof=1, dtype=float)])
    np.testing.assert_allclose(exact.pooled(signal), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tiny.pooled(signal), expected, atol=1e-3 * np.abs(expected).max())
    blocks = np.split(signal, np.sort(np.random.default_rng(1).integers(0, len(signal), 20)))
    np.testing.assert_array_equal(tiny.pooled_of_blocks(blocks), tiny.pooled(signal))


@pytest.mark.slow
def test_memory_does_not_grow_with_a_recording(tiny):
    def peak(minutes):
        blocks = (np.random.default_rng(i).standard_normal(48000, np.float32) for i in range(20 * minutes))
        tracemalloc.start()
        try:
            tiny.pooled_of_blocks(blocks)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    tiny.pooled_of_blocks([np.ones(2 * WINDOW, np.float32)])
    assert peak(10) < 1.1 * peak(1)


def test_a_rest_shorter_than_a_frame_counts_for_nothing(tiny):
    signal = np.random.default_rng(0).standard_normal(WINDOW + 319).astype(np.float32)
    np.testing.assert_array_equal(tiny.hidden(signal), tiny.hidden(signal[:WINDOW]))


def test_threads_give_the_same_bits(tiny, voice):
    signals = [voice(seconds=0.1 + 0.07 * i, seed=i).astype(np.float32) for i in range(24)]
    alone = [tiny.pooled(signal) for signal in signals]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(tiny.pooled, signals[::-1]))[::-1]
    np.testing.assert_array_equal(together, alone)


def test_silence_is_finite(tiny):
    assert np.isfinite(tiny.pooled(np.zeros(16000, np.float32))).all()


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros(0, np.float32), "no samples"),
        (np.zeros((2, 100), np.float32), "one channel"),
        (np.zeros(100, np.int16), "floating-point"),
        (np.full(100, np.nan, np.float32), "not finite"),
    ],
)
def test_what_is_no_signal(tiny, signal, message):
    with pytest.raises(ValueError, match=message):
        tiny.pooled(signal)


def test_layers_that_are_not_there(tiny, whisper_folder, signal):
    with pytest.raises(ValueError, match="Layer 4 was asked for; this encoder has 0 to 3"):
        tiny.hidden(signal, {4: 1.0})
    with pytest.raises(WeightsError, match="has 3 layers; 4 were asked for"):
        load_encoder(whisper_folder, 4)


@pytest.mark.real
class TestRealWeights:
    FILES = ("03a01Fa", "03a01Wa", "08a02Na", "10a02Ab", "16b10Wb")

    @pytest.fixture
    def clips(self, data) -> dict[str, np.ndarray]:
        files = {f"{name}.wav": data / "corpora" / "emodb" / "wav" / f"{name}.wav" for name in self.FILES}
        return {name: without_offset(soundfile.read(file, dtype="float32")[0]) for name, file in files.items()}

    @pytest.mark.parametrize(("exact", "tolerance"), [(True, TOLERANCE / 10), (False, 5e-4)])
    def test_features_measured_elsewhere(self, data, real_folder, clips, exact, tolerance):
        golden = pd.read_parquet(data / "features" / "whisper-base-3" / "golden.parquet").set_index("file")
        encoder = load_encoder(real_folder, 3, exact)
        assert len(golden) == len(clips)
        for name, clip in clips.items():
            np.testing.assert_allclose(encoder.pooled(clip), golden.loc[name].to_numpy(), atol=tolerance)

    @pytest.mark.slow
    def test_a_clip(self, real_folder, clips):
        assert_layers_agree(real_folder, clips["03a01Fa.wav"], 3)

    @pytest.mark.slow
    def test_thirty_seconds(self, real_folder, clips):
        assert_thirty_seconds_agree(real_folder, clips["03a01Fa.wav"], 3)
