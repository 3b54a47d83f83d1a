"""``--reference`` and ``--features encoder:`` as a user meets them, on tiny models."""

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from affectmap.model.embedder import Embedder
from corpus_files import FAST, write_emodb, write_settings, write_tone
from speech_models import write_classifier, write_encoder


@pytest.fixture
def recordings(here):
    """EMO-DB made of tones, its sheet, and the arguments that name both."""
    write_settings(here / "fast.toml", **FAST)
    write_emodb(here)
    return ["--config", "fast.toml", "--source", "emodb=emodb", "--labels", "labels"]


@pytest.fixture
def no_figures(monkeypatch):
    """Leave the report without its figures, most of its time."""
    monkeypatch.setattr("affectmap.report.draw_figures", lambda *arguments: defaultdict(list))


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_the_row_of_table_4_and_features_of_an_encoder(affectmap, here, recordings):
    write_classifier(here / "er")
    write_encoder(here / "wavlm", "WavLM")
    done = affectmap("reproduce", *recordings, "--reference", "superb=er", "--features", "encoder:wavlm@2")
    assert done.code == 0, done.err
    table4 = pd.read_csv("results/tables/table4.csv")
    superb = table4[table4["method"] == "SUPERB"]
    assert set(superb["quantity"]) == {"N-S-H-A", "N-S-A"}
    assert set(superb["reading"]) == {"held-out"}
    assert "32 features" in set(table4["method"])
    costs = pd.read_csv("results/tables/costs.csv")
    assert costs["model"].tolist() == ["this model, with its encoder", "SUPERB, er"]
    assert costs["parameters"].tolist()[1] == 7804
    assert "SUPERB" in done.out
    assert "What a minute of sound costs" in done.out
    assert "a linear classifier on the 32 features" in done.out
    page = Path("results/report.html").read_text()
    assert "SUPERB, er" in page
    embedder = Embedder.load("results/models/dae-metric-joint/all")
    assert embedder.n_features_in_ == 32
    assert list(embedder.feature_names_in_[:1]) == ["mean_0000"]


@pytest.mark.slow
def test_an_embedder_of_an_encoder_s_features(affectmap, here, recordings):
    folder = write_encoder(here / "wavlm", "WavLM")
    few = affectmap("train", *recordings, "--features", f"encoder:{folder}@1-3", "-o", "mine")
    assert few.code == 1
    assert "soft prototypes need" in few.error
    assert few.error.endswith("--recipe paper")
    done = affectmap("train", *recordings, "--features", f"encoder:{folder}@1-3", "--recipe", "paper", "-o", "mine")
    assert done.code == 0, done.err
    assert Embedder.load("mine").n_features_in_ == 32
    assert affectmap("export", "mine", "--onnx", "-o", "model.onnx").code == 0
    write_tone(here / "a.wav", seconds=1.0)
    for verb in (["embed"], ["track", "--windows", 1], ["adapt"]):
        refused = affectmap(*verb, "a.wav", "--model", "mine", *(["-o", "x"] if verb == ["adapt"] else []))
        assert refused.code == 1, verb
        assert ", first mean_0000, which are not measured here; give a table of them" in refused.error


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["--features", "wavlm"],
            2,
            "features are 'wavlm'; expected egemaps, egemaps-corrected, whisper, columns, columns:PREFIX",
        ),
        (
            ["--features", "encoder:no/such/model"],
            2,
            "no/such/model is no folder, and no model on the hub is called so",
        ),
        (["--features", "encoder:labels"], 1, "labels has no config.json; expected config.json"),
        (["--reference", "hubert"], 2, "the reference is 'hubert'; expected superb, or superb=MODEL"),
        (["--reference", "superb=labels"], 1, "labels has no config.json"),
    ],
)
def test_what_does_not_do_is_one_line_before_anything_is_measured(affectmap, recordings, arguments, code, line):
    done = affectmap("reproduce", *recordings, *arguments)
    assert done.code == code
    assert done.error.startswith(line)
    assert not Path("cache").exists()


def test_offline_is_one_line(affectmap, recordings, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    done = affectmap("reproduce", *recordings, "--reference", "superb")
    assert done.code == 1
    assert done.error.startswith(
        "superb/hubert-large-superb-er is not on this machine, and the hub cannot be reached ("
    )
    assert done.error.endswith("bring DIR here and name it: --reference superb=DIR")


def test_without_the_extra_it_says_what_to_run(affectmap, recordings, monkeypatch):
    from affectmap import extras

    find = extras.importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "transformers" else find(name))
    done = affectmap("reproduce", *recordings, "--features", "encoder:a/b")
    assert done.code == 2
    assert done.error == '--features encoder:DIR needs transformers; run pip install "affectmap[encoders]"'
