"""Write the pages of the Python reference: one for every room of the package, made from its docstrings.

MkDocs calls this hook. A page lists the public modules of a room, and mkdocstrings fills in what they declare. Nothing
is imported: docstrings and annotations are read from the source.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "affectmap"
FOLDER = "api"
#: Rooms that others compute with; those of commands and pages have the command line and HTTP for a reference.
ROOMS = (
    "agreement", "archive", "audio", "audit", "corpora", "egemaps", "evaluation", "experiment", "features", "losses",
    "model", "parallel", "preparation", "report", "stats", "track", "transfer", "whisper",
)  # fmt: skip
#: Modules that lie beside the rooms.
BESIDE = ("schema", "errors", "settings", "tables", "utterances")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    pages = {"index": overview(), "modules": page("Tables, names and errors", [f"affectmap.{name}" for name in BESIDE])}
    pages |= {room: page(room, modules(room)) for room in ROOMS}
    for name, text in pages.items():
        files.append(File.generated(config, f"{FOLDER}/{name}.md", content=text))
    return files


def overview() -> str:
    """Write the page of what ``import affectmap`` gives, and of the rooms."""
    lines = [
        "# Python reference",
        "",
        "What `import affectmap` gives:",
        "",
        "| name | from | what it is |",
        "|---|---|---|",
    ]
    for name, module in homes().items():
        about = summary(module, name)
        shown = f"[`{name}`][affectmap.{module}.{name}]" if about else f"`{name}`"
        lines += [f"| {shown} | `{module}` | {about} |"]
    lines += ["", "| room | what is in it |", "|---|---|"]
    lines += [f"| [{room}]({room}.md) | {first_line(PACKAGE / room / '__init__.py')} |" for room in ROOMS]
    return "\n".join([*lines, "| [others](modules.md) | Columns, errors, settings, tables. |", ""])


def page(title: str, names: list[str]) -> str:
    """Write a page with the reference of modules; what a package takes from its modules stands there alone."""
    lines = [f"# {title}", ""]
    for name in names:
        lines += [f"::: {name}"]
        if (own := defined(name)) is not None:
            lines += ["    options:", f"      members: {own or 'false'}"]
        lines += [""]
    return "\n".join(lines)


def defined(name: str) -> list[str] | None:
    """Give the public classes and functions that a package itself defines, None of a module that is no package."""
    file = PACKAGE.parent / name.replace(".", "/") / "__init__.py"
    if not file.exists():
        return None
    body = ast.parse(file.read_text(encoding="utf-8")).body
    found = [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [name for name in found if not name.startswith("_")]


def modules(room: str) -> list[str]:
    """Give the public modules of a room, the room itself first, by their dotted names.

    >>> modules("track")[:2]
    ['affectmap.track', 'affectmap.track.picture']
    """
    found = [file for file in sorted((PACKAGE / room).rglob("*.py")) if documented(file)]
    places = [file.relative_to(PACKAGE.parent).with_suffix("").parts for file in found]
    return sorted(".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in places)


def documented(file: Path) -> bool:
    """Tell whether a module has something to say and is no private one."""
    private = any(part.startswith("_") and part != "__init__.py" for part in file.relative_to(PACKAGE).parts)
    return not private and "compiled" not in file.parts and bool(first_line(file))


def homes() -> dict[str, str]:
    """Give the module that each public name of the package lives in."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            found = dict(ast.literal_eval(node.value))
            return {name: defining(module, name) for name, module in found.items()}
    raise LookupError(
        "src/affectmap/__init__.py has no _HOME any more, from which the reference takes the public names"
    )


def defining(module: str, name: str) -> str:
    """Give the module that defines a name, of one that may itself take it from another."""
    for node in body_of(module):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return defining((node.module or "").removeprefix("affectmap."), name)
    return module


def body_of(module: str) -> list[ast.stmt]:
    """Give the statements of a module or package, named from the package on."""
    place = PACKAGE / module.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_name(f"{place.name}.py")
    return ast.parse(file.read_text(encoding="utf-8")).body


def summary(module: str, name: str) -> str:
    """Give the first line of the docstring of a class or function, empty for a constant."""
    for node in body_of(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def first_line(file: Path) -> str:
    """Give the first line of the docstring of a module."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
