import ctypes
import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from affectmap.corpora.synthetic import espeak as espeak_module
from affectmap.corpora.synthetic.espeak import Espeak, Line

espeakng_loader = pytest.importorskip("espeakng_loader", reason="needs the extra demo")

LIBRARY, DATA = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
HELLO = Line("Guten Morgen.", "de+f1", rate=170, pitch=50, range=50, gap=0)


@pytest.fixture
def espeak(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # the library moves to its voices; this moves back
    return Espeak(LIBRARY, DATA)


def request_of(*lines, library=LIBRARY, data=DATA):
    return json.dumps({"library": str(library), "data": str(data), "seed": 1, "lines": lines}).encode()


def run(request):
    return subprocess.run(
        [sys.executable, "-I", espeak_module.__file__], input=request, capture_output=True, check=False
    )


def run_here(monkeypatch, tmp_path, request):
    """Run the program in this process."""
    written = io.BytesIO()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(request)))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=written))
    return espeak_module.main(), written.getvalue()


def fundamental(samples, sampling_rate=22050):
    signal = np.frombuffer(samples, np.int16).astype(float)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * signal.size)) ** 2)
    low, high = sampling_rate // 500, sampling_rate // 60
    return sampling_rate / (low + np.argmax(correlation[low:high]))


def test_espeak_speaks(espeak):
    samples = np.frombuffer(espeak.speak(HELLO, 0), np.int16)
    assert espeak.sampling_rate == 22050
    assert 0.5 < samples.size / espeak.sampling_rate < 2
    assert np.abs(samples.astype(int)).max() > 3000


def test_rate_gap_pitch_and_range_are_heeded(espeak):
    usual = espeak.speak(HELLO, 0)
    assert len(espeak.speak(HELLO._replace(rate=260), 0)) < 0.8 * len(usual)
    assert len(espeak.speak(HELLO._replace(gap=30), 0)) > len(usual) + 0.2 * 2 * espeak.sampling_rate
    flat = HELLO._replace(range=0)
    ratio = fundamental(espeak.speak(flat._replace(pitch=75), 0)) / fundamental(espeak.speak(flat, 0))
    assert ratio == pytest.approx(2 ** (5 / 12), rel=0.03)  # 5 steps to the semitone


def test_the_voice_is_heeded(espeak):
    woman = fundamental(espeak.speak(HELLO, 0))
    assert fundamental(espeak.speak(HELLO._replace(voice="de+m1"), 0)) < 0.8 * woman


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voice": "zz+f1"}, "no voice 'zz\\+f1'"),
        ({"text": ""}, "gives no speech"),
        ({"rate": 9999}, "gives no speech"),
    ],
)
def test_what_cannot_be_spoken(espeak, change, message):
    with pytest.raises(OSError, match=message):
        espeak.speak(HELLO._replace(**change), 0)


def test_errors_leave_the_library_usable(espeak):
    with pytest.raises(OSError, match=r"no voice"):
        espeak.speak(HELLO._replace(voice="zz"), 0)
    assert len(espeak.speak(HELLO, 0)) > 10000


def test_no_voices(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match=r"no usable voices in .*empty"):
        Espeak(LIBRARY, tmp_path / "empty")


def test_no_library(tmp_path):
    (tmp_path / "broken.so").write_bytes(b"this is no library")
    with pytest.raises(OSError, match=r"broken\.so"):
        Espeak(tmp_path / "broken.so", DATA)


def test_the_callback_takes_an_empty_end(espeak):
    assert espeak._collect(ctypes.POINTER(ctypes.c_short)(), 0, None) == 0
    assert len(espeak._spoken) == 0


def test_program_answers_with_a_header_and_samples():
    answer = run(request_of(HELLO, HELLO._replace(rate=250)))
    first, _, samples = answer.stdout.partition(b"\n")
    header = json.loads(first)
    assert answer.returncode == 0
    assert answer.stderr == b""
    assert header["sampling_rate"] == 22050
    assert header["n_samples"][0] > header["n_samples"][1] > 10000
    assert len(samples) == 2 * sum(header["n_samples"])


def test_program_repeats_itself():
    request = request_of(HELLO._replace(voice="de+f2"), HELLO, HELLO)
    assert run(request).stdout == run(request).stdout


def test_program_in_this_process(monkeypatch, tmp_path):
    status, written = run_here(monkeypatch, tmp_path, request_of(HELLO))
    first, _, samples = written.partition(b"\n")
    assert status == 0
    assert json.loads(first)["n_samples"] == [len(samples) // 2]


def test_program_says_in_one_line_what_is_wrong(monkeypatch, tmp_path, capsys):
    status, written = run_here(monkeypatch, tmp_path, request_of(HELLO._replace(voice="zz")))
    assert (status, written) == (1, b"")
    assert capsys.readouterr().err == "no voice 'zz' (status 0x100006ff)\n"


def test_voices_may_lie_far_away_and_in_any_script(tmp_path):
    far = tmp_path / ("φωνές و آوازیں " * 3 + "x" * 120) / ("y" * 120)
    far.mkdir(parents=True)
    (far / "espeak-ng-data").symlink_to(DATA, target_is_directory=True)
    assert len(str(far)) > 260
    answer = run(request_of(HELLO, data=far / "espeak-ng-data"))
    assert answer.stdout == run(request_of(HELLO)).stdout
