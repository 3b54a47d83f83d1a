"""Finding a recording by its path below the served folder, and nothing else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from affectmap.web.refusal import RefusalError


def find_recording(root: Path | None, path: str) -> Path:
    """Find a recording below the served folder.

    Args:
        root: The served folder; None where the service was started without one.
        path: Relative to it, with forward slashes; taken as it is, so ``%2e`` is no dot.

    Returns:
        The file.

    Raises:
        RefusalError: If there is no served folder, the path is absolute or leads out of it, also by a link, or there is
            no such file.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.wav").touch()
        >>> find_recording(folder, "a.wav").name
        'a.wav'
        >>> find_recording(folder, "../a.wav")
        Traceback (most recent call last):
        affectmap.web.refusal.RefusalError: path '../a.wav' leads out of the served folder; name a file within
    """
    if root is None:
        raise RefusalError(403, "no folder is served; upload the recording, or start with --root FOLDER")
    told = f"path {path[:200]!r}"
    if not path or "\0" in path or "\\" in path or not path.isprintable():
        raise RefusalError(422, f"{told} is not a path here; name a file below the served folder, with forward slashes")
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        raise RefusalError(403, f"{told} is absolute; name a file relative to the served folder")
    if ".." in PurePosixPath(path).parts:
        raise RefusalError(403, f"{told} leads out of the served folder; name a file within")
    try:
        base = root.resolve()
        found = (base / path).resolve()
        if not found.is_relative_to(base):
            raise RefusalError(403, f"{told} leads out of the served folder; name a file within")
        if not found.is_file():
            raise RefusalError(404, f"{told} is no file below the served folder")
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, links in a circle
        raise RefusalError(404, f"{told} is no file below the served folder") from error
    return found
