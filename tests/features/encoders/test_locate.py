"""Where encoders are looked for, and in which order."""

from pathlib import Path

import pytest

from affectmap.errors import ModelError
from affectmap.features.encoders import locate
from affectmap.features.encoders.locate import encoders_folder, find_encoder


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
    assert find_encoder() == kept == encoders_folder() / "whisper-base"
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(given.parent))
    assert find_encoder() == given
    assert find_encoder("whisper-base", named.parent) == named


@pytest.mark.parametrize("place", ["whisper-base-encoder", "whisper-base", "."])
def test_a_folder_of_encoders_and_an_encoder_are_both_taken(cache, tmp_path, monkeypatch, place):
    found = encoder(tmp_path / "here" / place)
    assert find_encoder(folder=tmp_path / "here") == found
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path / "here"))
    assert find_encoder() == found


def test_no_other_place_is_taken_than_the_one_that_was_named(cache, tmp_path, monkeypatch):
    encoder(cache / "whisper-base")
    (tmp_path / "config.json").touch()
    expected = r"holds no encoder whisper-base: expected config\.json and model\.safetensors in it, or in whisper-base"
    with pytest.raises(ModelError, match=expected):
        find_encoder(folder=tmp_path)
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(tmp_path))
    with pytest.raises(ModelError, match=rf"AFFECTMAP_ENCODERS names .*, which {expected}"):
        find_encoder()


@pytest.mark.usefixtures("cache")
def test_an_encoder_that_is_nowhere_says_what_to_run():
    with pytest.raises(ModelError) as told:
        find_encoder()
    assert str(told.value) == (
        "the encoder whisper-base is not on this machine; run `affectmap models fetch whisper-base`, or, without a "
        "network, bring its folder here and name it by --encoder or AFFECTMAP_ENCODERS"
    )
