"""A reference in a run: the same rows as everybody's, and what it cannot hear."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import load_corpus
from affectmap.errors import ConfigError, ModelError, UsageError
from affectmap.experiment import large_models as comparison
from affectmap.experiment.config import make_config
from affectmap.experiment.costs import COST_COLUMNS
from affectmap.experiment.large_models import KNOWN, Models, compare, evaluate_corpora, find_models, reference_scores
from affectmap.experiment.protocol import make_materials
from affectmap.features.encoders.features import SUPERB
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import prepare
from affectmap.stats.metrics import uar
from corpus_files import make_rows, write_emodb, write_table
from speech_models import write_classifier, write_encoder


def silent(label):
    return nullcontext(lambda done, total: None)


@pytest.fixture
def corpora(tmp_path):
    """EMO-DB made of tones, and a table without recordings."""
    write_emodb(tmp_path)
    pets = write_table(tmp_path, "pets", make_rows())
    return [
        prepare(load_corpus(spec, tmp_path / "labels"), cache=tmp_path / "cache")
        for spec in (f"emodb={tmp_path / 'emodb'}", pets)
    ]


@pytest.fixture
def models(tmp_path):
    return find_models(make_config(source=["x=y"], reference=f"superb={write_classifier(tmp_path / 'er')}"))


def test_nothing_is_asked_for():
    config = make_config(source=["x=y"])
    assert find_models(config) == Models()


def test_settings_that_contradict_an_encoder(tmp_path):
    features = f"encoder:{write_encoder(tmp_path / 'tiny')}"
    assert find_models(make_config(source=["x=y"], features=features)).settings == {"input_dim": 32}
    with pytest.raises(UsageError, match="sampling_rate is 8000, but an encoder takes recordings at its own rate"):
        find_models(make_config(source=["x=y"], features=features, sampling_rate=8000))
    with pytest.raises(UsageError, match="engine is opensmile, but no functionals are measured here; leave --engine"):
        find_models(make_config(source=["x=y"], features=features, engine="opensmile"))
    with pytest.raises(ModelError, match=r"has no config\.json"):
        find_models(make_config(source=["x=y"], features=f"encoder:{tmp_path}"))


@pytest.mark.parametrize("setting", [{"features": "wavlm"}, {"reference": "hubert"}])
def test_settings_that_read_differently(setting):
    with pytest.raises(ConfigError, match=r"expected (egemaps, egemaps-corrected, whisper|superb, or)"):
        make_config(source=["x=y"], **setting)


def test_held_out_rows_of_every_fold_are_scored(corpora, models, tmp_path):
    emodb, _ = corpora
    config = make_config(source=["x=y"], n_folds=2, n_seeds=1)
    source = PooledSource.of([emodb])
    materials = make_materials(source, [], "speaker", config)
    heard, notes = evaluate_corpora(models.reference, [emodb], [], cache=tmp_path / "cache", progress=silent)
    assert notes == []
    scores = reference_scores(heard, source, materials)
    four = [score for score in scores if score.key.quantity == "N-S-H-A"]
    assert [(score.key.method, score.key.reading, score.fold, score.n) for score in four] == [
        (SUPERB, "held-out", 1, 8),
        (SUPERB, "held-out", 2, 8),
    ]
    names = np.array(["neutral", "sad", "happy", "angry"])
    for score, material in zip(four, materials, strict=True):
        test = material.fold.test
        predicted = names[heard[0].probabilities[test].argmax(axis=1)]
        assert score.value == uar(emodb.emotion[test].astype(str), predicted)


def test_a_target_is_scored_once_and_a_pool_by_its_own_rows(corpora, models, tmp_path):
    emodb, pets = corpora
    config = make_config(source=["x=y"], n_folds=2, n_seeds=1)
    source = PooledSource.of([pets])
    materials = make_materials(source, [emodb], "speaker", replace(config, n_seeds=2))
    heard, notes = evaluate_corpora(models.reference, [pets], [emodb], cache=tmp_path / "cache", progress=silent)
    assert [each.corpus.name for each in heard] == ["emodb"]
    assert notes[0].startswith("SUPERB has no value for pets: pets: none of its 32 utterances can be used: ")
    scores = reference_scores(heard, source, materials)
    found = {
        (score.key.reading, score.key.quantity, score.fold, score.seed) for score in scores if score.key.table == "4"
    }
    assert found == {("zero-shot", classes, 1, seed) for classes in ("N-S-H-A", "N-S-A") for seed in (0, 1)}
    assert {score.n for score in scores if score.key.quantity == "N-S-H-A"} == {len(materials[0].targets["emodb"].rows)}


def test_recordings_that_are_gone_and_corpora_that_it_knows(corpora, models, tmp_path, monkeypatch):
    emodb, _ = corpora
    gone = next((tmp_path / "emodb" / "wav").iterdir())
    gone.unlink()
    monkeypatch.setattr(comparison, "KNOWN", "emodb")
    heard, notes = evaluate_corpora(models.reference, [emodb], [], cache=tmp_path / "cache", progress=silent)
    assert np.isnan(heard[0].probabilities).any(axis=1).sum() == 1
    assert notes == [
        "SUPERB cannot read 1 of 16 recordings of EMO-DB.",
        "SUPERB was trained on EMO-DB: most of its speakers were in its training data.",
    ]
    assert KNOWN == "iemocap"


def test_costs_and_notes_come_along(corpora, models, tmp_path, monkeypatch):
    emodb, _ = corpora
    asked = []

    def measure(which, indexes):
        asked.extend(which)
        return pd.DataFrame([("ours", 1, 1.0, 1.0, "cpu")], columns=list(COST_COLUMNS)), ["one note"]

    monkeypatch.setattr(comparison, "measure_costs", measure)
    config = make_config(source=["x=y"], n_folds=2, n_seeds=1)
    source = PooledSource.of([emodb])
    materials = make_materials(source, [], "speaker", config)
    found = compare(
        models.reference, None, source, (), materials, config,
        n_parameters=9310, cache=tmp_path, progress=silent,
    )  # fmt: skip
    assert [(each.kind, each.n_parameters) for each in asked] == [("small", 9310), ("classes", 0)]
    assert found.notes == ["one note"]
    assert len(found.costs) == 1
    assert {score.key.method for score in found.scores} == {SUPERB}


def test_the_row_of_all_features_says_how_many_they_are(tmp_path):
    config = make_config(source=["x=y"], features=f"encoder:{write_encoder(tmp_path / 'tiny')}")
    frame = pd.DataFrame({"method": ["PCA-2", "88 functionals"]})
    assert find_models(config).named(frame)["method"].tolist() == ["PCA-2", "32 features"]
