"""Where encoders are looked for, and in which order."""

from pathlib import Path

import pytest

from affectmap.errors import ModelError
from affectmap.features.encoders import locate
from affectmap.features.encoders.locate import cached_encoder, find_encoder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder of the user, and no folder named."""
    monkeypatch.setattr(locate.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.delenv("AFFECTMAP_ENCODERS", raising=False)
    return tmp_path / "cache" / "affectmap" / "encoders"


def encoder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in ("config.json", "model.safetensors"):
        (folder / file).touch()
    return folder


def test_the_named_folder_comes_before_the_variable_and_that_before_the_cache(cache, tmp_path, monkeypatch):
    kept, given, named = (encoder(each / "whisper-base") for each in (cache, tmp_path / "env", tmp_path / "named"))
    assert find_encoder() == kept == cached_encoder()
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(given.parent))
    assert find_encoder() == given
    assert find_encoder("whisper-base", named.parent) == named


@pytest.mark.parametrize("place", ["whisper-base-encoder", "whisper-base", "."])
def test_a_folder_of_encoders_and_an_encoder_are_both_taken(cache, tmp_path, monkeypatch, place):
    found = encoder(tmp_path / "here" / place)
    assert find_encoder(folder=tmp_path / "here") == found
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path / "here"))
    assert find_encoder() == found


def test_the_cache_is_taken_where_the_variable_s_folder_has_none(cache, tmp_path, monkeypatch):
    kept = encoder(cache / "whisper-base")
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path))
    assert find_encoder() == kept


def test_a_named_folder_without_one_is_an_error_whatever_the_cache_has(cache, tmp_path):
    encoder(cache / "whisper-base")
    (tmp_path / "config.json").touch()
    with pytest.raises(
        ModelError, match=r"holds no encoder whisper-base: expected config\.json and model\.safetensors"
    ):
        find_encoder(folder=tmp_path)


def test_an_encoder_that_is_nowhere_says_what_to_run(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path))
    with pytest.raises(ModelError) as told:
        find_encoder()
    assert str(told.value) == (
        f"the encoder whisper-base is not in {tmp_path} or {cache / 'whisper-base'}; run `affectmap models fetch "
        "whisper-base`, or, without a network, bring its folder here and name it by --encoder or AFFECTMAP_ENCODERS"
    )
