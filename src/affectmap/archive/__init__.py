"""An archive: any number of recordings embedded into a folder of parquet parts, gone on with when interrupted."""

from __future__ import annotations

from affectmap.archive.embedding import Summary, embed_archive
from affectmap.archive.plan import PART_SIZE, Plan, open_plan

__all__ = ["PART_SIZE", "Plan", "Summary", "embed_archive", "open_plan"]
