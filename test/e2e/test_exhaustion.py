"""Descriptors that run out under load, in the kernel's other ways than by
accept(2) alone: nothing spins, nothing floods the log, all recovers."""

import os
import pwd
import resource
import signal
import time

import pytest

import peers
from harness import AS_ROOT, ASAN, SLOW, cpu_ticks_over, fd_count, wait
from peers import roundtrip
from test_limits import set_nofile

CPU = 10 if ASAN else 5         # of a hundred ticks a second


def warnings(d):
    return len(d.lines("warning") + d.lines("error: "))


def soft_limit(pid):
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


def test_master_short_of_descriptors_under_load(daemon, echo, box):
    """Its limit falls below what it has open, again and again: clients wait,
    and nobody is lost; control answers as far as it can, and afterwards."""
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(20)]
    kids, soft = d.kids(), soft_limit(d.pid)
    load = peers.Load(box, d.address(), concurrent=30, rate=600 // SLOW,
                      spread=50)
    ticks = said = 0
    for _ in range(3):
        total = d.summary()["sessions_total"]
        wait(lambda: d.summary()["sessions_total"] > total + 50, 10, "load")
        before, begun = warnings(d), time.monotonic()
        set_nofile(d.pid, 3)
        ticks = max(ticks, cpu_ticks_over([d.pid], 1))
        assert all(peers.answers(c) for c in clients)
        set_nofile(d.pid, soft)
        said = max(said, (warnings(d) - before) /
                   (time.monotonic() - begun + 1))
        wait(lambda: d.summary()["pid"] == d.pid, 5, "control")
    result = load.stop(201)
    print(f"{result}, {ticks} ticks in the worst second, "
          f"{said:.1f} lines a second")
    assert result["failed"] == 0, result
    assert ticks <= 2 * CPU and 0 < said <= 1.5
    assert d.kids() == kids


def test_nothing_can_be_started_without_descriptors(daemon, echo, box):
    """A worker that dies meanwhile is replaced when it is over, a reload that
    is asked for fails, and the master goes on."""
    d = daemon(remotes=[echo])
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(4)]
    soft, victim = soft_limit(d.pid), d.kids()[0]
    set_nofile(d.pid, fd_count(d.pid))
    before = warnings(d)
    d.kill(signal.SIGKILL, victim)
    d.kill(signal.SIGHUP)
    assert cpu_ticks_over([d.pid], 2.5) <= 3 * CPU
    assert d.proc.poll() is None
    said = warnings(d) - before
    assert said <= 12, f"{said} lines in 2.5 s"
    set_nofile(d.pid, soft)
    wait(lambda: len(d.workers("ready")) >= 2, 10, "the replacement")
    assert sum(peers.answers(c) for c in clients) == 2
    d.reload()
    peers.load(box, d.address(), 200)


def test_workers_short_of_descriptors_under_load(daemon, echo, box):
    """Those who come meanwhile are turned away, as there is nothing to serve
    them with; those who are there stay."""
    d = daemon(remotes=[echo], spawnd=AS_ROOT)
    clients = [roundtrip(d.connect()) for _ in range(20)]
    kids = d.kids()
    soft = soft_limit(kids[0])
    load = peers.Load(box, d.address(), concurrent=10, rate=100, spread=50)
    for pid in kids:
        set_nofile(pid, 3)
    before = warnings(d)
    assert cpu_ticks_over([d.pid, *kids], 1.5) <= 6 * CPU
    said = warnings(d) - before
    assert all(peers.answers(c) for c in clients)
    assert d.summary()["workers"] == 2
    for pid in kids:
        set_nofile(pid, soft)
    wait(lambda: peers.answers(roundtrip(d.connect())), 5, "service")
    total = d.summary()["sessions_total"]
    wait(lambda: d.summary()["sessions_total"] > total + 50, 5, "load")
    result = load.stop()
    print(f"{result}, {said} lines in 1.5 s")
    assert said <= 8, f"{said} lines in 1.5 s"
    assert d.kids() == kids
    peers.load(box, d.address(), 200)


# A worker without root's rights lets nobody look into it: LeakSanitizer cannot.
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


def nobody(limit, directory):
    """For preexec: nobody's rights and so many descriptors."""
    user = pwd.getpwnam("nobody")

    def preexec():
        os.chown(directory, user.pw_uid, user.pw_gid)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    return preexec


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes nobody")
@pytest.mark.parametrize("mode", ["epoll", "poll"])
def test_too_many_descriptors_in_flight(box, echo, mode):
    """Without rights, what was sent and not taken counts against the limit
    (ETOOMANYREFS): 8 stopped workers and 300 clients."""
    d = box.daemon(remotes=[echo], preexec=nobody(96, box.dir), event=mode,
                   env=NO_LEAKS,
                   spawnd="servers { min = 8 max = 8 } watchdog = 0")
    client = roundtrip(d.connect())
    kids = d.kids()
    for pid in kids:
        d.kill(signal.SIGSTOP, pid)
    try:
        waiting = [d.connect() for _ in range(300)]
        for late in waiting:
            late.sendall(b"late")
        wait(lambda: d.lines("pauses"), 5, "the limit")
        before = warnings(d)
        begun = time.monotonic()
        ticks = cpu_ticks_over([d.pid], 2)
        said = warnings(d) - before
        print(f"{ticks} ticks and {said} lines in 2 s; waiting "
              f"{d.summary()['waiting']}")
        assert ticks <= 2 * CPU
        assert said <= 2 * (time.monotonic() - begun) + 1
        # What is kept free is not used up by the pauses, one after the other.
        wait(lambda: d.summary()["pid"] == d.pid and
             time.monotonic() - begun > 10, 30, "control, all the time")
        assert d.workers()
    finally:
        for pid in kids:
            d.kill(signal.SIGCONT, pid)
    for late in waiting[:250]:
        assert peers.receive(late, 4) == b"late"
        late.close()
    for late in waiting[250:]:
        assert peers.receive(late, 4) == b"late"
    assert peers.answers(client)
    summary = wait(lambda: (lambda s: s if s["overload"] == "no" else None)
                   (d.summary()), 5, "overload's end")
    assert summary["refused"] == 0 and summary["accepted"] == 301
    peers.load(box, d.address(), 500)
    assert d.kids() == kids


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes nobody")
def test_few_descriptors_under_load(box, echo):
    """A long time at the limit: 200 clients at a time at a daemon that can
    hold a tenth."""
    d = box.daemon(remotes=[echo], preexec=nobody(96, box.dir),
                   env=NO_LEAKS, spawnd="servers { min = 2 max = 2 }")
    fds = fd_count(d.pid)
    before = warnings(d)
    begun = time.monotonic()
    result = peers.load(box, d.address(), 4000 // SLOW, concurrent=200,
                        spread=50, size=(100, 20000))
    seconds = time.monotonic() - begun
    said = warnings(d) - before
    print(f"{result}, {said} lines in {seconds:.1f} s")
    assert said <= 2 * seconds + 4
    d.wait_sessions(0)
    wait(lambda: fd_count(d.pid) == fds, 5, "descriptors as before")
    assert d.summary()["refused"] == 0
