"""Which embedding tells two speakers apart: ours, functionals, an encoder's layer, and resemblyzer's; `embeddings.csv`.

    AFFECTMAP_DATA=... [AFFECTMAP_ENCODERS=...] python experiments/conversations/embeddings.py [WEIGHTS]

Conversations are sequences of windows of 1.6 s from whole utterances of two speakers, 20 turns of 1 to 3 utterances, or
12 turns of 9 and 1 (share .9): no detector and no false begin of a turn takes part. All candidates are told apart by
`affectmap.track.speakers.separate`. All but resemblyzer's are projected as ours are (`fit.py`), learned from the other
two corpora. `whisper` (mean and standard deviation of layer 1) is left out without its encoder, `resemblyzer` without
WEIGHTS, the file pretrained.pt of the package resemblyzer, which PyTorch reads; its numbers are multiplied by 8, about
one over its standard deviation within a speaker.

`error`: share of windows that go to the wrong speaker where two are told in any case; `auc`: probability that two
speakers have more evidence than one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from fit import CORPORA, Windows, projection_of, utterances_of
from made import pairs_of

from affectmap.audio.speech_detection import RATE
from affectmap.errors import ModelError
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.engines import measure_functionals
from affectmap.track.speaker_embedding import WINDOW_S, cepstral_statistics, window_starts
from affectmap.track.speakers import separate
from affectmap.whisper.encoder import load_encoder
from affectmap.whisper.mel import mel_filters
from run import sexes_of

HERE = Path(__file__).parent
N_CONVERSATIONS, N_UTTERANCES, SCALE = 12, 240, 8.0


def candidates(weights: str | None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Give what makes a row of numbers of a window, by name."""
    found = {"cepstra": cepstral_statistics, "functionals": lambda signal: measure_functionals(signal, RATE)}
    try:
        encoder = load_encoder(find_encoder(), 1)
        found["whisper"] = encoder.pooled
    except ModelError as error:
        print(f"without whisper: {error}")
    if weights:
        found["resemblyzer"] = resemblyzer(Path(weights))
    return found


def resemblyzer(weights: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Give the network of Wan et al. (2018) with the weights of resemblyzer: three LSTM of 256 on 40 mel bands."""
    import torch

    torch.set_num_threads(1)
    state = torch.load(weights, map_location="cpu", weights_only=False)["model_state"]
    recurrent, linear = torch.nn.LSTM(40, 256, 3, batch_first=True), torch.nn.Linear(256, 256)
    for module, name in ((recurrent, "lstm."), (linear, "linear.")):
        module.load_state_dict({key.removeprefix(name): each for key, each in state.items() if key.startswith(name)})

    def embed(signal: np.ndarray) -> np.ndarray:
        gain = max(1.0, 10 ** (-30 / 20) / max(float(np.sqrt(np.mean(signal**2))), 1e-6))
        padded = np.pad(gain * signal, 200, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:160]
        powers = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2 @ mel_filters(40)
        with torch.no_grad():
            _, (hidden, _) = recurrent(torch.tensor(powers[None], dtype=torch.float32))
            found = torch.relu(linear(hidden[-1]))[0].numpy()
        return SCALE * found / np.linalg.norm(found)

    return embed


def conversation(
    names: list[str], windows: list[np.ndarray], pair: tuple[str, str], rng: np.random.Generator, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give windows, who speaks in each, and whether it begins an utterance."""
    pools = [rng.permutation([i for i, name in enumerate(names) if name == speaker]) for speaker in pair]
    used, parts, who, begins = [0, 0], [], [], []
    for turn in range(20 if share == 0.5 else 12):
        speaker = turn % 2
        for _ in range(int(rng.integers(1, 4)) if share == 0.5 else (9, 1)[speaker]):
            parts.append(windows[pools[speaker][used[speaker] % len(pools[speaker])]])
            used[speaker] += 1
            who += [speaker] * len(parts[-1])
            begins += [True] + [False] * (len(parts[-1]) - 1)
    return np.concatenate(parts), np.array(who), np.array(begins)


def rows_of(corpus: str, name: str, names: list[str], windows: list[np.ndarray]) -> list[dict]:
    """Tell speakers apart in the conversations of a corpus."""
    pairs = pairs_of([(each, np.empty(0)) for each in names], sexes_of(corpus))
    speakers = sorted({each for known in pairs.values() for pair in known for each in pair})
    rows, alone = [], []
    for seed in range(N_CONVERSATIONS):
        rng = np.random.default_rng([seed, 1])
        values, _, begins = conversation(names, windows, (speakers[seed % len(speakers)],) * 2, rng, 0.5)
        alone.append(separate(values, begins).evidence)
    for sexes, known in sorted(pairs.items()):
        for share in (0.5, 0.9):
            errors, evidence = [], []
            for seed in range(N_CONVERSATIONS):
                rng = np.random.default_rng([seed, 2])
                values, who, begins = conversation(names, windows, known[int(rng.integers(len(known)))], rng, share)
                found = separate(values, begins, least_evidence=-np.inf)
                errors.append(min(np.mean(found.states != who), np.mean(found.states == who)))
                evidence.append(found.evidence)
            auc = float(np.mean(np.array(evidence)[:, None] > np.array(alone)[None]))
            about = {"embedding": name, "corpus": corpus, "sexes": sexes, "share": share}
            rows.append({**about, "error": float(np.mean(errors)), "auc": auc})
    return rows


def main() -> None:
    """Write embeddings.csv."""
    length, rng = round(WINDOW_S * RATE), np.random.default_rng(0)
    spoken = {}
    for corpus in CORPORA:
        utterances = utterances_of(corpus)
        spoken[corpus] = [utterances[i] for i in sorted(rng.permutation(len(utterances))[:N_UTTERANCES])]
    rows = []
    for name, embed in candidates(sys.argv[1] if len(sys.argv) > 1 else None).items():
        raw = {
            corpus: [
                np.array([embed(signal[first : first + length]) for first in window_starts(len(signal))], np.float64)
                for _, _, _, signal in utterances
            ]
            for corpus, utterances in spoken.items()
        }
        names = {corpus: [each[0] for each in utterances] for corpus, utterances in spoken.items()}
        flat = {
            corpus: Windows(np.concatenate(raw[corpus]), np.repeat(names[corpus], [len(each) for each in raw[corpus]]))
            for corpus in CORPORA
        }
        for corpus in CORPORA:
            windows = raw[corpus]
            if name != "resemblyzer":
                scale, projection = projection_of({each: flat[each] for each in CORPORA if each != corpus})
                windows = [each / scale @ projection for each in windows]
            rows += rows_of(corpus, name, names[corpus], windows)
            print(pd.DataFrame(rows[-4:]).round(2).to_string(index=False, header=False), flush=True)
        pd.DataFrame(rows).to_csv(HERE / "embeddings.csv", index=False, float_format="%.3f")


if __name__ == "__main__":
    main()
