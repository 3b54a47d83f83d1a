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


def test_names_that_need_statistics_say_what_to_install():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('scipy', 'sklearn'))); import affectmap\n"
        "for name in affectmap.__all__:\n"
        "    try: getattr(affectmap, name)\n"
        "    except affectmap.AffectmapError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wanted = ["SpeakerBootstrap", "Fold", "adjusted_r2", "pairwise_adjusted_r2", "sampled_pairwise_adjusted_r2"]
    wanted += ["speaker_folds", "uar"]
    message = 'affectmap.{} needs scipy, sklearn; run pip install "affectmap[statistics]"'
    assert sorted(told.stdout.splitlines()) == sorted(message.format(name) for name in wanted)


def test_the_runtime_of_models_reports_to_nobody(tmp_path):
    """With its telemetry on, onnxruntime leaves a session's number in the temporary folder."""
    code = "from affectmap import load_model; import affectmap.audio.speech_detection; load_model().columns; affectmap.audio.speech_detection.Detector()"
    # CI would switch it off by itself.
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    subprocess.run([sys.executable, "-c", code], env={**env, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
