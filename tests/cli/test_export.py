"""``affectmap export`` as a user meets it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from affectmap.model.model import Model, load_model
from affectmap.schema import FUNCTIONALS
from model_files import make_embedder, make_functionals


def test_an_embedder_becomes_a_model(affectmap, here):
    make_embedder().save("embedder")
    done = affectmap("export", "embedder", "-o", "mine")
    assert done.code == 0
    (told,) = done.err.splitlines()
    assert re.fullmatch(r"differs from PyTorch by at most \d\.\de-\d\d, on 64 random rows and 0 examples", told)
    assert done.out.strip() == str(here / "mine")
    model, functionals = load_model("mine"), make_functionals(5)
    assert model.metadata["name"] == "mine"
    found = model.transform(functionals)[["embedding_0", "embedding_1"]]
    np.testing.assert_allclose(found, make_embedder().transform(functionals), atol=1e-5)


def test_name_card_and_layout_of_the_hub(affectmap, here):
    make_embedder().save("embedder")
    (here / "about.md").write_text("# Mine\n\nFor tests.\n")
    done = affectmap("export", "embedder", "-o", "mine", "--hub", "--name", "other", "--card", "about.md")
    assert done.code == 0, done.err
    assert (here / "mine" / "README.md").read_text().startswith("---\nlibrary_name: affectmap\n")
    assert json.loads((here / "mine" / "config.json").read_text())["name"] == "other"
    assert load_model("mine").card.startswith("# Mine")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_examples_are_compared_and_told(affectmap, here, name):
    make_embedder().save("embedder")
    rows = pd.DataFrame(make_functionals(7), columns=list(FUNCTIONALS)).iloc[:, ::-1].assign(file="a.wav")
    rows.loc[2, FUNCTIONALS[3]] = np.nan
    rows.to_csv(name) if name.endswith("csv") else rows.to_parquet(name)
    done = affectmap("export", "embedder", "-o", "mine", "--examples", name)
    assert done.code == 0, done.err
    note, told = done.err.splitlines()
    assert note == "note: 1 of 7 examples lack a functional"
    assert told.endswith("on 64 random rows and 6 examples")
    parity = yaml.safe_load((here / "mine" / "model.yaml").read_text())["parity"]
    assert (parity["n_random"], parity["n_examples"]) == (64, 6)
    assert f"{parity['largest_difference']:.1e}" in told
    assert 0 <= parity["largest_difference"] < 1e-5


def test_a_graph_that_differs_on_examples_alone_is_refused(affectmap, here, monkeypatch):
    make_embedder().save("embedder")
    pd.DataFrame(1e6 * make_functionals(3), columns=list(FUNCTIONALS)).to_csv("rows.csv")
    true = Model.transform

    def differs(self, functionals, **options):
        table = true(self, functionals, **options)
        table["embedding_0"] *= 1 + (np.abs(functionals).max(axis=1) > 1e5)
        return table

    monkeypatch.setattr(Model, "transform", differs)
    assert affectmap("export", "embedder", "-o", "other").code == 0
    done = affectmap("export", "embedder", "-o", "mine", "--examples", "rows.csv")
    assert done.code == 1
    assert "differs from the network" in done.error
    assert not (here / "mine").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,loudness\na.wav,1\n", "88 of the 88 functionals are missing"),
        (",".join(FUNCTIONALS) + "\n" + "x," * 87 + "x\n", "none of its 1 rows has a number"),
        (",".join(FUNCTIONALS) + "\n", "none of its 0 rows"),
        ("", "cannot be read"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_examples_that_do_not_do(affectmap, here, text, message):
    make_embedder().save("embedder")
    if text is not None:
        (here / "rows.csv").write_text(text)
    done = affectmap("export", "embedder", "-o", "mine", "--examples", "rows.csv")
    assert done.code == 2
    assert message in done.error
    assert "expected CSV or parquet" in done.error


def test_an_embedder_that_is_none(affectmap, here):
    done = affectmap("export", "nowhere", "-o", "mine")
    assert done.code == 1
    assert "expected a folder that Embedder.save wrote" in done.error


def test_a_card_that_is_none(affectmap, here):
    make_embedder().save("embedder")
    done = affectmap("export", "embedder", "--card", "gone.md")
    assert done.code == 2
    assert "name a text file for --card" in done.error


def test_without_pytorch(process, here):
    done = process("export", "x", first="import importlib.util\nimportlib.util.find_spec = lambda name: None")
    assert done.code == 2
    assert done.error == 'export needs torch, onnx, sklearn, scipy; run pip install "affectmap[train]"'
