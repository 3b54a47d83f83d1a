"""A tiny Whisper with random weights in the hub's layout, its card, and a server that has it as the hub does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from affectmap.features.encoders.cards import ENCODERS, EncoderCard
from affectmap.whisper.weights import EncoderShape, read_weights, tensor_shapes

SHAPE = EncoderShape(n_layers=4, dim=16, n_heads=2, n_hidden=24, n_bands=80, n_positions=1500)
#: As the hub's has them, with what affectmap has no use for.
_CONFIG = {
    "_name_or_path": "tiny", "activation_function": "gelu", "d_model": SHAPE.dim, "decoder_layers": 1,
    "encoder_attention_heads": SHAPE.n_heads, "encoder_ffn_dim": SHAPE.n_hidden, "encoder_layers": SHAPE.n_layers,
    "max_source_positions": SHAPE.n_positions, "model_type": "whisper", "num_mel_bins": SHAPE.n_bands,
    "scale_embedding": False,
}  # fmt: skip
_PREPROCESSOR = {
    "chunk_length": 30, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "hop_length": 160,
    "mel_filters": [[0.0] * 4] * 4, "n_fft": 400, "padding_side": "right", "sampling_rate": 16000,
}  # fmt: skip


def write_whole_whisper(folder: Path, *, kind: str = "float32", seed: int = 0) -> Path:
    """Write a whole model, decoder included; its weights are exact in half precision, as Whisper's are."""
    rng = np.random.default_rng(seed)
    shapes = {f"model.encoder.{name}": shape for name, shape in tensor_shapes(SHAPE).items()}
    shapes |= {"model.encoder.layer_norm.weight": (16,), "model.decoder.embed_tokens.weight": (500, 16)}
    tensors = {
        name: rng.normal(scale=0.3, size=shape).astype(np.float16).astype(kind) for name, shape in shapes.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(_CONFIG))
    (folder / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR))
    return folder


def card_of(folder: Path, layer: int = 2) -> EncoderCard:
    """Give the card of such a model."""
    digest = read_weights(folder, layer).digest
    return ENCODERS["whisper-base"]._replace(hub="someone/tiny", layer=layer, digest=digest)


@dataclass
class Hub:
    """A server of one model, and how it behaves.

    Attributes:
        folder: The model's files.
        url: Where the server is.
        has_ranges: Whether it knows ranges.
        has_moved: Whether it sends callers on to another address, as the hub does.
        cuts: After how many bytes of weights the next answers break off, one each.
        errors: What it answers to the next calls instead of weights.
        pause_s: Seconds between blocks of weights.
        tag: ETag of all files.
        asked: First byte of each range of weights that was asked for, in order.
        sent: Bytes of weights sent.
    """

    folder: Path
    url: str = ""
    has_ranges: bool = True
    has_moved: bool = False
    cuts: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    tag: str = '"one"'
    asked: list[int] = field(default_factory=list)
    sent: int = 0


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    stopped: threading.Event

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.hub, self.path
        if hub.has_moved and not path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", f"/moved{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        front, _, name = path.removeprefix("/moved").rpartition("/")
        if front != "/someone/tiny/resolve/main" or not (hub.folder / name).is_file():
            self.send_error(404)
            return
        content = (hub.folder / name).read_bytes()
        first, end = (int(number) for number in self.headers["Range"].removeprefix("bytes=").split("-"))
        if name == "model.safetensors":
            hub.asked.append(first)
            if hub.errors and first:
                self.send_error(hub.errors.pop(0))
                return
        self._answer(content, first, min(end + 1, len(content)), name == "model.safetensors" and first > 0)

    def _answer(self, content: bytes, first: int, end: int, is_weights: bool) -> None:
        hub, total = self.hub, len(content)
        if hub.has_ranges and first >= total:
            self.send_error(416)
            return
        self.send_response(206 if hub.has_ranges else 200)
        if hub.has_ranges:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{total}")
            content = content[first:end]
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", hub.tag)
        self.end_headers()
        if is_weights and hub.cuts:
            content = content[: hub.cuts.pop(0)]
        step = 4096
        for at in range(0, len(content), step):
            try:
                self.wfile.write(content[at : at + step])
            except OSError:  # the caller has left
                return
            hub.sent += step if is_weights else 0
            if is_weights and hub.pause_s:
                self.stopped.wait(hub.pause_s)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a model on this machine."""
    stopped = threading.Event()
    handler = type("Handler", (_Handler,), {"hub": hub, "stopped": stopped})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
