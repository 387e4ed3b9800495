"""TLS by the kernel, where zero copy is asked for: what goes to an end of TLS is
spliced, and all else of TLS holds. ktls.c plays the kernel's part."""

import hashlib
import os
import ssl
import struct
import subprocess
from pathlib import Path

import pytest

import certs
import peers
from harness import ASAN, HERE, Box, certificate, wait
from peers import Thread
from test_tls import Pair, s_client
from tlspeer import TLS1_2, TLS1_3, ended

pytestmark = [
    certs.needed,
    pytest.mark.skipif(ASAN or bool(os.environ.get("E2E_SINGLE")),
                       reason="it is loaded into the program relay"),
]

BULK = 64 * 1024 * 1024
BLOCK = bytes(range(251)) * 4177
NAMES = Path("/proc/sys/net/ipv4/tcp_available_ulp")
ULPS = NAMES.read_text().split() if NAMES.exists() else []
COUNTS = ("started", "spliced", "sent", "control", "kept", "lost")
VERSIONS = pytest.mark.parametrize("version", [TLS1_2, TLS1_3],
                                   ids=["1.2", "1.3"])


class Kernel:
    """What the kernel was asked for."""

    def __init__(self, box, library):
        self.path = box.dir / "counts"
        self.path.write_bytes(bytes(4 * len(COUNTS)))
        self.path.chmod(0o666)
        self.env = {"LD_PRELOAD": str(library),
                    "SPAWND_KTLS_COUNTS": str(self.path)}

    def __getattr__(self, name):
        return struct.unpack("=6I", self.path.read_bytes())[
            COUNTS.index(name)]


@pytest.fixture(scope="module")
def library(programs):
    path = Box.base / "libexec" / "ktls.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall",
                    "-D_GNU_SOURCE", "-o", str(path), str(HERE / "ktls.c"),
                    "-lcrypto", "-ldl", "-pthread"], check=True)
    return path


@pytest.fixture
def kernel(box, library):
    return Kernel(box, library)


@pytest.fixture
def opened(daemon, backend, kernel):
    def make(version=None, inside=True, outside=False, relay="io = splice",
             env=None, **kw):
        pair = Pair(daemon, backend, inside, outside, version=version,
                    relay=relay, env=kernel.env if env is None else env)
        return (pair, *pair.open(**kw))
    return make


def whole(size=BULK):
    sha = hashlib.sha256()
    for _ in range(size // len(BLOCK)):
        sha.update(BLOCK)
    sha.update(BLOCK[:size % len(BLOCK)])
    return sha.digest()


def send_whole(end, size=BULK):
    for _ in range(size // len(BLOCK)):
        end.sendall(BLOCK)
    end.sendall(BLOCK[:size % len(BLOCK)])


def received(end, size=BULK):
    sha, got = hashlib.sha256(), 0
    while got < size:
        data = end.recv(65536)
        assert data, got
        sha.update(data)
        got += len(data)
    return sha.digest()


@VERSIONS
@pytest.mark.parametrize("inside", [True, False], ids=["client", "remote"])
def test_bulk_is_spliced(opened, kernel, version, inside):
    """To a client, or to a remote, with half-close in both orders."""
    pair, client, server = opened(version if inside else None, inside,
                                  not inside)
    source, sink = (server, client) if inside else (client, server)
    sender = Thread(send_whole, source)
    assert received(sink) == whole()
    sender.result()
    sink.sendall(b"other way")
    assert source.recv(9) == b"other way"
    source.shutdown(1)
    assert ended(sink) == "fin"
    sink.sendall(b"half-closed")
    assert source.recv(11) == b"half-closed"
    sink.shutdown(1)
    line, = pair.d.wait_closed()
    assert line["why"] == "fin"
    assert int(line["out" if inside else "in"]) == BULK
    assert kernel.started == 1
    assert kernel.spliced == BULK and kernel.lost == 0


def test_s_client_and_python_get_all(daemon, backend, kernel):
    """Others than this library, with a close_notify at the end."""
    def once(sock):
        send_whole(sock)
        sock.close()

    pair = Pair(daemon, lambda _: backend(once), True, False,
                relay="io = splice", env=kernel.env)
    for option in ("-tls1_2", "-tls1_3"):
        said = s_client(pair.d, "-quiet", option)
        assert hashlib.sha256(said.stdout).digest() == whole()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=certificate())
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(pair.d.connect(), suppress_ragged_eofs=False,
                                 server_hostname="relay.test") as client:
            assert received(client) == whole()
            assert client.recv(1) == b""
    pair.d.wait_closed(4)
    assert kernel.started == 4 and kernel.lost == 0
    assert kernel.spliced == 4 * BULK


@VERSIONS
def test_a_client_that_stalls_gets_all(opened, kernel, version):
    """Also what the kernel has taken and TCP has not, when all had ended."""
    size = BULK // 8
    pair, client, server = opened(version, rcvbuf=4096)
    sender = Thread(send_whole, server, size)
    wait(lambda: kernel.kept, 30, "a record that TCP has not taken whole")
    client.sendall(b"in between")
    assert server.recv(10) == b"in between"
    assert received(client, size) == whole(size)
    sender.result()
    # Until the client takes nothing any more; then the end behind it.
    more = bytes(3000)
    sent = 0
    kept = kernel.kept
    while kernel.kept == kept:
        server.sendall(more)
        sent += len(more)
    server.shutdown(1)
    client.shutdown(1)
    assert received(client, sent) == hashlib.sha256(bytes(sent)).digest()
    assert ended(client) == "fin"
    assert pair.d.wait_closed()[0]["why"] == "fin"
    assert kernel.lost == 0


@VERSIONS
def test_what_the_kernel_has_taken_is_waited_for(opened, kernel, version):
    """A shutdown would have it forgotten."""
    pair, client, server = opened(version, env=dict(
        kernel.env, SPAWND_KTLS_LATE="1"))
    client.shutdown(1)
    server.sendall(b"last words")
    server.shutdown(1)
    assert client.recv(10) == b"last words"
    assert ended(client) == "fin"
    assert pair.d.wait_closed()[0]["why"] == "fin"
    assert kernel.kept >= 2 and kernel.lost == 0


@VERSIONS
def test_a_reset_is_no_end(opened, kernel, version):
    pair, client, server = opened(version)
    send_whole(server, 1_000_000)
    assert received(client, 1_000_000) == whole(1_000_000)
    peers.abort(server.sock)
    assert ended(client) == "reset"
    assert pair.d.wait_closed()[0]["why"] == "reset"


def test_keys_that_would_change_end_the_session(opened, kernel):
    """A KeyUpdate that asks for one; one that does not is fine."""
    pair, client, server = opened(TLS1_3)
    client.key_update(False)
    client.sendall(b"new keys")
    assert server.recv(8) == b"new keys"
    send_whole(server, 1_000_000)
    assert received(client, 1_000_000) == whole(1_000_000)
    client.key_update(True)
    client.sendall(b"yours")
    try:
        server.sendall(b"not by the old ones")
    except ConnectionResetError:
        pass
    assert ended(client) != "fin"
    assert pair.d.wait_closed()[0]["why"] == "error"


@pytest.mark.parametrize("relay", ["", "io = copy"])
def test_it_is_not_used_unasked(opened, kernel, relay):
    pair, client, server = opened(TLS1_3, relay=relay)
    client.key_update(True)
    client.sendall(b"mine")
    assert server.recv(4) == b"mine"
    server.sendall(b"yours")
    assert client.recv(5) == b"yours"
    assert kernel.started == 0


@pytest.mark.skipif("tls" in ULPS, reason="this kernel has it")
def test_a_kernel_without_it(opened):
    pair, client, server = opened(TLS1_3, env={})
    sender = Thread(send_whole, server, 1_000_000)
    assert received(client, 1_000_000) == whole(1_000_000)
    sender.result()
    client.key_update(True)
    client.sendall(b"mine")
    assert server.recv(4) == b"mine"
    server.sendall(b"yours")
    assert client.recv(5) == b"yours"
