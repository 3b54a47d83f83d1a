"""What is measured of a corpus: its recordings, their bytes, and what can be used."""

import audformat
import numpy as np
import pandas as pd
import pytest

from affectmap.errors import AudioError
from affectmap.features.cache import Stored
from affectmap.features.utterances import Utterance, file_digests, fill_known, list_utterances, row_keys, usable_rows
from affectmap.parallel.workers import local_threads


def test_whole_files_and_segments():
    index = audformat.segmented_index(["a.wav", "a.wav"], [0, 1.5], [pd.NaT, 2])
    assert list_utterances(index) == [Utterance("a.wav", 0.0, None), Utterance("a.wav", 1.5, 2.0)]


def test_a_digest_is_of_the_bytes(tmp_path):
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"other")):
        (tmp_path / name).write_bytes(content)
    utterances = [Utterance(str(tmp_path / name), 0.0, None) for name in "abcd"]
    with local_threads(1) as threads:
        a, b, c, missing = file_digests(utterances, threads).values()
    assert a == b != c
    assert missing == ""


def test_keys_tell_segments_and_ways_apart():
    utterances = [Utterance("a.wav", 0.0, None), Utterance("a.wav", 1.0, None)]
    keys = {key for how in ("x", "y") for key in row_keys(utterances, {"a.wav": "1f"}, how)}
    assert len(keys) == 4


def test_known_rows_are_filled_in():
    values = np.full((3, 2), np.nan, np.float32)
    known = Stored(["j", "k"], np.array([[0, 0], [1, 2]], np.float32), ["", ""])
    assert fill_known(values, ["", "k", "l"], known) == [0, 2]
    assert values[1].tolist() == [1, 2]


def test_unusable_rows_are_findings():
    index = audformat.segmented_index(["a.wav", "b.wav", "b.wav"], [0, 1, 2], [pd.NaT, 2, pd.NaT])
    failures = {1: AudioError("b.wav: silent"), 2: AudioError("b.wav: short")}
    rows, findings = usable_rows("pets", index, np.eye(3, 2, dtype=np.float32), ["x", "y"], failures)
    assert rows.index.get_level_values("file").tolist() == ["a.wav"]
    assert [finding.detail for finding in findings] == ["from 1 s to 2 s: silent", "from 2 s to its end: short"]
    assert all(finding.dropped and finding.kind == "unreadable" for finding in findings)


def test_nothing_usable_is_refused():
    index = audformat.segmented_index(["a.wav"])
    with pytest.raises(AudioError, match=r"pets: none of its 1 utterances can be used: a\.wav: silent"):
        usable_rows("pets", index, np.zeros((1, 1)), ["x"], {0: AudioError("a.wav: silent")})
