"""What is drawn: places as means over folds, read-outs from source ratings alone, and nothing dropped."""

import numpy as np
import pandas as pd
import pytest

from affectmap.explorer.points import points_of
from cases import each
from explorer_rows import row


def test_a_place_is_the_mean_over_folds_and_seeds_of_evaluated_rows():
    rows = [
        row(fold=1, predicted_activation=2.0, predicted_valence=4.0),
        row(fold=2, seed=1, predicted_activation=3.0, predicted_valence=3.0),
        row(fold=3, use="training", predicted_activation=5.0, predicted_valence=5.0),
        row(fold=4, use="statistics", predicted_activation=5.0, predicted_valence=5.0),
    ]
    found = points_of(pd.DataFrame(rows)).maps[0]
    assert (found.activation.tolist(), found.valence.tolist()) == ([2.5], [3.5])
    assert "two folds and two seeds" in found.how
    assert "fitted on ratings of the source’s training rows, for display only" in found.how


def test_a_place_comes_from_statistics_rows_where_there_is_none_better_and_never_from_training():
    rows = [
        row("a.wav", use="statistics", predicted_activation=4.0, predicted_valence=2.0),
        row("b.wav", use="training", predicted_activation=4.0, predicted_valence=2.0),
    ]
    found = points_of(pd.DataFrame(rows))
    assert found.maps[0].activation.tolist() == pytest.approx([4.0, np.nan], nan_ok=True)
    assert len(found.utterances) == 2


def test_readings_that_differ_in_kind_are_maps_of_their_own():
    readings = ("alone", "corpus", "within", "held-out", "zero-shot")
    rows = [
        row(f"{k}.wav", reading=name, predicted_activation=3, predicted_valence=3) for k, name in enumerate(readings)
    ]
    names = {each.name: np.isfinite(each.activation).sum() for each in points_of(pd.DataFrame(rows)).maps}
    assert names == {"PCA-2, as it is": 1, "PCA-2, adapted to the corpus": 1, "PCA-2, within the corpus": 1, "PCA-2": 2}


def test_an_embedding_without_predictions_is_read_out_fold_by_fold():
    z = np.linspace(-1, 1, 9)
    rows = [
        row(
            f"{k}.wav",
            fold=fold,
            use="training" if k < 8 else "evaluated",
            z1=sign * z[k],
            activation=3 + z[k],
            valence=3.0,
        )
        for fold, sign in ((1, 1), (2, -1))
        for k in range(9)
    ]
    found = points_of(pd.DataFrame(rows)).maps[0]
    assert found.activation[8] == pytest.approx(4.0)
    assert np.isnan(found.activation[:8]).all()


def test_a_method_without_places_is_named():
    found = points_of(pd.DataFrame([row(method="88 functionals"), row(predicted_activation=2, predicted_valence=2)]))
    assert [each.name for each in found.maps] == ["PCA-2"]
    assert found.notes == ("88 functionals has neither activation and valence nor an embedding, and so no map",)


def test_ratings_are_a_map_where_both_are_known():
    rows = [row("a.wav", activation=2, valence=4), row("b.wav", activation=3)]
    found = points_of(pd.DataFrame(rows)).maps[-1]
    assert (found.name, found.activation[0], found.valence[0]) == ("ratings", 2, 4)


def test_flags_are_those_of_any_row_and_of_each_map():
    flags = {"alone": ["none", "clipped, unfamiliar", None], "corpus": ["silent", "clipped", None]}
    rows = [
        row(f"{k}.wav", reading=name, flags=cell, predicted_activation=2, predicted_valence=2)
        for name, cells in flags.items()
        for k, cell in enumerate(cells)
    ]
    found = points_of(pd.DataFrame(rows))
    assert found.utterances["flags"].tolist() == ["silent", "clipped, unfamiliar", None]
    assert [each.flags.tolist() for each in found.maps] == list(flags.values())


def test_a_column_of_flags_that_means_something_else_stays_as_it_is():
    found = points_of(pd.DataFrame([row(flags="red", activation=2, valence=2), row("b.wav", flags="silent")]))
    assert found.utterances["flags"].tolist() == ["red", "silent"]
    assert all(each.flags is None for each in found.maps)


def test_the_class_is_chosen_among_those_that_the_corpus_has_as_score_does():
    rows = [
        row(f"{k}.wav", corpus=corpus, emotion=emotion, **{"N-S-H-A": "neutral", "S-H-A": "sad"})
        for corpus, emotions in {
            "pets": ("sad", "happy", "angry", "bored"),
            "cats": ("neutral", "sad", "happy", "angry"),
        }.items()
        for k, emotion in enumerate(emotions)
    ]
    rows = pd.DataFrame(rows).assign(predicted_activation=2.0, predicted_valence=2.0)
    pets = points_of(rows[rows["corpus"] == "pets"]).maps[0]
    assert (set(pets.classes.chosen), pets.classes.among) == ({"sad"}, "sad, happy, angry")
    assert pets.how.endswith("The class is the likeliest of sad, happy and angry.")
    both = points_of(rows).maps[0]
    assert both.classes.among == "sad, happy, angry; or neutral, sad, happy, angry"
    assert both.classes.chosen.tolist() == ["sad"] * 4 + ["neutral"] * 4
    assert both.how.endswith("likeliest of sad, happy and angry in pets; of neutral, sad, happy and angry in cats.")


def test_the_class_is_the_one_predicted_most_often():
    rows = [
        row(fold=fold, predicted_activation=2, predicted_valence=2, **{"N-S-H-A": name, "N-S-A": "angry"})
        for fold, name in enumerate(("sad", "happy", "sad"))
    ]
    assert points_of(pd.DataFrame(rows)).maps[0].classes.chosen.tolist() == ["sad"]


@each(
    ("files", "names"),
    [
        (["/home/ada/speech/a/1.wav", "/home/ada/speech/b/1.wav"], ["a/1.wav", "b/1.wav"]),
        (["/x/1.wav"], ["1.wav"]),
        (["1.wav", "sub/2.wav"], ["1.wav", "sub/2.wav"]),
        (["/x/1.wav", "2.wav"], ["/x/1.wav", "2.wav"]),
        ([r"C:\speech\1.wav", r"C:\speech\2.wav"], ["1.wav", "2.wav"]),
    ],
)
def test_no_name_tells_where_the_folder_is(files, names):
    assert points_of(pd.DataFrame([row(file) for file in files])).names == names


def test_two_segments_of_a_file_are_two_points_and_other_columns_are_kept():
    rows = [row(start=0.0, session="x"), row(start=1.5, session="y")]
    found = points_of(pd.DataFrame(rows)).utterances
    assert found["start"].tolist() == [0.0, 1.5]
    assert found["session"].tolist() == ["x", "y"]
    assert "fold" not in found
