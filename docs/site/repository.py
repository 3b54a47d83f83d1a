"""Show on the site what lies outside docs: pages of the repository that are linked to, and files to download.

MkDocs knows the pages in docs only. This hook looks at every link of a page; where it leads to a file elsewhere in the
repository, that file becomes a page (Markdown) or a download (all others) below ``repository/``, and the link is bent
to it. Links within such a page are followed in the same way. A link that leads nowhere is left for MkDocs to refuse.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "repository"
#: Target of a link in Markdown, without its anchor.
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the contents and pages name outside docs, and what those pages link to."""
    named = [uri for uri in entries(config.nav) if uri.startswith(f"{FOLDER}/")]
    for uri in named:
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / repository_path(uri))))
    waiting = list(files.documentation_pages())
    while waiting:
        page = waiting.pop()
        for target in linked(repository_path(page.src_uri), page.content_string):
            uri = site_path(target)
            if uri.startswith(f"{FOLDER}/") and not files.get_file_from_path(uri):
                found = File.generated(config, uri, abs_src_path=str(ROOT / target))
                files.append(found)
                waiting += [found] * uri.endswith(".md")
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Bend the links of a page to where the site has what they lead to."""
    source, here = repository_path(page.file.src_uri), posixpath.dirname(page.file.src_uri)

    def bent(found: re.Match[str]) -> str:
        target = resolved(source, found[2])
        if target is None:
            return found[0]
        return f"{found[1]}{posixpath.relpath(site_path(target), here or '.')}{found[3] or ''}{found[4]}"

    return LINK.sub(bent, markdown)


def entries(nav: object) -> list[str]:
    """Give the addresses in a table of contents, which holds lists and dictionaries of them.

    >>> entries(["index.md", {"Corpora": ["score.md", {"Audit": "audit.md"}]}])
    ['index.md', 'score.md', 'audit.md']
    """
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else []
    return [uri for part in parts for uri in entries(part)]


def linked(source: str, markdown: str) -> list[str]:
    """Give the files of the repository that a page links to, as paths from its root.

    >>> linked("docs/track.md", "see [a](../README.md#top), [b](nowhere.md), [c](https://example.org)")
    ['README.md']
    """
    return [target for found in LINK.finditer(markdown) if (target := resolved(source, found[2]))]


def resolved(source: str, link: str) -> str | None:
    """Give the path from the root of the repository that a link in a page leads to, None where it is no file."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return target if (ROOT / target).is_file() and not target.startswith("..") else None


def site_path(path: str) -> str:
    """Give where the site has a file of the repository.

    >>> site_path("docs/track.md"), site_path("experiments/track/detector.csv")
    ('track.md', 'repository/experiments/track/detector.csv')
    """
    place = PurePosixPath(path)
    return str(place.relative_to("docs") if place.parts[0] == "docs" else FOLDER / place)


def repository_path(uri: str) -> str:
    """Give the path from the root of the repository of what the site has at an address; the inverse of `site_path`."""
    inside = uri.removeprefix(f"{FOLDER}/")
    return inside if inside != uri else os.fspath(PurePosixPath("docs") / uri)
