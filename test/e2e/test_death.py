"""Processes that are killed."""

import signal
import sys
import time

import pytest

import peers
from harness import alive, wait
from peers import roundtrip
from test_start import bad_libexec


@pytest.fixture
def daemon(box):
    """Here, workers may die."""
    def make(*args, **kw):
        d = box.daemon(*args, start=False, **kw)
        d.deaths = True
        return d.start()
    return make


def test_killed_worker_costs_only_its_sessions(daemon, echo, box):
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(20)]
    victim = d.kids()[0]
    d.kill(signal.SIGKILL, victim)
    wait(lambda: victim not in d.kids() and
         len(d.workers("ready")) == 2, 5, "its replacement")
    assert sum(peers.answers(c) for c in clients) == 10
    summary = d.summary()
    assert summary["sessions"] == 10
    assert summary["sessions_total"] == 20, "totals outlive a dead worker"
    d.wait_line("warning", f"worker {victim} ")
    peers.load(box, d.address(), 200)


@pytest.mark.parametrize("signo", [signal.SIGSEGV, signal.SIGABRT],
                         ids=["SEGV", "ABRT"])
def test_crashed_worker_is_replaced(daemon, echo, signo):
    d = daemon(remotes=[echo], env={"ASAN_OPTIONS": "handle_segv=0"})
    victim = d.kids()[0]
    d.kill(signo, victim)
    wait(lambda: victim not in d.kids() and
         len(d.workers("ready")) == 2, 5, "its replacement")
    d.wait_line("warning", f"worker {victim} ")


def test_every_worker_killed_at_once(daemon, echo):
    d = daemon(remotes=[echo])
    d.kill(signal.SIGKILL, *d.kids())
    roundtrip(d.connect())
    wait(lambda: len(d.workers("ready")) == 2, 5, "new workers")


def test_many_workers_killed_at_once_are_back_soon(daemon, echo):
    """Six deaths in one moment are one reason to wait, not six."""
    d = daemon(remotes=[echo], spawnd="servers { min = 6 max = 8 }")
    d.kill(signal.SIGKILL, *d.kids())
    wait(lambda: len(d.workers("ready")) == 6, 3, "new workers")
    roundtrip(d.connect())


def test_a_worker_that_is_not_needed_to_be_killed_under_load(
        daemon, echo, box):
    """Of all clients only those of the killed worker see an error."""
    d = daemon(remotes=[echo], spawnd="servers { min = 4 max = 4 }")
    load = peers.Load(box, d.address(), concurrent=16, rate=1500)
    wait(lambda: d.summary()["sessions_total"] > 200, 5, "some load")
    d.kill(signal.SIGKILL, d.kids()[0])
    wait(lambda: len(d.workers("ready")) == 4, 5, "the replacement")
    total = d.summary()["sessions_total"]
    wait(lambda: d.summary()["sessions_total"] > total + 200, 5, "more")
    result = load.stop(401)
    assert result["failed"] <= 16, result


def test_back_off_of_a_worker_that_dies_young(daemon, echo, box):
    """Attempts 1 s, 2 s... apart; the others serve; a worker that works
    again ends it."""
    libexec = bad_libexec(box, "relay", f"""
        date +%s.%N >>{box.dir}/attempts
        exit 3\n""")
    good = box.base / "libexec" / "relay"
    attempts = box.dir / "attempts"
    (libexec / "relay").rename(libexec / "bad")
    (libexec / "relay").symlink_to(good)
    d = daemon(remotes=[echo], libexec=libexec)
    client = roundtrip(d.connect())
    mine = [w["pid"] for w in d.workers() if w["sessions"]][0]
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(libexec / "bad")
    killed = time.time()
    for pid in d.kids():
        if pid != mine:
            d.kill(signal.SIGKILL, pid)

    def times():
        return [killed] + [float(t) for t in attempts.read_text().split()] \
            if attempts.exists() else []

    wait(lambda: len(times()) == 3, 12, "two attempts")
    # A program that starts late makes the first one longer, not the second.
    first, second = (b - a for a, b in zip(times(), times()[1:]))
    assert first > 0.9 and second > 1.9, times()
    assert peers.answers(client)
    roundtrip(d.connect())
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(good)
    wait(lambda: len(d.workers("ready")) == 2, 15, "a good worker")


def test_worker_of_another_release_serves_nobody(daemon, echo, box):
    """The program was replaced under a running master: it ends by itself, and
    the session that it would have got is served by the next good one."""
    good = box.base / "libexec" / "relay"
    libexec = bad_libexec(box, "relay", f'exec {good} "$1" "$2" 999999\n')
    (libexec / "relay").rename(libexec / "bad")
    (libexec / "relay").symlink_to(good)
    d = daemon(remotes=[echo], libexec=libexec,
               spawnd="servers { min = 1 max = 1 }")
    d.deaths = True
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(libexec / "bad")
    d.kill(signal.SIGKILL, d.kids()[0])
    client = d.connect()
    d.wait_line("speaks version 999999")
    assert peers.silent(client)
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(good)
    roundtrip(client)


# Says READY, and then does something that none of ours does.
STRANGE = """import os, signal, socket, struct, sys
with open(sys.argv[1], "a") as f: print(os.getpid(), file=f)
c = socket.socket(fileno=3)
c.setblocking(True)
c.send(struct.pack("=HHIi", 3, 1, int(sys.argv[2]), os.getpid()))
"""
LEAVES = """for i in range(1000):
    c.send(struct.pack("=HHI", 4, 1, 1))
signal.pause()
"""


def strange_worker(daemon, echo, box, does):
    """A daemon with one such worker, which is the first, and its pid."""
    good = box.base / "libexec" / "relay"
    program = box.dir / "strange.py"
    program.write_text(STRANGE + does)
    libexec = bad_libexec(box, "relay", f"""[ "$1$2" = 10 ] || exec {good} "$@"
exec {sys.executable} {program} {box.dir}/strange.pids "$3"
""")
    d = daemon(remotes=[echo], libexec=libexec,
               spawnd="servers { min = 2 max = 2 } watchdog = 0")
    # It may be dead by now.
    return d, int((box.dir / "strange.pids").read_text().split()[0])


def test_worker_that_asks_to_leave_again_and_again(daemon, echo, box):
    """It is heard once, and is no noise in the log."""
    d, bad = strange_worker(daemon, echo, box, LEAVES)
    wait(lambda: d.workers("draining"), 5, "its drain")
    d.kill(signal.SIGKILL, bad)
    wait(lambda: not alive(bad), 5, "its end")
    d.wait_line(f"worker {bad} died")
    assert len(d.lines(f"worker {bad}: retires")) == 1


def test_master_killed(daemon, echo, box):
    """Sessions go on to their end, the workers exit, and a new master binds
    at once: same port, pid file, control socket, unix listener."""
    pidfile, path = box.dir / "d.pid", box.dir / "in.sock"
    port = peers.Backend(peers.echo, listen=False)
    port.close()
    parts = dict(remotes=[echo], spawnd=f'pidfile = "{pidfile}"', listen={
        "web": f'address = "127.0.0.1" port = {port.port}',
        "sock": f'path = "{path}"'})
    d = daemon(**parts)
    clients = [roundtrip(d.connect()) for _ in range(10)]
    clients += [roundtrip(d.connect("sock")) for _ in range(2)]
    workers = d.kids()
    idle = [w["pid"] for w in d.workers() if not w["sessions"]]
    assert not idle
    d.kill(signal.SIGKILL)
    d.proc.wait()
    assert all(peers.answers(c) for c in clients)
    two = daemon(control=d.conf.control, **parts)
    assert int(pidfile.read_text()) == two.pid
    roundtrip(two.connect())
    roundtrip(two.connect("sock"))
    assert all(peers.answers(c) for c in clients)
    assert all(alive(pid) for pid in workers)
    for client in clients:
        client.close()
    wait(lambda: not any(alive(pid) for pid in workers), 5,
         "the end of the old workers")
    roundtrip(two.connect())


def test_idle_workers_of_a_killed_master_exit(daemon, echo):
    d = daemon(remotes=[echo])
    d.leaves.add(d.conf.control)
    kids = d.kids() + d.kids("logger")
    assert len(kids) == 3
    d.kill(signal.SIGKILL)
    d.proc.wait()
    wait(lambda: not any(alive(pid) for pid in kids), 5, "their end")


def test_logger_killed(daemon, echo):
    """It is replaced, and its death stops nobody."""
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    victim, = d.kids("logger")
    d.kill(signal.SIGKILL, victim)
    assert peers.answers(client)
    wait(lambda: d.kids("logger") not in ([], [victim]), 5, "a new logger")
    client.close()
    roundtrip(d.connect()).close()
    d.wait_sessions(0)
    d.reload()
    roundtrip(d.connect()).close()
    wait(lambda: d.closed(), 5, "a session line after the new logger")


def test_stopped_logger_blocks_nobody(daemon, echo, box):
    d = daemon(remotes=[echo])
    logger, = d.kids("logger")
    d.kill(signal.SIGSTOP, logger)
    try:
        peers.load(box, d.address(), 3000, concurrent=20)
        d.wait_sessions(0)
        assert d.summary()["sessions_total"] == 3000
    finally:
        d.kill(signal.SIGCONT, logger)
    roundtrip(d.connect()).close()
    summary = d.summary()
    got = wait(lambda: d.closed() if len(d.closed()) +
               d.summary()["dropped_logs"] >= 3001 else None, 5,
               "each line written or counted")
    assert len(got) + d.summary()["dropped_logs"] >= 3001, summary


def test_full_log_disk_stops_nobody(daemon, echo, box):
    """/dev/full fails every write."""
    d = daemon(remotes=[echo], spawnd='log { to = "/dev/full" }')
    peers.load(box, d.address(), 300)
    d.reload()
    peers.load(box, d.address(), 300)


def test_a_client_of_the_control_socket_that_stalls(daemon, echo):
    """Connects and says nothing, or half of something."""
    d = daemon(remotes=[echo])
    path = str(d.conf.control)
    mute = [d.box.connect(path) for _ in range(5)]
    for sock in mute[1:]:
        try:
            sock.sendall(b"\x00\xffshow")
        except OSError:
            pass
    assert d.summary()["pid"] == d.pid
    roundtrip(d.connect())


def test_workers_die_in_turn_under_reloads(daemon, echo, box, seed):
    """Random kills, HUPs and leaves for 4 s: the pool is whole in the end
    and no slot leaks."""
    import random
    dice = random.Random(seed)
    d = daemon(remotes=[echo], spawnd="servers { min = 3 max = 5 }")
    load = peers.Load(box, d.address(), concurrent=10, rate=500)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        what = dice.choice([signal.SIGHUP, signal.SIGKILL, None])
        kids = d.kids()
        if what is None:
            d.kill(signal.SIGHUP)
        elif kids:
            try:
                d.kill(what, dice.choice(kids))
            except ProcessLookupError:
                pass
        time.sleep(dice.uniform(0, 0.3))
        assert d.proc.poll() is None, "the master ended"
    load.stop()
    d.wait_sessions(0, 10)
    wait(lambda: len(d.workers("ready")) == 3, 20, "three workers")
    peers.load(box, d.address(), 200)


