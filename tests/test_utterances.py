"""The table of utterances: the order of its columns, and what is written of it."""

import numpy as np
import pandas as pd
import pytest

from affectmap import utterances
from affectmap.errors import ConfigError
from affectmap.tables import read_rows
from affectmap.utterances import KEYS, TRUTH, tidy, write_utterances


@pytest.fixture
def table():
    """Three utterances of one method; the second is not evaluated, and nobody rated the third."""
    frame = pd.DataFrame(
        {
            "corpus": pd.Categorical(["pets"] * 3),
            "file": ["a.wav", "=b.wav", "ö c.wav"],
            "start": [0.0, 0.5, 0.0],
            "end": [np.nan, 1.5, np.nan],
            "speaker": "pets/anna",
            "sex": [None, "female", None],
            "method": "PCA-2",
            "reading": pd.Categorical(["zero-shot", None, "zero-shot"]),
            "fold": 1,
            "seed": 0,
            "use": ["evaluated", "statistics", "evaluated"],
            "z1": [0.1, 1 / 3, -2.0],
            "N-S-A": pd.Categorical([None, "sad", "angry"]),
            "emotion": ["sad", "angry", None],
            "activation": [1.5, 4.5, np.nan],
            "valence": [2.0, 1.5, np.nan],
        }
    )
    return frame


def test_columns_come_in_one_order(table):
    more = {f"z{k}": 0.0 for k in range(2, 12)}
    mixed = table.assign(**more, p_sad=0.5, p_neutral=0.5, predicted_valence=3.0, predicted_activation=3.0)
    shuffled = mixed[np.random.default_rng(0).permutation(mixed.columns)]
    names = tidy(shuffled).columns.tolist()
    assert names[: len(KEYS)] == list(KEYS)
    assert names[-3:] == list(TRUTH)
    middle = [f"z{k}" for k in range(1, 12)] + ["predicted_activation", "predicted_valence", "p_neutral", "p_sad"]
    assert names[len(KEYS) : -3] == [*middle, "N-S-A"]


def test_a_missing_column_is_named(table):
    with pytest.raises(ConfigError, match="lacks use, emotion; expected all of corpus, file"):
        tidy(table.drop(columns=["use", "emotion"]))


def test_parquet_gives_every_value_back(table, tmp_path):
    file = write_utterances(table, tmp_path)
    assert file == tmp_path / "utterances.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(file), table, check_exact=True, check_dtype=False)


@pytest.mark.parametrize("block", [1, 2, 100])
def test_without_pyarrow_it_is_csv_with_every_digit(table, tmp_path, monkeypatch, block):
    monkeypatch.setattr(utterances, "installed", lambda module: False)
    monkeypatch.setattr(utterances, "_BLOCK_ROWS", block)
    file = write_utterances(table, tmp_path)
    assert file.name == "utterances.csv"
    rows = read_rows(file).frame
    assert rows["file"].tolist() == ["a.wav", "=b.wav", "ö c.wav"]
    assert rows["z1"].astype(float).tolist() == table["z1"].tolist()
    assert rows["N-S-A"].tolist() == ["", "sad", "angry"]
    assert rows["end"].tolist() == ["", "1.5", ""]


def test_an_empty_table_keeps_its_header(table, tmp_path, monkeypatch):
    monkeypatch.setattr(utterances, "installed", lambda module: False)
    file = write_utterances(table.iloc[:0], tmp_path)
    assert file.read_text().splitlines() == [",".join(tidy(table).columns)]
