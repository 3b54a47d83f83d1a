"""Train the shipped model on a speech encoder, measure it leave-one-corpus-out as the other one, and write both.

    AFFECTMAP_ENCODERS=DATA/encoders python experiments/whisper-model/run.py DATA

DATA is as for experiments/shipped-model, with features/whisper-base-3/ravdess.parquet and emovo.parquet besides (with
file, emotion, speaker and mean_000 to mean_511). Everything is measured by the code of experiments/shipped-model. The
corpora's features are kept in the cache; with the same ones, the same processor, versions and number of threads
(settings.json; take OMP_NUM_THREADS=1) give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(HERE.parent / "shipped-model"))

from card import RIDGE, card_text, licence_text  # noqa: E402
from encoder_material import read_material  # noqa: E402
from line import line  # noqa: E402
from measuring import MEASURED, SEED, Kind, calibrated, compare_normalisations  # noqa: E402
from metric_map import RECIPE, train  # noqa: E402
from surroundings import about_this_run  # noqa: E402
from training_corpora import CORPORA  # noqa: E402
from words import wording  # noqa: E402

from affectmap.files import write_json, write_text  # noqa: E402
from affectmap.model.model import SHIPPED_MODELS, Model, load_model  # noqa: E402
from affectmap.schema import WHISPER  # noqa: E402
from affectmap.transfer.calibration import LEVEL, adapted  # noqa: E402
from affectmap.transfer.source_classes import with_source_classes  # noqa: E402

NAME = SHIPPED_MODELS[WHISPER]
N_SEEDS = 3


#: The model, and the line to beat.
KIND = Kind(train, lambda sources, corpus: [(RIDGE, adapted(line(sources), corpus))])


def with_card(model: Model, tables: dict[str, pd.DataFrame], folder: Path) -> Model:
    """Write the model with the card that the tables make."""
    metadata, cards = model.metadata, list(CORPORA.values())
    recipe, widths = metadata["training"]["recipe"], {policy: metadata["intervals"][policy] for policy in MEASURED}
    text = card_text(NAME, cards, recipe, tables, widths, model.heads.temperature, LEVEL, wording())
    carded = model.described(card=text, licence=licence_text(cards))
    carded.save(folder, overwrite=True)
    return carded


def main() -> None:
    """Measure, train, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "src" / "affectmap" / "models" / NAME)
    parser.add_argument("--classes-only", action="store_true", help="fit anew what the model here listens with")
    parser.add_argument("--texts-only", action="store_true", help="write the card again from the tables here")
    arguments = parser.parse_args()
    output = arguments.output.absolute()
    os.chdir(arguments.data)
    if arguments.texts_only:
        tables = {file.stem: pd.read_csv(file) for file in HERE.glob("*.csv")}
        with_card(load_model(WHISPER), tables, output)
        return
    material = read_material()
    if arguments.classes_only:
        with_source_classes(load_model(WHISPER), list(material.corpora.values())).save(output, overwrite=True)
        return
    runs = compare_normalisations(KIND, material, arguments.n_seeds).round(4)
    model, measured = calibrated(KIND, material, NAME, "experiments/whisper-model")
    tables = {"normalisations": runs, **{name: table.round(4) for name, table in measured.items()}}
    with_card(with_source_classes(model, list(material.corpora.values())), tables, output)
    for name, table in tables.items():
        write_text(HERE / f"{name}.csv", table.to_csv(index=False))
    command = "AFFECTMAP_ENCODERS=DATA/encoders python experiments/whisper-model/run.py DATA"
    write_json(HERE / "settings.json", about_this_run(command, RECIPE, SEED, int(runs["seed"].nunique())))


if __name__ == "__main__":
    main()
