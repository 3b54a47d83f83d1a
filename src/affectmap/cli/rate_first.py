"""Recordings to have rated first, chosen on a model's map; for ``ratings suggest`` and ``annotate --suggest``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from affectmap.cli.progress import note, progress_bar
from affectmap.errors import AudioError, UsageError
from affectmap.extras import require
from affectmap.text import counted

if TYPE_CHECKING:
    from affectmap.features.recordings import RecordingCache


def to_rate_first(
    recordings: Sequence[str], n: int, model: Path | None, cache: RecordingCache | None, n_jobs: int | None = None
) -> list[str]:
    """Choose recordings that are spread over the map, and say which cannot be used.

    Raises:
        UsageError: If more are asked for than can be used.
        AudioError: If none can be used.
    """
    require("--suggest", "annotate", "scipy")
    from affectmap.model.model import load_model
    from affectmap.model.sources import why_unusable
    from affectmap.model.suggestion import spread_over_the_map

    loaded = load_model(model)
    with progress_bar("recordings") as progress:
        functionals, flags = loaded.measure(list(recordings), cache=cache, n_jobs=n_jobs, progress=progress)
    kept = [reason is None for reason in why_unusable(flags, loaded.transform(functionals)["not_speech"])]
    usable = list(compress(recordings, kept))
    if len(usable) < len(recordings):
        note(f"note: {counted(len(recordings) - len(usable), 'recording')} of {len(recordings)} cannot be used")
    if not usable:
        raise AudioError(f"none of {counted(len(recordings), 'recording')} could be used; name others")
    if n > len(usable):
        raise UsageError(f"{n} recordings are asked for, and {len(usable)} can be used; ask for fewer")
    used = functionals[kept]
    rows = loaded.adapt(used).transform(used)
    places = rows[loaded.metadata["outputs"]["embedding"]].to_numpy()
    return [usable[row] for row in spread_over_the_map(places, n)]
