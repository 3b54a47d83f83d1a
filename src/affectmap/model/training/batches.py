"""Features, labels and noise of K tasks, a batch at a time."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affectmap.model.settings import TrainingSettings
from affectmap.model.training.network_stack import padded
from affectmap.model.training.steps import draw_epoch, group_tensor, label_tensors
from affectmap.model.training.tasks import TrainingTask
from affectmap.model.training.workspace import Workspace


class Batch(NamedTuple):
    """One step of K models; features are padded in width, the last batch of an epoch in length too.

    Attributes:
        clean: Features ``(K, B, F)``.
        noise: Standard normal values ``(K, B, F)``, 0 where padded.
        label: ``(K, B, L)``, 0 where missing.
        present: 1 where a row exists and has its labels, else 0: ``(K, B)``, or ``(K, 1)`` for all rows alike.
        exists: 1 where a row is no padding ``(K, B)``; None where none is.
        n_rows: Rows that exist ``(K,)``.
    """

    clean: Tensor
    noise: Tensor
    label: Tensor
    present: Tensor
    exists: Tensor | None
    n_rows: Tensor


def batch_length(task: TrainingTask, settings: TrainingSettings) -> int:
    """Rows that a batch of this task is padded to; its neighbours have no say in it, or they would in the last bit.

    Args:
        task: The model.
        settings: Carry the batch size.

    Returns:
        The batch size, or for smaller corpora the next multiple of 64 rows if that is less.

    Example:
        >>> task = TrainingTask(np.zeros((100, 88), dtype=np.float32), None)
        >>> batch_length(task, TrainingSettings(batch_size=4096))
        128
    """
    return min(settings.batch_size, math.ceil(len(task.features) / 64) * 64)


class StackBatches:
    """Gathers the batches of K tasks; features that tasks share are kept once.

    Args:
        tasks: As many steps an epoch each.
        settings: Carry the batch size.
        space: Arrays for the batches, which every batch uses again.
    """

    def __init__(self, tasks: list[TrainingTask], settings: TrainingSettings, space: Workspace) -> None:
        self.tasks, self.space = tasks, space
        self.batch_size, self.length = settings.batch_size, batch_length(tasks[0], settings)
        arrays = {id(task.features): task.features for task in tasks}
        self.features = _joined(list(arrays.values()), space)
        first_rows = dict(zip(arrays, _first_rows(arrays.values()), strict=True))
        self.feature_start = self._column([first_rows[id(task.features)] for task in tasks])
        self.label_start = self._column(_first_rows([task.features for task in tasks]))
        self.n_rows = self._column([len(task.features) for task in tasks])[:, 0]
        width = max(task.n_labels for task in tasks)
        labels, presences = zip(*(label_tensors(task, width, space.dtype) for task in tasks), strict=True)
        self.label = torch.cat(labels).to(space.device)
        self.present = torch.cat(presences).to(space.device, space.dtype)
        alike = all(bool(presence.all()) or not bool(presence.any()) for presence in presences)
        self.alike = self.present[self.label_start[:, 0]][:, None] if alike else None
        self.groups = [group_tensor(task, settings) for task in tasks]
        self.weight = torch.tensor([task.weight for task in tasks]).to(space.device, space.dtype)

    def _column(self, values: list[int]) -> Tensor:
        return torch.tensor(values, device=self.space.device)[:, None]

    def epoch(self, generators: list[torch.Generator]) -> Iterator[Batch]:
        """Draw one epoch.

        Args:
            generators: One a model, its own.

        Yields:
            The batches; the next one takes the place of the last.
        """
        each = [
            draw_epoch(generator, task.features.shape, self.batch_size, group)
            for generator, task, group in zip(generators, self.tasks, self.groups, strict=True)
        ]
        for drawn in zip(*each, strict=True):
            yield self._batch([rows for rows, _ in drawn], [noise for _, noise in drawn])

    def _batch(self, rows: list[Tensor], noise: list[Tensor]) -> Batch:
        n_models, length = len(rows), self.length
        sizes = torch.tensor([len(each) for each in rows])
        full = all(len(each) == length for each in rows)
        numbers = torch.stack(rows if full else [_padded(each, length) for each in rows]).to(self.space.device)
        width = self.features.shape[1]
        clean = self.space.take("clean", n_models, length, width)
        torch.index_select(self.features, 0, (self.feature_start + numbers).view(-1), out=clean.view(-1, width))
        label_rows = self.label_start + numbers
        exists = None if full else (torch.arange(length) < sizes[:, None]).to(clean)
        if exists is None and self.alike is not None:
            present = self.alike
        else:
            present = self.present[label_rows]
            present = present if exists is None else present * exists
        return Batch(clean, self._noise(noise, full), self.label[label_rows], present, exists, sizes.to(clean))

    def _noise(self, drawn: list[Tensor], full: bool) -> Tensor:
        noise = self.space.take("noise", len(drawn), self.length, self.features.shape[1])
        if not full:
            drawn = [_padded(each, self.length) for each in drawn]
        if drawn[0].shape[1] == noise.shape[2] and drawn[0].dtype == noise.dtype and noise.is_cpu:
            return torch.stack(drawn, out=noise)
        noise[..., : drawn[0].shape[1]] = torch.stack(drawn).to(noise)
        return noise


def _joined(arrays: list[npt.NDArray[np.float32]], space: Workspace) -> Tensor:
    """Put arrays one below the other, columns padded; they are copied once, and a single one not at all."""
    n_features = arrays[0].shape[1]
    as_it_is = arrays[0].dtype == np.float32 and space.dtype == torch.float32 and padded(n_features) == n_features
    if len(arrays) == 1 and as_it_is:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may be read-only, and is only read
            return torch.from_numpy(np.ascontiguousarray(arrays[0])).to(space.device)
    joined = torch.zeros(sum(map(len, arrays)), padded(n_features), dtype=space.dtype)
    for array, start in zip(arrays, _first_rows(arrays), strict=True):
        joined.numpy()[start : start + len(array), :n_features] = array
    return joined.to(space.device)


def _first_rows(arrays: Iterable[npt.NDArray[np.float32]]) -> list[int]:
    return list(itertools.accumulate((len(array) for array in arrays), initial=0))[:-1]


def _padded(values: Tensor, length: int) -> Tensor:
    if len(values) == length:
        return values
    return torch.cat([values, values.new_zeros(length - len(values), *values.shape[1:])])
