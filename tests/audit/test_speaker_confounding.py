"""What the speaker tells of the emotion, by hand and by plain shuffling."""

import numpy as np
import pytest

from affectmap.audit.speaker_confounding import count_emotions, emotion_from_speaker
from affectmap.errors import ConfigError


def test_by_hand():
    told = emotion_from_speaker([*"aaabbbc"], ["sad", "sad", "angry", "angry", "angry", "angry", "sad"])
    assert told.accuracy == pytest.approx(6 / 7)
    assert (told.n, told.n_speakers, told.n_of_one) == (7, 3, 2)


def test_speakers_of_one_emotion_each_tell_all_and_equal_speakers_nothing():
    emotion = np.repeat(["sad", "angry", "happy", "neutral"], 25)
    everything = emotion_from_speaker(np.repeat([*"abcd"], 25), emotion)
    assert (everything.accuracy, everything.excess) == (1.0, 1.0)
    nothing = emotion_from_speaker(np.tile([*"abcde"], 20), emotion)
    assert nothing.accuracy == 0.25
    assert nothing.excess < 0


def test_chance_is_that_of_shuffled_emotions():
    rng = np.random.default_rng(0)
    speaker, emotion = rng.choice([*"abcdef"], 60), rng.choice(["sad", "angry", "happy"], 60, p=[0.5, 0.3, 0.2])
    plain = []
    for _ in range(2000):
        counts = count_emotions(speaker, rng.permutation(emotion))
        plain.append(counts.max(axis=1).sum() / 60)
    assert emotion_from_speaker(speaker, emotion, n_shuffles=2000).chance == pytest.approx(np.mean(plain), abs=0.004)


def test_unrelated_emotions_reach_chance():
    rng = np.random.default_rng(1)
    told = [emotion_from_speaker(rng.choice([*"abcd"], 80), rng.choice([*"NSHA"], 80)).excess for _ in range(50)]
    assert abs(np.mean(told)) < 0.02
    assert max(told) < 0.25


def test_the_seed_settles_chance():
    speaker, emotion = [*"aabbcc"] * 5, ["sad", "angry", "happy"] * 10
    assert emotion_from_speaker(speaker, emotion) == emotion_from_speaker(speaker, emotion)
    assert emotion_from_speaker(speaker, emotion).chance != emotion_from_speaker(speaker, emotion, seed=1).chance


def test_one_utterance_a_speaker_tells_nothing_beyond_chance():
    told = emotion_from_speaker([*"abcd"], ["sad", "angry", "sad", "angry"])
    assert (told.accuracy, told.chance) == (1.0, 1.0)
    assert np.isnan(told.excess)


def test_utterances_without_an_emotion_take_no_part():
    assert emotion_from_speaker([*"aab", None], ["sad", None, "angry", None]).n == 2


@pytest.mark.parametrize(
    ("speaker", "emotion", "message"),
    [
        ([*"ab"], [None, None], "none of 2 utterances has an emotion; name some"),
        (["a", None], ["sad", "sad"], "the speaker of 1 of 2 utterances is unknown; name them"),
        ([*"abc"], ["sad"], "emotion has 1 rows and speaker 3; expected as many"),
    ],
)
def test_what_cannot_be_told_is_refused(speaker, emotion, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        emotion_from_speaker(speaker, emotion)
