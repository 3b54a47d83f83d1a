"""Which columns of a table are features: the 88 functionals, or any that are asked for, whatever measured them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from affectmap.errors import CorpusError, UsageError
from affectmap.names import read_columns
from affectmap.schema import (
    COLUMNS,
    EGEMAPS,
    FUNCTIONALS,
    INDEX,
    WHISPER,
    WHISPER_FEATURES,
    column_prefixes,
    parse_number,
)
from affectmap.tables import Problems, Rows, read_numbers, read_rows

if TYPE_CHECKING:
    import pandas as pd


def named_features(given: Sequence[str], wanted: str | Sequence[str], origin: str) -> list[str]:
    """Give the features that are asked for by name or prefix; what means a label is none."""
    prefixes = column_prefixes(wanted) if isinstance(wanted, str) else None
    if not isinstance(wanted, str):
        if missing := [name for name in wanted if name not in given]:
            raise CorpusError(
                f"{origin} lacks {len(missing)} of {len(wanted)} features, first {missing[0]}; expected the columns "
                f"{wanted[0]} to {wanted[-1]}"
            )
        return list(wanted)
    if not prefixes:
        if isinstance(wanted, str) and wanted.startswith("columns:"):
            raise UsageError(f"{wanted} has a prefix that is empty; write columns, or columns:PREFIX,PREFIX")
        return []
    found = [name for name in given if name.startswith(prefixes) and name.strip().lower() not in (*INDEX, *COLUMNS)]
    if lacking := [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in found)]:
        raise CorpusError(f"{origin} has no feature that begins with {lacking[0]!r}; got {', '.join(given[:8])}")
    return found


#: What a table may bring of the features that are measured here by default, by what is asked for.
BROUGHT = {EGEMAPS: FUNCTIONALS, WHISPER: WHISPER_FEATURES}
_MAX_NAMED = 90


def brought_features(names: Sequence[str], wanted: str, origin: str) -> list[str]:
    """Give the features of `BROUGHT` if a table has them all, nothing if it has none, or no mean of an encoder's."""
    features = BROUGHT[wanted]
    if wanted == WHISPER and features[0] not in names:
        return []  # functionals alone, which another model takes
    given = set(names)
    absent = [name for name in features if name not in given]
    if absent and len(absent) < len(features):
        noun = "functionals" if wanted == EGEMAPS else f"features of {wanted}"
        more = ", ..." if len(absent) > _MAX_NAMED else ""
        raise CorpusError(
            f"{origin} has {len(features) - len(absent)} of the {len(features)} {noun}; "
            f"it lacks {', '.join(absent[:_MAX_NAMED])}{more}; give all of them or none"
        )
    return [] if absent else list(features)


def has_number(rows: Rows, column: str) -> bool:
    """Tell whether a column has a number in any row; then it has to have them in all."""
    import pandas as pd

    cells = rows.frame[column]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return bool(cells.notna().any())
    if not (pd.api.types.is_object_dtype(cells) or pd.api.types.is_string_dtype(cells)):
        return False
    for cell in cells:
        with suppress(ValueError, TypeError):
            if not math.isnan(parse_number(cell, decimal_comma=rows.decimal_comma)):
                return True
    return False


def unasked_features(rows: Rows, others: Sequence[str]) -> str:
    """Say what to add where a table has columns of numbers that nobody asked for."""
    n = sum(has_number(rows, name) for name in others if name in rows.frame)
    return f"; if its {n} columns of numbers are features, add --features columns" if n > 1 else ""


def read_features(rows: Rows, names: Sequence[str], problems: Problems) -> pd.DataFrame:
    """Read the features, float32 (N, F); what is beyond float32 is as unusable as infinity."""
    import numpy as np
    import pandas as pd

    with np.errstate(over="ignore"):
        columns = {name: read_numbers(rows, name, problems).astype("float32") for name in names}
    return pd.DataFrame(columns)


def constant_notes(features: pd.DataFrame) -> list[str]:
    """Name the features that have one value in all rows, of which nothing can be learnt: no sentence, or one."""
    same = [str(name) for name in features.columns[features.min() == features.max()]] if len(features) > 1 else []
    more = f" and {len(same) - 1} more" if len(same) > 1 else ""
    return [f"features with one value in all rows: {same[0]}{more}"] if same else []


def read_inputs(file: Path, inputs: Sequence[str]) -> pd.DataFrame:
    r"""Read what a model takes from a CSV or parquet table; nothing is left out, and labels play no part.

    Args:
        file: The table.
        inputs: Names of the model's features.

    Returns:
        Features (N, F), ``NaN`` where a cell is empty, indexed by ``file`` or, without such a column, by line.

    Raises:
        UsageError: If the table cannot be read, lacks a feature, or has text in one.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = file.write_text("file,emotion,f0,f1\na.wav,sad,1,2\nb.wav,,3,\n")
        >>> read_inputs(file, ["f1", "f0"]).to_dict("index")
        {'a.wav': {'f1': 2.0, 'f0': 1.0}, 'b.wav': {'f1': nan, 'f0': 3.0}}
    """
    import pandas as pd

    rows = read_rows(file, UsageError)
    if rows.frame.empty:
        raise UsageError(f"{file} has no rows; expected at least one utterance")
    given = [str(column) for column in rows.frame.columns]
    if missing := [name for name in inputs if name not in given]:
        raise UsageError(
            f"{file}: {len(missing)} of the {len(inputs)} features are missing, first {missing[0]}; expected CSV or "
            f"parquet with the {len(inputs)} features of the model as columns"
        )
    problems = Problems(file, UsageError)
    columns = {name: read_numbers(rows, name, problems) for name in inputs}
    problems.check()
    rest = [name for name in given if name not in columns]
    found = dict(zip(read_columns(rest, ["file"], file, UsageError).names, rest, strict=True))
    files = [str(cell) for cell in rows.frame[found["file"]]] if "file" in found else rows.places
    return pd.DataFrame(columns, pd.Index(files, name="file", dtype=object))
