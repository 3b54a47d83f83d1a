"""Show notebooks on the site, and run them: ``python docs/site/notebooks.py docs/notebooks/*.ipynb``.

As a command this runs every cell in an empty folder and writes what came out into the notebook. As a hook of MkDocs it
turns each notebook into a page: text as it is, code with its output below, pictures beside the page.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every notebook."""
    for file in [each for each in files if each.src_uri.endswith(".ipynb")]:
        place = PurePosixPath(file.src_uri).with_suffix("")
        text, pictures = page(nbformat.reads(file.content_string, as_version=4), place.name)
        files.append(File.generated(config, f"{place}.md", content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"{place.parent}/{name}", content=content))
    return files


def page(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:  # noqa: ANN401 (nbformat's own kind of dictionary)
    """Write a notebook as Markdown; give the pictures that it refers to, by file name."""
    parts, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```py\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                picture = f"{name}-{len(pictures) + 1}.png"
                pictures[picture] = base64.b64decode(data["image/png"])
                parts.append(f"![What this cell draws]({picture})")
            elif text := output.get("text") or data.get("text/plain"):
                parts.append(f"```text\n{text.rstrip()}\n```")
    parts.append(f"This page is [a notebook]({name}.ipynb); `python docs/site/notebooks.py` ran it.")
    return "\n\n".join(parts) + "\n", pictures


def run(notebook: Any) -> Any:  # noqa: ANN401
    """Run all cells in an empty folder; give the notebook with what came out, without times and identifiers."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as place:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": place}}, record_timing=False).execute()
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"
        cell.metadata = {}
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def main(names: list[str]) -> None:
    """Run notebooks and keep what came out."""
    for name in names:
        notebook = run(nbformat.read(name, as_version=4))
        nbformat.validate(notebook)
        Path(name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
