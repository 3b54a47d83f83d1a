"""Two people on one recording: by channel, by voice, against an enrolled voice, and what is awkward."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.errors import AudioError, ConfigError
from affectmap.track import track as follow

RATE = 16000
WHO = [0, 1, 0, 1, 0, 1]
SECONDS = [3.0, 2.5, 2.0, 3.5, 3.0, 2.5]
STARTS = np.cumsum([0.0, *np.array(SECONDS) + 0.7])[:-1]

pytestmark = pytest.mark.usefixtures("loud_is_speech")


@pytest.fixture
def write(tmp_path):
    def written(name, signal):
        soundfile.write(tmp_path / name, signal, RATE)
        return tmp_path / name

    return written


@pytest.fixture
def parts(speak):
    return [speak(who, seconds, seed) for seed, (who, seconds) in enumerate(zip(WHO, SECONDS, strict=True))]


@pytest.fixture
def talk(write, parts):
    pause = np.zeros(round(0.7 * RATE))
    return write("talk.wav", np.concatenate([each for part in parts for each in (part, pause)]))


def names(track):
    return track.table["speaker"].tolist()


def test_by_sound(talk, model):
    found = follow(talk, model, n_speakers=2)
    assert names(found) == ["S1", "S2"] * 3
    assert found.table.columns[:2].tolist() == ["speech", "speaker"]
    assert found.notes[0].startswith("two voices were told apart by how they sound: S1 speaks 8.")
    plain = follow(talk, model)
    values = list(model.columns)
    pd.testing.assert_frame_equal(found.table[values], plain.table[values], check_exact=True)
    assert "speaker" not in plain.table


def test_levels_and_statistics_are_each_speakers_own(talk, model):
    table = follow(talk, model, n_speakers=2, smoothing_s=3000, statistics="recording").table
    for name in ("S1", "S2"):
        own = table[table["speaker"] == name]
        assert own["activation"].min() <= own["activation_level"].iloc[0] <= own["activation"].max()
    level = table["activation_level"]
    assert level.iloc[0] == pytest.approx(level.iloc[2], abs=1e-3)
    assert abs(level.iloc[0] - level.iloc[1]) > 0.01


def test_turns_without_a_pause_are_split(write, speak, model):
    file = write("quick.wav", np.concatenate([speak(i % 2, 4.0, i) for i in range(4)]))
    flat = follow(file, model, n_speakers=2).flat()
    for row in flat.itertuples():
        middle = (row.start + row.end) / 2
        assert row.speaker == ("S1", "S2")[int(middle // 4) % 2]
    assert set(names(follow(file, model, n_speakers=2))) == {"S1", "S2"}


def test_a_second_speaker_is_not_invented(write, speak, model):
    pause = np.zeros(RATE)
    file = write("one.wav", np.concatenate([each for i in range(5) for each in (speak(0, 3.0, i), pause)]))
    found = follow(file, model, n_speakers=2)
    assert set(names(found)) == {"S1"}
    assert "one voice was found, S1: evidence for a second is" in found.notes[0]
    assert "-" not in found.notes[0]  # a true minus, and none before zero


@pytest.mark.parametrize("bleed", [0.0, 0.15])
def test_by_channel(write, parts, model, bleed):
    rng = np.random.default_rng(0)
    n_samples = round((STARTS[-1] + SECONDS[-1] + 0.7) * RATE)
    own = np.zeros((n_samples, 2))
    for start, who, part in zip(STARTS, WHO, parts, strict=True):
        own[round(start * RATE) : round(start * RATE) + len(part), 1 - who] = part
    file = write("two.wav", 0.8 * (own + bleed * own[:, ::-1]) + 1e-4 * rng.normal(size=own.shape))
    found = follow(file, model, n_speakers=2)
    assert names(found) == ["S1", "S2"] * 3
    (told,) = [note for note in found.notes if "each of two channels holds a voice of its own" in note]
    assert "S1 is channel 2, S2 is channel 1" in told
    assert found.flat()["start"].tolist() == pytest.approx(STARTS, abs=0.2)
    alone = follow(file, model, n_speakers=2, channel=2)
    assert "each of two channels" not in " ".join(alone.notes)


def test_alike_channels_are_told_apart_by_sound(write, talk, model):
    signal = soundfile.read(talk)[0]
    found = follow(write("same.wav", np.stack([signal, signal], axis=1)), model, n_speakers=2)
    assert names(found) == ["S1", "S2"] * 3
    assert "by how they sound" in found.notes[0]


def test_only_the_enrolled_voice_has_values(talk, write, speak, model):
    found = follow(talk, model, enrol=write("voice.wav", speak(1, 6.0, 99)))
    assert names(found) == ["another", "enrolled"] * 3
    assert found.table["activation"].isna().tolist() == [True, False] * 3
    assert set(found.table["problem"].dropna()) == {"another voice than the enrolled one"}
    assert found.notes[0].startswith("two voices were told apart from the enrolled one")
    assert "3 of 6 segments have no values" in found.notes[-1]


def test_an_enrolled_voice_that_is_absent_or_alone(write, speak, model):
    pause = np.zeros(RATE)
    file = write("one.wav", np.concatenate([each for i in range(3) for each in (speak(0, 3.0, i), pause)]))
    assert set(names(follow(file, model, enrol=write("a.wav", speak(1, 6.0, 9))))) == {"another"}
    found = follow(file, model, enrol=write("b.wav", speak(0, 6.0, 9)))
    assert set(names(found)) == {"enrolled"}
    assert "no other voice than the enrolled one was found" in found.notes[0]


def test_windows_go_to_the_speaker_of_most_of_them(talk, model):
    found = follow(talk, model, n_speakers=2, window_s=1.0)
    table = found.flat()
    assert (table["end"] - table["start"]).max() == 1.0
    in_first = table[(table["start"] >= 0.5) & (table["end"] <= 3)]
    in_second = table[(table["start"] >= 4.0) & (table["end"] <= 6)]
    assert set(in_first["speaker"]) == {"S1"}
    assert set(in_second["speaker"]) == {"S2"}


def test_windows_without_a_detector(write, speak, model, monkeypatch):
    monkeypatch.setattr("affectmap.audio.speech_detection.installed", lambda name: False)
    pause = np.zeros(2 * RATE)
    signal = np.concatenate([each for i in range(6) for each in (speak(i % 2, 4.0, i), pause)])
    table = follow(write("slow.wav", signal), model, n_speakers=2, window_s=2.0).flat()
    assert table["speaker"].tolist() == ["S1", "S1", None, "S2", "S2", None] * 3


@pytest.mark.parametrize("n_speakers", [2, None])
def test_silence_and_half_a_second(write, speak, model, n_speakers):
    enrol = None if n_speakers else write("voice.wav", speak(0, 6.0))
    settings = {"n_speakers": n_speakers, "enrol": enrol}
    silent = follow(write("hush.wav", np.zeros(3 * RATE)), model, **settings)
    assert (len(silent.table), silent.notes) == (0, ["no speech was found in its 3.0 s"])
    assert "speaker" in silent.table
    short = write("short.wav", speak(0, 0.5))
    assert len(follow(short, model, **settings).table) == 0
    assert len(follow(short, model, window_s=3.0, **settings).table) == 1


def test_one_speaker_is_as_if_nobody_asked(talk, model):
    assert "speaker" not in follow(talk, model, n_speakers=1).table


@pytest.mark.parametrize("n_speakers", [0, 3, -1])
def test_more_or_fewer_speakers_are_refused(talk, model, n_speakers):
    with pytest.raises(ConfigError, match=f"n_speakers is {n_speakers}, expected 1 or 2"):
        follow(talk, model, n_speakers=n_speakers)
    with pytest.raises(ConfigError, match="give n_speakers or enrol, not both"):
        follow(talk, model, n_speakers=2, enrol=talk)


def test_a_voice_that_cannot_be_enrolled(talk, write, speak, model, tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav"):
        follow(talk, model, enrol=tmp_path / "gone.wav")
    for name, signal in (("hush.wav", np.zeros(5 * RATE)), ("brief.wav", speak(0, 1.5))):
        with pytest.raises(AudioError, match=f"{name}: [01].. s of speech are too little to enrol a voice; give 4 s"):
            follow(talk, model, enrol=write(name, signal))


def test_threads_do_not_matter_and_progress_ends_at_the_end(talk, model):
    reports = []
    tables = [
        follow(talk, model, n_speakers=2, n_jobs=n, progress=lambda *each: reports.append(each)).table for n in (1, 2)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    assert reports[-1][0] == pytest.approx(reports[-1][1])
    assert all(done <= total for done, total in reports)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not os.environ.get("AFFECTMAP_DATA"), reason="AFFECTMAP_DATA names no folder with corpora/")
def test_a_man_and_a_woman(write, model, monkeypatch):
    monkeypatch.undo()  # the real detector
    folder = Path(os.environ["AFFECTMAP_DATA"], "corpora/emodb/wav")
    files = [iter(sorted(folder.glob(f"{speaker}*.wav"))[::4]) for speaker in ("03", "08")]
    parts, ends, n_samples = [], [], 0
    for turn in range(8):
        for _ in range(3):
            signal = soundfile.read(next(files[turn % 2]))[0]
            parts += [signal, np.zeros(RATE // 3)]
            n_samples += len(signal) + RATE // 3
        ends.append(n_samples / RATE)
    table = follow(write("talk.wav", np.concatenate(parts)), model, n_speakers=2).flat()
    middles = (table["start"] + table["end"]) / 2
    true = [f"S{np.searchsorted(ends, middle) % 2 + 1}" for middle in middles]
    assert np.mean(table["speaker"] == true) > 0.8


def test_a_model_adapted_to_the_first_week_serves_the_next(write, speak, model, tmp_path):
    pause = np.zeros(RATE)
    weeks = [
        write(f"week{k}.wav", np.concatenate([each for i in range(4) for each in (speak(0, 3.0, 4 * k + i), pause)]))
        for k in range(2)
    ]
    first = follow(weeks[0], model)
    adapted = first.adapted(model)
    assert adapted.metadata["standardisation"]["n_utterances"] == len(first.table)
    assert not np.allclose(follow(weeks[1], adapted).table["activation"], follow(weeks[1], model).table["activation"])
    for column, value in (("silent", True), ("not_speech", True), ("problem", "broken")):  # nothing is learned of these
        spoiled = first.table.astype({"problem": object})
        spoiled[column] = [value, *spoiled[column][1:]]
        used = replace(first, table=spoiled).adapted(model).metadata["standardisation"]
        assert used["n_utterances"] == len(first.table) - 1


def test_two_speakers_are_not_one_voice_to_adapt_to(talk, write, speak, model):
    with pytest.raises(ConfigError, match="two speakers were told apart; adapt to one"):
        follow(talk, model, n_speakers=2).adapted(model)
    found = follow(talk, model, enrol=write("voice.wav", speak(1, 6.0, 99)))
    assert found.adapted(model).metadata["standardisation"]["n_utterances"] == 3
