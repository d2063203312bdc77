"""One gateway for the whole run, its engine and control as at the beginning for every test."""

from collections.abc import AsyncIterator

import pytest

from core.postgres import Postgres
from core.settings import Settings
from models.catalogue import Catalogue
from tests.gateway.client import MODEL, SERVING, Gateway, Person, listening, until


@pytest.fixture(scope="session")
async def running_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    # Another test may have left the model ready in the database. Were it then deployed anew behind our back,
    # it would be seen starting in the midst of the first tests; so the serving side has it from the start.
    spec = Catalogue.load(settings.model_config_dirs).get(MODEL)
    SERVING.deployed[spec.name, spec.revision] = spec
    async with listening(settings) as gateway:
        yield gateway


async def _ready(gateway: Gateway) -> None:
    await until(lambda: any(route.target for route in gateway.house.routes.routes()))


@pytest.fixture
async def gateway(running_gateway: Gateway) -> AsyncIterator[Gateway]:
    await _ready(running_gateway)
    running_gateway.engine.reset()
    yield running_gateway
    running_gateway.engine.reset()
    running_gateway.control.away = False
    running_gateway.control.state = "ready"


@pytest.fixture(scope="session")
async def another_running_gateway(settings: Settings, running_gateway: Gateway) -> AsyncIterator[Gateway]:
    async with listening(settings, public_url=running_gateway.url) as gateway:
        yield gateway


@pytest.fixture
async def another_gateway(another_running_gateway: Gateway) -> AsyncIterator[Gateway]:
    """A second process on the same PostgreSQL and Valkey, with the signing key of the first."""
    await _ready(another_running_gateway)
    another_running_gateway.engine.reset()
    yield another_running_gateway
    another_running_gateway.engine.reset()


@pytest.fixture
async def person(gateway: Gateway) -> AsyncIterator[Person]:
    someone = await gateway.person()
    yield someone
    await someone.close()


@pytest.fixture
async def stranger(gateway: Gateway) -> AsyncIterator[Person]:
    """Somebody else."""
    someone = await gateway.person()
    yield someone
    await someone.close()


@pytest.fixture
def database(gateway: Gateway) -> Postgres:
    """The gateway's own pool, for looking at what is stored."""
    return gateway.house.postgres
