"""What Ray writes for HAProxy is closed before HAProxy reads it."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "serve" / "haproxy.sh"
WRITTEN = """global
    stats socket /run/admin.sock mode 666 level admin expose-fd listeners
defaults
    errorfile 502 /run/500.http
    errorfile 503 /run/500.http
    errorfile 504 /run/500.http
frontend prometheus
    bind :9101
frontend http_frontend
    bind 127.0.0.1:8000
listen stats
    bind *:8404
"""
CLOSED = """global
    stats socket /run/admin.sock mode 600 level admin expose-fd listeners
defaults
frontend prometheus
    bind 127.0.0.1:9101
frontend http_frontend
    bind 127.0.0.1:8000
listen stats
    bind 127.0.0.1:8404
"""


def test_pages_go_to_loopback_and_the_program_gets_the_same_arguments(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(WRITTEN)
    ran = subprocess.run(
        [str(SCRIPT), "-db", "-f", str(config), "-sf", "12"],
        env={**os.environ, "HEADRACE_HAPROXY": "/bin/echo"},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    assert ran.stdout == f"-db -f {config} -sf 12\n"
    assert config.read_text() == CLOSED


def test_in_a_cluster_the_way_to_the_replicas_alone_is_open(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(WRITTEN.replace("bind 127.0.0.1:8000", "bind *:8000"))
    subprocess.run(
        [str(SCRIPT), "-f", str(config)],
        env={**os.environ, "HEADRACE_HAPROXY": "/bin/echo", "HEADRACE_SERVE_ALSO_AT": "10.0.0.5:8000"},
        capture_output=True,
        check=True,
        timeout=10,
    )
    assert config.read_text() == CLOSED.replace("bind 127.0.0.1:8000", "bind 127.0.0.1:8000,10.0.0.5:8000")


def test_requests_that_begin_alike_go_round_a_ring_within_a_bound(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    written = "defaults\n    balance {}\nfrontend http_frontend\n"
    for way, closed in (
        (
            "hdr(x-headrace-affinity)",
            "hdr(x-headrace-affinity)\n    hash-type consistent\n    hash-balance-factor 150",
        ),
        ("leastconn", "leastconn"),
    ):
        config.write_text(written.format(way))
        subprocess.run(
            [str(SCRIPT), "-f", str(config)],
            env={**os.environ, "HEADRACE_HAPROXY": "/bin/echo"},
            capture_output=True,
            check=True,
            timeout=10,
        )
        assert config.read_text() == written.format(closed)


def test_a_configuration_that_cannot_be_closed_is_not_used(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(SCRIPT), "-f", str(tmp_path / "absent.cfg")],
        env={**os.environ, "HEADRACE_HAPROXY": "/bin/echo"},
        capture_output=True,
        check=False,
        timeout=10,
    )
    assert ran.returncode != 0
    assert ran.stdout == b""
