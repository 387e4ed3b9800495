"""The wall clock jumps; what is timed does not notice. libfaketime shifts it
for the daemon's processes alone, and leaves the monotonic clock."""

import glob
import re
import signal
import time

import pytest

import peers
from harness import ASAN, LATE, LINE, WATCHDOG, wait
from peers import roundtrip

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or
           glob.glob("/usr/local/lib/faketime/libfaketime.so.1") or [None])[0]

pytestmark = [
    pytest.mark.skipif(ASAN, reason="ASan wants to be loaded first"),
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not "
                       "installed: apt-get install faketime"),
]

JUMPS = ["+1d", "-1d", "+0", "-1d", "+1d"]


class Clock:
    def __init__(self, box):
        self.path = box.dir / "clock"
        self.set("+0")
        self.env = {"LD_PRELOAD": LIBRARY, "DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_TIMESTAMP_FILE": str(self.path),
                    "FAKETIME_NO_CACHE": "1"}
        self.libexec = self.passing_on(box)

    def passing_on(self, box):
        """Workers are not told of such variables."""
        libexec = box.dir / "libexec"
        libexec.mkdir()
        for path in (box.base / "libexec").iterdir():
            (libexec / path.name).symlink_to(path)
        (libexec / "relay").unlink()
        words = " ".join(f"{name}={value}" for name, value in self.env.items())
        (libexec / "relay").write_text(
            f'#!/bin/sh\nexec env {words} {box.base}/libexec/relay "$@"\n')
        (libexec / "relay").chmod(0o755)
        return libexec

    def set(self, offset):
        new = self.path.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self.path)


def days(d):
    """The day of each line, as a number."""
    stamps = [re.match(r"(\d{4}-\d\d-\d\d)T", line)
              for line in d.log.splitlines() if LINE.match(line)]
    return [time.strptime(m.group(1), "%Y-%m-%d").tm_yday
            for m in stamps if m]


def test_jumps_under_load(daemon, echo, box):
    """A day on and back: no session ends, no worker is found stuck, no line
    has times that cannot be, and the lines' stamps follow the clock."""
    clock, begun = Clock(box), time.monotonic()
    d = daemon(remotes=[echo], env=clock.env, libexec=clock.libexec,
               relay="idle-timeout = 1h",
               spawnd=f"watchdog = {WATCHDOG}ms "
                      f"watchdog-kill = {WATCHDOG}ms "
                      "shrink-after = 1h drain-timeout = 1h "
                      "sandbox = off")      # the clock is set by a file
    clients = [roundtrip(d.connect()) for _ in range(20)]
    kids = d.kids()
    load = peers.Load(box, d.address(), concurrent=20, rate=500, spread=50)
    for offset in JUMPS:
        total = d.summary()["sessions_total"]
        wait(lambda: d.summary()["sessions_total"] > total + 150, 10, "load")
        clock.set(offset)
        assert all(peers.answers(c) for c in clients)
    time.sleep(2.5 * WATCHDOG / 1000)   # longer than both watchdogs
    uptime = d.summary()["uptime_seconds"]
    ages = [w["age_seconds"] for w in d.workers()]
    lasted = time.monotonic() - begun
    result = load.stop(501)
    print(result)
    assert result["failed"] == 0, result
    assert result["slowest_ms"] < LATE * 1000
    assert all(peers.answers(c) for c in clients)
    assert d.kids() == kids and not d.lines("warning")
    assert max(uptime, *ages) <= lasted + 1
    assert len(set(days(d))) == 3, "the stamps do not follow the clock"
    for client in clients:
        client.close()
    # judge() looks at the times of every closing line.
    d.wait_closed(20 + result["ok"])


def test_timers_are_right(daemon, echo, box):
    """Limits that run while the clock jumps last as long as they should."""
    clock = Clock(box)
    d = daemon(remotes=[echo], env=clock.env, libexec=clock.libexec,
               relay="idle-timeout = 2s", spawnd="drain-timeout = 5s")
    idle = roundtrip(d.connect())
    old = [roundtrip(d.connect()) for _ in range(2)]
    begun = time.monotonic()
    d.reload()
    for offset in JUMPS:
        clock.set(offset)
        for client in old:
            assert peers.answers(client)
        time.sleep(0.2)
    assert peers.ended(idle) == "fin"
    assert 1.8 < time.monotonic() - begun < LATE
    while time.monotonic() - begun < 3.2:
        assert all(peers.answers(c) for c in old)
        time.sleep(0.1)
        clock.set(JUMPS[int(time.monotonic() * 10) % len(JUMPS)])
    for client in old:
        assert peers.ended(client) == "fin"
    assert 4.4 < time.monotonic() - begun < LATE
    assert {s["why"] for s in d.wait_closed(3)} == \
        {"idle-timeout", "drain-timeout"}


def test_start_and_back_off(daemon, echo, box):
    """A worker that is to start again in a second does so in a second."""
    clock = Clock(box)
    d = daemon(remotes=[echo], env=clock.env, libexec=clock.libexec,
               spawnd="servers { min = 2 max = 2 }")
    d.deaths = True
    clock.set("-1d")
    begun = time.monotonic()
    d.kill(signal.SIGKILL, d.kids()[0])
    clock.set("+1d")
    wait(lambda: len(d.workers("ready")) == 2, 5, "the replacement")
    assert 0.8 < time.monotonic() - begun < LATE
    clock.set("-1d")
    d.reload()
    peers.load(box, d.address(), 100)
