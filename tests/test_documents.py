"""Documents that are small and would be large, slow or something else when they are read."""

import time

import pytest

from affectmap.documents import MAX_BYTES, DocumentError, parse_json, parse_toml, parse_yaml, read_start
from cases import each

BOMB = b"a: &a [z, z, z, z, z, z, z, z, z]\n" + b"\n".join(
    b"%c: &%c [%s]" % (c, c, b", ".join([b"*%c" % p] * 9)) for p, c in zip(b"abcdefghi", b"bcdefghij", strict=True)
)
DEEP = "lie in each other more than 20 times"


@each(
    ("parse", "content", "message"),
    [
        (parse_yaml, BOMB, "it refers to another part of itself"),
        (parse_yaml, b"a: &a [*a]", "it refers to another part of itself"),
        (parse_yaml, b"[" * 100_000, DEEP),
        (parse_yaml, b"- " * 100_000, DEEP),
        (parse_yaml, b"x: " + b"[" * 21 + b"]" * 21, DEEP),
        (parse_yaml, b"x: 1" + b":59" * 100_000, "a number of more than 1000 digits"),
        (parse_yaml, b"x: " + b"9" * 100_000, "a number of more than 1000 digits"),
        (parse_yaml, b"[" + b"a," * 60_000 + b"]", "it has more than 50,000 values"),
        (parse_yaml, b"x: 2026-99-99", "month must be in 1..12"),
        (parse_yaml, b"x: !!int ''", "index out of range"),
        (parse_yaml, "x: !!binary é".encode(), "base64"),
        (parse_yaml, b"? [a]\n: b", "constructing a mapping"),
        (parse_yaml, b"x: !!python/object:os.system ls", "could not determine a constructor"),
        (parse_yaml, b"\xff\xfe\x00", "unacceptable|codec|EOF"),
        (parse_yaml, b"#" * (MAX_BYTES + 1), "it has more than 1,048,576 bytes"),
        (parse_toml, b"a." * 20_000 + b"a = 1", "a name of more than 32 parts"),
        (parse_toml, b'"a" . ' * 20_000 + b"a = 1", "a name of more than 32 parts"),
        (parse_toml, b"[" + b"a." * 20_000 + b"a]", "a name of more than 32 parts"),
        (parse_toml, b"x = {" + b"'a'." * 20_000 + b"a = 1}", "a name of more than 32 parts"),
        (parse_toml, b"a." * 25 + b"a = 1", DEEP),
        (parse_toml, b"x = " + b"[" * 20_000, DEEP),
        (parse_toml, b"x = " + b"[" * 30 + b"]" * 30, DEEP),
        (parse_toml, b"x = " + b"{a=" * 20_000, DEEP),
        (parse_toml, b"x = " + b"9" * 5000, "Exceeds the limit"),
        (parse_toml, b"w" * 500_000, "Expected '='"),
        (parse_toml, b"x = 1\nx = 2", "Cannot overwrite a value"),
        (parse_toml, b"\xff", "can't decode"),
        (parse_json, b"[" * 100_000, DEEP),
        (parse_json, b'{"a":' * 100_000, DEEP),
        (parse_json, b"[" * 30 + b"]" * 30, DEEP),
        (parse_json, b"9" * 5000, "Exceeds the limit"),
        (parse_json, b"\xff\xff", "codec|Expecting"),
        (parse_json, b"", "Expecting value"),
        (parse_json, b" " * (MAX_BYTES + 1), "it has more than 1,048,576 bytes"),
    ],
)
def test_what_is_too_much_is_refused_soon(parse, content, message):
    start = time.process_time()
    with pytest.raises(DocumentError, match=message):
        parse(content)
    assert time.process_time() - start < 1


def test_documents_are_what_their_libraries_give():
    assert parse_yaml(b"a: [1, 2.5, null, 'x']\nb: {c: {d: 1:30}}") == {"a": [1, 2.5, None, "x"], "b": {"c": {"d": 90}}}
    assert parse_toml(b"\xef\xbb\xbfa.b.c = 1\nsource = ['urdu=../a.b.c/v1.2.3.4']") == {
        "a": {"b": {"c": 1}},
        "source": ["urdu=../a.b.c/v1.2.3.4"],
    }
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    depth = b"[" * 19 + b"1" + b"]" * 19
    assert parse_yaml(depth) == parse_json(depth) == parse_toml(b"x = " + depth)["x"]


def test_references_count_as_often_as_they_stand():
    assert parse_yaml(b"a: &a [1, 2]\nb: [*a, *a]", references=True) == {"a": [1, 2], "b": [[1, 2], [1, 2]]}
    for content in (BOMB, b"a: &a [*a]", b"a: &a {b: *a}"):
        with pytest.raises(DocumentError, match="values, written as references|" + DEEP):
            parse_yaml(content, references=True)


def test_a_long_kind_may_be_longer(tmp_path):
    content = b"[" + b"a," * 60_000 + b"]"
    assert len(parse_yaml(content, scale=2)) == 60_000
    (tmp_path / "long").write_bytes(bytes(3 * MAX_BYTES))
    assert len(read_start(tmp_path / "long")) == MAX_BYTES + 1
    assert len(read_start(tmp_path / "long", 2)) == 2 * MAX_BYTES + 1
