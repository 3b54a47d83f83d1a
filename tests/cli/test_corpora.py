"""``affectmap corpora``: what is printed, where, and how it ends."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from affectmap.cli.corpora import N_SHOWN, corpora_command
from affectmap.corpora import CARDS
from affectmap.features import usability
from affectmap.schema import FUNCTIONALS

app = typer.Typer()
app.command()(corpora_command)


@pytest.fixture
def run(monkeypatch):
    """Run the command in a terminal of a given width; recordings, which may be empty files, are not opened."""

    def run_command(*arguments, width=80, opened=False):
        monkeypatch.setenv("COLUMNS", str(width))
        chosen = [] if opened else ["--no-open"]
        return CliRunner().invoke(app, [str(argument) for argument in [*arguments, *chosen]])

    return run_command


@pytest.fixture
def corpora(tmp_path):
    """Three EMO-DB recordings, two URDU ones, and labels for all but one."""
    files = [
        "emodb/03a01Wa.wav",
        "emodb/03a01Na.wav",
        "emodb/08a01Na.wav",
        "urdu/SM1_F1_A01.wav",
        "urdu/SF1_F1_S01.wav",
    ]
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "EMO_DB.csv").write_text("filename,activation,valence \n03a01Wa.wav,4,2\n03a01Na.wav,2,3\n")
    (labels / "URDU.csv").write_text(",,filename,activation,valence\n,,SM1_F1_A01.wav,4,2\n,,SF1_F1_S01.wav,1,1\n")
    return tmp_path


def lines(text):
    return [line.rstrip() for line in text.splitlines()]


def test_found_corpora_exactly(run, corpora):
    result = run(f"emodb={corpora}/emodb", f"urdu={corpora}/urdu", "--labels", corpora / "labels")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert lines(result.stdout) == [
        "                  emodb   urdu",
        "──────────────────────────────",
        "language             de     ur",
        "speakers              2      2",
        "utterances            3      2",
        "  neutral             2      -",
        "  sad                 -      1",
        "  angry               1      1",
        "with activation       2      2",
        "with valence          2      2",
        "findings              2      1",
        "",
        "emodb",
        "  missing: recordings found: 3; EMO-DB published 535",
        "  1 unlabelled: has no row in EMO_DB.csv, so no activation and no valence",
        "    emodb/08a01Na.wav",
        "urdu",
        "  missing: recordings found: 2; URDU published 400",
    ]


def test_option_and_argument_name_corpora_alike(run, corpora):
    by_argument = run(f"emodb={corpora}/emodb", f"urdu={corpora}/urdu")
    by_option = run("--corpus", f"emodb={corpora}/emodb", "--corpus", f"urdu={corpora}/urdu")
    assert by_argument.stdout == by_option.stdout
    assert by_argument.exit_code == by_option.exit_code == 0


def test_named_twice_is_shown_once(run, corpora):
    spec = f"emodb={corpora}/emodb"
    assert run(spec, "--corpus", spec).stdout == run(spec).stdout


def test_list_of_supported_exactly(run):
    result = run()
    assert result.exit_code == 0
    assert lines(result.stdout) == [
        "name      language   utterances   speakers   emotions          labels",
        "─" * 73,
        "iemocap   en             10,039         10   N-S-H-A, 6 more   its own",
        "savee     en-GB             480          4   N-S-H-A, 3 more   none",
        "emodb     de                535         10   N-S-H-A, 3 more   EMO_DB.csv",
        "cafe      fr-CA             936         12   N-S-H-A, 3 more   CAFE.csv",
        "urdu      ur                400         29   N-S-H-A           URDU.csv",
        "aesdd     el                605          6   S-H-A, 2 more     AESD.csv",
        "",
        "N neutral, S sad, H happy, A angry; labels of activation and valence",
        "",
        "How to get it",
        "  iemocap  https://sail.usc.edu/iemocap",
        "           licence: research, by signed agreement",
        "  savee    http://kahlan.eps.surrey.ac.uk/savee (AudioData.zip)",
        "           licence: research, by registration",
        "  emodb    http://emodb.bilderbar.info (download.zip)",
        "           licence: free",
        "  cafe     https://zenodo.org/record/1478765 (CaFE_48k.zip)",
        "           licence: CC BY-NC-SA 4.0",
        "  urdu     https://github.com/siddiquelatif/URDU-Dataset",
        "           licence: research only",
        "  aesdd    http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition",
        "           licence: none stated",
    ]
    assert "affectmap corpora emodb=DIR --labels DIR" in result.stderr


@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_is_cut_off_in_any_width(run, corpora, width):
    text = run(width=width).stdout
    assert all(card.access in text and card.licence in text for card in CARDS.values())
    assert "…" not in text
    table = corpora / "a_corpus_with_a_rather_long_name.csv"
    table.write_text("file,emotion\nemodb/03a01Wa.wav,angry\n")
    text = run(f"table:{table.stem}={table}", f"emodb={corpora}/emodb", width=width).stdout
    assert "…" not in text
    assert table.stem in text


def test_many_corpora_go_below_each_other(run, corpora):
    specs = []
    for number in range(9):
        table = corpora / f"table{number}.csv"
        table.write_text("file,emotion,speaker\nemodb/03a01Wa.wav,angry,1\n")
        specs.append(f"table:corpus{number}={table}")
    result = run(*specs)
    assert max(map(len, lines(result.stdout))) <= 80
    assert [line.split() for line in lines(result.stdout) if "corpus0" in line or "corpus8" in line] == [
        [f"corpus{number}" for number in range(5)],
        [f"corpus{number}" for number in range(5, 9)],
    ]


def test_ten_of_a_kind_or_all_but_never_silently(run, corpora):
    for number in range(N_SHOWN + 3):
        (corpora / f"emodb/strange [{number:02}].wav").touch()
    some = lines(run(f"emodb={corpora}/emodb").stdout)
    assert "    strange [09].wav" in some
    assert "    strange [10].wav" not in some
    assert "    and 3 more; --all names them" in some
    every = lines(run(f"emodb={corpora}/emodb", "--all").stdout)
    assert "    strange [12].wav" in every
    assert not any("more; --all" in line for line in every)


def test_what_nobody_said_is_said(run, corpora):
    frame = pd.DataFrame(np.zeros((2, 88)), columns=list(FUNCTIONALS)).assign(file=["a", "b"], emotion=["sad", None])
    frame.to_parquet(corpora / "mine.parquet")
    text = lines(run(f"table:mine={corpora}/mine.parquet").stdout)
    assert "language           unknown" in text
    assert "speakers           unknown" in text
    assert "  no emotion             1" in text
    assert "with functionals         2" in text


def test_json_of_found(run, corpora):
    result = run(f"emodb={corpora}/emodb", "--labels", corpora / "labels", "--format", "json")
    (one,) = json.loads(result.stdout)["corpora"]
    assert one["emotions"] == {"neutral": 2, "angry": 1}
    assert (one["name"], one["title"], one["language"]) == ("emodb", "EMO-DB", "de")
    assert (one["n_utterances"], one["n_speakers"], one["n_activation"], one["n_valence"]) == (3, 2, 2, 2)
    assert [finding["kind"] for finding in one["findings"]] == ["missing", "unlabelled"]
    assert json.loads(result.stdout)["errors"] == []
    assert result.stderr == ""


def test_json_of_supported(run):
    result = run("--format", "json")
    listed = {one["name"]: one for one in json.loads(result.stdout)["corpora"]}
    assert set(listed) == set(CARDS)
    assert listed["aesdd"]["label_sheet"] == "AESD.csv"
    assert listed["iemocap"]["own_labels"] is True
    assert result.stderr == ""


def test_data_error_ends_with_1_and_shows_the_rest(run, corpora):
    result = run(f"emodb={corpora}/urdu", f"urdu={corpora}/urdu")
    assert result.exit_code == 1
    assert "utterances           2" in result.stdout
    (error,) = lines(result.stderr)
    assert error.startswith("affectmap: error: no recording in")
    assert error.endswith(f"it looks like URDU: use urdu={corpora}/urdu")


def test_usage_error_ends_with_2(run, corpora):
    result = run("emodb", f"urdu={corpora}/nowhere")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(lines(result.stderr)) == 2
    assert run("--colour").exit_code == 2


def test_errors_in_json(run, corpora):
    result = run(f"emodb={corpora}/nowhere", "--format", "json")
    assert result.exit_code == 1
    (error,) = json.loads(result.stdout)["errors"]
    assert error["corpus"] == f"emodb={corpora}/nowhere"
    assert "does not exist" in error["error"]


def test_labels_folder_that_is_none(run, corpora):
    result = run(f"emodb={corpora}/emodb", "--labels", corpora / "nowhere")
    assert result.exit_code == 1
    assert "expected a folder of label sheets such as EMO_DB.csv" in result.stderr


def test_excited_can_stay_apart(run, tmp_path):
    utterance = "Ses01F_impro01_F000"
    wav = tmp_path / "Session1/sentences/wav" / f"{utterance}.wav"
    wav.parent.mkdir(parents=True)
    wav.touch()
    lists = tmp_path / "Session1/dialog/EmoEvaluation"
    lists.mkdir(parents=True)
    (lists / "Ses01F_impro01.txt").write_text(f"[0.1 - 1.2]\t{utterance}\texc\t[4.0, 4.0, 3.0]\n")
    assert "  happy" in run(f"iemocap={tmp_path}").stdout
    apart = run(f"iemocap={tmp_path}", "--excited-apart").stdout
    assert "  excited" in apart
    assert "  happy" not in apart


@pytest.mark.real
@pytest.mark.parametrize("width", [80, 120])
def test_real_corpora(run, width):
    folder = os.environ.get("AFFECTMAP_DATA")
    if not folder:
        pytest.skip("AFFECTMAP_DATA does not name the folder above corpora/ and features/")
    real = Path(folder, "corpora")
    specs = [f"{name}={real / name}" for name in ("emodb", "urdu", "aesdd")]
    result = run(*specs, "--labels", real / "labels", width=width)
    assert result.exit_code == 0
    assert "utterances          535    400     605" in lines(result.stdout)
    assert "with valence        535    400     454" in lines(result.stdout)
    assert "    and 140 more; --all names them" in lines(result.stdout)


@pytest.fixture
def spoilt(tmp_path):
    """EMO-DB recordings of which two can be used, and a cache of its own."""
    folder = tmp_path / "emodb"
    folder.mkdir()
    tone = 0.3 * np.sin(np.arange(16000) / 9)
    sounds = {"03a01Na": tone, "03a02Na": tone[:8000], "03a04Na": 0 * tone, "03a05Na": tone[:100]}
    for name, signal in sounds.items():
        soundfile.write(folder / f"{name}.wav", signal, 16000)
    (folder / "03a07Na.wav").write_bytes((folder / "03a01Na.wav").read_bytes()[:9000])
    return folder


def test_broken_silent_and_short_recordings_are_named(run, spoilt):
    command = (f"emodb={spoilt}", "--cache", spoilt.parent / "cache")
    result = run(*command, opened=True)
    assert result.exit_code == 0
    shown = lines(result.stdout)
    assert [line.split() for line in shown if line.startswith(("minutes", "unusable"))] == [
        ["minutes", "0.0"],
        ["unusable", "3"],
    ]
    start = shown.index("  3 unreadable: cannot be used")
    reasons = [line.removeprefix(f"    {spoilt}/")[:26] for line in shown[start + 1 : start + 4]]
    assert reasons == ["03a04Na.wav: silent, its p", "03a05Na.wav: lasts 0.00625", "03a07Na.wav: cut short, it"]
    (one,) = json.loads(run(*command, "--format", "json", opened=True).stdout)["corpora"]
    assert (one["seconds"], one["n_unusable"], one["n_utterances"]) == (1.5, 3, 5)
    assert [finding["dropped"] for finding in one["findings"] if finding["kind"] == "unreadable"] == [True] * 3
    (one,) = json.loads(run(*command, "--format", "json").stdout)["corpora"]
    assert "seconds" not in one
    assert not [finding for finding in one["findings"] if finding["kind"] == "unreadable"]


def test_a_second_look_opens_only_what_cannot_be_used(run, spoilt, monkeypatch):
    command = (f"emodb={spoilt}", "--cache", spoilt.parent / "cache")
    first = run(*command, opened=True)
    read, opened = usability.read_recording, []
    monkeypatch.setattr(
        usability, "read_recording", lambda file, *times: opened.append(file[-11:]) or read(file, *times)
    )
    assert run(*command, opened=True).stdout == first.stdout
    assert sorted(opened) == ["03a04Na.wav", "03a05Na.wav", "03a07Na.wav"]


def test_none_can_be_used(run, spoilt):
    for file in spoilt.iterdir():
        file.write_bytes(b"")
    result = run(f"emodb={spoilt}", "--cache", spoilt.parent / "cache", opened=True)
    assert result.exit_code == 0
    assert "  5 unreadable: cannot be used" in lines(result.stdout)
