"""The encoders that shipped models listen through: what is taken of each, where it comes from, and its terms."""

from __future__ import annotations

from typing import NamedTuple

from affectmap.features.encoders.locate import WHISPER_BASE
from affectmap.schema import WHISPER_LAYER

#: Where the Hugging Face hub is, unless ``HF_ENDPOINT`` names a mirror.
HUB = "https://huggingface.co"


class EncoderCard(NamedTuple):
    """An encoder of others.

    Attributes:
        name: Name of its folder, and on the command line.
        title: For people.
        hub: Identifier on the Hugging Face hub.
        layer: The layer that models take; later ones are not kept.
        digest: Of the weights up to that layer, as `affectmap.whisper.Encoder` has it.
        megabytes: Size of its folder.
        licence: Its terms, in a line.
        citation: How to cite it.
        notice: The text that must come with copies.
    """

    name: str
    title: str
    hub: str
    layer: int
    digest: str
    megabytes: int
    licence: str
    citation: str
    notice: str


_WHISPER_NOTICE = """\
# Weights of a part of Whisper

`model.safetensors` holds the convolutions, the positions and the first {layer} of 6 layers of the encoder of Whisper
"base" (multilingual; {hub} on the Hugging Face hub), rounded to half precision. Nothing else was changed. The hub's
card names the Apache License 2.0; the authors' repository, <https://github.com/openai/whisper>, the following terms.

MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

_WHISPER_HUB = "openai/whisper-base"
_WHISPER_BASE = EncoderCard(
    name=WHISPER_BASE,
    title="Whisper base (multilingual), convolutions and the first three of six encoder layers",
    hub=_WHISPER_HUB,
    layer=WHISPER_LAYER,
    # Of the weights in half precision. The hub stores them in single precision; the reader rounds whatever it reads to
    # half, so that both have this digest.
    digest="cfe7796936c56262d0b5af48d43477c2",
    megabytes=22,
    licence="MIT (its repository), Apache-2.0 (its page on the hub)",
    citation="Radford et al., Robust speech recognition via large-scale weak supervision, ICML 2023",
    notice=_WHISPER_NOTICE.format(layer=WHISPER_LAYER, hub=_WHISPER_HUB),
)

#: Known encoders by name.
ENCODERS = {card.name: card for card in (_WHISPER_BASE,)}
