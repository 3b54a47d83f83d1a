"""Pages have words for every flag."""

from __future__ import annotations

import re
from importlib import resources

from affectmap.audio.quality import FLAGS


def test_the_table_of_the_pages_has_every_flag_in_order():
    script = resources.files("affectmap.web").joinpath("static", "flags.js").read_text(encoding="utf-8")
    rows = re.findall(r'^    (\w+): \["([^"]+)", "([^"]+\.)"\],$', script, re.MULTILINE)
    assert [name for name, *_ in rows] == list(FLAGS)
    assert len({words for _, words, _ in rows}) == len(FLAGS)
    no_affect = re.search(r"NO_AFFECT = \[(.+)\];", script)
    assert set(re.findall(r"\w+", no_affect[1])) == {"silent", "not_speech"}
