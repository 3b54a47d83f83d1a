import pandas as pd
import pytest

from affectmap.report.page import findings_by_corpus, flat_settings, page_tables

COLUMNS = ["corpus", "file", "kind", "detail", "dropped"]


def test_tables_are_built_for_every_place(whole_results):
    tables = page_tables(whole_results)
    assert list(tables) == ["table1", "table3", "table4", "table4_probe"]
    assert tables["table1"].corpora == ["emodb"]
    assert tables["table4_probe"].corpora == ["urdu", "aesdd"]


def test_findings_keep_every_row_dropped_ones_first():
    rows = [
        ("a", "/x/wav/1.wav", "note", "n", False),
        ("a", "/x/wav/2.wav", "outlier", "o", True),
        ("b", "", "note", "whole", False),
        ("a", "/x/wav/sub/3.wav", "unreadable", "u", True),
    ]
    first, second = findings_by_corpus(pd.DataFrame(rows, columns=COLUMNS))
    assert first.headline == "two utterances dropped (1 outlier, 1 unreadable), one note"
    assert first.folder == "/x/wav/"
    assert [row["file"] for row in first.rows] == ["2.wav", "sub/3.wav", "1.wav"]
    assert (second.corpus, second.headline, second.folder) == ("b", "no utterances dropped, one note", "")
    assert len(first.rows) + len(second.rows) == len(rows)


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (["/x/ab/1", "/x/ac/1"], "/x/"),
        (["/x/1", "/y/1"], "/"),
        (["/x/1"], ""),
        (["x/1", "x/2"], ""),
        (["/x/1", "x/2"], ""),
        (["", ""], ""),
    ],
)
def test_common_folder_is_made_of_whole_names(files, folder):
    frame = pd.DataFrame({"corpus": "a", "file": files, "kind": "outlier", "detail": "", "dropped": True})
    (group,) = findings_by_corpus(frame)
    assert group.folder == folder
    assert [group.folder + row["file"] for row in group.rows] == files


def test_no_findings():
    assert findings_by_corpus(pd.DataFrame(columns=COLUMNS)) == []


def test_settings_are_flat_and_plain():
    settings = {"a": {"b": {"c": [1, 2]}, "d": None}, "e": {}, "f": "text", "g": True, "h": 1e-3}
    assert dict(flat_settings(settings)) == {
        "a.b.c": "[1, 2]",
        "a.d": "null",
        "e": "{}",
        "f": "text",
        "g": "true",
        "h": "0.001",
    }
