"""Clients that say where they want to go, by SOCKS 4, 4a, 5 and by CONNECT:
in any pieces, with data behind it, in TLS and behind a PROXY header; what is
wrong, and what they are told."""

import base64
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import harness
from peers import abort, echo, ended, receive, receive_all, roundtrip
from tlspeer import Tls

ASK = 'address = "127.0.0.1" port = 0 ask = any'


OUT = dict(relay='targets { rules = {"permit 127.0.0.0/8", '
           '"permit localhost"} }')


def request4(host, port, user=b"", command=1):
    try:
        ip, name = socket.inet_pton(socket.AF_INET, host), b""
    except OSError:
        ip, name = b"\0\0\0\1", host.encode() + b"\0"
    return struct.pack("!BBH", 4, command, port) + ip + user + b"\0" + name


def request5(host, port, command=1):
    for family, kind in (socket.AF_INET, 1), (socket.AF_INET6, 4):
        try:
            address = bytes([kind]) + socket.inet_pton(family, host)
            break
        except OSError:
            address = bytes([3, len(host)]) + host.encode()
    return bytes([5, command, 0]) + address + struct.pack("!H", port)


def head(host, port, *fields, version="1.1", end="\r\n"):
    host = f"[{host}]" if ":" in host else host
    return end.join([f"CONNECT {host}:{port} HTTP/{version}", *fields, "",
                     ""]).encode()


def basic(user, password):
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Proxy-Authorization: Basic {word}"


def wishes(host, port):
    """All that a client says in each protocol, and the end of what it is told
    if that is yes."""
    return [
        (request4(host, port, b"me"), b"\0\x5a", 8),
        (b"\5\1\0" + request5(host, port), b"\5\0\5\0\0\1", 12),
        (b"\5\3\0\2\1" + request5(host, port), b"\5\0\5\0\0\1", 12),
        (head(host, port, version="1.0", end="\n"),
         b"HTTP/1.0 200 Connection established\r\n\r\n", 39),
        (head(host, port, "Host: x", "User-Agent: y"),
         b"HTTP/1.1 200 Connection established\r\n\r\n", 39)]


def told(sock, yes, size):
    answer = receive(sock, size)
    assert answer.startswith(yes), answer
    return answer


def pieces(sock, data, size):
    for i in range(0, len(data), size):
        sock.sendall(data[i:i + size])
        time.sleep(0.001)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_every_protocol_in_any_pieces(box, daemon, echo, host):
    """What comes behind the request, before the answer, is for the remote."""
    d = daemon(listen=ASK, **OUT)
    for data, yes, size in wishes(host, echo.port):
        for cut in 1, 3, len(data):
            sock = d.connect()
            pieces(sock, data, cut)
            told(sock, yes, size)
            roundtrip(sock)
        sock = d.connect()
        sock.sendall(data + b"early")
        told(sock, yes, size)
        assert receive(sock, 5) == b"early"
        sock.shutdown(socket.SHUT_WR)
        assert ended(sock) == "fin"
    for sock in box.sockets:
        sock.close()
    for c in d.wait_closed(20):
        assert c["target"] == f"{host}:{echo.port}" and c["why"] == "fin"
        assert c["user"] in ("me", None)


def test_early_bytes_pass_the_filters(box, daemon, backend):
    """What comes together with the request, and all that follows it, in its
    order; in TLS too."""
    filters = {"web": "m", "limited": "q", "both": "q, m"}
    kinds = {name: f"{ASK} filters = {{{some}}}"
             for name, some in filters.items()}
    kinds["bare"] = ASK
    extra = """match m { direction = up pattern = early action = replace
                         with = later }
               rate q { bytes = 10m }"""
    if harness.has_tls():
        kinds["tls"] = kinds["both"] + " tls = site"
        extra += f' tls site {{ certificate = "{harness.certificate()}" }}'
    there = backend(lambda sock: sock.sendall(receive_all(sock)))
    d = daemon(listen=kinds, relay=OUT["relay"] + " buffer = 4k",
               extra=extra)
    body = b"early, " * 3000
    for name in kinds:
        for data, yes, size in wishes("127.0.0.1", there.port):
            sock = d.connect(name) if name != "tls" else \
                Tls(d.connect(name))
            sock.sendall(data + body)
            told(sock, yes, size)
            sock.shutdown(socket.SHUT_WR)
            want = body if name in ("bare", "limited") else \
                body.replace(b"early", b"later")
            assert receive_all(sock) == want
    for sock in box.sockets:
        sock.close()
    for c in d.wait_closed(5 * len(kinds)):
        assert (c["in"], c["out"]) == (str(len(body)),) * 2, c


def test_the_bound_address(daemon, backend):
    """It is the one that the remote sees."""
    there = backend(lambda sock: sock.sendall(
        socket.inet_aton(sock.getpeername()[0]) +
        struct.pack("!H", sock.getpeername()[1])))
    d = daemon(listen=ASK, **OUT)
    sock = said(d.connect(), request4("127.0.0.1", there.port))
    answer = receive(sock, 8)
    assert receive(sock, 6) == answer[4:] + answer[2:4]
    sock = said(d.connect(), b"\5\1\0" + request5("127.0.0.1", there.port))
    answer = receive(sock, 12)
    assert receive(sock, 6) == answer[6:]


WRONG = [
    # What is said, what is told, how it ends.
    (request4("127.0.0.1", 80, command=2), b"\0\x5b"),
    (request4("127.0.0.1", 0), b"\0\x5b"),
    (b"\5\1\2", b"\5\xff"),
    (b"\5\0", b"\5\xff"),
    (b"\5\1\0" + request5("127.0.0.1", 80, 2), b"\5\0\5\7"),
    (b"\5\1\0" + request5("0.0.0.0", 0, 3), b"\5\0\5\7"),
    (b"\5\1\0\5\1\0\2abc", b"\5\0\5\x08"),
    (b"\5\1\0" + request5("127.0.0.1", 0), b"\5\0\5\1"),
    (b"\5\1\0\4\1\0\1", b"\5\0\5\1"),
    (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
    (b"POST http://a/ HTTP/1.0\r\nContent-Length: 9999\r\n\r\n" +
     b"x" * 9999, b"HTTP/1.0 405 "),
    (b"CONNECT a HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
    (b"CONNECT a:1\0", b"HTTP/1.1 400 "),
    (b"CONNECT a:1 HTTP/2.0\r\n\r\n", b"HTTP/1.1 505 "),
    (b"A" * 20000, b"HTTP/1.1 431 "),
]


def test_what_is_wrong(box, daemon, echo):
    """It is told so, and that always arrives, whatever else was sent."""
    d = daemon(listen={
        "web": ASK,
        "five": 'address = "127.0.0.1" port = 0 ask = {socks5}'},
        **OUT)
    for data, answer in WRONG:
        sock = d.connect()
        sock.sendall(data)
        got = receive_all(sock)
        assert got.startswith(answer), (data[:20], got)
        if answer.startswith(b"HTTP/1.1 405"):
            assert b"\r\nAllow: CONNECT\r\n" in got and b"spawnd" in got
        sock.close()
    for data in b"\x16\3\1", b"\0", b"\xff" * 9000:
        assert ended(said(d.connect(), data)) == "reset"
    for data in request4("127.0.0.1", echo.port), head("localhost", 1):
        assert ended(said(d.connect("five"), data)) == "reset"
    data, yes, size = wishes("localhost", echo.port)[1]
    sock = said(d.connect("five"), data)
    told(sock, yes, size)
    roundtrip(sock)
    # Who goes in the middle of it is not told anything.
    said(d.connect(), b"\5\1").close()
    said(d.connect(), b"CONNECT").shutdown(socket.SHUT_WR)
    abort(said(d.connect(), b"\4"))
    for sock in box.sockets:
        sock.close()
    whys = [c["why"] for c in d.wait_closed(len(WRONG) + 9, 30)]
    assert whys.count("handshake") == len(WRONG) + 5


def said(sock, data):
    try:
        sock.sendall(data)
    except ConnectionError:
        pass
    return sock


def test_ends_stay_what_they_were(box, daemon, backend):
    """Half-close both ways, and RST both ways, behind an answer."""
    def sum_up(sock):
        sock.sendall(b"%d" % len(receive_all(sock)))

    there = backend(sum_up)
    d = daemon(listen=ASK, **OUT)
    for data, yes, size in wishes("127.0.0.1", there.port):
        sock = d.connect()
        sock.sendall(data + b"x" * 1000)
        sock.shutdown(socket.SHUT_WR)
        told(sock, yes, size)
        assert receive_all(sock) == b"1000"
    there = backend(lambda sock: (sock.recv(1), abort(sock)))
    for data, yes, size in wishes("127.0.0.1", there.port):
        sock = said(d.connect(), data)
        told(sock, yes, size)
        sock.sendall(b"x")
        assert ended(sock) == "reset"
    whys = [c["why"] for c in d.wait_closed(10)]
    assert (whys.count("fin"), whys.count("reset")) == (5, 5)


def test_quick_mode(daemon, backend):
    """One line makes a proxy for this machine, which leads everywhere but to
    itself."""
    there = backend(echo)
    d = daemon(conf=False, args=["-S", str(harness.free_port())])
    assert d.address("quick")[0] == "127.0.0.1"
    for data, yes, size in wishes("localhost", there.port):
        sock = said(d.connect("quick"), data)
        told(sock, yes, size)
        roundtrip(sock)
    sock = said(d.connect("quick"), request4(*d.address("quick")))
    assert receive_all(sock).startswith(b"\0\x5b")


def test_routes_by_target(box, daemon, backend):
    """A name may be that of servers of ours, and is not looked up then."""
    named, there = [backend(lambda sock, x=x: sock.sendall(x))
                    for x in (b"named", b"there")]
    d = daemon(listen=ASK + ' relay = app '
               'route { target = "db.internal:5432" relay = db }', **OUT,
               extra=f"relay db {{ remote r {{ {named.conf()} }} }}")
    for say, before in (request5, b"\5\1\0"), (head, b""), (request4, b""):
        sock = said(d.connect(), before + say("db.internal", 5432))
        assert receive_all(sock)[-5:] == b"named"
        sock = said(d.connect(), before + say("127.0.0.1", there.port))
        assert receive_all(sock)[-5:] == b"there"
        sock = said(d.connect(), before + say("db.internal", 5433))
        assert receive_all(sock)
    for sock in box.sockets:
        sock.close()
    closed = d.wait_closed(9, 30)
    assert [c["remote"] for c in closed].count("r") == 3


def test_slow_and_silent_clients(daemon, echo):
    """Whoever is not done in time is reset."""
    d = daemon(listen=ASK + " handshake-timeout = 1s", **OUT)
    socks = [said(d.connect(), data) for data in
             (b"", b"\4", b"\5", b"\5\1\0\5\1", b"CONNECT a:1 HTTP/1.1\r\n")]
    for sock in socks:
        assert ended(sock) == "reset"
    assert {c["why"] for c in d.wait_closed(5)} == {"handshake-timeout"}


def test_what_the_rules_refuse(daemon, backend):
    """Each protocol has its own words for it."""
    there, closed = backend(), harness.free_port()
    d = daemon(listen=ASK, relay='targets { rules = {"permit '
               f'127.0.0.0/8:{closed}", "permit *.invalid"}} dns-timeout = 20s }}')
    no = [(request4, b"\0\x5b", b""), (request5, b"\5\2", b"\5\1\0"),
          (head, b"HTTP/1.1 403", b"")]
    for say, answer, before in no:
        for host in "127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254":
            sock = said(d.connect(), before + say(host, there.port))
            assert receive_all(sock)[len(before) and 2:].startswith(answer)
    for say, answer, before in ((request5, b"\5\5", b"\5\1\0"),
                                (head, b"HTTP/1.1 502", b"")):
        sock = said(d.connect(), before + say("127.0.0.1", closed))
        assert receive_all(sock)[len(before) and 2:].startswith(answer)
    sock = said(d.connect(), b"\5\1\0\5\1\0\3\3a b\0\1")
    assert receive_all(sock).startswith(b"\5\0\5\4")
    whys = [c["why"] for c in d.wait_closed(15)]
    assert whys.count("target-denied") == 12
    assert whys.count("connect-failed") == 2 and "target-name" in whys
    assert not there.conns


def hashed(password):
    done = subprocess.run(["openssl", "passwd", "-6", password], text=True,
                          capture_output=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(harness.find_program("users") is None,
                    reason="built without libcrypt")
@pytest.mark.skipif(not harness.has_tls(), reason="without openssl")
def test_users(box, daemon, echo):
    """Who has a password of the file gets in, and nobody else; by a process
    that has no rights, comes back, and lets nobody guess."""
    path = box.dir / "people.txt"
    word = "p:w \u00e4%41"
    path.write_text(f"# people\nme:{hashed(word)}\n\nx:{hashed('y')}\n")
    path.chmod(0o600)
    d = daemon(listen=ASK + f' users = "{path}"', spawnd="servers { max = 2 }",
               **OUT)
    port = echo.port

    def login(user, password, source="127.0.0.1"):
        """Both ways; what is told, but for what depends on the port."""
        u, p = user.encode(), password.encode()
        data = b"\5\2\0\2\1" + bytes([len(u)]) + u + bytes([len(p)]) + p
        sock = said(d.connect(source=source), data)
        got = receive(sock, 4)
        if got == b"\5\2\1\0":
            told(said(sock, request5("127.0.0.1", port)), b"\5\0", 10)
            roundtrip(sock)
        else:
            assert ended(sock) == "fin"
        sock = said(d.connect(source=source), head("127.0.0.1", port,
                                                   basic(user, password)))
        return got, receive(sock, 12)

    yes, no = (b"\5\2\1\0", b"HTTP/1.1 200"), (b"\5\2\1\1", b"HTTP/1.1 407")
    assert login("me", word) == yes and login("x", "y") == yes
    assert login("me", "y") == no and login("nobody", "y") == no
    assert login("", "") == no
    sock = said(d.connect(), head("127.0.0.1", port))
    assert b"\r\nProxy-Authenticate: Basic " in receive_all(sock)
    for data, answer in (request4("127.0.0.1", port, b"me"), b"\0\x5d"), \
            (b"\5\1\0", b"\5\xff"), (b"\5\1\2\2", b"\5\2\1\1"):
        assert receive_all(said(d.connect(), data)).startswith(answer)
    kids = d.kids("users")
    assert len(kids) == len(d.workers("ready"))
    if os.geteuid() == 0:
        assert "0" not in harness.status_field(kids[0], "Uid")
    d.kill(signal.SIGKILL, *kids)
    d.wait(lambda: len(set(d.kids("users")) - set(kids)) == len(kids), 30,
           "new ones")
    assert login("me", word) == yes
    path.write_text(f"me:{hashed('other')}\n")
    assert login("me", word) == yes
    d.reload()
    assert login("me", word, "127.0.0.2") == no
    for _ in range(6 * len(kids)):
        assert login("x", "guess", "127.0.0.3") == no
    assert login("me", "other", "127.0.0.3") == no
    assert login("me", "other") == yes
    for sock in box.sockets:
        sock.close()
    users = {c["user"] for c in d.wait_closed(len(box.sockets), 30)}
    assert {"me", "x", "nobody"} < users and "other" not in d.log
    path.write_text("me:secret\n")
    assert "line 1: there is no hash" in d.ctl("reload", check=False).stderr


@pytest.mark.skipif(not harness.has_tls(), reason="without TLS")
def test_behind_a_header_and_inside_tls(box, daemon, echo):
    d = daemon(listen={
        "web": ASK + ' tls = site proxy-from = "127.0.0.0/8"'},
        extra=f'tls site {{ certificate = "{harness.certificate()}" }}',
        **OUT)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for data, yes, size in wishes("localhost", echo.port):
        for cut in 1, len(data):
            sock = said(d.connect(), b"PROXY TCP4 10.1.2.3 10.2.3.4 5 6\r\n")
            with context.wrap_socket(sock) as tls:
                for i in range(0, len(data), cut):
                    tls.sendall(data[i:i + cut])
                told(tls, yes, size)
                roundtrip(tls)
        sock = said(d.connect(), b"PROXY TCP4 10.1.2.3 10.2.3.4 5 6\r\n")
        with context.wrap_socket(sock) as tls:
            tls.sendall(data + b"early")
            told(tls, yes, size)
            assert receive(tls, 5) == b"early"
    for c in d.wait_closed(15):
        assert c["client"] == "10.1.2.3:5" and c["tls"]
    # Heads as long as they may be, and longer.
    for fields, end, code in [((["a:b"] * 1500), "\r\n", b"200"),
                              ((["a:b"] * 1500), "\n", b"200"),
                              (["a:" + "b" * 8000], "\r\n", b"200"),
                              (["a:" + "b" * 8200], "\r\n", b"431")]:
        sock = said(d.connect(), b"PROXY TCP4 10.1.2.3 10.2.3.4 5 6\r\n")
        with context.wrap_socket(sock) as tls:
            tls.sendall(head("localhost", echo.port, *fields, end=end))
            assert receive(tls, 12) == b"HTTP/1.1 " + code


def changed(rng, data):
    """The same with a few bytes more, fewer or others, or as it is."""
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 8))):
        i = rng.randrange(len(data))
        data[i:i + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        data = data or bytearray(b"\5")
    return data


def test_random_handshakes(box, daemon, echo, seed):
    """Nothing that is sent harms: parts of what is right, and any bytes. Who
    has been told yes gets its echo."""
    d = daemon(listen=ASK + " handshake-timeout = 30s", **OUT)
    rng, yes, n = random.Random(seed), 0, 0
    right = wishes("localhost", echo.port)
    stop = time.monotonic() + 4
    while n < 10000 and (n == 0 or time.monotonic() < stop):
        some = []
        for _ in range(100):
            data, good, size = rng.choice(right)
            sock = box.connect(d.address())
            said(sock, changed(rng, data))
            some.append((sock, good))
        for sock, good in some:
            try:
                sock.shutdown(socket.SHUT_WR)
                yes += receive_all(sock).startswith(good)
            except OSError:
                pass
            sock.close()
        box.sockets.clear()
        n += 100
    assert yes > n / 10
    data, good, size = right[1]
    sock = said(d.connect(), data)
    told(sock, good, size)
    roundtrip(sock)
