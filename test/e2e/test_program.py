"""Filter program: what it says goes on, and what becomes of a session whose
program says nothing, dies or talks nonsense."""

import contextlib
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys

import pytest

import harness
from harness import wait
from peers import BLOCK, Thread, receive, receive_all, roundtrip

SAMPLES = harness.TOP / "etc" / "examples"
# Passes all by its size, but for words: what is asked of it by the first bytes.
SCRIPT = f"#!{sys.executable}" + r'''
import os, struct, sys, time
lives = {}
def say(kind, way, session, contents=b""):
    sys.stdout.buffer.write(struct.pack(
        ">IBBHQ", len(contents), kind, way, 0, session) + contents)
while head := sys.stdin.buffer.read(16):
    length, kind, way, _, session = struct.unpack(">IBBHQ", head)
    text = sys.stdin.buffer.read(length)
    if kind == 1:
        print(text.decode(), file=sys.stderr, flush=True)
    elif kind in (3, 4):
        say(18, way, session)
    elif kind != 2:
        continue
    elif text.startswith(b"mute"):
        continue
    elif text.startswith(b"hang"):
        time.sleep(1000)
    elif text.startswith(b"die"):
        say(16, way, session, struct.pack(">I", 4))
        sys.stdout.buffer.flush()
        os.kill(os.getpid(), 9)
    elif text.startswith(b"much"):
        say(16, way, session, struct.pack(">I", 70000))
    elif text.startswith(b"close"):
        say(20, way, session)
    elif text.startswith(b"reset"):
        say(21, way, session)
    elif text.startswith(b"skip"):
        lives["skipped"] = session
        say(19, way, session)
    elif text.startswith(b"others"):
        say(16, way, session, struct.pack(">I", len(text)))
        say(20, way, lives["skipped"])
    elif text.startswith(b"fin"):
        say(17, way, session, struct.pack(">I", len(text)) + b"end")
        say(18, way, session)
    elif text.startswith(b"grow"):
        say(17, way, session, struct.pack(">I", 4) + text[4:] * 4)
        say(17, way, session, struct.pack(">I", len(text) - 4))
    else:
        say(16, way, session, struct.pack(">I", len(text)))
    sys.stdout.buffer.flush()
'''


def script(box):
    path = box.dir / "see.py"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return path


def run(box, daemon, echo, fail="close", timeout="20s", more="", **kw):
    return daemon(
        listen='address = "127.0.0.1" port = 0 filters = {see}',
        remotes=[echo], spawnd="servers { min = 1 max = 1 }",
        extra=f'program see {{ command = "{script(box)}" fail = {fail} '
              f"timeout = {timeout} {more} }}\n", **kw)


def reset(sock):
    with pytest.raises(ConnectionResetError):
        while sock.recv(BLOCK):
            pass
    sock.close()


def programs(d):
    return d.kids("see.py")


def test_what_it_says(box, daemon, echo):
    d = run(box, daemon, echo, more="direction = up")
    with d.connect() as sock:
        roundtrip(sock)
        sock.sendall(b"grow" + b"ab" * 5)
        assert receive(sock, 40) == b"ab" * 20
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == b""
    for word in (b"close", b"fin"):
        with d.connect() as sock:
            roundtrip(sock)
            sock.sendall(word)
            assert receive_all(sock) == (b"end" if word == b"fin" else b"")
    sock = d.connect()
    roundtrip(sock)
    sock.sendall(b"reset")
    reset(sock)
    # It may end what it does not see any more.
    with d.connect() as sock:
        roundtrip(sock, b"skip")
        roundtrip(sock, b"reset")
        with d.connect() as other:
            roundtrip(other, b"others")
            assert receive_all(sock) == b""
    assert sorted(s["why"] for s in d.wait_closed(6)) == [
        "fin", "fin", "program", "program", "program", "program"]
    d.wait_line("version=1 filter=see listener=web", "client=127.0.0.1")
    assert d.show("filters")[0]["hits"] > 2


@pytest.mark.parametrize("fail", ["close", "pass"])
def test_no_answer(box, daemon, echo, fail):
    """Nobody else waits for a session without an answer; and what was shown and
    not answered goes on once, or not at all."""
    d = run(box, daemon, echo, fail, "1s", "direction = up")
    mute, other = d.connect(), d.connect()
    roundtrip(mute)
    mute.sendall(b"mute")
    # Who says nothing at all for so long hangs.
    wait(lambda: (roundtrip(other), d.lines("no answer in time"))[1], 5,
         "no answer", 0.1)
    if fail == "pass":
        assert receive(mute, 4) == b"mute"
        roundtrip(mute, b"die unseen")
        mute.close()
    else:
        reset(mute)
    d.wait_line("program see: session ", "no answer in time")
    roundtrip(other)
    assert len(programs(d)) == 1
    for word in (b"die ", b"hang", b"much"):
        old = wait(lambda: programs(d), 5, "a program")
        sock = d.connect()
        roundtrip(sock)
        sock.sendall(word + b"rest")
        if fail == "pass":
            assert receive(sock, 8) == word + b"rest"
            roundtrip(sock)
            sock.close()
        else:
            reset(sock)
        wait(lambda: programs(d) and programs(d) != old, 5, "another one")
    d.wait_line("program see: the connection is lost: it hangs")
    d.wait_line("program see: the connection is lost: it passes more")
    other.close()


def test_dies_under_load(box, daemon, echo):
    """Every byte arrives once, whenever it is killed."""
    d = run(box, daemon, echo, "pass")
    data = random.Random(3).randbytes(8 << 20)

    def client():
        sock = d.connect()
        thread = Thread(lambda: (sock.sendall(data),
                                 sock.shutdown(socket.SHUT_WR)))
        got = receive_all(sock)
        thread.result()
        sock.close()
        return got == data

    threads = [Thread(client) for _ in range(6)]
    for _ in range(3):
        for pid in wait(lambda: programs(d), 5, "a program"):
            with contextlib.suppress(ProcessLookupError):   # killed before
                os.kill(pid, signal.SIGKILL)
    assert all(thread.result() for thread in threads)
    lines = d.wait_closed(6)
    assert {s["in"] for s in lines} == {str(len(data))}


def test_skipped_is_spliced(box, daemon, echo):
    """The program sees no more, and the worker copies no more."""
    d = run(box, daemon, echo)
    sock = d.connect()
    roundtrip(sock, b"skip it")
    roundtrip(sock)
    data = random.Random(4).randbytes(16 << 20)
    worker = d.kids()[0]
    before = pipes(worker)
    thread = Thread(lambda: (sock.sendall(data),
                             sock.shutdown(socket.SHUT_WR)))
    assert receive_all(sock) == data
    thread.result()
    # One that was used is kept for the next.
    assert pipes(worker) > before
    sock.close()


def pipes(pid):
    folder = f"/proc/{pid}/fd"
    return sum(os.readlink(f"{folder}/{fd}").startswith("pipe:")
               for fd in os.listdir(folder))


def test_samples(box, daemon, echo):
    """As they are installed: one replaces a word, the other looks at what comes
    first."""
    first = box.dir / "first"
    subprocess.run(["cc", "-o", first, SAMPLES / "filter.c"], check=True)
    words = box.dir / "words.py"
    shutil.copy(SAMPLES / "filter.py", words)
    d = daemon(
        listen='address = "127.0.0.1" port = 0 filters = {words, first}',
        remotes=[echo],
        extra=f'program words {{ command = "{words} secret ******" '
              f"direction = up }}\n"
              f'program first {{ command = "{first} SSH-" }}\n')
    with d.connect() as sock:
        for byte in b"a secret sec":
            sock.sendall(bytes([byte]))
        assert receive(sock, 9) == b"a ****** "
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == b"sec"
    sock = d.connect()
    sock.sendall(b"SSH-2.0")
    reset(sock)
