"""What a minute of sound costs: seconds and memory, of the small model and of a large one, measured on this machine.

Each is measured in a process of its own, which imports nothing but this module and the model, takes one signal to warm
up and then all of them with all cores (or on the GPU); reading files does not count. Memory is the peak of the process,
libraries included; on a GPU, that of the GPU.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.reading import read_audio, resample
from affectmap.errors import AudioError
from affectmap.features.utterances import Utterance, list_utterances

COST_COLUMNS = ("model", "parameters", "seconds_per_minute", "memory_mb", "device")
#: Seconds of sound that costs are measured on.
SAMPLE_S = 20.0
#: Seconds after which a measurement is given up.
PATIENCE_S = 600.0
#: The rate in Hz of the sound that is measured.
RATE = 16000
#: The kinds of models that are measured.
SMALL, CLASSES, ENCODER = "small", "classes", "encoder"

Signal = npt.NDArray[np.float32]


class CostOf(NamedTuple):
    """What is measured.

    Attributes:
        name: Name in the table.
        kind: `SMALL` (features and a network that comes with the package, which has the size of ours),
            `CLASSES` or `ENCODER`.
        folder: Folder of a pretrained model, or for `SMALL` what `load_model` takes; empty for its default.
        n_parameters: Number of parameters trained on top, or of all where nothing else is.
        device: ``cpu`` or ``cuda``.
        n_layers: Transformer layers of an encoder that are wanted.
    """

    name: str
    kind: str
    folder: str
    n_parameters: int
    device: str
    n_layers: int = 1


class Cost(NamedTuple):
    """What a model costs.

    Attributes:
        n_parameters: Number of its parameters.
        seconds: That a minute of sound takes.
        cpu_seconds: That the processor's cores spend on a minute of sound, all together, whatever else they do.
        memory_mb: Peak of memory.
    """

    n_parameters: int
    seconds: float
    cpu_seconds: float
    memory_mb: float


def measure_costs(models: Sequence[CostOf], indexes: Iterable[pd.Index]) -> tuple[pd.DataFrame, list[str]]:
    """Measure what models cost, one row each, columns `COST_COLUMNS`.

    Args:
        models: What is measured.
        indexes: Indexes of the tables of corpora; sound is taken from the first that has some.

    Returns:
        The table, and a sentence for each model that could not be measured.
    """
    sample: list[Utterance] = []
    for index in indexes:
        sample = sample or sample_utterances(list_utterances(index[:100]))
    if not sample:
        return pd.DataFrame(columns=list(COST_COLUMNS)), [
            "costs were not measured: no corpus has recordings that can be read"
        ]
    rows, notes = [], []
    for model in models:
        found = measure_cost(model, sample)
        if found is None:
            notes.append(f"what {model.name} costs could not be measured")
        else:
            rows.append((model.name, found.n_parameters, found.seconds, found.memory_mb, model.device))
    return pd.DataFrame(rows, columns=list(COST_COLUMNS)), notes


def measure_cost(model: CostOf, sample: Sequence[Utterance]) -> Cost | None:
    """Measure what a model costs on some utterances, in a process of its own; None where it fails."""
    task = {**model._asdict(), "utterances": sample}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "affectmap.experiment.costs"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        found = Cost(**json.loads(done.stdout.splitlines()[-1]))
    except (subprocess.SubprocessError, ValueError, TypeError, IndexError, OSError):
        return None
    return found._replace(n_parameters=model.n_parameters + found.n_parameters)


def sample_utterances(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Take the first readable utterances that last `SAMPLE_S` together; none where none can be read."""
    chosen, seconds = [], 0.0
    for each in utterances:
        try:
            signal, rate = read_audio(*each)
        except AudioError:
            continue
        chosen.append(each)
        seconds += len(signal) / rate
        if seconds >= SAMPLE_S:
            break
    return chosen


def cost_of_minute(prepare: Callable[[], Callable[[Signal], object]], signals: Sequence[Signal]) -> tuple[float, float]:
    """Time a model, which `prepare` loads, on signals at `RATE`; give seconds and CPU seconds for a minute of sound."""
    run = prepare()
    run(signals[0])
    start, cpu_start = time.perf_counter(), time.process_time()
    for signal in signals:
        run(signal)
    share = 60 * RATE / sum(map(len, signals))
    return (time.perf_counter() - start) * share, (time.process_time() - cpu_start) * share


def peak_memory_mb() -> float:
    """Give the peak memory of this process in megabytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # what a parent held before this process began does not count there
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024 / 1e6
    import resource  # which Windows does not have

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _small(name: str | None) -> Callable[[Signal], object]:
    from affectmap.model.model import load_model

    model = load_model(name)
    return lambda signal: model.embed(signal, RATE)


def _large(task: dict[str, Any]) -> tuple[Callable[[Signal], object], int]:
    from affectmap.features.encoders.features import load_speech_encoder
    from affectmap.features.encoders.models import SpeechModel

    folder, n_layers, device = Path(task["folder"]), task["n_layers"], task["device"]
    if task["kind"] == CLASSES:
        recogniser = SpeechModel(folder, classifier=True, device=device)
        return lambda signal: recogniser.probabilities([signal]), recogniser.n_parameters
    encoder = load_speech_encoder(folder, n_layers, device=device)
    return lambda signal: encoder.pooled([signal], {n_layers: 1.0}), encoder.n_parameters


def _main() -> None:
    task = json.load(sys.stdin)
    signals = [resample(*read_audio(*utterance), RATE) for utterance in task["utterances"]]
    run, n_parameters = (_small(task["folder"] or None), 0) if task["kind"] == SMALL else _large(task)
    seconds, cpu_seconds = cost_of_minute(lambda: run, signals)
    memory_mb = peak_memory_mb()
    if task["device"] == "cuda" and task["kind"] != SMALL:
        import torch

        memory_mb = torch.cuda.max_memory_allocated() / 1e6
    print(json.dumps(Cost(n_parameters, seconds, cpu_seconds, memory_mb)._asdict()))


if __name__ == "__main__":
    _main()
