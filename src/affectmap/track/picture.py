"""The picture of a track: activation and valence over time, and the path across the circumplex."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from affectmap import extras
from affectmap.errors import ConfigError, UsageError
from affectmap.files import new_file
from affectmap.schema import LABEL_RANGE, LABELS, Floats, Mask
from affectmap.style import ENDS, INK, LABEL_COLOURS, MUTED, PLAIN_MARK, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

#: Suffixes of pictures.
SUFFIXES = (".png", ".svg")

_FLAGS = {"unfamiliar": "#8a6d00", "clipped": "#b01e52", "not speech": MUTED, "silent": "#9aa3ad"}
_MAX_POINTS = 400  # of the path; more cannot be distinguished
_APART = 0.3  # between start and end, so that their words do not lie on each other
_MIDDLE = sum(LABEL_RANGE) / 2
_OF_SECOND = {"linestyle": (0, (4, 1.5)), "alpha": 0.1}  # the line and the band of a second speaker


def check_picture_name(path: Path) -> None:
    """Raise a `UsageError` unless a name is that of a picture; call it before long work."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no picture by its name; expected one that ends in {' or '.join(SUFFIXES)}")


def draw_track(
    table: pd.DataFrame, path: Path, *, duration_s: float, smoothing_s: float, overwrite: bool = True
) -> None:
    """Draw a track; see `affectmap.track.recording.Track.picture`."""
    check_picture_name(path)
    if not extras.installed("matplotlib"):
        raise ConfigError(f'{path} needs matplotlib to be drawn; run pip install "affectmap[plot]"')
    missing = [label for label in LABELS if f"{label}_level" not in table]
    if missing:
        raise ConfigError(f"the model gives no {' and no '.join(missing)}; a picture needs both")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {"font.size": 9, "axes.edgecolor": RULE, "text.color": INK, "svg.hashsalt": "affectmap"}
    with rc_context(style), new_file(path, overwrite=overwrite) as temporary:
        figure = Figure(figsize=(12.5, 5.6), facecolor="white")
        FigureCanvasAgg(figure)
        _fill(figure, table, duration_s, smoothing_s)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=130, metadata=metadata)


def _fill(figure: Figure, table: pd.DataFrame, duration_s: float, smoothing_s: float) -> None:
    grid = figure.add_gridspec(
        3, 2, width_ratios=(1.65, 1), height_ratios=(1, 1, 0.24), left=0.065, right=0.955, top=0.86, bottom=0.13,
        hspace=0.12, wspace=0.12,
    )  # fmt: skip
    unit, unit_s = ("minutes", 60.0) if duration_s > 180 else ("seconds", 1.0)
    upper = figure.add_subplot(grid[0, 0])
    lower = figure.add_subplot(grid[1, 0], sharex=upper)
    strip = figure.add_subplot(grid[2, 0], sharex=upper)
    plane = figure.add_subplot(grid[:, 1])
    for axis, label in ((upper, "activation"), (lower, "valence")):
        _draw_trajectory(axis, table, label, unit_s, smoothing_s)
    _draw_strip(strip, table, duration_s / unit_s, unit_s)
    strip.set_xlabel(f"time in {unit}", color=MUTED)
    upper.set_xlim(0, max(duration_s, 1e-3) / unit_s)
    _draw_path(plane, table, unit, unit_s)
    name = Path(str(table["file"].iloc[0])).name if len(table) else "no speech was found"
    figure.text(0.065, 0.945, _shortened(name), fontsize=12, weight="bold")
    figure.text(0.065, 0.895, _caption(table, duration_s, smoothing_s), color=MUTED)


def _caption(table: pd.DataFrame, duration_s: float, smoothing_s: float) -> str:
    seconds = f"{duration_s:.0f}" if duration_s >= 10 else f"{duration_s:.1f}".removesuffix(".0")
    length = f"{duration_s / 60:.0f} min" if duration_s > 180 else f"{seconds} s"
    n_segments, n_used = len(table), int(_used(table).sum())
    counted = f"{n_segments} segment{'s' if n_segments != 1 else ''} in {length}"
    if not n_used:
        return f"{counted}, none with values to show." if n_segments else f"{counted}."
    drawn = "Dots: segments. Line and band: level and its 95 % interval"
    if n_used == 1:
        has_band = bool(table.loc[_used(table), "activation_level_low"].notna().all())
        drawn = f"Dot: the segment. Ring{' and band' * has_band}: level{' and its 95 % interval' * has_band}"
    bar = "Bar: how far the rating of one segment may lie from its dot."
    names = [name for name in _speakers(table, _used(table)) if name]
    whose = f" {names[1]}: circles, broken line." if len(names) > 1 else ""
    return f"{counted}.{whose} {drawn} (smoothed over {smoothing_s:.0f} s). {bar}"


def _shortened(name: str) -> str:
    name = name.replace("$", r"\$")  # no formula
    return name if len(name) <= 80 else f"{name[:50]}…{name[-25:]}"


def _draw_trajectory(axis: Axes, table: pd.DataFrame, label: str, unit_s: float, smoothing_s: float) -> None:
    colour, low, high = LABEL_COLOURS[label], *LABEL_RANGE
    middle = _middles(table)
    axis.axhline(_MIDDLE, color=RULE, linewidth=1, zorder=0)
    used = _used(table)
    size = min(20.0, max(3.0, 3000 / max(len(table), 1)))
    for i, (name, mine) in enumerate(_speakers(table, used).items()):
        filled: dict[str, Any] = {"color": colour, "linewidths": 0}
        hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": colour, "linewidths": 0.8}
        alpha = 0.7 if len(table) < 100 else 0.35
        axis.scatter(middle[mine] / unit_s, table[label][mine], s=size, alpha=alpha, **(hollow if i else filled))
        # Where nobody speaks for long, the line is interrupted.
        gap = np.flatnonzero(np.diff(middle[mine]) > max(3 * smoothing_s, 10.0)) + 1
        for part in np.split(np.flatnonzero(mine), gap):
            _draw_level(axis, table.iloc[part], label, unit_s, is_second=i > 0)
        if name and mine.any():
            last = table.iloc[np.flatnonzero(mine)[0]]
            axis.annotate(name, ((last["start"] + last["end"]) / 2 / unit_s, last[f"{label}_level"]), (0, 5),
                          textcoords="offset points", ha="center", color=INK, fontsize=8, weight="bold")  # fmt: skip
    _draw_bar(axis, table, label, used)
    axis.set_ylim(low - 0.08, high + 0.08)
    axis.set_yticks([low, 2, 3, 4, high])
    axis.tick_params(length=0, labelbottom=False, colors=MUTED)
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
    axis.set_ylabel(label.capitalize(), color=colour, weight="bold", labelpad=8)
    for word, y, place in zip(ENDS[label], (low, high), ("bottom", "top"), strict=True):
        axis.annotate(word, (0, y), (4, 0), textcoords="offset points", va=place, color=MUTED, style="italic",
                      xycoords=("axes fraction", "data"), fontsize=8)  # fmt: skip


def _draw_level(axis: Axes, part: pd.DataFrame, label: str, unit_s: float, *, is_second: bool) -> None:
    """Draw the level of an uninterrupted part, and its band."""
    colour, time = LABEL_COLOURS[label], _middles(part) / unit_s
    level, bottom, top = (part[f"{label}_level{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    alpha = _OF_SECOND["alpha"] if is_second else 0.2
    if len(part) == 1:  # of one moment neither a line nor a filled band is seen
        axis.vlines(time, bottom, top, color=colour, alpha=alpha, linewidth=8)
    else:
        axis.fill_between(time, bottom, top, color=colour, alpha=alpha, linewidth=0)
    axis.plot(time, level, color=colour, linewidth=1.8, marker="o" if len(part) == 1 else "", markersize=8,
              linestyle=_OF_SECOND["linestyle"] if is_second else "-", markerfacecolor="none")  # fmt: skip


def _speakers(table: pd.DataFrame, used: Mask) -> dict[str, Mask]:
    """Give where each speaks in the segments that are used; without speakers all are one's, who has no name."""
    if "speaker" not in table:
        return {"": used}
    names = table["speaker"].fillna("").astype(str).to_numpy()
    return {name: np.asarray(used & (names == name)) for name in sorted(set(names[used]) - {""}) or [""]}


def _draw_bar(axis: Axes, table: pd.DataFrame, label: str, used: Mask) -> None:
    """Draw beside the trajectory how far one segment's rating may lie from its dot, where that was measured."""
    used = used & ~table["unfamiliar"].to_numpy(bool)
    if not used.any() or f"{label}_low" not in table:
        return
    value = float(np.median(table[label][used]))
    bounds = [[float(np.median(np.abs(table[label] - table[f"{label}_{end}"])[used]))] for end in ("low", "high")]
    place = axis.get_yaxis_transform()
    axis.errorbar([1.012], [value], yerr=bounds, transform=place, color=MUTED, capsize=3, linewidth=1, clip_on=False)


def _draw_strip(axis: Axes, table: pd.DataFrame, end: float, unit_s: float) -> None:
    """Draw where there is speech, and below it a row of ticks for every flag."""
    start, length = table["start"].to_numpy(float), (table["end"] - table["start"]).to_numpy(float)
    speech = _is_speech(table)
    spans = list(zip(start[speech] / unit_s, length[speech] / unit_s, strict=True))
    axis.broken_barh(spans, (0.6, 0.4), color=PLAIN_MARK.colour)
    axis.plot([0, end], [0.6, 0.6], color=RULE, linewidth=1)
    shown = {name: flagged for name in _FLAGS if (flagged := _flagged(table, name)).any()}
    for i, (name, flagged) in enumerate(shown.items()):
        height = np.full(flagged.sum(), 0.42 - 0.17 * i)
        axis.plot(_middles(table)[flagged] / unit_s, height, "|", color=_FLAGS[name], markersize=5)
        axis.annotate(f"| {name} ({flagged.sum()})", (1, 0), (-95 * i, -24), xycoords="axes fraction", ha="right",
                      va="top", textcoords="offset points", color=_FLAGS[name], fontsize=8)  # fmt: skip
    axis.set_ylim(-0.2, 1)
    axis.set_yticks([0.8, *([0.3] if shown else [])], ["speech", *(["flags"] if shown else [])])
    axis.tick_params(length=0, colors=MUTED)
    for side in axis.spines.values():
        side.set_visible(False)


def _flagged(table: pd.DataFrame, name: str) -> Mask:
    """Find where a flag is set; what is no speech is not shown as unfamiliar, too."""
    flagged = table[name.replace(" ", "_")].to_numpy(np.bool_)
    return flagged & _is_speech(table) if name == "unfamiliar" else flagged


def _draw_path(axis: Axes, table: pd.DataFrame, unit: str, unit_s: float) -> None:
    low, high = LABEL_RANGE
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal", xticks=range(1, 6), yticks=range(1, 6))
    axis.axhline(_MIDDLE, color=RULE, linewidth=1, zorder=0)
    axis.axvline(_MIDDLE, color=RULE, linewidth=1, zorder=0)
    axis.tick_params(length=0, colors=MUTED)
    axis.set_xlabel("unpleasant  ←  valence  →  pleasant", color=MUTED)
    axis.set_ylabel("calm  ←  activation  →  excited", color=MUTED)
    used = np.flatnonzero(_used(table))
    if not len(used):
        axis.text(_MIDDLE, _MIDDLE, "no speech to show", ha="center", va="center", color=MUTED, backgroundcolor="white")
        return
    axis.scatter(
        table["valence"].iloc[used], table["activation"].iloc[used], s=7, color="#c3c9d0", linewidths=0, zorder=1
    )
    speakers = {name: np.flatnonzero(mine) for name, mine in _speakers(table, _used(table)).items() if mine.any()}
    times = _middles(table)[used] / unit_s
    paths = [
        _draw_one_path(axis, table.iloc[rows], name, (times[0], times[-1]), unit_s, is_second=i > 0)
        for i, (name, rows) in enumerate(speakers.items())
    ]
    if path := next((each for each in paths if each is not None), None):
        bar = axis.figure.colorbar(path, ax=axis, fraction=0.035, pad=0.02)
        bar.set_label(f"time in {unit}", color=MUTED)
        bar.formatter.set_useOffset(False)  # type: ignore[attr-defined]
        bar.update_ticks()
        bar.ax.tick_params(length=0, colors=MUTED)
        bar.outline.set_visible(False)


def _draw_one_path(
    axis: Axes, table: pd.DataFrame, name: str, ends: tuple[float, float], unit_s: float, *, is_second: bool
) -> LineCollection | None:
    """Draw the path of a speaker; of one segment a mark, and give nothing."""
    from matplotlib.collections import LineCollection

    shown = np.unique(np.linspace(0, len(table) - 1, min(len(table), _MAX_POINTS)).round().astype(int))
    points = table[["valence_level", "activation_level"]].to_numpy(float)[shown]
    before = f"{name} " if name else ""
    if len(shown) == 1:  # no way, and no time that colours could tell
        _mark_point(axis, points[0], "o", f"{before}one segment", LABEL_COLOURS["activation"])
        return None
    time = _middles(table)[shown] / unit_s
    lines: Any = np.stack([points[:-1], points[1:]], axis=1)
    style: dict[str, Any] = {"linestyle": _OF_SECOND["linestyle"]} if is_second else {"capstyle": "round"}
    path = LineCollection(lines, cmap="viridis", linewidth=2.2, zorder=3, **style)
    path.set_array((time[:-1] + time[1:]) / 2)
    path.set_clim(*map(float, ends))
    axis.add_collection(path)
    apart = float(np.abs(points[-1] - points[0]).max()) > _APART
    colours: Any = path.cmap(path.norm(np.array([time[0], time[-1]])))
    _mark_point(axis, points[0], "o", f"{before}start", colours[0])
    _mark_point(axis, points[-1], "s", f"{before}end", colours[1], 6 if apart else -16)
    return path


def _mark_point(axis: Axes, point: Floats, marker: str, word: str, colour: Any, shift: float = 6) -> None:  # noqa: ANN401 (a colour)
    axis.plot(*point, marker, color=colour, markeredgecolor=INK, markersize=8, zorder=4)
    axis.annotate(
        word, (point[0], point[1]), (7, shift), textcoords="offset points", weight="bold", fontsize=9, zorder=5
    )


def _middles(table: pd.DataFrame) -> Floats:
    return np.asarray((table["start"] + table["end"]) / 2, dtype=np.float64)


def _is_speech(table: pd.DataFrame) -> Mask:
    return ~table[["silent", "not_speech", "too_short"]].any(axis=1).to_numpy(np.bool_)


def _used(table: pd.DataFrame) -> Mask:
    """Segments that have part in the level."""
    return np.asarray(_is_speech(table) & table[list(LABELS)].notna().all(axis=1).to_numpy(), dtype=np.bool_)
