"""Training: the plain loop, to be read, and the stacked one, to be used.

Both draw initial weights, order and noise of a model from that model's own generator, so a seed gives the same
model whichever way and beside whichever others it is trained: to the last bit within the stacked way on the CPU,
to rounding between the two ways and on other devices.

Source: Das et al. 2022, eq. 6 and section 4; stacking is ours.
"""

from __future__ import annotations

from affectmap.model.settings import Schedule, TrainingSettings
from affectmap.model.training.plain import train_plain
from affectmap.model.training.stacked import train_stacked
from affectmap.model.training.tasks import CURVES, TrainedModel, TrainingTask

__all__ = ["CURVES", "Schedule", "TrainedModel", "TrainingSettings", "TrainingTask", "train_plain", "train_stacked"]
