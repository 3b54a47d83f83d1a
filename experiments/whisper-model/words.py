"""What the card of the model says of this model alone."""

from __future__ import annotations

from card import RIDGE, Wording

#: The other model of the table of normalisations.
FUNCTIONALS_LINE = RIDGE


def wording() -> Wording:
    """Word the card."""
    return Wording(
        "Predicts how activated (calm to excited) and how pleasant a voice sounds, on a map of two dimensions. Input: "
        "the mean over time of each of the 512 numbers that layer 3 of the encoder of Whisper base (Radford et al. "
        "2022) makes of a recording, at 16 kHz, its mean removed, as `affectmap.whisper` computes them; and behind "
        "them the 88 eGeMAPSv02 functionals, which the map does not look at: they tell what is no speech. The map is "
        "a linear one: ridge regression to the ratings; heads are fitted on it afterwards. Written by "
        "`experiments/whisper-model/run.py`; every number below comes from there.",
        "The map is fitted by ridge regression from the 512 means to activation and valence (penalty 3,000), "
        "on the rows and labels of `affectmap.transfer.recipe`; of RAVDESS and EMOVO neutral, sad, happy and angry "
        "utterances alone take part.",
        "Layer 3 of the encoder and the penalty, the prior of `adapt` (ten utterances) and the flags' thresholds were",
        "Valence is predicted better than from the 88 functionals, and still not well.",
        "a ridge regression from the 88 functionals to the ratings, on the same rows and labels.",
        "The encoder is not part of this folder: it is OpenAI's, under the MIT licence (Apache 2.0 on the Hugging Face "
        "hub), and is fetched or named apart. Nothing of openSMILE is in the features or the weights.",
    )
