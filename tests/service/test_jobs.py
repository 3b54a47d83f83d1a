import asyncio
import threading

import pytest
from starlette.exceptions import HTTPException

from affectmap.service import jobs as jobs_module
from affectmap.service.jobs import AbandonedError, Jobs, Uploads


async def forever() -> None:
    await asyncio.Event().wait()


def test_no_more_than_allowed_at_once():
    running, most = set(), []

    def work(gone):
        running.add(threading.get_ident())
        most.append(len(running))
        gone.wait(0.02)
        running.discard(threading.get_ident())
        return 1

    async def all_of_them():
        jobs = Jobs(3, 100)
        found = await asyncio.gather(*(jobs.run(work, forever()) for _ in range(20)))
        jobs.close()
        return found

    assert asyncio.run(all_of_them()) == [1] * 20
    assert max(most) == 3


def test_waiting_places_run_out_and_come_back():
    async def visit():
        jobs, end = Jobs(1, 2), threading.Event()
        tasks = [asyncio.create_task(jobs.run(lambda gone: end.wait(30), forever())) for _ in range(2)]
        jobs.check_room()
        while jobs.n_open < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(HTTPException, match="2 recordings are measured or waiting") as caught:
            jobs.check_room()
        assert (caught.value.status_code, caught.value.headers) == (429, {"Retry-After": "2"})
        end.set()
        await asyncio.gather(*tasks)
        jobs.check_room()
        jobs.close()

    asyncio.run(visit())


def test_errors_of_the_work_are_raised():
    async def visit():
        jobs = Jobs(1, 1)
        with pytest.raises(ZeroDivisionError):
            await jobs.run(lambda gone: 1 / 0, forever())
        jobs.close()

    asyncio.run(visit())


def test_work_for_nobody_ends_and_what_waits_never_begins():
    begun, ended = [], []

    def work(name):
        def run(gone):
            begun.append(name)
            assert gone.wait(30)
            ended.append(name)

        return run

    async def visit():
        jobs = Jobs(1, 9)
        leave = asyncio.Event()
        both = [asyncio.create_task(jobs.run(work(name), leave.wait())) for name in ("first", "second")]
        while not begun:
            await asyncio.sleep(0.01)
        leave.set()
        for task in both:
            with pytest.raises(AbandonedError):
                await task
        # The work has ended by the time that its place is given away.
        assert (begun, ended) == (["first"], ["first"])
        assert await jobs.run(lambda gone: 7, forever()) == 7
        jobs.close()

    asyncio.run(visit())


def test_closing_stops_what_runs():
    async def visit():
        jobs = Jobs(1, 9)
        task = asyncio.create_task(jobs.run(lambda gone: gone.wait(30), forever()))
        while not jobs.n_open:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(jobs.close)
        assert await task is True

    asyncio.run(visit())


class Sending:
    """Uploads that are begun and stay under way until they are told to end."""

    def __init__(self, uploads):
        self.uploads, self.ends, self.tasks = uploads, [], []

    async def begin(self, n_bytes=0):
        end = asyncio.Event()

        async def send():
            with self.uploads.kept() as upload:
                async with self.uploads.arriving(upload):
                    upload.count(n_bytes)
                    await end.wait()

        self.ends.append(end)
        self.tasks.append(asyncio.create_task(send()))
        await asyncio.sleep(0.01)
        return self.tasks[-1]

    async def end(self):
        for end in self.ends:
            end.set()
        return await asyncio.gather(*self.tasks, return_exceptions=True)


def refused(task):
    error = task.exception()
    return error.status_code, error.detail


def test_uploads_that_come_well_keep_their_places(monkeypatch):
    monkeypatch.setattr(jobs_module, "FAIR_S", 0.0)
    monkeypatch.setattr(jobs_module, "SLOWEST_BODY", 10)

    async def visit():
        sending = Sending(Uploads(2, 10_000))
        await sending.begin(100)
        await sending.begin(100)
        third = await sending.begin(100)
        assert refused(third) == (429, "2 recordings are uploaded; try again soon")
        assert third.exception().headers == {"Retry-After": "2"}
        assert await sending.end() == [None, None, third.exception()]
        assert (sending.uploads.n_open, sending.uploads.n_bytes) == (0, 0)

    asyncio.run(visit())


def test_the_slowest_upload_gives_way(monkeypatch):
    monkeypatch.setattr(jobs_module, "FAIR_S", 0.0)

    async def visit():
        sending = Sending(Uploads(3, 10_000))
        fast, slowest, slow, new = [await sending.begin(n_bytes) for n_bytes in (9000, 1, 500, 0)]
        with pytest.raises(HTTPException, match="at less than 100 kB a second while others wait") as caught:
            await slowest
        assert caught.value.status_code == 408
        assert not any(task.done() for task in (fast, slow, new))
        assert sending.uploads.n_bytes == 9500
        await sending.end()
        assert (sending.uploads.n_open, sending.uploads.n_bytes) == (0, 0)

    asyncio.run(visit())


def test_an_upload_has_its_time_before_it_counts_as_slow():
    async def visit():
        sending = Sending(Uploads(1, 100))
        await sending.begin()
        assert refused(await sending.begin())[0] == 429
        assert (await sending.end())[0] is None

    asyncio.run(visit())


def test_uploads_take_no_more_of_the_disk_than_they_may():
    async def visit():
        sending = Sending(Uploads(9, 100))
        await sending.begin(60)
        second = await sending.begin(41)
        assert refused(second)[0] == 429
        assert sending.uploads.n_bytes == 60
        await sending.begin(40)
        assert sending.uploads.n_bytes == 100
        await sending.end()
        assert sending.uploads.n_bytes == 0

    asyncio.run(visit())
