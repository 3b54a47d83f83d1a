"""Finding recordings."""

import errno
import os
from pathlib import Path

import pytest

from affectmap.corpora import emodb
from affectmap.corpora.folder import find_recordings, note_passed_over, walk_files
from affectmap.errors import CorpusError


def test_order_is_alphabetical_and_paths_absolute(make_files, monkeypatch, tmp_path):
    make_files("corpus", ["b/2.wav", "a.WAV", "b/1.mp3", "notes.txt", "B/3.aiff"])
    monkeypatch.chdir(tmp_path)
    files, n_hidden, _ = find_recordings(Path("corpus"))
    assert [file.relative_to(tmp_path / "corpus").as_posix() for file in files] == [
        "B/3.aiff",
        "a.WAV",
        "b/1.mp3",
        "b/2.wav",
    ]
    assert n_hidden == 0


def test_a_hidden_folder_above_the_corpus_does_not_hide_it(make_files):
    folder = make_files(".data/corpus", ["a.wav", ".b.wav", ".c/d.wav"])
    files, n_hidden, _ = find_recordings(folder)
    assert [file.name for file in files] == ["a.wav"]
    assert n_hidden == 2


def test_folders_behind_links_are_followed_once(make_files):
    folder, other = make_files("corpus", ["a.wav"]), make_files("other", ["deep/b.wav"])
    for name in ("one", "two"):
        (folder / name).symlink_to(other)
    assert [file.name for file in find_recordings(folder).files] == ["a.wav", "b.wav"]


def test_formats_of_phones_are_read_with_an_extra_or_told(make_files, monkeypatch):
    names = ["a.wav", "b.M4A", "c.amr", "d.webm", "e.wma", "f.aac", "g.3gp", "h.m4a", "i.avi", "j.MKV", "k.dss"]
    folder = make_files("corpus", names)
    monkeypatch.setattr("affectmap.corpora.folder.installed", lambda module: True)
    assert [file.name for file in find_recordings(folder).files] == names
    assert note_passed_over(find_recordings(folder), folder) == ""
    monkeypatch.setattr("affectmap.corpora.folder.installed", lambda module: False)
    found = find_recordings(folder)
    assert [file.name for file in found.files] == ["a.wav"]
    assert note_passed_over(found, folder) == (
        "10 recordings that libsndfile cannot read, passed over (1 .3gp, 1 .aac, 1 .amr, 1 .avi, 1 .dss, 2 .m4a, 1 .mkv, "
        '1 .webm, 1 .wma: b.M4A, c.amr, d.webm, e.wma, f.aac, ...); run pip install "affectmap[formats]", or convert '
        "them to WAV with ffmpeg"
    )
    (folder / "a.wav").unlink()
    with pytest.raises(CorpusError, match="corpus holds 10 recordings that libsndfile cannot read, passed over"):
        find_recordings(folder)


def test_a_corpus_tells_what_it_passed_over(make_files, monkeypatch):
    folder = make_files("corpus", ["03a01Fa.wav", "x.m4a"])
    monkeypatch.setattr("affectmap.corpora.folder.installed", lambda module: False)
    (note,) = [finding for finding in emodb.load(folder).findings if "passed over" in finding.detail]
    assert (note.kind, note.detail[:50]) == ("note", "1 recording that libsndfile cannot read, passed ov")


def test_a_link_that_leads_back_ends(make_files):
    folder = make_files("corpus", ["a/b.wav"])
    (folder / "a/again").symlink_to(folder)
    assert [file.name for file in walk_files(folder)] == ["b.wav"]


def test_a_folder_that_cannot_be_read_is_told(make_files, monkeypatch):
    folder = make_files("corpus", ["a.wav", "locked/b.wav"])
    scandir = os.scandir

    def locked(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(CorpusError, match=r"locked cannot be read \(Permission denied\); check its permissions"):
        find_recordings(folder)


def test_a_name_in_another_encoding_can_be_printed(make_files):
    folder = make_files("corpus", ["03a01Fa.wav"])
    Path(os.fsdecode(os.fsencode(folder) + b"/ol\xe9.wav")).touch()
    (extra,) = [finding for finding in emodb.load(folder).findings if finding.kind == "extra"]
    assert extra.file == "ol\\xe9.wav"
    assert extra.file.encode("utf-8")
