"""The page of agreement between raters, its pictures, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
import pandas as pd

from affectmap import __version__
from affectmap.agreement.estimators import estimates
from affectmap.agreement.ratings import rating_matrix
from affectmap.agreement.summary import text_tables
from affectmap.files import new_folder, write_text
from affectmap.report import style
from affectmap.report.affect_grid import DRAWN_ITEMS, affect_grid, drawn_raters, scale_use
from affectmap.report.canvas import Picture, drawing, save
from affectmap.schema import LABELS


def write_agreement(
    ratings: pd.DataFrame, table: pd.DataFrame, warnings: Sequence[str], folder: Path, *, overwrite: bool = False
) -> None:
    """Write agreement for people and programs.

    Args:
        ratings: As from `read_ratings`.
        table: Its agreement, as from `agreement_table`.
        warnings: What is odd, as from `warnings_of`.
        folder: The folder to be made; gets ``agreement.html``, ``agreement.csv``, ``gold_standard.csv`` and
            ``figures/`` (PNG and SVG).
        overwrite: Whether a folder that affectmap wrote may be replaced.

    Raises:
        StorageError: If it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as temporary:
        for name, frame in (("agreement", table), ("gold_standard", estimates(ratings))):
            text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
            write_text(temporary / f"{name}.csv", text)
        with drawing():
            pictures = list(_pictures(ratings, temporary / "figures"))
        write_text(temporary / "agreement.html", render(ratings, table, warnings, pictures))


def _pictures(ratings: pd.DataFrame, folder: Path) -> Iterator[Picture]:
    raters = drawn_raters(ratings)
    wide = {label: rating_matrix(ratings, label) for label in LABELS}
    n_raters = ratings["rater"].nunique()
    some = f" The {len(raters)} of {n_raters} raters with most ratings." if len(raters) < n_raters else ""
    if (wide["activation"].notna() & wide["valence"].reindex_like(wide["activation"]).notna()).any(axis=None):
        caption = (
            "Where each rater puts a recording (dot), and where the mean of the others lies (other end of its line). "
            "Lines that all lead one way show a rater who rates higher or lower than the others. "
            f"In brackets: recordings, of which at most {DRAWN_ITEMS} are drawn.{some}"
        )
        alt = "For each rater a square, valence to the right and activation upwards, with a dot a recording."
        yield save(affect_grid(ratings, raters), folder, "affect-grid", caption, alt)
    if any(len(values) for values in wide.values()):
        caption = f"How often each rater used each half step; bars of a row share one scale; dotted: the middle.{some}"
        alt = "Bars of how often each rater used each step of activation and valence."
        yield save(scale_use(ratings, raters), folder, "scale-use", caption, alt)


def render(
    ratings: pd.DataFrame, table: pd.DataFrame, warnings: Sequence[str], pictures: Sequence[Picture] = ()
) -> str:
    """Make the page.

    Args:
        ratings: As from `read_ratings`.
        table: Its agreement.
        warnings: What is odd.
        pictures: Figures with their captions.

    Returns:
        HTML that needs nothing beside it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("affectmap.report", "."),
        autoescape=True,
        # A name that the template has and the page lacks is a mistake, not an empty space.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    n_raters, n_files = ratings["rater"].nunique(), ratings["file"].nunique()
    return environment.get_template("agreement.html").render(
        title=f"{style.counted(n_raters, 'rater')}, {style.counted(n_files, 'recording')}".capitalize(),
        warnings=warnings,
        tables=text_tables(ratings, table),
        pictures=pictures,
        version=__version__,
    )
