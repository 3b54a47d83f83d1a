"""Tables 1 and 3 of the paper, on anything that places utterances in a space; table 4 is in `classification`.

Conventions:
    * ``held-out``: the test fold of the source. ``zero-shot``: a target; classifiers are fitted on the source's
      training fold alone. ``probe``: a classifier cross-validated by speaker on the target's own embedding.
      ``within``: cross-validated by speaker on a corpus' 88 functionals, the upper bound. ``supervised``: the loss
      was trained on the target's own labels.

Source: Das et al. 2022, sections 3.2 and 4 "Experiments for evaluation".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from affectmap.schema import LABELS
from affectmap.stats.bootstrap import SpeakerBootstrap
from affectmap.stats.metrics import adjusted_r2, pairwise_adjusted_r2
from affectmap.stats.sampled_pairs import N_PAIRS, sampled_pairwise_adjusted_r2
from affectmap.stats.scores import Key, Score

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]

NAN = float("nan")
#: With more predictors than this, copies of a resampled speaker are fitted so well that an interval would mislead.
MANY_PREDICTORS = 20
#: Up to so many labelled utterances (200 million pairs, some seconds) table 1 takes all pairs, above a sample of them.
EXACT_UTTERANCES = 20_000


@dataclass(frozen=True, eq=False)
class Embedded:
    """Utterances of one corpus in some space.

    Attributes:
        corpus: Name.
        role: ``source`` or ``target``.
        embedding: ``(N, D)``.
        emotion: ``(N,)``, ``None`` where unknown.
        label: Activation and valence ``(N, 2)``, ``NaN`` where missing.
        speaker: ``(N,)``.
        file: Recordings ``(N,)``.
    """

    corpus: str
    role: str
    embedding: Floats
    emotion: Objects
    label: Floats
    speaker: Objects
    file: Objects

    def rows(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Embedded:
        """Give some of the rows, by number or by mask.

        Example:
            >>> two = Embedded("pets", "target", np.eye(2), *(np.array([*"ab"]),) * 4)
            >>> two.rows(np.array([1])).embedding
            array([[0., 1.]])
        """
        return Embedded(
            self.corpus,
            self.role,
            self.embedding[chosen],
            self.emotion[chosen],
            self.label[chosen],
            self.speaker[chosen],
            self.file[chosen],
        )


@dataclass(frozen=True, eq=False)
class Run:
    """Which model a score belongs to, and the resamples that its interval comes from.

    Attributes:
        method: Name of the method.
        fold: Number of the fold, from 1.
        seed: Seed of the model.
        bootstraps: One a corpus.
    """

    method: str
    fold: int
    seed: int
    bootstraps: dict[str, SpeakerBootstrap]

    def score(
        self, table: str, on: Embedded, quantity: str, reading: str, value: float, n: int, resamples: Floats,
        p_value: float = NAN,
    ) -> Score:  # fmt: skip
        """Label one value.

        Args:
            table: ``1``, ``3``, ``4`` or ``d``, as in `Key`.
            on: What it was measured on.
            quantity: ``activation``, ``valence``, or the classes.
            reading: Which of the readings above.
            value: The value.
            n: Utterances, or pairs.
            resamples: The same with resampled speakers ``(B,)``.
            p_value: Of the F-test, where there is one.

        Returns:
            The value with all that tells what it is.
        """
        key = Key(table, self.method, on.corpus, on.role, quantity, reading)
        return Score(key, self.fold, self.seed, value, p_value, n, resamples)


def pairwise_scores(run: Run, held_out: Embedded) -> Iterator[Score]:
    """Table 1: how much of the distances in the embedding the distances between labels explain.

    Args:
        run: Model and resamples.
        held_out: Test fold of the source.

    Yields:
        Adjusted R² of d_z = a + b d_y over all pairs, for activation and for valence, where three utterances or more
        are labelled. It has no p-value: pairs that share an utterance depend on each other, and the F-test of so many
        would call everything significant.
        Above `EXACT_UTTERANCES` labelled utterances the value is that of a sample of pairs, whose number is
        ``n``, and the resamples are those of so many utterances drawn at random; `sampling_notes` says so.

    Example:
        >>> label, speaker = np.array([[1, 2], [2, 5], [4, 3], [5, 3]], dtype=float), np.array([*"aabb"])
        >>> placed = Embedded("pets", "source", 2 * label[:, :1], speaker, label, speaker, speaker)
        >>> run = Run("PCA-2", 1, 0, {"pets": SpeakerBootstrap(["a", "b"], n_resamples=9)})
        >>> [(score.key.quantity, round(score.value, 2), score.n) for score in pairwise_scores(run, placed)]
        [('activation', 1.0, 6), ('valence', -0.22, 6)]
    """
    bootstrap = run.bootstraps[held_out.corpus]
    for column, name in enumerate(LABELS):
        label = held_out.label[:, column]
        if np.isfinite(label).sum() < 3:
            continue
        known = np.flatnonzero(np.isfinite(label))
        if len(known) > EXACT_UTTERANCES:
            value, _, _, n = sampled_pairwise_adjusted_r2(held_out.embedding, label)
            # The same utterances for every model, so that differences between models stay paired.
            known = np.sort(np.random.default_rng(0).choice(known, EXACT_UTTERANCES, replace=False))
        else:
            value, _, n = pairwise_adjusted_r2(held_out.embedding, label)
        resamples = bootstrap.pairwise_adjusted_r2(held_out.embedding[known], label[known], held_out.speaker[known])
        yield run.score("1", held_out, name, "held-out", value, n, resamples)


def sampling_notes(n_held_out: Sequence[int]) -> list[str]:
    """Say that table 1 is of a sample, where it is.

    Args:
        n_held_out: Labelled utterances held out, one a fold and corpus.

    Returns:
        One sentence, or none.

    Example:
        >>> sampling_notes([400, 500])
        []
        >>> sampling_notes([400, 30_000])[0][:78]
        'table 1: pairs were sampled where over 20,000 utterances are rated (up to 30,0'
    """
    largest = max(n_held_out, default=0)
    if largest <= EXACT_UTTERANCES:
        return []
    return [
        f"table 1: pairs were sampled where over {EXACT_UTTERANCES:,} utterances are rated (up to {largest:,} in a "
        f"fold): values are those of {N_PAIRS:,} random pairs, not of all, and intervals come from "
        f"{EXACT_UTTERANCES:,} random utterances"
    ]


def label_scores(run: Run, on: Embedded, reading: str) -> Iterator[Score]:
    """Table 3: how much of the labels the embedding explains, linearly.

    Args:
        run: Model and resamples.
        on: Utterances of a corpus.
        reading: ``held-out``, ``zero-shot``, ``within`` or ``supervised``.

    Yields:
        Adjusted R² of label = b₀ + b·z with the p-value of its F-test, for activation and for valence, where more
        than twice as many utterances are labelled as the regression has coefficients.

    Example:
        >>> label, speaker = np.array([[1, 3], [2, 5], [4, 5], [5, 3], [3, 4]], dtype=float), np.array([*"aabbb"])
        >>> placed = Embedded("pets", "target", 2 * label[:, :1], speaker, label, speaker, speaker)
        >>> run = Run("PCA-2", 1, 0, {"pets": SpeakerBootstrap(["a", "b"], n_resamples=9)})
        >>> [(score.key.quantity, round(score.value, 2)) for score in label_scores(run, placed, "zero-shot")]
        [('activation', 1.0), ('valence', -0.33)]
    """
    for column, name in enumerate(LABELS):
        label = on.label[:, column]
        if np.isfinite(label).sum() <= 2 * (on.embedding.shape[1] + 1):
            continue
        fit = adjusted_r2(label, on.embedding)
        bootstrap = run.bootstraps[on.corpus]
        if on.embedding.shape[1] <= MANY_PREDICTORS:
            resamples = bootstrap.adjusted_r2(label, on.embedding, on.speaker)
        else:
            resamples = np.full(len(bootstrap.counts), NAN)
        yield run.score("3", on, name, reading, fit.adjusted_r2, fit.n, resamples, fit.p_value)
