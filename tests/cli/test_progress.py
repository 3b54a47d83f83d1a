import io

import pytest
from rich.console import Console

from affectmap.cli.progress import progress_bar


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


def test_nothing_is_drawn_without_a_terminal(capsys):
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
