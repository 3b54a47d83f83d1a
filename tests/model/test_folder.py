"""Model folders that are whole, and all the ways in which they are not."""

import json
import shutil

import numpy as np
import pytest
import yaml

from affectmap.errors import ModelError, StorageError
from affectmap.model import folder as model_folder
from affectmap.model.folder import CARD_FILE, GRAPH_FILE, METADATA_FILE, STATISTICS_FILE, read_model_folder
from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS
from model_files import write_model

FILES = (GRAPH_FILE, STATISTICS_FILE, METADATA_FILE, CARD_FILE)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def edit(folder, **changes):
    """Change model.yaml as somebody would by hand; None takes a key away."""
    metadata = yaml.safe_load((folder / METADATA_FILE).read_text())
    metadata = {name: value for name, value in (metadata | changes).items() if value is not None}
    (folder / METADATA_FILE).write_text(yaml.safe_dump(metadata, sort_keys=False))


def edit_statistics(folder, text):
    """Change statistics.json and its digest with it."""
    import hashlib

    (folder / STATISTICS_FILE).write_text(text)
    files = yaml.safe_load((folder / METADATA_FILE).read_text())["files"]
    edit(folder, files=files | {STATISTICS_FILE: hashlib.sha256(text.encode()).hexdigest()})


def test_reading_gives_what_was_written(folder, tmp_path):
    content = read_model_folder(folder)
    content.write(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_folder_tells_what_it_is(folder):
    metadata = yaml.safe_load((folder / METADATA_FILE).read_text())
    assert metadata["format"] == 1
    assert metadata["inputs"] == list(FUNCTIONALS)
    assert set(metadata["files"]) == {GRAPH_FILE, STATISTICS_FILE, CARD_FILE}
    assert metadata["opensmile"]["feature_set"] == "eGeMAPSv02"
    statistics = json.loads((folder / STATISTICS_FILE).read_text())
    assert list(statistics["mean"]) == list(FUNCTIONALS)


def test_an_existing_folder_is_not_replaced(folder):
    with pytest.raises(StorageError, match="exists"):
        read_model_folder(folder).write(folder)


def test_an_embedder_in_the_place_of_a_model(tmp_path):
    (tmp_path / "embedder.json").write_text("{}")
    with pytest.raises(ModelError, match=r"run affectmap export \S+ -o MODEL first$"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} does not exist; expected model.onnx"):
        load_model(folder)


@pytest.mark.parametrize("name", [GRAPH_FILE, STATISTICS_FILE, CARD_FILE])
@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "longer"])
def test_damage_is_seen_by_its_digest(folder, name, damage):
    content = (folder / name).read_bytes()
    changed = {
        "cut": content[:-1],
        "changed": bytes([content[0] ^ 1]) + content[1:],
        "empty": b"",
        "longer": content + b"\n",
    }[damage]
    (folder / name).write_bytes(changed)
    with pytest.raises(ModelError, match=rf"{name} is not the file that model.yaml was written with"):
        load_model(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no format"),
        ("[1, 2]", "names no format"),
        ("format: yes please", "names no format"),
        ("format: [", "is damaged"),
        ("format: !!python/object/apply:os.system ['true']", "is damaged"),
        ("format: 1", "lacks name"),
        ("\x00", "is damaged"),
        ("a: &a [1]\nb: *a", "is damaged .*refers to another part"),
    ],
)
def test_a_description_that_is_none(folder, text, message):
    (folder / METADATA_FILE).write_text(text)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_a_description_that_is_no_text(folder):
    (folder / METADATA_FILE).write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ModelError, match="is damaged"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "has format 2, this affectmap reads 1; update affectmap"),
        ({"inputs": list(FUNCTIONALS)[:87]}, "takes 87 inputs; expected the 88"),
        ({"inputs": ["pitch", *FUNCTIONALS[1:]]}, "takes 88 inputs, number 0 is 'pitch'"),
        ({"inputs": "all"}, "lacks inputs or has it of another type"),
        ({"opensmile": {"version": "1.0.0", "feature_set": "eGeMAPSv02", "level": "Functionals"}}, "openSMILE 1.0.0"),
        ({"opensmile": {"version": "2.6.0", "feature_set": "GeMAPSv01b", "level": "Functionals"}}, "GeMAPSv01b"),
        ({"sampling_rate": 0}, "sampling_rate is 0"),
        ({"outputs": {"embedding": ["a"]}}, "expected"),
        ({"outputs": {"embedding": ["a", "b"], "distance": ["d"], "mood": ["m"]}}, "expected"),
        ({"flags": {}}, "lacks a threshold"),
        ({"flags": {"clipped_share": "much"}}, "lacks a threshold"),
        ({"intervals": {"level": 0.9}}, "lacks a threshold"),
        ({"intervals": "wide"}, "lacks a threshold"),
        ({"standardisation": {"policy": "guess"}}, "makes no sense"),
        ({"files": {}}, "digest differs"),
        ({"training": None}, "lacks training"),
    ],
)
def test_a_description_of_something_else(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "is damaged"), ("[]", "is damaged"), ("{", "is damaged"), ("[" * 100_000, "is damaged")],
)
def test_statistics_that_are_none(folder, text, message):
    edit_statistics(folder, text)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


@pytest.mark.parametrize("value", ["0.0", "-1.0", "Infinity", "1e999", '"wide"', "[1]"])
def test_a_scale_that_is_none(folder, value):
    content = json.loads((folder / STATISTICS_FILE).read_text())
    content["scale"][FUNCTIONALS[3]] = "HERE"
    edit_statistics(folder, json.dumps(content).replace('"HERE"', value))
    with pytest.raises(ModelError, match=r"statistics.json (is damaged|holds a scale)"):
        load_model(folder)


def test_a_functional_without_spread_counts_as_nothing(folder):
    content = json.loads((folder / STATISTICS_FILE).read_text())
    content["mean"][FUNCTIONALS[3]] = content["scale"][FUNCTIONALS[3]] = None
    edit_statistics(folder, json.dumps(content))
    rows = np.zeros((2, 88))
    rows[1, 3] = 1e6
    table = load_model(folder).transform(rows)
    assert table.iloc[0].equals(table.iloc[1])


def test_a_huge_file_is_not_read(folder, monkeypatch):
    monkeypatch.setitem(model_folder.MAX_BYTES, GRAPH_FILE, 100)
    with pytest.raises(ModelError, match="has more than 100 bytes"):
        load_model(folder)


def test_a_place_that_is_no_folder(tmp_path, folder):
    with pytest.raises(ModelError, match="does not exist; expected the folder of a model"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="is a file; expected the folder of a model"):
        load_model(folder / METADATA_FILE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"model.yaml does not exist"):
        load_model(tmp_path / "empty")


def test_a_folder_in_the_place_of_a_file(folder):
    (folder / CARD_FILE).unlink()
    (folder / CARD_FILE).mkdir()
    with pytest.raises(ModelError, match=r"CARD.md does not exist"):
        load_model(folder)


def test_another_graph_with_its_digest_is_still_seen(folder, tmp_path):
    other = write_model(tmp_path / "other", heads=None, calibration=None)
    shutil.copy(other / GRAPH_FILE, folder / GRAPH_FILE)
    files = yaml.safe_load((folder / METADATA_FILE).read_text())["files"]
    edit(folder, files=files | {GRAPH_FILE: yaml.safe_load((other / METADATA_FILE).read_text())["files"][GRAPH_FILE]})
    with pytest.raises(ModelError, match=r"model.onnx gives .* expected .* after its model.yaml"):
        load_model(folder)


def test_the_layout_of_the_hub(tmp_path):
    folder = write_model(tmp_path / "hub", hub=True, card="# Small\n\nA model.\n", training={"languages": ["de", "no"]})
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["language"] == ["de", "no"]
    assert yaml.safe_load(header)["library_name"] == "affectmap"
    assert text.strip() == (folder / CARD_FILE).read_text().strip()
    assert json.loads((folder / "config.json").read_text())["model_type"] == "affectmap"
    assert load_model(folder).card.startswith("# Small")
