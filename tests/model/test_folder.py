"""Model folders that are whole, and all the ways in which they are not."""

import datetime
import functools
import hashlib
import json
import shutil
import struct

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save

from affectmap.documents import parse_yaml
from affectmap.egemaps import CORRECTED_NAMES, corrected_functionals
from affectmap.errors import ModelError, StorageError
from affectmap.features.engines import how_measured
from affectmap.model import folder as model_folder
from affectmap.model.folder import CARD_FILE, CURVES_FILE, METADATA_FILE, WEIGHTS_FILE, read_model_folder
from affectmap.model.metadata import new_metadata
from affectmap.model.model import Model, load_model
from affectmap.schema import FUNCTIONALS
from egemaps.signals import voice
from model_files import make_model, write_model


def with_header(header):
    """Safetensors with a header of any text, and four bytes of data."""
    return struct.pack("<Q", len(header)) + header + bytes(4)


FILES = (WEIGHTS_FILE, METADATA_FILE, CARD_FILE, CURVES_FILE)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def edit(folder, **changes):
    """Change model.yaml as somebody would by hand; None takes a key away."""
    metadata = parse_yaml((folder / METADATA_FILE).read_bytes())
    metadata = {name: value for name, value in (metadata | changes).items() if value is not None}
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times as fast, where there is one
    (folder / METADATA_FILE).write_text(yaml.dump(metadata, Dumper=dumper, sort_keys=False))


def replace_file(folder, name, content):
    """Put another file in the place of one, with its digest."""
    (folder / name).write_bytes(content)
    files = parse_yaml((folder / METADATA_FILE).read_bytes())["files"]
    edit(folder, files=files | {name: hashlib.sha256(content).hexdigest()})


def edit_tensors(folder, **changes):
    """Change weights and their digest with them; None takes a tensor away, a dot in a name is written __."""
    tensors = load_file(folder / WEIGHTS_FILE) | {name.replace("__", "."): value for name, value in changes.items()}
    replace_file(folder, WEIGHTS_FILE, save({name: value for name, value in tensors.items() if value is not None}))


def test_reading_gives_what_was_written(folder, tmp_path):
    Model(read_model_folder(folder)).save(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_folder_says_what_it_is(folder):
    metadata = yaml.safe_load((folder / METADATA_FILE).read_text())
    assert metadata["format"] == 3
    assert metadata["inputs"] == list(FUNCTIONALS)
    assert set(metadata["files"]) == {*FILES} - {METADATA_FILE}
    assert metadata["measured"] == how_measured("egemaps")
    tensors = load_file(folder / WEIGHTS_FILE)
    assert tensors["mean"].dtype == tensors["std"].dtype == np.float64
    assert tensors["encoder.0.weight"].shape == (40, 88)
    assert tensors["ratings.weight"].shape == (2, 2)
    assert tensors["classes.weight"].shape == (4, 2)


def test_an_existing_folder_is_not_replaced(folder):
    with pytest.raises(StorageError, match="exists"):
        Model(read_model_folder(folder)).save(folder)


@pytest.mark.parametrize("name", ["embedder.json", "model.onnx"])
def test_a_folder_of_an_earlier_affectmap(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(ModelError, match=r"the folder is of an earlier affectmap: train the model again$"):
        load_model(tmp_path)
    (tmp_path / METADATA_FILE).write_text("format: 1\nname: old\n")
    with pytest.raises(ModelError, match=r"has format 1, this affectmap reads 3; it is of an earlier affectmap"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} does not exist; expected model.yaml"):
        load_model(folder)


def test_damage_is_seen_by_its_digest(folder):
    for name in (WEIGHTS_FILE, CARD_FILE, CURVES_FILE):
        content = (folder / name).read_bytes()
        damaged = (content[:-1], bytes([content[0] ^ 1]) + content[1:], b"", content + b"\n")
        for number, changed in enumerate(damaged):
            (folder / name).write_bytes(changed)
            with pytest.raises(ModelError, match=rf"{name} is not the file that model.yaml was written with"):
                load_model(folder)
            (folder / name).write_bytes(content)
            assert number < 4, name
    load_model(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no format"),
        ("[1, 2]", "names no format"),
        ("format: yes please", "names no format"),
        ("format: true", "names no format"),
        ("format: [", "is damaged"),
        ("format: !!python/object/apply:os.system ['true']", "is damaged"),
        ("format: 3", "lacks name"),
        ("\x00", "is damaged"),
        ("a: &a [1]\nb: *a", "is damaged .*refers to another part"),
        ("a: " + "[" * 100_000, "is damaged .*in each other more than 20 times"),
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


RATED = {"embedding": ["a", "b"], "ratings": ["activation", "valence"], "probabilities": [*"cdef"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 4}, "has format 4, this affectmap reads 3; update affectmap"),
        ({"format": 2}, "has format 2, this affectmap reads 3; it is of an earlier affectmap: train it again"),
        ({"inputs": list(FUNCTIONALS)[:87]}, "takes 87 inputs; expected the 88"),
        ({"inputs": ["pitch", *FUNCTIONALS[1:]]}, "takes 88 inputs, number 0 is 'pitch'"),
        ({"inputs": "all"}, "lacks inputs or has it of another type"),
        ({"features": "other", "inputs": ["a"] * 88}, "not names that differ"),
        ({"features": "other", "inputs": [1] * 88}, "not names that differ"),
        ({"features": "other", "inputs": [*"abc"]}, r"decoder.3.bias is \(88,\) .* but \(3,\) by model.yaml"),
        ({"measured": how_measured("opensmile") | {"version": "1.0.0"}}, "of opensmile 1.0.0, and here they are of 2"),
        ({"measured": how_measured("egemaps") | {"version": "0"}}, "of egemaps 0, and here they are of 1; train the"),
        ({"measured": how_measured("egemaps") | {"cleaning": "none"}}, "cleaning is none; expected mean removed"),
        ({"measured": None}, "its functionals are of None; expected engine egemaps or opensmile"),
        ({"sampling_rate": 1999}, "sampling_rate is 1999; expected 2000 to 192000 Hz"),
        ({"outputs": {}}, "expected lists of names that differ"),
        ({"outputs": {"embedding": []}}, "expected lists of names that differ"),
        ({"outputs": {"embedding": "ab"}}, "expected lists of names that differ"),
        ({"outputs": {"embedding": ["a", "a"]}}, "expected lists of names that differ"),
        ({"outputs": RATED | {"mood": ["m"]}}, "expected lists of names that differ"),
        ({"outputs": RATED | {"ratings": ["arousal", "valence"]}}, "rates arousal, valence; expected activation"),
        (
            {"outputs": {"embedding": ["a"]}},
            r"classes.bias is \(4,\) in weights.safetensors, but unknown by model.yaml",
        ),
        ({"outputs": RATED | {"embedding": ["a"]}}, r"is \(4, 2\) in weights.safetensors, but \(4, 1\)"),
        ({"outputs": RATED | {"probabilities": ["c"]}}, r"classes.bias is \(4,\) in weights.safetensors, but \(1,\)"),
        ({"flags": {}}, "lacks a number"),
        ({"flags": {"clipped_share": "much"}}, "lacks a number"),
        ({"standardisation": {"policy": "source", "prior": "0.5"}}, "makes no sense"),
        ({"standardisation": {"policy": "source", "prior": True}}, "makes no sense"),
        ({"intervals": {"level": 0.9}}, "lacks a number"),
        ({"features": "other", "inputs": []}, "takes 0 inputs; expected 1 to 16384"),
        ({"features": "other", "inputs": [str(i) for i in range(20_000)]}, "takes 20000 inputs; expected 1 to 16384"),
        ({"outputs": {"embedding": [str(i) for i in range(5000)]}}, "more than 4096 outputs"),
        ({"more": datetime.date(2026, 1, 1)}, "has '2026-01-01', which is no text and no number"),
        ({"more": [1 << 64]}, "has '18446744073709551616', which is no text and no number"),
        ({"more": {1: 2}}, "has an entry whose name is no text"),
        ({"more": {"a": {"b", "c"}}}, "which is no text and no number"),
        ({"more": functools.reduce(lambda held, _: [held], range(30), 1)}, "lie in each other more than 20 times"),
        ({"more": list(range(60_000))}, "has more than 50,000 values"),
        ({"more": "x" * 2_000_000}, "has more than 1,048,576 bytes"),
        ({"training": {"languages": 5}}, "has languages of another type"),
        ({"training": {"corpora": {"a": 1}}}, "has corpora of another type"),
        ({"training": {"licence": None}}, "has licence of another type"),
        ({"estimator": [1]}, "has estimator of another type"),
        ({"units": "none"}, "has units of another type"),
        ({"intervals": "wide"}, "lacks a number"),
        ({"temperature": None}, "lacks a number"),
        ({"temperature": 0}, "lacks a number"),
        ({"temperature": -1.0}, "makes no sense"),
        ({"temperature": float("inf")}, "makes no sense"),
        ({"standardisation": {"policy": "guess"}}, "makes no sense"),
        ({"standardisation": {"policy": ["source"]}}, "makes no sense"),
        ({"standardisation": {"policy": "adapted", "n_utterances": float("nan")}}, "makes no sense"),
        ({"features": "egemaps-corrected"}, "number 6 is .*expected the 88 functionals of eGeMAPSv02 corrected"),
        ({"inputs": list(CORRECTED_NAMES)}, "number 6 is .*expected the 88 functionals of eGeMAPSv02$"),
        ({"measured": how_measured("egemaps-corrected")}, "egemaps-corrected does not measure egemaps; train"),
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
    ("content", "message"),
    [
        (b"", "weights.safetensors cannot be read"),
        (b"weights", "weights.safetensors cannot be read"),
        (b"\xff" * 64, "weights.safetensors cannot be read"),
        (save({"mean": np.ones(88, dtype=np.int64)}), "has mean of type I64; expected F32 or F64"),
        (save({}), "has 0 tensors; expected 1 to 141"),
        (struct.pack("<Q", 100_000_000) + b"{" * 1000, "its header has 100,000,000 bytes"),
        (struct.pack("<Q", 1 << 63) + b"{}", "its header has 9,223,372,036,854,775,808 bytes"),
        (with_header(b"[" * 1000), "its header is damaged: its lists lie in each other"),
        (with_header(b"[1]"), "has 0 tensors"),
        (with_header(b'{"mean": 1}'), "has mean of type None"),
        (with_header(b'{"mean": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}'), r"mean of shape \[-1\]"),
        (with_header(b'{"mean": {"dtype": "F32", "shape": "88", "data_offsets": [0, 4]}}'), "mean of shape 88"),
        (with_header(b'{"mean": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4000]}}'), "cannot be read"),
    ],
)
def test_weights_that_are_none(folder, content, message):
    replace_file(folder, WEIGHTS_FILE, content)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": None}, "mean is missing in weights.safetensors"),
        ({"std": np.ones(3)}, r"std is \(3,\) in weights.safetensors"),
        ({"extra": np.ones(2)}, r"extra is \(2,\) in .* but unknown by"),
        ({"encoder__1__weight": np.ones((20, 39))}, r"encoder.1.weight is \(20, 39\) in .* but \(20, 40\) by"),
        ({"encoder__3__bias": np.array([1.0, np.nan])}, "has values in encoder.3.bias that are not finite"),
        ({"ratings__weight": np.full((2, 2), np.inf)}, "has values in ratings.weight that are not finite"),
        ({"decoder__3__bias": None}, r"decoder.3.bias is missing"),
        ({"encoder__0__bias": np.ones((40, 1))}, r"encoder.0.bias is \(40, 1\) in"),
        ({"encoder__9__bias": np.ones(4), "encoder__9__weight": np.ones((4, 4))}, r"(en|de)coder.\d.\w+ is "),
        ({"std": -np.ones(88)}, "has a standard deviation below 0"),
        ({"mean": np.full(88, np.inf)}, "has values in mean that are not finite"),
        ({"encoder__0__weight": np.full((40, 88), 1e30)}, r"has values in encoder.0.weight .* beyond 1e\+06"),
        ({f"encoder__{i}__bias": np.ones(4) for i in range(140)}, "has 1[0-9][0-9] tensors; expected 1 to 141"),
        (
            {
                f"encoder__{i}__{kind}": np.ones((2, 2) if kind == "weight" else 2)
                for i in range(40)
                for kind in ("weight", "bias")
            },
            "has 40 layers of up to 2 units; expected at most 32 of 4096",
        ),
        ({"encoder__0__bias": np.ones(5000)}, "has 4 layers of up to 5000 units; expected at most 32 of 4096"),
        ({"encoder__0__bias": np.ones(20_000)}, r"encoder.0.bias of shape \[20000\]"),
        ({"encoder__0__bias": np.ones((2, 2, 2))}, r"encoder.0.bias of shape \[2, 2, 2\]"),
    ],
)
def test_weights_that_do_not_fit(folder, changes, message):
    edit_tensors(folder, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_a_functional_without_deviation_counts_as_nothing(folder):
    for value in (np.nan, 0.0):
        std = load_file(folder / WEIGHTS_FILE)["std"]
        std[3] = value
        edit_tensors(folder, std=std)
        rows = np.zeros((2, 88))
        rows[1, 3] = 1e6
        table = load_model(folder).transform(rows)
        assert table.iloc[0].equals(table.iloc[1]), value


def test_a_huge_file_is_not_read(folder, monkeypatch):
    monkeypatch.setitem(model_folder.MAX_BYTES, WEIGHTS_FILE, 100)
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


def test_a_file_beside_those_of_the_model_is_left_alone(tmp_path):
    make_model().save(tmp_path / "model", more={"model.onnx": b"graph"})
    assert (tmp_path / "model" / "model.onnx").read_bytes() == b"graph"
    assert "model.onnx" not in load_model(tmp_path / "model").metadata["files"]


def test_the_layout_of_the_hub(tmp_path):
    folder = write_model(tmp_path / "hub", hub=True, card="# Small\n\nA model.\n", training={"languages": ["de", "no"]})
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["language"] == ["de", "no"]
    assert yaml.safe_load(header)["library_name"] == "affectmap"
    assert text.strip() == (folder / CARD_FILE).read_text().strip()
    assert json.loads((folder / "config.json").read_text())["model_type"] == "affectmap"
    assert load_model(folder).card.startswith("# Small")


def test_terms_go_with_the_weights(tmp_path):
    model = make_model(licence="# Terms\n\nNot for sale.\n", training={"licence": "cc-by-nc-sa-4.0"})
    adapted = model.adapt(np.random.default_rng(0).normal(size=(40, 88)))
    adapted.with_heads(adapted.heads, None).save(tmp_path / "adapted", hub=True)
    again = load_model(tmp_path / "adapted")
    assert again.folder.licence == (tmp_path / "adapted" / "LICENSE.md").read_text() == "# Terms\n\nNot for sale.\n"
    assert "terms: cc-by-nc-sa-4.0; see LICENSE.md" in repr(again)
    header = yaml.safe_load((tmp_path / "adapted" / "README.md").read_text().split("---")[1])
    assert (header["license"], header["license_link"]) == ("cc-by-nc-sa-4.0", "LICENSE.md")
    (tmp_path / "adapted" / "LICENSE.md").write_text("anything goes")
    with pytest.raises(ModelError, match=r"LICENSE.md is not the file that model.yaml was written with"):
        load_model(tmp_path / "adapted")
    assert "license_link" not in (write_model(tmp_path / "own", hub=True) / "README.md").read_text()


def test_the_shipped_weights_have_terms_of_their_own():
    model = load_model()
    for corpus in model.metadata["training"]["corpora"]:
        assert f"| {corpus} | " in model.folder.licence
    assert "CC BY-NC-SA 4.0" in model.folder.licence
    assert "`LICENSE.md`" in model.card


def test_a_model_of_the_corrected_set_says_so_and_measures_with_it(tmp_path, monkeypatch):
    small = make_model()
    metadata = {**new_metadata(CORRECTED_NAMES, 2), "flags": small.metadata["flags"]}
    assert (metadata["features"], metadata["measured"]["feature_set"]) == ("egemaps-corrected", "eGeMAPSv02 corrected")
    folder = write_model(tmp_path / "small")
    edit(folder, features=metadata["features"], measured=metadata["measured"], inputs=metadata["inputs"])
    model = load_model(folder)
    assert model.input_text == "the 88 eGeMAPSv02 corrected functionals at 16000 Hz"
    functionals, _ = model.measure(voice()[0], 16000)
    assert tuple(functionals.columns) == CORRECTED_NAMES
    np.testing.assert_allclose(
        functionals.to_numpy()[0], corrected_functionals(voice()[0], 16000), rtol=1e-3, atol=1e-3
    )
    embedded = model.embed(voice()[0], 16000)
    assert np.isfinite(embedded["embedding_0"]).all()
    assert not embedded["not_speech"].any()
