"""Names that every module shares: columns, emotions and the checks of an utterance table.

Conventions:
    * A *corpus* is a set of recordings; an *utterance* is one row of its table, indexed as in audformat by
      ``file``, ``start`` and ``end`` (``end`` is ``NaT`` where an utterance is the whole file).
    * ``activation`` (the field also says *arousal*) and ``valence`` are real numbers from 1 to 5, ``NaN``
      where nobody rated the utterance.
    * ``emotion`` is one of `Emotion`, or missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from importlib import resources
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from affectmap.errors import CorpusError, LabelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    #: Arrays; features are float32, sums float64, rows are numbered.
    Features = npt.NDArray[np.float32]
    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Objects = npt.NDArray[np.object_]

_ARRAYS = {"Features": "float32", "Floats": "float64", "Rows": "int64", "Mask": "bool_", "Objects": "object_"}
INDEX = ("file", "start", "end")
COLUMNS = ("emotion", "activation", "valence", "speaker", "session", "sex", "language")
LABELS = ("activation", "valence")
LABEL_RANGE = (1.0, 5.0)
#: Cells, in lower case, that say that nobody gave a number.
NO_NUMBER = frozenset({"", "nan", "na", "n/a", "<na>", "null", "none"})
#: Endings, in lower case, of recordings that libsndfile reads.
AUDIO_SUFFIXES = (
    ".aif", ".aifc", ".aiff", ".au", ".bwf", ".caf", ".flac", ".mp2", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd",
    ".sph", ".voc", ".w64", ".wav",
)  # fmt: skip
#: Endings of recordings that need the extra ``formats``; videos among them as phones and browsers make them.
FOREIGN_SUFFIXES = (
    ".3g2", ".3ga", ".3gp", ".aac", ".ac3", ".amr", ".ape", ".asf", ".avi", ".awb", ".dsf", ".dss", ".flv", ".m4a",
    ".m4b", ".m4r", ".m4v", ".mka", ".mkv", ".mov", ".mp4", ".mpc", ".mpeg", ".mpg", ".ogv", ".ra", ".rm", ".silk",
    ".spx", ".tta", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
#: Endings by which a file in a folder counts as a recording.
RECORDING_SUFFIXES = (*AUDIO_SUFFIXES, *FOREIGN_SUFFIXES)

#: What may measure a recording; `affectmap.features.engines` does. The corrected set is our own; whisper is what a
#: speech encoder makes of it, with the functionals behind.
Engine = Literal["egemaps", "opensmile", "egemaps-corrected", "whisper"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
DEFAULT_ENGINE: Final = "egemaps"
CORRECTED: Final = "egemaps-corrected"
WHISPER: Final = "whisper"
#: Rate in Hz at which functionals are taken unless another is asked for: that of most speech corpora.
USUAL_RATE = 16000

#: Features by default: the 88 functionals, measured here or columns of a table.
EGEMAPS = "egemaps"
#: The 88 eGeMAPSv02 functionals in openSMILE's order.
FUNCTIONALS: tuple[str, ...] = tuple(
    resources.files("affectmap").joinpath("functionals.txt").read_text(encoding="utf-8").split()
)
#: The layer of Whisper base that the engine whisper takes, and how many numbers it gives for a frame.
WHISPER_LAYER: Final = 3
WHISPER_DIM: Final = 512
#: What the engine whisper measures: the means of the encoder's numbers over time, then the functionals.
WHISPER_FEATURES: tuple[str, ...] = (*(f"mean_{number:03}" for number in range(WHISPER_DIM)), *FUNCTIONALS)


def __getattr__(name: str) -> object:
    """Give a type of arrays when it is asked for, so that help of the command line need not wait for NumPy."""
    if name not in _ARRAYS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import numpy as np
    import numpy.typing as npt

    array: Any = npt.NDArray
    return array[getattr(np, _ARRAYS[name])]


class Emotion(StrEnum):
    """Emotion classes that the supported corpora name; the first four are the ones that tables 1 to 4 use."""

    NEUTRAL = "neutral"
    SAD = "sad"
    HAPPY = "happy"
    ANGRY = "angry"
    FEAR = "fear"
    DISGUST = "disgust"
    SURPRISE = "surprise"
    BOREDOM = "boredom"
    CALM = "calm"
    EXCITED = "excited"
    FRUSTRATED = "frustrated"
    OTHER = "other"


#: Neutral, sad, happy, angry: N-S-H-A.
FOUR_CLASSES = (Emotion.NEUTRAL, Emotion.SAD, Emotion.HAPPY, Emotion.ANGRY)
#: Neutral, sad, angry: N-S-A.
THREE_CLASSES = (Emotion.NEUTRAL, Emotion.SAD, Emotion.ANGRY)
#: The paper's network and loss, or those of the code that its authors released.
Preset = Literal["paper", "authors-code"]


_ALIASES = {
    Emotion.NEUTRAL: "neu n",
    Emotion.SAD: "sadness sa",
    Emotion.HAPPY: "happiness hap joy",
    Emotion.ANGRY: "anger ang",
    Emotion.FEAR: "fearful fea afraid",
    Emotion.DISGUST: "disgusted dis",
    Emotion.SURPRISE: "surprised sur",
    Emotion.BOREDOM: "bored",
    Emotion.CALM: "calmness",
    Emotion.EXCITED: "exc excitement",
    Emotion.FRUSTRATED: "fru frustration",
    Emotion.OTHER: "oth xxx",
}
_EMOTION_OF = {name: emotion for emotion, names in _ALIASES.items() for name in (str(emotion), *names.split())}


def column_prefixes(features: str) -> tuple[str, ...] | None:
    """Tell which columns of tables are features, as the setting `features` has it.

    Args:
        features: ``columns``, ``columns:PREFIX``, or several prefixes with commas between them.

    Returns:
        What their names begin with; none for all columns with numbers; ``None`` if it names no columns.

    Example:
        >>> column_prefixes("columns:mean_,std_"), column_prefixes("columns"), column_prefixes("egemaps")
        (('mean_', 'std_'), (), None)
    """
    kind, colon, text = features.partition(":")
    prefixes = tuple(prefix.strip() for prefix in text.split(",")) if colon else ()
    return prefixes if kind == "columns" and all(prefixes) else None


def parse_emotion(name: str) -> Emotion:
    """Read an emotion's name as people write it in tables: case and common variants do not matter.

    Args:
        name: For example ``Anger``, ``angry`` or ``ang``.

    Returns:
        The emotion.

    Raises:
        CorpusError: If the name is not known; it is never guessed.

    Example:
        >>> parse_emotion("Happiness")
        <Emotion.HAPPY: 'happy'>
    """
    emotion = _EMOTION_OF.get(str(name).strip().lower())
    if emotion is None:
        raise CorpusError(f"unknown emotion {name!r}; expected one of {', '.join(sorted(Emotion))}")
    return emotion


def closest_emotion(name: str) -> Emotion | None:
    """Find the emotion that a misspelt name probably means, for messages only."""
    close = get_close_matches(name.strip().lower(), _EMOTION_OF, n=1, cutoff=0.75)
    return _EMOTION_OF[close[0]] if close else None


def text_of(cell: object) -> str | None:
    """Give a cell as text without spaces around it, ``None`` if it is empty; 1.0 is 1."""
    import pandas as pd

    if cell is None or cell is pd.NA or cell != cell:
        return None
    # A column of whole numbers with gaps arrives as 1.0, 2.0; speaker 1 is meant.
    if isinstance(cell, Real) and not isinstance(cell, Integral) and float(cell).is_integer():
        cell = int(float(cell))
    if isinstance(cell, bytes):  # a column of text that another program stored as binary
        cell = cell.decode("utf-8", "backslashreplace")
    return str(cell).strip() or None


_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:e[+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def parse_number(cell: object, *, decimal_comma: bool = False) -> float:
    """Read a number from a cell of a table.

    Args:
        cell: A text, a number, or ``None``.
        decimal_comma: Whether 1,234 is between one and two, and not refused because it may mean a thousand.

    Returns:
        The number; ``NaN`` where the cell says that nobody gave one.

    Raises:
        ValueError: If it is no number.

    Example:
        >>> parse_number("0,5"), parse_number("1,234", decimal_comma=True), parse_number("None")
        (0.5, 1.234, nan)
    """
    if isinstance(cell, Real) and not isinstance(cell, bool):
        return float(cell)
    text = "" if cell is None else str(cell).strip().lower()
    if _DECIMAL_COMMA.fullmatch(text) and (decimal_comma or not _THOUSANDS.fullmatch(text)):
        text = text.replace(",", ".")
    return math.nan if text in NO_NUMBER else float(text)


def parse_rating(cell: object, label: str) -> float:
    """Read a rating of activation or valence, from a cell of a table or a field of JSON.

    Args:
        cell: A text, a number, or ``None``.
        label: Its name, for the message.

    Returns:
        The rating, 1..5; ``NaN`` where nobody gave one: an empty cell, ``nan``, ``na`` and the like.

    Raises:
        LabelError: If it is no number, or lies outside 1..5; the reader adds file and line.

    Example:
        >>> parse_rating(" 3.5 ", "valence"), parse_rating("n/a", "valence")
        (3.5, nan)
        >>> parse_rating("7", "valence")
        Traceback (most recent call last):
        affectmap.errors.LabelError: valence is 7; expected a number from 1 to 5, or nothing
    """
    low, high = LABEL_RANGE
    expected = f"expected a number from {low:g} to {high:g}, or nothing"
    try:
        value = parse_number(cell, decimal_comma=True)  # no rating is a thousand
    except (ValueError, OverflowError):
        raise LabelError(f"{label} is {str(cell)[:40]!r}; {expected}") from None
    if math.isnan(value) or low <= value <= high:
        return value
    raise LabelError(f"{label} is {value:g}; {expected}")


class Finding(NamedTuple):
    """One thing found about a recording or a row, named and never passed over.

    Attributes:
        corpus: Name of the corpus.
        file: Path or name of the recording (or sheet) it is about; empty when it is about the corpus.
        kind: ``missing``, ``extra``, ``unreadable``, ``unlabelled``, ``outlier``, ``constant`` or ``note``.
        detail: One sentence for people: what is wrong and what was done about it.
        dropped: Whether the utterance takes no further part.
    """

    corpus: str
    file: str
    kind: str
    detail: str
    dropped: bool = False


def segmented_index(
    files: Sequence[str], starts: Iterable[object] | None = None, ends: Iterable[object] | None = None
) -> pd.MultiIndex:
    """Index rows of a table by utterance, as ``audformat.segmented_index`` does.

    Args:
        files: Paths, one a row.
        starts: Where each begins, in seconds, or as text with a unit or a time difference; by default at 0.
        ends: Where each ends; ``NaT`` or ``None``, the default, for the end of the file.

    Returns:
        The index: ``file`` as string, ``start`` and ``end`` as time differences in nanoseconds.

    Example:
        >>> segmented_index(["a.wav", "b.wav"], [0, 1.5], [None, 2])
        MultiIndex([('a.wav', '0 days 00:00:00.000000',               NaT),
                    ('b.wav', '0 days 00:00:01.500000', '0 days 00:00:02')],
                   names=['file', 'start', 'end'])
    """
    import pandas as pd

    def times(values: Iterable[object] | None, default: object) -> pd.TimedeltaIndex:
        """Read times: numbers are seconds."""
        listed: list[Any] = [default] * len(files) if values is None else list(values)
        try:
            read = pd.to_timedelta(listed, unit="s")
        except ValueError:  # texts with a unit of their own, such as 1s
            read = pd.to_timedelta(listed)
        return read.as_unit("ns")

    levels = [pd.Index(list(files), dtype="string"), times(starts, 0), times(ends, pd.NaT)]
    return pd.MultiIndex.from_arrays(levels, names=list(INDEX))


def validate_table(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Check an utterance table and give it every column in the shared order.

    Args:
        table: Rows indexed by ``file``, ``start``, ``end``; any of `COLUMNS`.
        origin: Where the table comes from, for messages.

    Returns:
        A copy with all of `COLUMNS`: text columns as ``object`` with ``None`` where missing or blank,
        ``activation`` and ``valence`` as ``float64`` with ``NaN`` where missing. Speaker 7 becomes ``"7"``.

    Raises:
        CorpusError: If the index differs, an utterance or a column is named twice, a column is unknown, or an
            emotion is not one of `Emotion`.
        LabelError: If a label lies outside 1..5.

    Example:
        >>> import pandas as pd
        >>> index = segmented_index(["a.wav"], [0], [1])
        >>> validate_table(pd.DataFrame({"emotion": ["sad"]}, index), "notes.csv")["emotion"].tolist()
        ['sad']
    """
    import pandas as pd

    if tuple(table.index.names) != INDEX:
        raise CorpusError(f"{origin}: expected rows indexed by file, start, end, got {list(table.index.names)}")
    if not all(pd.api.types.is_timedelta64_dtype(table.index.get_level_values(time)) for time in INDEX[1:]):
        raise CorpusError(
            f"{origin}: start and end must be times (Timedelta); make the index with affectmap.schema.segmented_index"
        )
    if not len(table):
        raise CorpusError(f"{origin}: the table has no rows; expected at least one utterance")
    repeated = table.index[table.index.duplicated()]
    if len(repeated):
        raise CorpusError(
            f"{origin}: {len(repeated)} utterances are named twice, first {repeated[0][0]}; name each once"
        )
    unknown = [column for column in table.columns if column not in COLUMNS]
    if unknown:
        raise CorpusError(f"{origin}: unknown columns {unknown}; expected some of {list(COLUMNS)}")
    if table.columns.has_duplicates:
        raise CorpusError(f"{origin}: columns {list(table.columns)} name one twice; keep one of them")
    checked = table.reindex(columns=list(COLUMNS))
    for column in COLUMNS:
        if column in LABELS:
            checked[column] = _checked_label(checked[column], origin)
        else:
            checked[column] = pd.Series([text_of(cell) for cell in checked[column]], checked.index, dtype=object)
    _check_emotions(checked["emotion"], origin)
    return checked


def _checked_label(values: pd.Series, origin: str) -> pd.Series:
    import pandas as pd

    read = []
    for (file, *_), cell in zip(values.index, values, strict=True):
        try:
            read.append(parse_number(cell))
        except ValueError:
            raise LabelError(
                f"{origin}: {values.name} of {file} is {cell!r}, not a number; correct or blank it"
            ) from None
    number = pd.Series(read, values.index, dtype="float64")
    low, high = LABEL_RANGE
    outside = number.notna() & ~number.between(low, high)
    if outside.any():
        n_outside = int(outside.sum())
        how_many = f"1 value of {values.name} lies" if n_outside == 1 else f"{n_outside} values of {values.name} lie"
        raise LabelError(
            f"{origin}: {how_many} outside {low:g}..{high:g}, first {number[outside].iloc[0]:g} for "
            f"{outside.index[outside][0][0]}; ratings must be on {low:g}..{high:g} (rescale 0..1 or -1..1 first); "
            f"correct or blank {'it' if n_outside == 1 else 'them'}"
        )
    return number


def _check_emotions(emotions: Iterable[str | None], origin: str) -> None:
    known = {str(emotion) for emotion in Emotion}
    strange = sorted({str(e) for e in emotions if e is not None} - known)
    if strange:
        raise CorpusError(
            f"{origin}: unknown emotions {', '.join(strange)}; expected some of {', '.join(sorted(known))}"
        )
