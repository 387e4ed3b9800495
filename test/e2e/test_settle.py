"""What follows when several things change at once: who waits gets room, what
is counted is right, and what is opened is sure before the former is closed."""

import os
import re
import resource
import select
import signal

import pytest

import peers
from harness import cpu_ticks_over, wait
from peers import receive, roundtrip, silent

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


def test_sessions_that_cannot_be_taken_back_are_called_lost(daemon, echo):
    """The worker dies with sessions that it has not taken, and the master has
    descriptors left for some of them only."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    worker = d.kids()[0]
    os.kill(worker, signal.SIGSTOP)
    socks = [d.connect() for _ in range(12)]
    d.wait_sessions(12, 30)
    high = max(int(fd) for fd in os.listdir(f"/proc/{d.pid}/fd"))
    limits = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (high + 5, limits[1]))
    d.deaths = True
    os.kill(worker, signal.SIGKILL)
    d.wait_line("not taken are lost")
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, limits)
    told = [int(re.search(r"(\d+) sessions", line)[1])
            for line in d.lines("that it had not taken")]
    assert len(told) == 2 and sum(told) == 12, told
    for sock in socks:
        sock.close()


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
