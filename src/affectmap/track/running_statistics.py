"""Statistics that standardise the segments of one recording: the model's, the recording's, or the last hour's.

``source``
    the model's own. Values of several recordings can be compared, as far as voices and rooms are like those the model
    was trained on.
``recording``
    those of all speech in this recording, known only at its end. Segments within it are separated better; that the
    whole recording is calm or excited can no longer be seen, because its mean is the middle by definition.
``running``
    those of the speech until then, of the last hour at most, taken anew after every `UPDATE` segments, as a
    stream allows; beyond a thousand segments after every hundredth of them, or short windows would cost too much.

In both of these the model's own statistics count as `PRIOR` segments beside the recording's, so that a few
segments change little. What is flagged as silent or no speech does not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.model.model import Model
from affectmap.schema import Floats, Mask
from affectmap.text import spelt

STATISTICS = ("source", "recording", "running")
#: Segments for which the model's own statistics count beside the recording's.
PRIOR = 30
#: Segments after which running statistics are taken anew.
UPDATE = 10
#: Seconds that running statistics look back.
MEMORY_S = 3600.0
_SHARE = 100  # of what is known must be new before it is looked at again


class Standardising:
    """A model with a policy.

    Args:
        model: A loaded model.
        policy: One of `STATISTICS`.

    Raises:
        ConfigError: If the policy is unknown.

    Example:
        >>> from affectmap.model.model import load_model
        >>> functionals = np.random.default_rng(0).normal(size=(4, 88))
        >>> standardising = Standardising(load_model(), "recording")
        >>> len(standardising.transform(functionals, np.ones(4, bool))), len(standardising.notes())
        (4, 1)
    """

    def __init__(self, model: Model, policy: str) -> None:
        if policy not in STATISTICS:
            raise ConfigError(f"statistics {policy!r} are unknown; expected {', '.join(STATISTICS)}")
        self._model = self._current = model
        self._policy = policy
        self._known: deque[tuple[float, Floats]] = deque()
        self._n_since, self._step = 0, UPDATE

    @property
    def n_features(self) -> int:
        """Number of features that the model takes."""
        return len(self._model.inputs)

    def transform(self, functionals: Floats, counts: Mask, ends_s: Floats | None = None) -> pd.DataFrame:
        """Embed the next segments.

        Args:
            functionals: Shape (n_segments, F).
            counts: Which of them may count as speech for the statistics; what the model flags as no speech does not.
            ends_s: Their ends in seconds, ascending, shape (n_segments,); without them ``running`` forgets nothing.

        Returns:
            As `affectmap.model.model.Model.transform`, numbered from 0. With ``source`` and ``running`` the values
            do not depend on how many segments come at once.
        """
        ends_s = np.zeros(len(functionals)) if ends_s is None else ends_s
        if self._policy != "running":
            if self._policy == "recording" and len(functionals):
                self._transformed(functionals, counts, ends_s)
                self._adapt()
            return self._current.transform(functionals)
        parts, first = [], 0
        while first < len(functionals):
            rows = slice(first, first + self._step - self._n_since)
            parts.append(self._transformed(functionals[rows], counts[rows], ends_s[rows]))
            self._n_since += len(parts[-1])
            first += len(parts[-1])
            if self._n_since == self._step:
                self._forget(ends_s[first - 1] - MEMORY_S)
                self._adapt()
                self._n_since, self._step = 0, max(UPDATE, len(self._known) // _SHARE)
        return pd.concat(parts, ignore_index=True) if parts else self._current.transform(functionals)

    def _transformed(self, functionals: Floats, counts: Mask, ends_s: Floats) -> pd.DataFrame:
        table = self._current.transform(functionals)
        speech = counts & ~table["not_speech"].to_numpy(bool) & np.isfinite(functionals).all(axis=1)
        self._known.extend(zip(ends_s[speech], functionals[speech], strict=True))
        return table

    def _forget(self, before_s: float) -> None:
        while self._known and self._known[0][0] < before_s:
            self._known.popleft()

    def _adapt(self) -> None:
        if self._known:
            with suppress(ConfigError):  # all of them are outliers
                self._current = self._model.adapt(np.array([row for _, row in self._known]), prior=PRIOR)

    def notes(self) -> list[str]:
        """Say in a sentence or none how far the statistics are the recording's own."""
        if self._policy == "source" or len(self._known) >= PRIOR:
            return []
        n_known = len(self._known)
        there = f"only {n_known} segments of speech were" if n_known > 1 else f"{spelt(n_known)} segment of speech was"
        return [f"statistics are mostly the model's: {there} there to adapt to"]


class SpeakerStandardising:
    """A `Standardising` for every speaker, who is compared with themselves alone.

    Args:
        model: A loaded model.
        policy: One of `STATISTICS`.

    Example:
        >>> from affectmap.model.model import load_model
        >>> standardising = SpeakerStandardising(load_model(), "recording")
        >>> functionals = np.random.default_rng(0).normal(size=(3, 88))
        >>> table = standardising.transform(functionals, np.ones(3, bool), np.arange(3.0), ["S1", "S2", "S1"])
        >>> table.index.tolist(), standardising.notes()[1]
        ([0, 1, 2], "S2: statistics are mostly the model's: no segment of speech was there to adapt to")
    """

    def __init__(self, model: Model, policy: str) -> None:
        self._model, self._policy = model, policy
        self._unknown = Standardising(model, policy)
        self._of: dict[str, Standardising] = {}

    @property
    def n_features(self) -> int:
        """Number of features that the model takes."""
        return self._unknown.n_features

    def transform(
        self, functionals: Floats, counts: Mask, ends_s: Floats, speakers: Sequence[str | None]
    ) -> pd.DataFrame:
        """Embed the next segments, each speaker's by their own statistics; see `Standardising.transform`.

        Args:
            functionals: Shape (n_segments, F).
            counts: Shape (n_segments,).
            ends_s: Shape (n_segments,).
            speakers: Who speaks in each; None where it is not known: statistics are then those of all such segments.

        Returns:
            As `Standardising.transform`.
        """
        names = np.array(speakers, dtype=object)
        parts = []
        for name in dict.fromkeys(speakers):
            rows: npt.NDArray[np.bool_] = names == name
            if name is not None and name not in self._of:
                self._of[name] = Standardising(self._model, self._policy)
            one = self._unknown if name is None else self._of[name]
            parts.append(one.transform(functionals[rows], counts[rows], ends_s[rows]).set_axis(np.flatnonzero(rows)))
        return pd.concat(parts).sort_index() if parts else self._unknown.transform(functionals, counts)

    def notes(self) -> list[str]:
        """Say how far the statistics are each speaker's own, or the recording's where no speakers are told apart."""
        if not self._of:
            return self._unknown.notes()
        return [f"{name}: {note}" for name, one in sorted(self._of.items()) for note in one.notes()]
