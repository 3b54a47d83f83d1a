"""Encoders from a hub on this machine, whatever happens on the way."""

import errno
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from affectmap.errors import ModelError, StorageError, UsageError
from affectmap.features.encoders import download, fetch
from affectmap.features.encoders.fetch import fetch_encoder
from affectmap.whisper.weights import read_weights
from encoder_files import Hub, card_of, serving, write_whole_whisper


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that has the model, and no waiting between attempts."""
    with serving(Hub(write_whole_whisper(tmp_path / "hub"))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setattr(download, "WAITS_S", (0.0, 0.0))
        yield served


@pytest.fixture
def card(hub):
    return card_of(hub.folder)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "encoders" / "tiny"


def test_what_is_needed_is_fetched_and_nothing_else(hub, card, place):
    calls = []
    assert fetch_encoder(card, place, progress=lambda *numbers: calls.append(numbers))
    weights = read_weights(hub.folder, 2)
    assert read_weights(place, 2).digest == weights.digest == card.digest
    n_bytes = 2 * sum(tensor.nbytes for tensor in weights.tensors.values()) + 16 * 4  # and the norm among them
    assert calls[-1] == (n_bytes, n_bytes)
    assert hub.sent < n_bytes + 4096 < (hub.folder / "model.safetensors").stat().st_size
    assert sorted(file.name for file in place.iterdir()) == [
        ".affectmap", "LICENSE.md", "config.json", "model.safetensors", "preprocessor_config.json"
    ]  # fmt: skip
    assert [file.name for file in place.parent.iterdir()] == ["tiny"]
    settings = json.loads((place / "config.json").read_text())
    assert settings["encoder_layers"] == 2
    assert "decoder_layers" not in settings


def test_an_encoder_that_is_there_is_not_fetched_again(hub, card, place):
    fetch_encoder(card, place)
    asked = len(hub.asked)
    assert not fetch_encoder(card, place)
    assert len(hub.asked) == asked


def test_one_that_is_damaged_is_told_and_replaced_where_that_is_asked_for(hub, card, place):
    fetch_encoder(card, place)
    tensors = load_file(place / "model.safetensors")
    save_file({**tensors, "model.encoder.conv1.bias": np.zeros(16, np.float16)}, place / "model.safetensors")
    with pytest.raises(ModelError, match="holds other weights than those of someone/tiny"):
        fetch_encoder(card, place)
    with pytest.raises(StorageError, match=r"model\.safetensors in it is not as affectmap wrote it; move it away"):
        fetch_encoder(card, place, overwrite=True)
    (place / "model.safetensors").unlink()
    assert fetch_encoder(card, place, overwrite=True)
    assert read_weights(place, 2).digest == card.digest


def test_connections_that_break_are_opened_again_where_they_broke(hub, card, place):
    hub.cuts = [10_000, 50_000]
    fetch_encoder(card, place)
    assert [at - hub.asked[1] for at in hub.asked[1:]] == [0, 10_000, 60_000]
    assert read_weights(place, 2).digest == card.digest


def test_a_server_that_is_busy_for_a_moment_is_asked_again(hub, card, place):
    hub.errors = [503, 429]
    assert fetch_encoder(card, place)


def test_what_came_before_it_was_given_up_is_kept(hub, card, place):
    hub.cuts = [10_000, 0, 0, 0]
    with pytest.raises(ModelError, match=r"the connection was cut after 0\.0 of 0\.1 MB; run it again, and it goes on"):
        fetch_encoder(card, place)
    hub.asked.clear()
    assert fetch_encoder(card, place)
    assert hub.asked[1] == first_byte(hub, card) + 10_000


def first_byte(hub, card):
    """Where the needed weights begin in the hub's file."""
    content = (hub.folder / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return 8 + length + header["model.encoder.conv1.bias"]["data_offsets"][0]


def test_a_server_without_ranges(hub, card, place):
    hub.has_ranges, hub.cuts = False, [70_000]
    assert fetch_encoder(card, place)
    assert read_weights(place, 2).digest == card.digest


def test_a_hub_that_sends_callers_on(hub, card, place):
    hub.has_moved, hub.cuts = True, [10_000]
    assert fetch_encoder(card, place)
    assert hub.asked[2] - hub.asked[1] == 10_000


def test_other_weights_are_refused_and_not_kept(hub, card, place):
    write_whole_whisper(hub.folder, seed=1)
    with pytest.raises(ModelError, match=r"holds other weights than those of someone/tiny .*digest .*, expected"):
        fetch_encoder(card, place)
    assert not place.exists()
    write_whole_whisper(hub.folder)
    hub.asked.clear()
    assert fetch_encoder(card, place)
    assert hub.asked[1] == first_byte(hub, card)


def test_weights_that_change_on_the_hub_begin_anew(hub, card, place):
    hub.cuts = [10_000, 0, 0, 0]
    with pytest.raises(ModelError, match="the connection was cut"):
        fetch_encoder(card, place)
    hub.tag = '"two"'
    hub.asked.clear()
    assert fetch_encoder(card, place)
    assert hub.asked[1] == first_byte(hub, card)


def test_weights_that_change_under_way(hub, card, place, monkeypatch):
    def changed(*arguments):
        hub.tag = '"two"'
        download.fetch_span(*arguments)

    monkeypatch.setattr(fetch, "fetch_span", changed)
    with pytest.raises(ModelError, match="changed while it was fetched; run it again"):
        fetch_encoder(card, place)


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("model.safetensors", b"<html>Sign in to the network</html>", "is no file of weights"),
        ("model.safetensors", b"\x05\0\0\0\0\0\0\0[1,2]", "has a damaged header"),
        ("model.safetensors", b'\x0b\0\0\0\0\0\0\0{"a": "b" }', "has a damaged header"),
        ("model.safetensors", b'\x23\0\0\0\0\0\0\0{"a": {"data_offsets": [0, 1e999]}}', "has a damaged header"),
        ("model.safetensors", b"\x02\0\0\0\0\0\0\0{}", r"lacks model\.encoder\.conv1\.bias; expected the weights of"),
        ("config.json", b"<html>", "is no JSON"),
        ("config.json", b'{"model_type": "hubert"}', "describes hubert; expected a model of the type whisper"),
        ("preprocessor_config.json", b"[]", "holds no settings"),
    ],
)
def test_files_that_are_others(hub, card, place, file, content, line):
    (hub.folder / file).write_bytes(content)
    with pytest.raises(ModelError, match=line):
        fetch_encoder(card, place)
    assert not place.exists()


def test_weights_that_are_cut_short_on_the_hub(hub, card, place):
    file = hub.folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:50_000])
    with pytest.raises(ModelError, match=r"has 50,000 bytes, and its beginning speaks of [\d,]+; it is damaged there"):
        fetch_encoder(card, place)


def test_what_is_not_there_or_not_for_you(hub, card, place):
    with pytest.raises(ModelError, match=r"resolve/v9/config\.json is not there \(404\); correct --revision"):
        fetch_encoder(card, place, revision="v9")
    hub.errors = [403]
    with pytest.raises(ModelError, match=r"refused by the server \(403 Forbidden\)"):
        fetch_encoder(card, place)


@pytest.mark.parametrize("revision", ["", "../../x", "a b", "-x", "a?b"])
def test_what_is_no_revision(card, place, revision):
    with pytest.raises(UsageError, match="expected a branch, tag or commit of someone/tiny"):
        fetch_encoder(card, place, revision=revision)


def test_what_is_no_mirror(card, place, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    with pytest.raises(UsageError, match="HF_ENDPOINT is file:///etc; expected an address such as https://huggingface"):
        fetch_encoder(card, place)


def test_no_network_is_one_line_at_once(card, place, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError) as told:
        fetch_encoder(card, place)
    assert str(told.value) == (
        "http://127.0.0.1:9/someone/tiny/resolve/main/config.json cannot be reached (Connection refused); where there is "
        "a network run it again, or name a mirror by HF_ENDPOINT; else bring a folder that `affectmap models pack` wrote "
        "elsewhere, and name it by --encoder"
    )


def test_nothing_is_left_where_nothing_came(hub, card, place):
    (hub.folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="404"):
        fetch_encoder(card, place)
    assert list(place.parent.iterdir()) == []


def test_a_full_disk_keeps_what_came(hub, card, place, monkeypatch):
    append = download._append

    def full(part, blocks, progress):
        def stop(n_bytes):
            raise OSError(errno.ENOSPC, "No space left on device")

        append(part, blocks, stop)

    monkeypatch.setattr(download, "_append", full)
    with pytest.raises(StorageError, match=r"part cannot be written \(No space left on device\); free space and run"):
        fetch_encoder(card, place)
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.asked.clear()
    assert fetch_encoder(card, place)
    assert hub.asked[1] > first_byte(hub, card)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
def test_two_at_once_do_not_mix(hub, card, place):
    with (
        fetch._alone(place.with_name(".tiny.fetching")),
        pytest.raises(StorageError, match="another process is fetching to"),
    ):
        fetch_encoder(card, place)


@pytest.mark.slow
def test_a_process_that_is_killed_loses_nothing(hub, card, place, tmp_path):
    hub.pause_s = 0.05
    (tmp_path / "run.py").write_text(
        "from pathlib import Path\n"
        "from affectmap.features.encoders.cards import EncoderCard\n"
        "from affectmap.features.encoders.fetch import fetch_encoder\n"
        f"fetch_encoder(EncoderCard(**{card._asdict()!r}), Path({str(place)!r}))\n"
    )
    process = subprocess.Popen([sys.executable, tmp_path / "run.py"])
    deadline = time.monotonic() + 60
    while not (came := sum(part.stat().st_size for part in place.parent.glob(".tiny.fetching/*.part"))):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not place.exists()
    hub.pause_s = 0.0
    hub.asked.clear()
    assert fetch_encoder(card, place)
    assert hub.asked[1] >= first_byte(hub, card) + came
    assert read_weights(place, 2).digest == card.digest
