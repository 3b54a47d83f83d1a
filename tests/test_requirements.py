"""What is installed for development: pinned, with digests, and what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(name): version
    for name, version in (line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
}


def locked(file):
    """Versions by name, and how many digests each has."""
    text = (ROOT / "requirements" / f"{file}.txt").read_text()
    found = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        name, version = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", entry).groups()
        found[canonicalize_name(name)] = (version, len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?![0-9a-f])", entry)))
    return found


def wanted(extra):
    """Requirements of the package with an extra, and the extras that it brings."""
    extras = PROJECT["optional-dependencies"]
    left, found = [*PROJECT["dependencies"], *extras[extra]], []
    while left:
        requirement = Requirement(left.pop())
        if requirement.name == "affectmap":
            left += [each for name in requirement.extras for each in extras[name]]
        else:
            found.append(requirement)
    return found


#: Extras by the file that locks them.
LOCKS = {"demo": ["demo"], "dev": ["dev"], "container": ["serve", "annotate-postgresql"]}


@pytest.mark.parametrize("file", LOCKS)
def test_all_that_is_wanted_is_locked_with_digests(file):
    found = locked(file)
    assert all(n_digests for _, n_digests in found.values())
    for requirement in (each for extra in LOCKS[file] for each in wanted(extra)):
        name = canonicalize_name(requirement.name)
        version = PINS[name]
        assert requirement.specifier.contains(version), requirement
        if name != "torch":  # from an index of its own
            assert found[name][0] == version, name
    strange = {name for name, (version, _) in found.items() if PINS.get(name, version) != version}
    assert not strange
    assert not {name for name in found if name.startswith(("torch", "nvidia", "cuda"))}
