"""Faults between the ends: exact, the same for the same seed, and removed
without a trace."""

import random
import signal
import socket
import time

import peers
from conftest import use_tls
from harness import LATE, wait
from peers import BLOCK, receive, receive_all, roundtrip

BYTES = random.Random(1).randbytes(300000)

FAULTS = {
    "slow": "latency = 100ms",
    "slower": "latency = 50ms direction = both",
    "thin": "bandwidth = 100k",
    "noise": "flip = 1e-3 seed = 42",
    "one": "flip-at = 4096 bit = 3",
    "cut": "slice = 10 slice-variation = 5",
    "stop": "limit = 1000",
    "halt": "limit = 1000 end = rst",
    "late": "slow-close = 300ms",
    "hole": "drop-after = 10 timeout = 300ms",
    "kill": "reset-after = 100 delay = 100ms",
    "age": "cut-after = 300ms",
    "off": "down = yes direction = both",
    "luck": "down = yes chance = 0.5",
}


def sections(**faults):
    return "\n".join(f"fault {name} {{ {text} }}"
                     for name, text in faults.items())


def listeners(*names):
    return {name: f'address = "127.0.0.1" port = 0 '
            f'filters = {{{name.replace("+", ", ")}}}'.replace("+", "-")
            for name in names}


def server(sock):
    """What the first line asks for: "give BYTES PIECE", "drip", or an echo."""
    line = b""
    while not line.endswith(b"\n"):
        got = sock.recv(1)
        if not got:
            return
        line += got
    word, *numbers = line.split()
    if word == b"give":
        size, piece = map(int, numbers)
        for at in range(0, size, piece):
            sock.sendall(BYTES[at:min(size, at + piece)])
        sock.shutdown(socket.SHUT_WR)
        receive_all(sock)
    else:
        sock.sendall(line)
        peers.echo(sock)


def ask(d, name, line):
    sock = d.connect(name)
    sock.sendall(line + b"\n")
    return sock


def give(d, name, size, piece=BLOCK):
    return ask(d, name, b"give %d %d" % (size, piece))


def all_of(sock):
    """What comes, and how it ends."""
    got = b""
    try:
        while part := sock.recv(BLOCK):
            got += part
        how = "fin"
    except ConnectionResetError:
        how = "reset"
    sock.close()
    return got, how


def timed(d, name, size):
    """The same, and how long it has been since before it was asked for."""
    begun = time.monotonic()
    return *all_of(give(d, name, size)), time.monotonic() - begun


def took(sock, token=b"x" * 10):
    begun = time.monotonic()
    roundtrip(sock, token)
    return time.monotonic() - begun


def test_every_kind(daemon, backend):
    names = [name for name in FAULTS if name not in ("slower", "luck")]
    listen = listeners(*names)
    listen["both"] = listen["slow"].replace("slow", "slow, slower")
    listen["plain"] = 'address = "127.0.0.1" port = 0'
    d = daemon(remotes=[backend(server)], listen=listen,
               extra=sections(**FAULTS), spawnd="servers { min = 1 max = 1 }")

    # Latencies add: 100 and 50 ms down, 50 ms up; nothing is early, and on a
    # machine that has time nothing later than 2 ms.
    sock, plain = ask(d, "both", b"echo"), ask(d, "plain", b"echo")
    receive(sock, 5), receive(plain, 5)
    times, least = [], min(took(plain) for _ in range(20))
    wait(lambda: times.append(took(sock)) or times[-1] < 0.202 + least, 30,
         "a latency of 200 ms")
    assert min(times) >= 0.198

    # Many reads under way at once come in their order.
    sock = give(d, "slow", len(BYTES), 1000)
    assert all_of(sock)[0] == BYTES

    def seconds():
        begun = time.monotonic()
        sock = give(d, "thin", 102400)
        assert receive(sock, 102400) == BYTES[:102400]
        return time.monotonic() - begun

    times = []
    wait(lambda: times.append(seconds()) or times[-1] <= 1.02, 30,
         "100k a second")
    assert min(times) >= 0.98

    # The same bits, however the bytes come; and one.
    noise = [all_of(give(d, "noise", 100000, piece))[0]
             for piece in (100000, 1000, 77)]
    assert noise[0] == noise[1] == noise[2]
    bits = sum((a ^ b).bit_count() for a, b in zip(noise[0], BYTES))
    assert 700 <= bits <= 900
    one = all_of(give(d, "one", 10000, 1000))[0]
    assert one == BYTES[:4096] + bytes([BYTES[4096] ^ 8]) + BYTES[4097:10000]

    assert all_of(give(d, "cut", 50000)) == (BYTES[:50000], "fin")

    # Exactly so many, and then the end that was asked for.
    for piece in (BLOCK, 7):
        assert all_of(give(d, "stop", 5000, piece)) == \
            (BYTES[:1000], "fin")
        assert all_of(give(d, "halt", 5000, piece)) == \
            (BYTES[:1000], "reset")

    got, how, seconds = timed(d, "late", 5000)
    assert (got, how) == (BYTES[:5000], "fin") and 0.29 <= seconds < LATE
    got, how, seconds = timed(d, "hole", 5000)
    assert (got, how) == (BYTES[:10], "fin") and 0.29 <= seconds < LATE
    got, how, seconds = timed(d, "kill", 5000)
    assert (got, how) == (BYTES[:100], "reset") and 0.09 <= seconds < LATE
    begun = time.monotonic()
    sock = roundtrip(ask(d, "age", b"echo"), b"")
    assert peers.ended(sock) == "reset" and time.monotonic() - begun >= 0.29
    assert peers.turned_away(d.box, d.address("off")) == "reset"

    why = {}
    d.wait_line("listener=off", "why=")
    for line in d.closed():
        why.setdefault(line.get("filters") or line["listener"],
                       set()).add((line["end"], line["why"]))
    ours = {("relay", "fault")}
    assert [why[name] for name in ("stop", "halt", "hole", "kill", "age",
                                   "off")] == [ours] * 6
    assert why["late"] == {("remote", "fin")}


def test_chance_is_drawn_for_each_session(daemon, echo):
    d = daemon(remotes=[echo], listen=listeners("luck"),
               extra=sections(luck=FAULTS["luck"]),
               spawnd="servers { min = 1 max = 1 }")

    def serves():
        try:
            sock = d.connect("luck")
            return peers.answers(sock, b"x")
        except ConnectionError:
            return False

    served = sum(serves() for _ in range(1000))
    assert 450 <= served <= 550


def refused(d, *words):
    done = d.ctl("fault", *words, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_faults_are_changed_while_sessions_are_open(box, daemon, backend):
    faults = {"late": "latency = 0 enabled = no direction = both",
              "off": "down = yes enabled = no",
              "sum": "limit = 1000 enabled = no"}
    d = daemon(remotes=[backend(server)], listen=listeners(*faults),
               extra=sections(**faults),
               spawnd="servers { min = 2 max = 2 }")
    old = [roundtrip(ask(d, "late", b"echo"), b"") for _ in range(6)]
    for sock in old:
        receive(sock, 5)

    # New sessions only, in every worker when the answer comes.
    d.ctl("fault", "late", "set", "latency=150ms", "enabled=yes")
    new = [ask(d, "late", b"echo") for _ in range(6)]
    for sock in new:
        receive(sock, 5)
        assert took(sock) >= 0.298
    wait(lambda: all(took(sock) < 0.1 for sock in old), 30, "no latency")

    # And those that are open: what is held comes at once, and in order.
    d.ctl("fault", "late", "set", "latency=1h", "--existing")
    for sock in old + new:
        for at in range(0, 30000, 3000):
            sock.sendall(BYTES[at:at + 3000])
    assert all(peers.silent(sock, 0.05) for sock in old + new)
    begun = time.monotonic()
    d.ctl("fault", "late", "disable", "--existing")
    for sock in old + new:
        assert receive(sock, 30000) == BYTES[:30000]
    assert time.monotonic() - begun < LATE

    # What has gone by before counts.
    sock = ask(d, "sum", b"echo")
    receive(sock, 5)
    for at in range(0, 900, 100):
        roundtrip(sock, BYTES[at:at + 100])
    d.ctl("fault", "sum", "enable", "--existing")
    sock.sendall(BYTES[:500])
    assert all_of(sock) == (BYTES[:95], "fin")

    # A worker that starts later has it too.
    d.deaths = True
    d.ctl("fault", "late", "set", "latency=100ms", "enabled=yes")
    if not box.single:
        d.kill(signal.SIGKILL, *[w["pid"] for w in d.workers()])
        d.wait(lambda: len(d.workers("ready")) == 2, 30)
    for _ in range(4):
        sock = ask(d, "late", b"echo")
        receive(sock, 5)
        assert took(sock) >= 0.198

    # Nobody is let in; with --existing those that are in are cut.
    sock = roundtrip(ask(d, "off", b"echo"), b"")
    receive(sock, 5)
    d.ctl("fault", "off", "enable")
    assert peers.turned_away(d.box, d.address("off")) == "reset"
    assert peers.answers(sock)
    d.ctl("fault", "off", "enable", "--existing")
    assert not peers.answers(sock)

    # Mistakes are those of a file, and change nothing.
    assert "there is no such fault" in refused(d, "nobody", "enable")
    assert "latency \"x\" is not a time" in refused(
        d, "late", "set", "jitter=1ms", "latency=x")
    assert "has two kinds" in refused(d, "late", "set", "limit=5")
    assert "did you mean \"jitter\"" in refused(d, "late", "set", "jiter=5")
    assert "OPTION=VALUE" in refused(d, "late", "set", "jitter")
    assert "out of range" in refused(d, "late", "set", "chance=2")

    # A worker that is stopped is named, and has it when it goes on.
    if not box.single:
        pid = d.workers()[0]["pid"]
        d.kill(signal.SIGSTOP, pid)
        assert f"worker {pid} has not answered" in d.ctl(
            "-t", "1s", "fault", "late", "set", "latency=50ms",
            check=False).stderr
        d.kill(signal.SIGCONT, pid)
        d.ctl("fault", "late", "set", "jitter=1ms")

    # An upgrade keeps it, a reload goes back to the file and says so.
    d.ctl("fault", "late", "set", "latency=50ms", "jitter=1ms")
    if not box.single:
        d.ctl("upgrade")
    sock = ask(d, "late", b"echo")
    receive(sock, 5)
    assert took(sock) >= 0.096
    assert "fault late: undone: latency=50ms" in d.reload().stdout
    sock = ask(d, "late", b"echo")
    receive(sock, 5)
    wait(lambda: took(sock) < 0.05, 30, "no latency")


def test_faults_in_tls(box, daemon, backend):
    use_tls(box)
    names = ("slow", "noise", "stop")
    d = daemon(remotes=[backend(server)], listen=listeners(*names),
               extra=sections(**FAULTS))
    clear = [all_of(give(d, name, 20000, 1000)) for name in names]
    assert clear[0] == (BYTES[:20000], "fin")
    assert 100 <= sum((a ^ b).bit_count()
                      for a, b in zip(clear[1][0], BYTES)) <= 220
    assert clear[2] == (BYTES[:1000], "fin")
