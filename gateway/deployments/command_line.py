"""The decisions about models for the command line, with connections of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from auth.command_line import audit_for_command_line
from core.postgres import Postgres
from core.settings import Settings
from gateway.deployments.service import Deployments
from gateway.evaluations.repository import EvaluationRepository
from gateway.figures.repository import FigureRepository
from gateway.promotions.repository import PromotionRepository
from gateway.routing.control import HttpControl
from gateway.routing.repository import RevisionRepository


@dataclass(frozen=True, slots=True)
class ModelDesk:
    """What the commands about models stand on."""

    deployments: Deployments
    revisions: RevisionRepository
    promotions: PromotionRepository
    figures: FigureRepository


@asynccontextmanager
async def models_for_command_line(settings: Settings) -> AsyncIterator[ModelDesk]:
    """Raises core.errors.Unavailable where the database does not answer. The gateways carry out what is
    decided here; nothing happens while none of them runs."""
    postgres = Postgres(settings.database_url.get_secret_value(), size=3, timeout=settings.database_timeout)
    control = HttpControl(settings.serve_url, settings.internal_token.get_secret_value())
    async with audit_for_command_line(settings) as audit:
        await postgres.start()
        try:
            await control.start()
            revisions, promotions = RevisionRepository(postgres), PromotionRepository(postgres)
            yield ModelDesk(
                Deployments(revisions, promotions, control, audit, EvaluationRepository(postgres)),
                revisions,
                promotions,
                FigureRepository(postgres),
            )
        finally:
            await control.stop()
            await postgres.stop()
