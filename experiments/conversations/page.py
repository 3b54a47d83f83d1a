"""Write what was measured into docs/track.md, between its marks.

python experiments/conversations/page.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectmap.files import write_text
from affectmap.text import between_marks, markdown, out_of, score

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "track.md"
_SEXES = {"other": "a man and a woman", "same": "the same sex", "unknown": "sexes not known (AESDD)"}
_EMBEDDINGS = {
    "cepstra": "cepstrum (in use)",
    "functionals": "the 88 functionals",
    "whisper": "Whisper, layer 1",
    "resemblyzer": "resemblyzer",
}
_STATISTICS = {
    ("hour", "source"): "an hour: the model's own",
    ("hour", "recording"): "an hour: the whole recording's",
    ("hour", "running"): "an hour: running",
    ("weeks", "source"): "weeks: the model's own",
    ("weeks", "recording"): "weeks: each recording's",
    ("weeks", "running"): "weeks: running within each recording",
    ("weeks", "first"): "weeks: the first week's, kept (`--save-model`)",
    ("weeks", "mixed"): "weeks: 30 utterances of all emotions, kept",
}


def turns(table: pd.DataFrame) -> str:
    """Describe how well speakers are told apart."""
    rows = [["speakers", "speech", "two found", "confused then", "error in all", "activation off", "told as one voice"]]
    sound = table[table["how"] == "sound"]
    for (share, sexes), group in sound.groupby(["share", "sexes"]):
        found = group[group["n_found"] == 2]
        levels = [f"{each:.2f}" for each in group[["activation", "activation_alone"]].mean()]
        speech = "half each" if share == 0.5 else "nine tenths and one"
        confused = f"{found['confused'].mean():.1%}" if len(found) else "–"
        counts = f"{len(found)} of {len(group)}"
        rows.append([_SEXES[sexes], speech, counts, confused, f"{group['error'].mean():.0%}", *levels])
    one = table[table["how"] == "one speaker"]
    by_channel = table[table["how"].str.startswith("channels")]
    seen = by_channel[by_channel["how"] == "channels"]
    invented = out_of(int((one["n_found"] == 2).sum()), len(one), "recording")
    enrolled = table[table["how"] == "enrolled"].groupby("share")["error"].mean()
    return "\n\n".join(
        [
            markdown(rows, 2),
            f"A second speaker was invented in {invented} of one speaker whose emotion changes with every utterance. "
            f"By channel, with the other voice 16 dB lower in each, {len(seen)} of {len(by_channel)} recordings were "
            f"told apart, with an error of {seen['error'].mean():.1%} ({seen['confused'].mean():.1%} confused). "
            f"With one voice enrolled from four utterances the error is {enrolled[0.5]:.0%} where both speak half, and "
            f"{enrolled[0.9]:.0%} where the enrolled one speaks nine tenths: all is taken for the enrolled voice where "
            "the evidence does not suffice for another.",
        ]
    )


def embeddings(table: pd.DataFrame) -> str:
    """Compare embeddings: share of windows confused where two are told in any case."""
    half = table[table["share"] == 0.5].pivot_table(index="embedding", columns=["corpus", "sexes"], values="error")
    heads = [f"{corpus}, {_SEXES[sexes].removesuffix(' (AESDD)')}" for corpus, sexes in half]
    rows = [["embedding", *heads]]
    rows += [
        [text, *(f"{each:.0%}" for each in half.loc[name])] for name, text in _EMBEDDINGS.items() if name in half.index
    ]
    return markdown(rows)


def weeks(table: pd.DataFrame) -> str:
    """Compare statistics by what is left of a slow change."""
    drift = table[(table["scenario"] == "drift") & (table["label"] == "activation")]
    moved = table[(table["scenario"] == "constant, telephone") & (table["label"] == "activation")]
    rows = [["statistics", "EMO-DB", "AESDD", "EMO-DB, by telephone", "AESDD, by telephone"]]
    for (form, policy), text in _STATISTICS.items():
        cells = [text]
        for part, column in ((drift, "slope"), (moved, "step")):
            mine = part[(part["form"] == form) & (part["statistics"] == policy)].set_index("corpus")[column]
            cells += [score(mine[corpus], signed=column == "step") for corpus in ("emodb", "aesdd")]
        rows.append(cells)
    return markdown(rows)


def main() -> None:
    """Write docs/track.md."""
    page = PAGE.read_text(encoding="utf-8")
    page = between_marks(page, "speakers", turns(pd.read_csv(HERE / "results.csv")))
    page = between_marks(page, "embeddings", embeddings(pd.read_csv(HERE / "embeddings.csv")))
    page = between_marks(page, "weeks", weeks(pd.read_csv(HERE / "weeks.csv")))
    write_text(PAGE, page)


if __name__ == "__main__":
    main()
