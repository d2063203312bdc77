"""How long a search takes: `python -m benchmarks.search`.

Fills a throw-away PostgreSQL with the conversations of one person and of many others, and searches as the
gateway does, excerpts included. README.md of this folder says how to read it.
"""

import argparse
import asyncio
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from cluster.local.errors import ClusterError
from cluster.local.infrastructure import EmbeddedInfrastructure
from core.ids import new_id
from core.migrations import upgrade
from core.postgres import Postgres
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.search.service import SearchService

GOAL_MS: Final = 50.0
SEED: Final = 20_240_601
VOCABULARY: Final = 30_000
MESSAGES_PER_CONVERSATION: Final = 40
MESSAGES_OF_ANOTHER: Final = 2_000
# Words of a question and of an answer, on average; lengths are spread log-normally.
QUESTION_WORDS: Final = 20
ANSWER_WORDS: Final = 150
LONGEST_WORDS: Final = 3_000
BATCH: Final = 5_000
LETTERS: Final = "etaoinsrhldcumfpgwybvkxjqz"


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of search: milliseconds, and how many hits its first page had."""

    kind: str
    hits: int
    p50_ms: float
    p99_ms: float


class Writer:
    """Makes text whose words are as frequent as those of a language: the n-th has about 1/n of the first."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        found: dict[str, None] = {}
        while len(found) < VOCABULARY:
            size = max(2, min(12, round(self._random.gauss(5 + len(found) / VOCABULARY * 3, 2))))
            found["".join(self._random.choices(LETTERS, range(len(LETTERS), 0, -1), k=size))] = None
        self.words: Final = tuple(found)
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(VOCABULARY)))

    def text(self, average: int) -> str:
        size = max(2, min(LONGEST_WORDS, int(self._random.lognormvariate(0, 0.7) * average)))
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=size))


async def fill(postgres: Postgres, writer: Writer, messages: int) -> str:
    """A person with so many messages; their id."""
    user_id = new_id("usr")
    await postgres.execute(
        "INSERT INTO users (id, email, email_normalised, name) VALUES ($1, $1, $1, 'Bench')", user_id
    )
    search = SearchRepository(postgres)
    while messages > 0:
        size = min(messages, BATCH)
        messages -= size
        async with postgres.transaction() as connection:
            for _ in range(0, size, MESSAGES_PER_CONVERSATION):
                conversation_id = new_id("cnv")
                title = writer.text(5)[:200]
                await connection.execute(
                    "INSERT INTO conversations (id, user_id, title) VALUES ($1, $2, $3)",
                    conversation_id,
                    user_id,
                    title,
                )
                rows: list[tuple[object, ...]] = []
                parent: str | None = None
                for depth in range(MESSAGES_PER_CONVERSATION):
                    role, words = ("assistant", ANSWER_WORDS) if depth % 2 else ("user", QUESTION_WORDS)
                    message_id = new_id("msg")
                    text = writer.text(words)
                    rows.append((message_id, conversation_id, parent, depth, role, text, "complete"))
                    parent = message_id
                await connection.copy_records_to_table(
                    "messages",
                    records=rows,
                    columns=("id", "conversation_id", "parent_id", "depth", "role", "content", "status"),
                )
                await search.add_title(connection, conversation_id)
                await search.add_messages(connection, [str(row[0]) for row in rows])
    return user_id


def searches(writer: Writer) -> dict[str, list[str]]:
    """What is searched for, by kind; each list is gone through in turn."""
    word = writer.words
    return {
        "the commonest word": list(word[:1]),
        "a common word": list(word[5:25]),
        "an ordinary word": list(word[300:500]),
        "a rare word": list(word[-300:]),
        "two common words": [f"{word[n]} {word[n + 7]}" for n in range(20)],
        "three words": [f"{word[n]} {word[n + 40]} {word[n + 200]}" for n in range(60)],
        "one letter": list("etaoinsr"),
        "two letters": [word[n][:2] for n in range(40)],
        "a word and three letters": [f"{word[n]} {word[n + 90][:3]}" for n in range(10, 60)],
        "nothing to be found": [f"zzzz{number}" for number in range(50)],
    }


async def measure(service: SearchService, user_id: str, writer: Writer, rounds: int) -> list[Figure]:
    """Every kind of search, `rounds` times each, after some that do not count."""
    figures = []
    for kind, wanted in searches(writer).items():
        taken, hits = [], 0
        for number in range(-rounds // 10, rounds):
            began = time.perf_counter()
            page = await service.search(user_id, wanted[number % len(wanted)], 20, None)
            if number >= 0:
                taken.append((time.perf_counter() - began) * 1000)
                hits = max(hits, len(page.items))
        cuts = statistics.quantiles(taken, n=100, method="inclusive")
        figures.append(Figure(kind, hits, cuts[49], cuts[98]))
    return figures


async def run(database_url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Fill and measure."""
    postgres = Postgres(database_url, size=2, timeout=600)
    await postgres.start()
    try:
        writer = Writer()
        began = time.monotonic()
        others = options.others
        while others > 0:
            await fill(postgres, writer, min(others, MESSAGES_OF_ANOTHER))
            others -= MESSAGES_OF_ANOTHER
        user_id = await fill(postgres, writer, options.messages)
        filled = time.monotonic() - began
        await postgres.execute("VACUUM ANALYZE")
        sizes = await postgres.fetchrow(
            "SELECT (SELECT count(*) FROM search_entries WHERE user_id = $1) AS entries, "
            "pg_total_relation_size('messages') AS messages, pg_table_size('search_entries') AS words, "
            "pg_relation_size('search_entries_words') AS index",
            user_id,
        )
        figures = await measure(SearchService(SearchRepository(postgres)), user_id, writer, options.rounds)
    finally:
        await postgres.stop()
    return {
        "machine": machine.describe(),
        "load": machine.load(),
        "filled_s": filled,
        "sizes": dict(sizes or {}),
        "figures": [asdict(figure) for figure in figures],
    }


def show(found: dict[str, Any], console: Console) -> None:
    """The table."""
    mib = {name: round(size / 2**20) for name, size in found["sizes"].items() if name != "entries"}
    console.print(
        f"{found['sizes']['entries']:,} entries of the person; filled in {found['filled_s']:.0f} s; "
        f"MiB: {mib}"
    )
    table = Table("search", "hits", "p50 ms", "p99 ms")
    for figure in found["figures"]:
        table.add_row(
            figure["kind"], str(figure["hits"]), f"{figure['p50_ms']:.1f}", f"{figure['p99_ms']:.1f}"
        )
    console.print(table)
    worst = max(figure["p99_ms"] for figure in found["figures"])
    console.print(
        f"worst p99 {worst:.1f} ms; goal {GOAL_MS:.0f} ms: {'met' if worst < GOAL_MS else 'not met'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when the database could not be started."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages of the person who searches")
    parser.add_argument("--others", type=int, default=100_000, help="messages of other people")
    parser.add_argument("--rounds", type=int, default=200, help="searches of each kind")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="headrace-search-"))
    try:
        with EmbeddedInfrastructure(directory, servers=("postgres",)) as servers:
            upgrade(servers.database_url)
            found = asyncio.run(run(servers.database_url, options))
    except ClusterError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    show(found, console)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
