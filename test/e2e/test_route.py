"""Routes: by the name and the protocol that a client of TLS asks for, and by
network; the TLS is the servers', each of which proves which one it is."""

import resource
import shutil
import socket
import ssl
import struct
import subprocess

import pytest

import peers
from harness import PATIENCE, free_port, has_tls, listening, patience, wait
from peers import ended, receive, receive_all, roundtrip, silent

LISTEN = 'address = "127.0.0.1" port = 0 '
# The TLS is the servers'.
CLEAR = ["epoll", "epoll-copy", "epoll-splice", "epoll-so", "poll"]


# Bytes made by hand

def extension(number, data):
    return struct.pack(">HH", number, len(data)) + data


def message(name=None, alpn=(), share=0):
    """The first message of TLS, without records."""
    exts = b""
    if name is not None:
        data = name.encode()
        exts += extension(0, struct.pack(">HBH", len(data) + 3, 0,
                                         len(data)) + data)
    if share:
        exts += extension(51, struct.pack(">HHH", share + 4, 0x11ec, share) +
                          b"k" * share)
    if alpn:
        data = b"".join(bytes([len(p)]) + p.encode() for p in alpn)
        exts += extension(16, struct.pack(">H", len(data)) + data)
    body = (b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x02\x13\x01" +
            b"\x01\0" + struct.pack(">H", len(exts)) + exts)
    return b"\x01" + struct.pack(">I", len(body))[1:] + body


def records(data, size=16384):
    return b"".join(b"\x16\x03\x01" +
                    struct.pack(">H", len(data[at:at + size])) +
                    data[at:at + size] for at in range(0, len(data), size))


def hello(name=None, alpn=(), share=0, size=16384):
    return records(message(name, alpn, share), size)


# Servers and clients

@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """certificates(name): files with a key and a certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    folder = tmp_path_factory.mktemp("route")

    def make(name):
        key, cert = folder / f"{name}.key", folder / f"{name}.pem"
        if not cert.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                 cert, "-subj", f"/CN={name}", "-days", "9"],
                check=True, capture_output=True)
        return cert, key
    yield make
    shutil.rmtree(folder)


@pytest.fixture
def server(backend, certificates):
    """server(name, alpn): TLS with a certificate of that name, and an echo."""
    def make(name, alpn=()):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates(name))
        if alpn:
            context.set_alpn_protocols(list(alpn))

        def serve(conn):
            with context.wrap_socket(conn, server_side=True,
                                     suppress_ragged_eofs=True) as tls:
                peers.echo(tls)
        return backend(serve)
    return make


def relay(name, remote, more=""):
    return f"relay {name} {{ remote {name}-1 {{ {remote.conf()} }} {more} }}\n"


def who(d, sni=None, alpn=(), source=None, listener="web"):
    """Which server answers: its certificate has the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    sock = d.connect(listener, source=source)
    with context.wrap_socket(sock, server_hostname=sni) as tls:
        roundtrip(tls, b"x" * 100_000)
        der = tls.getpeercert(binary_form=True)
    return name_in(der)


def name_in(der):
    pem = ssl.DER_cert_to_PEM_cert(der)
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"],
                          input=pem, capture_output=True, text=True,
                          check=True)
    return done.stdout.strip().split("=")[-1].strip()


def greeter(text):
    """A server that speaks first, then echoes."""
    def serve(sock):
        sock.sendall(text)
        peers.echo(sock)
    return serve


# By name and protocol

@pytest.fixture
def three(daemon, server):
    """A daemon with routes to one and two, and app for the others."""
    def make(routes=None, **kw):
        remotes = [server(name, ("h2", "http/1.1"))
                   for name in ("one", "two", "app")]
        routes = routes or (
            'route { sni = {"one.example", "*.Deep.example"} relay = one }'
            'route { sni = "two.example" alpn = {"h2", "x"} relay = two }')
        return daemon(listen=LISTEN + routes + " relay = app",
                      remotes=[remotes[2]],
                      extra=relay("one", remotes[0]) +
                      relay("two", remotes[1]), **kw)
    return make


@pytest.mark.parametrize("data_path", CLEAR, indirect=True)
def test_names(three, data_path):
    d = three()
    asked = [("one.example", (), "one"), ("ONE.Example", (), "one"),
             ("a.deep.example", (), "one"), ("a.b.deep.example", (), "one"),
             ("deep.example", (), "app"), ("two.example", (), "app"),
             ("two.example", ("h2",), "two"), (None, (), "app"),
             ("two.example", ("http/1.1", "h2"), "two"),
             ("two.example", ("http/1.1",), "app")]
    for n, (sni, alpn, want) in enumerate(asked):
        assert who(d, sni, alpn) == want, (sni, alpn)
        line = d.wait_closed(n + 1)[n]
        assert line["sni"] == (sni.lower() if sni else None)
        assert line["alpn"] == (",".join(alpn) or None)
        assert int(line["tries"]) == 1
    counts = {(r["relay"], r["name"]): r["sessions"]
              for r in d.show("remotes")}
    assert counts == {("one", "one-1"): 4, ("two", "two-1"): 2,
                      ("app", "a"): 4}
    assert [x["relay"] for x in d.show("listeners")] == ["app"]


def test_first_holds(three):
    d = three('route { sni = "one.example" from = "127.0.0.2" relay = two }'
              'route { alpn = "h2" relay = one }'
              'route { from = "127.0.0.3" relay = two }'
              'route { sni = "one.example" relay = one }')
    assert who(d, "one.example", source="127.0.0.2") == "two"
    assert who(d, "one.example", source="127.0.0.3") == "two"
    assert who(d, "one.example", ("h2",),
               source="127.0.0.3") == "one"
    assert who(d, "one.example") == "one"
    assert who(d, "x.example") == "app"


def program(name):
    return shutil.which(name, path="/usr/bin:/usr/sbin:/bin")


def needs(name):
    return pytest.mark.skipif(program(name) is None, reason=f"no {name}")


@needs("openssl")
def test_openssl(box, daemon, certificates):
    """openssl s_client to openssl s_server, in both versions of TLS."""
    ports, extra = {}, ""
    for name in ("one", "two"):
        port = ports[name] = free_port()
        cert, key = certificates(name)
        box.spawn(["openssl", "s_server", "-accept", f"127.0.0.1:{port}",
                   "-cert", cert, "-key", key, "-alpn", "h2", "-quiet",
                   "-rev"], stdin=subprocess.DEVNULL,
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(lambda: listening(port), 10, "s_server")
        extra += (f"relay {name} {{ remote r {{ address = 127.0.0.1 "
                  f"port = {port} }} }}\n")
    d = daemon(listen=LISTEN + 'route { sni = "one.example" relay = one }'
               'route { alpn = "h2" relay = two } relay = one', extra=extra,
               remotes=["address = 127.0.0.1 port = 9"])
    for args, want in ((["-servername", "one.example"], "one"),
                       (["-servername", "ONE.example."], "one"),
                       (["-servername", "x", "-alpn", "h3,h2"], "two"),
                       (["-noservername"], "one")):
        for version in ("-tls1_2", "-tls1_3"):
            done = subprocess.run(
                ["openssl", "s_client", "-connect",
                 f"127.0.0.1:{d.port()}", version, *args], input="olleh\n",
                capture_output=True, text=True, timeout=patience(30))
            assert f"CN = {want}" in done.stdout, (args, done.stderr)


@needs("nginx")
@needs("curl")
def test_curl_nginx(box, daemon, certificates):
    ports, blocks = {}, ""
    for name in ("one", "two"):
        ports[name] = free_port()
        cert, key = certificates(name)
        blocks += (f"server {{ listen 127.0.0.1:{ports[name]} ssl; "
                   f"ssl_certificate {cert}; ssl_certificate_key {key}; "
                   f'location / {{ return 200 "{name} $ssl_server_name\\n";'
                   " } }\n")
    folders = "".join(f"{x}_temp_path {box.dir}/{x};" for x in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = box.dir / "nginx.conf"
    conf.write_text(
        f"daemon off; master_process off; pid {box.dir}/nginx.pid;"
        f" error_log {box.dir}/nginx.err; events {{ }}\n"
        f"http {{ access_log off; {folders}\n{blocks} }}\n")
    box.spawn([program("nginx"), "-p", box.dir, "-c", conf],
              stderr=subprocess.DEVNULL)
    wait(lambda: listening(ports["two"]), 10, "nginx")
    d = daemon(listen=LISTEN +
               'route { sni = "*.example" relay = one } relay = two',
               extra="".join(f"relay {name} {{ remote r {{ address = "
                             f"127.0.0.1 port = {port} }} }}\n"
                             for name, port in ports.items()),
               remotes=["address = 127.0.0.1 port = 9"])
    for host, want in (("a.example", "one"), ("a.test", "two")):
        done = subprocess.run(
            ["curl", "-sS", "-k", "--resolve", f"{host}:{d.port()}:127.0.0.1",
             f"https://{host}:{d.port()}/"], capture_output=True, text=True,
            timeout=patience(30))
        assert done.stdout == f"{want} {host}\n", done.stderr


# With TLS of our own

def test_terminated(daemon, backend, certificates, mechanism):
    """The name and what was agreed on come from there; nothing is sniffed."""
    if not has_tls():
        pytest.skip("built without OpenSSL")
    cert, key = certificates("ours")
    remotes = {name: backend(greeter(name.encode()))
               for name in ("one", "two", "app")}
    d = daemon(listen=LISTEN + "tls = site relay = app "
               'route { sni = "*.One.example" relay = one } '
               'route { alpn = "h2" relay = two }',
               remotes=[remotes["app"]],
               extra=relay("one", remotes["one"]) +
               relay("two", remotes["two"]) +
               f'tls site {{ certificate = "{cert}" key = "{key}" '
               'alpn = {"h2", "http/1.1"} }')
    for n, (sni, alpn, want, agreed) in enumerate((
            ("A.one.Example", ["http/1.1", "h2"], b"one", "h2"),
            ("x.example", ["h2"], b"two", "h2"),
            ("x.example", ["http/1.1"], b"app", "http/1.1"),
            (None, [], b"app", None))):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        with context.wrap_socket(d.connect(), server_hostname=sni) as tls:
            assert receive(tls, 3) == want
            roundtrip(tls)
            tls.unwrap()
        line = d.wait_closed(n + 1)[n]
        assert line["sni"] == (sni.lower() if sni else None)
        assert (line["alpn"], line["why"]) == (agreed, "fin")


# In pieces

def two_sides(daemon, backend, **kw):
    """Whom the servers one and app have got; they answer with their name."""
    one = backend(greeter(b"one"))
    app = backend(greeter(b"app"))
    return daemon(listen=LISTEN + 'route { sni = "one.example" relay = one }'
                  " relay = app", remotes=[app], extra=relay("one", one),
                  **kw)


def comes_to(sock, name, data):
    assert receive(sock, 3) == name
    assert receive(sock, len(data)) == data


@pytest.mark.parametrize("data", [
    hello("one.example", ("h2",)), hello("one.example", size=1),
    hello("one.example", size=7)], ids=["one", "bytes", "sevens"])
def test_byte_by_byte(daemon, backend, mechanism, data):
    d = two_sides(daemon, backend)
    sock = d.connect()
    for at in range(len(data)):
        sock.sendall(data[at:at + 1])
    sock.sendall(b"more")
    comes_to(sock, b"one", data + b"more")


@pytest.mark.parametrize("size", [16384, 1000, 40])
def test_large_share(daemon, backend, mechanism, size):
    """A key share of 16 KB, as post-quantum ones may have, in segments."""
    d = two_sides(daemon, backend)
    for share in (1216, 16384):
        data = hello("one.example", ("h2",), share, size)
        sock = d.connect()
        for at in range(0, len(data), 1400):
            sock.sendall(data[at:at + 1400])
        comes_to(sock, b"one", data)
        sock.close()


def test_cut_anywhere(daemon, backend):
    """Two segments, with a wait between, at every byte."""
    d = two_sides(daemon, backend)
    data = hello("one.example", ("h2",))
    socks = []
    for at in range(1, len(data)):
        sock = d.connect()
        sock.sendall(data[:at])
        socks.append(sock)
    d.wait_sessions(len(socks))
    for at, sock in enumerate(socks, 1):
        assert silent(sock, 0.001)
        sock.sendall(data[at:])
    for sock in socks:
        comes_to(sock, b"one", data)
        sock.close()


def test_behind_a_header(daemon, backend, mechanism):
    """Of the PROXY protocol: in one segment with it, or cut in it."""
    d = two_sides(daemon, backend)
    d.reload(listen=LISTEN + 'proxy-from = "127.0.0.0/8" '
             'route { sni = "one.example" relay = one } relay = app')
    head, data = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n", hello("one.example")
    for cut in (0, 10, len(head), len(head) + 1, len(head) + 40):
        sock = d.connect()
        sock.sendall((head + data)[:cut])
        sock.sendall((head + data)[cut:])
        comes_to(sock, b"one", data)
        sock.close()
    assert {x["client"] for x in d.wait_closed(5)} == {"192.0.2.1:5"}


def test_too_long(daemon, backend, mechanism):
    d = two_sides(daemon, backend)
    data = records(b"\x01\x01\0\0" + bytes(2000))
    sock = d.connect()
    sock.sendall(data)
    comes_to(sock, b"app", data)


@pytest.mark.parametrize("name", ["a\0b", "a b", "b\xfccher", "x" * 300,
                                  "..", "2001:db8::1"])
def test_no_name(daemon, backend, name):
    d = two_sides(daemon, backend)
    sock = d.connect()
    data = hello(name)
    sock.sendall(data)
    comes_to(sock, b"app", data)
    sock.close()
    assert d.wait_closed()[0]["sni"] is None


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\n",
    b"\x16\x03\x01\0\x01\x02", hello()[:40].replace(b"\x01\0\0", b"\x0e\0\0"),
    b"\x80\x2e\x01\x03\x01"])
def test_not_tls(daemon, backend, mechanism, data):
    d = two_sides(daemon, backend)
    sock = d.connect()
    sock.sendall(data)
    comes_to(sock, b"app", data)
    sock.close()
    line = d.wait_closed()[0]
    assert line["sni"] is None and line["alpn"] is None


def test_server_first(daemon, backend, mechanism):
    """A client that waits for the server is passed on when the time is over."""
    d = daemon(listen=LISTEN + 'route { sni = "x" relay = app } relay = app '
               "handshake-timeout = 300ms",
               remotes=[backend(greeter(b"220 hello\r\n"))])
    sock = d.connect()
    assert receive(sock, 11) == b"220 hello\r\n"
    roundtrip(sock)


@pytest.mark.parametrize("data_path", CLEAR, indirect=True)
def test_half_close(daemon, backend, data_path):
    """What came before the end is delivered, whether it is a message or a part
    of one or nothing."""
    whole = hello("one.example")
    for data, name in ((whole, b"one"), (whole[:50], b"app"), (b"", b"app")):
        d = two_sides(daemon, backend)
        sock = d.connect()
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == name + data
        line = d.wait_closed()[0]
        assert (line["end"], line["why"]) == ("client", "fin")
        d.stop()


# What ends there

def test_timeout(daemon, backend, mechanism):
    d = two_sides(daemon, backend)
    d.reload(listen=LISTEN + 'route { sni = "one.example" relay = one }'
             " relay = app handshake-timeout = 300ms")
    assert peers.turned_away(d.box, d.address(),
                             hello("one.example")[:-1]) == "reset"
    line = d.wait_closed()[0]
    assert (line["end"], line["why"]) == ("client", "handshake-timeout")


def test_nowhere(daemon, backend, mechanism):
    """Without a relay for the others they are reset."""
    one = backend(greeter(b"one"))
    d = daemon(listen=LISTEN + 'route { sni = "one.example" relay = one } '
               "handshake-timeout = 1s", remotes=[one],
               extra=relay("one", one))
    sock = d.connect()
    sock.sendall(hello("one.example"))
    comes_to(sock, b"one", hello("one.example"))
    sock.close()
    assert d.wait_closed()[0]["why"] == "fin"
    for n, (data, sni, alpn) in enumerate((
            (hello("two.example", ("h2",)), "two.example", "h2"),
            (b"GET / HTTP/1.0\r\n\r\n", None, None)), 1):
        sock = d.connect()
        sock.sendall(data)
        assert ended(sock) == "reset"
        line = d.wait_closed(n + 1)[n]
        assert (line["end"], line["why"]) == ("relay", "no-remote")
        assert (line["sni"], line["alpn"], line["tries"]) == (sni, alpn, "0")
    sock = d.connect()
    assert ended(sock) == "reset"
    assert d.wait_closed(4)[3]["why"] == "handshake-timeout"
    assert [x["relay"] for x in d.show("listeners")] == ["-"]


def test_client_resets(daemon, backend, mechanism):
    d = two_sides(daemon, backend)
    sock = d.connect()
    sock.sendall(hello("one.example")[:30])
    d.wait_sessions(1)
    peers.abort(sock)
    line = d.wait_closed()[0]
    assert (line["end"], line["why"]) == ("client", "reset")


# By network only

def test_networks(daemon, backend, box):
    """Nothing is looked at, and nothing waited for."""
    path = box.dir / "l.sock"
    d = daemon(
        listen={"web": LISTEN + 'route { from = {"127.0.0.2", "127.1.0.0/16"}'
                " relay = one } relay = app",
                "sock": f'path = "{path}" mode = 0666 '
                        'route { from = unix relay = one } relay = app'},
        remotes=[backend(greeter(b"app"))],
        extra=relay("one", backend(greeter(b"one"))))
    for source, want in (("127.0.0.2", b"one"), ("127.1.2.3", b"one"),
                         ("127.0.0.1", b"app"), ("127.2.0.1", b"app")):
        sock = d.connect(source=source)
        assert receive(sock, 3) == want
        sock.close()
    sock = d.connect("sock")
    assert receive(sock, 3) == b"one"


def test_unix_listener(daemon, backend, box, mechanism):
    """In few pieces: what is sent in very many, and not taken, fills the
    buffer of a unix socket."""
    path = box.dir / "l.sock"
    one, app = backend(greeter(b"one")), backend(greeter(b"app"))
    d = daemon(listen={"web": f'path = "{path}" mode = 0666 route {{ sni = '
                       '"one.example" relay = one } relay = app'},
               remotes=[app], extra=relay("one", one))
    data = hello("one.example", size=9)
    sock = d.connect()
    for at in range(0, len(data), 4):
        sock.sendall(data[at:at + 4])
    comes_to(sock, b"one", data)


def test_access(daemon, backend):
    """The rules hold before anything is read."""
    d = two_sides(daemon, backend, spawnd='access = {"deny 127.0.0.2"}')
    assert peers.turned_away(d.box, d.address(), source="127.0.0.2")
    sock = d.connect()
    sock.sendall(hello("one.example"))
    comes_to(sock, b"one", hello("one.example"))


# What a relay does with its remotes

def test_retries(daemon, backend):
    """The section that was chosen is the one whose remotes are tried, and
    held."""
    dead = backend(peers.echo, listen=False)
    one = backend(greeter(b"one"))
    d = daemon(listen=LISTEN + 'route { sni = "one.example" relay = one }'
               " relay = app", remotes=[backend(greeter(b"app"))],
               spawnd="servers { min = 1 max = 1 }",
               extra=f"relay one {{ balance = roundrobin remote x {{ "
               f"{dead.conf()} }} remote y {{ {one.conf()} }} }}")
    for n in range(4):
        sock = d.connect()
        sock.sendall(hello("one.example"))
        comes_to(sock, b"one", hello("one.example"))
        sock.close()
    lines = d.wait_closed(4)
    assert {x["remote"] for x in lines} == {"y"}
    assert sorted(x["tries"] for x in lines)[-1] == "2"
    remotes = {r["name"]: r for r in d.show("remotes")}
    assert remotes["x"]["held"] > 0 and remotes["a"]["failed"] == 0


def test_retire(daemon, backend):
    """Sessions count for the section that they are routed to."""
    one = backend(greeter(b"one"))
    d = daemon(listen=LISTEN + 'route { sni = "one.example" relay = one }'
               " relay = app", remotes=[backend(greeter(b"app"))],
               spawnd="servers { min = 1 max = 2 }",
               extra=relay("one", one, "retire = 5"))
    first = d.kids()
    for n in range(8):
        sock = d.connect()
        sock.sendall(b"plain")
        comes_to(sock, b"app", b"plain")
        sock.close()
    assert d.kids() == first
    for n in range(8):
        sock = d.connect()
        sock.sendall(hello("one.example"))
        comes_to(sock, b"one", hello("one.example"))
        sock.close()
    wait(lambda: d.kids() and first[0] not in d.kids(), 10, "another worker")


def test_reload(daemon, backend, mechanism):
    """A session whose message is under way goes where its own configuration
    says; a new one where the new says."""
    d = two_sides(daemon, backend)
    data = hello("one.example")
    old = d.connect()
    old.sendall(data[:20])
    d.wait_sessions(1)
    d.reload(listen=LISTEN + 'route { sni = "two.example" relay = one }'
             " relay = app")
    new = d.connect()
    new.sendall(data)
    comes_to(new, b"app", data)
    old.sendall(data[20:])
    comes_to(old, b"one", data)


def test_drain(daemon, backend):
    d = two_sides(daemon, backend, spawnd="drain-timeout = 1s")
    sock = d.connect()
    sock.sendall(hello("one.example")[:20])
    d.wait_sessions(1)
    d.reload(relay="retries = 1")
    assert ended(sock) == "reset"
    assert d.wait_closed()[0]["why"] == "drain-timeout"


@pytest.mark.load
def test_stalled(daemon, backend):
    """Two thousand that send half a message keep nobody off."""
    count = 2000
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(limits[1], count + 1000), limits[1]))
    d = two_sides(daemon, backend, spawnd="users { max = 4000 }")
    d.reload(listen=LISTEN + 'route { sni = "one.example" relay = one }'
             " relay = app handshake-timeout = 5m")
    data = hello("one.example")
    stalled = []
    for _ in range(count):
        sock = socket.create_connection(d.address(), timeout=PATIENCE)
        sock.sendall(data[:-1])
        stalled.append(sock)
    try:
        d.wait_sessions(count, 30)
        for _ in range(50):
            sock = d.connect()
            sock.sendall(data)
            comes_to(sock, b"one", data)
            sock.close()
        stalled[0].sendall(data[-1:])
        comes_to(stalled[0], b"one", data)
    finally:
        for sock in stalled:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_many_routes(daemon, backend):
    """Ten thousand names in one listener."""
    one = backend(greeter(b"one"))
    routes = "\n".join(f'route {{ sni = "h{n}.example" relay = '
                       f'{"one" if n % 1000 == 7 else "app"} }}'
                       for n in range(10_000))
    d = daemon(listen=LISTEN + routes + " relay = app",
               remotes=[backend(greeter(b"app"))], extra=relay("one", one))
    for name, want in (("h7.example", b"one"), ("h9007.example", b"one"),
                       ("h9999.example", b"app"), ("x.example", b"app")):
        sock = d.connect()
        sock.sendall(hello(name))
        comes_to(sock, want, hello(name))
        sock.close()


def test_proxy_tells(daemon, backend):
    """A header to the remote has the name; what will be spoken nobody knows."""
    got = []

    def serve(sock):
        head = receive(sock, 16)
        got.append(receive(sock, struct.unpack(">H", head[14:])[0]))
        sock.sendall(b"ok")
    one = backend(serve)
    d = daemon(listen=LISTEN + 'route { sni = "one.example" relay = one }'
               " relay = app", remotes=[one],
               extra="relay one { remote r { " + one.conf("proxy-out = v2") +
               " } }")
    sock = d.connect()
    sock.sendall(hello("one.example", ("h2", "http/1.1")))
    assert receive(sock, 2) == b"ok"
    assert b"\x02\0\x0bone.example" in got[0] and b"h2" not in got[0]
