"""Install built archives, each into a fresh environment of its own, and try what a user does first.

    python .ci/smoke.py dist/*.whl dist/*.tar.gz

Dependencies come from pip's index, in the versions of constraints.txt. A wheel is tried with the extra `serve`, too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What an installation must hold beside code, below site-packages.
FILES = (
    "affectmap/py.typed",
    "affectmap/functionals.txt",
    "affectmap/annotator/static/index.html",
    "affectmap/annotator/static/languages/ur.json",
    "affectmap/explorer/static/explorer.html",
    "affectmap/corpora/synthetic/synthetic.toml",
    "affectmap/report/report.html",
    "affectmap/service/static/index.html",
    "affectmap/service/static/vendor/uPlot.iife.min.js",
    "affectmap/web/static/chart.js",
    *(
        f"affectmap/models/affectmap-{model}-v1/{name}"
        for model in ("egemaps", "whisper")
        for name in ("CARD.md", "LICENSE.md", "model.yaml", "weights.safetensors")
    ),
)
#: Licences of the code, of what it takes from others, and of the weights, as packages list them.
LICENCES = (
    "LICENSE",
    "fftsg.LICENSE",
    "uPlot.LICENSE",
    "wavesurfer.LICENSE",
    "affectmap-egemaps-v1/LICENSE.md",
    "affectmap-whisper-v1/LICENSE.md",
)
#: Never imported by the base installation.
ABSENT = ("torch", "scipy", "sklearn", "transformers", "matplotlib")


def main() -> None:
    """Try each archive that is named; the exit code is 1 where something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", nargs="+", type=Path)
    for archive in parser.parse_args().archives:
        print(f"== {archive.name}", flush=True)
        with tempfile.TemporaryDirectory() as place:
            installation = Installation(archive.resolve(), Path(place))
            installation.check_version()
            installation.check_files()
            installation.check_imports()
            installation.check_commands()
            if archive.suffix == ".whl":
                installation.check_service()


class Installation:
    """An archive in an environment of its own, without anything of this checkout on its path."""

    def __init__(self, archive: Path, place: Path) -> None:
        self.archive, self.place = archive, place
        venv.create(place / "env", with_pip=True)
        self.bin = place / "env" / ("Scripts" if os.name == "nt" else "bin")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "AFFECTMAP"))}
        self.environment = kept | {"XDG_CACHE_HOME": str(place / "cache")}
        self.install("")
        self.packages = Path(self.python("import affectmap; print(affectmap.__path__[0])")).parent

    def install(self, extras: str) -> None:
        """Install the archive with extras, such as ``[serve]``."""
        self.run("python", "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), f"{self.archive}{extras}")

    def run(self, program: str, *words: str) -> str:
        """Run a program of the environment in an empty folder; give what it prints."""
        command = [str(self.bin / program), *words]
        done = subprocess.run(
            command, cwd=self.place, env=self.environment, text=True, encoding="utf-8", capture_output=True, check=False
        )
        if done.returncode:
            sys.exit(f"failed: {program} {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def python(self, code: str) -> str:
        """Run code in the environment; give what it prints."""
        return self.run("python", "-c", code)

    def check_version(self) -> None:
        """The command, the package and its metadata are of the version that pyproject.toml names."""
        found = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
        version = found[1] if found else ""
        same(self.run("affectmap", "--version"), f"affectmap {version}", "version of the command")
        metadata = self.python("from importlib.metadata import version; print(version('affectmap'))")
        same(metadata, version, "version of the package")

    def check_files(self) -> None:
        """Data files and licences lie where they are looked for."""
        same([name for name in FILES if not (self.packages / name).is_file()], [], "files that are missing")
        lists = "from importlib.metadata import files; print(*(each.as_posix() for each in files('affectmap')))"
        names = [name for name in self.python(lists).split() if ".dist-info/licenses/" in name]
        same([name for name in LICENCES if not any(each.endswith(name) for each in names)], [], "licences missing")

    def check_imports(self) -> None:
        """A model is loaded and runs without any framework; the loops in C are there, or are told to be missing."""
        code = f"import sys, affectmap; affectmap.load_model(); print([m for m in {ABSENT} if m in sys.modules])"
        same(self.python(code), "[]", "frameworks imported")
        print("   kernels:", self.python("from affectmap.egemaps import kernels; print(kernels())"))

    def check_commands(self) -> None:
        """A recording is embedded and tracked, and the models are listed."""
        recording = self.recording()
        row = json.loads(self.run("affectmap", "embed", str(recording), "--format", "json", "-q"))
        same(1 <= row["activation"] <= 5 and row["not_speech"], True, "a tone is measured, and flagged as no speech")
        track = self.run("affectmap", "track", str(recording), "--windows", "1", "--format", "json", "-q")
        same(len(track.splitlines()), 3, "windows of a track")
        listed = self.run("affectmap", "models")
        same([name for name in ("egemaps", "whisper") if name not in listed], [], "models that are not listed")

    def check_service(self) -> None:
        """With the extra `serve`, an upload is answered with what the command prints."""
        self.install("[serve]")
        command = [str(self.bin / "affectmap"), "serve", "--port", "18437"]
        with subprocess.Popen(command, cwd=self.place, env=self.environment, stderr=subprocess.DEVNULL) as service:
            try:
                answer = json.loads(posted("http://127.0.0.1:18437/embed", self.recording().read_bytes()))
            finally:
                service.terminate()
        printed = json.loads(self.run("affectmap", "embed", str(self.recording()), "--format", "json", "-q"))
        same(answer["rows"][0]["activation"], printed["activation"], "activation over HTTP and by the command")

    def recording(self) -> Path:
        """Write three seconds of a tone that swells, as 16 bit WAV, with the standard library alone."""
        file = self.place / "tone.wav"
        moments = (n / 16000 for n in range(48000))
        swells = (0.3 * math.sin(942 * t) * math.sin(12.6 * t) for t in moments)
        samples = b"".join(int(32767 * value).to_bytes(2, "little", signed=True) for value in swells)
        with wave.open(str(file), "wb") as out:
            out.setparams((1, 2, 16000, 0, "NONE", ""))
            out.writeframes(samples)
        return file


def posted(url: str, body: bytes) -> bytes:
    """Post a recording, as often as it takes until the service listens."""
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "audio/wav"})) as answer:
                return bytes(answer.read())
        except ConnectionError:
            pass
        except urllib.error.HTTPError as error:
            sys.exit(f"failed: {url}: {error.code} {error.read().decode()}")
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
        if time.monotonic() > end:
            sys.exit(f"failed: nothing answers at {url}")
        time.sleep(0.5)


def same(found: object, expected: object, what: str) -> None:
    """Print a line where two things are the same, and end where they are not."""
    if found != expected:
        sys.exit(f"failed: {what}: {found}, not {expected}")
    print(f"   {what}: {'none' if found in ([], '[]') else found}", flush=True)


if __name__ == "__main__":
    main()
