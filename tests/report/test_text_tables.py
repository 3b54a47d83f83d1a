"""The tables of a run in LaTeX: every value that the page shows, and what its signs mean."""

import numpy as np
import pandas as pd

from affectmap.report import with_titles
from affectmap.report.page import page_tables
from affectmap.report.text_tables import text_tables
from affectmap.text import latex_tables


def tables_of(results):
    results = with_titles(results)
    tables = page_tables(results)
    return {each.title: each for each in text_tables(results, tables)}, tables


def test_all_tables_of_the_page_are_there_with_a_cell_for_each_head(whole_results, make_results):
    written, _ = tables_of(whole_results)
    assert len(written) == 4 + 4 + 6  # CCC by sex is none here
    for table in written.values():
        assert {len(row) for row in table.rows} <= {len(table.header)}, table.title
    tex = latex_tables(written.values())
    assert tex.count(r"\begin{tabular}") == 13, "nothing was measured of costs"
    costs = pd.DataFrame([("map", 8000, 0.25, 40.0, "cpu")], columns=["model", "parameters", "seconds_per_minute",
                         "memory_mb", "device"])  # fmt: skip
    tex = latex_tables(tables_of(make_results(costs=costs))[0].values())
    assert r"map & cpu & 8,000 & 0.25 & 40 \\" in tex


def test_values_of_a_table_are_those_of_the_page(whole_results):
    written, tables = tables_of(whole_results)
    table = written["Labels explained by the embedding (adjusted R²)"]
    assert table.header[1:3] == ["EMO-DB, activation", "EMO-DB, valence"]
    shown = {row.label: row.cells for group in tables["table3"].groups for row in group.rows}
    assert [row[0] for row in table.rows] == list(shown)
    for label, *cells in table.rows:
        for text, cell in zip(cells, shown[label], strict=True):
            assert text.startswith(cell.mean), label
            assert ("▲" in text, "*" in text) == (cell.best, cell.significant), label
            assert (f" ± {cell.sd}" in text) == bool(cell.sd), label
    assert sum("▲" in text for row in table.rows for text in row) >= 6
    assert "* p < .05 over speakers." in table.legend
    classes = written["Emotion classes (UAR), classifier trained on the source"]
    assert classes.legend == "Mean ± standard deviation over folds and seeds. ▲ best of the autoencoders."


def test_signs_of_the_audit_stand_beside_their_results_and_are_explained(make_results, whole_results):
    leak = {name: getattr(whole_results, name).assign(audit="leak") for name in ("summary", "claims", "table2")}
    for title, table in tables_of(make_results(**leak))[0].items():
        if title.startswith(("Labels", "The paper", "Similar")):
            assert any("†" in text for row in table.rows for text in row), title
            assert "† a speaker or a recording is, or may be, on both sides" in table.legend, title


def test_claims_and_checks_in_words(whole_results):
    written, _ = tables_of(whole_results)
    claims = written["The paper's claims"]
    assert claims.rows[0][:5] == ["a", "URDU", "activation", "DAE-Metric-Act − DAE-Unsupervised", "holds"]
    assert claims.rows[0][5:] == ["+.10", "+.05 to +.15"]
    assert "(b) Activation is explained better than valence." in claims.legend
    checks = written["Checks"]
    assert ["emotion from the speaker", "URDU", "warning", ".96", "388"] in checks.rows
    assert ["duplicate recordings", "URDU, AESDD", "sound", "0", "987"] in checks.rows


def test_what_is_missing_is_a_dash(make_results, whole_results):
    corpora = whole_results.corpora.assign(n_speakers=np.nan, language=None, policy=None)
    literature = whole_results.table2.assign(score=np.nan, features_corpus=None)
    written, _ = tables_of(make_results(corpora=corpora, table2=literature))
    for table in written.values():
        for row in table.rows:
            assert not {"nan", "None", "NaN"} & set(row), table.title
    assert written["Corpora"].rows[0][2:5] == ["–", "–", "–"]
