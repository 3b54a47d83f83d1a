"""Speech models with random weights through the real code: shapes, padding, layers, labels, and what is refused."""

import json
import os

import numpy as np
import pytest

from affectmap.errors import ConfigError, ModelError
from affectmap.features.encoders.models import SpeechModel, hidden_dim, takes_mask
from speech_models import SIZES, write_as_before_2023, write_classifier, write_encoder

FAMILIES = ("Hubert", "WavLM", "Wav2Vec2")


@pytest.fixture(scope="module")
def signals():
    rng = np.random.default_rng(0)
    return [(0.1 * rng.normal(size=n)).astype(np.float32) for n in (2000, 6500, 4001, 960)]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    return {
        (family, norm): write_encoder(folder / f"{family}-{norm}", family, norm=norm)
        for family in FAMILIES
        for norm in ("layer", "group")
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("norm", ["layer", "group"])
def test_together_as_one_by_one(encoders, signals, family, norm):
    model = SpeechModel(encoders[family, norm])
    weights = {0: 0.2, 3: 0.8}
    together = model.pooled(signals, weights)
    assert together.shape == (4, 2 * SIZES["hidden_size"])
    assert together.dtype == np.float32
    alone = np.concatenate([model.pooled([signal], weights) for signal in signals])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_mean_and_deviation_are_those_of_the_frames(encoders, signals):
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    folder = encoders["WavLM", "layer"]
    inputs = AutoFeatureExtractor.from_pretrained(folder)(signals[0], sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        layers = (
            AutoModel.from_pretrained(folder).eval()(inputs["input_values"], output_hidden_states=True).hidden_states
        )
    hidden = (0.25 * layers[1] + 0.75 * layers[2])[0].numpy().astype(np.float64)
    expected = np.concatenate([hidden.mean(axis=0), hidden.std(axis=0, ddof=1)])
    found = SpeechModel(folder).pooled(signals[:1], {1: 0.25, 2: 0.75})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_parameters_are_counted(encoders):
    from safetensors.numpy import load_file

    folder = encoders["Hubert", "layer"]
    model = SpeechModel(folder)
    stored = sum(array.size for array in load_file(folder / "model.safetensors").values())
    assert model.n_parameters == stored
    assert model.sampling_rate == 16000


def test_a_classifier(tmp_path, signals):
    model = SpeechModel(write_classifier(tmp_path / "er"), classifier=True)
    together = model.probabilities(signals)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)
    alone = np.concatenate([model.probabilities([signal]) for signal in signals])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_tensors_in_an_old_file_are_read(tmp_path, signals):
    safe = SpeechModel(write_classifier(tmp_path / "safe"), classifier=True)
    old = SpeechModel(write_classifier(tmp_path / "old", safe=False), classifier=True)
    older = SpeechModel(write_as_before_2023(tmp_path / "older"), classifier=True)
    for each in (old, older):
        np.testing.assert_array_equal(safe.probabilities(signals), each.probabilities(signals))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.slow
def test_code_in_an_old_file_is_not_run(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    folder = write_classifier(tmp_path / "old", safe=False)
    torch.save({"a": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(
        ModelError, match=r"pytorch_model\.bin holds more than numbers and could run code, so it is not"
    ):
        SpeechModel(folder, classifier=True)
    assert not (tmp_path / "evil").exists()


def test_an_encoder_is_no_classifier(encoders):
    with pytest.raises(ModelError, match=r"lacks 4 weights, first classifier\.bias: its classifier was never trained"):
        SpeechModel(encoders["Hubert", "layer"], classifier=True)


def test_a_classifier_is_an_encoder(tmp_path, signals):
    assert SpeechModel(write_classifier(tmp_path / "er")).pooled(signals[:1], {1: 1.0}).shape == (1, 32)


@pytest.mark.slow
def test_a_damaged_folder(tmp_path):
    folder = write_encoder(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match=r"cannot be loaded .*expected a speech model that transformers knows"):
        SpeechModel(folder)


@pytest.mark.slow
def test_a_kind_that_transformers_does_not_know(tmp_path):
    folder = write_encoder(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "unheard-of"}))
    with pytest.raises(ModelError, match="expected a speech model that transformers knows"):
        SpeechModel(folder)


@pytest.mark.slow
def test_a_preprocessor_of_something_else(tmp_path):
    folder = write_encoder(tmp_path / "tiny")
    (folder / "preprocessor_config.json").write_text('{"feature_extractor_type": "NoSuchExtractor"}')
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="its preprocessor cannot be used"):
        SpeechModel(folder)


def test_sizes_that_a_configuration_lacks():
    with pytest.raises(ModelError, match="the model of type clap has no hidden_size or d_model; name a speech encoder"):
        hidden_dim({"model_type": "clap"})


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "hubert", "feat_extract_norm": "layer"}, True),
        ({"model_type": "hubert", "feat_extract_norm": "layer", "add_adapter": True}, False),
        ({"model_type": "hubert"}, False),
        ({"model_type": "data2vec-audio"}, True),
        ({"model_type": "whisper"}, False),
    ],
)
def test_which_encoders_take_a_mask(config, expected):
    assert takes_mask(config) is expected


def test_a_gpu_that_is_not_there(encoders, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="the device is cuda, but PyTorch finds no GPU"):
        SpeechModel(encoders["Hubert", "layer"], device="cuda")


def test_too_little_memory_halves_the_batch(encoders, signals, monkeypatch):
    import torch

    model = SpeechModel(encoders["Hubert", "layer"])
    expected, sizes, inputs = model.pooled(signals, {1: 1.0}), [], model._inputs

    def small(some):
        sizes.append(len(some))
        if len(some) > 1:
            raise torch.OutOfMemoryError("no more")
        return inputs(some)

    monkeypatch.setattr(model, "_inputs", small)
    np.testing.assert_allclose(model.pooled(signals, {1: 1.0}), expected, atol=1e-5)
    assert sizes == [4, 2, 1, 1, 2, 1, 1]


@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="needs a GPU")
@pytest.mark.parametrize("family", FAMILIES)
def test_gpu_and_cpu_agree(encoders, signals, family):
    folder = encoders[family, "layer"]
    there, here = (SpeechModel(folder, device=device).pooled(signals, {3: 1.0}) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(there, here, atol=1e-3)
