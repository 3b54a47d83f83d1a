from collections.abc import Iterator

import pytest

from leaks import no_leaks


@pytest.fixture(autouse=True)
def leave_nothing_open() -> Iterator[None]:
    with no_leaks():
        yield
