"""Whatever a file holds, reading it ends in a corpus or in one line that names the file; nothing is lost on the way."""

import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import audformat
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from affectmap.corpora import Corpus, iemocap, load_corpus
from affectmap.corpora.label_sheets import join_labels
from affectmap.errors import AffectmapError
from affectmap.schema import Emotion, validate_table

#: Each example writes files.
SOME = settings(max_examples=30)
NAMES = st.sampled_from([f"{folder}{letter}.wav" for folder in ("", "x/", "y/") for letter in "abcdef"])


@contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def outcome(read, file):
    """Give what was read, or ``None`` if it was refused in one line that names the file."""
    try:
        return read()
    except AffectmapError as error:
        message = str(error)
    assert "\n" not in message
    assert file in message
    return None


@st.composite
def damaged(draw, text):
    """Draw a text in which one stretch is replaced by any bytes."""
    content = text.encode()
    first = draw(st.integers(0, len(content)))
    last = draw(st.integers(first, min(len(content), first + 4)))
    return content[:first] + draw(st.binary(max_size=4)) + content[last:]


@SOME
@given(damaged("file,start,end,emotion,valence\na.wav,0,1.5,sad,3.5\na.wav,1.5,,angry,\n"))
@example(b"file,emotion\na.wav,sad\n\xff")
@example(b'file\n"')
@example(b"file\n\0\n")
@example(b"\xef\xbb\xbffile\na.wav\n")
@example(b"file\n" + b"a" * 5000 + b"\n")
@example(b"file,start\na.wav,1e400\n")
@example(b"file,start,end\na.wav,99999999999999999999,nan\n")
def test_any_bytes_as_a_table(content):
    with folder() as here:
        (here / "a.wav").touch()
        (here / "mine.csv").write_bytes(content)
        corpus = outcome(lambda: load_corpus(f"table:mine={here / 'mine.csv'}"), "mine.csv")
        if corpus is not None:
            assert {Path(file).resolve() for file in corpus.table.index.get_level_values("file")} == {
                (here / "a.wav").resolve()
            }


@SOME
@given(damaged("filename,activation,valence\na.wav,3.5,2\n/data/.wav,nan,4\n"))
@example(b"filename,activation\na.wav,1e999\n")
@example(b"filename,activation\n.,3\n..,3\n/,3\na.wav,3\n")
@example(b"filename,activation\n\0,3\n")
def test_any_bytes_as_a_sheet(content):
    index = audformat.segmented_index(["/data/a.wav", "/data/.wav"])
    corpus = Corpus("mine", validate_table(pd.DataFrame({"speaker": ["1", "1"]}, index), "here"))
    with folder() as here:
        (here / "mine.csv").write_bytes(content)
        outcome(lambda: join_labels(corpus, here), "mine.csv")


@SOME
@given(damaged("% header\n[0.1 - 1.2]\tSes01F_impro01_F000\tneu\t[2.5000, 3.0000, 1.0000]\nC-E2:\tNeutral;\t()\n"))
@example(b"[1 - 2]\tSes01F_impro01_F000\tneu\t[1.2.3, 1.0, 1.0]")
@example(b"[0 - 1]\tSes01F_impro01_F000\tneu\t[1.0, 1.0, 1.0]\r\n")
def test_any_bytes_as_an_emotion_list(content):
    with folder() as here:
        lists = here / "Session1/dialog/EmoEvaluation"
        lists.mkdir(parents=True)
        (here / "Ses01F_impro01_F000.wav").touch()
        (lists / "Ses01F_impro01.txt").write_bytes(content)
        corpus = outcome(lambda: iemocap.load(here), "Ses01F_impro01.txt")
        assert corpus is None or len(corpus.table) == 1


HEADER = "name: a\nsource: b\nusage: research\ntables:\n  t:\n    type: filewise\n    columns:\n      emotion: {}\n"


@SOME
@given(damaged(HEADER).map(lambda content: content.decode("latin-1")))
@example("name: a\nsource: b\nusage: research\ntables: 3\n")
@example("name: a\nsource: b\nusage: research\nschemes: {emotion: {labels: no table}}\n")
@example("name: a\nsource: b\nusage: research\ntables: {t: {type: filewise, columns: {emotion: {scheme_id: none}}}}\n")
def test_any_text_as_a_database_header(text):
    with folder() as here:
        (here / "db.yaml").write_text(text, encoding="utf-8")
        assert outcome(lambda: load_corpus(f"mine={here}"), str(here)) is None


@SOME
@given(st.sets(NAMES, min_size=1), st.sets(NAMES, min_size=1))
def test_every_recording_and_every_name_is_accounted_for(recordings, names):
    index = audformat.segmented_index([f"/data/z/{file}" for file in sorted(recordings)])
    table = validate_table(pd.DataFrame({"speaker": "1"}, index), "here")
    with folder() as here:
        (here / "mine.csv").write_text(
            "".join(f"{line}\n" for line in ("filename,valence", *(f"{name},3" for name in sorted(names))))
        )
        joined = outcome(lambda: join_labels(Corpus("mine", table), here), "mine.csv")
    if joined is None:
        return
    told = Counter(finding.kind for finding in joined.findings)
    n_joined = int(joined.table["valence"].notna().sum())
    assert n_joined + told["missing"] + told["note"] == len(names)
    assert n_joined + told["unlabelled"] == len(recordings)


ROWS = st.fixed_dictionaries(
    {
        "emotion": st.sampled_from([None, *map(str, Emotion)]),
        "activation": st.sampled_from([None, 1.0, 2.5, 4.75, 5.0]),
        "valence": st.sampled_from([None, 1.0, 3.125, 5.0]),
        "speaker": st.sampled_from([None, "01", "a b", "Ä"]),
        "start": st.sampled_from([0.0, 0.25, 1.5]),
        "end": st.sampled_from([None, 2.0, 2.75]),
    }
)


@pytest.mark.slow
@SOME
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_csv_and_parquet_say_the_same(rows):
    frame = pd.DataFrame(rows)
    frame.insert(0, "file", [f"{row}.wav" for row in range(len(frame))])
    with folder() as here:
        for file in frame["file"]:
            (here / file).touch()
        frame.to_csv(here / "mine.csv", index=False)
        frame.to_parquet(here / "mine.parquet")
        written, packed = (load_corpus(f"table:mine={here / name}") for name in ("mine.csv", "mine.parquet"))
    assert written.table.equals(packed.table)
    assert written.findings == packed.findings
    assert written.table["activation"].tolist() == pytest.approx(frame["activation"].astype(float), nan_ok=True)
    assert written.table["speaker"].tolist() == [row["speaker"] for row in rows]
    assert written.table.index.get_level_values("start").total_seconds().tolist() == [row["start"] for row in rows]
    unlabelled = sum(finding.kind == "unlabelled" for finding in written.findings)
    columns = [column for column in ("emotion", "activation", "valence") if any(row[column] for row in rows)]
    assert unlabelled == sum(any(row[column] is None for column in columns) for row in rows)
