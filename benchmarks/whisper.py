"""The first three layers of Whisper base: affectmap.whisper against PyTorch and ONNX Runtime, one thread each.

python benchmarks/whisper.py [--quick] [--json FILE]
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soundfile
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from threadpoolctl import threadpool_limits

from affectmap.audio.cleaning import without_offset
from affectmap.schema import WHISPER_DIM, WHISPER_LAYER, Features
from affectmap.whisper import SAMPLING_RATE, Encoder, EncoderWeights, compiled, read_weights
from affectmap.whisper.encoder import FRAME, with_silence
from affectmap.whisper.mel import log_mel
from affectmap.whisper.plain import PlainLayers, parameters_of
from affectmap.whisper.weights import EncoderShape, tensor_shapes
from harness import Row, in_turn, main, peak_memory, ratios, row_of
from whisper_graph import write_graph

#: Whisper base.
SHAPE = EncoderShape(WHISPER_LAYER, WHISPER_DIM, 8, 2048, 80, 1500)
#: Whose time the others' is divided by.
TORCH = "PyTorch, float32"
#: Share of PyTorch's time that was aimed at.
AIM = "≤ 0.55"
LAST = np.array([0.0] * WHISPER_LAYER + [1.0], np.float32)

#: From a spectrogram, shape (2 n, n_bands), and a number of frames to these frames.
Layers = Callable[[Features, int], Features]


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_sizes((1, 3), 3, 2, 1) if quick else measure_sizes((1, 3, 10), 15, 40, 60)


def measure_sizes(seconds: tuple[int, ...], rounds: int, n_clips: int, minutes: int) -> dict[str, Any]:
    """Measure with clips of so many seconds, and a recording of so many minutes."""
    torch.set_num_threads(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        layers = _candidates(weights_of_base(), Path(folder))
        rows = [row for length in seconds for row in _times(layers, length, rounds)]
        clips = _clips(n_clips)
        rows += _differences(layers, clips) if clips and _folder() else []
    rows += _memory(minutes)
    what = "the published weights" if _folder() else "random weights of the same shape"
    text = (
        f"Two convolutions and three layers ({what}) from a spectrogram ready made, one thread each, in turn in one "
        "process; seconds are the processor's. PyTorch: the layers of transformers' `WhisperEncoder`, one by one; "
        "ONNX Runtime: the same graph, and with matrices quantised to eight bits (`quantize_dynamic`, by column, seven "
        "bits used). A second of sound stands for itself and its share of the half second of silence behind a clip."
    )
    return {"title": "Encoder", "text": text, "rows": rows}


def _folder() -> Path | None:
    folder = Path(os.environ.get("AFFECTMAP_DATA", "."), "encoders", "whisper-base-encoder")
    return folder if folder.is_dir() else None


@cache
def weights_of_base() -> EncoderWeights:
    """Read the published weights, or make some of their shape."""
    if folder := _folder():
        return read_weights(folder, WHISPER_LAYER)
    rng = np.random.default_rng(0)
    named = {name: 0.03 * rng.standard_normal(shape) for name, shape in tensor_shapes(SHAPE).items()}
    return EncoderWeights(SHAPE, {name: values.astype(np.float16) for name, values in named.items()})


def _candidates(weights: EncoderWeights, folder: Path) -> dict[str, Layers]:
    parameters = parameters_of(weights)
    plain = PlainLayers(parameters)
    found: dict[str, Layers] = {TORCH: torch_layers(weights)}
    for name, exact in (("affectmap, 16 bits", False), ("affectmap, float32", True)):
        if layers := compiled.load(parameters, exact):
            found[name] = lambda spectrogram, n, layers=layers: layers.run(spectrogram, n, LAST)
    found["affectmap, NumPy alone"] = lambda spectrogram, n: plain.run(spectrogram, n, LAST)
    graph = write_graph(weights, folder / "layers.onnx")
    found["ONNX Runtime, float32"] = _session(graph)
    options = {"MatMulConstBOnly": True, "DefaultTensorType": 1}
    quantize_dynamic(
        graph,
        folder / "8.onnx",
        ["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        extra_options=options,
    )
    found["ONNX Runtime, 8 bits"] = _session(folder / "8.onnx")
    return found


def torch_layers(weights: EncoderWeights) -> Layers:
    """Give the layers by PyTorch and transformers."""
    import transformers  # late, for its import alone takes seconds

    shape = weights.shape
    config = transformers.WhisperConfig(
        d_model=shape.dim,
        encoder_layers=shape.n_layers,
        encoder_attention_heads=shape.n_heads,
        encoder_ffn_dim=shape.n_hidden,
        num_mel_bins=shape.n_bands,
    )
    model = transformers.models.whisper.modeling_whisper.WhisperEncoder(config).eval()
    tensors = {name: torch.from_numpy(tensor.astype(np.float32)) for name, tensor in weights.tensors.items()}
    model.load_state_dict(tensors, strict=False)
    gelu = torch.nn.functional.gelu

    def run(spectrogram: Features, n: int) -> Features:
        with torch.inference_mode():
            steps = gelu(model.conv1(torch.from_numpy(spectrogram.T[None])))
            frames = gelu(model.conv2(steps)).transpose(1, 2)
            frames = frames + model.embed_positions.weight[: frames.shape[1]]
            for layer in model.layers:
                out = layer(frames, None)
                frames = out if isinstance(out, torch.Tensor) else out[0]
        return frames[0, :n].numpy()

    return run


def _session(graph: Path) -> Layers:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda spectrogram, n: session.run(None, {"spectrogram": np.ascontiguousarray(spectrogram.T)})[0][:n]


def _clips(n: int) -> list[Features]:
    folder = Path(os.environ.get("AFFECTMAP_DATA", "."), "corpora", "emodb", "wav")
    files = sorted(folder.glob("*.wav"))
    return [without_offset(soundfile.read(file, dtype="float32")[0]) for file in files[:: max(1, len(files) // n)]]


def _noise(seconds: float, seed: int = 0) -> Features:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * SAMPLING_RATE), dtype=np.float32)


def _times(layers: dict[str, Layers], seconds: int, rounds: int) -> Iterator[Row]:
    clips = _clips(3)
    signal = np.resize(np.concatenate(clips), seconds * SAMPLING_RATE) if clips else _noise(seconds)
    spectrogram, n = log_mel(with_silence(signal)), len(signal) // FRAME
    calls: dict[str, Callable[[], object]] = {name: lambda run=run: run(spectrogram, n) for name, run in layers.items()}
    encoder = Encoder(weights_of_base())
    calls["pooled"] = lambda: encoder.pooled(signal)
    calls["spectrogram"] = lambda: log_mel(with_silence(signal))
    times = in_turn(calls, rounds, time.process_time)
    milliseconds = {name: [1e3 * each / seconds for each in values] for name, values in times.items()}
    yield row_of(f"{seconds} s: {TORCH}", milliseconds[TORCH], "ms/s")
    for name in layers:
        if name != TORCH:
            aim = AIM if name == "affectmap, 16 bits" else ""
            title = f"{seconds} s: {name}, share of PyTorch's time"
            yield row_of(title, ratios(times, name, TORCH), "", aim, headline=bool(aim))
    yield row_of(f"{seconds} s: spectrogram", milliseconds["spectrogram"], "ms/s")
    note = "`Encoder.pooled`: spectrogram, layers by products in 16 bits, means and standard deviations"
    yield row_of(f"{seconds} s: all", milliseconds["pooled"], "ms/s", note=note)


def _differences(layers: dict[str, Layers], clips: list[Features]) -> Iterator[Row]:
    """Say how far frames, and their means and standard deviations, are from PyTorch's."""
    largest: dict[tuple[str, str], float] = {}
    for clip in clips:
        spectrogram, n = log_mel(with_silence(clip)), len(clip) // FRAME
        expected = layers[TORCH](spectrogram, n)
        for name, run in layers.items():
            found = run(spectrogram, n)
            for what, values, theirs in (
                ("frames", found, expected),
                ("means and standard deviations", _pooled(found), _pooled(expected)),
            ):
                largest[name, what] = max(largest.get((name, what), 0), float(np.abs(values - theirs).max()))
    for (name, what), value in largest.items():
        if name != TORCH:
            note = f"largest difference from PyTorch in {len(clips)} clips of EMO-DB"
            yield row_of(f"{name}: difference of {what}", value, "", note=note)


def _pooled(frames: Features) -> Features:
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0, ddof=1)])


def _memory(minutes: int) -> Iterator[Row]:
    for length in sorted({1, minutes}):
        note = "noise, block by block; the encoder's weights included" if length == minutes else ""
        yield row_of(f"memory, a recording of {length} min", peak_memory(pool_noise, length), "MB", note=note)


def pool_noise(minutes: int) -> None:
    """Pool a long recording that comes in blocks."""
    Encoder(weights_of_base()).pooled_of_blocks(_noise(1, seed) for seed in range(60 * minutes))


if __name__ == "__main__":
    main(measure)
