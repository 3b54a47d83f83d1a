"""The shipped model on an encoder: what it is, and with the real encoder and recordings, what it gives."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.features.encoders.cards import ENCODERS
from affectmap.features.encoders.locate import VARIABLE
from affectmap.features.engines import how_measured
from affectmap.model.folder import METADATA_FILE, WEIGHTS_FILE
from affectmap.model.model import SHIPPED_MODELS, load_model
from affectmap.schema import WHISPER, WHISPER_FEATURES

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "experiments" / "whisper-model"


@pytest.fixture
def no_encoder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))


@pytest.fixture
def data(monkeypatch):
    if "AFFECTMAP_DATA" not in os.environ:
        pytest.skip("AFFECTMAP_DATA names no folder of recordings")
    folder = Path(os.environ["AFFECTMAP_DATA"])
    if not (folder / "encoders").is_dir():
        pytest.skip("AFFECTMAP_DATA has no encoders")
    monkeypatch.setenv(VARIABLE, str(folder / "encoders"))
    return folder


def test_it_can_be_read_without_its_encoder_and_is_small(no_encoder):
    model = load_model(WHISPER)
    assert (model.name, tuple(model.inputs)) == (SHIPPED_MODELS[WHISPER], WHISPER_FEATURES)
    folder = ROOT / "src/affectmap/models" / model.name
    assert sum((folder / name).stat().st_size for name in (METADATA_FILE, WEIGHTS_FILE)) < 1e6
    assert sum(weight.size + bias.size for weight, bias in model.layers) < 30_000
    assert set(model.metadata["training"]["recipe"]["sources"]) == {"emodb", "urdu", "aesdd", "ravdess", "emovo"}


def test_it_was_trained_with_the_encoder_that_models_fetch_brings(no_encoder):
    version = load_model(WHISPER).metadata["measured"]["version"]
    assert version.split("-")[-1] == ENCODERS["whisper-base"].digest[:12]


def test_what_the_card_says_was_measured(no_encoder):
    card = load_model(WHISPER).card
    titles = {"emodb": "EMO-DB", "urdu": "URDU", "aesdd": "AESDD"}
    runs = pd.read_csv(MEASURED / "normalisations.csv")
    means = runs.groupby(["corpus", "normalisation"]).mean(numeric_only=True)
    for corpus, title in titles.items():
        cells = [f"{means.loc[(corpus, 'all of the corpus'), name]:.2f}" for name in ("uar", "r2_activation")]
        assert f"| {title} | all of the corpus | {' | '.join(cells)} |" in card
    for row in pd.read_csv(MEASURED / "coverage.csv").itertuples():
        cells = f"{row.half_width:.2f} | {row.coverage:.2f} | {row.n}"
        assert f"| {row.normalisation} | {titles[row.corpus]} | {row.label} | {cells} |" in card


def test_the_comparison_stands_in_card_page_and_notes_alike(no_encoder):
    pages = [(ROOT / "docs/models.md").read_text(encoding="utf-8"), (MEASURED / "notes.md").read_text(encoding="utf-8")]
    tables = [re.search(r"<!-- models:begin -->\n(\|.*?\n)\n", page, flags=re.DOTALL).group(1) for page in pages]
    assert tables[0] == tables[1]
    assert tables[0] in load_model(WHISPER).card


@pytest.mark.real
def test_the_real_encoder_is_its_own(data):
    assert how_measured(WHISPER) == load_model(WHISPER).metadata["measured"]


@pytest.mark.real
def test_the_features_are_those_of_the_reference(data):
    golden = pd.read_parquet(data / "features/whisper-base-3/golden.parquet").set_index("file")
    model = load_model(WHISPER)
    features, _ = model.measure([data / "corpora/emodb/wav" / name for name in golden.index])
    means = [f"mean_{number:03}" for number in range(512)]
    np.testing.assert_allclose(features[means].to_numpy(), golden[means].to_numpy(), atol=1e-3)


@pytest.mark.real
def test_it_hears_calm_from_excited_and_pleasant_from_angry(data):
    wav = data / "corpora/emodb/wav"
    names = ("03a01Fa", "03a01Wa", "03a01Nc", "03a02Ta")
    happy, angry, neutral, sad = load_model(WHISPER).embed([wav / f"{name}.wav" for name in names]).itertuples()
    assert min(happy.activation, angry.activation) > neutral.activation > sad.activation
    assert happy.valence > angry.valence
