"""What a declaration of settings is: fields with default, range and description, checked when they are made.

Everything else about a setting is made from its declaration: the option and its help, the page of settings, the
reader of TOML, and the line that says what was expected.
"""

from __future__ import annotations

import inspect
import math
import reprlib
import types
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import ConfigDict, Strict, ValidationError, ValidatorFunctionWrapHandler, model_validator
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import ArgsKwargs, ErrorDetails, PydanticUndefined

from affectmap.errors import ConfigError

#: Types of settings; a text or a truth value is no number.
Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
Switch = Annotated[bool, Strict()]
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
#: Largest whole number that is taken: larger ones are no count of anything, and overflow elsewhere.
_MAX_WHOLE = 10**15 - 1
#: How every declaration is checked.
CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Settings:
    """Base of all declarations; a wrong value is a `ConfigError` of one line.

    Example:
        >>> from affectmap.model.settings import TrainingSettings
        >>> TrainingSettings(epochs=0)
        Traceback (most recent call last):
        affectmap.errors.ConfigError: epochs is 0; expected a whole number of 1 or more
    """

    #: Heading of the options that a class declares.
    panel: ClassVar[str] = "Options"

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, values: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 (pydantic's own types)
        if isinstance(values, ArgsKwargs):
            given = {name: _plain(value) for name, value in (values.kwargs or {}).items()}
            for name, value in given.items():
                _refuse_huge(name, value)
            values = ArgsKwargs(values.args, cls._completed(given))
        try:
            return check(values)
        except ValidationError as error:
            raise ConfigError(explain(cls, first_error(error))) from error

    @classmethod
    def _completed(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Add what depends on other settings, such as a preset's values."""
        return values


def _plain(value: object) -> object:
    """Make Python's own number of NumPy's."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _refuse_huge(name: str, value: object) -> None:
    if isinstance(value, int) and abs(value) > _MAX_WHOLE:
        n_digits = int(value.bit_length() * math.log10(2)) + 1
        raise ConfigError(f"{name} is a number of about {n_digits} digits; expected one of at most 15")
    for each in value if isinstance(value, (list, tuple)) else ():
        _refuse_huge(name, each)


def fields_of(declaration: type[Any]) -> dict[str, FieldInfo]:
    """Give the fields of a declaration by name.

    Example:
        >>> from affectmap.model.settings import TrainingSettings
        >>> fields_of(TrainingSettings)["noise_std"].default
        1.0
    """
    fields: dict[str, FieldInfo] = declaration.__pydantic_fields__
    return fields


def kind_of(field: FieldInfo | Any) -> Any:  # noqa: ANN401 (any type)
    """Give the type of a setting, or of an annotation, without ``None`` and without checks."""
    return _without_none(field.annotation if isinstance(field, FieldInfo) else field, [])[0]


def default_text(field: FieldInfo) -> str:
    """Write the default of a setting; empty where there is none to show.

    Example:
        >>> from affectmap.model.settings import TrainingSettings
        >>> [default_text(fields_of(TrainingSettings)[name]) for name in ("hidden_dims", "learning_rate", "losses")]
        ['40, 20, 10', '0.001', '']
    """
    value = field.default
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if value is None or value is PydanticUndefined or isinstance(value, bool):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def differing(settings: object, usual: object) -> dict[str, Any]:
    """Give the settings whose values differ from those of another object of the same declaration.

    Example:
        >>> from affectmap.model.settings import PAPER, TrainingSettings
        >>> differing(TrainingSettings(epochs=3), PAPER)
        {'epochs': 3}
    """
    return {name: value for name, value in vars(settings).items() if value != getattr(usual, name)}


def limits_of(field: FieldInfo) -> str:
    """Write the range of a setting that is a number: ``1 or more``, ``above 0``, ``0 to 1``.

    Example:
        >>> from affectmap.model.settings import TrainingSettings
        >>> limits_of(fields_of(TrainingSettings)["epochs"])
        '1 or more'
    """
    kind, metadata = _without_none(field.annotation, field.metadata)
    return _limits(metadata).strip().removeprefix("of ").removeprefix("from ") if kind in (int, float) else ""


def expected(field: FieldInfo) -> str:
    """Say what values a setting takes.

    Example:
        >>> from affectmap.model.settings import TrainingSettings
        >>> expected(fields_of(TrainingSettings)["learning_rate"])
        'a number above 0'
    """
    return _expected(field.annotation, field.metadata)


def _expected(kind: Any, metadata: list[Any]) -> str:  # noqa: ANN401 (any annotation)
    kind, metadata = _without_none(kind, metadata)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin in (list, tuple):
        each = _expected(arguments[0], [])
        least = next((" with at least one item" for one in metadata if isinstance(one, MinLen)), "")
        return f"a list{least}, each item {each}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(kind, "a path") + _limits(metadata)


def _without_none(kind: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:  # noqa: ANN401 (any annotation)
    """Take ``None`` and wrappings off an annotation; what it carries joins the metadata."""
    found = list(metadata)
    while True:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            kind = next(each for each in arguments if each is not types.NoneType)
        elif origin is Annotated:
            kind, *more = arguments
            found += more
        else:
            return kind, [part for one in found for part in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _limits(metadata: list[Any]) -> str:
    def bound(kind: type, attribute: str) -> Any:  # noqa: ANN401 (a number, or nothing)
        return next((getattr(one, attribute) for one in metadata if isinstance(one, kind)), None)

    least, above, most, below = bound(Ge, "ge"), bound(Gt, "gt"), bound(Le, "le"), bound(Lt, "lt")
    if most is None and below is not None and isinstance(below, int):
        most = below - 1
    if least is not None:
        return f" of {least:g} or more" if most is None else f" from {least:g} to {most}"
    if above is not None:
        return f" above {above:g}" + ("" if most is None else f", at most {most}")
    return ""


def first_error(error: ValidationError) -> ErrorDetails:
    """Choose the error to report: what is missing comes last, since a misspelt name may be the reason for it."""
    return min(error.errors(), key=lambda one: one["type"].startswith("missing"))


def explain(declaration: type[Settings], error: ErrorDetails) -> str:
    """Say in one line what was given and what was expected."""
    fields, location = fields_of(declaration), error["loc"]
    name = str(location[0]) if location else ""
    if error["type"].startswith("missing"):
        return f"{name} is not given; expected {expected(fields[name])}"
    if name not in fields:
        close = get_close_matches(name, fields, n=1)
        return f"unknown setting {name}; " + (
            f"did you mean {close[0]}?" if close else f"known are {', '.join(fields)}"
        )
    if message := error.get("ctx", {}).get("error"):  # raised by a check of ours, which says what was given
        return str(message)
    where = "".join(f"[{part}]" for part in location[1:] if isinstance(part, int))
    return f"{name}{where} is {shortened(error['input'])}; expected {_expected_at(fields[name], len(where) > 0)}"


def shortened(value: object) -> str:
    """Write a value that was given, without the end of one that is long or nested deeply.

    Example:
        >>> shortened([0] * 100)
        '[0, 0, 0, 0, 0, 0, ...]'
    """
    return _SHORT.repr(value)


def _expected_at(field: FieldInfo, within: bool) -> str:
    if not within:
        return expected(field)
    kind, _ = _without_none(field.annotation, [])
    return _expected(get_args(kind)[0], [])


def panel_of(declaration: type[Any], name: str) -> str:
    """Give the heading under which a setting stands: that of the class that declares it.

    Example:
        >>> from affectmap.model.settings import FitSettings
        >>> panel_of(FitSettings, "noise_std")
        'Network and training'
    """
    owner = next(each for each in reversed(declaration.__mro__) if name in inspect.get_annotations(each))
    return str(getattr(owner, "panel", "Options"))
