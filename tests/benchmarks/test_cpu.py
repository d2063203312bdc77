"""Reading processor time."""

import os
import subprocess
import sys
import time

from benchmarks import cpu

STAT = (
    "4242 (uvicorn: a) b) S 1 4242 4242 0 -1 4194560 9000 0 3 0 150 50 7 9 20 0 4 0 306647 3133440 410 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
)


def test_the_time_of_a_process_is_read_past_any_name() -> None:
    found = cpu.read_stat(STAT, 100)
    assert found.total_us == 2_000_000
    assert found.kernel_us == 500_000
    assert found.kernel_share == 0.25


def test_the_schedulers_time_is_in_nanoseconds() -> None:
    assert cpu.read_schedstat("73610500 292254 2\n") == 73610.5


def test_times_add_and_subtract() -> None:
    one, two = cpu.Cpu(30.0, 10.0), cpu.Cpu(12.0, 4.0)
    assert one - two == cpu.Cpu(18.0, 6.0)
    assert one + two == cpu.Cpu(42.0, 14.0)


def test_nothing_used_has_no_kernel_share() -> None:
    assert cpu.Cpu(0.0, 0.0).kernel_share == 0


def test_work_is_seen() -> None:
    before = cpu.of_process(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        sum(range(1000))
    used = cpu.of_process(os.getpid()) - before
    assert used.total_us >= 80_000


def test_a_tree_contains_its_children() -> None:
    program = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])"
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program, work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        try:
            assert parent.stdout.readline() == b"done\n"
            assert cpu.of_tree(parent.pid).total_us >= 280_000
        finally:
            parent.stdin.write(b"\n")
            parent.stdin.close()
            assert parent.wait(10) == 0


def test_a_process_that_has_ended_has_used_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(20)
    assert cpu.of_tree(process.pid) == cpu.Cpu(0.0, 0.0)


def test_cores_are_divided_without_overlap() -> None:
    cores = cpu.divide_cores()
    available = os.sched_getaffinity(0)
    if len(available) < 2:
        assert cores is None
    else:
        assert cores is not None
        assert set(cores.measured).isdisjoint(cores.others)
        assert {*cores.measured, *cores.others} == available
