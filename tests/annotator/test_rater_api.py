"""What the rating page can ask for, and what it is told."""

import asyncio
import io
import json
import socket
import uuid

import httpx
import pytest
import soundfile
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from affectmap.annotator import app as app_module
from affectmap.annotator import rater_api, recordings
from affectmap.annotator.database import DatabaseAwayError, DatabaseFullError
from affectmap.annotator.rater_api import SoundResponse
from affectmap.annotator.recordings import Sounds
from affectmap.web.requests import RateLimit


def test_a_session(site):
    found = site.get("session")
    assert found == {
        "rater": "Ada",
        "paused": False,
        "language": None,
        "settings": {"half_steps": True, "continuous": False, "emotions": [], "comment": True},
        "n_items": 13,
        "n_done": 0,
        "pace_s": None,
        "trained": False,
        "training": [{"audio": f"/api/{site.token}/training/0", "activation": 4.0, "valence": 2.5, "note": "Loud."}],
    }
    assert site.ask("POST", f"/api/{site.token}/trained").status_code == 204
    assert site.get("session")["trained"]


def test_settings_reach_the_page(make_store, tools):
    site = tools.site(make_store(continuous=True, emotions=("sad", "happy"), language="ur"))
    found = site.get("session")
    assert (found["language"], found["settings"]["emotions"]) == ("ur", ["sad", "happy"])
    assert (found["settings"]["half_steps"], found["settings"]["continuous"]) == (False, True)
    item = site.get("next")["item"]["id"]
    assert site.rate(item, activation=3.15, emotion="sad").status_code == 201


def test_rating_everything(site):
    state, seen = site.get("next"), []
    assert state["previous"] is None
    while state["item"]:
        coming = state["following"]
        answer = site.rate(state["item"]["id"], comment=f"number {len(seen)}")
        assert (answer.status_code, answer.json()["saved"], answer.json()["revision"]) == (201, True, 1)
        seen.append(state["item"]["id"])
        state = answer.json()["next"]
        assert state == site.get("next")
        assert state["item"] == coming
        assert state["previous"]["id"] == seen[-1]
        assert state["previous"]["rating"] == {
            "activation": 3.5, "valence": 2.0, "emotion": None, "cannot_tell": False,
            "comment": f"number {len(seen) - 1}", "revision": 1,
        }  # fmt: skip
    assert len(set(seen)) == 13
    assert (state["n_done"], state["n_items"]) == (13, 13)
    assert site.get("session")["pace_s"] == 4.5


def test_nothing_tells_what_is_heard(site):
    """Neither names nor classes, nor that something is a repeat."""
    told = json.dumps([site.get("session"), site.get("next")])
    answer = site.ask("GET", site.get("next")["item"]["audio"])
    told += json.dumps(dict(answer.headers))
    for word in (".wav", "speech", "presentation", "content-disposition", "etag", "last-modified"):
        assert word not in told.lower()


def test_a_lost_answer_is_given_again(site, tools):
    body = tools.rating(site.get("next")["item"]["id"])
    answers = [site.ask("POST", f"/api/{site.token}/ratings", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(site.store.ratings.all()) == 1


def test_another_tab(site):
    item = site.get("next")["item"]["id"]
    site.rate(item)
    told = site.rate(item, valence=5)
    assert told.status_code == 409
    assert told.json()["detail"].startswith("this recording is rated already")
    assert told.json()["paused"] is False
    assert told.json()["next"] == site.get("next")


def test_undo(site):
    item = site.get("next")["item"]["id"]
    state = site.rate(item).json()["next"]
    answer = site.rate(item, valence=5, corrects=state["previous"]["rating"]["revision"])
    assert (answer.status_code, answer.json()["revision"]) == (201, 2)
    assert answer.json()["next"]["item"] == state["item"]
    assert answer.json()["next"]["previous"]["rating"]["valence"] == 5
    assert answer.json()["next"]["n_done"] == 1


def test_paused(site):
    rater = site.store.raters.by_token(site.token)
    site.store.raters.pause(rater.id, True)
    assert site.get("session")["paused"]
    told = site.rate(site.get("next")["item"]["id"])
    assert (told.status_code, told.json()["paused"]) == (409, True)
    assert site.store.ratings.all() == []


def test_bodies_that_are_no_ratings(site):
    for content, status, reason in [
        (b"{", 422, "the body is no JSON"),
        (b"[" * 60_000, 422, "the body is no JSON"),
        (b"\xff", 422, "the body is no JSON"),
        (b"[]", 422, "the body is"),
        (b" " * 70_000, 413, "larger than 65,536 bytes"),
        (
            b'{"item": "x", "activation": NaN, "valence": 1, "key": "0d4b6c9e-2c0b-4dd4-8a86-0f1f7e7a3c11"}',
            422,
            "activation is missing",
        ),
    ]:
        headers = {"Content-Type": "application/json"}
        told = site.ask("POST", f"/api/{site.token}/ratings", content=content, headers=headers)
        assert told.status_code == status, content
        assert reason in told.json()["detail"], content


def test_values_out_of_range(site):
    told = site.rate(site.get("next")["item"]["id"], activation=7)
    assert (told.status_code, told.json()) == (
        422,
        {"detail": "activation is 7; expected a number from 1 to 5, or nothing"},
    )
    form = site.ask("POST", f"/api/{site.token}/ratings", data={"item": "x"})
    assert (form.status_code, form.json()) == (415, {"detail": "the body must be application/json"})


@pytest.mark.parametrize(
    ("error", "status"), [(DatabaseFullError("full; free some"), 507), (DatabaseAwayError("away; wait"), 503)]
)
def test_a_database_in_trouble(site, monkeypatch, error, status):
    def fail(*_):
        raise error

    item = site.get("next")["item"]["id"]
    monkeypatch.setattr(site.store.ratings, "save", fail)
    told = site.rate(item)
    assert (told.status_code, told.json()) == (status, {"detail": str(error)})


@pytest.mark.postgres
def test_a_server_that_goes_and_comes_back(make_store, postgres, tools):
    site = tools.site(make_store(database=postgres.new_url()))
    item = site.get("next")["item"]["id"]
    key = str(uuid.uuid4())
    assert site.rate(item, key=key).status_code == 201
    postgres.stop()
    try:
        told = site.rate(item, key=key)
        assert (told.status_code, told.headers["retry-after"]) == (503, "5")
        assert "does not answer" in told.json()["detail"]
    finally:
        postgres.start()
    assert site.rate(item, key=key).json()["revision"] == 1
    assert len(site.store.ratings.all()) == 1


def test_sounds(site, speech):
    state = site.get("next")
    answer = site.ask("GET", state["item"]["audio"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["cache-control"].startswith("private")
    signal, rate = soundfile.read(io.BytesIO(answer.content))
    assert (len(signal), rate) == (800, 8000)
    part = site.ask("GET", state["item"]["audio"], headers={"Range": "bytes=44-"})
    assert (part.status_code, part.content) == (206, answer.content[44:])
    assert part.headers["content-range"] == f"bytes 44-1643/{len(answer.content)}"
    beyond = site.ask("GET", state["item"]["audio"], headers={"Range": "bytes=9999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */1644")
    training = site.get("session")["training"][0]["audio"]
    assert site.ask("GET", training).status_code == 200
    assert site.ask("GET", training.replace("/0", "/1")).status_code == 404
    assert site.ask("GET", training.replace("/0", "/-1")).status_code == 404
    assert site.ask("GET", training.replace("/0", "/x")).status_code == 422


def test_ranges(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"abcdef")
    app = FastAPI()
    app.get("/a")(lambda: SoundResponse(tmp_path / "a.wav"))

    async def ask(wanted):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            return await client.get("/a", headers={} if wanted is None else {"Range": wanted})

    for wanted, status, content in (
        (None, 200, b"abcdef"),
        ("bytes=0-1", 206, b"ab"),
        ("bytes=4-99", 206, b"ef"),
        ("bytes=-2", 206, b"ef"),
        ("bytes=-99", 206, b"abcdef"),
        ("bytes=3-2", 400, None),
        ("bytes=-", 400, None),
        ("items=0-1", 400, None),
        ("bytes=6-", 416, None),
        ("bytes=-0", 416, None),
    ):
        answer = asyncio.run(ask(wanted))
        assert answer.status_code == status, wanted
        assert content is None or answer.content == content, wanted
        assert "etag" not in answer.headers, wanted
    assert b"cd" in asyncio.run(ask("bytes=0-1,2-3")).content


def test_sounds_are_made_once(write_voice, monkeypatch):
    made, make = [], recordings._write_wave
    monkeypatch.setattr(recordings, "_write_wave", lambda file, target: made.append(file.name) or make(file, target))
    sounds = Sounds(max_kept=30_000)
    files = [write_voice(f"{name}.flac", seconds=0.5, sampling_rate=16000) for name in "ab"]
    for file in (files[0], files[0], files[1], files[1], files[0]):
        assert sounds.wave(file).stat().st_size == 16044
    assert made == ["a.flac", "b.flac", "a.flac"]
    sounds.close()


def test_nothing_else_can_be_read(site):
    for path in [
        "..%2f..%2ftraining.csv",
        "../training.csv",
        "%2e%2e/%2e%2e/etc/passwd",
        "00.wav",
        "/etc/passwd",
        "%00",
    ]:
        for place in (f"/api/{site.token}/audio", f"/api/{site.token}/training", "/static", "/static/languages", "/r"):
            told = site.ask("GET", f"{place}/{path}")
            assert told.status_code in (404, 405, 422), told.url
            assert "detail" in told.json(), path


def test_links_of_others(site):
    site.store.add_rater("Bob")
    bob = site.store.raters.named("Bob").token
    bobs = site.ask("GET", f"/api/{bob}/next").json()["item"]["id"]
    assert site.ask("GET", f"/api/{site.token}/audio/{bobs}").status_code == 404
    assert site.rate(bobs).status_code == 404
    for place in ("/r/guess", "/api/guess/next", "/api/guess/session", "/api/guess/audio/x", "/api/guess/training/0"):
        told = site.ask("GET", place)
        assert (told.status_code, told.json()) == (
            404, {"detail": "this link is not known here; ask the organiser for yours"},
        )  # fmt: skip


def test_guesses_are_counted(site):
    statuses = [site.ask("GET", f"/api/guess{number}/next").status_code for number in range(25)]
    assert set(statuses) == {404, 429}
    assert site.get("next")["n_done"] == 0  # who has a link is let in


def test_haste_is_limited(make_store, tools, monkeypatch):
    monkeypatch.setattr(rater_api, "RATER_RATE", (0.001, 5))
    site = tools.site(make_store(raters=("Ada", "Bob")))
    answers = [site.ask("GET", f"/api/{site.token}/next") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json() == {"detail": "too many requests; wait a moment"}
    assert int(answers[5].headers["retry-after"]) > 900
    bob = site.store.raters.named("Bob").token
    assert site.ask("GET", f"/api/{bob}/next").status_code == 200


def test_rates_fill_again():
    time = [0.0]
    rates = RateLimit(per_s=0.5, burst=2, clock=lambda: time[0])
    for _ in range(2):
        rates.take("a")
    with pytest.raises(HTTPException) as caught:
        rates.take("a")
    assert caught.value.headers == {"Retry-After": "2"}
    rates.take("b")
    time[0] = 2.0
    rates.take("a")
    with pytest.raises(HTTPException):
        rates.take("a")


def test_unknown_hosts_and_pages_from_elsewhere(site, make_store, tools, tmp_path):
    told = site.ask("GET", f"/api/{site.token}/next", headers={"Host": "evil.example"})
    assert (told.status_code, "detail" in told.json()) == (421, True)
    told = site.ask("POST", f"/api/{site.token}/trained", headers={"Origin": "http://evil.example"})
    assert told.status_code == 403
    shared = tools.site(make_store(host="0.0.0.0", labels=tmp_path / "shared"))
    assert shared.ask("GET", f"/api/{shared.token}/next", headers={"Host": "lab.example"}).status_code == 200
    assert shared.ask("GET", "/api/guess/next", headers={"Host": "lab.example"}).status_code == 404


def test_headers(site):
    answer = site.ask("GET", f"/r/{site.token}")
    assert answer.status_code == 200
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_what_is_not_there(site):
    for method, path, status in (("GET", "/none", 404), ("PUT", "/organiser", 405), ("GET", "/docs", 404)):
        told = site.ask(method, path)
        assert (told.status_code, list(told.json())) == (status, ["detail"])
    assert site.ask("GET", "/").headers["location"] == "/organiser"


def test_faults_are_told_without_a_trace(site, monkeypatch):
    monkeypatch.setattr(site.store.ratings, "progress", lambda *_: 1 / 0)
    told = site.ask("GET", f"/api/{site.token}/next")
    assert (told.status_code, told.json()) == (500, {"detail": "a fault of the server; see its own log"})


def test_languages(site):
    found = site.ask("GET", "/api/languages").json()
    assert [each["code"] for each in found] == sorted(each["code"] for each in found)
    assert {each["direction"] for each in found} <= {"ltr", "rtl"}


def test_the_folder_is_looked_at_again(make_store, speech, tools, monkeypatch):
    """New files reach the lists while the server runs; a folder that is away for a while ends nothing."""
    monkeypatch.setattr(app_module, "SCAN_S", 0.01)
    site, ended = tools.site(make_store()), []

    async def run():
        app = app_module.create_app(site.store, "a long password", at_end=lambda: ended.append(True))
        async with app.router.lifespan_context(app):
            speech.rename(speech.parent / "away")
            await asyncio.sleep(0.1)
            (speech.parent / "away").rename(speech)
            tools.fill(speech, 1, first=40)
            while site.store.ratings.progress(site.store.raters.named("Ada")).n_items < 14:
                await asyncio.sleep(0.05)
            assert ended == []

    asyncio.run(asyncio.wait_for(run(), 30))
    assert ended == [True]


def test_links_that_others_can_open():
    for host, name in [("127.0.0.1", "127.0.0.1"), ("::", None), ("0.0.0.0", None)]:
        assert app_module._reachable_name(host) == (name or socket.gethostname()), host
