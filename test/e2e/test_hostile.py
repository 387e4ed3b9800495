"""A worker with somebody else's code in it that does not do what the channel and
the board are for: it is found out, killed and replaced, and nobody waits for
it."""

import pytest

import peers
from harness import alive, cpu_ticks_over, wait
from peers import roundtrip
from test_start import bad_libexec

WORKER = r'''
import mmap, os, socket, struct, sys, time
channel = socket.socket(fileno=3)
board = mmap.mmap(7, 0)

def count(at, n):           # 0: taken, 8: closed
    board[at:at + 8] = struct.pack("=Q", n)

def take():
    channel.setblocking(True)
    got = socket.recv_fds(channel, 4096, 16)[1]
    count(0, len(got))
    return got

def shut_all():
    channel.shutdown(socket.SHUT_RDWR)

def shut_read():
    channel.shutdown(socket.SHUT_RD)

def shut_write():
    channel.shutdown(socket.SHUT_WR)

def empty():
    channel.send(b"")

def nonsense():
    channel.send(b"nonsense")

def descriptor():
    """The last of one whose close waits for a minute."""
    with socket.socket() as listener, socket.socket() as sock:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sock.connect(listener.getsockname())
        deaf = listener.accept()[0]
        sock.setblocking(False)
        try:
            while True:
                sock.send(bytes(65536))
        except BlockingIOError:
            pass
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 60))
        globals()["kept"] = deaf
        fds = struct.pack("i", sock.fileno())
        try:
            channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                      fds)])
        except PermissionError:         # the kernel does not let it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 0, 0))
            channel.send(b"x")

def closed():
    count(8, 1 << 40)

def taken():
    count(0, 1 << 40)

def backwards():
    kept = take()
    time.sleep(1)
    count(0, 0)
    time.sleep(1000)

channel.send(struct.pack("=HHIi", 3, 1, int(sys.argv[3]), os.getpid()))
while not os.path.exists(sys.argv[5]):
    time.sleep(0.01)
globals()[sys.argv[4]]()
while True:
    time.sleep(1000)
'''


@pytest.fixture
def hostile(box, echo):
    """hostile(NAME, ...): a daemon, the first worker of which is a bad one."""
    def make(name, **parts):
        bad, code = box.dir / "bad", box.dir / "bad.py"
        code.write_text(WORKER)
        bad.touch()
        libexec = bad_libexec(box, "relay", f"""
            if mv {bad} {bad}.taken 2>/dev/null; then
                echo $$ >{box.dir}/pid.new
                mv {box.dir}/pid.new {box.dir}/pid
                exec /usr/bin/env python3 {code} "$@" {name} {bad}.go
            fi
            exec {box.base}/libexec/relay "$@"\n""")
        d = box.daemon(remotes=[echo], libexec=libexec, start=False,
                       sandbox="off", **parts)
        d.deaths = True
        d.start()
        d.bad = int((box.dir / "pid").read_text())
        return d
    return make


@pytest.mark.parametrize("how, why", [
    ("shut_all", "has shut its channel"),
    ("shut_read", "has shut its channel"),
    ("shut_write", "has shut its channel"),
    ("empty", "has shut its channel"),
    ("nonsense", "speaks out of turn"),
    ("descriptor", "speaks out of turn"),
    ("closed", "counts sessions that cannot be"),
    ("taken", "counts sessions that cannot be"),
    ("backwards", "counts sessions that cannot be")])
def test_what_a_worker_must_not_do(hostile, box, how, why):
    d = hostile(how, spawnd="servers { min = 2 max = 2 } watchdog = 0")
    (box.dir / "bad.go").touch()
    socks = [d.connect() for _ in range(4)]

    def found():
        socks.append(d.connect())
        return d.lines(why)

    wait(found, 30, why)
    d.wait_line(f"worker {d.bad} {why}: killed")
    wait(lambda: not alive(d.bad), 30, "its end")
    wait(lambda: len(d.workers("ready")) == 2, 30, "its replacement")
    assert cpu_ticks_over([d.pid], 1) <= 30
    for _ in range(10):
        roundtrip(d.connect()).close()
    for sock in socks:
        sock.close()
    peers.load(box, d.address(), 100)
