"""`python -m gateway`: one gateway process."""

import gc
import socket
import sys

import uvicorn
from pydantic import ValidationError

from core.log import configure_logging, get_logger
from core.settings import Settings
from core.telemetry import configure_tracing
from gateway.app import create_app
from gateway.draining import DrainingServer
from gateway.house import House
from gateway.settings_report import explain

log = get_logger(__name__)

BACKLOG = 1024
# Beyond the drain time: what still runs is handed over.
HAND_OVER_SECONDS = 1
# What is not answered then is cut off, with a word about why.
CUT_SECONDS = 1


def main() -> int:
    """Serve until told to stop; 78 (EX_CONFIG) when the environment is not right."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(explain(error))
        return 78
    configure_logging("gateway", settings.log_level, settings.log_format)
    try:
        # Before anything else is opened: a port that is taken is said at once.
        listener = _listen(settings)
    except OSError as error:
        log.error("gateway.port_taken", host=settings.host, port=settings.port, error=str(error))
        return 1
    tracing = configure_tracing("gateway", settings.otlp_endpoint)
    house = House(settings)
    app = create_app(house)
    # What was made until now stays for good: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=CUT_SECONDS,
        backlog=BACKLOG,
        ws_max_size=64 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
    )
    server = DrainingServer(
        config,
        house,
        app,
        grace=settings.drain_grace,
        patience=settings.drain_timeout + HAND_OVER_SECONDS,
        shared=settings.listen_fd is not None,
    )
    with listener:
        server.run(sockets=[listener])
    if tracing is not None:
        tracing.shutdown()
    return 0 if server.started else 1


def _listen(settings: Settings) -> socket.socket:
    """The socket to accept from: one that was inherited and is shared, or one of our own."""
    if settings.listen_fd is not None:
        return socket.socket(fileno=settings.listen_fd)
    return socket.create_server(
        (settings.host, settings.port),
        family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
        backlog=BACKLOG,
    )


if __name__ == "__main__":
    sys.exit(main())
