"""Who speaks, in exports of ratings."""

import pytest

from affectmap.agreement import add_speakers, export_database, export_sheet, last_revisions, read_raw, write_ratings
from affectmap.corpora import load_corpus
from affectmap.errors import LabelError
from rating_files import make_ratings

NAMED = ["03a01Fa.wav", "sad/03a01Wa.wav", "11b03Wc.wav", "room.wav"]


def ratings_of(files, **more):
    return make_ratings(
        *(
            {"file": file, "rater": "x", "activation": 2.0 + n % 3, "valence": 3.0, **more}
            for n, file in enumerate(files)
        )
    )


def speakers(raw):
    return raw["speaker"].tolist() if "speaker" in raw else None


def test_names_of_a_supported_corpus_say_who_speaks():
    assert speakers(add_speakers(ratings_of(NAMED))) == ["03", "03", "11", None]
    assert speakers(add_speakers(ratings_of([*NAMED, "a.wav", "b.wav"]))) is None  # no more than half
    assert speakers(add_speakers(ratings_of(["a.wav", "b.wav"]))) is None
    assert speakers(add_speakers(ratings_of([]))) is None


def test_a_table_says_who_speaks(tmp_path):
    table = tmp_path / "who.csv"
    table.write_text("file,spk\na.wav,NA\nb.wav,2.0\n")
    told = []
    found = add_speakers(ratings_of(["b.wav", "a.wav", "b.wav"]), table, notify=told.append)
    assert speakers(found) == ["2", "NA", "2"]
    assert told == ["column 'spk' is read as speaker"]
    with pytest.raises(LabelError, match=r"no speaker for 1 of 2 recordings, first c\.wav"):
        add_speakers(ratings_of(["a.wav", "c.wav"]), table)


def test_what_the_ratings_name_themselves_stays(tmp_path):
    (tmp_path / "raw.csv").write_text("file,rater,valence,speaker\na.wav,x,2,1.0\na.wav,y,3,1\nb.wav,x,4,\n")
    raw = read_raw(tmp_path / "raw.csv")
    assert speakers(raw) == speakers(add_speakers(raw)) == ["1", "1", None]
    (tmp_path / "who.csv").write_text("file,speaker\na.wav,1\nb.wav,7\n")
    assert speakers(add_speakers(raw, tmp_path / "who.csv")) == ["1", "1", "7"]
    (tmp_path / "who.csv").write_text("file,speaker\na.wav,2\nb.wav,7\n")
    with pytest.raises(LabelError, match=r"the speaker of a.wav is '2' in .*who.csv, and '1' in the ratings"):
        add_speakers(raw, tmp_path / "who.csv")
    (tmp_path / "raw.csv").write_text("file,rater,valence,speaker\na.wav,x,2,1\na.wav,y,3,2\n")
    with pytest.raises(LabelError, match=r"two speakers of a\.wav, '1' and '2'; keep one"):
        add_speakers(read_raw(tmp_path / "raw.csv"))


def test_every_export_has_them_and_is_read_again(tmp_path):
    pytest.importorskip("audformat")
    raw = add_speakers(ratings_of(NAMED))
    write_ratings(raw, tmp_path / "raw.csv")
    assert speakers(last_revisions(read_raw(tmp_path / "raw.csv"))) == ["03", "11", None, "03"]
    export_sheet(raw, tmp_path / "labels" / "mine.csv")
    lines = (tmp_path / "labels" / "mine.csv").read_text().splitlines()
    assert lines[:2] == ["filename,activation,valence,speaker", "03a01Fa.wav,2,3,03"]
    export_database(raw, tmp_path / "database")
    for file in NAMED:
        (tmp_path / "database" / file).parent.mkdir(exist_ok=True)
        (tmp_path / "database" / file).touch()
    corpus = load_corpus(f"mine={tmp_path / 'database'}")
    assert corpus.table["speaker"].isna().sum() == 1
    assert set(corpus.table["speaker"].dropna()) == {"03", "11"}
    assert corpus.table["activation"].tolist() == [2.0, 4.0, 2.0, 3.0]
    table = tmp_path / "mine.csv"
    table.write_text("file,emotion\n" + "".join(f"database/{file},sad\n" for file in NAMED))
    joined = load_corpus(f"table:mine={table}", tmp_path / "labels")
    assert joined.table["activation"].tolist() == [2.0, 3.0, 4.0, 2.0]
    assert not [finding for finding in joined.findings if "not known" in finding.detail]
