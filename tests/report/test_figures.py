import dataclasses

import pandas as pd
import pytest

from affectmap.report import figures
from affectmap.report.canvas import Picture
from affectmap.report.page import page_tables


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Draw, but keep the pictures' words and write nothing."""
    monkeypatch.setattr(
        figures, "save", lambda figure, folder, stem, caption, alt: Picture(stem, caption, alt, "data:", 1, 1)
    )
    return lambda results: figures.draw_figures(results, page_tables(results), tmp_path)


def test_captions_tell_what_is_seen(draw, whole_results):
    pictures = draw(whole_results)
    assert {place: len(mine) for place, mine in pictures.items()} == {
        "circumplex": 1,
        "network": 1,
        "latent": 4,
        "baselines": 0,
        "curves": 1,
        "table3": 1,
        "table4": 1,
    }
    assert "emodb’s raters" in pictures["circumplex"][0].caption
    assert "Hollow: the same for aesdd and urdu." in pictures["circumplex"][0].caption
    assert "88-40-20-10-2-10-20-40-88" in pictures["network"][0].caption
    assert pictures["latent"][1].caption.startswith("DAE-Metric-Act: the embedding of 881 utterances")
    assert "five runs a method" in pictures["curves"][0].caption
    assert pictures["table4"][0].stem == "figure6-table-4"
    assert "guessing" in pictures["table4"][0].caption


def test_baselines_are_apart_and_lettered_on(draw, source_only):
    extra = source_only.embeddings.query("method == 'DAE-Unsupervised'").assign(method="PCA-2")
    embeddings = pd.concat([extra, source_only.embeddings], ignore_index=True)
    pictures = draw(dataclasses.replace(source_only, embeddings=embeddings))
    assert [picture.stem for picture in pictures["baselines"]] == ["figure3e-pca-2"]
    assert len(pictures["latent"]) == 4


def test_more_latent_numbers_than_two_are_told(draw, source_only):
    embeddings = source_only.embeddings.query("method == 'DAE-Unsupervised'")
    small = dataclasses.replace(source_only, embeddings=embeddings, settings={"latent_dim": 5})
    assert "five numbers are turned onto their two principal components" in draw(small)["latent"][0].caption


def test_places_without_data_have_no_picture(draw, source_only):
    empty = {name: getattr(source_only, name).iloc[:0] for name in ("embeddings", "ratings", "curves", "summary")}
    pictures = draw(dataclasses.replace(source_only, **empty))
    assert [place for place, mine in pictures.items() if mine] == ["circumplex", "network"]
    assert "no pairs of ratings" in pictures["circumplex"][0].caption


def test_curves_are_of_the_folds_and_of_compared_methods(draw, source_only, monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "learning_curves", seen.append)
    curves = source_only.curves
    whole = curves[curves["fold"] == 1].assign(fold=0, total=1e9)
    bound = curves[curves["fold"] == 1].assign(method="Metric-Act (supervised)")
    draw(
        dataclasses.replace(
            source_only, curves=pd.concat([curves, whole, bound]), embeddings=source_only.embeddings[:0]
        )
    )
    assert len(seen[0]) == len(curves)
    draw(dataclasses.replace(source_only, curves=whole, embeddings=source_only.embeddings[:0]))
    assert len(seen[1]) == len(whole)


def test_of_a_large_corpus_some_points_are_drawn_always_the_same(draw, source_only, monkeypatch):
    drawn = []
    kept = figures.latent_figure
    monkeypatch.setattr(figures, "latent_figure", lambda rows, corpora: drawn.append(rows) or kept(rows, corpora))
    embeddings = source_only.embeddings.query("method == 'DAE-Unsupervised'")
    few = dataclasses.replace(source_only, embeddings=embeddings)
    assert "Drawn are" not in draw(few)["latent"][0].caption
    monkeypatch.setattr(figures, "DRAWN_POINTS", 20)
    assert "Drawn are 20 of them, at most 20 of a corpus, chosen at random." in draw(few)["latent"][0].caption
    draw(few)
    assert len(drawn[0]) == len(embeddings)
    assert drawn[1].index.is_monotonic_increasing
    pd.testing.assert_frame_equal(drawn[1], drawn[2])
