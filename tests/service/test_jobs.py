import asyncio
import threading

import pytest
from starlette.exceptions import HTTPException

from affectmap.service.jobs import AbandonedError, Jobs


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


def test_places_run_out_and_come_back():
    async def visit():
        jobs = Jobs(1, 2)
        with jobs.slot(), jobs.slot():
            with pytest.raises(HTTPException, match="2 recordings are measured or waiting") as caught:
                jobs.slot().__enter__()
            assert (caught.value.status_code, caught.value.headers) == (429, {"Retry-After": "2"})
        with pytest.raises(ZeroDivisionError), jobs.slot():
            raise ZeroDivisionError
        assert jobs.n_open == 0
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
        while not jobs._running:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(jobs.close)
        assert await task is True

    asyncio.run(visit())
