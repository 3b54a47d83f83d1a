"""Specs: which text names which corpus."""

import subprocess
import sys
from pathlib import Path

import pytest

from affectmap.corpora import CARDS, Spec, load_corpus, parse_spec
from affectmap.errors import CorpusError, UsageError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("emodb=a b/c", Spec("corpus", "emodb", Path("a b/c"))),
        ("cafe=odd=name", Spec("corpus", "cafe", Path("odd=name"))),
        ("table:mine=x#y.csv", Spec("table", "mine", Path("x#y.csv"))),
        ("table:emodb=features.parquet", Spec("table", "emodb", Path("features.parquet"))),
        ("audformat:mine=folder", Spec("audformat", "mine", Path("folder"))),
        ("audformat:mine=folder#a,b", Spec("audformat", "mine", Path("folder"), ("a", "b"))),
        ("audformat:mine=folder#", Spec("audformat", "mine", Path("folder"))),
    ],
)
def test_parse_spec(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    "text", ["", "emodb", "emodb=", "=x", "table:=x", "csv:mine=x", "table:a/b=x", "a b=x", ":a=x"]
)
def test_spec_that_cannot_be_read(text):
    with pytest.raises(
        UsageError, match=r"cannot read corpus .*; expected NAME=DIR with NAME one of aesdd, .*, or table:"
    ):
        parse_spec(text)


def test_the_fault_of_a_spec_is_named(make_files, write, tmp_path):
    rec, plain = make_files("rec", ["x.wav"]), write("plain.csv", "file\nrec/x.wav\n")
    emodb = make_files("berlin", ["03a01Fa.wav", "03a01Wa.wav"])
    for text, fault in (
        (f"mine={rec}", f"; {rec} holds no audformat database (db.yaml); known are"),
        (f"mine={plain}", f"did you mean table:mine={plain}?"),
        ("my rec=x", "(its name 'my rec' has a space; a name is of letters, digits, _, . and -)"),
        ("table:a/b=x", "(its name 'a/b' has '/'; a name is of"),
        (str(emodb), f"did you mean emodb={emodb}?"),
        (str(plain), f"did you mean table:NAME={plain}?"),
    ):
        with pytest.raises(UsageError) as caught:
            parse_spec(text)
        assert fault in str(caught.value)
    for text in (str(rec), str(tmp_path / "nowhere"), str(rec / "x.wav")):
        with pytest.raises(UsageError, match=rf"^cannot read corpus '{text}'; expected NAME=DIR"):
            parse_spec(text)


def test_unknown_corpus_tells_the_known_and_the_other_forms(tmp_path):
    with pytest.raises(UsageError) as caught:
        parse_spec(f"emo-db={tmp_path}")
    message = str(caught.value)
    assert "did you mean emodb?" in message
    assert all(name in message for name in CARDS)
    assert "table:NAME=FILE" in message


def test_folder_with_a_hash_in_its_name(tmp_path):
    folder = tmp_path / "take #2"
    folder.mkdir()
    (folder / "db.yaml").touch()
    assert parse_spec(f"mine={folder}") == Spec("audformat", "mine", folder)
    assert parse_spec(f"mine={folder}#emotion") == Spec("audformat", "mine", folder, ("emotion",))


def test_a_folder_of_several_corpora_is_not_guessed(make_files):
    folder = make_files("all", ["03a01Fa.wav", "anger/a01 (2).wav", "01-C-1-1.wav"])
    with pytest.raises(CorpusError) as caught:
        load_corpus(f"urdu={folder}")
    assert "looks like" not in str(caught.value)


def test_a_home_folder_is_found(make_files, monkeypatch, tmp_path):
    make_files("corpus", ["03a01Fa.wav"])
    monkeypatch.setenv("HOME", str(tmp_path))
    files = load_corpus("emodb=~/corpus").table.index.get_level_values("file")
    assert files.tolist() == [str(tmp_path / "corpus/03a01Fa.wav")]


def test_importing_is_light():
    code = (
        "import affectmap.corpora, sys; print(sorted({'pandas', 'audformat', 'torch', 'opensmile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_table_named_after_a_supported_corpus_takes_its_published_sheet(make_files, write):
    folder = make_files("corpus", ["03a01Fa.wav"])
    table = write("corpus/table.csv", "file\n03a01Fa.wav\n")
    sheets = write("labels/EMO_DB.csv", "filename,activation,valence \n03a01Fa.wav,4.5,2\n").parent
    assert load_corpus(f"table:emodb={table}", sheets).table["activation"].tolist() == [4.5]
    assert load_corpus(f"emodb={folder}", sheets).table["activation"].tolist() == [4.5]
