"""Preparation: from a corpus to arrays that a model takes, with folds, outliers and normalisation."""
