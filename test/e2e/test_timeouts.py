"""Every time limit fires in time, says so, and not before."""

import ctypes
import os
import socket
import time

import pytest

import peers
from harness import ASAN, LATE, unpaused, wait
from peers import receive, receive_all, roundtrip

TICK = 0.3 if ASAN else 0.2         # seconds between signs of life
SILENCE = TICK * 5                  # and the longest time without one
LIMIT = f"{int(SILENCE * 1000)}ms"

pytestmark = pytest.mark.usefixtures("mechanism")


def test_idle_timeout_fires_in_time(daemon, echo):
    d = daemon(remotes=[echo], relay="idle-timeout = 1s")
    client = roundtrip(d.connect())
    begun = time.monotonic()
    peers.ended(client)
    took = time.monotonic() - begun
    assert 0.8 < took < LATE, took
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("relay", "idle-timeout")


def test_activity_keeps_a_session_alive(daemon, echo):
    d = daemon(remotes=[echo], relay=f"idle-timeout = {LIMIT}")

    def attempt(beat):
        count = len(d.closed())
        client = d.connect()
        for _ in range(12):
            roundtrip(client)
            beat.sleep(TICK)
        client.close()
        assert d.wait_closed(count + 1)[count]["why"] == "fin"

    unpaused(SILENCE, attempt)


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
def test_activity_in_one_direction_is_enough(daemon, backend, downwards):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay=f"idle-timeout = {LIMIT}")

    def attempt(beat):
        count, before = len(d.closed()), len(remote.conns)
        client = d.connect()
        server = wait(lambda: remote.conns[before:], 5)[0]
        source, sink = (server, client) if downwards else (client, server)
        for _ in range(12):
            source.sendall(b"tick")
            assert receive(sink, 4) == b"tick"
            beat.sleep(TICK)
        source.close()
        sink.close()
        assert d.wait_closed(count + 1)[count]["why"] == "fin"

    unpaused(SILENCE, attempt)


def test_a_stalled_reader_is_idle(daemon, backend):
    """Bytes that wait are no activity."""
    remote = backend(lambda s: s.sendall(b"x" * 20_000_000))
    d = daemon(remotes=[remote], relay="idle-timeout = 1s")
    d.connect(rcvbuf=8192)
    line, = d.wait_closed(1, 10)
    assert line["why"] == "idle-timeout"


def test_half_close_timeout(daemon, backend):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote],
               relay="half-close-timeout = 1s  idle-timeout = 1m")
    client = d.connect()
    client.sendall(b"x")
    client.shutdown(1)
    begun = time.monotonic()
    peers.ended(client)
    took = time.monotonic() - begun
    assert 0.8 < took < LATE, took
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("relay", "half-close-timeout")


def test_a_half_closed_session_that_moves_is_not_cut(daemon, backend):
    """A long download after the client's FIN is no idle half."""
    beats = []

    def serve(sock):
        receive_all(sock)
        for _ in range(12):
            sock.sendall(b"tick")
            beats[-1].sleep(TICK)

    d = daemon(remotes=[backend(serve)],
               relay=f"half-close-timeout = {LIMIT}")

    def attempt(beat):
        beats.append(beat)
        count = len(d.closed())
        client = d.connect()
        client.shutdown(1)
        assert receive_all(client) == b"tick" * 12
        assert d.wait_closed(count + 1)[count]["why"] == "fin"

    unpaused(SILENCE, attempt)


def test_connect_timeout_goes_on_to_the_next_remote(daemon, echo, box):
    hole = box.closing(peers.Blackhole())
    d = daemon(remotes={"hole": hole.conf("weight = 256"),
                        "good": echo.conf()},
               spawnd="servers { min = 1 max = 1 }",
               relay="connect-timeout = 500ms")
    begun = time.monotonic()
    roundtrip(d.connect())
    took = time.monotonic() - begun
    assert 0.4 < took < LATE, took
    d.connect()
    assert d.remotes()["hole"]["failed"] == 1


def test_connect_timeout_of_every_remote(daemon, box):
    holes = [box.closing(peers.Blackhole()) for _ in range(2)]
    d = daemon(remotes=holes, relay="connect-timeout = 500ms")
    begun = time.monotonic()
    peers.turned_away(d.box, d.address())
    took = time.monotonic() - begun
    assert 0.9 < took < LATE, took
    line, = d.wait_closed()
    assert (line["why"], line["remote"], line["address"], line["tries"]) == \
        ("connect-timeout", "-", "-", "2")


def sockets_towards(pid, port):
    """Copies of the connections that a process has to a port."""
    take, syscall = 438, ctypes.CDLL(None, use_errno=True).syscall
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = syscall(take, pidfd, int(name), 0)
            if fd == -1:
                continue
            try:
                sock = socket.socket(fileno=fd)
            except OSError:
                os.close(fd)
                continue
            with sock:
                try:
                    peer = sock.getpeername()
                except OSError:     # it listens
                    continue
                if peer[1:2] == (port,):
                    yield sock
    finally:
        os.close(pidfd)


@pytest.mark.parametrize("idle", ["1h", "0s"])
def test_keepalive_begins_when_a_session_lasts(daemon, backend, idle):
    remote = backend()
    d = daemon(remotes=[remote], spawnd="servers { min = 1 max = 1 }",
               relay=f"connect-timeout = 1s idle-timeout = {idle}")
    client = roundtrip(d.connect())

    def kept_alive():
        return [s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                for s in sockets_towards(d.kids()[0], remote.port)]

    d.wait(lambda: kept_alive() == [1], 30)
    client.close()
