"""The service with a model on an encoder."""

import numpy as np
import pytest
import soundfile

from affectmap.errors import ModelError
from affectmap.features.encoders.locate import VARIABLE
from affectmap.service import ServiceSettings, create_app
from whisper_files import make_speech_sound, make_whisper_model, write_whisper_base


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "encoders" / "whisper-base")))
    return make_whisper_model()


def test_it_gives_the_numbers_of_embed_and_track(make_service, model, tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, make_speech_sound(2.0), 16000)
    service = make_service()
    row = service.ask("POST", "/embed", content=file.read_bytes()).json()["rows"][0]
    expected = model.embed(file).iloc[0]
    np.testing.assert_allclose(
        [row["activation"], row["valence"]], expected[["activation", "valence"]].astype(float), rtol=1e-6
    )
    rows = service.ask("POST", "/track?windows=1", content=file.read_bytes()).json()["rows"]
    assert [each["end"] for each in rows] == [1.0, 2.0]
    assert service.ask("GET", "/model").json()["metadata"]["features"] == "whisper"


def test_it_does_not_start_without_the_encoder(model, tmp_path, monkeypatch):
    model.save(tmp_path / "model")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ModelError, match="run `affectmap models fetch whisper-base`"):
        create_app(ServiceSettings(model=tmp_path / "model"))
