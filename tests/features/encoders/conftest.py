"""Tests that load transformers are slow: its import alone takes seconds."""

import pytest

LOADING = {"tiny", "encoders", "encoder", "signals"}


def pytest_collection_modifyitems(items):
    for item in items:
        if "encoders" in item.path.parts and LOADING & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
