"""A reference: its classes by name, probabilities from the cache, and who is likeliest."""

import audformat
import numpy as np
import pytest

from affectmap.errors import AudioError, ModelError, UsageError
from affectmap.features.encoders.features import LikeliestClass, Reference, class_columns
from affectmap.features.encoders.models import SpeechModel
from affectmap.schema import FOUR_CLASSES, THREE_CLASSES, Emotion
from speech_models import write_classifier, write_encoder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_classifier(tmp_path_factory.mktemp("references") / "er")


def test_classes_are_mapped_by_the_model_s_own_names(tiny, write_voice, tmp_path):
    file = str(write_voice("a.wav"))
    reference = Reference(f"superb={tiny}")
    found, findings = reference.classify("pets", audformat.segmented_index([file]), cache=tmp_path)
    assert findings == []
    assert list(found.columns) == ["neutral", "sad", "happy", "angry"]
    import soundfile

    signal, _ = soundfile.read(file, dtype="float32")
    neu, hap, ang, sad = SpeechModel(tiny, classifier=True).probabilities([signal])[0]
    np.testing.assert_allclose(found.to_numpy()[0], [neu, sad, hap, ang], atol=1e-6)


def test_the_cache_needs_no_model(tiny, write_voice, tmp_path, monkeypatch):
    index = audformat.segmented_index([str(write_voice("a.wav"))])
    first, _ = Reference(f"superb={tiny}").classify("pets", index, cache=tmp_path)
    monkeypatch.setattr(SpeechModel, "__init__", lambda *arguments, **options: pytest.fail("a model was loaded"))
    again, _ = Reference(f"superb={tiny}").classify("pets", index, cache=tmp_path)
    assert again.equals(first)


def test_recordings_that_are_gone(tiny, tmp_path):
    with pytest.raises(AudioError, match="none of its 1 utterances can be used"):
        Reference(f"superb={tiny}").classify("pets", audformat.segmented_index(["gone.wav"]), cache=tmp_path)


@pytest.mark.parametrize("labels", [("happy", "sadness", "Neutral", "anger", "calm"), ("ang", "hap", "sad", "neu")])
def test_any_order_and_more_classes(labels):
    names = [labels[column] for column in class_columns(labels, "x")]
    assert [name[0].lower() for name in names] == ["n", "s", "h", "a"]


@pytest.mark.parametrize(
    "labels", [[], ["LABEL_0", "LABEL_1"], ["neu", "hap", "ang"], ["neu", "hap", "ang", "sad", "anger"]]
)
def test_classes_that_do_not_do(labels):
    with pytest.raises(ModelError, match="expected neutral, sad, happy and angry, each once"):
        class_columns(labels, "x")


@pytest.mark.slow
def test_models_that_are_no_reference(tmp_path):
    with pytest.raises(ModelError, match=r"tells (no classes|LABEL_0, LABEL_1) apart"):
        Reference(f"superb={write_encoder(tmp_path / 'encoder')}")
    with pytest.raises(UsageError, match="expected superb"):
        Reference("hubert")


def test_among_fewer_classes_the_likeliest_of_those():
    probabilities = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.1, 0.1, 0.3]])
    likeliest = LikeliestClass(np.array(["sad"], dtype=object))
    assert likeliest.predict(FOUR_CLASSES, probabilities).tolist() == ["happy", "neutral"]
    assert likeliest.predict(THREE_CLASSES, probabilities).tolist() == ["sad", "neutral"]
    assert likeliest.predict((Emotion.SAD, Emotion.ANGRY), probabilities).tolist() == ["sad", "angry"]
