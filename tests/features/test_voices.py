import numpy as np
import pytest
import soundfile

from affectmap.egemaps import VOICE_NAMES
from affectmap.features.voices import measure_voices
from conftest import make_voice


def test_rate_channel_and_order_of_recordings(tmp_path):
    signal = make_voice(seconds=1.0)
    soundfile.write(tmp_path / "mono.wav", 0.5 * signal, 16000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([np.zeros(16000), 0.5 * signal], axis=1), 16000)
    soundfile.write(tmp_path / "fast.wav", 0.5 * np.repeat(signal, 3), 48000)
    files, done = [tmp_path / name for name in ("mono.wav", "gone.wav", "stereo.wav", "fast.wav")], []
    values, flags = measure_voices(files, channel=None, n_jobs=2, progress=lambda n, total: done.append((n, total)))
    assert values.shape == (4, len(VOICE_NAMES))
    assert np.isnan(values[1]).all()
    assert [flag.problem is None for flag in flags] == [True, False, True, True]
    assert values[2] == pytest.approx(values[0], nan_ok=True)
    f0 = VOICE_NAMES.index("f0_hz")
    assert values[3, f0] == pytest.approx(values[0, f0], rel=0.01)
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert np.isnan(measure_voices(files[2:3], channel=1)[0][0, f0])


def test_every_flag_has_words_and_silence_no_values(tmp_path):
    time, rng = np.arange(32000) / 16000, np.random.default_rng(0)
    voice = 0.5 * make_voice(seconds=2.0)
    cases = {
        "silent": (np.zeros(32000), 16000, "it is silent"),
        "whisper": (0.1 * rng.standard_normal(32000), 16000, "nothing in it is voiced"),
        "clipped": (np.clip(20 * voice, -1, 1), 16000, "cut off; record it softer"),
        "telephone": (voice[::2], 8000, "recorded at 8000 Hz: its sound ends near "),
        "faint": (0.01 * voice * (time % 1 < 0.6), 16000, "dB of full scale; record it louder"),
    }
    for name, (signal, rate, _) in cases.items():
        soundfile.write(tmp_path / f"{name}.wav", signal, rate)
    values, flags = measure_voices([tmp_path / f"{name}.wav" for name in cases])
    for (_, _, words), flag in zip(cases.values(), flags, strict=True):
        assert words in flag.note
    found = [dict(zip(VOICE_NAMES, row, strict=True)) for row in values]
    assert {name for name, value in found[0].items() if not np.isnan(value)} == {"duration_s", "voiced_share"}
    assert np.isnan([found[1][name] for name in ("f0_hz", "n_syllables", "speaking_rate")]).all()
    assert found[1]["pauses_per_min"] == 0
    assert not np.isnan([list(each.values())[:9] for each in found[2:]]).any()


def test_a_good_recording_has_no_note(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.5 * make_voice(seconds=2.0), 16000)
    assert measure_voices([tmp_path / "a.wav"])[1][0].note is None
