"""`python -m gateway.worker`: does jobs with the same services as the gateway."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

from pydantic import ValidationError

from core.broker import KafkaConsumer, KafkaProducer, ensure_topics
from core.keyvalue import KeyValue
from core.log import configure_logging, get_logger
from core.postgres import Postgres
from core.settings import Settings
from core.telemetry import configure_tracing
from gateway.conversations.purge import ConversationPurge
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.service import ConversationService
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.evaluations import jobs as evaluations
from gateway.evaluations.repository import EvaluationRepository
from gateway.events.bus import EventBus
from gateway.inference import Inference
from gateway.internal_listener import InternalListener
from gateway.jobs import summaries, titles
from gateway.jobs.completion import Completions
from gateway.jobs.consumer import JobConsumer
from gateway.jobs.handler import Handler
from gateway.jobs.messages import PARTITIONS, topic
from gateway.jobs.news import JobNews
from gateway.jobs.outbox import OutboxRelay
from gateway.jobs.tables import JobRow
from gateway.parts import Part, default_budget, make_inference, make_jobs
from gateway.readiness import ReadinessChecks
from gateway.routing.repository import RevisionRepository
from gateway.routing.table import RoutingTable
from gateway.settings_report import explain
from gateway.usage.repository import LedgerRepository

log = get_logger(__name__)


class Worker:
    """Everything one worker process is made of."""

    def __init__(self, settings: Settings, *, inference: Inference | None = None) -> None:
        self._topic = topic(settings.kafka_topic_prefix)
        self._servers = settings.kafka_bootstrap_servers
        self.postgres = Postgres(
            settings.database_url.get_secret_value(), size=8, timeout=settings.database_timeout
        )
        self.keyvalue = KeyValue(settings.redis_url.get_secret_value())
        self.inference = inference or make_inference(settings)
        self.routes = RoutingTable(RevisionRepository(self.postgres))
        jobs = make_jobs(settings, self.postgres)
        history = ConversationRepository(self.postgres)
        bus = EventBus(self.keyvalue)
        conversations = ConversationService(history, bus)
        ledger = LedgerRepository(self.postgres, default_budget=default_budget(settings))
        completions = Completions(self.postgres, ledger, self.inference)
        news = JobNews(jobs, bus)

        async def told(job: JobRow) -> None:
            await news.tell(job.user_id, job.id)

        handlers: dict[str, Handler] = {
            titles.KIND: titles.TitleJobs(
                self.postgres,
                jobs,
                completions,
                self.routes,
                conversations,
                SearchRepository(self.postgres),
            ),
            summaries.KIND: summaries.SummaryJobs(
                self.postgres, jobs, completions, self.routes, SummaryRepository(self.postgres)
            ),
            evaluations.KIND: evaluations.EvaluationJobs(
                self.postgres,
                jobs,
                completions,
                self.routes,
                EvaluationRepository(self.postgres),
            ),
        }
        self.purge = ConversationPurge(history)
        self.outbox = OutboxRelay(
            self.postgres,
            jobs,
            KafkaProducer(self._servers, idempotent=settings.kafka_enable_idempotence),
        )
        self.consumer = JobConsumer(
            jobs,
            handlers,
            lambda: KafkaConsumer(self._servers, group="headrace-worker", topics=[self._topic]),
            self._ensure_topic,
            deadline=settings.job_lease_seconds * 0.8,
            told=told,
        )
        self._readiness = ReadinessChecks(
            {"postgres": self.postgres.check, "valkey": self.keyvalue.check}, dict
        )
        self.internal = InternalListener(settings.metrics_host, settings.metrics_port, self._readiness)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        parts: list[Part] = [
            self.internal,
            self.postgres,
            self.keyvalue,
            self.inference,
            self.routes,
            self.outbox,
            self.consumer,
            self.purge,
        ]
        async with AsyncExitStack() as opened:
            for part in parts:
                await part.start()
                opened.push_async_callback(part.stop)
            self._readiness.serve()
            log.info("worker.started")
            await stop.wait()
            self._readiness.drain()
            log.info("worker.stopping")

    async def _ensure_topic(self) -> bool:
        return bool(await ensure_topics(self._servers, {self._topic: PARTITIONS}))


async def _main(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await Worker(settings).run(stop)


def main() -> int:
    """78 (EX_CONFIG) when the environment is not right."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(explain(error))
        return 78
    configure_logging("worker", settings.log_level, settings.log_format)
    tracing = configure_tracing("worker", settings.otlp_endpoint)
    asyncio.run(_main(settings))
    if tracing is not None:
        tracing.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
