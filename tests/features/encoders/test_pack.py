"""The part of an encoder that models need: always the same bytes, and never other weights."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from affectmap.errors import ModelError, StorageError
from affectmap.features.encoders.cards import ENCODERS
from affectmap.features.encoders.pack import write_pack
from affectmap.whisper import load_encoder
from encoder_files import card_of, write_whole_whisper


@pytest.fixture
def whole(tmp_path):
    return write_whole_whisper(tmp_path / "whole")


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_bytes_do_not_depend_on_what_it_was_made_from(whole, tmp_path):
    card = card_of(whole)
    write_pack(whole, tmp_path / "one", card)
    write_pack(write_whole_whisper(tmp_path / "half", kind="float16"), tmp_path / "two", card)
    write_pack(tmp_path / "one", tmp_path / "three", card)
    assert content(tmp_path / "one") == content(tmp_path / "two") == content(tmp_path / "three")


def test_it_holds_the_needed_layers_in_half_precision(whole, tmp_path):
    write_pack(whole, tmp_path / "pack", card_of(whole))
    tensors = load_file(tmp_path / "pack" / "model.safetensors")
    theirs = load_file(whole / "model.safetensors")
    assert {name.split(".")[3] for name in tensors if ".layers." in name} == {"0", "1"}
    for name, tensor in tensors.items():
        assert tensor.dtype == np.float16
        np.testing.assert_array_equal(tensor, theirs[name])
    assert "Copyright (c) 2022 OpenAI" in (tmp_path / "pack" / "LICENSE.md").read_text()


def test_it_gives_what_the_whole_gives(whole, tmp_path, voice):
    write_pack(whole, tmp_path / "pack", card_of(whole))
    signal = voice().astype(np.float32)
    first, second = (load_encoder(folder, 2).pooled(signal) for folder in (whole, tmp_path / "pack"))
    np.testing.assert_array_equal(first, second)


def test_other_weights_are_no_pack(whole, tmp_path):
    card = card_of(whole)
    with pytest.raises(ModelError, match=r"holds other weights than those of someone/tiny .*name another --revision"):
        write_pack(write_whole_whisper(tmp_path / "other", seed=1), tmp_path / "pack", card)
    with pytest.raises(ModelError, match="has 4 layers; 5 were asked for"):
        write_pack(whole, tmp_path / "pack", card._replace(layer=5))
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize(("text", "line"), [("{", "cannot be read as JSON"), ("[]", "holds no settings")])
def test_settings_that_are_damaged(whole, tmp_path, text, line):
    (whole / "preprocessor_config.json").write_text(text)
    with pytest.raises(ModelError, match=rf"preprocessor_config\.json {line}"):
        write_pack(whole, tmp_path / "pack", card_of(whole))
    assert not (tmp_path / "pack").exists()


def test_the_source_is_not_replaced(whole):
    with pytest.raises(StorageError, match="which is read for the result"):
        write_pack(whole, whole, card_of(whole), overwrite=True)


@pytest.mark.real
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="AFFECTMAP_DATA names no folder")
def test_whisper_base(tmp_path):
    card = ENCODERS["whisper-base"]
    write_pack(Path(os.environ["AFFECTMAP_DATA"]) / "encoders" / "whisper-base-encoder", tmp_path / "pack", card)
    assert load_encoder(tmp_path / "pack", card.layer).digest == card.digest
    size = sum(file.stat().st_size for file in (tmp_path / "pack").iterdir())
    assert round(size / 1e6) == card.megabytes
