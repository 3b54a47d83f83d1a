"""Example objects that the docstrings share, and one thread a process; those of the tests are in tests/conftest.py."""

import gc
import os
from collections.abc import Iterator
from functools import cache

import pytest

# Read when NumPy and PyTorch are first imported, which is later. On matrices this small more threads cost several times
# as much: each waits for the others, and for those of the tests beside it.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave modules and tests, a million objects that stay, out of garbage collection: it took a tenth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        import hypothesis  # noqa: F401 (it asks garbage collection who holds an object, which is no longer told of these)

        gc.enable()
        gc.freeze()
        gc.set_threshold(10_000)


@cache
def _examples() -> dict[str, object]:
    """``pets``: four utterances of two speakers, rated, with functionals, ready to be trained on.

    ``ratings``: what the raters x and y gave to three recordings.
    """
    import numpy as np
    import pandas as pd

    from affectmap.agreement.ratings import typed
    from affectmap.corpora import Corpus
    from affectmap.preparation.prepared_corpus import prepare
    from affectmap.schema import COLUMNS, FUNCTIONALS, segmented_index

    index = segmented_index([*"1234"])
    cells = {"speaker": [*"aabb"], "emotion": ["sad", "angry"] * 2, "activation": [2.0, 4.0] * 2}
    functionals = pd.DataFrame(np.eye(4, 88), index, list(FUNCTIONALS))
    rated = [
        {"file": file, "rater": rater, "activation": activation, "valence": valence, "emotion": emotion}
        for file, rater, activation, valence, emotion in (
            ("a.wav", "x", 2.0, 1.0, "sad"), ("a.wav", "y", 3.0, 1.0, "sad"), ("b.wav", "x", 4.0, 3.0, "angry"),
            ("b.wav", "y", 4.0, 2.0, "sad"), ("c.wav", "x", 5.0, 2.0, "angry"), ("c.wav", "y", 4.0, 2.0, "angry"),
        )
    ]  # fmt: skip
    rest = {"cannot_tell": False, "comment": "", "presentation": 1, "revision": 1, "rated_at": "", "seconds": 4.0}
    examples: dict[str, object] = {"ratings": typed([row | rest for row in rated])}
    return examples | {
        "pets": prepare(Corpus("pets", pd.DataFrame(cells, index, list(COLUMNS)), functionals=functionals))
    }


@pytest.fixture(autouse=True)
def _docstring_examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, object]) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        doctest_namespace.update(_examples())
