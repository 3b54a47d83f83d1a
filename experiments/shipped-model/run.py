"""Train the model that comes with the package, measure it leave-one-corpus-out, and write both.

    python experiments/shipped-model/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd, corpora/labels, and features/ravdess.parquet and
features/emovo.parquet (columns file, emotion, speaker and the functionals at 16 kHz). What is trained is
fit_transfer with its default Recipe: when that changes, run this again. The same processor, versions
and number of threads (settings.json; take OMP_NUM_THREADS=1) give the same bytes; others may differ in the last digits.
"""

from __future__ import annotations

import argparse
import os
import platform
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from card import RIDGE, card_text, coverage_text, licence_text
from elsewhere import elsewhere_table
from findings import findings, readme_findings, table_of_normalisations, titled
from material import Material, read_material
from nested_coverage import nested_coverage
from sounds import flags_table, sounds_table

from affectmap.corpora import CorpusCard
from affectmap.files import write_json, write_text
from affectmap.model.heads import CLASSES, Calibration, Heads, with_temperature
from affectmap.model.model import SHIPPED, Model, load_model
from affectmap.preparation.standardisation import PRIOR
from affectmap.schema import LABELS
from affectmap.stats.measures import calibration_error
from affectmap.transfer.calibration import (
    LEVEL,
    Evaluated,
    adapted,
    after,
    alone,
    by_speaker,
    largest_half_widths,
)
from affectmap.transfer.settings import Recipe
from transfer import max_distance, normalisations, quality, ridge, train

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
POLICIES = {"source": alone, "adapted": adapted}
SEED, N_SEEDS = 0, 5
#: Normalisations that intervals are tried with.
COVERED = {
    "one recording alone": alone,
    **{f"{n} of the corpus": partial(after, n=n, unit="corpus", prior=PRIOR, seed=SEED) for n in (1, 10, 30)},
    "all of the corpus": adapted,
    **{f"{n} of the speaker": partial(after, n=n, unit="speaker", prior=PRIOR, seed=SEED) for n in (1, 10)},
    "all of the speaker": by_speaker,
}
#: Normalisations that the widths of a policy come from.
MEASURED = {
    "source": ("one recording alone",),
    "adapted": ("30 of the corpus", "all of the corpus"),
    "speaker": ("all of the speaker",),
}
#: Normalisations that the width of one comes from, as affectmap.model.model takes them.
WIDTH_FROM = {
    "one recording alone": MEASURED["source"],
    **dict.fromkeys(("1 of the corpus", "10 of the corpus"), MEASURED["source"] + MEASURED["adapted"]),
    **dict.fromkeys(("30 of the corpus", "all of the corpus"), MEASURED["adapted"]),
    **dict.fromkeys(
        ("1 of the speaker", "10 of the speaker", "all of the speaker"), MEASURED["source"] + MEASURED["speaker"]
    ),
}


def compare_normalisations(material: Material, n_seeds: int) -> pd.DataFrame:
    """Score every normalisation a rated corpus that the model, of the other four, was not trained on."""
    rows = []
    for seed in range(n_seeds):
        for corpus in material.rated.values():
            sources = [each for each in material.corpora.values() if each is not corpus]
            found = [*normalisations(train(sources, seed), corpus, seed), (RIDGE, ridge(sources, corpus))]
            rows += [
                {"normalisation": name, "corpus": corpus.name, "seed": seed, **quality(evaluated)}
                for name, evaluated in found
            ]
    return pd.DataFrame(rows)


class HeldOut:
    """Predictions on every rated corpus by models of others, and of those with classes alone; each trained once."""

    def __init__(self, material: Material) -> None:
        self.corpora, self._classed = material.rated, tuple(material.classed.values())
        self._trained: dict[tuple[str, ...], Model] = {}

    def evaluated(self, sources: tuple[str, ...], target: str, normalisation: str) -> Evaluated:
        """What a model of `sources` says about `target`; `normalisation` is one of POLICIES or COVERED."""
        if sources not in self._trained:
            self._trained[sources] = train([*(self.corpora[name] for name in sources), *self._classed], SEED)
        return (POLICIES | COVERED)[normalisation](self._trained[sources], self.corpora[target])

    def others(self, target: str) -> tuple[str, ...]:
        """Give all rated corpora but one."""
        return tuple(name for name in self.corpora if name != target)

    def trained_on(self, sources: tuple[str, ...]) -> Model:
        """Give the model of some corpora."""
        self.evaluated(sources, sources[0], "source")
        return self._trained[sources]


def coverage_table(held_out: HeldOut) -> pd.DataFrame:
    """Say how often the intervals of models that were trained without a corpus contain its ratings."""
    labels = {name: corpus.label for name, corpus in held_out.corpora.items()}
    return nested_coverage(lambda *which: held_out.evaluated(*which).ratings, labels, WIDTH_FROM, LEVEL)


def half_widths(held_out: HeldOut) -> dict[str, dict[str, float]]:
    """Half the widths by policy and label, from leave-one-corpus-out residuals on the corpus where they are largest."""
    names = held_out.corpora
    return largest_half_widths(
        [(held_out.trained_on(held_out.others(name)), names[name]) for name in names], LABELS, True
    )


def temperature_table(held_out: HeldOut) -> pd.DataFrame:
    """Calibration error on an unseen corpus, without a temperature and with two that did not see its labels.

    ``strict``: from models of one of the other rated corpora, and those with classes alone, on the rest of them, where
    the reported corpus played no part at all. ``others``: from the leave-one-corpus-out scores on the other corpora, as
    the shipped temperature is; the models that gave these scores had the reported corpus in training.
    """
    rows = []
    for corpus in held_out.corpora:
        others = held_out.others(corpus)
        strict = [((name,), rest) for name in others for rest in others if rest != name]
        plain = held_out.trained_on(others).heads
        variants = {
            "before": plain,
            "strict": _tempered(held_out, plain, strict),
            "others": _tempered(held_out, plain, [(held_out.others(name), name) for name in others]),
        }
        for policy in POLICIES:
            evaluated = held_out.evaluated(others, corpus, policy)
            row: dict[str, object] = {"corpus": corpus, "policy": policy}
            for name, heads in variants.items():
                probabilities = heads.probabilities(evaluated.latent)
                row[f"temperature_{name}"] = heads.temperature
                row[f"ece_{name}"] = calibration_error(evaluated.corpus.emotion, probabilities, CLASSES).value
            rows.append(row)
    return pd.DataFrame(rows)


def _tempered(held_out: HeldOut, heads: Heads, pairs: Sequence[tuple[tuple[str, ...], str]]) -> Heads:
    evaluated = [held_out.evaluated(sources, target, policy) for sources, target in pairs for policy in POLICIES]
    scores, emotions = zip(*((each.scores, each.corpus.emotion) for each in evaluated), strict=True)
    return with_temperature(heads, np.concatenate(scores), np.concatenate(emotions))


def breakdown_table(held_out: HeldOut) -> pd.DataFrame:
    """Errors on unseen corpora, by sex of the speaker and by emotion."""
    rows = []
    for policy in POLICIES:
        for name, corpus in held_out.corpora.items():
            evaluated = held_out.evaluated(held_out.others(name), name, policy)
            groups = [("all", "all", np.ones(len(corpus.table), dtype=bool))]
            for column in ("sex", "emotion"):
                values = corpus.table[column].to_numpy(dtype=object)
                groups += [(column, v, values == v) for v in sorted({v for v in values if v is not None})]
            for column, value, mask in groups:
                rows.append(
                    {"policy": policy, "corpus": name, "group": column, "value": value, **_errors(evaluated, mask)}
                )
    return pd.DataFrame(rows)


def _errors(evaluated: Evaluated, mask: np.ndarray) -> dict[str, float]:
    corpus = evaluated.corpus
    present = [i for i, name in enumerate(CLASSES) if (corpus.emotion == name).any()]
    guess = np.array(CLASSES, dtype=object)[np.array(present)[evaluated.scores[:, present].argmax(axis=1)]]
    classed = mask & np.isin(corpus.emotion, CLASSES)
    found: dict[str, float] = {"n": int(mask.sum())}
    for i, label in enumerate(LABELS):
        difference = evaluated.ratings[mask, i] - corpus.label[mask, i]
        found |= {f"mae_{label}": float(np.nanmean(np.abs(difference))), f"bias_{label}": float(np.nanmean(difference))}
    recalls = [(guess == e)[classed & (corpus.emotion == e)] for e in set(corpus.emotion[classed])]
    found["recall"] = float(np.mean([each.mean() for each in recalls])) if recalls else float("nan")
    return found


def unfamiliar_table(held_out: HeldOut) -> pd.DataFrame:
    """Share of an unseen corpus that counts as unfamiliar."""
    rows = []
    for name in held_out.corpora:
        limit = max_distance(held_out.trained_on(held_out.others(name)))
        shares = {
            p: float((held_out.evaluated(held_out.others(name), name, p).distance > limit).mean()) for p in POLICIES
        }
        rows.append({"corpus": name, **shares})
    return pd.DataFrame(rows)


def finish(material: Material, held_out: HeldOut, tables: dict[str, pd.DataFrame], folder: Path) -> Model:
    """Calibrate the model of all corpora on leave-one-corpus-out predictions, and write it with its card."""
    names = tuple(held_out.corpora)
    trained = held_out.trained_on(names)
    widths = half_widths(held_out)
    heads = _tempered(held_out, trained.heads, [(held_out.others(name), name) for name in names])
    cards = list(material.cards.values())
    model = trained.with_heads(heads, Calibration(LEVEL, widths, max_distance(trained))).described(
        name=SHIPPED,
        training={
            "method": "affectmap.transfer.recipe.fit_transfer",
            "corpora": [card.title for card in cards],
            "languages": [language for card in cards for language in card.languages],
            "n_utterances": int(sum(len(corpus.table) for corpus in material.corpora.values())),
            "seed": SEED,
            "licence": "cc-by-nc-sa-4.0",
        },
    )
    tables["sounds"], tables["flags"] = sounds_table(model), flags_table(model, list(held_out.corpora.values()))
    return with_card(model, cards, tables, folder)


def with_card(model: Model, cards: Sequence[CorpusCard], tables: dict[str, pd.DataFrame], folder: Path) -> Model:
    """Write the model with the card that the tables make."""
    recipe, intervals = model.metadata["training"]["recipe"], model.metadata["intervals"]
    widths = {policy: intervals[policy] for policy in MEASURED}
    text = card_text(SHIPPED, cards, recipe, tables, widths, model.heads.temperature, LEVEL)
    carded = model.described(card=text, licence=licence_text(cards))
    carded.save(folder, overwrite=True)
    return carded


def between_marks(file: Path, name: str, content: str) -> None:
    """Put lines between a file's marks of that name, where it has them; indented like the marks."""
    text = file.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    if begin not in text:
        return
    before, rest = text.split(begin)
    inside, after_it = rest.split(end)
    indent = inside.rpartition("\n")[2]
    write_text(file, f"{before}{begin}{textwrap.indent(content, indent)}{indent}{end}{after_it}")


def write_findings(runs: pd.DataFrame, elsewhere: pd.DataFrame) -> None:
    """Write how well it does wherever it is reported."""
    between_marks(ROOT / "docs" / "embed.md", "normalisations", table_of_normalisations(runs))
    between_marks(ROOT / "docs" / "embed.md", "findings", filled(readme_findings(runs)))
    between_marks(HERE / "notes.md", "findings", filled(findings(runs, elsewhere)))


def filled(lines: Sequence[str]) -> str:
    """Break items of a list where lines end."""
    return "".join(
        textwrap.fill(line, 120, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for line in lines
    )


def write_coverage(coverage: pd.DataFrame, widths: dict[str, dict[str, float]], titles: dict[str, str]) -> None:
    """Write what intervals cover wherever it is reported."""
    said = coverage_text(coverage, widths, titles, LEVEL)
    package = ROOT / "src" / "affectmap"
    for file, width in (
        (ROOT / "docs" / "embed.md", 120),
        (HERE / "notes.md", 120),
        (package / "model" / "model.py", 110),
    ):
        between_marks(file, "coverage", textwrap.fill(said, width, break_on_hyphens=False) + "\n")


def write_texts(model: Model, tables: dict[str, pd.DataFrame], material: Material) -> None:
    """Write what pages, notes and docstrings say of the model."""
    write_findings(tables["normalisations"], tables["elsewhere"])
    widths = {policy: model.metadata["intervals"][policy] for policy in MEASURED}
    write_coverage(tables["coverage"], widths, titled(material.cards))


def main() -> None:
    """Measure, train, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-seeds", type=int, default=N_SEEDS)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "src" / "affectmap" / "models" / SHIPPED)
    parser.add_argument("--model-only", action="store_true", help="use the committed table of normalisations")
    parser.add_argument("--texts-only", action="store_true", help="write card and pages again from the tables here")
    arguments = parser.parse_args()
    output = arguments.output.absolute()
    os.chdir(arguments.data)
    material = read_material()
    if arguments.texts_only:
        tables = {file.stem: pd.read_csv(file) for file in HERE.glob("*.csv")}
        write_texts(with_card(load_model(), list(material.cards.values()), tables, output), tables, material)
        return
    use = pd.read_csv(HERE / "normalisations.csv") if arguments.model_only else None
    runs = compare_normalisations(material, arguments.n_seeds).round(4) if use is None else use
    held_out = HeldOut(material)
    tables = {
        "normalisations": runs,
        "coverage": coverage_table(held_out).round(4),
        "temperature": temperature_table(held_out),
        "breakdown": breakdown_table(held_out),
        "unfamiliar": unfamiliar_table(held_out),
        "elsewhere": elsewhere_table(material, SEED),
    }
    model = finish(material, held_out, tables, output)
    for name, table in tables.items():
        write_text(HERE / f"{name}.csv", table.round(4).to_csv(index=False))
    write_texts(model, {name: table.round(4) for name, table in tables.items()}, material)
    write_json(HERE / "settings.json", about_this_run(int(runs["seed"].nunique())))


def about_this_run(n_seeds: int) -> dict[str, object]:
    """Say on what the results were made; byte for byte they come again on the same only."""
    names = ["affectmap", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "torch"]
    return {
        "command": "OMP_NUM_THREADS=1 python experiments/shipped-model/run.py DATA",
        "note": "the same bytes on the same processor, versions and threads; elsewhere the last digits may differ",
        "seed": SEED,
        "n_seeds": n_seeds,
        "recipe": asdict(Recipe()),
        "versions": {name: version(name) for name in names},
        "machine": platform.machine(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
