"""Speech in any language to a small, readable affect space: activation and valence.

The names here are loaded when first used. Scores, folds and `Embedder` need the extra ``statistics`` (SciPy and
scikit-learn), fitting an `Embedder` and `affectmap.losses` the extra ``train`` (PyTorch).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# onnxruntime 1.29 and later report sessions to their maker unless told not to before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from affectmap.corpora import Corpus, load_corpus
    from affectmap.errors import AffectmapError
    from affectmap.evaluation.scoring import Evaluation, score
    from affectmap.features.functionals import extract_functionals
    from affectmap.model.embedder import Embedder
    from affectmap.model.model import Model, load_model
    from affectmap.preparation.folds import Fold, speaker_folds
    from affectmap.preparation.standardisation import outlier_mask, standardise_target
    from affectmap.schema import FUNCTIONALS, Emotion, Finding
    from affectmap.stats.intervals import speaker_interval
    from affectmap.stats.metrics import adjusted_r2, pairwise_adjusted_r2, sampled_pairwise_adjusted_r2, uar

__version__ = "0.2.0"
__all__ = [
    "FUNCTIONALS",
    "AffectmapError",
    "Corpus",
    "Embedder",
    "Emotion",
    "Evaluation",
    "Finding",
    "Fold",
    "Model",
    "__version__",
    "adjusted_r2",
    "extract_functionals",
    "load_corpus",
    "load_model",
    "outlier_mask",
    "pairwise_adjusted_r2",
    "sampled_pairwise_adjusted_r2",
    "score",
    "speaker_folds",
    "speaker_interval",
    "standardise_target",
    "uar",
]

_HOME = {
    "FUNCTIONALS": "schema",
    "AffectmapError": "errors",
    "Corpus": "corpora",
    "Embedder": "model.embedder",
    "Emotion": "schema",
    "Evaluation": "evaluation.scoring",
    "Finding": "schema",
    "Fold": "preparation.folds",
    "Model": "model.model",
    "adjusted_r2": "stats.metrics",
    "extract_functionals": "features.functionals",
    "load_corpus": "corpora",
    "load_model": "model.model",
    "outlier_mask": "preparation.standardisation",
    "pairwise_adjusted_r2": "stats.metrics",
    "sampled_pairwise_adjusted_r2": "stats.metrics",
    "score": "evaluation.scoring",
    "speaker_folds": "preparation.folds",
    "speaker_interval": "stats.intervals",
    "standardise_target": "preparation.standardisation",
    "uar": "stats.metrics",
}

#: Packages whose own names are meant for users, such as `affectmap.track.track`.
_ROOMS = ("losses", "track")
#: Modules that compute with what the extra ``statistics`` brings.
_STATISTICS = ("model.embedder", "preparation.folds", "stats.metrics")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, *globals()} - {"TYPE_CHECKING", "Any", "annotations", "import_module", "os"})


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    if name in _ROOMS:
        return import_module(f"affectmap.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'affectmap' has no attribute {name!r}")
    if _HOME[name] in _STATISTICS:
        from affectmap.extras import require

        require(f"affectmap.{name}", "statistics", "scipy", "sklearn")
    return getattr(import_module(f"affectmap.{_HOME[name]}"), name)
