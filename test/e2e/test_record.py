"""Sessions that are recorded as captures, and dumped."""

import collections
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import peers
from harness import certificate, has_tls, patience, wait
from peers import abort, connect, receive, receive_all, roundtrip

SYN, FIN, RST, ACK = 2, 1, 4, 16
LISTEN = 'address = "127.0.0.1" port = 0 '
SESSIONS = 200

Packet = collections.namedtuple(
    "Packet", "number side source to seq ack flags size data comment")


def blocks(data):
    """The whole blocks of a pcapng file, or of its beginning."""
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("=II", data, at)
        assert size % 4 == 0 and size >= 12
        if at + size > len(data):
            return
        assert struct.unpack_from("=I", data, at + size - 4)[0] == size
        yield kind, data[at + 8:at + size - 4]
        at += size


def packets(data):
    for number, (kind, body) in enumerate(blocks(data)):
        if kind != 6:
            assert kind == (0x0a0d0d0a if number == 0 else 1)
            continue
        side, high, low, kept, size = struct.unpack_from("=IIIII", body)
        seconds = ((high << 32) + low) / 1e6
        assert abs(seconds - time.time()) < 600
        raw, rest = body[20:20 + kept], body[20 + (kept + 3) // 4 * 4:]
        comment = ""
        if rest:
            code, length = struct.unpack_from("=HH", rest)
            assert code == 1
            comment = rest[4:4 + length].decode()
        wide = raw[0] >> 4 == 6
        head, at, width = (40, 8, 16) if wide else (20, 12, 4)
        family = socket.AF_INET6 if wide else socket.AF_INET
        if wide:
            assert struct.unpack_from(">H", raw, 4)[0] == size - 40
        else:
            assert struct.unpack_from(">H", raw, 2)[0] == size
            total = sum(struct.unpack(">10H", raw[:20]))
            assert (total & 0xffff) + (total >> 16) == 0xffff
        ips = [socket.inet_ntop(family, raw[at + i * width:
                                            at + (i + 1) * width])
               for i in (0, 1)]
        ports = struct.unpack_from(">HH", raw, head)
        seq, ack, off, flags = struct.unpack_from(">IIBB", raw, head + 4)
        start = head + (off >> 4) * 4
        yield Packet(number, side, (ips[0], ports[0]), (ips[1], ports[1]),
                     seq, ack, flags, size - start, raw[start:], comment)


class Stream:
    """One connection of a capture: the bytes of both directions."""

    def __init__(self, first):
        self.client, self.flags, self.comments = first.source, 0, []
        self.base, self.data, self.end = [None, None], [{}, {}], [0, 0]

    def add(self, p):
        way = int(p.source != self.client)
        if self.base[way] is None:
            self.base[way] = (p.seq + bool(p.flags & SYN)) & 0xffffffff
        if p.ack and self.base[1 - way] is None:
            self.base[1 - way] = p.ack
        at = (p.seq - self.base[way]) & 0xffffffff
        self.flags |= p.flags
        if p.comment:
            self.comments.append(p.comment)
        if p.size:
            self.data[way][at] = p.data
            self.end[way] = max(self.end[way], at + p.size)

    def bytes(self, way):
        """All of a direction, which has no gap."""
        whole, at = b"", 0
        for start, data in sorted(self.data[way].items()):
            assert start == at, f"a gap at {at}"
            whole += data
            at += len(data)
        assert at == self.end[way]
        return whole

    def kept(self, way):
        return sum(map(len, self.data[way].values()))


def streams(*files, side=0):
    """Of these files, one behind the other."""
    found, order = {}, []
    for path in files:
        for p in packets(path.read_bytes()):
            if p.side != side:
                continue
            key = frozenset((p.source, p.to))
            if p.flags & (SYN | ACK) == SYN or key not in found:
                found[key] = Stream(p)
                order.append(found[key])
            found[key].add(p)
    return order


def captures(folder):
    return sorted(folder.glob("*.pcapng"))


@pytest.fixture
def folder(box):
    """folder(name): one that workers can write to."""
    def make(name="rec"):
        path = box.dir / name
        path.mkdir()
        path.chmod(0o777)
        return path
    return make


def record(path, more="", name="rec"):
    return f'record {name} {{ directory = "{path}" {more} }}\n'


def answer(data):
    """What the backend says to it."""
    return hashlib.sha512(data).digest() * (20 + data[0])


def answering(sock):
    sock.sendall(answer(receive_all(sock)))
    sock.shutdown(socket.SHUT_WR)


def converse(address, data, family=None):
    with (connect(address) if family is None else
          socket.socket(socket.AF_UNIX)) as sock:
        if family is not None:
            sock.settimeout(patience(60))
            sock.connect(address)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        got = receive_all(sock)
        assert got == answer(data)
        return (data, got)


def follow(path, count):
    """What tshark makes of the streams."""
    argv = ["tshark", "-n", "-r", path, "-q"]
    for i in range(count):
        argv += ["-z", f"follow,tcp,raw,{i}"]
    out = subprocess.run(argv, capture_output=True, text=True, check=True,
                         timeout=patience(120)).stdout
    found = set()
    for part in re.split(r"^=+$", out, flags=re.M):
        lines = [line for line in part.splitlines()
                 if re.fullmatch(r"\t?[0-9a-f]+", line)]
        if "Follow: " in part:
            found.add(tuple(bytes.fromhex("".join(
                line.strip() for line in lines
                if line.startswith("\t") == way)) for way in (False, True)))
    return found


def flows(path, folder):
    """What tcpflow makes of them."""
    subprocess.run(["tcpflow", "-r", path, "-o", folder, "-a"], check=True,
                   capture_output=True, timeout=patience(120))
    return {p.read_bytes() for p in folder.iterdir() if p.suffix != ".xml"}


def test_sessions(box, daemon, backend, folder):
    path = folder()
    name = box.dir / "web.sock"
    dump = box.dir / "dump.txt"
    d = daemon(remotes=[backend(answering).conf()],
               listen={"web": LISTEN + "filters = {rec, hex}",
                       "six": 'address = "::1" port = 0 filters = {rec}',
                       "local": f'path = "{name}" mode = 0666 '
                                'filters = {rec}'},
               spawnd="servers { min = 2 max = 2 }",
               extra=record(path, "full = wait") +
               f'dump hex {{ to = "{dump}" limit = 40 format = hex }}')
    sent = [bytes([i]) * (i + 1) + os.urandom(3000 + 40 * i)
            for i in range(SESSIONS)]
    threads = [peers.Thread(converse, d.address(), data) for data in sent]
    said = {t.result(patience(60)) for t in threads}
    six = converse(d.address("six"), b"of IPv6")
    unix = converse(str(name), b"of a unix socket", socket.AF_UNIX)
    sock = d.connect()
    sock.sendall(b"cut off")
    wait(lambda: b"cut off" in b"".join(
        p.read_bytes() for p in captures(path)), 30, "the capture")
    abort(sock)
    d.wait_closed(SESSIONS + 3, 30)
    d.stop()
    files = captures(path)
    assert len(files) == 1 and files[0].stat().st_mode & 0o777 == 0o600
    found = streams(*files)
    assert len(found) == SESSIONS + 3
    ended = [s for s in found if not s.flags & RST]
    assert {(s.bytes(0), s.bytes(1)) for s in ended} == said | {six, unix}
    assert all(s.flags & SYN and s.flags & FIN for s in ended)
    reset, = (s for s in found if s.flags & RST)
    assert reset.bytes(0) == b"cut off"
    assert any(s.client[0] == "::1" and s.bytes(0) == six[0] for s in found)
    assert any(s.client[0].startswith("198.1") and s.bytes(0) == unix[0]
               for s in found)
    # As the log names them.
    assert {re.match(r"session=\S+", s.comments[0])[0] for s in found} == \
        {f"session={line['session']}" for line in d.closed()}
    text = dump.read_text()
    assert "client>remote 7 bytes\n00000000  63 75 74 20 6f 66 66  " in text
    assert "client>remote RST\n" in text and "no more is shown" in text
    readable(files[0])
    if shutil.which("tshark"):
        assert follow(files[0], len(found)) == \
            said | {six, unix, (b"cut off", b"")}
    if shutil.which("tcpflow"):
        out = box.dir / "flows"
        out.mkdir()
        assert flows(files[0], out) >= {data for pair in said
                                        for data in pair}


def readable(path):
    """A file that ends anywhere can be read up to there."""
    data = path.read_bytes()[:3000]
    count = [len(list(packets(data[:size]))) for size in range(len(data))]
    assert count == sorted(count) and count[-1] >= 3
    if not shutil.which("tshark"):
        return
    part = path.with_suffix(".part")
    for size in range(400, len(data), 467):
        part.write_bytes(data[:size])
        done = subprocess.run(["tshark", "-n", "-r", part], text=True,
                              capture_output=True, timeout=patience(60))
        assert len(done.stdout.splitlines()) == count[size]


def test_which_and_how_much(box, daemon, echo, backend, folder):
    """Of which sessions, how much, of which side, in how many files."""
    names = ("half", "some", "snap", "both", "small", "off", "late")
    paths = {name: folder(name) for name in names}
    more = {"half": "share = 0.5", "some": 'client = "deny 127.0.0.1"',
            "snap": "snap = 3", "both": "side = both full = wait",
            "small": "size = 256k files = 2 full = wait", "late": "",
            "off": "enabled = no"}
    (paths["small"] / "small-1.pcapng").write_text("of somebody else")
    (paths["late"]).chmod(0o500)
    d = daemon(remotes={"a": echo.conf()},
               listen={n: LISTEN + f"filters = {{{n}}}" for n in names},
               spawnd="servers { min = 1 max = 1 }",
               extra="".join(record(paths[n], more[n], n) for n in names))
    for _ in range(120):
        with d.connect("half") as sock:
            roundtrip(sock)
    for name in ("some", "snap", "both", "off", "late"):
        sock = d.connect(name)
        sock.sendall(b"hello")
        assert receive(sock, 5) == b"hello"
        sock.close()
    for words in ("on client 10.0.0.0/8", "on", "off for 1d",
                  "off client 10.0.0.0/8 for 1d"):
        d.ctl("record", "off", *words.split())
        with d.connect("off") as sock:
            roundtrip(sock, f"{words}\n".encode())
    d.ctl("record", "half", "off", "for", "1ms")
    for words in ("none on", "off in", "off on for 0", "off on client x",
                  "off on by", "off"):
        assert d.ctl("record", *words.split(), check=False).returncode != 0
    sock = d.connect("small")
    data = os.urandom(100000)
    for _ in range(8):
        sock.sendall(data)
        assert receive(sock, len(data)) == data
    sock.close()
    d.wait_closed(130, 30)
    if os.geteuid() == 0:
        d.wait_line("record late: ", "Permission denied")
    d.stop()
    assert 20 < len(streams(*captures(paths["half"]))) < 100
    assert not captures(paths["some"])
    assert [s.bytes(0) for s in streams(*captures(paths["off"]))] == \
        [b"on\n", b"off client 10.0.0.0/8 for 1d\n"]
    stream, = streams(*captures(paths["snap"]))
    assert stream.end == [5, 5] and stream.kept(0) == stream.kept(1) == 3
    stream, = streams(*captures(paths["both"]))
    other, = streams(*captures(paths["both"]), side=1)
    assert stream.bytes(0) == stream.bytes(1) == b"hello"
    assert other.bytes(0) == other.bytes(1) == b"hello"
    assert other.flags & FIN and other.client != stream.client
    files = captures(paths["small"])
    assert len(files) == 3 and files.pop(0).name == "small-1.pcapng"
    assert all(p.stat().st_size <= 256 * 1024 for p in files)
    # The last ones, with who it is in each.
    for path in files:
        assert [s.comments for s in streams(path)]
    stream, = streams(*files)
    assert stream.end[0] + stream.base[0] > 0
    if os.geteuid() == 0:
        assert not captures(paths["late"])


@pytest.mark.skipif(not has_tls(), reason="built without TLS")
def test_tls(daemon, echo, folder):
    """What is inside TLS is recorded only if that is said."""
    secret, open_ = folder("secret"), folder("open")
    d = daemon(remotes=[echo.conf()],
               listen={"no": LISTEN + "tls = s filters = {no}",
                       "yes": LISTEN + "tls = s filters = {yes}"},
               extra=record(secret, "", "no") +
               record(open_, "plain = yes", "yes") +
               f'tls s {{ certificate = "{certificate()}" }}')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name in ("no", "yes"):
        with d.connect(name) as raw, \
                context.wrap_socket(raw) as sock:
            sock.sendall(b"a secret")
            assert sock.recv(100) == b"a secret"
    d.wait_closed(2, 30)
    d.stop()
    stream, = streams(*captures(secret))
    assert stream.end == [8, 8] and stream.kept(0) == stream.kept(1) == 0
    assert b"secret" not in captures(secret)[0].read_bytes()
    assert "not kept" in stream.comments[0]
    stream, = streams(*captures(open_))
    assert stream.bytes(0) == stream.bytes(1) == b"a secret"


def stopped(d, pid, signo):
    os.kill(pid, signo)
    wait(lambda: (pathlib.Path(f"/proc/{pid}/stat").read_text()
                  .split()[2] == "T") == (signo == signal.SIGSTOP), 30,
         "the recorder")


def bulk(sock, data, times):
    for _ in range(times):
        sock.sendall(data)
        assert receive(sock, len(data)) == data


def test_recorder_dies(box, daemon, echo, folder):
    """Sessions go on while the recorder hangs, is killed, or is another's."""
    path, other = folder(), folder("other")
    d = daemon(remotes=[echo.conf()], listen={
        "drop": LISTEN + "filters = {rec}", "wait": LISTEN +
        "filters = {all}"}, spawnd="servers { min = 1 max = 1 }",
        extra=record(path) + record(path, "full = wait", "all"))
    data = os.urandom(256 * 1024)
    sock, waits = d.connect("drop"), d.connect("wait")
    roundtrip(sock)
    roundtrip(waits)
    first, = wait(lambda: d.kids("recorder"), 30, "the recorder")
    # It hangs: what does not fit is lost, and noted.
    stopped(d, first, signal.SIGSTOP)
    bulk(sock, data, 12)
    waits.sendall(data)
    stopped(d, first, signal.SIGCONT)
    assert receive(waits, len(data)) == data
    roundtrip(sock)
    files = captures(path)
    wait(lambda: any(min(s.end) > 10 * len(data) and "not recorded" in
                     "".join(s.comments) for s in streams(*files)), 30,
         "a note")
    # It is killed: the next one goes on.
    os.kill(first, signal.SIGKILL)
    d.wait_line("the recorder died of signal 9")
    roundtrip(sock, b"nobody records this\n")
    wait(lambda: d.kids("recorder") not in ([], [first]), 30,
         "another recorder")
    wait(lambda: (roundtrip(sock, b"but this\n"),
                  set(captures(path)) > set(files))[1], 30, "its file")
    # A reload with another folder: what is open stays where it was.
    d.reload(extra=record(other) + record(other, "full = wait", "all"))
    new = d.connect("drop")
    roundtrip(new, b"elsewhere\n")
    wait(lambda: len(d.kids("recorder")) == 2, 30, "the new one")
    both = set(d.kids("recorder"))
    if not box.single:
        d.ctl("upgrade")
    roundtrip(new, b"upgraded\n")
    roundtrip(sock, b"the last of it\n")
    assert both <= set(d.kids("recorder"))
    for s in (sock, waits, new):
        s.close()
    d.wait_closed(3, 30)
    wait(lambda: len(d.kids("recorder")) == 1, 30, "the end of the old one")
    d.stop()
    stream = next(s for s in streams(*files) if s.end[0] > 10 * len(data))
    assert stream.end[0] == stream.end[1] >= 12 * len(data)
    assert stream.kept(0) + stream.kept(1) < stream.end[0] + stream.end[1]
    whole = next(s for s in streams(*files) if s.end[0] < 2 * len(data))
    assert whole.bytes(0) == whole.bytes(1) == b"knock knock\n" + data
    late = streams(*(p for p in captures(path) if p not in files))
    up, down = (b"".join(b"".join(s.data[way].values()) for s in late)
                for way in (0, 1))
    # It may have come between a question and its answer.
    assert b"but this\n" in up + down
    assert up.endswith(b"the last of it\n")
    assert any("goes on from here" in c for s in late for c in s.comments)
    stream, = streams(*captures(other))
    assert stream.bytes(0) == stream.bytes(1) == \
        b"elsewhere\nupgraded\n"


@pytest.mark.rights
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_full_disk(box, daemon, echo, folder):
    path = folder()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=777",
                    "spawnd-test", path], check=True)
    try:
        d = daemon(remotes=[echo.conf()], listen=LISTEN + "filters = {rec}",
                   extra=record(path, "full = wait"))
        data = os.urandom(200000)
        sock = d.connect()
        bulk(sock, data, 10)
        d.wait_line("No space left on device", "what comes is lost")
        files = captures(path)
        assert sum(p.stat().st_size for p in files) <= 1 << 20
        assert streams(*files)[0].end[0] > 0
        kept = box.dir / "before"
        shutil.copy(files[0], kept)
        files[0].unlink()
        wait(lambda: bulk(sock, b"there is room\n", 1) or
             d.lines("record rec: goes on"), 30, "room")
        sock.close()
        d.wait_closed(1, 30)
        d.stop()
        for p in (kept, *captures(path)):
            list(packets(p.read_bytes()))
        text = "".join(c for p in captures(path) for s in streams(p)
                       for c in s.comments)
        assert "could not be written before this one: No space" in text
    finally:
        subprocess.run(["umount", "-l", path], check=True)
