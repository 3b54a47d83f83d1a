import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from affectmap.web.requests import find_recording


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "served"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.wav").touch()
    (folder / "50%.wav").touch()
    (tmp_path / "secret.wav").touch()
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inside.wav").symlink_to(folder / "deep" / "a.wav")
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "pipe")
    return folder


def test_files_below_the_root(root):
    for path in ["deep/a.wav", "./deep//a.wav", "50%.wav", "inside.wav"]:
        assert find_recording(root, path).is_relative_to(root), path


def test_all_else_is_refused(root):
    for path, status in [
        ("../secret.wav", 403),
        ("deep/../../secret.wav", 403),
        ("deep/../deep/a.wav", 403),
        ("/etc/passwd", 403),
        ("//etc/passwd", 403),
        ("link.wav", 403),
        ("up/secret.wav", 403),
        ("C:/x.wav", 403),
        ("c:x.wav", 403),
        ("..\\secret.wav", 422),
        ("deep\\a.wav", 422),
        ("\\\\host\\share", 422),
        ("a.wav\0", 422),
        ("deep/a.wav\0.txt", 422),
        ("", 422),
        ("a\nb", 422),
        ("%2e%2e/secret.wav", 404),
        ("..%2fsecret.wav", 404),
        ("deep%2fa.wav", 404),
        ("deep", 404),
        (".", 404),
        ("pipe", 404),
        ("circle", 404),
        ("none.wav", 404),
        ("deep/a.wav/b.wav", 404),
        ("x" * 5000, 404),
        ("~/x.wav", 404),
    ]:
        with pytest.raises(HTTPException) as caught:
            find_recording(root, path)
        assert caught.value.status_code == status, path
        assert str(root.parent) not in caught.value.detail, path
        assert len(caught.value.detail) < 1000, path


def test_without_a_root_nothing_is_served():
    with pytest.raises(HTTPException, match="start with --root") as caught:
        find_recording(None, "a.wav")
    assert caught.value.status_code == 403


@settings(deadline=None)  # the first look at a disk may take long
@given(path=st.text(st.sampled_from("./\\a%2e\0 ~:C"), max_size=12))
def test_no_path_leads_out(tmp_path_factory, path):
    folder = tmp_path_factory.getbasetemp()
    with suppress(HTTPException):
        assert find_recording(folder, path).is_relative_to(folder.resolve())
