"""What a model is given: recordings, signals, a corpus or a table, each taken for what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.audio.quality import SIGNAL_FLAGS, SignalFlags
from affectmap.errors import ConfigError
from affectmap.features.single_recordings import Source
from affectmap.features.utterances import list_utterances
from affectmap.schema import FUNCTIONALS, INDEX, Floats, segmented_index, text_of

if TYPE_CHECKING:
    import pandas as pd

_EXPECTED = "a path, a mono signal, several of either, a corpus, or a table with the features or a column file"


class Given(NamedTuple):
    """What is to be embedded.

    Attributes:
        recordings: What has to be measured.
        features: Features that need not be measured; there are no recordings then.
        rows: Index of the rows; ``None`` for that of the recordings.
    """

    recordings: list[Source]
    features: pd.DataFrame | None = None
    rows: pd.Index | None = None

    def indexed(self, measured: pd.DataFrame) -> pd.DataFrame:
        """Give what was measured the index of what was given."""
        return measured if self.rows is None else measured.set_axis(self.rows, axis=0)


def read_given(given: object, inputs: Sequence[str]) -> Given:
    """Tell what a model is given.

    Args:
        given: As in `Model.embed`.
        inputs: Names of the model's features.

    Returns:
        What to do with it.

    Raises:
        ConfigError: If it is nothing that can be embedded.

    Example:
        >>> [read_given(each, ["f0"]).recordings for each in ("a.wav", ["a.wav", "b.wav"])]
        [['a.wav'], ['a.wav', 'b.wav']]
        >>> import pandas as pd
        >>> read_given(pd.DataFrame({"file": ["a.wav"], "text": ["hello"]}), ["f0"]).recordings
        ['a.wav']
        >>> read_given(pd.DataFrame({"text": ["hello"]}), ["f0"])
        Traceback (most recent call last):
        affectmap.errors.ConfigError: a table with the columns text cannot be embedded; expected a column or ...
    """
    if isinstance(given, (str, Path)):
        return Given([given])
    if isinstance(given, list) and all(isinstance(one, (str, Path)) for one in given):
        return Given(given)
    import pandas as pd

    from affectmap.corpora import Corpus

    if isinstance(given, Corpus):
        brought = given.functionals
        if brought is None:
            return _recordings(given.table.index)
        if inputs[0] not in brought and tuple(brought.columns) != FUNCTIONALS:
            raise ConfigError(
                f"{given.name} brings {len(brought.columns)} features, first {brought.columns[0]}, and the model takes "
                f"{len(inputs)} others, first {inputs[0]}; give a corpus with these"
            )
        return _of_table(brought, inputs)
    if isinstance(given, pd.DataFrame):
        return _of_table(given, inputs)
    if hasattr(given, "__array__") and (signal := np.asarray(given)).dtype.kind in "fiu":
        return Given([signal])
    if isinstance(given, (bytes, Mapping)) or not isinstance(given, Iterable):
        raise ConfigError(f"{type(given).__name__} cannot be embedded; expected {_EXPECTED}")
    each: list[Any] = list(given)
    if each and all(isinstance(one, (int, float)) for one in each):
        return Given([np.asarray(each, dtype=np.float64)])
    for number, one in enumerate(each, start=1):
        if isinstance(one, (bytes, Mapping, pd.DataFrame, Corpus)) or one is None:
            raise ConfigError(f"source {number} is {type(one).__name__}; expected a path or a mono signal")
    return Given(each)


def _of_table(table: pd.DataFrame, inputs: Sequence[str]) -> Given:
    import pandas as pd

    missing = [name for name in inputs if name not in table.columns]
    if not missing:
        return Given([], table[list(inputs)])
    if len(missing) < len(inputs):
        raise ConfigError(
            f"{len(missing)} of the {len(inputs)} features are missing, first {missing[0]}; give all, or none and a "
            "column file"
        )
    columns = table.reset_index() if "file" in table.index.names else table
    if "file" not in columns:
        shown = ", ".join(map(str, table.columns[:8])) or "none"
        raise ConfigError(
            f"a table with the columns {shown} cannot be embedded; expected a column or index file, or the "
            f"{len(inputs)} features as columns, first {inputs[0]}"
        )
    files = [text_of(cell) for cell in columns["file"]]
    if None in files:
        raise ConfigError(f"row {files.index(None) + 1} of the table names no file; write one or remove the row")
    if not set(INDEX[1:]) & set(columns):
        return Given(list(map(str, files)), None, pd.Index(files, name="file", dtype=object))
    starts = None if "start" not in columns else columns["start"].fillna(pd.Timedelta(0)).tolist()
    try:
        return _recordings(segmented_index(list(map(str, files)), starts, columns.get("end")))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"start and end of a segment must be seconds or time differences ({error})") from error


def _recordings(index: pd.Index) -> Given:
    """Give the recordings of an index by file, start and end, or their segments."""
    utterances = list_utterances(index)
    return Given([each.file if each[1:] == (0.0, None) else each for each in utterances], None, index)


def feature_values(features: pd.DataFrame | npt.ArrayLike, inputs: Sequence[str], noun: str) -> Floats:
    """Give features in a model's order, shape (N, F); a table has them by name.

    Raises:
        ConfigError: If columns are missing, the shape does not fit, or they are no numbers.
    """
    if not isinstance(features, np.ndarray):
        import pandas as pd

        features = _chosen(features, inputs, noun) if isinstance(features, pd.DataFrame) else features
    try:
        values = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{noun} must be numbers, one row for each utterance") from None
    if values.ndim != 2 or values.shape[1] != len(inputs):
        raise ConfigError(f"{noun} have shape {values.shape}; expected (utterances, {len(inputs)})")
    return values


def _chosen(features: pd.DataFrame, inputs: Sequence[str], noun: str) -> pd.DataFrame:
    missing = [name for name in inputs if name not in features.columns]
    if missing:
        raise ConfigError(
            f"{len(missing)} of the {len(inputs)} {noun} are missing, first {missing[0]}; measure them all"
        )
    return features[list(inputs)]


def flags_of(values: Floats) -> list[SignalFlags]:
    """Give flags to features without a recording: all that can be said is whether each is a finite number."""
    n_unusable = np.sum(~np.isfinite(values), axis=1).tolist()
    problems = [f"{n} of its {values.shape[1]} features are not finite numbers" if n else None for n in n_unusable]
    return [SignalFlags(problem=problem) for problem in problems]


def why_unusable(flags: Sequence[SignalFlags], not_speech: Iterable[bool]) -> list[str | None]:
    """Say of each recording why nothing can be learned of it; ``None`` where something can.

    Args:
        flags: What the samples of each say.
        not_speech: Whether its functionals are those of something else than speech.

    Example:
        >>> why_unusable([SignalFlags(), SignalFlags(silent=True), SignalFlags()], [False, False, True])
        [None, 'silent', 'no speech']
    """
    return [
        each.problem or ("silent" if each.silent else "no speech" if is_none else None)
        for each, is_none in zip(flags, not_speech, strict=True)
    ]


def with_flags(columns: dict[str, npt.NDArray[Any]], flags: Sequence[SignalFlags]) -> dict[str, npt.NDArray[Any]]:
    """Fill in the flags that samples tell, and add their ``note`` and ``problem``; a faint voice may be speech."""
    columns |= {flag: np.array([getattr(each, flag) for each in flags], dtype=np.bool_) for flag in SIGNAL_FLAGS}
    columns["not_speech"] = columns["not_speech"] & ~columns["quiet"]
    texts = {name: np.array([getattr(each, name) for each in flags], dtype=object) for name in ("note", "problem")}
    return columns | texts


def table_of(columns: Mapping[str, npt.NDArray[Any]], index: pd.Index) -> pd.DataFrame:
    """Give columns as a table, each of its own type.

    Args:
        columns: By name, each (N,).
        index: Of the N rows.

    Example:
        >>> import pandas as pd
        >>> table_of({"activation": np.array([3.0]), "silent": np.array([False])}, pd.RangeIndex(1)).dtypes.tolist()
        [dtype('float64'), dtype('bool')]
    """
    import pandas as pd

    return pd.DataFrame({name: pd.Series(values, index, values.dtype) for name, values in columns.items()}, index)
