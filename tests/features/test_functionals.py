import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr

from affectmap import egemaps
from affectmap.audio.cleaning import without_offset
from affectmap.audio.conditions import measure_conditions
from affectmap.audio.reading import read_audio, resample
from affectmap.errors import AudioError, ConfigError, CorpusError, UsageError
from affectmap.features import cache as feature_cache
from affectmap.features import functionals as features
from affectmap.features.cache import cache_folder
from affectmap.features.engines import feature_names, measure_functionals
from affectmap.features.functionals import corpus_functionals, extract_functionals
from affectmap.parallel.workers import WorkersError
from affectmap.schema import CORRECTED, FUNCTIONALS
from cases import each

RUN = """
import signal, sys
from pathlib import Path
import pandas as pd
from affectmap.features import cache as feature_cache
from affectmap.features.functionals import extract_functionals

folder, at, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
feature_cache.FLUSH_S = 0.0
files = sorted(str(file) for file in folder.glob("*.wav"))
none = pd.to_timedelta([pd.NaT] * len(files))
index = pd.MultiIndex.from_arrays([files, none.fillna(pd.Timedelta(0)), none], names=["file", "start", "end"])

def progress(done, total):
    if done == at:
        signal.raise_signal(number)

try:
    extract_functionals("pets", pd.DataFrame(index=index), cache=folder / "cache", progress=progress)
except KeyboardInterrupt:
    sys.exit(130)
"""


def table_of(files, starts=None, ends=None):
    starts = pd.to_timedelta([0] * len(files) if starts is None else starts, unit="s")
    ends = pd.to_timedelta([None] * len(files) if ends is None else ends, unit="s")
    index = pd.MultiIndex.from_arrays([list(map(str, files)), starts, ends], names=["file", "start", "end"])
    return pd.DataFrame(index=index)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pets(write_voice):
    return [write_voice(f"{name}.wav", seed=seed) for seed, name in enumerate(["dog", "cat", "ape", "bee", "cow"])]


@pytest.fixture
def measured(monkeypatch):
    """Collect the signals that are measured."""
    signals, measure = [], features.measure_functionals

    def counted(samples, *how):
        signals.append(samples)
        return measure(samples, *how)

    monkeypatch.setattr(features, "measure_functionals", counted)
    return signals


# What is measured


def expected_of(signal, sampling_rate=16000):
    return egemaps.functionals(without_offset(resample(signal, sampling_rate, 16000)), 16000).astype(np.float32)


def test_mono_16_khz_is_measured_as_it_is(pets):
    functionals, findings = extract_functionals("pets", table_of(pets))
    assert findings == []
    assert functionals.index.equals(table_of(pets).index)
    assert list(functionals.columns) == list(FUNCTIONALS)
    assert (functionals.dtypes == np.float32).all()
    for file, row in zip(pets, functionals.to_numpy(), strict=True):
        np.testing.assert_array_equal(row, expected_of(read_audio(file)[0]))


@each(("offset", "engine"), [(0.02, "egemaps"), (0.1, "egemaps"), (-0.3, "egemaps"), (0.1, "opensmile")])
def test_an_offset_changes_nothing(write_voice, tmp_path, offset, engine):
    file = write_voice(f"{offset}{engine}.wav")
    signal, rate = read_audio(file)
    moved = tmp_path / f"moved{file.name}"
    soundfile.write(moved, signal + offset, rate, subtype="FLOAT")
    rows = extract_functionals("pets", table_of([file, moved]), engine=engine)[0].to_numpy()
    spread = np.maximum(np.abs(rows[0]), 0.1)
    assert np.max(np.abs(rows[1] - rows[0]) / spread) < 0.02


@each("sampling_rate", [8000, 44100, 48000])
def test_other_rates_are_resampled_and_told(write_voice, sampling_rate):
    file = write_voice(f"{sampling_rate}.wav", sampling_rate)
    functionals, findings = extract_functionals("pets", table_of([file]))
    np.testing.assert_array_equal(functionals.to_numpy()[0], expected_of(*read_audio(file)))
    assert [(f.kind, f.dropped) for f in findings] == [("note", False)]
    missing = "; what lies above 4000 Hz is missing in those of 8000 Hz" if sampling_rate == 8000 else ""
    assert findings[0].detail == (
        f"recorded at {sampling_rate} Hz (1), resampled to 16000 Hz, at which all were measured{missing}"
    )
    assert extract_functionals("pets", table_of([file]))[1] == findings


def test_another_rate_can_be_asked_for(write_voice):
    file = write_voice("a.wav", 44100)
    functionals, findings = extract_functionals("pets", table_of([file]), sampling_rate=44100)
    expected = egemaps.functionals(without_offset(read_audio(file)[0]), 44100)
    np.testing.assert_array_equal(functionals.to_numpy()[0], expected.astype(np.float32))
    assert findings == []


def test_segments_are_measured_as_recordings_of_their_own(write_voice):
    file = write_voice("a.wav", seconds=1.0)
    table = table_of([file] * 3, starts=[0.1, 0.0, 0.50003], ends=[0.4, 0.7, None])
    functionals, _ = extract_functionals("pets", table)
    for (_, start, end), row in zip(table.index, functionals.to_numpy(), strict=True):
        np.testing.assert_array_equal(row, expected_of(read_audio(file, start, end)[0]))


def test_opensmile_measures_where_it_is_asked_to(pets):
    rows, _ = extract_functionals("pets", table_of(pets), engine="opensmile")
    for file, row in zip(pets, rows.to_numpy(), strict=True):
        np.testing.assert_array_equal(row, measure_functionals(read_audio(file)[0], 16000, "opensmile"))
    ours, _ = extract_functionals("pets", table_of(pets))  # is not found among openSMILE's
    assert not np.array_equal(ours.to_numpy(), rows.to_numpy())


def test_the_corrected_set_is_kept_apart_in_the_cache(pets, own_cache):
    rows = {engine: extract_functionals("pets", table_of(pets), engine=engine)[0] for engine in ("egemaps", CORRECTED)}
    assert tuple(rows[CORRECTED].columns) == feature_names(CORRECTED)
    assert not np.allclose(rows[CORRECTED], rows["egemaps"])
    for engine, expected in rows.items():
        again, _ = extract_functionals("pets", table_of(pets), engine=engine)
        pd.testing.assert_frame_equal(again, expected)


def test_an_engine_that_is_none():
    with pytest.raises(UsageError, match="engine is 'praat'; expected one of egemaps, opensmile"):
        extract_functionals("pets", table_of([]), engine="praat")


def test_threads_change_nothing(pets):
    results = [
        extract_functionals("pets", table_of(pets), cache=Path(f"{pets[0]}.{n_jobs}"), n_jobs=n_jobs)[0]
        for n_jobs in (1, 2, 7)
    ]
    assert results[0].equals(results[1])
    assert results[0].equals(results[2])


# The cache


def test_the_second_run_measures_nothing(pets, measured):
    first, _ = extract_functionals("pets", table_of(pets))
    assert len(measured) == 5
    second, findings = extract_functionals("pets", table_of(pets))
    assert len(measured) == 5
    assert second.equals(first)
    assert findings == []


def test_order_is_kept_from_cache_and_measurement_alike(pets, measured):
    expected = extract_functionals("pets", table_of(pets))[0]
    shutil.rmtree(cache_folder())
    extract_functionals("pets", table_of(pets[1::2]))
    table = table_of(pets[::-1])
    functionals, _ = extract_functionals("pets", table)
    assert functionals.index.equals(table.index)
    assert functionals.equals(expected.loc[table.index])
    assert len(measured) == 5 + 2 + 3


def test_renamed_and_moved_recordings_are_found(pets, tmp_path, measured):
    before, _ = extract_functionals("pets", table_of(pets))
    (tmp_path / "elsewhere").mkdir()
    moved = [file.rename(tmp_path / "elsewhere" / f"x{file.name}") for file in pets]
    for file in moved:
        os.utime(file, (1, 1))
    after, _ = extract_functionals("pets", table_of(moved))
    np.testing.assert_array_equal(after.to_numpy(), before.to_numpy())
    assert len(measured) == 5


def test_changed_recordings_are_measured_again(pets, voice, measured):
    before, _ = extract_functionals("pets", table_of(pets))
    stamp = pets[2].stat()
    soundfile.write(pets[2], voice(seed=99), 16000)
    os.utime(pets[2], ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert pets[2].stat().st_size == stamp.st_size
    after, _ = extract_functionals("pets", table_of(pets))
    assert len(measured) == 6
    assert [bool(same) for same in (before.to_numpy() == after.to_numpy()).all(axis=1)] == [1, 1, 0, 1, 1]


@each(("place", "name"), [("affectmap.egemaps.VERSION", "0"), ("affectmap.features.engines.CLEANING", "nothing")])
def test_another_version_or_cleaning_measures_again(pets, measured, place, name):
    extract_functionals("pets", table_of(pets))
    before = len(measured)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name)
        extract_functionals("pets", table_of(pets))
    assert len(measured) == before + 5


def test_rates_and_segments_are_kept_apart(write_voice, measured):
    file = write_voice("a.wav", seconds=1.0)
    tables = [table_of([file]), table_of([file], [0.0], [0.5]), table_of([file], [0.5], [1.0])]
    rows = [
        extract_functionals("pets", table, sampling_rate=rate)[0].to_numpy()[0]
        for _ in range(2)
        for table in tables
        for rate in (8000, 16000)
    ]
    assert len(measured) == 6
    np.testing.assert_array_equal(rows[:6], rows[6:])
    assert len({row.tobytes() for row in rows}) == 6


def test_corpora_with_the_same_name_share_their_rows(pets, measured):
    extract_functionals("pets", table_of(pets[:3]))
    extract_functionals("pets", table_of(pets[2:]))
    extract_functionals("pets", table_of(pets))
    assert len(measured) == 5


def test_recordings_whose_bytes_could_not_be_hashed_are_measured_and_not_kept(pets, measured, monkeypatch):
    def fail(handle, algorithm):
        raise OSError(errno.EIO, "Input/output error")

    expected, _ = extract_functionals("pets", table_of(pets))
    monkeypatch.setattr(hashlib, "file_digest", fail)
    for _ in range(2):
        assert extract_functionals("pets", table_of(pets))[0].equals(expected)
    assert len(measured) == 15


def test_a_recording_that_is_there_twice(pets, tmp_path):
    copy = Path(shutil.copy(pets[0], tmp_path / "copy.wav"))
    functionals, _ = extract_functionals("pets", table_of([pets[0], copy]))
    assert functionals.iloc[0].equals(functionals.iloc[1].rename(functionals.index[0]))


def test_where_the_cache_lies(pets, tmp_path, monkeypatch, own_cache):
    assert cache_folder() == own_cache
    assert cache_folder(tmp_path / "mine") == tmp_path / "mine"
    extract_functionals("pets", table_of(pets[:1]), cache=tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").glob("*.npz")] == ["pets-egemaps-16000Hz.npz"]
    monkeypatch.delenv("AFFECTMAP_CACHE")
    assert cache_folder().parts[-2:] == ("affectmap", "features")


@pytest.mark.parametrize("content", [b"", b"PK no archive", None])
def test_a_damaged_cache_is_told_and_rebuilt(pets, measured, own_cache, content):
    before, _ = extract_functionals("pets", table_of(pets))
    file = own_cache / "pets-egemaps-16000Hz.npz"
    file.write_bytes(file.read_bytes()[:-1000] if content is None else content)
    after, findings = extract_functionals("pets", table_of(pets))
    assert after.equals(before)
    assert [(f.corpus, f.kind, f.dropped) for f in findings] == [("pets", "note", False)]
    assert "is damaged" in findings[0].detail
    assert extract_functionals("pets", table_of(pets))[1] == []
    assert len(measured) == 10


def test_a_full_disk_does_not_lose_the_run(pets, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_cache, "FLUSH_S", 0.0)
    monkeypatch.setattr(np, "savez", full)
    functionals, findings = extract_functionals("pets", table_of(pets))
    assert len(functionals) == 5
    assert len(findings) == 1
    assert "No space left on device" in findings[0].detail


# Interruptions


def run_apart(folder, at, number):
    """Measure a folder's recordings in another process, which sends itself a signal when so many are done."""
    return subprocess.run(
        [sys.executable, "-c", RUN, str(folder), str(at), str(int(number))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_done(pets, measured):
    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_functionals("pets", table_of(pets), n_jobs=1, progress=interrupt)
    before = len(measured)
    functionals, _ = extract_functionals("pets", table_of(pets))
    assert len(functionals) == 5
    assert len(measured) - before == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_ended_by_a_signal_is_resumed(tmp_path, write_voice, measured, number):
    files = sorted(write_voice(f"{seed}.wav", seed=seed, seconds=0.2) for seed in range(9))
    run = run_apart(tmp_path, 4, number)
    assert run.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130), run.stderr
    assert run.stderr == ""
    functionals, findings = extract_functionals("pets", table_of(files))
    assert findings == []
    assert len(functionals) == 9
    assert len(measured) == 5
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1


# Recordings that cannot be used


@pytest.fixture
def broken(tmp_path, voice):
    """Files with one fault each, and a word that the reason must hold."""
    none = np.zeros(4000)
    made = {
        "silent": (none, "silent"),
        "constant": (none + 0.25, "silent, its peak of 0 without its offset of 0.25"),
        "short": (voice(0.05), "lasts 0.05 s"),
        "nan": (none + np.nan, "4000 of 4000 samples are NaN"),
        "loud": (voice() * 32768, "expected -1..1"),
        "nothing": (none[:0], "holds no samples"),
    }
    for name, (samples, _) in made.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "cut.wav", voice(1.0), 16000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:9000])
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    reasons = {name: reason for name, (_, reason) in made.items()}
    reasons |= {
        "cut": "cut short",
        "text": "not audio",
        "empty": "0 bytes",
        "folder": "not a file",
        "gone": "no such",
    }
    return {tmp_path / f"{name}.wav": reason for name, reason in reasons.items()}


def test_every_unusable_recording_is_dropped_and_told(pets, broken, measured):
    files = [file for pair in zip([*pets, *pets, *pets], broken, strict=False) for file in pair]
    table = table_of(files, starts=np.arange(len(files)) * 1e-6)
    usable = [file in pets for file in files]
    for _ in range(2):
        functionals, findings = extract_functionals("pets", table)
        assert functionals.index.equals(table.index[usable])
        assert [f.file for f in findings] == [str(file) for file in broken]
        for finding, (file, reason) in zip(findings, broken.items(), strict=True):
            assert (finding.corpus, finding.kind, finding.dropped) == ("pets", "unreadable", True)
            assert reason in finding.detail
            assert str(file) not in finding.detail
    assert len(measured) == sum(usable)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_strict_raises(pets, broken, n_jobs):
    with pytest.raises(AudioError, match=r"silent\.wav: silent"):
        extract_functionals("pets", table_of([*pets, next(iter(broken))]), strict=True, n_jobs=n_jobs)


def test_strict_keeps_what_was_measured(pets, broken, measured):
    with pytest.raises(AudioError, match="silent"):
        extract_functionals("pets", table_of([*pets, next(iter(broken))]), strict=True, n_jobs=1)
    n_before = len(measured)
    assert len(extract_functionals("pets", table_of(pets))[0]) == 5
    assert len(measured) - n_before <= 2  # one thread has at most two recordings on its hands


def test_nothing_usable_is_an_error_with_the_first_reasons(broken):
    with pytest.raises(
        AudioError, match=r"pets: none of its 11 utterances can be used: .*silent.*constant.*lasts"
    ) as caught:
        extract_functionals("pets", table_of(list(broken)))
    assert "\n" not in str(caught.value)


def test_no_rows_at_all():
    with pytest.raises(AudioError, match="none of its 0 utterances"):
        extract_functionals("pets", table_of([]))


def test_segments_are_named_in_the_reason(write_voice):
    file = write_voice("a.wav", seconds=1.0)
    table = table_of([file] * 4, starts=[0, 0.5, 0.3, 2.0], ends=[None, 2.0, 0.31, None])
    functionals, findings = extract_functionals("pets", table)
    assert len(functionals) == 1
    assert findings[0].detail.startswith("from 0.5 s to 2 s: segment 0.5-2 s lies outside of its 1.000 s")
    assert findings[1].detail.startswith("from 0.3 s to 0.31 s: lasts 0.01 s")
    assert findings[2].detail.startswith("from 2 s to its end: ")


def test_an_end_of_zero_is_not_the_whole_file(write_voice):
    file = write_voice("a.wav")
    extract_functionals("pets", table_of([file]))
    table = table_of([file, file], starts=[0, 0], ends=[None, 0])
    assert [f.kind for f in extract_functionals("pets", table)[1]] == ["unreadable"]


def test_a_failure_of_the_engine_costs_one_recording(pets, monkeypatch):
    measure = egemaps.functionals
    doomed = without_offset(read_audio(pets[1])[0])

    def fail(samples, sampling_rate):
        if np.array_equal(samples, doomed):
            raise RuntimeError("Code: 7")
        return measure(samples, sampling_rate)

    monkeypatch.setattr(egemaps, "functionals", fail)
    functionals, findings = extract_functionals("pets", table_of(pets))
    assert len(functionals) == 4
    assert findings[0].file == str(pets[1])
    assert "affectmap.egemaps cannot measure it (Code: 7)" in findings[0].detail


def test_functionals_that_are_not_finite_are_not_cached(pets, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(egemaps, "functionals", lambda *_: np.array([np.nan] * 3 + [1] * 85))
        with pytest.raises(AudioError, match="3 of its 88 functionals are not finite"):
            extract_functionals("pets", table_of(pets))
    assert len(extract_functionals("pets", table_of(pets))[0]) == 5


def test_recordings_too_short_once_resampled(write_voice):
    file = write_voice("a.wav", 8000, seconds=0.06)
    assert len(extract_functionals("pets", table_of([file]), sampling_rate=44100)[0]) == 1
    with pytest.raises(AudioError, match=r"lasts 0\.05997 s"):  # one sample is lost to rounding
        extract_functionals("pets", table_of([file]), sampling_rate=7037)


# Settings


def test_progress_counts_cached_and_dropped_utterances_too(pets, tmp_path):
    calls = []
    extract_functionals("pets", table_of(pets[:2]))
    extract_functionals("pets", table_of([*pets, tmp_path / "gone"]), progress=lambda *call: calls.append(call))
    assert calls == [(done, 6) for done in (2, 3, 4, 5, 6)]


@each(("name", "value", "least"), [("n_jobs", 0, 1), ("n_jobs", -1, 1), ("sampling_rate", 1999, 2000)])
def test_settings_out_of_range(pets, name, value, least):
    with pytest.raises(ConfigError, match=f"{name} is {value}, expected at least {least}"):
        extract_functionals("pets", table_of(pets), **{name: value})


def test_mixed_rates_are_told_with_their_numbers(write_voice):
    files = [write_voice(f"{rate}-{n}.wav", rate) for rate, n in [(8000, 0), (16000, 0), (16000, 1), (44100, 0)]]
    details = [f.detail for f in extract_functionals("pets", table_of(files))[1]]
    assert len(details) == 1
    assert "recorded at 8000 Hz (1), 44100 Hz (1), resampled to 16000 Hz" in details[0]


# Functionals that a corpus brings


@pytest.fixture
def brought():
    table = table_of(["a.wav", "b.wav", "c.wav"])
    numbers = np.random.default_rng(0).standard_normal((3, 88))
    return table, pd.DataFrame(numbers, table.index, list(FUNCTIONALS))


def test_functionals_brought_are_taken_as_they_are(brought):
    table, functionals = brought
    shuffled = functionals.iloc[[2, 0, 1], ::-1].assign(note="extra")
    used, conditions, findings = corpus_functionals("pets", table, shuffled)
    assert (conditions, findings) == (None, [])
    assert used.equals(functionals.astype(np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.filterwarnings("error")
def test_functionals_brought_that_are_not_finite_are_dropped(brought, value):
    table, functionals = brought
    functionals.iloc[1, [4, 9]] = value
    used, _, findings = corpus_functionals("pets", table, functionals)
    assert used.index.equals(table.index[[0, 2]])
    assert [(f.file, f.kind, f.dropped) for f in findings] == [("b.wav", "unreadable", True)]
    assert findings[0].detail.startswith("2 of its 88 functionals are not finite numbers")
    with pytest.raises(AudioError, match=r"b\.wav: 2 of its 88"):
        corpus_functionals("pets", table, functionals, strict=True)


def test_utterances_without_functionals_are_dropped(brought):
    table, functionals = brought
    used, _, findings = corpus_functionals("pets", table, functionals.iloc[:2])
    assert len(used) == 2
    assert findings[0].file == "c.wav"
    with pytest.raises(AudioError, match="none of its 3 utterances can be used"):
        corpus_functionals("pets", table, functionals * np.nan)


def test_functionals_brought_must_be_complete_and_unambiguous(brought):
    table, functionals = brought
    with pytest.raises(CorpusError, match=f"pets: 2 of the 88 functionals are missing, first {FUNCTIONALS[3]}"):
        corpus_functionals("pets", table, functionals.drop(columns=list(FUNCTIONALS[3:5])))
    with pytest.raises(CorpusError, match="name an utterance twice"):
        corpus_functionals("pets", table, functionals.iloc[[0, 1, 2, 2]])


def test_without_functionals_the_recordings_are_measured(pets, own_cache):
    functionals, conditions, findings = corpus_functionals("pets", table_of(pets), sampling_rate=8000, n_jobs=1)
    assert functionals.equals(extract_functionals("pets", table_of(pets), sampling_rate=8000)[0])
    assert [finding.kind for finding in findings] == ["note"]  # 16 kHz was resampled
    assert conditions.index.equals(functionals.index)
    expected = [measure_conditions(*read_audio(file)) for file in pets]
    np.testing.assert_array_equal(conditions.to_numpy(), np.float32(expected))
    assert corpus_functionals("pets", table_of(pets), sampling_rate=8000)[1].equals(conditions)  # from the cache
    assert (own_cache / "pets-egemaps-8000Hz.npz").exists()


def test_copies_are_measured_once_and_named_each_by_its_own_name(pets, tmp_path, measured):
    copy = tmp_path / "copy.wav"
    shutil.copy(pets[0], copy)
    silent, also = tmp_path / "silent.wav", tmp_path / "also.wav"
    for file in (silent, also):
        soundfile.write(file, np.zeros(8000), 16000)
    calls = []
    table = table_of([pets[0], silent, copy, also])
    rows, findings = extract_functionals("pets", table, progress=lambda *numbers: calls.append(numbers))
    assert len(measured) == 1
    np.testing.assert_array_equal(rows.to_numpy()[0], rows.to_numpy()[1])
    assert [Path(finding.file).name for finding in findings] == ["silent.wav", "also.wav"]
    assert findings[0].detail == findings[1].detail
    assert findings[0].detail.startswith("silent, its peak of 0")
    assert calls[-1] == (4, 4)
    with pytest.raises(AudioError, match=r"also\.wav: silent"):
        extract_functionals("pets", table_of([also]), strict=True)


def test_uneven_channels_and_narrow_bands_are_told(tmp_path, voice, own_cache):
    time = np.arange(2 * 16000) / 16000
    signal = voice(2.0) * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)
    narrow = soxr.resample(soxr.resample(signal, 16000, 8000), 8000, 16000)
    for name, channels in {"a": [signal, signal], "b": [signal, 0 * signal], "c": [narrow]}.items():
        soundfile.write(tmp_path / f"{name}.wav", np.stack(channels, axis=1), 16000)
    table = table_of([str(tmp_path / f"{name}.wav") for name in "abc"])
    for _ in range(2):  # measured, and found
        functionals, findings = extract_functionals("pets", table, n_jobs=1)
        assert [finding.detail.split(";")[0] for finding in findings] == [
            "1 of 3 utterances have channels that are not one sound alike",
            "1 of 3 utterances have no sound above 5200 Hz, as over the telephone, which moves functionals",
        ]
        assert [finding.detail.rsplit("/", 1)[1] for finding in findings] == ["b.wav", "c.wav"]
        np.testing.assert_allclose(functionals.iloc[1], functionals.iloc[0], rtol=1e-3, atol=1e-3)


def test_a_worker_with_another_version_of_the_engine_measures_nothing(pets, own_cache, monkeypatch):
    versions = iter(["2", *(["1"] * len(pets))])
    monkeypatch.setattr(features, "engine_version", lambda engine: next(versions))
    with pytest.raises(WorkersError, match="has egemaps 1, not 2; install one on all"):
        extract_functionals("pets", table_of(pets), n_jobs=1)
    assert not list(own_cache.glob("*.npz"))
