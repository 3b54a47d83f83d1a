"""Servers of their own: killed, out of room, started twice."""

import contextlib
import csv
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading

import httpx
import pytest
from sqlalchemy import event

from affectmap.annotator.database import DatabaseFullError

pytestmark = pytest.mark.slow


def rate_on(server, tools, confirmed, seconds=30.0):
    """Rate as a page does until the server is gone; keep the keys that were confirmed."""
    with httpx.Client(base_url=server.url, timeout=seconds) as client:
        state = client.get(f"/api/{server.link}/next").json()
        while state["item"]:
            body = tools.rating(state["item"]["id"])
            answer = client.post(f"/api/{server.link}/ratings", json=body)
            if answer.status_code == 201:
                confirmed.append(body["key"])
                state = answer.json()["next"]
            else:
                state = answer.json().get("next", state)


def keys_in(labels):
    with sqlite3.connect(labels / "ratings.sqlite3") as connection:
        return [key for (key,) in connection.execute("SELECT key FROM ratings ORDER BY id")]


def test_kill_nine_loses_nothing(start_server, tools, speech, tmp_path):
    tools.fill(speech, 80, first=12)
    labels, confirmed = tmp_path / "labels", []
    options = ("--ratings", str(labels), "--rater", "Ada")
    for n_more in (5, 12, 9):
        server, aim = start_server(*options), len(confirmed) + n_more

        def rate(server=server):
            with contextlib.suppress(httpx.HTTPError):
                rate_on(server, tools, confirmed)

        rater = threading.Thread(target=rate)
        rater.start()
        tools.until(lambda aim=aim: len(confirmed) >= aim)
        server.process.kill()
        server.process.wait()
        rater.join()
        kept = keys_in(labels)
        # One more may be there that was saved and whose answer was lost with the server.
        assert set(confirmed) <= set(kept)
        assert len(kept) == len(set(kept)) <= len(confirmed) + 3
    again = start_server(*options)
    told = httpx.get(f"{again.url}/api/{again.link}/next").json()
    assert told["n_done"] == len(kept)


def test_an_answer_lost_with_the_server_is_sent_again(start_server, tools, tmp_path):
    options = ("--ratings", str(tmp_path / "labels"), "--rater", "Ada")
    server = start_server(*options)
    item = httpx.get(f"{server.url}/api/{server.link}/next").json()["item"]["id"]
    body = tools.rating(item)
    assert httpx.post(f"{server.url}/api/{server.link}/ratings", json=body).status_code == 201
    server.process.kill()
    server.process.wait()
    server = start_server(*options)
    answer = httpx.post(f"{server.url}/api/{server.link}/ratings", json=body)
    assert (answer.status_code, answer.json()["revision"], answer.json()["next"]["n_done"]) == (201, 1, 1)
    assert keys_in(tmp_path / "labels") == [body["key"]]


@pytest.mark.postgres
def test_a_kill_with_postgresql_behind(start_server, postgres, tools, tmp_path):
    options = ("--ratings", str(tmp_path / "labels"), "--rater", "Ada", "--database", postgres.new_url())
    server, confirmed = start_server(*options), []
    state = httpx.get(f"{server.url}/api/{server.link}/next").json()
    for _ in range(5):
        body = tools.rating(state["item"]["id"])
        state = httpx.post(f"{server.url}/api/{server.link}/ratings", json=body).json()["next"]
        confirmed.append(body["key"])
    server.process.kill()
    server.process.wait()
    servers = [start_server(*options) for _ in range(2)]  # a team may have two
    raters = [threading.Thread(target=rate_on, args=(server, tools, confirmed)) for server in servers]
    for rater in raters:
        rater.start()
    for rater in raters:
        rater.join()
    told = httpx.get(f"{servers[0].url}/api/{servers[0].link}/next").json()
    assert (told["item"], told["n_done"]) == (None, 13)
    assert len(set(confirmed)) == len(confirmed) == 13


def test_two_servers_on_one_store(start_server, tools, tmp_path):
    servers = [start_server("--ratings", str(tmp_path / "labels"), "--rater", "Ada") for _ in range(2)]
    assert servers[0].link == servers[1].link
    confirmed = []
    raters = [threading.Thread(target=rate_on, args=(server, tools, confirmed)) for server in servers]
    for rater in raters:
        rater.start()
    for rater in raters:
        rater.join()
    kept = keys_in(tmp_path / "labels")
    assert sorted(kept) == sorted(confirmed)
    assert len(kept) == 13


def test_ctrl_c_writes_the_ratings(start_server, tools, tmp_path):
    server, confirmed = start_server("--ratings", str(tmp_path / "labels"), "--rater", "Ada"), []
    rate_on(server, tools, confirmed)
    server.process.send_signal(signal.SIGTERM)
    told = server.process.communicate(timeout=30)[1]
    assert "Traceback" not in told
    assert f"13 ratings written to {tmp_path / 'labels' / 'ratings.csv'}; affectmap ratings export makes" in told
    with (tmp_path / "labels" / "ratings.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 13


def test_what_is_told_at_the_start(start_server, tmp_path):
    server = start_server("--ratings", str(tmp_path / "labels"), "--raters", "Ada,Björn")
    assert [line.split(":")[0] for line in server.told] == ["Ada", "Björn", "organiser", "passed over"]
    assert re.search(r"/organiser with the password \S{12}$", server.told[2].strip())


def test_a_password_of_ones_own_is_not_told(start_server, tmp_path):
    (tmp_path / "password").write_text("my own password\n")
    server = start_server("--ratings", str(tmp_path / "labels"), "--password-file", str(tmp_path / "password"))
    assert server.told[1].strip() == f"organiser: {server.url}/organiser"
    given = httpx.post(f"{server.url}/organiser/login", data={"password": "my own password"})
    assert given.status_code == 303


def test_half_sent_ratings_of_one_link_shut_nobody_out(start_server, tmp_path):
    server = start_server("--ratings", str(tmp_path / "labels"), "--rater", "Ada,Bo")
    port = int(server.url.rpartition(":")[2])
    bo = re.search(r"/r/(\S+)", server.told[1]).group(1)
    head = f"POST /api/{server.link}/ratings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as stack:
        for number in range(520):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            with contextlib.suppress(OSError):
                connection.sendall(f"{head}Content-Length: 500\r\n\r\n{{".encode())
            if not number % 100:
                assert httpx.get(f"{server.url}/api/{bo}/next", timeout=10).status_code == 200
        for _ in range(5):
            assert httpx.get(f"{server.url}/api/{bo}/next", timeout=10).status_code == 200
    assert httpx.get(f"{server.url}/api/{server.link}/next", timeout=10).status_code == 200
    server.process.send_signal(signal.SIGTERM)
    assert "Traceback" not in server.process.communicate(timeout=30)[1]


def fill_up(store):
    """Let the database grow no further."""

    @event.listens_for(store._database._engine, "connect")
    def bound(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    store._database._engine.dispose()


def test_a_database_that_may_not_grow(make_store, tools):
    site = tools.site(make_store())
    fill_up(site.store)
    state, saved = site.get("next"), 0
    for _ in range(13):
        answer = site.rate(state["item"]["id"], comment="x" * 1900)
        if answer.status_code == 507:
            break
        saved, state = saved + 1, answer.json()["next"]
    assert answer.status_code == 507
    assert answer.json()["detail"] == "the database's disk is full; free some space, nothing is lost"
    assert len(site.store.ratings.all()) == saved
    assert site.get("next")["n_done"] == saved


@pytest.fixture
def tiny_disk(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], check=False).returncode:
        pytest.skip("NO MOUNT: a disk that is really full is NOT tested; run as root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full(make_store, tools, tiny_disk):
    site = tools.site(make_store(labels=tiny_disk / "labels"))
    ballast = tiny_disk / "ballast"
    state = site.rate(site.get("next")["item"]["id"]).json()["next"]
    with ballast.open("wb", buffering=0) as handle, contextlib.suppress(OSError):
        while True:
            handle.write(b"\0" * 512)
    saved, statuses = 1, []
    for _ in range(12):
        answer = site.rate(state["item"]["id"], comment="x" * 1900)
        statuses.append(answer.status_code)
        if answer.status_code != 201:
            break
        saved, state = saved + 1, answer.json()["next"]
    assert statuses[-1] == 507, answer.text
    with pytest.raises(DatabaseFullError):
        site.store.raters.add("Bob")
    ballast.unlink()
    assert len(site.store.ratings.all()) == saved
    assert site.rate(state["item"]["id"], comment="x" * 1900).status_code == 201
    assert len(site.store.ratings.all()) == saved + 1
