"""What both shipped models and SUPERB's recogniser cost, and how good each is known to be: the table of reference.md.

    AFFECTMAP_ENCODERS=DATA/encoders python benchmarks/large_model.py RECORDING ...
    python benchmarks/large_model.py

The first measures, into large_model.json, and writes docs/reference.md; without recordings the table is written again
from what is committed. A recogniser of SUPERB's shape (HuBERT-large, layers summed by weight, a linear head) is made
with random weights: what it costs does not depend on what they are. Each model runs in a process of its own with one
thread, all in turn, some rounds; the round in which the processor spent least on it counts. Quality of the shipped
models is read from what experiments/shipped-model and experiments/whisper-model measured; of others there is what was
published, on other splits.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from affectmap.experiment.costs import CLASSES, SMALL, Cost, CostOf, measure_cost, sample_utterances
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.utterances import Utterance
from affectmap.files import write_json, write_text
from affectmap.model.model import load_model
from affectmap.schema import EGEMAPS, WHISPER, WHISPER_LAYER
from affectmap.text import DASH, between_marks, markdown, number, score
from affectmap.whisper.weights import read_shape, tensor_shapes
from run import about_now

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "large_model.json"
PAGE = ROOT / "docs" / "reference.md"
ROUNDS = 3
HUBERT = "hubert-large"
#: Where quality was measured: the folder, and the statistics that the model is adapted by.
EXPERIMENTS = {EGEMAPS: "shipped-model", WHISPER: "whisper-model"}
STATISTICS = "all of the corpus"
QUANTITIES = ("uar", "r2_activation", "r2_valence")
#: Where it differs from the defaults of transformers, which are those of HuBERT-base.
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "use_weighted_layer_sum": True,
    "num_labels": 4,
}


class Published(NamedTuple):
    """What others published of a model on four classes of IEMOCAP.

    Attributes:
        n_parameters: In millions, as published; the encoder alone, without what is trained on top.
        measure: Recall is the mean of the classes', accuracy that of all utterances.
        value: From 0 to 1.
        source: Who says so.
    """

    n_parameters: float | None
    measure: str
    value: float
    source: str


PUBLISHED = {
    HUBERT: Published(None, "accuracy", 0.6762, "Yang et al. 2021, SUPERB"),
    "WavLM-large": Published(316.62, "recall", 0.6947, "Ma et al. 2024, EmoBox"),
    "emotion2vec (base)": Published(93.79, "accuracy", 0.7179, "Ma et al. 2024, emotion2vec, table 2"),
    "Whisper-large-v3, the encoder": Published(635.0, "recall", 0.7354, "Ma et al. 2024, EmoBox"),
}
TITLES = {
    EGEMAPS: "88 functionals, `--model egemaps`",
    WHISPER: f"Whisper base layer {WHISPER_LAYER} with the 88, `--model whisper`",
    HUBERT: "HuBERT-large with a head, as SUPERB's",
}


def write_large(folder: Path) -> Path:
    """Write a HuBERT-large with a linear head and random weights, 1.3 GB."""
    import transformers

    transformers.HubertForSequenceClassification(transformers.HubertConfig(**LARGE)).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return folder


def n_of_map(model: str) -> int:
    """Count the numbers of a shipped model's network, as it was trained."""
    tensors = load_model(model).folder.tensors
    return sum(tensor.size for name, tensor in tensors.items() if name.startswith(("encoder.", "decoder.")))


def n_of_encoder(folder: Path, n_layers: int = WHISPER_LAYER) -> int:
    """Count the parameters of an encoder's first layers; its positions are fixed sinusoids and do not count."""
    shapes = tensor_shapes(read_shape(folder)._replace(n_layers=n_layers))
    return sum(math.prod(shape) for name, shape in shapes.items() if not name.startswith("embed_positions"))


def measure_models(recordings: list[str]) -> dict[str, Any]:
    """Measure all models on the same recordings."""
    sample = sample_utterances([Utterance(file, 0.0, None) for file in recordings])
    if not sample:
        sys.exit("none of the recordings can be read; name some, twenty seconds or more together")
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as place:
        models = [
            CostOf(EGEMAPS, SMALL, EGEMAPS, n_of_map(EGEMAPS), "cpu"),
            CostOf(WHISPER, SMALL, WHISPER, n_of_encoder(find_encoder()) + n_of_map(WHISPER), "cpu"),
            CostOf(HUBERT, CLASSES, str(write_large(Path(place))), 0, "cpu"),
        ]
        found: dict[str, list[Cost]] = {model.name: [] for model in models}
        loads = []
        for _ in range(ROUNDS):
            loads.append(os.getloadavg()[0])
            for model in models:
                cost = measure_cost(model, sample)
                if cost is None:
                    sys.exit(f"what {model.name} costs could not be measured; is its encoder where it is looked for?")
                found[model.name].append(cost)
    least = {name: min(costs, key=lambda cost: cost.cpu_seconds)._asdict() for name, costs in found.items()}
    return {**about_now(), "load": [min(loads), max(loads)], "n_recordings": len(sample), "costs": least}


def quality(model: str) -> list[float]:
    """Give UAR and R² of a shipped model, the mean over corpora that it was not trained on."""
    runs = pd.read_csv(ROOT / "experiments" / EXPERIMENTS[model] / "normalisations.csv")
    some = runs[runs["normalisation"] == STATISTICS]
    return list(some.groupby("corpus")[list(QUANTITIES)].mean().mean())


def table(results: dict[str, Any]) -> str:
    """Write the table, and how its costs were measured."""
    head = ["", "parameters", "ms of a core a second of sound", "memory", "UAR", "R² activation", "R² valence"]
    rows = [[*head, "published on IEMOCAP, other splits"]]
    for name, title in TITLES.items():
        cost = Cost(**results["costs"][name])
        cells = [number(cost.n_parameters, 0), number(cost.cpu_seconds / 60 * 1000, 0), f"{cost.memory_mb:,.0f} MB"]
        measured = [score(value) for value in quality(name)] if name in EXPERIMENTS else [DASH] * len(QUANTITIES)
        rows.append([title, *cells, *measured, _published(name)])
    for name, published in PUBLISHED.items():
        if name not in TITLES:
            cells = [f"{published.n_parameters:g} million", *[DASH] * (len(head) - 2)]
            rows.append([f"*{name}*", *cells, _published(name)])
    low, high = results["load"]
    processor = results["machine"]["processor"]
    said = (
        f"\nOne thread on {processor}, {results['n_recordings']} recordings, least of {ROUNDS} rounds in turn; the load"
        f" of its {results['machine']['cores']} cores was {low:.1f} to {high:.1f} before each round.\n"
    )
    return f"{markdown(rows)}\n{said}"


def _published(name: str) -> str:
    if name not in PUBLISHED:
        return DASH
    found = PUBLISHED[name]
    return f"{found.measure} {score(found.value)} ({found.source})"


def main(recordings: list[str]) -> None:
    """Measure, if recordings are named, and write the page."""
    if recordings:
        write_json(RESULTS, measure_models(recordings))
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "large-models", table(results)))


if __name__ == "__main__":
    main(sys.argv[1:])
