import numpy as np
import pytest

from affectmap.corpora.synthetic import recordings as _expression
from affectmap.corpora.synthetic.recordings import CUES, Expression, Speaker, colour, line

RATE = 22050
SILENT_ROOM = -200.0


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def vowel():
    """One second of a voice at 150 Hz with a formant at 1 kHz and energy up to 8 kHz."""
    time = np.arange(RATE) / RATE
    harmonics = np.arange(1, 54)
    strength = 1 / harmonics + np.exp(-(((150 * harmonics - 1000) / 150) ** 2))
    return 0.1 * (strength[:, None] * np.sin(2 * np.pi * 150 * harmonics[:, None] * time)).sum(0)


def level(signal):
    return 20 * np.log10(np.sqrt(np.mean(signal**2)))


def band(signal, low, high):
    power = np.abs(np.fft.rfft(signal)) ** 2
    frequency = np.fft.rfftfreq(signal.size, 1 / RATE)
    return 10 * np.log10(power[(frequency >= low) & (frequency < high)].sum())


def heard(vowel, **cues):
    return colour(vowel, RATE, Expression(tremor=-1.0, **cues), SILENT_ROOM, np.random.default_rng(1))


def average(activation, valence, usage=None):
    """The expression of many speakers on average."""
    random = np.random.default_rng(3)
    spoken = [Speaker(usage or {}, random).express(activation, valence, random) for _ in range(400)]
    return {cue: np.mean([getattr(expression, cue) for expression in spoken]) for cue in CUES}


def test_activation_and_valence_move_the_cues_the_known_way():
    calm, excited = average(1.5, 3.0), average(4.5, 3.0)
    for cue in ("rate", "pitch", "range", "loudness", "tilt"):
        assert excited[cue] > calm[cue], cue
    assert excited["gap"] < calm["gap"]
    assert excited["breath"] < calm["breath"]
    bad, good = average(3.0, 1.5), average(3.0, 4.5)
    for cue in ("pitch", "range", "smile", "breath"):
        assert good[cue] > bad[cue], cue
    for cue in ("tilt", "tremor", "loudness"):
        assert good[cue] < bad[cue], cue


def test_the_middle_is_the_voice_itself():
    spread = {cue: 3 * np.hypot(*_expression._STRENGTH[cue][2:]) / np.sqrt(400) for cue in CUES}
    for cue, value in average(3.0, 3.0).items():
        assert abs(value) < spread[cue], cue


def test_a_language_uses_a_cue_more_or_less():
    usual, louder = average(4.5, 3.0), average(4.5, 3.0, {"loudness": 1.5})
    assert louder["loudness"] == pytest.approx(1.5 * usual["loudness"], rel=0.1)
    assert louder["pitch"] == usual["pitch"]


def test_speakers_have_habits_and_vary(random):
    one, other = Speaker({}, random), Speaker({}, random)
    takes = [one.express(3, 3, random), one.express(3, 3, random), other.express(3, 3, random)]
    assert len({take.pitch for take in takes}) == 3
    assert (one._gain > 0).all()


def test_line_of_no_expression_is_the_plain_voice():
    assert line("Ja.", "de+f1", 180, Expression()) == ("Ja.", "de+f1", 180, 50, 50, 0)


def test_line_converts_each_cue():
    spoken = line("Ja.", "de", 200, Expression(rate=np.log(1.2), pitch=6.0, range=np.log(1.5), gap=0.05))
    assert spoken[2:] == (240, 80, 75, 5)


def test_line_takes_the_smile_off_beforehand():
    spoken = line("Ja.", "de", 200, Expression(smile=np.log(2) / 10))
    assert spoken.pitch == 44  # 1.2 semitones
    assert spoken.rate == round(200 / 2**0.1)


@pytest.mark.parametrize("size", [-50.0, 50.0])
def test_line_stays_within_what_espeak_accepts(size):
    spoken = line("Ja.", "de", 180, Expression(size, size, size, size, size, size, size, size / 100, size))
    assert 80 <= spoken.rate <= 450
    assert 0 <= spoken.pitch <= 99
    assert 0 <= spoken.range <= 99
    assert 0 <= spoken.gap <= 50


def test_loudness_is_in_decibels_whatever_came_in(vowel):
    quiet = heard(vowel, loudness=-6.0, breath=-100.0)
    assert level(heard(vowel, breath=-100.0)) - level(quiet) == pytest.approx(6, abs=0.3)
    np.testing.assert_allclose(heard(vowel / 50, loudness=-6.0, breath=-100.0), quiet, atol=1e-9)


def test_tilt_raises_high_frequencies_and_leaves_low_ones(vowel):
    flat, bright = heard(vowel, breath=-100.0), heard(vowel, breath=-100.0, tilt=3.0)
    gain = {low: band(bright, low, 2 * low) - band(flat, low, 2 * low) for low in (100, 1000, 4000)}
    assert gain[4000] - gain[1000] == pytest.approx(6, abs=1)  # two octaves
    assert gain[1000] - gain[100] > 2


def test_breath_is_noise_between_the_harmonics(vowel):
    def between(signal):
        power = np.abs(np.fft.rfft(signal[:RATE])) ** 2
        return 10 * np.log10(power[3000 + 75 : 6000 : 150].sum())

    clear, breathy = heard(vowel, breath=0.0), heard(vowel, breath=12.0)
    assert between(breathy) - between(clear) == pytest.approx(12, abs=4)


def test_breath_follows_the_voice(vowel):
    vowel[: RATE // 2] = 0
    breathy = heard(vowel, breath=20.0)
    assert level(breathy[: RATE // 3]) < -100
    assert level(breathy[-RATE // 3 :]) > -40


def test_smile_moves_the_spectrum_up_and_shortens(vowel):
    def strongest(signal):
        return np.argmax(np.abs(np.fft.rfft(signal, RATE)))

    plain, smiling = heard(vowel), heard(vowel, smile=np.log(1.1))
    assert strongest(smiling) == pytest.approx(1.1 * strongest(plain), abs=2)
    assert smiling.size == pytest.approx(RATE / 1.1, abs=2)


def test_tremor_spreads_the_harmonics(vowel):
    def purity(depth):
        signal = colour(vowel, RATE, Expression(tremor=depth), SILENT_ROOM, np.random.default_rng(1))
        power = np.abs(np.fft.rfft(signal[:RATE])) ** 2
        return power[149:152].sum() / power[100:200].sum()

    assert purity(0.9) < 0.9 < purity(-1.0)


def test_room_noise_has_its_level(vowel):
    vowel[: RATE // 2] = 0
    recording = colour(vowel, RATE, Expression(breath=-100.0), -60.0, np.random.default_rng(2))
    assert level(recording[: RATE // 3]) == pytest.approx(-60, abs=0.5)


def test_no_recording_leaves_full_scale(vowel):
    recording = heard(vowel, loudness=60.0)
    assert np.isfinite(recording).all()
    assert np.abs(recording).max() <= 1
