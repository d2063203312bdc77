"""Claims: one worker at a time, and a stale one can write nothing."""

import asyncio

from core.postgres import Postgres
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import JobRow
from tests.gateway.jobs.conftest import Jobs


async def finish(jobs: Jobs, job: JobRow, **how: str) -> bool:
    async with jobs.postgres.transaction() as connection:
        return await jobs.repository.finish(connection, job, result={"by": job.fence}, error=how.get("error"))


async def expire(jobs: Jobs, job_id: str) -> None:
    await jobs.postgres.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 s', created_at = now() - interval '1 h', "
        "due_at = now() - interval '1 h', published_at = now() - interval '1 h' WHERE id = $1",
        job_id,
    )


async def claim(jobs: Jobs, job_id: str) -> JobRow:
    job = await jobs.repository.claim(job_id)
    assert job is not None
    return job


async def test_of_many_workers_one_gets_the_job(jobs: Jobs) -> None:
    job_id = await jobs.add(x=1)
    claims = await asyncio.gather(*(jobs.repository.claim(job_id) for _ in range(10)))
    (job,) = [job for job in claims if job is not None]
    assert (job.attempts, job.fence, job.payload) == (1, 1, {"x": 1})
    assert (await jobs.get(job_id))["state"] == "running"


async def test_a_finished_job_is_claimed_by_nobody(jobs: Jobs) -> None:
    job_id = await jobs.add()
    assert await finish(jobs, await claim(jobs, job_id))
    assert await jobs.repository.claim(job_id) is None
    row = await jobs.get(job_id)
    assert (row["state"], row["result"], row["error"]) == ("succeeded", {"by": 1}, None)


async def test_a_job_whose_worker_died_is_taken_over_and_the_dead_one_can_write_nothing(jobs: Jobs) -> None:
    job_id = await jobs.add()
    stale = await claim(jobs, job_id)
    assert await jobs.repository.claim(job_id) is None
    await expire(jobs, job_id)
    fresh = await claim(jobs, job_id)
    assert (fresh.fence, fresh.attempts) == (stale.fence + 1, 2)
    assert await finish(jobs, stale) is False
    await jobs.repository.postpone(stale, seconds=3_600, error="stale")
    row = await jobs.get(job_id)
    assert (row["state"], row["fence"], row["error"]) == ("running", fresh.fence, None)
    assert await finish(jobs, fresh) is True
    assert await finish(jobs, fresh) is False
    assert (await jobs.get(job_id))["result"] == {"by": fresh.fence}


async def test_a_postponed_job_waits_for_its_time_and_then_gets_a_message_at_once(jobs: Jobs) -> None:
    job_id = await jobs.add()
    await jobs.postgres.execute("UPDATE jobs SET published_at = now() WHERE id = $1", job_id)
    await jobs.repository.postpone(await claim(jobs, job_id), seconds=60, error="engine away")
    assert await jobs.repository.claim(job_id) is None
    await jobs.repository.republish(silent_seconds=3_600)
    assert len(await jobs.messages()) == 1
    row = await jobs.get(job_id)
    assert (row["state"], row["error"]) == ("queued", "engine away")
    await jobs.postgres.execute(
        "UPDATE jobs SET due_at = now(), published_at = now() - interval '1 s' WHERE id = $1", job_id
    )
    await jobs.repository.republish(silent_seconds=3_600)
    assert len(await jobs.messages()) == 2
    await jobs.repository.republish(silent_seconds=3_600)
    assert len(await jobs.messages()) == 2
    assert (await claim(jobs, job_id)).attempts == 2


async def test_a_job_of_which_nothing_was_heard_gets_another_message(jobs: Jobs, database: Postgres) -> None:
    forgotten, claimed, done = [await jobs.add() for _ in range(3)]
    await finish(jobs, await claim(jobs, done))
    await claim(jobs, claimed)
    await database.execute(
        "UPDATE jobs SET created_at = now() - interval '1 h', due_at = now() - interval '1 h' "
        "WHERE id = ANY($1::text[])",
        [forgotten, claimed, done],
    )
    await jobs.repository.republish(silent_seconds=10)
    mine = [forgotten, claimed, done]
    # Jobs of other tests are heard of again as well.
    assert [m["key"] for m in await jobs.messages() if m["key"] in mine] == [*mine, forgotten]


async def test_sent_messages_are_forgotten_after_a_while(jobs: Jobs, database: Postgres) -> None:
    await jobs.add()
    await jobs.add()
    await database.execute(
        "UPDATE outbox SET sent_at = now() - interval '2 d' WHERE id = (SELECT min(id) FROM outbox "
        "WHERE topic = $1)",
        jobs.topic,
    )
    repository: JobRepository = jobs.repository
    await repository.forget_sent(older_than_seconds=86_400)
    left = await jobs.messages()
    assert len(left) == 1
    assert left[0]["sent_at"] is None
