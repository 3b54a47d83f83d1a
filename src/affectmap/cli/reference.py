"""The pages of settings and verbs, made from their declarations: ``python -m affectmap.cli.reference docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from affectmap.annotator.settings import AnnotatorSettings
from affectmap.cli import app
from affectmap.cli.options import sentence
from affectmap.experiment.config import ExperimentConfig
from affectmap.files import write_text
from affectmap.model.settings import PAPER, PRESETS
from affectmap.service.settings import ServiceSettings
from affectmap.settings import default_text, differing, expected, fields_of, panel_of
from affectmap.transfer.settings import ENCODER_RECIPE, TEACHER, Recipe, student_settings

#: Columns of the help on the page.
WIDTH = 100
_NOTE = "Written by `python -m affectmap.cli.reference docs`; change the declarations, not this page."


def settings_page() -> str:
    """Write every setting with its option, default, values and meaning, as Markdown."""
    lines = ["# Settings", "", _NOTE, "", "Settings without an option are given in TOML (`--config FILE`).", ""]
    experiment = _rows(ExperimentConfig, "reproduce")
    for panel, rows in groupby(experiment, key=lambda row: panel_of(ExperimentConfig, row[0].strip("`"))):
        lines += _table(f"{panel} (`reproduce`; `train` and `audit` take those that concern them)", list(rows))
    values = [f"`{preset}` {_values(brought)}" for preset, brought in PRESETS.items() if brought]
    lines += [f"A preset brings values of its own where none are given: {'; '.join(values)}.", ""]
    lines += _table("Recipe for unseen corpora (in Python; `train` takes it)", _rows(Recipe, ""))
    student = differing(student_settings(Recipe()), PAPER)
    lines += [f"`training` of its models differs from the paper's settings in {_values(differing(TEACHER, PAPER))};"]
    lines += [f"that of the network that learns from them, in {_values(student)}."]
    lines += [
        f"With `--features whisper` or `encoder:` its `teacher` is `{ENCODER_RECIPE.teacher}`, `n_teachers` "
        f"{ENCODER_RECIPE.n_teachers}, and `training` differs from the paper's in "
        f"{_values(differing(ENCODER_RECIPE.training, PAPER))}.",
        "",
    ]
    lines += _table("`affectmap serve`", _rows(ServiceSettings, "serve"))
    return "\n".join([*lines, *_table("`affectmap annotate`", _rows(AnnotatorSettings, "annotate"))])


def verbs_page() -> str:
    """Write the help of every verb, as Markdown."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("affectmap", [], resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH)
    lines = ["# Command line", "", _NOTE, ""]
    for name, command, parent in _commands(root, context):
        with command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH) as within:
            lines += [f"## {within.command_path}", "", "```text", command.get_help(within).rstrip(), "```", ""]
    return "\n".join(lines)


def _commands(group: Any, context: typer.Context) -> Iterator[tuple[str, Any, typer.Context]]:  # noqa: ANN401 (typer's)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield name, command, context
        if hasattr(command, "commands"):
            within = command.make_context(name, [], parent=context, resilient_parsing=True, terminal_width=WIDTH)
            yield from _commands(command, within)


def _rows(declaration: type[Any], verb: str) -> list[tuple[str, ...]]:
    root: Any = typer.main.get_command(app)
    options = {one.name: _spelled(one) for one in root.get_command(None, verb).params} if verb else {}
    return [
        (
            f"`{name}`",
            options.get(name, ""),
            str(field.default).lower() if isinstance(field.default, bool) else default_text(field),
            expected(field).removeprefix("a "),
            sentence(field.description or ""),
        )
        for name, field in fields_of(declaration).items()
        if field.description and (name != "training" or declaration is not Recipe)
    ]


def _spelled(option: Any) -> str:  # noqa: ANN401 (typer's)
    if not option.opts[0].startswith("-"):
        return f"`{option.metavar}`"
    return f"`{'/'.join([option.opts[-1], *option.secondary_opts])}`"


def _values(values: Mapping[str, Any]) -> str:
    texts = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def _table(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"## {title}", "", "| setting | option | default | values | meaning |", "| --- | --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [*lines, ""]


def main(folder: Path) -> None:
    """Write both pages."""
    write_text(folder / "settings.md", settings_page())
    write_text(folder / "cli.md", verbs_page())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
