"""From several channels to one signal: what counts, what is left out, and that the value of one good channel comes out."""

import numpy as np
import pytest
import soundfile

from affectmap.audio.channels import Mix, choose_mix, only_channel
from affectmap.audio.reading import read_audio, read_recording
from affectmap.audio.stream import Recording
from affectmap.errors import AudioError
from cases import each

RATE = 16000
TIME = np.arange(3 * RATE) / RATE
NOISE = np.random.default_rng(0).standard_normal((len(TIME), 6))


def syllables(pitch, per_second, phase=0.0):
    """A buzz in syllables, peak near 0.3."""
    buzz = sum(np.sin(2 * np.pi * pitch * k * (TIME + phase)) / k for k in range(1, 30))
    return 0.2 * buzz * np.clip(np.sin(2 * np.pi * per_second * TIME + phase), 0, 1) ** 2


ONE, OTHER = syllables(130, 3.1), syllables(210, 2.3, 1.0)
EARLY, LATE = ONE * (TIME < 1.4), OTHER * (TIME > 1.6)
STILL = 0 * TIME


def mix_of(*channels, n_blocks=7):
    return choose_mix(np.array_split(np.stack(channels, axis=1).astype(np.float32), n_blocks), RATE)


@each(
    ("channels", "weights", "word"),
    [
        ((ONE, ONE), (0.5, 0.5), None),
        ((ONE, ONE + 0.001 * NOISE[:, 0]), (0.5, 0.5), None),
        ((ONE, 0.7 * ONE), (0.5, 0.5), None),
        ((ONE, STILL), (1, 0), "channel 2 of 2 is silent"),
        ((STILL, 0.01 * ONE), (0, 1), "channel 1 of 2 is silent"),
        ((ONE, STILL + 0.05), (1, 0), "channel 2 of 2 is silent"),  # an offset is no sound
        ((ONE, 0.001 * NOISE[:, 0]), (1, 0), "channel 2 of 2 is silent"),
        ((STILL, STILL, ONE, STILL, STILL, STILL), (0, 0, 1, 0, 0, 0), "channels 1, 2, 4, 5 and 6 of 6 are silent"),
        ((0.02 * NOISE[:, 0], 0.02 * NOISE[:, 1], ONE), (0, 0, 1), "channels 1 and 2 of 3 hold a steady noise"),
        ((ONE, 0.3 * np.sin(2 * np.pi * 50 * TIME)), (1, 0), "channel 2 of 2 holds a steady noise"),
        ((ONE, -ONE), (1, 0), "channel 2 of 2 has the sign of channel 1 turned"),
        ((ONE, -0.9 * ONE + 0.01 * NOISE[:, 0]), (1, 0), "channel 2 of 2 has the sign of channel 1 turned"),
        ((ONE, ONE, -ONE), (0.5, 0.5, 0), "channel 3 of 3 has the sign of channel 1 turned"),
        ((ONE, np.roll(ONE, 31)), (1, 0), "channel 2 of 2 holds the sound of channel 1 out of step"),
        ((ONE, np.clip(9 * ONE, -1, 1)), (1, 0), "channel 2 of 2 is clipped where channel 1 is not"),
        ((ONE + 0.05 * NOISE[:, 0], ONE), (0, 1), "channel 1 of 2 is noisier than channel 2"),
        ((0.2 * ONE, ONE), (0, 1), "channel 1 of 2 is quieter than channel 2"),
        ((ONE, OTHER), (1, 1), "channels 1 and 2 of 2 hold different voices or sounds"),
        ((EARLY, LATE), (1, 1), "channels 1 and 2 of 2 hold different voices or sounds"),
        ((EARLY + 0.1 * LATE, LATE + 0.1 * EARLY), (1, 1), "channels 1 and 2 of 2 hold different voices or sounds"),
        ((ONE, OTHER, ONE), (0.5, 1, 0.5), "channels 1, 2 and 3 of 3 hold different voices or sounds"),
        ((STILL, STILL), (0.5, 0.5), None),
        ((0.1 * NOISE[:, 0], 0.1 * NOISE[:, 1]), (0.5, 0.5), None),
    ],
)
def test_what_counts(channels, weights, word):
    mix = mix_of(*channels)
    assert mix.weights == weights
    assert [word] == [note[: len(word)] for note in mix.notes] if word else mix.notes == ()


def test_a_click_in_a_dead_channel_is_no_voice():
    click = STILL.copy()
    click[2000] = 0.5
    assert mix_of(ONE, click).weights == (1, 0)


def test_clipped_is_told_only_of_channels_that_count():
    loud = np.clip(9 * ONE, -1, 1)
    assert not mix_of(ONE, loud).clipped
    assert mix_of(loud, loud).clipped
    assert mix_of(loud, OTHER).clipped  # another voice, which nothing replaces


@each("n_samples", [1, 50, 399, 400, 401, 2000])
def test_a_short_recording_is_mixed_too(n_samples):
    ones = np.stack([ONE, -ONE], axis=1)[3000 : 3000 + n_samples].astype(np.float32)
    mix = choose_mix([ones], RATE)
    assert np.isfinite(mix.signal(ones)).all()
    if n_samples >= 50:
        np.testing.assert_array_equal(mix.signal(ones), ones[:, 0])


def test_samples_that_are_no_numbers_decide_nothing():
    broken = np.where(TIME > 2.9, np.nan, ONE)
    assert mix_of(broken, ONE).weights == mix_of(ONE, ONE).weights
    assert choose_mix([], RATE) == Mix()


def test_the_decision_depends_neither_on_blocks_nor_on_place():
    found = {n_blocks: mix_of(ONE, OTHER, -ONE, STILL, n_blocks=n_blocks) for n_blocks in (1, 3, 40, 1000)}
    assert len(set(found.values())) == 1


def test_hundreds_of_channels_are_decided_by_a_part_of_the_samples():
    many = np.repeat(ONE[: RATE // 2, None], 300, axis=1)
    many[:, 7] *= -1
    mix = choose_mix([many.astype(np.float32)], RATE)
    assert mix.weights[7] == 0
    assert len(set(np.delete(mix.weights, 7))) == 1


def test_different_voices_keep_their_levels():
    mixed = mix_of(EARLY, LATE).signal(np.stack([EARLY, LATE], axis=1).astype(np.float32))
    np.testing.assert_allclose(mixed, EARLY + LATE, atol=1e-6)


@each("name", ["a.wav", "a.flac"])
def test_a_segment_is_mixed_as_the_whole_file(tmp_path, name):
    soundfile.write(tmp_path / name, np.stack([EARLY, LATE], axis=1), RATE, subtype="PCM_16")
    whole = read_recording(tmp_path / name)
    part = read_recording(tmp_path / name, 0.2, 1.2)
    assert part.mix == whole.mix
    assert part.mix.n_voices == 2
    np.testing.assert_array_equal(part.signal, whole.signal[3200:19200])
    recording = Recording(tmp_path / name)
    np.testing.assert_array_equal(np.concatenate(list(recording.blocks())), whole.signal)
    assert recording.notes() == list(whole.mix.notes)


def test_a_file_that_was_replaced_is_looked_at_again(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.stack([ONE, STILL], axis=1), RATE)
    assert read_recording(file).mix.weights == (1, 0)
    soundfile.write(file, np.stack([STILL, ONE, STILL], axis=1), RATE)
    assert read_recording(file).mix.weights == (0, 1, 0)


@each(("channel", "expected"), [(1, ONE), (2, OTHER)])
def test_one_channel_alone(tmp_path, channel, expected):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.stack([ONE, OTHER], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(file, channel=channel)[0], expected.astype(np.float32))
    np.testing.assert_array_equal(np.concatenate(list(Recording(file, channel).blocks())), expected.astype(np.float32))


@each(("channel", "n_channels", "held"), [(3, 2, "2 channels"), (0, 2, "2 channels"), (2, 1, "1 channel")])
def test_a_channel_that_is_not_there(channel, n_channels, held, tmp_path):
    with pytest.raises(AudioError, match=f"it has {held}, and no channel {channel}; name one of them"):
        only_channel(channel, n_channels)
    soundfile.write(tmp_path / "a.wav", np.ones((100, n_channels)), RATE)
    with pytest.raises(AudioError, match=r"a\.wav: it has"):
        read_audio(tmp_path / "a.wav", channel=channel)
    with pytest.raises(AudioError, match=r"a\.wav: it has"):
        Recording(tmp_path / "a.wav", channel)
