"""What spawnd shows by HTTP, and who is kept out of it."""
import contextlib
import http.client
import json
import signal
import socket

import pytest

import harness
from harness import fd_count, status_field, wait
from peers import connect, roundtrip

pytestmark = pytest.mark.skipif(not harness.has_status(),
                                reason="needs libevent")
WEB = 'address = "127.0.0.1" port = 0'
STATUS = WEB + ' serve = status'
VIEWS = ("summary", "listeners", "remotes", "workers", "generations")
# What a moment changes, or the question itself.
MOVES = {"uptime_seconds", "age_seconds", "since", "accepted", "descriptors",
         "reload_seconds"}


@pytest.fixture
def shown(daemon, echo):
    return lambda **parts: daemon(**{
        "remotes": [echo], "listen": {"web": WEB, "status": STATUS}, **parts})


def ask(d, path="/", method="GET"):
    c = http.client.HTTPConnection("127.0.0.1", d.port("status"), timeout=60)
    with contextlib.closing(c):
        c.request(method, path)
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def status(d, path):
    """None: there is nobody who could answer just now."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(d, path)[0]


def raw(d, data):
    """What comes for these bytes, until the end."""
    with connect(d.address("status")) as s:
        s.sendall(data)
        s.settimeout(60)
        with contextlib.suppress(ConnectionError):
            return b"".join(iter(lambda: s.recv(65536), b""))
    return b""


def still(rows):
    if isinstance(rows, dict):
        rows = [rows]
    return [{k: v for k, v in row.items() if k not in MOVES} for row in rows]


def test_what_is_shown(shown):
    """The same as spawnctl shows, at its paths, for those who look only."""
    d = shown()
    roundtrip(d.connect()).close()
    d.wait_closed()
    d.wait_sessions(0, 30)
    code, head, text = ask(d, "/status.json?x=1")
    assert code == 200 and head["Content-Type"] == "application/json"
    told = json.loads(text)
    for view in VIEWS:
        assert still(told[view]) == still(d.show(view)), view
    code, head, page = ask(d)
    assert code == 200 and page.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in head["Content-Security-Policy"]
    assert head["X-Content-Type-Options"] == "nosniff"
    assert head["Cache-Control"] == "no-store"
    size, (code, head, body) = len(page), ask(d, "/", "HEAD")
    assert (code, body) == (200, "") and \
        abs(int(head["Content-Length"]) - size) < 500
    for path, method, code in (
            ("/healthz", "GET", 200), ("/readyz", "GET", 200),
            ("/nothing", "GET", 404), ("/" + "x" * 5000, "GET", 404),
            ("/", "POST", 405), ("/healthz", "DELETE", 405)):
        assert ask(d, path, method)[0] == code, (path, method)
    for data, word in ((b"GET\r\n\r\n", b" 400 "),
                       (b"GET / HTTP/2.0\r\n\r\n", b" 505 "),
                       (b"GET http://x/ HTTP/1.1\r\n\r\n", b" 400 "),
                       (b"GET /\0 HTTP/1.1\r\n\r\n", b" 400 "),
                       (b"\r\nGET /healthz HTTP/1.0\n\n", b" 200 "),
                       (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000, b" 431 "),
                       (b"GET /healthz HTTP/1.1\r\n\r\n" * 3, b" 200 ")):
        answer = raw(d, data)
        assert word in answer.split(b"\r\n")[0], data[:40]
        assert answer.count(b"HTTP/1.1 ") == 1
    d.ctl("remote", "app/a", "disable")
    wait(lambda: status(d, "/readyz") == 503, 60, "no remote")
    assert status(d, "/healthz") == 200


def test_the_process_is_confined_and_replaced(shown):
    """It can do nothing, goes on over a reload and an upgrade, and the next
    one is there when it has died."""
    d = shown()
    first, = wait(lambda: d.kids("status"), 30, "the process")
    wait(lambda: status(d, "/readyz") == 200, 30, "an answer")
    assert status_field(first, "NoNewPrivs") == ["1"]
    assert set(status_field(first, "CapEff")) == {"0" * 16}
    d.ctl("reload")
    if not d.conf.single:
        d.ctl("upgrade")
    wait(lambda: status(d, "/readyz") == 200, 60, "an answer")
    assert d.kids("status") == [first]
    d.kill(signal.SIGKILL, first)
    wait(lambda: d.kids("status") not in ([], [first]), 60, "the next one")
    wait(lambda: status(d, "/readyz") == 200, 60, "an answer")
    roundtrip(d.connect())
    d.reload(listen={"web": WEB})
    wait(lambda: not d.kids("status"), 60, "its end")


def test_visitors_wait_for_the_process(shown):
    """Those that it cannot be told of, and those that come while there is
    none, stay in the backlog: they get their answers from the next one."""
    d = shown()
    first, = wait(lambda: d.kids("status"), 30, "the process")
    d.kill(signal.SIGSTOP, first)
    with contextlib.ExitStack() as stack:
        for _ in range(700):
            last = stack.enter_context(connect(d.address("status")))
            last.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        roundtrip(d.connect())
        d.kill(signal.SIGKILL, first)
        assert last.recv(12) == b"HTTP/1.1 200"


def test_the_end_is_told(shown):
    """While sessions drain, nobody is to send more."""
    d = shown()
    with contextlib.closing(d.connect()) as c:
        roundtrip(c)
        d.ctl("stop")
        wait(lambda: status(d, "/readyz") == 503, 60, "the end")
        assert status(d, "/healthz") == 200
        assert ask(d, "/readyz")[2] == "spawnd ends\n"
        with pytest.raises(OSError):
            d.connect()
        roundtrip(c)
    d.wait_end(60)


def test_slow_and_idle_visitors_hurt_nobody(shown):
    """Neither sessions, nor the master, nor who asks at the same time."""
    d = shown()
    wait(lambda: status(d, "/readyz") == 200, 30, "an answer")
    before = fd_count(d.proc.pid)
    with contextlib.ExitStack() as stack:
        for i in range(1000):
            s = stack.enter_context(connect(d.address("status")))
            with contextlib.suppress(ConnectionError):
                s.sendall(b"GET / HT"[:i % 9])
        assert ask(d, "/readyz")[0] == 200
        assert json.loads(ask(d, "/status.json")[2])["summary"]
        roundtrip(d.connect())
        assert fd_count(d.proc.pid) <= before + 8
        process, = d.kids("status")
        assert fd_count(process) < 300


def test_who_may_look(shown):
    """Access rules are those of listeners; options of sessions are refused."""
    d = shown(listen={"web": WEB, "status": STATUS + ' access = {"deny all"}'})
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(d)
    roundtrip(d.connect())
    d.write(listen={"web": WEB, "status": STATUS + " relay = app sticky = yes"})
    said = d.ctl("reload", check=False).stderr
    assert "relay is for sessions" in said


def test_nobody_has_room(shown):
    """Then it is wanted most."""
    d = shown(spawnd="servers { min = 1 max = 1 } users { min = 1 max = 1 }")
    with contextlib.closing(d.connect()) as c:
        roundtrip(c)
        with socket.create_connection(d.address(), 60):
            wait(lambda: ask(d)[0] == 200 and
                 "All workers have" in ask(d)[2], 60, "the page")
