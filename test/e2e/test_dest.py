"""Where clients may go: rules, names at a real name server, addresses in each
spelling, what was checked is what is connected to."""

import json
import os
import shutil
import signal
import socket
import time

import pytest

from harness import become, find_program, free_ports, wait
from peers import receive, receive_all
from test_ask import head, request5
from test_names import DNSMASQ, Host, Zone, in_network

pytestmark = [
    pytest.mark.rights,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a network")]
needs_names = [
    pytest.mark.skipif(DNSMASQ is None, reason="dnsmasq is missing"),
    pytest.mark.skipif(b"libcares" not in find_program("checker")
                       .read_bytes(), reason="without c-ares")]
PUBLIC = "8.8.4.4"
ASK = 'address = "127.0.0.1" port = 0 ask = any'
DENIED, NET, HOST, REFUSED, TIMEOUT = 2, 3, 4, 5, 6


def targets(rules="", more=""):
    """A space stands between rules, and + for one in them."""
    listed = ", ".join(f'"{rule}"' for rule in rules.split())
    listed = listed.replace("+", " ")
    rules = f"rules = {{{listed}}}" if listed else ""
    return f"targets {{ {rules} {more} }}"


def begin(d, host, port, listen="web"):
    sock = d.connect(listen)
    sock.sendall(b"\5\1\0" + request5(host, port))
    return sock


def finish(sock):
    """Who has served it, or the code of the refusal."""
    answer = receive(sock, 6)
    assert answer[:4] == b"\5\0\5" + answer[3:4], answer
    with sock:
        receive(sock, 18 if answer[5] == 4 else 6)
        said = receive_all(sock).decode()
    return said if answer[3] == 0 else answer[3]


def ask(d, host, port, listen="web"):
    return finish(begin(d, host, port, listen))


def status(d, host, port, listen="web"):
    """The same by CONNECT."""
    with d.connect(listen) as sock:
        sock.sendall(head(host, port))
        return int(receive_all(sock).split()[1])


def stuck(box, host):
    """A port there where nobody is answered: its backlog is full."""
    sock = box.closing(socket.socket())
    sock.bind((host, 0))
    sock.listen(0)
    while True:
        full = box.closing(socket.socket())
        full.settimeout(0.5)
        try:
            full.connect(sock.getsockname())
        except TimeoutError:
            return sock.getsockname()[1]


@in_network
def test_addresses(box, daemon):
    """By the default, by rules, in each spelling; never our own listeners."""
    become(PUBLIC)
    public, web = Host(box, PUBLIC, 80), Host(box, PUBLIC)
    loop, inside = Host(box, "127.0.0.1"), Host(box, "127.0.0.2", 80)
    six = Host(box, "::1", loop.port) if socket.has_ipv6 else None
    hung = stuck(box, "127.0.0.1")
    ports = free_ports(2)
    listen = 'access = "permit all" ask = any address = '
    d = daemon(
        listen={"rules": ASK + " relay = rules",
                "web": listen + f'"127.0.0.1" port = {ports} relay = app',
                "any": listen + f'"*" port = {ports + 1} relay = all',
                "refuse": ASK + " relay = refuse",
                "self": ASK + " relay = all"},
        relay=targets(), extra="\n".join((
            "relay all { connect-timeout = 1s " +
            targets("permit+*", "private = permit") + "}",
            "relay refuse {" + targets("permit+*", "names = refuse") + "}",
            "relay rules {" + targets(
                f"deny+127.0.0.2 permit+127.0.0.0/8:80,{loop.port}-65535 "
                f"permit+[::1]:{loop.port} deny+*:80") + "}")))
    # Public ones at two ports, and nothing else.
    assert ask(d, PUBLIC, 80) == PUBLIC
    assert ask(d, f"::ffff:{PUBLIC}", 80) == PUBLIC
    assert ask(d, PUBLIC, web.port) == DENIED
    for host in ("127.0.0.2", "127.2", "0x7f.2", "2130706434", "017700000002",
                 "::ffff:127.0.0.2", "0", "64:ff9b::7f00:2", "::127.0.0.2",
                 "2002:7f00:2::", "169.254.169.254", "fd00:ec2::254",
                 "10.0.0.1", "224.0.0.1", "fe80::1"):
        assert ask(d, host, 80) == DENIED, host
        assert status(d, host, 80) == 403
    assert ask(d, "9.9.9.9", 80) == NET
    assert status(d, "9.9.9.9", 443) == 502
    for host in "256.1.1.1", "a..b", "x.1", "@x", "/run/x":
        assert ask(d, host, 80) == HOST, host
    # The first rule.
    assert ask(d, "127.0.0.2", 80, "rules") == DENIED
    assert ask(d, "127.0.0.1", loop.port, "rules") == "127.0.0.1"
    assert ask(d, "127.0.0.1", 80, "rules") == REFUSED
    assert status(d, "127.0.0.1", 80, "rules") == 502
    assert ask(d, "127.0.0.1", 81, "rules") == DENIED
    assert ask(d, PUBLIC, 80, "rules") == DENIED
    if six is not None:
        assert ask(d, "::1", loop.port, "rules") == "::1"
        assert ask(d, "::1", 80, "rules") == DENIED
    assert ask(d, "localhost", loop.port, "refuse") == DENIED
    # Whatever may be.
    assert ask(d, "127.0.0.2", 80, "any") == "127.0.0.2"
    assert ask(d, "0x7f.2", 80, "any") == "127.0.0.2"
    assert ask(d, PUBLIC, web.port, "any") == PUBLIC
    assert ask(d, "127.0.0.1", hung, "any") == TIMEOUT
    assert status(d, "127.0.0.1", hung, "any") == 504
    for name, port in ("web", ports), ("any", ports + 1):
        for host in ("127.0.0.1", "127.1", "0x7f.1", "2130706433", "0",
                     "::ffff:127.0.0.1", "::", "::1", "::ffff:0.0.0.0",
                     "64:ff9b::7f00:1", PUBLIC, "127.9.9.9"):
            if name == "any" or host not in (PUBLIC, "127.9.9.9", "::1",
                                             "::"):
                assert ask(d, host, port, "any") == DENIED, (name, host)
    for host in "127.0.0.1", "0", "localhost", "::ffff:127.0.0.1":
        assert ask(d, host, d.address("self")[1], "self") == DENIED
    lines = d.wait_closed(50)
    assert {c["why"] for c in lines if c["target"] == "10.0.0.1:80"} == {
        "target-denied"}
    assert {(c["remote"], c["address"]) for c in lines
            if c["target"] == f"[::ffff:{PUBLIC}]:80"} == {
        ("target", f"{PUBLIC}:80")}
    # One that is open, as it is shown.
    quiet = box.closing(socket.create_server(("127.0.0.1", 0)))
    where = "127.0.0.1:%d" % quiet.getsockname()[1]
    with begin(d, "127.1", quiet.getsockname()[1], "any") as sock:
        receive(sock, 12)
        lines = d.ctl("--json", "show", "sessions").stdout.splitlines()
        shown, = [s for s in map(json.loads, lines) if s["address"] == where]
        assert (shown["remote"], shown["target"]) == ("target", where)
        d.show("remotes")
    # What a reload says holds for the next one.
    d.reload(relay=targets("deny+*"))
    assert ask(d, PUBLIC, 80) == DENIED
    assert public.port == inside.port == 80


@pytest.mark.skipif(needs_names[0].args[0] or needs_names[1].args[0],
                    reason="without names")
@in_network
def test_names(box, daemon):
    become(PUBLIC)
    zone = Zone(box, "--local-ttl=1", "--cname=alias.test,two.test",
                "--cname=more.test,alias.test")
    inside, public = Host(box, "127.0.0.1"), None
    public = Host(box, PUBLIC, inside.port)
    port = inside.port
    three = Host(box, "127.0.0.3", port)
    six = Host(box, "::1", port)
    hung = stuck(box, "127.0.0.2")
    served = Host(box, "127.0.0.3", hung)
    zone.say(f"{PUBLIC} two.test", "127.0.0.1 two.test",
             "127.0.0.1 in.test", "::1 both.test", "127.0.0.3 both.test",
             "2001:db8::1 far.test", "127.0.0.3 far.test",
             "127.0.0.2 slow.test", "127.0.0.3 slow.test",
             f"{PUBLIC} many.test", f"{PUBLIC} old.test",
             f"{PUBLIC} bad.test")
    zone.start()
    everything = targets("permit+*", "prefer = %s dns-timeout = %s")
    d = daemon(
        listen={"web": ASK + " relay = app", "any": ASK + " relay = all",
                "four": ASK + " relay = four", "soon": ASK + " relay = soon",
                "names": ASK + " relay = names"},
        spawnd="servers { min = 1 max = 1 }",
        relay=targets("deny+bad.test permit+public:1-65535",
                      "dns-timeout = 60s"),
        extra="\n".join((
            "relay all { connect-timeout = 30s " + everything % ("any", "9s") +
            "}", "relay four {" + everything % ("ipv4", "9s") + "}",
            "relay soon {" + everything % ("ipv6", "300ms") + "}",
            "relay names {" + targets(
                f"deny+127.0.0.3 permit+*.test:{port} deny+*") + "}")),
        preexec=zone.use)
    # Of two addresses the one that may be; never the other.
    for name in ("two.test", "alias.test", "more.test", "TWO.test.") * 3:
        assert ask(d, name, port) == PUBLIC
    assert ask(d, "in.test", port) == DENIED
    assert status(d, "localhost", port) == 403
    assert ask(d, "nobody.test", port) == HOST
    assert status(d, "nobody.test", port) == 502
    # Names that are denied are not asked for.
    assert ask(d, "bad.test", port) == DENIED
    assert ask(d, "bad.test", 22, "names") == DENIED
    assert zone.queries("bad.test") == 0
    assert ask(d, "in.test", port, "names") == "127.0.0.1"
    assert ask(d, "both.test", port, "names") == "::1"
    # Which family, and that there is another.
    assert ask(d, "both.test", port, "any") == "::1"
    assert ask(d, "both.test", port, "soon") == "::1"
    assert ask(d, "both.test", port, "four") == "127.0.0.3"
    for _ in range(3):
        assert ask(d, "far.test", port, "any") == "127.0.0.3"
        assert ask(d, "slow.test", hung, "any") == "127.0.0.3"
    # One question for a thousand, and again when the TTL is over.
    socks = [d.connect() for _ in range(1000)]
    for sock in socks:
        sock.sendall(b"\5\1\0" + request5("old.test", port))
    begun = time.monotonic()
    assert {finish(sock) for sock in socks} == {PUBLIC}
    assert 1 <= zone.queries("old.test") <= 1 + time.monotonic() - begun
    before = zone.queries("old.test")
    wait(lambda: ask(d, "old.test", port) == PUBLIC and
         zone.queries("old.test") > before, 30, "another question")
    # Nobody answers: each is told in its time, the others wait.
    zone.process.send_signal(signal.SIGSTOP)
    waits = [begin(d, "many.test", port) for _ in range(100)]
    assert ask(d, "none.test", port, "soon") == TIMEOUT
    assert status(d, "none.test", port, "soon") == 504
    zone.process.send_signal(signal.SIGCONT)
    assert {finish(sock) for sock in waits} == {PUBLIC}
    whys = {c["target"]: c["why"] for c in d.wait_closed(1100, 30)}
    assert whys[f"none.test:{port}"] == whys[f"nobody.test:{port}"] == \
        "target-name"
    assert whys[f"in.test:{port}"] in ("target-denied", "fin")
