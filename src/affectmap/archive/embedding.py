"""Recordings of a plan embedded part by part, each written whole; what is there already is not made again.

Recordings are measured without a break between the parts, on all cores or the workers of a cluster, a few ahead of the
part that is being filled: memory holds the rows of one part, whatever the archive's size. A recording that cannot be
used is a row whose column ``problem`` says why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from affectmap.archive.plan import Plan
from affectmap.audio.quality import FlagNotes, SignalFlags
from affectmap.extras import require
from affectmap.features.engines import how_measured
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import measure_each
from affectmap.files import added_file, list_file
from affectmap.model.sources import with_flags
from affectmap.names import printable

if TYPE_CHECKING:
    from affectmap.model.model import Model


@dataclass(frozen=True)
class Summary:
    """What became of an archive.

    Attributes:
        n_recordings: How many rows its parts have.
        n_without_values: How many of them have none.
        n_parts_before: Parts that an earlier run had written.
        notes: What the notes of the recordings of this run say, a line a flag.
    """

    n_recordings: int
    n_without_values: int
    n_parts_before: int
    notes: tuple[str, ...]


def how_embedded(model: Model, channel: int | None = None) -> dict[str, Any]:
    """Name all that the rows of an archive depend on beside its recordings.

    Example:
        >>> from affectmap.model.model import load_model
        >>> list(how_embedded(load_model()))
        ['model', 'digest of the model', 'functionals', 'sampling rate', 'channel']
    """
    measured = how_measured(model.how_measured()["engine"])
    digest = hashlib.sha256(json.dumps(model.metadata, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.folder.tensors.items()):
        digest.update(name.encode() + tensor.tobytes())
    return {
        "model": model.name,
        "digest of the model": digest.hexdigest(),
        "functionals": " ".join(measured.values()),
        "sampling rate": model.sampling_rate,
        "channel": channel,
    }


def embed_archive(
    model: Model,
    plan: Plan,
    *,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Embed the recordings of a plan that no part has yet.

    Args:
        model: The model that the plan was made for.
        plan: What `affectmap.archive.plan.open_plan` gave.
        cache: What was measured before; after a kill it has what the unfinished part would have had.
        n_jobs: Threads; one a core by default. On a cluster it means nothing.
        progress: Called with the numbers of recordings done and in total.

    Raises:
        StorageError: If another process writes the same archive, or it cannot be written.
        UsageError: If pyarrow is not installed.

    Example:
        >>> import tempfile, soundfile
        >>> from pathlib import Path
        >>> from affectmap.archive.plan import open_plan
        >>> from affectmap.model.model import load_model
        >>> folder, model = Path(tempfile.mkdtemp()), load_model()
        >>> soundfile.write(folder / "hum.wav", 0.5 * np.sin(np.arange(16000) / 10), 16000)
        >>> plan = open_plan(folder / "parts", [str(folder)], how_embedded(model))
        >>> for _ in range(2):
        ...     done = embed_archive(model, plan)
        ...     print(done.n_recordings, done.n_without_values, done.n_parts_before)
        1 0 0
        1 0 1
    """
    require("a folder of parts", "parquet", "pyarrow")
    report, collected = progress or (lambda done, total: None), FlagNotes()
    with plan.locked():
        failures = _failures_before(plan)
        todo = [number for number in range(plan.n_parts) if number not in failures]
        n_done, n_before = sum(map(plan.size, failures)), len(failures)
        report(n_done, plan.n_recordings)
        measuring = {**model.how_measured(), "channel": plan.how.get("channel"), "cache": cache, "n_jobs": n_jobs}
        names = plan.recordings(todo)
        with closing(measure_each(plan.recordings(todo), None, **measuring)) as results:
            for number in todo:
                values = np.full((plan.size(number), len(model.inputs)), np.nan)
                files, flags = list[str](), list[SignalFlags]()
                for row in range(len(values)):
                    values[row], found = next(results)
                    files.append(printable(next(names)))
                    flags.append(found)
                    collected.add(files[-1], found)
                    report(n_done := n_done + 1, plan.n_recordings)
                failures[number] = sum(each.problem is not None for each in flags)
                _write(plan, number, files, with_flags(model.columns_of(values), flags))
    return Summary(plan.n_recordings, sum(failures.values()), n_before, tuple(collected.lines()))


def _failures_before(plan: Plan) -> dict[int, int]:
    """Count the rows without values of each part that is there, whole; remove what a killed run left of others.

    A part that has other recordings than its own, such as a copy of another part, counts as missing.
    """
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException

    for torn in plan.folder.glob(".*.part"):
        torn.unlink(missing_ok=True)
    found, listed = {}, map(printable, plan.recordings(range(plan.n_parts)))
    for number in range(plan.n_parts):
        recordings = list(islice(listed, plan.size(number)))
        try:
            part = parquet.ParquetFile(plan.part(number)).read(["file", "problem"])
            files, problems = part.column("file").to_pylist(), part.column("problem")
        except (OSError, KeyError, ArrowException):  # missing, or damaged
            continue
        if files == recordings:
            found[number] = len(problems) - problems.null_count
    for unlisted in _unlisted(plan, found):
        list_file(plan.folder, plan.part(unlisted).name)
    return found


def _unlisted(plan: Plan, parts: Mapping[int, int]) -> Iterator[int]:
    """Give the parts that a run had written when it was killed before it could list them as its own."""
    from affectmap.files import MARKER

    listed = (plan.folder / MARKER).read_text(encoding="utf-8")
    yield from (number for number in parts if f'"{plan.part(number).name}"' not in listed)


def _write(plan: Plan, number: int, files: list[str], columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a part; columns have the same types in all parts, also where one has no note at all."""
    import pandas as pd
    import pyarrow as pa

    kinds = {"b": pa.bool_(), "f": pa.float64()}
    fields = [(name, kinds.get(values.dtype.kind, pa.string())) for name, values in columns.items()]
    table = pd.DataFrame(dict(columns), pd.Index(files, name="file", dtype=object))
    with added_file(plan.folder, plan.part(number).name) as temporary:
        table.to_parquet(temporary, schema=pa.schema([*fields, ("file", pa.string())]))
