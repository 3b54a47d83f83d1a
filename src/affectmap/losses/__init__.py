"""Losses that let a latent space follow continuous labels, for any PyTorch network.

Conventions:
    * ``loss(latent, label, weight=None)``: ``latent`` is ``(N, D)``, one row an utterance; ``label`` is ``(N,)`` or
      ``(N, L)`` in the same order; ``weight`` is ``(N,)``. Leading dimensions are batches apart.
    * A label that is ``NaN`` is missing; an utterance that lacks any of its labels takes part in no pair.
      That makes training *semi*-supervised.
    * A loss is a scalar. Where a batch has no usable pair, or its labels are all equal, it is exactly 0 and
      its gradient is 0: the batch has no metric term.

One loss a file; what they share stands in `affectmap.losses.base`.

Source of the default: Das, Lund, Lønfeldt, Pagsberg, Clemmensen (2022), "Continuous Metric Learning For Transferable
Speech Emotion Recognition and Embedding Across Low-resource Languages", NLDL, equations 2 to 5.
"""

from __future__ import annotations

from affectmap.losses.authors_code import AuthorsCodeLoss
from affectmap.losses.axis import AxisLoss
from affectmap.losses.base import LabelLoss
from affectmap.losses.continuous_metric import ContinuousMetricLoss
from affectmap.losses.distance_correlation import DistanceCorrelationLoss
from affectmap.losses.f_similarity import FSimilarityLoss
from affectmap.losses.linear_head import LinearHeadLoss
from affectmap.losses.linear_regression import LinearRegressionLoss
from affectmap.losses.log_ratio import LogRatioLoss
from affectmap.losses.metric_terms import MetricTerms, Preset, check_preset, check_split, metric_terms
from affectmap.losses.ordinal_triplet import OrdinalTripletLoss
from affectmap.losses.pair_ccc import PairCCCLoss
from affectmap.losses.pair_pearson import PairPearsonLoss
from affectmap.losses.rank_n_contrast import RankNContrastLoss
from affectmap.losses.ranksim import RankSimLoss
from affectmap.losses.sammon import SammonLoss
from affectmap.losses.split_latent import SplitLatentLoss
from affectmap.losses.stress import StressLoss
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
    "Preset",
    "RankNContrastLoss",
    "RankSimLoss",
    "SammonLoss",
    "SplitLatentLoss",
    "StressLoss",
    "YAwareInfoNCELoss",
    "check_preset",
    "check_split",
    "metric_terms",
]
