"""On what results were made."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from affectmap.transfer.settings import Recipe


def about_this_run(command: str, recipe: Recipe, seed: int, n_seeds: int) -> dict[str, object]:
    """Say on what the results were made; byte for byte they come again on the same only."""
    names = ["affectmap", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "torch"]
    return {
        "command": f"OMP_NUM_THREADS=1 {command}",
        "note": "the same bytes on the same processor, versions and threads; elsewhere the last digits may differ",
        "seed": seed,
        "n_seeds": n_seeds,
        "recipe": asdict(recipe),
        "versions": {name: version(name) for name in names},
        "machine": platform.machine(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
