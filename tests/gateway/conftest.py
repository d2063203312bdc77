"""One gateway for the whole run, its engine and control as at the beginning for every test."""

import secrets
from collections.abc import AsyncIterator

import pytest

from core.postgres import Postgres
from core.settings import Settings
from gateway.routing.tables import Origin
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


@pytest.fixture
async def spare(gateway: Gateway) -> AsyncIterator[str]:
    """The name of another model, which answers in place of the usual one."""
    name = f"spare-{secrets.token_hex(4)}"
    house = gateway.house
    spec = Catalogue.load().get(MODEL).model_copy(update={"name": name})
    async with house.revisions.deciding(name) as connection:
        await house.revisions.want(connection, spec, Origin.OPERATOR)
        await house.revisions.set_weights(connection, name, {spec.revision: 100})
    async with house.revisions.deciding(MODEL) as connection:
        await house.revisions.set_fallback(connection, MODEL, name)
    await until(lambda: any(route.name == name and route.shares for route in house.routes.routes()))
    await until(lambda: any(route.fallback == name for route in house.routes.routes()))
    yield name
    async with house.revisions.deciding(MODEL) as connection:
        await house.revisions.set_fallback(connection, MODEL, None)
    await house.postgres.execute("DELETE FROM model_revisions WHERE name = $1", name)
    await house.postgres.execute("DELETE FROM model_names WHERE name = $1", name)
    SERVING.deployed.pop((name, spec.revision), None)
    await until(lambda: all(route.name != name and not route.fallback for route in house.routes.routes()))


@pytest.fixture
async def operator(gateway: Gateway, database: Postgres) -> AsyncIterator[Person]:
    someone = await gateway.person()
    await database.execute("UPDATE users SET role = 'operator' WHERE id = $1", someone.id)
    yield someone
    await someone.close()


@pytest.fixture
async def model(operator: Person, gateway: Gateway, database: Postgres) -> AsyncIterator[str]:
    """A name of its own, of which nothing is left after the test."""
    name = f"m-{secrets.token_hex(4)}"
    yield name
    await database.execute("DELETE FROM promotions WHERE name = $1", name)
    await database.execute("DELETE FROM model_revisions WHERE name = $1", name)
    await database.execute("DELETE FROM model_names WHERE name = $1", name)
    for key in [key for key in SERVING.deployed if key[0] == name]:
        del SERVING.deployed[key]
    # The next test may list the models at once.
    await gateway.house.routes.refresh()
