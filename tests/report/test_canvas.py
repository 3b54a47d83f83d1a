import base64

import pytest
from matplotlib.figure import Figure

from affectmap.report.canvas import Grid, drawing, file_stem, letter, save


def test_saves_both_kinds_and_gives_the_svg_as_an_address(tmp_path):
    with drawing():
        figure = Figure(figsize=(3, 2))
        figure.add_subplot().set_title("a < b & $x")
        narrow = Figure(figsize=(2, 2))
        picture = save(figure, tmp_path / "figures", "one", "Seen.", "Not seen.", narrow)
    kind, code = picture.source.split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(code) == (tmp_path / "figures/one.svg").read_bytes()
    assert b"a &lt; b &amp; $x" in base64.b64decode(code)
    assert (tmp_path / "figures/one.png").read_bytes().startswith(b"\x89PNG")
    assert (picture.width, picture.height) == (288, 192)
    assert (picture.narrow.width, picture.narrow.height) == (192, 192)
    assert sorted(file.name for file in (tmp_path / "figures").iterdir()) == ["one.png", "one.svg"]
    assert (picture.caption, picture.alt) == ("Seen.", "Not seen.")


def test_a_failure_leaves_no_file(tmp_path):
    figure = Figure()
    figure.text(0, 0, "x").set_color("red")
    figure.draw = lambda renderer: 1 / 0
    with drawing(), pytest.raises(ZeroDivisionError):
        save(figure, tmp_path, "one", "", "", Figure())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("n_corpora", "columns", "blocks"), [(1, 1, 1), (3, 3, 1), (4, 4, 1), (5, 3, 2), (8, 4, 2), (9, 3, 3)]
)
def test_many_corpora_go_on_below_in_equal_blocks(n_corpora, columns, blocks):
    grid = Grid(n_corpora, 2, (2.0, 1.0), (0.5, 0.25), left=1.0, right=0.5, top=0.3, bottom=0.2)
    assert (grid.n_columns, grid.n_blocks) == (columns, blocks)
    width, height = grid.size
    assert width == pytest.approx(1.5 + 2.5 * columns - 0.5)
    assert height == pytest.approx(blocks * (0.5 + 2.25))


def test_panels_have_their_size_and_do_not_overlap():
    grid = Grid(6, 2, (2.0, 1.0), (0.5, 0.25), left=1.0, right=0.5, top=0.3, bottom=0.2)
    figure = Figure(figsize=grid.size)
    boxes = [grid.axes(figure, row, corpus).get_position() for row in range(2) for corpus in range(6)]
    width, height = grid.size
    for box in boxes:
        assert box.width * width == pytest.approx(2.0)
        assert box.height * height == pytest.approx(1.0)
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= 1
        assert box.y1 <= 1
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_first_row_is_above_the_second_and_the_first_block_above_all():
    grid = Grid(5, 2, (1.0, 1.0), (0.1, 0.1), left=0.0, right=0.0, top=0.1, bottom=0.1)
    figure = Figure(figsize=grid.size)
    upper, lower = grid.axes(figure, 0, 0).get_position(), grid.axes(figure, 1, 0).get_position()
    below = grid.axes(figure, 0, 3).get_position()
    assert upper.y0 > lower.y0 > below.y0
    assert below.x0 == upper.x0


@pytest.mark.parametrize(
    ("words", "stem"), [(("figure3a", "DAE/../x"), "figure3a-dae-x"), (("a", "اردو"), "a"), (("A", "B"), "a-b")]
)
def test_any_words_make_a_file_name(words, stem):
    assert file_stem(*words) == stem


def test_letters_go_on_after_z():
    names = [letter(i) for i in range(800)]
    assert len(set(names)) == 800
    assert names[27] == "ab"
    assert names[702] == "aaa"
