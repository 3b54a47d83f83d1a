"""``affectmap export`` as a user meets it."""

import json
import re

import numpy as np
import onnx
import pandas as pd
import pytest

from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS
from model_files import make_functionals, make_model


@pytest.fixture
def mine(here):
    """A model in the folder mine."""
    make_model().save("mine")


def test_a_model_becomes_a_graph_in_a_file(affectmap, here, mine):
    done = affectmap("export", "mine", "--onnx", "-o", "graphs/mine.onnx")
    assert done.code == 0
    (note,) = done.err.splitlines()
    assert re.fullmatch(r"differs from the model by at most \d\.\de-\d\d, on 64 random rows and 0 examples", note)
    assert done.out.strip() == str(here / "graphs" / "mine.onnx")
    onnx.checker.check_model(onnx.load("graphs/mine.onnx"), full_check=True)
    again = affectmap("export", "mine", "--onnx", "-o", "graphs/mine.onnx")
    assert again.code == 1
    assert "exists; name another file with -o, or add --overwrite" in again.error
    assert affectmap("export", "mine", "--onnx", "-o", "graphs/mine.onnx", "--overwrite").code == 0


def test_a_folder_has_the_graph_beside_the_model(affectmap, here, mine):
    done = affectmap("export", "mine", "--onnx", "-o", "out")
    assert (done.code, done.out.strip()) == (0, str(here / "out"))
    rows = make_functionals(5)
    pd.testing.assert_frame_equal(load_model("out").transform(rows), load_model("mine").transform(rows))
    assert (here / "out" / "model.onnx").stat().st_size > 1000


def test_name_card_and_layout_of_the_hub(affectmap, here, mine):
    (here / "about.md").write_text("# Mine\n\nFor tests.\n")
    done = affectmap("export", "mine", "-o", "out", "--hub", "--name", "other", "--card", "about.md")
    assert done.code == 0, done.err
    assert (here / "out" / "README.md").read_text().startswith("---\nlibrary_name: affectmap\n")
    assert json.loads((here / "out" / "config.json").read_text())["name"] == "other"
    assert load_model("out").card.startswith("# Mine")
    assert not (here / "out" / "model.onnx").exists()


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_examples_are_compared(affectmap, here, mine, name):
    rows = pd.DataFrame(make_functionals(7), columns=list(FUNCTIONALS)).iloc[:, ::-1].assign(file="a.wav")
    rows.loc[2, FUNCTIONALS[3]] = np.nan
    rows.to_csv(name) if name.endswith("csv") else rows.to_parquet(name)
    done = affectmap("export", "mine", "--onnx", "-o", "out", "--examples", name)
    assert done.code == 0, done.err
    note, told = done.err.splitlines()
    assert note == "note: 1 of 7 examples lack a feature"
    assert told.endswith("on 64 random rows and 6 examples")


def test_a_graph_that_differs_on_examples_alone_is_refused(affectmap, here, mine, monkeypatch):
    import affectmap.model.onnx as module

    pd.DataFrame(1e6 * make_functionals(3), columns=list(FUNCTIONALS)).to_csv("rows.csv")
    true = module._session

    def differing(graph):
        def run(names, inputs):
            found = true(graph)(names, inputs)
            found[0] = found[0] * (1 + (np.abs(inputs["features"]).max(axis=1, keepdims=True) > 1e5))
            return found

        return run

    monkeypatch.setattr(module, "_session", differing)
    assert affectmap("export", "mine", "--onnx", "-o", "other").code == 0
    done = affectmap("export", "mine", "--onnx", "-o", "out", "--examples", "rows.csv")
    assert done.code == 1
    assert "differs from the model" in done.error
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,loudness\na.wav,1\n", "88 of the 88 features are missing"),
        (",".join(FUNCTIONALS) + "\n" + "," * 87 + "x\n", f"line 2: {FUNCTIONALS[-1]} is 'x'; expected a number"),
        (",".join(FUNCTIONALS) + "\n" + "1," * 87 + "\n", "none of its 1 rows has a number for each of 88 features"),
        (",".join(FUNCTIONALS) + "\n", "has no rows"),
        ("", "rows.csv is empty; expected a header"),
        (None, "rows.csv does not exist; expected a table"),
    ],
)
def test_examples_that_do_not_do(affectmap, here, mine, text, message):
    if text is not None:
        (here / "rows.csv").write_text(text)
    done = affectmap("export", "mine", "--onnx", "-o", "out", "--examples", "rows.csv")
    assert done.code == 2
    assert message in done.error


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere", "--onnx"], 1, "nowhere does not exist; expected the folder of a model"),
        (["mine"], 2, "export needs a format: add --onnx for a graph, --hub for a repository, or both"),
        (["mine", "--hub", "-o", "x.onnx"], 2, "x.onnx is one file; name a folder for --hub"),
        (["mine", "--hub", "--examples", "rows.csv"], 2, "--examples are compared with a graph; add --onnx"),
        (["mine", "--hub", "--card", "gone.md"], 2, "name a text file for --card"),
        (["mine", "--hub", "-o", "mine"], 1, "mine holds mine, which is read for the result; name another folder"),
        (["mine", "--onnx", "-o", "graph.csv"], 2, "graph.csv ends in .csv as a file does, and a folder is made"),
    ],
)
def test_what_cannot_be_exported(affectmap, here, mine, arguments, code, message):
    done = affectmap("export", *arguments)
    assert done.code == code
    assert message in done.error


@pytest.mark.slow
def test_without_onnx(process, here, mine):
    hide = "import importlib.util\nfind = importlib.util.find_spec\n"
    hide += "importlib.util.find_spec = lambda name, *more: None if name == 'onnx' else find(name, *more)"
    done = process("export", "mine", "--onnx", first=hide)
    assert done.code == 2
    assert done.error == 'export --onnx needs onnx; run pip install "affectmap[onnx]"'
    assert process("export", "mine", "--hub", first=hide).code == 0
