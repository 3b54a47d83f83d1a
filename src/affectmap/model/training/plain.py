"""The plain loop: one model, step by step, to be read; the stacked trainer is tested against it."""

from __future__ import annotations

import math

import numpy as np
import torch

from affectmap.model.settings import PAPER, TrainingSettings
from affectmap.model.training.metric_values import metric_values
from affectmap.model.training.steps import (
    curve_values,
    draw_epoch,
    finished,
    group_tensor,
    label_tensors,
    new_network,
    objective,
    one_cycle,
    one_thread,
)
from affectmap.model.training.tasks import CURVES, TrainedModel, TrainingTask, check_together


def train_plain(
    task: TrainingTask,
    settings: TrainingSettings = PAPER,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TrainedModel:
    """Train one model, step by step: the readable reference.

    Args:
        task: Data, label, weight and seed.
        settings: Network, loss and optimiser.
        device: ``cpu`` or ``cuda``.
        dtype: Of weights and arithmetic; the random draws are float32 in any case.

    Returns:
        The network and its learning curves.

    Raises:
        ConfigError: If labels or device do not fit the settings, or training diverges.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 88)).astype(np.float32)
        >>> trained = train_plain(TrainingTask(features, None), TrainingSettings(epochs=3))
        >>> trained.curves["reconstruction"].is_monotonic_decreasing
        True
    """
    check_together([task], settings, device)
    generator = torch.Generator().manual_seed(task.seed)
    network = new_network(task, settings, generator).to(device, dtype)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    features = torch.tensor(task.features).to(device, dtype)
    label, present = (tensor.to(device) for tensor in label_tensors(task, task.n_labels, dtype))
    weight = torch.tensor([task.weight]).to(device, dtype)
    names = settings.loss_names if task.n_labels else ()
    group = group_tensor(task, settings)
    schedule = one_cycle(optimiser, settings.epochs * math.ceil(len(features) / settings.batch_size), settings)
    curves = np.zeros((settings.epochs, len(CURVES)))
    with one_thread():
        for epoch in range(settings.epochs):
            for rows, noise in draw_epoch(generator, features.shape, settings.batch_size, group):
                rows = rows.to(device)
                clean = features[rows]
                latent, reconstructed = network(clean, noise.to(device, dtype))
                reconstruction = (reconstructed - clean).square().mean()[None] * (settings.reconstruction > 0)
                metric = metric_values(latent[None], label[rows][None], present[rows][None].to(dtype), names)
                total = objective(reconstruction, metric, weight, settings)
                optimiser.zero_grad()
                torch.autograd.backward(total)
                optimiser.step()
                if schedule is not None:
                    schedule.step()
                curves[epoch] += len(rows) * curve_values(total, reconstruction, metric)[:, 0].cpu().numpy()
    return finished(network, curves / len(features))
