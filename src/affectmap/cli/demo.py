"""``affectmap demo``: the whole protocol on synthetic speech in five languages, spoken on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectmap.cli import options
from affectmap.cli.reproduce import command_line, run_and_save

#: Speech is resampled to it, in Hz: the rate of most speech corpora, and half the time at openSMILE.
SAMPLING_RATE = 16000


def demo_command(
    output: options.Output = Path("demo"),
    overwrite: options.Overwrite = False,
    seed: Annotated[int, typer.Option(help="Of speech, folds, weights and resamples.")] = 0,
    n_jobs: options.NJobs = None,
) -> None:
    """Speak five small corpora with espeak-ng, then do with them what `reproduce` does with real ones.

    Leaves DIR/speech (recordings and tables) and DIR/results (report.html and the rest). The speech is synthetic: it
    shows the pipeline and proves nothing about people.
    """
    options.require_training("demo")
    from affectmap.corpora.synthetic.recordings import NOTICE, speak_corpora
    from affectmap.experiment.config import make_config
    from affectmap.files import check_new_folder

    speech, results = output / "speech", output / "results"
    for folder in (speech, results):
        check_new_folder(folder, overwrite=overwrite)
    flags: dict[str, Any] = {"sampling_rate": SAMPLING_RATE, "seed": seed, "n_jobs": n_jobs, "synthetic": True}
    make_config(source=["checked=first"], **flags)  # before the time that speaking takes
    typer.echo(f"{NOTICE}\nspeaking five corpora into {speech}", err=True)
    tables = speak_corpora(speech, seed=seed, overwrite=overwrite)
    specs = [f"table:{name}={table}" for name, table in tables.items()]
    settings = make_config(source=specs[:1], target=specs[1:], **flags)
    run_and_save(settings, results, overwrite=overwrite, cache=output / "cache", command=command_line())
