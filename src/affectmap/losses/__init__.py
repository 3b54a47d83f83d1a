"""Losses that let a latent space follow continuous labels, for any PyTorch network.

Conventions:
    * ``loss(latent, label, weight=None)``: ``latent`` is ``(N, D)``, one row an utterance; ``label`` is ``(N,)`` or
      ``(N, L)`` in the same order; ``weight`` is ``(N,)``. Leading dimensions are batches apart.
    * A label that is ``NaN`` is missing; an utterance that lacks any of its labels takes part in no pair.
    * A loss is a scalar, exactly 0 with gradient 0 where a batch has no usable pair or its labels are all equal.
"""

from __future__ import annotations

from affectmap.losses.axis import AxisLoss
from affectmap.losses.base import LabelLoss
from affectmap.losses.continuous_metric import (
    AuthorsCodeLoss,
    ContinuousMetricLoss,
    MetricTerms,
    SplitLatentLoss,
    check_preset,
    metric_gradient,
    metric_terms,
)
from affectmap.losses.distance_correlation import DistanceCorrelationLoss
from affectmap.losses.f_similarity import FSimilarityLoss
from affectmap.losses.linear_head import LinearHeadLoss
from affectmap.losses.linear_regression import LinearRegressionLoss
from affectmap.losses.log_ratio import LogRatioLoss
from affectmap.losses.ordinal_triplet import OrdinalTripletLoss
from affectmap.losses.pair_agreement import PairCCCLoss, PairPearsonLoss
from affectmap.losses.rank_n_contrast import RankNContrastLoss
from affectmap.losses.ranksim import RankSimLoss
from affectmap.losses.stress import SammonLoss, StressLoss
from affectmap.losses.y_aware_infonce import YAwareInfoNCELoss

#: Losses by the short names that options take.
LOSSES: dict[str, type[LabelLoss]] = {
    "authors-code": AuthorsCodeLoss,
    "axis": AxisLoss,
    "distance-correlation": DistanceCorrelationLoss,
    "elr": LinearRegressionLoss,
    "f-similarity": FSimilarityLoss,
    "linear-head": LinearHeadLoss,
    "log-ratio": LogRatioLoss,
    "ordinal-triplet": OrdinalTripletLoss,
    "pair-ccc": PairCCCLoss,
    "pair-pearson": PairPearsonLoss,
    "paper": ContinuousMetricLoss,
    "rank-n-contrast": RankNContrastLoss,
    "ranksim": RankSimLoss,
    "sammon": SammonLoss,
    "split-latent": SplitLatentLoss,
    "stress": StressLoss,
    "y-aware-infonce": YAwareInfoNCELoss,
}

__all__ = [
    "LOSSES",
    "AuthorsCodeLoss",
    "AxisLoss",
    "ContinuousMetricLoss",
    "DistanceCorrelationLoss",
    "FSimilarityLoss",
    "LabelLoss",
    "LinearHeadLoss",
    "LinearRegressionLoss",
    "LogRatioLoss",
    "MetricTerms",
    "OrdinalTripletLoss",
    "PairCCCLoss",
    "PairPearsonLoss",
    "RankNContrastLoss",
    "RankSimLoss",
    "SammonLoss",
    "SplitLatentLoss",
    "StressLoss",
    "YAwareInfoNCELoss",
    "check_preset",
    "metric_gradient",
    "metric_terms",
]
