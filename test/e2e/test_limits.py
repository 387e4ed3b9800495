"""When descriptors run out."""

import os
import re
import resource
import signal
import time

import peers
from harness import (AS_ROOT, cpu_ticks_over, drop_sys_resource, fd_count,
                     wait)
from peers import roundtrip


def set_nofile(pid, limit):
    """Lowers or raises the soft limit of a running process."""
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


def hundred():
    """For preexec: 100 descriptors, and no way to raise that."""
    drop_sys_resource()
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))


def test_small_limit_lowers_users_max_and_says_so(daemon, echo, box):
    """What the limit allows is served, the rest waits; nobody is lost."""
    d = daemon(remotes=[echo], preexec=hundred,
               spawnd="servers { min = 1 max = 1 }")
    said = d.wait_line("warning", "users max 4000")
    assert len(said) == 1, d.log
    total = d.summary()["users_max_total"]
    assert 10 <= total < 50
    assert re.search(rf"\b{total}\b", said[0]), said
    clients = [d.connect() for _ in range(total + 20)]
    for client in clients:
        client.sendall(b"x")
    for client in clients[:total]:
        assert peers.receive(client, 1) == b"x"
    assert peers.silent(clients[total])
    d.wait_sessions(total)
    assert cpu_ticks_over([d.pid, *d.kids()], 0.5) <= 3
    for client in clients[:20]:
        client.close()
    for client in clients[total:]:
        assert peers.receive(client, 1) == b"x"
    assert not d.lines("error")


def test_service_goes_on_far_beyond_a_small_limit(daemon, echo, box):
    d = daemon(remotes=[echo], preexec=hundred,
               spawnd="servers { min = 2 max = 2 }")
    fds = fd_count(d.pid)
    peers.load(box, d.address(), 3000, concurrent=150)
    d.wait_sessions(0)
    wait(lambda: fd_count(d.pid) == fds, 30, "descriptors as before")


def test_a_limit_too_small_to_start_with(echo, box):
    conf = box.conf(remotes=[echo])
    done = box.run("-f", conf.path, preexec_fn=lambda: (
        drop_sys_resource(),
        resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))))
    assert done.returncode == 1
    assert done.stderr and not conf.control.exists()


def test_master_without_descriptors_pauses_and_recovers(daemon, echo):
    """accept fails with EMFILE: no spin, no flood of lines, no client
    lost."""
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    soft = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)[0]
    begun = time.monotonic()
    set_nofile(d.pid, 3)
    waiting = [d.connect() for _ in range(5)]
    for late in waiting:
        late.sendall(b"late")
    assert cpu_ticks_over([d.pid], 1.5) <= 3
    assert peers.answers(client)
    assert all(peers.silent(late, 0.05) for late in waiting)
    set_nofile(d.pid, soft)
    for late in waiting:
        assert peers.receive(late, 4) == b"late"
    roundtrip(d.connect())
    said = d.wait_line("warning", "open files")
    assert len(said) <= 2 + time.monotonic() - begun, "one a second"


def limit_for_one_more(pid):
    """The limit with which pid can open exactly one more descriptor."""
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    free = [fd for fd in range(len(used) + 2) if fd not in used]
    return free[1]


def test_worker_without_descriptors_says_so_and_goes_on(daemon, echo):
    """A worker that cannot open the remote's socket ends that session
    only."""
    d = daemon(remotes=[echo], spawnd="servers { min = 1 max = 1 }" + AS_ROOT)
    clients = [roundtrip(d.connect()) for _ in range(3)]
    worker, = d.kids()
    soft = resource.prlimit(worker, resource.RLIMIT_NOFILE)[0]
    set_nofile(worker, limit_for_one_more(worker))
    for _ in range(3):
        peers.turned_away(d.box, d.address())
    assert cpu_ticks_over([d.pid, worker], 0.5) <= 3
    assert all(peers.answers(c) for c in clients)
    set_nofile(worker, soft)
    roundtrip(d.connect())
    assert d.kids() == [worker], "no reason to die"
    assert {s["why"] for s in d.wait_closed(3)} == {"error"}
    assert not d.remotes()["a"]["held"], "no fault of the remote"


def test_no_spin_when_the_channel_is_full(daemon, echo):
    """A stopped worker takes nothing: the other one serves, the master does
    not block and does not spin."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 2 max = 2 } users { min = 1000 max = 4000 }
        watchdog = 0""")
    victim = d.kids()[0]
    d.kill(signal.SIGSTOP, victim)
    try:
        clients = [d.connect() for _ in range(600)]
        for client in clients:
            client.sendall(b"x")
        wait(lambda: d.summary()["accepted"] == 600, 5, "600 accepted")
        assert cpu_ticks_over([d.pid], 0.5) <= 3
        assert d.summary()["pid"] == d.pid
    finally:
        d.kill(signal.SIGCONT, victim)
    for client in clients:
        assert peers.receive(client, 1) == b"x"
