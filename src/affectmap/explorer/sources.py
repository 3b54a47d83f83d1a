"""What is named on the command line becomes points: results of a run or score, a table, or a corpus.

Conventions:
    * A folder of results is one with ``utterances.parquet`` (or ``.csv``), as `affectmap reproduce` and
      ``affectmap score`` leave it; ``affectmap embed`` leaves a table, or a folder of parts.
    * A table has a column ``file``. Its ``predicted_activation`` and ``predicted_valence`` are places, ``activation``
      and ``valence`` are ratings; where it has only the latter, they are places: those of a model in what ``affectmap
      embed`` wrote, which has intervals beside them, and those of people elsewhere.
    * Relative names of recordings begin at the table's folder, or at the folder that is given for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from affectmap.errors import CorpusError, UsageError
from affectmap.explorer.flags import with_flags_column
from affectmap.explorer.points import Points, joined, points_of
from affectmap.names import read_columns, read_id
from affectmap.schema import FOUR_CLASSES, INDEX, LABELS
from affectmap.tables import TEXT_TABLES, Problems, Rows, read_numbers, read_rows
from affectmap.utterances import KEYS, PREDICTED, TRUTH

#: Names of the tables that folders of results hold, and where in a folder the demo puts its results.
_TABLES = ("utterances.parquet", "utterances.csv", "results/utterances.parquet", "results/utterances.csv")
#: Columns that are numbers where a table has them.
_NUMBERS = ("start", "end", *LABELS, *PREDICTED.values())
_FORMS = "a folder of results, a table (.csv, .tsv, .parquet), or a corpus as NAME=DIR"


def read_points(sources: Sequence[str], *, root: Path | None = None, title: str = "") -> Points:
    r"""Read what folders of results and tables hold, several of them as maps of the same utterances.

    Args:
        sources: Folders of results and tables.
        root: Folder in which recordings are looked for that do not lie where a table says.
        title: Heading of the page; by default the corpora.

    Raises:
        UsageError: If a source is neither.
        CorpusError: If a table cannot be read, or has no places.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = file.write_text("file,activation,valence,emotion\na.wav,4,2,angry\n")
        >>> points = read_points([str(file)])
        >>> points.maps[0].name, points.utterances["emotion"].tolist()
        ('ratings', ['angry'])
    """
    return located(points_of(joined(_as_maps([_read(Path(source)) for source in sources])), title), root)


def _as_maps(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Make tables of the same recordings, as ``affectmap embed`` writes them, maps named after the tables."""
    tables = [each for each in frames if "reading" in each and (each["reading"] == "table").all() and len(each)]
    shared = set.intersection(*(set(each["file"]) for each in tables)) if len(tables) > 1 else set()
    if not shared:
        return frames
    corpus, chosen = tables[0]["corpus"].iloc[0], {id(each) for each in tables}
    return [
        each.assign(method=each["corpus"].where(each["method"] == "model", each["method"]), corpus=corpus)
        if id(each) in chosen
        else each
        for each in frames
    ]


def run_points(rows: pd.DataFrame, without: pd.DataFrame, title: str = "") -> Points:
    """Make points of a table of utterances that is not on the disk yet, and of what was left out (`left_out`)."""
    files = _found(rows["file"], Path.cwd())
    return points_of(joined([rows.assign(file=files), without.assign(file=_found(without["file"], Path.cwd()))]), title)


def embedded_points(table: pd.DataFrame, title: str = "") -> Points:
    """Make points of what ``affectmap embed`` made, whose relative names begin at the folder of this process."""
    rows = Rows(table, [f"row {row}" for row in range(1, len(table) + 1)], "what was embedded", Path.cwd())
    return points_of(_plain(rows, "recordings"), title)


def is_table_or_results(source: str) -> bool:
    """Tell whether a source is an existing file or folder, and no corpus by its spec."""
    return Path(source).exists() or "=" not in source


def _read(path: Path) -> pd.DataFrame:
    """Read one source: rows as `points_of` takes them, with absolute files."""
    if path.is_dir():
        if found := next((path / name for name in _TABLES if (path / name).is_file()), None):
            return _with_left_out(_utterances(read_rows(found.absolute())), found.parent)
        if sorted(path.glob("part-*.parquet")):
            return _plain(_parts(path), path.name)
        raise UsageError(f"{path} holds no utterances.parquet, no utterances.csv and no parts; expected {_FORMS}")
    if not path.exists():
        raise UsageError(f"{path} does not exist; expected {_FORMS}")
    if path.suffix.lower() not in (*TEXT_TABLES, ".parquet"):
        raise UsageError(f"{path} ends in {path.suffix or 'nothing'}; expected {_FORMS}")
    rows = read_rows(path.absolute())
    if set(KEYS) <= set(rows.frame.columns):
        return _with_left_out(_utterances(rows), path.absolute().parent)
    return _plain(rows, path.stem)


def _parts(folder: Path) -> Rows:
    tables = [read_rows(each.absolute()) for each in sorted(folder.glob("part-*.parquet"))]
    frame = pd.concat([each.frame for each in tables], ignore_index=True)
    return Rows(frame, [f"row {row}" for row in range(1, len(frame) + 1)], str(folder), Path.cwd())


def _with_left_out(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    others = _left_out(folder)
    if others.empty:
        return rows
    only = rows["corpus"].iloc[0] if len(rows) else None
    others = others.assign(file=_found(others["file"], Path.cwd(), folder), corpus=others["corpus"].fillna(only))
    return joined([rows, others])


def _left_out(folder: Path) -> pd.DataFrame:
    """Read which utterances a run or a score left out, and why, where its folder tells."""
    for name in ("tables/findings.csv", "unusable.csv"):
        if (folder / name).is_file():
            found = read_rows(folder / name).frame
            if "dropped" in found:
                found = found.assign(dropped=found["dropped"] == "True")
            return left_out(found)
    return pd.DataFrame()


def left_out(found: pd.DataFrame, corpus: str | None = None) -> pd.DataFrame:
    """Make rows of utterances without a place, with the reason.

    Args:
        found: Findings of a run (``corpus``, ``file``, ``detail``, ``dropped``), or a score's ``file`` and ``reason``.
        corpus: Name of the corpus, where there is no column.

    Example:
        >>> findings = pd.DataFrame({"corpus": ["pets"] * 2, "file": ["a.wav", ""], "detail": ["far out", "small"]})
        >>> left_out(findings.assign(dropped=[True, False]))[["file", "problem"]].to_dict("records")
        [{'file': 'a.wav', 'problem': 'left out: far out'}]
    """
    if "dropped" in found:
        found = found[found["dropped"].astype(bool) & (found["file"].astype(str) != "")]
    reason = found["detail"] if "detail" in found else found["reason"]
    rows = pd.DataFrame({"file": found["file"], "problem": [f"left out: {each}" for each in reason], "start": 0.0})
    return rows.assign(corpus=found.get("corpus", corpus))


def _utterances(rows: Rows) -> pd.DataFrame:
    """Read a table of utterances, as `affectmap.utterances` has it."""
    if missing := [name for name in (*KEYS, *TRUTH) if name not in rows.frame]:
        raise CorpusError(f"{rows.origin} lacks {', '.join(missing)}; expected a table of utterances of a run")
    frame, problems = rows.frame.copy(), Problems(rows.origin, CorpusError)
    names = [str(name) for name in frame]
    numeric = [name for name in names if name in _NUMBERS or name.startswith(("p_", "z")) or name in ("fold", "seed")]
    for name in numeric:
        frame[name] = read_numbers(rows, name, problems)
    problems.check()
    texts = [name for name in names if name not in numeric]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna() & (frame[texts] != ""), None)
    # A run names recordings as its corpora were named to it: below the folder in which it was started.
    return frame.assign(file=_found(frame["file"], Path.cwd(), rows.root))


def _plain(rows: Rows, name: str) -> pd.DataFrame:
    """Read any other table: rows of one method, or of what people rated."""
    wanted = (*INDEX, *TRUTH, "speaker", "sex")
    columns = read_columns([str(each) for each in rows.frame.columns], wanted, rows.origin, CorpusError)
    rows = replace(rows, frame=rows.frame.set_axis(columns.names, axis=1))
    frame, problems = rows.frame.copy(), Problems(rows.origin, CorpusError)
    if "file" not in frame:
        raise CorpusError(f"{rows.origin} has no column file; expected names of recordings, activation and valence")
    for each in (name for name in _NUMBERS if name in frame):
        frame[each] = read_numbers(rows, each, problems)
    problems.check()
    frame = with_flags_column(frame)
    frame = _with_places(frame, rows.origin)
    for each in frame.columns.difference([*_NUMBERS, "file", "method", "speaker"]):
        frame[each] = _numbers_or_texts(frame[each])
    frame["speaker"] = [read_id(each) for each in frame["speaker"]] if "speaker" in frame else None
    # Names in what embed wrote begin at the folder in which it was started, which is not always that of the table.
    frame["file"] = _found(frame["file"], rows.root, Path.cwd())
    return frame.assign(corpus=frame.get("corpus", name), use="evaluated", fold=0, seed=0)


def _with_places(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Tell predicted from rated values, and name the method."""
    if set(PREDICTED.values()) <= set(frame):
        return frame.assign(method=frame.get("method", "predicted"), reading="table")
    if not set(LABELS) <= set(frame):
        raise CorpusError(f"{origin} has no columns activation and valence, which are the places; add them")
    if "activation_low" not in frame and "embedding_0" not in frame:
        return frame.assign(method=None, reading=None)
    found = frame.rename(columns=PREDICTED).assign(method="model", reading="table")
    if set(FOUR_CLASSES) <= set(frame):
        likely = frame[[*FOUR_CLASSES]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        best = np.nan_to_num(likely, nan=-1.0).argmax(axis=1)
        found["N-S-H-A"] = [
            None if np.isnan(row).any() else str(FOUR_CLASSES[k]) for row, k in zip(likely, best, strict=True)
        ]
    return found.drop(columns=[each for each in found if each in FOUR_CLASSES or str(each).startswith("embedding_")])


def _numbers_or_texts(values: pd.Series) -> pd.Series:
    filled = values.astype(object).where(values.notna() & (values.astype(str) != ""), None)
    numbers = pd.to_numeric(filled, errors="coerce")
    if values.dtype == bool or not filled.notna().any() or numbers[filled.notna()].isna().any():
        return filled.map(lambda each: None if each is None else str(each))
    return numbers


def _found(files: Iterable[object], *roots: Path) -> list[str]:
    """Give the paths of recordings, below the first folder in which there is one of that name, else the first."""
    names = ["" if file is None or file != file else str(file) for file in files]
    return [
        str(next((root / name for root in roots if (root / name).is_file()), roots[0] / name)) if name else ""
        for name in names
    ]


def located(points: Points, root: Path | None) -> Points:
    """Give every recording the path at which it is, below `root` where it is not where it was said to be.

    A recording is looked for under as much of its path as there is, the longest part first.
    """
    if root is None:
        return points
    if not root.is_dir():
        raise UsageError(f"--root {root} is no folder; name the one that the recordings lie in")
    files = points.utterances["file"].astype(str)
    known = {each: str(_below(root, each)) for each in files.unique() if not Path(each).is_file()}
    return replace(points, utterances=points.utterances.assign(file=files.replace(known)))


def _below(root: Path, file: str) -> Path:
    parts = PurePosixPath(file.replace("\\", "/")).parts
    for first in range(1 if file.startswith("/") else 0, len(parts)):
        below = root.joinpath(*parts[first:])
        if ".." not in parts[first:] and below.is_file():
            return below
    return Path(file)
