"""``affectmap export`` as a user meets it."""

import json

import numpy as np

from affectmap.inference import load_model
from model_files import make_embedder, make_functionals


def test_an_embedder_becomes_a_model(affectmap, here):
    make_embedder().save("embedder")
    done = affectmap("export", "embedder", "-o", "mine")
    assert (done.code, done.err) == (0, "")
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
