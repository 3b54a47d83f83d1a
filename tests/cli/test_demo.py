"""``affectmap demo``: it speaks, runs the whole protocol, and says everywhere that the speech is synthetic."""

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import affectmap.experiment.config
from affectmap.cli import main
from affectmap.corpora.synthetic import recordings as synthetic
from affectmap.model.embedder import Embedder
from corpus_files import FAST, tree

pytest.importorskip("espeakng_loader")
LANGUAGES = ("ur", "el")  # one source and one target; the Greek one has two damaged recordings
NOTICE = "The speech is synthetic: it shows that the pipeline works and says nothing about people."


class Demo(NamedTuple):
    """A short demo: where it ran, and what it wrote to the streams."""

    folder: Path
    out: str
    err: str


def shorten(patch):
    """Speak two sentences in two languages instead of five languages, and train for a moment."""
    few = {code: replace(language, sentences=language.sentences[:2]) for code, language in synthetic._LANGUAGES.items()}
    patch.setattr(synthetic, "_LANGUAGES", few)
    make_config = affectmap.experiment.config.make_config
    short = {name: value for name, value in FAST.items() if name != "n_jobs"}
    patch.setattr(synthetic, "speak_corpora", partial(synthetic.speak_corpora, languages=LANGUAGES))
    patch.setattr(affectmap.experiment.config, "make_config", lambda **flags: make_config(**{**short, **flags}))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One demo for all tests of this module."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.warnoptions", ["error"])
        shorten(patch)
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            patch.setattr("sys.stdout", out)
            patch.setattr("sys.stderr", err)
            with pytest.raises(SystemExit) as ended:
                main(["demo", "--seed", "1", "--n-jobs", "1"])
    streams = (folder / "out").read_text(), (folder / "err").read_text()
    assert ended.value.code == 0, streams[1]
    return Demo(folder / "demo", *streams)


@pytest.mark.slow
def test_both_streams_say_first_that_the_speech_is_synthetic(demo):
    assert demo.err.splitlines()[:2] == [NOTICE, "speaking five corpora into demo/speech"]
    assert demo.out.splitlines()[0] == f"Note: {NOTICE}"
    assert demo.out.splitlines()[-1] == f"report: {demo.folder}/results/report.html"


@pytest.mark.slow
def test_the_report_and_all_that_lies_beside_it_say_so(demo):
    page = (demo.folder / "results/report.html").read_text()
    assert NOTICE in page
    # Once is not enough for a page that is scrolled: the notice stands before the first table.
    assert page.index(NOTICE) < page.index("<table")
    about = json.loads((demo.folder / "results/tables/settings.json").read_text())
    assert about["notes"][0] == NOTICE
    assert about["settings"]["synthetic"] is True
    assert pd.read_csv(demo.folder / "results/tables/corpora.csv")["synthetic"].all()
    assert NOTICE in (demo.folder / "speech/README.txt").read_text()


@pytest.mark.slow
def test_every_corpus_is_named_synthetic(demo):
    assert pd.read_csv(demo.folder / "results/tables/corpora.csv")["corpus"].tolist() == [
        "synthetic-urdu",
        "synthetic-greek",
    ]
    assert {path.name for path in (demo.folder / "speech").iterdir()} == {
        ".affectmap",
        "README.txt",
        "synthetic-urdu",
        "synthetic-greek",
    }


@pytest.mark.slow
def test_the_damaged_recordings_are_listed_with_their_reasons(demo):
    assert "synthetic-greek: 50 utterances found, 2 dropped (unreadable 2), 48 used, 48 rated" in demo.err.splitlines()
    findings = pd.read_csv(demo.folder / "results/tables/findings.csv")
    reasons = findings.loc[findings["kind"] == "unreadable", "detail"].tolist()
    assert any("silent" in reason for reason in reasons)
    assert any("expected at least 0.06 s" in reason for reason in reasons)


@pytest.mark.slow
def test_it_leaves_speech_results_and_a_cache_of_its_own_and_nothing_half_written(demo):
    assert {path.name for path in demo.folder.iterdir()} == {"speech", "results", "cache"}
    assert not [name for name in tree(demo.folder) if name.endswith(".part")]
    assert Embedder.load(demo.folder / "results/models/dae-metric-joint/all").label_names_ == ["activation", "valence"]
    assert json.loads((demo.folder / "results/tables/settings.json").read_text())["settings"]["seed"] == 1


def test_an_earlier_demo_is_kept_unless_asked(affectmap, here, monkeypatch):
    monkeypatch.setattr(synthetic, "speak_corpora", lambda *a, **k: pytest.fail("spoke before the check"))
    results = here / "demo" / "results"
    results.mkdir(parents=True)
    (results / "report.html").touch()
    outcome = affectmap("demo")
    assert outcome.code == 1
    assert outcome.error.startswith("demo/results exists; name another folder with -o, or add --overwrite")
    assert affectmap("demo", "--overwrite").error.startswith("demo/results was not written by affectmap")
    assert tree(here / "demo") == {"results", "results/report.html"}


@pytest.mark.parametrize(("option", "value"), [("--seed", -1), ("--seed", 2**31), ("--n-jobs", 0)])
def test_settings_are_checked_before_anything_is_spoken(affectmap, here, monkeypatch, option, value):
    monkeypatch.setattr(synthetic, "speak_corpora", lambda *a, **k: pytest.fail("spoke before the check"))
    outcome = affectmap("demo", option, value)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.error.startswith(f"{option.strip('-').replace('-', '_')} is ")
    assert not list(here.iterdir())


def test_without_espeak_it_is_told_what_to_install(affectmap, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    outcome = affectmap("demo")
    assert outcome.code == 1
    assert outcome.err.splitlines()[0] == NOTICE
    assert outcome.error == 'synthetic speech needs espeak-ng; run pip install "affectmap[demo]"'
    assert not list(here.iterdir())


def test_a_failure_while_speaking_leaves_nothing(affectmap, here, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthetic, "_speak_corpus", fail)
    outcome = affectmap("demo", "-o", "deep/demo")
    assert outcome.code == 1
    assert outcome.error == "deep/demo/speech cannot be written: No space left on device; free or name another place"
    assert not list(here.iterdir())
