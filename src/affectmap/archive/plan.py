"""What an archive is made of: the list of its recordings, how they are embedded, and which part has which of them.

All is decided once, when the folder is made, and written into it: ``_recordings.jsonl`` has a path a line, as a JSON
string, ``_archive.json`` what the rows depend on beside the recordings. A run that finds them goes on, or refuses where
it would give other rows. Nothing here holds all paths at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from affectmap.corpora.listing import Listing
from affectmap.errors import StorageError, UsageError
from affectmap.files import new_folder, write_json
from affectmap.names import printable
from affectmap.temporary import lock_file

#: Recordings of one part, where nobody says otherwise.
PART_SIZE = 10_000
PLAN_FILE, LIST_FILE = "_archive.json", "_recordings.jsonl"
_FORMAT = 1
_ADVICE = "name another folder with -o, or add --overwrite to begin anew; what was measured is in the cache"


@dataclass(frozen=True)
class Plan:
    """An archive as it was begun.

    Attributes:
        folder: Where it lies.
        n_recordings: How many there are.
        part_size: How many a part has; the last may have fewer.
        how: All that the rows depend on beside the recordings.
        notes: What was passed over when they were listed.
    """

    folder: Path
    n_recordings: int
    part_size: int
    how: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def n_parts(self) -> int:
        """How many parts there are."""
        return -(-self.n_recordings // self.part_size)

    def part(self, number: int) -> Path:
        """Give the file of a part, counted from 0."""
        return self.folder / f"part-{number:05}.parquet"

    def size(self, number: int) -> int:
        """Count the recordings of a part."""
        return min(self.part_size, self.n_recordings - number * self.part_size)

    def recordings(self, parts: Sequence[int]) -> Iterator[str]:
        """Read the paths of some parts' recordings, one at a time; `parts` are numbers in ascending order.

        Raises:
            StorageError: If the list is missing or damaged.
        """
        try:
            with (self.folder / LIST_FILE).open(encoding="ascii") as lines:
                n_read = 0
                for number in parts:
                    n_before = number * self.part_size - n_read
                    yield from map(_path, islice(lines, n_before, n_before + self.size(number)))
                    n_read += n_before + self.size(number)
        except (OSError, ValueError, RecursionError) as error:
            raise StorageError(f"{self.folder / LIST_FILE} cannot be gone on with ({error}); {_ADVICE}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing parts while the block runs; the system releases it when this one dies.

        Raises:
            StorageError: If another process does.
        """
        with (self.folder / PLAN_FILE).open("rb") as handle:
            if not lock_file(handle, wait=False):
                raise StorageError(f"another process writes {self.folder}; wait for it, or name another folder with -o")
            yield


def open_plan(
    folder: Path,
    sources: Sequence[str],
    how: dict[str, Any],
    *,
    part_size: int | None = None,
    overwrite: bool = False,
) -> Plan:
    """Begin an archive, or give the one that was begun.

    Args:
        folder: Where its parts shall lie; made if missing.
        sources: Recordings, and folders of them.
        how: All that the rows depend on beside the recordings, as JSON has it.
        part_size: Recordings of one part; by default `PART_SIZE`, or what the archive was begun with.
        overwrite: Whether to remove what affectmap wrote there before, and to begin anew.

    Raises:
        CorpusError: If there are no recordings.
        StorageError: If the folder is another's, or was begun with other recordings or otherwise.
        UsageError: If `part_size` is less than 1.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in "abc":
        ...     (folder / f"{name}.wav").touch()
        >>> plan = open_plan(folder / "parts", [str(folder)], {"model": "mine"}, part_size=2)
        >>> [plan.size(number) for number in range(plan.n_parts)], [Path(each).name for each in plan.recordings([1])]
        ([2, 1], ['c.wav'])
        >>> open_plan(folder / "parts", [str(folder)], {"model": "other"})
        Traceback (most recent call last):
        affectmap.errors.StorageError: ... was begun with model mine, and now it is other; name another folder ...
    """
    if part_size is not None and part_size < 1:
        raise UsageError(f"part size is {part_size}, expected at least 1")
    if (folder / PLAN_FILE).is_file() and not overwrite:
        return _checked(_read(folder), sources, how, part_size)
    given = [Path(each) for each in sources if Path(each).exists()]
    size = part_size or PART_SIZE
    with new_folder(folder, overwrite=overwrite, inputs=given) as temporary:
        listing = Listing(sources)
        with (temporary / LIST_FILE).open("w", encoding="ascii") as lines:
            lines.writelines(f"{json.dumps(path)}\n" for path in listing)
        plan = {"format": _FORMAT, "n_recordings": listing.n_recordings, "part_size": size, "how": how}
        write_json(temporary / PLAN_FILE, plan)
    return Plan(folder, listing.n_recordings, size, how, tuple(listing.notes))


def _read(folder: Path) -> Plan:
    try:
        plan = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        numbers = plan["n_recordings"], plan["part_size"]
        if plan["format"] != _FORMAT or not all(type(each) is int and each > 0 for each in numbers):
            raise ValueError("it is of another version")
        return Plan(folder, *numbers, dict(plan["how"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{folder / PLAN_FILE} cannot be gone on with ({error}); {_ADVICE}") from error


def _path(line: str) -> str:
    path = json.loads(line)
    if not isinstance(path, str):
        raise ValueError(f"{line.strip()[:40]} is no path")
    return path


def _checked(plan: Plan, sources: Sequence[str], how: dict[str, Any], part_size: int | None) -> Plan:
    """Refuse to go on where the rows or parts would be others."""
    begun, now = plan.how | {"part size": plan.part_size}, how | {"part size": part_size or plan.part_size}
    for name in dict.fromkeys([*begun, *now]):
        if begun.get(name) != now.get(name):
            there, here = (_shown(each.get(name)) for each in (begun, now))
            raise StorageError(f"{plan.folder} was begun with {name} {there}, and now it is {here}; {_ADVICE}")
    listing = Listing(sources)
    for there, here in zip_longest(plan.recordings(range(plan.n_parts)), listing):
        if there != here:
            either = sorted(printable(each) for each in (there, here) if each is not None)
            raise StorageError(
                f"{plan.folder} was begun with {plan.n_recordings:,} recordings, and now they are others, first "
                f"{either[0]}; {_ADVICE}"
            )
    return Plan(plan.folder, plan.n_recordings, plan.part_size, how, tuple(listing.notes))


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
