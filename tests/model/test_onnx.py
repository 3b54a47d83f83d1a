"""From network to graph, and what is refused."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

import affectmap.model.onnx
from affectmap.errors import ModelError, StorageError
from affectmap.model.embedder import Embedder
from affectmap.model.model import load_model
from affectmap.model.onnx import build_graph, check_parity, export_model
from model_files import CALIBRATION, N_FEATURES, make_embedder, make_functionals, make_heads


@pytest.mark.parametrize(("latent_dim", "preset"), [(1, "paper"), (2, "paper"), (7, "paper"), (2, "authors-code")])
def test_any_embedder_gives_the_same_as_a_model(tmp_path, latent_dim, preset):
    embedder = make_embedder(latent_dim, preset)
    model = export_model(embedder, tmp_path / "model", examples=make_functionals(20, seed=2))
    functionals = make_functionals(30, seed=3, offset=-5.0, scale=20.0)
    names = [f"embedding_{i}" for i in range(latent_dim)]
    expected = embedder.transform(functionals)
    np.testing.assert_allclose(model.transform(functionals)[names], expected, rtol=1e-5, atol=1e-5)


def test_other_layers_and_no_labels(tmp_path):
    embedder = Embedder(epochs=1, hidden_dims=(9,), weight=0).fit(make_functionals())
    model = export_model(embedder, tmp_path / "model")
    functionals = make_functionals(5, seed=3)
    np.testing.assert_allclose(
        model.transform(functionals)[["embedding_0", "embedding_1"]], embedder.transform(functionals), atol=1e-5
    )


def test_heads_give_what_they_gave_outside(tmp_path):
    embedder = make_embedder()
    heads = replace(make_heads(embedder), temperature=1.7)
    model = export_model(embedder, tmp_path / "model", heads=heads, calibration=CALIBRATION)
    functionals = make_functionals(30, seed=4)
    latent, table = embedder.transform(functionals), model.transform(functionals)
    np.testing.assert_allclose(table[["activation", "valence"]], heads.ratings(latent), atol=1e-5)
    np.testing.assert_allclose(table[list(heads.classes)], heads.probabilities(latent), atol=1e-5)


def test_the_same_embedder_gives_the_same_bytes(tmp_path):
    embedder = make_embedder()
    for name in "ab":
        export_model(embedder, tmp_path / name, name="same", heads=make_heads(embedder))
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_the_embedder_stays_as_it_was(tmp_path):
    embedder, functionals = make_embedder(), make_functionals(3)
    before = embedder.transform(functionals)
    export_model(embedder, tmp_path / "model")
    np.testing.assert_array_equal(embedder.transform(functionals), before)
    assert next(embedder.network_.parameters()).dtype == torch.float32


def test_the_graph_is_sound_to_onnx():
    graph = onnx.load_from_string(build_graph(make_embedder(), make_heads(make_embedder())))
    onnx.checker.check_model(graph, full_check=True)
    assert [each.name for each in graph.graph.input] == ["functionals", "mean", "scale"]
    assert [each.name for each in graph.graph.output] == ["embedding", "distance", "ratings", "probabilities"]


def test_a_graph_that_differs_is_not_kept(tmp_path, monkeypatch):
    embedder = make_embedder()
    other = Embedder(epochs=2, random_state=5).fit(make_functionals())
    other.statistics_ = embedder.statistics_
    graph = build_graph(other)
    monkeypatch.setattr(affectmap.model.onnx, "build_graph", lambda *given: graph)
    with pytest.raises(ModelError, match=r"the exported graph differs from the network by .*; expected at most 1e-05"):
        export_model(embedder, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_heads_that_differ_are_seen(tmp_path):
    embedder = make_embedder()
    heads = make_heads(embedder)
    model = export_model(embedder, tmp_path / "model", heads=heads)
    assert check_parity(model, embedder, heads) < 1e-5
    with pytest.raises(ModelError, match="differs"):
        check_parity(model, embedder, replace(heads, rating_bias=heads.rating_bias + 0.1))
    with pytest.raises(ModelError, match="differs"):
        check_parity(model, embedder, replace(heads, temperature=2.0))


def test_weights_that_are_not_finite_are_seen(tmp_path):
    embedder = Embedder(epochs=1).fit(make_functionals())
    with torch.no_grad():
        embedder.network_.encoder[0].weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="differs from the network by nan"):
        export_model(embedder, tmp_path / "model")


def test_functionals_that_carry_nothing_are_null(tmp_path):
    functionals = make_functionals()
    functionals[:, 3] = 5.0
    embedder = Embedder(epochs=1).fit(functionals)
    model = export_model(embedder, tmp_path / "model")
    assert not model.statistics.usable[3]
    other = functionals.copy()
    other[:, 3] = -1e9
    np.testing.assert_array_equal(model.transform(functionals), model.transform(other))


@pytest.mark.parametrize("n_features", [25, 87, 89])
def test_other_features_are_refused(tmp_path, n_features):
    functionals = np.random.default_rng(0).normal(size=(60, n_features))
    embedder = Embedder(epochs=1, hidden_dims=(4,)).fit(functionals)
    with pytest.raises(ModelError, match=f"the embedder takes {n_features} features"):
        export_model(embedder, tmp_path / "model")


def test_other_names_are_refused(tmp_path):
    import pandas as pd

    table = pd.DataFrame(make_functionals(), columns=[f"x{i}" for i in range(N_FEATURES)])
    with pytest.raises(ModelError, match="first x0"):
        export_model(Embedder(epochs=1, hidden_dims=(4,)).fit(table), tmp_path / "model")


def test_an_existing_folder_is_left_alone(tmp_path):
    embedder = make_embedder()
    export_model(embedder, tmp_path / "model", name="first")
    with pytest.raises(StorageError, match="exists"):
        export_model(embedder, tmp_path / "model", name="second")
    export_model(embedder, tmp_path / "model", name="third", overwrite=True)
    assert load_model(tmp_path / "model").metadata["name"] == "third"


def test_a_model_without_a_card_says_so(tmp_path):
    assert "it has no card" in export_model(make_embedder(), tmp_path / "model").card
