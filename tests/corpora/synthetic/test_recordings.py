import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.corpora import load_corpus
from affectmap.corpora.synthetic import recordings as synthetic
from affectmap.corpora.synthetic.recordings import CUES, LANGUAGES, NOTICE, speak_corpora
from affectmap.errors import ConfigError, StorageError

EMOTIONS = ["neutral", "sad", "happy", "angry"]


def files_of(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    pytest.importorskip("espeakng_loader", reason="needs the extra demo")
    folder = tmp_path_factory.mktemp("synthetic") / "speech"
    return folder, speak_corpora(folder, languages=["el", "ur"])


@pytest.fixture
def small(monkeypatch):
    """One language of one speaker and one sentence, to be quick."""
    pytest.importorskip("espeakng_loader", reason="needs the extra demo")
    settings = synthetic._LANGUAGES["de"]
    one = replace(settings, female=settings.female[:1], male=[], sentences=settings.sentences[:1])
    monkeypatch.setitem(synthetic._LANGUAGES, "de", one)
    return "de"


def table_of(spoken, name):
    return pd.read_csv(spoken[1][name])


def test_tables_come_by_name_in_the_order_asked(spoken):
    folder, tables = spoken
    assert list(tables) == ["synthetic-greek", "synthetic-urdu"]
    assert tables["synthetic-urdu"] == folder / "synthetic-urdu" / "table.csv"


def test_every_speaker_says_every_sentence_in_every_emotion(spoken):
    table = table_of(spoken, "synthetic-urdu")
    assert len(table) == 96
    assert (table.groupby(["speaker", "emotion"]).size() == 4).all()
    assert sorted(table["emotion"].unique()) == sorted(EMOTIONS)
    assert table.groupby("sex")["speaker"].nunique().to_dict() == {"female": 3, "male": 3}
    assert set(table["language"]) == {"ur"}


def test_the_loader_reads_a_table_and_leaves_out_nothing(spoken):
    corpus = load_corpus(f"table:greek={spoken[1]['synthetic-greek']}")
    assert len(corpus.table) == 98
    assert not [finding for finding in corpus.findings if finding.dropped]
    assert all(Path(file).is_file() for file in corpus.table.index.get_level_values("file"))
    assert corpus.table["activation"].notna().sum() == 96


def test_recordings_and_rows_correspond(spoken):
    for name, table in spoken[1].items():
        written = {str(file.relative_to(table.parent)) for file in (table.parent / "wav").iterdir()}
        assert written == set(table_of(spoken, name)["file"])


def test_recordings_are_mono_16_bit_and_speech(spoken):
    folder = spoken[1]["synthetic-urdu"].parent
    for name in table_of(spoken, "synthetic-urdu")["file"]:
        info = soundfile.info(folder / name)
        assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
        assert 0.5 < info.duration < 5
        signal, _ = soundfile.read(folder / name)
        assert 0.02 < np.abs(signal).max() <= 1


def test_ratings_are_half_steps_and_follow_the_emotion(spoken):
    table = table_of(spoken, "synthetic-urdu")
    for label in ("activation", "valence"):
        assert table[label].between(1, 5).all()
        assert (table[label] * 2 % 1 == 0).all()
        assert table[label].nunique() >= 6
    middle = table.groupby("emotion")[["activation", "valence"]].mean()
    assert middle["activation"].idxmin() == "sad"
    assert middle["activation"]["angry"] > middle["activation"]["neutral"] + 1
    assert middle["valence"].idxmax() == "happy"
    assert middle["valence"]["angry"] < middle["valence"]["neutral"] - 0.5


def test_ratings_differ_within_a_class(spoken):
    table = table_of(spoken, "synthetic-urdu")
    assert (table.groupby("emotion")["activation"].std() > 0.2).all()


def test_anger_is_louder_faster_and_higher_than_sadness(spoken):
    table = table_of(spoken, "synthetic-urdu")
    folder = spoken[1]["synthetic-urdu"].parent
    rows = []
    for name in table["file"]:
        signal, rate = soundfile.read(folder / name)
        spectrum = np.abs(np.fft.rfft(signal, 2 * signal.size)) ** 2
        low, high = rate // 400, rate // 60
        period = low + np.argmax(np.fft.irfft(spectrum)[low:high])
        rows.append((np.sqrt(np.mean(signal**2)), signal.size / rate, rate / period))
    measured = pd.DataFrame(rows, columns=["rms", "seconds", "pitch"]).groupby(table["emotion"]).median()
    assert measured["rms"]["angry"] > 2 * measured["rms"]["sad"]
    assert measured["seconds"]["angry"] < 0.8 * measured["seconds"]["sad"]
    assert measured["pitch"]["angry"] > measured["pitch"]["sad"]


def test_two_recordings_are_damaged_on_purpose_and_said_to_be(spoken):
    table = table_of(spoken, "synthetic-greek")
    damaged = table[table["activation"].isna()]
    assert damaged["file"].tolist() == ["wav/el01_silent.wav", "wav/el01_too_short.wav"]
    assert damaged["valence"].isna().all()
    folder = spoken[1]["synthetic-greek"].parent
    silent, rate = soundfile.read(folder / "wav/el01_silent.wav")
    assert silent.size == rate
    assert not silent.any()
    assert 0 < soundfile.info(folder / "wav/el01_too_short.wav").duration < 0.06
    readme = (spoken[0] / "README.txt").read_text(encoding="utf-8")
    assert "Two recordings of synthetic-greek cannot be measured" in readme
    assert "on purpose" in readme


def test_the_readme_says_that_it_is_synthetic(spoken):
    readme = (spoken[0] / "README.txt").read_text(encoding="utf-8")
    assert readme.startswith(NOTICE)
    assert "seed 0" in readme
    assert "synthetic-urdu/table.csv" in readme


@pytest.mark.slow
def test_same_seed_same_bytes_alone_or_in_company(spoken, tmp_path):
    alone = speak_corpora(tmp_path / "alone", languages=["ur"])["synthetic-urdu"].parent
    assert files_of(alone) == files_of(spoken[0] / "synthetic-urdu")


def test_another_seed_other_speech_and_ratings(small, tmp_path):
    one, two = (speak_corpora(tmp_path / str(seed), seed=seed, languages=[small]) for seed in (1, 2))
    table, other = one["synthetic-german"], two["synthetic-german"]
    assert table.read_text() != other.read_text()
    name = "wav/de01_sad_1.wav"
    assert (table.parent / name).read_bytes() != (other.parent / name).read_bytes()


def test_nothing_is_printed_and_the_working_directory_stays(small, tmp_path, capfd):
    before = Path.cwd()
    speak_corpora(tmp_path / "speech", languages=[small])
    assert capfd.readouterr() == ("", "")
    assert Path.cwd() == before


def test_folder_is_replaced_only_when_asked(small, tmp_path):
    folder = tmp_path / "speech"
    speak_corpora(folder, languages=[small])
    with pytest.raises(StorageError, match=r"--overwrite"):
        speak_corpora(folder, languages=[small])
    recording = min(folder.rglob("*.wav"))
    recording.write_bytes(b"of the user")
    with pytest.raises(StorageError, match=r"speech is left alone: .*wav in it is not as affectmap wrote it"):
        speak_corpora(folder, languages=[small], overwrite=True)
    recording.unlink()
    speak_corpora(folder, languages=[small], overwrite=True)
    assert recording.stat().st_size > 1000


@pytest.mark.parametrize("languages", [["xx"], ["de", "de"], [], "de"])
def test_languages_that_cannot_be(languages, tmp_path):
    with pytest.raises(ConfigError, match=r"give some of \['en', 'de', 'fr', 'ur', 'el'\], each once"):
        speak_corpora(tmp_path / "speech", languages=languages)
    assert not list(tmp_path.iterdir())


def test_negative_seed(tmp_path):
    with pytest.raises(ConfigError, match=r"seed is -1"):
        speak_corpora(tmp_path / "speech", seed=-1)


def test_a_missing_wheel_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ConfigError, match=r'run pip install "affectmap\[demo\]"$') as caught:
        speak_corpora(tmp_path / "speech")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_wheel_without_its_voices(monkeypatch, tmp_path):
    loader = SimpleNamespace(
        get_library_path=lambda: str(tmp_path / "none.so"), get_data_path=lambda: str(tmp_path / "none")
    )
    monkeypatch.setitem(sys.modules, "espeakng_loader", loader)
    with pytest.raises(ConfigError, match=r"espeak-ng failed: .*none\.so.* try pip install") as caught:
        speak_corpora(tmp_path / "speech", languages=["de"])
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")
def test_a_crash_of_the_library_is_no_crash_here(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(synthetic.espeak, "__file__", str(program))
    with pytest.raises(ConfigError, match=r"espeak-ng failed: it ended with -9"):
        synthetic._spoken([], 0, tmp_path, tmp_path)


def test_every_voice_is_one_of_espeaks():
    espeakng_loader = pytest.importorskip("espeakng_loader", reason="needs the extra demo")
    variants = {file.name for file in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir()}
    for language in synthetic._LANGUAGES.values():
        assert set(language.female) | set(language.male) <= variants  # an unknown one would be passed over


def test_settings_of_the_languages_are_sound():
    names = [language.name for language in synthetic._LANGUAGES.values()]
    assert len(set(names)) == len(LANGUAGES) == 5
    assert all(name.startswith("synthetic-") for name in names)
    for language in synthetic._LANGUAGES.values():
        assert set(language.expression) <= set(CUES)
        assert not set(language.female) & set(language.male)
        assert not any(sentence.endswith((".", "۔")) for sentence in language.sentences)
        assert -90 < language.noise < -40


def test_sentences_are_in_the_script_of_their_language():
    for code, first, last in (("ur", 0x0600, 0x06FF), ("el", 0x0370, 0x03FF), ("en", 0x41, 0x7A)):
        letters = [letter for text in synthetic._LANGUAGES[code].sentences for letter in text if letter.isalpha()]
        assert all(first <= ord(letter) <= last for letter in letters)
