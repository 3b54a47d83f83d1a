"""The table of large models: counted, measured in turn, and on its page as the committed results make it."""

import json
import math
import os

import pytest

import large_model
from affectmap.experiment.costs import Cost
from affectmap.schema import EGEMAPS, WHISPER, WHISPER_DIM, WHISPER_LAYER
from affectmap.text import between_marks
from affectmap.whisper.weights import EncoderShape, tensor_shapes
from encoder_files import SHAPE, write_whole_whisper

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@pytest.fixture(scope="module")
def results():
    return json.loads(large_model.RESULTS.read_text(encoding="utf-8"))


def test_the_page_has_what_the_results_make(results):
    page = large_model.PAGE.read_text(encoding="utf-8")
    assert between_marks(page, "large-models", large_model.table(results)) == page, (
        "run python benchmarks/large_model.py"
    )


def test_positions_do_not_count(tmp_path):
    folder = write_whole_whisper(tmp_path / "whole")
    shapes = tensor_shapes(SHAPE._replace(n_layers=2))
    assert large_model.n_of_encoder(folder, 2) == sum(map(math.prod, shapes.values())) - SHAPE.n_positions * SHAPE.dim


def test_parameters_are_those_of_the_shapes(results):
    shapes = tensor_shapes(EncoderShape(WHISPER_LAYER, WHISPER_DIM, 8, 4 * WHISPER_DIM, 80, 1500))
    encoder = sum(map(math.prod, shapes.values())) - 1500 * WHISPER_DIM
    counted = {name: cost["n_parameters"] for name, cost in results["costs"].items()}
    assert counted[EGEMAPS] == large_model.n_of_map(EGEMAPS) == 9310
    assert counted[WHISPER] == encoder + large_model.n_of_map(WHISPER)
    large = sum(map(math.prod, tensor_shapes(EncoderShape(32, 1280, 20, 5120, 128, 1500)).values())) - 1500 * 1280
    large += 2 * 1280  # the normalisation behind the last layer
    assert round(large / 1e6) == large_model.PUBLISHED["Whisper-large-v3, the encoder"].n_parameters


def test_quality_is_the_mean_over_corpora(tmp_path, monkeypatch):
    folder = tmp_path / "experiments" / "shipped-model"
    folder.mkdir(parents=True)
    head = "normalisation,corpus,seed,uar,r2_activation,mae_activation,r2_valence,mae_valence\n"
    rows = ["all of the corpus,a,0,.2,.1,9,.3,9", "all of the corpus,a,1,.4,.1,9,.3,9", "all of the corpus,b,0,.9,.2,9,.4,9",
            "one recording alone,b,0,.1,.1,9,.1,9"]  # fmt: skip
    (folder / "normalisations.csv").write_text(head + "\n".join(rows) + "\n")
    monkeypatch.setattr(large_model, "ROOT", tmp_path)
    assert large_model.quality(EGEMAPS) == pytest.approx([0.6, 0.15, 0.35])


def test_all_take_turns_with_one_thread_and_the_least_counts(tmp_path, monkeypatch, write_voice):
    for name in THREADS:
        monkeypatch.setenv(name, "2")
    asked = []

    def measure(model, sample):
        asked.append((model.name, len(sample), [os.environ[name] for name in THREADS]))
        n_before = sum(name == model.name for name, *_ in asked)
        return Cost(model.n_parameters, 1.0, {1: 3.0, 2: 1.0, 3: 2.0}[n_before], 100.0 * n_before)

    monkeypatch.setattr(large_model, "measure_cost", measure)
    monkeypatch.setattr(large_model, "write_large", lambda folder: folder)
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(write_whole_whisper(tmp_path / "whole")))
    found = large_model.measure_models([str(write_voice("a.wav")), str(tmp_path / "gone.wav")])
    names = [EGEMAPS, WHISPER, large_model.HUBERT]
    assert asked == [(name, 1, ["1"] * 3) for _ in range(large_model.ROUNDS) for name in names]
    assert all((cost["cpu_seconds"], cost["memory_mb"]) == (1.0, 200.0) for cost in found["costs"].values())


def test_recordings_that_cannot_be_read_are_one_line(tmp_path):
    with pytest.raises(SystemExit, match="none of the recordings can be read"):
        large_model.measure_models([str(tmp_path / "gone.wav")])
