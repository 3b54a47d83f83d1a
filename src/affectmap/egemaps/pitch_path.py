"""The contour of the fundamental frequency: a cheapest path through the candidates, decided with a delay.

Conventions: a frame has seven states, the six candidates and, last, "unvoiced".
"""

import numpy as np

from affectmap.egemaps.framing import Floats
from affectmap.egemaps.pitch import N_CANDIDATES

N_STATES = N_CANDIDATES + 1
UNVOICED = N_CANDIDATES
VOICING_CUTOFF = np.float32(0.7)
LOCAL_WEIGHT = 2.0
CUTOFF_COST = 4.0
JUMP_WEIGHT = 10.0
CHANGE_WEIGHT = 10.0
VOICING_CHANGE_COST = 10.0
UNVOICED_COST = 1.0
EMPTY_COST = 999.0
LONGEST_DELAY = 40


def local_costs(frequency: Floats, voicing: Floats) -> Floats:
    """Price the states on their own.

        candidate: 2 (-ln clip(v, 0.01, 1) + (4 if v < 0.7)) + g(f)
        unvoiced:  2 (4 if any v >= 0.7)

    with g(f) = 1 - f/100 below 100 Hz, 0 to 350 Hz, (f - 350)/250 to 600 Hz, 1.2 above, and 2 for an empty slot.

    Returns:
        Costs, shape (n_frames, 7).
    """
    weak = voicing < VOICING_CUTOFF
    costs = np.empty((len(frequency), N_STATES))
    costs[:, :UNVOICED] = LOCAL_WEIGHT * (CUTOFF_COST * weak - np.log(np.clip(voicing, 0.01, 1)))
    costs[:, :UNVOICED] += _range_costs(frequency)
    costs[:, UNVOICED] = LOCAL_WEIGHT * CUTOFF_COST * ~weak.all(axis=1)
    return costs


def _range_costs(frequency: Floats) -> Floats:
    costs = np.select(
        [frequency <= 0, frequency < 100, frequency <= 350, frequency < 600],
        [np.full_like(frequency, 2.0), 1 - frequency / 100, np.zeros_like(frequency), (frequency - 350) / 250],
        default=1.2,
    )
    return np.asarray(costs)


class PitchPath:
    """Follow the cheapest path, frame by frame, and decide frames as early as the past allows.

    A frame is decided once the cheapest paths to all seven states share it. Once 40 frames are undecided, one
    frame is decided after each new one, from the cheapest state of the moment.

    Source: openSMILE 2.6; Viterbi (1967).
    """

    def __init__(self) -> None:
        self.n_frames = 0
        self.n_decided = 0
        self._costs = np.zeros(N_STATES)
        self._last_frequency = np.zeros(N_CANDIDATES)
        self._change = 1.0
        self._behind = False
        # Of the undecided frames: candidates' frequencies, then 0; the best predecessor of every state; cheapest state.
        self._frequencies: list[list[float]] = []
        self._origins: list[list[int]] = []
        self._cheapest: list[int] = []

    def add(self, frequency: Floats, voicing: Floats) -> Floats:
        """Take in candidates, shape (n_frames, 6).

        Returns:
            F0 in Hz, 0 for unvoiced, of the frames that are decided by now and were not before, in order.
        """
        if not len(frequency):
            return np.zeros(0)
        costs, origins = self._accumulate(local_costs(frequency, voicing), self._transitions(frequency))
        self._frequencies += np.column_stack([frequency, np.zeros(len(frequency))]).tolist()
        self._origins += origins.tolist()
        self._cheapest += costs.argmin(axis=1).tolist()
        self.n_frames += len(frequency)
        return self._decide()

    def finish(self) -> Floats:
        """Decide what is left, from the cheapest state of the last frame; same form as in `add`."""
        return self._release(self._trace(len(self._origins) - 1, self._cheapest[-1])) if self._origins else np.zeros(0)

    def _transitions(self, frequency: Floats) -> Floats:
        """Price the steps, shape (n_frames, 7 to, 7 from).

        Between candidates r = ln(f_to / f_from) costs 10 |r| + 10 |r - d|, where d is the r of the pair looked at
        before (rows by column, 0 after a pair with "unvoiced").
        """
        before = np.vstack([self._last_frequency, frequency[:-1]])
        self._last_frequency = frequency[-1]
        logs, logs_before = (np.log(np.where(values > 0, values, 1)) for values in (frequency, before))
        steps = np.zeros((len(frequency), N_STATES, N_STATES))
        steps[:, :UNVOICED, :UNVOICED] = logs[:, :, None] - logs_before[:, None, :]
        known = np.ones(steps.shape, bool)
        known[:, :UNVOICED, :UNVOICED] = (frequency > 0)[:, :, None] & (before > 0)[:, None, :]
        known[:, UNVOICED, UNVOICED] = False
        if self.n_frames == 0:
            known[0] = False
        changes = self._changes(steps.ravel(), known.ravel()).reshape(steps.shape)
        costs = JUMP_WEIGHT * np.abs(steps) + CHANGE_WEIGHT * np.abs(steps - changes)
        costs[:, UNVOICED], costs[:, :, UNVOICED] = VOICING_CHANGE_COST, VOICING_CHANGE_COST
        costs[~known] = EMPTY_COST
        costs[:, UNVOICED, UNVOICED] = UNVOICED_COST
        return costs

    def _changes(self, steps: Floats, known: Floats) -> Floats:
        """Give for every pair the step of the last known pair before it."""
        last = np.maximum.accumulate(np.where(known, np.arange(1, len(steps) + 1), 0))
        seen = np.concatenate([[self._change], steps])[last]
        changes = np.concatenate([[self._change], seen[:-1]])
        self._change = float(seen[-1])
        return changes

    def _accumulate(self, local: Floats, transitions: Floats) -> tuple[Floats, Floats]:
        """Add up the costs of the cheapest paths: costs, shape (n_frames, 7), and their predecessors, same shape."""
        path_costs = np.empty((len(local) + 1, N_STATES))
        path_costs[0] = self._costs
        first = 0 if self.n_frames else 1
        if first:
            path_costs[1] = local[0]
        sums = np.empty((N_STATES, N_STATES))
        before = path_costs[first]
        for step, own, costs in zip(transitions[first:], local[first:], path_costs[first + 1 :], strict=True):
            np.add(step, before, out=sums)
            np.minimum.reduce(sums, axis=1, out=costs)
            costs += own
            before = costs
        self._costs = path_costs[-1]
        origins = (transitions + path_costs[:-1, None, :]).argmin(axis=2)
        return path_costs[1:], origins

    def _decide(self) -> Floats:
        decided = []
        while not self._behind:
            if len(self._origins) < LONGEST_DELAY:
                decided.append(self._release(self._shared(len(self._origins) - 1)))
                break
            # What was known before the frame that makes the delay too long.
            states = self._shared(LONGEST_DELAY - 2)
            self._behind = not states
            decided.append(self._release(states))
        while self._behind and len(self._origins) >= LONGEST_DELAY:
            last = LONGEST_DELAY - 1
            decided.append(self._release(self._trace(last, self._cheapest[last])[:1]))
        return np.concatenate(decided)

    def _shared(self, last: int) -> list[int]:
        """Give the states that the paths to all states of undecided frame `last` have in common, from the first on."""
        states = set(range(N_STATES))
        while last >= 0 and len(states) > 1:
            states = {self._origins[last][state] for state in states}
            last -= 1
        return self._trace(last, states.pop()) if last >= 0 else []

    def _trace(self, last: int, state: int) -> list[int]:
        """Give the states on the cheapest path to a state of undecided frame `last`, from the first on."""
        path = [state]
        for origins in self._origins[last:0:-1]:
            path.append(origins[path[-1]])
        return path[::-1]

    def _release(self, states: list[int]) -> Floats:
        """Take the first undecided frames, whose states these are, off the list."""
        n_released = len(states)
        f0 = [frequencies[state] for frequencies, state in zip(self._frequencies, states, strict=False)]
        del self._frequencies[:n_released], self._origins[:n_released], self._cheapest[:n_released]
        self.n_decided += n_released
        return np.array(f0)


def semitones(f0: Floats) -> Floats:
    """Take F0 from Hz to semitones above 27.5 Hz.

        12 log2(F0 / 27.5), but 1 for 0 < F0 <= 29.136 and 0 for unvoiced

    Example:
        >>> semitones(np.array([0.0, 28.0, 110.0])).tolist()
        [0.0, 1.0, 24.0]
    """
    notes = 12 * np.log2(np.maximum(f0, 1e-9) / 27.5)
    return np.where(f0 > 29.136, notes, np.where(f0 > 0, 1.0, 0.0))
