"""Audformat databases, saved by audformat itself and then spoilt."""

import unicodedata

import audformat
import pandas as pd
import pytest

from affectmap.corpora import load_corpus
from affectmap.errors import CorpusError, LabelError, UsageError
from cases import each

FILES = ["wav/a.wav", "wav/b.wav", "wav/c.wav"]


def add(database, name, index, columns):
    """Add a table; columns are {column: (scheme, values)}."""
    database[name] = audformat.Table(index)
    for column, (scheme, values) in columns.items():
        database[name][column] = audformat.Column(scheme_id=scheme)
        database[name][column].set(values)


@pytest.fixture
def database():
    """Emotions in one table, speakers in another, their sex in the labels of the speaker scheme."""
    one = audformat.Database("toy", source="here", usage=audformat.define.Usage.RESEARCH, languages=["deu"])
    one.schemes["emotion"] = audformat.Scheme(labels=["anger", "neutral", "contempt"])
    one.schemes["speaker"] = audformat.Scheme(labels={3: {"gender": "male"}, 8: {"gender": "female"}})
    one.schemes["rating"] = audformat.Scheme("float", minimum=1, maximum=5)
    index = audformat.filewise_index(FILES)
    add(one, "files", index, {"speaker": ("speaker", [3, 8, 8])})
    add(one, "emotion", index, {"emotion": ("emotion", ["anger", "neutral", None])})
    return one


@pytest.fixture
def save(make_files, tmp_path):
    def save_database(one, storage_format="csv"):
        folder = make_files("database", FILES)
        one.save(str(folder), storage_format=storage_format)
        return folder

    return save_database


def note(corpus):
    return corpus.findings[0].detail


@pytest.mark.parametrize("storage_format", ["csv", "parquet"])
def test_reads_what_several_tables_and_metadata_know(database, save, storage_format):
    folder = save(database, storage_format)
    corpus = load_corpus(f"toy={folder}")
    assert corpus.table.index.get_level_values("file").tolist() == [str(folder / file) for file in FILES]
    assert corpus.table["emotion"].tolist() == ["angry", "neutral", None]
    assert corpus.table["speaker"].tolist() == ["3", "8", "8"]
    assert corpus.table["sex"].tolist() == ["male", "female", "female"]
    assert corpus.language == "deu"
    assert note(corpus) == (
        "the utterances are those of table emotion (3 rows), with emotion; speaker is from table files; "
        "sex is from table files"
    )
    assert [(finding.file, finding.kind) for finding in corpus.findings[1:]] == [("wav/c.wav", "unlabelled")]
    assert load_corpus(f"audformat:toy={folder}").table.equals(corpus.table)


def test_metadata_in_a_table_of_its_own(database, save):
    people = audformat.MiscTable(pd.Index([3, 8], name="person", dtype="Int64"))
    database["people"] = people
    database.schemes["gender"] = audformat.Scheme(labels=["female", "male"])
    database["people"]["gender"] = audformat.Column(scheme_id="gender")
    database["people"]["gender"].set(["male", "female"])
    database.schemes["person"] = audformat.Scheme("int", labels="people")
    index = audformat.filewise_index(FILES)
    add(database, "files", index, {"speaker": ("person", [3, 8, 8])})
    assert load_corpus(f"toy={save(database)}").table["sex"].tolist() == ["male", "female", "female"]


def test_segments_take_what_is_known_of_their_file(database, save):
    index = audformat.segmented_index(["wav/a.wav", "wav/a.wav", "wav/b.wav"], [0, 1, 0.5], [1, 2, None])
    add(database, "emotion", index, {"emotion": ("emotion", ["anger", "neutral", "anger"])})
    add(database, "valence", index[1:], {"valence": ("rating", [1.5, 5.0])})
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.table["speaker"].tolist() == ["3", "3", "8"]
    assert corpus.table["valence"].isna().tolist() == [True, False, False]
    assert corpus.table["valence"].tolist()[1:] == [1.5, 5]
    assert corpus.table.index.get_level_values("start").total_seconds().tolist() == [0, 1, 0.5]
    assert "valence is from table valence" in note(corpus)


def test_whole_files_take_nothing_from_segments(database, save):
    index = audformat.segmented_index(["wav/a.wav"], [0], [1])
    add(database, "valence", index, {"valence": ("rating", [1.5])})
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.table["valence"].isna().all()
    assert "not used, though they too have emotion, activation or valence: valence (1 rows)" in note(corpus)


def test_rule_that_picks_the_table_and_a_choice_against_it(database, save):
    index = audformat.filewise_index(FILES)
    add(database, "emotion.test", index[:1], {"emotion": ("emotion", ["anger"])})
    add(database, "emotion.train", index[1:], {"emotion": ("emotion", ["neutral", "neutral"])})
    folder = save(database)
    rest = (
        "not used, though they too have emotion, activation or valence: emotion.test (1 rows), emotion.train (2 rows)"
    )
    assert rest in note(load_corpus(f"toy={folder}"))
    assert load_corpus(f"audformat:toy={folder}#emotion.test").table["emotion"].tolist() == ["angry"]
    both = load_corpus(f"toy={folder}#emotion.train,emotion.test")
    assert both.table["emotion"].tolist() == ["neutral", "neutral", "angry"]
    assert both.table["speaker"].tolist() == ["8", "8", "3"]
    with pytest.raises(CorpusError, match=r"has no table 'nix'; it has emotion, emotion.test, emotion.train, files"):
        load_corpus(f"toy={folder}#nix")
    again = load_corpus(f"toy={folder}#emotion,emotion.test")
    assert len(again.table) == 3
    assert again.findings[1].detail == "named again with the same values, and counted once"


def test_more_targets_win_over_more_rows(database, save):
    index = audformat.filewise_index(FILES[:2])
    columns = {"arousal": ("rating", [2.0, 3.0]), "valence": ("rating", [4.0, 5.0])}
    add(database, "dimensions", index, columns)
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.table["activation"].tolist() == [2, 3]
    assert corpus.table["emotion"].tolist() == ["angry", "neutral"]
    assert note(corpus).startswith("the utterances are those of table dimensions (2 rows), with activation, valence;")


def test_column_of_another_name_is_found_by_its_scheme(database, save):
    index = audformat.filewise_index(FILES)
    add(database, "emotion", index, {"gold": ("emotion", ["anger", "anger", "neutral"])})
    assert load_corpus(f"toy={save(database)}").table["emotion"].tolist() == ["angry", "angry", "neutral"]


def test_declared_class_that_is_none_of_ours_counts_as_other(database, save):
    index = audformat.filewise_index(FILES)
    add(database, "emotion", index, {"emotion": ("emotion", ["anger", "contempt", "contempt"])})
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.table["emotion"].tolist() == ["angry", "other", "other"]
    assert corpus.findings[1].detail == "2 utterances labelled 'contempt' count as other"


@each("storage_format", ["csv", "parquet"])
@each(
    ("dtype", "labels", "values"),
    [
        ("int", {0: "neutral", 1: "happy", 2: "angry"}, [2, 0, 1]),
        ("str", {"W": "anger", "F": "Happiness", "N": "neutral"}, ["W", "N", "F"]),
        ("int", {0: {"emotion": "neutral"}, 1: {"emotion": "joy"}, 2: {"emotion": "ang"}}, [2, 0, 1]),
        ("str", {"a": {"category": "anger"}, "b": {"category": "neutral"}, "c": {"category": "joy"}}, ["a", "b", "c"]),
        (
            "str",
            {"anger": "shouts, mostly", "neutral": "as read", "joy": {"n_speakers": 3}},
            ["anger", "neutral", "joy"],
        ),
    ],
)
def test_labels_mean_what_their_scheme_says(dtype, labels, values, storage_format, database, save):
    database.schemes["code"] = audformat.Scheme(dtype, labels=labels)
    add(database, "emotion", audformat.filewise_index(FILES), {"emotion": ("code", values)})
    corpus = load_corpus(f"toy={save(database, storage_format)}")
    assert corpus.table["emotion"].tolist() == ["angry", "neutral", "happy"]
    assert not any("other" in finding.detail for finding in corpus.findings[1:])


@each("storage_format", ["csv", "parquet"])
@each("column", ["emotion", "name", None])
def test_labels_in_a_table_of_their_own(column, storage_format, database, save):
    names = ["anger", "contempt", "joy"]
    database["classes"] = audformat.MiscTable(pd.Index(names if column is None else [1, 2, 3], name="code"))
    if column is not None:
        database.schemes["text"] = audformat.Scheme("str")
        database["classes"][column] = audformat.Column(scheme_id="text")
        database["classes"][column].set(names)
    database.schemes["code"] = audformat.Scheme("str" if column is None else "int", labels="classes")
    values = names if column is None else [1, 2, 3]
    add(database, "emotion", audformat.filewise_index(FILES), {"emotion": ("code", values)})
    corpus = load_corpus(f"toy={save(database, storage_format)}")
    assert corpus.table["emotion"].tolist() == ["angry", "other", "happy"]
    assert corpus.findings[1].detail == "1 utterances labelled 'contempt' count as other"


def test_numbers_that_stand_for_a_sex(database, save):
    database.schemes["sex"] = audformat.Scheme("int", labels={0: "female", 1: "male"})
    del database.schemes["speaker"].labels[3]["gender"], database.schemes["speaker"].labels[8]["gender"]
    add(database, "people", audformat.filewise_index(FILES), {"sex": ("sex", [1, 0, 1])})
    assert load_corpus(f"toy={save(database)}").table["sex"].tolist() == ["male", "female", "male"]


def test_classes_that_nobody_knows_are_no_corpus(database, save):
    index = audformat.filewise_index(FILES)
    for labels in ([0, 1, 2], ["W", "F", "N"], ["Wut", "Freude"]):
        database.schemes["code"] = audformat.Scheme(labels=labels)
        add(database, "emotion", index, {"emotion": ("code", [labels[0], labels[1], labels[-1]])})
        with pytest.raises(
            CorpusError, match=r"db.yaml: its classes .* are no known emotions; name them in the labels"
        ):
            load_corpus(f"toy={save(database)}")
    add(database, "valence", index, {"valence": ("rating", [1.0, 2.0, 3.0])})
    corpus = load_corpus(f"toy={save(database)}")
    assert (corpus.table["emotion"].tolist(), corpus.table["valence"].tolist()) == (["other"] * 3, [1, 2, 3])


def test_a_mark_of_an_undeclared_scheme_is_refused(database, save):
    database.schemes["free"] = audformat.Scheme("str")
    add(database, "emotion", audformat.filewise_index(FILES), {"emotion": ("free", ["anger", ".", "joy"])})
    with pytest.raises(CorpusError, match=r"unknown emotion '.' \(.*emotion, line 3\)"):
        load_corpus(f"toy={save(database)}")


def test_a_scheme_that_the_header_lacks(database, save):
    folder = save(database)
    header = folder / "db.yaml"
    header.write_text(header.read_text().replace("scheme_id: emotion", "scheme_id: nix"))
    with pytest.raises(CorpusError, match=r"'emotion' of table 'emotion' the scheme 'nix', which it does not define"):
        load_corpus(f"toy={folder}")


def test_tables_that_write_a_name_in_two_ways(database, save, make_files):
    nfc, nfd = (unicodedata.normalize(form, "wav/ä.wav") for form in ("NFC", "NFD"))
    add(database, "emotion", audformat.filewise_index([nfc]), {"emotion": ("emotion", ["anger"])})
    add(database, "files", audformat.filewise_index([nfd]), {"speaker": ("speaker", [3])})
    folder = save(database)
    make_files("database", [nfd])
    corpus = load_corpus(f"toy={folder}")
    assert corpus.table[["emotion", "speaker"]].to_numpy().tolist() == [["angry", "3"]]
    assert corpus.table.index[0][0] == str(folder / nfd)


def test_a_table_that_says_two_things_of_a_file(database, save):
    folder = save(database)
    file = folder / "db.files.csv"
    file.write_text(file.read_text() + "wav/a.wav,8\n")
    with pytest.raises(CorpusError, match=r"db.files.csv: speaker of wav/a.wav is '3' and '8'; keep one"):
        load_corpus(f"toy={folder}")


def test_undeclared_class_is_refused_with_its_place(database, save):
    folder = save(database)
    file = folder / "db.emotion.csv"
    file.write_text(file.read_text().replace("neutral", "neutrla"))
    with pytest.raises(CorpusError, match=r"unknown emotion 'neutrla' \(.*emotion, line 3; did you mean neutral\?\)"):
        load_corpus(f"toy={folder}")


def test_another_scale_is_left_out_and_told(database, save):
    database.schemes["unit"] = audformat.Scheme("float", minimum=0, maximum=1)
    index = audformat.filewise_index(FILES)
    add(database, "arousal", index, {"arousal": ("unit", [0.1, 0.5, 1.0])})
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.table["activation"].isna().all()
    assert "activation runs from 0 to 1, not from 1 to 5, and is left out" in [f.detail for f in corpus.findings]


def test_value_off_an_undeclared_scale_is_refused(database, save):
    database.schemes["free"] = audformat.Scheme("float")
    index = audformat.filewise_index(FILES)
    add(database, "arousal", index, {"arousal": ("free", [0.1, 2.5, 1.0])})
    with pytest.raises(LabelError, match=r"line 2: activation is 0.1, outside 1\.\.5"):
        load_corpus(f"toy={save(database)}")


def test_several_languages(database, save):
    database.languages = ["deu", "eng"]
    corpus = load_corpus(f"toy={save(database)}")
    assert corpus.language == "deu, eng"
    assert corpus.table["language"].isna().all()


def test_missing_recordings_are_dropped_by_name(database, save):
    folder = save(database)
    (folder / FILES[0]).unlink()
    corpus = load_corpus(f"toy={folder}")
    assert [(finding.file, finding.dropped) for finding in corpus.findings if finding.kind == "missing"] == [
        (FILES[0], True)
    ]


def test_sheet_named_after_the_corpus_is_joined(database, save, write):
    folder = write("labels/toy.csv", "filename,activation\na.wav,2\nb.wav,3\nc.wav,4\n").parent
    assert load_corpus(f"toy={save(database)}", folder).table["activation"].tolist() == [2, 3, 4]


def test_nothing_is_unpickled(database, save):
    folder = save(database, "pkl")
    with pytest.raises(
        CorpusError, match=r"keeps its table 'emotion' only as .pkl, which is not read; store it as CSV"
    ):
        load_corpus(f"toy={folder}")


def test_header_builds_no_objects(database, save, tmp_path):
    folder = save(database)
    header = folder / "db.yaml"
    harm = tmp_path / "harm"
    header.write_text(header.read_text() + f"author: !!python/object/apply:os.mkdir ['{harm}']\n")
    with pytest.raises(CorpusError, match=r"db.yaml cannot be read as an audformat header") as caught:
        load_corpus(f"toy={folder}")
    assert "\n" not in str(caught.value)
    assert not harm.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schemes:", "schemes: &a [*a]\nmore:"),
        ("schemes:", "deep: " + "[" * 100 + "]" * 100 + "\nschemes:"),
        ("minimum: 1", "minimum: [1]"),
        ("minimum: 1", "minimum: '1'"),
        ("labels:", "labels: 7\n    more:"),
        ("  emotion:\n    type", "  ../emotion:\n    type"),
        ("  emotion:\n    type", "  7:\n    type"),
    ],
)
def test_a_header_of_other_kinds(database, save, old, new):
    add(database, "valence", audformat.filewise_index(FILES), {"valence": ("rating", [1.0, 2.0, 3.0])})
    folder = save(database)
    text = (folder / "db.yaml").read_text()
    assert old in text, text
    (folder / "db.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(CorpusError, match=r"db.yaml cannot be read as an audformat header: ") as caught:
        load_corpus(f"toy={folder}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "name: toy\n", "just text", "{"])
def test_damaged_header(tmp_path, text):
    (tmp_path / "db.yaml").write_text(text)
    with pytest.raises(CorpusError, match=r"db.yaml cannot be read as an audformat header") as caught:
        load_corpus(f"toy={tmp_path}")
    assert "\n" not in str(caught.value)


def test_damaged_tables(database, save):
    folder = save(database)
    (folder / "db.files.csv").unlink()
    with pytest.raises(CorpusError, match=r"keeps its table 'files' in no file; store it as CSV or parquet"):
        load_corpus(f"toy={folder}")
    (folder / "db.files.csv").write_text("file,person\nwav/a.wav,3\n")
    with pytest.raises(CorpusError, match=r"lacks the columns \['speaker'\] that db.yaml gives it"):
        load_corpus(f"toy={folder}")


def test_no_table_with_anything_to_explain(database, save):
    del database.tables["emotion"]
    with pytest.raises(
        CorpusError, match=r"has a column for emotion, activation \(arousal\) or valence; its tables are f"
    ):
        load_corpus(f"toy={save(database)}")


def test_folder_that_is_no_database(tmp_path):
    with pytest.raises(CorpusError, match=r"is no audformat database; expected a folder with db.yaml"):
        load_corpus(f"audformat:toy={tmp_path}")
    with pytest.raises(UsageError, match=r"'toy'; .* holds no audformat database \(db.yaml\); known are aesdd"):
        load_corpus(f"toy={tmp_path}")
