"""Many reloads, many generations, and how overload ends by what is not a
session's end."""

import contextlib
import random
import signal
import time

import pytest

import peers
from harness import (ASAN, LATE, SLOW, WATCHDOG, fd_count, listening,
                     private_kib, soon, wait)
from peers import roundtrip
from test_start import bad_libexec


def generations(d, ended=False):
    return {g["generation"]: g for g in d.generations(ended)}


@pytest.mark.load
def test_a_storm_of_reloads(daemon, echo, box, seed):
    """At random, under load, with 200 long sessions: nothing fails, nothing
    grows."""
    count, seconds = (25, 15) if ASAN else (100, 20)
    dice = random.Random(seed)
    d = daemon(remotes=[echo])
    for _ in range(3):
        d.reload()
    peers.load(box, d.address(), 200)
    wait(lambda: len(d.kids()) == 2, 10, "the first generations' end")
    fds, memory = fd_count(d.pid), private_kib(d.pid)
    long = [roundtrip(d.connect()) for _ in range(200)]
    inodes = listening(d.port())
    load = peers.Load(box, d.address(), concurrent=20, rate=800 // SLOW,
                      spread=50)
    begun = time.monotonic()
    for at in sorted(dice.uniform(0, seconds) for _ in range(count)):
        while time.monotonic() - begun < at:
            time.sleep(0.005)
        d.kill(signal.SIGHUP)
        assert d.proc.poll() is None
    result = load.stop(501)
    lost = sum(not peers.answers(client) for client in long)
    done = len(d.lines("reload: done"))
    print(f"{done} reloads, {result}, {lost} of 200 long sessions lost")
    assert result["failed"] == 0, result
    assert lost == 0
    assert not d.lines("reload: failed") and not d.lines("warning")
    # The first one holds the long ones, whatever else has come.
    assert sum(g["sessions"] for g in d.show("generations")) == 200
    # Those that have ended are told of, not all.
    assert len(generations(d, ended=True)) <= 16
    for client in long:
        client.close()
    wait(lambda: len(d.kids()) == 2, 10, "the old generations' end")
    wait(lambda: list(generations(d)) == [d.summary()["generation"]], 5,
         "the current generation only")
    wait(lambda: fd_count(d.pid) == fds, 5, "descriptors as before")
    assert listening(d.port()) == inodes
    if not ASAN:
        assert private_kib(d.pid) - memory <= 300
    assert {s["why"] for s in d.closed()} <= {"fin", "reset"}


def test_show_generations(daemon, echo):
    """What each is, what it has, and why it is still there."""
    d = daemon(remotes=[echo])
    first = [roundtrip(d.connect()) for _ in range(3)]
    assert list(generations(d)) == [1]
    d.reload()
    second = [roundtrip(d.connect()) for _ in range(2)]
    time.sleep(1.1)
    d.reload()
    wait(lambda: set(generations(d)) == {1, 2, 3}, 5, "three generations")
    shown = generations(d)
    assert [list(g) for g in shown.values()] == 3 * [
        ["generation", "state", "workers", "sessions", "age_seconds", "why",
         "sessions_total", "workers_died", "ended_seconds"]]
    assert {n: g["state"] for n, g in shown.items()} == \
        {1: "draining", 2: "draining", 3: "current"}
    assert {n: g["sessions"] for n, g in shown.items()} == {1: 3, 2: 2, 3: 0}
    assert {n: g["workers"] for n, g in shown.items()} == {1: 2, 2: 2, 3: 2}
    assert shown[1]["age_seconds"] >= shown[2]["age_seconds"] >= 1
    assert shown[2]["age_seconds"] > shown[3]["age_seconds"]
    assert "sessions" in shown[1]["why"] and shown[3]["why"] == "-"
    text = d.ctl("show", "generations").stdout.splitlines()
    assert text[0].split()[:3] == ["generation", "state", "workers"]
    assert len(text) == 4
    for client in first:
        client.close()
    wait(lambda: set(generations(d)) == {2, 3}, 5, "the first one's end")
    wait(lambda: d.lines("generation 1 has ended"), 5, "the line about it")
    assert all(peers.answers(c) for c in second)
    ended = generations(d, ended=True)
    assert list(ended) == [1]
    assert {k: ended[1][k] for k in ("state", "workers", "sessions", "why",
                                     "sessions_total", "workers_died")} == \
        {"state": "ended", "workers": 0, "sessions": 0, "why": "-",
         "sessions_total": 3, "workers_died": 0}
    assert ended[1]["age_seconds"] > ended[1]["ended_seconds"] >= 0
    assert {n: g["sessions_total"] for n, g in generations(d).items()} == \
        {2: 2, 3: 0}


def test_max_generations_says_why(daemon, echo):
    """The oldest is closed, and its sessions' lines name the reason."""
    d = daemon(remotes=[echo], spawnd="max-generations = 2")
    clients = [[roundtrip(d.connect()) for _ in range(5)]]
    for _ in range(3):
        d.reload()
        clients.append([roundtrip(d.connect()) for _ in range(5)])
    wait(lambda: len(generations(d)) <= 2, 5, "two generations")
    for old in clients[:2]:
        assert not any(peers.answers(c) for c in old)
    for young in clients[2:]:
        assert all(peers.answers(c) for c in young)
    lines = d.wait_closed(10)
    assert len(lines) == 10
    assert {(s["end"], s["why"]) for s in lines} == \
        {("relay", "max-generations")}
    wait(lambda: len([l for l in d.lines("max-generations is 2")
                      if "is closed" in l]) == 2, 5, "the lines about it")


def test_max_generations_and_a_worker_that_hangs(daemon, echo):
    """It does not end when it is told to, nor by any other limit."""
    d = daemon(remotes=[echo], spawnd="""max-generations = 2
        drain-timeout = 0 watchdog = 0 servers { min = 1 max = 1 }""")
    d.deaths = True
    client = roundtrip(d.connect())
    worker, = d.kids()
    d.reload()
    d.kill(signal.SIGSTOP, worker)
    second = roundtrip(d.connect())
    d.reload()
    d.wait_line("generation 1 is closed: max-generations is 2")
    d.wait_line(f"worker {worker} has not ended as it was told: killed")
    assert peers.ended(client)
    assert peers.answers(second)


def test_max_generations_counts_those_that_live(daemon, echo):
    """Generations that have ended by themselves do not count."""
    d = daemon(remotes=[echo], spawnd="max-generations = 2")
    for _ in range(4):
        client = roundtrip(d.connect())
        d.reload()
        assert peers.answers(client)
        client.close()
        wait(lambda: len(generations(d)) == 1, 5, "the old one's end")
    assert not d.lines("is closed")


def test_drain_timeout_is_spread(daemon, echo):
    """The sessions that are left do not all end in one moment: clients that
    come back at once must not come back all at once."""
    seconds = 8
    d = daemon(remotes=[echo], spawnd=f"drain-timeout = {seconds}s")
    clients = [roundtrip(d.connect()) for _ in range(200)]
    begun = time.monotonic()
    d.reload()
    for client in clients:
        assert peers.ended(client) == "fin"
    last = time.monotonic() - begun
    # By their lines, as they are read here in another order.
    lines = wait(lambda: (lambda got: got if len(got) == 200 else None)
                 (d.lines("why=drain-timeout")), 5, "the closing lines")
    ends = sorted(float(l.split("T", 1)[1].split("Z")[0].split(":")[2])
                  for l in lines)
    if ends[-1] - ends[0] > 30:         # over the full minute
        ends = sorted((e + 30) % 60 for e in ends)
    assert 0.85 * seconds < last < seconds + LATE, last
    took = ends[-1] - ends[0]
    assert took > 0.06 * seconds, "they end in one moment"
    steps = [b - a for a, b in zip(ends, ends[1:])]
    assert max(steps) < 0.8 * took, "they end in two moments"
    wait(lambda: len(generations(d)) == 1, 5, "the old one's end")


FULL = "servers { min = 1 max = 1 } users { min = 1 max = 2 }"


def full(box, d, overload):
    """Two sessions that fill it, and two clients more than there is room."""
    clients = [roundtrip(d.connect()) for _ in range(2)]
    waiting = []
    if overload == "queue":
        waiting = [d.connect() for _ in range(2)]
        for client in waiting:
            client.sendall(b"wait")
    else:
        wait(lambda: peers.turned_away(box, d.address()), 5, "no room")
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload")
    return clients, waiting


def room(d, clients, waiting):
    """Two are served, those that wait before all others."""
    for client in waiting:
        assert peers.receive(client, 4) == b"wait"
    wait(lambda: waiting or d.summary()["overload"] == "no", 5,
         "overload's end")
    if not waiting:
        waiting += [roundtrip(d.connect()) for _ in range(2)]
    assert all(peers.answers(c) for c in clients + waiting)


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_ends_by_a_leave(daemon, echo, box, overload):
    """A full worker that is told to go is replaced by an empty one."""
    d = daemon(remotes=[echo], spawnd=f"{FULL} overload = {overload}")
    clients, waiting = full(box, d, overload)
    d.ctl("drain", str(d.kids()[0]))
    room(d, clients, waiting)
    assert len(d.kids()) == 2


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_ends_by_retirement(daemon, echo, box, overload):
    """The session that fills it is its last: while the replacement starts
    there is overload, and its READY ends it."""
    libexec = bad_libexec(box, "relay", f"""
        while [ -e {box.dir}/wait ]; do sleep 0.05; done
        exec {box.base}/libexec/relay "$@"\n""")
    d = daemon(remotes=[echo], libexec=libexec, relay="retire = 2",
               spawnd=f"{FULL} overload = {overload}")
    (box.dir / "wait").touch()
    clients = [roundtrip(d.connect()) for _ in range(2)]
    wait(lambda: d.lines("retires"), 5, "the retirement")
    waiting = []
    if overload == "queue":
        waiting = [d.connect() for _ in range(2)]
        for client in waiting:
            client.sendall(b"wait")
        assert peers.silent(waiting[0])
    (box.dir / "wait").unlink()
    room(d, clients, waiting)


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_ends_by_a_stuck_worker_that_is_replaced(
        daemon, echo, box, overload):
    d = daemon(remotes=[echo], spawnd=f"""servers {{ min = 2 max = 2 }}
        users {{ min = 1 max = 4 }} overload = {overload}
        watchdog = {WATCHDOG}ms watchdog-kill = 1m""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(6)]
    victim, other = d.workers()
    assert victim["sessions"] == other["sessions"] == 3
    d.kill(signal.SIGSTOP, victim["pid"])
    try:
        late = [d.connect() for _ in range(2)]
        for client in late:
            client.sendall(b"late")
        if overload == "queue":
            waiting = d.connect()
            waiting.sendall(b"wait")
        wait(lambda: d.workers("stuck"), 5, "the watchdog")
        for client in late:
            assert peers.receive(client, 4) == b"late"
        if overload == "queue":
            assert peers.receive(waiting, 4) == b"wait"
        wait(lambda: d.summary()["overload"] == "no", 5, "overload's end")
        roundtrip(d.connect())
    finally:
        d.kill(signal.SIGCONT, victim["pid"])
    assert all(peers.answers(c) for c in clients)


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_ends_by_growth_after_back_off(daemon, echo, box, overload):
    """A worker died young, so that for a second none may be started; when
    that is over it is, and nobody has to ask again."""
    d = daemon(remotes=[echo], spawnd=f"""servers {{ min = 1 max = 2 }}
        users {{ min = 1 max = 1 }} overload = {overload}""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(2)]
    wait(lambda: len(d.workers("ready")) == 2, 5, "two workers")
    victim = d.kids()[1]
    killed = time.monotonic()
    d.kill(signal.SIGKILL, victim)
    wait(lambda: victim not in d.kids(), 5, "its end")
    if overload == "queue":
        client = d.connect()
        client.sendall(b"wait")
        assert peers.receive(client, 4) == b"wait"
    else:
        def overloaded():
            with contextlib.suppress(ConnectionError):
                peers.connect(d.address()).close()
            return d.summary()["overload"] == "yes"

        # Unless the second was over before there was time to look.
        assert soon(overloaded, 0.8) or time.monotonic() - killed > 0.8
        wait(lambda: d.summary()["overload"] == "no" or
             len(d.workers("ready")) == 2, 5, "overload's end", 0.05)
        roundtrip(d.connect())
    assert sum(peers.answers(c) for c in clients) == 1


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_again_and_again_under_load(daemon, echo, box, overload):
    """80 clients at 8 places, and a reload, a leave or another limit now and
    then: with queue all are served, else all but those that were refused."""
    small = "servers { min = 2 max = 2 } users { min = 2 max = 4 }"
    large = "servers { min = 2 max = 2 } users { min = 2 max = 40 }"
    d = daemon(remotes=[echo], spawnd=f"{small} overload = {overload}")
    load = peers.Load(box, d.address(), concurrent=80, spread=50,
                      size=(100, 20000))
    for what in (small, large, None, small, None, small):
        before = d.summary()["sessions_total"]
        wait(lambda: d.summary()["sessions_total"] > before + 200, 10, "load")
        if what is None:
            d.ctl("drain", str(d.workers("ready")[0]["pid"]))
        else:
            d.reload(spawnd=f"{what} overload = {overload}")
    result = load.stop(201)
    summary = d.summary()
    print(f"{overload}: {result}, refused {summary['refused']}")
    assert result["failed"] == summary["refused"], result
    assert (result["failed"] == 0) == (overload == "queue")
    d.wait_line("overload (")
    wait(lambda: len(d.workers("ready")) == 2 == len(d.kids()), 10,
         "the others' end")
    peers.load(box, d.address(), 100, concurrent=1)
    assert d.summary()["overload"] == "no"
