import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FORM = {"Content-Type": "multipart/form-data; boundary=cut"}


def form(*parts: tuple[str, bytes], end: bytes = b"--cut--\r\n") -> bytes:
    return b"".join(b"--cut\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + end


def named(name: str) -> str:
    return f'Content-Disposition: form-data; name="file"; filename="{name}"'


@pytest.fixture
def wave(write_voice):
    return write_voice("a.wav", seconds=0.5).read_bytes()


def test_other_fields_of_a_form_are_passed_over(service, wave):
    body = form(('Content-Disposition: form-data; name="note"', b"x" * 100_000), (named("a.wav"), wave))
    found = service.ask("POST", "/embed", content=body, headers=FORM)
    assert found.json()["rows"][0]["file"] == "a.wav"


def test_names_are_names(service, wave):
    for told, name in [
        ("a.wav", "a.wav"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\evil.wav", "evil.wav"),
        ("C:\\Users\\me\\a.wav", "a.wav"),
        ("größe.wav", "größe.wav"),
        ("a\x01\x7fb.wav", "ab.wav"),
        ("", "upload"),
        ("   ", "upload"),
        ("x" * 500, "x" * 200),
        ("<img src=x>", "<img src=x>"),
    ]:
        body = form((named(told), wave))
        assert service.ask("POST", "/embed", content=body, headers=FORM).json()["rows"][0]["file"] == name, told
        as_table = service.ask("POST", "/embed?format=csv", content=body, headers=FORM)
        assert as_table.text.split("\n")[1].startswith(name), told


def test_bodies_that_hold_no_recording(service):
    for content, headers, reason in [
        (form(('Content-Disposition: form-data; name="other"', b"x")), FORM, "no file in the field 'file'"),
        (form((named("a"), b"x"), (named("b"), b"y")), FORM, "more than one file"),
        (form((named("a"), b"x"), end=b""), FORM, "the form"),
        (form((named("a"), b"")), FORM, "the body is empty"),
        (form(*[("", b"")] * 101), FORM, "it has more than 100 parts"),
        (form(*[('Content-Disposition: form-data; name="x"', b"")] * 101), FORM, "it has more than 100 parts"),
        (form((named("a"), b"x"), (named(""), b"")), FORM, "more than one file"),
        (b"--cut--\r\n", FORM, "no file in the field 'file'"),
        (b"no form at all", FORM, "the form cannot be read"),
        (b"", FORM, "the form"),
        (b"x", {"Content-Type": "multipart/form-data"}, "it names no boundary"),
        (b"x", {"Content-Type": "multipart/form-data; boundary=" + "b" * 999}, "the form cannot be read"),
        (form(("X: " + "y" * 100_000, b"x")), FORM, "the form cannot be read"),
        (form(("\r\n".join(f"X{i}: y" for i in range(999)), b"x")), FORM, "the form cannot be read"),
        (b"", {"Content-Type": "audio/wav"}, "the body is empty"),
        (b"{}", {"Content-Type": "application/json"}, 'the JSON body must be {"path"'),
        (b'{"path": 1}', {"Content-Type": "application/json"}, "the JSON body must be"),
        (b'{"path": "a", "b": 1}', {"Content-Type": "application/json; charset=utf-8"}, "the JSON body must be"),
        (b'["path"]', {"Content-Type": "application/json"}, "the JSON body must be"),
        (b"\xff{", {"Content-Type": "application/json"}, "the JSON body must be"),
        (b"[" * 50_000, {"Content-Type": "application/json"}, "the JSON body must be"),
        (b"", {"Content-Type": "application/json"}, "the JSON body must be"),
    ]:
        told = service.ask("POST", "/embed", content=content, headers=headers)
        assert told.status_code == 422, told.text
        assert reason in told.json()["detail"], content
        assert service.uploads() == [], content


def test_compressed_bodies_are_not_unfolded(service):
    told = service.ask("POST", "/embed", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (told.status_code, told.json()["detail"][:22]) == (415, "the body is compressed")


@pytest.mark.parametrize("kind", ["audio/wav", "multipart/form-data; boundary=cut"])
def test_a_body_is_counted_as_it_comes(make_service, kind):
    service, sent = make_service(max_mb=0.1), []

    async def pieces():
        yield b"--cut\r\n" + named("a.wav").encode() + b"\r\n\r\n"
        while True:
            sent.append(10_000)
            yield bytes(10_000)
            assert len(sent) < 100

    told = service.ask("POST", "/embed", content=pieces(), headers={"Content-Type": kind})
    assert (told.status_code, told.json()["detail"][:33]) == (413, "the body is larger than 0.1 MB; s")
    assert service.uploads() == []


def test_a_large_claim_is_refused_unread(make_service):
    service = make_service(max_mb=0.1)
    told = service.ask("POST", "/embed", content=b"x", headers={"Content-Length": "100001"})
    assert told.status_code == 413
    told = service.ask("POST", "/embed", content=b"x", headers={"Content-Length": "9" * 4000})
    assert told.status_code in (413, 422)


def test_a_large_json_body_is_refused(service):
    told = service.ask("POST", "/embed", json={"path": "x" * 70_000})
    assert told.status_code == 413


@pytest.mark.parametrize(
    "path", ["../a.wav", "/etc/passwd", "..\\a.wav", "%2e%2e/a.wav", "a\0.wav", "link.wav", "\ud800.wav"]
)
def test_paths_out_of_the_root(make_service, tmp_path, path, wave):
    served = tmp_path / "served"
    served.mkdir()
    (served / "link.wav").symlink_to(tmp_path / "a.wav")
    told = make_service(root=served).ask(
        "POST", "/embed", content=json.dumps({"path": path}), headers={"Content-Type": "application/json"}
    )
    assert told.status_code in (403, 404, 422), told.text
    assert str(tmp_path) not in told.text


def test_errors_of_a_served_file_name_it_as_the_client_did(make_service, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "text.wav").write_text("words")
    for endpoint in ("/embed", "/track"):
        told = make_service(root=tmp_path).ask("POST", endpoint, json={"path": "deep/text.wav"})
        assert told.status_code == 422
        assert told.json()["detail"].startswith("deep/text.wav: broken, or not audio")
        assert str(tmp_path) not in told.text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_recordings_never_end_in_a_fault(service, write_voice, data):
    content = bytearray(write_voice("a.wav", seconds=0.2).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    told = service.ask("POST", data.draw(st.sampled_from(["/embed", "/track?windows=0.2"])), content=bytes(content))
    assert told.status_code in (200, 413, 422), told.text
    assert service.uploads() == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(st.sampled_from([b"--cut", b"\r\n", b"--", named("a").encode(), b": ", b"\0", b'"', b";"])).map(
        b"".join
    )
)
def test_strange_forms_never_end_in_a_fault(service, body):
    assert service.ask("POST", "/embed", content=body, headers=FORM).status_code == 422


def test_ten_megabytes_of_empty_parts_are_refused_at_once(service):
    body = b"--cut\r\n\r\n\r\n" * 900_000
    start = time.process_time()
    told = service.ask("POST", "/embed", content=body, headers=FORM)
    assert told.status_code == 422
    assert time.process_time() - start < 0.5


def test_a_form_lies_on_the_disk_once(service, wave, monkeypatch):
    from affectmap.service import uploads

    written = []
    kept = uploads._write
    monkeypatch.setattr(
        uploads,
        "_write",
        lambda handle, upload, piece, **last: (written.append(len(piece)), kept(handle, upload, piece, **last)),
    )
    monkeypatch.setattr("tempfile.SpooledTemporaryFile.__init__", None)
    note = ('Content-Disposition: form-data; name="note"; filename="note.txt"', b"x" * 5000)
    body = form(note, (named("a.wav"), wave), note)
    assert service.ask("POST", "/embed", content=body, headers=FORM).json()["rows"][0]["file"] == "a.wav"
    assert sum(written) == len(wave)
    assert service.core.uploads.n_bytes == 0


def test_nothing_of_a_form_goes_into_the_log(service, caplog):
    service.ask("POST", "/embed", content=b"--cut\r\nforged line", headers=FORM)
    assert "forged" not in caplog.text
    assert caplog.records == []


def test_a_folder_for_temporary_files_that_is_gone_is_told(service, wave, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path / "gone"))
        told = service.ask("POST", "/embed", content=wave)
    assert told.status_code == 507
    assert "gone, which is no folder that you may write" in told.json()["detail"]


def test_a_full_disk_is_told(service, wave, monkeypatch):
    import errno

    from affectmap.service import uploads

    class Full:
        def write(self, piece):
            raise OSError(errno.ENOSPC, "No space left on device")

    kept = uploads._write
    monkeypatch.setattr(uploads, "_write", lambda handle, upload, piece, **_: kept(Full(), upload, piece))
    told = service.ask("POST", "/embed", content=wave)
    assert told.status_code == 507
    assert "No space left on device" in told.json()["detail"]
    assert service.uploads() == []
