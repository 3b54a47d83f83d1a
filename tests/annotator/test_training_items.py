import pytest

from affectmap.annotator.training_items import read_training, synthetic_training
from affectmap.errors import LabelError


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,activation\na.wav,1\n", "no column valence"),
        ("file,activation,valence\n", "has 0 rows; expected 1 to 5"),
        ("file,activation,valence\n" + "a.wav,1,1\n" * 6, "has 6 rows"),
        ("file,activation,valence\nb.wav,1,1\n", "line 2: path 'b.wav' is no file"),
        ("file,activation,valence\n../a.wav,1,1\n", "leads out of the served folder"),
        ("file,activation,valence\na.wav,6,1\n", "line 2: activation is '6', expected a number from 1 to 5"),
        ("file,activation,valence\na.wav,1,\n", "valence is ''"),
    ],
)
def test_sheets_that_cannot_be_used(tmp_path, text, reason):
    (tmp_path / "a.wav").touch()
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(LabelError, match=reason):
        read_training(tmp_path / "t.csv", tmp_path)


def test_a_missing_sheet(tmp_path):
    with pytest.raises(LabelError, match="cannot be read"):
        read_training(tmp_path / "t.csv", tmp_path)


@pytest.mark.slow
def test_synthetic_speech_is_spoken_once(tmp_path):
    pytest.importorskip("espeakng_loader")
    items = synthetic_training(tmp_path, "ur-PK")
    assert len(items) == 5
    assert {item.file.parent for item in items} == {tmp_path / "ur"}
    labels = [(item.activation, item.valence) for item in items]
    assert max(activation for activation, _ in labels) >= 4
    assert min(activation for activation, _ in labels) <= 2
    assert max(valence for _, valence in labels) >= 4
    assert min(valence for _, valence in labels) <= 2
    spoken = items[0].file.stat().st_mtime_ns
    assert synthetic_training(tmp_path, "ur") == items
    assert items[0].file.stat().st_mtime_ns == spoken
    items[0].file.unlink()
    assert synthetic_training(tmp_path, "ur") == items
