"""The table for embedding-atlas."""

import pandas as pd

from affectmap.explorer.atlas import write_atlas
from affectmap.explorer.points import points_of
from affectmap.explorer.sound import Excerpt
from explorer_rows import row


def test_a_pair_of_columns_a_map_facts_and_sound(tmp_path):
    rows = [
        row("/x/a.wav", reading="alone", predicted_activation=2.0, predicted_valence=3.0, activation=4.0, valence=4.5),
        row("/x/a.wav", reading="corpus", predicted_activation=2.5, predicted_valence=3.5),
        row("/x/b.wav", reading="alone", predicted_activation=1.0, predicted_valence=1.0),
    ]
    command = write_atlas(
        points_of(pd.DataFrame(rows)),
        [Excerpt(b"MP3", b"", 1.0, ""), Excerpt(b"", b"", 1.0, "broken")],
        tmp_path / "a b.parquet",
    )
    assert (
        command == f"embedding-atlas '{tmp_path}/a b.parquet' --x pca_2_as_it_is_valence --y pca_2_as_it_is_activation"
    )
    found = pd.read_parquet(tmp_path / "a b.parquet")
    assert found["file"].tolist() == ["a.wav", "b.wav"]
    assert found["pca_2_adapted_to_the_corpus_activation"].tolist()[0] == 2.5
    assert found["ratings_valence"].tolist()[0] == 4.5
    assert found["sound"][0] == {"bytes": b"MP3", "path": "0.mp3"}
    assert found["sound"][1] is None
