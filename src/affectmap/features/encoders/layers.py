"""Which layers of a speech encoder are looked at, and how a person writes that: ``ssl:MODEL@LAYERS``.

Conventions:
    * Layer 0 is what goes into the first transformer layer, layer 1 what comes out of it, and so on.
    * ``@9`` is one layer, ``@-1`` the last, ``@4-8`` the mean of layers 4 to 8, ``@mean`` (the default) that of all,
      ``@6:0.7,9:0.3`` a weighted mean.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from affectmap.errors import UsageError

#: What the setting begins with.
SSL = "ssl:"

_LAYERS = re.compile(r"mean|-?\d+|\d+-\d+|\d+:[\d.]+(?:,\d+:[\d.]+)*")


class EncoderChoice(NamedTuple):
    """What ``ssl:MODEL@LAYERS`` asks for.

    Attributes:
        model: Folder, or identifier on the hub.
        layers: As it was written; ``mean`` by default.
    """

    model: str
    layers: str


def parse_encoder(text: str) -> EncoderChoice:
    """Read what a person wrote.

    Args:
        text: ``ssl:MODEL``, or ``ssl:MODEL@LAYERS``. What follows the last ``@`` but reads like no layers belongs to
            the model's path.

    Returns:
        Model and layers.

    Raises:
        UsageError: If it reads differently.

    Example:
        >>> parse_encoder("ssl:microsoft/wavlm-large@9")
        EncoderChoice(model='microsoft/wavlm-large', layers='9')
        >>> parse_encoder("ssl:models/me@home").layers
        'mean'
    """
    model = text.removeprefix(SSL)
    front, at, back = model.rpartition("@")
    choice = EncoderChoice(front, back) if at and _LAYERS.fullmatch(back) else EncoderChoice(model, "mean")
    if not text.startswith(SSL) or not choice.model:
        raise UsageError(
            f"features are {text!r}; expected egemaps, or ssl:MODEL@LAYERS, such as ssl:microsoft/wavlm-large@9"
        )
    return choice


def layer_weights(layers: str, n_layers: int) -> dict[int, float]:
    """Give the weight of every layer that counts.

    Args:
        layers: As in the module.
        n_layers: Transformer layers of the encoder; there is one layer more to choose from.

    Returns:
        Weights by layer, from 0 to `n_layers`; they sum to 1.

    Raises:
        UsageError: If there is no such layer, one is named twice, or the weights sum to 0.

    Example:
        >>> layer_weights("-1", 24), layer_weights("2-3", 24), layer_weights("6:3,9:1", 24)
        ({24: 1.0}, {2: 0.5, 3: 0.5}, {6: 0.75, 9: 0.25})
    """
    if layers == "mean":
        weights = dict.fromkeys(range(n_layers + 1), 1.0)
    elif ":" in layers:
        pairs = [part.split(":") for part in layers.split(",")]
        weights = {int(layer): _number(weight) for layer, weight in pairs}
        if len(weights) < len(pairs):
            raise UsageError(f"layers are {layers}; expected each layer once, with all of its weight")
    elif "-" in layers[1:]:
        first, last = map(int, layers.split("-"))
        weights = dict.fromkeys(range(first, min(last, n_layers + 1) + 1), 1.0)  # one too many is enough to refuse
    else:
        weights = {int(layers) + (n_layers + 1) * layers.startswith("-"): 1.0}
    total = sum(weights.values())
    if total <= 0 or not all(0 <= layer <= n_layers for layer in weights):
        raise UsageError(
            f"layers are {layers}; expected 0 to {n_layers}, which this encoder has, -1 for the last, mean, a range "
            f"such as 1-{n_layers}, or weights such as 1:0.5,{n_layers}:0.5"
        )
    return {layer: weight / total for layer, weight in weights.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"the weight {text} of a layer is no number; write 0.5 or the like") from None
