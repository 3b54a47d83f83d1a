"""The package's public names."""

import os
import subprocess
import sys

import pytest

import affectmap


def test_every_public_name_can_be_had():
    for name in affectmap.__all__:
        assert getattr(affectmap, name) is not None


def test_public_names_and_their_homes_agree():
    assert set(affectmap._HOME) == set(affectmap.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = affectmap.nothing


def test_importing_the_package_loads_neither_pandas_nor_torch():
    code = "import sys, affectmap; print([m for m in ('numpy', 'pandas', 'torch', 'sklearn') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_public_names_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; import affectmap;"
        "print(len([getattr(affectmap, name) for name in affectmap.__all__]))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) == len(affectmap.__all__)


def test_the_runtime_of_models_reports_to_nobody(tmp_path):
    """With its telemetry on, onnxruntime leaves a session's number in the temporary folder."""
    code = (
        "from affectmap import load_model; import affectmap.speech; load_model().columns; affectmap.speech.Detector()"
    )
    # CI would switch it off by itself.
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    subprocess.run([sys.executable, "-c", code], env={**env, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
