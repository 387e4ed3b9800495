"""Calls that fail one at a time, and calls that go on failing: a start fails
cleanly, and a service that runs goes on."""

import errno
import mmap
import os
import resource
import signal
import struct
import subprocess
import time

import pytest

import harness
import peers
from harness import (ASAN, HERE, Box, alive, cpu_ticks_over, free_port,
                     wait)
from peers import roundtrip
from test_settle import lower, served

pytestmark = [
    pytest.mark.load,
    pytest.mark.skipif(ASAN, reason="ASan wants to be loaded first"),
]

FUNCTIONS = ["none", "accept4", "sendmsg", "socketpair", "fork",
             "memfd_create", "mmap", "epoll_ctl", "socket", "connect",
             "pipe2", "malloc", "pidfd_open", "backlog", "kill", "taken",
             "close"]
WHO = {"master": 1, "worker": 2, "logger": 4}


class Calls:
    """What of failcalls.c is to fail."""

    def __init__(self, box, library):
        self.path = box.dir / "failcalls"
        self.path.write_bytes(bytes(4096))
        self.path.chmod(0o666)
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)
        self.env = {"LD_PRELOAD": str(library),
                    "SPAWND_FAILCALLS": str(self.path)}

    def fail(self, function, error, who, skip=0, times=1):
        self.off()
        struct.pack_into("=6I", self.memory, 4, WHO[who],
                         getattr(errno, error), skip, times, 0, 0)
        struct.pack_into("=I", self.memory, 0, FUNCTIONS.index(function))

    def off(self):
        """Returns how many have failed."""
        struct.pack_into("=I", self.memory, 0, 0)
        return self.hits()

    def hits(self):
        return struct.unpack_from("=I", self.memory, 24)[0]

    def close(self):
        self.memory.close()


@pytest.fixture(scope="module")
def library(programs):
    path = Box.base / "libexec" / "failcalls.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall",
                    "-D_GNU_SOURCE", "-o", str(path),
                    str(HERE / "failcalls.c"), "-ldl"], check=True)
    return path


@pytest.fixture
def calls(box, library):
    return box.closing(Calls(box, library))


@pytest.fixture
def daemon(box, echo, calls):
    """Its workers may die, and may say so in words that are otherwise a bad
    sign; the master may not."""
    lines = box.dir / "lines"
    d = box.daemon(remotes=[echo], env=calls.env, start=False, spawnd=f"""
        watchdog = 1s start-timeout = 2s log {{ to = "{lines}" }}""")
    d.logfile, d.deaths = lines, True
    return d.start()


# The start

STARTS = [
    ("socketpair", "EMFILE", "master"), ("fork", "EAGAIN", "master"),
    ("memfd_create", "EMFILE", "master"), ("mmap", "ENOMEM", "master"),
    ("epoll_ctl", "ENOSPC", "master"), ("epoll_ctl", "ENOMEM", "worker"),
    ("mmap", "ENOMEM", "worker"), ("socket", "EMFILE", "master"),
    ("pidfd_open", "EMFILE", "master"), ("pipe2", "EMFILE", "master"),
]


class Start:
    """One start of which the nth call fails."""

    def __init__(self, box, library, remote, which, n):
        self.box, self.which, self.n = box, which, n
        name = f"start{n}"
        self.conf = box.conf(name, remotes=[remote],
                             spawnd="start-timeout = 2s")
        self.addrs = box.dir / f"{name}.addrs"
        self.calls = Calls(box, library)
        self.calls.path.rename(box.dir / name)
        self.calls.env["SPAWND_FAILCALLS"] = str(box.dir / name)
        self.calls.fail(*which, skip=n)
        self.background = which[0] == "pipe2"
        argv = [Box.programs["spawnd"], "-A", self.addrs, self.conf.path]
        if self.background:
            argv[1:1] = ["-b", "-p", box.dir / f"{name}.pid"]
        self.proc = box.spawn(argv, stdin=subprocess.DEVNULL, text=True,
                              stderr=subprocess.PIPE,
                              env={**box.environment(), **self.calls.env})

    def outcome(self):
        """True if it serves, with whatever has failed; else it has ended
        with 1, has said why, and has left nothing."""
        wait(lambda: self.addrs.exists() or self.proc.poll() is not None, 10,
             f"{self.which}: call {self.n}: start or end", 0.002)
        self.hits = self.calls.off()
        if self.addrs.exists():
            self.serves()
            return True
        assert self.proc.returncode == 1, (self.which, self.n)
        said = self.proc.stderr.read()
        assert said.count("\n") <= 4 and "error" in said or "cannot" in said \
            or "spawnd" in said, (self.which, self.n, said)
        assert said.strip(), f"{self.which}: call {self.n}: nothing is said"
        assert not self.conf.control.exists(), (self.which, self.n)
        return False

    def serves(self):
        at, port = self.addrs.read_text().split()[1].rsplit(":", 1)
        pid = self.proc.pid
        with peers.connect((at, int(port))) as sock:
            roundtrip(sock)
        if self.background:
            pid = int((self.box.dir / f"start{self.n}.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        wait(lambda: not alive(pid), 5, "the end")


@pytest.mark.parametrize("function, error, who", STARTS)
def test_call_of_the_start(box, echo, library, function, error, who):
    """Each in turn, until the start comes to its end without it."""
    failed = served = n = 0
    through = False
    while not through:
        assert n < 60, "there is no end"
        starts = [Start(box, library, echo, (function, error, who), n + i)
                  for i in range(4)]
        n += len(starts)
        for start in starts:
            good = start.outcome()
            served += good
            failed += not good
            if start.hits == 0:
                assert good
                through = True
            start.calls.close()
    print(f"{failed} starts failed, {served} served")
    assert failed or served > 4
    assert not [p for p in harness.descendants(os.getpid()).values()
                if p[0] != "Z" and p[1] in ("relay", "logger")]


# The control socket

def answers(box, path):
    return box.run("-s", path, "show", "summary",
                   program="spawnctl").returncode == 0


def test_a_new_control_socket_is_sure_before_the_old_one_goes(
        daemon, box, calls):
    """A reload names another one, and each call of epoll_ctl(2) fails in
    turn: there is always one that answers."""
    d, failed = daemon, 0
    for n in range(30):
        old, new = d.conf.control, box.dir / f"control{n}.sock"
        d.write(control=new)
        calls.fail("epoll_ctl", "ENOSPC", "master", skip=n)
        done = "done" in d.hup()
        hits = calls.off()
        failed += not done
        d.conf.control = new if done else old
        assert answers(box, d.conf.control), n
        assert not (old if done else new).exists(), n
        if not hits:
            break
    assert failed and not hits


# Calls that are not there

@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
@pytest.mark.parametrize("function", ["pidfd_open", "memfd_create"])
def test_call_that_is_missing(box, echo, calls, function, error):
    """As on an old kernel, or in a sandbox that is older than the call: all
    goes on without it."""
    calls.fail(function, error, "master", times=1 << 30)
    d = box.daemon(remotes=[echo], env=calls.env)
    d.deaths = True
    assert calls.hits()
    assert attempt(d, 4) == 0
    first = d.kids("relay")
    d.kill(signal.SIGKILL, first[0])
    wait(lambda: first[0] not in d.kids("relay") and
         len(d.workers("ready")) == 2, 30, "another worker")
    d.reload()
    wait(lambda: not set(first) & set(d.kids()), 30, "the old workers' end")
    logger = d.kids("logger")
    d.kill(signal.SIGKILL, logger[0])
    wait(lambda: d.kids("logger") not in ([], logger), 30, "another logger")
    d.ctl("upgrade")
    wait(lambda: d.summary()["last_reload"] == "ok" and
         d.summary()["generation"] == 3, 30, "the upgrade")
    assert attempt(d, 4) == 0


# The service

def attempt(d, count=1):
    """Sessions, one after the other; returns how many failed. One that gets
    no answer at all raises TimeoutError."""
    failed = 0
    for _ in range(count):
        try:
            with peers.connect(d.address()) as sock:
                roundtrip(sock)
        except (ConnectionError, EOFError):
            failed += 1
    return failed


def everything(d):
    """Sessions, questions, a reload: most of what a daemon does. Returns how
    many sessions failed."""
    failed = attempt(d, 2)
    d.ctl("show", "workers", check=False)
    d.ctl("reload", check=False)
    failed += attempt(d, 2)
    d.kill(signal.SIGUSR1)
    return failed + attempt(d)


def well(d, pid):
    """The service is whole again."""
    assert d.proc.poll() is None and d.pid == pid, "the master has ended"
    # A moment for a pause to be over; then nothing may fail.
    wait(lambda: attempt(d) == 0, 3, "a session that goes well")
    assert attempt(d, 3) == 0
    assert d.summary()["pid"] == pid


def whole(d):
    wait(lambda: len(d.workers("ready")) == 2 and
         not d.workers("starting", "stuck"), 15, "two workers")
    wait(lambda: d.summary()["sessions"] == 0, 5, "no sessions")
    d.reload()
    wait(lambda: len(d.kids()) == 2, 10, "the old workers' end")
    assert attempt(d, 10) == 0
    assert cpu_ticks_over([d.pid, *d.kids()], 0.5) <= 3
    assert len(d.kids("logger")) == 1


# Function, errors (in turn), in whom, how many calls are looked at (each
# accept(2) that fails is a pause), whether sessions may fail.
RUNNING = [
    ("accept4", "EMFILE ENFILE ENOBUFS ENOMEM", "master", 8, False),
    ("accept4", "ECONNABORTED", "master", 40, False),
    ("sendmsg", "ENOBUFS ENOMEM ETOOMANYREFS", "master", 40, False),
    ("sendmsg", "EAGAIN", "master", 40, False),
    ("socketpair", "EMFILE", "master", 40, False),
    ("fork", "EAGAIN ENOMEM", "master", 40, False),
    ("memfd_create", "EMFILE", "master", 40, False),
    ("mmap", "ENOMEM", "master", 40, False),
    ("mmap", "ENOMEM", "worker", 40, True),
    ("pidfd_open", "EMFILE", "master", 40, False),
    ("epoll_ctl", "ENOSPC ENOMEM", "master", 60, False),
    ("epoll_ctl", "ENOSPC", "worker", 60, True),
    ("socket", "EMFILE", "worker", 40, True),
    ("connect", "EADDRNOTAVAIL", "worker", 40, True),
    ("connect", "ENOBUFS", "worker", 40, True),
    ("sendmsg", "ENOBUFS", "worker", 40, False),
]


@pytest.mark.parametrize("function, errors, who, most, may_fail", RUNNING)
def test_call_of_the_service(daemon, calls, function, errors, who, most,
                             may_fail):
    """Each in turn, until all goes through without it. A worker may lose the
    session that it is about, and no other."""
    d, pid, sessions, failed, hits = daemon, daemon.pid, 0, 0, 0
    errors = errors.split()
    for n in range(most):
        calls.fail(function, errors[n % len(errors)], who, skip=n)
        bad = everything(d)
        hit = calls.off()
        well(d, pid)
        hits += hit
        sessions += 5
        failed += bad
        assert bad <= (hit if may_fail else 0), (n, bad)
        if not hit:
            break
    print(f"{hits} calls failed, {failed} of {sessions} sessions")
    assert hits, "it is never called"
    whole(d)


@pytest.mark.parametrize("remotes", [1, 2])
def test_source_ports_are_used_up(box, echo, calls, remotes):
    """It is said in the log, and is no fault of the remote."""
    d = box.daemon(remotes=[echo] * remotes, env=calls.env,
                   spawnd="servers { min = 1 max = 1 }")
    calls.fail("connect", "EADDRNOTAVAIL", "worker", times=remotes)
    assert peers.turned_away(box, d.address()) == "reset"
    assert calls.off() == remotes
    line, = d.wait_closed()
    assert (line["end"], line["why"]) == ("relay", "error")
    d.wait_line("connect: Cannot assign requested address")
    roundtrip(d.connect()).close()
    for remote in d.remotes().values():
        assert not remote["failed"] and not remote["held"]


def test_source_ports_to_one_remote_are_used_up(box, backend, calls):
    """Another one may be reached."""
    d = box.daemon(remotes=[backend(), backend()], env=calls.env)
    calls.fail("connect", "EADDRNOTAVAIL", "worker")
    roundtrip(d.connect()).close()
    assert calls.off() == 1
    d.wait_line("connect: Cannot assign requested address")


@pytest.mark.parametrize("error", ["ENOPROTOOPT", "EAGAIN"],
                         ids=["not-told", "told-as-none"])
@pytest.mark.parametrize("event", ["epoll", "poll"])
def test_a_backlog_that_nobody_knows(box, echo, calls, event, error):
    """Where a system does not tell how many wait, all are served."""
    box.event = event
    calls.fail("backlog", error, "master", times=1 << 30)
    d = box.daemon(remotes=[echo], env=calls.env)
    roundtrip(d.connect())
    peers.load(box, d.address(), 300, concurrent=20)
    assert calls.off() > 0
    assert cpu_ticks_over([d.pid], 0.3) <= 2


@pytest.mark.parametrize("who", ["master", "worker"])
def test_memory_runs_out(daemon, calls, who):
    """The first allocations of a round one by one, then some of the many
    that a reload makes. Those of libconfuse and of libseccomp are
    spared."""
    d, pid, failed, hits, n, steps = daemon, daemon.pid, 0, 0, 0, 0
    while steps < 250:
        calls.fail("malloc", "ENOMEM", who, skip=n)
        bad = everything(d)
        hit = calls.off()
        well(d, pid)
        assert bad <= hit, (n, bad)
        failed += bad
        hits += hit
        steps += 1
        n += 1 if n < 120 else n // 8
        if not hit:
            break
    print(f"{hits} calls failed, {failed} of {5 * steps} sessions, up to "
          f"call {n}")
    assert hits
    whole(d)


@pytest.mark.parametrize("function, error, who", [
    ("accept4", "EMFILE", "master"), ("sendmsg", "ENOBUFS", "master"),
    ("fork", "EAGAIN", "master"), ("socketpair", "EMFILE", "master"),
    ("epoll_ctl", "ENOSPC", "master"), ("pidfd_open", "EMFILE", "master"),
    ("socket", "EMFILE", "worker"), ("connect", "ENOBUFS", "worker"),
    ("connect", "EADDRNOTAVAIL", "worker"),
    ("epoll_ctl", "ENOSPC", "worker"), ("malloc", "ENOMEM", "worker"),
    ("malloc", "ENOMEM", "master")])
def test_calls_that_go_on_failing(daemon, box, calls, function, error, who):
    """For 1.3 s, with clients that come and ask, a reload, and a worker that
    is to be replaced: about one line a second, no CPU to speak of, and all is
    well when it is over. With the master the sessions that are open go on."""
    d, pid = daemon, daemon.pid
    clients = [roundtrip(d.connect()) for _ in range(4)]
    quiet = len(d.lines("warning") + d.lines("error: "))
    begun = time.monotonic()
    calls.fail(function, error, who, times=1 << 30)
    load = peers.Load(box, d.address(), concurrent=10, rate=100, size=(8, 8))
    kids = d.kids()
    d.kill(signal.SIGHUP, kids[0])
    d.kill(signal.SIGHUP)
    busy = cpu_ticks_over([pid, kids[1]], 1.3)
    hits = calls.off()
    result = load.stop()
    said = len(d.lines("warning") + d.lines("error: ")) - quiet
    lasted = time.monotonic() - begun
    print(f"{hits} calls failed, {busy} ticks, {said} lines in {lasted:.1f} s,"
          f" {result}")
    assert hits
    well(d, pid)
    # A hundred sessions a second cost something too.
    assert busy <= 30, f"{busy} ticks"
    # Of the master and of each worker, those that could not start included.
    assert said <= 10 + 4 * lasted, "too many lines"
    if who == "master":
        assert all(peers.answers(c) for c in clients)
        assert result["failed"] == 0, result
    for client in clients:
        client.close()
    whole(d)


# A worker that is killed when it has got sessions and not yet counted them

@pytest.fixture
def taker(box, echo, calls):
    """A daemon with one worker and one session, of which the next one will be
    in the worker's hand, not taken by its count."""
    d = box.daemon(remotes=[echo], env=calls.env, spawnd="""
        servers { min = 1 max = 1 } watchdog = 0""")
    d.deaths = True
    d.client = roundtrip(d.connect())
    return d


def got(d, calls):
    """One more session, which the worker has got; returns the worker."""
    calls.fail("taken", "EIO", "worker")
    late = d.connect()
    late.sendall(b"late")
    wait(calls.hits, 30, "a message that has come")
    calls.off()
    return d.kids()[0]


def test_killed_with_what_it_has_just_got(taker, calls):
    """What died in its hand is lost, and counted as lost."""
    worker = got(taker, calls)
    os.kill(worker, signal.SIGKILL)
    taker.wait_line(f"worker {worker} died", "with 2 sessions")
    assert not taker.lines("had not taken")


def test_killed_with_what_it_has_just_got_and_more(taker, calls):
    """The others are taken back later, as there are no descriptors for them
    now: then it is known what was lost."""
    worker = got(taker, calls)
    socks = [taker.connect() for _ in range(12)]
    for sock in socks:
        sock.sendall(b"late")
    taker.wait_sessions(14, 30)
    limits = lower(taker.pid, 5)
    os.kill(worker, signal.SIGKILL)
    taker.wait_line(f"worker {worker} died", "with 1 sessions")
    resource.prlimit(taker.pid, resource.RLIMIT_NOFILE, limits)
    assert served(socks) == 12
    taker.wait_line(f"worker {worker}: 12 sessions that it had not taken go")
    taker.wait_line(f"worker {worker}: 1 more sessions are lost with it")


# Signals that the system forbids: root without CAP_KILL, workers as nobody

def test_stop_without_the_right_to_kill(daemon, calls):
    clients = [roundtrip(daemon.connect()) for _ in range(3)]
    calls.fail("kill", "EPERM", "master", times=1 << 30)
    daemon.kill(signal.SIGINT)
    assert daemon.wait_end() == 0
    wait(lambda: daemon.log.count("why=stopped") == 3, 5, "closing lines")
    text = daemon.log
    assert text.count("CAP_KILL") == 1
    assert "are left" not in text
    for client in clients:
        client.close()


def test_stop_of_a_stuck_worker_without_the_right_to_kill(daemon, calls, box):
    """It is left, and the master ends all the same."""
    pids = daemon.kids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    calls.fail("kill", "EPERM", "master", times=1 << 30)
    daemon.kill(signal.SIGINT)
    assert daemon.wait_end() == 0
    wait(lambda: "are left" in daemon.log, 5, "the last lines")
    assert all(alive(pid) for pid in pids)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait(lambda: not any(alive(pid) for pid in pids), 5, "their end")


def test_half_a_message_to_a_worker(daemon, box, calls):
    """There is no sense in what comes behind it: that worker ends, and the
    sessions that were on their way to it go to others."""
    calls.fail("sendmsg", "EPROTO", "master")
    clients = [daemon.connect() for _ in range(20)]
    for client in clients:
        roundtrip(client)
    assert calls.hits() == 1
    daemon.wait(lambda: daemon.lines("has a channel that takes a part only: "
                                     "killed"), 30, "it is told")
    for client in clients:
        client.close()
    assert {c["why"] for c in daemon.wait_closed(20)} == {"fin"}


# Workers that are slow to close what they have

@pytest.fixture
def slow(box, echo, calls):
    """A daemon with 40 sessions, which take eight seconds to close."""
    d = box.daemon(remotes=[echo], env=calls.env, spawnd="""
        servers { min = 1 max = 1 } sandbox = off drain-timeout = 1s
        watchdog = 0""")
    d.clients = [roundtrip(d.connect()) for _ in range(40)]
    d.wait_sessions(40)
    calls.fail("close", "EIO", "worker", times=40)
    return d


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM])
def test_who_still_closes_is_not_killed(slow, calls, signo):
    """The kernel would end its sessions as if all had been well."""
    slow.kill(signo)
    assert slow.wait_end(60) == 0
    assert calls.hits() == 40
    why = "stopped" if signo == signal.SIGINT else "drain-timeout"
    assert {s["why"] for s in slow.wait_closed(40)} == {why}
    assert not slow.lines("killed")


RACING = [("socket", "EMFILE", 3), ("epoll_ctl", "ENOMEM", 8),
          ("malloc", "ENOMEM", 10), ("connect", "ENOBUFS", 3)]


def test_calls_that_fail_while_places_are_tried_side_by_side(
        box, backend, calls):
    """A session that lacks something may fail, and nothing else comes of it:
    all others are served over the family that answers."""
    remote = backend(port=free_port())
    box.closing(peers.Blackhole("::1", remote.port))
    d = box.daemon(env=calls.env, spawnd="servers { min = 1 max = 1 }",
                   relay="balance = first connect-timeout = 10m", remotes=[
                       f'address = "::1, 127.0.0.1" port = {remote.port}'])
    assert attempt(d) == 0
    d.wait_sessions(0)
    fds = harness.fd_count(*d.kids())
    for function, error, most in RACING:
        hits = 0
        for n in range(most):
            calls.fail(function, error, "worker", skip=n)
            failed = attempt(d)
            hit = calls.off()
            hits += hit
            assert failed <= hit, (function, n)
            assert attempt(d) == 0, (function, n)
        assert hits, function
    d.wait_sessions(0)
    assert wait(lambda: harness.fd_count(*d.kids()) == fds)
    assert {(r["active"], r["failed"]) for r in d.show("remotes")} == {(0, 0)}
