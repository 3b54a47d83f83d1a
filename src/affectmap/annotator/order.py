"""The order in which a rater meets the recordings: a shuffle of its own for everybody, some of them twice."""

from __future__ import annotations

import random
from collections.abc import Sequence

#: Other entries, at least, between a recording and its unseen repeat.
APART = 10


def order_of(items: Sequence[int], repeat: float, *key: str | int) -> list[tuple[int, int]]:
    """Shuffle items and slip in a share of them again, each at least `APART` entries after its first time.

    Args:
        items: Numbers of the items, in an order that does not depend on chance.
        repeat: Share of them to repeat, 0..0.5; fewer where the list is too short to keep them apart.
        *key: What the order depends on: the same key and items give the same order.

    Returns:
        Item and presentation: 1 the first time, 2 the second.

    Example:
        >>> order = order_of(range(20), 0.1, 0, "Ada")
        >>> len(order), sorted(item for item, presentation in order if presentation == 1) == list(range(20))
        (22, True)
        >>> order_of([1, 2, 3], 0.5, 0, "Ada") == order_of([1, 2, 3], 0.5, 0, "Ada")
        True
    """
    chance = random.Random("\0".join(map(str, key)))
    shuffled = list(items)
    chance.shuffle(shuffled)
    n_early = len(shuffled) - APART  # only these have room enough behind them
    n_repeats = min(round(repeat * len(shuffled)), max(n_early, 0))
    before: dict[int, list[int]] = {}
    for index in chance.sample(range(max(n_early, 0)), n_repeats):
        # Before the entry at this index; the last stands for the end of the list.
        before.setdefault(chance.randint(index + APART + 1, len(shuffled)), []).append(shuffled[index])
    order: list[tuple[int, int]] = []
    for index in range(len(shuffled) + 1):
        order += [(item, 2) for item in before.get(index, [])]
        order += [(item, 1) for item in shuffled[index : index + 1]]
    return order
