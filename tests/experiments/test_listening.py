"""The experiment on listening: settings are chosen on other corpora, folders have the shares that they say."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "listening"


NAMES = (
    "run",
    "command",
    "folders",
    "listening_page",
    "scoring",
    "folds",
    "methods_page",
    "encoder_material",
    "evaluation",
)


@pytest.fixture(scope="module")
def modules():
    """The scripts, and none of another experiment that has the name of one of them."""
    before, path = {name: sys.modules.pop(name, None) for name in NAMES}, list(sys.path)
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("run", "command", "folders", "listening_page", "scoring")}
    sys.path[:] = path
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def rows(left_out, gains):
    """Give one inner row a choice of agreement, with this gain."""
    names = {"rounds": 3, "temper": 0.3, "own_weight": 0.5}
    return [{"left_out": left_out, "least_agreement": least, **names, "gain": gain} for least, gain in gains]


def test_a_choice_that_harms_one_inner_folder_is_not_taken(modules):
    inner = pd.DataFrame([
        *rows("pets", [(0.0, 0.30), (0.7, 0.05)]), *rows("pets", [(0.0, -0.02), (0.7, 0.0)]),
        *rows("birds", [(0.0, 0.30), (0.7, 0.05)]), *rows("birds", [(0.0, 0.01), (0.7, 0.0)]),
    ])  # fmt: skip
    own = pd.DataFrame([
        {**row, "corpus": name} for name in ("pets", "birds") for row in rows("", [(0.0, 0.2), (0.7, 0.1)])
    ])  # fmt: skip
    chosen = modules["run"].nested(inner, own)
    assert chosen.set_index("corpus")["gain"].to_dict() == {"pets": 0.1, "birds": 0.2}


def test_shares_of_a_made_folder(modules):
    of = {"sad": np.arange(100), "happy": np.arange(100, 150), "angry": np.arange(150, 250)}
    drawn = modules["folders"]._drawn(of, np.array([0.5, 0.25, 0.25]), np.random.default_rng(0))
    assert [int(np.isin(drawn, each).sum()) for each in of.values()] == [100, 50, 50]
    assert len(set(drawn.tolist())) == len(drawn)


def test_recall_counts_only_classes_that_are_there(modules):
    emotion = np.array(["sad", "sad", "fear"], dtype=object)
    shown = np.array([[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]])
    assert modules["scoring"]._uar(shown, emotion) == 0.5
    assert np.isnan(modules["scoring"]._uar(shown[2:], emotion[2:]))


def test_tables_of_the_page_are_those_of_the_files(modules):
    page = modules["command"].PAGE.read_text(encoding="utf-8")
    for name, table in modules["listening_page"].page_tables(FOLDER):
        assert f"<!-- {name}:begin -->\n{table.strip()}\n<!-- {name}:end -->" in page, name
