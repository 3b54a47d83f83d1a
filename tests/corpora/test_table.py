"""Any corpus from one table: what is read, what is told, what is refused by row."""

import unicodedata
from pathlib import PurePath

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import load_corpus, table
from affectmap.errors import CorpusError, LabelError, UsageError
from affectmap.schema import FUNCTIONALS, Finding


@pytest.fixture
def load(write, make_files):
    """Write a CSV table beside empty recordings and read it."""

    def load_text(text, files=("a.wav", "b.wav"), name="mine.csv"):
        make_files(".", files)
        return load_corpus(f"table:mine={write(name, text)}")

    return load_text


def functionals(n_rows, **columns):
    values = np.random.default_rng(0).normal(size=(n_rows, len(FUNCTIONALS)))
    return pd.DataFrame({**columns, **dict(zip(FUNCTIONALS, values.T, strict=True))})


def test_reads_every_column(load, tmp_path):
    corpus = load(
        "file,start,end,emotion,activation,valence,speaker,session,sex,language\n"
        "a.wav,0,1.5,Anger,4.5,2,01,s1,female,de\n"
        "a.wav,1.5,,happiness,3,4,01,s1,female,de\n"
        "b.wav,0 days 00:00:02,0 days 00:00:03,neu,1,5,02,s2,male,de\n"
    )
    rows = corpus.table
    assert rows.index.get_level_values("file").tolist() == [str(tmp_path / f) for f in ("a.wav", "a.wav", "b.wav")]
    assert rows.index.get_level_values("start").total_seconds().tolist() == [0, 1.5, 2]
    assert rows.index.get_level_values("end").total_seconds().tolist()[::2] == [1.5, 3]
    assert rows.index.get_level_values("end").isna().tolist() == [False, True, False]
    assert rows["emotion"].tolist() == ["angry", "happy", "neutral"]
    assert rows["activation"].tolist() == [4.5, 3, 1]
    assert rows["speaker"].tolist() == ["01", "01", "02"]
    assert corpus.language == "de"
    assert corpus.findings == ()
    assert corpus.card is None
    assert corpus.functionals is None


def test_file_alone_is_enough_and_what_lacks_is_told(load):
    corpus = load("file\na.wav\nb.wav\n")
    assert corpus.table.isna().all(axis=None)
    assert [finding.detail for finding in corpus.findings] == [
        "no speaker is named: speakers cannot be kept apart in folds"
    ]
    assert corpus.language == ""


def test_arousal_is_activation(load):
    assert load("file,arousal,speaker\na.wav,2,x\nb.wav,3,x\n").table["activation"].tolist() == [2, 3]
    with pytest.raises(CorpusError, match=r"has columns activation and arousal, which are one"):
        load("file,arousal,activation\na.wav,2,2\n")


def test_names_of_columns_in_any_case(load):
    corpus = load("File,EMOTION,Speaker,Arousal\na.wav,sad,1,2\nb.wav,angry,2,3\n")
    assert corpus.table[["emotion", "speaker", "activation"]].to_numpy().tolist() == [
        ["sad", "1", 2],
        ["angry", "2", 3],
    ]
    assert corpus.findings == ()


def test_all_unknown_emotions_are_told_at_once(load):
    with pytest.raises(CorpusError) as caught:
        load("file,emotion\n" + "".join(f"{i}.wav,{name}\n" for i, name in enumerate(["angyr", "sad", "mad", "angyr"])))
    told = "unknown emotions 'angyr' (2 times, first line 2; did you mean angry?), 'mad' (line 4); expected some of angry, "
    assert told in str(caught.value)
    assert "[" not in str(caught.value)
    with pytest.raises(CorpusError, match=r"'w11' \(line 13\) and 8 more; expected"):
        load("file,emotion\n" + "".join(f"{i}.wav,w{i}\n" for i in range(20)))


def test_other_words_for_columns(load):
    corpus = load("Filename;Label;speaker_id;Gender;arousal\na.wav;Sad;1.0;f;2,5\nb.wav;;NA;m;1,234\n")
    assert corpus.table[["emotion", "activation", "speaker", "sex"]].to_numpy().tolist() == [
        ["sad", 2.5, "1", "female"],
        [None, 1.234, "NA", "male"],
    ]
    assert [finding.detail for finding in corpus.findings[:4]] == [
        "column 'Filename' is read as file",
        "column 'Label' is read as emotion",
        "column 'speaker_id' is read as speaker",
        "column 'Gender' is read as sex",
    ]


def test_a_label_that_is_no_emotion_is_not_taken_for_one(load):
    corpus = load("file,speaker,label\na.wav,1,train\nb.wav,1,test\n")
    assert corpus.table["emotion"].isna().all()
    assert corpus.findings[0].detail == "columns left out, for they are not known: label"
    with pytest.raises(CorpusError, match=r"unknown emotion 'contempt' \(line 3\)"):
        load("file,speaker,label\na.wav,1,sad\nb.wav,1,contempt\n")


def test_a_sex_is_one_however_it_is_written_and_another_word_stays(load):
    written = ["F", "female", "w", " Weiblich ", "m.", "Mann", "divers", "1", ""]
    rows = "".join(f"a.wav,{n},{n + 1},s{n},{sex}\n" for n, sex in enumerate(written))
    corpus = load("file,start,end,speaker,sex\n" + rows)
    assert corpus.table["sex"].tolist() == ["female"] * 4 + ["male"] * 2 + ["divers", "1", None]
    assert not [each for each in corpus.findings if "sex" in each.detail]


def test_a_speaker_of_two_sexes_is_told(load):
    corpus = load("file,speaker,sex\na.wav,anna,f\nb.wav,anna,male\nc.wav,bo,m\nd.wav,bo,\n")
    told = "speaker anna is female and male; correct the sex, or give two people two names"
    assert [each.detail for each in corpus.findings if each.kind == "note"] == [told]


def test_ids_are_text(load):
    names = ["NA", "nan", "null", "None", "01", "1", "1.0", " 1 "]
    corpus = load(
        "file,start,end,speaker,session\n" + "".join(f"a.wav,{i},{i + 1},{n},{n}\n" for i, n in enumerate(names))
    )
    for column in ("speaker", "session"):
        assert corpus.table[column].tolist() == ["NA", "nan", "null", "None", "01", "1", "1", "1"]


def test_files_however_their_names_are_written(load, tmp_path):
    nfc, nfd = (unicodedata.normalize(form, "Jürgen") for form in ("NFC", "NFD"))
    corpus = load(f"file\n{nfc}\\a.wav\n x/{nfd}.wav \n", files=[f"{nfd}/a.wav", f"x/{nfc}.wav"])
    files = corpus.table.index.get_level_values("file").tolist()
    assert files == [str(tmp_path / nfd / "a.wav"), str(tmp_path / f"x/{nfc}.wav")]


def test_utterances_named_again_are_counted_once(load):
    corpus = load("file,start,emotion\na.wav,0,sad\n.\\a.wav,,Sadness\na.wav,1,sad\n")
    assert len(corpus.table) == 2
    assert corpus.findings[0] == Finding(
        "mine", ".\\a.wav", "note", "named again with the same values, and counted once"
    )


def test_all_problems_of_a_table_are_told_at_once(load):
    with pytest.raises(CorpusError) as caught:
        load(
            "file,start,end,emotion,valence\n"
            ",0,1,sad,3\na.wav,soon,1,sad,9\na.wav,2,1,mad,x\nb.wav,0,,sad,3\nb.wav,0,,angry,3\n"
        )
    told = str(caught.value)
    for part in (
        "line 2: names no file",
        "line 3: start is 'soon'",
        "line 4: ends at 1 s and starts at 2 s",
        "unknown emotion 'mad' (line 4)",
        "line 4: valence is 'x', not a number",
        "line 3: valence is 9, outside 1..5",
    ):
        assert part in told
    assert told.count("mine.csv") == 1
    assert "\n" not in told
    with pytest.raises(CorpusError, match=r"line 6: describes b.wav otherwise than line 5; keep one"):
        load("file,emotion\na.wav,sad\n" + "\n\nb.wav,sad\nb.wav,angry\n")


def test_calm_stays_calm(load):
    assert load("file,emotion\na.wav,calm\nb.wav,neutral\n").table["emotion"].tolist() == ["calm", "neutral"]


def test_speakers_that_look_alike_are_named(load):
    notes = [finding.detail for finding in load("file,speaker\na.wav,Anna\nb.wav,anna\n").findings]
    assert "speakers 'Anna' and 'anna' are counted apart; write them alike if they are one" in notes


def test_empty_cells_are_missing_and_named(load):
    corpus = load("file,emotion,activation,speaker\na.wav,,nan,x\nb.wav,sad,3,\n")
    assert corpus.table["emotion"].tolist() == [None, "sad"]
    assert corpus.table["speaker"].tolist() == ["x", None]
    assert corpus.findings == (
        Finding("mine", "a.wav", "unlabelled", "no emotion and no activation"),
        Finding("mine", "", "note", "utterances without a speaker: 1"),
    )


def test_absolute_paths_and_folders(load, tmp_path):
    corpus = load(f"file\n{tmp_path / 'deep/c.wav'}\ndeep/d.wav\n", files=["deep/c.wav", "deep/d.wav"])
    files = corpus.table.index.get_level_values("file").tolist()
    assert files == [str(tmp_path / "deep/c.wav"), str(tmp_path / "deep/d.wav")]


def test_rows_without_a_recording_are_dropped_by_name(load):
    corpus = load("file,speaker\na.wav,1\ngone.wav,1\n")
    assert len(corpus.table) == 1
    detail = "named in mine.csv, but no such recording was found; left out"
    assert corpus.findings == (Finding("mine", "gone.wav", "missing", detail, dropped=True),)
    with pytest.raises(
        CorpusError, match=r"none of its 1 rows can be used, first .*gone.wav .*; paths are relative to"
    ):
        load("file\ngone.wav\n")


def test_unknown_columns_are_told_but_a_near_miss_is_refused(load):
    corpus = load("file,speaker,transcript,age\na.wav,1,ja,3\n")
    assert corpus.findings[0].detail == "columns left out, for they are not known: transcript, age"
    for misspelt, meant in (("emotoin", "emotion"), ("Valance", "valence"), ("speaker_", "speaker")):
        with pytest.raises(CorpusError, match=rf"has a column '{misspelt}'; rename it to '{meant}' if it is that"):
            load(f"file,{misspelt}\na.wav,x\n")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("path,Filename\na.wav,a.wav\n", CorpusError, "has columns path and Filename; name the one that is meant file"),
        ("wave,emotion\na.wav,sad\n", CorpusError, "no column file; got wave, emotion$"),
        ("file,Sex,sex\na.wav,f,m\n", CorpusError, "has columns Sex and sex, which are one; keep one"),
        ("file,emotion\n", CorpusError, "has no rows; expected at least one utterance"),
        ("file,file\na.wav,a.wav\n", CorpusError, r"columns of the same name: file; name"),
        ("file,emotion\n,sad\n", CorpusError, "line 2: names no file"),
        (
            "file,emotion\na.wav,sad\n\nb.wav,angyr\n",
            CorpusError,
            r"emotion 'angyr' \(line 4; did you mean angry\?\); expected",
        ),
        ("file,start\na.wav,soon\n", CorpusError, "line 2: start is 'soon'; expected seconds"),
        ("file,start\na.wav,inf\n", CorpusError, "line 2: start is 'inf'; expected seconds"),
        ("file,start\na.wav,-1\n", CorpusError, "line 2: start is -1; expected 0 s or more"),
        ("file,start,end\na.wav,2,2\n", CorpusError, "line 2: ends at 2 s and starts at 2 s; expected an end after"),
        (
            "file,emotion\na.wav,sad\n./a.wav,angry\n",
            CorpusError,
            "line 3: describes ./a.wav otherwise than line 2; keep one",
        ),
        ("file,valence\na.wav,good\n", LabelError, "line 2: valence is 'good', not a number"),
        ("file,valence\na.wav,0\n", LabelError, r"line 2: valence is 0, outside 1\.\.5; correct or blank it, or"),
        (
            "file,Arousal\na.wav,0.2\nb.wav,0\n",
            LabelError,
            r"line 2 and 1 more: arousal is 0 to 0.2, outside 1\.\.5; correct or blank them, or rescale ratings on 0",
        ),
        ("file,arousal\na.wav,much\n", LabelError, "line 2: arousal is 'much', not a number"),
        ("file,emotion\na.wav\n", CorpusError, "line 2: one cell, the header has two"),
    ],
)
def test_broken_tables(load, text, error, message):
    with pytest.raises(error, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    assert "mine.csv" in str(caught.value)


def test_file_that_is_no_table(load, tmp_path, write):
    with pytest.raises(CorpusError, match=r"nowhere.csv does not exist; expected a table, .csv, .tsv or .parquet"):
        load_corpus(f"table:mine={tmp_path / 'nowhere.csv'}")
    with pytest.raises(CorpusError, match=r"is a folder; expected a table"):
        load_corpus(f"table:mine={tmp_path}")
    with pytest.raises(CorpusError, match=r"ends in .xlsx; expected a table"):
        load("file\n", name="mine.xlsx")
    with pytest.raises(CorpusError, match=r"cannot be read as parquet") as caught:
        load_corpus(f"table:mine={write('mine.parquet', 'no parquet')}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_functionals_make_audio_unnecessary(tmp_path, ending):
    frame = functionals(3, file=["x/a.wav", "x/b.wav", "x/c.wav"], speaker=["1", "2", "3"], emotion="sad")
    file = tmp_path / f"mine.{ending}"
    frame.to_csv(file, index=False) if ending == "csv" else frame.to_parquet(file)
    corpus = load_corpus(f"table:mine={file}")
    assert corpus.functionals.index.equals(corpus.table.index)
    assert tuple(corpus.functionals.columns) == FUNCTIONALS
    assert (corpus.functionals.dtypes == "float32").all()
    np.testing.assert_allclose(corpus.functionals, frame[list(FUNCTIONALS)], rtol=1e-6)
    assert corpus.findings == ()


def test_functionals_that_are_not_finite_are_dropped_by_name(tmp_path):
    frame = functionals(4, file=list("abcd"), speaker="1")
    frame.loc[1, FUNCTIONALS[3]] = np.nan
    frame.loc[2, FUNCTIONALS[87]] = np.inf
    frame.to_csv(tmp_path / "mine.csv", index=False)
    corpus = load_corpus(f"table:mine={tmp_path / 'mine.csv'}")
    dropped = [finding for finding in corpus.findings if finding.dropped]
    assert [(finding.file, finding.kind) for finding in dropped] == [("b", "unreadable"), ("c", "unreadable")]
    assert corpus.functionals.index.equals(corpus.table.index)
    assert len(corpus.table) == 2


def test_some_functionals_are_no_functionals(tmp_path):
    frame = functionals(2, file=list("ab"))
    frame.drop(columns=[FUNCTIONALS[5], FUNCTIONALS[80]]).to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(
        CorpusError, match=rf"has 86 of the 88 functionals; it lacks {FUNCTIONALS[5]}, {FUNCTIONALS[80]};"
    ):
        load_corpus(f"table:mine={tmp_path / 'mine.csv'}")
    frame = frame.astype({FUNCTIONALS[0]: object})
    frame.loc[1, FUNCTIONALS[0]] = "loud"
    frame.to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(CorpusError, match=rf"line 3: {FUNCTIONALS[0]} is 'loud'; expected a number"):
        load_corpus(f"table:mine={tmp_path / 'mine.csv'}")


def test_functionals_with_decimal_commas(tmp_path):
    frame = functionals(3, file=list("abc"), speaker=["1", "2", "3"]).round(3)
    frame.loc[0, FUNCTIONALS[0]] = 1.234
    frame.to_csv(tmp_path / "mine.csv", index=False, sep=";", decimal=",")
    corpus = load_corpus(f"table:mine={tmp_path / 'mine.csv'}")
    np.testing.assert_allclose(corpus.functionals, frame[list(FUNCTIONALS)], rtol=1e-6)
    frame.to_csv(tmp_path / "mine.csv", index=False, decimal=",")
    with pytest.raises(CorpusError, match=rf"line 2: {FUNCTIONALS[0]} is '1,234'; expected a number"):
        load_corpus(f"table:mine={tmp_path / 'mine.csv'}")


def test_parquet_with_numbers_times_and_index(tmp_path, make_files):
    make_files(".", ["a.wav", "b.wav"])
    frame = pd.DataFrame(
        {
            "file": ["a.wav", "b.wav"],
            "start": pd.to_timedelta([0, 1], unit="s"),
            "end": pd.to_timedelta([1, None], unit="s"),
            "speaker": [1.0, None],
            "emotion": pd.Categorical(["sad", "angry"]),
            "valence": [2.5, np.nan],
        }
    )
    frame.to_parquet(tmp_path / "flat.parquet")
    frame.set_index(["file", "start", "end"]).to_parquet(tmp_path / "indexed.parquet")
    flat, indexed = (table.load("mine", tmp_path / f"{name}.parquet") for name in ("flat", "indexed"))
    assert flat.table.equals(indexed.table)
    assert flat.table["speaker"].tolist() == ["1", None]
    assert flat.table.index.get_level_values("start").total_seconds().tolist() == [0, 1]
    assert flat.table["valence"].tolist()[0] == 2.5
    frame.assign(emotion=["sad", "mad"]).to_parquet(tmp_path / "flat.parquet")
    with pytest.raises(CorpusError, match=r"unknown emotion 'mad' \(row 2\); expected some of angry, "):
        table.load("mine", tmp_path / "flat.parquet")


def test_several_languages_are_joined(load):
    assert load("file,language\na.wav,it\nb.wav,en\n").language == "en, it"


def test_sheet_named_after_the_corpus_is_joined(load, write, tmp_path):
    load("file,emotion\na.wav,sad\nb.wav,angry\n")
    folder = write("labels/mine.csv", "filename,activation,valence\na.wav,1,2\nb.wav,3,4\n").parent
    for given in (folder, str(folder)):
        corpus = load_corpus(f"table:mine={tmp_path / 'mine.csv'}", given)
        assert corpus.table["valence"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("0", 0), ("2.25", 2.25), ("2,25", 2.25), ("0 days 00:01:00.5", 60.5), ("00:00:01,500", 1.5), ("NaT", None)],
)
def test_parse_time(cell, seconds):
    time = table.parse_time(cell, "end")
    assert (None if time is None else time.total_seconds()) == seconds


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "n_rows", "n_speakers"),
    [("ravdess", 1440, 24), ("emovo", 588, 6), ("turev-db", 1735, 6), ("casia", 400, 4)],
)
def test_real_tables(real_data, name, n_rows, n_speakers):
    corpus = load_corpus(f"table:{name}={real_data / 'features' / name}.parquet")
    assert corpus.functionals.shape == (n_rows, 88)
    assert corpus.table["speaker"].nunique() == n_speakers
    assert corpus.findings == ()


@pytest.mark.parametrize("cell", ["5S", "3 weeks", "1:2:3", "-1 days +23:59:59", "1,234", "1,2,3", "--1", "1e300"])
def test_what_is_no_time_is_refused(cell):
    with pytest.raises(CorpusError, match=r"^end is .*; expected (seconds, or a time such as|0 s or more)"):
        table.parse_time(cell, "end")


def encoder_table(n_rows=6, **columns):
    values = np.random.default_rng(1).normal(size=(n_rows, 4))
    names = ("mean_0", "mean_1", "std_0", "std_1")
    return pd.DataFrame(
        {"file": [f"{i}.wav" for i in range(n_rows)], **columns, **dict(zip(names, values.T, strict=True))}
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_of_numbers_are_features_where_they_are_asked_for(tmp_path, ending):
    frame = encoder_table(emotion="sad", speaker=["1", "2"] * 3, arousal=2.5, text="ja", age=[30, 40] * 3)
    file = tmp_path / f"mine.{ending}"
    frame.to_csv(file, index=False) if ending == "csv" else frame.to_parquet(file)
    corpus = load_corpus(f"table:mine={file}", features="columns")
    names = ["age", "mean_0", "mean_1", "std_0", "std_1"]
    assert corpus.functionals.columns.tolist() == names
    assert corpus.functionals.index.equals(corpus.table.index)
    assert (corpus.functionals.dtypes == "float32").all()
    np.testing.assert_allclose(corpus.functionals, frame[names], rtol=1e-6)
    assert corpus.table["activation"].tolist() == [2.5] * 6
    assert [finding.detail for finding in corpus.findings] == [
        "features are 5 columns, age to std_1; what measured them is not known",
        "columns left out, for they are not known: text",
    ]
    chosen = load_corpus(f"table:mine={file}", features="columns:std_,mean_1").functionals
    assert chosen.columns.tolist() == ["mean_1", "std_0", "std_1"]
    named = load_corpus(f"table:mine={file}", features=["std_1", "mean_0"]).functionals
    assert named.columns.tolist() == ["std_1", "mean_0"]
    np.testing.assert_allclose(named["std_1"], frame["std_1"], rtol=1e-6)


def test_features_with_one_value_are_told(tmp_path):
    file = tmp_path / "mine.csv"
    encoder_table(mean_9=1.5, mean_8=0.0).to_csv(file, index=False)
    told = "features with one value in all rows: mean_9 and 1 more"
    for features, expected in (("columns:mean_", [told]), ("columns:mean_0,mean_1", [])):
        notes = [each.detail for each in load_corpus(f"table:mine={file}", features=features).findings]
        assert [note for note in notes if "one value" in note] == expected


def test_what_means_a_label_is_no_feature(tmp_path):
    file = tmp_path / "mine.csv"
    encoder_table(valence=3.0, session=[1, 2] * 3, start=0.0).to_csv(file, index=False)
    assert load_corpus(f"table:mine={file}", features="columns").functionals.shape == (6, 4)
    with pytest.raises(CorpusError, match=r"has no feature that begins with 'val'; got file, valence,"):
        load_corpus(f"table:mine={file}", features="columns:val")
    for features in ("columns:", "columns:mean_,"):
        with pytest.raises(
            UsageError, match=f"^{features} has a prefix that is empty; write columns, or columns:PREFIX"
        ):
            load_corpus(f"table:mine={file}", features=features)


def test_functionals_by_any_way_are_the_same(tmp_path):
    file = tmp_path / "mine.csv"
    functionals(3, file=list("abc"), speaker="1").to_csv(file, index=False)
    wanted = load_corpus(f"table:mine={file}").functionals
    for features in ("columns", list(FUNCTIONALS), FUNCTIONALS):
        assert load_corpus(f"table:mine={file}", features=features).functionals.equals(wanted)


def test_a_table_of_features_needs_no_names_of_files(tmp_path):
    file = tmp_path / "mine.csv"
    encoder_table(3, id=["x", "y", "z"]).drop(columns="file").to_csv(file, index=False)
    corpus = load_corpus(f"table:mine={file}", features="columns")
    files = [PurePath(name).name for name in corpus.table.index.get_level_values("file")]
    assert files == ["line 2", "line 3", "line 4"]
    assert "no column file: utterances are named by the line of the table" in [each.detail for each in corpus.findings]
    with pytest.raises(
        CorpusError, match=r"no column file; got .*; if its 4 columns of numbers are features, add --feat"
    ):
        load_corpus(f"table:mine={file}")


def test_a_table_of_features_for_which_nobody_asked(tmp_path):
    file = tmp_path / "mine.csv"
    encoder_table(3).to_csv(file, index=False)
    with pytest.raises(
        CorpusError, match=r"none of its 3 rows .*; if its 4 columns of numbers are features, add --featu"
    ):
        load_corpus(f"table:mine={file}")


def test_features_that_are_not_finite_are_dropped_by_name(tmp_path):
    file, frame = tmp_path / "mine.csv", encoder_table(5, speaker="1")
    frame.loc[1, "mean_0"], frame.loc[2, "std_1"], frame.loc[3, "std_0"] = np.nan, -np.inf, 1e39
    frame.to_csv(file, index=False)
    corpus = load_corpus(f"table:mine={file}", features="columns")
    dropped = [finding for finding in corpus.findings if finding.dropped]
    assert [finding.file for finding in dropped] == ["1.wav", "2.wav", "3.wav"]
    assert {finding.detail for finding in dropped} == {"its features are not all finite numbers; left out"}
    assert len(corpus.table) == len(corpus.functionals) == 2


@pytest.mark.parametrize(
    ("text", "features", "message"),
    [
        ("file,f0\na,1\nb,loud\n", "columns", r"line 3: f0 is 'loud'; expected a number$"),
        ("file,f0,f0\na,1,2\n", "columns", r"columns of the same name: f0; name each once$"),
        ("file,text\na,ja\n", "columns", r"no column of numbers beside file, text; expected features$"),
        ("file,f0\na,1\n", "columns:z", r"no feature that begins with 'z'; got file, f0$"),
        ("file,f0\na,1\n", ["f1", "f0", "f2"], r"lacks 2 of 3 features, first f1; expected the columns f1 to f2$"),
        ('file,f0\na,"1,234"\nb,2\n', "columns", r"line 2: f0 is '1,234'; expected a number$"),
        (
            "file;f0\na;1,5\nb;1.234\n",
            "columns",
            r"f0 has a decimal comma \(line 2\) and a point \(line 3\); write all al",
        ),
        ("file,f0,f1\na,1,\nb,2,\n", "columns:f", r"f1 has no finite number in any of its 2 rows; remove it from all"),
        ("file,f0,valance\na,1,2\n", "columns", r"a column 'valance'; rename it to 'valence' if it is that$"),
        ("file,f0,emotion\na,1,sad\na,2,sad\n", "columns", r"line 3: describes a otherwise than line 2; keep one$"),
    ],
)
def test_broken_features(write, text, features, message):
    with pytest.raises(CorpusError, match=message) as caught:
        load_corpus(f"table:mine={write('mine.csv', text)}", features=features)
    assert "\n" not in str(caught.value)


def test_columns_are_of_tables_alone(tmp_path):
    with pytest.raises(
        UsageError, match=r"is no table, and features are columns of tables; give a table as table:NAME="
    ):
        load_corpus(f"emodb={tmp_path}", features="columns")


def test_columns_of_one_name_in_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "mine.parquet"
    columns = [pyarrow.array(["a"]), pyarrow.array([1.0]), pyarrow.array([2.0])]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(columns, names=["file", "f0", "f0"]), file)
    with pytest.raises(CorpusError, match=r"f0"):
        load_corpus(f"table:mine={file}", features="columns")


@pytest.mark.real
@pytest.mark.parametrize(("name", "n_rows"), [("ravdess", 672), ("emovo", 336), ("turev-db", 1735), ("casia", 400)])
def test_real_tables_of_an_encoder(real_data, name, n_rows):
    file = real_data / "features" / "whisper-base-3" / f"{name}.parquet"
    corpus = load_corpus(f"table:{name}={file}", features="columns:mean_,std_")
    assert corpus.functionals.shape == (n_rows, 1024)
    assert [finding.kind for finding in corpus.findings] == ["note"]
