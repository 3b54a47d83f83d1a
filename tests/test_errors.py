from affectmap.errors import LONGEST, AffectmapError, LabelError


def test_a_message_is_one_line_that_a_terminal_shows_as_it_is():
    for given, shown in (
        ("a plain line; mend it", "a plain line; mend it"),
        ("two\nlines", "two lines"),
        ("a\x1b[2Jb\rc\x07", r"a\x1b[2Jb\rc\x07"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("größe 漢字 \u200d", "größe 漢字 \u200d"),
        ("a name \udcff that is no text", "a name \udcff that is no text"),
    ):
        assert str(LabelError(given)) == shown


def test_a_long_message_keeps_its_begin_and_its_end():
    shown = str(AffectmapError(f"table.csv: emotion is {'x' * 100_000}; expected a class"))
    assert len(shown) <= LONGEST
    assert shown.startswith("table.csv: emotion is xxx")
    assert shown.endswith("xxx; expected a class")
