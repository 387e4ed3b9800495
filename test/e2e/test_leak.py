"""Nothing grows that should not, and an idle daemon is idle."""

import pytest

import peers
from harness import ASAN, cpu_ticks_over, fd_count, private_kib, wait
from peers import roundtrip

pytestmark = pytest.mark.load


def footprint(d):
    pids = [d.pid, *d.kids(), *d.kids("logger")]
    return ({pid: fd_count(pid) for pid in pids},
            {pid: private_kib(pid) for pid in pids})


def test_many_short_sessions_leave_nothing(daemon, echo, box):
    count = 4_000 if ASAN else 20_000
    d = daemon(remotes=[echo], spawnd="servers { min = 2 max = 2 }")
    # Warmed up by as many at a time as come later.
    peers.load(box, d.address(), 2000, concurrent=40, spread=50)
    d.wait_sessions(0)
    fds, memory = footprint(d)
    result = peers.load(box, d.address(), count, concurrent=40, spread=50)
    d.wait_sessions(0)
    assert wait(lambda: footprint(d)[0] == fds, 5, "descriptors as before")
    if not ASAN:
        grown = {pid: kib - memory[pid]
                 for pid, kib in footprint(d)[1].items()}
        assert max(grown.values()) <= 300, grown
    assert d.summary()["sessions_total"] == count + 2000
    assert d.summary()["bytes_in"] >= result["bytes"]
    d.wait_closed(count + 2000, 20)


def test_sessions_that_fail_leave_nothing(daemon, echo, backend, box):
    """Refused, reset, half done: every way out gives back what it took."""
    dead = backend(listen=False)
    d = daemon(remotes=[dead.conf("weight = 200"), echo],
               spawnd="servers { min = 1 max = 1 }",
               relay="idle-timeout = 300ms")

    def round_of_failures():
        for _ in range(30):
            peers.abort(d.connect())
            d.connect().close()
            peers.abort(roundtrip(d.connect()))
            client = roundtrip(d.connect())
            client.shutdown(1)
            client.close()
        for client in [roundtrip(d.connect()) for _ in range(10)]:
            peers.ended(client)
        d.wait_sessions(0)

    round_of_failures()
    fds, memory = footprint(d)
    for _ in range(5):
        round_of_failures()
    wait(lambda: footprint(d)[0] == fds, 5, "descriptors as before")
    if not ASAN:
        grown = {pid: kib - memory[pid]
                 for pid, kib in footprint(d)[1].items()}
        assert max(grown.values()) <= 200, grown


def test_reloads_leave_nothing(daemon, echo):
    d = daemon(remotes=[echo])
    for _ in range(3):
        d.reload()
    wait(lambda: len(d.workers()) == 2, 5, "the old generations' end")
    fds, memory = fd_count(d.pid), private_kib(d.pid)
    for _ in range(20):
        d.reload()
    wait(lambda: len(d.workers()) == 2, 5, "the old generations' end")
    assert wait(lambda: fd_count(d.pid) == fds, 5, f"{fds} descriptors")
    if not ASAN:
        assert private_kib(d.pid) - memory <= 200
    done = d.conf.change(spawnd="bad = 1").write() and [
        d.ctl("reload", check=False).returncode for _ in range(20)]
    assert done == [1] * 20
    wait(lambda: fd_count(d.pid) == fds, 5, f"{fds} descriptors")


def test_1200_idle_sessions_use_no_cpu(daemon, echo, box):
    d = daemon(remotes=[echo], spawnd="users { min = 1000 }")
    clients = [roundtrip(d.connect()) for _ in range(1200)]
    d.wait_sessions(1200)
    pids = [d.pid, *d.kids(), *d.kids("logger")]
    assert cpu_ticks_over(pids, 2) <= 1
    assert all(peers.answers(c) for c in clients[::100])


def test_idle_daemon_uses_no_cpu(daemon, echo, mechanism):
    d = daemon(remotes=[echo])
    roundtrip(d.connect()).close()
    d.wait_sessions(0)
    assert cpu_ticks_over([d.pid, *d.kids(), *d.kids("logger")], 2) <= 1


def test_an_idle_session_costs_little_memory(daemon, echo):
    """No buffer is held by a session that has nothing to deliver."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } users { min = 4000 }""")
    roundtrip(d.connect())
    worker, = d.kids()
    before = private_kib(worker)
    for _ in range(1000):
        roundtrip(d.connect())
    if not ASAN:
        grown = private_kib(worker) - before
        assert grown <= 2048, f"{grown} KiB for 1,000 idle sessions"
