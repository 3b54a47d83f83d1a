"""Points for embedding-atlas, a viewer of millions of points by others: the parquet that it reads, and the command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from affectmap.explorer.points import Points
from affectmap.explorer.sound import Excerpt
from affectmap.extras import require
from affectmap.files import new_file
from affectmap.schema import LABELS


def write_atlas(points: Points, excerpts: Sequence[Excerpt] | None, path: Path, *, overwrite: bool = False) -> str:
    """Write points as parquet: facts, a pair of columns for each map, and sound where there is any.

    Args:
        points: The points.
        excerpts: What can be heard of each; by default nothing.
        path: The file.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The command that shows it.

    Raises:
        UsageError: If pyarrow is missing.
        StorageError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> import pandas as pd
        >>> from affectmap.explorer.points import points_of
        >>> rows = pd.DataFrame([{"corpus": "pets", "file": "a.wav", "activation": 4, "valence": 2}])
        >>> print(write_atlas(points_of(rows), None, Path(tempfile.mkdtemp(), "atlas.parquet")))
        embedding-atlas .../atlas.parquet --x ratings_valence --y ratings_activation
    """
    require("a table for embedding-atlas", "parquet", "pyarrow")
    frame = points.utterances.drop(columns="file").assign(file=points.names)
    columns: dict[str, Any] = {}
    names: list[str] = []
    for each in points.maps:
        name = _unique(re.sub(r"\W+", "_", each.name).strip("_").lower(), names)
        names.append(name)
        columns |= {f"{name}_{label}": getattr(each, label) for label in LABELS}
        if each.classes is not None:
            columns[f"{name}_class"] = each.classes.chosen
    if excerpts is not None:
        # The shape in which data sets of the Hugging Face Hub hold sound, and embedding-atlas plays it.
        columns["sound"] = [
            {"bytes": each.sound, "path": f"{number}.mp3"} if each.sound else None
            for number, each in enumerate(excerpts)
        ]
    with new_file(path, overwrite=overwrite) as temporary:
        frame.assign(**columns).to_parquet(temporary, index=False)
    first = names[0]
    return shlex.join(["embedding-atlas", str(path), "--x", f"{first}_valence", "--y", f"{first}_activation"])


def _unique(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
