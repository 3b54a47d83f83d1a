"""Evaluation: how good a ready model is on a labelled corpus."""
