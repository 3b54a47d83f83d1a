"""How layers are written."""

import pytest

from affectmap.errors import UsageError
from affectmap.features.encoders.weights import layer_weights, parse_encoder


@pytest.mark.parametrize(
    ("text", "model", "layers"),
    [
        ("encoder:microsoft/wavlm-large", "microsoft/wavlm-large", "mean"),
        ("encoder:microsoft/wavlm-large@9", "microsoft/wavlm-large", "9"),
        ("encoder:a/b@-1", "a/b", "-1"),
        ("encoder:a/b@4-8", "a/b", "4-8"),
        ("encoder:a/b@6:0.7,9:0.3", "a/b", "6:0.7,9:0.3"),
        ("encoder:/models/me@home/x", "/models/me@home/x", "mean"),
        ("encoder:/models/me@home@mean", "/models/me@home", "mean"),
        ("encoder:whisper-base", "whisper-base", "3"),
        ("encoder:whisper-base@2", "whisper-base", "2"),
        ("encoder:openai/whisper-base", "openai/whisper-base", "3"),
        ("encoder:openai/whisper-base@-1", "openai/whisper-base", "-1"),
    ],
)
def test_encoders(text, model, layers):
    assert parse_encoder(text) == (model, layers, "mean+std")


@pytest.mark.parametrize("layers", ["9", "-1", "4-8", "mean", "6:0.7,9:0.3"])
@pytest.mark.parametrize("pooling", ["mean", "std", "mean+std"])
def test_poolings(layers, pooling):
    assert parse_encoder(f"encoder:a@b/c@{layers}:{pooling}") == ("a@b/c", layers, pooling)


def test_a_pooling_that_nobody_knows():
    with pytest.raises(UsageError, match=r"with the pooling max; expected mean, std, mean\+std"):
        parse_encoder("encoder:a/b@9:max")


def test_the_former_spelling_says_the_new_one():
    with pytest.raises(UsageError, match="features are 'ssl:a/b@9'; write encoder:a/b@9, as it is called now"):
        parse_encoder("ssl:a/b@9")


@pytest.mark.parametrize("text", ["encoder:", "encoder:@9", "egemaps2", "wavlm", "SSL:a/b"])
def test_what_is_no_encoder(text):
    with pytest.raises(
        UsageError, match=r"expected egemaps, egemaps-corrected, whisper, columns, columns:PREFIX, or encoder:MODEL@"
    ):
        parse_encoder(text)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("mean", {0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25}),
        ("0", {0: 1}),
        ("-1", {3: 1}),
        ("-4", {0: 1}),
        ("2-2", {2: 1}),
        ("1-3", {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}),
        ("1:1,3:3", {1: 0.25, 3: 0.75}),
    ],
)
def test_weights(layers, expected):
    assert layer_weights(layers, 3) == pytest.approx(expected)


@pytest.mark.parametrize("layers", ["4", "-5", "2-4", "3-1", "1:0", "9:1", "0-99999999999"])
def test_layers_that_are_not_there(layers):
    with pytest.raises(UsageError, match=rf"layers are {layers}; expected 0 to 3"):
        layer_weights(layers, 3)


def test_a_layer_twice():
    with pytest.raises(UsageError, match=r"layers are 1:1,1:2; expected each layer once, with all of its weight"):
        layer_weights("1:1,1:2", 3)


def test_a_weight_that_is_no_number():
    with pytest.raises(UsageError, match=r"the weight 0\.1\.2 of a layer is no number"):
        layer_weights("1:0.1.2", 3)
