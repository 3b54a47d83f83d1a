import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap import errors, schema
from affectmap.errors import AffectmapError, CorpusError, LabelError
from affectmap.schema import (
    AUDIO_SUFFIXES,
    COLUMNS,
    FOUR_CLASSES,
    FUNCTIONALS,
    THREE_CLASSES,
    Emotion,
    Finding,
    closest_emotion,
    parse_emotion,
    parse_number,
    parse_rating,
    segmented_index,
    text_of,
    validate_table,
)
from cases import each


def table(index=None, **columns):
    index = audformat.segmented_index(["a.wav", "b.wav"], [0, 0], [1, 2]) if index is None else index
    return pd.DataFrame(columns, index=index)


def test_every_error_has_one_base():
    found = [value for name, value in vars(errors).items() if name.endswith("Error")]
    assert {CorpusError, LabelError, errors.StorageError} < set(found)
    assert all(issubclass(error, AffectmapError) for error in found)
    assert not issubclass(AffectmapError, (ValueError, OSError))


def test_functionals_are_88():
    assert len(set(FUNCTIONALS)) == len(FUNCTIONALS) == 88


def test_classes_of_the_tables():
    assert [str(emotion) for emotion in FOUR_CLASSES] == ["neutral", "sad", "happy", "angry"]
    assert set(FOUR_CLASSES) - set(THREE_CLASSES) == {Emotion.HAPPY}


def test_finding_is_kept_unless_it_says_otherwise():
    assert not Finding("emodb", "a.wav", "note", "nothing to do").dropped


# Names of emotions


@pytest.mark.parametrize("emotion", list(Emotion))
def test_every_emotion_is_read_by_its_own_name(emotion):
    for written in (str(emotion), str(emotion).upper(), f"  {str(emotion).title()} "):
        assert parse_emotion(written) is emotion


@pytest.mark.parametrize(
    ("written", "emotion"),
    [
        ("Anger", "angry"),
        ("hap", "happy"),
        ("exc", "excited"),
        ("Sadness", "sad"),
        ("sa", "sad"),
        ("sur", "surprise"),
        ("fear", "fear"),
        ("xxx", "other"),
        ("neu", "neutral"),
        ("calm", "calm"),
    ],
)
def test_variants(written, emotion):
    assert parse_emotion(written) == emotion


@pytest.mark.parametrize("written", ["", "  ", "angr", "happy sad", "ärger", "0", float("nan"), None, 3])
def test_emotion_is_never_guessed(written):
    with pytest.raises(CorpusError, match=r"unknown emotion .*; expected one of angry, boredom"):
        parse_emotion(written)


# Utterance tables


def test_table_gets_every_column_in_the_shared_order():
    checked = validate_table(table(valence=[1, 5], emotion=["sad", None]), "notes.csv")
    assert tuple(checked.columns) == COLUMNS
    assert checked["valence"].tolist() == [1.0, 5.0]
    assert checked["activation"].isna().all()
    assert checked["activation"].dtype == checked["valence"].dtype == np.float64
    assert checked["emotion"].tolist() == ["sad", None]
    assert checked["speaker"].tolist() == [None, None]
    assert {str(checked[name].dtype) for name in COLUMNS if name not in schema.LABELS} == {"object"}


def test_checking_twice_changes_nothing_and_the_input_is_left_alone():
    given = table(speaker=[1, 2], valence=["2.5", None])
    before = given.copy()
    checked = validate_table(given, "x")
    pd.testing.assert_frame_equal(validate_table(checked, "x"), checked)
    pd.testing.assert_frame_equal(given, before)


def test_table_without_any_column_has_rows_all_the_same():
    assert len(validate_table(table(), "x")) == 2


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["ann", None], ["ann", None]),
        ([7, 8], ["7", "8"]),
        ([7, None], ["7", None]),
        ([7.5, np.nan], ["7.5", None]),
        (["", "  "], [None, None]),
        ([" 03", "03"], ["03", "03"]),
        (pd.array(["ann", None], dtype="string"), ["ann", None]),
        (pd.array([7, None], dtype="Int64"), ["7", None]),
        (pd.Categorical(["ann", None]), ["ann", None]),
    ],
)
def test_text_is_text_and_blank_is_missing(cells, expected):
    assert validate_table(table(speaker=cells), "x")["speaker"].tolist() == expected


@pytest.mark.parametrize(
    "cells",
    [[2, None], ["2", None], ["2.0", np.nan], pd.array([2, None], dtype="Int64"), pd.Categorical([2.0, None])],
)
def test_labels_are_numbers_whatever_their_column_was(cells):
    np.testing.assert_array_equal(validate_table(table(activation=cells), "x")["activation"], [2.0, np.nan])


def test_emotions_become_plain_text():
    checked = validate_table(table(emotion=[Emotion.SAD, np.nan]), "x")["emotion"].tolist()
    assert checked == ["sad", None]
    assert type(checked[0]) is str


def test_whole_files_and_segments_may_share_a_table():
    index = audformat.segmented_index(["a.wav", "a.wav", "b.wav"], [0, 1, 0], [1, 2, pd.NaT])
    assert len(validate_table(table(index), "x")) == 3


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.Index(["a", "b"], name="file"), r"x.csv: expected rows indexed by file, start, end, got \['file'\]"),
        (pd.RangeIndex(2), r"got \[None\]"),
        (pd.MultiIndex.from_tuples([("a", 0, 1), ("b", 0, 1)], names=schema.INDEX), "start and end must be times"),
        (audformat.segmented_index(["a.wav", "a.wav"]), "1 utterances are named twice, first a.wav"),
        (audformat.segmented_index([]), "x.csv: the table has no rows; expected at least one utterance"),
    ],
)
def test_index_is_that_of_utterances(index, message):
    with pytest.raises(CorpusError, match=message):
        validate_table(table(index), "x.csv")


def test_unknown_and_repeated_columns():
    with pytest.raises(CorpusError, match=r"x: unknown columns \['arousal'\]; expected some of \['emotion'"):
        validate_table(table(arousal=[1, 2]), "x")
    twice = pd.DataFrame([[1, 2], [3, 4]], table().index, columns=["valence", "valence"])
    with pytest.raises(CorpusError, match=r"x: columns \['valence', 'valence'\] name one twice"):
        validate_table(twice, "x")


@pytest.mark.parametrize(
    ("written", "meant"), [("angyr", "angry"), ("Happines ", "happy"), ("mad", None), ("", None), ("sentence", None)]
)
def test_closest_emotion(written, meant):
    assert closest_emotion(written) == meant


def test_unknown_emotions_are_all_named():
    with pytest.raises(CorpusError, match=r"x: unknown emotions Sad, grumpy; expected some of angry, boredom"):
        validate_table(table(emotion=["grumpy", "Sad"]), "x")


@pytest.mark.parametrize("value", [0.99, 5.01, -1, np.inf, -np.inf])
def test_labels_lie_between_one_and_five(value):
    with pytest.raises(
        LabelError, match=r"x: 1 value of valence lies outside 1..5, first .* for b.wav; ratings must be on 1..5"
    ):
        validate_table(table(valence=[3, value]), "x")
    with pytest.raises(LabelError, match=r"x: 2 values of activation lie outside .*; correct or blank them"):
        validate_table(table(activation=[value, value]), "x")
    assert validate_table(table(valence=[1.0, 5.0]), "x")["valence"].tolist() == [1.0, 5.0]


def test_label_that_is_no_number():
    with pytest.raises(LabelError, match=r"x: activation of b.wav is 'high', not a number; correct or blank it"):
        validate_table(table(activation=[3, "high"]), "x")


@pytest.mark.parametrize(
    "columns",
    [{"valence": [9, 9]}, {"valence": ["a", 2]}, {"emotion": ["odd", "sad"]}, {"arousal": [1, 2]}],
)
def test_messages_are_one_line_and_begin_with_the_origin(columns):
    with pytest.raises(AffectmapError) as caught:
        validate_table(table(**columns), "sheets/notes.csv")
    assert str(caught.value).startswith("sheets/notes.csv: ")
    assert "\n" not in str(caught.value)


def test_one_reading_of_ratings():
    for cell in ("", " ", "nan", "NA", "n/a", "None", "null", None, float("nan"), pd.NA):
        assert np.isnan(parse_rating(cell, "valence")), cell
    for cell, expected in (
        (" 3.5 ", 3.5),
        ("3,5", 3.5),
        ("3,667", 3.667),
        ("1", 1.0),
        (5, 5.0),
        (np.float32(1.1), float(np.float32(1.1))),
    ):
        assert parse_rating(cell, "valence") == expected, cell
    for cell in ("x", "3,5,1", "1,234.5", "7", 0.9, True, np.True_, "inf", -1, [], {}):
        with pytest.raises(LabelError, match=r"^valence is .*; expected a number from 1 to 5, or nothing$"):
            parse_rating(cell, "valence")


def test_every_ending_of_a_recording_is_a_format_of_libsndfile():
    known = {name.lower() for name in soundfile.available_formats()}
    other = {".aif": "aiff", ".aifc": "aiff", ".bwf": "wav", ".mp2": "mp3", ".oga": "ogg", ".opus": "ogg"}
    other |= {".snd": "au", ".sph": "nist"}
    for suffix in AUDIO_SUFFIXES:
        assert other.get(suffix, suffix[1:]) in known, suffix


def test_the_index_is_that_of_audformat():
    for given in (
        (["a", "b"],),
        ([],),
        (["a", "b"], [0, 1.5], [None, 2]),
        (["a"], ["1s"], [pd.Timedelta(2, "s")]),
        (["a", "b"], [pd.Timedelta(0), pd.Timedelta("1us")], [pd.NaT, pd.Timedelta(3, "h")]),
    ):
        ours, theirs = segmented_index(*given), audformat.segmented_index(*given)
        assert ours.equals(theirs), given
        assert ours.dtypes.equals(theirs.dtypes), given


@each(
    ("cell", "text"),
    [
        (" a b ", "a b"),
        ("", None),
        ("  ", None),
        (None, None),
        (np.nan, None),
        (pd.NaT, None),
        (pd.NA, None),
        (3, "3"),
        (3.0, "3"),
        (np.float32(3), "3"),
        (3.5, "3.5"),
        ("03", "03"),
        (pd.Timedelta("1s"), "0 days 00:00:01"),
        (" \u00e4 ".encode(), "\u00e4"),
        (b"", None),
        (b"\xe4", r"\xe4"),
    ],
)
def test_text_of(cell, text):
    assert text_of(cell) == text


@each(("cell", "number"), [("0,5", 0.5), ("12,25", 12.25), ("0,125", 0.125), ("-1,5e-3", -0.0015), (2, 2.0)])
def test_decimal_commas(cell, number):
    assert parse_number(cell) == number


def test_what_may_be_a_thousand_is_refused_unless_it_is_known_to_be_none():
    with pytest.raises(ValueError, match="1,234"):
        parse_number("1,234")
    assert parse_number("1,234", decimal_comma=True) == 1.234
