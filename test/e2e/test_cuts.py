"""What both sides see when the relay itself ends a session, and what the log
then tells; and that a slow client gets all that a fast remote has left."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import peers
from harness import ASAN, find_program, patience, private_kib, wait
from peers import Pattern, receive, receive_digest, roundtrip

SIZE = 30_000_000
STILL = "idle-timeout = 1h half-close-timeout = 1h"


def flood(sock):
    try:
        sock.sendall(b"x" * SIZE)
        sock.recv(1)
    except OSError:
        pass


def end_by(cut, d, client):
    """Makes the relay end the session."""
    if cut == "half-close-timeout":
        client.shutdown(socket.SHUT_WR)
    elif cut == "drain-timeout":
        d.ctl("drain", str(d.kids()[0]))
    elif cut == "max-generations":
        d.reload()
        d.reload()
    elif cut == "stopped":
        worker = d.kids()[0]
        d.kill(signal.SIGINT, worker)
        if worker == d.pid:         # there is but one process
            d.wait_end()


CUTS = {
    "idle-timeout": {"relay": "idle-timeout = 1s"},
    "half-close-timeout": {"relay": "half-close-timeout = 1s"},
    "drain-timeout": {"relay": STILL, "spawnd": "drain-timeout = 1s"},
    "max-generations": {"relay": STILL, "spawnd": "max-generations = 2"},
    "stopped": {"relay": STILL},
}


def start(daemon, remote, cut):
    conf = dict(CUTS[cut])
    conf["spawnd"] = conf.get("spawnd", "") + \
        " servers { min = 1 max = 1 }"
    return daemon(remotes=[remote], **conf)


def read_on(sock):
    """How many bytes there still are, and how it ends."""
    size = 0
    try:
        while part := sock.recv(1 << 20):
            size += len(part)
        return size, "fin"
    except ConnectionResetError:
        return size, "reset"


@pytest.mark.parametrize("cut", CUTS)
def test_a_part_does_not_look_like_the_whole(daemon, backend, data_path, cut):
    """A download of which something is left ends with a reset; the log tells
    how much the client got."""
    if data_path == "epoll-tls":
        pytest.skip("who speaks TLS for the client loses a part as well")
    d = start(daemon, backend(flood), cut)
    client = d.connect(rcvbuf=8192)
    assert client.recv(1) == b"x"
    time.sleep(0.5)         # all is acknowledged that will be
    end_by(cut, d, client)
    line, = d.wait_closed(1, 30)
    assert (line["end"], line["why"]) == ("relay", cut)
    got, how = read_on(client)
    assert how == "reset"
    assert got + 1 < SIZE
    assert 0 <= got + 1 - int(line["out"]) < 65536


@pytest.mark.parametrize("cut", CUTS)
def test_nothing_left_is_an_orderly_end(daemon, echo, cut):
    d = start(daemon, echo, cut)
    if cut == "half-close-timeout":
        pytest.skip("the echo ends as well")
    client = roundtrip(d.connect(), b"x" * 100)
    end_by(cut, d, client)
    assert peers.ended(client) == "fin"
    line, = d.wait_closed(1, 30)
    assert (line["why"], line["in"], line["out"]) == (cut, "100", "100")


def test_both_reset_behind_two_relays(daemon, backend):
    """Each of the two has an end that has failed, and waits for the other one
    to take what that had sent."""
    remote = backend(peers.hold)
    last = daemon(remotes=[remote], relay=STILL)
    host, port = last.address()
    first = daemon(remotes=[f'address = "{host}" port = {port}'], relay=STILL)
    peers.reset_both(first, remote, 4)
    last.wait_closed(4, 30)


def test_what_nobody_takes_does_not_count_as_delivered(daemon, backend):
    """An upload that the remote does not read."""
    remote = backend(peers.hold, rcvbuf=8192)
    d = daemon(remotes=[remote], relay="idle-timeout = 1s")
    sent = peers.fill(d.connect())
    line, = d.wait_closed(1, 30)
    got, how = read_on(remote.conns[0])
    assert how == "reset"
    assert 0 <= got - int(line["in"]) < 65536
    assert got < sent


def test_what_a_reset_destroys_does_not_count_as_delivered(daemon, backend):
    """The remote reads nothing of an upload, and resets."""
    remote = backend(peers.hold, rcvbuf=8192)
    d = daemon(remotes=[remote], relay=STILL)
    assert peers.fill(d.connect()) > 200_000
    peers.abort(remote.conns[0])
    line, = d.wait_closed(1, 30)
    assert (line["end"], line["why"]) == ("remote", "reset")
    assert int(line["in"]) < 65536


@pytest.fixture
def fast_remote(backend):
    """Sends all it has, as fast as it can, and leaves."""
    gone = threading.Event()

    def serve(sock):
        peers.send_pattern(sock, DOWNLOAD)
        sock.close()
        gone.set()

    remote = backend(serve)
    remote.gone = gone
    return remote


DOWNLOAD = Pattern(8, 12_000_000)
ROOM = "buffer = 16m io = {} half-close-timeout = {}"


@pytest.mark.parametrize("io", ["auto", "copy", "splice"])
def test_a_fast_remote_leaves_while_a_slow_client_still_reads(
        daemon, fast_remote, io):
    d = daemon(remotes=[fast_remote], relay=ROOM.format(io, "1h"))
    client = d.connect(rcvbuf=8192)
    assert fast_remote.gone.wait(patience(10)), "the remote could not leave"
    assert receive_digest(client, DOWNLOAD.size) == DOWNLOAD.digest()
    assert client.recv(1) == b""
    client.close()
    line, = d.wait_closed()
    assert (line["why"], int(line["out"])) == ("fin", DOWNLOAD.size)


def test_no_limit_cuts_a_client_that_still_takes_bytes(daemon, fast_remote):
    """It takes several times the limit, with long pauses in what the relay
    can write; the kernel has a lot that the client has not yet."""
    d = daemon(remotes=[fast_remote], relay=ROOM.format("auto", "2s"))
    client = d.connect(rcvbuf=8192)
    assert fast_remote.gone.wait(patience(10))
    left = DOWNLOAD.size
    end = time.monotonic() + 7
    while time.monotonic() < end:
        left -= len(receive(client, 20_000))
        time.sleep(0.1)
    while left:
        left -= len(receive(client, min(left, 1 << 20)))
    assert client.recv(1) == b""
    client.close()
    assert d.wait_closed()[0]["why"] == "fin"


@pytest.mark.skipif(ASAN, reason="freed memory is kept")
def test_memory_bounds_all_sessions_of_a_worker(daemon, fast_remote):
    count = 20
    d = daemon(remotes=[fast_remote], relay=ROOM.format("copy", "1h"),
               spawnd="memory = 4m servers { min = 1 max = 1 }")
    worker = d.kids()[0]
    roundtrips = d.connect()
    receive_digest(roundtrips, DOWNLOAD.size)
    before = private_kib(worker)
    clients = [d.connect(rcvbuf=8192) for _ in range(count)]
    wait(lambda: len(fast_remote.conns) > count, 10)
    last = []

    def steady():
        last.append(private_kib(worker))
        return len(last) > 100 and max(last[-100:]) == min(last[-100:])

    wait(steady, 20, "no more is stored")
    assert max(last) - before < (4 << 10) + count * 64 + 1024
    for client in clients[:3]:
        assert receive_digest(client, DOWNLOAD.size) == DOWNLOAD.digest()


def traced(box, pid, call, seconds):
    """How often a process makes a system call."""
    out = box.dir / "calls"
    proc = box.spawn(["strace", "-o", out, "-e", f"trace={call}", "-p", pid],
                     stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = proc.stderr.readline()
    if b"attached" not in said:
        pytest.skip(f"strace may not trace here: {said!r}")
    time.sleep(seconds)
    proc.send_signal(signal.SIGINT)
    proc.wait(patience(30))
    return out.read_text().count(f"{call}(")


@pytest.mark.skipif(shutil.which("strace") is None,
                    reason="strace is not installed")
def test_looks_at_a_survivor_become_rare(daemon, backend, box):
    """The remote resets the session while the client reads nothing: the reset
    waits until it has, which nobody looks for a hundred times a second."""
    def serve(sock):
        sock.sendall(b"x" * 100_000)
        wait(lambda: peers.unsent(sock) == 0, 10)
        assert sock.recv(1) == b"."
        peers.abort(sock)

    d = daemon(remotes=[backend(serve)], relay=STILL,
               spawnd="servers { min = 1 max = 1 }")
    client = d.connect(rcvbuf=8192)
    client.sendall(b".")
    time.sleep(0.5)
    assert traced(box, d.kids()[0], "ioctl", 4) < 20
    assert read_on(client) == (100_000, "reset")
    assert d.wait_closed()[0]["why"] == "reset"


def test_a_worker_of_another_version_refuses(box):
    """It is told the version by the master, before it takes anything."""
    master, channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    logger, log = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def places():
        fds = [fcntl.fcntl(s, fcntl.F_DUPFD, 10) for s in (channel, log)]
        os.dup2(fds[0], 3)
        os.dup2(fds[1], 6)

    with master, channel, logger, log:
        done = subprocess.run(
            [find_program("relay"), "1", "0", "999999"], close_fds=False,
            preexec_fn=places, stdin=subprocess.DEVNULL, timeout=30)
        channel.close()
        assert done.returncode == 1
        assert b"999999" in logger.recv(1000)
        assert master.recv(100) == b""      # not even READY
