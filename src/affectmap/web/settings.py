"""Settings that every web application has, and one line for a value that is wrong."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidatorFunctionWrapHandler, model_validator
from pydantic.dataclasses import dataclass

from affectmap.errors import ConfigError, UsageError
from affectmap.settings import CHECKED, Settings, Whole, fields_of

#: Names under which a browser on this machine asks for it.
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SHOULD_BE = re.compile(r"^\w+ should (be|have|match)\b")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ListenSettings(Settings):
    """Address and port of a web application."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Whole = Field(default=8000, ge=0, le=65535, description="port to listen on; 0 for a free one")

    @model_validator(mode="wrap")
    @classmethod
    def _options(cls, values: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 (pydantic's own types)
        """Name a setting as the option of the command line, the only way in which users give it."""
        try:
            return check(values)
        except ConfigError as error:
            name, _, rest = str(error).partition(" ")
            if name not in fields_of(cls):
                raise
            raise UsageError(f"--{name.replace('_', '-')} {rest}") from error

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the application."""
        return is_local(self.host)


def is_local(host: str) -> bool:
    """Tell whether only this machine can reach an address; a name that may lead anywhere is not local.

    Example:
        >>> is_local("127.0.0.1"), is_local("0.0.0.0"), is_local("example.org")
        (True, False, False)
    """
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def explain(error: Mapping[str, Any]) -> str:
    """Put an error of pydantic's into one line: what was given and what was expected.

    Example:
        >>> explain({"type": "less_than_equal", "loc": ("port",), "input": 70000, "msg": "Input should be at most 9"})
        'port is 70000; expected at most 9'
    """
    name, kind = ".".join(map(str, error["loc"])), error["type"]
    if kind == "value_error":  # raised by a check of ours, which says what was given
        return str(error["ctx"]["error"])
    if kind.startswith("missing"):
        return f"{name} is missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown field {name[:40]!r}"
    expected = _SHOULD_BE.sub("expected", error["msg"])
    given = str(error["input"])[:40].encode("utf-8", errors="replace").decode()  # lone surrogates cannot be sent
    return f"{name or 'the body'} is {given}; {expected}"
