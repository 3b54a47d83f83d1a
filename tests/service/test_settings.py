import pytest

from affectmap.errors import UsageError
from affectmap.service.settings import ServiceSettings

TOKEN = "a-token-of-23-characters"


def test_other_machines_need_a_token():
    for host in ["0.0.0.0", "::", "", "192.168.1.7", "example.org", "localhost.example.org", "127.0.0.1.nip.io"]:
        with pytest.raises(UsageError, match="set a token") as caught:
            ServiceSettings(host=host)
        assert "\n" not in str(caught.value), host
        assert not ServiceSettings(host=host, token=TOKEN).is_local, host


def test_this_machine_needs_none():
    for host in ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"]:
        assert ServiceSettings(host=host).is_local, host


def test_tokens_that_can_be_guessed_or_sent_by_nobody():
    for token in ["", "short", "fifteen-letters", "with a space inside it", "ümlaut-" * 4, "line\nbreak-and-more-text"]:
        with pytest.raises(UsageError, match="16 or more plain characters"):
            ServiceSettings(token=token)


def test_the_token_is_not_shown():
    assert TOKEN not in repr(ServiceSettings(token=TOKEN))


def test_settings_out_of_range():
    for settings, reason in [
        ({"port": -1}, "--port is -1"),
        ({"port": 65536}, "--port is 65536"),
        ({"max_mb": 0}, "--max-mb is 0"),
        ({"max_mb": float("nan")}, "--max-mb is nan"),
        ({"max_minutes": -1}, "--max-minutes is -1"),
        ({"max_minutes": float("inf")}, "--max-minutes is inf"),
        ({"n_jobs": 0}, "--n-jobs is 0"),
    ]:
        with pytest.raises(UsageError, match=reason):
            ServiceSettings(**settings)


def test_root_must_be_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"nothing is not a folder; name one"):
        ServiceSettings(root=tmp_path / "nothing")
