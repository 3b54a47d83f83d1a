"""``affectmap embed`` into a folder of parquet parts, which a later run goes on with."""

from __future__ import annotations

from pathlib import Path

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.cli.standard_input import STDIN
from affectmap.errors import AudioError, UsageError


def embed_into_parts(
    sources: list[str],
    output: Path,
    model: Path | None,
    *,
    part_size: int | None,
    overwrite: bool,
    channel: int | None,
    cache: Path | None,
    no_cache: bool,
    n_jobs: int | None,
) -> None:
    """Begin an archive or go on with it, and tell what became of it."""
    from affectmap.archive.embedding import embed_archive, how_embedded
    from affectmap.archive.plan import open_plan
    from affectmap.model.model import load_model

    if STDIN in sources:
        raise UsageError(
            f"{output} becomes a folder of parts; name a file, such as {output}.parquet, for one recording"
        )
    loaded = load_model(model)
    with options.recording_cache(cache, no_cache) as known:
        how = how_embedded(loaded, channel)
        plan = open_plan(output, sources, how, part_size=part_size, overwrite=overwrite)
        for line in plan.notes:
            note(f"note: {line}")
        with progress_bar("recordings") as progress:
            done = embed_archive(loaded, plan, cache=known, n_jobs=n_jobs, progress=progress)
    for line in done.notes:
        note(f"note: {line}")
    if done.n_parts_before:
        note(f"{done.n_parts_before:,} of {plan.n_parts:,} parts were there before")
    n_failed = done.n_without_values
    without = f", {n_failed:,} of them without values: the column problem says why" if n_failed else ""
    note(f"{output} has {done.n_recordings:,} recordings{without}")
    if n_failed == done.n_recordings:
        raise AudioError(f"none of {n_failed:,} recordings could be used; the column problem says why")
