"""``affectmap`` itself: help, exit codes, one line for each failure, clean streams."""

import errno
import json
import os
import signal
import sys
import warnings

import pytest
import typer

import affectmap.cli as cli
from affectmap import __version__
from affectmap.errors import AudioError, ConfigError, CorpusError, LabelError, ModelError, StorageError, UsageError
from cases import each

COMMANDS = (
    "demo",
    "embed",
    "adapt",
    "track",
    "serve",
    "corpora",
    "audit",
    "reproduce",
    "train",
    "export",
    "annotate",
    "agreement",
)
STOPPED = "stopped by Ctrl-C; nothing was half written, and a second run goes on from the cache"


@pytest.fixture
def failing(affectmap, monkeypatch):
    """Run a command that ends in some exception, or in some code."""
    default = signal.getsignal(signal.SIGINT)

    def run(end):
        def app(*arguments, **options):
            if isinstance(end, BaseException):
                raise end
            return end

        monkeypatch.setattr(cli, "app", app)
        return affectmap()

    yield run
    signal.signal(signal.SIGINT, default)


def test_version(affectmap):
    assert affectmap("--version") == (0, f"affectmap {__version__}\n", "")


def test_help_exactly(affectmap):
    assert affectmap("--help") == (
        0,
        """Usage: affectmap [OPTIONS] COMMAND [ARGS]...

  Speech in any language to a small, readable affect space: activation and
  valence.

Options:
  --version             Print the version.
  --install-completion  Install completion for the current shell.
  --show-completion     Show completion for the current shell, to copy it or
                        customize the installation.
  -h, --help            Show this message and exit.

Commands:
  demo       Run the whole protocol on synthetic speech.
  embed      Embed recordings.
  voice      Measure voices for people to read: pitch, noise, rate, pauses.
  adapt      Adapt a model to unlabelled recordings.
  track      Follow activation and valence through a long recording.
  serve      Serve a model over HTTP, with a page.
  models     List the models that come with it; fetch and pack their encoders.
  corpora    List supported corpora, or what a folder or table contains.
  audit      Check corpora before any result is believed.
  reproduce  Run the whole protocol: tables, report and models.
  train      Train a model on corpora.
  score      Score a model on a labelled corpus.
  explore    Show every utterance as a point that can be heard.
  export     Export a model as an ONNX graph or for the Hugging Face Hub.
  annotate   Rate recordings in the browser, alone or in a team.
  agreement  Measure how far raters agree, and make a gold standard.
  ratings    Convert raw ratings from and to other formats.
""",
        "",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_80_columns_and_cuts_nothing_off(affectmap, command):
    code, out, err = affectmap(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: affectmap {command} [OPTIONS]")
    assert max(map(len, out.splitlines())) <= 80
    assert "..." not in out.replace("]...", "").replace("}...", "")


def test_without_a_command_there_is_help_on_the_error_stream(affectmap):
    code, out, err = affectmap()
    assert (code, out) == (2, "")
    assert err == affectmap("--help").out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["bogus"], "no such command 'bogus'; see affectmap --help"),
        (["embd"], "no such command 'embd'. Did you mean 'embed'?; see affectmap --help"),
        (["--nope"], "no such option: --nope; see affectmap --help"),
        (["reproduce", "--nope"], "no such option: --nope; see affectmap reproduce --help"),
        (["train", "stray"], "got unexpected extra argument(s) (stray); see affectmap train --help"),
        (["corpora", "--labels"], "option '--labels' requires an argument; see affectmap --help"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(affectmap, arguments, line):
    assert affectmap(*arguments) == (2, "", f"affectmap: error: {line}\n")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["reproduce", "--epoch", "3"], ["no such option: --epoch", "--epochs"]),
        (["reproduce", "--epochs", "three"], ["invalid value for '--epochs'", "integer"]),
        (["reproduce", "--folds", "x"], ["invalid value for '--folds'", "'x'", "stratified"]),
        (["train", "--method", "x"], ["invalid value for '--method'", "'joint'"]),
        (["demo", "--seed", "1.5"], ["invalid value for '--seed'", "integer"]),
    ],
)
def test_a_wrong_value_names_option_and_values(affectmap, arguments, parts):
    code, out, err = outcome = affectmap(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert outcome.error.endswith(f"; see affectmap {arguments[0]} --help")
    assert all(part in outcome.error for part in parts)


@pytest.mark.parametrize("kind", [AudioError, ConfigError, CorpusError, LabelError, ModelError, StorageError])
def test_data_at_fault_ends_with_1(failing, kind):
    assert failing(kind("a.wav: silent; leave it out")) == (1, "", "affectmap: error: a.wav: silent; leave it out\n")


def test_settings_at_fault_end_with_2(failing):
    assert failing(UsageError("epochs: no")) == (2, "", "affectmap: error: epochs: no\n")


def test_a_message_of_several_lines_becomes_one(failing):
    assert failing(CorpusError("a\nb.wav: empty")).err == "affectmap: error: a b.wav: empty\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; free space, and run it again"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.wav"),
            "a.wav: Permission denied; give access to it, or name another, and run it again",
        ),
        (OSError("torn"), "torn; give access to it, or name another, and run it again"),
    ],
)
def test_trouble_with_files_is_one_line(failing, error, line):
    assert failing(error) == (1, "", f"affectmap: error: {line}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
@pytest.mark.parametrize("command", ["corpora", "train"])
def test_a_name_that_is_no_text_is_one_line(affectmap, here, command):
    folder = here / os.fsdecode(b"m\xfcsik")
    folder.mkdir()
    (folder / "03a01Wa.wav").touch()
    outcome = affectmap(command, *(["--source"] if command == "train" else []), f"emodb={folder.name}")
    assert outcome.code == 1
    assert outcome.error == r"a name holds '\udcfc', which is not UTF-8; rename file or folder"


@pytest.mark.parametrize("end", [KeyboardInterrupt(), typer.Abort(), 130])
def test_ctrl_c_is_one_line_and_a_second_one_ends_it_at_once(failing, end):
    assert failing(end) == (1, "", f"affectmap: error: {STOPPED}\n")
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL


def test_a_command_may_choose_its_exit_code(failing):
    assert failing(3) == (3, "", "")
    assert failing(None) == (0, "", "")


def test_a_bug_is_not_hidden(monkeypatch):
    def app(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(ZeroDivisionError):
        cli.main([])


def _warning_app(*arguments, **options):
    warnings.warn("of a library", RuntimeWarning, stacklevel=1)


def test_warnings_of_libraries_stay_away_from_the_user(affectmap, monkeypatch):
    monkeypatch.setattr(cli, "app", _warning_app)
    monkeypatch.setattr(sys, "warnoptions", [])
    monkeypatch.setenv("PYTHONWARNINGS", "before")
    with warnings.catch_warnings():
        assert affectmap() == (0, "", "")
    assert os.environ["PYTHONWARNINGS"] == "ignore"


def test_warnings_asked_for_are_shown(monkeypatch):
    monkeypatch.setattr(cli, "app", _warning_app)
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    with pytest.raises(RuntimeWarning):
        cli.main([])


def test_help_starts_fast_for_it_imports_little(process):
    """Asked of one process, which never unloads a module: what none of the verbs has loaded in the end, no verb loads."""
    first = (
        "import json, sys\nfrom affectmap.cli import main\n"
        f"for arguments in {[['--help'], *([command, '--help'] for command in COMMANDS)]}:\n"
        "    try: main(arguments)\n"
        "    except SystemExit as ended: told = [arguments[0], ended.code, sorted(sys.modules)]\n"
        "    print(json.dumps(told), file=sys.stderr)"
    )
    code, _, err = process("--version", first=first)
    assert code == 0
    told = [json.loads(line) for line in err.splitlines()]
    assert [verb for verb, *_ in told] == ["--help", *COMMANDS]
    heavy = {"torch", "sklearn", "scipy", "pandas", "numpy", "matplotlib", "joblib", "audformat", "opensmile"}
    heavy |= {"affectmap.corpora", "affectmap.experiment.experiment", "affectmap.features.functionals"}
    for verb, code, loaded in told:
        assert code == 0, verb
        assert "typer" in loaded
        assert not heavy.intersection(loaded), verb


def test_help_of_the_program_needs_no_verb(process):
    first = "import atexit, sys\natexit.register(lambda: print([name for name in sys.modules if 'affectmap.cli.' in name], file=sys.stderr))"
    assert process("-h", first=first).err == "['affectmap.cli.progress']\n"


def test_completion_is_offered(process):
    code, out, _ = process(
        "--show-completion", env={"SHELL": "/bin/bash", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert code in (0, 2)
    code, out, _ = process(
        env={"_AFFECTMAP_COMPLETE": "complete_bash", "COMP_WORDS": "affectmap emb", "COMP_CWORD": "1"}
    )
    assert (code, out.split()) == (0, ["embed"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
@each("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_it_leaves_nothing_half_written(process, here, name):
    first = f"""
import os, signal
from pathlib import Path
import affectmap.cli.embed as verb
from affectmap.files import new_file

def stop(sources):
    with new_file(Path("half.csv")) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.{name})

verb.list_recordings = stop
"""
    done = process("embed", "a.wav", first=first)
    assert done == (128 + getattr(signal, name), "", "")
    assert [file for file in here.rglob("*") if file.is_file()] == []


def test_quiet_and_verbose(affectmap, tables):
    arguments = ["audit", *tables, "--folds", "stratified"]
    plain, quiet, verbose = (affectmap(*arguments, *more) for more in ([], ["-q"], ["--verbose"]))
    assert quiet == (0, plain.out, "")
    assert verbose.out == plain.out
    for line in plain.err.splitlines():
        assert any(told.endswith(f" s  {line}") for told in verbose.err.splitlines()), line
    assert "functionals of birds: " in verbose.err


def test_a_reader_that_left_is_no_error(process):
    read, write = os.pipe()
    os.close(read)
    try:
        assert process("corpora", stdout=write) == (1, "", "")
    finally:
        os.close(write)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")  # noqa: PTH110
def test_a_full_disk_behind_stdout_is_one_line(process):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        outcome = process("corpora", stdout=full)
    assert outcome.code == 1
    assert outcome.error == "No space left on device; free space, and run it again"


def test_a_terminal_that_lacks_a_character_shows_another(process):
    code, out, err = process("reproduce", "--help", env={"PYTHONIOENCODING": "latin-1"})
    assert (code, err) == (0, "")
    assert "Weight ? of the losses" in out
