"""Folders of results, tables of embed and of people, and what is wrong with others."""

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import CorpusError, UsageError
from affectmap.explorer.sources import read_points
from affectmap.utterances import tidy, write_utterances
from cases import each
from explorer_rows import row


def written(folder, name, text):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_results_are_read_with_what_they_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [row(file, predicted_activation=2.0, predicted_valence=3.5) for file in ("a.wav", "b.wav")]
    write_utterances(tidy(pd.DataFrame(rows)), tmp_path)
    (tmp_path / "tables").mkdir()
    written(
        tmp_path,
        "tables/findings.csv",
        "corpus,file,kind,detail,dropped\npets,c.wav,outlier,far,True\npets,,note,x,False\n",
    )
    found = read_points([str(tmp_path)])
    assert found.maps[0].valence[:2].tolist() == [3.5, 3.5]
    assert found.utterances["file"].tolist() == [str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav")]
    assert found.utterances["problem"].fillna("").tolist() == ["", "", "left out: far"]
    assert np.isnan(found.maps[0].valence[2])


def test_what_a_score_could_not_use_has_no_place(tmp_path):
    write_utterances(tidy(pd.DataFrame([row("/x/a.wav", predicted_activation=2.0, predicted_valence=3.5)])), tmp_path)
    written(tmp_path, "unusable.csv", "file,reason\n/x/b.wav,silent\n")
    found = read_points([str(tmp_path)]).utterances
    assert found[["file", "corpus", "problem"]].iloc[1].tolist() == ["/x/b.wav", "pets", "left out: silent"]


def test_results_as_csv_give_the_same_points(tmp_path):
    rows = tidy(pd.DataFrame([row(predicted_activation=2.0, predicted_valence=3.5, activation=2.5, valence=1.0)]))
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    write_utterances(rows, tmp_path / "one")
    rows.to_csv(tmp_path / "other" / "utterances.csv", index=False)
    one, other = (read_points([str(tmp_path / name)]) for name in ("one", "other"))
    for a, b in zip(one.maps, other.maps, strict=True):
        assert (a.name, a.how, a.activation.tolist()) == (b.name, b.how, b.activation.tolist())


def test_two_scores_are_maps_of_the_same_utterances(tmp_path):
    for name, value in (("alone", 2.0), ("corpus", 3.0)):
        (tmp_path / name).mkdir()
        made = row("/x/a.wav", reading=name, method="model", predicted_activation=value, predicted_valence=3.0)
        write_utterances(tidy(pd.DataFrame([made])), tmp_path / name)
    found = read_points([str(tmp_path / "alone"), str(tmp_path / "corpus")])
    assert len(found.utterances) == 1
    assert {each.name: each.activation[0] for each in found.maps} == {
        "model, as it is": 2.0, "model, adapted to the corpus": 3.0,
    }  # fmt: skip


def test_a_table_of_embed_has_places_classes_problems_and_flags(tmp_path):
    text = "file,embedding_0,activation,activation_low,valence,neutral,sad,happy,angry,clipped,note,problem\n"
    text += "a.wav,0.1,3.5,2,2.5,0.1,0.6,0.2,0.1,True,loud,\nb.wav,,,,,,,,,False,,silent\n"
    found = read_points([written(tmp_path, "map.csv", text)])
    assert [each.name for each in found.maps] == ["model"]
    assert found.maps[0].activation.tolist() == pytest.approx([3.5, np.nan], nan_ok=True)
    assert found.maps[0].classes.chosen.tolist() == ["sad", None]
    assert found.utterances["problem"].fillna("").tolist() == ["", "silent"]
    assert found.utterances["flags"].tolist() == found.maps[0].flags.tolist() == ["clipped", "none"]
    assert "clipped" not in found.utterances
    assert found.utterances["file"].tolist() == [str(tmp_path / name) for name in ("a.wav", "b.wav")]


def test_a_table_of_ratings_is_a_map_of_ratings(tmp_path):
    text = "Filename;arousal;valence;speaker;age\na.wav;3,5;2;1;30\n"
    found = read_points([written(tmp_path, "mine.csv", text)])
    assert [each.name for each in found.maps] == ["ratings"]
    assert (found.maps[0].activation[0], found.utterances["speaker"][0], found.utterances["age"][0]) == (3.5, "1", 30)


def test_an_archive_of_parts_is_one_table(tmp_path):
    for number in range(2):
        frame = pd.DataFrame(
            {"file": [f"{number}.wav"], "activation": [3.0], "valence": [2.0], "activation_low": [1.0]}
        )
        frame.to_parquet(tmp_path / f"part-0000{number}.parquet")
    assert len(read_points([str(tmp_path)]).utterances) == 2


def test_recordings_are_found_below_another_root(tmp_path):
    (tmp_path / "here" / "b").mkdir(parents=True)
    (tmp_path / "here" / "b" / "1.wav").touch()
    text = "file,activation,valence\n/gone/a/b/1.wav,3,3\n/gone/a/2.wav,3,3\n../../etc/passwd,3,3\n"
    table = written(tmp_path, "t.csv", text)
    files = read_points([table], root=tmp_path / "here").utterances["file"].tolist()
    assert files[:2] == [str(tmp_path / "here" / "b" / "1.wav"), "/gone/a/2.wav"]


@each(
    ("name", "text", "error", "words"),
    [
        ("a.csv", "activation,valence\n1,2\n", CorpusError, "has no column file; expected names of recordings"),
        ("a.csv", "file,activation\na.wav,2\n", CorpusError, "has no columns activation and valence"),
        (
            "a.csv",
            "file,activation,valence\na.wav,high,2\n",
            CorpusError,
            "line 2: activation is 'high'; expected a number",
        ),
        ("a.csv", "", CorpusError, "is empty; expected a header and rows"),
        ("a.json", "{}", UsageError, "ends in .json; expected a folder of results, a table"),
        ("utterances.csv", "file,corpus\na.wav,x\n", CorpusError, "has no columns activation and valence"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, name, text, error, words):
    with pytest.raises(error, match=words):
        read_points([written(tmp_path, name, text)])


def test_folders_and_names_that_hold_nothing_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"holds no utterances\.parquet, no utterances\.csv and no parts"):
        read_points([str(tmp_path)])
    with pytest.raises(UsageError, match="does not exist; expected a folder of results"):
        read_points([str(tmp_path / "none.csv")])
    table = written(tmp_path, "t.csv", "file,activation,valence\na.wav,3,3\n")
    with pytest.raises(UsageError, match=r"--root .* is no folder"):
        read_points([table], root=tmp_path / "none")


def test_two_tables_of_the_same_recordings_are_maps_of_the_same_points(tmp_path):
    for name, activation in (("before", 2), ("after", 4)):
        lines = "file,activation,valence,activation_low\n" + "".join(f"{each}.wav,{activation},3,1\n" for each in "ab")
        (tmp_path / f"{name}.csv").write_text(lines)
    points = read_points([str(tmp_path / "before.csv"), str(tmp_path / "after.csv")])
    assert len(points.utterances) == 2
    assert [each.name.split(",")[0] for each in points.maps] == ["before", "after"]
    assert [each.activation.tolist() for each in points.maps] == [[2, 2], [4, 4]]
