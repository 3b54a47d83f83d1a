"""``affectmap reproduce`` as a user runs it: what it leaves, what it says, and how it ends when something is wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.files import new_folder
from affectmap.model.embedder import Embedder
from affectmap.schema import FUNCTIONALS
from corpus_files import (
    FAST,
    make_rows,
    read_sheet,
    tree,
    write_emodb,
    write_settings,
    write_sheet,
    write_table,
    write_tone,
)

NO_TRACE = ("Traceback", "Error:", "Warning")


@pytest.fixture
def reproduce(affectmap):
    """Run the command; it leaves nothing half written, and nothing at all when it fails."""

    def run(*arguments):
        before = tree(Path.cwd())
        outcome = affectmap("reproduce", *arguments)
        new = tree(Path.cwd()) - before
        assert not [name for name in new if ".part" in name]
        assert not any(trace in outcome.err for trace in NO_TRACE), outcome.err
        if outcome.code:
            assert outcome.out == ""
            assert {Path(name).parts[0] for name in new} <= {"cache"}
        return outcome

    return run


@pytest.fixture
def no_figures(monkeypatch):
    """Leave the report without its figures, most of its time."""
    monkeypatch.setattr("affectmap.report.draw_figures", lambda *arguments: defaultdict(list))


@pytest.fixture
def recordings(here):
    """EMO-DB made of tones, its sheet, and the arguments that name both."""
    write_settings(here / "fast.toml", **FAST)
    write_emodb(here)
    return ["--config", "fast.toml", "--source", "emodb=emodb", "--labels", "labels"]


def findings(folder="results"):
    table = pd.read_csv(Path(folder, "tables", "findings.csv"), keep_default_na=False)
    return {Path(row["file"]).name: row["detail"] for row in table.to_dict("records") if row["dropped"]}


@pytest.mark.slow
def test_a_run_leaves_report_tables_figures_and_models_and_prints_tables_and_nothing_else(process, tables, here):
    code, out, err = process("reproduce", *tables)
    assert code == 0
    lines = [line for line in err.splitlines() if "its functionals are columns of a table" not in line]
    assert len(lines) == len(err.splitlines()) - 2
    assert lines == [
        "birds: 32 utterances found, 0 dropped, 32 used, 32 rated",
        "cats: 24 utterances found, 0 dropped, 24 used, 24 rated",
        "training 3 models",
        "scoring 8 embeddings",
        "writing the report",
    ]
    assert out.startswith("Note: birds: its functionals are columns of a table; ")
    assert "\nTable 1. Distances explained by label distances (adjusted R²), held-out fold of the source\n" in out
    assert [line[:8] for line in out.splitlines() if line.startswith("Table")] == [
        "Table 1.",
        "Table 3.",
        "Table 4.",
        "Table 4,",
    ]
    assert out.endswith(f"\nreport: {here}/results/report.html\n")
    assert {path.name for path in Path("results").iterdir()} == {
        ".affectmap",
        "report.html",
        "utterances.parquet",
        "features.parquet",
        "tables",
        "figures",
        "models",
    }
    assert "\x1b" not in out
    page = Path("results/report.html").read_text()
    assert "birds" in page
    assert "cats" in page
    about = json.loads(Path("results/tables/settings.json").read_text())
    assert about["settings"]["epochs"] == 2
    assert about["command"] == " ".join(["affectmap", "reproduce", *tables])
    rows = make_rows()[list(FUNCTIONALS)]
    place = Embedder.load("results/models/dae-metric-joint/all").transform(rows)
    assert place.shape == (len(rows), 2)


def contents(folder):
    """Every file's bytes, but for what tells the time it took."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
        and path.name not in (".affectmap", "settings.json", "report.html")
        and path.suffix not in (".png", ".svg")
    }


@pytest.mark.slow
def test_the_same_command_twice_leaves_the_same_bytes(reproduce, tables, no_figures):
    for _ in range(2):
        assert reproduce(*tables, "-o", "again", "--overwrite").code == 0
        shutil.copytree("again", f"copy{_}")
    one, two = contents("copy0"), contents("copy1")
    assert one == two
    assert {"tables/runs.csv", "tables/table3.json", "models/dae-metric-joint/all/weights.safetensors"} <= set(one)
    first, second = (json.loads(Path(copy, "tables/settings.json").read_text()) for copy in ("copy0", "copy1"))
    del first["timings"], second["timings"]
    assert first == second


def test_flags_go_over_the_settings_file_and_its_paths_are_its_own(reproduce, here, tables, no_figures):
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    write_table(elsewhere, "owls", make_rows(seed=5))
    write_settings(elsewhere / "run.toml", **{**FAST, "source": ["table:owls=owls.parquet"], "seed": 3})
    assert reproduce("--config", "elsewhere/run.toml", "--epochs", 1, "--method", "activation").code == 0
    settings = json.loads(Path("results/tables/settings.json").read_text())["settings"]
    assert (settings["epochs"], settings["seed"], settings["methods"]) == (1, 3, ["activation"])
    assert settings["source"] == ["table:owls=elsewhere/owls.parquet"]


def test_bad_recordings_are_listed_with_reasons_and_the_run_goes_on(reproduce, recordings, no_figures):
    wav = Path("emodb/wav")
    sound = (wav / "03a01Wa.wav").read_bytes()
    written = {
        "03a02Wa.wav": b"",
        "03a02Wb.wav": b"no audio " * 20,
        "03a02Wc.wav": sound[: len(sound) // 2],
        "03a02Wd.wav": sound[:30],
    }
    for name, content in written.items():
        (wav / name).write_bytes(content)
    soundfile.write(wav / "03a02Na.wav", np.zeros(0), 16000)
    soundfile.write(wav / "03a02Nb.wav", np.zeros(4800), 16000)
    soundfile.write(wav / "03a02Nc.wav", np.full(4800, np.nan, np.float32), 16000, subtype="FLOAT")
    write_tone(wav / "03a02Nd.wav", seconds=0.059)
    (wav / "03a02Ne.wav").symlink_to("gone.wav")
    code, _, err = reproduce(*recordings)
    assert code == 0
    assert "emodb: 25 utterances found, 9 dropped (unreadable 9), 16 used, 16 rated" in err.splitlines()
    reasons = {
        "03a02Wa.wav": "empty (0 bytes)",
        "03a02Wb.wav": "broken, or not audio",
        "03a02Wc.wav": "cut short",
        "03a02Wd.wav": "broken, or not audio",
        "03a02Na.wav": "holds no samples",
        "03a02Nb.wav": "silent",
        "03a02Nc.wav": "4800 of 4800 samples are NaN or infinity",
        "03a02Nd.wav": "expected at least 0.06 s",
        "03a02Ne.wav": "there is no such file",
    }
    listed = findings()
    assert listed.keys() == reasons.keys()
    page = Path("results/report.html").read_text()
    for name, reason in reasons.items():
        assert reason in listed[name]
        assert name in page
    assert reproduce(*recordings, "--strict", "-o", "strict").error.startswith(str(wav.resolve()))


def test_a_recording_a_little_longer_than_the_shortest_is_used(affectmap, recordings):
    write_tone(Path("emodb/wav/03a02Wa.wav"), seconds=0.1)
    assert "17 utterances found, 0 dropped, 17 used, 16 rated" in affectmap("train", *recordings).err


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("emodb=nowhere", 1, "{here}/nowhere does not exist; expected the folder of a corpus"),
        ("emodb=fast.toml", 1, "{here}/fast.toml is a file; expected the folder of a corpus"),
        (
            "emodb=empty",
            1,
            "{here}/empty holds no recordings; expected files such as *.wav, in it or in its subfolders",
        ),
        (
            "emodb=notes",
            1,
            "{here}/notes holds no recordings; expected files such as *.wav, in it or in its subfolders",
        ),
        ("table:a=none.csv", 1, "{here}/none.csv does not exist; expected a table, .csv, .tsv or .parquet"),
        ("table:a=notes", 1, "{here}/notes is a folder; expected a table, .csv, .tsv or .parquet"),
        ("emodb", 2, "cannot read corpus 'emodb'; expected NAME=DIR"),
        ("=x", 2, "cannot read corpus '=x'; expected NAME=DIR"),
        ("emdb=empty", 2, "unknown corpus 'emdb' (did you mean emodb?); "),
    ],
)
def test_a_source_that_is_none(reproduce, here, source, code, line):
    write_settings(here / "fast.toml", **FAST)
    (here / "empty").mkdir()
    (here / "notes").mkdir()
    (here / "notes" / "a.txt").write_text("no sound")
    outcome = reproduce("--config", "fast.toml", "--source", source)
    assert outcome.code == code
    assert outcome.error.startswith(line.format(here=here))
    assert len(outcome.err.splitlines()) == 1


def test_another_corpus_is_recognised(reproduce, recordings):
    outcome = reproduce("--source", "urdu=emodb")
    assert outcome.code == 1
    assert outcome.error.endswith("it looks like EMO-DB: use emodb=emodb")


def test_a_corpus_of_silence(reproduce, recordings, here):
    for file in Path("emodb/wav").iterdir():
        soundfile.write(file, np.zeros(4800), 16000)
    outcome = reproduce(*recordings)
    assert outcome.code == 1
    assert outcome.error.startswith("emodb: none of its 16 utterances can be used: ")
    assert "silent" in outcome.error


def edited(line, **labels):
    """A line of the sheet with other labels."""
    name, activation, valence = line.split(",")
    return f"{name},{labels.get('activation', activation)},{labels.get('valence', valence)}"


SHEETS = {
    "a column too few": (
        lambda lines: lines,
        "filename,activation,pleasure",
        "emodb: no utterance has a rating of activation and valence; give its label sheet",
    ),
    "a misspelt column": (
        lambda lines: lines,
        "text,activation,valence",
        "EMO_DB.csv has no column for file",
    ),
    "out of range": (
        lambda lines: [edited(lines[0], activation="7"), *lines[1:]],
        None,
        "EMO_DB.csv, line 2: activation is 7; expected a number from 1 to 5, or nothing",
    ),
    "no number": (lambda lines: [edited(lines[0], valence="high"), *lines[1:]], None, "'high'"),
    "named twice": (
        lambda lines: [*lines, edited(lines[0], activation="4.75")],
        None,
        "03a01Na.wav",
    ),
    "other recordings": (lambda lines: [f"x{line}" for line in lines], None, "EMO_DB.csv"),
    "no lines": (lambda lines: [], None, "EMO_DB.csv"),
    "all equal": (
        lambda lines: [edited(line, activation="3") for line in lines],
        None,
        "emodb: activation is 3 for all 16 utterances; give its label sheet with --labels, or, in a table, "
        "columns activation and valence; or leave the method joint out",
    ),
}


@pytest.mark.parametrize("case", SHEETS)
def test_a_bad_label_sheet_is_one_line(reproduce, recordings, here, case):
    edit, header, line = SHEETS[case]
    write_sheet(here, edit(read_sheet(here)), **({"header": header} if header else {}))
    outcome = reproduce(*recordings)
    assert outcome.code == 1
    assert line in outcome.error


def test_a_folder_of_sheets_that_is_missing_or_empty(reproduce, recordings, here):
    shutil.rmtree("labels")
    outcome = reproduce(*recordings)
    assert outcome.error == f"{here}/labels does not exist; expected a folder of label sheets such as EMO_DB.csv"
    outcome = reproduce(*recordings[:-2])
    assert outcome.error.startswith("emodb: no utterance has a rating of activation and valence; give its label sheet")
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ([], 2, "no source is given; add --source NAME=DIR, or source = [...] to the settings file"),
        (["--config", "none.toml"], 2, "none.toml does not exist; expected a TOML file of settings"),
        (["--config", "typo.toml"], 2, "typo.toml: unknown setting epoch; did you mean epochs?"),
        (["--config", "type.toml"], 2, "type.toml: epochs is 'three'; expected a whole number of 1 or more"),
        (
            ["--source", "table:birds=birds.parquet", "--method", "x"],
            2,
            "methods[0] is 'x'; expected one of unsupervised",
        ),
        (
            ["--source", "table:birds=birds.parquet", "--n-folds", 1],
            2,
            "n_folds is 1; expected a whole number of 2 or more",
        ),
        (
            ["--source", "table:birds=birds.parquet", "--source", "table:birds=cats.parquet"],
            2,
            "corpus birds is given twice; a corpus is one source or one target",
        ),
        (
            ["--source", "table:cats=cats.parquet"],
            1,
            "cats: speakers are too few, 3 for 5 folds; use --n-folds 3, or --folds stratified",
        ),
        (["--source", "table:birds=birds.parquet", "--folds", "corpus"], 1, "folds by corpus need two sources or more"),
        (["--source", "table:birds=birds.parquet", "--folds", "session"], 1, "birds names no sessions"),
        (
            ["--source", "table:birds=birds.parquet", "--outlier-threshold", 1e-3],
            1,
            "birds: all 32 utterances are outliers",
        ),
        (
            ["--source", "table:birds=birds.parquet", "--target", "table:one=one.parquet"],
            1,
            "one has no neutral, no happy, no angry",
        ),
    ],
)
def test_settings_that_cannot_be(reproduce, tables, here, arguments, code, line):
    write_settings(here / "typo.toml", epoch=3)
    write_settings(here / "type.toml", source=["a=b"], epochs="three")
    write_table(here, "one", make_rows().assign(emotion="sad"))
    outcome = reproduce(*arguments)
    assert outcome.code == code
    assert outcome.error.startswith(line)


@pytest.mark.parametrize("role", ["--source", "--target"])
def test_a_corpus_without_a_class_is_noted_and_run_with_the_others(reproduce, tables, here, role, no_figures):
    write_table(here, "owls", make_rows(emotions=("neutral", "sad", "happy"), seed=3))
    both = {
        "--source": "table:birds=birds.parquet",
        "--target": "table:cats=cats.parquet",
        role: "table:owls=owls.parquet",
    }
    arguments = [word for option, spec in both.items() for word in (option, spec)]
    code, out, err = reproduce("--config", "fast.toml", *arguments)
    note = "owls has no angry utterances; it is classified as N-S-H and N-S."
    assert code == 0
    assert f"note: {note}" in err.splitlines()
    assert f"Note: {note}" in out
    rows = [line.split()[1] for line in out.splitlines() if line.startswith("owls")]
    assert {"N-S-H", "N-S"} <= set(rows)
    page = Path("results/report.html").read_text()
    assert note in page
    assert "N-S-H" in page.replace("N-S-H-A", "")


def test_a_constant_feature_is_listed_and_harms_nothing(reproduce, tables, here, no_figures):
    write_table(here, "birds", make_rows().assign(**{FUNCTIONALS[3]: 1.0}))
    assert reproduce(*tables).code == 0
    table = pd.read_csv("results/tables/findings.csv")
    (detail,) = table.loc[table["kind"] == "constant", "detail"]
    assert detail.endswith(FUNCTIONALS[3])
    assert np.isfinite(pd.read_csv("results/tables/curves.csv")["total"]).all()


@pytest.mark.parametrize("command", ["reproduce", "train"])
def test_no_gpu_is_told_at_once(affectmap, tables, monkeypatch, command):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, out, err = affectmap(command, *tables[:4], "--device", "cuda")
    assert (code, out) == (1, "")
    assert err == "affectmap: error: device is 'cuda', but PyTorch finds no CUDA device here; use 'cpu'\n"


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_a_folder_of_the_users_own_is_never_touched(reproduce, tables, here, overwrite):
    mine = here / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    outcome = reproduce(*tables, "-o", "mine", *overwrite)
    assert outcome.code == 1
    assert outcome.error.startswith(
        "mine was not written by affectmap" if overwrite else "mine exists; name another folder"
    )
    assert tree(mine) == {"thesis.txt"}
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder(reproduce, tables, here):
    (here / "notes").write_text("mine")
    assert (
        reproduce(*tables, "-o", "notes", "--overwrite").error
        == "notes exists and is not a folder; name another with -o"
    )
    assert reproduce(*tables, "-o", "notes/run").error.startswith("notes/run cannot be written: ")
    assert (here / "notes").read_text() == "mine"


@pytest.mark.slow
def test_earlier_results_are_replaced_only_when_asked_and_only_by_whole_ones(
    reproduce, tables, here, monkeypatch, no_figures
):
    results = here / "results"
    with new_folder(results) as folder:
        (folder / "report.html").write_text("old")
    assert reproduce(*tables).error == "results exists; name another folder with -o, or add --overwrite to replace it"
    with monkeypatch.context() as patch:
        patch.setattr("affectmap.model.folder.serialise", _no_space)
        assert reproduce(*tables, "--overwrite").code == 1
    assert (results / "report.html").read_text() == "old"
    assert reproduce(*tables, "--overwrite").code == 0
    assert "birds" in (results / "report.html").read_text()


def _no_space(*arguments, **options):
    raise OSError(28, "No space left on device")


@pytest.mark.slow
@pytest.mark.parametrize(
    "writer", ["affectmap.model.folder.serialise", "affectmap.report.render", "affectmap.files.write_text"]
)
def test_a_full_disk_is_one_line_and_leaves_nothing(reproduce, tables, monkeypatch, writer, no_figures):
    monkeypatch.setattr(writer, _no_space)
    outcome = reproduce(*tables, "-o", "deep/down/results")
    assert outcome.code == 1
    assert outcome.error.startswith("deep/down/results")
    assert outcome.error.endswith("cannot be written: No space left on device; free or name another place")
    assert not Path("deep").exists()


@pytest.fixture
def tiny_disk(here):
    """A disk of 200 KiB, where this process may mount one."""
    disk = here / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_really_is_full(affectmap, tables, tiny_disk, no_figures):
    outcome = affectmap("reproduce", *tables, "-o", tiny_disk / "results")
    assert outcome.code == 1
    assert "No space left on device" in outcome.error
    assert ".part" not in outcome.error
    assert not tree(tiny_disk)


def test_a_full_disk_behind_the_cache_costs_only_the_cache(affectmap, recordings, tiny_disk):
    (tiny_disk / "ballast").write_bytes(bytes(196 * 1024))
    outcome = affectmap("train", *recordings, "--cache", tiny_disk / "cache")
    assert outcome.code == 0
    assert f"note: EMO-DB: the cache {tiny_disk}/cache cannot be written (" in outcome.err
    assert "No space left on device); new features are not kept" in outcome.err


def test_a_damaged_cache_is_told_and_rebuilt(affectmap, recordings, here):
    def train(folder):
        outcome = affectmap("train", *recordings, "-o", folder)
        assert outcome.code == 0
        return outcome.err, (here / folder / "weights.safetensors").read_bytes()

    told, weights = train("first")
    assert "damaged" not in told
    (file,) = (here / "cache").glob("*.npz")
    sound = file.read_bytes()
    file.write_bytes(sound[:300] + b"damage" + sound[306:])
    told, again = train("second")
    assert f"note: EMO-DB: the cache file {file} is damaged" in told
    assert again == weights
    assert "damaged" not in train("third")[0]


STOPPED = "affectmap: error: stopped by Ctrl-C; nothing was half written, and a second run goes on from the cache"

#: Before the command: after the third call of a function this process gets Ctrl-C, wherever it is by then.
CTRL_C = """
import os, signal
import {module} as module
calls, function = [], module.{name}
def counted(*arguments, **options):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return function(*arguments, **options)
module.{name} = counted
"""


@pytest.mark.slow
def test_ctrl_c_while_recordings_are_measured_keeps_what_was_measured(
    process, affectmap, recordings, here, monkeypatch
):
    before = tree(here)
    stop = CTRL_C.format(module="affectmap.features.functionals", name="measure_functionals")
    code, out, err = process("reproduce", *recordings, first=stop)
    assert (code, out, err.splitlines()) == (1, "", [STOPPED])
    new = tree(here) - before
    assert {name for name in new if not name.startswith("cache")} == set()
    assert not [name for name in new if name.endswith(".part")]
    kept = sum(len(np.load(file, allow_pickle=False)["keys"]) for file in (here / "cache").glob("*.npz"))
    assert 0 < kept < 16
    measured = []
    monkeypatch.setattr("affectmap.features.functionals.check_signal", lambda *arguments: measured.append(1))
    assert affectmap("train", *recordings).code == 0
    assert len(measured) == 2 * (16 - kept)  # each signal is checked as read and as resampled


@pytest.mark.slow
def test_ctrl_c_while_models_are_trained_leaves_no_trace(process, tables, here):
    before = tree(here)
    stop = CTRL_C.format(module="affectmap.model.training.stacked", name="draw_epoch")
    code, out, err = process("reproduce", *tables, first=stop)
    assert (code, out) == (1, "")
    assert err.splitlines()[-2:] == ["training 3 models", STOPPED]
    assert tree(here) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        "affectmap.experiment.experiment.judge_claims",
        "affectmap.report.draw_figures",
        "affectmap.model.folder.serialise",
    ],
)
def test_ctrl_c_at_any_later_step_leaves_no_trace(reproduce, tables, monkeypatch, step):
    def stop(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)

    default = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("affectmap.report.draw_figures", lambda *arguments: defaultdict(list))
    monkeypatch.setattr(step, stop)
    try:
        outcome = reproduce(*tables)
    finally:
        signal.signal(signal.SIGINT, default)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == STOPPED
