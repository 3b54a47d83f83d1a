"""What may be removed from a folder that is replaced: what affectmap wrote into it, as it wrote it."""

import json
import sys

import pytest

from affectmap import files as storage
from affectmap.errors import StorageError
from affectmap.files import MARKER, new_folder, write_text
from affectmap.manifest import foreign_entry, remove_listed, write_manifest
from cases import each


def write_results(path, text, overwrite=False):
    with new_folder(path, overwrite=overwrite) as temporary:
        write_text(temporary / "deep" / "results.txt", text)


def read_results(path):
    return (path / "deep" / "results.txt").read_text()


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def touch(folder):
    (folder / "deep" / "voice.wav").write_bytes(b"voice")


def change(folder):
    (folder / "deep" / "results.txt").write_text("mended")


def exchange_for_a_link(folder):
    (folder / "deep").rename(folder.parent / "deep")
    (folder / "deep").symlink_to(folder.parent / "deep")


def hide(folder):
    (folder / ".notes").mkdir()


@pytest.mark.parametrize("interfere", [touch, change, exchange_for_a_link, hide])
def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path, interfere):
    target = tmp_path / "results"
    write_results(target, "old")
    interfere(target)
    before = sorted(target.rglob("*"))
    with pytest.raises(
        StorageError, match=r"results is left alone: (deep|\.notes).* in it is not as affectmap wrote it"
    ):
        write_results(target, "new", overwrite=True)
    assert sorted(target.rglob("*")) == before
    assert read_results(target) == ("mended" if interfere is change else "old")


@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one step on Linux alone")
@pytest.mark.parametrize("in_one_step", [True, False])
def test_what_comes_into_a_folder_at_the_last_moment_is_kept(tmp_path, monkeypatch, in_one_step):
    target, swap, rename = tmp_path / "results", storage._swap, storage._rename
    write_results(target, "old")

    def late(new, path):
        touch(path)
        swap(new, path)

    monkeypatch.setattr(storage, "_swap", late)
    monkeypatch.setattr(storage, "_rename", rename if in_one_step else lambda *_: False)
    with pytest.raises(StorageError, match=r"results is left alone: deep/voice.wav in it"):
        write_results(target, "new", overwrite=True)
    assert (read_results(target), names(target / "deep")) == ("old", ["results.txt", "voice.wav"])
    assert names(tmp_path) == ["results"]


@each("text", ["", "{}", '{"files": []}', '{"files": {"a": 1}}', '{"files": {"../a": "b"}}', "[" * 10_000, "\x00"])
def test_a_folder_without_a_list_is_not_replaced(tmp_path_factory, text):
    target = tmp_path_factory.mktemp("folder") / "results"
    write_results(target, "old")
    (target / MARKER).write_text(text)
    with pytest.raises(StorageError, match="has no list of what affectmap wrote into it, as older versions kept none"):
        write_results(target, "new", overwrite=True)
    assert read_results(target) == "old"


def test_the_list_names_every_file_by_its_digest(tmp_path):
    write_results(tmp_path / "results", "x")
    listed = json.loads((tmp_path / "results" / MARKER).read_text())
    assert listed == {"files": {"deep/results.txt": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}
    assert foreign_entry(tmp_path / "results") is None


def test_a_folder_within_a_folder_of_ours_is_ours(tmp_path):
    with new_folder(tmp_path / "results") as temporary:
        write_results(temporary / "model", "old")
    write_results(tmp_path / "results", "new", overwrite=True)
    assert names(tmp_path / "results") == [MARKER, "deep"]


def test_removing_leaves_what_is_not_listed(tmp_path):
    folder = tmp_path / "results"
    write_results(folder, "old")
    (folder / "deep" / "theirs.txt").write_text("theirs")
    remove_listed(folder)
    assert [str(each.relative_to(folder)) for each in sorted(folder.rglob("*"))] == ["deep", "deep/theirs.txt"]
    write_manifest(folder)
    remove_listed(folder)
    assert names(tmp_path) == []
