"""Moving averages of three frames, over all values or over those that are not zero.

Conventions: contours have shape (n_frames,) or (n_frames, n_columns); every column is smoothed for itself.
"""

import numpy as np

from affectmap.egemaps.framing import Floats


def smooth(contour: Floats) -> Floats:
    """Average each frame with its neighbours, "sma3"; the first and the last frame are their own outer neighbours.

        y_t = (x_{t-1} + x_t + x_{t+1}) / 3

    Example:
        >>> smooth(np.array([0.0, 3.0, 6.0])).tolist()
        [1.0, 3.0, 5.0]
    """
    before, after = _neighbours(contour)
    return (before + contour + after) / 3


def smooth_nonzero(contour: Floats) -> Floats:
    """Average each frame with those neighbours that are not zero, "sma3nz"; zeros stay.

    Example:
        >>> smooth_nonzero(np.array([2.0, 4.0, 0.0, 6.0, 6.0])).tolist()
        [2.6666666666666665, 3.0, 0.0, 6.0, 6.0]
    """
    before, after = _neighbours(contour)
    return _mean_nonzero(before, contour, after)


def smooth_nonzero_backward(contour: Floats) -> Floats:
    """Smooth as `smooth_nonzero` where the next frame is not known: each frame stands in for its next.

    Example:
        >>> smooth_nonzero_backward(np.array([3.0, 6.0, 0.0])).tolist()
        [3.0, 5.0, 0.0]
    """
    before, _ = _neighbours(contour)
    return _mean_nonzero(before, contour, contour)


def _mean_nonzero(before: Floats, contour: Floats, after: Floats) -> Floats:
    count = (before != 0).astype(np.int8) + (contour != 0) + (after != 0)
    return np.where(contour != 0, (before + contour + after) / np.maximum(count, 1), 0)


def _neighbours(contour: Floats) -> tuple[Floats, Floats]:
    return np.concatenate([contour[:1], contour[:-1]]), np.concatenate([contour[1:], contour[-1:]])


def with_last_repeated(smoothed: Floats, contour: Floats) -> Floats:
    """Append the frame that openSMILE's smoothing gives too many: the last of the input, as it was."""
    return np.concatenate([smoothed, contour[-1:]])
