"""Weights are read whatever they are stored in, and damaged ones are refused with one line."""

import json
import shutil
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from affectmap.whisper import WeightsError, load_encoder, read_weights
from affectmap.whisper.weights import read_header, tensor_shapes


@pytest.fixture
def folder(whisper_folder, tmp_path):
    """A copy to damage."""
    copied = tmp_path / "copy"
    shutil.copytree(whisper_folder, copied)
    return copied


def rewritten(folder, change):
    """Write the tensors anew, changed by a function of name and values; None leaves one out."""
    file = folder / "model.safetensors"
    changed = {name: change(name, values) for name, values in load_file(file).items()}
    save_file({name: values for name, values in changed.items() if values is not None}, file)
    return folder


def as_bfloat16(file):
    """Write a file of float32 anew with the upper halves alone."""
    header, offset, content = {}, 0, b""
    for name, values in load_file(file).items():
        upper = (values.view("<u4") >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": values.shape, "data_offsets": [offset, offset + len(upper)]}
        offset, content = offset + len(upper), content + upper
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + content)


def test_only_what_is_needed_is_taken(whisper_folder):
    weights = read_weights(whisper_folder, 1)
    assert weights.tensors.keys() == tensor_shapes(weights.shape).keys()
    assert not any("layers.1" in name for name in weights.tensors)
    stored = load_file(whisper_folder / "model.safetensors")
    np.testing.assert_array_equal(weights.tensors["layers.0.fc1.weight"], stored["encoder.layers.0.fc1.weight"])


def test_the_digest_is_that_of_the_weights_however_they_are_stored(whisper_folder, folder):
    digest = load_encoder(whisper_folder, 2).digest
    assert len(digest) == 32
    assert load_encoder(whisper_folder, 1).digest != digest
    needed = {f"encoder.{name}" for name in read_weights(folder, 2).tensors}
    rewritten(folder, lambda name, values: values.astype(np.float16) if name in needed else None)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    for number, names in enumerate((sorted(tensors)[::2], sorted(tensors)[1::2])):
        part = folder / f"model-0000{number}-of-00002.safetensors"
        save_file({f"model.{name}": tensors[name] for name in names}, part)
    config = json.loads((folder / "config.json").read_text()) | {"encoder_layers": 2, "architectures": []}
    (folder / "config.json").write_text(json.dumps(config))
    assert load_encoder(folder, 2).digest == digest
    with pytest.raises(WeightsError, match="has 2 layers; 3 were asked for"):
        load_encoder(folder, 3)


def test_another_weight_is_another_digest(whisper_folder, folder):
    rewritten(folder, lambda name, values: values + np.float32(0.01) * (name == "encoder.conv1.bias"))
    assert load_encoder(folder, 0).digest != load_encoder(whisper_folder, 0).digest


def test_bfloat16(whisper_folder, folder):
    as_bfloat16(folder / "model.safetensors")
    found, exact = (read_weights(each, 3).tensors["layers.2.fc2.weight"] for each in (folder, whisper_folder))
    assert not np.array_equal(found, exact)
    np.testing.assert_allclose(found, exact, rtol=2**-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, values: None if "conv1.bias" in name else values, "lacks 1 of .* tensors, first conv1.bias"),
        (lambda name, values: values[:-1].copy() if "conv1.bias" in name else values, r"conv1.bias has shape \(21,\)"),
        (lambda name, values: values * np.float32(1e9), "not finite, or beyond 65,504"),
        (lambda name, values: values * np.float32("nan"), "not finite"),
        (lambda name, values: values.astype(np.float64), "of type F64; expected F16, F32, BF16"),
    ],
)
def test_other_tensors_are_refused(folder, change, message):
    with pytest.raises(WeightsError, match=message):
        read_weights(rewritten(folder, change), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "hubert"}, "describes hubert; expected a model of the type whisper"),
        ({"activation_function": "relu"}, "activation relu"),
        ({"encoder_attention_heads": 4}, "4 heads; expected a divisor of 22"),
        ({"d_model": "22"}, "d_model = '22'; expected a number"),
        ({"encoder_layers": True}, "encoder_layers = True"),
        ({"max_source_positions": 1000}, "1000 positions; expected 1500"),
        ({"d_model": 24}, r"has shape .* config.json says"),
    ],
)
def test_other_configurations_are_refused(folder, settings, message):
    config = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=message):
        read_weights(folder, 3)


@pytest.mark.parametrize("content", ["{", "[" * 100000, "[]", "1"])
def test_a_damaged_configuration(folder, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=r"config.json (is no JSON|describes)"):
        read_weights(folder, 3)


def test_nothing_there(tmp_path, folder):
    with pytest.raises(WeightsError, match=r"config.json cannot be read"):
        read_weights(tmp_path, 3)
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="lacks 50 of"):
        read_weights(folder, 3)


GOOD = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}


class TestHeader:
    def write(self, tmp_path, entries, n_bytes=8):
        file = tmp_path / "model.safetensors"
        text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
        file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(n_bytes))
        return file

    def test_as_it_should_be(self, tmp_path):
        second = {**GOOD, "data_offsets": [4, 8]}
        header = read_header(self.write(tmp_path, {"__metadata__": {}, "a": GOOD, "b": second}))
        assert [entry.end - entry.first for entry in header.values()] == [4, 4]

    @pytest.mark.parametrize(
        "entry",
        [
            {**GOOD, "data_offsets": [2, 6]},  # overlaps
            {**GOOD, "data_offsets": [6, 10]},  # lies outside
            {**GOOD, "data_offsets": [4, 7]},
            {**GOOD, "data_offsets": [8, 4]},
            {**GOOD, "data_offsets": [-4, 0]},
            {**GOOD, "data_offsets": [4]},
            {**GOOD, "shape": [4, 0.5]},
            {**GOOD, "shape": [True, 2]},
            {**GOOD, "shape": [-1, -2]},
            {**GOOD, "shape": 2},
            {"dtype": "F16"},
            3,
        ],
    )
    def test_contradictions(self, tmp_path, entry):
        with pytest.raises(WeightsError, match=r"cannot be read: (its header is damaged|it was cut short)"):
            read_header(self.write(tmp_path, {"a": GOOD, "b": entry}))

    @pytest.mark.parametrize("text", [b"{", b"[]", b"\xff\xff", b"[" * 50000])
    def test_no_header(self, tmp_path, text):
        with pytest.raises(WeightsError, match="its header is damaged"):
            read_header(self.write(tmp_path, text))

    @pytest.mark.parametrize("content", [b"", b"1234567", bytes(8), struct.pack("<Q", 1 << 40) + bytes(100)])
    def test_no_length(self, tmp_path, content):
        file = tmp_path / "model.safetensors"
        file.write_bytes(content)
        with pytest.raises(WeightsError, match="its header would have"):
            read_header(file)

    def test_cut_short(self, folder):
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(WeightsError, match="cut short"):
            read_weights(folder, 3)
