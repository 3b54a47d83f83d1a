"""How much speakers differ in three real corpora, from which `speakers.py` takes its numbers.

    python experiments/coverage/components.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels. Ridge regressions to the ratings
and a linear classifier on two principal components are fitted on EMO-DB, for itself by held-out speakers. Writes
components.csv beside this file, in seconds once the features are cached.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA

from affectmap.corpora import load_corpus
from affectmap.files import write_text
from affectmap.preparation.folds import speaker_folds
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FOUR_CLASSES
from affectmap.stats.baselines import RidgeMap
from affectmap.stats.scores import linear_svc

Rows = npt.NDArray[np.int64]
HERE = Path(__file__).resolve().parent


def predicted(source: PreparedCorpus, target: PreparedCorpus, train: Rows, test: Rows) -> pd.DataFrame:
    """Predict ratings and classes of some rows from rows of the source."""
    known, unknown = (fit_statistics(each.functionals).apply(each.functionals) for each in (source, target))
    ridge = RidgeMap().fit(known[train], source.label[train])
    four = train[np.isin(source.emotion[train], FOUR_CLASSES)]
    pca = PCA(n_components=2).fit(known[train])
    classifier = linear_svc(0.01).fit(pca.transform(known[four]), source.emotion[four].astype(str))
    table = pd.DataFrame({"speaker": target.speaker[test], "emotion": target.emotion[test]})
    table[["activation", "valence"]] = target.label[test]
    table[["predicted activation", "predicted valence"]] = ridge.transform(unknown[test])
    table["class"] = classifier.predict(pca.transform(unknown[test]))
    return table


def components(name: str, rows: pd.DataFrame) -> dict[str, float | str]:
    """Give spreads over speakers, in standard deviations of rating and prediction."""
    found: dict[str, float | str] = {"corpus": name, "speakers": rows["speaker"].nunique(), "utterances": len(rows)}
    per_speaker = rows.groupby("speaker").size()
    found |= {"fewest utterances": per_speaker.min(), "most utterances": per_speaker.max()}
    four = rows[rows["emotion"].isin(FOUR_CLASSES)]
    recall = (four["emotion"] == four["class"]).groupby([four["speaker"], four["emotion"]]).mean().unstack()
    found["recall, mean"], found["recall, sd of speakers"] = recall.stack().mean(), recall.std().mean()
    for label in ("activation", "valence"):
        rated = rows.dropna(subset=[label])
        y, z = (
            (rated[column] - rated[column].mean()) / rated[column].std() for column in (label, f"predicted {label}")
        )
        slopes = [
            np.polyfit(y[some.index], z[some.index], 1)[0]
            for _, some in rated.groupby("speaker")
            if len(some) > 8 and some[label].std() > 0
        ]
        found |= {f"{label}, slope": np.mean(slopes), f"{label}, sd of slopes": np.std(slopes, ddof=1)}
        for what, values in (("rating", y), ("prediction", z)):
            found[f"{label}, sd of speakers' mean {what}"] = values.groupby(rated["speaker"]).mean().std()
    return found


def main() -> None:
    """Read, predict and write."""
    folder = Path(sys.argv[1]) / "corpora"
    corpora = {
        name: prepare(load_corpus(f"{name}={folder / name}", folder / "labels")) for name in ("emodb", "urdu", "aesdd")
    }
    source = corpora["emodb"]
    folds = speaker_folds(source.speaker, source.emotion, 5)
    tables = {"emodb": pd.concat([predicted(source, source, f.train, f.test) for f in folds], ignore_index=True)}
    for name in ("urdu", "aesdd"):
        rows = np.arange(len(corpora[name].emotion))
        tables[name] = predicted(source, corpora[name], np.arange(len(source.emotion)), rows)
    found = pd.DataFrame([components(name, table) for name, table in tables.items()]).round(3)
    write_text(HERE / "components.csv", found.to_csv(index=False))
    print(found.T.to_string(header=False))


if __name__ == "__main__":
    main()
