"""Run the paper's protocol with EMO-DB, URDU and AESDD each as the source once, and write the committed results.

    python experiments/three-corpora/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
import textwrap
from pathlib import Path

from affectmap.cli.tables import format_table
from affectmap.experiment.config import ExperimentConfig, make_config
from affectmap.experiment.experiment import Experiment
from affectmap.experiment.results import Results
from affectmap.files import write_json, write_text
from affectmap.report import write_report
from affectmap.text import between_marks

HERE = Path(__file__).resolve().parent
CORPORA = ("emodb", "urdu", "aesdd")
N_SEEDS = 10


def run(source: str, n_seeds: int) -> Results:
    """Run one source against the other two, with paths relative to the data folder."""
    config = make_config(
        source=[f"{source}=corpora/{source}"],
        target=[f"{name}=corpora/{name}" for name in CORPORA if name != source],
        labels=Path("corpora/labels"),
        n_seeds=n_seeds,
    )
    return Experiment(config, notify=print).run(f"python experiments/three-corpora/run.py DATA  # source {source}")


def write(results: Results, folder: Path) -> None:
    """Write the tables of one source; file names and ratings of the corpora are not among them."""
    rounded = results.summary.round(4)
    for table in "134":
        write_text(folder / f"table{table}.csv", rounded[rounded["table"] == table].to_csv(index=False))
    write_text(folder / "runs.csv", results.runs.round(5).to_csv(index=False))
    write_text(folder / "claims.csv", results.claims.drop(columns="statement").round(4).to_csv(index=False))
    write_text(folder / "comparisons.csv", results.comparisons.round(4).to_csv(index=False))
    write_text(folder / "corpora.csv", results.corpora.to_csv(index=False))
    about = {"command": results.command, "settings": results.settings, "versions": results.versions}
    write_json(folder / "settings.json", about | {"machine": platform.machine(), "python": platform.python_version()})


def draw(results: Results, folder: Path) -> None:
    """Keep two pictures of the report."""
    with tempfile.TemporaryDirectory() as temporary:
        write_report(results, Path(temporary))
        for pattern, name in (("figure3*joint.png", "embedding.png"), ("figure*table-4.png", "table4.png")):
            (picture,) = (Path(temporary) / "figures").glob(pattern)
            shutil.copyfile(picture, folder / name)


def into_docs(results: Results) -> None:
    """Put tables 3 and 4 of the first source between the marks of docs/reproduce.md."""
    shown = HERE.parents[1] / "docs" / "reproduce.md"
    readings = ("held-out", "zero-shot")
    tables = [
        f"{title}\n{format_table(results.summary, table, readings)}"
        for table, title in (("3", "Adjusted R² of the ratings"), ("4", "UAR of the classes"))
    ]
    caption = (
        "emodb: held-out speakers; urdu and aesdd: zero-shot. ± is the standard deviation over 5 folds and "
        f"{results.settings['n_seeds']} seeds (the command above uses {ExperimentConfig.n_seeds}), ▲ the best "
        "autoencoder. Within the corpus: trained on its own labels and evaluated on held-out speakers, by ridge (R²) "
        "or a linear classifier on the 88 features (UAR); superv.: the metric loss so trained on the rating of the row."
    )
    text = "```\n" + "\n\n".join(tables) + "\n```\n\n" + textwrap.fill(caption, 120)
    write_text(shown, between_marks(shown.read_text(encoding="utf-8"), "example", text))


def page(all_results: dict[str, Results]) -> str:
    """Put the tables of all sources on one page."""
    parts = ["# Three real corpora, each as the source once\n", (HERE / "notes.md").read_text(encoding="utf-8")]
    for source, results in all_results.items():
        parts.append(f"\n## Source {source}\n")
        for table, readings, title in (
            ("1", ("held-out",), "Table 1, pairwise adjusted R², held-out fold"),
            ("3", ("held-out", "zero-shot"), "Table 3, adjusted R² of the labels"),
            ("4", ("held-out", "zero-shot"), "Table 4, UAR, classifier trained on the source"),
            ("4", ("probe",), "Table 4, UAR, probe"),
        ):
            parts.append(f"{title}:\n\n```\n{format_table(results.summary, table, readings)}\n```\n")
        overall = results.claims[results.claims["corpus"] == "all"]
        parts.append("Claims: " + "; ".join(f"({row.claim}) {row.verdict}" for row in overall.itertuples()) + ".\n")
    return "\n".join(parts)


def main() -> None:
    """Run all three sources and write everything beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    arguments = parser.parse_args()
    os.chdir(arguments.data)
    all_results = {}
    for source in CORPORA:
        all_results[source] = run(source, arguments.n_seeds)
        write(all_results[source], HERE / source)
        draw(all_results[source], HERE / source)
    write_text(HERE / "results.md", page(all_results))
    into_docs(all_results["emodb"])


if __name__ == "__main__":
    main()
