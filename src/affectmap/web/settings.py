"""Telling this machine's own addresses from those that others can reach."""

from __future__ import annotations

import ipaddress

#: Names under which a browser on this machine asks for it.
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    Args:
        host: A name or an address to listen on.

    Returns:
        True for ``localhost`` and loopback addresses; a name that may lead anywhere is not local.

    Example:
        >>> is_local("127.0.0.1"), is_local("0.0.0.0"), is_local("example.org")
        (True, False, False)
    """
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(host: str, port: int) -> str:
    """Write the address of a server as a browser takes it.

    Args:
        host: What it listens on.
        port: Its port.

    Returns:
        A URL without a path.

    Example:
        >>> address_of("::1", 8000)
        'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
