"""The table of utterances that a run leaves: one row for each utterance, method, fold and seed.

Conventions:
    * First come `KEYS`: ``start`` and ``end`` in seconds, the end missing where an utterance is the whole file;
      ``reading`` as in the tables, or whose statistics `affectmap.score` took; missing for rows that are not evaluated;
      ``fold`` from 1, 0 where there is none.
    * ``use`` says what an utterance did in that fold: ``evaluated``, ``training``, or ``statistics`` where its corpus
      was normalised by it and it is not evaluated.
    * Then what a method made of it, where there is such a value: the embedding ``z1``, ``z2``, …; the predictions
      ``predicted_activation`` and ``predicted_valence``, 1..5; probabilities ``p_neutral`` … ``p_angry``; and the
      predicted class of each set of classes, such as ``N-S-H-A``, or ``probe_N-S-H-A`` of a probe's.
    * Of a score ``flags`` follow, names parted by commas, or ``none`` (`affectmap.audio.quality`).
    * Last comes the truth: ``emotion``, ``activation``, ``valence``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from affectmap.errors import ConfigError
from affectmap.extras import installed
from affectmap.files import new_file
from affectmap.schema import FOUR_CLASSES, INDEX, LABELS
from affectmap.tables import csv_lines

if TYPE_CHECKING:
    import pandas as pd

#: What an utterance did.
Use = Literal["evaluated", "training", "statistics"]
KEYS = ("corpus", *INDEX, "speaker", "sex", "method", "reading", "fold", "seed", "use")
PREDICTED = {label: f"predicted_{label}" for label in LABELS}
PROBABILITIES = tuple(f"p_{emotion}" for emotion in FOUR_CLASSES)
TRUTH = ("emotion", *LABELS)
#: Columns of an embedding.
COORDINATE = re.compile(r"z[1-9]\d*")
#: Rows that are written as text at a time.
_BLOCK_ROWS = 20_000


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Put the columns of a table of utterances in their order.

    Args:
        table: All of `KEYS` and of the truth, and any of the others.

    Raises:
        ConfigError: If a column of `KEYS` or of the truth is missing.

    Example:
        >>> import pandas as pd
        >>> row = dict.fromkeys([*TRUTH, "N-S-A", "z2", "z1", *KEYS], 0)
        >>> tidy(pd.DataFrame([row])).columns[len(KEYS) :].tolist()
        ['z1', 'z2', 'N-S-A', 'emotion', 'activation', 'valence']
    """
    names = [str(name) for name in table.columns]
    missing = [name for name in (*KEYS, *TRUTH) if name not in names]
    if missing:
        raise ConfigError(f"the table of utterances lacks {', '.join(missing)}; expected all of {', '.join(KEYS)}")
    coordinates = sorted((name for name in names if COORDINATE.fullmatch(name)), key=lambda name: int(name[1:]))
    known = [name for name in (*PREDICTED.values(), *PROBABILITIES) if name in names]
    first = [*KEYS, *coordinates, *known]
    return table[[*first, *(name for name in names if name not in {*first, *TRUTH}), *TRUTH]]


def write_utterances(table: pd.DataFrame, folder: Path) -> Path:
    """Write a table of utterances as ``utterances.parquet``; see `write_large`."""
    return write_large(tidy(table), folder, "utterances")


def write_large(table: pd.DataFrame, folder: Path, name: str) -> Path:
    """Write a table as parquet, or as CSV where the extra ``parquet`` is missing.

    Returns:
        The file; whoever reads its ending can tell people what they got.

    Raises:
        StorageError: If it cannot be written.
    """
    as_parquet = installed("pyarrow")
    file = folder / f"{name}.{'parquet' if as_parquet else 'csv'}"
    with new_file(file) as temporary:
        if as_parquet:
            table.to_parquet(temporary, index=False)
            return file
        with temporary.open("w", encoding="utf-8") as handle:
            for start in range(0, max(len(table), 1), _BLOCK_ROWS):
                lines = csv_lines(table.iloc[start : start + _BLOCK_ROWS])
                handle.writelines(f"{line}\n" for line in (lines[1:] if start else lines))
    return file
