"""Fifty raters at once: that the part measures what it says. Nothing is asserted about time."""

import csv

import pytest

pytest.importorskip("sqlalchemy", reason="the store needs the extra annotate")
import annotator


def write(file, n_rows):
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "rater", "presentation", "revision"))
        writer.writerows((f"{number}.wav", "Ada", 1, 1) for number in range(n_rows))
    return file


def test_what_is_lost_or_twice_ends_the_part(tmp_path):
    load = annotator.Load({}, ["a", "b"], 0)
    annotator.check_kept(write(tmp_path / "good.csv", 2), load)
    with pytest.raises(RuntimeError, match="2 confirmed, 1 kept"):
        annotator.check_kept(write(tmp_path / "lost.csv", 1), load)
    twice = write(tmp_path / "twice.csv", 1)
    twice.write_text(twice.read_text() + "0.wav,Ada,1,1\n")
    with pytest.raises(RuntimeError, match="2 confirmed, 2 kept"):
        annotator.check_kept(twice, load)
    with pytest.raises(RuntimeError, match="1 errors"):
        annotator.check_kept(tmp_path / "good.csv", load._replace(n_errors=1))


@pytest.mark.slow
@pytest.mark.slow
def test_the_part():
    part = annotator.measure(quick=True, seconds=5)
    assert [row.unit for row in part["rows"]] == ["/s", "ms", "ms", "ms", "ms"]
    assert part["rows"][0].value > 0
