"""What the card of the model says of this model alone."""

from __future__ import annotations

from card import LISTENING, Wording
from comparison import section


def wording() -> Wording:
    """Word the card."""
    return Wording(
        "Predicts how activated (calm to excited) and how pleasant a voice sounds, on a map of two dimensions. Input: "
        "the mean over time of each of the 512 numbers that layer 3 of the encoder of Whisper base (Radford et al. "
        "2022) makes of a recording, at 16 kHz, its mean removed, as `affectmap.whisper` computes them, and behind "
        "them the 88 eGeMAPSv02 functionals, which also tell what is no speech. A network of 600-40-20-10-2 "
        "units, the encoder of Das et al. 2022 (arXiv 2203.14867) but for its input; heads are fitted on its embedding "
        "afterwards. Written by `experiments/whisper-model/run.py`; every number below comes from there." + LISTENING,
        "Two maps were fitted on the rows and labels of `affectmap.transfer.recipe`: the mean of three of soft "
        "prototypes (`affectmap.transfer.soft_prototypes`: class probabilities mix the classes' places; losses on "
        "classes and axes), and a ridge regression to the ratings (penalty 3,000). The network learned the mean of "
        "both, and is the one here. Of RAVDESS and EMOVO neutral, sad, happy and angry utterances alone took part.",
        "Layer 3 of the encoder, the two maps and their settings (see `experiments/encoder-map`), the prior of `adapt` "
        "(ten utterances) and the flags' thresholds were",
        "Valence is predicted better than from the 88 functionals, and still not well.",
        "a ridge regression from the same 600 features to the ratings, on the same rows and labels.",
        "The encoder is not part of this folder: it is OpenAI's, under the MIT licence (Apache 2.0 on its page of the "
        "Hugging Face hub), and is fetched or named apart. Nothing of openSMILE is in the features or the weights.",
        section(),
    )
