"""The package's names."""

import subprocess
import sys

import pytest

import affectmap.agreement


def test_every_name_can_be_had():
    for name in affectmap.agreement.__all__:
        assert callable(getattr(affectmap.agreement, name))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = affectmap.agreement.nothing


def test_reading_and_exchange_need_no_scipy():
    code = (
        "import sys; sys.modules['scipy'] = None; import affectmap.agreement\n"
        "for name in affectmap.agreement.__all__:\n"
        "    try: getattr(affectmap.agreement, name)\n"
        "    except affectmap.AffectmapError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message = 'affectmap.agreement.{} needs scipy; run pip install "affectmap[statistics]"'
    assert sorted(told.stdout.splitlines()) == [message.format(name) for name in ("agreement_table", "warnings_of")]
