"""The PROXY protocol: who speaks for whom, in and out."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import certs
import peers
from harness import (LATE, PATIENCE, TOP, free_port, has_tls, listening,
                     patience, wait)
from peers import ended, receive, receive_all, roundtrip

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LISTEN = 'address = "127.0.0.1" port = 0 '
V1 = b"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"


def v2(source, port, to, to_port, fields=b""):
    """The header of version 2 for two addresses of a family."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = (socket.inet_pton(family, source) + socket.inet_pton(family, to) +
            struct.pack(">HH", port, to_port) + fields)
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + struct.pack(">BBH", 0x21, kind, len(body)) + body


def read_cases():
    cases = []
    text = (TOP / "test/unit/proxy.cases").read_text()
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, verdict, source, to, header, parts = line.split("|")
        data = b""
        for part in parts.split():
            byte, _, times = part.partition("*")
            data += bytes.fromhex(byte) * int(times or 1)
        cases.append((name, verdict, source, to, int(header), data))
    return cases


CASES = read_cases()


def header_of(sock):
    """The header that a remote gets: (its bytes, from, to, fields)."""
    first = receive(sock, 1)
    if first == b"P":
        line = first
        while not line.endswith(b"\r\n"):
            line += receive(sock, 1)
        word = line.decode().split()
        if word[1] == "UNKNOWN":
            return line, None, None, {}
        return line, (word[2], int(word[4])), (word[3], int(word[5])), {}
    head = first + receive(sock, 15)
    assert head[:12] == SIGNATURE
    command, kind, size = struct.unpack(">BBH", head[12:])
    body = receive(sock, size)
    if command == 0x20:
        assert kind == 0 and not body
        return head, None, None, {}
    assert command == 0x21 and kind in (0x11, 0x21)
    width = 16 if kind == 0x21 else 4
    family = socket.AF_INET6 if kind == 0x21 else socket.AF_INET
    ips = [socket.inet_ntop(family, body[i * width:(i + 1) * width])
           for i in (0, 1)]
    ports = struct.unpack_from(">HH", body, 2 * width)
    fields, rest = {}, body[2 * width + 4:]
    while rest:
        field, size = struct.unpack_from(">BH", rest)
        fields[field] = rest[3:3 + size]
        rest = rest[3 + size:]
    assert struct.unpack(">I", fields[3])[0] == crc32c(
        (head + body).replace(fields[3], bytes(4)))
    return head + body, (ips[0], ports[0]), (ips[1], ports[1]), fields


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return ~crc & 0xffffffff


def from_here(remotes, **kw):
    return dict(listen=LISTEN + 'proxy-from = {"127.0.0.0/8"}',
                remotes=remotes, **kw)


def text_of(address):
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# In

def test_every_case(daemon, echo, mechanism):
    d = daemon(**from_here([echo]))
    for n, (name, verdict, source, to, header, data) in enumerate(CASES):
        client = d.connect()
        own = text_of(client.getsockname())
        how = None
        try:
            client.sendall(data)
            if verdict == "fin":
                client.shutdown(socket.SHUT_WR)
        except ConnectionError:
            how = "reset"
        if verdict == "ok":
            assert how is None, name
            assert receive(client, len(data) - header) == data[header:], name
            client.shutdown(socket.SHUT_WR)
            assert receive_all(client) == b"", name
        else:
            assert (how or ended(client)) == ("reset" if data else "fin"), name
        client.close()
        line = d.wait_closed(n + 1)[n]
        if verdict != "ok":
            assert (line["end"], line["why"]) == (
                "client", "fin" if verdict == "fin" else "proxy-header"), name
            assert line["client"] == own
            continue
        assert line["why"] == "fin", name
        assert line["client"] == (own if source == "-" else source), name
        assert line["proxy"] == (None if source == "-" else own), name


def test_cut_anywhere(daemon, echo, mechanism):
    """In two segments at every byte, and byte by byte."""
    d = daemon(**from_here([echo]))
    n = 0
    for header in (V1, v2("192.0.2.1", 56324, "198.51.100.7", 443),
                   b"PROXY UNKNOWN\r\n"):
        clients = []
        for at in range(1, len(header)):
            client = d.connect()
            client.sendall(header[:at])
            clients.append(client)
        for at, client in enumerate(clients, 1):
            client.sendall(header[at:] + b"data")
        for client in clients:
            assert receive(client, 4) == b"data"
            client.close()
        slow = d.connect()
        for byte in header + b"data":
            slow.sendall(bytes([byte]))
            time.sleep(0.001)
        assert receive(slow, 4) == b"data"
        slow.close()
        n += len(clients) + 1
    lines = d.wait_closed(n)
    assert all(line["why"] in ("fin", "reset") for line in lines)
    assert sum(line["client"] == "192.0.2.1:56324" for line in lines) == \
        n - len(b"PROXY UNKNOWN\r\n")


@pytest.mark.parametrize("io", ["auto", "copy", "splice"])
def test_one_segment_with_much_behind(daemon, backend, mechanism, io):
    up, down = peers.Pattern(1, 1 << 20), peers.Pattern(2, 1 << 20)
    remote = backend(lambda s: peers.exchange(s, down, up))
    d = daemon(**from_here([remote], relay=f"io = {io}"))
    client = d.connect()
    first, *rest = up
    client.sendall(V1 + first)
    for block in rest:
        client.sendall(block)
    assert peers.receive_digest(client, down.size) == down.digest()
    client.close()
    line, = d.wait_closed()
    assert line["client"] == "192.0.2.1:56324"
    assert int(line["in"]) == up.size and int(line["out"]) == down.size


def test_from_others_it_is_data(daemon, echo):
    """Never looked for: not even a wrong one is noticed."""
    d = daemon(remotes=[echo],
               listen=LISTEN + 'proxy-from = {"192.0.2.0/24", "::1", "unix"}')
    client = d.connect()
    own = text_of(client.getsockname())
    for data in (V1, V1[:20], SIGNATURE):
        client.sendall(data)
        assert receive(client, len(data)) == data
    client.close()
    line, = d.wait_closed()
    assert line["client"] == own and line["proxy"] is None


def test_slow_header(daemon, echo, mechanism):
    """The time runs from the start, whatever comes meanwhile."""
    d = daemon(remotes=[echo], listen=LISTEN +
               'proxy-from = "127.0.0.1" handshake-timeout = 1s')
    quiet, slow = d.connect(), d.connect()
    begun = time.monotonic()
    try:
        for byte in V1 * 10:
            slow.sendall(bytes([byte]) if byte != 10 else b"x")
            time.sleep(0.05)
    except ConnectionError:
        pass
    assert ended(quiet) == "reset"
    assert time.monotonic() - begun < LATE
    lines = d.wait_closed(2)
    assert {line["why"] for line in lines} == {"handshake-timeout"}
    assert {line["end"] for line in lines} == {"client"}


def test_reset_before_the_header(daemon, echo):
    d = daemon(**from_here([echo]))
    client = d.connect()
    client.sendall(V1[:10])
    wait(lambda: d.summary()["sessions"] == 1)
    peers.abort(client)
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("client", "reset")


def test_what_is_wrong_is_told(daemon, echo):
    d = daemon(**from_here([echo]))
    client = d.connect()
    own = text_of(client.getsockname())
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert ended(client) == "reset"
    wait(lambda: f"listener web: PROXY header from {own}: there is none"
         in d.log)


def test_ipv6(daemon, echo):
    d = daemon(remotes=[echo], listen='address = "::1" port = 0 '
               'proxy-from = {"::/64"}')
    client = d.connect()
    client.sendall(v2("2001:db8::1", 1, "2001:db8::2", 65535) + b"data")
    assert receive(client, 4) == b"data"
    own = text_of(client.getsockname()[:2])
    client.close()
    line, = d.wait_closed()
    assert (line["client"], line["proxy"]) == ("[2001:db8::1]:1", own)


def test_mapped_sender(daemon, echo):
    """A listener of both families has IPv4 senders by their own address."""
    d = daemon(remotes=[echo], listen='port = 0 proxy-from = "127.0.0.1"')
    client = d.box.connect(("127.0.0.1", d.port()))
    client.sendall(V1 + b"data")
    assert receive(client, 4) == b"data"
    client.close()
    line, = d.wait_closed()
    assert line["client"] == "192.0.2.1:56324"


@pytest.mark.parametrize("listed", [True, False])
def test_unix_socket(daemon, echo, box, mechanism, listed):
    networks = '{"unix"}' if listed else '{"0.0.0.0/0", "::/0"}'
    d = daemon(remotes=[echo], listen=f'path = "{box.dir}/web" '
               f'proxy-from = {networks}')
    client = d.connect()
    if not listed:
        roundtrip(client, V1).close()
        assert d.wait_closed()[0]["client"] == "unix"
        return
    for byte in V1:
        client.sendall(bytes([byte]))
    roundtrip(client)
    client.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b""
    line, = d.wait_closed()
    assert (line["client"], line["proxy"]) == ("192.0.2.1:56324", "unix")
    assert line["in"] == line["out"] == "12"


def test_what_a_unix_socket_has_counts(daemon, backend, box):
    """It has been handed over, whomever the header names."""
    remote = backend(lambda s: (s.sendall(b"x" * 1000), s.recv(1)))
    d = daemon(remotes=[remote], relay="idle-timeout = 1s",
               listen=f'path = "{box.dir}/web" proxy-from = "unix"')
    client = d.connect()
    client.sendall(V1)
    line, = d.wait_closed()
    assert (line["why"], line["out"]) == ("idle-timeout", "1000")
    assert receive(client, 1000) == b"x" * 1000


def test_access_is_of_both(daemon, echo):
    """The sender is refused by the master, the client by the worker."""
    d = daemon(**from_here([echo], spawnd='access = {"deny 127.0.0.2", '
                           '"deny 192.0.2.0/25", "deny 2001:db8::/32"}'))

    def session(source):
        client = d.connect()
        client.sendall(v2(source, 7, "::" if ":" in source else "0.0.0.0", 8))
        return client
    for n, source in enumerate(("192.0.2.1", "2001:db8::5",
                                "::ffff:192.0.2.9")):
        assert ended(session(source)) == "reset"
        d.wait_closed(n + 1)
    roundtrip(session("192.0.2.128")).close()
    # Whoever connects from a network that is denied is never heard.
    assert peers.turned_away(d.box, d.address(), source="127.0.0.2") in (
        "fin", "reset")
    lines = d.wait_closed(4)
    assert [line["why"] for line in lines[:3]] == ["denied"] * 3
    assert [line["client"] for line in lines[:3]] == [
        "192.0.2.1:7", "[2001:db8::5]:7", "192.0.2.9:7"]
    assert all(line["end"] == "relay" for line in lines[:3])
    assert lines[3]["client"] == "192.0.2.128:7"


def test_balance_by_whom_it_names(daemon, backend):
    """The same client goes to the same remote, others to all."""
    remotes = [backend() for _ in range(4)]
    d = daemon(**from_here(remotes, relay="balance = source"))
    for n in range(40):
        client = d.connect()
        client.sendall(v2(f"192.0.2.{n % 20}", 1000 + n, "192.0.2.1", 80))
        roundtrip(client).close()
    lines = d.wait_closed(40)
    took = {}
    for line in lines:
        took.setdefault(line["client"].split(":")[0], set()).add(
            line["remote"])
    assert len(took) == 20
    assert all(len(names) == 1 for names in took.values())
    assert len(set.union(*took.values())) > 1


def test_route_by_whom_it_names(daemon, backend):
    """And each way has its own remotes, told or not."""
    got = []

    def told(sock):
        got.append(header_of(sock))
        sock.sendall(b"told")

    def plain(sock):
        sock.sendall(b"plain")
    d = daemon(
        listen=LISTEN + 'proxy-from = "127.0.0.1" '
        'route { from = "192.0.2.0/24" relay = app } '
        'route { from = "2001:db8::/32" relay = other }',
        remotes=[backend(told).conf("proxy-out = v2")],
        extra=f"relay other {{ remote x {{ {backend(plain).conf()} }} }}")
    answers = {"192.0.2.1": b"told", "2001:db8::1": b"plain",
               "198.51.100.1": None}
    for n, (source, answer) in enumerate(answers.items()):
        client = d.connect()
        client.sendall(v2(source, 1, source, 2))
        if answer:
            assert receive_all(client) == answer
            client.close()
        else:
            assert ended(client) == "reset"
        d.wait_closed(n + 1)
    assert [line["why"] for line in d.closed()] == [
        "fin", "fin", "no-remote"]
    assert got[0][1] == ("192.0.2.1", 1)


def test_stalled_headers_are_in_nobodys_way(daemon, echo):
    """Those who never finish theirs do not slow who has done so."""
    d = daemon(remotes=[echo], listen=LISTEN + 'proxy-from = "127.0.0.1" '
               'backlog = 4096 handshake-timeout = 10m')
    stalled = []
    for n in range(2000):
        client = d.connect()
        client.sendall(V1[:n % len(V1)])
        stalled.append(client)
    wait(lambda: d.summary()["sessions"] == 2000, 30)
    for _ in range(20):
        client = d.connect()
        client.sendall(V1)
        roundtrip(client).close()
    assert len(d.wait_closed(20)) == 20
    for client in stalled:
        client.close()
    d.wait_closed(2020, 30)
    d.wait_sessions(0)


def test_reload_and_drain_with_headers_under_way(daemon, echo):
    d = daemon(**from_here([echo]))
    early = d.connect()
    early.sendall(V1[:20])
    wait(lambda: d.summary()["sessions"] == 1)
    d.reload(listen=LISTEN)
    late = d.connect()
    roundtrip(late, V1)
    early.sendall(V1[20:])
    roundtrip(early)
    d.kill(signal.SIGTERM)
    roundtrip(early)
    early.close()
    late.close()
    assert d.wait_end() == 0
    assert {line["client"] for line in d.closed()} >= {"192.0.2.1:56324"}


# Out

@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_out(daemon, backend, version, host):
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    remote = backend(handler)
    d = daemon(remotes=[remote.conf(f"proxy-out = {version}")],
               listen=f'address = "{host}" port = 0')
    client = d.connect()
    roundtrip(client)
    client.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b""
    data, source, to, fields = got[0]
    assert source == client.getsockname()[:2]
    assert to == d.address()
    assert set(fields) == ({3} if version == "v2" else set())
    line, = d.wait_closed()
    assert line["in"] == line["out"] == "12"


def test_out_speaks_first(daemon, backend):
    """A server that says something first gets the header before that."""
    def handler(sock):
        header_of(sock)
        sock.sendall(b"220 hello\r\n")
        peers.echo(sock)
    d = daemon(remotes=[backend(handler).conf("proxy-out = v1")])
    client = d.connect()
    assert receive(client, 11) == b"220 hello\r\n"
    roundtrip(client)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_out_of_a_unix_socket(daemon, backend, box, version):
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    d = daemon(remotes=[backend(handler).conf(f"proxy-out = {version}")],
               listen=f'path = "{box.dir}/web"')
    roundtrip(d.connect())
    assert got[0][1] is None


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_passed_on(daemon, backend, version):
    """What comes in goes out, mixed families as IPv6."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    d = daemon(**from_here(
        [backend(handler).conf(f"proxy-out = {version}")]))
    for header in (V1, v2("2001:db8::1", 5, "2001:db8::2", 6),
                   b"PROXY UNKNOWN\r\n"):
        client = d.connect()
        client.sendall(header)
        roundtrip(client)
    assert [found[1:3] for found in got[:2]] == [
        (("192.0.2.1", 56324), ("198.51.100.7", 443)),
        (("2001:db8::1", 5), ("2001:db8::2", 6))]
    assert got[2][1] == client.getsockname()


def test_fields_are_passed_on(daemon, backend):
    """But the checksum, which is made anew."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    d = daemon(**from_here([backend(handler).conf("proxy-out = v2")]))
    client = d.connect()
    ssl = struct.pack(">BI", 1, 0) + b"\x21\0\7TLSv1.3"
    client.sendall(v2("192.0.2.1", 1, "192.0.2.2", 2, b"".join(
        struct.pack(">BH", kind, len(value)) + value for kind, value in
        ((1, b"h2"), (2, b"example.org"), (4, b"padding"), (0x20, ssl),
         (0xea, b"of somebody")))))
    roundtrip(client)
    fields = got[0][3]
    assert len(fields.pop(3)) == 4
    assert fields == {1: b"h2", 2: b"example.org", 0x20: ssl,
                      0xea: b"of somebody"}


def test_out_to_each_remote_as_it_wants(daemon, backend):
    """The one without the option gets none; after a failure the next one is
    told anew."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    plain = backend()
    d = daemon(remotes={
        "dead": f'address = "127.0.0.1" port = {free_port()} proxy-out = v1',
        "v2": backend(handler).conf("proxy-out = v2"),
        "plain": plain.conf()}, relay="balance = roundrobin")
    for _ in range(6):
        roundtrip(d.connect()).close()
    lines = d.wait_closed(6)
    assert {line["remote"] for line in lines} == {"v2", "plain"}
    assert len(got) == sum(line["remote"] == "v2" for line in lines)


def test_out_to_a_remote_that_is_gone_at_once(daemon, backend):
    def handler(sock):
        peers.abort(sock)
    d = daemon(remotes=[backend(handler).conf("proxy-out = v2")])
    for _ in range(20):
        assert peers.turned_away(d.box, d.address()) == "reset"
    assert all(line["why"] in ("reset", "connect-failed") and
               line["end"] == "remote" for line in d.wait_closed(20))


# With others

def needs(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    return pytest.mark.skipif(path is None, reason=f"no {name}")


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")


def haproxy(box, bind, server):
    """Listens at a free port; server: the rest of its line, after the name."""
    port = free_port()
    conf = box.dir / f"haproxy-{port}.cfg"
    conf.write_text(
        "defaults\n mode tcp\n timeout connect 30s\n timeout client 60s\n"
        " timeout server 60s\n"
        f"listen l\n bind 127.0.0.1:{port} {bind}\n server s {server}\n")
    box.spawn([program("haproxy"), "-db", "-q", "-f", conf])
    wait(lambda: listening(port), 10, "haproxy")
    return port


def nginx(box, *servers, kind="stream"):
    """servers: texts with the word PORT, which becomes a free port each."""
    ports = [free_port() for _ in servers]
    module = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    load = f"load_module {module};" if kind == "stream" and module.exists() \
        else ""
    blocks = "\n".join(
        "server { " + text.replace("PORT", str(port)) + " }"
        for text, port in zip(servers, ports))
    folders = "" if kind == "stream" else "".join(
        f"{name}_temp_path {box.dir}/{name};" for name in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    form = "log_format who '$proxy_protocol_addr $proxy_protocol_port';"
    conf = box.dir / f"nginx-{ports[0]}.conf"
    conf.write_text(
        f"{load} daemon off; master_process off; pid {box.dir}/nginx.pid;"
        f" error_log {box.dir}/nginx.err; events {{ }}\n"
        f"{kind} {{ {folders} {form}"
        f" access_log {box.dir}/nginx.who who;\n{blocks}\n}}\n")
    box.spawn([program("nginx"), "-p", box.dir, "-c", conf],
              stderr=subprocess.DEVNULL)
    wait(lambda: listening(ports[-1]), 10, "nginx")
    return ports if len(ports) > 1 else ports[0]


has_stream = pytest.mark.skipif(
    not pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so").exists(),
    reason="no stream module of nginx")


def speaks_for(d, port, count=1):
    """A client of the sender at port is the client of our session."""
    client = d.box.connect(("127.0.0.1", port))
    own = text_of(client.getsockname())
    roundtrip(client, peers.Pattern(5, 100_000).bytes())
    client.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b""
    line = d.wait_closed(count)[-1]
    assert line["client"] == own and line["why"] == "fin"
    assert line["proxy"].startswith("127.0.0.1:")


@needs("haproxy")
@pytest.mark.parametrize("how", [
    "send-proxy", "send-proxy-v2",
    "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority"])
def test_from_haproxy(daemon, box, echo, how):
    d = daemon(**from_here([echo]))
    port = haproxy(box, "", f"127.0.0.1:{d.port()} {how}")
    speaks_for(d, port)
    speaks_for(d, port, 2)


@needs("haproxy")
def test_from_haproxy_that_checks(daemon, box, echo):
    """Its checks say LOCAL: they are served as HAProxy's own."""
    d = daemon(**from_here([echo]))
    port = haproxy(box, "", f"127.0.0.1:{d.port()} send-proxy-v2 check "
                   "check-send-proxy inter 100ms")
    lines = d.wait_closed(3, 30)
    assert all(line["client"].startswith("127.0.0.1:") and
               line["why"] != "proxy-header" for line in lines)
    roundtrip(d.box.connect(("127.0.0.1", port)))


@needs("nginx")
@has_stream
def test_from_nginx(daemon, box, echo):
    d = daemon(**from_here([echo]))
    port = nginx(box, f"listen 127.0.0.1:PORT; proxy_pass "
                 f"127.0.0.1:{d.port()}; proxy_protocol on;")
    speaks_for(d, port)


@needs("haproxy")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_to_haproxy(daemon, box, backend, version):
    """It reads ours, and passes on to a server of ours what it has read."""
    got = []

    def handler(sock):
        got.append(header_of_any(sock))
        peers.echo(sock)
    last = backend(handler)
    port = haproxy(box, "accept-proxy",
                   f"127.0.0.1:{last.port} send-proxy")
    d = daemon(remotes=[f'address = "127.0.0.1" port = {port} '
                        f'proxy-out = {version}'])
    client = d.connect()
    roundtrip(client)
    assert got[0] == (client.getsockname(), d.address())


def header_of_any(sock):
    return header_of(sock)[1:3]


@needs("nginx")
@has_stream
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_to_nginx_stream(daemon, box, echo, version):
    port = nginx(box, f"listen 127.0.0.1:PORT proxy_protocol; "
                 f"proxy_pass 127.0.0.1:{echo.port};")
    d = daemon(remotes=[f'address = "127.0.0.1" port = {port} '
                        f'proxy-out = {version}'])
    client = d.connect()
    host, at = client.getsockname()
    roundtrip(client).close()
    wait(lambda: f"{host} {at}" in (box.dir / "nginx.who").read_text())


@needs("nginx")
@needs("curl")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_to_nginx_http(daemon, box, version):
    """With the header that curl sends going through: nginx sees its client's
    address, and an answer comes."""
    port = nginx(box, "listen 127.0.0.1:PORT proxy_protocol; "
                 "location / { return 200 "
                 "$proxy_protocol_addr:$proxy_protocol_port; }", kind="http")
    d = daemon(remotes=[f'address = "127.0.0.1" port = {port} '
                        f'proxy-out = {version}'],
               listen={"web": LISTEN, "in": LISTEN +
                       'proxy-from = "127.0.0.1"'})
    curl = ["curl", "-sS", "-m", str(PATIENCE)]
    done = subprocess.run([*curl, f"http://127.0.0.1:{d.port()}/"],
                          capture_output=True, text=True, check=True,
                          timeout=patience(30))
    assert done.stdout == d.wait_closed()[0]["client"]
    done = subprocess.run([*curl, "--haproxy-protocol",
                           f"http://127.0.0.1:{d.port('in')}/"],
                          capture_output=True, text=True, check=True,
                          timeout=patience(30))
    line = d.wait_closed(2)[1]
    assert done.stdout == line["client"] == line["proxy"]


# With TLS

@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    if not has_tls():
        pytest.skip("built without OpenSSL, or openssl is missing")
    return certs.Authority(tmp_path_factory.mktemp("proxy"))


@pytest.fixture(scope="module")
def site(ca):
    return ca.issue("a.test", "a.test")


def tls_section(name, pair, more=""):
    return (f'tls {name} {{ certificate = "{pair.pem}" key = "{pair.key}" '
            f'{more} }}')


def over_tls(sock, ca, name="a.test", pair=None, alpn=(), again=None):
    """again: an earlier one, whose session goes on."""
    if again:
        return again.context.wrap_socket(sock, server_hostname=name,
                                         session=again.session)
    context = ssl.create_default_context(cafile=ca.pem)
    context.set_alpn_protocols(list(alpn))
    if pair:
        context.load_cert_chain(pair.pem, pair.key)
    return context.wrap_socket(sock, server_hostname=name)


def serves_tls(pair):
    """handler(sock) for a backend: (header before TLS, header inside)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.pem, pair.key)
    return lambda sock: context.wrap_socket(sock, server_side=True)


def test_header_before_tls(daemon, echo, ca, site, mechanism):
    d = daemon(remotes=[echo], listen=LISTEN + 'proxy-from = "127.0.0.1" '
               "tls = site", extra=tls_section("site", site))
    for cut in (0, len(V1), 20):
        client = d.connect()
        own = text_of(client.getsockname())
        client.sendall(V1[:cut])
        if cut == 20:
            time.sleep(0.05)
        client.sendall(V1[cut:])
        inside = over_tls(client, ca)
        inside.sendall(b"data")
        assert inside.recv(4) == b"data"
        inside.unwrap().close()
    for line in d.wait_closed(3):
        assert line["client"] == "192.0.2.1:56324"
        assert line["proxy"] == own or line["proxy"].startswith("127.0.0.1")
        assert line["tls"].startswith("TLSv1.3,")
        assert line["sni"] == "a.test" and line["why"] == "fin"


def test_tls_without_the_header(daemon, echo, ca, site):
    d = daemon(remotes=[echo], listen=LISTEN + 'proxy-from = "127.0.0.1" '
               "tls = site", extra=tls_section("site", site))
    with pytest.raises(OSError):
        over_tls(d.connect(), ca)
    assert d.wait_closed()[0]["why"] == "proxy-header"


def sub_fields(value):
    """Of field SSL: client, verify, the others."""
    client, verify = struct.unpack_from(">BI", value)
    fields, rest = {}, value[5:]
    while rest:
        field, size = struct.unpack_from(">BH", rest)
        fields[field] = rest[3:3 + size]
        rest = rest[3 + size:]
    return client, verify, fields


def test_what_is_told_of_tls(daemon, backend, ca, site):
    """Without a certificate of the client, with one, and with one that it has
    shown before."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    mine = ca.issue("somebody", file="somebody")
    d = daemon(
        remotes=[backend(handler).conf("proxy-out = v2")],
        listen=LISTEN + "tls = site", extra=tls_section(
            "site", site, f'alpn = {{"h2", "http/1.1"}} client-ca = '
            f'"{ca.pem}" client-verify = optional'))
    clients = []
    for pair in (None, mine, mine):
        client = over_tls(d.connect(), ca, alpn=["http/1.1"], pair=pair,
                          again=clients[1] if len(clients) == 2 else None)
        clients.append(d.box.closing(client))
        roundtrip(client)
    assert clients[2].session_reused
    for client, (*_, fields) in zip(clients, got):
        assert fields[1] == b"http/1.1" and fields[2] == b"a.test"
        more = sub_fields(fields[0x20])[2]
        assert more[0x21] == b"TLSv1.3"
        assert more[0x23] == client.cipher()[0].encode()
    told = [sub_fields(fields[0x20]) for *_, fields in got]
    assert told[0][0] == 1 and told[0][1] != 0 and 0x22 not in told[0][2]
    assert told[1][:2] == (7, 0) and told[1][2][0x22] == b"somebody"
    assert told[2][:2] == (5, 0) and told[2][2][0x22] == b"somebody"


@pytest.mark.parametrize("inside", [False, True], ids=["before", "inside"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_header_to_a_remote_with_tls(daemon, backend, ca, site, version,
                                     inside):
    got, wrap = [], serves_tls(site)

    def handler(sock):
        if not inside:
            got.append(header_of(sock))
        secret = wrap(sock)
        if inside:
            got.append(header_of(secret))
        peers.echo(secret)
    d = daemon(
        remotes=[backend(handler).conf(
            f"tls = far proxy-out = {version} "
            f"proxy-tls = {'yes' if inside else 'no'}")],
        extra=f'tls far {{ ca = "{ca.pem}" name = "a.test" }}')
    client = d.connect()
    data = peers.Pattern(3, 300_000)
    peers.exchange(client, data, data)
    assert got[0][1] == client.getsockname()


def test_fields_to_the_next_remote(daemon, backend, ca, site):
    """Who is tried after the TLS of another was of no use is told the same."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    bad = backend(lambda sock: (header_of(sock), sock.sendall(b"220 hi\r\n")))
    d = daemon(**from_here(
        {"bad": bad.conf("tls = far proxy-out = v2 weight = 256"),
         "good": backend(handler).conf("proxy-out = v2")},
        extra=f'tls far {{ ca = "{ca.pem}" name = "a.test" }}'))
    for _ in range(3):
        client = d.connect()
        client.sendall(v2("192.0.2.1", 1, "192.0.2.2", 2,
                          b"\xea\0\4mine"))
        roundtrip(client).close()
    assert "2" in [line["tries"] for line in d.wait_closed(3)]
    assert [fields.get(0xea) for *_, fields in got] == [b"mine"] * 3


def test_tls_of_a_unix_socket_in_pieces(daemon, echo, ca, site, box,
                                        mechanism):
    """Where no event may tell of more, it is looked for."""
    d = daemon(remotes=[echo], listen=f'path = "{box.dir}/web" tls = site',
               extra=tls_section("site", site))
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=ca.pem)
    tls = context.wrap_bio(inward, outward, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outward.read()
    client = d.connect()
    for part in (hello[:3], hello[3:100], hello[100:]):
        client.sendall(part)
        time.sleep(0.1)
    assert client.recv(5)[0] == 22


@needs("haproxy")
def test_tls_by_haproxy(daemon, box, backend, ca, site):
    """What it tells of the TLS that it has ended is passed on."""
    got = []

    def handler(sock):
        got.append(header_of(sock))
        peers.echo(sock)
    both = box.dir / "both.pem"
    both.write_text(site.pem.read_text() + site.key.read_text())
    d = daemon(**from_here([backend(handler).conf("proxy-out = v2")]))
    port = haproxy(box, f"ssl crt {both}", f"127.0.0.1:{d.port()} "
                   "send-proxy-v2-ssl-cn")
    client = d.box.connect(("127.0.0.1", port))
    own = client.getsockname()
    d.box.closing(roundtrip(over_tls(client, ca)))
    assert got[0][1] == own
    assert sub_fields(got[0][3][0x20])[2][0x21] == b"TLSv1.3"


def test_from_ourselves(daemon, echo):
    """One spawnd speaks for another."""
    last = daemon(**from_here([echo]))
    first = daemon(remotes=[f'address = "127.0.0.1" port = {last.port()} '
                            "proxy-out = v2"])
    client = first.connect()
    own = text_of(client.getsockname())
    roundtrip(client).close()
    assert last.wait_closed()[0]["client"] == own
