"""``affectmap train``: a folder that Embedder.load reads, or one line that says why not.

What both recipes do is tested with the paper's, which is faster.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from affectmap.model.embedder import Embedder
from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS
from affectmap.transfer.settings import Recipe
from corpus_files import make_rows, tree, write_emodb, write_settings, write_table, write_tone

ROWS = make_rows()[list(FUNCTIONALS)]
PAPER = ("--recipe", "paper")
NOTE = "note: its mean and standard deviation are those of all sources together; adapt it before use"


@pytest.fixture
def train(affectmap, tables):
    """Train on the birds for a moment, as the paper does, with other arguments."""

    def run(*arguments):
        return affectmap("train", *tables[:4], *PAPER, *arguments)

    return run


@pytest.fixture
def transfer(affectmap, tables, here):
    """Train on the birds and on dogs, of which only classes are known, for a moment; with other arguments."""
    dogs = make_rows(emotions=("sad", "angry", "neutral"), seed=2).assign(activation=np.nan, valence=np.nan)
    dogs.loc[:1, "emotion"] = "surprise"
    write_table(here, "dogs", dogs)

    def run(*arguments):
        return affectmap("train", *tables[:4], "--source", "table:dogs=dogs.parquet", *arguments)

    return run


def test_the_default_is_the_recipe_for_unseen_corpora(transfer, here):
    code, out, err = transfer("--n-jobs", 1)
    assert (code, out) == (0, f"{here}/model\n")
    lines = [line for line in err.splitlines() if "its functionals are columns of a table" not in line]
    assert len(lines) == len(err.splitlines()) - 2
    assert lines[:4] == [
        "birds: 32 utterances found, 0 dropped, 32 used, 32 rated",
        "dogs: 24 utterances found, 0 dropped, 24 used, 0 rated",
        "birds: 32 rated, 0 labelled by class, 0 without; standardised as a whole and speaker by speaker",
        "dogs: 0 rated, 22 labelled by class, 2 without; standardised as a whole and speaker by speaker",
    ]
    assert lines[4].startswith("prototypes (activation/valence): angry 4.")
    assert lines[5] == f"training {Recipe().n_teachers} teachers, then the network that learns their mean"
    assert lines[6] == "measuring on held-out speakers of birds (4 folds): 4 more trainings"
    lines = [line for line in lines[7:] if not line.startswith("note: the temperature ends at")]
    assert lines[0].startswith("loss after 10 epochs: ")
    assert re.fullmatch(r"heads: activation ±\d\.\d\d, valence ±\d\.\d\d, neutral, sad, happy, angry", lines[1])
    assert lines[2:] == [NOTE]
    embedder = Embedder.load("model")
    assert embedder.transform(ROWS).shape == (len(ROWS), 2)
    assert embedder.label_names_ == ["activation", "valence"]
    recipe = embedder.recipe_
    assert recipe["sources"] == {"birds": {"rated": 32, "by_class": 0}, "dogs": {"rated": 0, "by_class": 22}}
    assert recipe["settings"]["training"]["epochs"] == 2  # of the settings file
    assert set(recipe["prototypes"]) == {"neutral", "sad", "happy", "angry"}


@pytest.mark.slow
def test_the_recipe_takes_settings(transfer):
    options = {"latent_dim": 3, "epochs": 1, "noise_std": 0.5, "batch_size": 8, "learning_rate": 0.01}
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert transfer(*words, "--weight", 2, "--method", "joint", "--preset", "paper").code == 0
    embedder = Embedder.load("model")
    settings = embedder.recipe_["settings"]
    assert settings["training"].items() >= options.items()
    assert settings["weight"] == 2
    assert embedder.transform(ROWS).shape == (len(ROWS), 3)


@pytest.mark.slow
def test_the_recipe_leaves_the_same_bytes(transfer, here):
    for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
        assert transfer("-o", f"{folder}/model", "--seed", seed).code == 0
    for name in ("CARD.md", "curves.csv", "model.yaml", "weights.safetensors"):
        assert (here / "one/model" / name).read_bytes() == (here / "two/model" / name).read_bytes()
    assert (here / "one/model/weights.safetensors").read_bytes() != (
        here / "other/model/weights.safetensors"
    ).read_bytes()


@pytest.mark.slow
def test_what_the_recipe_trained_can_be_exported(transfer, affectmap, here):
    assert transfer().code == 0
    code, out, err = affectmap("export", "model", "--onnx", "-o", "exported")
    assert (code, out) == (0, f"{here}/exported\n")
    assert err.startswith("differs from the model by at most ")
    metadata = load_model(here / "exported").metadata
    assert metadata["training"]["recipe"] == Embedder.load("model").recipe_


def test_what_the_recipe_does_not_have(transfer, here):
    before = tree(here)
    for arguments, line in (
        (("--method", "valence"), "method valence is the paper's; add --recipe paper, or leave method out"),
        (("--preset", "authors-code"), "preset authors-code is the paper's; add --recipe paper, or leave preset out"),
    ):
        assert transfer(*arguments) == (2, "", f"affectmap: error: {line}\n")
        assert tree(here) == before


def test_classes_alone_cannot_be_trained_on(affectmap, transfer, here):
    outcome = affectmap("train", "--source", "table:dogs=dogs.parquet")
    assert outcome.code == 1
    assert outcome.error == (
        "no utterance has ratings of activation and valence; give the label sheets, or such columns"
    )


def test_it_leaves_an_embedder_and_prints_where(train, here):
    code, out, err = train()
    assert (code, out) == (0, f"{here}/model\n")
    first, given, measured, second, heads = (line for line in err.splitlines() if "the temperature ends" not in line)
    assert given.startswith("note: birds: its functionals are columns of a table; what measured them is not known")
    assert first == "birds: 32 utterances found, 0 dropped, 32 used, 32 rated"
    assert measured == "measuring on held-out speakers of birds (4 folds): 4 more trainings"
    assert second.startswith("loss after 2 epochs: ")
    assert heads.startswith("heads: activation ±")
    assert tree(here / "model") == {".affectmap", "CARD.md", "curves.csv", "model.yaml", "weights.safetensors"}
    embedder = Embedder.load("model")
    assert float(second.split()[-1]) == pytest.approx(embedder.curves_["total"].iloc[-1], abs=1e-3)
    place = embedder.transform(ROWS)
    assert place.shape == (len(ROWS), 2)
    assert np.isfinite(place).all()


def test_what_it_trains_can_be_used_at_once(train, affectmap, here):
    assert train().code == 0
    write_tone(here / "a.wav", seconds=1.0)
    done = affectmap("embed", "a.wav", "--model", "model")
    assert done.code == 0, done.err
    header = done.out.splitlines()[0].split(",")
    assert {"activation", "activation_low", "valence_high", "neutral", "angry"} <= set(header)
    model = load_model("model")
    assert model.name == "model"
    assert model.card.startswith("# model\n")
    assert "birds: 32 utterances, 32 of them rated" in model.card
    assert "Half widths, each speaker by themselves: activation ±" in model.card
    assert model.metadata["training"]["calibration"] == "measured on held-out speakers of birds (4 folds)"
    assert model.metadata["training"]["corpora"] == ["birds"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "labels"),
    [
        ("unsupervised", []),
        ("activation", ["activation"]),
        ("valence", ["valence"]),
        ("joint", ["activation", "valence"]),
    ],
)
def test_the_method_chooses_the_labels(train, method, labels):
    assert train("--method", method).code == 0
    assert Embedder.load("model").label_names_ == labels


def test_the_default_is_joint_whatever_the_settings_file_trains_elsewhere(affectmap, tables, here):
    write_settings(here / "fast.toml", epochs=1, methods=["valence", "unsupervised"])
    assert affectmap("train", *tables[:4], *PAPER).code == 0
    assert Embedder.load("model").label_names_ == ["activation", "valence"]


@pytest.mark.slow
def test_several_sources_are_told_to_be_adapted(train, transfer):
    assert train("--source", "table:cats=cats.parquet").err.splitlines()[-1] == NOTE
    assert NOTE not in train("--overwrite").err


@pytest.mark.slow
def test_settings_reach_the_embedder(train):
    options = {
        "--latent-dim": 3,
        "--epochs": 1,
        "--noise-std": 0.5,
        "--weight": 2,
        "--batch-size": 8,
        "--learning-rate": 0.01,
    }
    assert train(*(word for pair in options.items() for word in pair), "--preset", "authors-code").code == 0
    params = Embedder.load("model").get_params()
    assert {f"--{name.replace('_', '-')}": value for name, value in params.items()}.items() >= options.items()
    assert params["preset"] == "authors-code"


@pytest.mark.slow
def test_the_same_command_leaves_the_same_bytes_and_another_seed_does_not(train, here):
    for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
        assert train("-o", f"{folder}/model", "--seed", seed).code == 0
    for name in ("CARD.md", "curves.csv", "model.yaml", "weights.safetensors"):
        assert (here / "one/model" / name).read_bytes() == (here / "two/model" / name).read_bytes()
    assert (here / "one/model/weights.safetensors").read_bytes() != (
        here / "other/model/weights.safetensors"
    ).read_bytes()


@pytest.mark.slow
def test_targets_of_a_shared_settings_file_take_no_part(affectmap, here):
    write_table(here, "birds")
    write_table(here, "cats", make_rows(n_speakers=3, seed=1))
    birds = {"source": ["table:birds=birds.parquet"], "epochs": 1}
    write_settings(here / "alone.toml", **birds)
    write_settings(here / "both.toml", **birds, target=["table:cats=cats.parquet"])
    for name in ("alone", "both"):
        outcome = affectmap("train", "--config", f"{name}.toml", "-o", name, *PAPER)
        assert "cats" not in outcome.err
    weights = [Path(name, "weights.safetensors").read_bytes() for name in ("alone", "both")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_an_embedder_is_replaced_only_when_asked(train, here):
    assert train().code == 0
    before = (here / "model" / "weights.safetensors").read_bytes()
    outcome = train("--seed", 1)
    assert outcome.code == 1
    assert outcome.error == "model exists; name another folder with -o, or add --overwrite to replace it"
    assert (here / "model" / "weights.safetensors").read_bytes() == before
    assert train("--seed", 1, "--overwrite").code == 0
    assert (here / "model" / "weights.safetensors").read_bytes() != before


def test_a_folder_of_the_users_own_is_never_replaced(train, here):
    (here / "model").mkdir()
    (here / "model" / "thesis.txt").write_text("years of work")
    assert train("--overwrite").error.startswith("model was not written by affectmap and is left alone")
    assert tree(here / "model") == {"thesis.txt"}


def test_nothing_is_left_of_a_run_that_fails(train, here):
    before = tree(here)
    outcome = train("--learning-rate", 1e30, "-o", "a/b")
    assert outcome.code == 1
    assert outcome.error.startswith("training diverged in epoch")
    assert tree(here) == before


@pytest.mark.slow
def test_dropped_recordings_are_named_with_reasons(affectmap, here):
    wav = write_emodb(here)
    write_tone(wav / "03a02Wa.wav", seconds=0.05)
    (wav / "03a02Na.wav").touch()
    arguments = ["--source", "emodb=emodb", "--labels", "labels", "--epochs", 1, *PAPER]
    code, _, err = affectmap("train", *arguments)
    assert code == 0
    reasons = {
        f"{wav}/03a02Na.wav: empty (0 bytes); restore it",
        f"{wav}/03a02Wa.wav: lasts 0.05 s, expected at least 0.06 s; leave it out",
    }
    assert {line.removeprefix("dropped ") for line in err.splitlines() if line.startswith("dropped ")} == reasons
    outcome = affectmap("train", *arguments, "--strict", "-o", "strict")
    assert outcome.code == 1
    assert outcome.error in reasons  # the first to be measured, on whichever thread


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ([], 2, "no source is given; add --source NAME=DIR"),
        (["--source", "emodb=nowhere"], 1, "{here}/nowhere does not exist; expected the folder of a corpus"),
        (
            ["--source", "table:birds=birds.parquet", "--seed", -1],
            2,
            "seed is -1; expected a whole number from 0 to 2147483647",
        ),
        (
            ["--source", "table:flat=flat.parquet"],
            1,
            "flat: activation is 3 for all 32 utterances; give its label sheet",
        ),
        (
            ["--source", "table:flat=flat.parquet", *PAPER],
            1,
            "flat: activation is 3 for all 32 utterances; give its label sheet",
        ),
        (["--source", "table:mute=mute.parquet"], 1, "no utterance has ratings of activation and valence"),
        (["--source", "table:birds=birds.parquet", "--latent-dim", 1], 1, "2 labels need as many latent axes; got 1"),
        (["--source", "table:birds=birds.parquet", "--weight", 0], 1, "weight is 0.0; expected a number above 0"),
        (
            ["--source", "table:mute=mute.parquet", *PAPER],
            1,
            "mute: no utterance has a rating of activation and valence",
        ),
        (
            ["--source", "table:birds=birds.parquet", "--latent-dim", 1, "--preset", "authors-code", *PAPER],
            1,
            "authors-code gives each label a part of the latent",
        ),
    ],
)
def test_what_cannot_be_trained(affectmap, tables, here, arguments, code, line):
    write_table(here, "flat", make_rows().assign(activation=3.0))
    write_table(here, "mute", make_rows().assign(activation=np.nan, valence=np.nan))
    before = tree(here)
    outcome = affectmap("train", *arguments)
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.error.startswith(line.format(here=here))
    assert tree(here) == before
