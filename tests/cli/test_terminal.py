"""What ``affectmap embed`` shows on a terminal: whole lines, straight columns, and no trace of the bar."""

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sysconfig
import termios
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.audio.quality import FLAGS
from affectmap.cli import terminal
from affectmap.cli.terminal import MEANINGS, fitted, shown, visible
from conftest import make_voice

PROGRAM = Path(sysconfig.get_path("scripts")) / "affectmap"
NAMES = (
    "plain.wav",
    "日本語の録音ファイル名がとても長い場合にはどうなるか.wav",
    "e\u0301te\u0301.wav",
    "שלום עולם.wav",
    "한국어.wav",
    "a\nb\tc.wav",
    "\x1b[31mred\u202e.wav",
    "a-recording-of-an-interview-with-somebody-in-a-room-somewhere.wav",
)
WIDTHS = (40, 80, 200)


def cells(text):
    """Count cells in another way than the code: wide letters two, marks and signs of direction none."""
    return sum(
        0 if unicodedata.category(letter) in ("Mn", "Cf") else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def make_row(file="a.wav", **values):
    ratings = {"activation": 3.43, "activation_low": 1.98, "activation_high": 4.88}
    ratings |= {name.replace("activation", "valence"): value - 0.3 for name, value in ratings.items()}
    classes = {"neutral": 0.26, "sad": 0.02, "happy": 0.6, "angry": 0.12}
    flags = dict.fromkeys(FLAGS, False)
    return {"file": file, "embedding_0": 0.5, **ratings, **classes, **flags, "note": None, "problem": None} | values


def unusable(file="bad.wav", problem="broken, or not audio; restore it"):
    numbers = {name: np.nan for name, value in make_row().items() if isinstance(value, float)}
    return make_row(file, **numbers, problem=problem)


@pytest.fixture
def on_terminal(here):
    """Run a command on a terminal of so many columns; give the exit code and what it got, and stdout if that is piped."""

    def run(*arguments, columns=80, piped=False):
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        out = subprocess.PIPE if piped else its
        with subprocess.Popen(
            [PROGRAM, *arguments], stdin=its, stdout=out, stderr=its, cwd=here, env=env | {"TERM": "xterm"}
        ) as started:
            os.close(its)
            got = b"".join(iter(lambda: read(ours), b""))
            output = started.stdout.read().decode() if piped else ""
        os.close(ours)
        return started.returncode, got.decode().replace("\r\n", "\n"), output

    def read(end):
        try:
            return os.read(end, 65536)
        except OSError:  # nobody holds the other end any more
            return b""

    return run


def lines_left(got):
    """Give the lines that stand on the screen at last: behind the escapes that remove the bar."""
    return got[got.rindex("\x1b[2K") + len("\x1b[2K") :].splitlines()


def write(file, **options):
    soundfile.write(file, make_voice(**{"seconds": 0.5} | options), 16000)


def test_one_recording_is_a_list_of_what_was_found():
    row = make_row(clipped=True, narrow_band=True, note="its sound ends near 3.4 kHz")
    assert shown([row], 80).splitlines() == [
        "a.wav",
        "  activation  3.4 (2.0 to 4.9), from 1 calm to 5 excited",
        "  valence     3.1 (1.7 to 4.6), from 1 unpleasant to 5 pleasant",
        "  class       happy .60, neutral .26, angry .12, sad .02",
        f"  flags       clipped: {MEANINGS['clipped']}",
        f"              narrow_band: {MEANINGS['narrow_band']}",
        "  note        its sound ends near 3.4 kHz",
    ]
    assert shown([make_row()], 80).splitlines()[-1] == "  flags       none"


def test_one_recording_that_cannot_be_used():
    assert shown([unusable()], 80) == "bad.wav\n  no values   broken, or not audio; restore it"


def test_what_a_model_does_not_give_is_not_shown():
    bare = {"file": "a.wav", "embedding_0": 0.5, "embedding_1": -1.25, "silent": False, "problem": None}
    assert shown([bare], 80).splitlines()[1] == "  embedding   0.50, −1.25"
    assert shown([bare, bare], 80).splitlines()[0] == "file   embedding_0  embedding_1"
    rated = bare | {"valence": 2.0}
    assert shown([rated], 80).splitlines()[1] == "  valence     2.0, from 1 unpleasant to 5 pleasant"


def test_every_flag_has_a_meaning():
    assert tuple(MEANINGS) == FLAGS


def test_several_recordings_are_a_table():
    rows = [make_row("rec/a.wav", silent=True, not_speech=True), make_row("rec/b.wav"), unusable()]
    assert shown(rows, 100).splitlines() == [
        "file       activation  valence  class      flags",
        "rec/a.wav         3.4      3.1  happy .60  silent, not_speech",
        "rec/b.wav         3.4      3.1  happy .60",
        "bad.wav             –        –  –          no values: broken, or not audio; restore it",
    ]


def test_what_has_no_room_beside_a_row_stands_below_it_whole():
    lines = shown([make_row("rec/a.wav", silent=True, not_speech=True), unusable()], 40).splitlines()
    assert lines[0] == "file       act  val  class      flags"
    assert lines[1:3] == ["rec/a.wav  3.4  3.1  happy .60", "    silent, not_speech"]
    assert " ".join("".join(lines[4:]).split()) == "no values: broken, or not audio; restore it"


@pytest.mark.parametrize("width", WIDTHS)
def test_columns_are_straight_and_lines_fit(width):
    rows = [make_row(name, clipped=i % 3 == 0) for i, name in enumerate(NAMES)]
    lines = [line for line in shown(rows, width).splitlines() if not line.startswith("    ")]
    assert len(lines) == 1 + len(NAMES)
    assert {cells(line[: line.index("3.4")]) for line in lines[1:]} == {cells(lines[1][: lines[1].index("3.4")])}
    assert max(map(cells, shown(rows, width).splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_a_list_fits(name, width):
    row = make_row(name, **dict.fromkeys(FLAGS, True), note="its sound ends near 3.4 kHz; " * 8)
    assert max(map(cells, shown([row], width).splitlines())) <= width


def test_nothing_in_a_name_moves_the_cursor_or_turns_what_follows():
    text = shown([make_row(name) for name in NAMES], 200)
    assert set("\x1b\t\u202e") & set(text) == set()
    assert r"a\x0ab\x09c.wav" in text
    assert r"\x1b[31mred\u202e.wav" in text
    assert "\u200eשלום עולם.wav\u200e" in text
    assert visible("日本 é\u00a0\u200d") == "日本 é\u00a0\u200d"


@pytest.mark.parametrize("text", ["x" * 50, "日本" * 20, "e\u0301" * 40, "👍🏽" * 20, "u\u0308" * 9 + "日" * 30])
def test_a_name_that_is_too_long_loses_its_middle(text):
    for width in (4, 5, 6, 8, 13, 29):
        short = fitted(text, width)
        head, tail = short.split("…")
        assert width - 4 <= terminal.cell_len(short) <= width
        assert text.startswith(head)
        assert text.endswith(tail)
        assert not unicodedata.combining(tail[:1] or "x")
        assert terminal.cell_len(head) <= terminal.cell_len(tail)


def test_a_name_that_fits_stays():
    assert fitted("日本.wav", 8) == "日本.wav"


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_terminal_gets_a_table_behind_the_bar(on_terminal, here, columns):
    for seed, name in enumerate(NAMES):
        write(here / name, seed=seed)
    (here / "bad.wav").write_text("no sound")
    code, got, _ = on_terminal("embed", ".", columns=columns)
    assert code == 0
    lines = lines_left(got)
    assert re.fullmatch(r"file +act(ivation)?  val(ence)?  class( +flags)?", lines[0])
    assert lines[-1] == "note: --format csv prints every column here, and -o FILE writes them"
    assert max(map(cells, lines[:-1])) <= columns
    starts = [line for line in lines[1:-1] if not line.startswith("    ")]
    assert len(starts) == 1 + len(NAMES)
    assert len({cells(line[: re.search(r" [1-5]\.\d  ", line).end()]) for line in starts if "bad" not in line}) == 1
    assert "note: no values for bad.wav: broken, or not audio" in got
    assert "no values: broken" in " ".join(" ".join(lines).split())


def test_a_terminal_gets_a_list_of_one_recording(on_terminal, here):
    write(here / "a.wav")
    code, got, _ = on_terminal("embed", "a.wav")
    lines = lines_left(got)
    assert (code, lines[0]) == (0, "a.wav")
    assert re.match(r"  activation  [1-5]\.\d \([1-5]\.\d to [1-5]\.\d\), from 1 calm to 5 excited", lines[1])
    assert [line.split()[0] for line in lines[2:5]] == ["valence", "class", "flags"]


def test_one_recording_without_values_is_told_once(on_terminal, here):
    (here / "bad.wav").write_text("no sound")
    code, got, _ = on_terminal("embed", "bad.wav")
    assert code == 1
    assert got.count("not audio") == 1
    assert got.endswith("affectmap: error: none of 1 recordings could be used; what is shown says why\n")


def test_csv_is_the_same_on_a_terminal_and_in_a_pipe(on_terminal, affectmap, here):
    for seed in range(3):
        write(here / f"{seed}.wav", seed=seed)
    expected = affectmap("embed", ".").out
    assert len(pd.read_csv(io.StringIO(expected))) == 3
    code, got, piped = on_terminal("embed", ".", piped=True)
    assert (code, piped) == (0, expected)
    assert "3/3" in got  # the bar is drawn all the same
    code, got, _ = on_terminal("embed", ".", "--format", "csv")
    assert code == 0
    assert f"\x1b[2K{expected}" in got


def test_a_file_is_written_as_ever(on_terminal, affectmap, here):
    write(here / "a.wav")
    expected = affectmap("embed", "a.wav").out
    assert on_terminal("embed", "a.wav", "-o", "out.csv")[0] == 0
    assert (here / "out.csv").read_text() == expected


@pytest.mark.skipif(not os.environ.get("AFFECTMAP_DATA"), reason="AFFECTMAP_DATA names no folder with corpora/")
def test_readme_shows_what_is_shown(on_terminal, here):
    name = "03a01Wa.wav"
    shutil.copyfile(Path(os.environ["AFFECTMAP_DATA"], "corpora/emodb/wav", name), here / name)
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- list:begin -->\n```\n(.*?)```\n<!-- list:end -->", text, flags=re.DOTALL)
    assert lines_left(on_terminal("embed", name)[1])[:-1] == block[1].splitlines()
