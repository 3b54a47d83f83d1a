"""What tutorials show is what their commands print now."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
_SPEC = importlib.util.spec_from_file_location("executed", ROOT / "docs" / "site" / "executed.py")
executed = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(executed)

PAGE = """# Page

```py
x = 2
```

```sh
echo kept > file; echo "UAR .62 (−.10)"
```

```text
UAR .60 (−.11)
```

```
not run
```

```py
from pathlib import Path
print(Path("file").read_text(), x)
```
"""


def test_blocks_run_in_order_and_share_a_folder_and_names(tmp_path):
    printed = list(executed.run(PAGE, tmp_path))
    assert [each.text for each in printed] == ["", "UAR .62 (−.10)\n", "kept\n 2\n"]
    assert [each.known for each in printed] == [None, "UAR .60 (−.11)\n", None]


def test_what_was_printed_is_written_below_its_block(tmp_path):
    text = executed.filled(PAGE, list(executed.run(PAGE, tmp_path)))
    assert "```\n\n```text\nUAR .62 (−.10)\n```\n\n```\nnot run\n```\n" in text
    assert text.endswith("x)\n```\n\n```text\nkept\n 2\n```\n")
    (tmp_path / "again").mkdir()
    assert executed.filled(text, list(executed.run(text, tmp_path / "again"))) == text


def test_a_small_difference_passes_and_a_large_one_or_another_word_fails(tmp_path):
    whole = executed.filled(PAGE, list(executed.run(PAGE, tmp_path)))

    def compared(text):
        executed.compare("page.md", list(executed.run(text, tmp_path)))

    compared(whole)
    compared(whole.replace("UAR .62 (−.10)\n```", "UAR .60 (−.11)\n```"))
    with pytest.raises(executed.PageError, match=r"prints 0\.62, and not 0\.92"):
        compared(whole.replace("UAR .62 (−.10)\n```", "UAR .92 (−.10)\n```"))
    with pytest.raises(executed.PageError, match=r"(?s)UAR .62 .*and not\nCCC"):
        compared(whole.replace("UAR .62 (−.10)\n```", "CCC .62 (−.10)\n```"))
    with pytest.raises(executed.PageError, match=r"and not\n$"):
        compared(PAGE)  # its last block prints, and the page says nothing


def test_a_command_that_fails_is_told(tmp_path):
    with pytest.raises(executed.PageError, match="fails with 3: why"):
        list(executed.run("```sh\necho why >&2; exit 3\n```\n", tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_prints_what_it_shows(page, tmp_path):
    text = page.read_text(encoding="utf-8")
    executed.compare(page.name, list(executed.run(text, tmp_path)))
