"""Planted conditions are found on unseen speakers, and nothing is found where nothing is."""

import numpy as np
import pytest

from affectmap.audit.recording_conditions import emotion_from_conditions
from affectmap.errors import ConfigError
from cases import each

NAMES = ("offset", "level_db")


def made(n_speakers=8, n_takes=6, seed=0):
    """Conditions of noise, emotions and speakers, each speaker with every emotion."""
    rng = np.random.default_rng(seed)
    emotion = np.array(["sad", "angry", "happy"] * n_speakers * n_takes, object)
    speaker = np.repeat([f"s{i}" for i in range(n_speakers)], 3 * n_takes).astype(object)
    return rng.normal(size=(len(emotion), 2)), emotion, speaker


def test_noise_tells_nothing():
    values, emotion, speaker = made(n_takes=30)
    found = emotion_from_conditions(values, NAMES, emotion, speaker)
    assert found.chance == pytest.approx(1 / 3)
    assert found.low < found.chance < found.high
    assert found.uar == pytest.approx(found.chance, abs=0.1)
    assert found.n == 720


@each("column", [0, 1])
def test_a_condition_that_follows_the_emotion_is_named(column):
    values, emotion, speaker = made()
    values[:, column] = np.where(emotion == "sad", 5, 0) + 0.1 * values[:, column]
    found = emotion_from_conditions(values, NAMES, emotion, speaker)
    assert found.strongest == NAMES[column]
    assert found.of_each[found.strongest] > 0.55 > found.of_each[NAMES[1 - column]]
    assert found.low > found.chance


def test_neither_unit_nor_shape_of_the_values_matters():
    values, emotion, speaker = made()
    values[:, 0] = np.where(emotion == "sad", 0.004, 0.0) * np.sign(values[:, 0])  # on both sides of the others
    found = emotion_from_conditions(values, NAMES, emotion, speaker)
    assert found.of_each["offset"] > 0.6
    assert emotion_from_conditions(np.exp(values), NAMES, emotion, speaker) == found


def test_what_is_known_of_the_same_speaker_alone_does_not_count():
    values, emotion, speaker = made(n_takes=20)
    # Every speaker's devices differ: what goes with sad in one goes with angry in the next.
    number = np.array([int(name[1:]) for name in speaker])
    values[:, 0] = (number + np.unique(emotion, return_inverse=True)[1]) % 3 + 0.01 * values[:, 0]
    found = emotion_from_conditions(values[:, :1], ("offset",), emotion, speaker)
    assert found.uar < 0.5


def test_rows_without_emotion_take_no_part():
    values, emotion, speaker = made()
    more = [np.concatenate([each, each[:10]]) for each in (values, emotion, speaker)]
    more[1][-10:] = None
    assert emotion_from_conditions(more[0], NAMES, *more[1:]) == emotion_from_conditions(
        values, NAMES, emotion, speaker
    )


def test_one_value_for_all_tells_nothing():
    values, emotion, speaker = made()
    found = emotion_from_conditions(np.zeros_like(values), NAMES, emotion, speaker)
    assert found.uar == pytest.approx(found.chance)
    assert found.of_each == {"offset": found.uar, "level_db": found.uar}


def test_too_few_emotions_or_speakers():
    values, emotion, speaker = made()
    with pytest.raises(ConfigError, match="1 emotions are named; expected two or more"):
        emotion_from_conditions(values, NAMES, np.full(len(emotion), "sad", object), speaker)
    few = speaker < "s4"
    with pytest.raises(ConfigError, match="4 speakers with 72 utterances are too few; expected at least 5"):
        emotion_from_conditions(values[few], NAMES, emotion[few], speaker[few])
