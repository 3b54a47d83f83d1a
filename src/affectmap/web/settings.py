"""Settings that every web application has, and one line for a value that is wrong."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

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


class PublicUrl(NamedTuple):
    """Where a proxy shows a web application to others.

    Attributes:
        origin: Scheme and host, with the port where it is not the usual one, as browsers write it.
        host: Name of the host, without a port.
        path: Path below which the application lies; empty, or from a slash on and without one at its end.
    """

    origin: str
    host: str
    path: str

    def __str__(self) -> str:
        return self.origin + self.path

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.origin.startswith("https:")


_USUAL_PORTS = {"http": 80, "https": 443}
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_URL_EXPECTED = "expected an address such as https://ratings.example.org or https://example.org/ratings"


def parse_public_url(text: str) -> PublicUrl:
    """Read the address under which a proxy shows a web application.

    Raises:
        UsageError: If it is no such address.

    Example:
        >>> str(parse_public_url("HTTPS://Ratings.example.org:443/study/"))
        'https://ratings.example.org/study'
    """
    problem = UsageError(f"--public-url is {text[:200]!r}; {_URL_EXPECTED}")
    try:
        parts = urlsplit(text)
        origin = origin_of(text)
    except ValueError as error:
        raise problem from error
    path = parts.path.rstrip("/")
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and text.isascii()
    if origin is None or not parts.hostname or not plain or not _PATH.fullmatch(path) or "/." in path:
        raise problem
    return PublicUrl(origin, parts.hostname, path)


def origin_of(address: str) -> str | None:
    """Write the origin of an address as browsers do, without the usual port; None where it has none.

    Example:
        >>> origin_of("https://Example.org:443/a"), origin_of("http://[::1]:8001"), origin_of("null")
        ('https://example.org', 'http://[::1]:8001', None)
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _USUAL_PORTS or not parts.hostname or re.search(r"[\s\\%<>]", parts.netloc):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _USUAL_PORTS[parts.scheme]) else f":{port}")


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
    is_object = kind in ("model_type", "model_attributes_type", "dict_type")  # which pydantic calls by Python's words
    expected = "expected an object" if is_object else _SHOULD_BE.sub("expected", error["msg"])
    given = _in_words(error["input"])
    return f"{name or 'the body'} is {given}; {expected}"


def _in_words(given: Any) -> str:  # noqa: ANN401 (whatever was sent)
    if given is None or isinstance(given, bool):
        return json.dumps(given)
    if isinstance(given, list | dict):
        return "a list" if isinstance(given, list) else "an object"
    return str(given)[:40].encode("utf-8", errors="replace").decode()  # lone surrogates cannot be sent
