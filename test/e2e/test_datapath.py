"""What goes in on one side comes out on the other: all of it, in order, and
nothing else; and how a stream ends is seen on the other side."""

import signal
import socket
import time

import pytest

import peers
from harness import ASAN, LATE, PATIENCE, patience, private_kib, wait
from peers import (Pattern, Thread, exchange, receive, receive_all,
                   receive_digest, send_pattern)

pytestmark = pytest.mark.usefixtures("data_path")

SIZES = [1, 2, 1459, 4096, 65535, 65536, 65537, 1_000_000, 10_000_000]


def both_ways(backend, daemon, sizes):
    """Each size from client to remote and another pattern back, at once."""
    queue = []

    def serve(sock):
        exchange(sock, *queue.pop())
        assert sock.recv(1) == b""

    remote = backend(serve)
    d = daemon(remotes=[remote])
    for size in sizes:
        up, down = Pattern(size, size), Pattern(size + 1, size)
        queue.append((down, up))
        client = d.connect()
        exchange(client, up, down)
        client.close()
    lines = d.wait_closed(len(sizes))
    assert sorted(int(s["in"]) for s in lines) == sizes
    assert sorted(int(s["out"]) for s in lines) == sizes


def test_mechanism_is_the_one_asked_for(daemon, echo, box):
    d = daemon(remotes=[echo])
    assert d.summary()["mechanism"] == box.event
    peers.roundtrip(d.connect())


def test_sizes_both_ways_at_once(backend, daemon):
    both_ways(backend, daemon, SIZES)


@pytest.mark.load
def test_100_megabytes_both_ways_at_once(backend, daemon):
    both_ways(backend, daemon, [100_000_000])


@pytest.mark.load
def test_2500_sessions_of_random_chunks(daemon, echo, box, seed):
    d = daemon(remotes=[echo])
    result = peers.load(box, d.address(), 2500, concurrent=60, seed=seed,
                        size=(1, 60000))
    lines = d.wait_closed(2500, 10)
    assert len(lines) == 2500
    assert sum(int(s["in"]) for s in lines) == result["bytes"]
    assert sum(int(s["out"]) for s in lines) == result["bytes"]
    assert {s["why"] for s in lines} <= {"fin", "reset"}
    assert {s["listener"] for s in lines} == {"web"}


def test_server_speaks_first(backend, daemon):
    d = daemon(remotes=[backend(lambda s: s.sendall(b"220 ready\r\n"))])
    for _ in range(20):
        client = d.connect()
        assert receive_all(client) == b"220 ready\r\n"
        client.close()
    assert all(s["end"] == "remote" and s["why"] == "fin"
               for s in d.wait_closed(20))


def test_early_data_reaches_the_second_remote(backend, daemon, box):
    """Sent while the first remote does not answer; none of it is lost."""
    early = Pattern(7, 300_000)
    seen = []
    hole = box.closing(peers.Blackhole())
    remote = backend(lambda s: seen.append(receive_digest(s, early.size)))
    d = daemon(remotes={"hole": hole.conf("weight = 256"),
                        "good": remote.conf()},
               relay="connect-timeout = 400ms")
    for count in range(1, 4):
        client = d.connect()
        send_pattern(client, early)
        wait(lambda: len(seen) == count, 5, "the early data")
        client.close()
    assert seen == [early.digest()] * 3
    assert all(s["remote"] == "good" for s in d.wait_closed(3))
    assert any(s["tries"] == "2" for s in d.closed())


def test_early_data_and_fin_before_the_remote_is_connected(
        backend, daemon, box):
    """The client has sent all and half-closed before there is a remote."""
    early = Pattern(8, 50_000)

    def serve(sock):
        assert receive_all(sock) == early.bytes()
        sock.sendall(b"got it")

    hole = box.closing(peers.Blackhole())
    d = daemon(remotes={"hole": hole.conf("weight = 256"),
                        "good": backend(serve).conf()},
               relay="connect-timeout = 400ms")
    client = d.connect()
    send_pattern(client, early)
    client.shutdown(1)
    assert receive_all(client) == b"got it"


@pytest.mark.alone
def test_write_write_read_takes_no_40_ms_steps(backend, daemon):
    """Nagle's algorithm against delayed acknowledgements costs 40 ms."""
    def serve(sock):
        while len(data := receive(sock, 2)) == 2:
            sock.sendall(data)

    client = daemon(remotes=[backend(serve)]).connect()
    times = []
    for _ in range(60):
        begun = time.monotonic()
        client.sendall(b"a")
        client.sendall(b"b")
        assert receive(client, 2) == b"ab"
        times.append(time.monotonic() - begun)
    times.sort()
    assert times[30] < 0.030, times
    assert sum(t > 0.035 for t in times) <= 15, times


def stalled_sessions(d, remote, count):
    clients = [d.connect(rcvbuf=8192) for _ in range(count)]
    wait(lambda: len(remote.conns) >= count, 10, "the remote's sessions")
    return clients


def wait_steady(value, seconds=1):
    """Until value() has not changed for so long."""
    last, since = value(), time.monotonic()
    end = since + patience(20)
    while time.monotonic() - since < seconds:
        assert time.monotonic() < end, "never steady"
        time.sleep(0.02)
        if (now := value()) != last:
            last, since = now, time.monotonic()
    return last


def test_slow_reader_stops_the_writer_within_bounded_memory(
        backend, daemon, box):
    """100 clients that do not read: the remote is stopped, the worker keeps
    at most `buffer` bytes a session, and nothing is lost in the end."""
    count, size = 100, 20_000_000
    sent = [0] * count
    flood = Pattern(5, size)
    order = iter(range(count))

    def serve(sock):
        mine = next(order)
        # It is stopped until its client is read from, one after the other.
        sock.settimeout(10 * PATIENCE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        for block in flood:
            sock.sendall(block)
            sent[mine] += len(block)

    remote = backend(serve)
    d = daemon(remotes=[remote],
               spawnd="servers { min = 1 max = 1 } users { min = 1000 }")
    worker = d.kids()[0]
    # The first session makes what every worker has once.
    first = d.connect(rcvbuf=8192)
    wait_steady(lambda: sum(sent))
    before = private_kib(worker)
    clients = stalled_sessions(d, remote, count - 1)
    stopped_at = wait_steady(lambda: sum(sent))
    assert stopped_at < count * size * 0.9, "the writers were not stopped"
    grown = private_kib(worker) - before
    if not ASAN:
        assert grown <= count * 64 + 1024, f"{grown} KiB for {count}"
    for client in [first] + clients[:4]:
        assert receive_digest(client, size) == flood.digest()
        assert client.recv(1) == b""


def test_reply_after_the_clients_fin(backend, daemon):
    reply = Pattern(3, 500_000)

    def serve(sock):
        assert receive_all(sock) == b"request"
        time.sleep(0.2)
        send_pattern(sock, reply)

    d = daemon(remotes=[backend(serve)])
    client = d.connect()
    client.sendall(b"request")
    client.shutdown(1)
    assert receive_digest(client, reply.size) == reply.digest()
    assert client.recv(1) == b""
    line, = d.wait_closed()
    assert (line["why"], line["in"], line["out"]) == ("fin", "7", "500000")


def test_upload_after_the_servers_fin(backend, daemon):
    upload = Pattern(4, 1_500_000)
    seen = []

    def serve(sock):
        sock.sendall(b"go on")
        sock.shutdown(1)
        seen.append(receive_digest(sock, upload.size))
        assert sock.recv(1) == b""

    d = daemon(remotes=[backend(serve)])
    client = d.connect()
    assert receive_all(client) == b"go on"
    send_pattern(client, upload)
    client.close()
    wait(lambda: seen, 5, "the upload")
    assert seen == [upload.digest()]
    assert d.wait_closed()[0]["why"] == "fin"


def test_both_fins_at_once(backend, daemon):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote])
    for number in range(50):
        client = d.connect()
        client.sendall(b"x")
        wait(lambda: len(remote.conns) > number, 5, "the remote's end")
        server = remote.conns[number]
        assert receive(server, 1) == b"x"
        client.shutdown(1)
        server.shutdown(1)
        assert receive_all(client) == receive_all(server) == b""
    lines = d.wait_closed(50)
    assert {s["why"] for s in lines} == {"fin"}
    d.wait_sessions(0)


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
def test_tail_is_delivered_to_a_late_reader(backend, daemon, downwards):
    """3 MB and a close; the other side begins to read 2 s later."""
    tail = Pattern(6, 3_000_000)
    remote = backend(peers.hold)
    d = daemon(remotes=[remote])
    client = d.connect()
    server = wait(lambda: remote.conns, 5)[0]
    source, sink = (server, client) if downwards else (client, server)

    def write_and_close():
        send_pattern(source, tail)
        source.close()

    writer = Thread(write_and_close)
    time.sleep(2)
    assert receive_digest(sink, tail.size) == tail.digest()
    assert sink.recv(1) == b""
    writer.result()
    sink.close()
    assert d.wait_closed()[0]["why"] == "fin"


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
def test_rst_is_mirrored_at_once(backend, daemon, downwards):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote])
    for number in range(5):
        client = d.connect()
        client.sendall(b"x")
        wait(lambda: len(remote.conns) > number, 5)
        server = remote.conns[number]
        assert receive(server, 1) == b"x"
        source, sink = (server, client) if downwards else (client, server)
        begun = time.monotonic()
        peers.abort(source)
        assert peers.ended(sink) == "reset"
        assert time.monotonic() - begun < LATE
    lines = d.wait_closed(5)
    assert {s["why"] for s in lines} == {"reset"}
    assert {s["end"] for s in lines} == {"remote" if downwards else "client"}


@pytest.mark.parametrize("downwards", [True, False], ids=["down", "up"])
@pytest.mark.parametrize("pause", [0, 0.7], ids=["prompt", "late"])
def test_rst_comes_after_the_data_before_it(backend, daemon, downwards,
                                            pause):
    data = Pattern(9, 400_000)
    remote = backend(peers.hold)
    d = daemon(remotes=[remote])
    client = d.connect()
    server = wait(lambda: remote.conns, 5)[0]
    source, sink = (server, client) if downwards else (client, server)

    def write_and_abort():
        send_pattern(source, data)
        peers.wait_sent(source)
        peers.abort(source)

    writer = Thread(write_and_abort)
    time.sleep(pause)
    assert receive_digest(sink, data.size) == data.digest()
    assert peers.ended(sink) == "reset"
    writer.result()
    assert d.wait_closed()[0]["why"] == "reset"


def test_reply_is_whole_when_a_rst_follows_it(backend, daemon):
    """A server that closes without having read everything resets."""
    reply = Pattern(10, 200_000)

    def serve(sock):
        receive(sock, 1)
        send_pattern(sock, reply)
        peers.wait_sent(sock)

    d = daemon(remotes=[backend(serve)])
    for _ in range(5):
        client = d.connect()
        client.sendall(b"x" * 3000)
        assert receive_digest(client, reply.size) == reply.digest()
        peers.ended(client)
    assert {s["why"] for s in d.wait_closed(5)} <= {"reset", "fin"}


def test_reply_is_whole_though_the_client_still_sends(backend, daemon):
    """A server that refuses an upload replies, and closes without reading
    the rest. The worker, stopped meanwhile, finds the reply, the reset and
    more of the upload all at once: its write fails, the reply must not."""
    reply = Pattern(11, 50_000)

    def serve(sock):
        receive(sock, 1000)
        started.append(sock)
        wait(lambda: stopped, 5)
        send_pattern(sock, reply)
        peers.wait_sent(sock)

    started, stopped = [], []
    d = daemon(remotes=[backend(serve)],
               spawnd="servers { min = 1 max = 1 }")
    worker, = d.kids()
    clients = [d.connect() for _ in range(20)]
    for client in clients:
        client.sendall(b"x" * 2000)
    wait(lambda: len(started) == 20, 5, "the requests")
    d.kill(signal.SIGSTOP, worker)
    try:
        stopped.append(True)
        wait(lambda: all(s.fileno() == -1 for s in started), 5, "closes")
        for client in clients:
            client.sendall(b"x" * 4000)
    finally:
        d.kill(signal.SIGCONT, worker)
    for client in clients:
        assert receive_digest(client, reply.size) == reply.digest()
        peers.ended(client)
    assert {s["why"] for s in d.wait_closed(20)} <= {"reset", "fin"}


def test_client_that_leaves_unread_input_resets_the_server(backend, daemon):
    """The relay passes on that a client went away in mid-stream."""
    ends = []

    def serve(sock):
        try:
            while True:
                sock.sendall(b"x" * 65536)
        except ConnectionError:
            ends.append("error")

    d = daemon(remotes=[backend(serve)])
    client = d.connect()
    receive(client, 100_000)
    client.close()
    wait(lambda: ends, 3, "the server's end")
    assert d.wait_closed()[0]["why"] == "reset"


def test_both_reset_with_much_under_way(backend, daemon):
    """Of what the first one has sent the second one acknowledges no more: that
    is the end, and not to be waited for."""
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], relay="buffer = 4k half-close-timeout = 1h")
    peers.reset_both(d, remote, 6)


def test_client_gone_while_the_remote_connects(backend, daemon, box):
    """A reset in the connect stage ends the session at once."""
    hole = box.closing(peers.Blackhole())
    d = daemon(remotes=[hole], relay="connect-timeout = 60s")
    client = d.connect()
    d.wait_sessions(1)
    peers.abort(client)
    d.wait_sessions(0, 2)
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "reset")
