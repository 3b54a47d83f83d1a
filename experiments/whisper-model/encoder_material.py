"""The corpora of the model whisper: those of the other shipped model, with an encoder's means before the functionals.

EMO-DB, URDU and AESDD are measured from their recordings. RAVDESS and EMOVO come as tables: features/NAME.parquet has
the functionals, features/whisper-base-3/NAME.parquet the means of neutral, sad, happy and angry utterances, by file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from training_corpora import CLASSED, RATED, Material

from affectmap.corpora import load_corpus
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.schema import FUNCTIONALS, WHISPER


def read_material() -> Material:
    """Read and measure all corpora; paths are relative to the folder of data."""
    rated = {
        name: prepare(load_corpus(f"{name}=corpora/{name}", Path("corpora/labels")), engine=WHISPER) for name in RATED
    }
    return Material(rated, {name: read_table(name) for name in CLASSED})


def read_table(name: str) -> PreparedCorpus:
    """Join the two tables of a corpus and prepare it."""
    means = pd.read_parquet(f"features/whisper-base-3/{name}.parquet")
    joined = means.merge(pd.read_parquet(f"features/{name}.parquet", columns=["file", *FUNCTIONALS]), on="file")
    if len(joined) != len(means):
        raise ValueError(f"{name}: {len(means)} utterances have means, and {len(joined)} of them functionals")
    with tempfile.TemporaryDirectory() as folder:
        joined.to_parquet(Path(folder, "both.parquet"))
        return prepare(load_corpus(f"table:{name}={folder}/both.parquet", features=WHISPER), engine=WHISPER)
