"""Class prototypes on the circumplex: mean and standard deviation of the ratings of a class of emotion.

A corpus that has classes and no ratings can take part in training with the mean rating that its classes have in corpora
that do have ratings. Those means come from the corpora trained on, never from one that is evaluated.

Source: the circumplex of Russell 1980; ratings in place of its fixed angles are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.schema import LABELS, Floats

#: Rated utterances that a class needs for a prototype.
LEAST = 5


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Prototypes of classes.

    Attributes:
        table: One row a class: mean of activation and valence (1..5), their standard deviation within the class
            (``…_std``), the standard deviation of the corpora's means (``…_between``, ``NaN`` for one corpus), ``n``
            rated utterances and ``n_corpora``.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, emotions: Sequence[npt.ArrayLike], labels: Sequence[npt.ArrayLike]) -> Prototypes:
        """Learn prototypes; every corpus that has enough of a class counts the same, however large it is.

        Args:
            emotions: Classes of every corpus, ``(N,)``; ``None`` where unknown.
            labels: Activation and valence of every corpus, ``(N, 2)``, ``NaN`` where missing.

        Returns:
            Prototypes of all classes that have `LEAST` rated utterances in some corpus.

        Raises:
            ConfigError: If no class has, or there is no corpus.

        Example:
            >>> emotion, label = ["sad"] * 5 + ["angry"] * 5, [[1.0, 2.0]] * 5 + [[5.0, 2.0]] * 5
            >>> Prototypes.of([emotion], [label]).table[["activation", "valence", "n"]]
                     activation  valence   n
            emotion
            angry           5.0      2.0   5
            sad             1.0      2.0   5
        """
        if not emotions:
            raise ConfigError("prototypes were asked for of no corpus; give one that has ratings")
        rows = []
        for number, (emotion, label) in enumerate(zip(emotions, labels, strict=True)):
            table = pd.DataFrame(np.asarray(label, dtype=np.float64), columns=list(LABELS))
            table["emotion"], table["corpus"] = np.asarray(emotion, dtype=object), number
            rows.append(table.dropna())
        rated = pd.concat(rows)
        by_corpus = rated.groupby(["emotion", "corpus"])[list(LABELS)].agg(["mean", "var", "size"])
        by_corpus = by_corpus[by_corpus[(LABELS[0], "size")] >= LEAST]
        if by_corpus.empty:
            raise ConfigError(
                f"no class of emotion has {LEAST} utterances with activation and valence; classes alone are no "
                "labels; give a corpus that has ratings"
            )
        return cls(pd.DataFrame(dict(_columns(by_corpus))))

    def label(self, emotion: npt.ArrayLike) -> Floats:
        """Give every utterance (N,) the mean rating of its class ``(N, 2)``, ``NaN`` where that has no prototype."""
        names = pd.Index(np.asarray(emotion, dtype=object))
        return np.asarray(self.table[list(LABELS)].reindex(names), dtype=np.float64)

    def drawn_label(self, emotion: npt.ArrayLike, rng: np.random.Generator) -> Floats:
        """Give every utterance a rating drawn from its class, normal and within 1..5; see `label`."""
        mean = self.label(emotion)
        names = pd.Index(np.asarray(emotion, dtype=object))
        std = self.table[[f"{label}_std" for label in LABELS]].reindex(names).to_numpy(dtype=np.float64)
        return np.clip(mean + std * rng.standard_normal(mean.shape), 1.0, 5.0)

    def smoothed(self, label: npt.ArrayLike, emotion: npt.ArrayLike, share: float) -> Floats:
        """Move ratings towards the prototypes of their classes.

        One rater's half steps are noisy, and the class is a second, independent judgement of the same utterance.

        Args:
            label: Activation and valence ``(N, 2)``, ``NaN`` where missing.
            emotion: Classes ``(N,)``.
            share: How far they move, from 0 (the ratings) to 1 (the prototypes).

        Returns:
            Ratings ``(N, 2)``; those without a prototype stay, and a missing one is that of the class.

        Example:
            >>> prototypes = Prototypes.of([["sad"] * 5], [[[1.0, 2.0]] * 5])
            >>> prototypes.smoothed([[2.0, 2.0], [3.0, 3.0]], ["sad", None], 0.5).tolist()
            [[1.5, 2.0], [3.0, 3.0]]
        """
        if not 0 <= share <= 1:
            raise ConfigError(f"the share of the prototypes is {share!r}; expected a number from 0 to 1")
        own, prototype = np.asarray(label, dtype=np.float64), self.label(emotion)
        rated, known = ~np.isnan(own).any(axis=1, keepdims=True), ~np.isnan(prototype).any(axis=1, keepdims=True)
        mixed = (1 - share) * own + share * prototype
        return np.where(rated & known, mixed, np.where(rated, own, prototype))


def _columns(by_corpus: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    groups = by_corpus.groupby(level="emotion")
    columns = []
    for label in LABELS:
        columns += [
            (label, groups[[(label, "mean")]].mean()[(label, "mean")]),
            (f"{label}_std", np.sqrt(groups[[(label, "var")]].mean()[(label, "var")])),
            (f"{label}_between", groups[[(label, "mean")]].std()[(label, "mean")]),
        ]
    sizes = by_corpus[(LABELS[0], "size")].groupby(level="emotion")
    return [*columns, ("n", sizes.sum()), ("n_corpora", sizes.size())]
