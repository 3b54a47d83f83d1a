"""Kinds of files that are read: how a valid one is made, how it is damaged, and how it is read as a user would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from fuzz.mutations import (
    Damage,
    Rng,
    choice,
    damage_arrays,
    damage_bytes,
    damage_cells,
    damage_database,
    damage_json,
    damage_tensors,
    damage_text,
    damage_yaml,
)


class Kind(NamedTuple):
    """A kind of files.

    Attributes:
        make: Write valid files to an empty folder.
        damages: How each of the files that are damaged is.
        read: Read the folder; an error of the package's own means that the files are refused.
        after: What is done to the folder when a file was damaged.
    """

    make: Callable[[Path], None]
    damages: dict[str, Damage]
    read: Callable[[Path], None]
    after: Callable[[Path, Rng], None] = lambda folder, rng: None

    def damage(self, folder: Path, rng: Rng) -> None:
        """Damage one of the files."""
        file = folder / choice(rng, sorted(self.damages))
        file.write_bytes(self.damages[file.name](file.read_bytes(), rng))
        self.after(folder, rng)


def _write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def _make_model(folder: Path) -> None:
    from model_files import make_model

    make_model().save(folder / "model")
    for file in (folder / "model").iterdir():
        file.rename(folder / file.name)
    (folder / "model").rmdir()


def _sign(folder: Path, rng: Rng) -> None:
    """Write the digests of damaged files into ``model.yaml``, mostly: what a stranger would do."""
    file = folder / "model.yaml"
    if rng.random() < 0.1:
        return
    try:
        metadata = yaml.safe_load(file.read_bytes())
        for name in metadata["files"]:
            metadata["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        file.write_text(yaml.safe_dump(metadata, sort_keys=False))
    except Exception:  # the metadata is what is damaged
        return


def _read_model(folder: Path) -> None:
    from affectmap.model.model import load_model
    from affectmap.model.onnx import onnx_graph

    model = load_model(folder)
    rows = np.random.default_rng(0).normal(size=(12, len(model.inputs)))
    repr(model), model.columns, model.curves, model.card, model.metadata, model.statistics
    model.transform(rows, speaker=["a", "b"] * 6)
    adapted = model.adapt(rows)
    adapted.save(folder / "adapted", hub=True)
    onnx_graph(model)


def _read_embedder(folder: Path) -> None:
    from affectmap.model.embedder import Embedder

    embedder = Embedder.load(folder)
    embedder.transform(np.zeros((2, embedder.n_features_in_)))
    embedder.get_feature_names_out(), embedder.curves_, embedder.label_names_, embedder.recipe_, repr(embedder)
    embedder.network_.noise_std  # noqa: B018 (builds the network)
    embedder.training_settings()


_MODEL: dict[str, Damage] = {
    "model.yaml": damage_yaml, "weights.safetensors": damage_tensors, "CARD.md": damage_text, "curves.csv": damage_cells,
}  # fmt: skip


def _make_encoder(folder: Path) -> None:
    from safetensors.numpy import save_file

    (folder / "config.json").write_text(
        json.dumps({"model_type": "wav2vec2", "hidden_size": 8, "num_hidden_layers": 1, "architectures": ["A"]})
    )
    (folder / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": 16000, "do_normalize": True}))
    save_file({"a": np.zeros((2, 2), np.float32)}, folder / "part.safetensors")
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "part.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _read_encoder(folder: Path) -> None:
    from affectmap.features.encoders.weights import checked_folder, model_digest, read_config

    read_config(checked_folder(folder))
    model_digest(folder)


def _damage_either(content: bytes, rng: Rng) -> bytes:
    return choice(rng, (damage_tensors, damage_bytes))(content, rng)


def _make_whisper(folder: Path) -> None:
    from encoder_files import write_whole_whisper

    write_whole_whisper(folder)


def _read_whisper(folder: Path) -> None:
    """As a folder that somebody brought, and as a hub gives it."""
    from affectmap.errors import ModelError
    from affectmap.features.encoders import fetch
    from affectmap.features.encoders.whisper_model import WhisperModel

    with suppress(ModelError):
        WhisperModel(folder, 2)
    start = (folder / "model.safetensors").read_bytes()[: fetch.MAX_START]
    fetch._parsed(start, "https://hub/model.safetensors")


SETTINGS = """\
source = ["emodb=corpora/emodb", "urdu=corpora/urdu"]
target = ["aesdd=corpora/aesdd"]
labels = "corpora/labels"
epochs = 20
noise_std = 1.0
hidden_dims = [40, 20, 10]
methods = ["joint"]
preset = "paper"
batch_size = 64
synthetic = false
seed = 0
"""


def _read_settings(folder: Path) -> None:
    from affectmap.experiment.config import given_settings, make_config
    from affectmap.transfer.settings import recipe_for

    recipe_for(given_settings(folder / "settings.toml"))
    make_config(folder / "settings.toml")


TABLE = """\
file,start,end,emotion,activation,valence,speaker,session,sex,language
a.wav,0,1.5,anger,4.5,2,1,1,female,de
b.wav,0 days 00:00:01.5,0 days 00:00:02.5,joy,4,4,2,1,male,de
"Ä, c.wav",,,neutral,3,3,3,2,female,de
"""


def _make_table(folder: Path) -> None:
    (folder / "mine.csv").write_text(TABLE)
    for name in ("a.wav", "b.wav", "Ä, c.wav"):
        (folder / name).touch()


def _make_parquet(folder: Path) -> None:
    import pandas as pd

    _make_table(folder)
    pd.read_csv(folder / "mine.csv").to_parquet(folder / "mine.parquet")


def _damage_parquet(content: bytes, rng: Rng) -> bytes:
    """Damage bytes, at the end where its description is or elsewhere, or give columns other types."""
    import io

    import pandas as pd

    if rng.random() < 0.3:
        return damage_bytes(content, rng)
    if rng.random() < 0.4:
        cut = max(0, len(content) - int(rng.integers(8, 3000)))
        return content[:cut] + damage_bytes(content[cut:-8], rng) + content[-8:]
    frame = pd.read_parquet(io.BytesIO(content))
    column = choice(rng, list(frame))
    others = (
        [[1, 2]] * 3, [{"a": 1}] * 3, [b"\xff"] * 3, pd.to_datetime(["2026-01-01"] * 3), pd.to_timedelta([1, 2, None], unit="s"), [True, None, False],
        [1 << 60, -1, 0], [1e308, float("inf"), float("nan")], pd.Categorical(["a", "b", "a"]), [None] * 3, ["x" * 100_000] * 3, pd.Series([1, 2, None], dtype="Int64"),
        pd.to_timedelta([1 << 62, 2, 3]), pd.period_range("2026", periods=3), [np.float16(1)] * 3,
    )  # fmt: skip
    kind = int(rng.integers(5))
    if kind <= 2:
        frame[column] = choice(rng, others)
    elif kind == 3:
        frame = frame.rename(columns={column: choice(rng, ("file", "", "arousal", "Emotion", "0", "x\ny"))})
    else:
        frame = frame.set_index(choice(rng, ([column], ["file", "start"], ["file", "start", "end"])))
    try:
        found = io.BytesIO()
        frame.to_parquet(found)
        return found.getvalue()
    except Exception:  # pandas or pyarrow cannot write this
        return damage_bytes(content, rng)


def _read_table(folder: Path, name: str) -> None:
    from affectmap.corpora.table import load

    load("mine", folder / name)


def _make_sheet(folder: Path) -> None:
    (folder / "mine.csv").write_text("filename,activation,valence\na.wav,3,3.5\nb.wav,2.5,\nsub/c,4,1\n")
    (folder / "EMO_DB.csv").write_text("filename,activation,valence \n03a01Fa.wav,3,3.5\n")


def _read_sheet(folder: Path) -> None:
    import pandas as pd

    from affectmap.agreement.exchange import import_sheets
    from affectmap.corpora import CARDS
    from affectmap.corpora.folder import Corpus
    from affectmap.corpora.label_sheets import join_labels
    from affectmap.schema import segmented_index, validate_table

    files = ["/data/a.wav", "/data/b.wav", "/data/sub/c.flac", "/data/03a01Fa.wav"]
    table = validate_table(pd.DataFrame({"speaker": ["1"] * 4}, segmented_index(files)), "notes")
    known = {card.name: card.sheet for card in CARDS.values() if card.sheet is not None}
    for name in ("mine", "emodb"):
        join_labels(Corpus(name, table), folder, known)
    import_sheets([folder / "mine.csv"], "Ada")


def _make_audformat(folder: Path) -> None:
    import audformat

    for name in ("a.wav", "b.wav"):
        (folder / name).touch()
    database = audformat.Database("mine", description="d", usage="research", languages=["de"])
    database.schemes["emotion"] = audformat.Scheme(labels={"anger": {"text": "angry"}, "joy": {"text": "glad"}})
    database.schemes["arousal"] = audformat.Scheme("float", minimum=1, maximum=5)
    database.schemes["speaker"] = audformat.Scheme(labels={"1": {"gender": "female"}, "2": {"gender": "male"}})
    database["files"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav"]))
    database["segments"] = audformat.Table(audformat.segmented_index(["a.wav", "b.wav"], ["0s", "1s"], ["1s", "2s"]))
    for table, column, values in (
        ("files", "speaker", ["1", "2"]),
        ("segments", "emotion", ["joy", "anger"]),
        ("segments", "arousal", [4.0, 5.0]),
    ):
        database[table][column] = audformat.Column(scheme_id=column)
        database[table][column].set(values)
    database.save(str(folder), storage_format="csv")


def _read_audformat(folder: Path) -> None:
    from affectmap.corpora.audformat import load

    load("mine", folder)


RATINGS = '''\
file,rater,activation,valence,emotion,cannot_tell,comment,presentation,revision,rated_at,seconds
a.wav,Ada,2,3.5,happy,false,,1,1,2026-01-31T12:00:00Z,3.5
a.wav,Bo,3,3,happy,false,"says, ""well""",1,1,2026-01-31T12:00:01Z,4
b.wav,Ada,4,2,anger,false,,1,1,2026-01-31T12:00:02Z,2
b.wav,Bo,5,1.5,anger,false,,1,2,2026-01-31T12:00:03Z,2
c.wav,Ada,,,,true,,1,1,,
c.wav,Bo,1,2,own class,false,,1,1,,
a.wav,Ada,2.5,3,happy,false,,2,1,,
'''


def _use_ratings(path: Path, folder: Path) -> None:
    from affectmap.agreement import export_database, export_sheet, read_ratings
    from affectmap.agreement.table import agreement_table
    from affectmap.errors import LabelError

    ratings = read_ratings(path)
    for export in (
        partial(export_sheet, ratings, folder / "out.csv"),
        partial(export_database, ratings, folder / "out"),
        partial(agreement_table, ratings),
    ):
        try:
            export()
        except LabelError:  # too few ratings for one of them
            continue


def _read_ratings(folder: Path) -> None:
    _use_ratings(folder / "ratings.csv", folder)


def _make_database(folder: Path) -> None:
    import sqlite3

    from affectmap.annotator.database import METADATA, open_database

    database = open_database(None, folder)
    rows = {
        "items": [
            {"id": i, "path": f"{i}.wav", "content": "", "n_bytes": 9, "changed_ns": 1, "duration_s": 1.0, "note": ""}
            for i in (1, 2)
        ],
        "raters": [
            {
                "id": i,
                "name": name,
                "token": f"t{i}",
                "paused": False,
                "trained_at": None,
                "added_at": "2026-01-31T12:00:00.000Z",
            }
            for i, name in enumerate("AB", 1)
        ],
        "assignments": [
            {"id": 10 * r + i, "code": f"c{r}{i}", "rater_id": r, "position": i, "item_id": i, "presentation": 1}
            for r in (1, 2)
            for i in (1, 2)
        ],
    }
    rows["ratings"] = [
        {"id": n, "assignment_id": each["id"], "revision": 1, "key": f"k{n}", "activation": 1.0 + n, "valence": 2.0, "emotion": "happy", "cannot_tell": False,
         "comment": "", "seconds": 1.0, "rated_at": "2026-01-31T12:00:00.000Z"} for n, each in enumerate(rows["assignments"])
    ]  # fmt: skip
    with database.writing() as connection:
        for name, values in rows.items():
            connection.execute(METADATA.tables[name].insert(), values)
    database.close()
    with sqlite3.connect(folder / "ratings.sqlite3", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def _read_database(folder: Path) -> None:
    from affectmap.errors import AffectmapError

    with suppress(AffectmapError):  # the annotator may still take it
        _use_ratings(folder / "ratings.sqlite3", folder)
    _open_database(folder)


def _open_database(folder: Path) -> None:
    from affectmap.annotator.database import open_database
    from affectmap.annotator.raters import Raters, Worklist
    from affectmap.annotator.ratings import Ratings
    from affectmap.annotator.results import as_ratings, raw_csv

    database = open_database(None, folder)
    try:
        raters, ratings = Raters(database), Ratings(database)
        Worklist(database, seed=0, repeat=0.1).known()
        for rater in raters.all():
            ratings.progress(rater), ratings.pace_s(rater)
        rows = ratings.all()
        raw_csv(rows), as_ratings(rows)
    finally:
        database.close()


def _make_cache(folder: Path) -> None:
    from affectmap.features.cache import FeatureCache

    with FeatureCache(folder, "mine", ["pitch", "loudness"]) as cache:
        for number in range(20):
            cache.add(f"sha256 of {number}", np.array([number, 0.5], np.float32))


def _read_cache(folder: Path) -> None:
    from affectmap.features.cache import FeatureCache

    with FeatureCache(folder, "mine", ["pitch", "loudness"]) as cache:
        found = cache.load()
        assert found.rows.shape == (len(found.keys), 2)
        cache.add("another", np.zeros(2, np.float32))


def _make_speakers(folder: Path) -> None:
    (folder / "speakers.csv").write_text("file,speaker\na.wav,1\nb.wav,2\nsub/Ä.wav,3\n")


def _read_speakers(folder: Path) -> None:
    from affectmap.corpora.speakers import read_speakers

    read_speakers(folder / "speakers.csv", [str(folder / name) for name in ("a.wav", "b.wav", "sub/Ä.wav")])


def _make_training(folder: Path) -> None:
    for name in ("a.wav", "b.wav"):
        (folder / name).touch()
    (folder / "training.csv").write_text("file,activation,valence,note\na.wav,4.5,2,Loud.\nb.wav,2,2.5,\n")


def _read_training(folder: Path) -> None:
    from affectmap.annotator.recordings import read_training

    read_training(folder / "training.csv", folder)


def _make_examples(folder: Path) -> None:
    import pandas as pd

    names = ["pitch", "loudness"]
    pd.DataFrame(np.random.default_rng(0).normal(size=(4, 2)), columns=names).to_csv(
        folder / "examples.csv", index=False
    )


def _read_examples(folder: Path) -> None:
    from affectmap.cli.models import _read_examples

    _read_examples(folder / "examples.csv", ["pitch", "loudness"])


def _make_audio(folder: Path, name: str, **options: str) -> None:
    import soundfile

    time = np.arange(4000) / 16000
    signal = 0.3 * np.sin(2 * np.pi * 150 * time + 3 * np.sin(2 * np.pi * 5 * time))
    soundfile.write(folder / name, np.stack([signal, signal], axis=1), 16000, **options)


def _read_audio(folder: Path, name: str) -> None:
    from affectmap.audio.reading import check_signal, read_audio
    from affectmap.audio.stream import Recording
    from affectmap.errors import AudioError

    file = folder / name
    try:
        signal, sampling_rate = read_audio(file, longest_s=600)
        assert signal.dtype == np.float32
        assert signal.ndim == 1
        check_signal(signal, sampling_rate, file)
    except AudioError:
        pass
    recording = Recording(file)
    for number, block in enumerate(recording.blocks()):
        assert block.ndim == 1
        if number > 50:
            break


def _audio(name: str, **options: str) -> Kind:
    return Kind(partial(_make_audio, name=name, **options), {name: damage_bytes}, partial(_read_audio, name=name))


KINDS: dict[str, Kind] = {
    **{f"model's {name}": Kind(_make_model, {name: damage}, _read_model, _sign) for name, damage in _MODEL.items()},
    "embedder": Kind(
        _make_model, {name: _MODEL[name] for name in ("model.yaml", "weights.safetensors")}, _read_embedder, _sign
    ),
    "encoder": Kind(
        _make_encoder,
        dict.fromkeys(("config.json", "preprocessor_config.json", "model.safetensors.index.json"), damage_json),
        _read_encoder,
    ),
    "whisper": Kind(_make_whisper, {"config.json": damage_json, "model.safetensors": _damage_either}, _read_whisper),
    "settings": Kind(
        partial(_write, name="settings.toml", text=SETTINGS),
        {"settings.toml": damage_text},
        _read_settings,
    ),
    "table": Kind(_make_table, {"mine.csv": damage_cells}, partial(_read_table, name="mine.csv")),
    "parquet": Kind(_make_parquet, {"mine.parquet": _damage_parquet}, partial(_read_table, name="mine.parquet")),
    "label sheet": Kind(_make_sheet, {"mine.csv": damage_cells, "EMO_DB.csv": damage_cells}, _read_sheet),
    "audformat": Kind(
        _make_audformat,
        {"db.yaml": damage_yaml, "db.files.csv": damage_cells, "db.segments.csv": damage_cells},
        _read_audformat,
    ),
    "ratings": Kind(
        partial(_write, name="ratings.csv", text=RATINGS),
        {"ratings.csv": damage_cells},
        _read_ratings,
    ),
    "rating database": Kind(_make_database, {"ratings.sqlite3": damage_database}, _read_database),
    "cache": Kind(_make_cache, {"mine.npz": damage_arrays}, _read_cache),
    "speakers": Kind(_make_speakers, {"speakers.csv": damage_cells}, _read_speakers),
    "training": Kind(_make_training, {"training.csv": damage_cells}, _read_training),
    "examples": Kind(_make_examples, {"examples.csv": damage_cells}, _read_examples),
    "wav": _audio("a.wav"),
    "wav, float": _audio("f.wav", subtype="FLOAT"),
    "wav, adpcm": _audio("m.wav", subtype="MS_ADPCM"),
    "flac": _audio("a.flac"),
    "ogg": _audio("a.ogg"),
    "opus": _audio("a.opus", format="OGG", subtype="OPUS"),
    "mp3": _audio("a.mp3"),
    "aiff": _audio("a.aiff"),
}
