"""The marks of methods and emotions within pages: the colours and shapes that figures draw them with."""

from __future__ import annotations

from markupsafe import Markup

from affectmap.style import METHOD_MARKS, PLAIN_MARK

#: Shapes by matplotlib's marker, as SVG paths about a unit wide.
PATHS = {
    "o": "M-.9 0A.9 .9 0 1 1 .9 0A.9 .9 0 1 1-.9 0Z",
    "s": "M-.85-.85H.85V.85H-.85Z",
    "D": "M0-1.1L1.1 0 0 1.1-1.1 0Z",
    "^": "M0-1.1L1.1.9H-1.1Z",
    ".": "M-.5 0A.5 .5 0 1 1 .5 0A.5 .5 0 1 1-.5 0Z",
}


def swatch(method: str) -> Markup:
    """Draw the mark of a method as SVG within a page; hollow for what is trained on a corpus' own labels.

    Example:
        >>> "#4aa3df" in swatch("DAE-Metric-Joint"), "hollow" in swatch("Metric-Act (supervised)")
        (True, True)
    """
    mark = METHOD_MARKS.get(method, PLAIN_MARK)
    is_own = method.endswith((" (supervised)", ", within the corpus"))
    paint = f'fill="none" stroke="{mark.colour}" stroke-width=".35"' if is_own else f'fill="{mark.colour}"'
    kind = "mark hollow" if is_own else "mark"
    path = f'<path d="{PATHS[mark.marker]}" {paint}/>'
    return Markup(f'<svg class="{kind}" viewBox="-1.3 -1.3 2.6 2.6" aria-hidden="true">{path}</svg>')
