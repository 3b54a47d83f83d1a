"""Compare signals by which a folder might be listened to or not: what each says of folders that gain and that lose.

    OMP_NUM_THREADS=1 AFFECTMAP_ENCODERS=DATA/encoders python experiments/listening/gates.py DATA

DATA is as for experiments/encoder-map. Writes gates.csv (a row a folder: what listening would gain there, and all
signals), thresholds.csv (what each signal's gate comes to, its threshold chosen on other corpora) and, between its
marks, docs/adaptation.md. ``--corpora casia --output FOLDER`` is for a quick look, ``--page`` makes thresholds.csv and
the page again from gates.csv.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from folders import noisy_features, parts, spoilt  # noqa: E402
from folds import CORPORA, N_SEEDS, NORMALISATIONS, Fold, Target, distinct_targets, read, train  # noqa: E402
from gates_page import page_tables  # noqa: E402
from scoring import compared  # noqa: E402
from signals import Reference, reference, signals  # noqa: E402
from thresholds import thresholds  # noqa: E402

from affectmap.files import write_text  # noqa: E402
from affectmap.model.listening import USUAL, listen  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus  # noqa: E402
from affectmap.schema import FOUR_CLASSES, Rows  # noqa: E402
from command import new_parser, parse, results, write_page  # noqa: E402

Row = dict[str, Any]
#: Listens to every folder, as far as models do.
ALWAYS = USUAL._replace(least_agreement=0.0, least_recordings=2)
#: Utterances that a folder needs for signals to be computed.
FEWEST = 20


def folders_of(corpus: PreparedCorpus, known: Sequence[str], *, some: bool) -> Iterator[tuple[str, Target]]:
    """Give the folders of a held-out corpus: as it is, made of parts of it, and spoilt; each part in two ways.

    Args:
        corpus: The corpus.
        known: Classes that the sources have.
        some: Whole folders, and those without a known class or with features that say nothing, and no more.
    """
    for target in distinct_targets(corpus):
        yield target.folder, target
    rng = np.random.default_rng(0)
    made = list(parts(corpus.emotion, rng))
    foreign = np.flatnonzero(~np.isin(corpus.emotion.astype(str), list(known)))
    chosen = [] if some else made
    chosen += [("no known emotion", foreign)] if len(foreign) >= FEWEST else []
    for kind, rows in chosen:
        for normalisation in NORMALISATIONS:
            yield kind, part_of(corpus, rows, normalisation)
    for kind, target in spoilt(corpus, rng):
        if not some or kind == "features shuffled":
            yield kind, target


def part_of(corpus: PreparedCorpus, rows: Rows, normalisation: str) -> Target:
    """Take some utterances as a folder, standardised by statistics of that folder."""
    cut = replace(corpus, table=corpus.table.iloc[rows], functionals=corpus.functionals[rows])
    return Target("made", normalisation, NORMALISATIONS[normalisation](cut), cut.emotion, cut.label)


def row(of: Reference, target: Target) -> Row:
    """Say what listening would gain in a folder, and what signals say of it."""
    found = compared(of.source, target, ALWAYS)
    return {
        "normalisation": target.normalisation,
        "n": len(target.z),
        "uar": found["uar_before"],
        "gain": found["uar_after"] - found["uar_before"],
        "gain_known": gain_known(of, target),
        **signals(of, target.z),
    }


def gain_known(of: Reference, target: Target) -> float:
    """Give what listening adds to the mean recall of all classes that the sources know."""
    z, names = target.z.astype(np.float64), np.array(of.source.classes)
    listened = listen(z, of.source, ALWAYS)
    recalls = []
    for weight, bias in ((of.source.weight, of.source.bias), (listened.weight, listened.bias)):
        guess = names[(z @ weight + bias).argmax(axis=1)]
        here = [name for name in names if (target.emotion == name).any()]
        recalls.append(np.mean([(guess[target.emotion == name] == name).mean() for name in here]) if here else np.nan)
    return float(recalls[1] - recalls[0])


def rows_of(fold: Fold, corpus: PreparedCorpus, left_out: str, noisy: Sequence[Target]) -> Iterator[Row]:
    """Look at all folders of a held-out corpus; at some where another corpus is left out, for its threshold."""
    key = {"ear": fold.ear, "corpus": corpus.name, "left_out": left_out}
    of = reference(fold)
    # Where neither EMO-DB nor URDU is a source, no source has a neutral class with ratings.
    four = reference(fold.only([name for name in FOUR_CLASSES if name in fold.classes.names]))
    for kind, target in folders_of(corpus, fold.classes.names, some=bool(left_out)):
        yield key | {"kind": kind} | row(of, target)
    others = np.flatnonzero(~np.isin(corpus.emotion, FOUR_CLASSES))
    for normalisation in NORMALISATIONS if len(others) >= FEWEST else ():
        yield key | {"kind": "other emotions, four known"} | row(four, part_of(corpus, others, normalisation))
    for target in noisy:
        yield key | {"kind": "noise at 0 dB"} | row(of, target)


def held_out(
    ear: str, corpora: dict[str, PreparedCorpus], names: tuple[str, ...], noisy: Sequence[Target]
) -> list[Row]:
    """Hold out a corpus, or two, each to choose thresholds for the other, which then plays no part."""
    n_seeds = N_SEEDS if len(names) == 1 else 1
    fold = train(ear, [each for name, each in corpora.items() if name not in names], n_seeds)
    found: list[Row] = []
    for name in names:
        left_out = "".join(other for other in names if other != name)
        found += rows_of(fold, corpora[name], left_out, () if left_out or name != "emodb" else noisy)
    return found


def work_of(ear: str, wanted: Sequence[str]) -> Iterator[Callable[[], list[Row]]]:
    """Plan all work on an ear."""
    corpora = read(ear)
    noisy = list(noisy_features(ear, corpora["emodb"])) if "emodb" in wanted else []
    for names in [*((name,) for name in CORPORA), *combinations(CORPORA, 2)]:
        if set(names) & set(wanted):
            yield partial(held_out, ear, corpora, names, noisy)


def write_thresholds(folder: Path = HERE) -> None:
    """Make thresholds.csv from gates.csv, and the page where both are those of this folder."""
    table = pd.read_csv(folder / "gates.csv", dtype={"left_out": object}).fillna({"left_out": ""})
    write_text(folder / "thresholds.csv", thresholds(table).round(4).to_csv(index=False))
    if folder == HERE:
        write_page(page_tables)


def main() -> None:
    """Run it all and write everything."""
    arguments = parse(new_parser(__doc__), write_thresholds)
    work = [each for ear in arguments.ears for each in work_of(ear, arguments.corpora)]
    table = pd.DataFrame([row for rows in results(work, arguments.n_jobs) for row in rows])
    write_text(arguments.output / "gates.csv", table.round(4).to_csv(index=False))
    write_thresholds(arguments.output)


if __name__ == "__main__":
    main()
