"""The command line: how long ``affectmap --help``, ``import affectmap`` and one file take, and what they import.

python benchmarks/command.py [--quick] [--json FILE]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import service
from harness import Row, bytecode_kept, in_turn, main, row_of

#: Modules that help must not wait for.
HEAVY = (
    "numpy", "pandas", "scipy", "sklearn", "torch", "opensmile", "audformat", "pyarrow", "matplotlib", "soundfile",
    "joblib", "rich", "onnxruntime", "fastapi", "starlette", "dask",
)  # fmt: skip
MAIN = "import sys; from affectmap.cli import main; main(sys.argv[1:])"


def measure(quick: bool) -> dict[str, Any]:
    """Measure the part."""
    rounds = 3 if quick else 15
    part = measure_verbs(verbs(), rounds)
    return part | {"rows": [*part["rows"], *measure_embed(rounds)]}


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


def measure_embed(rounds: int) -> list[Row]:
    """Measure the embedding of one recording, in turn with what no command of this kind can do without."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "buzz.wav")
        file.write_bytes(service.utterance())
        words = ("-c", MAIN, "embed", "--no-cache", str(file))
        ways = {"embed": lambda: _run(*words), "least": lambda: _run("-c", "import numpy, typer, pydantic")}
        times = in_turn(ways, rounds)
        heavy = sorted(_heavy(*words))
    return [
        row_of("affectmap embed FILE", times["embed"], "s", "≤ 0.6", f"3 s of a buzz; imports {', '.join(heavy)}"),
        row_of("import numpy, typer, pydantic", times["least"], "s", note="in turn with it, as a yardstick"),
    ]


def _run(*words: str) -> str:
    command = [sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=bytecode_kept()).stdout


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
