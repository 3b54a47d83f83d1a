"""Notebooks run, say what they print now, and become pages."""

import base64
import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
_SPEC = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "site" / "notebooks.py")
notebooks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(notebooks)


def made():
    drawn = nbformat.v4.new_output(
        "display_data", {"image/png": base64.b64encode(b"png").decode(), "text/plain": "<F>"}
    )
    outputs = [
        nbformat.v4.new_output("stream", text="2\n"),
        drawn,
        nbformat.v4.new_output("execute_result", {"text/plain": "3"}),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("print(2)", outputs=outputs)]
    return nbformat.v4.new_notebook(cells=cells)


def test_text_code_output_and_pictures_become_a_page():
    text, pictures = notebooks.page(made(), "look")
    assert text.startswith(
        "# Title\n\n```py\nprint(2)\n```\n\n```text\n2\n```\n\n![What this cell draws](look-1.png)\n"
    )
    assert "```text\n3\n```" in text
    assert "<F>" not in text
    assert text.endswith("[a notebook](look.ipynb); `python docs/site/notebooks.py` ran it.\n")
    assert pictures == {"look-1.png": b"png"}


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_was_run_and_holds_nothing_of_the_machine(file):
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert not any(cell.metadata for cell in notebook.cells)
    assert str(Path.home()) not in file.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_and_prints_what_it_shows(file, tmp_path):
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    subprocess.run([sys.executable, ROOT / "docs/site/notebooks.py", copy], check=True, capture_output=True)

    def printed(name):
        cells = nbformat.read(name, as_version=4).cells
        return [output.get("text") for cell in cells if cell.cell_type == "code" for output in cell.outputs]

    assert printed(copy) == printed(file)
