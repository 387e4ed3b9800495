"""What follows when several things change at once: who waits gets room, what
is counted is right, and what is opened is sure before the former is closed."""

import os
import re
import resource
import select
import signal

import pytest

import peers
from harness import cpu_ticks_over, drop_sys_resource, fd_count, wait
from peers import receive, roundtrip, silent
from test_start import bad_libexec

ONE = "servers { min = 1 max = 1 } users { min = 1 max = 1 }"
WEB = 'address = "127.0.0.1" port = 0'


@pytest.fixture
def full(daemon, box, echo):
    """A daemon with one session, which is all it has room for, and three
    connections that waited at a listener that a reload has taken away."""
    path = box.dir / "side.sock"
    d = daemon(remotes=[echo], spawnd=ONE,
               listen={"web": WEB, "side": f'path = "{path}"'})
    d.first = roundtrip(d.connect())
    d.late = [box.closing(peers.connect(str(path))) for _ in range(3)]
    for sock in d.late:
        sock.sendall(b"late")
        assert silent(sock)
    d.reload(listen={"web": WEB})
    return d


def test_kept_connections_get_room_as_it_comes(full):
    """The new generation has room for one of those that were taken along; the
    others wait for it, and nobody else need come for that."""
    wait(lambda: full.summary()["waiting"] == 2, 30, "one of three has room")
    full.first.close()
    left = list(full.late)
    while left:
        there = select.select(left, [], [], 30)[0]
        assert there, f"{len(left)} wait for ever"
        for sock in there:
            assert receive(sock, 4) == b"late"
            sock.close()
            left.remove(sock)
    wait(lambda: full.summary()["waiting"] == 0, 30, "nobody waits")


def test_accepted_counts_those_who_are_kept(full):
    assert full.summary()["accepted"] == 4


def test_the_end_after_an_overload_is_quiet(daemon, echo):
    """Nobody waits for room any more: nothing is asked or started."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 2 } users { min = 1 max = 1 }""")
    first, second = roundtrip(d.connect()), roundtrip(d.connect())
    late = d.connect()
    assert silent(late)
    assert d.summary()["overload"] == "yes"
    workers = d.kids()
    d.kill(signal.SIGTERM)
    d.wait_line("stopping")
    assert cpu_ticks_over([d.pid], 1) <= 10
    assert d.kids() == workers
    roundtrip(first).close()
    roundtrip(second).close()
    d.wait_end(30)
    late.close()


def stopped_workers(d, sessions):
    """Stops all workers and gives them so many sessions, which they do not
    take."""
    d.deaths = True
    for worker in d.kids():
        os.kill(worker, signal.SIGSTOP)
    socks = [d.connect() for _ in range(sessions)]
    for sock in socks:
        sock.sendall(b"late")
    d.wait_sessions(sessions, 30)
    return socks


def served(socks):
    """How many of them, one after the other."""
    n = 0
    for sock in socks:
        try:
            n += receive(sock, 4) == b"late"
        except OSError:
            pass
        sock.close()
    return n


def lower(pid, free):
    """The limit, so that so many are free; returns the former one."""
    high = max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (high + 1 + free, limits[1]))
    return limits


def test_sessions_wait_until_they_can_be_taken_back(daemon, echo):
    """The worker dies with sessions that it has not taken, and the master has
    no descriptors left for them now."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    worker = d.kids()[0]
    socks = stopped_workers(d, 12)
    limits = lower(d.pid, 5)
    os.kill(worker, signal.SIGKILL)
    d.wait_line(f"worker {worker} died", "with 0 sessions")
    assert silent(socks[0])
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, limits)
    assert served(socks) == 12
    d.wait_line(f"worker {worker}: 12 sessions that it had not taken go")
    assert not d.lines("are lost")


def test_an_end_while_sessions_cannot_be_taken_back(daemon, echo):
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    worker = d.kids()[0]
    socks = stopped_workers(d, 12)
    lower(d.pid, 5)
    os.kill(worker, signal.SIGKILL)
    d.wait_line(f"worker {worker} died")
    d.kill(signal.SIGTERM)
    assert d.wait_end(30) == 0
    d.wait_line("12 sessions", "had not taken are closed")
    for sock in socks:
        sock.close()


def test_an_upgrade_while_sessions_cannot_be_taken_back(daemon, echo):
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    worker = d.kids()[0]
    limits = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (60, limits[1]))
    socks = stopped_workers(d, 60)
    os.kill(worker, signal.SIGKILL)
    d.wait_line(f"worker {worker} died")
    d.kill(signal.SIGUSR2)
    d.wait_line("upgrade: done")
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, limits)
    assert served(socks) == 60

    def told():
        return [int(re.search(r"(\d+) sessions", line)[1])
                for line in d.lines(f"worker {worker}: ")
                if "that it had not taken go" in line]

    wait(lambda: sum(told()) == 60, 30, "a line for each part of them")
    assert not d.lines("are lost")


def few():
    """For preexec: 300 descriptors, and no way to raise that."""
    drop_sys_resource()
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))


def test_taking_back_leaves_descriptors_to_start_workers(daemon, echo):
    """Four die at once with more sessions than the master can hold."""
    d = daemon(remotes=[echo], preexec=few, spawnd="""
        servers { min = 4 max = 4 } watchdog = 0""")
    before, workers = fd_count(d.pid), d.kids()
    socks = stopped_workers(d, 400)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert served(socks) == 400
    assert not d.lines("are lost")
    wait(lambda: len(d.workers("ready")) == 4, 30, "four workers")
    d.wait_sessions(0, 30)
    wait(lambda: fd_count(d.pid) == before, 30, "descriptors as before")


def test_some_are_given_up_if_no_worker_can_be_started(daemon, echo, box):
    """Those who are kept have all descriptors."""
    good = box.base / "libexec" / "relay"
    libexec = bad_libexec(box, "relay", "exit 3\n")
    relay = libexec / "relay"
    relay.rename(libexec / "bad")
    relay.symlink_to(good)
    able = libexec / "able"     # to serve them, whatever the master's limit
    able.write_text(f'#!/bin/sh\nulimit -n 1000\nexec {good} "$@"\n')
    able.chmod(0o755)
    d = daemon(remotes=[echo], libexec=libexec, spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    worker = d.kids()[0]
    relay.unlink()
    relay.symlink_to(libexec / "bad")
    socks = stopped_workers(d, 60)
    os.kill(worker, signal.SIGKILL)
    wait(lambda: d.summary()["waiting"] == 60, 30, "60 are kept")
    lower(d.pid, 0)
    relay.unlink()
    relay.symlink_to(able)
    said = d.wait_line("connections that wait for room are closed")
    given_up = sum(int(re.search(r"(\d+) of", line)[1]) for line in said)
    assert 0 < given_up < 60, said
    assert served(socks) == 60 - given_up
    assert d.summary()["limited"] == given_up


@pytest.mark.parametrize("what", ["listener", "control"])
def test_socket_whose_file_was_removed_comes_back(daemon, box, echo, what):
    path = box.dir / "in.sock"
    d = daemon(remotes=[echo], listen=f'path = "{path}"')
    open_one = roundtrip(d.connect())
    gone = path if what == "listener" else d.conf.control
    gone.unlink()
    assert "done" in d.hup()
    assert gone.is_socket()
    assert d.ctl("show", "summary").returncode == 0
    roundtrip(peers.connect(str(path))).close()
    roundtrip(open_one).close()


# -A

def start(box, echo, addrs):
    conf = box.conf(remotes=[echo])
    proc = box.spawn([box.programs["spawnd"], "-A", addrs, conf.path],
                     env=box.environment())
    wait(lambda: box.run("-s", conf.control, "show", "summary",
                         program="spawnctl").returncode == 0, 30, "the start")
    return proc


def end(proc):
    proc.send_signal(signal.SIGTERM)
    assert proc.wait(30) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a device")
def test_addresses_do_not_replace_a_device(box, echo):
    null = box.dir / "null"
    os.mknod(null, 0o20666, os.makedev(1, 3))
    inode = null.stat().st_ino
    proc = start(box, echo, null)
    assert null.is_char_device() and null.stat().st_ino == inode
    end(proc)


def test_addresses_go_into_a_fifo(box, echo):
    fifo = box.dir / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        proc = start(box, echo, fifo)
        assert select.select([reader], [], [], 30)[0]
        assert os.read(reader, 4096).startswith(b"web 127.0.0.1:")
        assert fifo.is_fifo()
        end(proc)
    finally:
        os.close(reader)


def test_addresses_follow_no_link(box, echo):
    """Somebody may have laid one where the new file is written first."""
    addrs, other = box.dir / "addrs", box.dir / "precious"
    other.write_text("precious")
    (box.dir / "addrs.tmp").symlink_to(other)
    proc = start(box, echo, addrs)
    wait(addrs.exists, 30, "the addresses")
    assert addrs.read_text().startswith("web 127.0.0.1:")
    assert not addrs.is_symlink()
    assert other.read_text() == "precious"
    end(proc)
