"""The parts of the archive's benchmark that need no cluster."""

import numpy as np
import pytest
import soundfile

from affectmap.schema import FUNCTIONALS, WHISPER_FEATURES
from archive import kept, listed, speech, throughput, write_pieces


@pytest.mark.slow
def test_pieces_are_all_different(tmp_path):
    sound, made_of = speech()
    write_pieces(tmp_path, 1005, 0.1, sound)
    files = sorted(tmp_path.rglob("*.wav"))
    assert (len(files), len({file.read_bytes() for file in files})) == (1005, 1005)
    assert [soundfile.info(file).frames for file in (files[0], files[-1])] == [1600, 1600]
    assert made_of in ("pieces of EMO-DB's files", "synthetic buzzes")


def test_what_is_kept_and_listed_is_found():
    for columns in (FUNCTIONALS, WHISPER_FEATURES):
        assert all(seconds >= 0 for seconds in kept(700, columns))
    assert listed(1001) > 0


def test_throughput_is_of_sound_by_processor_time():
    sound = np.random.default_rng(0).standard_normal(160_000) / 10
    assert throughput("egemaps", 2, sound) > 1
