"""The folder that an evaluation leaves: tables for people, and every number for programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from affectmap.evaluation.scoring import Evaluation
from affectmap.evaluation.tables import text_tables
from affectmap.evaluation.verdict import verdict
from affectmap.files import new_folder, write_json, write_text
from affectmap.tables import csv_text
from affectmap.text import latex_tables
from affectmap.utterances import write_utterances

PAGE = "score.html"


def write_evaluation(
    found: Evaluation,
    folder: Path,
    *,
    overwrite: bool = False,
    page: Callable[[Evaluation], str] | None = None,
    more: Callable[[Path], None] | None = None,
) -> str:
    """Write an evaluation.

    Args:
        found: The evaluation.
        folder: The folder to be made; gets ``score.json``, ``measures.csv``, ``confusion.csv``, ``reliability.csv``,
            ``unusable.csv``, ``tables.tex``, the table of utterances, and the page.
        overwrite: Whether a folder that affectmap wrote may be replaced.
        page: Makes the page; by default there is none.
        more: Writes further files into the folder, which it is called with.

    Returns:
        Name of the table of utterances, which ends in ``.csv`` where the extra ``parquet`` is missing.

    Raises:
        StorageError: If it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as temporary:
        words = [statement._asdict() for statement in verdict(found)]
        write_json(temporary / "score.json", {"verdict": words, **found.as_dict()})
        for name, frame in (
            ("measures", found.measures),
            ("confusion", found.confusion.reset_index()),
            ("reliability", found.reliability),
            ("unusable", found.unusable),
        ):
            write_text(temporary / f"{name}.csv", csv_text(frame, float_format="%.6g"))
        write_text(temporary / "tables.tex", latex_tables(text_tables(found)))
        if page is not None:
            write_text(temporary / PAGE, page(found))
        if more is not None:
            more(temporary)
        return write_utterances(found.utterances, temporary).name
