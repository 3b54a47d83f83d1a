"""The file: what stands in it, what does not, and that texts stay texts."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from affectmap.errors import StorageError, UsageError
from affectmap.explorer.page import MOST_WITH_SOUND, check_size, pack, render, write_page
from affectmap.explorer.points import points_of
from affectmap.explorer.sound import Excerpt, places_of, take_excerpts
from explorer_rows import make_rows, row


def scripts(page):
    return re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)


def about(page):
    return json.loads(next(text for attributes, text in scripts(page) if 'id="about"' in attributes))


@pytest.fixture(scope="module")
def points(spoken):
    return points_of(make_rows(spoken), "Birds → cats")


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_asks_for_nothing_and_runs_its_own_script_alone(points):
    page = render(pack(points))
    parser = Elements()
    parser.feed(page)
    assert not [tag for tag, attributes in parser.found if {"src", "srcdoc"} & set(attributes) or tag == "iframe"]
    links = [attributes["href"] for tag, attributes in parser.found if "href" in attributes]
    assert links == ["data:,"]
    policy = next(attributes["content"] for _, attributes in parser.found if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for kind, text in (
        ("script", scripts(page)[-1][1]),
        ("style", re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]),
    ):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_hostile_names_end_no_element_and_come_back_whole(points):
    page = render(pack(points))
    assert page.count("</script>") == 4
    assert "<img" not in page
    assert about(page)["names"] == points.names
    assert any("onerror" in name for name in points.names)


def test_a_hostile_title_is_text():
    points = points_of(
        pd.DataFrame([row(activation=2, valence=2)]), "</title><script>x</script>{{ body }}{{ head }}\udce9"
    )
    page = render(pack(points))
    assert "<title>affectmap: &lt;/title&gt;&lt;script&gt;x&lt;/script&gt;{{ body }}{{ head }}" in page
    assert page.encode("utf-8")


def test_columns_come_back_as_they_went_in(points):
    packed = pack(points)
    place = packed.about["maps"][0]["activation"]
    values = np.frombuffer(packed.data, "<f4", len(points.utterances), place["at"])
    assert values == pytest.approx(points.maps[0].activation.astype(np.float32))
    emotion = next(each for each in packed.about["facts"] if each["name"] == "emotion")
    codes = np.frombuffer(packed.data, f"<{emotion['type']}", len(values), emotion["at"])
    assert [emotion["levels"][code] for code in codes] == points.utterances["emotion"].tolist()
    assert emotion["levels"][:2] == ["neutral", "sad"]
    assert all(each["at"] % 4 == 0 for each in packed.about["facts"])


def test_many_levels_take_wider_numbers_and_missing_ones_the_largest():
    rows = [row(f"{k}.wav", activation=2, valence=2, speaker=f"s{k}" if k else None) for k in range(300)]
    packed = pack(points_of(pd.DataFrame(rows)))
    speaker = next(each for each in packed.about["facts"] if each["name"] == "speaker")
    codes = np.frombuffer(packed.data, "<u2", 300, speaker["at"])
    assert (speaker["type"], codes[0], len(speaker["levels"])) == ("u2", 65535, 299)


def test_kinds_of_columns_are_told_apart():
    cells = [
        {"age": 20 + k, "flag": k % 2 == 0, "words": f"sentence {k}", "speaker": k % 3, "empty": None}
        for k in range(60)
    ]
    rows = [row(f"{k}.wav", activation=2, valence=2, **each) for k, each in enumerate(cells)]
    kinds = {each["name"]: each["kind"] for each in pack(points_of(pd.DataFrame(rows))).about["facts"]}
    assert kinds["age"] == "number"
    assert (kinds["flag"], kinds["words"], kinds["speaker"]) == ("levels", "text", "levels")
    assert "empty" not in kinds
    assert "start" not in kinds


def test_sound_is_found_by_its_length_and_what_has_none_says_why(points, tmp_path):
    excerpts = take_excerpts(places_of(points.utterances), n_jobs=2)
    write_page(points, excerpts, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    data = base64.b64decode(scripts(page)[1][1])
    found = about(page)
    lengths = np.frombuffer(data, "<u4", found["n"], found["sounds"]["at"])
    sound = scripts(page)[2][1]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    for number, excerpt in enumerate(excerpts):
        assert base64.b64decode(sound[starts[number] : starts[number + 1]]) == excerpt.sound
    problem = next(each for each in found["facts"] if each["name"] == "problem")
    assert len(problem["levels"]) == 2
    assert not re.search(re.escape(str(tmp_path.parent)), page)
    with pytest.raises(StorageError, match="exists; name another file"):
        write_page(points, excerpts, tmp_path / "map.html")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.html"]


def test_a_page_that_would_be_too_large_is_refused():
    rows = pd.DataFrame(
        {"corpus": "x", "file": [f"{k}.wav" for k in range(MOST_WITH_SOUND + 1)], "activation": 2, "valence": 2}
    )
    with pytest.raises(UsageError, match="5,001 utterances are too many for one file with their sound"):
        check_size(points_of(rows))


def test_flags_of_a_table_stand_before_those_of_its_sound():
    cells = [("silent", "sad"), ("clipped, not_speech", "sad"), ("quiet", "angry"), (None, "happy")]
    rows = [
        row(f"{k}.wav", flags=flags, predicted_activation=2, predicted_valence=2, **{"N-S-H-A": name})
        for k, (flags, name) in enumerate(cells)
    ]
    excerpts = [Excerpt(b"", bytes(56), 1.0, "", "rumble")] * 4
    packed = pack(points_of(pd.DataFrame(rows)), excerpts)
    made = packed.about["maps"][0]

    def texts(place):
        codes = np.frombuffer(packed.data, f"<{place['type']}", 4, place["at"])
        return [place["levels"][code] if code < len(place["levels"]) else None for code in codes]

    assert texts(made["flags"]) == ["silent", "clipped, not_speech", "quiet", "rumble"]
    assert texts(made["classes"]) == ["sad", "sad", "angry", "happy"]
    assert made["classes"]["among"] == "neutral, sad, happy, angry"
    fact = next(each for each in packed.about["facts"] if each["name"] == "flags")
    assert texts(fact) == texts(made["flags"])
