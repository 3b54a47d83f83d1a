"""Several raters: raw ratings, agreement, one value for each recording, and exchange with other programs.

``agreement_table`` and ``warnings_of`` need the extra ``statistics`` and are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from affectmap.agreement.estimators import estimates, gold_standard
from affectmap.agreement.exchange import export_database, export_sheet, import_sheets
from affectmap.agreement.ratings import last_revisions, read_ratings, read_raw, write_ratings
from affectmap.agreement.speakers import add_speakers

if TYPE_CHECKING:
    from affectmap.agreement.table import agreement_table, warnings_of

__all__ = [
    "add_speakers",
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


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a function)
    if name not in ("agreement_table", "warnings_of"):
        raise AttributeError(f"module 'affectmap.agreement' has no attribute {name!r}")
    from affectmap.extras import require

    require(f"affectmap.agreement.{name}", "statistics", "scipy")
    from affectmap.agreement import table

    return getattr(table, name)
