"""Options agree with the settings they set, and missing packages are named."""

import sys
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import typer

from affectmap.annotator.settings import AnnotatorSettings
from affectmap.cli import VERBS, app, options
from affectmap.errors import UsageError
from affectmap.experiment.config import ExperimentConfig
from affectmap.service.settings import ServiceSettings
from affectmap.settings import fields_of

COMMANDS = {
    "reproduce": (ExperimentConfig, {"output", "overwrite", "config", "cache", "backend", "scheduler", "explore"}),
    "train": (ExperimentConfig, {"output", "overwrite", "config", "cache", "backend", "scheduler", "method", "recipe"}),
    "audit": (ExperimentConfig, {"output", "overwrite", "config", "cache", "fail"}),
    "demo": (ExperimentConfig, {"output", "overwrite", "explore"}),
    "annotate": (AnnotatorSettings, {"folder", "raters", "browser", "password_file", "suggest", "model", "encoder"}),
    "serve": (ServiceSettings, set()),
}
FORMER = [
    (["annotate", "speech", "--labels", "x"], "--labels is called --ratings now; write --ratings"),
    (["annotate", "speech", "--emotions", "sad"], "--emotions is called --classes now; write --classes"),
    (["audit", "--strict"], "--strict is called --fail now; write --fail"),
    (["corpora", "--json"], "--json is called --format json now; write --format json"),
    (["serve", "--concurrency", "2"], "--concurrency is called --n-jobs now; write --n-jobs"),
    (
        ["track", "--stream", "--sampling-rate", "8000"],
        "--sampling-rate is called --stream-rate now; write --stream-rate",
    ),
]


def parameters(command):
    """Parameters of a command by name, without those that every command has."""
    made = typer.main.get_command(app).get_command(None, command)
    return {
        one.name: one
        for one in made.params
        if one.name not in ("encoder", "help", "quiet", "verbose") and not one.hidden
    }


def choices(annotation):
    """Values of a Literal within a type, however deep."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*map(choices, get_args(annotation)))


def test_every_option_is_a_setting_and_leaves_it_alone_when_not_given():
    for command, (declaration, own) in COMMANDS.items():
        found = parameters(command)
        assert set(found) - own <= set(fields_of(declaration)), command
        assert {one.default for name, one in found.items() if name not in own} == {None}, command


def test_options_offer_the_values_that_settings_take(affectmap):
    for command in ("reproduce", "train", "audit"):
        shown = " ".join(affectmap(command, "--help").out.split())
        for name in set(parameters(command)) & set(fields_of(ExperimentConfig)) - {"methods"}:
            offered = choices(fields_of(ExperimentConfig)[name].annotation)
            assert not offered or all(choice in shown for choice in offered), (command, name)


def test_help_shows_the_defaults_and_ranges_that_are_declared(affectmap):
    shown = " ".join(affectmap("reproduce", "--help").out.split())
    for text in (
        "above it. [default: 10; above 0]",
        "[default: target-20]",
        "[default: 5; 2 or more]",
        "features. [default: 1; 0 or more]",
        "Size of the latent. [default: 2; 1 to 4096]",
        "authors- code: 100; 1 or more]",
        "[default: unsupervised, activation, valence, joint]",
        "[default: excited-as-happy]",
    ):
        assert text in shown, text
    assert "recipe transfer: 15" in " ".join(affectmap("train", "-h").out.split())


def test_help_groups_options_and_ends_with_two_examples(affectmap):
    groups = {"ratings": ("import", "export"), "models": ("list", "fetch", "pack")}
    within = [f"{verb} {each}" for verb, names in groups.items() for each in names]
    for command in [verb for verb in VERBS if verb not in groups] + within:
        out = affectmap(*command.split(), "-h").out
        assert "\n  Examples:\n" in out, command
        assert out.split("  Examples:\n")[1].count("affectmap ") == 2, command
    out = affectmap("reproduce", "-h").out
    headings = ["Corpora and features:", "Preparation and folds:", "Network and training:", "Experiment:", "Options:"]
    assert [line for line in out.splitlines() if line in headings] == headings


def test_every_option_is_explained():
    for command in COMMANDS:
        for name, one in parameters(command).items():
            assert one.help[0].isupper(), (command, name)
            assert one.help.rstrip("]").count(".") or one.help.endswith("."), (command, name)


@pytest.mark.parametrize(("arguments", "line"), FORMER)
def test_a_former_spelling_names_the_new_one(affectmap, arguments, line):
    outcome = affectmap(*arguments)
    assert (outcome.code, outcome.out, outcome.error) == (2, "", line)


@pytest.mark.parametrize("missing", ["torch", "safetensors", "jinja2", "matplotlib", "sklearn", "scipy"])
@pytest.mark.parametrize(("command", "extra"), [("train", "train"), ("reproduce", "train"), ("demo", "demo")])
def test_a_base_install_is_told_what_to_install(affectmap, monkeypatch, here, missing, command, extra):
    monkeypatch.setitem(sys.modules, missing, None)
    code, out, err = affectmap(command)
    assert (code, out) == (2, "")
    assert err == f'affectmap: error: {command} needs {missing}; run pip install "affectmap[{extra}]"\n'
    assert not list(here.iterdir())


def test_all_that_is_missing_is_named_at_once(monkeypatch):
    for name in ("torch", "matplotlib"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="train needs torch, matplotlib; run"):
        options.require_training("train")


def test_corpora_needs_no_training_packages(process, here):
    extras = ("torch", "safetensors", "jinja2", "matplotlib", "sklearn", "scipy")
    hidden = f"import sys; sys.modules.update(dict.fromkeys({extras}))"
    (here / "a.wav").touch()
    (here / "mine.csv").write_text("file,emotion\na.wav,sad\n")
    code, out, err = process("corpora", "table:mine=mine.csv", first=hidden)
    assert (code, err) == (0, "")
    assert "utterances              1" in out


def test_a_text_file_is_read_within_bounds(tmp_path):
    (tmp_path / "card.md").write_bytes("# Größe\r\n".encode())
    assert options.read_text(tmp_path / "card.md", "--card", "a text file") == "# Größe\n"
    (tmp_path / "latin.md").write_bytes(b"\xff")
    for file in (Path("/dev/zero"), tmp_path / "latin.md", tmp_path / "gone.md", tmp_path):
        with pytest.raises(UsageError, match=r"^--card .* cannot be read \(.*\); name a text file$"):
            options.read_text(file, "--card", "a text file")
