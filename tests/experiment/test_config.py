"""Settings: defaults, TOML, flags over it, and one line for everything that is wrong."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from affectmap.errors import UsageError
from affectmap.experiment.config import METHODS, ExperimentConfig, make_config
from affectmap.preparation.standardisation import POLICIES
from affectmap.settings import fields_of


@pytest.fixture
def toml(tmp_path):
    """Write a settings file."""

    def write(text, encoding="utf-8"):
        file = tmp_path / "run.toml"
        file.write_text(text, encoding=encoding)
        return file

    return write


def refused(file=None, **flags):
    """The message of a refusal."""
    with pytest.raises(UsageError) as refusal:
        make_config(file, **flags)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_the_defaults_are_the_papers():
    config = make_config(source=["emodb=x"])
    assert (config.policy, config.outlier_threshold, config.folds, config.n_folds) == ("target-20", 10, "auto", 5)
    assert (config.preset, config.weight, config.noise_std, config.batch_size) == ("paper", 1, 1, 64)
    assert (config.hidden_dims, config.latent_dim) == ((40, 20, 10), 2)
    assert (config.epochs, config.learning_rate) == (50, 1e-3)
    authors = make_config(source=["emodb=x"], preset="authors-code", epochs=None)
    assert (authors.epochs, authors.learning_rate) == (100, 1e-4)
    assert config.methods == list(METHODS)
    assert not config.strict
    assert not config.synthetic


def test_every_setting_is_described():
    assert not [name for name, field in fields_of(ExperimentConfig).items() if not field.description]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_can_be_set(policy):
    assert make_config(source=["a=b"], policy=policy).policy == policy


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        make_config(source=["a=b"]).epochs = 3


def test_toml_is_read(toml):
    config = make_config(
        toml('source = ["emodb=x"]\nepochs = 3\nmethods = ["valence"]\nhidden_dims = [8]\nstrict = true\n')
    )
    assert (config.epochs, config.methods, config.hidden_dims, config.strict) == (3, ["valence"], (8,), True)


def test_toml_as_windows_saves_it_is_read(toml):
    assert make_config(toml('source = ["emodb=x"]\n', encoding="utf-8-sig")).seed == 0


def test_flags_go_over_toml_and_flags_not_given_do_not(toml):
    file = toml('source = ["emodb=x"]\nepochs = 3\nseed = 4\nstrict = true\n')
    config = make_config(file, source=None, epochs=5, seed=None, strict=False)
    assert (config.epochs, config.seed, config.strict) == (5, 4, False)
    assert make_config(file, source=["urdu=y"]).source == ["urdu=y"]


def test_paths_in_toml_are_relative_to_it_and_flags_to_the_working_directory(toml, tmp_path):
    file = toml('source = ["emodb=corpora/emodb", "table:a=../a.csv"]\ntarget = ["c=/abs/c"]\nlabels = "sheets"\n')
    config = make_config(file)
    assert config.source == [f"emodb={tmp_path}/corpora/emodb", f"table:a={tmp_path}/../a.csv"]
    assert config.target == ["c=/abs/c"]
    assert config.labels == tmp_path / "sheets"
    assert make_config(file, target=["c=d"], labels=Path("l")).target == ["c=d"]
    assert make_config(file, labels=Path("l")).labels == Path("l")


def test_home_in_toml_is_the_users(toml, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config = make_config(toml('source = ["emodb=~/corpora"]\nlabels = "~/labels"\n'))
    assert config.source == [f"emodb={tmp_path}/home/corpora"]
    assert config.labels == tmp_path / "home" / "labels"


def test_a_path_with_an_equals_sign_stays_whole(toml, tmp_path):
    assert make_config(toml('source = ["emodb=a=b/c=d"]\n')).source == [f"emodb={tmp_path}/a=b/c=d"]


def test_what_is_no_corpus_is_left_for_the_loader_to_refuse(toml):
    assert make_config(toml('source = ["emodb"]\n')).source == ["emodb"]


@pytest.mark.parametrize("settings", ["", "epochs = 3\n", "target = ['a=b']\n"])
def test_without_a_source(toml, settings):
    expected = "no source is given; add --source NAME=DIR, or source = [...] to the settings file"
    assert refused(toml(settings)) == expected
    assert refused() == expected


def test_an_unknown_setting_is_named_with_its_file_and_the_nearest_name(toml):
    file = toml('source = ["a=b"]\nepoch = 3\n')
    assert refused(file) == f"{file}: unknown setting epoch; did you mean epochs?"


def test_a_misspelt_name_is_told_before_what_is_missing_for_it(toml):
    file = toml('sources = ["a=b"]\n')
    assert refused(file) == f"{file}: unknown setting sources; did you mean source?"


@pytest.mark.parametrize("text", ["colour = 3\n", "[training]\ncolour = 2\n"])
def test_a_setting_like_no_other_is_answered_with_all_names(toml, text):
    message = refused(toml(text), source=["a=b"])
    assert ": unknown setting " in message
    assert all(name in message for name in fields_of(ExperimentConfig))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs = 'three'", "epochs is 'three'; expected a whole number of 1 or more"),
        ("epochs = 2.5", "epochs is 2.5; expected a whole number of 1 or more"),
        ("epochs = 0", "epochs is 0; expected a whole number of 1 or more"),
        ("epochs = true", "epochs is True; expected a whole number of 1 or more"),
        ("target = 'a=b'", "target is 'a=b'; expected a list, each item a text"),
        ("target = [1]", "target[0] is 1; expected a text"),
        ("labels = 3", "labels is 3; expected a path"),
        ("policy = 'mine'", "policy is 'mine'; expected one of source, target-20, target-all, speaker"),
        ("methods = []", "methods is []; expected a list with at least one item, each item one of unsupervised, "),
        ("methods = ['joint', 'x']", "methods[1] is 'x'; expected one of unsupervised, activation, valence, joint"),
        ("methods = ['joint', 'joint']", "methods is ['joint', 'joint']; expected every method once"),
        ("hidden_dims = [8, 0]", "hidden_dims[1] is 0; expected a whole number from 1 to 4096"),
        ("hidden_dims = 8", "hidden_dims is 8; expected a list, each item a whole number from 1 to 4096"),
        ("strict = 'maybe'", "strict is 'maybe'; expected true or false"),
        ("device = 'tpu'", "device is 'tpu'; expected one of cpu, cuda"),
        ("batch_size = 1", "batch_size is 1; expected a whole number of 2 or more"),
        ("losses = 'papers'", "losses is 'papers'; expected names joined by '+', each once, of "),
        (
            "features = 'mfcc'",
            "features are 'mfcc'; expected egemaps, egemaps-corrected, whisper, columns, columns:PREFIX, or encoder:",
        ),
    ],
)
def test_a_wrong_value_in_toml_names_file_setting_and_value(toml, text, expected):
    file = toml(text)
    assert refused(file, source=["a=b"]).startswith(f"{file}: {expected}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize(
    "name", ["weight", "noise_std", "outlier_threshold", "learning_rate", "svc_c", "ridge_penalty"]
)
def test_numbers_are_finite_and_in_range(name, value):
    assert refused(source=["a=b"], **{name: value}).startswith(f"{name} is {value!r}; expected a number ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_folds", 1),
        ("batch_size", 1),
        ("latent_dim", 0),
        ("seed", -1),
        ("seed", 2**31),
        ("n_seeds", 0),
        ("n_jobs", 0),
        ("sampling_rate", 0),
    ],
)
def test_whole_numbers_are_in_range(name, value):
    assert refused(source=["a=b"], **{name: value}).startswith(f"{name} is {value}; expected a whole number ")


def test_a_wrong_flag_does_not_blame_the_file(toml):
    assert refused(toml('source = ["a=b"]\nepochs = 3\n'), epochs=0).startswith("epochs is 0")


def test_the_file_is_blamed_for_what_no_flag_replaced(toml):
    file = toml('source = ["a=b"]\nepochs = 0\n')
    assert refused(file, epochs=None, seed=3).startswith(f"{file}: epochs is 0")
    assert make_config(file, epochs=3).epochs == 3


def test_a_file_that_is_missing_a_folder_no_toml_or_no_text(toml, tmp_path):
    assert refused(tmp_path / "none.toml") == f"{tmp_path}/none.toml does not exist; expected a TOML file of settings"
    assert refused(tmp_path) == f"{tmp_path} cannot be read as TOML: Is a directory"
    assert refused(toml("source = [")).startswith(f"{tmp_path}/run.toml cannot be read as TOML: ")
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read as TOML" in refused(tmp_path / "run.toml")
