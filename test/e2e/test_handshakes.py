"""Handshakes of TLS that somebody leaves, interrupts or repeats, on both
sides; and openssl s_server as a remote."""

import socket
import ssl
import subprocess
import threading
import time

import pytest

import certs
import peers
import tlspeer
from harness import (certificate, cpu_ticks, fd_count, free_port, patience,
                     wait)
from peers import Thread, receive
from test_kills import held
from test_upgrade import upgraded
from tlspeer import Tls

pytestmark = certs.needed
SITE = 'address = "127.0.0.1" port = 0 tls = site'
GONE = (ConnectionError, EOFError, ssl.SSLError)


def site(more=""):
    return f'tls site {{ certificate = "{certificate()}" {more} }}'


class Slow:
    """A client whose handshake goes on when the test says so."""

    def __init__(self, sock):
        context = ssl.create_default_context(cafile=certificate())
        self.sock = sock
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward,
                                    server_hostname="relay.test")
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.left = self.outward.read()

    def say(self, part):
        """So much of what is to be said now: 0 to 1."""
        size = int(len(self.left) * part)
        self.sock.sendall(self.left[:size])
        self.left = self.left[size:]

    def answered(self):
        """Has all that the other side says; the last word is ours."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                data = self.sock.recv(65536)
                if not data:
                    raise EOFError
                self.inward.write(data)
        self.left = self.outward.read()

    def served(self):
        """Whether it gets to its end, and there is an echo."""
        try:
            self.say(1)
            self.answered()
            self.tls.write(b"ping")
            self.sock.sendall(self.left + self.outward.read())
            while True:
                try:
                    return self.tls.read(4) == b"ping"
                except ssl.SSLWantReadError:
                    data = self.sock.recv(65536)
                    if not data:
                        return False
                    self.inward.write(data)
        except GONE:
            return False


def midway(d, count):
    """So many that have said nothing, a part, and all but the last."""
    others = d.summary()["sessions"]
    clients = [Slow(d.connect()) for _ in range(3 * count)]
    for i, client in enumerate(clients):
        client.say((0, 0.5, 1)[i % 3])
        if i % 3 == 2:
            client.answered()
    d.wait_sessions(others + len(clients))
    return clients


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_client_that_goes(daemon, echo, how):
    """Before it has said all: that is no handshake that has failed."""
    d = daemon(remotes=[echo], listen=SITE, extra=site())
    parts = (0, 0.003, 0.5, 1)
    for n, part in enumerate(parts):
        client = Slow(d.connect())
        d.wait_sessions(1)
        client.say(part)
        if part == 1:
            wait(lambda: client.sock.recv(1, socket.MSG_PEEK), 10, "a flight")
        if how == "reset":
            peers.abort(client.sock)
        else:
            client.sock.shutdown(socket.SHUT_WR)
            peers.ended(client.sock)
        line = d.wait_closed(n + 1)[n]
        assert (line["end"], line["why"], line["remote"]) == \
            ("client", how, "-"), part
    assert not d.lines("TLS handshake with")


def test_an_upgrade_amid_handshakes(daemon, echo):
    d = daemon(remotes=[echo], listen=SITE, extra=site())
    before = fd_count(d.pid)
    clients = midway(d, 8)
    upgraded(d)
    assert all([client.served() for client in clients])
    assert Slow(d.connect()).served()
    for client in clients:
        client.sock.close()
    wait(lambda: len(d.generations()) == 1, 10, "one generation")
    wait(lambda: fd_count(d.pid) == before, 10, "descriptors as before")


def test_a_worker_that_dies_amid_handshakes(box, echo):
    """Its clients see an end, the others nothing of it."""
    d = box.daemon(remotes=[echo], listen=SITE, extra=site(), start=False,
                   spawnd="servers { min = 2 max = 2 }")
    d.deaths = True
    d.start()
    before = fd_count(d.pid)
    open_ones = [Tls(d.connect()) for _ in range(6)]
    clients = midway(d, 8)
    busiest = max(d.workers(), key=lambda w: w["sessions"])
    d.kill(9, busiest["pid"])
    wait(lambda: held(d), 10, "the worker's end")
    lost = sum(not client.served() for client in clients)
    for server in open_ones:
        try:
            server.sendall(b"ping")
            assert server.both([], 4) == b"ping"
        except (tlspeer.Broken, OSError, EOFError):
            lost += 1
    assert lost == held(d)[busiest["pid"]] > 0
    wait(lambda: len(d.workers("ready")) == 2, 10, "another worker")
    later = [Slow(d.connect()) for _ in range(8)]
    assert all([client.served() for client in later])
    for client in clients + open_ones + later:
        client.sock.close()
    d.wait_sessions(0)
    wait(lambda: fd_count(d.pid) == before, 10, "descriptors as before")


def test_a_name_however_it_is_written(daemon, echo):
    d = daemon(remotes=[echo], listen=SITE, extra=site("strict-sni = yes"))
    for n, name in enumerate(("relay.test", "RELAY.Test", "relay.test.")):
        subprocess.run(
            ["openssl", "s_client", "-connect", "%s:%d" % d.address(),
             "-servername", name], input=b"", capture_output=True,
            timeout=patience(30))
        line = d.wait_closed(n + 1)[n]
        assert line["sni"] == "relay.test" and line["tls"], name


# What a client may not say yet

def test_early_data_is_passed_over(daemon, backend):
    """A client that offers it, though nobody has said that it may: what it
    has sent arrives when it says it again, and once."""
    remote = backend(lambda s: s.sendall(receive(s, 5).upper()))
    d = daemon(remotes=[remote], listen=SITE, extra=site())
    first = Tls(d.connect())
    first.sendall(b"hello")
    assert first.both([], 5) == b"HELLO"
    session = first.session()
    again = Tls(d.connect(), session=session, early=b"early")
    assert again.early_status == tlspeer.EARLY_REJECTED
    again.sendall(b"hello")
    assert again.both([], 5) == b"HELLO"
    again.shutdown()
    first.shutdown()
    assert [line["in"] for line in d.wait_closed(2)] == ["5", "5"]


# A remote that is openssl(1)

class Server:
    """openssl s_server, which prints what it gets and sends lines."""

    def __init__(self, box, *args):
        self.port, pem = free_port(), certificate()
        self.out = box.dir / "s_server"
        with open(self.out, "wb") as out:
            self.proc = box.spawn(
                ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}",
                 "-cert", pem, "-key", pem, *args], stdin=-1, stdout=out,
                stderr=out)
        self.wait("ACCEPT")

    def wait(self, text, gone=lambda: False):
        wait(lambda: text in self.out.read_text(errors="replace") or gone(),
             20, text)

    def say(self, line):
        self.proc.stdin.write(line + b"\n")
        self.proc.stdin.flush()


@pytest.fixture
def served(daemon, box):
    def start(*args, more=""):
        server = Server(box, *args)
        d = daemon(remotes=[f'address = "127.0.0.1" port = {server.port} '
                            "tls = inside"],
                   extra=f'tls inside {{ ca = "{certificate()}" '
                         f'name = "relay.test" {more} }}')
        return d, server
    return start


def both_ways(client, server, word, gone=lambda: False):
    """Unless the session is gone: then receive() says so."""
    client.sendall(word + b"-up\n")
    server.wait(word.decode() + "-up", gone)
    server.say(word + b"-down")
    assert receive(client, len(word) + 6) == word + b"-down\n"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_s_server(served, version):
    """It ends without a close_notify, which is a failure; what it had got
    before it has got."""
    d, server = served(version)
    client = d.connect()
    both_ways(client, server, b"one")
    if version == "-tls1_3":
        for word, key in ((b"two", b"k"), (b"three", b"K")):
            server.say(key)
            both_ways(client, server, word)
    server.say(b"q")
    assert peers.ended(client) == "reset"
    client.close()
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("remote", "error")
    words = ["one"] if version == "-tls1_2" else ["one", "two", "three"]
    assert int(line["in"]) == sum(len(word) + 4 for word in words)


def test_s_server_that_asks_for_a_certificate(served, box):
    ca = certs.Authority(box.dir)
    pair = ca.issue("client", "client.test")
    d, server = served(
        "-Verify", "1", "-CAfile", str(ca.pem), "-verify_return_error",
        more=f'certificate = "{pair.pem}" key = "{pair.key}"')
    client = d.connect()
    both_ways(client, server, b"one")
    server.wait("CN = client")
    client.close()
    d.wait_closed()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_s_server_that_can_check_one_kind_of_key(served, box, kind):
    ca = certs.Authority(box.dir)
    pairs = [ca.issue(f"client-{k}", kind=k) for k in ("ecdsa", "rsa")]
    pairs.append(ca.issue("another", kind="rsa"))
    names = [", ".join(f'"{path}"' for path in paths) for paths in
             ([p.pem for p in pairs], [p.key for p in pairs])]
    sign = "RSA-PSS+SHA256" if kind == "rsa" else "ECDSA+SHA256"
    d, server = served(
        "-Verify", "1", "-CAfile", str(ca.pem), "-verify_return_error",
        "-client_sigalgs", sign,
        more=f"certificate = {{ {names[0]} }} key = {{ {names[1]} }}")
    client = d.connect()
    both_ways(client, server, b"one")
    server.wait(f"CN = client-{kind}")
    client.close()
    d.wait_closed()


def test_s_server_that_renegotiates(served):
    """It is told that this is not done here, and the session goes on or ends
    as one that has failed; nothing waits for ever."""
    d, server = served("-tls1_2")
    client = d.connect()
    both_ways(client, server, b"one")
    server.say(b"r")
    try:
        both_ways(client, server, b"two", d.closed)
    except GONE:
        pass
    client.close()
    d.wait_closed()


class Holding:
    """In front of a server of TLS 1.3: of what that says behind its handshake
    only the first record goes on, until pass_on."""

    def __init__(self, backend, port):
        self.port, self.spoken = port, 0
        self.held, self.pass_on = threading.Event(), threading.Event()
        self.backend = backend(self.serve)

    def serve(self, sock):
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            server.settimeout(patience(60))
            up = Thread(self.up, sock, server)
            while head := receive(server, 5):
                sock.sendall(head + receive(
                    server, int.from_bytes(head[3:], "big")))
                if self.spoken > 1:
                    self.held.set()
                    self.pass_on.wait(patience(30))
            up.result()

    def up(self, sock, server):
        while data := sock.recv(65536):
            self.spoken += 1
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("ends", [False, True], ids=["data", "end"])
def test_a_ticket_in_pieces(daemon, backend, box, mechanism, ends):
    """One that comes in two records, the second of them late: what is said
    between them waits for it, and so does the end behind that."""
    pair = certs.Authority(box.dir).issue("client", kind="rsa")
    server = Server(box, "-tls1_3", "-Verify", "1", "-max_send_frag", "512")
    between = Holding(backend, server.port)
    d = daemon(remotes=[between.backend.conf("tls = inside")],
               spawnd="servers { min = 1 max = 1 }",
               extra=f'tls inside {{ ca = "{certificate()}" '
                     f'name = "relay.test" certificate = "{pair.pem}" '
                     f'key = "{pair.key}" }}')
    client = d.connect()
    assert between.held.wait(patience(30))
    if not ends:
        client.sendall(b"hello\n")
    client.shutdown(socket.SHUT_WR)
    worker, = d.kids()
    ticks = cpu_ticks(worker)
    time.sleep(0.3)
    assert cpu_ticks(worker) - ticks < 20
    between.pass_on.set()
    if not ends:
        server.wait("hello\n")
    server.wait("DONE")
    line, = d.wait_closed()
    assert line["in"] == ("0" if ends else "6")


# Remotes that are come back to

class Resumer:
    """A server of TLS that counts who comes back, and is never polite."""

    def __init__(self, backend, version, tickets=2):
        self.version, self.tickets, self.reused = version, tickets, []
        self.turn()
        self.backend = backend(self.serve)

    def turn(self):
        """It knows nobody any more."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(certificate())
        made.minimum_version = made.maximum_version = self.version
        made.num_tickets = self.tickets
        self.made = made

    def serve(self, sock):
        tls = self.made.wrap_socket(sock, server_side=True,
                                    suppress_ragged_eofs=True)
        tls.sendall(tls.recv(5).upper())
        self.reused.append(tls.session_reused)
        tls.recv(1)


def comes_back(daemon, backend, version, more="", tickets=2):
    server = Resumer(backend, version, tickets)
    d = daemon(remotes=[server.backend.conf("tls = inside")],
               spawnd="servers { min = 1 max = 1 }",
               extra=f'tls inside {{ ca = "{certificate()}" '
                     f'name = "relay.test" {more} }}')

    def sessions(count):
        """How many of them went on with an earlier one."""
        seen = len(server.reused)
        for _ in range(count):
            client = d.connect()
            client.sendall(b"hello")
            assert receive(client, 5) == b"HELLO"
            peers.abort(client)
        wait(lambda: len(server.reused) == seen + count, 10, "all of them")
        return sum(server.reused[seen:])

    return d, server, sessions


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_remotes_are_come_back_to(daemon, backend, version):
    """In each session but the first one of a worker, or of the server."""
    d, server, sessions = comes_back(daemon, backend,
                                     getattr(ssl.TLSVersion, version))
    assert sessions(10) == 9
    server.turn()
    assert sessions(20) >= 11       # up to 8 tickets are of before
    d.reload()
    assert sessions(5) == 4
    d.wait_closed(35)


@pytest.mark.parametrize("more, tickets", [("tickets = no", 2), ("", 0)])
def test_remotes_are_not_come_back_to(daemon, backend, more, tickets):
    d, _, sessions = comes_back(daemon, backend, ssl.TLSVersion.TLSv1_3, more,
                                tickets)
    assert sessions(4) == 0
    d.wait_closed(4)


def test_nobody_is_believed_for_another(daemon, backend):
    """A remote whose certificate is for another name is refused, however
    often others of that server have been connected to."""
    server = Resumer(backend, ssl.TLSVersion.TLSv1_3)
    d = daemon(remotes={"a": server.backend.conf("tls = right"),
                        "b": server.backend.conf("tls = wrong")},
               relay="retries = 0 balance = roundrobin",
               spawnd="servers { min = 1 max = 1 }",
               extra="\n".join(
                   f'tls {title} {{ ca = "{certificate()}" name = "{name}" }}'
                   for title, name in (("right", "relay.test"),
                                       ("wrong", "other.test"))))
    for _ in range(6):
        client = d.connect()
        client.sendall(b"hello")
        client.settimeout(30)
        try:
            client.recv(5)
        except ConnectionError:
            pass
        client.close()
    assert {line["why"] for line in d.wait_closed(6)
            if line["remote"] != "a"} == {"handshake"}
