import errno
import functools
import io
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pandas as pd
import pytest

from affectmap.features import cache as feature_cache
from affectmap.features.cache import FeatureCache

PART = "0123456789abcdef" * 2
COLUMNS = ["pitch", "loudness", "jitter"]
WRITER = """
import os, signal, sys
from pathlib import Path
import numpy as np
from affectmap.features import cache as feature_cache

feature_cache.FLUSH_S = 0.0
folder, prefix, count, ending = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]

def torn(handle, **arrays):
    handle.write(b"PK half of a file")
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)

with feature_cache.FeatureCache(folder, "pets", ["pitch", "loudness", "jitter"]) as cache:
    for number in range(count):
        cache.add(f"{prefix}{number}", np.full(3, number, np.float32))
    if ending == "torn":
        np.savez = torn
        cache.add("lost", np.zeros(3, np.float32))
    if ending == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def writer(folder, prefix, count, ending="closed"):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), prefix, str(count), ending])


def filled(folder, keys=("a", "b", "c"), name="pets"):
    with FeatureCache(folder, name, COLUMNS) as cache:
        for number, key in enumerate(keys):
            cache.add(key, np.array([number, number / 3, -1], np.float32))
    return folder / f"{name}.npz"


def loaded(folder):
    """The rows, as a table, and the notices."""
    cache = FeatureCache(folder, "pets", COLUMNS)
    stored = cache.load()
    return pd.DataFrame(stored.rows, index=stored.keys, columns=COLUMNS), cache.notices


def names(folder):
    return sorted(file.name for file in folder.iterdir() if file.name != ".lock")


def test_rows_come_back_as_they_were(tmp_path):
    filled(tmp_path)
    rows, notices = loaded(tmp_path)
    assert notices == []
    assert rows.index.tolist() == ["a", "b", "c"]
    assert (rows.dtypes == np.float32).all()
    np.testing.assert_array_equal(rows.loc["b"], np.array([1, 1 / 3, -1], np.float32))
    assert names(tmp_path) == ["pets.npz"]


def test_an_absent_cache_is_empty_and_reading_makes_no_folder(tmp_path):
    rows, notices = loaded(tmp_path / "none")
    assert (len(rows), list(rows.columns), notices) == (0, COLUMNS, [])
    assert not (tmp_path / "none").exists()


def test_nothing_new_writes_nothing(tmp_path):
    file = filled(tmp_path)
    os.utime(file, (1, 1))
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        cache.load()
    assert file.stat().st_mtime == 1


def test_texts_come_back_with_their_rows(tmp_path):
    for number, text in enumerate(("first", "ä, again")):
        with FeatureCache(tmp_path, "pets", COLUMNS, texts=True) as cache:
            cache.add("a", np.full(3, number, np.float32), text)
            cache.add(f"b{number}", np.zeros(3, np.float32), text)
    stored = FeatureCache(tmp_path, "pets", COLUMNS, texts=True).load()
    assert dict(zip(stored.keys, stored.texts, strict=True)) == {"a": "ä, again", "b0": "first", "b1": "ä, again"}
    assert stored.rows[stored.keys.index("a")].tolist() == [1, 1, 1]


def test_texts_that_do_not_fit_the_rows_are_damage(tmp_path):
    arrays = {"keys": np.array([b"a", b"b"]), "rows": np.ones((2, 3), np.float32), "texts": np.array([b"one"])}
    np.savez(tmp_path / "pets.npz", columns=np.array(COLUMNS), **arrays)
    cache = FeatureCache(tmp_path, "pets", COLUMNS, texts=True)
    assert (cache.load().keys, len(cache.notices)) == ([], 1)


def test_later_rows_are_added_and_the_last_counts(tmp_path):
    filled(tmp_path)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        cache.add("c", np.full(3, 9, np.float32))
        cache.add("d", np.full(3, 8, np.float32))
    rows, _ = loaded(tmp_path)
    assert rows["pitch"].to_dict() == {"a": 0, "b": 1, "c": 9, "d": 8}


def test_rows_reach_part_files_while_the_run_goes_on(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        cache.add("a", np.zeros(3, np.float32))
        now[0] += 1.9
        cache.add("b", np.zeros(3, np.float32))
        assert len(loaded(tmp_path)[0]) == 0
        now[0] += 0.2
        cache.add("c", np.zeros(3, np.float32))
        cache.add("d", np.zeros(3, np.float32))
        assert loaded(tmp_path)[0].index.tolist() == ["a", "b", "c"]
        assert [name for name in names(tmp_path) if name == "pets.npz"] == []
    assert sorted(loaded(tmp_path)[0].index) == ["a", "b", "c", "d"]
    assert names(tmp_path) == ["pets.npz"]


def test_a_long_run_leaves_few_part_files(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "FLUSH_S", 0.0)
    monkeypatch.setattr(feature_cache, "MAX_PARTS", 4)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        for number in range(23):
            cache.add(str(number), np.zeros(3, np.float32))
            assert len(names(tmp_path)) <= 6
    assert len(loaded(tmp_path)[0]) == 23


@pytest.mark.parametrize("ending", [pytest.param("killed", marks=pytest.mark.slow), "torn"])
def test_a_killed_run_keeps_its_rows_and_the_next_merges_them(tmp_path, ending):
    assert writer(tmp_path, "x", 4, ending).wait(60) == -signal.SIGKILL
    assert "pets.npz" not in names(tmp_path)
    rows, notices = loaded(tmp_path)
    assert sorted(rows.index) == ["x0", "x1", "x2", "x3"]
    assert notices == []
    filled(tmp_path)
    assert names(tmp_path) == ["pets.npz"]
    assert sorted(loaded(tmp_path)[0].index) == ["a", "b", "c", "x0", "x1", "x2", "x3"]


@pytest.mark.slow
def test_parts_left_are_merged_even_when_nothing_is_new(tmp_path):
    assert writer(tmp_path, "x", 1, "killed").wait(60) == -signal.SIGKILL
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert len(cache.load().keys) == 1
    assert names(tmp_path) == ["pets.npz"]


@pytest.mark.slow
def test_two_processes_at_once_lose_nothing(tmp_path):
    both = [writer(tmp_path, prefix, 60) for prefix in "xy"]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(loaded(tmp_path)[0].index) == sorted(f"{p}{n}" for p in "xy" for n in range(60))
    assert names(tmp_path) == ["pets.npz"]


def damage_nothing_left(file):
    file.write_bytes(b"")


def damage_text(file):
    file.write_text("this is no archive")


def damage_truncated(file):
    file.write_bytes(file.read_bytes()[:-200])


def damage_one_bit_of_the_first_page(file):
    data = bytearray(file.read_bytes())
    data[80] ^= 4
    file.write_bytes(data)


def damage_other_columns(file):
    np.savez(file, keys=np.array([b"a"]), columns=np.array(["pitch"]), rows=np.ones((1, 1), np.float32))


def damage_words_for_numbers(file):
    np.savez(file, keys=np.array([b"a"]), columns=np.array(COLUMNS), rows=np.array([["high"] * 3]))


def damage_rows_without_keys(file):
    np.savez(file, columns=np.array(COLUMNS), rows=np.ones((1, 3), np.float32))


def damage_fewer_keys_than_rows(file):
    np.savez(file, keys=np.array([b"a"]), columns=np.array(COLUMNS), rows=np.ones((2, 3), np.float32))


def damage_objects_that_would_be_unpickled(file):
    np.savez(file, keys=np.array([b"a"]), columns=np.array(COLUMNS), rows=np.array([[1, 2, None]], dtype=object))


@functools.cache
def zeros_that_unfold():
    packed, zeros = io.BytesIO(), np.zeros((100_000_000, 3), np.uint8)
    np.savez_compressed(packed, keys=np.array([b"a"]), columns=np.array(COLUMNS), rows=zeros)
    return packed.getvalue()


def damage_zeros_that_unfold(file):
    file.write_bytes(zeros_that_unfold())


def damage_a_header_that_is_none(file):
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("keys", "columns", "rows"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '\x00(" + bytes(20))


def damage_a_shape_beyond_memory(file):
    with zipfile.ZipFile(file, "w") as archive:
        head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,), }\n"
        for name in ("keys", "columns", "rows"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + bytes([len(head), 0]) + head)


DAMAGES = [value for name, value in list(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_and_rebuilt(tmp_path, damage):
    file = filled(tmp_path)
    damage(file)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert len(cache.load().keys) == 0
        cache.add("a", np.ones(3, np.float32))
    assert len(cache.notices) == 1
    assert f"{file} is damaged" in cache.notices[0]
    assert "\n" not in cache.notices[0]
    rows, notices = loaded(tmp_path)
    assert (rows.index.tolist(), notices) == (["a"], [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_looked_up_in_a_damaged_file_is_told_and_rebuilt(tmp_path, damage):
    file = filled(tmp_path)
    damage(file)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert cache.find("a") is None
        cache.add("a", np.ones(3, np.float32))
        assert cache.find("a")[0].tolist() == [1, 1, 1]
    assert len(cache.notices) == 1
    assert f"{file} is damaged" in cache.notices[0]
    rows, notices = loaded(tmp_path)
    assert (rows.index.tolist(), notices) == (["a"], [])


def test_rows_are_looked_up_without_reading_others(tmp_path):
    with FeatureCache(tmp_path, "pets", COLUMNS, texts=True) as cache:
        assert cache.find("a") is None
        for number in range(1000):
            cache.add(f"key {number}", np.full(3, number, np.float32), f"text {number}")
        assert cache.find("key 7")[1] == "text 7"
    cache = FeatureCache(tmp_path, "pets", COLUMNS, texts=True)
    for number in (0, 500, 999):
        row, text = cache.find(f"key {number}")
        assert (row.tolist(), text) == ([number] * 3, f"text {number}")
    assert [cache.find(key) for key in ("key 1000", "key", "", "ä")] == [None] * 4


def test_keys_of_one_mark_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.features.rows_on_disk._mark", lambda key: 5)
    filled(tmp_path)
    cache = FeatureCache(tmp_path, "pets", COLUMNS)
    assert [cache.find(key)[0][0] for key in "abc"] == [0, 1, 2]
    assert cache.find("d") is None


def test_a_row_is_found_wherever_it_lies_by_now(tmp_path, monkeypatch):
    """In memory, in a part, in the one file, and in files that are full."""
    monkeypatch.setattr(feature_cache, "FLUSH_S", 0.0)
    monkeypatch.setattr(feature_cache, "MAX_PARTS", 4)
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 2000)
    filled(tmp_path)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        for number in range(200):
            cache.add(f"k{number}", np.full(3, number, np.float32))
            assert [cache.find(f"k{each}")[0][0] for each in {0, number // 2, number}] == [*{0, number // 2, number}]
            assert cache.find("b")[0][0] == 1
        assert cache.notices == []


def test_full_files_are_left_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "FLUSH_S", 0.0)
    monkeypatch.setattr(feature_cache, "MAX_PARTS", 4)
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 2000)
    written, write = [], FeatureCache._write

    def counting(cache, file, stored):
        written.append(len(stored.keys))
        write(cache, file, stored)

    monkeypatch.setattr(FeatureCache, "_write", counting)
    for n in (250, 500):
        with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
            for number in range(n - 250, n):
                cache.add(f"k{number}", np.full(3, number, np.float32))
        assert sum(written) < 20 * n  # as many times for ten times the rows
        assert len(loaded(tmp_path)[0]) == n
    small = [name for name in names(tmp_path) if (tmp_path / name).stat().st_size < 2000]
    assert (len(small) <= 1, len(names(tmp_path)) > 5) == (True, True)


def test_a_damaged_file_that_is_full_is_rebuilt(tmp_path, monkeypatch):
    file = filled(tmp_path)
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 100)
    file.write_bytes(file.read_bytes()[:-200])
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert cache.load().keys == []
        cache.add("d", np.zeros(3, np.float32))
    rows, notices = loaded(tmp_path)
    assert (rows.index.tolist(), notices) == (["d"], [])


def test_a_damaged_part_costs_only_its_own_rows(tmp_path):
    filled(tmp_path)
    (tmp_path / f"pets.{PART}.npz").write_bytes(b"PK")
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert len(cache.load().keys) == 3
    assert f"pets.{PART}.npz is damaged" in cache.notices[0]
    assert names(tmp_path) == ["pets.npz"]
    assert loaded(tmp_path)[1] == []


def test_no_bit_of_damage_gives_wrong_numbers(tmp_path):
    file = filled(tmp_path)
    whole, expected = file.read_bytes(), loaded(tmp_path)[0]
    rng = np.random.default_rng(0)
    n_noticed = 0
    for place in rng.choice(len(whole), 150, replace=False):
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(data)
        rows, notices = loaded(tmp_path)
        n_noticed += bool(notices)
        assert notices or rows.equals(expected)
        cache = FeatureCache(tmp_path, "pets", COLUMNS)
        found = {key: cache.find(key) for key in expected.index}
        assert cache.notices or all(row.tolist() == expected.loc[key].tolist() for key, (row, _) in found.items())
    assert n_noticed > 50


def test_a_part_merged_by_another_run_meanwhile_is_no_damage(tmp_path, monkeypatch):
    filled(tmp_path)
    monkeypatch.setattr(FeatureCache, "_files", lambda cache: [tmp_path / "pets.npz", tmp_path / "pets.gone.npz"])
    rows, notices = loaded(tmp_path)
    assert (len(rows), notices) == (3, [])


def test_a_full_disk_ends_the_keeping_and_not_the_run(tmp_path, monkeypatch):
    filled(tmp_path)

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_cache, "FLUSH_S", 0.0)
    monkeypatch.setattr(np, "savez", full)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        for key in "xyz":
            cache.add(key, np.zeros(3, np.float32))
    assert len(cache.notices) == 1
    assert "cannot be written (No space left on device)" in cache.notices[0]
    assert names(tmp_path) == ["pets.npz"]
    assert len(loaded(tmp_path)[0]) == 3


def test_a_disk_that_fills_up_at_the_merge_keeps_the_parts(tmp_path, monkeypatch):
    write = FeatureCache._write

    def full(cache, file, rows):
        if file.name == "pets.npz":
            raise OSError("the disk is full\nand more")
        write(cache, file, rows)

    with monkeypatch.context() as patch:
        patch.setattr(FeatureCache, "_write", full)
        filled(tmp_path)
    assert len(loaded(tmp_path)[0]) == 3
    filled(tmp_path, keys=["d"])
    assert len(loaded(tmp_path)[0]) == 4


def test_a_folder_that_only_others_may_write_is_read(tmp_path, monkeypatch):
    filled(tmp_path)

    def forbidden(cache):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FeatureCache, "_lock", forbidden)
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert len(cache.load().keys) == 3
        cache.add("d", np.zeros(3, np.float32))
    assert "Permission denied" in cache.notices[0]


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "cache").write_text("occupied")
    with FeatureCache(tmp_path / "cache", "pets", COLUMNS) as cache:
        assert len(cache.load().keys) == 0
        cache.add("a", np.zeros(3, np.float32))
    assert len(cache.notices) == 1
    assert (tmp_path / "cache").read_text() == "occupied"


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_network_folders_without_locks_will_do(tmp_path, monkeypatch):
    def no_lock(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("affectmap.temporary.fcntl.flock", no_lock)
    filled(tmp_path)
    assert len(loaded(tmp_path)[0]) == 3


def test_an_interrupted_block_is_written_and_the_interrupt_goes_on(tmp_path):
    def interrupted():
        with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
            cache.add("a", np.zeros(3, np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert loaded(tmp_path)[0].index.tolist() == ["a"]


@pytest.mark.parametrize("name", ["my/../corpus", "straße 12", "a.b", "*[x]?", "n" * 300, "CON:"])
def test_any_name_will_do(tmp_path, name):
    with FeatureCache(tmp_path, name, COLUMNS) as cache:
        cache.add("a", np.zeros(3, np.float32))
    assert FeatureCache(tmp_path, name, COLUMNS).load().keys == ["a"]
    assert len(names(tmp_path)) == 1


def test_names_that_begin_alike_keep_apart(tmp_path):
    filled(tmp_path, name="pets")
    filled(tmp_path, keys=["z"], name="pets.small")
    assert len(loaded(tmp_path)[0]) == 3


def test_folders_named_like_partitions_add_no_columns(tmp_path):
    filled(tmp_path / "language=de")
    assert list(loaded(tmp_path / "language=de")[0].columns) == COLUMNS


def test_what_others_keep_in_its_folder_is_left_alone(tmp_path):
    others = [
        "pets.parquet",
        "pets.0123.rows",
        "pets.2024.npz",
        ".pets.csv.0123456789ab.part",
        ".pets.0123456789ab.part",
    ]
    torn = [".pets.npz.0123456789ab.part", f".pets.{PART}.np.0123456789ab.part"]
    for name in (*others, *torn):
        (tmp_path / name).write_text("x")
    filled(tmp_path)
    assert names(tmp_path) == sorted([*others, "pets.npz"])


def test_a_file_of_others_that_is_called_as_its_own_is_left_alone(tmp_path):
    np.savez(tmp_path / "pets.npz", pitch=np.zeros(3))
    before = (tmp_path / "pets.npz").read_bytes()
    with FeatureCache(tmp_path, "pets", COLUMNS) as cache:
        assert cache.load().keys == []
        cache.add("a", np.zeros(len(COLUMNS), np.float32))
    assert (names(tmp_path), (tmp_path / "pets.npz").read_bytes()) == (["pets.npz"], before)
    reason = "pets.npz in it is another program's; name another folder"
    assert cache.notices == [f"the cache {tmp_path} cannot be written ({reason}); new features are not kept"]
