"""Urgent data: it goes on in its place, as ordinary data."""

import socket

from peers import receive, roundtrip


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
