"""Several raters: how far they agree, what they say together, and how their ratings come and go.

The steps, in order: `ratings` reads raw ratings (`cells`),
`table` measures agreement with `coefficients` and
`resampling`, `notices` says in words what is odd,
`estimators` makes one value an item, `summary` writes it all as
small tables, and `exchange` writes and reads what other programs use.

The names here are loaded when first used; ``agreement_table`` and ``warnings_of`` need the extra ``statistics``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from affectmap.agreement.estimators import estimates, gold_standard
    from affectmap.agreement.exchange import export_database, export_sheet, import_sheets
    from affectmap.agreement.notices import warnings_of
    from affectmap.agreement.ratings import last_revisions, read_ratings, read_raw, write_ratings
    from affectmap.agreement.table import agreement_table

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
    "agreement_table": "table",
    "estimates": "estimators",
    "export_database": "exchange",
    "export_sheet": "exchange",
    "gold_standard": "estimators",
    "import_sheets": "exchange",
    "last_revisions": "ratings",
    "read_ratings": "ratings",
    "read_raw": "ratings",
    "warnings_of": "notices",
    "write_ratings": "ratings",
}
#: Modules that compute with what the extra ``statistics`` brings.
_STATISTICS = ("notices", "table")


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    if name not in _HOME:
        raise AttributeError(f"module 'affectmap.agreement' has no attribute {name!r}")
    if _HOME[name] in _STATISTICS:
        from affectmap.extras import require

        require(f"affectmap.agreement.{name}", "statistics", "scipy")
    return getattr(import_module(f"affectmap.agreement.{_HOME[name]}"), name)
