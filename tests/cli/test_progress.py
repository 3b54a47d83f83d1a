import io
import time
import warnings

import pytest
from rich.console import Console

from affectmap.cli import progress as module
from affectmap.cli.progress import bar_hidden, progress_bar


@pytest.fixture(autouse=True)
def _as_without_options():
    yield
    module.reset()


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def test_the_bar_shows_label_and_numbers(terminal):
    with progress_bar("emodb", terminal) as progress:
        progress(3, 535)
    assert "emodb" in terminal.file.getvalue()
    assert "3/535" in terminal.file.getvalue()


def test_cached_rows_do_not_count_towards_the_estimate(terminal, monkeypatch):
    samples = []
    update = "rich.progress.Progress.update"
    monkeypatch.setattr(update, lambda bar, task, **fields: samples.append(fields))
    with progress_bar("emodb", terminal) as progress:
        progress(500, 535)
        progress(501, 535)
    assert samples == [{"completed": 501, "total": 535}]
    assert "500/535" in terminal.file.getvalue()


def test_nothing_is_told_of_short_work_without_a_terminal(capsys):
    with progress_bar("emodb") as progress:
        progress(0, 2)
        progress(2, 2)
    assert capsys.readouterr() == ("", "")


def test_an_error_within_passes_through_and_ends_the_bar(terminal):
    def fail():
        with progress_bar("emodb", terminal) as progress:
            progress(1, 2)
            raise KeyError

    for _ in range(2):  # a bar left open would refuse the second
        with pytest.raises(KeyError):
            fail()
    assert terminal.file.getvalue().endswith("\x1b[2K")


def test_without_a_terminal_a_line_comes_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.05)
    with progress_bar("emodb") as progress:
        time.sleep(0.12)
        progress(100, 500)
        progress(200, 500)
        time.sleep(0.12)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "emodb: 0 s so far"
    assert lines[-1].startswith("emodb: 200 of 500 after 0 s, about ")
    assert lines[-1].endswith(" s left")


def test_quiet_shows_neither_notes_nor_progress(capsys, terminal):
    module.set_quiet(True)
    with progress_bar("emodb", terminal) as progress:
        progress(1, 2)
    module.note("something")
    assert capsys.readouterr() == ("", "")
    assert terminal.file.getvalue() == ""


def test_verbose_tells_when_and_how_long(capsys):
    with warnings.catch_warnings():
        module.set_verbose(True)
        module.note("something")
        with progress_bar("emodb") as progress:
            progress(1, 2)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(" s  something")
    assert " s  emodb: 1 in 0." in second


def test_a_bar_is_off_the_terminal_while_something_is_printed(terminal, monkeypatch):
    monkeypatch.setattr("sys.stdout", terminal.file)
    monkeypatch.setattr(terminal.file, "isatty", lambda: True, raising=False)
    with progress_bar("emodb", terminal) as progress:
        for done in range(2):
            progress(done, 2)
            with bar_hidden():
                assert terminal.file.getvalue().endswith("\x1b[2K")
                terminal.file.write("row\n")
        progress(2, 2)
    assert terminal.file.getvalue().count("\x1b[2Krow\n") == 2
    assert "2/2" in terminal.file.getvalue()
