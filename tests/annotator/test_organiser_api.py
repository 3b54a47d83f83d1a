"""The organiser's page: who gets in, what it shows, and what it gives to take home."""

import io
import time
import zipfile

import pytest

from affectmap.agreement import read_ratings
from affectmap.annotator.organiser_api import SESSION_S, OrganiserAuth
from affectmap.annotator.results import own_consistency
from affectmap.corpora import load_corpus
from affectmap.errors import UsageError

PASSWORD = "a long password"


def rate_all(site, name, **values):
    """Rate everything as somebody."""
    rater = site.store.raters.named(name)
    start = site.ask("GET", f"/api/{rater.token}/next").json()
    while start["item"]:
        given = values.get("value", lambda number: {})(start["n_done"])
        body = site_rating(start["item"]["id"], **given)
        start = site.ask("POST", f"/api/{rater.token}/ratings", json=body).json()["next"]


def site_rating(item, **values):
    import uuid

    usual = {"activation": 3.5, "valence": 2, "emotion": None, "cannot_tell": False, "comment": "", "seconds": 4.5}
    return {"item": item, **usual, "key": str(uuid.uuid4()), **values}


def test_who_is_let_in(site):
    assert "Password" in site.ask("GET", "/organiser").text
    assert site.ask("GET", "/organiser/state").status_code == 401
    assert site.ask("GET", "/organiser/export/ratings.csv").status_code == 401
    assert site.ask("POST", "/organiser/raters", json={"name": "Eve"}).status_code == 401
    wrong = site.ask("POST", "/organiser/login", data={"password": "a guess <b>"})
    assert wrong.status_code == 401
    assert "This is not the password." in wrong.text
    assert "<b>" not in wrong.text
    right = site.ask("POST", "/organiser/login", data={"password": "a long password"})
    assert (right.status_code, right.headers["location"]) == (303, "/organiser")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/organiser" in cookie
    assert "a long password" not in cookie
    site.cookies = dict(right.cookies)
    assert "Agreement so far" in site.ask("GET", "/organiser").text


def test_guessing_is_slow_and_shuts_nobody_out(site):
    guesses = [("POST", "/organiser/login", {"data": {"password": str(n)}}) for n in range(30)]
    start = time.monotonic()
    *wrong, right = site.ask_together([*guesses, ("POST", "/organiser/login", {"data": {"password": PASSWORD}})])
    assert {answer.status_code for answer in wrong} == {401}
    assert right.status_code == 303
    assert time.monotonic() - start > 1
    assert min(answer.elapsed.total_seconds() for answer in wrong) > 0.9


def test_behind_a_proxy(make_store, tools):
    address = "https://lab.example/study"
    site = tools.site(make_store(public_url=address))
    lab = {"Host": "lab.example"}
    told = site.ask("GET", "/study/", headers=lab)
    assert (told.status_code, told.headers["location"]) == (303, "/study/organiser")
    page = site.ask("GET", "/study/organiser", headers=lab).text
    assert 'action="/study/organiser/login"' in page
    assert 'href="/study/static/organiser.css"' in page
    elsewhere = {**lab, "Origin": "https://evil.example"}
    data = {"password": PASSWORD}
    assert site.ask("POST", "/study/organiser/login", data=data, headers=elsewhere).status_code == 403
    right = site.ask("POST", "/study/organiser/login", data=data, headers={**lab, "Origin": "https://lab.example"})
    assert (right.status_code, right.headers["location"]) == (303, "/study/organiser")
    cookie = right.headers["set-cookie"].lower()
    assert "; secure" in cookie
    assert "path=/study/organiser;" in cookie
    value = {"Cookie": right.headers["set-cookie"].partition(";")[0]}
    for prefix in ("/study", ""):  # passed on by the proxy, or not
        state = site.ask("GET", f"{prefix}/organiser/state", headers={**lab, **value}).json()
        assert (state["address"], state["raters"][0]["link"]) == (address, f"/r/{site.token}")
        assert site.ask("GET", f"{prefix}/r/{site.token}", headers=lab).status_code == 200
        assert site.ask("GET", f"{prefix}/static/base.js", headers=lab).status_code == 200
    slash = site.ask("GET", f"/study/r/{site.token}/", headers=lab)
    assert (slash.status_code, slash.headers["location"]) == (303, f"../{site.token}")


def test_a_cookie_is_secure_where_the_way_is(make_store, tools, tmp_path):
    for number, (address, is_secure) in enumerate(
        [(None, False), ("http://lab.example", False), ("https://l.io", True)]
    ):
        site = tools.site(make_store(public_url=address, labels=tmp_path / str(number)))
        right = site.ask("POST", "/organiser/login", data={"password": PASSWORD})
        assert ("secure" in right.headers["set-cookie"].lower()) is is_secure, address


def test_changes_need_the_pages_own_word(site):
    csrf = site.sign_in()
    for headers in ({}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": "ä".encode("latin-1")}):
        for path in ("raters", "raters/1/pause", "scan", "logout"):
            assert site.ask("POST", f"/organiser/{path}", json={"name": "Eve"}, headers=headers).status_code == 403
    evil = {"X-CSRF-Token": csrf, "Origin": "http://evil.example"}
    assert site.ask("POST", "/organiser/scan", headers=evil).status_code == 403
    assert [rater.name for rater in site.store.raters.all()] == ["Ada"]


def test_adding_pausing_looking_leaving(site, speech, tools):
    word = {"X-CSRF-Token": site.sign_in()}
    assert site.ask("POST", "/organiser/raters", json={"name": " Bob "}, headers=word).json() == {"name": "Bob"}
    taken = site.ask("POST", "/organiser/raters", json={"name": "bob"}, headers=word)
    assert (taken.status_code, taken.json()["detail"]) == (
        422, "there is a rater called 'bob' already; choose another name",
    )  # fmt: skip
    assert site.ask("POST", "/organiser/raters", json=["Eve"], headers=word).status_code == 422
    bob = site.ask("GET", "/organiser/state").json()["raters"][1]
    assert (bob["name"], bob["n_items"], bob["paused"]) == ("Bob", 13, False)
    assert site.ask("GET", bob["link"]).status_code == 200
    assert site.ask("POST", f"/organiser/raters/{bob['id']}/pause", headers=word).status_code == 204
    assert site.ask("GET", "/organiser/state").json()["raters"][1]["paused"]
    assert site.ask("POST", f"/organiser/raters/{bob['id']}/resume", headers=word).status_code == 204
    assert not site.ask("GET", "/organiser/state").json()["raters"][1]["paused"]
    assert site.ask("POST", f"/organiser/raters/{bob['id']}/delete", headers=word).status_code == 404
    assert site.ask("POST", "/organiser/raters/99/pause", headers=word).status_code == 404
    tools.fill(speech, 2, first=30)
    assert site.ask("POST", "/organiser/scan", headers=word).json() == {"n_recordings": 14}
    assert site.ask("POST", "/organiser/logout", headers=word).status_code == 204
    assert site.ask("GET", "/organiser/state").status_code == 401


def test_what_the_page_shows(site):
    site.store.add_rater("Bob")
    site.sign_in()
    empty = site.ask("GET", "/organiser/state").json()
    assert empty["agreement"] == {"note": "No ratings yet."}
    assert [each["file"] for each in empty["passed_over"]] == ["training.wav"]
    for name in ("Ada", "Bob"):
        rate_all(site, name)
    ada = site.ask("GET", "/organiser/state").json()["raters"][0]
    assert (ada["n_done"], ada["n_items"], ada["pace_s"]) == (13, 13, 4.5)
    assert ada["consistency"] == {"n": 1, "activation": 0.0, "valence": 0.0}
    assert ada["last"].endswith("Z")


def test_agreement_so_far(site):
    pytest.importorskip("scipy")
    site.store.add_rater("Bob")
    for name in ("Ada", "Bob"):
        rate_all(site, name, value=lambda number: {"activation": 1 + number % 5})
    site.sign_in()
    found = site.ask("GET", "/organiser/state").json()["agreement"]
    assert found["note"] == "From 26 ratings; first presentations count."
    assert {"ICC(2,1)", "Krippendorff’s α"} <= {row[1] for row in found["rows"]}
    assert all(len(row) == len(found["columns"]) for row in found["rows"])
    assert any("valence" in warning for warning in found["warnings"])


def test_exports(site, tmp_path):
    site.sign_in()
    nothing = site.ask("GET", "/organiser/export/labels.csv")
    assert (nothing.status_code, list(nothing.json())) == (422, ["detail"])
    rate_all(site, "Ada")
    raw = site.ask("GET", "/organiser/export/ratings.csv")
    assert raw.headers["content-disposition"] == 'attachment; filename="ratings.csv"'
    (tmp_path / "raw.csv").write_bytes(raw.content)
    assert len(read_ratings(tmp_path / "raw.csv")) == 13
    sheet = site.ask("GET", "/organiser/export/labels.csv").text.splitlines()
    assert (sheet[0], sheet[1], len(sheet)) == ("filename,activation,valence", "00.wav,3.5,2", 13)
    archive = zipfile.ZipFile(io.BytesIO(site.ask("GET", "/organiser/export/audformat.zip").content))
    archive.extractall(tmp_path / "database")
    assert "db.yaml" in archive.namelist()
    assert not [name for name in archive.namelist() if name.startswith(".") and name != ".affectmap"]
    for file in site.store.settings.folder.iterdir():
        (tmp_path / "database" / file.name).write_bytes(file.read_bytes())
    corpus = load_corpus(f"audformat:rated={tmp_path / 'database'}")
    assert corpus.table["activation"].tolist() == [3.5] * 12
    assert site.ask("GET", "/organiser/export/none").status_code == 404


def test_signing_in():
    with pytest.raises(UsageError, match="too short; use 8 characters or more"):
        OrganiserAuth("short")
    time = [0.0]
    auth = OrganiserAuth("a long password", clock=lambda: time[0])
    assert b"a long password" not in str(vars(auth)).encode()
    cookie = auth.sign_in("a long password")
    assert auth.sign_in("a long password") != cookie
    assert auth.session(cookie)
    assert auth.session(None) is auth.session("") is None
    auth.sign_out("another")
    time[0] = SESSION_S + 1
    assert auth.session(cookie) is None
    assert auth.sign_in("\ud800") is None


def test_own_consistency_takes_the_last_revision():
    row = {"rater": "Ada", "file": "a.wav", "cannot_tell": False, "activation": 3.0, "valence": 2.0, "emotion": None}
    row |= {"comment": "", "presentation": 1, "revision": 1, "rated_at": "2026-01-31T12:00:00.000Z", "seconds": 4.0}
    again = {**row, "presentation": 2}
    rows = [row, {**again, "valence": 5.0}, {**again, "valence": 2.5, "revision": 2}]
    assert own_consistency([*rows, {**row, "rater": "Bo"}]) == {"Ada": {"n": 1, "activation": 0.0, "valence": 0.5}}
    assert own_consistency([rows[0], {**again, "cannot_tell": True, "activation": None, "valence": None}]) == {}
    assert own_consistency([rows[0]]) == {}
