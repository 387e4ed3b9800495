"""Where lines of the log go, and what is made of those that come in."""

import os
import re
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest

import harness
from harness import HERE, Box, wait
from peers import roundtrip

STAMP = re.compile(rf"^{harness.STAMP} ")
# What the logger wants to hear from the master.
VERSION = re.search(r"PROTO_VERSION\s+(\d+)",
                    (HERE.parents[1] / "common/proto.h").read_text())[1]


def start(box, echo, to, args=(), **kw):
    """A daemon whose standard output and error are files of their own."""
    out, err = box.dir / "own.out", box.dir / "own.err"
    addrs = box.dir / "own.addrs"
    conf = box.conf("own", remotes=[echo],
                    spawnd=f'log {{ to = "{to}" }}' if to else "")
    with open(out, "ab") as stdout, open(err, "ab") as stderr:
        program = Box.programs["single" if box.single else "spawnd"]
        proc = box.spawn([program, "-A", addrs, *args, conf.path],
                         stdin=subprocess.DEVNULL,
                         stdout=kw.pop("stdout", stdout),
                         stderr=kw.pop("stderr", stderr),
                         env={**box.environment(), **kw.pop("env", {})}, **kw)
    wait(lambda: addrs.exists() or proc.poll() is not None, 30, "the start")
    return proc, out, err, addrs


def session(box, addrs):
    at, port = addrs.read_text().split()[1].rsplit(":", 1)
    roundtrip(box.connect((at, int(port)))).close()


# Names of the standard descriptors

@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1",
                                  "/proc/self/fd/1", "link"])
def test_standard_output(box, echo, name):
    if name == "link":
        name = box.dir / "link"
        name.symlink_to("/dev/stdout")
    proc, out, err, addrs = start(box, echo, name)
    assert addrs.exists(), err.read_text()
    session(box, addrs)
    wait(lambda: " why=" in out.read_text(), 30, "the line of the session")
    assert "ready: " in out.read_text()
    proc.send_signal(signal.SIGHUP)
    wait(lambda: "reload: done" in out.read_text(), 30, "the reload")
    assert err.read_text() == ""


def test_standard_output_that_is_a_socket(box, echo):
    """It cannot be opened by name, as it is under some supervisors."""
    ours, theirs = socket.socketpair()
    box.sockets.append(ours)
    with theirs:
        proc, out, err, addrs = start(box, echo, "/dev/stdout", stdout=theirs)
    assert addrs.exists(), err.read_text()
    ours.settimeout(30)
    got = b""
    while b"ready: " not in got:
        more = ours.recv(65536)
        assert more, got
        got += more


def test_addresses_to_a_pipe_that_nobody_reads(box, echo):
    """They do not hold up the service."""
    conf = box.conf("own", remotes=[echo])
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        while True:
            os.write(writes, bytes(512))
    except BlockingIOError:
        os.set_blocking(writes, True)
    err = box.dir / "own.err"
    with open(err, "ab") as stderr:
        proc = box.spawn([Box.programs["spawnd"], "-f", "-A", "/dev/stdout",
                          conf.path], stdout=writes, stderr=stderr,
                         env=box.environment())
    os.close(writes)
    wait(lambda: "warning: /dev/stdout: " in err.read_text(), 30,
         "what it says of it")
    subprocess.run([Box.programs["spawnctl"], "-s", conf.control, "show",
                    "summary"],
                   check=True, stdout=subprocess.DEVNULL, timeout=30)
    proc.send_signal(signal.SIGTERM)
    assert proc.wait(30) == 0
    os.close(reads)


def test_standard_error_by_name(box, echo):
    proc, out, err, addrs = start(box, echo, "/dev/stderr")
    session(box, addrs)
    wait(lambda: " why=" in err.read_text(), 30, "the line of the session")
    assert out.read_text() == ""


def test_other_descriptors_are_refused(box, echo):
    """They are closed at the start: the number is another thing's, or
    nothing's."""
    proc, out, err, addrs = start(box, echo, "/dev/fd/3")
    assert proc.wait(30) == 1
    assert "/dev/fd/3" in err.read_text()


def test_standard_output_is_refused_in_the_background(box, echo):
    proc, out, err, addrs = start(box, echo, "/dev/stdout", ["-b"])
    assert proc.wait(30) == 1
    assert "/dev/stdout" in err.read_text()
    assert "background" in err.read_text()


@pytest.mark.parametrize("kind", ["socket", "folder"])
def test_what_is_no_file_is_refused(box, echo, kind):
    path = box.dir / "keepname"
    if kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    proc, out, err, addrs = start(box, echo, path)
    assert proc.wait(30) == 1
    assert str(path) in err.read_text()


# The journal

def journal(path):
    stat = os.stat(path)
    return {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}


def test_journal_gets_levels_and_no_time(box, echo):
    err = box.dir / "own.err"
    err.touch()
    proc, out, err, addrs = start(box, echo, None, env=journal(err))
    session(box, addrs)
    wait(lambda: " why=" in err.read_text(), 30, "the line of the session")
    proc.send_signal(signal.SIGHUP)
    lines = err.read_text().splitlines()
    assert all(re.match(r"<[3-7]>\w+\[\d+\]: ", line) for line in lines), lines
    (box.dir / "own.conf").write_text("nonsense")
    proc.send_signal(signal.SIGHUP)
    wait(lambda: "reload: failed" in err.read_text(), 30, "the failure")
    assert re.search(r"(?m)^<4>spawnd\[\d+\]: warning: reload: failed",
                     err.read_text())


def test_journal_is_told_why_a_start_failed(box, echo):
    err = box.dir / "own.err"
    err.touch()
    proc, out, err, addrs = start(box, echo, box.dir / "none" / "own.log",
                                  env=journal(err))
    assert proc.wait(30) == 1
    assert err.read_text().startswith("<3>")


def test_journal_is_told_of_mistakes(box):
    """As the unit's check before the start writes them."""
    conf, err = box.dir / "own.conf", box.dir / "own.err"
    conf.write_text("spawnd { listen web { prot = 1 } }\nnonsense = 2\n")
    with open(err, "ab") as stderr:
        proc = box.spawn([Box.programs["spawnd"], "-n", conf], stderr=stderr,
                         env={**box.environment(), **journal(err)})
        assert proc.wait(30) == 1
    lines = err.read_text().splitlines()
    assert lines and all(line.startswith(f"<3>{conf}") for line in lines)


def test_journal_of_another_stream(box, echo):
    proc, out, err, addrs = start(box, echo, None, env=journal("/dev/null"))
    wait(lambda: "ready: " in err.read_text(), 30, "a line")
    assert all(STAMP.match(line) for line in err.read_text().splitlines())


# Files

def test_limit_of_a_file_is_a_full_disk(daemon, echo, box):
    """What is lost is counted, nobody dies, and a new file makes it good."""
    log = box.dir / "own.log"
    size = 64 << 20
    with open(log, "wb") as file:
        file.truncate(size)

    def preexec():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    d = daemon(remotes=[echo], preexec=preexec,
               spawnd=f'log {{ to = "{log}" }}')
    logger = wait(lambda: d.kids("logger"), 30, "the logger")
    for _ in range(5):
        roundtrip(d.connect()).close()
    d.wait_sessions(0)
    log.rename(box.dir / "own.log.1")
    d.kill(signal.SIGUSR1)
    wait(log.exists, 30, "the new file")

    def told():
        roundtrip(d.connect()).close()
        return "could not be written" in log.read_text()

    wait(told, 30, "how many lines are missing")
    assert d.kids("logger") == logger


@pytest.mark.parametrize("how", ["gone", "another"])
def test_rotation_without_a_word(daemon, echo, box, how):
    """The name is looked at while lines are written."""
    log, old = box.dir / "own.log", box.dir / "own.log.1"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    for _ in range(2):
        log.rename(old)
        if how == "another":
            log.touch()

        def followed():
            roundtrip(d.connect()).close()
            return log.exists() and " why=" in log.read_text()

        wait(followed, 30, "a line in the new file", 0.1)


def test_file_that_cannot_be_opened_anew(daemon, echo, box):
    """The one in use is kept, and says so once."""
    folder = box.dir / "logs"
    folder.mkdir()
    log = folder / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    moved = box.dir / "moved"
    folder.rename(moved)
    log = moved / "own.log"

    def said():
        roundtrip(d.connect()).close()
        return log.read_text().count("cannot be opened")

    wait(said, 30, "the reason", 0.1)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert said() == 1
        time.sleep(0.1)


# What comes in

def pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Logger:
    """The program itself, with the channel that the master has, and that of
    a worker 4711."""

    def __init__(self, box, before=lambda sock: None, **env):
        self.out = box.dir / "logger.err"
        self.master, theirs = pair()
        self.writers = []
        self.sock = self.writer(4711, before)
        with theirs, open(self.out, "ab") as out:
            fd = theirs.fileno()
            how = "2" if box.sandbox == "off" else "0"
            self.proc = box.spawn([Box.programs["logger"], VERSION, how, "",
                                   "0", "0", "stderr", "8", "7", "1", "0",
                                   "1000000000", "0", "0", ""],
                                  stderr=out, close_fds=False,
                                  env=dict(os.environ, **env),
                                  preexec_fn=lambda: os.dup2(fd, 3))

    def writer(self, pid, before=lambda sock: None, worker=True):
        """Another one, its end of the channel."""
        ours, theirs = pair()
        before(ours)
        self.writers.append(ours)
        with theirs:
            socket.send_fds(self.master, [struct.pack(
                "=HHIIi", 7, 1, len(self.writers), worker, pid)],
                [theirs.fileno()])
        return ours

    def finish(self):
        self.master.send(struct.pack("=HHI", 11, 1, 0))

    def ended(self):
        """The number of the next writer that it gives back."""
        self.master.settimeout(30)
        kind, count, number = struct.unpack("=HHI", self.master.recv(100))
        assert (kind, count) == (8, 1)
        return number

    def close(self):
        for sock in self.writers + [self.master]:
            sock.close()
        assert self.proc.wait(30) == 0

    def wait(self, text):
        return wait(lambda: next((line for line in
                                  self.out.read_text().splitlines()
                                  if text in line), None), 30, text)


@pytest.fixture
def logger(box):
    logger = box.closing(Logger(box))
    logger.sock.send(b"<6>begin")
    logger.wait("begin")
    return logger


@pytest.fixture
def lingering():
    """lingering(): a socket whose close waits for a minute."""
    deaf = []

    def make():
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            sock = socket.create_connection(listener.getsockname())
            deaf.append(listener.accept()[0])
        sock.setblocking(False)
        try:
            while True:
                sock.send(bytes(65536))
        except BlockingIOError:
            pass
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 60))
        return sock
    yield make
    for sock in deaf:
        sock.close()


def send_away(writer, make, count):
    """The only ones there are; False if the kernel does not let it."""
    socks = [make() for _ in range(count)]
    try:
        socket.send_fds(writer, [b"<6>take this"],
                        [sock.fileno() for sock in socks])
    except PermissionError:
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 0, 0))
        return False
    finally:
        for sock in socks:
            sock.close()
    return True


@pytest.mark.parametrize("count", [1, 20])
def test_a_descriptor_does_not_stop_it(box, lingering, count):
    """Sent before it is there, so that it cannot keep them off."""
    begun = time.monotonic()
    logger = box.closing(Logger(
        box, lambda sock: send_away(sock, lingering, count)))
    logger.wait("take this")
    send_away(logger.sock, lingering, count)
    logger.sock.send(b"<6>after that")
    logger.wait("after that")
    assert time.monotonic() - begun < 40


def test_empty_packets_end_nothing(logger):
    for _ in range(3):
        logger.sock.send(b"")
        logger.sock.send(b"<6>more")
        logger.sock.send(b"")
    logger.sock.send(b"<6>the last")
    logger.wait("the last")
    assert logger.proc.poll() is None


def test_it_knows_who_writes(logger):
    """Whatever they say of themselves."""
    master = logger.writer(17, worker=False)
    logger.sock.send(b"<6>claimed")
    assert STAMP.sub("", logger.wait("claimed")) == "relay[4711]: claimed"
    logger.sock.send(b"<4>spawnd[17]: warning: one: two[3]: x")
    assert STAMP.sub("", logger.wait("one")) == \
        "relay[4711]: spawnd[17]: warning: one: two[3]: x"
    master.send(b"<6>mine")
    assert STAMP.sub("", logger.wait("mine")) == "spawnd[17]: mine"


def test_lines_cannot_be_forged(logger):
    logger.sock.send(b"<6>a\nb\x1b[2J\x00\x7f \xc2\x9b \xff \xc3\xbc end")
    assert logger.wait(" end").endswith("a?b?[2J?? ?? ? \u00fc end")
    logger.sock.send(b"<9>level")
    assert "<9>level" in logger.wait("level")


@pytest.mark.parametrize("how", ["shutdown", "close"])
def test_the_end_of_one_is_not_that_of_others(logger, how):
    other = logger.writer(4712)
    logger.sock.send(b"<6>the last of it")
    if how == "shutdown":
        logger.sock.shutdown(socket.SHUT_RDWR)
    else:
        logger.sock.close()
    assert logger.ended() == 1
    logger.wait("the last of it")
    other.send(b"<6>goes on")
    assert STAMP.sub("", logger.wait("goes on")) == "relay[4712]: goes on"


def test_lines_of_one_stay_in_order_and_are_all_there(logger):
    """Beside many others, and when it is told to end."""
    socks = [logger.sock] + [logger.writer(5000 + i) for i in range(200)]
    for i in range(100):
        for sock in socks:
            sock.send(b"<6>line %d" % i)
    logger.finish()
    assert logger.proc.wait(30) == 0
    found = {}
    for line in logger.out.read_text().splitlines():
        who, text = STAMP.sub("", line).split(": ", 1)
        if text.startswith("line "):
            found.setdefault(who, []).append(text)
    assert len(found) == len(socks)
    want = [f"line {i}" for i in range(100)]
    assert all(lines == want for lines in found.values())
    logger.close = lambda: None


def test_what_it_has_no_descriptor_for_is_given_back(box):
    logger = box.closing(Logger(box))
    logger.sock.send(b"<6>begin")
    logger.wait("begin")
    limit = logger.proc.pid, resource.RLIMIT_NOFILE
    before = resource.prlimit(*limit)
    resource.prlimit(*limit, (3, before[1]))
    logger.writer(1)
    assert logger.ended() == 2
    resource.prlimit(*limit, before)
    logger.sock.send(b"<6>goes on")
    logger.wait("goes on")


def test_one_cannot_fill_the_disk(logger):
    """Another is heard meanwhile, and how much is missing is told."""
    line = b"<6>" + b"x" * 2000
    other = logger.writer(4712)
    for _ in range(5):
        before = logger.out.stat().st_size
        start = time.monotonic()
        for _ in range((48 << 20) // len(line)):
            logger.sock.send(line)
        if time.monotonic() - start < 1:
            break
    else:
        pytest.skip("48 MiB take more than a second here")
    other.send(b"<6>heard")
    logger.wait("relay[4712]: heard")
    logger.wait("lines could not be written")
    # A second and a part of another.
    assert logger.out.stat().st_size - before < 40 << 20


def test_one_that_never_stops_does_not_keep_others_off(logger):
    """Nor the end."""
    other = logger.writer(4712)
    flood = subprocess.Popen(
        ["python3", "-c", "import socket, sys\n"
         "sock = socket.socket(fileno=int(sys.argv[1]))\n"
         "while True: sock.send(b'<6>' + b'x' * 100)",
         str(logger.sock.fileno())], pass_fds=[logger.sock.fileno()],
        stderr=subprocess.DEVNULL)
    try:
        logger.wait("xxx")
        for i in range(20):
            other.send(b"<6>heard %d." % i)
            logger.wait(f"relay[4712]: heard {i}.")
        logger.finish()
        assert logger.proc.wait(60) == 0
    finally:
        flood.kill()
        flood.wait()
    logger.close = lambda: None
