"""The package's public names."""

import os
import subprocess
import sys

import pytest

import affectmap


def hidden(*modules):
    """Code that makes modules as if they were not installed."""
    return (
        "import sys\nclass Hidden:\n    def find_spec(self, name, *_):\n"
        f"        if name.split('.')[0] in {modules}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )


def test_every_public_name_can_be_had():
    for name in affectmap.__all__:
        assert getattr(affectmap, name) is not None


def test_public_names_and_their_homes_agree():
    assert set(affectmap._HOME) == set(affectmap.__all__) - {"__version__"}


def test_dir_lists_what_there_is():
    listed = dir(affectmap)
    assert {*affectmap.__all__, "track", "losses"} <= set(listed)
    assert all(getattr(affectmap, name) is not None for name in listed if not name.startswith("__"))
    assert not {"os", "Any", "import_module"} & set(listed)
    assert affectmap.track.track.__module__ == "affectmap.track.recording"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = affectmap.nothing


def test_importing_the_package_loads_neither_pandas_nor_torch():
    code = "import sys, affectmap; print([m for m in ('numpy', 'pandas', 'torch', 'sklearn') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_model_needs_no_onnxruntime_and_an_embedder_no_torch(tmp_path):
    code = (
        f"{hidden('torch', 'onnx', 'onnxruntime')}"
        "from affectmap import Embedder, load_model; import numpy as np, tempfile\n"
        "folder = tempfile.mkdtemp() + '/model'; load_model().save(folder); rows = np.ones((3, 88))\n"
        "import warnings; warnings.simplefilter('ignore')  # names of columns\n"
        "print(Embedder.load(folder).adapt(load_model().statistics.mean + rows).transform(rows).shape)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout.strip() == "(3, 2)", told.stderr


def test_public_names_need_no_torch():
    code = f"{hidden('torch')}import affectmap\nprint(len([getattr(affectmap, name) for name in affectmap.__all__]))"
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
    wanted = ["Fold", "adjusted_r2", "pairwise_adjusted_r2", "sampled_pairwise_adjusted_r2"]
    wanted += ["speaker_folds", "uar", "Embedder"]
    message = 'affectmap.{} needs scipy, sklearn; run pip install "affectmap[statistics]"'
    assert sorted(told.stdout.splitlines()) == sorted(message.format(name) for name in wanted)


def test_the_runtime_of_models_reports_to_nobody(tmp_path):
    """With its telemetry on, onnxruntime leaves a session's number in the temporary folder."""
    code = "import affectmap.audio.speech_detection; affectmap.audio.speech_detection.Detector()"
    # CI would switch it off by itself.
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    subprocess.run([sys.executable, "-c", code], env={**env, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
