"""What a model predicts of a corpus, beside what its labels say: the table of utterances (`affectmap.utterances`).

Conventions:
    * An utterance is predicted as ``affectmap embed`` does: nothing is left out as an outlier, and flags stay notes.
    * *Adapting* is told by a word: ``alone``, every recording with the statistics that the model came with; ``corpus``,
      all of them with those of the corpus, without labels; ``listen``, so, by a model that learned the corpus' classes
      without labels (transductive: it heard these recordings); ``speaker``, each speaker's with their own.
    * Rows are in the order of their files, so that the order of a table changes nothing.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from affectmap.audio.quality import FLAGS, SignalFlags, flags_text
from affectmap.corpora.feature_columns import BROUGHT
from affectmap.errors import ConfigError, CorpusError
from affectmap.model.metadata import MEASURED
from affectmap.model.sources import with_flags
from affectmap.schema import EGEMAPS, FOUR_CLASSES, LABELS, Floats, Objects
from affectmap.stats.measures import initials, scenarios
from affectmap.text import counted
from affectmap.utterances import tidy

if TYPE_CHECKING:
    from affectmap.corpora import Corpus
    from affectmap.features.recordings import RecordingCache
    from affectmap.model.model import Model

Adapt = Literal["alone", "corpus", "listen", "speaker"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Usable utterances of a corpus as a model predicts them.

    Attributes:
        corpus: Name of the corpus for people.
        utterances: Table of utterances, columns as in `affectmap.utterances`, and ``activation_low`` and so on, the
            ends of the intervals, and ``flags``, as `affectmap.audio.quality.flags_text` writes them.
        features: What the model took (N, F), not standardised.
        unusable: ``file`` and ``reason`` of utterances that could not be used.
        classes: Classes that the model is scored on: its own that the corpus has; all of its own where that is one.
        choices: Sets of classes, by their initials, of which the likeliest stands in a column of the table: `classes`,
            all of the model's, and the three of the paper.
        notes: What has to be known.
    """

    corpus: str
    utterances: pd.DataFrame
    features: Floats
    unusable: pd.DataFrame
    classes: tuple[str, ...]
    choices: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]

    @property
    def speaker(self) -> Objects | None:
        """Speaker of every row; ``None`` where any is unknown: nothing is said about other speakers then."""
        speaker = self.utterances["speaker"]
        return None if speaker.isna().any() else speaker.to_numpy(dtype=object)


def predict(
    model: Model,
    corpus: Corpus,
    adapt: Adapt = "alone",
    *,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Run a model on all utterances of a corpus.

    Args:
        model: The model.
        corpus: The corpus.
        adapt: Whose statistics normalise the features; see above.
        cache: What was measured before; by default nothing is looked up, and nothing kept.
        n_jobs: Threads; one a core by default.
        progress: Called with the numbers of utterances measured and in total.

    Raises:
        ConfigError: If speakers are to be told apart and any is unknown, or the features are others than the model's.
        CorpusError: If no utterance can be used.
    """
    table = corpus.table.sort_index(kind="stable")
    measured, flags = model.measure(corpus, cache=cache, n_jobs=n_jobs, progress=progress)
    of_samples = pd.Series(list(flags), measured.index, dtype=object).reindex(table.index)
    problem = of_samples.map(lambda each: each.problem)
    features = measured.reindex(table.index)
    usable = problem.isna()
    unusable = pd.DataFrame(
        {"file": table.index.get_level_values("file")[~usable], "reason": problem[~usable].to_numpy(dtype=object)}
    )
    if not usable.any():
        raise CorpusError(
            f"{corpus.name}: none of its {counted(len(table), 'utterance')} can be used, first "
            f"{unusable['file'].iloc[0]}: {unusable['reason'].iloc[0]}"
        )
    table, features = table[usable], features[usable]
    predicted, notes = _adapted(model, corpus.name, table, features, adapt)
    predicted = predicted.assign(flags=_flags(predicted, of_samples[usable].tolist()))
    if corpus.functionals is not None:
        notes.append("its features are columns of a table: what measured them is not known")
    own = model.heads.classes
    shared = tuple(name for name in own if (table["emotion"] == name).any())
    classes = own if len(shared) == 1 else shared
    three = scenarios(FOUR_CLASSES, shared).values()
    choices = {initials(each): tuple(map(str, each)) for each in (classes, own, *three) if each}
    return Predictions(
        corpus.card.title if corpus.card else corpus.name,
        _tidy(model, corpus.name, table, predicted, choices, adapt),
        features.to_numpy(dtype=np.float64),
        unusable,
        classes,
        choices,
        (*notes, *_flag_notes(predicted)),
    )


def columns_for(model: Model) -> str | list[str]:
    """Say which columns of a table `load_corpus` takes: those of the model, or functionals where there are any."""
    features = str(model.metadata["features"])
    return features if features in BROUGHT else EGEMAPS if features in MEASURED else model.inputs


def _adapted(
    model: Model, name: str, table: pd.DataFrame, features: pd.DataFrame, adapt: Adapt
) -> tuple[pd.DataFrame, list[str]]:
    if adapt == "corpus":
        return model.adapt(features).transform(features), []
    if adapt == "listen":
        listened = model.adapt(features, listen=True)
        heard = f"the model heard these recordings, without labels. {listened.listening_text}"
        return listened.transform(features), [heard.removesuffix(".")]
    speaker = None
    if adapt == "speaker":
        missing = int(table["speaker"].isna().sum())
        if missing:
            raise ConfigError(
                f"{name}: the speaker of {missing} of {counted(len(table), 'utterance')} is unknown; name them, or "
                "adapt to the corpus instead"
            )
        speaker = table["speaker"].to_numpy(dtype=object)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predicted = model.transform(features, speaker=speaker)
    return predicted, [str(warning.message) for warning in caught]


def _tidy(
    model: Model,
    name: str,
    table: pd.DataFrame,
    predicted: pd.DataFrame,
    choices: dict[str, tuple[str, ...]],
    adapt: Adapt,
) -> pd.DataFrame:
    times = {each: pd.TimedeltaIndex(table.index.get_level_values(each)).total_seconds() for each in ("start", "end")}
    training = model.metadata["training"]
    columns: dict[str, Any] = {
        "corpus": name, "file": table.index.get_level_values("file"), **times, "speaker": table["speaker"].to_numpy(),
        "sex": table["sex"].to_numpy(), "method": model.name, "reading": adapt, "fold": 0,
        "seed": training.get("seed", 0), "use": "evaluated",
    }  # fmt: skip
    names = model.metadata["outputs"]["embedding"]
    columns |= {f"z{number}": predicted[each].to_numpy() for number, each in enumerate(names, start=1)}
    for label in model.heads.labels:
        columns[f"predicted_{label}"] = predicted[label].to_numpy()
        ends = [f"{label}_{end}" for end in ("low", "high") if f"{label}_{end}" in predicted]
        columns |= {end: predicted[end].to_numpy() for end in ends}
    columns |= {f"p_{each}": predicted[each].to_numpy() for each in model.heads.classes}
    columns["flags"] = predicted["flags"].to_numpy(dtype=object)
    for choice, classes in choices.items():
        columns[choice] = np.array(classes, dtype=object)[predicted[list(classes)].to_numpy().argmax(axis=1)]
    return tidy(pd.DataFrame(columns | {each: table[each].to_numpy() for each in ("emotion", *LABELS)}))


def _flags(predicted: pd.DataFrame, samples: list[SignalFlags]) -> list[str]:
    columns = with_flags({name: predicted[name].to_numpy() for name in FLAGS}, samples)
    return flags_text({name: columns[name] for name in FLAGS})


def _flag_notes(predicted: pd.DataFrame) -> list[str]:
    """Count the utterances whose value is the nearest point of the scale at best, and so their interval all of it."""
    flagged = {"unfamiliar": "unlike all training data", "not_speech": "probably no speech"}
    counts = {words: int(predicted[flag].sum()) for flag, words in flagged.items()}
    return [f"{counted(n, 'utterance')} of {len(predicted)} flagged: {words}" for words, n in counts.items() if n]


def trained_on(model: Model, corpus: Corpus) -> bool | None:
    """Tell by names whether a model was trained on a corpus; ``None`` where the model does not say on which it was.

    Names are those that the corpus has in this run and in print, compared by letters and digits alone. A corpus under
    another name is not recognised.

    Example:
        >>> from affectmap import load_model
        >>> from affectmap.corpora import Corpus
        >>> [trained_on(load_model(), Corpus(name, pets.table)) for name in ("Emo-DB", "cats")]
        [True, False]
    """
    known = {_letters(name) for name in sources_of(model)}
    named = {_letters(corpus.name), *([_letters(corpus.card.title)] if corpus.card else [])}
    return bool(known & named) if known else None


def sources_of(model: Model) -> list[str]:
    """List the corpora that a model was trained on, as far as it says so: each once, by its name in print."""
    training = model.metadata["training"]
    recipe = training.get("recipe")
    sources = recipe.get("sources", {}) if isinstance(recipe, dict) else {}
    names = [*training.get("corpora", []), *sources]
    once: dict[str, str] = {}
    for name in map(str, names):
        once.setdefault(_letters(name), name)
    return list(once.values())


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
