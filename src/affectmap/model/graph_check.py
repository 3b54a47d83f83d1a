"""Look into an ONNX file before anything runs it: only plain arithmetic on numbers that lie in the file itself.

An ONNX file may name other files to read its numbers from, carry loops that never end or call code of its own. A model
of affectmap needs none of that, so that a file with any of it is refused. The file is read as protocol buffers (the
wire format of ONNX), of which only the few fields that matter here are known.
"""

from __future__ import annotations

from collections.abc import Iterator

from affectmap.errors import ModelError

#: Operators that a graph may use.
OPERATORS = frozenset({"Clip", "Div", "Gemm", "Mul", "ReduceMean", "Relu", "Softmax", "Sqrt", "Sub"})

# Numbers of fields in onnx.proto, by message.
_GRAPH, _FUNCTIONS = 7, 25
_NODE, _INITIALISER, _SPARSE_INITIALISER = 1, 5, 15
_OPERATOR, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_SUBGRAPH_FIELDS = {5, 6, 10, 11, 22, 23}  # of an attribute: tensors and graphs, single and repeated
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check_graph(graph: bytes, origin: str) -> None:
    """Refuse a graph that does more than arithmetic on its own numbers.

    Args:
        graph: The content of an ONNX file.
        origin: Where it comes from, for messages.

    Raises:
        ModelError: If it is no ONNX file, uses an operator that is not one of `OPERATORS`, or reads numbers from
            another file.

    Example:
        >>> check_graph(b"not a graph", "model.onnx")
        Traceback (most recent call last):
        affectmap.errors.ModelError: model.onnx is damaged or not an ONNX file; export or download the model again
    """
    try:
        model = list(_fields(graph))
        graphs = [list(_fields(value)) for number, value in model if number == _GRAPH]
        strange = _strange(graphs[0]) if len(graphs) == 1 and graphs[0] else "no single graph"
    except (IndexError, ValueError, TypeError):
        raise ModelError(f"{origin} is damaged or not an ONNX file; export or download the model again") from None
    if strange is None and any(number == _FUNCTIONS for number, _ in model):
        strange = "functions of its own"
    if strange:
        raise ModelError(f"{origin} has {strange}; expected plain arithmetic in one file, as affectmap exports it")


def _strange(graph: list[tuple[int, bytes]]) -> str | None:
    for number, value in graph:
        if number == _SPARSE_INITIALISER:
            return "sparse numbers"
        if number == _INITIALISER and any(field in (_EXTERNAL_DATA, _DATA_LOCATION) for field, _ in _fields(value)):
            return "numbers in another file"
        if number == _NODE:
            strange = _strange_node(list(_fields(value)))
            if strange:
                return strange
    return None


def _strange_node(node: list[tuple[int, bytes]]) -> str | None:
    operator = b"".join(value for number, value in node if number == _OPERATOR).decode("utf-8", "replace")
    domain = b"".join(value for number, value in node if number == _DOMAIN)
    if domain or operator not in OPERATORS:
        return f"the operator {operator[:40]!r}"
    for number, value in node:
        if number == _ATTRIBUTE and any(field in _SUBGRAPH_FIELDS for field, _ in _fields(value)):
            return f"a graph or tensor within {operator}"
    return None


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Give number and content of every field; numbers of fixed size come as an empty text."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
        if kind == _VARINT:
            _, position = _varint(message, position)
        elif kind == _BYTES:
            size, position = _varint(message, position)
        elif not size:
            raise ValueError(f"wire type {kind}")
        if position + size > len(message) or not number:
            raise ValueError("cut short")
        yield number, message[position : position + size] if kind == _BYTES else b""
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
