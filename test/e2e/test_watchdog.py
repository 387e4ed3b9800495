"""Processes that do not run for a while: a stopped worker, a stopped master,
everything stopped at once."""

import contextlib
import signal
import time

import pytest

import peers
from harness import LATE, WATCHDOG, alive, wait
from peers import roundtrip

KILL = 3 * WATCHDOG


def watchdog(kill, more="servers { min = 2 max = 2 }"):
    return f"watchdog = {WATCHDOG}ms watchdog-kill = {kill} {more}"


@contextlib.contextmanager
def stopped(d, *pids):
    for pid in pids:
        d.kill(signal.SIGSTOP, pid)
    try:
        yield
    finally:
        for pid in pids:
            if alive(pid):
                d.kill(signal.SIGCONT, pid)


def only_stuck(d):
    """The warnings that stopped workers are reason for; nothing died."""
    d.deaths = True
    assert not d.lines("died") and not d.lines("killed")
    assert not d.lines("failed")


def late_clients(d, count):
    clients = [d.connect() for _ in range(count)]
    for client in clients:
        client.sendall(b"late")
    return clients


def served(clients):
    return all(peers.receive(client, 4) == b"late" for client in clients)


def state(d, pid):
    return next((w["state"] for w in d.workers() if w["pid"] == pid), None)


def test_stuck_worker_loses_its_sessions_only(daemon, echo, box):
    """What waits at it goes elsewhere, the others serve all the time, it is
    replaced at once and killed after watchdog-kill."""
    d = daemon(remotes=[echo], spawnd=watchdog(f"{KILL}ms"))
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(20)]
    load = peers.Load(box, d.address(), concurrent=10, rate=500, spread=50)
    wait(lambda: d.summary()["sessions_total"] > 150, 10, "load")
    victim = d.kids()[0]
    with stopped(d, victim):
        begun = time.monotonic()
        assert served(late_clients(d, 10))
        wait(lambda: state(d, victim) == "stuck", 5, "the watchdog")
        noticed = time.monotonic() - begun
        # Its own pid is among them until it is killed.
        wait(lambda: len(d.workers("ready")) == 2, 5, "its replacement")
        wait(lambda: not alive(victim), 6, "its end")
        assert time.monotonic() - begun > KILL * 0.9 / 1000
    lost = sum(not peers.answers(c) for c in clients)
    result = load.stop(201)
    said = d.wait_line(f"worker {victim} is stuck")
    assert len(said) == 1
    print(f"noticed after {noticed:.2f} s, {lost} of 20 long sessions lost, "
          f"{result['failed']} of {result['failed'] + result['ok']} short")
    assert lost == 10
    # Those of the load that it had taken before it stopped.
    assert result["failed"] <= 10, result


def test_stuck_worker_that_comes_back(daemon, echo, box):
    """Before watchdog-kill: no session is lost, it drains and goes."""
    d = daemon(remotes=[echo], spawnd=watchdog("1m"))
    clients = [roundtrip(d.connect()) for _ in range(20)]
    load = peers.Load(box, d.address(), concurrent=10, rate=500, spread=50)
    victim = d.kids()[0]
    with stopped(d, victim):
        assert served(late_clients(d, 10))
        wait(lambda: state(d, victim) == "stuck", 5, "the watchdog")
    wait(lambda: state(d, victim) == "draining", 5, "the drain")
    assert all(peers.answers(c) for c in clients)
    result = load.stop(101)
    assert result["failed"] == 0, result
    for client in clients:
        client.close()
    wait(lambda: not alive(victim), 5, "its end")
    wait(lambda: len(d.workers("ready")) == 2, 5, "two workers")
    only_stuck(d)


def test_short_stop_is_no_reason(daemon, echo):
    """Shorter than watchdog, with messages waiting; and as long as you like
    with none."""
    d = daemon(remotes=[echo], spawnd=f"""watchdog = {4 * WATCHDOG}ms
        watchdog-kill = 1s servers {{ min = 1 max = 1 }}""")
    worker, = d.kids()
    client = roundtrip(d.connect())
    for _ in range(3):
        with stopped(d, worker):
            late = late_clients(d, 5)
            assert peers.silent(late[0], 0.2)
        assert served(late)
    d.reload(spawnd=watchdog("1s", "servers { min = 1 max = 1 }"))
    assert peers.answers(client)
    worker, = {w["pid"] for w in d.workers("ready")}
    mine = roundtrip(d.connect())
    with stopped(d, worker):
        time.sleep(WATCHDOG * 4 / 1000)
    assert peers.answers(mine)
    assert state(d, worker) == "ready"


def test_all_workers_stuck(daemon, echo):
    """New ones take over; when the old ones wake up nothing is lost."""
    d = daemon(remotes=[echo], spawnd=watchdog("1m"))
    clients = [roundtrip(d.connect()) for _ in range(10)]
    kids = d.kids()
    with stopped(d, *kids):
        assert served(late_clients(d, 20))
        wait(lambda: len(d.workers("stuck")) == 2, 5, "the watchdog")
        wait(lambda: len(d.workers("ready")) == 2, 5, "new workers")
    assert all(peers.answers(c) for c in clients)
    for client in clients:
        client.close()
    wait(lambda: not any(alive(pid) for pid in kids), 5, "their end")
    only_stuck(d)


@pytest.mark.parametrize("who, first", [
    ("master", "master"), ("everything", "master"),
    ("everything", "workers")])
def test_stop_of_the_daemon(daemon, echo, box, who, first):
    """Longer than watchdog and watchdog-kill: clocks that went on are nobody's
    fault. No session ends and no process does."""
    d = daemon(remotes=[echo], spawnd=watchdog("1s"))
    clients = [roundtrip(d.connect()) for _ in range(20)]
    load = peers.Load(box, d.address(), concurrent=10, rate=500, spread=50)
    wait(lambda: d.summary()["sessions_total"] > 50, 10, "load")
    kids, loggers = d.kids(), d.kids("logger")
    others = [*kids, *loggers] if who == "everything" else []
    pids = [d.pid, *others] if first == "workers" else [*others, d.pid]
    for pause in (WATCHDOG * 1.5, WATCHDOG + 1500):
        with stopped(d, *reversed(pids)):
            time.sleep(pause / 1000)
            waiting = late_clients(d, 5)
        # In the other order, so that the master wakes up first or last.
        assert served(waiting)
        assert all(peers.answers(c) for c in clients)
    result = load.stop(101)
    assert result["failed"] == 0, result
    time.sleep(WATCHDOG * 2 / 1000)
    assert d.kids() == kids and d.kids("logger") == loggers
    assert len(d.workers("ready")) == 2
    assert not d.lines("warning")


def test_stop_while_a_worker_drains(daemon, echo):
    """The limits of a drain do not run while everything sleeps."""
    d = daemon(remotes=[echo], spawnd=watchdog("1s"))
    clients = [roundtrip(d.connect()) for _ in range(10)]
    d.reload()
    kids = d.kids()
    assert len(kids) == 4
    with stopped(d, d.pid, *kids):
        time.sleep(2 * WATCHDOG / 1000 + 1)
    assert all(peers.answers(c) for c in clients)
    roundtrip(d.connect())
    time.sleep(WATCHDOG * 2 / 1000)
    assert all(peers.answers(c) for c in clients)
    assert d.kids() == kids


@pytest.mark.parametrize("end", ["TERM", "TERM-TERM", "INT", "stop"])
def test_the_end_with_a_stuck_worker(daemon, echo, end):
    """It is bounded: by watchdog and watchdog-kill, or by nothing but the
    word "now"."""
    d = daemon(remotes=[echo], spawnd=watchdog(f"{KILL}ms"))
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(4)]
    victim = d.kids()[0]
    with stopped(d, victim):
        begun = time.monotonic()
        if end == "stop":
            d.ctl("stop")
        else:
            for name in end.split("-"):
                d.kill(signal.Signals[f"SIG{name}"])
        for client in clients:
            client.close()
        assert d.wait_end(6) == 0
        assert time.monotonic() - begun < LATE
        assert not alive(victim)


def test_the_end_with_a_worker_that_hangs_in_its_drain(daemon, echo):
    """It has said that it drains and then hangs: drain-timeout bounds it."""
    d = daemon(remotes=[echo],
               spawnd=watchdog("1s") + "drain-timeout = 3s")
    d.deaths = True
    client = roundtrip(d.connect())
    d.kill(signal.SIGTERM)
    wait(lambda: len(d.kids()) == 1, 5, "the idle worker's end")
    victim, = d.kids()
    with stopped(d, victim):
        assert d.wait_end(10) == 0
        assert not alive(victim)
    assert not peers.answers(client)


def test_reload_with_a_stuck_worker(daemon, echo):
    """It does not hold up the reload and is killed all the same."""
    d = daemon(remotes=[echo], spawnd=watchdog(f"{KILL}ms"))
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(10)]
    victim = d.kids()[0]
    with stopped(d, victim):
        late = late_clients(d, 4)
        assert served(late)
        wait(lambda: state(d, victim) == "stuck", 5, "the watchdog")
        d.reload()
        assert served(late_clients(d, 4))
        wait(lambda: not alive(victim), 6, "its end")
    assert sum(peers.answers(c) for c in clients) == 5


def test_what_a_full_channel_holds_is_not_lost(daemon, echo):
    """More sessions than its channel takes: the rest is given to others at
    once, and what it holds after the watchdog."""
    d = daemon(remotes=[echo], spawnd=watchdog("1m", """
        servers { min = 2 max = 2 } users { min = 1000 max = 4000 }"""))
    victim = d.kids()[0]
    with stopped(d, victim):
        clients = late_clients(d, 700)
        assert served(clients)
        assert state(d, victim) == "stuck"
        assert d.summary()["sessions"] == 700
    wait(lambda: not alive(victim), 5, "its end, as it has none")
    assert d.summary()["sessions"] == 700
    only_stuck(d)


def test_stuck_workers_under_load_again_and_again(daemon, echo, box):
    """A worker in turn is stopped for longer than watchdog and woken up: not
    one session of thousands fails. Sessions that stay see to it that the
    stopped one is the least loaded in the end, and gets some."""
    d = daemon(remotes=[echo], spawnd=watchdog("1m", """
        servers { min = 3 max = 4 }"""))
    load = peers.Load(box, d.address(), concurrent=30, rate=800, spread=50)
    clients = []

    def found_out(pid):
        clients.append(d.connect())
        return state(d, pid) == "stuck"

    for _ in range(4):
        pid = wait(lambda: len(d.workers("ready")) >= 3 and
                   d.workers("ready"), 10, "three workers")[0]["pid"]
        with stopped(d, pid):
            wait(lambda: found_out(pid), 5, "the watchdog")
    result = load.stop(301)
    print(result)
    assert result["failed"] == 0, result
    for client in clients:
        roundtrip(client).close()
    wait(lambda: not d.workers("stuck", "draining"), 10, "their end")
    only_stuck(d)
