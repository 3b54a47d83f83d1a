"""What is read and how it is prepared: the settings of corpora, features, standardisation and folds, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from affectmap.errors import UsageError
from affectmap.features.encoders.weights import parse_encoder
from affectmap.schema import CORRECTED, DEFAULT_ENGINE, EGEMAPS, USUAL_RATE, WHISPER, column_prefixes
from affectmap.settings import CHECKED, Real, Settings, Switch, Whole

#: Features that affectmap measures itself.
MEASURED = (EGEMAPS, CORRECTED, WHISPER)


def _known_features(text: str) -> str:
    if text not in MEASURED and column_prefixes(text) is None:
        try:
            parse_encoder(text)
        except UsageError as error:
            raise ValueError(str(error)) from error
    return text


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CorpusSettings(Settings):
    """Which corpora are read, and what is measured of them."""

    panel: ClassVar[str] = "Corpora and features"

    source: list[str] = Field(
        min_length=1, description="corpus to train on: emodb=DIR, table:NAME=FILE; several are pooled"
    )
    target: list[str] = Field(default=[], description="corpus to evaluate on, beside the source")
    labels: Path | None = Field(default=None, description="folder of activation and valence sheets")
    excited_as_happy: Switch = Field(default=True, description="count IEMOCAP's excited as happy, or leave it apart")
    emotions: Literal["auto", "all", "four"] = Field(
        default="auto",
        description="utterances of a source; four: neutral, sad, happy, angry; auto: four on IEMOCAP, as in the paper",
    )
    features: Annotated[str, AfterValidator(_known_features)] = Field(
        default=EGEMAPS,
        description="egemaps, or egemaps-corrected with true formants and harmonics; whisper for those of the model "
        "of that name; columns of tables with numbers, "
        "or columns:PREFIX for some of them; encoder:MODEL@LAYERS:POOLING for what a speech encoder measures",
    )
    engine: Literal["egemaps", "opensmile"] = Field(
        default=DEFAULT_ENGINE,
        description="what measures the functionals: affectmap's own code, or openSMILE, which the extra of that name "
        "brings",
    )
    sampling_rate: Whole = Field(
        default=USUAL_RATE, ge=2000, description="rate in Hz to which recordings are resampled before measuring"
    )
    strict: Switch = Field(default=False, description="stop at the first unusable recording")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PreparationSettings(CorpusSettings):
    """How corpora become arrays that a model takes, and how they are split."""

    panel: ClassVar[str] = "Preparation and folds"

    outlier_threshold: Real = Field(default=10.0, gt=0, description="drop utterances with any |z| above it")
    policy: Literal["source", "target-20", "target-all", "speaker"] = Field(
        default="target-20", description="normalisation policy: whose statistics standardise the targets"
    )
    folds: Literal["auto", "speaker", "session", "stratified", "corpus"] = Field(
        default="auto",
        description="how the source is split; auto: by session where there are sessions, else by speaker; "
        "stratified folds share speakers",
    )
    n_folds: Whole = Field(default=5, ge=2, description="folds by speaker, or stratified")
    seed: Whole = Field(default=0, ge=0, lt=2**31, description="seed of folds, statistics and weights")
    n_jobs: Whole | None = Field(default=None, ge=1, description="cores to use; all if not given")
