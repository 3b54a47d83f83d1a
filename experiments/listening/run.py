"""Measure listening on seven held-out corpora, and on folders that it should not be fooled by.

    OMP_NUM_THREADS=1 AFFECTMAP_ENCODERS=DATA/encoders python experiments/listening/run.py DATA

DATA is as for experiments/encoder-map. Writes the tables beside it and, between its marks, docs/adaptation.md.
``--corpora casia --output FOLDER`` is for a quick look, ``--page`` writes the page again from the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from folders import made_folders, noisy_features, sizes  # noqa: E402
from folds import APART, CORPORA, N_SEEDS, RATED, read, targets  # noqa: E402
from listening_page import page_tables  # noqa: E402
from scoring import compared, of_model, of_speakers  # noqa: E402

from affectmap.files import write_text  # noqa: E402
from affectmap.model.listening import USUAL, Settings  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus  # noqa: E402
from affectmap.transfer.source_classes import fit_source_classes  # noqa: E402
from command import new_parser, parse, results, write_page  # noqa: E402

Corpora = dict[str, PreparedCorpus]
Row = dict[str, Any]
#: What nesting chooses from; agreement 0 always listens.
CHOICES = tuple(
    Settings(least, rounds, temper, own)
    for least, rounds, temper, own in product((0.0, 0.6, 0.65, 0.7, 0.75, 0.8), (2, 3, 5), (0.3, 0.6), (0.5, 0.7))
)
#: However few recordings: what would happen if it did not fall back by itself.
FORCED = USUAL._replace(least_recordings=2)
#: Most UAR that a choice may lose on any folder of the corpora that it is chosen on.
MOST_LOSS = 0.01


def held_out(ear: str, corpora: Corpora, name: str, left_out: str) -> dict[str, list[Row]]:
    """Hold one corpus out; `left_out` is one that the sources lack besides, or empty."""
    some = [each for other, each in corpora.items() if other not in (name, left_out)]
    source = fit_source_classes(some, n_seeds=N_SEEDS)
    key = {"ear": ear, "corpus": name, "sources_without": left_out}
    found: dict[str, list[Row]] = {"results": [], "folders": [], "sizes": [], "speakers": [], "choices": []}
    for target in targets(corpora[name]):
        of = key | {"folder": target.folder, "normalisation": target.normalisation}
        found["results"].append(of | compared(source, target, USUAL))
        if not left_out:
            found["speakers"] += [of | row for row in of_speakers(source, target, corpora[name])]
            for choice in CHOICES:
                row = compared(source, target, choice)
                found["choices"].append(of | choice._asdict() | {"gain": row["uar_after"] - row["uar_before"]})
    if not left_out:
        for kind, target in made_folders(corpora[name]):
            found["folders"].append(key | {"kind": kind} | compared(source, target, FORCED))
        for n, draw, target, all_rows in sizes(corpora[name]):
            found["sizes"].append(key | {"n": n, "draw": draw} | compared(source, target, FORCED, scored=all_rows))
    return found


def inner(ear: str, corpora: Corpora, pair: tuple[str, str]) -> list[Row]:
    """Hold two corpora out, each to choose settings for the other, which then plays no part."""
    source = fit_source_classes([each for name, each in corpora.items() if name not in pair], n_seeds=1)
    rows = []
    for name, other in (pair, pair[::-1]):
        for target in targets(corpora[name]):
            for choice in CHOICES:
                row = compared(source, target, choice)
                key = {"ear": ear, "left_out": other, "inner": name, "folder": target.folder}
                key |= {"normalisation": target.normalisation, **choice._asdict()}
                rows.append(key | {"gain": row["uar_after"] - row["uar_before"]})
    return rows


def nested(inner_rows: pd.DataFrame, own_rows: pd.DataFrame) -> pd.DataFrame:
    """Give the choice that the other corpora make for each, and what it gains there."""
    names, rows = [name for name in Settings._fields if name != "least_recordings"], []
    for left_out, table in inner_rows.groupby("left_out", sort=False):
        by_choice = table.groupby(names)["gain"].agg(["mean", "min"])
        allowed = by_choice[by_choice["min"] >= -MOST_LOSS]
        chosen = allowed["mean"].idxmax() if len(allowed) else by_choice["min"].idxmax()
        own = own_rows[own_rows["corpus"] == left_out]
        for name, value in zip(names, chosen, strict=True):
            own = own[own[name] == value]
        rows.append(own)
    return pd.concat(rows, ignore_index=True)


def noise(ear: str, corpora: Corpora) -> dict[str, list[Row]]:
    """Score EMO-DB with white noise as loud as the speech."""
    source = fit_source_classes([each for name, each in corpora.items() if name != "emodb"], n_seeds=N_SEEDS)
    key = {"ear": ear, "corpus": "emodb", "sources_without": "", "kind": "noise at 0 dB"}
    rows = [key | compared(source, target, USUAL) for target in noisy_features(ear, corpora["emodb"])]
    return {"folders": rows}


def work_of(ear: str, corpora: Corpora, wanted: Sequence[str]) -> Iterator[Callable[[], dict[str, list[Row]]]]:
    """Plan all work on an ear."""
    for left_out in ("", APART):
        for name in wanted:
            if name != left_out:
                yield partial(held_out, ear, corpora, name, left_out)
    for pair in combinations(CORPORA, 2):
        if set(pair) & set(wanted):
            yield partial(_inner_part, ear, corpora, pair)
    if "emodb" in wanted:
        yield partial(noise, ear, corpora)
    for name in set(RATED) & set(wanted):
        yield partial(_model_part, ear, corpora, name)


def _inner_part(ear: str, corpora: Corpora, pair: tuple[str, str]) -> dict[str, list[Row]]:
    return {"inner": inner(ear, corpora, pair)}


def _model_part(ear: str, corpora: Corpora, name: str) -> dict[str, list[Row]]:
    return {"models": of_model(ear, corpora, name)}


def main() -> None:
    """Run it all and write everything."""
    arguments = parse(new_parser(__doc__), partial(write_page, page_tables))
    work = [each for ear in arguments.ears for each in work_of(ear, read(ear), arguments.corpora)]
    tables: dict[str, list[Row]] = {}
    for found in results(work, arguments.n_jobs):
        for name, rows in found.items():
            tables.setdefault(name, []).extend(rows)
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    frames["nested"] = nested(frames.pop("inner"), frames.pop("choices"))
    for name, frame in frames.items():
        write_text(arguments.output / f"{name}.csv", frame.round(4).to_csv(index=False))
    if arguments.output == HERE:
        write_page(page_tables)


if __name__ == "__main__":
    main()
