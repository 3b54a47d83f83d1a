"""Options agree with the settings they set, and missing packages are named."""

import inspect
import sys
from typing import Literal, get_args, get_origin

import pytest

from affectmap.cli import options
from affectmap.cli.demo import demo_command
from affectmap.cli.reproduce import reproduce_command
from affectmap.cli.train import train_command
from affectmap.errors import UsageError
from affectmap.experiment.config import ExperimentConfig
from affectmap.settings import fields_of

NOT_SETTINGS = {"output", "overwrite", "config", "cache", "backend", "scheduler", "method", "recipe"}


def parameters(command):
    return inspect.signature(command, eval_str=True).parameters


def choices(annotation):
    """Values of a Literal within a type, however deep."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*map(choices, get_args(annotation)))


@pytest.mark.parametrize("command", [reproduce_command, train_command])
def test_every_option_is_a_setting(command):
    assert set(parameters(command)) - NOT_SETTINGS <= set(fields_of(ExperimentConfig))


@pytest.mark.parametrize("command", [reproduce_command, train_command])
def test_an_option_not_given_leaves_the_setting_alone(command):
    given = {name: one.default for name, one in parameters(command).items() if name not in NOT_SETTINGS}
    assert set(given.values()) == {None}


@pytest.mark.parametrize("command", [reproduce_command, train_command])
def test_options_offer_the_values_that_settings_take(command):
    for name, one in parameters(command).items():
        offered = choices(one.annotation)
        if offered and name not in NOT_SETTINGS:
            assert offered == choices(fields_of(ExperimentConfig)[name].annotation), name


def test_defaults_told_in_help_are_the_settings_own():
    written = {
        "outlier_threshold": "(10)",
        "policy": "(target-20)",
        "n_folds": "(5)",
        "weight": "(1)",
        "noise_std": "(1)",
        "latent_dim": "(2)",
        "batch_size": "(64)",
        "seed": "(0)",
        "n_seeds": "(1)",
        "device": "(cpu)",
    }
    known = parameters(reproduce_command)
    for name, default in written.items():
        assert known[name].annotation.__metadata__[0].help.endswith(f"{default}.")
        value = fields_of(ExperimentConfig)[name].default
        assert default == (f"({value:g})" if isinstance(value, float) else f"({value})")


@pytest.mark.parametrize("command", [reproduce_command, train_command, demo_command])
def test_every_option_is_explained(command):
    for name, one in parameters(command).items():
        assert one.annotation.__metadata__[0].help.endswith("."), name


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
    assert "utterances               1" in out
