"""How long things took and how sessions ended, by name; what there was, and
what it came to: no number falls, and their sums are those of the log."""

import json
import signal
import threading
import time

import pytest

import peers
from harness import free_port, wait
from peers import roundtrip

BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
          2.5, 5, 10, 30, 60, 300, 3600]
# Where all but the words and what is of now are counters.
VIEWS = {
    "listeners": ("name address", "accepted refused denied limited sessions_total"
                  " failed bytes_in bytes_out"),
    "remotes": ("relay name address", "sessions failed bytes_in bytes_out"
                " refused timed_out unreachable other"),
    "times": ("measure listener relay remote", "count sum"),
    "ends": ("listener end why", "sessions"),
}


def rows(d, view):
    """By what names a row, its counters; and of times, its buckets."""
    done = d.ctl("-t", "60s", "--json", "show", view, check=False)
    names, counters = (text.split() for text in VIEWS[view])
    found = {}
    for row in json.loads(done.stdout) if done.returncode == 0 else []:
        values = {c: row[c] or 0 for c in counters}
        if view == "times":
            buckets = list(map(int, row["buckets"].split()))
            assert len(buckets) == len(BOUNDS) + 1
            assert buckets == sorted(buckets) and \
                buckets[-1] == row["count"]
            values |= dict(enumerate(buckets))
        found[tuple(row[n] for n in names)] = values
    return found


def watch(d, over, faults):
    """Looks at the views again and again: none of what is shown falls."""
    before = {view: {} for view in VIEWS}
    while not over.is_set():
        for view in VIEWS:
            for key, now in rows(d, view).items():
                was = before[view].get(key, {})
                faults += [(view, key, c, was[c], now[c]) for c in now
                           if now[c] < was.get(c, 0)]
                before[view][key] = now


def times(d, measure, **where):
    row, = [t for t in d.show("times") if t["measure"] == measure and
            all(t[k] == v for k, v in where.items())]
    return row


@pytest.mark.alone
def test_none_falls_whoever_ends(daemon, echo, box):
    """Killed, retired, reloaded without a section and with it again, executed
    anew, with sessions that stay all the time."""
    one = {"web": 'address = "127.0.0.1" port = 0'}
    both = one | {"ssh": f'address = "127.0.0.1" port = {free_port()}'}
    d = daemon(remotes=[echo], listen=both)
    faults, over = [], threading.Event()
    looker = threading.Thread(target=watch, args=(d, over, faults))
    looker.start()
    d.deaths = True
    stays = roundtrip(d.connect("ssh"), b"s" * 10)

    def some(*names):
        for name in names:
            for _ in range(3):
                roundtrip(d.connect(name), b"x" * 1000).close()
    try:
        some("web", "ssh")
        if not box.single:
            pid = d.workers("ready")[0]["pid"]
            held = next(w["pid"] for w in d.workers() if w["sessions"])
            d.kill(signal.SIGKILL, pid if pid != held else next(
                w["pid"] for w in d.workers() if w["pid"] != held))
            wait(lambda: len(d.workers("ready")) == 2, 30, "a new worker")
        some("web", "ssh")
        d.reload(listen=one)
        some("web")
        peers.roundtrip(stays, b"t" * 5)
        d.reload(listen=both)
        some("web", "ssh")
        if not box.single:
            d.ctl("drain", str(d.workers("ready")[0]["pid"]))
            d.ctl("upgrade")
            wait(lambda: d.summary()["last_reload"] == "ok", 30,
                 "the reload after it")
            d.reloads += 1
        some("web", "ssh")
        shown = rows(d, "listeners")
        assert sum(r["sessions_total"] for r in shown.values()) == \
            d.summary()["sessions_total"]
        assert all(r["accepted"] == r["sessions_total"]
                   for r in shown.values())
        assert {r["name"]: r["sessions"] for r in d.show("listeners")} == \
            {"web": 0, "ssh": 1}
        stays.close()
        d.wait_sessions(0, 30)
    finally:
        over.set()
        looker.join(120)
    assert not faults
    d.wait_closed(d.summary()["sessions_total"], 30)
    closed = d.closed()
    for r in d.show("listeners"):
        mine = [s for s in closed if s["listener"] == r["name"]]
        assert (r["sessions_total"], r["bytes_in"], r["bytes_out"]) == \
            (len(mine), sum(int(s["in"]) for s in mine),
             sum(int(s["out"]) for s in mine))
        assert [(e["end"], e["why"], e["sessions"]) for e in d.show("ends")
                if e["listener"] == r["name"]] == \
            [("client", "fin", len(mine))]
        for measure in ("queue", "session"):
            took = times(d, measure, listener=r["name"])
            assert took["count"] == len(mine)
            total = sum(float(s["total" if measure == "session" else
                                "queue"]) for s in mine)
            assert abs(took["sum"] - total) <= 0.002 * len(mine) + 0.01
    assert times(d, "connect", remote="a")["count"] == len(closed)


def test_what_a_worker_took_with_it(daemon, echo, box):
    """Its sessions have no line, and an end of their own."""
    if box.single:
        pytest.skip("no worker dies by itself there")
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    d.deaths = True
    d.kill(signal.SIGKILL, next(w["pid"] for w in d.workers()
                                if w["sessions"]))
    ends = wait(lambda: d.show("ends"), 30, "an end")
    assert ends == [{"listener": "web", "end": "relay", "why": "worker-died",
                     "sessions": 1}]
    row, = d.show("listeners")
    assert (row["sessions"], row["sessions_total"]) == (0, 1)
    client.close()


def test_why_connects_fail(daemon, backend, box):
    gone = backend()
    d = daemon(remotes=[gone], relay="retries = 0")
    gone.stop()
    for _ in range(2):
        with pytest.raises(OSError):
            roundtrip(d.connect())
    d.wait_closed(2, 30)
    remote = d.remotes()["a"]
    assert {c: remote[c] for c in ("failed", "refused", "timed_out",
                                   "unreachable", "other")} == \
        {"failed": 2, "refused": 2, "timed_out": 0, "unreachable": 0,
         "other": 0}
    assert times(d, "connect")["count"] == 0
    assert times(d, "connect")["p50"] is None
    assert [(e["end"], e["why"], e["sessions"]) for e in d.show("ends")] == \
        [("remote", "connect-failed", 2)]
    assert d.summary()["failed"] == d.show("listeners")[0]["failed"] == 2
    head, *lines = d.ctl("show", "times").stdout.splitlines()
    assert head.split()[:4] == ["measure", "listener", "relay", "remote"]
    assert [line.split()[0] for line in lines] == ["queue", "session",
                                                   "connect"]


def test_the_last_hour(daemon, echo, box):
    """A line every ten seconds, also over an upgrade."""
    d = daemon(remotes=[echo])
    assert d.show("history") == []
    stays = roundtrip(d.connect(), b"x" * 1000)
    roundtrip(d.connect(), b"x" * 1000).close()
    first = wait(lambda: d.show("history"), 60, "a line of history")[0]
    assert abs(first.pop("time") - time.time()) < 120
    assert first == {"sessions": 1, "waiting": 0, "new": 2, "failed": 0,
                     "bytes_in": 2000, "bytes_out": 2000}
    if not box.single:
        d.ctl("upgrade")
        d.reloads += 1
    second = wait(lambda: d.show("history")[1:], 60, "one more")[0]
    assert second["new"] == second["bytes_in"] == 0
    assert peers.answers(stays)
