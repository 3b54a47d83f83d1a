import asyncio
import hashlib
import json
import re
from importlib import resources
from uuid import UUID

import numpy as np
import pytest

from affectmap.errors import ModelError
from affectmap.service import ServiceSettings, create_app, results
from affectmap.web.connections import HEAD_S

TOKEN = "a-token-of-23-characters"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def wave(write_voice):
    return write_voice("a.wav", seconds=0.5).read_bytes()


def test_health_and_model(make_service, model, tmp_path):
    service = make_service(max_mb=7, root=tmp_path)
    assert service.ask("GET", "/health").json() == {"status": "ok"}
    about = service.ask("GET", "/model").json()
    assert about["metadata"] == model.metadata
    assert about["card"] == model.card
    assert about["columns"] == model.columns
    assert (about["limits"]["max_mb"], about["limits"]["paths"]) == (7, True)
    assert str(tmp_path) not in json.dumps(about)


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(ModelError):
        create_app(ServiceSettings(model=tmp_path / "none"))


def test_formats_by_accept(service, wave):
    for accept, kind in [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, */*;q=0.9", "application/json"),
        ("text/html, text/*;q=0.1", "text/csv; charset=utf-8"),
        ("text/csv;q=many, application/json;q=0.1", "application/json"),
        ("", "application/json"),
    ]:
        given = service.ask("POST", "/embed", content=wave, headers={} if accept is None else {"Accept": accept})
        assert (given.status_code, given.headers["content-type"]) == (200, kind), accept


def test_neither_format_is_refused(service, wave):
    told = service.ask("POST", "/embed", content=wave, headers={"Accept": "image/png"})
    assert (told.status_code, told.json()["detail"][:40]) == (406, "answers are application/json or text/csv")
    assert service.ask("POST", "/embed?format=csv", content=wave, headers={"Accept": "image/png"}).status_code == 200


def test_there_is_nothing_else(service):
    for path in ["/nothing", "/static/none.js", "/static/../app.py", "/static/%2e%2e/app.py", "/redoc"]:
        told = service.ask("GET", path)
        assert (told.status_code, told.json()) == (404, {"detail": "there is nothing here; see /docs"}), path


def test_progress_is_told_by_a_key_while_a_track_is_measured(service, write_voice, monkeypatch):
    key, seen = "6a2b2f0e-7d0f-4c33-9d5d-0a3a5b1f6c11", []

    def track(file, model, *, progress, **options):
        progress(1.23, 4.0)
        seen.append(service.core.progress.of(UUID(key)))
        seen.append(service.core.progress.of(UUID(int=1)))
        return real(file, model, progress=progress, **options)

    real = results.track
    monkeypatch.setattr(results, "track", track)
    file = write_voice("a.wav", seconds=1.0).read_bytes()
    answer = service.ask("POST", f"/track?windows=1&progress={key}", content=file)
    assert answer.status_code == 200
    assert seen == [{"done_s": 1.2, "total_s": 4.0}, {"done_s": 0.0, "total_s": 0.0}]
    assert service.ask("GET", f"/progress/{key}").json() == {"done_s": 0.0, "total_s": 0.0}  # forgotten
    assert service.ask("GET", "/progress/none").status_code == 422
    assert service.ask("POST", "/track?progress=7", content=file).status_code == 422


def test_one_key_is_for_one_track(service, write_voice):
    with service.core.progress.told(UUID(int=3)):
        file = write_voice("a.wav", seconds=1.0).read_bytes()
        answer = service.ask("POST", f"/track?windows=1&progress={UUID(int=3)}", content=file)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "another track under way has this key; make a new random one",
    )


def test_other_methods(service):
    for method, path in (("GET", "/embed"), ("PUT", "/embed"), ("POST", "/"), ("DELETE", "/model")):
        told = service.ask(method, path)
        assert told.status_code == 405
        assert told.json()["detail"].startswith("another method")


def test_a_fault_of_ours_shows_no_traceback(service, wave, monkeypatch):
    def fail(*arguments, **options):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("affectmap.service.app.embed_result", fail)
    told = service.ask("POST", "/embed", content=wave)
    assert told.status_code == 500
    assert "secret" not in told.text
    assert service.uploads() == []
    assert service.core.jobs.n_open == 0
    assert service.ask("GET", "/health").status_code == 200


def test_two_hundred_at_once_are_answered(make_service, wave):
    service = make_service(n_jobs=2)
    answers = service.ask_together([("POST", "/embed", {"files": {"file": ("a.wav", wave)}})] * 200)
    given = [each for each in answers if each.status_code == 200]
    refused = [each for each in answers if each.status_code == 429]
    assert len(given) + len(refused) == 200
    assert len(given) >= 10
    assert len({each.text for each in given}) == 1
    assert all(int(each.headers["retry-after"]) > 0 and each.json()["detail"] for each in refused)
    assert (service.uploads(), service.core.jobs.n_open) == ([], 0)
    assert service.ask("POST", "/embed", content=wave).status_code == 200


def test_many_at_once_give_what_each_gives_alone(make_service, write_voice):
    service = make_service(n_jobs=4)
    recordings = [write_voice(f"{i}.wav", seconds=0.5, pitch=100 + 20 * i, seed=i).read_bytes() for i in range(8)]
    alone = [service.ask("POST", "/embed", content=each).json() for each in recordings]
    together = service.ask_together([("POST", "/embed", {"content": each}) for each in recordings])
    assert [each.json() for each in together] == alone
    assert len({json.dumps(each) for each in alone}) == 8


# Who may ask


def test_this_machine_s_names(service):
    for host in ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"]:
        assert service.ask("GET", "/health", headers={"Host": host}).status_code == 200, host


def test_other_names_are_refused(service):
    for host in ["evil.example", "localhost.evil.example", "evil.example:8000", "", "127.0.0.1.nip.io", "[x"]:
        for path in ("/", "/health", "/model", "/static/page.js"):
            told = service.ask("GET", path, headers={"Host": host})
            assert told.status_code == 421, host
            assert "localhost" in told.json()["detail"], host


def test_pages_from_elsewhere_are_refused(service, wave):
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:9",
        "https://localhost",
        "http://localhost:8000.evil",
        "http://[",
        "http://[::1",
        "http://[localhost:8000]",
        "localhost:8000",
        "",
        "//",
    ]:
        told = service.ask("POST", "/embed", content=wave, headers={"Origin": origin})
        assert told.status_code == 403, origin
        assert "access-control-allow-origin" not in told.headers, origin
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert service.ask("OPTIONS", "/embed", headers=preflight).status_code == 403, origin


def test_the_own_page_is_let_in(service, wave):
    given = service.ask("POST", "/embed", content=wave, headers={"Origin": "http://localhost:8000"})
    assert given.status_code == 200
    assert "access-control-allow-origin" not in given.headers


def test_a_proxy_that_passes_the_host_on_is_let_in_with_a_token(make_service, wave):
    service = make_service(token=TOKEN)  # listens on this machine alone, as the proxy does
    outside = {"Host": "voice.example"}
    assert service.ask("GET", "/", headers=outside).status_code == 200
    assert service.ask("POST", "/embed", content=wave, headers=outside).status_code == 401
    for origin, expected in (("https://voice.example", 200), ("https://evil.example", 403), ("http://[", 403)):
        headers = {**outside, **BEARER, "Origin": origin}
        assert service.ask("POST", "/embed", content=wave, headers=headers).status_code == expected


def test_a_token_opens_all_but_the_page(make_service, wave):
    service = make_service(host="0.0.0.0", token=TOKEN)
    for path in ("/health", "/", "/docs", "/static/page.js"):
        assert service.ask("GET", path).status_code == 200
    for method, path in (
        ("GET", "/model"),
        ("GET", "/openapi.json"),
        ("POST", "/embed"),
        ("POST", "/track"),
        ("GET", "/no"),
    ):
        told = service.ask(method, path, content=wave)
        assert told.status_code == 401, path
        assert told.headers["www-authenticate"] == "Bearer"
        assert "token" in told.json()["detail"]
        assert service.ask(method, path, content=wave, headers=BEARER).status_code in (200, 404)


def test_wrong_tokens(make_service):
    for given in [
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        "Bearer tökén",
        f"Bearer {TOKEN.upper()}",
    ]:
        service = make_service(token=TOKEN)
        assert service.ask("GET", "/model", headers={"Authorization": given.encode("latin-1")}).status_code == 401, (
            given
        )
        assert service.ask("GET", f"/model?token={TOKEN}").status_code == 401, given
        assert service.ask("GET", "/model", headers={"Authorization": f"bearer  {TOKEN} "}).status_code == 200, given


def test_every_answer_carries_its_labels(service, wave):
    for method, path in (("GET", "/"), ("GET", "/model"), ("POST", "/embed"), ("GET", "/none"), ("GET", "/docs")):
        headers = service.ask(method, path, content=wave).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


# Pages


def test_pages_load_nothing_from_elsewhere(service):
    folder = resources.files("affectmap.service").joinpath("static")
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}
    texts["docs"] = service.ask("GET", "/docs").text
    assert {"index.html", "page.js", "page.css", "docs"} <= set(texts)
    for name, text in texts.items():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[\w/.-]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, name
        assert not re.search(r"\son\w+=|\sstyle=|<style|<script>", text), name
    for name in re.findall(r'"(/static/[\w./]+)"', texts["index.html"]):
        assert service.ask("GET", name).status_code == 200


def test_styles_of_scripts_need_the_nonce_of_their_page(service):
    found = set()
    for _ in range(2):
        answer = service.ask("GET", "/")
        (nonce,) = re.findall(r'<meta name="style-nonce" content="([\w-]{20,})">', answer.text)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["style-src"] == f"'self' 'nonce-{nonce}'"
        assert policy["script-src"] == "'self'"
        found.add(nonce)
    assert len(found) == 2
    assert "nonce" not in service.ask("GET", "/docs").headers["content-security-policy"]


def test_what_others_wrote_is_as_they_gave_it():
    folder = resources.files("affectmap.service").joinpath("static", "vendor")
    listed = dict(re.findall(r"^\| `([\w.]+)` .* `([0-9a-f]{64})` \|$", folder.joinpath("README.md").read_text(), re.M))
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    assert listed == {name: digest for name, digest in files.items() if name != "README.md"}


def test_the_reference_tells_every_endpoint(service):
    schema = service.ask("GET", "/openapi.json").json()
    page = service.ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert set(schema["paths"]) == {"/health", "/model", "/embed", "/track", "/progress/{key}"}
    for path in schema["paths"]:
        assert path in page.text
    assert "WebSocket /live" in page.text
    for option in ("sampling_rate", "token", "windows", "hop", "statistics", "smoothing", "format"):
        assert f"<code>{option}</code>" in page.text
    content = schema["paths"]["/embed"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "application/json", "audio/*"} <= set(content)


def test_openapi_knows_every_refusal(service, wave):
    schema = service.ask("GET", "/openapi.json").json()
    responses = schema["paths"]["/track"]["post"]["responses"]
    known = set(responses)
    assert {status for status in known if "text/plain" in responses[status].get("content", {})} == {"400", "503"}
    assert {"200", "401", "403", "404", "406", "408", "413", "415", "421", "422", "429", "507"} <= known


# A client that hangs up, without a network


async def visit(app, messages, headers=()):
    """Ask as a server would; give the messages that came back."""
    waiting, sent = list(messages), []

    async def receive():
        if waiting:
            message = waiting.pop(0)
            return await message() if callable(message) else message
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/track", "raw_path": b"/track", "query_string": b"windows=0.5",
        "headers": [(b"host", b"localhost"), *headers], "scheme": "http", "http_version": "1.1",
        "server": ("localhost", 8000), "client": ("127.0.0.1", 5), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    return sent


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}


def test_hanging_up_while_sending_leaves_nothing(service, wave):
    asyncio.run(visit(service.app, [part(wave[:100]), GONE]))
    assert (service.uploads(), service.core.jobs.n_open) == ([], 0)


def test_hanging_up_while_waiting_ends_the_work(service, write_voice, monkeypatch):
    reached = []
    work = type(service.core.model).measure

    def measure(self, *arguments, **options):
        reached.append(1)
        return work(self, *arguments, **options)

    monkeypatch.setattr(type(service.core.model), "measure", measure)

    async def leave():
        while len(reached) < 2:
            await asyncio.sleep(0.005)
        return GONE

    content = write_voice("long.wav", seconds=60).read_bytes()  # 120 windows
    asyncio.run(visit(service.app, [part(content, more=False), leave]))
    assert 2 <= len(reached) < 60
    assert (service.uploads(), service.core.jobs.n_open) == ([], 0)


def test_a_slow_body_is_given_up(service, monkeypatch):
    monkeypatch.setattr("affectmap.web.server.PATIENCE_S", 0.1)
    monkeypatch.setattr("affectmap.web.server.LINGER_S", 0.1)
    sent = asyncio.run(visit(service.app, [part(b"R"), part(b"I")]))
    assert sent[0]["status"] == 408
    assert b"at least 100 kB a second" in sent[1]["body"]
    assert service.uploads() == []
    assert HEAD_S < 60


def test_a_refused_body_is_read_on_for_a_moment(make_service):
    read = []

    async def more():
        read.append(1)
        return part(bytes(1000), more=len(read) < 5)

    sent = asyncio.run(visit(make_service(max_mb=0.001).app, [part(bytes(2000)), *[more] * 9]))
    assert sent[0]["status"] == 413
    assert len(read) == 5
    # The answer was out before the rest was read, and was ended after it.
    assert json.loads(sent[1]["body"])["detail"].startswith("the body is larger")
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_large_answers_go_out_in_pieces(service, write_voice, monkeypatch):
    monkeypatch.setattr("affectmap.web.server._CHUNK", 1000)
    content = write_voice("voice.wav", seconds=3).read_bytes()
    sent = asyncio.run(visit(service.app, [part(content, more=False)]))
    pieces = [message["body"] for message in sent[1:]]
    assert max(map(len, pieces)) == 1000
    assert len(json.loads(b"".join(pieces))["rows"]) == 6
    length = dict(sent[0]["headers"])[b"content-length"]
    assert int(length) == sum(map(len, pieces))


def test_the_same_numbers_from_any_model(model, tmp_path, write_voice):
    """The model named by the settings is the one that answers."""
    adapted = model.adapt(np.random.default_rng(0).normal(size=(40, 88)))
    adapted.save(tmp_path / "own")
    app = create_app(ServiceSettings(model=tmp_path / "own"))
    assert app.state.service.model.metadata["standardisation"]["policy"] == "adapted"
    app.state.service.close()
