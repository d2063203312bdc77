"""Secrets, ports, locks, folders and logs of an instance."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cluster.local import logs, ports
from cluster.local.directory import VarDirectory, write_atomically
from cluster.local.errors import ClusterError
from cluster.local.locks import Busy, held_by, only_one
from cluster.local.secrets import load_or_create


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_readable_by_their_owner_alone_and_stay_the_same(var: VarDirectory) -> None:
    made = load_or_create(var.secrets)
    assert mode(var.secrets) == 0o700
    assert {mode(path) for path in var.secrets.iterdir()} == {0o600}
    again = load_or_create(var.secrets)
    assert again == made
    texts = [
        made.internal_token,
        made.ray_token,
        made.postgres_password,
        made.postgres_admin_password,
        made.valkey_password,
    ]
    assert len(set(texts)) == len(texts)
    assert all(len(text) == 64 for text in texts)
    key = load_pem_private_key(made.signing_key_file.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)


def test_two_instances_have_different_secrets_and_names(tmp_path: Path) -> None:
    one, two = VarDirectory(tmp_path / "one"), VarDirectory(tmp_path / "two")
    for directory in (one, two):
        directory.create()
    assert load_or_create(one.secrets).internal_token != load_or_create(two.secrets).internal_token
    assert one.instance() != two.instance()
    assert one.instance() == one.instance()


def test_ports_are_different_free_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    chosen = ports.choose(("one", "two", "three"), path)
    assert len(set(chosen.values())) == 3
    assert all(ports.is_free(port) for port in chosen.values())
    assert ports.choose(("one", "two", "three"), path) == chosen
    assert ports.remembered(("two",), path) == {"two": chosen["two"]}


def test_a_remembered_port_that_was_taken_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        path.write_text(json.dumps({"one": taken.getsockname()[1]}))
        assert ports.choose(("one",), path)["one"] != taken.getsockname()[1]


def test_a_port_in_use_is_named_with_its_holder_and_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError) as refused:
            ports.require_free(port)
    assert f"Port {port} is in use" in str(refused.value)
    assert f"(process {os.getpid()})" in str(refused.value)
    assert f"--port {port + 1}" in str(refused.value)


def test_a_lock_is_held_by_one_process_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom cluster.local.locks import only_one\n"
        "with only_one(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        with holder.stdout:
            assert holder.stdout.readline() == "held\n"
        assert held_by(path) == holder.pid
        with pytest.raises(Busy), only_one(path, patience=0.1):
            pytest.fail("two hold one lock")
    finally:
        holder.kill()
        holder.wait(10)
    assert held_by(path) is None
    with only_one(path):
        assert held_by(path) == os.getpid()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "first")
    with pytest.raises(TypeError):
        write_atomically(path, None)  # type: ignore[arg-type]
    assert path.read_text() == "first"
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_end_of_a_log_is_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert logs.last_lines(path, 2) == ["line 49998", "line 49999"]
    assert logs.last_lines(path, 0) == []
    assert logs.last_lines(tmp_path / "none.log", 5) == []


def test_a_log_that_grew_too_large_begins_anew_under_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("a") as writer:
        writer.write("x" * 100 + "\n")
        writer.flush()
        logs.keep_small(tmp_path, largest=50)
        writer.write("after\n")
        writer.flush()
    assert path.read_text() == "after\n"
    assert (tmp_path / "a.log.1").read_text() == "x" * 100 + "\n"


def test_following_a_log_yields_new_lines_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\n")
    seen = logs.follow([path], pause=0.01)
    writer = threading.Thread(target=_write_slowly, args=(path,))
    writer.start()
    try:
        assert [next(seen)[1], next(seen)[1]] == ["first", "second"]
    finally:
        writer.join(10)


def _write_slowly(path: Path) -> None:
    started = threading.Event()
    started.wait(0.1)
    for part in ("fir", "st\nsec", "ond\n"):
        with path.open("a") as file:
            file.write(part)
        started.wait(0.05)
