"""Arrays that are used again at every step."""

from __future__ import annotations

import torch
from torch import Tensor


class Workspace:
    """Arrays by name, made once: fresh ones of this size the system would map and clear at every step.

    Args:
        device: Where they lie.
        dtype: Of all of them.

    Example:
        >>> space = Workspace("cpu", torch.float32)
        >>> space.take("pairs", 2, 3) is space.take("pairs", 2, 3)
        True
    """

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._held: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """Give the array of this name, its content left from last time; zeros when it is new or its shape changed.

        Args:
            name: Of its use; two arrays in use at once need two names.
            *shape: Of the array.

        Returns:
            The array.
        """
        held = self._held.get(name)
        if held is None or held.shape != shape:
            held = self._held[name] = torch.zeros(shape, device=self.device, dtype=self.dtype)
        return held
