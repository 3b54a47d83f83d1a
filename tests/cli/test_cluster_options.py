"""``--backend`` and ``--scheduler`` as a user meets them, and memory that runs out."""

import numpy as np
import pytest
import soundfile

from conftest import make_voice
from corpus_files import FAST, write_emodb, write_settings

#: Before the command: even the small work of a test is shared.
SHARE = """
import affectmap.experiment.experiment, affectmap.model.training.stacked
affectmap.experiment.experiment.PARALLEL_SCORES = affectmap.model.training.stacked.PARALLEL_STEPS = 0
"""


@pytest.mark.parametrize("command", ["reproduce", "train", "embed", "adapt", "score"])
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--backend", "spark"], 2, "'spark' is not one of 'local', 'dask'"),
        (["--backend", "dask"], 2, "backend dask needs its scheduler; add --scheduler tcp://HOST:8786"),
        (["--scheduler", "tcp://127.0.0.1:9"], 2, "add --backend dask"),
        (
            ["--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"],
            1,
            "no Dask scheduler answers at tcp://127.0.0.1:9",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(affectmap, tables, here, monkeypatch, command, options, code, message):
    pytest.importorskip("distributed")
    monkeypatch.setattr("affectmap.parallel.cluster.CONNECT_S", 0.2)
    if command == "train":
        tables = tables[:4]
    elif command != "reproduce":
        write_speech(here)
        tables = ["table:speech=speech.csv"] if command == "score" else ["speech"]
    outcome = affectmap(command, *tables, *options)
    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.error
    assert not [each for each in ("results", "adapted") if (here / each).exists()]


def write_speech(here):
    """Write recordings and a table that gives them labels; too few to say anything."""
    (here / "speech").mkdir()
    rows = ["file,speaker,emotion,activation,valence"]
    for number in range(12):
        syllables = np.clip(np.sin(np.arange(16000) / 1200), 0, 1) * np.where(np.arange(16000) < 8000, 1.0, 0.3)
        voice = make_voice(seconds=1.0, pitch=100 + 10 * number, seed=number)
        glide = make_voice(seconds=1.0, pitch=130 + 13 * number, seed=number)
        signal = syllables * np.where(np.arange(16000) < 8000, voice, glide)
        soundfile.write(here / "speech" / f"{number}.wav", signal, 16000)
        emotion = ("neutral", "sad", "happy", "angry")[number % 4]
        rows.append(f"speech/{number}.wav,{'abc'[number % 3]},{emotion},{1 + number % 5},{1 + number % 3}")
    (here / "speech.csv").write_text("\n".join(rows) + "\n")


def test_a_recording_on_the_input_goes_to_no_cluster(affectmap, here):
    outcome = affectmap("embed", "-", "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert (outcome.code, outcome.error) == (
        2,
        "a recording on the input stays on this machine; name files, or leave out --backend",
    )


@pytest.mark.cluster
def test_a_cluster_embeds_adapts_and_scores_alike(affectmap, here, pair):
    pytest.importorskip("distributed")
    write_speech(here)
    (here / "speech" / "broken.wav").write_text("no sound")
    where = ["--backend", "dask", "--scheduler", pair, "--no-cache"]
    alone = affectmap("embed", "speech", "--no-cache")
    assert alone.out.count("\n") == 14
    assert affectmap("embed", "speech", *where) == alone
    for name, options in {"here": ["--no-cache"], "there": where}.items():
        done = affectmap("adapt", "speech", "-o", name, *options)
        assert done.code == 0, done.err
    assert (here / "here" / "weights.safetensors").read_bytes() == (here / "there" / "weights.safetensors").read_bytes()
    alone = affectmap("score", "table:speech=speech.csv", "--no-cache")
    assert alone.code == 0, alone.err
    assert affectmap("score", "table:speech=speech.csv", *where) == alone


def test_memory_that_runs_out_is_told_in_one_line(affectmap, tables, monkeypatch):
    def greedy(*arguments, **options):
        raise MemoryError("Unable to allocate 2.00 TiB")

    monkeypatch.setattr("affectmap.experiment.experiment.make_material", greedy)
    outcome = affectmap("train", *tables[:4], "--recipe", "paper")
    assert outcome.code == 1
    assert outcome.error.startswith("memory ran out (Unable to allocate 2.00 TiB); use fewer --n-jobs")


@pytest.mark.slow
def test_a_cluster_gives_the_same_tables_and_models(process, here, pair):
    pytest.importorskip("distributed")
    write_settings(here / "fast.toml", **FAST)
    write_emodb(here)
    given = ["--config", "fast.toml", "--source", "emodb=emodb", "--labels", "labels"]
    local = process("reproduce", *given, "-o", "local", "--cache", "cache-local")
    assert local.code == 0, local.err
    where = ["--backend", "dask", "--scheduler", pair, "--cache", "cache-shared"]
    shared = process("reproduce", *given, "-o", "shared", *where, first=SHARE)
    assert shared.code == 0, shared.err
    assert _notes(shared.err) == _notes(local.err)
    assert shared.out.replace("shared", "local") == local.out
    compared = [*(here / "local").rglob("*.safetensors"), *(here / "local").rglob("*.csv")]
    assert len(compared) > 5
    for file in compared:
        other = here / "shared" / file.relative_to(here / "local")
        assert other.read_bytes() == file.read_bytes(), file


def _notes(text):
    """Lines but for those of progress, which come every ten seconds where a machine is busy."""
    return [line for line in text.splitlines() if not line.endswith((" s so far", " s left"))]
