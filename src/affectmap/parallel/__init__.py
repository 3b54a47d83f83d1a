"""Parallel work: one map over threads, processes or a Dask cluster."""
