"""Tiny trees of empty files laid out as the corpora are; loaders read names and never open audio."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no clock in any test.
settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")


@pytest.fixture
def make_files(tmp_path):
    """Make empty files below a folder of this test."""

    def make(folder, names):
        for name in names:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        return tmp_path / folder

    return make


@pytest.fixture
def write(tmp_path):
    """Write a text file below the folder of this test."""

    def write_text(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write_text


@pytest.fixture(scope="session")
def real_data():
    """Folder with corpora/ and features/, named by the environment."""
    folder = os.environ.get("AFFECTMAP_DATA")
    if not folder:
        pytest.skip("AFFECTMAP_DATA does not name the folder above corpora/ and features/")
    return Path(folder)
