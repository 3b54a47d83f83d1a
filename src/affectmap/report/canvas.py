"""Draw and save every figure: one look, no global state left behind, the same bytes each time."""

from __future__ import annotations

import base64
import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from affectmap.files import new_file
from affectmap.style import INK, MUTED, RULE

#: Width of a figure that fills the page's column, in inches.
FULL_WIDTH = 10.4
#: Width of one for a telephone, in inches.
NARROW_WIDTH = 3.7
#: More columns of panels than this are continued below.
MAX_COLUMNS = 4

_LOOK: Any = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "path.simplify": True,
    # Text stays text: it can be searched, and it is set in the reader's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "affectmap",
    "text.color": INK,
    # A corpus may have a dollar sign in its name.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.color": MUTED,
    "ytick.labelsize": 8,
    "ytick.major.width": 0.6,
}
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


class Drawn(NamedTuple):
    """A figure's SVG as a ``data:`` address, and its natural size in CSS pixels."""

    source: str
    width: int
    height: int


class Picture(NamedTuple):
    """A figure as the page shows it, and the same for narrow screens."""

    stem: str
    caption: str
    alt: str
    source: str
    width: int
    height: int
    narrow: Drawn


@contextmanager
def drawing() -> Iterator[None]:
    """Draw with the report's look; matplotlib's settings are restored afterwards."""
    with mpl.rc_context(_LOOK), warnings.catch_warnings():
        # A corpus may be named in a script that matplotlib's own font lacks; the reader's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def save(figure: Figure, folder: Path, stem: str, caption: str, alt: str, narrow: Figure) -> Picture:
    """Write a figure, drawn within `drawing`, as ``stem.png`` and ``stem.svg``, and give it for the page.

    The page has the same drawn for narrow screens, too; no file has it.
    """
    # Neither kind names its maker or a date: the same results give the same bytes.
    with new_file(folder / f"{stem}.png") as temporary:
        # Half the time of the default for a tenth more bytes.
        fast = {"compress_level": 4}
        figure.savefig(temporary, format="png", dpi=144, metadata={"Software": None}, pil_kwargs=fast)
    with new_file(folder / f"{stem}.svg") as temporary:
        text = _svg(figure)
        temporary.write_text(text, encoding="utf-8")
    drawn = _address(figure, text)
    return Picture(stem, caption, alt, *drawn, _address(narrow, _svg(narrow)))


def _svg(figure: Figure) -> str:
    with io.StringIO() as written:
        figure.savefig(written, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
        # Text was measured in matplotlib's own font, which is wider than most: what fits there fits elsewhere.
        return written.getvalue().replace("'DejaVu Sans'", _FONTS)


def _address(figure: Figure, text: str) -> Drawn:
    address = "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Drawn(address, width, height)


def file_stem(*words: str) -> str:
    """Make a file name of any words.

    Example:
        >>> file_stem("figure3", "Ridge (activation, valence)")
        'figure3-ridge-activation-valence'
    """
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def letter(index: int) -> str:
    """Count by letters, as parts of a figure are named.

    Example:
        >>> letter(0), letter(25), letter(26)
        ('a', 'z', 'aa')
    """
    head, tail = divmod(index, 26)
    return (letter(head - 1) if head else "") + ascii_lowercase[tail]


@dataclass(frozen=True)
class Grid:
    """Places for panels in inches, so that a panel has the same size however many there are.

    Corpora are columns; beyond `most` of them the rows are repeated below for the others.
    """

    n_corpora: int
    n_rows: int
    panel: tuple[float, float]
    gap: tuple[float, float]
    left: float
    right: float
    top: float
    bottom: float
    most: int = MAX_COLUMNS
    #: Inches left free above all panels.
    above: float = 0.0

    @property
    def n_blocks(self) -> int:
        """How often the rows are repeated."""
        return math.ceil(self.n_corpora / self.most)

    @property
    def n_columns(self) -> int:
        """Columns side by side, so that the blocks are about equally full."""
        return math.ceil(self.n_corpora / self.n_blocks)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure in inches."""
        wide = self.n_columns * (self.panel[0] + self.gap[0]) - self.gap[0]
        high = self.n_rows * (self.panel[1] + self.gap[1]) - self.gap[1]
        return self.left + wide + self.right, self.above + self.n_blocks * (self.top + high + self.bottom)

    def axes(self, figure: Figure, row: int, corpus: int) -> Axes:
        """Add the panel of a row and corpus, both counted from 0."""
        block, column = divmod(corpus, self.n_columns)
        width, height = self.size
        left = self.left + column * (self.panel[0] + self.gap[0])
        below = self.above + block * (height - self.above) / self.n_blocks + self.top
        below += row * (self.panel[1] + self.gap[1]) + self.panel[1]
        return figure.add_axes((left / width, 1 - below / height, self.panel[0] / width, self.panel[1] / height))
