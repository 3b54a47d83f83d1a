"""The embedder as scikit-learn uses it, and its folder."""

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from affectmap.errors import ConfigError, ModelError, StorageError
from affectmap.model.embedder import Embedder
from affectmap.model.folder import METADATA_FILE
from affectmap.model.model import Model
from affectmap.model.training import CURVES, TrainingSettings, TrainingTask, train_plain, train_stacked
from affectmap.preparation.standardisation import fit_statistics

SMALL = {"hidden_dims": (9, 6, 5), "epochs": 3, "batch_size": 16}
FILES = ["CARD.md", "curves.csv", "model.yaml", "weights.safetensors"]
N_ROWS = 60
N_FEATURES = 12
NAMES = [f"feature {k}" for k in range(N_FEATURES)]


@pytest.fixture(scope="module")
def features():
    """Features of very different scale, float32."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(N_ROWS, N_FEATURES)) * 10.0 ** np.arange(-3, 9) + 5).astype(np.float32)


@pytest.fixture(scope="module")
def label():
    """Activation and valence in half steps."""
    return np.random.default_rng(1).integers(2, 11, size=(N_ROWS, 2)) / 2


@pytest.fixture(scope="module")
def fitted(features, label):
    """An embedder of a table with named columns."""
    table = pd.DataFrame(features, columns=NAMES)
    return Embedder(**SMALL).fit(table, pd.DataFrame(label, columns=["activation", "valence"]))


@pytest.fixture
def saved(fitted, tmp_path):
    """A folder that the embedder was saved to."""
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def weights(embedder):
    return torch.cat([parameter.detach().flatten() for parameter in embedder.network_.parameters()])


# scikit-learn's own checks, all of them: none is expected to fail.
@pytest.mark.slow
@parametrize_with_checks(
    [Embedder(epochs=2), Embedder(preset="authors-code", epochs=2, weight=0.5, standardise=False, latent_dim=3)]
)
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)


def test_default_parameters_are_the_paper_s():
    assert Embedder().training_settings() == TrainingSettings()
    assert Embedder(preset="authors-code").training_settings() == TrainingSettings(preset="authors-code")
    assert Embedder(epochs=7, learning_rate=0.5).training_settings() == TrainingSettings(epochs=7, learning_rate=0.5)


def test_clone_takes_parameters_and_no_fit(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(np.zeros((2, N_FEATURES)))


def test_is_the_trainer_on_standardised_features(features, label):
    embedder = Embedder(**SMALL, weight=2.0, random_state=5).fit(features, label)
    standardised = fit_statistics(features).apply(features)
    task = TrainingTask(standardised, label, 2.0, 5)
    (trained,) = train_stacked([task], TrainingSettings(**SMALL))
    assert embedder.curves_.equals(trained.curves)
    with torch.no_grad():
        expected = trained.network.encode(torch.tensor(standardised)).numpy()
    np.testing.assert_allclose(embedder.transform(features), expected, rtol=1e-4, atol=1e-5)  # float32 against float64
    plain = train_plain(task, TrainingSettings(**SMALL))
    assert np.allclose(plain.curves, trained.curves, rtol=1e-4)


def test_statistics_are_those_of_the_training_rows_alone(features, label):
    embedder = Embedder(**SMALL).fit(features[:40], label[:40])
    assert np.array_equal(embedder.statistics_.mean, features[:40].astype(np.float64).mean(axis=0))
    before = embedder.statistics_.mean.copy()
    embedder.transform(features[40:])
    assert np.array_equal(embedder.statistics_.mean, before)


def test_standardise_off_leaves_features_alone(label):
    features = np.random.default_rng(3).normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    embedder = Embedder(**SMALL, standardise=False).fit(features, label)
    assert (embedder.statistics_.mean == 0).all()
    assert (embedder.statistics_.std == 1).all()
    with torch.no_grad():
        expected = embedder.network_.encode(torch.tensor(features)).numpy()
    np.testing.assert_allclose(embedder.transform(features), expected, rtol=1e-4, atol=1e-5)


def test_same_seed_same_embedding(features, label):
    first, second, other = (Embedder(**SMALL, random_state=seed).fit(features, label) for seed in (1, 1, 2))
    assert np.array_equal(first.transform(features), second.transform(features))
    assert not np.array_equal(first.transform(features), other.transform(features))


def test_fit_again_starts_anew(features, label):
    embedder = Embedder(**SMALL).fit(features, label)
    first = weights(embedder)
    assert torch.equal(weights(embedder.fit(features, label)), first)
    embedder.fit(features)
    assert embedder.label_names_ == []
    assert not torch.equal(weights(embedder), first)


def test_constant_feature_carries_nothing(features, label):
    features = features.copy()
    features[:, 4] = 7.5
    embedder = Embedder(**SMALL).fit(features, label)
    moved = features.copy()
    moved[:, 4] = 1e6
    assert np.isfinite(embedder.transform(features)).all()
    assert np.array_equal(embedder.transform(moved), embedder.transform(features))


@pytest.mark.parametrize("form", ["array", "column", "list", "Series", "DataFrame", "nullable", "float32", "whole"])
def test_one_label_in_any_form(form, features, label):
    values = label[:, 0].copy()
    values[::7] = np.nan
    given = {
        "array": values,
        "column": values[:, None],
        "list": [None if np.isnan(value) else value for value in values],
        "Series": pd.Series(values, name="activation"),
        "DataFrame": pd.DataFrame({"activation": values}),
        "nullable": pd.Series(values, name="activation").convert_dtypes(),
        "float32": values.astype(np.float32),
        "whole": pd.DataFrame({"activation": pd.array(2 * values, dtype="Int64")}),
    }[form]
    values = 2 * values if form == "whole" else values
    embedder = Embedder(**SMALL).fit(features, given)
    expected = Embedder(**SMALL).fit(features, values)
    assert torch.equal(weights(embedder), weights(expected))
    assert embedder.label_names_ == (["activation"] if isinstance(given, (pd.Series, pd.DataFrame)) else [])


def test_joint_labels_with_gaps(features, label, fitted):
    assert fitted.label_names_ == ["activation", "valence"]
    gaps = label.copy()
    gaps[::5, 0] = np.nan
    gaps[1::5, 1] = np.nan
    both = gaps.copy()
    both[np.isnan(gaps).any(axis=1)] = np.nan
    with_gaps, without_rows = (Embedder(**SMALL).fit(features, each) for each in (gaps, both))
    assert torch.equal(weights(with_gaps), weights(without_rows))
    assert not torch.equal(weights(with_gaps), weights(fitted))


def test_weight_0_does_not_look_at_labels(features):
    emotions = np.where(np.arange(N_ROWS) % 2, "sad", "angry")
    weightless, without = (
        Embedder(**SMALL, weight=0).fit(features, emotions),
        Embedder(**SMALL).fit(features),
    )
    assert torch.equal(weights(weightless), weights(without))
    assert weightless.label_names_ == []


@pytest.mark.parametrize("value", [np.nan, 3.5])
def test_labels_that_teach_nothing_are_told(value, features):
    labels = np.full(N_ROWS, value)
    n_labelled = 0 if np.isnan(value) else N_ROWS
    with pytest.warns(UserWarning, match=f"^{n_labelled} of 60 utterances have all labels, and no two differ"):
        embedder = Embedder(**SMALL).fit(features, labels)
    assert torch.equal(weights(embedder), weights(Embedder(**SMALL).fit(features)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones(59), r"labels have shape \(59, 1\); expected \(60, L\), one row an utterance"),
        (np.ones((60, 2, 1)), r"labels have shape \(60, 2, 1\); expected \(60, L\)"),
        (np.ones((60, 0)), r"labels have shape \(60, 0\); expected \(60, L\)"),
        (3.0, r"labels have shape \(\); expected \(60, L\)"),
        (np.full(60, np.inf), "labels are infinite in places"),
        (np.ones(60) + 1j, r"labels are not numbers \(they are complex\)"),
        (["sad"] * 60, r"labels are not numbers \(could not convert .*'sad'.*\); expected activation, valence or both"),
        (pd.Series(["sad"] * 60), r"labels are not numbers \(could not convert string to float: 'sad'\)"),
        ([[1.0, 2.0], [1.0]] * 30, "labels are not numbers"),
    ],
)
def test_labels_that_do_not_fit(labels, message, features):
    with pytest.raises(ConfigError, match=message) as error:
        Embedder(**SMALL).fit(features, labels)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("preset", "pape", r"preset is 'pape'; expected one of"),
        ("epochs", 0, "epochs is 0; expected a whole number of 1 or more"),
        ("latent_dim", 0, "latent_dim is 0; expected a whole number from 1 to 4096"),
        ("hidden_dims", (40, -1), r"hidden_dims\[1\] is -1"),
        ("hidden_dims", 40, "hidden_dims is 40; expected a list, each item a whole number"),
        ("noise_std", -1.0, "noise_std is -1.0; expected a number of 0 or more"),
        ("batch_size", 0, "batch_size is 0; expected a whole number of 1 or more"),
        ("learning_rate", 0.0, "learning_rate is 0.0; expected a number above 0"),
        ("weight", -0.5, "weight is -0.5; expected a number of 0 or more"),
        ("random_state", None, "seed is None; expected a whole number from 0"),
        ("device", "tpu", "device is 'tpu'; expected 'cpu' or 'cuda'"),
    ],
)
def test_parameters_out_of_range(parameter, value, message, features):
    with pytest.raises(ConfigError, match=message) as error:
        Embedder(**SMALL | {parameter: value}).fit(features)
    assert "\n" not in str(error.value)


def test_a_failed_fit_leaves_no_half(features):
    embedder = Embedder(**SMALL, weight=-1)
    with pytest.raises(ConfigError, match="weight"):
        embedder.fit(features)
    with pytest.raises(NotFittedError):
        embedder.transform(features)


def test_in_a_pipeline_with_a_classifier(features):
    emotions = np.where(features[:, 0] > np.median(features[:, 0]), "angry", "sad")
    pipeline = make_pipeline(StandardScaler(), Embedder(**SMALL, weight=0), SVC())
    predicted = clone(pipeline).fit(features, emotions).predict(features)
    assert set(predicted) <= {"angry", "sad"}
    assert pipeline.set_params(embedder__latent_dim=3)[1].latent_dim == 3
    assert pipeline.fit(features, emotions)[:2].transform(features).shape == (N_ROWS, 3)


def test_a_fitted_one_in_a_pipeline_is_kept(features, fitted):
    table = pd.DataFrame(features, columns=NAMES)
    emotions = np.arange(N_ROWS) % 2
    pipeline = make_pipeline(FrozenEstimator(fitted), SVC()).fit(table, emotions)
    assert np.array_equal(pipeline[:1].transform(table), fitted.transform(table))


def test_output_as_a_table(fitted, features):
    table = pd.DataFrame(features, columns=NAMES, index=[f"{k}.wav" for k in range(N_ROWS)])
    embedding = clone(fitted).fit(table).set_output(transform="pandas").transform(table)
    assert embedding.columns.tolist() == ["embedder0", "embedder1"]
    assert embedding.index.equals(table.index)
    assert set(embedding.dtypes) == {np.dtype(np.float32)}


def test_columns_must_be_those_that_were_fitted(fitted, features):
    table = pd.DataFrame(features, columns=NAMES)
    assert fitted.feature_names_in_.tolist() == NAMES
    for changed in (table[NAMES[::-1]], table.rename(columns={NAMES[3]: "pitch"}), table[NAMES[:5]]):
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.transform(changed)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite(value, fitted, features):
    table = pd.DataFrame(features, columns=NAMES)
    table.iloc[3, 4] = value
    with pytest.raises(ValueError, match="contains"):
        fitted.transform(table)
    with pytest.raises(ValueError, match="contains"):
        Embedder(**SMALL).fit(table)


def test_adapt_takes_other_statistics_and_the_same_network(fitted, features):
    table = pd.DataFrame(features, columns=NAMES)
    before = fitted.transform(table)
    other = 3 * table + 100
    adapted = fitted.adapt(other, prior=0)
    assert isinstance(adapted, Embedder)
    assert np.allclose(adapted.transform(other), before, atol=1e-3)
    assert torch.equal(weights(adapted), weights(fitted))
    assert adapted.get_params() == fitted.get_params()
    assert np.array_equal(fitted.transform(table), before)
    assert not np.allclose(fitted.transform(other), before, atol=1e-3)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.adapt(other[NAMES[::-1]])


def test_adapt_is_that_of_the_model(fitted, features):
    other = pd.DataFrame(3 * features + 100, columns=NAMES)
    other.iloc[3, 4] = np.nan
    expected = fitted.model_.adapt(other)
    found = fitted.adapt(other)
    assert np.array_equal(found.statistics_.mean, expected.statistics.mean)
    assert found.model_.metadata == expected.metadata
    assert expected.metadata["standardisation"]["n_utterances"] == N_ROWS - 1
    assert expected.metadata["standardisation"]["prior"] == 10
    with pytest.raises(ConfigError, match="1 of 1 utterances are usable; adapting needs at least 2"):
        fitted.adapt(other[:1], prior=0)


def test_transform_is_that_of_the_model(fitted, features):
    table = pd.DataFrame(features, columns=NAMES)
    found = fitted.model_.transform(table)
    expected = found[["embedding_0", "embedding_1"]].to_numpy().astype(np.float32)
    assert np.array_equal(fitted.transform(table), expected)


def test_named_ratings_give_heads(fitted, features, label):
    table = pd.DataFrame(features, columns=NAMES)
    assert fitted.model_.heads.labels == ("activation", "valence")
    assert fitted.model_.transform(table)["activation"].between(1, 5).all()
    one = Embedder(**SMALL).fit(table, pd.Series(label[:, 1], name="valence"))
    assert one.model_.heads.labels == ("valence",)
    assert Embedder(**SMALL).fit(table, label).model_.heads.labels == ()
    assert not fitted.model_.transform(table)["not_speech"].any()


def test_a_model_of_other_features_takes_no_recordings(fitted):
    with pytest.raises(ConfigError, match="unnamed takes 12 features, first feature 0, which are not measured here"):
        fitted.model_.embed("a.wav")
    assert "input: 12 features, first feature 0" in repr(fitted.model_)


def test_wraps_a_model_of_a_stack(features, label, tmp_path):
    statistics = fit_statistics(features)
    tasks = [TrainingTask(statistics.apply(features), label[:, :1], seed=seed) for seed in (0, 4)]
    _, trained = train_stacked(tasks, TrainingSettings(**SMALL))
    params = {**SMALL, "random_state": 4}
    embedder = Embedder.of_trained(
        trained, statistics, NAMES, ["activation"], TrainingSettings(**SMALL), random_state=4
    )
    table = pd.DataFrame(features, columns=NAMES)
    expected = Embedder(**params).fit(table, pd.Series(label[:, 0], name="activation"))
    assert np.array_equal(embedder.transform(table), expected.transform(table))
    assert embedder.label_names_ == expected.label_names_
    embedder.save(tmp_path / "model")
    assert np.array_equal(Embedder.load(tmp_path / "model").transform(table), expected.transform(table))


def test_saved_and_loaded_is_the_same_to_the_last_bit(fitted, features, saved):
    table = pd.DataFrame(features, columns=NAMES)
    loaded = Embedder.load(saved)
    assert np.array_equal(loaded.transform(table), fitted.transform(table))
    assert torch.equal(weights(loaded), weights(fitted))
    assert np.array_equal(loaded.statistics_.mean, fitted.statistics_.mean)
    assert np.array_equal(loaded.statistics_.std, fitted.statistics_.std)
    assert loaded.curves_.equals(fitted.curves_)
    assert loaded.curves_.index.name == "epoch"
    assert loaded.get_params() == fitted.get_params()
    assert loaded.feature_names_in_.tolist() == NAMES
    assert (loaded.label_names_, loaded.n_features_in_) == (["activation", "valence"], N_FEATURES)
    assert loaded.network_.noise_std == fitted.noise_std
    assert not loaded.network_.training
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.transform(table[NAMES[::-1]])


@pytest.mark.parametrize("preset", ["paper", "authors-code"])
def test_whole_network_comes_back(preset, features, tmp_path):
    embedder = Embedder(**SMALL, preset=preset, latent_dim=3, noise_std=0.25).fit(features)
    embedder.save(tmp_path / "model")
    loaded = Embedder.load(str(tmp_path / "model"))
    latent = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded.network_.decode(latent), embedder.network_.decode(latent))
    assert loaded.network_.noise_std == 0.25
    assert not hasattr(loaded, "feature_names_in_")


def test_adapted_and_constant_features_come_back(fitted, features, tmp_path):
    table = pd.DataFrame(features, columns=NAMES)
    other = 2 * table + 1
    other[NAMES[2]] = 4.0
    adapted = fitted.adapt(other)
    adapted.save(tmp_path / "model")
    assert np.array_equal(Embedder.load(tmp_path / "model").transform(other), adapted.transform(other))


def test_statistics_that_are_not_finite_come_back(fitted, features, tmp_path):
    statistics = fitted.statistics_
    std = statistics.std.copy()
    std[1] = np.nan
    other = fitted.adapt(pd.DataFrame(features, columns=NAMES))
    tensors = other.model_.folder.tensors | {"std": std}
    other.model_ = Model(replace(other.model_.folder, tensors=tensors))
    other.save(tmp_path / "model")
    assert np.array_equal(Embedder.load(tmp_path / "model").statistics_.std, std, equal_nan=True)


def test_parameters_of_numpy_are_saved(features, tmp_path):
    embedder = Embedder(
        hidden_dims=[np.int64(5)], epochs=np.int64(2), noise_std=np.float32(0.5), random_state=np.int32(3)
    ).fit(features)
    embedder.save(tmp_path / "model")
    loaded = Embedder.load(tmp_path / "model")
    assert loaded.get_params() == embedder.get_params() | {"hidden_dims": (5,)}
    assert torch.equal(weights(clone(loaded).fit(features)), weights(embedder))


def test_loading_leaves_the_global_generator_alone(saved):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    Embedder.load(saved)
    assert torch.equal(torch.get_rng_state(), state)


def test_folder_holds_plain_files_and_no_pickle(saved):
    assert sorted(file.name for file in saved.iterdir() if not file.name.startswith(".")) == FILES
    content = (saved / "weights.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert header.pop("__metadata__", {}) == {}
    assert {"mean", "std", "encoder.0.weight", "decoder.3.bias", "ratings.weight", "ratings.bias"} <= set(header)
    assert len(header) == 2 + 16 + 2
    metadata = yaml.safe_load((saved / METADATA_FILE).read_text(encoding="utf-8"))
    assert metadata["format"] == 3
    assert metadata["estimator"]["params"]["hidden_dims"] == [9, 6, 5]
    assert metadata["features"] == "other"
    assert metadata["affectmap"]
    assert metadata["estimator"]["torch"]
    assert tuple(pd.read_csv(saved / "curves.csv").columns) == ("epoch", *CURVES)


def test_nothing_is_pickled_on_the_way(fitted, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("something is pickled")

    for name in ("pickle.dump", "pickle.dumps", "pickle.load", "pickle.loads", "torch.save", "torch.load"):
        monkeypatch.setattr(name, refuse)
    fitted.save(tmp_path / "model")
    assert torch.equal(weights(Embedder.load(tmp_path / "model")), weights(fitted))


def test_save_refuses_what_exists(fitted, saved):
    with pytest.raises(StorageError, match="exists; name another folder"):
        fitted.save(saved)
    fitted.save(saved, overwrite=True)
    assert torch.equal(weights(Embedder.load(saved)), weights(fitted))
    (saved / "model.yaml").write_text("{}")
    with pytest.raises(StorageError, match=r"model.yaml in it is not as affectmap wrote it"):
        fitted.save(saved, overwrite=True)


def test_save_refuses_a_folder_of_someone_else(fitted, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="was not written by affectmap"):
        fitted.save(tmp_path, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_save_before_fit(tmp_path):
    with pytest.raises(NotFittedError):
        Embedder().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def edit(folder, change):
    """Change what model.yaml says of the estimator."""
    metadata = yaml.safe_load((folder / METADATA_FILE).read_text())
    change(metadata)
    (folder / METADATA_FILE).write_text(yaml.safe_dump(metadata, sort_keys=False))


DAMAGE = {
    "no estimator": (lambda m: m.pop("estimator"), "KeyError: 'params'"),
    "no parameters": (lambda m: m["estimator"].pop("params"), "KeyError: 'params'"),
    "parameters a list": (lambda m: m["estimator"].update(params=[1]), "TypeError: "),
    "unknown parameter": (lambda m: m["estimator"]["params"].update(depth=3), "TypeError: .*'depth'"),
    "latent of another size": (lambda m: m["estimator"]["params"].update(latent_dim=0), "ConfigError: layers of"),
    "layers not a list": (lambda m: m["estimator"]["params"].update(hidden_dims=3), "TypeError: "),
    "other layers": (
        lambda m: m["estimator"]["params"].update(hidden_dims=[9, 7, 5]),
        r"ConfigError: layers of \(9, 7, 5\) and 2 are not those of the weights",
    ),
    "unknown preset": (lambda m: m["estimator"]["params"].update(preset="x"), "ConfigError: preset is 'x'"),
    "labels lost": (lambda m: m["training"].pop("labels"), "KeyError: 'labels'"),
    "latent a text": (lambda m: m["estimator"]["params"].update(latent_dim="2"), "ConfigError: layers of"),
    "seed a list": (lambda m: m["estimator"]["params"].update(random_state=[1]), "ConfigError: random_state is"),
    "names unknown": (lambda m: m["estimator"].pop("has_names"), "KeyError: 'has_names'"),
}


def test_a_model_that_is_no_embedder(saved):
    text = (saved / METADATA_FILE).read_text()
    for name, (change, message) in DAMAGE.items():
        (saved / METADATA_FILE).write_text(text)
        edit(saved, change)
        with pytest.raises(ModelError, match=rf"model.yaml does not describe an embedder \({message}") as error:
            Embedder.load(saved)
        assert "\n" not in str(error.value), name


@pytest.mark.parametrize(
    "curves",
    [
        "",
        "a,b\n1,2\n",
        "epoch,total\n1,2,3\n",
        "epoch,total\n,1\n",
        "\n",
        "epoch,total\nfirst,2\n",
        "epoch,total\n1,low\n",
    ],
)
def test_curves_that_are_none(saved, curves):
    (saved / "curves.csv").write_text(curves)
    digest = hashlib.sha256(curves.encode()).hexdigest()
    edit(saved, lambda m: m["files"].update({"curves.csv": digest}))
    if curves:
        with pytest.raises(ModelError, match=r"curves.csv cannot be read as learning curves \("):
            Embedder.load(saved)
    else:
        assert Embedder.load(saved).curves_.empty


def test_damaged_folders_are_refused_in_one_line(saved):
    (saved / "weights.safetensors").write_bytes((saved / "weights.safetensors").read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"weights.safetensors is not the file that model.yaml was written with"):
        Embedder.load(saved)
    with pytest.raises(ModelError, match=r"is a file; expected the folder of a model"):
        Embedder.load(saved / "curves.csv")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
def test_fit_on_a_cuda_device(features, label):
    here, there = (Embedder(**SMALL, device=device).fit(features, label) for device in ("cpu", "cuda"))
    assert there.network_.encoder[0].weight.device.type == "cpu"
    assert np.allclose(here.transform(features), there.transform(features), atol=1e-3)
