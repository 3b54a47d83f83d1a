"""Ratings out and in again: sheets, databases, and the sheets of Das et al."""

import os
from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest

from affectmap.agreement import (
    estimates,
    export_database,
    export_sheet,
    gold_standard,
    import_sheets,
    read_ratings,
    write_ratings,
)
from affectmap.agreement.ratings import rating_matrix
from affectmap.corpora import load_corpus
from affectmap.errors import CorpusError, LabelError, StorageError
from rating_files import make_ratings, simulate


@pytest.fixture
def audio(tmp_path):
    """Give a function that makes empty recordings of some names and returns their folder."""

    def make(names):
        for name in names:
            file = tmp_path / "audio" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        return tmp_path / "audio"

    return make


def labels_of(corpus, folder):
    """Activation and valence of a corpus by path below its folder."""
    table = corpus.table
    files = [Path(file).relative_to(folder).as_posix() for file in table.index.get_level_values("file")]
    return pd.DataFrame(table[["activation", "valence"]].to_numpy(float), files).sort_index()


@pytest.mark.parametrize("estimator", ["ewe", "mean", "median"])
def test_a_sheet_is_read_by_load_corpus_as_it_was(audio, tmp_path, estimator):
    ratings = simulate(12, folder="wav, old")
    ratings.loc[ratings["file"].str.endswith("003.wav"), "valence"] = np.nan
    folder = audio(ratings["file"].unique())
    export_sheet(ratings, tmp_path / "labels" / "mine.csv", estimator)
    (tmp_path / "audio" / "mine.csv").write_text("file\n" + "".join(f'"{f}"\n' for f in ratings["file"].unique()))
    corpus = load_corpus(f"table:mine={folder / 'mine.csv'}", tmp_path / "labels")
    gold = gold_standard(ratings, estimator)
    np.testing.assert_allclose(labels_of(corpus, folder), gold[["activation", "valence"]], rtol=1e-9)
    assert corpus.table["valence"].isna().sum() == 1


def test_a_sheet_under_the_corpus_s_own_name(audio, tmp_path):
    files = ["wav/03a01Fa.wav", "wav/03a01Nc.wav", "wav/08a01Wa.wav"]
    ratings = make_ratings(
        *({"file": f, "rater": "x", "activation": 2.0 + i, "valence": 1.5} for i, f in enumerate(files))
    )
    folder = audio(files)
    export_sheet(ratings, tmp_path / "labels" / "EMO_DB.csv")
    corpus = load_corpus(f"emodb={folder}", tmp_path / "labels")
    assert labels_of(corpus, folder).to_numpy().tolist() == [[2, 1.5], [3, 1.5], [4, 1.5]]


def test_classes_alone_make_no_sheet(tmp_path):
    with pytest.raises(LabelError, match="no rating has an activation or a valence"):
        export_sheet(make_ratings({"file": "a.wav", "rater": "x", "emotion": "sad"}), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of audformat, with pandas 3
def test_a_database_has_a_column_a_rater_and_is_read_by_load_corpus(audio, tmp_path):
    ratings = simulate(8, raters=("anna", "bo b", "Ζωή"), n_repeats=3)
    ratings.loc[(ratings["rater"] == "bo b") & (ratings["file"] < "wav/004.wav"), ["valence", "emotion"]] = np.nan
    ratings["emotion"] = ratings["emotion"].astype(object).where(ratings["emotion"].notna(), None)
    folder = audio(ratings["file"].unique())
    export_database(ratings, tmp_path / "database", audio=folder)

    database = audformat.Database.load(str(tmp_path / "database"))
    assert set(database.raters) == {"anna", "bo b", "Ζωή"}
    assert database["raters.valence"].columns["bo b"].rater_id == "bo b"
    expected = rating_matrix(ratings, "valence")
    found = database["raters.valence"].df
    assert list(found.columns) == list(expected.columns)
    np.testing.assert_array_equal(found.to_numpy(float), expected.to_numpy(float))

    corpus = load_corpus(f"rated={tmp_path / 'database'}")
    gold = gold_standard(ratings)
    np.testing.assert_allclose(labels_of(corpus, folder), gold[["activation", "valence"]])
    assert corpus.table["emotion"].tolist() == gold["emotion"].tolist()
    assert set(corpus.single_ratings) == {"activation", "valence"}
    single = corpus.single_ratings["valence"].loc[corpus.table.index.get_level_values("file")]
    assert list(single.columns) == list(expected.columns)
    np.testing.assert_array_equal(single.to_numpy(), expected.to_numpy(float))


def test_ratings_by_one_rater_are_no_single_ratings(audio, tmp_path):
    ratings = simulate(8, raters=("anna",))
    export_database(ratings, tmp_path / "database", audio=audio(ratings["file"].unique()))
    assert load_corpus(f"rated={tmp_path / 'database'}").single_ratings == {}


@pytest.mark.parametrize("value", ["activation", "valence", "emotion"])
def test_a_database_of_one_value_gives_its_gold_standard(audio, tmp_path, value):
    ratings = simulate(6)
    for other in {"activation", "valence", "emotion"} - {value}:
        ratings[other] = None if other == "emotion" else np.nan
    export_database(ratings, tmp_path / "database", "median", audio=audio(ratings["file"].unique()))
    corpus = load_corpus(f"rated={tmp_path / 'database'}")
    expected = estimates(ratings)["emotion" if value == "emotion" else f"{value}_median"]
    assert corpus.table[value].tolist() == expected.tolist()


def test_a_database_beside_its_audio_has_relative_paths(audio, tmp_path):
    ratings = simulate(6)
    folder = audio(ratings["file"].unique())
    export_database(ratings, folder / "rated")
    for file in (folder / "rated").iterdir():
        file.rename(folder / file.name)
    assert len(load_corpus(f"rated={folder}").table) == 6


def test_a_database_is_not_written_over(tmp_path):
    export_database(simulate(3), tmp_path / "database")
    with pytest.raises(StorageError, match="exists"):
        export_database(simulate(3), tmp_path / "database")
    export_database(simulate(3), tmp_path / "database", overwrite=True)


def test_databases_that_cannot_be(tmp_path):
    with pytest.raises(LabelError, match="there is nothing to write"):
        export_database(make_ratings({"file": "a.wav", "rater": "x", "cannot_tell": True}), tmp_path / "database")
    assert not list(tmp_path.iterdir())


def test_sheets_come_in_as_one_rater(tmp_path):
    for name, text in {
        "EMO_DB.csv": "filename,activation,valence \n03a01Fa.wav,3,3.5\n",
        "CAFE.csv": "filname,activation ,valence\n01-C-1-1.wav,4,\n01-C-1-2.wav,,nan\n",  # codespell:ignore filname
        "URDU.csv": ",,filename,activation,valence\n,,SF1_F6_H06.wav,4,3\n",
        "mine.csv": "file,arousal\nx\\a.wav,2\n",
    }.items():
        (tmp_path / name).write_text(text)
    raw, lacking = import_sheets(sorted(tmp_path.glob("*.csv")), " das ")
    assert raw[["file", "activation"]].values.tolist() == [
        ["01-C-1-1.wav", 4],
        ["03a01Fa.wav", 3],
        ["SF1_F6_H06.wav", 4],
        ["x/a.wav", 2],
    ]
    assert set(raw["rater"]) == {"das"}
    assert not any(lacking.values())
    write_ratings(raw, tmp_path / "das" / "ratings.csv")
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "das"), raw.sort_values("file", ignore_index=True))


def test_names_become_paths_below_the_audio(audio, tmp_path):
    (tmp_path / "mine.csv").write_text("filename,valence\na.wav,2\nsad/b,3\ngone.wav,4\n")
    folder = audio(["happy/a.flac", "sad/b.wav", "happy/b.wav"])
    raw, lacking = import_sheets([tmp_path / "mine.csv"], "x", folder)
    assert raw[["file", "valence"]].values.tolist() == [["happy/a.flac", 2], ["sad/b.wav", 3]]
    assert lacking == {tmp_path / "mine.csv": ["gone.wav"]}
    (tmp_path / "mine.csv").write_text("file;valence;mood\nsad\\b;3,5;x\nsad/b.wav;3,5;y\nsad/b.wav;3,5;\n")
    notes = []
    raw, _ = import_sheets([tmp_path / "mine.csv"], "x", folder, notes.append)
    assert raw[["file", "valence"]].to_numpy().tolist() == [["sad/b.wav", 3.5]]
    assert [note.partition("mine.csv: ")[2] for note in notes] == [
        "columns of mine.csv left out, for they are not known: mood",
        "mine.csv names one recording again, with the same values",
    ]


def test_sheets_that_do_not_fit(audio, tmp_path):
    sheet, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    sheet.write_text("filename,valence\na.wav,2\n")
    other.write_text("filename,valence\na.wav,3\n")
    with pytest.raises(LabelError, match=r"a\.wav is rated in .*mine\.csv and in .*other\.csv; import them as two"):
        import_sheets([sheet, other], "x")
    with pytest.raises(LabelError, match="has no name"):
        import_sheets([sheet], " ")
    with pytest.raises(LabelError, match=r"none of the 1 names in .* is a recording below"):
        import_sheets([sheet], "x", audio(["b.wav"]))
    with pytest.raises(CorpusError, match="does not exist"):
        import_sheets([sheet], "x", tmp_path / "nowhere")
    with pytest.raises(LabelError, match=r"a\.wav fits 2 recordings"):
        import_sheets([sheet], "x", audio(["1/a.wav", "2/a.wav"]))


@pytest.mark.real
@pytest.mark.skipif(not os.environ.get("AFFECTMAP_DATA"), reason="AFFECTMAP_DATA names no folder with corpora/")
@pytest.mark.parametrize(
    ("name", "sheet", "rows"), [("emodb", "EMO_DB.csv", 535), ("urdu", "URDU.csv", 400), ("aesdd", "AESD.csv", 454)]
)
def test_the_published_sheets_go_round(tmp_path, name, sheet, rows):
    corpora = Path(os.environ["AFFECTMAP_DATA"], "corpora")
    raw, lacking = import_sheets([corpora / "labels" / sheet], "das2022", corpora / name)
    assert len(raw) == rows
    assert not any(lacking.values())
    export_sheet(raw, tmp_path / "labels" / sheet)
    ours, theirs = (
        load_corpus(f"{name}={corpora / name}", labels) for labels in (tmp_path / "labels", corpora / "labels")
    )
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    export_database(raw, tmp_path / "database", audio=corpora / name)
    database = load_corpus(f"rated={tmp_path / 'database'}")
    rated = theirs.table[["activation", "valence"]].dropna(how="all")
    found = database.table[["activation", "valence"]].droplevel(["start", "end"])
    pd.testing.assert_frame_equal(found.sort_index(), rated.droplevel(["start", "end"]).sort_index())
