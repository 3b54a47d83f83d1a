"""Training: the plain loop, to be read, and the stacked one, to be used.

Both draw initial weights, order and noise of a model from that model's own generator, so a seed gives the same model:
to the last bit within the stacked trainer on the CPU, whichever models are trained beside it, and to rounding between
the two trainers and on other devices.
"""

from __future__ import annotations

from affectmap.model.settings import Schedule, TrainingSettings
from affectmap.model.training.loop import CURVES, VALIDATION_CURVES, TrainedModel, TrainingTask, train_plain
from affectmap.model.training.stacked import train_stacked

__all__ = [
    "CURVES",
    "VALIDATION_CURVES",
    "Schedule",
    "TrainedModel",
    "TrainingSettings",
    "TrainingTask",
    "train_plain",
    "train_stacked",
]
