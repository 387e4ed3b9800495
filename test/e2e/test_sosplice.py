"""SO_SPLICE: what moves while the relay does not see it is counted, limited in
time and given back. The data path's own tests (epoll-so) check the bytes. A
thread plays the kernel's part, see sosplice.c."""

import struct
import time

import pytest

import peers
from harness import LATE, PATIENCE, soon, wait
from peers import Pattern, receive, receive_digest, roundtrip, send_pattern

pytestmark = pytest.mark.usefixtures("so_splice")

BULK = 8_000_000


class Counts:
    """What the kernel was asked for."""

    def __init__(self, box):
        self.path = box.dir / "counts"
        self.path.write_bytes(bytes(12))
        self.path.chmod(0o666)
        self.env = {"SPAWND_SOSPLICE_COUNTS": str(self.path)}

    def __getattr__(self, name):
        names = ("started", "stopped", "ended")
        return struct.unpack("=III", self.path.read_bytes())[
            names.index(name)]


@pytest.fixture
def counts(box):
    return Counts(box)


def pair(d, remote):
    """A client and the server's end of its session."""
    known = len(remote.conns)
    client = d.connect()
    return client, wait(lambda: remote.conns[known:], 5)[0]


def bulk(source, sink, size=BULK):
    pattern = Pattern(3, size)
    sender = peers.Thread(send_pattern, source, pattern)
    assert receive_digest(sink, size) == pattern.digest()
    sender.result()


def told(d, name):
    return sum(w[name] for w in d.workers())


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
def test_bulk_is_spliced_and_counted_while_it_lasts(daemon, backend, counts,
                                                    downwards):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], env=counts.env)
    client, server = pair(d, remote)
    source, sink = (server, client) if downwards else (client, server)
    bulk(source, sink)
    assert counts.started == 1 and counts.ended == 0
    name = "bytes_out" if downwards else "bytes_in"
    wait(lambda: told(d, name) == BULK, 3, "the count of an open session")
    sink.sendall(b"other way")
    assert receive(source, 9) == b"other way"
    source.close()
    sink.close()
    line, = d.wait_closed()
    assert int(line["out" if downwards else "in"]) == BULK
    assert line["why"] == "fin"


def test_a_direction_that_calms_down_is_given_back(daemon, backend, counts):
    """And is spliced anew when it moves bulk again."""
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay="idle-timeout = 400ms",
               env=counts.env)
    client, server = pair(d, remote)
    for number in (1, 2):
        bulk(server, client)
        assert counts.started == number
        end = time.monotonic() + PATIENCE
        while counts.stopped < number:
            assert time.monotonic() < end
            server.sendall(b"small")
            assert receive(client, 5) == b"small"
            time.sleep(0.02)
    client.close()
    server.close()
    line, = d.wait_closed()
    assert line["why"] == "fin"
    assert int(line["out"]) >= 2 * BULK + 10


def test_idle_timeout_fires_in_time(daemon, backend, counts):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay="io = splice  idle-timeout = 1s",
               env=counts.env)
    client, server = pair(d, remote)
    client.sendall(b"last words")
    assert receive(server, 10) == b"last words"
    assert counts.started == 1
    begun = time.monotonic()
    peers.ended(client)
    took = time.monotonic() - begun
    assert 0.8 < took < LATE, took
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("relay", "idle-timeout")
    assert line["in"] == "10"


def test_what_the_kernel_moves_is_activity(daemon, backend, counts):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay="io = splice  idle-timeout = 1s",
               env=counts.env)
    client, server = pair(d, remote)
    for _ in range(12):
        client.sendall(b"tick")
        assert receive(server, 4) == b"tick"
        time.sleep(0.2)
    assert counts.started >= 1
    client.close()
    server.close()
    assert d.wait_closed()[0]["why"] == "fin"


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
def test_the_one_who_reads_resets(daemon, backend, counts, downwards):
    """An error of the drain is not taken for one of the source."""
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], env=counts.env)
    client, server = pair(d, remote)
    source, sink = (server, client) if downwards else (client, server)
    bulk(source, sink)
    assert counts.started == 1
    begun = time.monotonic()
    peers.abort(sink)
    assert peers.ended(source) == "reset"
    assert time.monotonic() - begun < LATE
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == (
        "client" if downwards else "remote", "reset")


def test_nothing_is_lost_when_an_error_is_met_by_a_write(daemon, backend,
                                                         counts):
    """The client, who is spliced to, resets while bytes of his are kept for a
    server that reads slowly: his error is found at the server's socket by the
    write of these, and they are delivered all the same."""
    remote = backend(peers.hold, rcvbuf=8192)
    d = daemon(remotes=[remote], env=counts.env)
    client, server = pair(d, remote)
    bulk(server, client)
    assert counts.started == 1
    sent, taken = 0, True
    while taken:
        client.sendall(b"u" * 8192)         # at a time, too little for bulk
        sent += 8192
        taken = soon(lambda: told(d, "bytes_in") == sent, 1)
    assert counts.started == 1
    read = wait(lambda: told(d, "bytes_in"), 3, "bytes that were read")
    peers.abort(client)
    wait(lambda: counts.ended + counts.stopped > 0 or answered(server), 5)
    got = 0
    with pytest.raises(ConnectionResetError):
        while True:
            got += len(server.recv(1 << 16)) or pytest.fail("a FIN")
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "reset")
    assert got == int(line["in"]) >= read


def answered(server):
    """Gives the kernel something to splice to the one who has reset."""
    server.sendall(b"y" * 100)
    return False


def test_it_is_spliced_again_after_a_pause(daemon, backend, counts):
    """A kernel that moves nothing is not left alone with it for ever."""
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay="io = splice  idle-timeout = 2s",
               env=counts.env)
    client, server = pair(d, remote)
    for number in (1, 2, 3):
        client.sendall(b"again")
        assert receive(server, 5) == b"again"
        bulk(client, server, 1_000_000)
        assert counts.started == number
        wait(lambda: counts.stopped == number, 5, "a look")
    client.close()
    server.close()
    assert d.wait_closed()[0]["why"] == "fin"


def test_a_unix_socket_is_copied(daemon, backend, box, counts):
    remote = backend(path=box.dir / "echo.sock")
    d = daemon(remotes=[remote], env=counts.env)
    client = d.connect()
    pattern = Pattern(5, 1_000_000)
    peers.exchange(client, pattern, pattern)
    assert counts.started == 0


def test_a_kernel_without_it(daemon, echo):
    d = daemon(remotes=[echo], relay="io = splice",
               env={"SPAWND_SOSPLICE_MISSING": "1"})
    d.wait_line("io = splice: this system cannot do it, bytes are copied")
    roundtrip(d.connect())
