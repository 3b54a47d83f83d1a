"""Damage to files: of bytes, of words and lines, and of what a document or a table says.

Every function takes what is damaged and a generator of random numbers, and gives the same for the same ones.
"""

from __future__ import annotations

import copy
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import yaml

Rng = np.random.Generator

HUGE = 10**400
NUMBERS = (
    "0", "-1", "-0.0", "1e999", "-1e999", "nan", "NaN", "inf", "-inf", ".nan", ".inf", "1e-400", "2147483648", "-2147483649",
    "9223372036854775808", "18446744073709551616", "1" + "0" * 400, "9" * 5000, "0x10", "1_000", "1,5", "٣", "½", "true", "1e",
)  # fmt: skip
WORDS = (
    "", " ", "nan", "NaN", "NA", "None", "null", "~", "true", "yes", "[]", "{}", "\x00", "\ufeff", "\u2028", "é", "e\u0301", "ﬁ", "\U0001f600",
    "=1+1", "../../etc/passwd", "/dev/zero", "C:\\a.wav", "a" * 300, "x" * 100_000, "!!python/object:os.system", "&a", "*a", "<<", "'", '"', "\r",
    "file", "rater", "speaker", "emotion", "activation", "valence", "start", "end", "0 days 00:00:01.5", "99999999 days", "2026-01-01T00:00:00Z",
    "9999-99-99", "\udcff",
)  # fmt: skip
BOMBS = (
    "[" * 20_000, "{" * 20_000, "a." * 20_000 + "a = 1", "a" + ".a" * 3_000 + " = 1", "x = " + "[" * 5_000 + "]" * 5_000,
    "x: " + "[" * 5_000 + "]" * 5_000, "x = " + "{a=" * 2_000, '"' * 50_000, "- " * 5_000, "? " * 5_000, ("k: &a [x]\n" + "k: *a\n" * 3),
    "a: &a [z, z, z, z, z, z, z, z, z]\n" + "\n".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]" for p, c in zip("abcdefg", "bcdefgh", strict=True)),
    "x: !!timestamp 9999-99-99", "x: 2026-99-99", "x: 1:99:99:99:99", "x: 0o777777777777", "x: !!binary 'é'", "x: !!int ''", "x: !!float ''",
    "? [a, b]\n: c", "? {a: b}\n: c", "x: !!set {a, b}", "x: !!omap [a]", "'': 1", "[[a]]\n[a]", "x = 1979-05-27", "x = 1e999", "x = " + "9" * 5000,
    'x = "' + "\\u0000" * 100 + '"', "," * 20_000, "a,b\n" * 20_000, "\n" * 50_000, ";" * 100, "\t" * 100,
)  # fmt: skip
#: Values that a document may hold where others are expected.
VALUES = (
    None, True, False, 0, 1, -1, 2, 1 << 31, 1 << 63, HUGE, -(1 << 70), 0.5, -1.5, float("nan"), float("inf"), -float("inf"), 1e308, "", "x", "1",
    "nan", "x" * 5000, "\x00", "é\u2028", [], [[]], [1], [None], ["a", "a"], {}, {"a": 1}, {1: 2}, [0] * 5000, [12_000, 12_000], list(range(500)),
    {"a": {"b": {"c": {}}}}, "2026-01-01", "file", "float", "int", "date", "time", "object", "bool", "str",
)  # fmt: skip
FIELDS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def choice(rng: Rng, options):
    """Choose one of some options, whatever they are."""
    return options[int(rng.integers(len(options)))]


def damage_bytes(content: bytes, rng: Rng) -> bytes:
    """Change, insert, remove, repeat or move bytes, mostly near the beginning, where headers are."""
    found = bytearray(content or b"\0")
    for _ in range(int(rng.integers(1, 5))):
        reach = len(found) if rng.random() < 0.4 else min(len(found), 200)
        at = int(rng.integers(reach)) if reach else 0
        n = int(rng.integers(1, 64))
        kind = int(rng.integers(10))
        if kind <= 2:
            found[at : at + 1] = bytes([int(rng.integers(256))])
        elif kind == 3:
            found[at : at + 1] = bytes([(found[at] if found else 0) ^ (1 << int(rng.integers(8)))])
        elif kind == 4:
            size, order = choice(rng, "BHIQ"), choice(rng, "<>")
            value = choice(rng, FIELDS) & ((1 << 8 * struct.calcsize(f"<{size}")) - 1)
            field = struct.pack(f"{order}{size}", value)
            found[at : at + len(field)] = field
        elif kind == 5:
            found[at:at] = rng.bytes(n)
        elif kind == 6:
            del found[at : at + n]
        elif kind == 7:
            found[at:at] = bytes(found[at : at + n]) * int(rng.integers(1, 100))
        elif kind == 8:
            del found[int(rng.integers(len(found) + 1)) :]
        else:
            other = int(rng.integers(len(found) + 1))
            found[at : at + n] = found[other : other + n]
    return bytes(found)


def damage_text(content: bytes, rng: Rng) -> bytes:
    """Replace numbers, words and lines, add bombs, or write the text in another encoding."""
    text = content.decode("utf-8", "surrogateescape")
    for _ in range(int(rng.integers(1, 4))):
        kind = int(rng.integers(9))
        if kind <= 1:
            text = _replace(text, r"-?\d[\d.e+-]*", choice(rng, NUMBERS), rng)
        elif kind <= 3:
            text = _replace(text, r"[A-Za-z_]\w*", choice(rng, WORDS), rng)
        elif kind == 4:
            text = _replace(
                text,
                r"[,:=\[\]{}\"'.\n#-]",
                choice(rng, ("", ",", ";", "\t", '"', "'", "\n", "\r", "\r\n", "[", "]", ": ", "=", "..")),
                rng,
            )
        elif kind <= 6:
            text = _move_lines(text, rng)
        elif kind == 7:
            at = int(rng.integers(len(text) + 1)) if rng.random() < 0.5 else 0
            text = (
                text[:at] + "\n" * int(rng.integers(2)) + choice(rng, BOMBS) + "\n" * int(rng.integers(2)) + text[at:]
            )
        else:
            return text.encode(choice(rng, ("utf-16", "utf-8-sig", "latin-1", "utf-32", "utf-7")), "replace")
    return text.encode("utf-8", "surrogatepass")


def _replace(text: str, pattern: str, word: str, rng: Rng) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + word
    one = choice(rng, found)
    return text[: one.start()] + word + text[one.end() :]


def _move_lines(text: str, rng: Rng) -> str:
    lines = text.split("\n")
    at, other = int(rng.integers(len(lines))), int(rng.integers(len(lines)))
    kind = int(rng.integers(4))
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at] * int(rng.integers(2, 50))
    return "\n".join(lines)


def damage_document(document: object, rng: Rng) -> object:
    """Replace, remove, add or move a part of nested dictionaries and lists."""
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(document, ()))
        if not places:
            return copy.deepcopy(choice(rng, VALUES))
        holder, key = choice(rng, places)
        kind = int(rng.integers(6))
        if kind <= 2:
            holder[key] = copy.deepcopy(choice(rng, VALUES))
        elif kind == 3:
            del holder[key]
        elif kind == 4:
            other, name = choice(rng, places)
            holder[key] = (
                json.loads(json.dumps(other[name], default=str))
                if name in other or (isinstance(other, list) and name < len(other))
                else None
            )
        elif isinstance(holder, dict):
            holder[choice(rng, ("", "x", "format", "dtype", "labels", 1, None, 0.5))] = copy.deepcopy(
                choice(rng, VALUES)
            )
        else:
            holder.insert(int(rng.integers(len(holder) + 1)), copy.deepcopy(choice(rng, VALUES)))
    return document


def _places(document: object, path: tuple):
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in list(entries):
        yield document, key
        if len(path) < 8:
            yield from _places(value, (*path, key))


def damage_yaml(content: bytes, rng: Rng) -> bytes:
    """Damage what a YAML file says, or its text."""
    if rng.random() < 0.4:
        return damage_text(content, rng)
    return yaml.safe_dump(damage_document(yaml.safe_load(content), rng), sort_keys=False, allow_unicode=True).encode(
        "utf-8", "surrogatepass"
    )


def damage_json(content: bytes, rng: Rng) -> bytes:
    """Damage what a JSON file says, or its text."""
    if rng.random() < 0.3:
        return damage_text(content, rng)
    return json.dumps(damage_document(json.loads(content), rng), default=str).encode("utf-8", "surrogatepass")


def damage_cells(content: bytes, rng: Rng) -> bytes:
    """Damage the cells of a CSV file, or its text or bytes."""
    way = rng.random()
    if way < 0.3:
        return damage_text(content, rng)
    if way < 0.4:
        return damage_bytes(content, rng)
    rows = [line.split(",") for line in content.decode().split("\n")]
    for _ in range(int(rng.integers(1, 4))):
        row = choice(rng, rows)
        kind = int(rng.integers(5))
        if kind <= 2:
            row[int(rng.integers(len(row)))] = choice(rng, NUMBERS + WORDS)
        elif kind == 3:
            row.insert(int(rng.integers(len(row) + 1)), choice(rng, NUMBERS + WORDS))
        else:
            column = int(rng.integers(len(rows[0])))
            word = choice(rng, NUMBERS + WORDS)
            for each in rows[1:]:
                each[column : column + 1] = [word]
    return "\n".join(map(",".join, rows)).encode("utf-8", "surrogatepass")


def damage_tensors(content: bytes, rng: Rng) -> bytes:
    """Damage the header of a safetensors file, its tensors, or its bytes."""
    way = rng.random()
    if way < 0.25:
        return damage_bytes(content, rng)
    (size,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    if way < 0.6:
        text = json.dumps(damage_document(header, rng), default=str).encode("utf-8", "surrogatepass")
        return struct.pack("<Q", len(text)) + text + body
    if way < 0.65:
        return struct.pack("<Q", choice(rng, (0, 1, 100_000_000, 1 << 40, (1 << 64) - 1, len(content)))) + content[8:]
    return _other_tensors(content, rng)


def _other_tensors(content: bytes, rng: Rng) -> bytes:
    from safetensors.numpy import load, save

    tensors = {name: value.copy() for name, value in load(content).items()}
    name = choice(rng, sorted(tensors))
    value = tensors[name]
    kind = int(rng.integers(8))
    if kind == 0:
        value.flat[int(rng.integers(value.size))] = choice(rng, (np.nan, np.inf, -np.inf, 1e38, -1e38, 0.0))
    elif kind == 1:
        value[...] = choice(rng, (0.0, -1.0, 1e38, 1e-45))
    elif kind == 2:
        tensors[name] = value.astype(choice(rng, ("float16", "int64", "uint8", "bool", "float64")))
    elif kind == 3:
        tensors[name] = np.zeros(
            choice(rng, ((0,), (1,), (3, 5), (2, 0), (1, 1, 1), (1000, 1000), value.shape[::-1])), value.dtype
        )
    elif kind == 4:
        del tensors[name]
    elif kind == 5:
        tensors[
            choice(
                rng,
                (
                    "",
                    "encoder.",
                    "encoder.99.weight",
                    "encoder.x.bias",
                    "decoder.0.bias",
                    "__metadata__",
                    "mean",
                    "é",
                    "a/b",
                ),
            )
        ] = value
    elif kind == 6:
        wide = int(rng.integers(2, 3000))
        tensors |= {"encoder.0.weight": np.zeros((wide, 88), "float32"), "encoder.0.bias": np.zeros(wide, "float32")}
    else:
        for i in range(int(rng.integers(5, 5000))):
            tensors |= {f"encoder.{i}.weight": np.zeros((2, 2), "float32"), f"encoder.{i}.bias": np.zeros(2, "float32")}
    return save(tensors)


def damage_arrays(content: bytes, rng: Rng) -> bytes:
    """Damage the members of an ``.npz`` file, or its bytes; some members unfold to hundreds of megabytes."""
    way = rng.random()
    if way < 0.4:
        return damage_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = choice(rng, sorted(members))
    kind = int(rng.integers(8))
    if kind <= 1:
        members[name] = damage_bytes(members[name], rng)
    elif kind == 2:
        shape = choice(
            rng, ("(1000000000,)", "(-1,)", "(0, 0)", "()", "(1, 1, 1)", "(99999999999999999999,)", "(2, 3) * 9", "x")
        )
        kinds = choice(
            rng, ("'<f4'", "'|O'", "'<f8'", "'|S0'", "'|V8'", "[('a', '<f4')]", "'<M8[ns]'", "'<U9'", "None")
        )
        head = f"{{'descr': {kinds}, 'fortran_order': {choice(rng, ('True', 'False', '1'))}, 'shape': {shape}, }}\n".encode()
        members[name] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + members[name][-64:]
    elif kind == 3:
        del members[name]
    elif kind == 4:
        members[choice(rng, ("x.npy", "../x", "keys", "rows.npy"))] = members[name]
    elif kind == 5:
        other = choice(rng, sorted(members))
        members[name], members[other] = members[other], members[name]
    else:
        members[name] = _zeros(300_000_000) if kind == 6 else members[name][:128] + bytes(5_000_000)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each, value in members.items():
            archive.writestr(each, value)
    return found.getvalue()


def _zeros(n_bytes: int) -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({n_bytes},), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(n_bytes)


def damage_database(content: bytes, rng: Rng) -> bytes:
    """Damage a SQLite file: by statements, or its bytes on any page."""
    import sqlite3

    if rng.random() < 0.5:
        return damage_bytes(content, rng)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(content)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    for _ in range(int(rng.integers(1, 4))):
        table = choice(rng, names)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')] or ["id"]
        column, value = (
            choice(rng, columns),
            choice(rng, (None, -1, 1 << 62, 1e999, "x", "", b"\xff\x00", "é" * 1000, 0.5, "9999-99-99", 7)),
        )
        statements = (
            f'UPDATE "{table}" SET "{column}" = ?', f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = 1', f'DROP TABLE "{table}"',
            f'DELETE FROM "{table}"', f'ALTER TABLE "{table}" DROP COLUMN "{column}"', f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"',
            f"UPDATE sqlite_master SET sql = 'CREATE VIEW \"{table}\" AS SELECT * FROM \"{table}\"', type = 'view' WHERE name = '{table}'",
            f"UPDATE sqlite_master SET rootpage = 2 WHERE name = '{table}'", f"UPDATE sqlite_master SET sql = 'x' WHERE name = '{table}'",
        )  # fmt: skip
        statement = choice(rng, statements)
        try:
            connection.execute(statement, (value,) if "?" in statement else ())
        except (sqlite3.Error, OverflowError):
            continue
    found = bytes(connection.serialize())
    connection.close()
    return found


Damage = Callable[[bytes, Rng], bytes]
