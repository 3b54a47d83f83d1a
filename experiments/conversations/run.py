"""How well two speakers are told apart, and what a wrong turn does to a trajectory; `results.csv`.

    AFFECTMAP_DATA=... python experiments/conversations/run.py

Conversations are joined from two speakers of EMO-DB, AESDD or URDU (`made.py`). The projection of the embedding is
learned from the other two corpora (`fit.py`), so that no speaker is known; the embedding that comes with the package is
learned from all three. A row is a conversation:

`confused`, `missed`, `false`: seconds that go to the wrong speaker, to none, or are no speech, as parts of the speech;
    `error` is their sum, the diarisation error rate. 0.25 s on both sides of every begin and end do not count.
`alone`: what `confused` is when all goes to the one who speaks more.
`n_found`: speakers found; `evidence` a window.
`activation`, `valence`: root mean square difference between the levels of a speaker by the turns found and by the true
    ones, over the times at which the speaker speaks, in points; `activation_alone`, `valence_alone`: when nobody is
    told apart. Statistics are the model's own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from fit import CORPORA, projection_of, utterances_of, windows_of
from made import RATE, Conversation, Utterance, join, pairs_of, two_channels

import affectmap.track.conversation as telling
from affectmap import load_corpus, load_model
from affectmap.audio.speech_detection import SpeechCutter
from affectmap.audio.stream import Recording
from affectmap.model.model import Model
from affectmap.track import recording, speaker_embedding, track
from affectmap.track.conversation import Turns
from affectmap.track.smoothing import add_levels, default_smoothing
from affectmap.track.turns import Levels, Turn

HERE = Path(__file__).parent
N_CONVERSATIONS = 5  # of a kind
N_CHANNELS = 2  # of these, with a channel each, too
COLLAR_S, FRAME_S = 0.25, 0.01
LABELS = ("activation", "valence")


def sexes_of(corpus: str) -> dict[str, str]:
    """Give the sex of speakers where it is known."""
    table = load_corpus(f"{corpus}={Path(os.environ['AFFECTMAP_DATA'], 'corpora', corpus)}").table
    return {} if "sex" not in table else table.dropna(subset=["sex"]).groupby("speaker")["sex"].first().to_dict()


def frames_of(spoken: list[tuple[float, float, int]], n_frames: int) -> np.ndarray:
    """Give a speaker a frame; -1 is none."""
    frames = np.full(n_frames, -1)
    for begin, end, who in spoken:
        frames[round(begin / FRAME_S) : round(end / FRAME_S)] = who
    return frames


def errors(truth: list[tuple[float, float, int]], found: list[tuple[float, float, int]], n_s: float) -> dict[str, Any]:
    """Score turns; speakers are matched the way that confuses less."""
    n_frames = round(n_s / FRAME_S)
    true, mine, counts = frames_of(truth, n_frames), frames_of(found, n_frames), np.ones(n_frames, bool)
    for edge in [edge for begin, end, _ in truth for edge in (begin, end)]:
        counts[max(0, round((edge - COLLAR_S) / FRAME_S)) : round((edge + COLLAR_S) / FRAME_S)] = False
    true, mine = true[counts], mine[counts]
    n_speech, both = int((true >= 0).sum()), (true >= 0) & (mine >= 0)
    straight, crossed = int((both & (true != mine)).sum()), int((both & (true != 1 - mine)).sum())
    shares = {
        "confused": min(straight, crossed),
        "missed": int(((true >= 0) & (mine < 0)).sum()),
        "false": int(((true < 0) & (mine >= 0)).sum()),
        "alone": min(int((both & (true == who)).sum()) for who in (0, 1)),
    }
    parts = {name: count / n_speech for name, count in shares.items()}
    error = parts["confused"] + parts["missed"] + parts["false"]
    return {"error": error, **parts, "is_crossed": crossed < straight}


def levels_at(table: pd.DataFrame, speaker: str, label: str, times: np.ndarray) -> np.ndarray:
    """Give the level of a speaker at some times, from those of the speaker's segments; of all where there are none."""
    rows = (table["speaker"] == speaker).to_numpy()
    rows = rows if rows.any() else np.ones(len(table), bool)
    start, end = (table.index.get_level_values(name).total_seconds().to_numpy() for name in ("start", "end"))
    return np.interp(times, ((start + end) / 2)[rows], table[f"{label}_level"].to_numpy()[rows])


def differences(file: Path, model: Model, turns: Turns, talk: Conversation, crossed: bool) -> dict[str, float]:
    """Compare levels by the turns found, and those of all speech, with levels by the true turns."""
    spoken = [Turn(round(a * RATE), round(b * RATE), 1.0, telling.NAMES[who]) for a, b, who in talk.spoken]
    true, found = tracked(file, model, Turns([(Recording(file), spoken)], [])), tracked(file, model, turns)
    alone = found.copy()
    alone["speaker"] = "S1"
    add_levels(alone, default_smoothing(len(talk.signal) / RATE))
    squares: dict[str, list[np.ndarray]] = {}
    for who in (0, 1):
        times = np.array([(a + b) / 2 for a, b, each in talk.spoken if each == who])
        mine = telling.NAMES[1 - who if crossed else who]
        for label in LABELS:
            right = levels_at(true, telling.NAMES[who], label, times)
            squares.setdefault(label, []).append((levels_at(found, mine, label, times) - right) ** 2)
            squares.setdefault(f"{label}_alone", []).append((levels_at(alone, "S1", label, times) - right) ** 2)
    return {name: float(np.sqrt(np.mean(np.concatenate(each)))) for name, each in squares.items()}


def tracked(file: Path, model: Model, turns: Turns) -> pd.DataFrame:
    """Track by turns that are known."""
    own = recording.find_turns
    try:
        recording.find_turns = lambda *_, **__: turns
        return track(file, model, n_speakers=2, n_jobs=1).table
    finally:
        recording.find_turns = own


def heard_once() -> None:
    """Let the two ways of telling voices apart by sound detect the speech of a conversation only once."""
    hear, known = telling._heard, {}

    def heard(source: Recording, cutter: SpeechCutter, levels: Levels, progress: None = None) -> list[Any]:
        key = (source.file, source.file.stat().st_mtime_ns)
        if key not in known:
            segments = list(hear(source, cutter, levels))
            if len(known) > 1:  # the conversation before, and the voice enrolled in it
                known.clear()
            known[key] = segments, levels._powers
        segments, levels._powers = known[key]
        return segments

    telling._heard = heard


def told(file: Path, enrol: Path | None = None) -> tuple[Turns, list[tuple[float, float, int]]]:
    """Find the turns of a file; the second of the names is speaker 1."""
    turns = telling.find_turns(Recording(file), SpeechCutter, enrol=enrol)
    names = telling.ENROLLED if enrol else telling.NAMES
    flat = [turn for _, mine in turns.by_channel for turn in mine if turn.speaker]
    return turns, [(turn.first / RATE, turn.last / RATE, names.index(turn.speaker)) for turn in flat]


class Evidence:
    """Remembers what `separate` found."""

    def __init__(self) -> None:
        self.last, self._separate = None, telling.separate
        telling.separate = self

    def __call__(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 (passed through)
        self.last = self._separate(*given, **named)
        return self.last


def rows_of(corpus: str, utterances: list[Utterance], model: Model, folder: Path, evidence: Evidence) -> list[dict]:
    """Measure the conversations of a corpus."""
    rows: list[dict] = []
    pairs = pairs_of(utterances, sexes_of(corpus))
    for sexes, known in sorted(pairs.items()):
        for share in (0.5, 0.9):
            for seed in range(N_CONVERSATIONS):
                rng = np.random.default_rng([seed, round(10 * share)])
                pair = known[int(rng.integers(len(known)))]
                pair = pair if rng.random() < 0.5 else pair[::-1]
                talk = join(utterances, pair, rng, n_turns=20 if share == 0.5 else 12, share=share)
                about = {"corpus": corpus, "sexes": sexes, "share": share, "seed": seed}
                rows += conversation_rows(talk, about, utterances, pair, rng, model, folder, evidence)
                print(about, flush=True)
    speakers = sorted({name for known in pairs.values() for pair in known for name in pair})
    for seed in range(3 * N_CONVERSATIONS):
        rng = np.random.default_rng([seed, 99])
        name = speakers[int(rng.integers(len(speakers)))]
        talk = join(utterances, (name, name), rng, n_turns=20, share=0.5)
        soundfile.write(folder / "one.wav", talk.signal, RATE)
        told(folder / "one.wav")
        about = {"corpus": corpus, "sexes": "", "share": 1.0, "seed": seed, "how": "one speaker"}
        rows.append({**about, "n_found": evidence.last.n_speakers, "evidence": evidence.last.evidence})
    return rows


def conversation_rows(
    talk: Conversation,
    about: dict[str, Any],
    utterances: list[Utterance],
    pair: tuple[str, str],
    rng: np.random.Generator,
    model: Model,
    folder: Path,
    evidence: Evidence,
) -> list[dict]:
    """Measure one conversation: by sound, by an enrolled voice, and by channel."""
    file, duration_s = folder / "talk.wav", len(talk.signal) / RATE
    soundfile.write(file, talk.signal, RATE)
    turns, found = told(file)
    scores = errors(talk.spoken, found, duration_s)
    sound = {**about, "how": "sound", "n_found": evidence.last.n_speakers, "evidence": evidence.last.evidence, **scores}
    rows = [{**sound, **differences(file, model, turns, talk, bool(scores["is_crossed"]))}]
    own = [signal for name, signal in utterances if name == pair[0]]
    chosen = rng.permutation(len(own))[:4]  # spoken in the conversation, too, where a speaker has few utterances
    soundfile.write(folder / "voice.wav", np.concatenate([own[i] for i in chosen]), RATE)
    _, found = told(file, folder / "voice.wav")
    rows.append(
        {**about, "how": "enrolled", "n_found": evidence.last.n_speakers, **errors(talk.spoken, found, duration_s)}
    )
    if about["share"] == 0.5 and about["seed"] < N_CHANNELS:
        soundfile.write(folder / "two.wav", two_channels(talk, rng), RATE)
        turns, found = told(folder / "two.wav")
        by_channel = {"how": "channels" if len(turns.by_channel) == 2 else "channels, not seen"}
        rows.append({**about, **by_channel, **errors(talk.spoken, found, duration_s)})
    return rows


def main() -> None:
    """Write results.csv."""
    told_apart = {name: utterances_of(name) for name in CORPORA}
    windows = {name: windows_of(each) for name, each in told_apart.items()}
    model, rows, evidence = load_model(), [], Evidence()
    heard_once()
    with tempfile.TemporaryDirectory() as folder:
        for corpus, material in told_apart.items():
            weights = projection_of({name: each for name, each in windows.items() if name != corpus})
            speaker_embedding._weights = lambda weights=weights: weights
            spoken = [(speaker, signal) for speaker, _, _, signal in material]
            rows += rows_of(corpus, spoken, model, Path(folder), evidence)
            table = pd.DataFrame(rows).drop(columns="is_crossed")
            table.to_csv(HERE / "results.csv", index=False, float_format="%.3f")
            print(table[table["corpus"] == corpus].groupby(["how", "share", "sexes"]).mean(numeric_only=True).round(3))


if __name__ == "__main__":
    main()
