"""The two ends of a relay: clients, remotes and load."""

import array
import fcntl
import hashlib
import json
import os
import random
import socket
import struct
import subprocess
import termios
import threading
import time

from harness import PATIENCE, Box, patience, wait

BLOCK = 1 << 18


# Bytes that can be made and checked anywhere

class Pattern:
    """size pseudo-random bytes that depend on seed alone."""

    def __init__(self, seed, size):
        self.seed, self.size = seed, size
        self.base = random.Random(seed).randbytes(min(size, BLOCK))

    def __iter__(self):
        """Blocks; each begins with its number, so none can be swapped."""
        for start in range(0, self.size, BLOCK):
            block = struct.pack(">Q", start) + self.base[8:]
            yield block[:self.size - start]

    def bytes(self):
        return b"".join(self)

    def digest(self):
        sha = hashlib.sha256()
        for block in self:
            sha.update(block)
        return sha.hexdigest()


def send_pattern(sock, pattern):
    for block in pattern:
        sock.sendall(block)


def receive_digest(sock, size):
    """SHA-256 of exactly size bytes; fewer are an error."""
    sha, left = hashlib.sha256(), size
    room = memoryview(bytearray(BLOCK))
    while left:
        got = sock.recv_into(room, min(left, BLOCK))
        if got == 0:
            raise EOFError(f"{left} of {size} bytes are missing")
        sha.update(room[:got])
        left -= got
    return sha.hexdigest()


def exchange(sock, out, expect):
    """Sends the pattern out and receives the pattern expect, both at once."""
    sender = Thread(send_pattern, sock, out)
    try:
        assert receive_digest(sock, expect.size) == expect.digest()
    finally:
        sender.result()


class Thread(threading.Thread):
    """A thread whose result or exception arrives where it is asked for."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.function, self.args = function, args
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.function(*self.args)
        except BaseException as error:
            self.error = error

    def result(self, deadline=60):
        self.join(patience(deadline))
        assert not self.is_alive(), f"{self.function} does not end"
        if self.error:
            raise self.error
        return self.value


# Clients

def connect(address, source=None, rcvbuf=None, nodelay=True):
    """A connected client; address is (host, port) or a path."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
    else:
        v6 = ":" in address[0]
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
        if nodelay:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(PATIENCE)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    if source:
        sock.bind((source, 0))
    try:
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def receive(sock, size):
    """Exactly size bytes."""
    data = bytearray()
    while len(data) < size:
        part = sock.recv(min(size - len(data), BLOCK))
        if not part:
            raise EOFError(f"{size - len(data)} of {size} bytes missing")
        data += part
    return bytes(data)


def receive_all(sock):
    """Everything up to the end of the stream."""
    parts = []
    while part := sock.recv(BLOCK):
        parts.append(part)
    return b"".join(parts)


def roundtrip(sock, token=b"knock knock\n"):
    sock.sendall(token)
    assert receive(sock, len(token)) == token
    return sock


def answers(sock, token=b"still there?\n"):
    """True if the echo comes back, False if the session has ended."""
    try:
        roundtrip(sock, token)
        return True
    except (EOFError, ConnectionError):
        return False


def ended(sock):
    """How the session ended: "fin" or "reset"; waits for it."""
    try:
        while sock.recv(BLOCK):
            pass
        return "fin"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"


def turned_away(box, address, said=b"hello?", **kw):
    """How the relay ended a connection that gets no answer; it may be reset
    before connect(2) has returned, or before all is said."""
    try:
        sock = box.connect(address, **kw)
        sock.sendall(said)
        return ended(sock)
    except ConnectionError:
        return "reset"


def silent(sock, seconds=0.3):
    """True if nothing arrives for so long."""
    sock.settimeout(seconds)
    try:
        sock.recv(1, socket.MSG_PEEK)
        return False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE)


def abort(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def fill(sock, quiet=0.5):
    """Sends until nothing more is taken; returns how much was."""
    sock.settimeout(quiet)
    sent = 0
    try:
        while True:
            sent += sock.send(b"x" * 65536)
    except TimeoutError:
        return sent


def reset_both(d, remote, n):
    """Each of n sessions is full both ways when one end of it is reset, and
    then the other one."""
    for i in range(n):
        client = d.connect()
        server = wait(lambda: remote.conns[i:], 10, "the remote's end")[0]
        for end in client, server:
            fill(end, 0.2)
        for end in (client, server)[::1 if i % 2 else -1]:
            abort(end)
            time.sleep(0.005)
    d.wait_closed(n, 30)


def unsent(sock):
    """Bytes that the peer's kernel has not acknowledged."""
    size = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, size)
    return size[0]


def wait_sent(sock):
    wait(lambda: unsent(sock) == 0, 10, "all bytes acknowledged")


# Servers

def echo(sock):
    while data := sock.recv(65536):
        sock.sendall(data)


class Backend:
    """Accepts, and runs handler(sock) in a thread for each connection. Where
    the port matters at other addresses, too, it is one of free_port()."""

    def __init__(self, handler, host="127.0.0.1", path=None, listen=True,
                 rcvbuf=None, port=0):
        self.handler, self.path, self.host = handler, path, host
        self.conns, self.errors, self.threads = [], [], []
        self.peers = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.family = socket.AF_UNIX if path else family
        self.rcvbuf, self.port, self.up = rcvbuf, port, False
        if not path:
            self.keeper = self._bound()     # nobody else gets the port
            self.port = self.keeper.getsockname()[1]
        if listen:
            self.start()

    def _bound(self):
        sock = socket.socket(self.family)
        if self.rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(str(self.path) if self.path else (self.host, self.port))
        if self.path:
            os.chmod(self.path, 0o666)      # for workers of another user
        return sock

    def start(self):
        """Listens. Before, and after stop(), connecting is refused."""
        self.sock = self._bound()
        self.sock.listen(1024)
        self.up = True
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def stop(self):
        """Listens no more but keeps the port."""
        if self.up:
            self.up = False
            self.sock.shutdown(socket.SHUT_RDWR)
            self.thread.join()
            self.sock.close()
            if self.path:
                os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                conn, peer = self.sock.accept()
            except OSError:
                return
            conn.settimeout(PATIENCE)
            if not self.path:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers.append(peer)
            self.conns.append(conn)
            thread = threading.Thread(target=self._serve, args=(conn,),
                                      daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, conn):
        try:
            self.handler(conn)
        except (OSError, EOFError):
            pass
        except BaseException as error:
            self.errors.append(error)
        if self.handler is not hold:
            conn.close()

    def conf(self, more=""):
        if self.path:
            return f'path = "{self.path}" {more}'
        return f'address = "{self.host}" port = {self.port} {more}'

    def close(self):
        self.stop()
        if not self.path:
            self.keeper.close()
        for conn in self.conns:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(PATIENCE)
        for conn in self.conns:
            conn.close()
        if self.errors:
            raise self.errors[0]


def hold(sock):
    """The handler that leaves the connection to the test (Backend.conns)."""


class Blackhole:
    """Neither answers nor refuses: its accept queue is full."""

    def __init__(self, host="127.0.0.1", port=0):
        self.host = host
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(self.family)
        self.sock.bind((host, port))
        self.sock.listen(0)
        self.port = self.sock.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket(self.family)
            filler.setblocking(False)
            filler.connect_ex((host, self.port))
            self.fillers.append(filler)
        wait(self._full, 5, "a full accept queue")

    def _full(self):
        probe = socket.socket(self.family)
        probe.settimeout(0.1)
        try:
            probe.connect((self.host, self.port))
        except TimeoutError:
            return True
        finally:
            self.fillers.append(probe)
        return False

    def answer(self):
        """Accepts, when it is tried next; returns the connection of who has
        not made those that fill it."""
        ours = {filler.getsockname() for filler in self.fillers}
        self.sock.settimeout(PATIENCE)
        while True:
            conn, peer = self.sock.accept()
            if peer not in ours:
                return conn
            self.fillers.append(conn)

    def conf(self, more=""):
        return f'address = "{self.host}" port = {self.port} {more}'

    def close(self):
        for filler in self.fillers:
            filler.close()
        self.sock.close()


class EchoServer:
    """Echoes in a process of its own, at several ports."""

    def __init__(self, count=1, host="127.0.0.1"):
        self.host = host
        self.proc = subprocess.Popen(
            [str(Box.peer), "echo"] + [host, "0"] * count,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = [int(self.proc.stdout.readline())
                      for _ in range(count)]
        self.port = self.ports[0]

    def conf(self, more="", which=0):
        return f'address = "{self.host}" port = {self.ports[which]} {more}'

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(PATIENCE)
        self.proc.stdout.close()


class Load:
    """Short sessions, many at a time; counts what went right and wrong."""

    def __init__(self, box, address, concurrent=16, total=0, rate=0, seed=1,
                 size=(16, 64), spread=0, patience=30):
        host, port = ("unix", address) if isinstance(address, str) \
            else address
        argv = [Box.peer, "load", "-c", concurrent, "-n", total, "-r", rate,
                "-s", seed, "-m", size[0], "-M", size[1], "-b", spread, "-w",
                max(patience, PATIENCE) * 1000, host, port]
        self.started = time.monotonic()
        self.proc = box.spawn(argv, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)

    def running(self):
        return self.proc.poll() is None

    def stop(self, served=0):
        """Ends it when so many sessions have gone well, and lets what is open
        finish; returns the result. What is to be seen under load may be over
        sooner than the load is one."""
        self.proc.stdin.write(str(served))
        self.proc.stdin.close()
        result = self.result()
        assert result["ok"] >= served, result
        return result

    def result(self, deadline=90):
        self.proc.wait(patience(deadline))
        return json.loads(self.proc.stdout.read())


def load(box, address, total, **kw):
    """So many sessions, which must all go well."""
    result = Load(box, address, total=total, **kw).result()
    assert result["failed"] == 0 and result["ok"] == total, result
    return result
