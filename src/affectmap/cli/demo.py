"""``affectmap demo``: the whole protocol on synthetic speech in five languages, spoken on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectmap.cli import options
from affectmap.cli.progress import note
from affectmap.cli.reproduce import command_line, run_and_save
from affectmap.experiment.config import ExperimentConfig, make_config

#: Speech is resampled to it, in Hz: the rate of most speech corpora, and half the time at openSMILE.
SAMPLING_RATE = 16000


@options.verb(
    "affectmap demo -o demo",
    "affectmap demo --seed 1 --n-jobs 4 -o demo-1",
    settings=ExperimentConfig,
    names=("seed", "n_jobs"),
)
def demo_command(
    given: dict[str, Any],
    output: options.Output = Path("demo"),
    overwrite: options.Overwrite = False,
) -> None:
    """Run the whole protocol on synthetic speech: espeak-ng speaks five small corpora, reproduce does the rest.

    Leaves DIR/speech (recordings and tables) and DIR/results (report.html and the rest). The speech is synthetic: it
    shows the pipeline and proves nothing about people.
    """
    options.require_training("demo")
    from affectmap.corpora.synthetic.recordings import NOTICE, speak_corpora
    from affectmap.files import check_new_folder

    speech, results = output / "speech", output / "results"
    for folder in (speech, results):
        check_new_folder(folder, overwrite=overwrite)
    flags: dict[str, Any] = {"sampling_rate": SAMPLING_RATE, "synthetic": True, **given}
    seed = make_config(source=["checked=first"], **flags).seed  # before the time that speaking takes
    note(f"{NOTICE}\nspeaking five corpora into {speech}")
    tables = speak_corpora(speech, seed=seed, overwrite=overwrite)
    specs = [f"table:{name}={table}" for name, table in tables.items()]
    settings = make_config(source=specs[:1], target=specs[1:], **flags)
    run_and_save(settings, results, overwrite=overwrite, cache=output / "cache", command=command_line())


command = options.build(demo_command, "demo")
