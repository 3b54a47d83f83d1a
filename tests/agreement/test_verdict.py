"""What an agreement says in words."""

import pytest

from affectmap.agreement import agreement_table
from affectmap.agreement.verdict import verdict
from rating_files import make_ratings, simulate


def test_raters_who_agree_and_their_mean():
    table = agreement_table(simulate(60, raters=("anna", "bo", "carl")))
    said = verdict(table)
    assert said.startswith("The three raters agree reliably on activation (α .")
    alpha = table[(table["measure"] == "alpha") & (table["label"] == "valence")]["value"].item()
    assert f"valence (α {alpha:.2f}".replace("0.", ".") in said
    assert "Their mean as a gold standard is excellent for activation (ICC(2,k) ." in said


@pytest.mark.parametrize(
    ("alpha", "words"),
    [
        (0.8, "agree reliably on valence (α .80)."),
        (0.79, "agree well enough for tentative conclusions on valence (α .79)."),
        (0.4, "agree in part on valence (α .40)."),
        (0.39, "agree hardly on valence (α .39)."),
        (-0.2, "agree hardly on valence (α −.20)."),
    ],
)
def test_bounds(alpha, words):
    table = agreement_table(make_ratings(*({"file": f, "rater": r, "valence": 2.0} for f in "ab" for r in "xy")))
    changed = table.assign(value=alpha, low=float("nan"), high=float("nan"))
    assert words in verdict(changed[changed["measure"] == "alpha"])


def test_what_cannot_be_told_says_why():
    same = agreement_table(make_ratings(*({"file": f, "rater": r, "valence": 2.0} for f in "ab" for r in "xy")))
    assert verdict(same).startswith("Nothing can be said about valence: too few items, or ratings that do not vary.")
    alone = agreement_table(make_ratings({"file": "a", "rater": "x", "valence": 2.0}))
    assert verdict(alone).startswith("One rater alone: there is nobody to compare with")
    assert verdict(agreement_table(make_ratings())) == "Nobody rated anything, so nothing can be said."
