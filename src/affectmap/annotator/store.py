"""The store: database, people, lists and ratings under one roof, opened as the settings say."""

from __future__ import annotations

import threading

from affectmap.annotator.database import Database, open_database
from affectmap.annotator.raters import People, Rater
from affectmap.annotator.ratings import Ratings
from affectmap.annotator.recordings import Found, look_through
from affectmap.annotator.settings import AnnotatorSettings
from affectmap.annotator.sounds import Sounds
from affectmap.annotator.training_items import TrainingItem, read_training, synthetic_training
from affectmap.annotator.worklist import Worklist
from affectmap.errors import AudioError, ConfigError, CorpusError
from affectmap.web.refusal import RefusalError
from affectmap.web.requests import find_recording

_GONE = "this recording cannot be played any more and is passed over; the next one comes"


class Store:
    """What is rated, by whom, and what they said.

    Args:
        settings: Where everything lies.
        database: An open database.

    Attributes:
        people: The raters.
        worklist: Recordings and lists.
        ratings: What was confirmed.
        training: Items to practise on; none where no speech can be synthesised.
        notes: What the organiser should know of the start.
    """

    def __init__(self, settings: AnnotatorSettings, database: Database) -> None:
        self.settings, self._database = settings, database
        self.people = People(database)
        self.worklist = Worklist(database, seed=settings.seed, repeat=settings.repeat)
        self.ratings = Ratings(database)
        self.notes: list[str] = []
        self.training: list[TrainingItem] = self._training()
        self._sounds, self._turn = Sounds(), threading.Lock()

    def _training(self) -> list[TrainingItem]:
        settings = self.settings
        if settings.training is not None:
            return read_training(settings.training, settings.folder)
        try:
            return synthetic_training(settings.labels_folder / "training", settings.language)
        except ConfigError as error:
            self.notes.append(f"no training items: {error}; or name your own with --training")
            return []

    def look(self) -> int:
        """See what lies in the folder now; what is new goes to the end of everybody's list.

        Returns:
            How many recordings are to be rated.

        Raises:
            CorpusError: If the folder is missing or holds no recording.
        """
        with self._turn:
            base = self.settings.folder.expanduser().absolute()
            found = look_through(base, self.worklist.known(), without=self.settings.labels_folder)
            return self.worklist.update(found, self._in_training())

    def _in_training(self) -> set[str]:
        base = self.settings.folder.expanduser().resolve()
        return {each.file.relative_to(base).as_posix() for each in self.training if each.file.is_relative_to(base)}

    def add_rater(self, name: str) -> Rater:
        """Add a rater with a list.

        Args:
            name: Not yet taken.

        Returns:
            The rater.

        Raises:
            UsageError: If the name cannot be one, or is taken.
        """
        rater = self.people.add(name)
        self.worklist.assign()
        return rater

    def passed_over(self) -> list[Found]:
        """List recordings that are not rated.

        Returns:
            Them, each with the reason in its note.
        """
        return [found for found in self.worklist.known().values() if found.note]

    def sound(self, rater: Rater, code: str) -> bytes:
        """Give the sound of an entry of a rater's list.

        Args:
            rater: Whose list.
            code: The entry.

        Returns:
            A WAV file.

        Raises:
            RefusalError: If there is no such entry (404), or its recording cannot be played any more (410); it is
                then taken from all lists.
        """
        found = self.ratings.recording_of(rater, code)
        if found is None:
            raise RefusalError(404, "this recording is not in your list; load the page again")
        item_id, path = found
        try:
            return self._sounds.wave(find_recording(self.settings.folder.expanduser().absolute(), path))
        except (RefusalError, AudioError, OSError) as error:
            damaged = isinstance(error, AudioError)
            note = "cannot be decoded; replace it" if damaged else "no longer in the folder; put it back"
            self.worklist.drop(item_id, note, look_again=not damaged)
            raise RefusalError(410, _GONE) from error

    def training_sound(self, number: int) -> bytes:
        """Give the sound of a training item.

        Args:
            number: From 0 on.

        Returns:
            A WAV file.

        Raises:
            RefusalError: If there is none, or it cannot be played (404).
        """
        try:
            return self._sounds.wave(dict(enumerate(self.training))[number].file)
        except (KeyError, AudioError, OSError) as error:
            raise RefusalError(404, "there is no such training item") from error

    def close(self) -> None:
        """Let the database go."""
        self._database.close()


def open_store(settings: AnnotatorSettings) -> Store:
    """Open a store, see what lies in the folder, and give every rater that the settings name a list.

    Args:
        settings: Where everything lies.

    Returns:
        The store, to be closed by the caller.

    Raises:
        CorpusError: If the folder is missing, or holds no recording that can be rated.
        LabelError: If the sheet of training items is damaged.
        UsageError: If the database cannot be used.
        StorageError: If something cannot be written.
    """
    if not settings.folder.expanduser().is_dir():
        raise CorpusError(f"{settings.folder} is not a folder; name one that holds recordings")
    database = open_database(settings.database, settings.labels_folder)
    try:
        store = Store(settings, database)
        if not store.look() and not store.ratings.all():
            first = store.passed_over()[0]
            raise CorpusError(
                f"{settings.folder} holds no recording that can be rated; first {first.path}: {first.note}"
            )
        for name in settings.raters:
            store.people.named(name)
        store.worklist.assign()
    except BaseException:
        database.close()
        raise
    return store
