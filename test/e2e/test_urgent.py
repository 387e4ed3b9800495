"""Urgent data: it goes on in its place, as ordinary data."""

import contextlib
import signal
import socket
import threading

from peers import Pattern, receive, receive_all, roundtrip, wait_sent


def test_urgent_data_stays_in_its_place(daemon, echo, data_path):
    client = daemon(remotes=[echo]).connect()
    client.sendall(b"abc")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"def")
    assert receive(client, 7) == b"abc!def"


def test_urgent_data_of_a_session_under_way(daemon, echo, data_path):
    """The first urgent byte meets whatever moves the others by then."""
    d = daemon(remotes=[echo])
    for _ in range(40):
        client = roundtrip(d.connect())
        client.sendall(b"abc")
        client.send(b"!", socket.MSG_OOB)
        client.sendall(b"def")
        assert receive(client, 7) == b"abc!def"
        client.close()


def test_nothing_waits_behind_urgent_data(daemon, echo, data_path):
    """A read ends at the urgent byte though more has arrived, and no event
    tells of what is behind it."""
    client = daemon(remotes=[echo]).connect()
    for _ in range(200):
        client.send(b"x", socket.MSG_OOB)
        client.sendall(b"y" * 10)
        assert receive(client, 11) == b"x" + b"y" * 10


def test_urgent_data_from_the_remote(daemon, backend):
    def shout(sock):
        for _ in range(50):
            sock.sendall(b"one")
            sock.send(b"!", socket.MSG_OOB)
            sock.sendall(b"two")
            assert sock.recv(1) == b"."

    client = daemon(remotes=[backend(shout)]).connect()
    for _ in range(50):
        assert receive(client, 7) == b"one!two"
        client.sendall(b".")
    assert client.recv(1) == b""


def urgent_then_end(sock, seed):
    """A megabyte, one urgent byte, three more, and the end at once."""
    sock.sendall(Pattern(seed, 1 << 20).bytes())
    sock.send(b"!", socket.MSG_OOB)
    sock.sendall(b"end")
    sock.shutdown(socket.SHUT_WR)


def check_to_the_end(got, seed):
    assert got[:1 << 20] == Pattern(seed, 1 << 20).bytes()
    assert got[1 << 20:] == b"!end"


def test_all_arrives_though_the_end_is_near(daemon, backend, data_path, seed):
    """A kernel that splices tells of an end at the urgent byte, if the end is
    there too."""
    got = []
    d = daemon(remotes=[backend(lambda sock: got.append(receive_all(sock)))])
    for n in range(1, 6):
        urgent_then_end(d.connect(), seed)
        d.wait(lambda: len(got) == n, 30)
        check_to_the_end(got[-1], seed)


def test_all_arrives_from_the_remote(daemon, backend, data_path, seed):
    d = daemon(remotes=[backend(lambda sock: urgent_then_end(sock, seed))])
    for _ in range(5):
        check_to_the_end(receive_all(d.connect()), seed)


@contextlib.contextmanager
def stopped(daemon):
    """The workers read nothing meanwhile."""
    workers = daemon.kids()
    for pid in workers:
        daemon.kill(signal.SIGSTOP, pid)
    try:
        yield
    finally:
        for pid in workers:
            daemon.kill(signal.SIGCONT, pid)


def shout_twice(sock):
    for urgent in (b"1", b"2"):
        sock.send(urgent, socket.MSG_OOB)
        sock.sendall(b"abc")
    wait_sent(sock)


def test_two_urgent_bytes_before_the_first_is_read(daemon, echo, data_path):
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    with stopped(d):
        shout_twice(client)
    assert receive(client, 8) == b"1abc2abc"


def test_two_urgent_bytes_from_the_remote(daemon, backend, data_path):
    go, done = threading.Event(), threading.Event()

    def shout(sock):
        sock.sendall(b"hello")
        go.wait(60)
        shout_twice(sock)
        done.set()

    d = daemon(remotes=[backend(shout)])
    client = d.connect()
    assert receive(client, 5) == b"hello"
    with stopped(d):
        go.set()
        assert done.wait(60)
    assert receive_all(client) == b"1abc2abc"
