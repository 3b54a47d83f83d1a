"""The model over HTTP, with a page for the browser: the same numbers as ``affectmap embed`` and ``affectmap track``.

``limits`` says what is let in, ``guard`` who, ``uploads`` and ``root`` take a recording, ``jobs`` has it measured,
``answers`` writes the result, ``app`` puts them together, and ``server`` listens.
"""

from affectmap.service.app import create_app
from affectmap.service.settings import ServiceSettings

__all__ = ["ServiceSettings", "create_app"]
