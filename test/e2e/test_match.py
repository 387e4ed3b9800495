"""Filter match: what is found wherever the bytes are cut, and what is done about
it."""

import hashlib
import random
import socket
import time

import pytest

import harness
from harness import LATE, certificate, has_patterns, has_tls
from peers import BLOCK, Thread, receive, receive_all, roundtrip
from tlspeer import Tls

pytestmark = pytest.mark.skipif(not has_patterns(),
                                reason="built without PCRE2")
MATCHES = r"""
match log { pattern = "he[l]+o" direction = up }
match count { pattern = "x+y" action = count direction = up }
match swap { pattern = "(sec)(ret)" action = replace with = "$2-$1" }
match keep { pattern = "secret" action = replace with = "no" length = keep
	direction = down }
match close { pattern = "bad\\s+word" action = close hold = 10s
	direction = up }
match reset { pattern = "(?i)union\\s+select" action = reset hold = 10s
	direction = up }
match hold { pattern = "abcdef" action = replace with = "X" direction = up }
match dear { pattern = "(a+)+b" action = reset direction = up }
match first { pattern = "secret" action = reset direction = up limit = 100 }
"""


def listeners(*names):
    return {name: f"address = 127.0.0.1 port = 0 filters = {{{name}}}"
            for name in names}


@pytest.fixture
def matching(echo, daemon):
    names = [line.split()[1] for line in MATCHES.splitlines()
             if line.startswith("match")]
    return daemon(listen=listeners(*names), remotes=[echo], extra=MATCHES)


def bytewise(sock, data):
    for at in range(len(data)):
        sock.sendall(data[at:at + 1])


def hits(d):
    return {f["name"]: f["hits"] for f in d.show("filters")}


def test_each_action(matching):
    d = matching
    # What was compiled cannot be written to any more.
    if not d.box.single and not harness.ASAN:
        assert "rwx" not in open(f"/proc/{d.kids()[0]}/maps").read()
    # Looked at, byte by byte, without being held back.
    sock = d.connect("log")
    bytewise(sock, b"say hel")
    assert receive(sock, 7) == b"say hel"
    bytewise(sock, b"lo\n")
    assert receive(sock, 3) == b"lo\n"
    d.wait_line("match log: session ", '"hello" at byte 4 up')
    sock.close()
    with d.connect("count") as sock:
        roundtrip(sock, b"xxy xy yx xxxy.")
    assert hits(d)["count"] == 3
    # The end is passed on behind what was held for it.
    sock = d.connect("swap")
    bytewise(sock, b"a secret sec")
    sock.shutdown(socket.SHUT_WR)
    assert receive_all(sock) == b"a ret-sec sec"
    sock.close()
    with d.connect("keep") as sock:
        sock.sendall(b"a secret, ")
        assert receive(sock, 10) == b"a no    , "
    sock = d.connect("close")
    sock.sendall(b"a good word, a bad ")
    assert receive(sock, 15) == b"a good word, a "
    sock.sendall(b" word and more")
    assert receive_all(sock) == b""
    sock.close()
    sock = d.connect("reset")
    bytewise(sock, b"id=1 UNION \n")
    assert receive(sock, 5) == b"id=1 "
    sock.sendall(b"SELECT x")
    with pytest.raises(ConnectionResetError):
        receive(sock, 1)
    sock.close()
    lines = d.wait_closed(6)
    assert [(s["end"], s["why"]) for s in lines if s["why"] != "fin"] == [
        ("relay", "match")] * 2


def test_what_is_held_goes_on(matching):
    d = matching
    with d.connect("hold") as sock:
        sock.sendall(b"1 abc")
        assert receive(sock, 2) == b"1 "
        begun = time.monotonic()
        assert receive(sock, 3) == b"abc"
        assert time.monotonic() - begun < LATE
        sock.sendall(b"def abcdef")
        assert receive(sock, 5) == b"def X"
    # A pattern that takes too much is given up, and others are served.
    with d.connect("dear") as sock, d.connect("hold") as other:
        data = (b"a" * 60 + b"!") * 1000
        thread = Thread(lambda: (sock.sendall(data),
                                 receive(sock, len(data))))
        roundtrip(other)
        thread.result()
    d.wait_line("match dear: session ", "a search took too much")
    # Behind the limit nothing is looked at.
    with d.connect("first") as sock:
        roundtrip(sock, b"x" * 97 + b"secret")


def test_much_is_replaced(matching):
    """8 MB each way, and what comes is what was sent but for the word."""
    d = matching
    dice = random.Random(5)
    text = b"".join(dice.choice([b"secret", b"sec", b"ret", b" ", b"s" * 99,
                                 bytes(range(256))]) for _ in range(100000))
    text = text[:8 << 20]
    want = text.replace(b"secret", b"ret-sec").replace(b"secret", b"ret-sec")
    sock = d.connect("swap")

    def send():
        at = 0
        while at < len(text):
            n = dice.choice([1, 7, 1000, BLOCK, 3 * BLOCK])
            sock.sendall(text[at:at + n])
            at += n
        sock.shutdown(socket.SHUT_WR)

    thread = Thread(send)
    got = receive_all(sock)
    thread.result()
    assert hashlib.sha256(got).digest() == hashlib.sha256(want).digest()
    sock.close()


@pytest.mark.skipif(not has_tls(), reason="built without TLS")
def test_inside_tls(echo, daemon):
    d = daemon(listen={"web": "address = 127.0.0.1 port = 0 tls = s "
                              "filters = {swap}"},
               remotes=[echo], extra=MATCHES +
               f'tls s {{ certificate = "{certificate()}" }}\n')
    tls = Tls(d.connect())
    tls.sendall(b"a secret")
    tls.shutdown()
    assert receive_all(tls) == b"a ret-sec"
    tls.close()
