"""What spawnctl tells of what holds: the configuration, certificates."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time

import pytest

import certs
import peers
from harness import box_program, has_tls, wait

AGAIN = """
rate cap { bytes = 1k per = source }
fault slow { latency = 20ms chance = 0.25 }
"""
LISTEN = """address = "127.0.0.1" port = "0" relay = app filters = {{slow, cap}}
route {{ sni = {{a.test, "*.b.test"}} relay = app }}
route {{ from = {{10.0.0.0/8, unix}} relay = app }} tag = "t" {0}"""
SPAWND = """log one { to = stderr level = debug }
access = {"deny 192.0.2.0/24"} memory = 3m"""


def printed(box, program, *args):
    """As it is written: paths need not be UTF-8."""
    return subprocess.run([box_program(program), *args], capture_output=True,
                          check=True, env=box.environment()
                          ).stdout.decode("latin-1")


def test_the_configuration_that_holds(daemon, echo, box, tmp_path):
    secret = ""
    if has_tls():
        pair = certs.Authority(tmp_path).issue("first", "a.test")
        key = certs.encrypted(pair, "sesame", "told.key")
        secret = f'''tls site {{ certificate = "{pair.pem}" key = "{key}"
            passphrase = "sesame" ticket-lifetime = 90m }}'''
    more = "tls = site" if secret else ""
    odd = 'path = "/tmp/\\xff\\"\\$x" weight = 3 check { type = tcp }'
    d = daemon(remotes={"a": echo.conf(), "odd": odd}, spawnd=SPAWND,
               listen=LISTEN.format(more), extra=AGAIN + secret)
    d.ctl("remote", "app/a", "weight", "7")
    d.ctl("fault", "slow", "set", "latency=5ms")
    text = printed(box, "spawnctl", "-s", d.conf.control, "show", "config")
    assert "sesame" not in text
    assert text.endswith("# until the next reload: remote app/a: weight 7\n"
                         "# until the next reload: fault slow: latency=5ms\n")
    # It is a configuration, and prints as itself.
    kept = box.dir / "again.conf"
    kept.write_text(text.replace("# passphrase is not shown",
                                 'passphrase = "sesame"'), "latin-1")
    assert printed(box, "spawnd", "-T", kept) == text[:text.index("# until")]

    raw = d.ctl("--json", "show", "config").stdout
    assert "sesame" not in raw
    whole = json.loads(raw)
    spawnd, relay = whole["spawnd"], whole["relay"][0]
    web = spawnd["listen"][0]
    assert web["name"] == "web" and web["tag"] == "t" and web["port"] == 0
    assert web["relay"] == "app" and web["filters"] == ["slow", "cap"]
    assert web["route"][0]["sni"] == ["a.test", "*.b.test"]
    assert web["route"][1]["from"] == ["10.0.0.0/8", "unix"]
    assert spawnd["memory"] == 3 << 20 and spawnd["batch"] is True
    assert spawnd["access"] == ["deny 192.0.2.0/24"]
    assert spawnd["log"]["level"] == "info"
    assert spawnd["logs"][0]["level"] == "debug"
    assert spawnd["chroot"] is None
    assert relay["connect-timeout"] == 5 and relay["remote"][0]["port"]
    assert relay["remote"][1]["path"] == '/tmp/\N{REPLACEMENT CHARACTER}"$x'
    assert relay["remote"][1]["check"][0]["type"] == "tcp"
    assert whole["fault"][0]["latency"] == 0.02
    assert whole["fault"][0]["chance"] == 0.25
    assert whole["rate"][0]["bytes"] == 1024
    if secret:
        assert whole["tls"][0]["ticket-lifetime"] == 5400
        assert "passphrase" not in whole["tls"][0]
    assert d.ctl("show", "config", "more", check=False).returncode == 2


def hello(name):
    """A ClientHello of OpenSSL's, as bytes."""
    made, out = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.MemoryBIO()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLWantReadError):
        made.wrap_bio(ssl.MemoryBIO(), out,
                      server_hostname=name).do_handshake()
    return out.read()


def shakes(d, *but):
    """Rows by listener and name; of counts those that are not 0."""
    return {(row["listener"], row["name"]): {
        key: value for key, value in row.items() if key not in but and
        type(value) is int and value != 0 and key not in
        ("days", "expires_at")} for row in d.show("tls")}


@certs.needed
def test_certificates_and_handshakes(daemon, echo, tmp_path):
    ca = certs.Authority(tmp_path)
    one = ca.issue("common", "one.test", "also.test", days=20)
    two = ca.issue("two.test")
    pems = f'certificate = {{"{one.pem}", "{two.pem}"}}' \
        f' key = {{"{one.key}", "{two.key}"}} strict-sni = yes'
    more = certs.section(None, pems) + certs.section(
        one, f'client-ca = "{ca.pem}"', name="ask")
    here = 'address = "127.0.0.1" port = 0 handshake-timeout = 1s tls = '
    d = daemon(remotes=[echo], extra=more, spawnd="servers { min = 1 }",
               listen={"web": here + "site", "who": here + "ask",
                       "none": 'address = "127.0.0.1" port = 0'})
    web, rows = d.address("web"), d.show("tls")
    assert [(r["listener"], r["tls"], r["name"], r["certificate"])
            for r in rows] == [
        ("web", "site", "one.test", str(one.pem)),
        ("web", "site", "two.test", str(two.pem)),
        ("who", "ask", "one.test", str(one.pem))]
    assert rows[0]["days"] in (19, 20) and rows[1]["days"] > 300
    assert rows[0]["expires"].endswith("Z")
    assert 18 < (rows[0]["expires_at"] - time.time()) / 86400 < 20.1

    made = certs.context(ca)
    made.check_hostname = False
    first = certs.Client(made, web, "one.test")
    session = first.sock.session
    with first, certs.Client(made, web, "also.test", session) as again:
        assert again.reused
    for _ in range(2):
        certs.Client(certs.context(ca, ssl.TLSVersion.TLSv1_2), web,
                     "also.test").close()
    for words in ({"name": "x.test"}, {"name": "one.test", "ca": None}):
        strange = certs.context(ca) if "ca" not in words else \
            ssl.create_default_context()
        strange.check_hostname = False
        with pytest.raises((ssl.SSLError, ConnectionError)):
            certs.Client(strange, web, words["name"])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        certs.Client(certs.context(ca), d.address("who"), "one.test")
    with d.connect("web") as plain:
        plain.sendall(b"\x16\x03\x01\x00\x04GET ")
        peers.receive_all(plain)
    with d.connect("web") as gone:
        gone.sendall(hello("one.test"))
        assert gone.recv(1)
    with d.connect("web") as slow:
        slow.sendall(hello("two.test"))
        with contextlib.suppress(ConnectionResetError):
            peers.receive_all(slow)
    counted = {
        ("web", "one.test"): {
            "handshakes": 4, "resumed": 1, "tls12": 2, "tls13": 2,
            "tls13_resumed": 1, "failed": 4, "failed_name": 1,
            "failed_refused": 1, "failed_closed": 1, "failed_other": 1},
        ("web", "two.test"): {"failed": 1, "failed_timeout": 1},
        ("who", "one.test"): {"failed": 1, "failed_certificate": 1}}
    wait(lambda: shakes(d) == counted, 30, "what was counted")
    # It outlives what it was counted by.
    if d.box.single:
        return
    d.deaths = True
    d.kill(signal.SIGKILL, *d.kids())
    wait(lambda: shakes(d) == counted and d.workers("ready"), 30,
         "the same after a death")
    d.reload()
    d.ctl("upgrade")
    certs.Client(made, web, "two.test").close()
    counted["web", "two.test"].update(handshakes=1, tls13=1)
    wait(lambda: shakes(d) == counted, 30, "all that was counted")


class Trace:
    """What spawnctl trace says, an object a line."""

    def __init__(self, d, *words):
        self.proc = subprocess.Popen(
            [box_program("spawnctl"), "--json", "-s", d.conf.control, "trace",
             *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        self.events = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.proc.stdout:
            self.events.append(json.loads(line))

    def of(self, event):
        return [e for e in self.events if e["event"] == event]

    def wait(self, event, count=1):
        wait(lambda: len(self.of(event)) >= count, 30,
             f"{count} of {event} in {self.events}")
        return self.of(event)[-1]

    def end(self):
        self.proc.terminate()
        self.proc.communicate(timeout=30)


def test_trace_tells_what_happens(daemon, echo, backend):
    dead = backend(peers.EchoServer)
    dead.close()
    d = daemon(remotes={"dead": dead.conf() + " weight = 256", "a": echo},
               relay="balance = first", spawnd='access = {"deny 127.0.0.3", '
               '"permit all"} servers { min = 1 }')
    before = d.connect()
    before.sendall(b"1")
    assert before.recv(1) == b"1"
    trace = Trace(d, "client", "127.0.0.0/30")
    was = trace.wait("open")
    assert was["state"] == "relay" and was["remote"] == "a"
    with d.connect(source="127.0.0.2") as one:
        one.sendall(b"xyz")
        assert one.recv(3) == b"xyz"
        moved = trace.wait("moved")
        while moved["in"] != 3:
            moved = trace.wait("moved", len(trace.of("moved")) + 1)
    end = trace.wait("end")
    assert (end["end"], end["why"], end["in"]) == ("client", "fin", 3)
    mine = [e for e in trace.events if e.get("session") == end["session"]]
    assert [e["event"] for e in mine if e["event"] != "moved"] == [
        "new", "stage", "connect", "failed", "connect", "connected", "stage",
        "end"] or [e["event"] for e in mine if e["event"] != "moved"] == [
        "new", "stage", "connect", "connected", "stage", "end"], mine
    assert {e["client"].split(":")[0] for e in mine} == {"127.0.0.2"}
    assert all(e["worker"] in d.kids() and e["time"] > 0 for e in mine)
    # Whom the master refuses, and whom nobody asks about.
    for source in "127.0.0.3", "127.0.0.9":
        with contextlib.suppress(ConnectionError):
            with d.connect(source=source) as other:
                other.sendall(b"?")
                other.recv(1)
    gone = trace.wait("refused")
    assert (gone["why"], gone["what"], gone["listener"]) == (
        "denied", "access", "web")
    assert not any(e["client"].startswith("127.0.0.9")
                   for e in trace.events)
    # New workers tell as well.
    if not d.box.single:
        d.deaths = True
        d.kill(signal.SIGKILL, *d.kids())
        wait(lambda: d.workers("ready"), 30, "a new worker")
    seen = len(trace.of("end"))
    with d.connect(source="127.0.0.1") as again:
        again.sendall(b"2")
        assert again.recv(1) == b"2"
    trace.wait("end", seen + 1)
    trace.end()
    before.close()
    done = d.ctl("trace", "client", "127.0.0.1", "for", "100ms")
    assert done.returncode == 0 and done.stdout == ""
    for words in ((), ("client",), ("client", "x"), ("client", "::1", "for"),
                  ("client", "::1", "for", "x")):
        assert d.ctl("trace", *words, check=False).returncode in (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="nothing tells")
def test_what_the_system_knows_in_the_log(daemon, echo, box):
    own = {name: box.dir / f"own.{name}" for name in ("json", "custom", "no")}
    d = daemon(remotes=[echo], spawnd=f'''
        log {{ to = stderr tcp-info = yes }}
        log j {{ to = "{own["json"]}" format = json tcp-info = yes }}
        log n {{ to = "{own["no"]}" format = json }}
        log c {{ to = "{own["custom"]}" format = custom
                 custom = "%{{session}} %{{rtt_client_us}} %{{unsent_remote}}"
        }}''', listen={"web": 'address = "127.0.0.1" port = 0',
                      "un": f'path = "{box.dir}/un"'})
    for name in "web", "un":
        with d.connect(name) as one:
            one.sendall(b"x" * 1000)
            assert len(peers.receive(one, 1000)) == 1000
    d.wait_line("listener=web", "rtt_client_us=", " unsent_remote=0 tries=1")
    text = d.wait_line("listener=un", "rtt_remote_us=")
    assert "rtt_client_us" not in text

    def lines(name):
        return own[name].read_text().splitlines() if own[name].exists() \
            else []

    def sessions(name):
        made = {}
        for line in lines(name):
            row = json.loads(line)
            if row.get("event") == "session":
                made[row["listener"]] = row
        return made

    wait(lambda: len(sessions("json")) == len(sessions("no")) == 2 and
         len(lines("custom")) >= 2, 30, "lines of both")
    web, un = sessions("json")["web"], sessions("json")["un"]
    for which in "client", "remote":
        assert 0 < web[f"rtt_{which}_us"] < 1000000
        assert web[f"cwnd_{which}"] > 0 and web[f"unsent_{which}"] == 0
        assert web[f"retransmits_{which}"] == 0
    assert "cwnd_client" not in un and un["cwnd_remote"] > 0
    assert not any("rtt" in key for row in sessions("no").values()
                   for key in row)
    mine = next(words for words in map(str.split, lines("custom"))
                if words[0] == web["session"])
    assert mine[1:] == [str(web["rtt_client_us"]), "0"]


def test_rate_of_the_last_time(daemon, echo):
    d = daemon(remotes=[echo])
    was, now = d.connect(), d.connect()
    for sock in was, now:
        sock.sendall(b"x" * 100000)
        peers.receive(sock, 100000)
    over = False

    def go_on():
        while not over:
            now.sendall(b"y" * 1000)
            peers.receive(now, 1000)
            time.sleep(0.01)

    busy = peers.Thread(go_on)
    try:
        rows = [json.loads(line) for line in d.ctl(
            "--json", "show", "sessions", "over", "1s", "sort",
            "rate").stdout.splitlines()]
    finally:
        over = True
        busy.result()
    assert [row["client"] for row in rows] == [
        f"127.0.0.1:{sock.getsockname()[1]}" for sock in (now, was)]
    assert rows[0]["rate"] > 0 and rows[1]["rate"] == 0
    assert d.ctl("show", "sessions", "over", "1s").stdout.count("\n") >= 3
    assert d.ctl("show", "sessions", "over", "1ms", check=False) \
        .returncode == 2


def test_trace_ends_where_a_worker_has_not_read_of_it(daemon, echo, box):
    if box.single:
        pytest.skip("it has no other process")
    d = daemon(remotes=[echo], spawnd="servers { min = 1 }")
    stopped, = d.kids()
    os.kill(stopped, signal.SIGSTOP)
    trace = Trace(d, "client", "127.0.0.1", "for", "2s")
    d.wait_line("traces clients by request of spawnctl")
    d.deaths = True
    d.kill(signal.SIGKILL, stopped)
    assert trace.proc.wait(30) == 0
