"""The log when it cannot be written: sessions never notice, what is lost is
counted, and what can be written again is."""

import ctypes
import os
import re
import signal
import socket
import stat
import threading
import time

import pytest

import peers
from harness import LATE, LINE, SESSION, SLOW, STAMPED, alive, wait
from peers import roundtrip

NOT_WRITTEN = re.compile(r"(\d+) lines could not be written")
NOT_SENT = re.compile(r"(\d+) log lines were dropped")

needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="mounts in a namespace of its own")


def mount(source, target, kind, flags=0, data=None):
    args = [a.encode() if isinstance(a, str) else a
            for a in (source, str(target), kind)]
    if ctypes.CDLL(None).mount(*args, flags, data) != 0:
        raise OSError(f"mount {target}")


def own_mounts():
    """For preexec: what is mounted from here on is seen by nobody else."""
    CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        raise OSError("unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def closing(text):
    """The closing lines in it, whole ones."""
    found = [LINE.match(line) for line in text.splitlines()]
    return [m.group(3) for m in found if m and SESSION.match(m.group(3))]


def missing(text, pattern):
    return sum(int(m.group(1)) for m in pattern.finditer(text))


def assert_whole(text):
    bad = [line for line in text.splitlines() if not STAMPED.match(line)]
    assert not bad, bad[:3]
    bad = [line for line in text.splitlines() if " listener=" in line and
           not SESSION.match(LINE.match(line).group(3))]
    assert not bad, bad[:3]


# A disk that is full

@needs_root
def test_full_disk(daemon, echo, box):
    """A tiny file system that fills up, and is emptied later."""
    tiny = box.dir / "tiny"
    tiny.mkdir()

    def preexec():
        own_mounts()
        mount("tmpfs", tiny, "tmpfs", 0, b"size=128k")
        with open(tiny / "filler", "wb") as filler:
            filler.write(bytes(80 << 10))

    d = daemon(remotes=[echo], preexec=preexec,
               spawnd=f'log {{ to = "{tiny}/own.log" }}')
    inside = f"/proc/{d.pid}/root{tiny}"
    log = d.logfile = type(tiny)(f"{inside}/own.log")
    long = [roundtrip(d.connect()) for _ in range(10)]
    peers.load(box, d.address(), 1000, concurrent=20)
    wait(lambda: d.summary()["sessions"] == 10, 5, "10 sessions")
    wait(lambda: os.statvfs(inside).f_bfree == 0, 30, "a full disk")
    assert all(peers.answers(c) for c in long)
    d.reload()
    roundtrip(d.connect()).close()
    d.wait_sessions(10)
    os.unlink(f"{inside}/filler")
    for count in range(1, 4):
        roundtrip(d.connect()).close()
        wait(lambda: missing(log.read_text(), NOT_WRITTEN), 5,
             "the number of what is missing")
    d.wait_sessions(10)
    text = wait(lambda: (lambda t: t if len(closing(t)) +
                missing(t, NOT_WRITTEN) >= 1004 else None)(log.read_text()),
                5, "each session written or counted")
    assert_whole(text)
    others = len([l for l in text.splitlines() if "session=" not in l])
    # What is neither a closing line nor counted is not there.
    assert len(closing(text)) + missing(text, NOT_WRITTEN) <= 1004 + 10, \
        others
    assert all(peers.answers(c) for c in long)
    d.wait_sessions(10)
    del d.logfile
    d.logfile = None


# A FIFO

def read_all(fd):
    data = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except BlockingIOError:
            return data.decode()
        if not part:
            return data.decode()
        data += part


def test_fifo_without_a_reader(daemon, echo, box):
    """The start and the sessions do not wait for one; when it comes, the log
    can be opened again."""
    path = box.dir / "fifo"
    os.mkfifo(path)
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{path}" }}')
    peers.load(box, d.address(), 300)
    d.reload()
    d.wait_sessions(0)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    d.kill(signal.SIGUSR1)
    text = ""

    def arrived():
        nonlocal text
        roundtrip(d.connect()).close()
        text += read_all(fd)
        return closing(text)

    wait(arrived, 5, "lines in the FIFO")
    os.close(fd)
    peers.load(box, d.address(), 100)
    assert len(d.kids("logger")) == 1
    # And a reader that comes back is served again.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    text = ""
    wait(arrived, 5, "lines in the FIFO again")
    assert_whole(text)
    os.close(fd)


def test_fifo_whose_reader_stops(daemon, echo, box):
    path = box.dir / "fifo"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{path}" }}')
    peers.load(box, d.address(), 2000, concurrent=20)
    d.wait_sessions(0)
    text = ""

    def counted():
        nonlocal text
        roundtrip(d.connect()).close()
        text += read_all(fd)
        return missing(text, NOT_WRITTEN)

    wait(counted, 5, "the number of what is missing")
    text += read_all(fd)
    assert_whole(text)
    total = d.summary()["sessions_total"]
    wait(lambda: len(closing(text)) + missing(text, NOT_WRITTEN) >= total or
         counted() and False, 2, "each session written or counted")
    os.close(fd)


# syslog

@pytest.fixture
def dev(box):
    """For preexec: a /dev with the files that a daemon needs, and a log that
    points to box.dir/keeplog."""
    def preexec():
        own_mounts()
        mount("tmpfs", "/dev", "tmpfs", 0, b"size=64k,mode=755")
        for name, minor in (("null", 3), ("zero", 5), ("full", 7),
                            ("random", 8), ("urandom", 9)):
            os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666,
                     os.makedev(1, minor))
        os.symlink(box.dir / "keeplog", "/dev/log")
    return preexec


class Syslogd:
    """Reads datagrams while it is on."""

    def __init__(self, box):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(box.dir / "keeplog"))
        # As a real one: the logger need not be root.
        os.chmod(box.dir / "keeplog", 0o666)
        self.sock.settimeout(0.05)
        self.lines, self.on, self.over = [], threading.Event(), False
        self.on.set()
        self.thread = peers.Thread(self.run)

    def run(self):
        while not self.over:
            if not self.on.wait(0.05):
                continue
            try:
                self.lines.append(self.sock.recv(65536).decode())
            except TimeoutError:
                pass

    def text(self):
        return "\n".join(self.lines)

    def close(self):
        self.over = True
        self.on.set()
        self.thread.result()
        self.sock.close()


SYSLOG = "log { to = syslog }"


@needs_root
def test_syslog(daemon, echo, box, dev):
    """What comes to syslogd is what is written to a file."""
    log = box.closing(Syslogd(box))
    d = daemon(remotes=[echo], spawnd=SYSLOG, preexec=dev)
    peers.load(box, d.address(), 500, concurrent=20)
    wait(lambda: log.text().count(" why=") == 500, 5, "500 lines")
    ready, = [l for l in log.lines if re.search(r"ready: \d workers", l)]
    # Facility daemon (3), level info (6).
    assert re.match(rf"<30>.* spawnd\[{d.pid}\]: ready: ", ready), ready
    closed, = {re.sub(r"\[\d+\].*", "", re.sub(r"^<30>.{15} ", "", l))
               for l in log.lines if " why=" in l}
    assert closed == "relay" or closed == "spawnd", closed


@needs_root
def test_syslog_without_syslogd(daemon, echo, box, dev):
    """Nobody waits for it, and it is found when it comes."""
    d = daemon(remotes=[echo], spawnd=SYSLOG, preexec=dev)
    peers.load(box, d.address(), 500, concurrent=20)
    d.reload()
    d.wait_sessions(0)
    log = box.closing(Syslogd(box))

    def arrived():
        roundtrip(d.connect()).close()
        return " why=" in log.text()

    wait(arrived, 5, "lines at syslogd")
    # A new one in its place, as after its restart.
    log.close()
    box.closers.remove(log)
    os.unlink(box.dir / "keeplog")
    peers.load(box, d.address(), 100)
    log = box.closing(Syslogd(box))
    wait(arrived, 5, "lines at the next syslogd")


@needs_root
def test_syslogd_that_hangs(daemon, echo, box, dev):
    """The logger waits for it and nobody else does; what finds no room is
    counted."""
    log = box.closing(Syslogd(box))
    d = daemon(remotes=[echo], spawnd=SYSLOG, preexec=dev)
    client = roundtrip(d.connect())
    log.on.clear()
    begun = time.monotonic()
    peers.load(box, d.address(), 5000, concurrent=20)
    print(f"5000 sessions in {time.monotonic() - begun:.1f} s")
    d.reload()
    assert peers.answers(client)
    roundtrip(d.connect()).close()
    d.wait_sessions(1)
    dropped = d.summary()["dropped_logs"]
    assert dropped > 0, "the logger never had to wait"
    log.on.set()
    wait(lambda: log.text().count(" why=") + d.summary()["dropped_logs"] >=
         5001, 10, "each line there or counted")
    mine = f" client=127.0.0.1:{client.getsockname()[1]} "
    client.close()
    wait(lambda: mine in log.text(), 5, "the log goes on")


@needs_root
def test_the_end_while_syslogd_hangs(daemon, echo, box, dev):
    log = box.closing(Syslogd(box))
    d = daemon(remotes=[echo], spawnd=SYSLOG, preexec=dev)
    log.on.clear()
    peers.load(box, d.address(), 3000, concurrent=20)
    d.wait_sessions(0)
    logger, = d.kids("logger")
    d.kill(signal.SIGTERM)
    assert d.wait_end(5) == 0
    log.on.set()
    wait(lambda: not alive(logger), 5, "the logger's end")


# The logger

def test_logger_killed_under_load(daemon, echo, box):
    """Again and again: nobody waits, and no more is lost than what it had in
    its hands."""
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    d.logfile = log
    load = peers.Load(box, d.address(), concurrent=10, rate=300 // SLOW,
                      spread=50)
    for _ in range(2):
        victim, = wait(lambda: d.kids("logger"), 5, "a logger")
        seen = log.read_text().count(" why=")
        d.kill(signal.SIGKILL, victim)
        wait(lambda: d.kids("logger") not in ([], [victim]), 5, "a new one")
        wait(lambda: log.read_text().count(" why=") > seen + 50, 10,
             "lines that it writes")
    result = load.stop()
    assert result["failed"] == 0 and result["slowest_ms"] < LATE * 1000, \
        result
    d.wait_sessions(0)
    wait(lambda: len(closing(log.read_text())) +
         d.summary()["dropped_logs"] >= result["ok"] - 20, 5,
         "nearly all lines")
    print(f"{result['ok']} sessions, {len(closing(log.read_text()))} lines")
    ids = [m["session"] for m in d.closed()]
    assert len(set(ids)) == len(ids)


def test_logger_that_cannot_start(daemon, echo, box):
    """It is tried again, a second apart, and sessions go on."""
    from test_start import bad_libexec
    log = box.dir / "own.log"
    libexec = bad_libexec(box, "logger", f"""
        [ ! -e {box.dir}/bad ] || {{ date >>{box.dir}/tries; exit 1; }}
        exec {box.base}/libexec/logger "$@"\n""")
    d = daemon(remotes=[echo], libexec=libexec,
               spawnd=f'log {{ to = "{log}" }}')
    (box.dir / "bad").touch()
    begun = time.monotonic()
    d.kill(signal.SIGKILL, d.kids("logger")[0])
    tries = box.dir / "tries"
    wait(tries.exists, 5, "the first try")
    peers.load(box, d.address(), 300)
    d.reload()
    since = time.monotonic() - begun
    assert len(tries.read_text().splitlines()) <= 2 + since, "one a second"
    (box.dir / "bad").unlink()
    d.wait_sessions(0)
    wait(lambda: len(closing(log.read_text())) == 300, 5,
         "the lines that waited")


# Rotation

@pytest.mark.parametrize("how", ["USR1", "HUP"])
def test_rotation_under_load(daemon, echo, box, how):
    """Renamed and told so, time and again: each line is in one file."""
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    load = peers.Load(box, d.address(), concurrent=10, rate=600 // SLOW,
                      spread=50)
    files = [box.dir / f"old.{i}" for i in range(6)]
    for old in files:
        wait(lambda: " why=" in log.read_text(), 5, "a line")
        log.rename(old)
        if how == "HUP":
            d.ctl("reload")
        else:
            d.kill(signal.SIGUSR1)
        wait(log.exists, 5, "the new file")
    result = load.stop()
    assert result["failed"] == 0
    d.wait_sessions(0)
    files.append(log)

    def found():
        return sum(len(closing(f.read_text())) for f in files)

    wait(lambda: found() >= result["ok"], 5, "all lines")
    assert found() == result["ok"]
    for file in files:
        assert_whole(file.read_text())
    assert d.summary()["dropped_logs"] == 0


def test_rotation_into_a_folder_that_is_gone(daemon, echo, box):
    """The file in use is better than none."""
    folder = box.dir / "logs"
    folder.mkdir()
    log = folder / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    roundtrip(d.connect()).close()
    wait(lambda: closing(log.read_text()), 5, "the logger's first line")
    folder.rename(box.dir / "moved")
    d.kill(signal.SIGUSR1)
    moved = box.dir / "moved" / "own.log"

    def arrived():
        roundtrip(d.connect()).close()
        return len(closing(moved.read_text())) >= 4

    wait(arrived, 5, "lines in the file in use")
    folder.mkdir()
    d.kill(signal.SIGUSR1)
    wait(log.exists, 5, "the new file")
    roundtrip(d.connect()).close()
    wait(lambda: closing(log.read_text()), 5, "a line in it")


def test_another_target_under_load(daemon, echo, box):
    """A reload from file to file: each line is in one of them."""
    files = [box.dir / f"{name}.log" for name in ("one", "two", "three")]
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{files[0]}" }}')
    load = peers.Load(box, d.address(), concurrent=10, rate=600 // SLOW,
                      spread=50)
    for file in [*files[1:], *files]:
        d.reload(spawnd=f'log {{ to = "{file}" }}')
        seen = file.read_text().count(" why=") if file.exists() else 0
        wait(lambda: file.exists() and
             file.read_text().count(" why=") > seen, 5, "a line")
    result = load.stop()
    assert result["failed"] == 0
    d.wait_sessions(0)
    wait(lambda: sum(len(closing(f.read_text())) for f in files) ==
         result["ok"], 5, "each line once")
    wait(lambda: len(d.kids("logger")) == 1, 5, "the others' end")


def test_a_logger_that_hangs_is_left_when_it_is_replaced(daemon, echo, box):
    """The next one writes to the other file, and nobody waits."""
    first, second = box.dir / "first.log", box.dir / "second.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{first}" }}')
    d.logfile = second
    roundtrip(d.connect()).close()
    wait(lambda: closing(first.read_text()), 30, "a line")
    logger, = d.kids("logger")
    d.kill(signal.SIGSTOP, logger)
    try:
        d.reload(spawnd=f'log {{ to = "{second}" }}')

        def followed():
            roundtrip(d.connect()).close()
            return second.exists() and closing(second.read_text())

        wait(followed, 30, "a line in the other file", 0.1)
    finally:
        d.kill(signal.SIGCONT, logger)
    wait(lambda: not alive(logger), 30, "its end")
