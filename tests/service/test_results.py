"""What the service gives is what the command line prints, digit for digit."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from starlette.exceptions import HTTPException

from affectmap.cli import main
from affectmap.errors import AudioError
from affectmap.service.results import TrackOptions, check_recording
from damaged_files import encoded, noise, without_flac_length
from foreign_files import made


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """Run a command in the folder of the recordings and give what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "warnoptions", ["error"])

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        told = capsys.readouterr()
        assert ended.value.code == 0, told.err
        return told.out

    return run


@pytest.fixture
def recordings(write_voice, tmp_path):
    """Several formats, rates and channels, by name."""
    write_voice("plain.wav", seconds=2.0)
    write_voice("stereo.flac", sampling_rate=44100, n_channels=2, seconds=1.5, pitch=220)
    write_voice("quiet.ogg", sampling_rate=8000, seconds=1.0)
    write_voice("mp3.mp3", sampling_rate=22050, seconds=2.0)
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 16000)
    soundfile.write(tmp_path / "noise, with a comma.wav", np.random.default_rng(0).normal(0, 0.1, 9000), 16000)
    return sorted(file.name for file in tmp_path.iterdir())


def rows_of(response):
    assert response.status_code == 200, response.text
    return response.json()["rows"]


@pytest.mark.slow
def test_embed_is_the_command_line_s(make_service, recordings, printed, tmp_path):
    service = make_service(root=tmp_path)
    usable = [name for name in recordings if name != "short.wav"]
    assert len(usable) == 6
    lines = printed("embed", *usable, "--format", "json").splitlines()
    tables = printed("embed", *usable).split("\n")
    for name, line, table in zip(usable, lines, tables[1:], strict=False):
        content = (tmp_path / name).read_bytes()
        uploaded = service.ask("POST", "/embed", files={"file": (name, content)})
        assert uploaded.text.split("\n")[1] == line
        assert rows_of(uploaded) == [json.loads(line)]
        assert rows_of(service.ask("POST", "/embed", json={"path": name})) == [json.loads(line)]
        bare = service.ask("POST", "/embed", content=content, headers={"Content-Type": "audio/x-whatever"})
        assert rows_of(bare) == [json.loads(line) | {"file": "upload"}]
        as_table = service.ask("POST", "/embed?format=csv", files={"file": (name, content)})
        assert as_table.text == f"{tables[0]}\n{table}\n"
    assert service.uploads() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"windows": "0.7"},
        {"windows": "1", "hop": "0.5", "smoothing": "2"},
        {"windows": "1", "statistics": "running"},
    ],
)
def test_track_is_the_command_line_s(make_service, talk, printed, tmp_path, options):
    shutil.copy(talk, tmp_path)
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    service = make_service(root=tmp_path)
    form = {"file": ("talk.wav", (tmp_path / "talk.wav").read_bytes())}
    as_table = service.ask("POST", "/track", params=options | {"format": "csv"}, files=form)
    assert as_table.text == printed("track", "talk.wav", *words)
    assert as_table.text.count("\n") > 4
    lines = printed("track", "talk.wav", "--format", "json", *words).splitlines()
    assert rows_of(service.ask("POST", "/track", params=options, files=form)) == [json.loads(line) for line in lines]
    assert rows_of(service.ask("POST", "/track", params=options, json={"path": "talk.wav"})) == [
        json.loads(line) for line in lines
    ]


@pytest.mark.real
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="AFFECTMAP_DATA names no folder with corpora/")
def test_real_recordings(make_service, printed, tmp_path):
    files = sorted(Path(os.environ["AFFECTMAP_DATA"], "corpora", "emodb").rglob("*.wav"))[::90]
    assert len(files) > 4
    for file in files:
        shutil.copy(file, tmp_path / file.name)
    service = make_service(root=tmp_path)
    tables = printed("embed", *(file.name for file in files)).split("\n")
    for file, table in zip(files, tables[1:], strict=False):
        given = service.ask("POST", "/embed?format=csv", files={"file": (file.name, file.read_bytes())})
        assert given.text == f"{tables[0]}\n{table}\n"


def test_a_track_without_speech_says_so(service, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(32000), 16000)
    content = (tmp_path / "silence.wav").read_bytes()
    found = service.ask("POST", "/track", content=content).json()
    assert (found["rows"], found["duration_s"], found["notes"]) == ([], 2.0, ["no speech was found in its 2.0 s"])
    as_table = service.ask("POST", "/track?format=csv", content=content)
    assert as_table.text.count("\n") == 1
    assert json.loads(as_table.headers["affectmap-notes"]) == found["notes"]


def test_silence_noise_and_short_ones_get_rows_with_flags(service, recordings, tmp_path):
    for name, flag in (
        ("silence.wav", "silent"),
        ("short.wav", "too_short"),
        ("noise, with a comma.wav", "not_speech"),
    ):
        row = rows_of(service.ask("POST", "/embed", content=(tmp_path / name).read_bytes()))[0]
        assert row[flag] is True, name
    row = rows_of(service.ask("POST", "/embed", content=(tmp_path / "short.wav").read_bytes()))[0]
    assert row["activation"] is None
    assert "lasts 0.00625 s" in row["problem"]


def truncated(content):
    return content[: len(content) // 2]


def test_uneven_channels_and_narrow_bands_are_told(service, voice, tmp_path):
    signal = voice(2.0) * np.clip(np.sin(np.arange(32000) / 1200), 0, 1)
    narrow = soxr.resample(soxr.resample(signal, 16000, 8000), 8000, 16000)
    soundfile.write(tmp_path / "a.wav", np.stack([0 * signal, narrow], axis=1), 16000)
    sent = {"files": {"file": ("a.wav", (tmp_path / "a.wav").read_bytes())}}
    mixed = service.ask("POST", "/embed", **sent).json()
    assert (mixed["rows"][0]["uneven_channels"], mixed["rows"][0]["narrow_band"]) == (True, True)
    assert mixed["notes"][0].startswith("channel 1 of 2 is silent and was left out; its sound ends near ")
    alone = service.ask("POST", "/embed?channel=2", **sent).json()["rows"][0]
    assert alone["activation"] == mixed["rows"][0]["activation"]
    assert not alone["uneven_channels"]
    track = service.ask("POST", "/track?windows=2", **sent).json()
    assert (track["rows"][0]["uneven_channels"], track["rows"][0]["narrow_band"]) == (True, True)
    assert {"channel 1 of 2 is silent and was left out"} <= {*track["notes"]}
    assert any("as over the telephone, which the model never met" in note for note in track["notes"])
    for path in ("/embed?channel=3", "/track?channel=3"):
        told = service.ask("POST", path, **sent)
        assert told.status_code == 422
        assert told.json()["detail"] == "a.wav: it has 2 channels, and no channel 3; name one of them"


def test_what_cannot_be_read_is_refused_with_the_reason(service, write_voice, tmp_path):
    wav = write_voice("a.wav", seconds=1.0).read_bytes()
    ogg = write_voice("a.ogg", seconds=1.0).read_bytes()
    mp4 = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 20
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    for name, content, reason in [
        ("notes.wav", b"no sound at all, just words", "notes.wav: broken, or not audio"),
        ("video.wav", mp4, "video.wav: MP4"),
        ("half.wav", truncated(wav), "half.wav: cut short, it holds"),
        ("half.ogg", truncated(ogg), "half.ogg: "),
        ("head.wav", wav[:30], "head.wav: "),
        ("nan.wav", (tmp_path / "nan.wav").read_bytes(), "nan.wav: 16000 of 16000 samples are NaN"),
        ("empty.wav", b"", "the body is empty"),
    ]:
        told = service.ask("POST", "/embed", files={"file": (name, content)})
        assert told.status_code == 422, (name, told.text)
        assert told.json()["detail"].startswith(reason), told.text
        assert "/" not in told.json()["detail"].replace("multipart/form-data", "")
    assert service.uploads() == []


def test_a_track_uses_what_a_cut_recording_holds_and_says_so(service, write_voice):
    content = truncated(write_voice("a.wav", seconds=4.0).read_bytes())
    found = service.ask("POST", "/track?windows=1", files={"file": ("half.wav", content)}).json()
    assert len(found["rows"]) == 2
    assert found["notes"][0].startswith("cut short, it holds 2.00 s of 4.00 s")


def test_recordings_one_after_another_and_without_a_length(service):
    ogg, flac = (encoded(noise(2.0), kind=kind) for kind in ("ogg", "flac"))
    for content, duration_s in ((ogg + ogg, 4), (flac + flac, 4), (without_flac_length(flac), 2)):
        for path in ("/embed", "/track?windows=1"):
            found = service.ask("POST", path, content=content).json()
            assert found["duration_s"] == duration_s
        assert found["rows"][-1]["end"] == duration_s


def test_formats_of_phones(service):
    pytest.importorskip("av")
    found = service.ask("POST", "/embed", files={"file": ("memo.m4a", made("m4a"))}).json()
    assert 2 <= found["duration_s"] < 2.2
    told = service.ask("POST", "/embed", files={"file": ("memo.m4a", made("m4a")[:500])})
    assert told.status_code == 422
    assert told.json()["detail"].startswith("memo.m4a: AAC in MP4, but broken")


def test_too_long_recordings_that_do_not_tell_their_length(make_service):
    told = make_service(max_minutes=0.1).ask(
        "POST", "/track", content=without_flac_length(encoded(noise(7.0), kind="flac"))
    )
    assert told.status_code == 413
    assert told.json()["detail"].startswith("the recording lasts longer, at most 6 s are taken here")


def test_too_long_recordings(make_service, write_voice):
    content = write_voice("a.wav", seconds=7.0).read_bytes()
    service = make_service(max_minutes=0.1)
    for path, advice in (("/embed", "POST it to /track"), ("/track", "cut it into parts")):
        told = service.ask("POST", path, content=content)
        assert told.status_code == 413
        assert told.json()["detail"] == f"the recording lasts 7 s, at most 6 s are taken here; {advice}"


def test_options_out_of_range(service, write_voice):
    for options, reason in [
        ("windows=1&hop=0.05", "the hop must be a tenth"),
        ("windows=0.01", "windows last 0.01 s, expected 0.2 to 60 s"),
        ("windows=-1", "windows is -1; expected greater than 0"),
        ("windows=nan", "windows is nan; expected a finite number"),
        ("windows=inf", "windows is inf; expected a finite number"),
        ("windows=long", "windows is long; expected a valid number"),
        ("hop=1", "a hop of 1 s goes with fixed windows"),
        ("windows=1&hop=2", "the hop is 2 s"),
        ("statistics=speaker", "statistics is speaker; expected 'source', 'recording' or 'running'"),
        ("smoothing=100000", "smoothing is 100000 s"),
        ("format=xml", "format is xml; expected 'csv' or 'json'"),
    ]:
        told = service.ask("POST", f"/track?{options}", content=write_voice("a.wav").read_bytes())
        assert told.status_code == 422, options
        assert told.json()["detail"].startswith(reason) or reason in told.json()["detail"], told.text
        assert "\n" not in told.json()["detail"], options


def test_too_many_rows_are_refused():
    TrackOptions(windows=3.0).check(7200)
    with pytest.raises(HTTPException, match=r"a hop of 0.3 s gives 24,000 rows, at most 20,000"):
        TrackOptions(windows=3.0, hop=0.3).check(7200)


def test_recordings_that_unfold_are_refused(tmp_path):
    file = tmp_path / "x.wav"
    soundfile.write(file, np.zeros((800, 9)), 8000)
    with pytest.raises(HTTPException, match="9 channels, expected at most 8") as caught:
        check_recording(file, 60, "cut it")
    assert caught.value.status_code == 422
    soundfile.write(file, np.zeros(800), 192000)
    with pytest.raises(HTTPException, match="192000 samples a second"):
        check_recording(file, 60, "cut it")
    soundfile.write(tmp_path / "long.flac", np.zeros(8000 * 61), 8000)  # a few kilobytes
    assert (tmp_path / "long.flac").stat().st_size < 50_000
    with pytest.raises(HTTPException, match="lasts 61 s, at most 60 s are taken here; cut it") as caught:
        check_recording(tmp_path / "long.flac", 60, "cut it")
    assert caught.value.status_code == 413
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError, match="not audio"):
        check_recording(tmp_path / "text.wav", 60, "cut it")


# Threads
