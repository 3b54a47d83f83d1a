"""Two whole corpora take seconds to speak; one sentence takes none."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "synthetic" in item.path.parts and "spoken" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
