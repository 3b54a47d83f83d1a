"""What a model predicts of a corpus."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import Corpus, CorpusCard
from affectmap.errors import ConfigError, CorpusError
from affectmap.evaluation.predictions import predict, sources_of, trained_on
from affectmap.schema import FUNCTIONALS
from affectmap.utterances import KEYS
from cases import each
from model_files import make_model
from scored import make_corpus


@pytest.fixture(scope="module")
def model():
    return make_model()


def test_a_row_is_what_the_model_gives_for_the_utterance(model):
    corpus = make_corpus()
    found = predict(model, corpus).utterances
    expected = model.transform(corpus.functionals).reset_index(drop=True)
    expected["file"] = corpus.table.index.get_level_values("file")
    expected = expected.sort_values("file", ignore_index=True)
    for ours, theirs in {"z1": "embedding_0", "predicted_valence": "valence", "p_sad": "sad"}.items():
        np.testing.assert_array_equal(found[ours], expected[theirs])
    np.testing.assert_array_equal(found["valence_high"], expected["valence_high"])
    assert list(found.columns[: len(KEYS)]) == list(KEYS)
    assert set(found["reading"]) == {"alone"}


def test_flags_are_those_of_the_model_beside_those_of_the_samples(model):
    corpus = make_corpus()
    strange = corpus.functionals.copy()
    strange.iloc[0] = 1e3  # unlike all that the model knows
    found = predict(model, replace(corpus, functionals=strange)).utterances.set_index("file")["flags"]
    first = strange.index.get_level_values("file")[0]
    assert "unfamiliar" in found[first].split(", ")
    expected = model.transform(strange).set_index(strange.index.get_level_values("file"))
    for name in ("unfamiliar", "not_speech"):
        has_it = found.map(lambda cell, name=name: name in cell.split(", "))
        assert has_it.to_dict() == expected[name].to_dict()


def test_the_class_is_the_likeliest_of_those_that_the_corpus_has(model):
    found = predict(model, make_corpus(emotions=("sad", "happy", "angry")))
    assert found.classes == ("sad", "happy", "angry")
    assert list(found.choices) == ["S-H-A", "N-S-H-A", "S-A"]
    for name, classes in found.choices.items():
        chances = found.utterances[[f"p_{each}" for each in classes]].to_numpy()
        assert found.utterances[name].tolist() == np.array(classes)[chances.argmax(axis=1)].tolist()


@each(
    ("emotions", "choices"),
    [(("neutral", "sad", "happy", "angry"), ["N-S-H-A", "N-S-A"]), (("angry",), ["N-S-H-A"])],
)
def test_a_corpus_of_one_class_is_chosen_for_among_all(model, emotions, choices):
    found = predict(model, make_corpus(emotions=emotions))
    assert (found.classes, list(found.choices)) == (("neutral", "sad", "happy", "angry"), choices)


def test_a_corpus_of_other_emotions_has_no_classes_to_be_scored_on(model):
    found = predict(model, make_corpus(emotion="fear"))
    assert (found.classes, list(found.choices)) == ((), ["N-S-H-A"])


def test_the_order_of_rows_does_not_matter(model):
    corpus = make_corpus()
    order = np.random.default_rng(3).permutation(len(corpus.table))
    turned = replace(corpus, table=corpus.table.iloc[order], functionals=corpus.functionals.iloc[order])
    for adapt in ("alone", "corpus", "speaker"):
        pd.testing.assert_frame_equal(
            predict(model, corpus, adapt).utterances, predict(model, turned, adapt).utterances, check_exact=True
        )


def test_adapting_is_what_the_model_does(model):
    corpus = make_corpus()
    ordered = corpus.functionals.sort_index()
    speaker = corpus.table.sort_index()["speaker"]
    adapted = model.adapt(ordered).transform(ordered)
    np.testing.assert_array_equal(predict(model, corpus, "corpus").utterances["z1"], adapted["embedding_0"])
    with pytest.warns(UserWarning, match="fewer than 10 usable utterances"):
        by_speaker = model.transform(ordered, speaker=speaker.to_numpy())
    found = predict(model, corpus, "speaker")
    np.testing.assert_array_equal(found.utterances["z1"], by_speaker["embedding_0"])
    assert "5 of 5 speakers have fewer than 10 usable utterances" in found.notes[0]


def test_speakers_must_be_known_to_adapt_to_them(model):
    corpus = make_corpus(speaker=["a", None] * 20)
    with pytest.raises(ConfigError, match="pets: the speaker of 20 of 40 utterances is unknown; name them, or adapt"):
        predict(model, corpus, "speaker")
    assert predict(model, corpus).speaker is None


def test_what_cannot_be_used_is_listed_with_its_reason(model):
    corpus = make_corpus()
    corpus.functionals.iloc[3, 5] = np.nan
    found = predict(model, corpus)
    assert found.unusable["file"].tolist() == [corpus.table.index[3][0]]
    assert found.unusable["reason"].tolist() == ["1 of its 88 features are not finite numbers"]
    assert len(found.utterances) == len(found.features) == 39


def test_a_corpus_without_a_usable_utterance_is_an_error(model):
    corpus = make_corpus()
    corpus.functionals.iloc[:, 5] = np.inf
    with pytest.raises(
        CorpusError, match=r"pets: none of its 40 utterances can be used, first /pets/s0_angry_0.wav: 1"
    ):
        predict(model, corpus)


def test_flags_are_counted(model):
    corpus = make_corpus()
    expected = int(model.transform(corpus.functionals)["unfamiliar"].sum())
    assert expected
    assert f"{expected} utterances of 40 flagged: unlike all training data" in predict(model, corpus).notes


def test_other_features_are_refused(model):
    corpus = make_corpus()
    fewer = replace(corpus, functionals=corpus.functionals[list(FUNCTIONALS[:80])])
    with pytest.raises(ConfigError, match="8 of the 88 features are missing"):
        predict(model, fewer)


def card(title):
    return CorpusCard("emodb", title, ("de",), 10, 535, (), None, False, "", "", "", "")


@each(
    ("training", "name", "title", "expected"),
    [
        ({}, "emodb", None, None),
        ({"corpora": []}, "emodb", None, None),
        ({"corpora": ["EMO-DB"]}, "emodb", None, True),
        ({"corpora": ["EMO-DB"]}, "mine", "EMO-DB", True),
        ({"corpora": ["EMO-DB"]}, "mine", None, False),
        ({"corpora": ["Other"], "recipe": {"sources": {"emo_db": {}}}}, "EmoDB", None, True),
        ({"recipe": {"sources": {"cats": {}}}}, "dogs", None, False),
    ],
)
def test_a_corpus_that_was_trained_on_is_told_by_its_names(training, name, title, expected):
    corpus = Corpus(name, make_corpus().table, card=card(title) if title else None)
    assert trained_on(make_model().described(training=training), corpus) is expected


def test_a_source_with_two_names_is_told_once():
    training = {"corpora": ["EMO-DB", "URDU"], "recipe": {"sources": {"emodb": {}, "casia": {}}}}
    assert sources_of(make_model().described(training=training)) == ["EMO-DB", "URDU", "casia"]
