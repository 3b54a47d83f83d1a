"""Several raters: raw ratings, agreement, one value for each recording, and exchange with other programs.

The names are loaded when first used; ``agreement_table`` and ``warnings_of`` need the extra ``statistics``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from affectmap.agreement.estimators import estimates, gold_standard
    from affectmap.agreement.exchange import export_database, export_sheet, import_sheets
    from affectmap.agreement.ratings import last_revisions, read_ratings, read_raw, write_ratings
    from affectmap.agreement.table import agreement_table, warnings_of

__all__ = [
    "agreement_table",
    "estimates",
    "export_database",
    "export_sheet",
    "gold_standard",
    "import_sheets",
    "last_revisions",
    "read_ratings",
    "read_raw",
    "warnings_of",
    "write_ratings",
]

_HOME = {
    "estimators": ("estimates", "gold_standard"),
    "exchange": ("export_database", "export_sheet", "import_sheets"),
    "ratings": ("last_revisions", "read_ratings", "read_raw", "write_ratings"),
    "table": ("agreement_table", "warnings_of"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    module = next((module for module, names in _HOME.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module 'affectmap.agreement' has no attribute {name!r}")
    if module == "table":
        from affectmap.extras import require

        require(f"affectmap.agreement.{name}", "statistics", "scipy")
    return getattr(import_module(f"affectmap.agreement.{module}"), name)
