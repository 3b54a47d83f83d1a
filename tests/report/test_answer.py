"""The answer in one sentence."""

import dataclasses

import numpy as np

from affectmap.report.answer import answer


def test_it_says_how_well_each_is_told_where_nothing_was_trained(whole_results):
    said = answer(whole_results)
    assert said.startswith("On urdu and aesdd, never used in training, the map tells activation clearly (R² .3")
    assert "valence hardly (R² .1" in said
    assert "emotions better than guessing (UAR .5" in said
    assert said.endswith("guessing .25 and .33).")
    assert said.count(". ") == 0


def test_strength_follows_the_values(whole_results):
    weak = whole_results.summary.assign(mean=0.2, ci_low=0.1, ci_high=0.3)
    said = answer(dataclasses.replace(whole_results, summary=weak))
    assert "activation in part (R² .20 and .20)" in said
    assert "emotions not surely better than guessing" in said
    none = whole_results.summary.assign(mean=-0.4, ci_low=np.nan, ci_high=np.nan)
    assert "activation hardly (R² .00 and .00)" in answer(dataclasses.replace(whole_results, summary=none))


def test_many_corpora_are_a_range(copied):
    said = answer(copied(["c4", "c5"]))
    assert said.startswith("On 4 corpora, never used in training, the map tells activation clearly (R² .")
    assert " to ." in said


def test_without_targets_it_speaks_of_held_out_speakers(source_only):
    said = answer(source_only)
    assert said.startswith("On speakers of emodb that were held out, the map tells activation clearly (R² .")
    assert said.endswith("no other corpus was given, so nothing is said of transfer.")
    assert "(R² .3" not in said  # table 1 has an activation, too


def test_what_nobody_rated_is_left_out(unrated):
    said = answer(unrated("activation", "valence"))
    assert "activation" not in said
    assert "the map tells emotions better than guessing" in said


def test_nothing_measured_is_said(whole_results):
    assert answer(dataclasses.replace(whole_results, summary=whole_results.summary[:0])).startswith("Nothing could be")
