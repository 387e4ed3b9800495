"""What outlives a generation: no counter falls, and what has happened is
known, whatever reload, death, drain or upgrade there was."""

import json
import signal
import threading

import pytest

from harness import wait
from peers import roundtrip

COUNTERS = ["sessions_total", "accepted", "refused", "denied", "limited",
            "bytes_in", "bytes_out", "dropped_logs"]


def watch(d, over, faults):
    """Looks at the counters again and again: none falls."""
    before = {}
    while not over.is_set():
        done = d.ctl("-t", "60s", "--json", "show", "summary", check=False)
        if done.returncode != 0:
            continue
        now = json.loads(done.stdout)
        for name in COUNTERS:
            if now[name] < before.get(name, 0):
                faults.append((name, before[name], now[name]))
        before = now


def errors(d):
    return d.show("errors")


@pytest.mark.alone
def test_no_counter_falls_and_events_stay(daemon, echo, box):
    d = daemon(remotes=[echo], spawnd='access = {"deny 127.0.0.2"}')
    if box.single:
        pytest.skip("no worker dies by itself there")
    assert d.summary()["reload_state"] == "never"
    assert d.summary()["reload_seconds"] is None
    faults, over = [], threading.Event()
    looker = threading.Thread(target=watch, args=(d, over, faults))
    looker.start()
    d.deaths = True
    try:
        for step in range(2):
            for i in range(5):
                roundtrip(d.connect(), b"x" * 1000).close()
            d.reload()
            roundtrip(d.connect(), b"x" * 1000).close()
            # One that leaves after the reload is not missed.
            pid = d.workers("ready")[0]["pid"]
            d.kill(signal.SIGKILL, pid)
            wait(lambda: len(d.workers("ready")) == 2 and
                 all(w["pid"] != pid for w in d.workers()), 30,
                 "a new worker")
            d.ctl("drain", str(d.workers("ready")[0]["pid"]))
            roundtrip(d.connect(), b"x" * 1000).close()
            d.write(spawnd="nonsense = 1")
            assert d.ctl("reload", check=False).returncode == 1
            assert d.summary()["reload_state"] == "failed"
            d.reloads += 1
            d.write(spawnd='access = {"deny 127.0.0.2"}')
            if step == 0:
                d.ctl("upgrade")
                wait(lambda: d.summary()["last_reload"] == "ok", 30,
                     "the reload after it")
                d.reloads += 1
    finally:
        over.set()
        looker.join(60)
    assert not faults
    summary = d.summary()
    assert summary["sessions_total"] >= 14 and summary["bytes_in"] >= 14000
    assert summary["reload_seconds"] is not None
    seen = errors(d)
    assert [list(e) for e in seen] == [["time", "level", "process",
                                        "message"]] * len(seen)
    assert [e["time"] for e in seen] == sorted(e["time"] for e in seen)
    texts = [(e["level"], e["message"]) for e in seen]

    def count(level, words):
        return sum(one == level and words in text for one, text in texts)
    assert count("warning", "reload: failed: ") == 2
    assert count("info", "reload: done") >= 3
    assert count("info", "ready: ") >= 1
    assert sum("died of signal 9" in text for _, text in texts) == 2
    assert not any("session=" in text or "refused" in text
                   for _, text in texts)
    assert len({e["process"] for e in seen
                if e["process"].startswith("spawnd[")}) == 1


def test_what_workers_warn_of(daemon, backend, box):
    """By way of the logger, or as the master's if all is one process."""
    gone = backend()
    d = daemon(remotes=[gone])
    gone.stop()
    with pytest.raises(OSError):
        roundtrip(d.connect())
    seen = wait(lambda: [e for e in errors(d)
                         if "held" in e["message"]], 30,
                "what a worker has warned of")
    assert seen[0]["level"] == "warning"
    assert box.single or seen[0]["process"].startswith("relay[")
    head, *lines = d.ctl("show", "errors").stdout.splitlines()
    assert head.split() == ["time", "level", "process", "message"]
    assert any("held" in line for line in lines)
