"""The page: points packed as binary columns, and one file of HTML with style, scripts, data and sound inside.

Conventions:
    * Columns are little-endian arrays one after another: ``f4`` for numbers (``NaN`` is missing), ``u1``, ``u2`` or
      ``u4`` for levels (the largest value is missing). Their list is JSON. The page reads them without copying.
    * Texts are data and never HTML: the page writes them as text, and its policy runs only its own script.
    * The page needs nothing from anywhere. Sound is MP3 as base64, cut out when it is played.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap import __version__
from affectmap.audio.quality import NO_FLAGS
from affectmap.errors import UsageError
from affectmap.explorer.flags import filled
from affectmap.explorer.points import Map, Points
from affectmap.explorer.sound import N_BARS, Excerpt
from affectmap.files import new_file
from affectmap.schema import FOUR_CLASSES, LABEL_RANGE, LABELS
from affectmap.style import EMOTION_MARKS, ENDS, LABEL_COLOURS, LABEL_COLOURS_DARK, OTHER_MARK, ordered

#: Utterances that one file may hold with their sound.
MOST_WITH_SOUND = 5000
#: Styles and scripts of the page in the order in which they are read, those of the map from `affectmap.web`.
STYLES = ("chart.css", "explorer.css")
SCRIPTS = ("flags.js", "columns.js", "marks.js", "grid.js", "chart.js", "sound.js", "list.js", "page.js")
#: A column with more values than a few, of which more than this part are unlike, is text and has no colours.
_FEW, _MOST_LEVELS = 50, 0.5
#: Facts that are names, even where all of them are numbers.
_NAMES = ("corpus", "speaker", "sex", "emotion", "flags", "problem", "session", "language")
_SHAPES = {"o": "circle", "s": "square", "^": "triangle", "D": "diamond"}


class Packed(NamedTuple):
    """Points as a page takes them.

    Attributes:
        about: Title, columns, maps, marks: what is written as JSON.
        data: The columns' bytes.
    """

    about: dict[str, Any]
    data: bytes


class _Columns:
    """Columns that are packed one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def array(self, values: npt.NDArray[Any], kind: str) -> dict[str, Any]:
        """Add an array; give where it is."""
        data = values.astype(f"<{kind}").tobytes()
        place = {"at": self._size, "type": kind}
        data += bytes(-len(data) % 4)
        self._parts.append(data)
        self._size += len(data)
        return place

    def numbers(self, values: object) -> dict[str, Any]:
        """Add numbers."""
        return self.array(pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(np.float64), "f4")

    def levels(self, values: Sequence[object], order: Sequence[str] = ()) -> dict[str, Any]:
        """Add texts of which many are alike."""
        texts = [None if each is None or each != each else str(each) for each in values]
        names = ordered(sorted({each for each in texts if each is not None}), order)
        number = {name: at for at, name in enumerate(names)}
        kind = "u1" if len(names) < 255 else "u2" if len(names) < 65_535 else "u4"
        none = np.iinfo(f"u{kind[1]}").max
        codes = np.array([none if each is None else number[each] for each in texts], dtype=np.uint32)
        return {**self.array(codes, kind), "levels": names}

    @property
    def data(self) -> bytes:
        """All bytes."""
        return b"".join(self._parts)


def pack(points: Points, excerpts: Sequence[Excerpt] | None = None) -> Packed:
    """Pack points for a page.

    Args:
        points: What it shows.
        excerpts: What can be heard of each utterance, shape (N,); by default nothing, or what a server reads.

    Returns:
        The points; no path of this machine is in them.

    Example:
        >>> from affectmap.explorer.points import points_of
        >>> rows = [{"corpus": "pets", "file": "/home/ada/a.wav", "activation": 4, "valence": 2}]
        >>> packed = pack(points_of(pd.DataFrame(rows)))
        >>> packed.about["n"], packed.about["names"], [each["name"] for each in packed.about["maps"]]
        (1, ['a.wav'], ['ratings'])
    """
    columns, table = _Columns(), points.utterances.astype({"flags": object})
    if excerpts is not None:
        table["flags"] = _objects(filled(_cells(table["flags"]), [each.flags for each in excerpts]), table.index)
        problem = [own or each.problem or None for own, each in zip(_texts(table["problem"]), excerpts, strict=True)]
        lengths = [each.length_s for each in excerpts]
        table = table.assign(problem=_objects(problem, table.index), length=lengths)
    flags = _cells(table["flags"])
    table["flags"] = _objects(flags, table.index)
    facts = [_fact(columns, str(name), table[name]) for name in table.columns if name not in ("file", *LABELS)]
    maps = [
        {
            "name": each.name,
            "how": each.how,
            **{label: columns.numbers(getattr(each, label)) for label in LABELS},
            **_classes_and_flags(columns, each, flags),
        }
        for each in points.maps
    ]
    about: dict[str, Any] = {
        "title": points.title,
        "version": __version__,
        "n": len(table),
        "names": points.names,
        "notes": list(points.notes),
        "facts": [each for each in facts if each],
        "ratings": {label: columns.numbers(table[label]) for label in LABELS},
        "maps": maps,
        "style": _style(),
        "bars": N_BARS,
    }
    if excerpts is not None:
        outlines = np.frombuffer(b"".join(each.outline for each in excerpts), np.uint8)
        about["outlines"] = columns.array(outlines, "u1")
        about["sounds"] = columns.array(np.array([len(_encoded(each)) for each in excerpts]), "u4")
    return Packed(about, columns.data)


def _classes_and_flags(columns: _Columns, of: Map, flags: Sequence[str | None]) -> dict[str, Any]:
    """Pack what a map says beside places."""
    own = flags if of.flags is None else filled(_cells(of.flags), flags)
    packed: dict[str, Any] = {"classes": None, "flags": columns.levels(own, (NO_FLAGS,)) if any(own) else None}
    if of.classes is not None:
        packed["classes"] = {**columns.levels(_cells(of.classes.chosen), FOUR_CLASSES), "among": of.classes.among}
    return packed


def _objects(values: Sequence[object], index: pd.Index) -> pd.Series:
    return pd.Series(values, index, dtype=object)


def _cells(values: Iterable[Any]) -> list[str | None]:
    return [None if each is None or each != each else str(each) for each in values]


def _texts(values: pd.Series) -> list[str]:
    return [each or "" for each in _cells(values)]


def _fact(columns: _Columns, name: str, values: pd.Series) -> dict[str, Any] | None:
    """Pack a column of facts; none of one that is empty, or the same time for all."""
    known = values.dropna()
    if known.empty or (name == "start" and (pd.to_numeric(known) == 0).all()):
        return None
    if name not in _NAMES and values.dtype != bool and pd.to_numeric(known, errors="coerce").notna().all():
        return {"name": name, "kind": "number", **columns.numbers(values)}
    packed = columns.levels(values.astype(object).tolist(), FOUR_CLASSES if name == "emotion" else ())
    is_text = name in ("problem", "flags") or (len(known) > _FEW and len(packed["levels"]) > _MOST_LEVELS * len(known))
    return {"name": name, "kind": "text" if is_text else "levels", **packed}


def _style() -> dict[str, Any]:
    """Give what `affectmap.style` says of colours, marks, words and ranges."""
    return {
        "emotions": {name: [mark.colour, _SHAPES[mark.marker]] for name, mark in EMOTION_MARKS.items()},
        "other": OTHER_MARK.colour,
        "labels": LABEL_COLOURS,
        "labels_dark": LABEL_COLOURS_DARK,
        "ends": ENDS,
        "range": LABEL_RANGE,
    }


def _encoded(excerpt: Excerpt) -> bytes:
    return base64.b64encode(excerpt.sound)


def static(name: str) -> str:
    """Read a file of the page, or of what pages share."""
    places = [resources.files(package).joinpath("static", name) for package in ("affectmap.explorer", "affectmap.web")]
    return next(place for place in places if place.is_file()).read_text(encoding="utf-8")


def render(packed: Packed, excerpts: Sequence[Excerpt] | None = None) -> str:
    """Make the page as one file."""
    style, script = ("\n".join(static(name) for name in names) for names in (STYLES, SCRIPTS))
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; img-src data: blob:; "
        "media-src blob:; base-uri 'none'; form-action 'none'"
    )
    sound = b"".join(_encoded(each) for each in excerpts or ()).decode()
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>'
    body = "\n".join(
        [
            f'<script type="application/json" id="about">{_json(packed.about)}</script>',
            f'<script type="text/plain" id="data">{base64.b64encode(packed.data).decode()}</script>',
            f'<script type="text/plain" id="sound">{sound}</script>',
            f"<script>{script}</script>",
        ]
    )
    return shell(packed.about["title"], head, body)


def shell(title: str, head: str, body: str) -> str:
    """Put a head and what follows the page's own elements into its HTML."""
    parts = {"title": _escaped(title), "head": head, "body": body}
    return re.sub(r"\{\{ (\w+) \}\}", lambda place: parts[place[1]], static("explorer.html"))


def _escaped(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _json(content: object) -> str:
    """Write JSON that ends no element it stands in."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def check_size(points: Points) -> None:
    """Raise a `UsageError` if a page of these points with their sound would be too large for a browser."""
    n = len(points.utterances)
    if n > MOST_WITH_SOUND:
        raise UsageError(
            f"{n:,} utterances are too many for one file with their sound, which holds {MOST_WITH_SOUND:,}; add "
            "--no-sound, or leave -o out to have them served from their folder"
        )


def write_page(points: Points, excerpts: Sequence[Excerpt] | None, path: Path, *, overwrite: bool = False) -> None:
    """Write the page of points and what can be heard of them; without excerpts it has no sound.

    Raises:
        StorageError: If it cannot be written.
    """
    text = render(pack(points, excerpts), excerpts)
    with new_file(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
