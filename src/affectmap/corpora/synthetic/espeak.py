"""The program that speaks: one process, one pass through espeak-ng, the recordings on standard output.

espeak-ng keeps its state in global variables, noise generators included, and has no call that resets all of
them: a sentence sounds a little different after others. Run as a process of its own it starts from the same
state, so the same request gives the same bytes, and nothing stays behind in the process that asked. The file
imports the standard library only and is run by its path, which starts much faster than the package does.

Conventions:
    * Standard input: JSON ``{"library": path, "data": path, "seed": int, "lines": [Line, ...]}``.
    * Standard output: one line of JSON ``{"sampling_rate": Hz, "n_samples": [int, ...]}``, then the samples,
      one line after the other, 16 bit integers in the machine's byte order.
    * Exit status 0, or 1 with one line on standard error that says why.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

#: Constants of espeak-ng's C interface (speak_lib.h, espeak_ng.h).
_OUTPUT_SYNCHRONOUS = 1
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7
_POSITION_CHARACTER = 1
_TEXT_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_BYTES_PER_SAMPLE = 2


class Line(NamedTuple):
    """One sentence and how to say it.

    Attributes:
        text: The sentence with its full stop or exclamation mark.
        voice: Language and variant, such as ``de+f2``.
        rate: Words a minute, 80..450.
        pitch: Base pitch, 0..99; 50 is the variant's own and 5 steps are about a semitone.
        range: Pitch range, 0..99; 50 is the variant's own, 0 is monotone.
        gap: Pause between words in units of 10 ms, at least 0.

    Example:
        >>> Line("Guten Morgen.", "de+f2", rate=160, pitch=50, range=50, gap=0).voice
        'de+f2'
    """

    text: str
    voice: str
    rate: int
    pitch: int
    range: int
    gap: int


class Espeak:
    """The library, loaded and ready to speak into memory; no audio device is opened.

    Args:
        library: The shared library.
        data: The folder of its voices. The working directory becomes the folder above it: the library holds a
            path in 160 bytes, and a relative one fits wherever the voices lie, in whatever script.

    Raises:
        OSError: If the library cannot be loaded or finds no voices in `data`.
    """

    def __init__(self, library: Path, data: Path) -> None:
        self._library: Any = ctypes.CDLL(str(library))
        os.chdir(data.parent)
        self._library.espeak_ng_InitializePath(os.fsencode(data.name))
        self._expect(self._library.espeak_ng_Initialize(None), f"no usable voices in {data}")
        self._expect(self._library.espeak_ng_InitializeOutput(_OUTPUT_SYNCHRONOUS, 0, None), "no output into memory")
        self.sampling_rate = int(self._library.espeak_ng_GetSampleRate())
        self._spoken = bytearray()
        self._callback = _CALLBACK(self._collect)  # the library keeps only a pointer: this name keeps it alive
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], n_samples: int, _events: int | None) -> int:
        if samples and n_samples > 0:
            self._spoken += ctypes.string_at(samples, n_samples * _BYTES_PER_SAMPLE)
        return 0

    @staticmethod
    def _expect(status: int, complaint: str) -> None:
        if status:
            raise OSError(f"{complaint} (status {status & 0xFFFFFFFF:#x})")

    def speak(self, line: Line, seed: int) -> bytes:
        """Speak one line; give 16 bit samples in the machine's byte order, or raise an OSError that says why not."""
        self._expect(self._library.espeak_ng_SetVoiceByName(line.voice.encode()), f"no voice {line.voice!r}")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        for parameter, value in ((_RATE, line.rate), (_PITCH, line.pitch), (_RANGE, line.range), (_WORD_GAP, line.gap)):
            self._expect(self._library.espeak_ng_SetParameter(parameter, value, 0), f"{line} is refused")
        self._spoken.clear()
        text = line.text.encode() + b"\0"
        status = self._library.espeak_ng_Synthesize(
            text, ctypes.c_size_t(len(text)), 0, _POSITION_CHARACTER, 0, _TEXT_UTF8, None, None
        )
        self._expect(status or self._library.espeak_ng_Synchronize(), f"{line.text!r} cannot be spoken")
        if len(self._spoken) < _BYTES_PER_SAMPLE * self.sampling_rate // 10:  # so it is without its dictionary
            raise OSError(f"{line.text!r} gives no speech as {line.voice!r}")
        return bytes(self._spoken)


def main() -> int:
    """Speak the request on standard input."""
    request = json.load(sys.stdin.buffer)
    try:
        espeak = Espeak(Path(request["library"]), Path(request["data"]))
        spoken = [espeak.speak(Line(*line), request["seed"]) for line in request["lines"]]
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    n_samples = [len(samples) // _BYTES_PER_SAMPLE for samples in spoken]
    header = {"sampling_rate": espeak.sampling_rate, "n_samples": n_samples}
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + b"".join(spoken))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
