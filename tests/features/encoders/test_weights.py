"""Where pretrained models are looked for, and what is refused; no hub is ever reached."""

import json
import socket
import threading
import time

import pytest

from affectmap.errors import ModelError, UsageError
from affectmap.features.encoders import weights as pretrained
from affectmap.features.encoders.weights import (
    SUPERB_ID,
    checked_folder,
    find_pretrained,
    model_digest,
    parse_reference,
    read_config,
    weight_files,
)
from speech_models import write_encoder

OPTION = "--features encoder:DIR"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache of the hub, and a hub that takes calls and never answers."""
    from huggingface_hub import constants

    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(8)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(pretrained, "TIMEOUT_S", 0.2)
    yield tmp_path / "hub"
    server.close()


@pytest.fixture
def tiny(tmp_path):
    return write_encoder(tmp_path / "tiny")


def in_cache(hub, name, folder):
    """Put a model where the hub's library keeps what it has downloaded."""
    place = hub / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    (place / "snapshots").mkdir()
    folder.rename(place / "snapshots" / ("0" * 40))
    return place / "snapshots" / ("0" * 40)


def test_a_folder_is_taken_as_it_is(tiny):
    assert find_pretrained(str(tiny), OPTION) == tiny


def test_a_model_in_the_cache_needs_no_hub(hub, tiny, monkeypatch):
    monkeypatch.setattr(pretrained, "_downloaded", lambda name, option: pytest.fail("the hub was asked"))
    place = in_cache(hub, "someone/tiny", tiny)
    assert find_pretrained("someone/tiny", OPTION) == place


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_one_line_in_time(hub):
    start = time.monotonic()
    with pytest.raises(ModelError) as told:
        find_pretrained("someone/tiny", OPTION)
    assert time.monotonic() - start < 60  # left to itself, the library of the hub waits for ever
    message = str(told.value)
    assert "\n" not in message
    assert message.startswith("someone/tiny is not on this machine, and the hub cannot be reached (")
    assert message.endswith(
        "; where there is a network run `hf download someone/tiny --local-dir DIR`, bring DIR here and name it: "
        "--features encoder:DIR"
    )


def test_offline_is_the_same_line_without_a_call(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"hub cannot be reached \(.*offline.*\); where there is a network run"):
        find_pretrained("someone/tiny", OPTION)


def answering(monkeypatch, status, body):
    """Let the hub answer every call alike."""
    from huggingface_hub import constants

    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(8)
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    error = "X-Error-Code: RepoNotFound\r\n" if status.startswith("4") else ""

    def serve():
        while True:
            try:
                call, _ = server.accept()
            except OSError:
                return
            call.recv(65536)
            call.sendall(f"{head}{error}\r\n{body}".encode())
            call.close()

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
    return server


def test_a_model_that_the_hub_does_not_have(hub, monkeypatch):
    monkeypatch.setattr(pretrained, "TIMEOUT_S", 5.0)
    server = answering(monkeypatch, "404 Not Found", "{}")
    with pytest.raises(ModelError, match="the hub shows no such model to you; correct its name"):
        find_pretrained("someone/tiny", OPTION)
    server.close()


def test_a_model_on_the_hub_that_is_none(hub, monkeypatch):
    monkeypatch.setattr(pretrained, "TIMEOUT_S", 5.0)
    server = answering(monkeypatch, "200 OK", json.dumps({"id": "someone/tiny", "siblings": [{"rfilename": "x.txt"}]}))
    with pytest.raises(ModelError, match=r"someone/tiny has no config\.json on the hub"):
        find_pretrained("someone/tiny", OPTION)
    server.close()


@pytest.mark.parametrize("name", ["no/such/folder", "../models", "a b", "~nobody-s-home/x", ""])
def test_what_cannot_be_a_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name:
        with pytest.raises(UsageError, match="is no folder, and no model on the hub is called so"):
            find_pretrained(name, OPTION)
    else:  # the folder that one is in
        with pytest.raises(ModelError, match=r"has no config\.json"):
            find_pretrained(name, OPTION)


def test_a_file_in_the_place_of_its_folder(tiny):
    with pytest.raises(UsageError, match=r"config\.json is a file; name the folder that holds it, as in --features"):
        find_pretrained(str(tiny / "config.json"), OPTION)


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_that_lacks_something(tiny, file):
    (tiny / file).unlink()
    with pytest.raises(ModelError, match=rf"has no {file}; expected config\.json, preprocessor_config\.json and"):
        checked_folder(tiny)


def test_safetensors_come_first(tiny):
    (tiny / "pytorch_model.bin").write_bytes(b"x")
    assert [file.name for file in weight_files(tiny)] == ["model.safetensors"]
    (tiny / "model.safetensors").unlink()
    assert [file.name for file in weight_files(tiny)] == ["pytorch_model.bin"]


def test_weights_in_parts_must_all_be_there(tiny):
    (tiny / "model.safetensors").rename(tiny / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tiny / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weight_files(tiny) == []
    (tiny / "model-00002-of-00002.safetensors").touch()
    assert len(weight_files(tiny)) == 2


def test_the_digest_follows_everything_that_numbers_depend_on(tiny, tmp_path):
    first = model_digest(tiny)
    assert model_digest(tiny) == first
    for file in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tiny / file).write_bytes((tiny / file).read_bytes() + b" ")
        assert model_digest(tiny) != first
        first = model_digest(tiny)


def test_a_damaged_configuration(tiny):
    (tiny / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json cannot be read as JSON"):
        pretrained.read_config(tiny)


def test_references():
    assert parse_reference("superb") == SUPERB_ID
    assert parse_reference("superb=a=b") == "a=b"
    for text in ("", "superb=", "hubert", "superb:x"):
        with pytest.raises(UsageError, match="expected superb, or superb=MODEL"):
            parse_reference(text)


@pytest.mark.parametrize(
    ("file", "kind", "expected"),
    [
        ("model.safetensors", "model.safetensors", True),
        ("model-00001-of-00002.safetensors", "model.safetensors", True),
        ("model.safetensors.index.json", "model.safetensors", True),
        ("other.safetensors", "model.safetensors", False),
        ("pytorch_model.bin", "pytorch_model.bin", True),
        ("onnx/model.safetensors", "model.safetensors", False),
    ],
)
def test_which_files_are_fetched(file, kind, expected):
    assert pretrained._is_weight(file, kind) is expected


@pytest.mark.parametrize(
    "index",
    [{}, {"weight_map": {}}, {"weight_map": []}, {"weight_map": "a"}, {"weight_map": {"a": 1}}, {"weight_map": {"a": None}},
     {"weight_map": {"a": "../b.safetensors"}}, {"weight_map": {"a": "/etc/passwd"}}, {"weight_map": {"a": ""}}],
)  # fmt: skip
def test_an_index_names_files_beside_it(tmp_path, index):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="names no files of weights beside it; download the model again"):
        weight_files(tmp_path)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"9" * 5000, b"\xff", b" " * (2 << 20)])
def test_a_configuration_that_is_none_or_too_much(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config.json cannot be read as JSON \(.*\); download the model again"):
        read_config(tmp_path)
