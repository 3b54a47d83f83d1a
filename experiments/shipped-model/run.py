"""Train the model that comes with the package, measure it leave-one-corpus-out, and write both.

    python experiments/shipped-model/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd, corpora/labels, and features/ravdess.parquet and
features/emovo.parquet (columns file, emotion, speaker and the functionals at 16 kHz). What is trained is
fit_transfer with its default Recipe: when that changes, run this again. The same processor, versions
and number of threads (settings.json; take OMP_NUM_THREADS=1) give the same bytes; others may differ in the last digits.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from card import RIDGE, card_text, coverage_text, licence_text, wording
from comparison import section
from findings import findings, readme_findings, table_of_normalisations, titled
from marks import filled, write_between_marks
from measuring import (
    MEASURED,
    SEED,
    Kind,
    calibrated,
    compare_normalisations,
)
from surroundings import about_this_run
from training_corpora import CORPORA, read_material

from affectmap.corpora import CorpusCard
from affectmap.files import write_json, write_text
from affectmap.model.model import SHIPPED, Model, load_model
from affectmap.transfer.calibration import LEVEL
from affectmap.transfer.settings import Recipe
from affectmap.transfer.source_classes import with_source_classes
from transfer import ridge, train

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
N_SEEDS = 5
#: The model, and the line to beat.
EGEMAPS = Kind(train, lambda sources, corpus: [(RIDGE, ridge(sources, corpus))])


def with_later_settings(model: Model) -> Model:
    """Give a model the settings of the recipe that came after it, which are as if they had not."""
    recipe = model.metadata["training"]["recipe"]
    recipe["settings"] = {name: recipe["settings"].get(name, value) for name, value in asdict(Recipe()).items()}
    return model.described(training={"recipe": recipe})


def with_card(model: Model, cards: Sequence[CorpusCard], tables: dict[str, pd.DataFrame], folder: Path) -> Model:
    """Write the model with the card that the tables make."""
    recipe, intervals = model.metadata["training"]["recipe"], model.metadata["intervals"]
    widths = {policy: intervals[policy] for policy in MEASURED}
    text = card_text(SHIPPED, cards, recipe, tables, widths, model.heads.temperature, LEVEL, wording(recipe, section()))
    carded = model.described(card=text, licence=licence_text(cards))
    carded.save(folder, overwrite=True)
    return carded


def write_findings(runs: pd.DataFrame, elsewhere: pd.DataFrame) -> None:
    """Write how well it does wherever it is reported."""
    write_between_marks(ROOT / "docs" / "embed.md", "normalisations", table_of_normalisations(runs))
    write_between_marks(ROOT / "docs" / "embed.md", "findings", filled(readme_findings(runs)))
    write_between_marks(HERE / "notes.md", "findings", filled(findings(runs, elsewhere)))


def write_coverage(coverage: pd.DataFrame, widths: dict[str, dict[str, float]], titles: dict[str, str]) -> None:
    """Write what intervals cover wherever it is reported."""
    said = coverage_text(coverage, widths, titles, LEVEL)
    package = ROOT / "src" / "affectmap"
    for file, width in (
        (ROOT / "docs" / "embed.md", 120),
        (HERE / "notes.md", 120),
        (package / "model" / "model.py", 110),
    ):
        write_between_marks(file, "coverage", textwrap.fill(said, width, break_on_hyphens=False) + "\n")


def write_texts(model: Model, tables: dict[str, pd.DataFrame]) -> None:
    """Write what pages, notes and docstrings say of the model."""
    write_findings(tables["normalisations"], tables["elsewhere"])
    widths = {policy: model.metadata["intervals"][policy] for policy in MEASURED}
    write_coverage(tables["coverage"], widths, titled(CORPORA))


def main() -> None:
    """Measure, train, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "src" / "affectmap" / "models" / SHIPPED)
    parser.add_argument("--model-only", action="store_true", help="use the committed table of normalisations")
    parser.add_argument("--classes-only", action="store_true", help="fit anew what the model here listens with")
    parser.add_argument("--texts-only", action="store_true", help="write card and pages again from the tables here")
    arguments = parser.parse_args()
    output = arguments.output.absolute()
    os.chdir(arguments.data)
    if arguments.texts_only:
        tables = {file.stem: pd.read_csv(file) for file in HERE.glob("*.csv")}
        model = with_card(with_later_settings(load_model()), list(CORPORA.values()), tables, output)
        write_texts(model, tables)
        about = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
        write_json(HERE / "settings.json", about | {"recipe": model.metadata["training"]["recipe"]["settings"]})
        return
    material = read_material()
    if arguments.classes_only:
        with_source_classes(load_model(), list(material.corpora.values())).save(output, overwrite=True)
        return
    use = pd.read_csv(HERE / "normalisations.csv") if arguments.model_only else None
    runs = compare_normalisations(EGEMAPS, material, arguments.n_seeds).round(4) if use is None else use
    model, measured = calibrated(EGEMAPS, material, SHIPPED, "affectmap.transfer.recipe.fit_transfer")
    tables = {"normalisations": runs, **{name: table.round(4) for name, table in measured.items()}}
    model = with_source_classes(model, list(material.corpora.values()))
    model = with_card(model, list(CORPORA.values()), tables, output)
    for name, table in tables.items():
        write_text(HERE / f"{name}.csv", table.to_csv(index=False))
    write_texts(model, tables)
    command = "python experiments/shipped-model/run.py DATA"
    write_json(HERE / "settings.json", about_this_run(command, Recipe(), SEED, int(runs["seed"].nunique())))


if __name__ == "__main__":
    main()
