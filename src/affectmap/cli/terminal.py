"""What ``affectmap embed`` shows on a terminal: one recording as a short list, several as a table.

Conventions:
    * Every line fits the terminal's width, counted in the cells that it takes there, as `rich` counts them.
    * What does not fit beside a row stands below it; only the names of files are shortened.
    * No colour: what is shown reads the same everywhere.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from affectmap.audio.quality import FLAGS
from affectmap.schema import LABEL_RANGE, LABELS, Emotion
from affectmap.style import ENDS
from affectmap.text import DASH, is_number, number, score

#: What each flag means, in a line.
MEANINGS = {
    "too_short": "nothing can be measured",
    "silent": "its values are those of silence and mean nothing",
    "quiet": "part of the voice may be lost; record it louder",
    "clipped": "too loud for the microphone, so that peaks are cut off",
    "narrow_band": "high frequencies are missing, as over the telephone",
    "uneven_channels": "its channels are not one sound alike",
    "mostly_pause": "more of it is pause than speech, which moves the values",
    "rumble": "much of it lies below 20 Hz, which moves the values",
    "not_speech": "it does not sound like speech, and how far its values are off was not measured",
    "unfamiliar": "unlike the training recordings, and how far its values are off was not measured",
}
_HEADS = {"activation": "act", "valence": "val"}
_NARROW = 60
_GAP = "  "
_MIN_NAME = 8
_INDENT = 14
_JOINERS = "\u200c\u200d"
_LEFT_TO_RIGHT = "\u200e"

Row = Mapping[str, Any]


def shown(rows: Sequence[Row], width: int) -> str:
    """Write rows of `affectmap.model.model.Model.embed_columns` for a terminal of a width in cells.

    Example:
        >>> row = {"file": "a.wav", "activation": 2.25, "sad": 0.7, "happy": 0.3, "clipped": True, "problem": None}
        >>> print(shown([row], 80))
        a.wav
          activation  2.2, from 1 calm to 5 excited
          class       sad .70, happy .30
          flags       clipped: too loud for the microphone, so that peaks are cut off
        >>> print(shown([row, {**row, "file": "interviews/anna.wav", "clipped": False}], 80))
        file                 activation  class    flags
        a.wav                       2.2  sad .70  clipped
        interviews/anna.wav         2.2  sad .70
    """
    return _list(rows[0], width) if len(rows) == 1 else _table(rows, width)


def visible(text: str) -> str:
    r"""Write text in one line, with an escape for whatever moves the cursor, turns the direction or is not seen.

    Example:
        >>> print(visible("a\tb\x1b[2J\u202e"))
        a\x09b\x1b[2J\u202e
    """
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs"
        else f"\\x{ord(letter):02x}"
        if ord(letter) < 256
        else letter.encode("ascii", "backslashreplace").decode()
        for letter in text
    )


def fitted(text: str, width: int) -> str:
    """Leave out of the middle of a text what a width in cells has no room for; of a path its end tells most.

    Example:
        >>> fitted("interviews/2024/anna.wav", 16)
        'inter…4/anna.wav'
        >>> fitted("日本語の録音.wav", 10)
        '日…音.wav'
    """
    if cell_len(text) <= width:
        return text
    n_head = (width - 1) // 3
    n_tail = width - 1 - n_head
    near = range(min(len(text), 4 * width))
    head = text[: max(end for end in near if cell_len(text[:end]) <= n_head)].rstrip(_JOINERS)
    tail = text[len(text) - max(length for length in near if cell_len(text[len(text) - length :]) <= n_tail) :]
    while tail and cell_len(tail[0]) == 0:  # an accent, of the letter before it
        tail = tail[1:]
    return f"{head}…{tail}"


def _cell(text: str, width: int) -> str:
    """Fill a name up to a width; one from right to left is kept from turning what stands behind it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text)
    mark = _LEFT_TO_RIGHT if turns else ""
    return f"{mark}{text}{mark}{' ' * (width - cell_len(text))}"


def _list(row: Row, width: int) -> str:
    lines = [(label, _rating(row, label)) for label in LABELS if label in row]
    if classes := _classes(row):
        lines.append(("class", ", ".join(f"{name} {score(share)}" for name, share in classes)))
    if not lines:
        lines.append(("embedding", ", ".join(number(row[name], 2) for name in row if name.startswith("embedding_"))))
    if row["problem"]:
        lines = [("no values", visible(row["problem"]))]
    flags = [f"{flag}: {MEANINGS[flag]}" for flag in _flags(row)]
    lines += [("" if i else "flags", text) for i, text in enumerate(flags or ["none"] * (not row["problem"]))]
    if row.get("note"):
        lines.append(("note", visible(row["note"])))
    name = _cell(fitted(visible(row["file"]), width), 0)
    return "\n".join([name, *(line for head, text in lines for line in _entry(head, text, width))])


def _entry(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, max(width, _INDENT + 12), initial_indent=f"  {head:<{_INDENT - 2}}", subsequent_indent=" " * _INDENT
    )


def _rating(row: Row, label: str) -> str:
    """Write a rating, in brackets its interval, and what the ends of the scale mean."""
    (low, high), (least, most) = LABEL_RANGE, ENDS[label]
    bounds = [row.get(f"{label}_{end}") for end in ("low", "high")]
    interval = f" ({' to '.join(map(number, bounds))})" if all(map(is_number, bounds)) else ""
    return f"{number(row[label])}{interval}, from {low:g} {least} to {high:g} {most}"


def _classes(row: Row) -> list[tuple[str, float]]:
    """Give classes and their probabilities, the likeliest first; none where they are not known."""
    found = [(str(name), float(row[name])) for name in Emotion if name in row and is_number(row[name])]
    return sorted(found, key=lambda each: -each[1])


def _flags(row: Row) -> list[str]:
    return [flag for flag in FLAGS if row.get(flag)]


def _table(rows: Sequence[Row], width: int) -> str:
    names, remarks = ["file", *(visible(row["file"]) for row in rows)], [_remarks(row) for row in rows]
    cells = _values(rows, is_narrow=width < _NARROW)
    room = width - sum(len(_GAP) + len(cell) for cell in cells[0])
    beside = 0 if width < _NARROW else min(max(map(len, remarks)), room // 2)
    name_width = min(max(map(cell_len, names)), max(_MIN_NAME, room - beside - len(_GAP) * bool(beside)))
    lines = []
    for name, values, text in zip(names, cells, ["flags" * any(remarks), *remarks], strict=True):
        fits = len(_GAP) + len(text) <= room - name_width
        line = _GAP.join([_cell(fitted(name, name_width), name_width), *values, *([text] if fits else [])])
        lines.append(line.rstrip())
        if not fits and len(lines) > 1:
            lines += textwrap.wrap(text, max(width, 20), initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _values(rows: Sequence[Row], *, is_narrow: bool) -> list[list[str]]:
    """Write heads and values, each as wide as its column."""
    labels = [label for label in LABELS if label in rows[0]]
    labels = labels or [name for name in rows[0] if name.startswith("embedding_")][:2]
    heads = [_HEADS.get(label, label) if is_narrow else label for label in labels]
    columns = [[head, *(number(row[label]) for row in rows)] for head, label in zip(heads, labels, strict=True)]
    filled = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    if any(name in rows[0] for name in Emotion):
        classes = ["class", *(_likeliest(row) for row in rows)]
        filled.append([cell.ljust(max(map(len, classes))) for cell in classes])
    return [list(line) for line in zip(*filled, strict=True)]


def _likeliest(row: Row) -> str:
    return next((f"{name} {score(share)}" for name, share in _classes(row)), DASH)


def _remarks(row: Row) -> str:
    return f"no values: {visible(row['problem'])}" if row["problem"] else ", ".join(_flags(row))
