"""The binary is replaced under load: the process, its listeners and sessions
stay, and a binary that cannot take over changes nothing."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import peers
from harness import (ASAN, LATE, PATIENCE, WATCHDOG, Box, alive, fd_count,
                     listening, patience, private_kib, wait)
from peers import roundtrip
from test_start import bad_libexec


@pytest.fixture
def folder(box):
    """A folder of one's own with a spawnd that may be replaced."""
    directory = box.dir / "bin"
    directory.mkdir()
    shutil.copy(Box.programs["spawnd"], directory / "spawnd")
    return directory


def replace(directory, source=None, text=None, change=None):
    """Puts another program into the place of spawnd, as an installation does:
    written beside it and renamed."""
    new = directory / "spawnd.new"
    if text is not None:
        new.write_text(text)
    else:
        data = (source or Box.programs["spawnd"]).read_bytes()
        for old, now in change or ():
            assert len(old) == len(now) and old in data, old
            data = data.replace(old, now)
        new.write_bytes(data)
    new.chmod(0o755)
    new.rename(directory / "spawnd")


def compiled(box, name, text):
    """A program of these few lines of C."""
    source = box.dir / f"{name}.c"
    source.write_text("#define _GNU_SOURCE\n#include <signal.h>\n"
                      "#include <stdio.h>\n#include <stdlib.h>\n"
                      "#include <string.h>\n#include <unistd.h>\n" + text)
    subprocess.run(["cc", "-o", str(box.dir / name), str(source)], check=True)
    return box.dir / name


def upgrade(d, how="signal"):
    """Asks for it and returns what the log says of how it went."""
    seen, done = len(results(d)), None
    if how == "signal":
        d.kill(signal.SIGUSR2)
    else:
        done = d.ctl("upgrade", check=False)
    wait(lambda: len(results(d)) > seen, 10, "the upgrade's result")
    result = results(d)[seen]
    if done:
        assert done.returncode == (0 if "done" in result else 1), done
        if done.returncode:
            why = re.split(r"upgrade: (?:failed|not now): ", result)[1]
            assert why in done.stderr, done.stderr
    return result


def results(d):
    return [text for text in d.texts()
            if re.search(r"upgrade: (done|failed|not now)", text)]


def upgraded(d, how="signal"):
    """One that works; waits until the new workers serve."""
    generation = d.summary()["generation"] + 1
    result = upgrade(d, how)
    assert "upgrade: done" in result, result
    wait(lambda: any(line.endswith(f"generation {generation}") for line in
                     d.lines("reload: done")), 10, "new workers")
    assert not d.lines("reload: failed")
    assert d.summary()["generation"] == generation


def image(pid):
    """The inode of the program that a process runs."""
    return os.stat(f"/proc/{pid}/exe").st_ino


class Watched:
    """What no upgrade, whether it works or not, may change."""

    def __init__(self, d, long=20):
        self.d = d
        self.clients = [roundtrip(d.connect()) for _ in range(long)]
        self.port, self.inodes = d.port(), listening(d.port())
        self.load = peers.Load(d.box, d.address(), concurrent=16, rate=700,
                               spread=50)

    def some_load(self, count=100):
        # The log, as the control socket may be the thing that fails.
        seen = len(self.d.lines(" why="))
        wait(lambda: len(self.d.lines(" why=")) > seen + count, 10, "load")

    def check(self):
        self.some_load(20)      # whatever happened, it goes on
        result = self.load.stop(1)
        assert result["failed"] == 0, result
        assert all(peers.answers(c) for c in self.clients)
        assert self.d.proc.poll() is None
        assert listening(self.port) == self.inodes
        return result


@pytest.mark.parametrize("how", ["signal", "ctl"])
def test_upgrade_under_load(daemon, echo, box, folder, how):
    """Everything that was, is: the process, the listeners, the sessions, the
    counters, the pid file, the control socket and the log."""
    pidfile, path = box.dir / "d.pid", box.dir / "in.sock"
    d = daemon(remotes=[echo], program=folder / "spawnd", listen={
        "web": 'address = "127.0.0.1" port = 0', "sock": f'path = "{path}"'},
        spawnd=f'pidfile = "{pidfile}"')
    inode, control = path.stat().st_ino, d.conf.control.stat().st_ino
    w = Watched(d)
    w.clients += [roundtrip(d.connect("sock")) for _ in range(3)]
    started = d.summary()["uptime_seconds"]
    for _ in range(3):
        w.some_load()
        kids, before = set(d.kids()), d.summary()
        replace(folder)
        upgraded(d, how)
        after = d.summary()
        assert after["pid"] == d.pid
        assert image(d.pid) == (folder / "spawnd").stat().st_ino
        for key in ("accepted", "sessions_total", "bytes_in", "bytes_out",
                    "uptime_seconds"):
            assert after[key] >= before[key], key
        assert int(pidfile.read_text()) == d.pid
        assert not set(d.kids("relay")) <= kids, "new workers"
        roundtrip(d.connect("sock"))
    w.some_load()
    result = w.check()
    assert path.stat().st_ino == inode
    assert d.conf.control.stat().st_ino == control
    for client in d.box.sockets:
        client.close()
    d.wait_sessions(0, 10)
    wait(lambda: len(d.kids()) == 2, 10, "the old workers' end")
    total = result["ok"] + len(w.clients) + 3
    d.wait_closed(total, 10)
    summary = d.summary()
    assert summary["uptime_seconds"] >= started
    assert summary["sessions_total"] == summary["accepted"] == total
    assert sum(l["accepted"] for l in d.show("listeners")) == total
    assert d.remotes()["a"]["sessions"] == total
    closed = d.closed()
    assert len(closed) == total
    assert summary["bytes_in"] == sum(int(s["in"]) for s in closed)
    assert summary["bytes_out"] == sum(int(s["out"]) for s in closed)
    assert summary["bytes_in"] >= result["bytes"]


def alone(d):
    """Old workers have ended, and the master has let go of what was theirs."""
    wait(lambda: len(d.kids()) == 2 and len(d.generations()) == 1, 30,
         "the old workers' end")


def test_20_upgrades_leave_no_descriptor(daemon, echo, box, folder):
    d = daemon(remotes=[echo], program=folder / "spawnd")
    upgraded(d)
    alone(d)
    fds, memory = fd_count(d.pid), private_kib(d.pid)
    logger = fd_count(d.kids("logger")[0])
    w = Watched(d, 6)
    for _ in range(20):
        upgraded(d)
    w.check()
    assert d.summary()["generation"] == 22
    for client in w.clients:
        client.close()
    alone(d)
    wait(lambda: fd_count(d.pid) == fds, 5, "descriptors as before")
    assert fd_count(d.kids("logger")[0]) == logger
    assert len(d.kids("logger")) == 1
    if not ASAN:
        assert private_kib(d.pid) - memory <= 200
    workers = {fd_count(pid) for pid in d.kids()}
    assert max(workers) < 20, "a worker keeps what is the master's"


BAD = {
    "ends-with-1": ("#!/bin/sh\necho no such luck >&2\nexit 1\n",
                    "no such luck"),
    "ends-with-1-silently": ("#!/bin/sh\nexit 1\n", "survive"),
    "dies": ("#!/bin/sh\nkill -SEGV $$\n", "survive"),
    "is-no-program": ("neither this nor that\n", "Exec format"),
    "is-another-program": ("#!/bin/sh\nexit 0\n", ""),
    "is-another-program-that-talks": ("#!/bin/sh\necho done\nexit 0\n", ""),
}


@pytest.mark.parametrize("how", ["signal", "ctl"])
@pytest.mark.parametrize("what", BAD)
def test_bad_binary_changes_nothing(daemon, echo, folder, what, how):
    text, why = BAD[what]
    d = daemon(remotes=[echo], program=folder / "spawnd")
    w = Watched(d)
    kids, running = d.kids(), image(d.pid)
    replace(folder, text=text)
    result = upgrade(d, how)
    assert "failed" in result and why in result, result
    w.some_load()
    w.check()
    assert d.kids() == kids and image(d.pid) == running
    replace(folder)
    upgraded(d)
    assert all(peers.answers(c) for c in w.clients)


def test_missing_binary_changes_nothing(daemon, echo, folder):
    d = daemon(remotes=[echo], program=folder / "spawnd")
    w = Watched(d)
    (folder / "spawnd").rename(folder / "away")
    result = upgrade(d, "ctl")
    assert str(folder / "spawnd") in result and "No such file" in result
    (folder / "away").chmod(0o644)
    (folder / "away").rename(folder / "spawnd")
    assert "Permission denied" in upgrade(d, "ctl")
    w.check()
    replace(folder)
    upgraded(d)


def test_bad_configuration_changes_nothing(daemon, echo, folder):
    """The new binary would start with it; it is looked at before."""
    d = daemon(remotes=[echo], program=folder / "spawnd")
    w = Watched(d)
    good = d.conf.spawnd
    d.write(spawnd="no-such-key = 1")
    replace(folder)
    result = upgrade(d, "ctl")
    assert "failed" in result and "no-such-key" in result
    assert str(d.conf.path) in result
    w.check()
    d.write(spawnd=good)
    upgraded(d)


def test_binary_of_another_release_is_refused(daemon, echo, box, folder):
    """One that says at its check that it cannot take over."""
    real = Box.programs["spawnd"]
    d = daemon(remotes=[echo], program=folder / "spawnd")
    w = Watched(d)
    replace(folder, source=compiled(box, "other", f"""
        int main(int argc, char **argv)
        {{
            setenv("SPAWND_UPGRADE_CHECK", "999 999", 1);
            execv("{real}", argv);
            return 1;
        }}"""))
    result = upgrade(d, "ctl")
    assert "failed" in result and "restart" in result, result
    w.check()


# One of the state's first words, and one of its last, under another name: what
# comes after exec(2) does not understand what it is given.
STATES = {
    "at-once": [(b"\0master \0", b"\0mister \0")],
    "at-the-end": [(b"\0control \0", b"\0cantrol \0")],
}


@pytest.mark.parametrize("how", ["signal", "ctl"])
@pytest.mark.parametrize("where", STATES)
def test_way_back_to_the_former_image(daemon, echo, box, folder, where,
                                      how):
    """The new image fails after it has taken the process: the former one,
    which may have no name any more, goes on where it was."""
    pidfile = box.dir / "d.pid"
    d = daemon(remotes=[echo], program=folder / "spawnd",
               spawnd=f'pidfile = "{pidfile}"')
    kids, running, fds = d.kids(), image(d.pid), fd_count(d.pid)
    w = Watched(d)
    replace(folder, change=STATES[where])
    for _ in range(2):
        w.some_load()
        result = upgrade(d, how)
        assert "failed" in result and "understand" in result, result
        assert image(d.pid) == running
        assert int(pidfile.read_text()) == d.pid
        assert d.summary()["generation"] == 1
    w.some_load()
    w.check()
    assert d.kids() == kids
    wait(lambda: fd_count(d.pid) == fds, 5, "descriptors as before")
    replace(folder)
    upgraded(d, how)
    assert image(d.pid) == (folder / "spawnd").stat().st_ino
    assert all(peers.answers(c) for c in w.clients)


def test_new_image_that_dies_costs_no_session(daemon, echo, box, folder):
    """It passes its check and dies when it is to take over: that ends the
    master, but not the sessions."""
    real = Box.programs["spawnd"]
    d = daemon(remotes=[echo], program=folder / "spawnd")
    d.leaves.add(d.conf.control)
    clients = [roundtrip(d.connect()) for _ in range(10)]
    kids = d.kids()
    replace(folder, source=compiled(box, "dies", f"""
        int main(int argc, char **argv)
        {{
            if (getenv("SPAWND_UPGRADE_STATE") != NULL)
                raise(SIGKILL);
            execv("{real}", argv);
            return 1;
        }}"""))
    d.kill(signal.SIGUSR2)
    d.proc.wait(PATIENCE)
    assert all(peers.answers(c) for c in clients)
    two = daemon(remotes=[echo], control=d.conf.control, listen={
        "web": f'address = "127.0.0.1" port = {d.port()}'})
    roundtrip(two.connect())
    assert all(peers.answers(c) for c in clients)
    for client in clients:
        client.close()
    wait(lambda: not any(alive(pid) for pid in kids), 5, "the workers' end")


def test_control_socket_answers_all_the_time(daemon, echo, folder):
    """Whoever asks for something while the image changes is answered by the
    old one or by the new one."""
    d = daemon(remotes=[echo], program=folder / "spawnd")
    path, stop, answers = str(d.conf.control), threading.Event(), []

    def ask():
        while not stop.is_set():
            with peers.connect(path) as sock:
                sock.sendall(b"show sum")
                sock.sendall(b"mary\n")
                answers.append(peers.receive_all(sock)[:3])

    askers = [peers.Thread(ask) for _ in range(3)]
    for _ in range(5):
        upgraded(d)
    stop.set()
    for asker in askers:
        asker.result()
    assert len(answers) > 10 and set(answers) == {b"ok\n"}


def test_hanging_binary_does_not_hold_up_the_end(daemon, echo, folder):
    d = daemon(remotes=[echo], program=folder / "spawnd")
    client = roundtrip(d.connect())
    replace(folder, text="#!/bin/sh\nexec sleep 1000\n")
    d.kill(signal.SIGUSR2)
    wait(lambda: d.kids("sleep"), 5, "the check")
    asked = d.ctl("upgrade", check=False)
    assert asked.returncode == 1 and "upgrade" in asked.stderr
    roundtrip(d.connect()).close()
    client.close()
    d.wait_sessions(0)
    d.kill(signal.SIGTERM)
    assert d.wait_end(3) == 0


def test_there_and_back_again(daemon, echo, box, folder):
    """Two releases in turn; the one that goes has lost its name."""
    d = daemon(remotes=[echo], program=folder / "spawnd")
    w = Watched(d)
    seen = {image(d.pid)}
    for _ in range(4):
        replace(folder)
        upgraded(d)
        assert image(d.pid) == (folder / "spawnd").stat().st_ino
        seen.add(image(d.pid))
    assert len(seen) >= 2
    w.check()


@pytest.mark.parametrize("name", ["./bin/spawnd", "link"])
def test_the_name_it_was_started_by(daemon, echo, box, folder, name):
    """A path from where it was started, and a link that is turned."""
    if name == "link":
        name = box.dir / "link"
        name.symlink_to("bin/spawnd")
        shutil.copy(folder / "spawnd", folder / "two")
    d = daemon(remotes=[echo], program=name)
    client = roundtrip(d.connect())
    if (folder / "two").exists():
        (box.dir / "turned").symlink_to("bin/two")
        (box.dir / "turned").rename(name)
        new = folder / "two"
    else:
        replace(folder)
        new = folder / "spawnd"
    upgraded(d)
    assert image(d.pid) == new.stat().st_ino
    assert peers.answers(client)


def test_in_the_background(daemon, echo, box, folder):
    pidfile, log = box.dir / "d.pid", box.dir / "back.log"
    d = daemon(remotes=[echo], background=True, program=folder / "spawnd",
               spawnd=f'pidfile = "{pidfile}" log {{ to = "{log}" }}')
    d.logfile = log
    client = roundtrip(d.connect())
    for _ in range(3):
        replace(folder)
        upgraded(d)
        assert int(pidfile.read_text()) == d.pid
    assert peers.answers(client)
    client.close()
    d.wait_closed(1)
    two = d.box.run("-f", d.conf.path)
    assert two.returncode == 1 and str(d.pid) in two.stderr, "still locked"


# At what times

def hold_starts(box, on=True):
    if on:
        (box.dir / "wait").touch()
    else:
        (box.dir / "wait").unlink()


@pytest.fixture
def slow_libexec(box):
    """A libexec in which a relay starts only while hold_starts() is off."""
    return bad_libexec(box, "relay", f"""
        while [ -e {box.dir}/wait ]; do sleep 0.05; done
        exec {box.base}/libexec/relay "$@"\n""")


def test_during_a_reload(daemon, echo, box, folder, slow_libexec):
    """The second request is refused or waits; what is under way is done."""
    d = daemon(remotes=[echo], program=folder / "spawnd",
               libexec=slow_libexec)
    w = Watched(d)
    hold_starts(box)
    d.kill(signal.SIGHUP)
    wait(lambda: len(d.workers("starting")) == 2, 5, "the reload")
    done = d.ctl("upgrade", check=False)
    d.kill(signal.SIGUSR2)
    assert done.returncode == 1 and "reload" in done.stderr, done
    hold_starts(box, False)
    wait(lambda: d.lines("reload: done"), 5, "the reload's end")
    upgraded(d)
    w.check()


def test_starts_under_way_are_taken_along(daemon, echo, box, folder,
                                          slow_libexec):
    """A worker that starts while the image changes serves afterwards."""
    d = daemon(remotes=[echo], program=folder / "spawnd",
               libexec=slow_libexec)
    w = Watched(d)
    hold_starts(box)
    d.ctl("drain", str(d.kids()[0]))
    wait(lambda: d.workers("starting"), 5, "its replacement")
    result = upgrade(d)
    assert "done" in result, result
    w.some_load()
    hold_starts(box, False)
    wait(lambda: d.lines("reload: done"), 5, "the new generation")
    wait(lambda: len(d.workers("ready")) == 2, 5, "two workers")
    w.check()


def test_during_the_drain(daemon, echo, folder):
    d = daemon(remotes=[echo], program=folder / "spawnd")
    client = roundtrip(d.connect())
    d.kill(signal.SIGTERM)
    wait(lambda: d.lines("stopping"), 5, "the stop")
    assert "done" not in upgrade(d)
    done = d.ctl("upgrade", check=False)
    assert done.returncode == 1 and done.stderr
    assert peers.answers(client)
    client.close()
    assert d.wait_end() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGHUP, signal.SIGUSR1,
                                    signal.SIGUSR2])
def test_with_another_signal_at_once(daemon, echo, folder, second):
    """Neither is lost, whichever comes first and however late: a signal that
    arrives between the two images is the new one's."""
    d = daemon(remotes=[echo], program=folder / "spawnd")
    client = roundtrip(d.connect())
    ends = second in (signal.SIGTERM, signal.SIGINT)
    for pause in [0.02] if ends else [0, 0.005, 0.01, 0.02, 0.04, 0.1]:
        seen = len(results(d))
        d.kill(signal.SIGUSR2)
        time.sleep(pause)
        d.kill(second)
        if ends:
            break
        wait(lambda: len(results(d)) > seen, 10, "a result")
        wait(lambda: d.summary()["last_reload"] == "ok" and
             len(d.workers("ready")) == 2 and
             not d.workers("starting"), 10, "new workers")
        assert peers.answers(client)
        roundtrip(d.connect())
    if ends:
        if second == signal.SIGTERM:
            assert peers.answers(client)
            client.close()
        assert d.wait_end() == 0


FULL = "servers { min = 1 max = 1 } users { min = 1 max = 2 }"


@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_in_overload(daemon, echo, box, folder, overload):
    """Those who wait in the backlog are served: by the new workers, who have
    room. Until then the old rule holds."""
    d = daemon(remotes=[echo], program=folder / "spawnd",
               spawnd=f"{FULL} overload = {overload}")
    clients = [roundtrip(d.connect()) for _ in range(2)]
    d.wait_sessions(2)
    waiting = []
    if overload == "queue":
        waiting = [d.connect() for _ in range(2)]
        for client in waiting:
            client.sendall(b"wait")
    else:
        peers.turned_away(box, d.address())
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload")
    upgraded(d)
    for client in waiting:
        assert peers.receive(client, 4) == b"wait"
    while len(waiting) < 2:
        waiting.append(roundtrip(d.connect()))
    assert all(peers.answers(c) for c in clients)
    late = d.connect() if overload == "queue" else None
    if late:
        late.sendall(b"late")
    else:
        wait(lambda: peers.turned_away(box, d.address()), 5, "no room")
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload again")
    upgraded(d)
    if late:
        assert peers.receive(late, 4) == b"late"
    roundtrip(d.connect())
    assert all(peers.answers(c) for c in clients + waiting)


def test_an_overload_goes_on(daemon, echo, box, folder):
    """What was refused before the upgrade is told of at the end."""
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd="""
        servers { min = 1 max = 1 } users { min = 1 max = 1 }
        overload = reset access = {"deny 127.0.3.0/24"}""")
    client = roundtrip(d.connect())
    peers.turned_away(box, d.address(), source="127.0.3.1")
    peers.turned_away(box, d.address())
    d.wait_line("overload (reset)")
    before = d.show("listeners")[0]
    upgraded(d)
    line, = d.wait_line("overload is over after")
    assert "1 connections were refused, 0 had to wait" in line
    after, summary = d.show("listeners")[0], d.summary()
    for name, count in (("denied", 1), ("limited", 1), ("refused", 2)):
        assert before[name] == after[name] == summary[name] == count
    assert peers.answers(client)


def test_with_the_backlog_full_of_clients(daemon, echo, box, folder):
    """200 clients at 2 places, upgrades all the time: nobody is lost."""
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd=FULL)
    load = peers.Load(box, d.address(), concurrent=200, spread=50)
    for _ in range(5):
        upgraded(d)
    result = load.stop(201)
    assert result["failed"] == 0, result
    assert d.summary()["refused"] == 0


def test_with_connections_that_are_kept(daemon, echo, box, folder):
    """Taken back from a stuck worker while no other can start: they travel
    from image to image."""
    libexec = bad_libexec(box, "relay", f"""
        [ ! -e {box.dir}/wait ] || exit 1
        exec {box.base}/libexec/relay "$@"\n""")
    d = daemon(remotes=[echo], program=folder / "spawnd", libexec=libexec,
               spawnd=f"""watchdog = {WATCHDOG}ms watchdog-kill = 0
               servers {{ min = 1 max = 1 }}""")
    d.deaths = True
    client = roundtrip(d.connect())
    victim, = d.kids()
    hold_starts(box)
    d.kill(signal.SIGSTOP, victim)
    try:
        waiting = [d.connect() for _ in range(5)]
        for late in waiting:
            late.sendall(b"late")
        wait(lambda: d.summary()["waiting"] == 5, 5, "five are kept")
        assert "done" in upgrade(d)
        wait(lambda: d.summary()["last_reload"].startswith("failed"), 5,
             "no new worker either")
        wait(lambda: d.summary()["waiting"] == 5, 5, "five are kept")
        hold_starts(box, False)
        for late in waiting:
            assert peers.receive(late, 4) == b"late"
        assert d.summary()["waiting"] == 0
    finally:
        d.kill(signal.SIGCONT, victim)
    assert peers.answers(client)
    ports = {f"127.0.0.1:{s.getsockname()[1]}" for s in waiting}
    for late in waiting:
        late.close()
    assert {s["client"] for s in d.wait_closed(5)} == ports


def test_messages_that_wait_in_a_channel(daemon, echo, folder):
    """A worker that sleeps over the upgrade finds what it was sent before."""
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    victim, = d.kids()
    d.kill(signal.SIGSTOP, victim)
    try:
        waiting = [d.connect() for _ in range(40)]
        for late in waiting:
            late.sendall(b"late")
        wait(lambda: d.summary()["accepted"] == 40, 5, "40 accepted")
        upgraded(d)
        after = roundtrip(d.connect())
    finally:
        d.kill(signal.SIGCONT, victim)
    for late in waiting:
        assert peers.receive(late, 4) == b"late"
    assert peers.answers(after)
    assert d.summary()["sessions"] == 41


def test_drain_goes_on_after_it(daemon, echo, folder):
    """The time that an old generation has left is neither lost nor over."""
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd=f"""
        drain-timeout = 6s watchdog = {WATCHDOG}ms""")
    clients = [roundtrip(d.connect()) for _ in range(4)]
    begun = time.monotonic()
    d.reload()
    upgraded(d)
    while time.monotonic() - begun < 3:
        assert all(peers.answers(c) for c in clients)
        time.sleep(0.1)
    for client in clients:
        assert peers.ended(client) == "fin"
    assert 5 < time.monotonic() - begun < 6 + LATE
    assert {s["why"] for s in d.wait_closed(4)} == {"drain-timeout"}


def test_watchdog_goes_on_after_it(daemon, echo, folder):
    """A worker that hangs while the image changes is found by the new one;
    what waits at it goes elsewhere, and it is killed in the end."""
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd=f"""
        servers {{ min = 2 max = 2 }} watchdog = {WATCHDOG}ms
        watchdog-kill = {2 * WATCHDOG}ms""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(10)]
    victim = d.kids()[0]
    d.kill(signal.SIGSTOP, victim)
    waiting = [d.connect() for _ in range(10)]
    for late in waiting:
        late.sendall(b"late")
    result = upgrade(d)
    assert "done" in result, result
    for late in waiting:
        assert peers.receive(late, 4) == b"late"
    wait(lambda: not alive(victim), 10, "its end")
    assert sum(peers.answers(c) for c in clients) == 5


def test_stuck_worker_that_comes_back_after_it(daemon, echo, folder):
    """Its sessions have as long to end as those of any other that drains."""
    watchdog = 3 * WATCHDOG
    d = daemon(remotes=[echo], program=folder / "spawnd", spawnd=f"""
        servers {{ min = 2 max = 2 }} drain-timeout = 1m
        watchdog = {watchdog}ms watchdog-kill = 1m""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(10)]
    victim = d.kids()[0]
    d.kill(signal.SIGSTOP, victim)
    late = [d.connect() for _ in range(4)]
    d.wait_line(f"worker {victim} is stuck")
    result = upgrade(d)
    d.kill(signal.SIGCONT, victim)
    assert "done" in result, result
    limit = time.monotonic() + 2 * watchdog / 1000
    while time.monotonic() < limit:
        assert all(peers.answers(c) for c in clients + late)
        time.sleep(0.1)
    assert alive(victim)


def test_configuration_with_many_warnings(daemon, echo, folder):
    """What the check of the new binary has to say may be long."""
    relays = [f"""relay r{n} {{ local-address = 192.0.2.{n + 1}
        remote a {{ {echo.conf()} }} }}""" for n in range(20)]
    d = daemon(remotes=[echo], program=folder / "spawnd",
               extra="\n".join(relays), listen={
                   "web": 'address = "127.0.0.1" port = 0 relay = app'})
    replace(folder)
    upgraded(d, "ctl")
    roundtrip(d.connect())


@pytest.mark.load
def test_upgrades_reloads_and_leaves_at_random(daemon, echo, box, folder,
                                               seed):
    """For 4 s at least, under load, with sessions that stay: nothing fails."""
    import random
    dice = random.Random(seed)
    d = daemon(remotes=[echo], program=folder / "spawnd",
               spawnd="servers { min = 2 max = 4 }")
    w = Watched(d, 30)
    begun = time.monotonic()

    def upgrades():
        return len([r for r in results(d) if "done" in r])

    while time.monotonic() - begun < 4 or upgrades() < 3:
        assert time.monotonic() - begun < patience(60)
        what = dice.choice([signal.SIGUSR2, signal.SIGUSR2, signal.SIGHUP,
                            signal.SIGUSR1, None])
        if what is not None:
            d.kill(what)
        elif d.kids():
            try:
                d.kill(signal.SIGHUP, dice.choice(d.kids()))
            except ProcessLookupError:
                pass
        time.sleep(dice.uniform(0, 0.15))
        assert d.proc.poll() is None, d.describe()
    result = w.check()
    print(f"{upgrades()} upgrades, {len(d.lines('reload: done'))} reloads, "
          f"{result['ok']} sessions, {result['failed']} failed")
    wait(lambda: len(d.workers("ready")) >= 2 and
         not d.workers("starting"), 10, "the last reload")
    # It fails when a new worker was asked to leave before it was ready.
    assert len(d.lines("reload: failed")) <= len(d.lines("asked to leave"))
    peers.load(box, d.address(), 100)


def test_folder_of_the_start_is_gone(echo, box, folder):
    """As those of releases go: program and file have names of their own."""
    place = box.dir / "release"
    place.mkdir()
    conf, addrs = box.conf(remotes=[echo]), box.dir / "addrs"
    with open(box.dir / "out.log", "w") as out:
        proc = box.spawn([folder / "spawnd", "-f", "-A", addrs, conf.path],
                         stdout=out, stderr=out, cwd=place,
                         env=box.environment())
    wait(addrs.exists, 10, "serving")
    place.rmdir()
    for generation in (2, 3):
        done = box.run("-s", conf.control, "upgrade", program="spawnctl")
        assert done.returncode == 0, done.stderr
        wait(lambda: (box.dir / "out.log").read_text().count("reload: done")
             == generation - 1, 10, "new workers")
    proc.terminate()
    assert proc.wait(30) == 0


def test_folder_of_the_start_is_gone_and_needed(echo, box, folder):
    place = box.dir / "release"
    place.mkdir()
    conf, pidfile = box.conf(remotes=[echo]), place / "d.pid"
    with open(box.dir / "out.log", "w") as out:
        proc = box.spawn([folder / "spawnd", "-f", "-p", "d.pid", conf.path],
                         stdout=out, stderr=out, cwd=place,
                         env=box.environment())
    wait(lambda: pidfile.exists() and pidfile.read_text(), 10, "serving")
    pidfile.unlink()
    place.rmdir()
    done = box.run("-s", conf.control, "upgrade", program="spawnctl")
    assert done.returncode == 1 and "started in" in done.stderr, done.stderr
    proc.terminate()
    assert proc.wait(30) == 0
