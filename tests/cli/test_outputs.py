"""What ``-o`` may write, the same for all verbs: nothing that exists unasked, no input ever, and through pipes."""

import os
import sys
from pathlib import Path

import pytest
import soundfile

from affectmap.agreement import write_ratings
from cases import each
from conftest import make_voice
from corpus_files import make_rows, write_table
from model_files import make_model
from rating_files import simulate

#: Verbs that write a file, with an input of theirs that could be taken for the output.
FILES = [
    (["embed", "a.wav"], "map.csv", "a.wav"),
    (["embed", "a.wav", "--speakers", "who.csv"], "map.csv", "who.csv"),
    (["track", "a.wav", "--windows", "1"], "map.csv", "a.wav"),
    (["ratings", "export", "all.csv"], "sheet.csv", "all.csv"),
    (["ratings", "export", "raters", "--format", "csv"], "raw.csv", "raters/all.csv"),
    (["ratings", "import", "sheet.csv", "--rater", "x"], "raw.csv", "sheet.csv"),
    (
        ["audit", "--n-folds", "2", "--source", "table:birds=birds.parquet", "--labels", "labels"],
        "x.csv",
        "labels/b.csv",
    ),
    (["export", "mine", "--onnx"], "mine.onnx", "mine/weights.safetensors"),
]


@pytest.fixture
def inputs(here):
    soundfile.write(here / "a.wav", make_voice(seconds=1.0), 16000)
    for name in ("all.csv", "raters/all.csv"):
        (here / name).parent.mkdir(exist_ok=True)
        write_ratings(simulate(6), here / name)
    (here / "who.csv").write_text("file,speaker\na.wav,anna\n")
    (here / "sheet.csv").write_text("filename,activation,valence\n03a01Fa.wav,3,3.5\n")
    (here / "labels").mkdir()
    (here / "labels" / "b.csv").write_text("filename,activation,valence\nbirds-00000.wav,3,3\n")
    write_table(here, "birds", make_rows())
    make_model().save("mine")


@each(("words", "output", "read"), FILES)
def test_a_file_that_exists_stays_unless_it_is_asked_for_and_an_input_always(
    affectmap, inputs, here, words, output, read
):
    target = here / "old" / output
    target.parent.mkdir(exist_ok=True)
    target.write_text("old")
    done = affectmap(*words, "-o", f"old/{output}")
    assert done.code == 1
    assert done.error == f"old/{output} exists; name another file with -o, or add --overwrite to replace it"
    content = (here / read).read_bytes()
    target.unlink()
    os.link(here / read, target)
    done = affectmap(*words, "-o", f"old/{output}", "--overwrite")
    assert (done.code, "is read for the result and is never replaced" in done.error) == (1, True)
    assert (here / read).read_bytes() == content == target.read_bytes()
    target.unlink()


def test_pictures_are_no_exception(affectmap, inputs, here):
    (here / "a.png").write_text("old")
    done = affectmap("track", "a.wav", "--windows", 1, "--picture", "a.png")
    assert (done.code, done.error.split(";")[0]) == (1, "a.png exists")
    assert affectmap("track", "a.wav", "--windows", 1, "--picture", "a.png", "--overwrite").code == 0
    assert (here / "a.png").read_bytes().startswith(b"\x89PNG")


@each(
    ("words", "output", "message"),
    [
        (["embed", "a.wav"], "a.xlsx", "a.xlsx ends in .xlsx, and a table as csv in .csv or .txt; name such a file"),
        (["embed", "a.wav"], "-", "- is no name for what is written; name a file, or /dev/stdout"),
        (["adapt", "a.wav"], "-", "- is no name for what is written; name a folder"),
        (["embed", "a.wav"], "map.tsv", "map.tsv ends in .tsv"),
        (["embed", "a.wav"], "map.csv.gz", "map.csv.gz ends in .gz"),
        (["embed", "a.wav", "--format", "json"], "a.csv", "a.csv ends in .csv, and a table as json in .json or .jsonl"),
        (["embed", "a.wav", "--format", "csv"], "a.PARQUET", "a.PARQUET ends in .parquet, and a table as csv"),
        (
            ["embed", "a.wav", "--format", "audformat"],
            "a.csv",
            "a.csv ends in .csv as a file does, and a folder is made",
        ),
        (["track", "a.wav"], "a.wav", "a.wav ends in .wav, and a table as csv"),
        (["track", "a.wav", "--format", "parquet"], "a.json", "a.json ends in .json, and a table as parquet"),
        (["ratings", "export", "all.csv"], "a.parquet", "a.parquet ends in .parquet, and a table as csv"),
        (["ratings", "import", "sheet.csv", "--rater", "x"], "a.xlsx", "a.xlsx ends in .xlsx"),
        (["audit", "--source", "table:birds=birds.parquet"], "a.html", "a.html ends in .html"),
        (["agreement", "all.csv"], "agreement.html", "agreement.html ends in .html as a file does"),
        (["adapt", "a.wav"], "model.zip", "model.zip ends in .zip as a file does"),
    ],
)
def test_a_suffix_that_promises_something_else_is_refused(affectmap, inputs, here, words, output, message):
    before = sorted(here.rglob("*"))
    done = affectmap(*words, "-o", output, "--overwrite")
    assert done.code == 2
    assert done.error.startswith(message)
    assert sorted(here.rglob("*")) == before


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")
@each("words", [words for words, *_ in FILES[:6]])
def test_pipes_are_written_to_and_nothing_else_is_printed_there(affectmap, inputs, here, words):
    reading, writing = os.pipe()
    done = affectmap(*words, "-o", f"/dev/fd/{writing}")
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123
        text = pipe.read()
    assert (done.code, done.out, text.startswith("file")) == (0, "", True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names of open files as on Linux")
def test_stdout_by_its_name_is_gone_on_with(process, inputs, here):
    for name in ("/dev/stdout", "/proc/self/fd/1", "link.csv"):
        (here / "link.csv").unlink(missing_ok=True)
        (here / "link.csv").symlink_to("/dev/stdout")
        (here / "log.csv").write_text("before\n")
        with (here / "log.csv").open("a") as log:
            done = process("embed", "a.wav", "-o", name, stdout=log)
        lines = (here / "log.csv").read_text().splitlines()
        assert (done.code, done.err, lines[0], lines[1][:5], len(lines)) == (0, "", "before", "file,", 3)
    assert process("embed", "a.wav", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    full = process("embed", "a.wav", "-o", "/dev/full")
    assert (full.code, full.error) == (
        1,
        "/dev/full cannot be written: No space left on device; free or name another place",
    )


def test_a_place_that_cannot_be_written_is_told_before_the_work(affectmap, inputs, here, monkeypatch):
    monkeypatch.setattr("affectmap.model.model.load_model", None)  # which nobody should need
    done = affectmap("embed", "a.wav", "-o", "a.wav/map.csv")
    assert (done.code, done.error.split(":")[0]) == (1, "a.wav/map.csv cannot be written")


def test_a_cache_within_the_results_is_told_before_the_work(affectmap, here, tables):
    done = affectmap("reproduce", *tables, "-o", "results", "--cache", "results/cache")
    assert (done.code, done.error.split(",")[0]) == (1, "results holds results/cache")
    assert not (here / "results").exists()


def test_a_corpus_within_the_results_is_never_replaced(affectmap, here, tables):
    done = affectmap("train", *tables[:4], "-o", ".", "--overwrite")
    assert (done.code, done.error) == (
        1,
        ". holds birds.parquet, which is read for the result; name another folder with -o",
    )
