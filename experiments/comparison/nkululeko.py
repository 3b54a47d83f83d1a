"""Do the work of the comparison with nkululeko, in an environment of its own, as its INI files ask for it."""

from __future__ import annotations

import resource
import subprocess
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pandas as pd

#: openSMILE's eGeMAPSv02 and the classifier of the other rows; its scaler is fitted on the training recordings.
_SETTINGS = {
    "FEATS": {"type": "['os']", "scale": "standard"},
    "MODEL": {"type": "svm", "kernel": "linear", "C_val": "0.1", "class_weight": "True"},
}


def version_of(python: str) -> str:
    """Say which nkululeko an interpreter has.

    Raises:
        SystemExit: If it has none.
    """
    asked = [python, "-c", "from importlib.metadata import version; print(version('nkululeko'))"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{python} has no nkululeko; make an environment, pip install nkululeko, and name its python")
    return answer.stdout.strip()


def predicted(python: str, train: pd.DataFrame, test: pd.DataFrame, place: Path) -> tuple[np.ndarray, float]:
    """Train on some recordings, predict others.

    Args:
        python: Interpreter of an environment with nkululeko.
        train: Recordings with columns file, emotion and speaker.
        test: Others, alike.
        place: Folder for the run, which does not exist yet.

    Returns:
        A class for each row of `test`, and seconds of the processor that the whole command took.

    Raises:
        SystemExit: If the command fails, with the end of what it said.
    """
    place.mkdir(parents=True)
    settings = ConfigParser()
    settings.optionxform = str  # type: ignore[assignment, method-assign]
    data = {"databases": "['train', 'test']", "target": "emotion", "labels": str(sorted(set(train["emotion"])))}
    for name, rows in (("train", train), ("test", test)):
        rows.assign(gender="unknown").to_csv(place / f"{name}.csv", index=False)
        data |= {name: str(place / f"{name}.csv"), f"{name}.type": "csv"}
        data |= {f"{name}.absolute_path": "True", f"{name}.split_strategy": name}
    experiment = {"root": f"{place}/", "name": "run", "runs": "1", "epochs": "1"}
    settings.read_dict({"EXP": experiment, "DATA": data, **_SETTINGS})
    with (place / "run.ini").open("w") as file:
        settings.write(file)
    before = _seconds_of_children()
    ended = subprocess.run(
        [python, "-m", "nkululeko.nkululeko", "--config", str(place / "run.ini")],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = _seconds_of_children() - before
    found = sorted(place.glob("run/results/run_0/pred_*.csv"))
    if ended.returncode or len(found) != 1:
        said = (ended.stdout + ended.stderr)[-2000:]
        raise SystemExit(
            f"nkululeko ended with {ended.returncode} and wrote {len(found)} tables of predictions:\n{said}"
        )
    classes = pd.read_csv(found[0]).set_index("file")["predicted"]
    return classes.loc[test["file"]].to_numpy(dtype=str), seconds


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
