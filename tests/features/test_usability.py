"""Which utterances of a corpus can be used: whole recordings, segments, and tables of another kind."""

import numpy as np
import pandas as pd
import soundfile

from affectmap.features.usability import check_usability
from affectmap.schema import segmented_index


def table(files, starts=None, ends=None):
    times = [None if each is None else pd.to_timedelta(each, unit="s") for each in (starts, ends)]
    return pd.DataFrame(index=segmented_index([str(file) for file in files], *times))


def test_segments_are_looked_at_one_by_one(tmp_path):
    signal = np.concatenate([0.3 * np.sin(np.arange(16000) / 9), np.zeros(16000)])
    soundfile.write(tmp_path / "a.wav", signal, 16000)
    parts = table([tmp_path / "a.wav"] * 4, [0, 0.5, 1, 0], [1, 2, 2, 3])
    found = check_usability("mine", parts, cache=tmp_path / "cache", n_jobs=1)
    np.testing.assert_array_equal(found.duration_s, [1, 1.5, np.nan, np.nan])
    assert [finding.detail.split(":")[0] for finding in found.findings] == ["from 1 s to 2 s", "from 0 s to 3 s"]
    assert found.duration_s.index.equals(parts.index)


def test_what_is_to_be_told_of_recordings_that_can_be_used(tmp_path):
    tone = 0.3 * np.sin(np.arange(8000) / 9)
    for file, signal in (("a.wav", tone), ("b.wav", tone / 2), ("c.wav", np.stack([tone, 0 * tone], axis=1))):
        soundfile.write(tmp_path / file, signal, 16000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes() * 2)
    for _ in range(2):  # the second time it is found in the cache
        found = check_usability(
            "mine", table([tmp_path / name for name in ("a.wav", "b.wav", "c.wav")]), cache=tmp_path
        )
        np.testing.assert_array_equal(found.duration_s, [1, 0.5, 0.5])
        assert [(finding.kind, finding.file[-5:], finding.detail[:25]) for finding in found.findings] == [
            ("note", "a.wav", "2 recordings follow one a"),
            ("note", "c.wav", "channel 2 of 2 is silent "),
        ]


def test_missing_files_and_progress(tmp_path):
    steps = []
    found = check_usability(
        "mine", table([tmp_path / "gone.wav"]), cache=tmp_path, progress=lambda *step: steps.append(step)
    )
    assert found.duration_s.isna().all()
    assert found.findings[0].detail == "there is no such file; restore it or correct its path"
    assert steps[-1] == (1, 1)
