"""What a step takes: its matrix products, counted, and its time by kind of work, from PyTorch's profiler."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from torch.profiler import ProfilerActivity, profile

import loops
from affectmap.model.training import TrainingSettings, TrainingTask, train_stacked

#: Kinds of work in the order of the table, with the operators that do it; the first that fits has it.
KINDS = {
    "matrix products": ("addmm", "baddbmm", "addbmm", "bmm", "mm", "matmul", "linear", "dot", "mv"),
    "random numbers": ("randn", "normal_", "randperm", "rand", "random_", "uniform_"),
    "distances between pairs": ("cdist", "_cdist_forward", "_cdist_backward", "pdist"),
    "Adam": ("_fused_adam_", "Optimizer.step#Adam.step"),
    "gather and copy": (
        "index", "index_select", "gather", "take", "take_along_dim", "stack", "cat", "copy_", "clone", "contiguous",
        "constant_pad_nd", "_to_copy", "to", "scatter", "index_put_", "fill_", "zero_",
    ),
    "dispatch: views and new tensors": (
        "as_strided", "view", "_unsafe_view", "reshape", "expand", "unsqueeze", "squeeze", "select", "slice", "split",
        "split_with_sizes", "t", "transpose", "unbind", "detach", "detach_", "empty", "empty_like", "empty_strided",
        "zeros", "zeros_like", "ones", "ones_like", "new_zeros", "permute", "unflatten", "alias", "resize_", "narrow",
        "_reshape_alias", "tensor_split", "set_", "lift_fresh", "result_type", "scalar_tensor", "full", "expand_as",
    ),
}  # fmt: skip
ELEMENTWISE, ENGINE, REST = "element by element, and sums", "dispatch: autograd", "Python, and the profiler itself"


def step_gflop(sizes: tuple[int, ...] = loops.SIZES, batch_size: int = loops.BATCH_SIZE) -> float:
    """Count the GFLOP of a step's matrix products, a multiplication and an addition for each weight and row.

    Example:
        >>> round(step_gflop() * 3500, 1)
        10.6
    """
    weights = [n_in * n_out for n_in, n_out in itertools.pairwise((*sizes, *sizes[-2::-1]))]
    # Forward, gradient of the weights, gradient of the inputs; nobody asks for that of the first layer.
    return 2 * batch_size * (3 * sum(weights) - weights[0]) / 1e9


def kind_of(operator: str, shapes: Iterable[object]) -> str:
    """Tell the kind of work of an operator as the profiler names it, called with tensors of these shapes.

    Example:
        >>> kind_of("aten::baddbmm", []), kind_of("MulBackward0", []), kind_of("aten::mul", [[15, 64, 64]])
        ('matrix products', 'dispatch: autograd', 'distances between pairs')
    """
    name = operator.removeprefix("aten::")
    for kind, names in KINDS.items():
        if name in names:
            return kind
    if not operator.startswith("aten::"):
        return ENGINE
    # Only what belongs to pairs of a batch has this shape: no layer is as wide as a batch is long.
    square = [loops.BATCH_SIZE] * 2
    is_pairs = any(isinstance(shape, list) and shape[-2:] == square for shape in shapes)
    return "distances between pairs" if is_pairs else ELEMENTWISE


def step_profile(tasks: list[TrainingTask], settings: TrainingSettings, n_steps: int) -> dict[str, float]:
    """Profile the stacked trainer on one core.

    Args:
        tasks: One stack.
        settings: Settings of the training.
        n_steps: Steps of each model.

    Returns:
        Microseconds a model-step by kind of work; and under ``"unprofiled"`` of the whole, without the profiler.
    """
    per = 1e6 / (n_steps * len(tasks))
    train_stacked(tasks, settings)
    start = time.perf_counter()
    train_stacked(tasks, settings)
    unprofiled = time.perf_counter() - start
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        start = time.perf_counter()
        train_stacked(tasks, settings)
        wall = time.perf_counter() - start
    spent: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages(group_by_input_shape=True):
        spent[kind_of(event.key, event.input_shapes or [])] += event.self_cpu_time_total / 1e6
    spent[REST] = max(0.0, wall - sum(spent.values()))
    return {**{kind: seconds * per for kind, seconds in spent.items()}, "unprofiled": unprofiled * per}


def profile_table(stacks: Sequence[tuple[int, list[TrainingTask], TrainingSettings]], n_steps: int) -> str:
    """Render, in Markdown, where the time of a step goes in stacks of several sizes.

    Args:
        stacks: Number of models, their tasks, and settings.
        n_steps: Steps of each model.
    """
    profiles = {n: step_profile(tasks, settings, n_steps) for n, tasks, settings in stacks}
    kinds = [*KINDS, ELEMENTWISE, ENGINE, REST]
    totals = {n: sum(spent.get(kind, 0.0) for kind in kinds) for n, spent in profiles.items()}
    lines = [
        "Where a step goes, one core, µs a model-step (and share) under the profiler:",
        "",
        "| work |" + "".join(f" {n} models |" for n in profiles),
        "|---|" + "---:|" * len(profiles),
    ]
    for kind in kinds:
        cells = (
            f" {spent.get(kind, 0.0):.1f} ({spent.get(kind, 0.0) / totals[n]:.0%}) |" for n, spent in profiles.items()
        )
        lines.append(f"| {kind} |" + "".join(cells))
    lines.append("| all |" + "".join(f" {total:.1f} |" for total in totals.values()))
    lines.append(
        "| all, without the profiler |" + "".join(f" {spent['unprofiled']:.1f} |" for spent in profiles.values())
    )
    return "\n".join(lines)
