"""TERM, INT and USR1 to the master; HUP, TERM and INT to a worker."""

import os
import pathlib
import re
import signal
import time

import pytest

import peers
from harness import LATE, STAMPED, alive, listening, wait
from peers import roundtrip


def test_term_without_sessions_ends_at_once(daemon, echo):
    d = daemon(remotes=[echo])
    begun = time.monotonic()
    d.kill(signal.SIGTERM)
    assert d.wait_end() == 0
    assert time.monotonic() - begun < LATE


def test_term_drains(daemon, echo):
    """No new sessions, the old ones to their end, then exit 0."""
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(10)]
    port = d.port()
    d.kill(signal.SIGTERM)
    wait(lambda: not listening(port), 5, "the listener's end")
    with pytest.raises(ConnectionRefusedError):
        d.connect()
    assert all(peers.answers(c) for c in clients)
    for client in clients[:9]:
        client.close()
    assert alive(d.pid) and peers.answers(clients[9])
    clients[9].close()
    assert d.wait_end() == 0
    assert {s["why"] for s in d.wait_closed(10)} == {"fin"}


def test_control_answers_while_draining(daemon, echo):
    """A drain may take an hour: it can be watched."""
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    d.kill(signal.SIGTERM)
    wait(lambda: len(d.kids()) == 1, 5, "the idle worker's end")
    summary = d.summary()
    assert (summary["sessions"], summary["draining"]) == (1, 1)
    assert d.ctl("reload", check=False).returncode == 1
    client.close()
    assert d.wait_end() == 0


def test_term_serves_what_was_in_the_backlog(daemon, echo):
    """Clients whose connection the kernel had taken are not dropped."""
    d = daemon(remotes=[echo],
               spawnd="servers { min = 1 max = 1 } users { min = 1 max = 2 }")
    clients = [roundtrip(d.connect()) for _ in range(2)]
    waiting = [d.connect() for _ in range(3)]
    for client in waiting:
        client.sendall(b"wait")
    assert peers.silent(waiting[0], 0.1)
    for client in clients:
        client.close()
    assert peers.receive(waiting[0], 4) == b"wait"
    assert peers.receive(waiting[1], 4) == b"wait"


def test_drain_timeout_after_term(daemon, echo):
    d = daemon(remotes=[echo], spawnd="drain-timeout = 1s")
    clients = [roundtrip(d.connect()) for _ in range(10)]
    begun = time.monotonic()
    d.kill(signal.SIGTERM)
    for client in clients:
        peers.ended(client)
    assert time.monotonic() - begun > 0.8
    assert d.wait_end() == 0
    assert time.monotonic() - begun < LATE
    lines = d.wait_closed(10)
    assert {(s["end"], s["why"]) for s in lines} == \
        {("relay", "drain-timeout")}


@pytest.mark.parametrize("signals", [
    [signal.SIGTERM, signal.SIGTERM], [signal.SIGINT],
    [signal.SIGTERM, signal.SIGINT]], ids=["TERM-TERM", "INT", "TERM-INT"])
def test_ends_now(daemon, echo, signals):
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(10)]
    port = d.port()
    for number, signo in enumerate(signals):
        if number:
            wait(lambda: not listening(port), 5, "the first signal's effect")
        d.kill(signo)
    begun = time.monotonic()
    for client in clients:
        peers.ended(client)
    assert d.wait_end() == 0
    assert time.monotonic() - begun < LATE
    lines = d.wait_closed(10)
    assert {(s["end"], s["why"]) for s in lines} == {("relay", "stopped")}


def test_ends_now_however_often_it_is_asked(daemon, echo):
    """Also with a worker that does not listen; that it was killed is said to
    be our own doing."""
    d = daemon(remotes=[echo])
    d.deaths = True
    roundtrip(d.connect())
    workers = d.kids()
    for worker in workers:
        d.kill(signal.SIGSTOP, worker)

    def asked():
        if d.proc.poll() is None:
            d.kill(signal.SIGINT)
            return False
        return True

    wait(asked, 15, "its end", interval=0.5)
    for worker in workers:
        d.wait_line(f"worker {worker} was killed, with ")
    assert not d.lines("died of")


def test_term_ends_an_overloaded_daemon(daemon, echo):
    d = daemon(remotes=[echo],
               spawnd="servers { min = 1 max = 1 } users { min = 1 max = 1 }")
    client = roundtrip(d.connect())
    d.connect()
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload")
    d.kill(signal.SIGTERM)
    client.close()
    for sock in d.box.sockets:
        sock.close()
    assert d.wait_end() == 0


def test_usr1_reopens_the_log(daemon, echo, box):
    log, old = box.dir / "own.log", box.dir / "old.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    d.logfile = log
    roundtrip(d.connect()).close()
    d.wait_closed(1)
    log.rename(old)
    d.kill(signal.SIGUSR1)
    wait(log.exists, 5, "the new file")
    for _ in range(20):
        roundtrip(d.connect()).close()
    wait(lambda: log.read_text().count(" listener=") == 20, 5,
         "all lines in the new file")
    assert old.read_text().count(" listener=") == 1


def test_hup_reopens_the_log_too(daemon, echo, box):
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    d.logfile = log
    log.rename(box.dir / "old.log")
    d.reload()

    def arrives():
        roundtrip(d.connect()).close()
        return log.exists() and " listener=" in log.read_text()

    wait(arrives, 5, "a line in the new file", 0.05)


def test_log_lines_are_stamped(daemon, echo, box):
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    roundtrip(d.connect()).close()
    d.logfile = log
    d.wait_closed(1)
    lines = log.read_text().splitlines()
    assert len(lines) >= 2 and all(STAMPED.match(l) for l in lines), lines
    pids = {int(re.search(r"\[(\d+)\]", l).group(1)) for l in lines}
    assert d.pid in pids and pids & set(d.kids())


def test_log_options(daemon, echo, box):
    """sessions = no, and the level."""
    d = daemon(remotes=[echo], spawnd="log { sessions = no level = warning }")
    roundtrip(d.connect()).close()
    d.wait_sessions(0)
    d.stop()
    assert d.log == ""


@pytest.mark.parametrize("signo", [signal.SIGHUP, signal.SIGTERM],
                         ids=["HUP", "TERM"])
def test_worker_leaves_and_is_replaced(daemon, echo, box, signo):
    """It takes no more, serves what it has, and goes; nothing is lost."""
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(10)]
    load = peers.Load(box, d.address(), concurrent=10, rate=1000)
    victim = d.kids()[0]
    mine = [w["sessions"] for w in d.workers() if w["pid"] == victim][0]
    assert mine >= 5
    d.kill(signo, victim)
    wait(lambda: len(d.workers("ready")) == 2 and any(
        w["pid"] == victim and w["state"] == "draining"
        for w in d.workers()), 5, "its replacement")
    # What it was sent before it is told, it takes.
    wait(lambda: b", draining" in
         pathlib.Path(f"/proc/{victim}/cmdline").read_bytes(), 30,
         "it has been told")
    taken = [w["taken"] for w in d.workers() if w["pid"] == victim][0]
    assert all(peers.answers(c) for c in clients)
    assert [w["taken"] for w in d.workers()
            if w["pid"] == victim][0] == taken
    for client in clients:
        client.close()
    wait(lambda: victim not in d.kids(), 5, "its end")
    result = load.stop(1)
    assert result["failed"] == 0, result
    assert not d.lines("warning") and not d.lines("error")


def test_every_worker_leaves_at_once(daemon, echo, box):
    """Nobody is left to serve for a moment; clients wait, none is lost."""
    d = daemon(remotes=[echo])
    load = peers.Load(box, d.address(), concurrent=10, rate=1000)
    for _ in range(5):
        pids = d.kids()
        for pid in pids:
            d.kill(signal.SIGHUP, pid)
        wait(lambda: len(d.workers("ready")) == 2 and
             not set(pids) & set(d.kids()), 5, "new workers")
    result = load.stop(1)
    assert result["failed"] == 0, result


def test_ctl_drain(daemon, echo):
    d = daemon(remotes=[echo])
    victim = d.kids()[0]
    d.ctl("drain", str(victim))
    wait(lambda: victim not in d.kids() and
         len(d.workers("ready")) == 2, 5, "its replacement")
    done = d.ctl("drain", str(os.getpid()), check=False)
    assert done.returncode == 1 and "no worker" in done.stderr
    done = d.ctl("drain", str(d.pid), check=False)
    assert done.returncode == 1


def test_worker_int_ends_it_now(daemon, echo):
    d = daemon(remotes=[echo])
    clients = [roundtrip(d.connect()) for _ in range(10)]
    victim = d.kids()[0]
    d.kill(signal.SIGINT, victim)
    wait(lambda: victim not in d.kids() and
         len(d.workers("ready")) == 2, 5, "its replacement")
    assert sum(peers.answers(c) for c in clients) == 5
    assert {s["why"] for s in d.wait_closed(5)} == {"stopped"}
    assert all(peers.answers(roundtrip(d.connect())) for _ in range(4))


def test_signals_that_mean_nothing(daemon, echo):
    """PIPE, ALRM... and a stop are no reason to end."""
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    for pid in [d.pid, *d.kids()]:
        d.kill(signal.SIGPIPE, pid)
        d.kill(signal.SIGSTOP, pid)
        d.kill(signal.SIGCONT, pid)
    assert peers.answers(client)
    roundtrip(d.connect())
    assert len(d.kids()) == 2


def test_term_of_the_whole_process_group(daemon, echo, box):
    """Ctrl-C and kill %1 reach every process; the end is orderly."""
    d = daemon(remotes=[echo], preexec=os.setpgrp)
    client = roundtrip(d.connect())
    assert os.getpgid(d.pid) == d.pid
    os.killpg(d.pid, signal.SIGTERM)
    assert peers.answers(client)
    client.close()
    assert d.wait_end() == 0
    assert d.wait_closed()[0]["why"] == "fin"
