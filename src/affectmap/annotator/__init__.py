"""Rating recordings: pages for raters and for who organises them, and a store that loses nothing.

``settings`` says what is rated and how; ``store`` opens ``database``, ``people``, ``worklist`` and ``ratings``;
``app`` puts ``rater_pages`` and ``organiser`` behind HTTP, and ``server`` listens.
"""

from affectmap.annotator.app import create_app
from affectmap.annotator.settings import AnnotatorSettings
from affectmap.annotator.store import Store, open_store

__all__ = ["AnnotatorSettings", "Store", "create_app", "open_store"]
