"""The store: raters, lists, ratings and sounds over one database, opened as the settings say."""

from __future__ import annotations

import threading
from pathlib import Path

from starlette.exceptions import HTTPException

from affectmap.annotator.database import Database, network_of, open_database
from affectmap.annotator.raters import Rater, Raters, Worklist
from affectmap.annotator.ratings import Ratings
from affectmap.annotator.recordings import ScannedFile, Sounds, TrainingItem, read_training, scan, synthetic_training
from affectmap.annotator.settings import AnnotatorSettings
from affectmap.errors import AudioError, ConfigError, CorpusError
from affectmap.web.requests import find_recording

_GONE = "this recording cannot be played any more and is passed over; the next one comes"


class Store:
    """What is rated, by whom, and the ratings.

    Attributes:
        raters: Who rates.
        worklist: Recordings and lists.
        ratings: What was confirmed.
        training: Items to practise on; none where no speech can be synthesised.
        notes: What the organiser should know of the start.
    """

    def __init__(self, settings: AnnotatorSettings, database: Database) -> None:
        self.settings, self._database = settings, database
        self.raters = Raters(database)
        self.worklist = Worklist(database, seed=settings.seed, repeat=settings.repeat, first=settings.first)
        self.ratings = Ratings(database)
        self.notes: list[str] = []
        if not database.is_server and (kind := network_of(settings.labels_folder)):
            self.notes.append(
                f"ratings are kept on a network disk ({kind}): start one annotator on it alone, and read them on this "
                "machine while it runs; a disk of this machine is safer"
            )
        self.training: list[TrainingItem] = self._read_training()
        self._sounds, self._lock = Sounds(), threading.Lock()

    def _read_training(self) -> list[TrainingItem]:
        settings = self.settings
        if settings.training is not None:
            return read_training(settings.training, settings.folder)
        try:
            return synthetic_training(settings.labels_folder / "training", settings.language)
        except ConfigError as error:
            self.notes.append(f"no training items: {error}; or name your own with --training")
            return []

    def scan(self) -> int:
        """Scan the folder, put what is new at the end of every list, and give how many recordings are to be rated.

        Raises:
            CorpusError: If the folder is missing or has no recording.
        """
        with self._lock:
            base = self.settings.folder.expanduser().absolute()
            scanned = scan(base, self.worklist.known(), without=self.settings.labels_folder)
            return self.worklist.update(scanned, self._in_training())

    def _in_training(self) -> set[str]:
        base = self.settings.folder.expanduser().resolve()
        return {each.file.relative_to(base).as_posix() for each in self.training if each.file.is_relative_to(base)}

    def add_rater(self, name: str) -> Rater:
        """Add a rater with a list; raise `UsageError` if the name cannot be one or is taken."""
        rater = self.raters.add(name)
        self.worklist.assign()
        return rater

    def passed_over(self) -> list[ScannedFile]:
        """List recordings that are not rated, each with the reason in its note."""
        return [each for each in self.worklist.known().values() if each.note]

    def sound(self, rater: Rater, code: str) -> Path:
        """Give the sound of an entry of a rater's list as WAV.

        Raises:
            HTTPException: If there is no such entry (404), or its recording cannot be played any more (410); it is then
                taken off all lists.
        """
        entry = self.ratings.recording_of(rater, code)
        if entry is None:
            raise HTTPException(404, "this recording is not in your list; load the page again")
        item_id, path = entry
        try:
            return self._sounds.wave(find_recording(self.settings.folder.expanduser().absolute(), path))
        except (HTTPException, AudioError, OSError) as error:
            damaged = isinstance(error, AudioError)
            note = "cannot be decoded; replace it" if damaged else "no longer in the folder; put it back"
            self.worklist.drop(item_id, note, scan_again=not damaged)
            raise HTTPException(410, _GONE) from error

    def training_sound(self, number: int) -> Path:
        """Give the sound of a training item, from 0 on, as WAV; refuse with 404 what cannot be played."""
        try:
            return self._sounds.wave(dict(enumerate(self.training))[number].file)
        except (KeyError, AudioError, OSError) as error:
            raise HTTPException(404, "there is no such training item") from error

    def checkpoint(self) -> None:
        """Let the database's file take over what was written ahead."""
        self._database.checkpoint()

    def close(self) -> None:
        """Close the database and delete the sounds."""
        self._database.close()
        self._sounds.close()


def open_store(settings: AnnotatorSettings) -> Store:
    """Open a store, scan the folder, and give every rater that the settings name a list; the caller closes it.

    Raises:
        CorpusError: If the folder is missing, or has no recording that can be rated.
        LabelError: If the sheet of training items is damaged.
        UsageError: If the database cannot be used.
        StorageError: If something cannot be written.
    """
    if not settings.folder.expanduser().is_dir():
        raise CorpusError(f"{settings.folder} is not a folder; name one that holds recordings")
    database = open_database(settings.database, settings.labels_folder)
    try:
        store = Store(settings, database)
    except BaseException:
        database.close()
        raise
    try:
        if not store.scan() and not store.ratings.all():
            first = store.passed_over()[0]
            raise CorpusError(
                f"{settings.folder} holds no recording that can be rated; first {first.path}: {first.note}"
            )
        for name in settings.raters:
            store.raters.named(name)
        store.worklist.assign()
    except BaseException:
        store.close()
        raise
    return store
