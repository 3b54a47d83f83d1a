"""Draw the pictures of docs, and note in docs/pictures.json what each was made from.

    python experiments/pictures/draw.py [serve.png ...]

Those that show recordings of corpora are drawn where AFFECTMAP_DATA names their folder, and left as they are elsewhere.
A test fails where a picture, or what it was made from (the shipped model, results), is no longer what is noted.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from affectmap.files import write_json

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NOTES = DOCS / "pictures.json"
SHIPPED = "src/affectmap/models/affectmap-egemaps-v1/weights.safetensors"


class Picture(NamedTuple):
    """How a picture is made.

    Attributes:
        command: Script below `experiments` and its words.
        made_from: Files of the repository that it shows, besides recordings.
        needs_data: Whether it shows recordings of corpora.
    """

    command: str
    made_from: tuple[str, ...] = ()
    needs_data: bool = False


PICTURES = {
    "annotate.png": Picture("pictures/pages.py annotate"),
    "annotate-phone.png": Picture("pictures/pages.py annotate"),
    "encoder-map.png": Picture("encoder-map/page.py encoder-map.png", ("experiments/encoder-map/summary.csv",)),
    "encoder-maps.png": Picture("encoder-map/page.py encoder-maps.png", needs_data=True),
    "explore.png": Picture("pictures/pages.py explore", (SHIPPED,), needs_data=True),
    "few-labels.png": Picture("few-labels/few_labels_page.py", ("experiments/few-labels/results.csv",)),
    "languages.png": Picture("encoder-map/languages.py", needs_data=True),
    "losses.png": Picture("losses/run.py --picture", ("experiments/losses/results.csv",)),
    "serve.png": Picture("pictures/pages.py serve", (SHIPPED,)),
    "track.png": Picture("track/picture.py", (SHIPPED,), needs_data=True),
    "transfer.png": Picture("transfer/page.py transfer.png", ("experiments/transfer/summary.csv",)),
    "transfer-maps.png": Picture("transfer/page.py transfer-maps.png", needs_data=True),
}


def main(wanted: list[str]) -> None:
    """Draw the pictures wanted, by default all, and note what they were made from."""
    if unknown := set(wanted) - set(PICTURES):
        sys.exit(f"there is no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    chosen = {name: PICTURES[name] for name in wanted or PICTURES}
    if "AFFECTMAP_DATA" not in os.environ:
        left = [name for name, picture in chosen.items() if picture.needs_data]
        print(f"left as they are without AFFECTMAP_DATA: {', '.join(left) or 'none'}")
        chosen = {name: picture for name, picture in chosen.items() if not picture.needs_data}
    failed = [command for command in dict.fromkeys(each.command for each in chosen.values()) if not is_drawn(command)]
    notes = json.loads(NOTES.read_text(encoding="utf-8")) if NOTES.exists() else {}
    notes |= {name: noted(name) for name, picture in chosen.items() if picture.command not in failed}
    write_json(NOTES, {name: notes[name] for name in sorted(notes)})
    if failed:
        sys.exit(f"failed, and left as they were noted: {', '.join(failed)}")


def is_drawn(command: str) -> bool:
    """Run a script below `experiments`; tell whether it did its work."""
    print(f"== {command}", flush=True)
    script, *words = command.split()
    return not subprocess.run([sys.executable, ROOT / "experiments" / script, *words], cwd=ROOT, check=False).returncode


def noted(name: str) -> dict[str, str]:
    """Give the digests of a picture and of what it is made from now, by path."""
    return {file: digest(ROOT / file) for file in (f"docs/{name}", *PICTURES[name].made_from)}


def digest(file: Path) -> str:
    """Give the SHA-256 digest of a file, empty where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def outdated() -> list[str]:
    """Say of each picture whose notes do not hold any more what to do."""
    notes = json.loads(NOTES.read_text(encoding="utf-8"))
    found = []
    for name in sorted({*PICTURES, *notes, *(file.name for file in DOCS.glob("*.png"))}):
        if name not in PICTURES:
            found.append(f"docs/{name} has no command in experiments/pictures/draw.py")
        elif changed := [file for file, known in noted(name).items() if notes.get(name, {}).get(file) != known]:
            found.append(f"docs/{name}: {', '.join(changed)} changed; run make pictures PICTURES={name}")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
