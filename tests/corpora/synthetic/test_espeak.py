import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from affectmap.corpora.synthetic import espeak as program
from affectmap.corpora.synthetic.espeak import Line

espeakng_loader = pytest.importorskip("espeakng_loader", reason="needs the extra demo")

LIBRARY, DATA = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
RATE = 22050  # in Hz
HELLO = Line("Guten Morgen.", "de+f1", rate=170, pitch=50, range=50, gap=0)


def request_of(*lines, library=LIBRARY, data=DATA):
    return json.dumps({"library": str(library), "data": str(data), "seed": 1, "lines": lines}).encode()


def run(request):
    # Never in this process: the library keeps its state, and pointers into Python, from one initialisation to the next.
    return subprocess.run([sys.executable, "-I", program.__file__], input=request, capture_output=True, check=False)


def spoken(*lines):
    """Give the samples of each line as bytes."""
    answer = run(request_of(*lines))
    assert (answer.returncode, answer.stderr) == (0, b"")
    first, _, samples = answer.stdout.partition(b"\n")
    header = json.loads(first)
    ends = 2 * np.cumsum(header["n_samples"])
    assert (header["sampling_rate"], len(samples)) == (RATE, ends[-1])
    return [samples[end - 2 * n : end] for end, n in zip(ends, header["n_samples"], strict=True)]


def refused(*lines, **options):
    """Give the one line that says why there is no speech."""
    answer = run(request_of(*lines, **options))
    assert (answer.returncode, answer.stdout, answer.stderr.count(b"\n")) == (1, b"", 1)
    return answer.stderr.decode()


def fundamental(samples, sampling_rate=RATE):
    signal = np.frombuffer(samples, np.int16).astype(float)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * signal.size)) ** 2)
    low, high = sampling_rate // 500, sampling_rate // 60
    return sampling_rate / (low + np.argmax(correlation[low:high]))


def test_espeak_speaks():
    samples = np.frombuffer(spoken(HELLO)[0], np.int16)
    assert 0.5 < samples.size / RATE < 2
    assert np.abs(samples.astype(int)).max() > 3000


def test_voice_rate_gap_pitch_and_range_are_heeded():
    flat = HELLO._replace(range=0)
    usual, fast, gap, low, high, man = spoken(
        HELLO, HELLO._replace(rate=260), HELLO._replace(gap=30), flat, flat._replace(pitch=75),
        HELLO._replace(voice="de+m1"),
    )  # fmt: skip
    assert len(fast) < 0.8 * len(usual)
    assert len(gap) > len(usual) + 0.2 * 2 * RATE
    assert fundamental(high) / fundamental(low) == pytest.approx(2 ** (5 / 12), rel=0.03)  # 5 steps to the semitone
    assert fundamental(man) < 0.8 * fundamental(usual)


def test_what_cannot_be_spoken_is_said_in_one_line(tmp_path):
    assert refused(HELLO, HELLO._replace(voice="zz+f1")) == "no voice 'zz+f1' (status 0x100006ff)\n"
    assert "gives no speech" in refused(HELLO._replace(text=""))
    assert "gives no speech" in refused(HELLO._replace(rate=9999))
    (tmp_path / "empty").mkdir()
    assert "no usable voices in" in refused(HELLO, data=tmp_path / "empty")
    (tmp_path / "broken.so").write_bytes(b"this is no library")
    assert "broken.so" in refused(HELLO, library=tmp_path / "broken.so")


def test_errors_leave_the_library_usable():
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(program.__file__).parent)!r})
from espeak import Espeak, Line
espeak, line = Espeak(Path({str(LIBRARY)!r}), Path({str(DATA)!r})), Line("Guten Morgen.", "zz", 170, 50, 50, 0)
try:
    espeak.speak(line, 0)
except OSError as error:
    assert "no voice" in str(error)
assert espeak._collect(None, 0, None) == 0  # the end of a sentence comes as an empty call
assert len(espeak.speak(line._replace(voice="de+f1"), 0)) > 10000
"""
    subprocess.run([sys.executable, "-I", "-c", script], check=True)


def test_the_program_repeats_itself():
    request = request_of(HELLO._replace(voice="de+f2"), HELLO, HELLO)
    assert run(request).stdout == run(request).stdout


def test_voices_may_lie_far_away_and_in_any_script(tmp_path):
    far = tmp_path / ("φωνές و آوازیں " * 3 + "x" * 120) / ("y" * 120)
    far.mkdir(parents=True)
    (far / "espeak-ng-data").symlink_to(DATA, target_is_directory=True)
    assert len(str(far)) > 260
    answer = run(request_of(HELLO, data=far / "espeak-ng-data"))
    assert answer.stdout == run(request_of(HELLO)).stdout
