"""TLS on either side: every byte, every end, and what must not pass."""

import hashlib
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

import peers
import tlspeer
from harness import (certificate, free_port, has_tls, patience, private_kib,
                     wait, ASAN, LATE)
from peers import Pattern, Thread, receive, receive_all
from tlspeer import TLS1_2, TLS1_3, Tls

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None or not has_tls(), reason="no TLS")

SITE = 'address = "127.0.0.1" port = 0 tls = site'


class Plain:
    """The same calls for an end without TLS."""

    def __init__(self, sock):
        self.sock = sock
        for name in ("sendall", "recv", "shutdown", "close"):
            setattr(self, name, getattr(sock, name))

    def both(self, out, size, between=None):
        def send():
            for block in out:
                self.sendall(block)

        sender = Thread(send)
        try:
            return receive(self.sock, size)
        finally:
            sender.result()

    def key_update(self, request=True):
        pass


def made(sock, tls, **kw):
    return Tls(sock, **kw) if tls else Plain(sock)


class Pair:
    """A daemon with TLS on some sides, and the two ends of its sessions."""

    def __init__(self, daemon, backend, inside, outside, version=None,
                 **parts):
        self.inside, self.outside, self.version = inside, outside, version
        self.remote = backend(peers.hold)
        extra = (f'tls site {{ certificate = "{certificate()}" }}\n'
                 f'tls inside {{ ca = "{certificate()}" name = "relay.test" }}')
        self.d = daemon(
            remotes=[self.remote.conf("tls = inside" if outside else "")],
            listen=SITE if inside else 'address = "127.0.0.1" port = 0',
            extra=extra, **parts)

    def open(self, rcvbuf=None):
        """Client's end and server's end of a new session."""
        seen = len(self.remote.conns)
        sock = self.d.connect(rcvbuf=rcvbuf)
        client = Thread(made, sock, self.inside) if not self.version else \
            Thread(lambda: Tls(sock, version=self.version))
        wait(lambda: len(self.remote.conns) > seen, 10, "the remote's end")
        server = Thread(lambda: made(
            self.remote.conns[-1], self.outside,
            **({"cert": certificate()} if self.outside else {})))
        return client.result(), server.result()


SIDES = {"tls-plain": (True, False), "plain-tls": (False, True),
         "tls-tls": (True, True)}


@pytest.fixture(params=SIDES)
def pair(request, daemon, backend):
    return Pair(daemon, backend, *SIDES[request.param])


def ways(pair, client, server):
    """(source, sink) both ways."""
    return (client, server), (server, client)


def blocks(size, count):
    return [os.urandom(size) for _ in range(count)]


def test_bulk_both_ways_at_once(pair):
    client, server = pair.open()
    up, down = blocks(100_000, 80), blocks(70_001, 100)
    there = Thread(server.both, down, 8_000_000)
    assert client.both(up, 7_000_100) == b"".join(down)
    assert there.result() == b"".join(up)
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    server.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    line, = pair.d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "fin")
    assert (line["in"], line["out"]) == ("8000000", "7000100")
    assert (line["tls"] is not None) == pair.inside


@pytest.mark.parametrize("size, count", [(1, 2000), (65536, 40)])
def test_writes_of_any_size(pair, size, count):
    client, server = pair.open()
    for source, sink in ways(pair, client, server):
        sent = blocks(size, count)
        writer = Thread(lambda: [source.sendall(b) for b in sent])
        got = sink.both([], size * count)
        writer.result()
        assert got == b"".join(sent)


@pytest.mark.parametrize("upwards", [True, False], ids=["up", "down"])
def test_half_close(pair, upwards):
    """What ends one way goes on the other."""
    client, server = pair.open()
    first, second = (client, server) if upwards else (server, client)
    first.sendall(b"request")
    first.shutdown(socket.SHUT_WR)
    assert second.both([], 7) == b"request"
    assert second.recv(1) == b""
    reply = blocks(65536, 20)
    writer = Thread(lambda: [second.sendall(b) for b in reply])
    assert first.both([], 65536 * 20) == b"".join(reply)
    writer.result()
    second.shutdown(socket.SHUT_WR)
    assert first.recv(1) == b""
    line, = pair.d.wait_closed()
    assert line["why"] == "fin"
    assert line["end"] == ("client" if upwards else "remote")


@pytest.mark.parametrize("upwards", [True, False], ids=["up", "down"])
def test_a_reset_is_no_end(pair, upwards):
    """It comes behind what was sent, as a reset: no close_notify."""
    client, server = pair.open()
    source, sink = (client, server) if upwards else (server, client)
    sent = os.urandom(200_000)
    source.sendall(sent)
    peers.wait_sent(source.sock)
    peers.abort(source.sock)
    assert sink.both([], 200_000) == sent
    assert tlspeer.ended(sink) == "reset"
    line, = pair.d.wait_closed()
    assert (line["end"], line["why"]) == \
        ("client" if upwards else "remote", "reset")


@pytest.mark.parametrize("upwards", [True, False], ids=["up", "down"])
def test_an_end_of_file_is_no_end(pair, upwards):
    """Without a close_notify it may be anybody's."""
    client, server = pair.open()
    source, sink = (client, server) if upwards else (server, client)
    if isinstance(source, Plain):
        pytest.skip("there it is one")
    source.sendall(b"x" * 1000)
    source.sock.shutdown(socket.SHUT_WR)
    assert sink.both([], 1000) == b"x" * 1000
    assert tlspeer.ended(sink) == "reset"
    line, = pair.d.wait_closed()
    assert (line["end"], line["why"]) == \
        ("client" if upwards else "remote", "error")


@pytest.mark.parametrize("sides", SIDES)
def test_key_update_in_the_midst_of_bulk(daemon, backend, sides):
    """Asked for hundreds of times, while the relay cannot write for a while
    as nobody reads: TLS that has a write half done does not survive that."""
    pair = Pair(daemon, backend, *SIDES[sides])
    client, server = pair.open(rcvbuf=16384)
    up, down = blocks(16384, 400), blocks(16384, 400)
    size = 16384 * 400
    one = Thread(server.both, down, size, server.key_update)
    time.sleep(0.3)     # all is full on the way down
    other = Thread(client.both, up, size, client.key_update)
    assert other.result() == b"".join(down)
    assert one.result() == b"".join(up)
    for end in (client, server):
        end.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b"" and server.recv(1) == b""
    assert pair.d.wait_closed()[0]["why"] == "fin"


def test_key_update_while_the_client_reads_nothing(daemon, backend):
    pair = Pair(daemon, backend, True, False)
    client, server = pair.open(rcvbuf=8192)
    down = blocks(16384, 300)
    writer = Thread(lambda: [server.sendall(b) for b in down])
    wait(lambda: peers.unsent(server.sock) > 0, 10, "a writer that waits")
    for _ in range(200):
        client.key_update()
        client.sendall(b"up")
    assert server.both([], 400) == b"up" * 200
    assert client.both([], 16384 * 300) == b"".join(down)
    writer.result()
    client.sendall(b"still")
    assert server.both([], 5) == b"still"


# What is cut or damaged: records by Python's TLS, which shows them

class Records:
    """A client of TLS whose records can be changed before they are sent."""

    def __init__(self, sock, version=ssl.TLSVersion.TLSv1_3,
                 last=lambda self: b""):
        """last: what is sent in one with the last of the handshake."""
        context = ssl.create_default_context(cafile=certificate())
        context.minimum_version = context.maximum_version = version
        self.sock = sock
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward,
                                    server_hostname="relay.test")
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.inward.write(sock.recv(65536))
        sock.sendall(self.outward.read() + last(self))

    def flush(self):
        data = self.outward.read()
        if data:
            self.sock.sendall(data)

    def record(self, data):
        self.tls.write(data)
        return self.outward.read()

    def notify(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outward.read()


@pytest.fixture
def records(daemon, backend):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], listen=SITE,
               extra=f'tls site {{ certificate = "{certificate()}" }}')

    def start(version=ssl.TLSVersion.TLSv1_3):
        seen = len(remote.conns)
        client = Records(d.connect(), version)
        wait(lambda: len(remote.conns) > seen, 10, "the remote's end")
        return client, remote.conns[-1]

    start.d = d
    return start


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_record_that_is_cut_anywhere(records, version):
    version = getattr(ssl.TLSVersion, version)
    size = len(records(version)[0].record(b"y" * 40))
    for cut in range(size):
        client, server = records(version)
        whole = client.record(b"x" * 100)
        client.sock.sendall(whole + client.record(b"y" * 40)[:cut])
        client.sock.shutdown(socket.SHUT_WR)
        assert receive(server, 100) == b"x" * 100
        assert peers.ended(server) == "reset", f"cut at {cut}"
    lines = records.d.wait_closed(size)
    assert {(s["end"], s["why"], s["in"]) for s in lines} == \
        {("client", "error", "100")}


@pytest.mark.parametrize("at", [0, 1, 3, 4, 5, 20, -1])
def test_a_damaged_record(records, at):
    client, server = records()
    whole = client.record(b"x" * 100)
    bad = bytearray(client.record(b"y" * 40))
    bad[at] ^= 0x40
    client.sock.sendall(whole + bad)
    client.sock.shutdown(socket.SHUT_WR)
    assert receive(server, 100) == b"x" * 100
    assert peers.ended(server) == "reset"
    assert records.d.wait_closed()[0]["why"] == "error"


def test_an_end_right_behind_the_data(records):
    """In one segment with it, and no FIN ever comes."""
    client, server = records()
    client.sock.sendall(client.record(b"request") + client.notify())
    assert receive_all(server) == b"request"
    server.sendall(b"reply")
    server.close()
    client.inward.write(client.sock.recv(65536))
    line, = records.d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "fin")
    assert (line["in"], line["out"]) == ("7", "5")


def test_a_damaged_record_right_behind_the_data(records):
    client, server = records()
    whole = client.record(b"x" * 100)
    bad = bytearray(client.record(b"y" * 40))
    bad[-1] ^= 0x40
    client.sock.sendall(whole + bad)
    assert receive(server, 100) == b"x" * 100
    assert peers.ended(server) == "reset"
    assert records.d.wait_closed()[0]["why"] == "error"


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_not_passed_on_is_no_end(daemon, whole):
    """What the client has sent lies here, in TLS and not in the socket, when
    its session is closed: it must not believe that it has arrived."""
    hole = peers.Blackhole()
    d = daemon(remotes=[hole], listen=SITE,
               spawnd="log { level = debug }",
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    try:
        client = Records(d.connect(), last=lambda c: c.record(
            b"x" * 100)[:None if whole else 30])
        d.wait_sessions(1)
        d.wait_line("stage tls-in -> connect")
        d.kill(signal.SIGINT)
        assert peers.ended(client.sock) == "reset"
        assert d.wait_end(LATE) == 0
    finally:
        hole.close()


def test_records_byte_by_byte(records):
    client, server = records()
    data = client.record(b"x" * 50) + client.record(b"y" * 50)
    for i in range(len(data)):
        client.sock.sendall(data[i:i + 1])
    assert receive(server, 100) == b"x" * 50 + b"y" * 50


# What is refused

def s_client(d, *args, stdin=b""):
    return subprocess.run(
        ["openssl", "s_client", "-connect", "%s:%d" % d.address(),
         "-servername", "relay.test", "-CAfile", str(certificate()), *args],
        input=stdin, capture_output=True, timeout=patience(20))


@pytest.mark.parametrize("args", [
    ["-tls1"], ["-tls1_1"],
    ["-tls1_2", "-cipher", "AES128-SHA256"],
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
    ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]], ids=" ".join)
def test_what_is_too_weak_is_refused(daemon, echo, args):
    d = daemon(remotes=[echo], listen=SITE,
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    args = [a + ":@SECLEVEL=0" if ":" in a or "-SHA" in a else a
            for a in args]
    if "-cipher" not in args:
        args += ["-cipher", "ALL:@SECLEVEL=0"]
    done = s_client(d, *args)
    assert b"alert" in done.stderr, done.stderr
    line, = d.wait_closed()
    assert (line["end"], line["why"], line["remote"]) == \
        ("client", "handshake", "-")


def test_plain_text_does_not_pass(daemon, backend):
    """Neither way: the remote is not even connected to."""
    remote = backend(peers.hold)
    d = daemon(remotes=[remote], listen=SITE,
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    client = d.connect()
    client.sendall(b"GET / HTTP/1.0\r\n\r\n" * 10)
    try:
        assert not b"HTTP" in receive_all(client)
    except ConnectionResetError:
        pass
    assert d.wait_closed()[0]["why"] == "handshake"
    assert remote.conns == []
    assert d.wait_line("TLS handshake with the client: ")


def test_renegotiation_is_refused(daemon, backend):
    pair = Pair(daemon, backend, True, False, version=TLS1_2)
    client, server = pair.open()
    client.sendall(b"before")
    assert server.both([], 6) == b"before"
    with pytest.raises((tlspeer.Broken, ConnectionError)):
        client.renegotiate()


@pytest.mark.parametrize("name, said", [
    ("other.test", "hostname mismatch"), (None, "self-signed")])
def test_a_remote_that_is_another(daemon, backend, name, said):
    """By its name, or by who has signed it. The client gets a reset."""
    remote = backend(peers.hold)
    ca = certificate() if name else certificate("else.test")
    d = daemon(remotes=[remote.conf("tls = inside")],
               extra=f'tls inside {{ ca = "{ca}" '
                     f'name = "{name or "relay.test"}" }}')
    client = d.connect()
    wait(lambda: remote.conns, 10, "the remote's end")
    with pytest.raises((tlspeer.Broken, ConnectionError)):
        Tls(remote.conns[0], cert=certificate()).recv(1)
    assert peers.ended(client) == "reset"
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("remote", "handshake")
    assert d.wait_line("TLS handshake with the remote: ", said)


def test_another_remote_is_tried(daemon, backend):
    """One that is who it says it is not costs no session, and is held."""
    def serve(sock, cert):
        try:
            server = Tls(sock, cert=cert)
            server.sendall(server.recv(100).upper())
            server.shutdown()
        except tlspeer.Broken:
            pass

    bad = backend(lambda s: serve(s, certificate("else.test")))
    good = backend(lambda s: serve(s, certificate()))
    d = daemon(remotes={"bad": bad.conf("tls = inside weight = 256"),
                        "good": good.conf("tls = inside")},
               spawnd="servers { min = 1 max = 1 }",
               extra=f'tls inside {{ ca = "{certificate()}" '
                     'name = "relay.test" }')
    for _ in range(10):
        client = d.connect()
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"HELLO"
    lines = d.wait_closed(10)
    assert {(s["remote"], s["why"]) for s in lines} == {("good", "fin")}
    assert lines[0]["tries"] == "2"
    assert len(bad.conns) < 10
    assert d.wait_line("TLS handshake: self-signed certificate")


def test_a_remote_that_speaks_plain(daemon, backend):
    remote = backend(lambda s: s.sendall(b"220 hello\r\n" * 10))
    d = daemon(remotes=[remote.conf("tls = inside")],
               extra=f'tls inside {{ ca = "{certificate()}" '
                     'name = "relay.test" }')
    assert peers.turned_away(d.box, d.address()) == "reset"
    line, = d.wait_closed()
    assert line["why"] == "handshake"


def test_one_that_fails_is_one_try(daemon, backend):
    remote = backend(lambda s: s.sendall(b"220 hello\r\n" * 10))
    d = daemon(remotes=[remote.conf("tls = inside")], relay="retries = 0",
               extra=f'tls inside {{ ca = "{certificate()}" '
                     'name = "relay.test" }')
    assert peers.turned_away(d.box, d.address()) == "reset"
    line, = d.wait_closed()
    assert (line["why"], line["remote"], line["tries"]) == \
        ("handshake", "-", "1")


def test_a_remote_that_does_not_answer(daemon, backend):
    remote = backend(peers.hold)
    d = daemon(remotes=[remote.conf("tls = inside")],
               relay="connect-timeout = 300ms",
               extra=f'tls inside {{ ca = "{certificate()}" '
                     'name = "relay.test" }')
    assert peers.turned_away(d.box, d.address()) == "reset"
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("remote", "connect-timeout")


# What takes long

@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_a_handshake_has_a_limit(daemon, echo, said):
    d = daemon(remotes=[echo], listen=SITE + " handshake-timeout = 300ms",
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    assert peers.turned_away(d.box, d.address(), said) == "reset"
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "handshake-timeout")


@pytest.mark.load
def test_handshakes_that_stall_cost_nobody(daemon, echo):
    """2,000 that have said the half: others are served as before, and what
    they take is little."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 2000 if soft >= 5000 else soft // 3
    d = daemon(remotes=[echo], listen=SITE + " handshake-timeout = 1h",
               spawnd="servers { min = 1 max = 1 } users { max = 4000 }",
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    good = Tls(d.connect())
    good.sendall(b"one")
    assert good.both([], 3) == b"one"
    before = private_kib(d.kids()[0])
    stalled = [d.connect() for _ in range(count)]
    for sock in stalled:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    d.wait_sessions(count + 1, 30)
    begun = time.monotonic()
    for _ in range(200):
        good.sendall(b"two")
        assert good.both([], 3) == b"two"
    assert time.monotonic() - begun < LATE
    grown = private_kib(d.kids()[0]) - before
    if not ASAN:
        assert grown < count * 2, f"{grown} KiB for {count}"
    for sock in stalled:
        peers.abort(sock)
    d.wait_sessions(1, 30)
    good.close()


def test_memory_is_limited(daemon, echo):
    """OpenSSL's counts: who would need more is not served."""
    d = daemon(remotes=[echo], listen=SITE,
               spawnd="servers { min = 1 max = 1 } memory = 1m",
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    clients = []
    try:
        for _ in range(300):
            clients.append(Tls(d.connect()))
    except (tlspeer.Broken, ConnectionError):
        pass
    assert len(clients) < 300
    assert d.wait_closed()[0]["why"] == "memory"
    for client in clients:
        client.sendall(b"hello")
        assert client.both([], 5) == b"hello"
    for client in clients:
        client.close()
    d.wait_sessions(0, 10)
    Tls(d.connect()).close()


# Real peers

@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_s_client(daemon, backend, version):
    remote = backend(lambda s: s.sendall(receive(s, 6).upper()))
    d = daemon(remotes=[remote], listen=SITE,
               extra=f'tls site {{ certificate = "{certificate()}" }}')
    done = s_client(d, version, "-ign_eof", stdin=b"hello\n")
    assert b"HELLO\n" in done.stdout
    assert b"Verify return code: 0 (ok)" in done.stdout
    line, = d.wait_closed()
    assert line["sni"] == "relay.test"
    assert line["tls"].startswith("TLSv" + version[-3:].replace("_", "."))


@pytest.mark.skipif(shutil.which("nginx") is None or
                    shutil.which("curl") is None, reason="no nginx or curl")
@pytest.mark.parametrize("again", [False, True], ids=["plain", "again"])
def test_https_to_nginx(daemon, box, again):
    """A file by HTTPS, to an nginx that speaks plain, or TLS again."""
    port, data = free_port(), os.urandom(3_000_000)
    root = box.dir / "www"
    root.mkdir()
    (root / "file").write_bytes(data)
    box.dir.chmod(0o755)
    conf = box.dir / "nginx.conf"
    pem = certificate()
    conf.write_text(f"""
daemon off; master_process off; pid {root}/nginx.pi; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {root}/a; proxy_temp_path {root}/b;
    fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d;
    scgi_temp_path {root}/e;
    server {{ listen 127.0.0.1:{port} {"ssl" if again else ""};
        {f"ssl_certificate {pem}; ssl_certificate_key {pem};" if again else ""}
        root {root}; }}
}}
""")
    box.spawn(["nginx", "-c", conf], stderr=subprocess.DEVNULL)
    wait(lambda: answers(port), 10, "nginx")
    tls = "tls = inside" if again else ""
    d = daemon(remotes=[f'address = "127.0.0.1" port = {port} {tls}'],
               listen=SITE,
               extra=f'tls site {{ certificate = "{pem}" }}\n'
                     f'tls inside {{ ca = "{pem}" name = "relay.test" }}')
    at, there = d.address()
    got = subprocess.run(
        ["curl", "-sS", "--cacert", str(pem), "--resolve",
         f"relay.test:{there}:{at}", f"https://relay.test:{there}/file"],
        capture_output=True, timeout=patience(30))
    assert got.returncode == 0, got.stderr
    assert hashlib.sha256(got.stdout).digest() == \
        hashlib.sha256(data).digest()
    # This one has no close_notify for who has gone first.
    assert d.wait_closed()[0]["why"] in ("fin", "reset", "error")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False
