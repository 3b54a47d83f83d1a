"""Read damaged files of every kind: ``python -m fuzz``, from the folder of tests; ends with 1 if anything was found."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from fuzz.kinds import KINDS
from fuzz.runner import generator, search


def main() -> int:
    """Search, or write one input to a folder; print what was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=29_000, help="files to damage and read, of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600.0, help="time for all")
    parser.add_argument(
        "--kind", action="append", choices=sorted(KINDS), help="kinds to read; all of them if not given"
    )
    parser.add_argument("--write", nargs=2, metavar=("NUMBER", "DIR"), help="write one input of one kind instead")
    options = parser.parse_args()
    names = options.kind or list(KINDS)
    if options.write:
        number, folder = int(options.write[0]), Path(options.write[1])
        folder.mkdir(parents=True)
        KINDS[names[0]].make(folder)
        KINDS[names[0]].damage(folder, generator(names[0], options.seed, number))
        return 0
    n_read, shown = 0, Counter[tuple[str, str]]()
    for finding in search(names, options.inputs, options.seed, options.seconds):
        n_read += 1
        if not finding.problem:
            continue
        where = finding.details.strip().split("\n")[-2:]
        shown[finding.kind, where[0]] += 1
        if shown[finding.kind, where[0]] == 1:
            print(f"\n== {finding.kind} {finding.number} (seed {finding.seed}): {finding.problem[:300]}")
            print("\n".join(line[:200] for line in finding.details.split("\n")[-30:]), flush=True)
    print(f"{n_read} inputs of {len(names)} kinds read, {shown.total()} findings, {len(shown)} of them different")
    return 1 if shown or not n_read else 0


if __name__ == "__main__":
    sys.exit(main())
