"""The encoder of Whisper, up to a layer of one's choice, without a framework.

Conventions: a signal is mono, float32, full scale at 1, at 16 kHz, around 0 (its mean removed), shape (n_samples,); a
frame lasts 20 ms; layer 0 is what goes into the first transformer layer, layer 1 what comes out of it, and so on.

One recording runs through the files in this order: `mel` (a spectrogram of 10 ms steps), then `plain` (two convolutions
and the transformer layers; `compiled` has the same in C), called by `encoder`. `weights` reads the files that the
encoder comes in.

Departures from OpenAI's use: a clip is followed by half a second of silence instead of by silence up to 30 s, which is
ten times the work, and layers are taken as they are, without the normalisation that follows the last.

Source: Radford, Kim, Xu et al. (2023), "Robust speech recognition via large-scale weak supervision", ICML.
"""

from affectmap.whisper.encoder import Encoder, load_encoder
from affectmap.whisper.mel import SAMPLING_RATE
from affectmap.whisper.weights import EncoderWeights, WeightsError, read_weights

# Of what the encoder gives: to be raised when it changes, so that features of two versions are not mixed.
VERSION = "1"

__all__ = [
    "SAMPLING_RATE",
    "VERSION",
    "Encoder",
    "EncoderWeights",
    "WeightsError",
    "load_encoder",
    "read_weights",
]
