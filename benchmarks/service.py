"""The service under load: requests a second and waiting times of /embed, by the number of clients at once."""

from __future__ import annotations

import http.client
import io
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import soundfile

from affectmap.model.model import load_model
from harness import Row, main, row_of, seconds_of

CLIENTS = (1, 2, 8)
RATE = 16000


def utterance(seconds: float = 3.0) -> bytes:
    """A buzz whose pitch and loudness move, as a WAV file."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * 150 * time_s + 3 * np.sin(2 * np.pi * 3 * time_s)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 9)) * (1.2 + np.sin(2 * np.pi * 4 * time_s))
    noise = np.random.default_rng(0).normal(0, 0.02, len(time_s))
    handle = io.BytesIO()
    soundfile.write(handle, 0.1 * buzz + 0.1 * noise, RATE, format="WAV")
    return handle.getvalue()


@contextmanager
def serving() -> Iterator[int]:
    """Run ``affectmap serve`` on a free port, as it comes; give the port."""
    start = [sys.executable, "-c", "from affectmap.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"http://\S+:(\d+)", process.stderr.readline() if process.stderr else "")
            if not found:
                raise RuntimeError("the service did not start")
            yield int(found.group(1))
        finally:
            process.terminate()


def ask(connection: http.client.HTTPConnection, recording: bytes) -> tuple[float, bytes]:
    """Send a recording on an open connection; give the seconds until its answer is read, and the answer."""
    start = time.perf_counter()
    connection.request("POST", "/embed", recording, {"Content-Type": "audio/wav"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"the service answered {response.status}: {answer.decode(errors='replace')}")
    return time.perf_counter() - start, answer


def load(port: int, recording: bytes, n_clients: int, n_requests: int) -> tuple[float, list[float], set[bytes]]:
    """Have clients ask again and again, each on its own connection; give requests a second, seconds, answers."""
    ready = threading.Barrier(n_clients + 1)

    def client(_number: int) -> list[tuple[float, bytes]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        ask(connection, recording)
        ready.wait()
        found = [ask(connection, recording) for _ in range(n_requests // n_clients)]
        connection.close()
        return found

    with ThreadPoolExecutor(n_clients) as pool:
        clients = [pool.submit(client, number) for number in range(n_clients)]
        ready.wait()
        start = time.perf_counter()
        asked = [each for done in clients for each in done.result()]
        seconds = time.perf_counter() - start
    return len(asked) / seconds, [each for each, _ in asked], {answer for _, answer in asked}


def rows_for(port: int, recording: bytes, n_clients: int, n_requests: int, rounds: int) -> tuple[list[Row], set[bytes]]:
    """Measure one number of clients."""
    rates, middles, tails, answers = [], [], [], set()
    for _ in range(rounds):
        rate, seconds, found = load(port, recording, n_clients, n_requests)
        ranks = statistics.quantiles(seconds, n=20, method="inclusive")
        rates.append(rate)
        middles.append(1000 * ranks[9])
        tails.append(1000 * ranks[18])
        answers |= found
    name = "1 client" if n_clients == 1 else f"{n_clients} clients"
    return [
        row_of(f"{name}: requests", rates, "/s"),
        row_of(f"{name}: half answered within", middles, "ms"),
        row_of(f"{name}: 95 % answered within", tails, "ms"),
    ], answers


def measure(quick: bool, n_requests: int | None = None) -> dict[str, Any]:
    """Measure the service beside the same work in one process without it."""
    rounds, n_requests = (2, n_requests or 40) if quick else (5, n_requests or 200)
    recording = utterance()
    signal, rate = soundfile.read(io.BytesIO(recording), dtype="float32")
    model = load_model()
    model.embed(signal, rate, n_jobs=1)
    alone = [1000 * seconds_of(lambda: model.embed(signal, rate, n_jobs=1)) for _ in range(5 * rounds)]
    rows, answers = [row_of("without the service", alone, "ms", note="Model.embed in this process, one thread")], set()
    with serving() as port:
        for n_clients in CLIENTS:
            found, answered = rows_for(port, recording, n_clients, n_requests, rounds)
            rows += found
            answers |= answered
    if len(answers) != 1:
        raise RuntimeError(f"{len(answers)} different answers to one recording")
    text = (
        f"`affectmap serve` as it comes, {os.cpu_count()} cores, asked on this machine over open connections: an "
        f"utterance of 3 s (synthetic), {len(recording) / 1000:.0f} kB, each client asking again as soon as it has its "
        f"answer, {n_requests} requests a round. Clients and service share the cores. All answers are equal, byte for "
        "byte."
    )
    return {"title": "Service", "text": text, "rows": rows}


if __name__ == "__main__":
    main(measure)
