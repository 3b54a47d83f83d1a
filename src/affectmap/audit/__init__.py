"""The audit: leaks, near-duplicates, confounded speakers and labels that do not fit."""
