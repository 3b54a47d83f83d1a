"""The two models that come with the package, side by side: quality by language, cost, size, terms, and which to take.

    AFFECTMAP_ENCODERS=DATA/encoders OMP_NUM_THREADS=1 python experiments/shipped-model/comparison.py DATA

measures what a minute of sound costs each of them, in turn, on one core (`costs.csv`), and writes the table where it
is reported: docs/models.md, the notes of experiments/whisper-model, and, by `run.py DATA --texts-only` here and there,
both cards. What else the table has is read from what both runs measured.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pandas as pd
from findings import ALONE, CORPUS, SPEAKER, mean, three
from marks import write_between_marks

from affectmap.corpora import load_corpus
from affectmap.experiment.costs import SMALL, CostOf, measure_cost, sample_utterances
from affectmap.features.encoders.cards import ENCODERS
from affectmap.features.encoders.locate import WHISPER_BASE as ENCODER
from affectmap.features.utterances import list_utterances
from affectmap.files import write_text
from affectmap.model.model import SHIPPED_MODELS
from affectmap.schema import EGEMAPS, WHISPER
from affectmap.text import markdown, score

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: Folder of what was measured of each model.
MEASURED = {EGEMAPS: HERE, WHISPER: HERE.parent / "whisper-model"}
QUANTITIES = {"uar": "UAR", "r2_activation": "R² activation", "r2_valence": "R² valence"}
ERRORS = {"mae_activation": "error activation", "mae_valence": "error valence"}
STATISTICS = {ALONE: "one recording alone", CORPUS: "adapted to the recording condition", SPEAKER: "by speaker"}
ROUNDS = 5


def measured(model: str, table: str) -> pd.DataFrame:
    """Read a table that was measured of a model."""
    return pd.read_csv(MEASURED[model] / f"{table}.csv")


def rows() -> list[list[str]]:
    """Give the table, a row a quantity, a column a model."""
    runs = {model: measured(model, "normalisations") for model in MEASURED}
    found = [["EMO-DB / URDU / AESDD, each held out", *MEASURED]]
    for statistics, words in STATISTICS.items():
        for column, title in QUANTITIES.items():
            found.append([f"{title}, {words}", *(three(runs[model], statistics, column) for model in MEASURED)])
    for column, title in ERRORS.items():
        found.append([f"{title}, {STATISTICS[CORPUS]}", *(three(runs[model], CORPUS, column) for model in MEASURED)])
    found.append(["UAR, RAVDESS / EMOVO, adapted", *(_elsewhere(model) for model in MEASURED)])
    found.append(["ratings within the intervals, .90 meant", *(_coverage(model) for model in MEASURED)])
    found.append(["calibration error, one recording alone", *(_calibration(model) for model in MEASURED)])
    costs = pd.read_csv(HERE / "costs.csv").set_index("model")
    seconds, memory = costs["cpu_seconds_per_minute"], costs["memory_mb"]
    found.append(["a minute of speech, seconds of a core", *(f"{seconds[model]:.1f} s" for model in MEASURED)])
    found.append(["peak of memory, libraries included", *(f"{memory[model]:.0f} MB" for model in MEASURED)])
    card = ENCODERS[ENCODER]
    encoder = f"{card.megabytes} MB of encoder"
    sizes = [f"{_size(model) / 1000:.0f} kB" for model in MEASURED]
    found.append(["size", sizes[0], f"{sizes[1]}, and {encoder}"])
    found.append(["needs beside the package", "nothing", f"`affectmap models fetch {ENCODER}`, once"])
    terms = "weights CC BY-NC-SA 4.0"
    found.append(["terms", terms, f"{terms}; encoder {card.licence}"])
    return found


def _elsewhere(model: str) -> str:
    table = measured(model, "elsewhere")
    return " / ".join(score(value) for value in table[table["statistics from"] == CORPUS]["UAR"])


def _coverage(model: str) -> str:
    found = measured(model, "coverage")["coverage"]
    return f"{score(found.min())} to {score(found.max())}"


def _calibration(model: str) -> str:
    table = measured(model, "temperature")
    return " / ".join(score(value) for value in table[table["policy"] == "source"]["ece_others"])


def _size(model: str) -> int:
    folder = resources.files("affectmap").joinpath("models").joinpath(SHIPPED_MODELS[model])
    return sum(
        len(file.read_bytes()) for file in folder.iterdir() if file.name in ("model.yaml", "weights.safetensors")
    )


def table() -> str:
    """Write the table as Markdown."""
    return markdown(rows(), n_text=3) + "\n"


def sentences() -> list[str]:
    """Say which to take, and how far one recording alone falls behind."""
    runs = {model: measured(model, "normalisations") for model in MEASURED}
    behind = []
    for model in MEASURED:
        changes = {c: mean(runs[model], ALONE, c) - mean(runs[model], CORPUS, c) for c in ("uar", "mae_activation")}
        behind.append(
            f"{model}: UAR {_signed(changes['uar'].mean(), 2)} ({_signed(changes['uar'].min(), 2)} to "
            f"{_signed(changes['uar'].max(), 2)}), error of activation {_signed(changes['mae_activation'].mean(), 2)}"
        )
    return [
        f"{_better(runs, ALONE)} {_better(runs, CORPUS)}",
        "Take `whisper` wherever its encoder can be. Take `egemaps` where nothing may be fetched, where a recording "
        "has to be measured in a fraction of the time, or where it must be said which property of the voice a value "
        "comes from.",
        "One recording alone, less what adapting to the recording condition gives, mean over the three corpora: "
        f"{'; '.join(behind)} points.",
    ]


def _better(runs: dict[str, pd.DataFrame], statistics: str) -> str:
    """Count the corpora in which the model on an encoder does better."""
    counts = []
    for column, title in QUANTITIES.items():
        ours, theirs = (mean(runs[model], statistics, column) for model in (WHISPER, EGEMAPS))
        counts.append(f"{title} in {int((ours > theirs).sum())}")
    return f"{sentence(STATISTICS[statistics])}, `whisper` has the higher {', '.join(counts)} of 3 corpora."


def sentence(text: str) -> str:
    """Begin with a capital."""
    return text[0].upper() + text[1:]


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def paragraphs(lines: Sequence[str]) -> str:
    """Break sentences where lines end, a paragraph each."""
    return "\n".join(textwrap.fill(line, 120, break_on_hyphens=False) + "\n" for line in lines)


def section() -> tuple[str, ...]:
    """Give the section of a card."""
    return ("## Beside the other model\n", table(), *(f"{line}\n" for line in sentences()))


def write_comparison() -> None:
    """Write the table and what it says wherever it is reported."""
    for file in (MEASURED[WHISPER] / "notes.md", ROOT / "docs" / "models.md"):
        write_between_marks(file, "models", f"{table()}\n{paragraphs(sentences())}")


def costs(data: Path) -> pd.DataFrame:
    """Measure both models in turn; give the round in which each took the processor least."""
    sample = sample_utterances(list_utterances(load_corpus(f"emodb={data}/corpora/emodb").table.index[:100]))
    found = [(model, measure_cost(CostOf(model, SMALL, model, 0, "cpu"), sample)) for model in [*MEASURED] * ROUNDS]
    rows = [(model, cost.cpu_seconds, cost.memory_mb) for model, cost in found if cost is not None]
    table = pd.DataFrame(rows, columns=["model", "cpu_seconds_per_minute", "memory_mb"])
    fastest = table.sort_values("cpu_seconds_per_minute", kind="stable").groupby("model", sort=False).first()
    return fastest.loc[list(MEASURED)].round({"cpu_seconds_per_minute": 2, "memory_mb": 0})


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--texts-only", action="store_true", help="write the table again from costs.csv")
    arguments = parser.parse_args()
    if not arguments.texts_only:
        write_text(HERE / "costs.csv", costs(arguments.data).to_csv())
    write_comparison()


if __name__ == "__main__":
    main()
