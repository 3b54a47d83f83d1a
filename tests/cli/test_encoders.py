"""``affectmap models`` as a user meets it, with a hub on this machine."""

import json
import re

import pytest

from affectmap.cli import encoders
from affectmap.features.encoders import download
from affectmap.model.model import SHIPPED_MODELS
from affectmap.whisper.weights import read_weights
from encoder_files import Hub, card_of, serving, write_whole_whisper
from whisper_files import write_whisper_base


@pytest.fixture
def hub(here, monkeypatch):
    """A hub that has a tiny Whisper in the place of the real one, and an empty cache."""
    monkeypatch.setattr("affectmap.features.encoders.locate.platformdirs.user_cache_dir", lambda name: "user-cache")
    monkeypatch.delenv("AFFECTMAP_ENCODERS", raising=False)
    monkeypatch.setattr(download, "WAITS_S", ())
    with serving(Hub(write_whole_whisper(here / "hub"))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setitem(encoders.ENCODERS, "whisper-base", card_of(served.folder))
        yield served


def test_the_list_says_what_is_here_and_which_model_to_take(affectmap, hub):
    before = affectmap("models")
    assert before.code == 0
    rows = [line.split()[:5] for line in before.out.splitlines()[1:3]]
    assert [row[:2] + row[3:] for row in rows] == [
        ["whisper", "600", "whisper-base", "needs"],
        ["egemaps", "88", "recommended", "cc-by-nc-sa-4.0"],
    ]
    assert all(0 < float(row[2]) < 1 for row in rows)  # megabytes
    assert before.err.splitlines()[0].startswith("note: the encoder whisper-base is not on this machine; run")
    assert before.err.splitlines()[1] == "take the recommended one by --model egemaps"
    assert affectmap("models", "fetch").code == 0
    after = affectmap("models", "list")
    assert [line.split()[4] for line in after.out.splitlines()[1:2]] == ["recommended"]
    assert after.err == "take the recommended one by --model whisper\n"


def test_the_list_as_json(affectmap, here, hub):
    affectmap("models", "fetch")
    found = json.loads(affectmap("models", "list", "--format", "json").out)
    assert {row["name"]: row["state"] for row in found["models"]} == {"whisper": "recommended", "egemaps": "usable"}
    (encoder,) = found["encoders"]
    assert encoder["folder"] == "user-cache/encoders/whisper-base"
    assert encoder["state"] == "here"


def test_the_list_says_what_is_wrong_with_an_encoder(affectmap, here, hub, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(write_whole_whisper(here / "other", seed=1)))
    done = affectmap("models", "list")
    assert done.code == 0
    assert "not usable" in done.out
    assert "holds other weights than those of someone/tiny" in done.err
    assert done.err.endswith("take the recommended one by --model egemaps\n")


def test_the_list_goes_on_where_the_encoder_has_the_right_sizes_and_other_weights(affectmap, here, hub, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", str(write_whisper_base(here / "other")))
    done = affectmap("models", "list")
    assert done.code == 0
    assert re.search(r"whisper .* needs its encoder", done.out)
    assert re.search(r"whisper-base .* not usable", done.out)


@pytest.mark.parametrize("place", ["brought", "brought/whisper-base-encoder"])
def test_fetch_asks_nobody_where_the_encoder_was_brought(affectmap, here, hub, monkeypatch, place):
    brought = write_whole_whisper(here / "brought" / "whisper-base-encoder")
    monkeypatch.setenv("AFFECTMAP_ENCODERS", place)
    note = "note: it is here already; --overwrite fetches it again\n"
    assert affectmap("models", "fetch") == (0, f"{brought}\n", note)
    assert hub.asked == []


def test_fetch_puts_it_where_it_is_looked_for(affectmap, here, hub):
    done = affectmap("models", "fetch")
    assert done == (0, f"{here / 'user-cache' / 'encoders' / 'whisper-base'}\n", "")
    again = affectmap("models", "fetch", "whisper-base")
    assert again == (0, done.out, "note: it is here already; --overwrite fetches it again\n")


def test_fetch_goes_to_the_folder_of_the_variable_or_the_one_that_is_named(affectmap, here, hub, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_ENCODERS", "mine")
    assert affectmap("models", "fetch").out == f"{here / 'mine' / 'whisper-base'}\n"
    assert affectmap("models", "fetch", "-o", "there").out == f"{here / 'there'}\n"


def test_fetch_goes_on_where_it_was_cut(affectmap, hub):
    hub.cuts = [20_000]
    done = affectmap("models", "fetch")
    assert done.code == 1
    assert done.error.endswith("MB; run it again, and it goes on there")
    assert affectmap("models", "fetch").code == 0
    assert hub.asked[-1] - hub.asked[1] == 20_000


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["fetch", "wavlm"], 2, "no encoder is called wavlm; expected whisper-base"),
        (["fetch", "--revision", "a b"], 2, "the revision is 'a b'; expected a branch, tag or commit"),
        (["fetch", "--revision", "v2"], 1, "is not there (404); correct --revision"),
        (["fetch", "-o", "x.csv"], 2, "x.csv ends in .csv as a file does"),
        (["pack", "--name", "wavlm"], 2, "no encoder is called wavlm"),
        (["pack"], 1, "the encoder whisper-base is not on this machine; run `affectmap models fetch whisper-base`"),
        (["pack", "nowhere"], 1, "nowhere holds no encoder whisper-base"),
        (["pack", "hub", "-o", "hub", "--overwrite"], 1, "hub holds hub, which is read for the result"),
    ],
)
def test_what_does_not_do_is_one_line(affectmap, hub, arguments, code, line):
    done = affectmap("models", *arguments)
    assert done.code == code
    assert line in done.error
    assert done.out == ""


def test_without_a_network_it_says_what_to_do(affectmap, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = affectmap("models", "fetch")
    assert done.code == 1
    assert re.search(r"cannot be reached \(.*\); where there is a network run it again", done.error)


def test_a_pack_is_taken_elsewhere(affectmap, here, hub, monkeypatch):
    assert affectmap("models", "pack", "hub", "-o", "pack").out == f"{here / 'pack'}\n"
    monkeypatch.setenv("AFFECTMAP_ENCODERS", "pack")
    assert affectmap("models", "pack", "-o", "again").code == 0
    assert [(here / name / "model.safetensors").read_bytes() for name in ("pack",)] == [
        (here / "again" / "model.safetensors").read_bytes()
    ]
    assert read_weights(here / "again", 2).digest == card_of(hub.folder).digest
    refused = affectmap("models", "pack", "-o", "again")
    assert refused.error == "again exists; name another folder with -o, or add --overwrite to replace it"


def test_every_shipped_model_is_listed():
    assert set(encoders.PREFERRED) == set(SHIPPED_MODELS)
