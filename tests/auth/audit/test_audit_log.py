"""The audit log: what is in it, and that whoever edits, deletes, cuts or reorders it is found."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from auth.audit.anchors import Anchors
from auth.audit.repository import AuditRepository, Wanted
from auth.audit.service import ANCHOR_EVERY, AuditLog
from auth.audit.tables import Outcome
from auth.principal import Role
from auth.sessions.signing_keys import Keyring
from core.postgres import Postgres
from core.settings import Settings
from tests.auth.process import MakePerson, MovableClock, Process


@pytest.fixture
async def emptied(postgres: Postgres) -> AsyncIterator[Postgres]:
    """The table as on the first day, and again afterwards."""
    await empty(postgres)
    yield postgres
    await empty(postgres)


async def unguarded(postgres: Postgres, *statements: str) -> None:
    """As somebody who owns the database and has taken the triggers away."""
    async with postgres.transaction() as connection:
        await connection.execute("ALTER TABLE audit_events DISABLE TRIGGER USER")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("ALTER TABLE audit_events ENABLE TRIGGER USER")


async def empty(postgres: Postgres) -> None:
    await unguarded(postgres, "DELETE FROM audit_events")


@pytest.fixture
def keyring(auth_settings: Settings) -> Keyring:
    keys = Keyring(auth_settings.signing_key_file)
    keys.load()
    return keys


@pytest.fixture
async def log(emptied: Postgres, keyring: Keyring, clock: MovableClock, tmp_path: Path) -> AuditLog:
    """Ten events, of which the first eight are anchored."""
    made = AuditLog(AuditRepository(emptied), Anchors(tmp_path / "anchors.jsonl", keyring), clock)
    for number in range(1, 11):
        await made.record(
            "test.done", None, actor=f"usr_{number}", detail={"number": number, "a": [None, "é"]}
        )
        if number in (4, 8):
            await made.anchor()
    return made


async def test_an_untouched_log_is_found_whole(log: AuditLog) -> None:
    verdict = await log.verify()
    assert (verdict.events, verdict.anchors, verdict.fault) == (10, 2, None)


@pytest.mark.parametrize(
    ("tampering", "number"),
    [
        ("UPDATE audit_events SET actor = 'usr_x' WHERE number = 3", 3),
        ("UPDATE audit_events SET outcome = 'refused' WHERE number = 10", 10),
        ("UPDATE audit_events SET at = at + interval '1 microsecond' WHERE number = 5", 5),
        ("UPDATE audit_events SET detail = '{}' WHERE number = 1", 1),
        ("UPDATE audit_events SET hash = sha256('x') WHERE number = 6", 6),
        ("DELETE FROM audit_events WHERE number = 4", 4),
        ("DELETE FROM audit_events WHERE number = 1", 1),
        ("DELETE FROM audit_events WHERE number > 7", 8),
        ("DELETE FROM audit_events", 1),
        ("UPDATE audit_events SET number = 99 WHERE number = 10", 10),
        (
            "UPDATE audit_events SET number = CASE number WHEN 5 THEN -6 ELSE -5 END WHERE number IN (5, 6);"
            "UPDATE audit_events SET number = -number WHERE number < 0",
            5,
        ),
    ],
)
async def test_tampering_is_found_at_its_place(
    log: AuditLog, postgres: Postgres, tampering: str, number: int
) -> None:
    await unguarded(postgres, *tampering.split(";"))
    verdict = await log.verify()
    assert verdict.fault is not None
    assert verdict.at_number == number


async def test_a_chain_that_was_forged_as_a_whole_is_found_by_its_anchors(
    log: AuditLog, postgres: Postgres, keyring: Keyring, clock: MovableClock, tmp_path: Path
) -> None:
    await empty(postgres)
    forger = AuditLog(AuditRepository(postgres), Anchors(tmp_path / "elsewhere", keyring), clock)
    for number in range(1, 11):
        await forger.record("test.done", None, actor=f"usr_{number}", detail={"number": number})
    assert (await forger.verify()).fault is None, "the forged chain is right in itself"
    verdict = await log.verify()
    assert verdict.fault is not None
    assert "anchored" in verdict.fault
    assert verdict.at_number == 4


@pytest.mark.parametrize("part", ["number", "hash", "at", "signature"])
async def test_an_edited_anchor_is_found(log: AuditLog, tmp_path: Path, part: str) -> None:
    path = tmp_path / "anchors.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edits: dict[str, Any] = {"number": 3, "hash": "00" * 32, "at": "2020-01-01", "signature": "AAAA"}
    lines[0][part] = edits[part]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert (await log.verify()).fault == "A line of the anchors' file was not written by us."


async def test_garbage_among_the_anchors_is_found(log: AuditLog, tmp_path: Path) -> None:
    with (tmp_path / "anchors.jsonl").open("ab") as file:
        file.write(b"\xff{}\n")
    assert (await log.verify()).fault is not None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
async def test_the_table_itself_refuses_changes(log: AuditLog, postgres: Postgres, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="only added to"):
        await postgres.execute(statement)
    assert (await log.verify()).events == 10


async def test_many_at_once_make_one_chain(log: AuditLog) -> None:
    await asyncio.gather(*(log.record("test.crowd", None) for _ in range(30)))
    verdict = await log.verify()
    assert (verdict.events, verdict.fault) == (40, None)


async def test_the_head_is_anchored_from_time_to_time_and_at_the_end(
    log: AuditLog, clock: MovableClock, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    await log.anchor_now_and_then()
    assert len(path.read_text().splitlines()) == 2
    clock.move(seconds=ANCHOR_EVERY.total_seconds())
    await log.anchor_now_and_then()
    await log.anchor_now_and_then()
    assert len(path.read_text().splitlines()) == 3
    await log.record("test.last", None)
    await log.stop()
    assert len(path.read_text().splitlines()) == 4
    assert (await log.verify()).fault is None


async def events(process: Process, **wanted: Any) -> list[tuple[str, str]]:
    rows = await process.auth.audit.page(Wanted(**wanted), before=None, limit=100)
    return [(row.action, row.outcome.value) for row in reversed(rows)]


async def test_who_came_in_and_who_was_refused_is_recorded(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    before = await postgres.fetchval("SELECT coalesce(max(number), 0) FROM audit_events")
    async with process.client(address="203.0.113.77", **{"x-request-id": "ignored here"}) as http:
        await http.post("/api/auth/login", json={**kim.credentials, "password": "wrong"})
        await http.post("/api/auth/login", json=kim.credentials)
        await http.post("/api/auth/logout", headers=kim.bearer)
    rows = [
        row for row in await process.auth.audit.page(Wanted(), before=None, limit=10) if row.number > before
    ]
    assert [(row.action, row.outcome) for row in reversed(rows)] == [
        ("login", Outcome.REFUSED),
        ("login", Outcome.DONE),
        ("logout", Outcome.DONE),
    ]
    assert {row.address for row in rows} == {"203.0.113.77"}
    assert rows[1].actor == kim.user_id
    assert kim.email not in str(rows), "a refused sign-in would tell which address was tried"


async def test_a_refresh_token_that_was_used_before_is_recorded(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    async with process.client(address="203.0.113.78") as http:
        body = {"refresh_token": kim.refresh_token}
        assert (await http.post("/api/auth/refresh", json=body)).status_code == 200
        clock.move(minutes=1)
        assert (await http.post("/api/auth/refresh", json=body)).status_code == 401
    rows = await process.auth.audit.page(Wanted(actor=kim.user_id), before=None, limit=1)
    assert (rows[0].action, rows[0].outcome) == ("refresh_token.reused", Outcome.REFUSED)
    assert rows[0].address == "203.0.113.78"


async def test_a_wrong_role_is_recorded_and_an_administrator_reads_it(
    process: Process, person: MakePerson
) -> None:
    kim, boss = await person(process), await person(process)
    await process.auth.accounts.set_role(boss.email, Role.ADMIN)
    async with process.client() as http:
        assert (await http.get("/api/admin/audit", headers=kim.bearer)).status_code == 403
        assert (await http.post("/api/admin/audit/verify", headers=kim.bearer)).status_code == 403
        page = await http.get(f"/api/admin/audit?actor={kim.user_id}&outcome=refused", headers=boss.bearer)
        items = page.json()["items"]
        assert [(item["action"], item["target"]) for item in items] == [
            ("admin.tried", "/api/admin/audit/verify"),
            ("admin.tried", "/api/admin/audit"),
        ]
        by_family = await http.get(f"/api/admin/audit?actor={kim.user_id}&action=admin", headers=boss.bearer)
        assert len(by_family.json()["items"]) == 2
        roles = await http.get(
            f"/api/admin/audit?target={boss.user_id}&action=account.role_set", headers=boss.bearer
        )
        assert roles.json()["items"][0]["detail"] == {"role": "admin"}


async def test_pages_go_on_where_the_last_one_ended(process: Process, person: MakePerson) -> None:
    boss = await person(process)
    await process.auth.accounts.set_role(boss.email, Role.ADMIN)
    async with process.client() as http:
        for _ in range(4):
            await http.post("/api/auth/step-up", json={"password": "wrong"}, headers=boss.bearer)
        seen: list[int] = []
        before = ""
        while True:
            path = f"/api/admin/audit?actor={boss.user_id}&limit=2{before}"
            page = (await http.get(path, headers=boss.bearer)).json()
            seen += [item["number"] for item in page["items"]]
            if page["next_before"] is None:
                break
            before = f"&before={page['next_before']}"
    assert len(seen) == 6
    assert seen == sorted(set(seen), reverse=True)


async def test_an_administrator_has_the_log_checked(
    process: Process, person: MakePerson, emptied: Postgres
) -> None:
    boss = await person(process)
    await process.auth.accounts.set_role(boss.email, Role.ADMIN)
    (process.auth.audit._anchors._path).unlink(missing_ok=True)
    async with process.client() as http:
        whole = (await http.post("/api/admin/audit/verify", headers=boss.bearer)).json()
        assert whole["fault"] is None
        assert whole["events"] > 0
        await unguarded(emptied, "UPDATE audit_events SET actor = 'nobody' WHERE number = 1")
        broken = (await http.post("/api/admin/audit/verify", headers=boss.bearer)).json()
    assert broken["at_number"] == 1
    assert ("audit.verified", "done") in await events(process, actor=boss.user_id)


async def test_what_cannot_be_recorded_is_not_done(
    process: Process, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import Unavailable

    kim = await person(process)

    async def away(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(AuditRepository, "add", away)
    async with process.client() as http:
        answer = await http.post("/api/auth/login", json=kim.credentials)
    assert answer.status_code == 503
    assert "access_token" not in answer.text
