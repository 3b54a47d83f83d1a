"""The served page: sound in ranges, of the listed recordings alone, to this machine alone."""

import asyncio
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.explorer.points import points_of
from affectmap.explorer.server import create_app
from explorer_rows import row


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    signal = 0.1 * np.sin(np.arange(32000) / 9)
    soundfile.write(folder / "a.wav", signal, 16000)
    soundfile.write(folder / "b.aiff", signal, 16000)
    (folder / "c.wav").write_text("no audio")
    (folder / "secret.wav").write_bytes((folder / "a.wav").read_bytes())
    rows = [row(str(folder / name), activation=2, valence=2) for name in ("a.wav", "b.aiff", "c.wav", "none.wav")]
    rows.append(row(str(folder / "a.wav"), start=0.5, end=1.5, activation=3, valence=3))
    app = create_app(points_of(pd.DataFrame(rows)))

    def get(path, headers=None, base="http://localhost:8010"):
        async def run():
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.get(path, headers=headers)

        return asyncio.run(run())

    get.folder = folder
    return get


def test_a_recording_comes_whole_and_in_ranges(ask):
    whole = ask("/sound/0")
    data = (ask.folder / "a.wav").read_bytes()
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/wav", data)
    part = ask("/sound/0", {"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, data[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert ask("/sound/0", {"Range": "bytes=99999999-"}).status_code == 416


def test_segments_and_other_formats_come_as_excerpts(ask):
    for number, seconds in ((1, 2.0), (4, 1.0)):
        found = ask(f"/sound/{number}")
        assert found.headers["content-type"].startswith("audio/mpeg")
        signal, rate = soundfile.read(io.BytesIO(found.content))
        assert abs(len(signal) / rate - seconds) < 0.01


def test_what_cannot_be_read_is_one_sentence_without_a_path(ask):
    for number in (2, 3):
        found = ask(f"/outline/{number}")
        assert found.status_code == 404
        assert str(ask.folder) not in found.text
        assert found.json()["detail"]
    assert len(ask("/outline/0").content) == json.loads(ask("/data.json").content)["bars"]


def test_nothing_but_listed_recordings_is_sent(ask):
    assert ask("/sound/5").json() == {"detail": "there is no point 5; they are numbered from 0 to 4"}
    for path in ("/sound/-1", "/sound/../secret.wav", "/sound/secret.wav", "/sound/%2e%2e%2fsecret.wav",
                 "/static/../server.py", "/static/%2e%2e/server.py", "/secret.wav", "/sound/0/../../secret.wav"):  # fmt: skip
        assert ask(path).status_code in (404, 422), path


def test_only_this_machine_is_answered_and_policies_are_sent(ask):
    assert ask("/", base="http://rebound.example").status_code == 421
    assert ask("/", {"Origin": "http://elsewhere.example"}).status_code == 403
    page = ask("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert '<script src="static/page.js" defer></script>' in page.text
    assert str(ask.folder) not in page.text + ask("/data.json").text
    for name in Path(__file__).parents[2].joinpath("src/affectmap/explorer/static").iterdir():
        assert ask(f"/static/{name.name}").status_code == 200
