"""The command line: how long ``affectmap --help`` and ``import affectmap`` take, and what they import.

python benchmarks/command.py [--quick] [--json FILE]
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

from harness import in_turn, main, row_of

#: Modules that help must not wait for.
HEAVY = (
    "numpy", "pandas", "scipy", "sklearn", "torch", "opensmile", "audformat", "pyarrow", "matplotlib", "soundfile",
    "joblib", "rich", "onnxruntime", "fastapi", "starlette", "dask",
)  # fmt: skip
MAIN = "import sys; from affectmap.cli import main; main(sys.argv[1:])"


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    return measure_verbs(verbs(), 3 if quick else 15)


def verbs() -> list[str]:
    """Read the verbs from the help."""
    listed = _run("-c", MAIN, "--help").split("Commands:")[1]
    return re.findall(r"^  (\w+)  ", listed, flags=re.MULTILINE)


def measure_verbs(names: list[str], rounds: int) -> dict[str, Any]:
    """Measure the help of some verbs."""
    python = {"bare": lambda: _run("-c", "pass"), "import": lambda: _run("-c", "import affectmap")}
    times = in_turn(python | {"help": lambda: _run("-c", MAIN, "--help")}, rounds)
    above = [one - other for one, other in zip(times["import"], times["bare"], strict=True)]
    rows = [
        row_of("affectmap --help", times["help"], "s", "≤ 0.25"),
        row_of("import affectmap, above bare Python", above, "s", "≤ 0.15", _imported("-c", "import affectmap")),
        row_of("bare Python", times["bare"], "s", note="python -c pass"),
    ]
    helps = in_turn({name: (lambda name=name: _run("-c", MAIN, name, "--help")) for name in names}, rounds)
    rows += [row_of(f"affectmap {name} --help", seconds, "s") for name, seconds in helps.items()]
    words = [[], *([name] for name in names)]
    heavy = {module for each in words for module in _heavy("-c", MAIN, *each, "--help")}
    note = ", ".join(sorted(heavy)) or "none of " + ", ".join(HEAVY)
    rows.append(row_of("heavy modules that help imports", len(heavy), "", "≤ 0", note))
    text = (
        "Each is a process of its own, in turn, timed from start to end; the time of `import affectmap` "
        "excludes that of the bare interpreter started just before. Help of a verb imports pydantic, by which "
        "typer reads the types of options."
    )
    return {"title": "Command", "text": text, "rows": rows}


def _run(*words: str) -> str:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout


def _heavy(*words: str) -> set[str]:
    trace = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True
    ).stderr
    names = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in trace.splitlines() if "|" in line}
    return names & set(HEAVY)


def _imported(*words: str) -> str:
    return "imports " + (", ".join(sorted(_heavy(*words))) or "NumPy, pandas and the like only when they are used")


if __name__ == "__main__":
    main(measure)
