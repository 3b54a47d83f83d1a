"""The base install in a fresh environment: its size, that no training framework is in it, and one file's embedding.

    python benchmarks/install.py [--quick] [--json FILE]

Needs the package registry.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import service
from harness import in_turn, main, row_of

ROOT = Path(__file__).resolve().parents[1]
#: What trains or draws, and must not come with the base package.
FOREIGN = ("torch", "onnx", "scikit-learn", "scipy", "matplotlib")
MB = 1e6


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = install(folder / "environment")
        check_foreign(python)
        sizes = sizes_of(folder / "environment")
        file, what = recording(folder)
        command = [str(python.with_name("affectmap")), "embed", str(file)]
        times = in_turn({"embed": lambda: subprocess.run(command, check=True, capture_output=True)}, 3 if quick else 9)
    rows = [
        row_of("base install on disk", sum(sizes.values()) / MB, "MB", "≤ 550", "the whole environment, pip included"),
        row_of("affectmap embed FILE", times["embed"], "s", "≤ 1.5", f"the process from start to end; {what}"),
    ]
    return {"title": "The base install", "text": text_of(sizes), "rows": rows}


def install(environment: Path) -> Path:
    """Install the package of this checkout, without extras, into a new environment; give its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    words = [
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-c",
        str(ROOT / "constraints.txt"),
        str(ROOT),
    ]
    subprocess.run([str(python), *words], check=True, stdout=sys.stderr)
    return python


def check_foreign(python: Path) -> None:
    """End with an error if something is installed that the base package must not bring."""
    told = subprocess.run([str(python), "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    names = {line.split("==")[0].split(" @")[0].lower() for line in told.splitlines()}
    if found := sorted(names.intersection(FOREIGN)):
        sys.exit(f"the base install has {', '.join(found)}")


def sizes_of(environment: Path) -> Counter[str]:
    """Bytes by package, or by folder outside of the packages."""
    sizes: Counter[str] = Counter()
    (packages,) = environment.glob("lib/python*/site-packages")
    for file in environment.rglob("*"):
        if file.is_file() and not file.is_symlink():
            inside = file.is_relative_to(packages)
            top = file.relative_to(packages if inside else environment).parts[0]
            sizes[top.removesuffix(".libs").split("-")[0].lower()] += file.stat().st_size
    return sizes


def recording(folder: Path) -> tuple[Path, str]:
    """Give a recording of some seconds, and what it is."""
    data = os.environ.get("AFFECTMAP_DATA")
    found = sorted(Path(data, "corpora", "emodb", "wav").glob("*.wav")) if data else []
    if found:
        return found[0], f"{found[0].name} of EMO-DB"
    file = folder / "buzz.wav"
    file.write_bytes(service.utterance())
    return file, "3 s of a buzz"


def text_of(sizes: Counter[str]) -> str:
    """Tell the largest parts."""
    lines = ["What `pip install .` puts into a fresh environment, compiled files included; the largest parts:", ""]
    lines += ["| package | MB |", "|---|---:|"]
    largest = sizes.most_common(9)
    lines += [f"| {name} | {size / MB:.0f} |" for name, size in largest]
    lines.append(f"| all others | {(sum(sizes.values()) - sum(size for _, size in largest)) / MB:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(measure)
