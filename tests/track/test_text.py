"""Rows as text: what a reader gets back."""

import csv
import io
import json

import numpy as np
import pytest

from affectmap.track.text import csv_header, text_line

ROW = {
    "file": 'a "b", c.wav',
    "start": np.float64(3599.9680625),
    "speech": np.float32(0.5),
    "activation": 1.23456789,
    "valence": float("nan"),
    "silent": np.bool_(True),
    "problem": None,
}


def test_csv_is_read_back():
    header, row = csv.reader(io.StringIO(f"{csv_header(ROW)}\n{text_line(ROW, 'csv')}\n"))
    assert header == list(ROW)
    assert row == ['a "b", c.wav', "3599.9681", "0.5", "1.23457", "", "True", ""]


def test_json_is_read_back():
    found = json.loads(text_line(ROW, "json"))
    assert list(found) == list(ROW)
    assert found["valence"] is None
    assert found["silent"] is True
    assert found["start"] == 3599.9681


@pytest.mark.parametrize("name", ["a\nb.wav", "a\rb.wav", "ü😀.wav", "\t.wav"])
def test_strange_names(name):
    (row,) = csv.reader(io.StringIO(text_line({"file": name}, "csv"), newline=""))
    assert row == [name]
    assert not {"\n", "\r"} & set(text_line({"file": name}, "json"))
