"""Run the parts of the benchmarks, each as a process of its own, and write results.json, results.md and growth.png.

    python benchmarks/run.py [--quick] [--only training,pairwise]

A full run also fills the block in docs/speed.md. ``--quick`` (under two minutes) writes to benchmarks/quick/
and leaves the committed results alone. Parts that are not run keep their entries, with their own commit and date.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from affectmap.files import new_file, write_json, write_text
from affectmap.text import between_marks

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: Parts in the order of the page; others follow by name.
ORDER = (
    "training",
    "extraction",
    "whisper",
    "pairwise",
    "reproduction",
    "command",
    "growth",
    "install",
    "tracking",
    "service",
    "annotator",
    "archive",
    "explorer",
)
#: Parts that even small take half a minute or more: a quick run leaves them out unless they are named.
LONG = ("whisper", "reproduction", "growth", "install", "tracking", "service", "annotator", "archive", "explorer")
PACKAGES = (
    "affectmap", "numpy", "scipy", "pandas", "scikit-learn", "torch", "opensmile", "joblib", "pyarrow", "statsmodels",
)  # fmt: skip
BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"

Part = dict[str, Any]


def parts() -> list[str]:
    """Name every part in this folder: the files that define ``measure``."""
    found = [file.stem for file in sorted(HERE.glob("*.py")) if "\ndef measure(" in file.read_text(encoding="utf-8")]
    return [*(name for name in ORDER if name in found), *(name for name in found if name not in ORDER)]


def run_part(name: str, quick: bool, about: Mapping[str, Any]) -> Part | None:
    """Run one part; give its result with what is known `about` the run, or None where it failed."""
    print(f"== {name}", flush=True)
    start = time.perf_counter()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "part.json"
        words = [sys.executable, str(HERE / f"{name}.py"), *(["--quick"] if quick else []), "--json", str(file)]
        code = subprocess.run(words, check=False, cwd=ROOT).returncode
        if code or not file.exists():
            print(f"== {name} failed with exit code {code}", file=sys.stderr, flush=True)
            return None
        part: Part = json.loads(file.read_text(encoding="utf-8"))
    return {**part, **about, "load_before": round(load, 2), "seconds": round(time.perf_counter() - start, 1)}


def about_now() -> dict[str, Any]:
    """Tell what a run was measured with: commit, date, machine and versions."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return {"commit": commit(), "date": date, "machine": machine(), "versions": versions()}


def machine() -> dict[str, Any]:
    """Describe the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    affinity = getattr(os, "sched_getaffinity", None)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "memory_gb": round(memory / 1e9),
        "system": platform.platform(terse=True),
    }


def versions() -> dict[str, str]:
    """Give the versions of Python and of what does the work."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Give the commit measured, with ``+`` where files under version control differ from it."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "--untracked-files=no", "src", "benchmarks/*.py") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def verdict(value: float | None, aim: str, unit: str = "") -> str:
    """Tell whether a value meets an aim, and by how much it misses it.

    Args:
        value: Measured value; None where it could not be.
        aim: ``≥ 5`` or ``≤ 0.15``, or nothing.
        unit: Unit of both.

    Returns:
        ``met``, ``missed by …``, ``not measured``, or nothing where there is no aim.
    """
    if not aim:
        return ""
    sign, number = aim.split(maxsplit=1)
    if sign not in ("≥", "≤"):
        raise ValueError(f"aim {aim!r} begins with neither ≥ nor ≤")
    goal = float(number.replace(",", ""))
    if value is None or math.isnan(value):
        return "not measured"
    missing = goal - value if sign == "≥" else value - goal
    if missing <= 0:
        return "met"
    share = f" ({missing / abs(goal):.0%})" if goal else ""
    return f"missed by {amount(missing, unit)}{share}"


def amount(value: float | None, unit: str) -> str:
    """Write a number with three digits and its unit."""
    if value is None or math.isnan(value):
        return "–"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    number = f"{value:,.{digits}f}" if digits <= 5 else f"{value:.1e}"
    return f"{number} {unit}".rstrip()


def page(results: Mapping[str, Any]) -> str:
    """Render all parts as Markdown."""
    named = results["parts"]
    lines = ["# Speed", "", "Written by `make bench`; how to read it: [README](README.md).", "", _machine_line(results)]
    for name in _ordered(named):
        lines += ["", *_part_lines(name, named[name], results)]
    return "\n".join(lines) + "\n"


def _machine_line(entry: Mapping[str, Any]) -> str:
    at = entry["machine"]
    software = ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
    return (
        f"{at['processor']}, {at['cores']} cores, {at['memory_gb']} GB, {at['system']}; {software}. "
        f"Commit {entry['commit']}, {entry['date']}; {entry['seconds']:,.0f} s in all."
    )


def _ordered(named: Mapping[str, Part]) -> list[str]:
    return [*(name for name in ORDER if name in named), *sorted(set(named) - set(ORDER))]


def _part_lines(name: str, part: Part, results: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## {part['title']}", "", part["text"], "")
    if part["commit"] != results["commit"] or part["date"] != results["date"]:
        yield from (f"Kept from commit {part['commit']}, {part['date']}, {part['machine']['processor']}.", "")
    yield "| what | measured | range | aim | |"
    yield "|---|---:|---:|---:|---|"
    for row in part["rows"]:
        spread = f"{amount(row['low'], '')}–{amount(row['high'], '')}, n = {row['n']}" if row["n"] > 1 else ""
        aim = f"{row['aim']} {row['unit']}" if row["aim"] else ""
        met = verdict(row["value"], row["aim"], row["unit"])
        yield f"| {row['name']} | {amount(row['value'], row['unit'])} | {spread} | {aim} | {met} |"
    notes = [f"- {row['name']}: {row['note']}" for row in part["rows"] if row["note"]]
    yield from ("", *notes) if notes else ()
    yield from ("", f"`python benchmarks/{name}.py`, {part['seconds']:,.0f} s; load before: {part['load_before']:g}.")


def draw(results: Mapping[str, Any], file: Path) -> bool:
    """Draw the curves of growth, or those of all parts where it was not run; tell whether there are any."""
    named = {name: results["parts"][name].get("curves", []) for name in _ordered(results["parts"])}
    panels = named.get("growth") or [curve for curves in named.values() for curve in curves]
    if not panels:
        return False
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    labels = list(dict.fromkeys(label for curve in panels for label in curve["lines"]))
    styles = {label: {"color": f"C{i % 10}", "linestyle": "-" if i < 10 else "--"} for i, label in enumerate(labels)}
    figure, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 5), squeeze=False, layout="constrained")
    for axis, curve in zip(axes.flat, panels, strict=True):
        for label, points in curve["lines"].items():
            known = [point for point in points if point[1] is not None]
            axis.loglog([x for x, _ in known], [y for _, y in known], marker="o", markersize=3, **styles[label])
        axis.set(title=curve["title"], xlabel=curve["x"], ylabel=curve["y"])
        axis.grid(which="major", alpha=0.3)
    handles = [plt.Line2D([], [], label=label, marker="o", markersize=3, **styles[label]) for label in labels]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    with new_file(file) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    return True


def page_block(results: Mapping[str, Any], picture: bool) -> str:
    """Render the rows that a part calls headlines, or nothing where there are none."""
    named = results["parts"]
    rows = [row for name in _ordered(named) for row in named[name]["rows"] if row.get("headline")]
    if not rows:
        return ""
    at = results["machine"]
    lines = ["| | measured | aim | |", "|---|---:|---:|---|"]
    for row in rows:
        aim = f"{row['aim']} {row['unit']}" if row["aim"] else ""
        met = verdict(row["value"], row["aim"], row["unit"])
        lines.append(f"| {row['name']} | {amount(row['value'], row['unit'])} | {aim} | {met} |")
    lines += ["", f"{at['processor']}, {at['cores']} cores. All results, and how they were measured: "]
    lines[-1] += "[benchmarks/results.md](../benchmarks/results.md); `make bench` measures them on yours."
    if picture:
        lines += ["", "![Time and memory by size](../benchmarks/growth.png)"]
    return "\n".join(lines) + "\n"


def into_page(block: str, page_file: Path) -> bool:
    """Put the block between the page's marks; tell whether there are marks and something to put there."""
    text = page_file.read_text(encoding="utf-8")
    if not block or BEGIN not in text or END not in text.split(BEGIN, 1)[1]:
        return False
    write_text(page_file, between_marks(text, "speed", block))
    return True


def merged(old: Mapping[str, Any], new: Mapping[str, Part], about: Mapping[str, Any]) -> dict[str, Any]:
    """Put new parts over old ones."""
    named = {**old.get("parts", {}), **new}
    return {**about, "seconds": sum(part["seconds"] for part in named.values()), "parts": named}


def main(words: Sequence[str] | None = None) -> int:
    """Run, merge, render; give the exit code, 1 where a part failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, results in benchmarks/quick/")
    parser.add_argument("--only", metavar="PART,PART", help=f"of {', '.join(parts())}")
    arguments = parser.parse_args(words)
    usual = [name for name in parts() if not (arguments.quick and name in LONG)]
    wanted = arguments.only.split(",") if arguments.only else usual
    if unknown := sorted(set(wanted) - set(parts())):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(parts())}")
    folder = HERE / "quick" if arguments.quick else HERE
    start = time.perf_counter()
    about = about_now()
    new = {name: part for name in wanted if (part := run_part(name, arguments.quick, about))}
    file = folder / "results.json"
    old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    results = merged(old, new, about)
    write_json(file, results)
    write_text(folder / "results.md", page(results))
    picture = draw(results, folder / "growth.png")
    if not arguments.quick and not into_page(page_block(results, picture), ROOT / "docs" / "speed.md"):
        print("docs/speed.md was left alone: it has no marks, or no part that was run is shown there", file=sys.stderr)
    print(f"wrote {folder / 'results.md'} after {time.perf_counter() - start:.0f} s")
    return int(len(new) < len(wanted))


if __name__ == "__main__":
    sys.exit(main())
