"""Fifty raters at once for a minute: how long an answer takes, and whether every confirmed rating is kept."""

from __future__ import annotations

import asyncio
import csv
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import soundfile

from harness import Row, main, row_of

RATERS = 50
RECORDINGS = 200
#: Seconds between an answer and the next rating; nobody listens and chooses faster.
THINKING_S = (1.0, 3.0)
AIM_MS = 100.0


class Load(NamedTuple):
    """What the raters met."""

    seconds: dict[str, list[float]]
    confirmed: list[str]
    n_errors: int


@contextmanager
def serving(folder: Path) -> Iterator[list[str]]:
    """Run ``affectmap annotate`` as it comes; give the raters' links. Its end writes ``ratings.csv``."""
    for number in range(RECORDINGS):
        noise = np.random.default_rng(number).normal(0, 0.1, 3 * 16000)
        soundfile.write(folder / "speech" / f"{number:03}.wav", noise, 16000)
    start = [sys.executable, "-c", "from affectmap.cli import main; main()", "annotate", str(folder / "speech")]
    options = ["--port", "0", "--no-browser", "--raters", str(RATERS)]
    with subprocess.Popen([*start, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = []
            while "until Ctrl-C" not in (line := process.stderr.readline() if process.stderr else ""):
                if not line:
                    raise RuntimeError("the annotator did not start")
                lines.append(line)
            yield re.findall(r"http://\S+/r/\S+", "".join(lines))
        finally:
            process.terminate()


async def rate(link: str, until: float, load: Load, number: int) -> int:
    """Rate as a page does: fetch the next sound ahead, send each rating twice in twenty; give the number of errors."""
    chance, errors = random.Random(number), 0
    url, token = link.split("/r/")
    limits = httpx.Limits(max_connections=2)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:

        async def timed(kind: str, method: str, path: str, body: object = None) -> httpx.Response:
            start = time.perf_counter()
            answer = await client.request(method, path, json=body)
            load.seconds[kind].append(time.perf_counter() - start)
            return answer

        await asyncio.sleep(chance.uniform(0, THINKING_S[1]))
        state = (await timed("next", "GET", f"/api/{token}/next")).json()
        while state["item"] and time.monotonic() < until:
            if state["following"]:
                await timed("sound", "GET", state["following"]["audio"])
            await asyncio.sleep(chance.uniform(*THINKING_S))
            body = {
                "item": state["item"]["id"],
                "activation": chance.randint(2, 10) / 2,
                "valence": chance.randint(2, 10) / 2,
                "seconds": 2.0,
                "key": str(uuid.uuid4()),
            }
            answer = await timed("rating", "POST", f"/api/{token}/ratings", body)
            if chance.random() < 0.1:  # as after a lost answer
                answer = await timed("rating", "POST", f"/api/{token}/ratings", body)
            if answer.status_code == 201:
                load.confirmed.append(body["key"])
                state = answer.json()["next"]
            else:
                errors += 1
    return errors


async def rate_together(links: list[str], seconds: float) -> Load:
    """Have everybody rate."""
    load = Load({"next": [], "sound": [], "rating": []}, [], 0)
    until = time.monotonic() + seconds
    errors = await asyncio.gather(*(rate(link, until, load, number) for number, link in enumerate(links)))
    return load._replace(n_errors=sum(errors))


def check_kept(file: Path, load: Load) -> None:
    """See that what was confirmed is there, each once."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [(row["file"], row["rater"], row["presentation"], row["revision"]) for row in csv.DictReader(stream)]
    if len(set(rows)) != len(rows) or len(rows) != len(load.confirmed) or load.n_errors:
        raise RuntimeError(f"{len(load.confirmed)} confirmed, {len(rows)} kept, {load.n_errors} errors")


def rows_of(load: Load, seconds: float) -> list[Row]:
    """Make the rows of the page."""
    rows = [row_of("ratings confirmed", [len(load.confirmed) / seconds], "/s")]
    for kind, name in (("rating", "a rating confirmed"), ("sound", "a sound fetched")):
        times = [1000 * each for each in load.seconds[kind]]
        ranks = statistics.quantiles(times, n=20, method="inclusive")
        rows.append(row_of(f"{name}: half within", [ranks[9]], "ms", note=f"{len(times)} requests"))
        aim = f"≤ {AIM_MS:g}" if kind == "rating" else ""
        rows.append(row_of(f"{name}: 95 % within", [ranks[18]], "ms", aim=aim))
    return rows


def measure(quick: bool, seconds: float | None = None) -> dict[str, Any]:
    """Measure the annotator with everybody at once."""
    seconds = seconds or (10.0 if quick else 60.0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "speech").mkdir()
        with serving(folder) as links:
            load = asyncio.run(rate_together(links, seconds))
        check_kept(folder / "speech-labels" / "ratings.csv", load)
    text = (
        f"`affectmap annotate` as it comes (SQLite), {os.cpu_count()} cores, {RATERS} raters for {seconds:g} s. "
        "Each fetches the next sound (3 s, 96 kB), waits "
        f"{THINKING_S[0]:g} to {THINKING_S[1]:g} s and confirms a rating; one in ten is sent twice. Raters and server "
        f"share the cores. {len(load.confirmed):,} ratings were confirmed; all are in the export, none twice."
    )
    return {"title": "Annotator", "text": text, "rows": rows_of(load, seconds)}


if __name__ == "__main__":
    main(measure)
