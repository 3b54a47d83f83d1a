"""Draw docs/track.png: an hour made of EMO-DB's neutral, angry, sad and happy files, a quarter of an hour each.

    AFFECTMAP_DATA=... python experiments/track/picture.py

The hour is joined by `made.py` in a folder that vanishes; the picture holds derived values alone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from made import write

from affectmap.track import track

NAMES = ("*N?.wav", "*W?.wav", "*T?.wav", "*F?.wav")
OUT = Path(__file__).resolve().parents[2] / "docs" / "track.png"


def main() -> None:
    """Make the hour, track and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        hour = Path(folder, "an hour of EMO-DB.wav")
        write(Path(os.environ["AFFECTMAP_DATA"], "corpora/emodb/wav"), hour, 60, stretches=NAMES)
        found = track(hour)
    found.picture(OUT)
    quarters = found.flat().assign(quarter=lambda table: table["start"] // 900 + 1).groupby("quarter")
    print(quarters[["activation", "valence"]].mean().round(2))
    print(*found.notes, sep="\n")


if __name__ == "__main__":
    main()
