"""Who is let in: hosts, origins, what a proxy says, and how many requests of one person."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request

from affectmap.errors import UsageError
from affectmap.web.requests import SlowGuesses, add_error_handlers
from affectmap.web.server import MAX_OPEN, Guard
from affectmap.web.settings import parse_public_url
from cases import each

PUBLIC = "https://lab.example/study"


def make_app(public=PUBLIC, **options):
    app = FastAPI()

    @app.get("/who")
    async def who(request: Request) -> str:
        return request.client.host

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(0.2)

    @app.get("/")
    async def start() -> str:
        return "start"

    add_error_handlers(app)
    public = public and parse_public_url(public)
    app.add_middleware(Guard, host="127.0.0.1", public=public, **options)
    return app


def ask(app, *paths, peer="127.0.0.1", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def run():
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001") as client:
            return await asyncio.gather(*(client.get(path, headers=headers) for path in paths))

    answers = asyncio.run(run())
    return answers[0] if len(paths) == 1 else answers


@each(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "lab.example"}, 200),
        ({"Host": "LAB.example:443"}, 200),
        ({"Host": "127.0.0.1:9"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "lab.example.evil.example"}, 421),
        ({"Host": "lab.example@evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "evil.example", "X-Forwarded-Host": "lab.example"}, 421),
        ({"Host": "lab.example", "Origin": "https://lab.example"}, 200),
        ({"Host": "lab.example", "Origin": "https://lab.example:443"}, 200),
        ({"Host": "localhost:8001", "Origin": "https://lab.example"}, 200),  # a proxy that asks by its own name
        ({"Host": "localhost:8001", "Origin": "http://localhost:8001"}, 200),
        ({"Host": "lab.example", "Origin": "http://lab.example"}, 403),
        ({"Host": "lab.example", "Origin": "https://lab.example:8443"}, 403),
        ({"Host": "lab.example", "Origin": "https://evil.example"}, 403),
        ({"Host": "lab.example", "Origin": "https://lab.example@evil.example"}, 403),
        ({"Host": "lab.example", "Origin": "null"}, 403),
        ({"Host": "lab.example", "Origin": ""}, 403),
        ({"Host": "localhost:8001", "Origin": "http://localhost:8002"}, 403),
    ],
)
def test_hosts_and_origins(headers, status):
    assert ask(make_app(), "/who", **headers).status_code == status


def test_who_may_be_asked_is_told():
    told = ask(make_app(), "/who", Host="evil.example").json()["detail"]
    assert told == f"this service answers under {PUBLIC} or as localhost; open it under that name"
    assert "under localhost only" in ask(make_app(None), "/who", Host="lab.example").json()["detail"]
    assert ask(make_app(is_open=True), "/who", Host="evil.example").status_code == 421
    assert ask(make_app(None, is_open=True), "/who", Host="any.example").status_code == 200


def test_a_path_may_be_passed_on_or_not():
    for path in ("/who", "/study/who"):
        assert ask(make_app(), path).status_code == 200
    assert ask(make_app(), "/study").json() == ask(make_app(), "/study/").json() == "start"
    for path in ("/studywho", "/study/study/who", "/other/who"):
        assert ask(make_app(), path).status_code == 404, path


@each(
    ("public", "peer", "told", "client"),
    [
        (PUBLIC, "127.0.0.1", "192.0.2.7", "192.0.2.7"),
        (PUBLIC, "127.0.0.1", "10.9.9.9, 192.0.2.7", "192.0.2.7"),  # what was there before, the client wrote itself
        (PUBLIC, "127.0.0.1", "nobody", "127.0.0.1"),
        (PUBLIC, "127.0.0.1", "", "127.0.0.1"),
        (PUBLIC, "192.0.2.9", "10.9.9.9", "192.0.2.9"),
        (None, "127.0.0.1", "192.0.2.7", "127.0.0.1"),
    ],
)
def test_whose_word_is_taken_for_the_client(public, peer, told, client):
    assert ask(make_app(public), "/who", peer=peer, X_Forwarded_For=told).json() == client


def test_one_person_has_so_many_requests_open():
    app = make_app(None, person_of=lambda path: path.rpartition("?")[0] or "Ada")
    statuses = [answer.status_code for answer in ask(app, *["/slow"] * (MAX_OPEN + 5))]
    assert statuses == [200] * MAX_OPEN + [429] * 5
    assert ask(app, "/slow").status_code == 200
    app = make_app(None, person_of=lambda path: None)
    assert {answer.status_code for answer in ask(app, *["/slow"] * (MAX_OPEN + 5))} == {200}


@each(
    ("text", "read"),
    [
        ("https://lab.example", "https://lab.example"),
        ("http://10.0.0.7:8080/", "http://10.0.0.7:8080"),
        ("https://[2001:db8::1]/a/b/", "https://[2001:db8::1]/a/b"),
        ("https://LAB.example:443/A", "https://lab.example/A"),
    ],
)
def test_public_addresses(text, read):
    assert str(parse_public_url(text)) == read


_NO_ADDRESS = """
lab.example ftp://lab.example https:// https://:80 https://u:p@lab.example https://x:99999 https://lab.example/?a
https://lab.example/#a https://lab.example/../a https://lab.example/a//b https://[::1 https://lab.example/ä
https://lab.example\\evil javascript://lab.example
"""


@each("text", ["", "https://a b", *_NO_ADDRESS.split()])
def test_what_is_no_public_address(text):
    with pytest.raises(UsageError, match=r"^--public-url is .* expected an address such as https://"):
        parse_public_url(text)


def request_from(address):
    return Request({"type": "http", "client": (address, 1)})


def test_a_right_secret_gets_in_whatever_others_guess():
    async def visit():
        guesses = SlowGuesses(wait_s=0.1, at_once=10)
        loop = asyncio.get_running_loop()
        start = loop.time()
        wrong = [asyncio.create_task(guesses.check(request_from(f"192.0.2.{n % 9}"), lambda: None)) for n in range(360)]
        await asyncio.sleep(0)
        assert await guesses.check(request_from("198.51.100.1"), lambda: "in") == "in"
        n_done = sum(each.done() for each in wrong)
        assert await guesses.check(request_from("192.0.2.1"), lambda: "in") == "in"
        assert set(await asyncio.gather(*wrong)) == {None}
        assert not guesses._turns
        assert not guesses._n_here
        return n_done, loop.time() - start

    n_done, all_s = asyncio.run(visit())
    assert n_done <= 90  # nobody at another address waited for a second turn of theirs
    assert all_s > 0.35  # forty of each address, ten at a time
