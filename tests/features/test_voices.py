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
