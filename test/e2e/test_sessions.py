"""spawnctl show sessions, show clients and kill: who is connected, as the
workers tell it, whatever happens meanwhile and whoever asks."""

import array
import json
import os
import signal
import socket
import subprocess
import threading

import pytest

import peers
from harness import Box, wait
from peers import roundtrip

FIELDS = ["session", "client", "listener", "relay", "remote", "address",
          "state", "age", "idle", "in", "out", "rate", "worker", "generation"]


def listed(d, *words):
    out = d.ctl("--json", "show", *words).stdout
    return [json.loads(line) for line in out.splitlines()]


def sessions(d, *words):
    return listed(d, "sessions", *words)


def name_of(sock):
    return "{}:{}".format(*sock.getsockname())


def test_who_is_connected(daemon, echo, box):
    path = box.dir / "side.sock"
    d = daemon(remotes=[echo], listen={
        "web": 'address = "127.0.0.1" port = 0', "side": f'path = "{path}"'})
    assert d.ctl("show", "sessions").stdout.split() == FIELDS
    assert d.ctl("show", "clients").stdout.split() == [
        "client", "sessions", "in", "out", "oldest"]
    assert not sessions(d) and not listed(d, "clients")
    old = [roundtrip(d.connect(), b"x" * 1000 * (i + 1)) for i in range(4)]
    side = roundtrip(d.connect("side"))
    d.reload()
    new = roundtrip(d.connect())
    by_client = {s["client"]: s for s in sessions(d)}
    assert set(by_client) == {name_of(c) for c in [*old, new]} | {"unix"}
    pids = {w["pid"]: w["generation"] for w in d.workers()}
    for s in by_client.values():
        assert list(s) == FIELDS
        assert (s["relay"], s["state"], pids[s["worker"]]) == \
            (s["relay"], "relay", s["generation"])
        assert s["address"].startswith("127.0.0.1:") and s["rate"] >= 0
        assert s["age"] >= s["idle"] >= 0
    one = by_client[name_of(old[2])]
    assert (one["in"], one["out"], one["listener"], one["generation"]) == \
        (3000, 3000, "web", 1)
    assert by_client[name_of(new)]["generation"] == 2
    assert by_client["unix"]["listener"] == "side"

    # Chosen, sorted, so many.
    def count(*words):
        return len(sessions(d, *words))
    remote = f"{one['relay']}/{one['remote']}"
    assert [count("listener", "side"), count("client", "127.0.0.1"),
            count("client", "127.0.0.0/8"), count("client", "10.0.0.0/8"),
            count("client", "unix"), count("remote", remote),
            count("remote", one["relay"]), count("remote", "none/none"),
            count("older", "1h"), count("idle", "0"),
            count("client", "127.0.0.1", "listener", "side")] == \
        [1, 5, 5, 0, 1, 6, 6, 0, 0, 6, 0]
    assert [s["in"] for s in sessions(d, "sort", "bytes", "limit", "3")] == \
        [4000, 3000, 2000]
    ages = [s["age"] for s in sessions(d, "sort", "age")]
    assert ages == sorted(ages, reverse=True) and len(ages) == 6
    assert count("limit", "2") == 2 and count("sort", "rate") == 6
    # The same text, and by address.
    text = d.ctl("show", "sessions", "sort", "bytes").stdout.splitlines()
    assert len(text) == 7 and text[1].split()[9] == "4000"
    assert [{k: c[k] for k in ("client", "sessions", "in")}
            for c in listed(d, "clients")] == [
        {"client": "127.0.0.1", "sessions": 5,
         "in": 10000 + by_client[name_of(new)]["in"]},
        {"client": "unix", "sessions": 1, "in": by_client["unix"]["in"]}]
    assert listed(d, "clients", "limit", "1")[0]["client"] == "127.0.0.1"
    if not box.single and os.uname().sysname == "Linux":
        told = json.loads(d.ctl("-v", "--json", "show", "sessions", "client",
                                "127.0.0.1", "limit", "1").stdout)
        assert told["cwnd_client"] > 0 and told["rtt_remote"] >= 0
        assert told["retransmits_client"] == told["unsent_remote"] == 0

    # Two are ended: RST at both ends; the others know nothing of it.
    done = d.ctl("kill", one["session"],
                 by_client[name_of(old[0])]["session"], "1-1", check=False)
    assert done.returncode == 1 and "ended 2 sessions" in done.stdout
    assert "1 of the sessions are not there" in done.stderr
    for sock in (old[2], old[0]):
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert {c["session"] for c in d.wait_closed(2)} == {
        one["session"], by_client[name_of(old[0])]["session"]}
    assert all((c["why"], c["end"]) == ("killed", "relay")
               for c in d.closed())
    # A network: not without a word that it is meant.
    done = d.ctl("kill", "client", "127.0.0.0/8", check=False)
    assert done.returncode == 1 and "end 3 sessions" in done.stderr
    assert all(map(peers.answers, [old[1], old[3], new, side]))
    assert "ended 3" in d.ctl("--yes", "kill", "client", "127.0.0.1").stdout
    assert "ended 0" in d.ctl("-y", "kill", "client", "127.0.0.1").stdout
    assert peers.answers(side)
    # The worker of the old generation ends with its last session.
    assert json.loads(d.ctl("--json", "-y", "kill", "client",
                            "unix").stdout) == {"ended": 1}
    wait(lambda: {w["generation"] for w in d.workers()} == {2}, 30,
         "the end of the old ones")


@pytest.mark.parametrize("args, words", [
    (["show", "sessions", "client"], "missing behind"),
    (["show", "sessions", "port", "1"], 'unknown word "port"'),
    (["show", "sessions", "idle", "soon"], '"soon" is not a time'),
    (["show", "sessions", "sort", "x"], "sort takes rate, bytes or age"),
    (["show", "clients", "limit", "x"], "limit needs a number"),
    (["kill"], "kill needs sessions"), (["kill", "x"], "is no session"),
    (["kill", "client"], "needs an address")], ids=" ".join)
def test_words_that_are_wrong(box, args, words):
    done = box.run(*args, program="spawnctl")
    assert done.returncode == 2 and words in done.stderr


def ask(path, request):
    """What the master says, and the socket on which workers tell."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(path))
        sock.sendall(request.encode() + b"\n")
        text, fds = b"", []
        while True:
            some, control, *_ = sock.recvmsg(65536, 100)
            for level, kind, data in control:
                fds += array.array("i", data)
            if not some:
                break
            text += some
    return text.decode(), socket.socket(fileno=fds[0]) if fds else None


def test_who_asks_harms_nobody(daemon, echo, box):
    """Those who do not read, who go, who ask for nonsense, while sessions
    come and go; a worker that is stopped is told of, the others answer."""
    d = daemon(remotes=[echo], spawnd="servers { min = 2 max = 2 }")
    stay = [roundtrip(d.connect()) for _ in range(60)]
    control = d.conf.control
    before = {pid: len(os.listdir(f"/proc/{pid}/fd"))
              for pid in d.kids()} if os.path.exists("/proc/self/fd") else {}
    for words in ("list x y", "list client", "list client 1.2.3.4/99",
                  "list id 1", "list id 1-", "list remote /",
                  "list idle soon", "list listener " + "x" * 40, "kill",
                  "kill id 1-1-1"):
        text, sock = ask(control, words)
        assert text.startswith("error: ") and sock is None, words
    silent = []
    for i in range(20):
        text, sock = ask(control, "list verbose yes")
        assert text.startswith("ok\nasked\t")
        if i % 5:
            sock.close()
        else:
            silent.append(sock)
        roundtrip(d.connect()).close()
    assert all(map(peers.answers, stay))
    names = {"{}:{}".format(*c.getsockname()) for c in stay}
    for sock in silent:
        sock.settimeout(60)
        told, ends = [], 0
        for packet in iter(lambda: sock.recv(65536), b""):
            for line in packet.decode().splitlines():
                kind, *fields = line.split("\t")
                ends += kind == "e"
                if kind == "s":
                    told.append(dict(f.split("=", 1) for f in fields))
        assert ends == len(d.kids())
        assert len({t["session"] for t in told}) == len(told)
        assert names <= {t["client"] for t in told}
        sock.close()
    for pid, n in before.items():
        wait(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= n + 2, 30,
             "descriptors that are closed again")
    if box.single:
        return
    stopped = d.kids()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        done = d.ctl("-t", "300ms", "--json", "show", "sessions", check=False)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert done.returncode == 1
    assert "1 of 2 workers have not answered in 300ms" in done.stderr
    assert stopped not in {json.loads(line)["worker"]
                           for line in done.stdout.splitlines()}
    assert len(sessions(d)) == 60


@pytest.fixture
def liar(box):
    """liar(packets): plays spawnd, with workers that say these."""
    path = box.dir / "liar.sock"
    server = box.closing(socket.socket(socket.AF_UNIX))
    server.bind(str(path))
    server.listen(8)

    def tell(packets, *args, answer=b"ok\nasked\t1\t1\t1\n"):
        def serve():
            conn, _ = server.accept()
            with conn:
                conn.recv(4096)
                ours, theirs = socket.socketpair(socket.AF_UNIX,
                                                 socket.SOCK_SEQPACKET)
                with ours, theirs:
                    socket.send_fds(conn, [answer], [theirs.fileno()])
                    theirs.close()
                    conn.close()
                    try:
                        for packet in packets:
                            ours.sendall(packet)
                    except OSError:
                        pass
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = subprocess.run([Box.programs["spawnctl"], "-s", path, *args],
                              capture_output=True, timeout=60)
        thread.join(60)
        return done
    yield tell
    path.unlink()


def test_what_a_worker_says_is_harmless(liar):
    evil = (b"s\tsession=1-1\tclient=\x1b[31m\xff\xc2\x9b]0;x\x07\tin=12"
            b"\tout=-5\tstate=relay\tsni=\"\\\x00\n"
            b"s\tsession=1-2\tCLIENT=x\n" b"s\tbroken\n" b"\n" b"nonsense\n"
            b"s\tsession=1-3\tin=99999999999999999999\tage_ms=x\n")
    many = b"s" + b"".join(b"\tx%s=1" % (b"abcdefghij"[i % 10:i % 10 + 1] *
                                        (i + 1)) for i in range(60)) + b"\n"
    packets = [evil, many, b"x" * 20000, b"e\tworker=1\tsessions=2\n"]
    done = liar(packets, "show", "sessions")
    assert not set(done.stdout + done.stderr) & (set(range(32)) - {10})
    assert b"1-1" in done.stdout and b"1-2" not in done.stdout
    rows = [json.loads(line) for line in
            liar(packets, "--json", "show", "sessions").stdout.decode()
            .splitlines()]
    assert [r["session"] for r in rows] == ["1-1", "1-3"]
    assert [r["in"] for r in rows] == [12, 0] and rows[0]["out"] == 0
    assert liar(packets, "show", "clients").returncode == 0
    # One who tells for ever is not listened to for ever.
    done = liar((b"s\tsession=1-1\n" for _ in iter(int, 1)), "--json", "show",
                "sessions", "limit", "1")
    assert done.returncode == 1 and b"more sessions than" in done.stderr
    done = liar([], "show", "sessions", answer=b"error: \x1b[31mno\n")
    assert done.returncode == 1 and b"\x1b" not in done.stderr


def test_completion_and_help(box):
    for shell in ("bash", "zsh"):
        said = box.run("completion", shell, program="spawnctl")
        assert said.returncode == 0 and "sessions" in said.stdout
    assert "bash and zsh" in box.run("completion", "fish",
                                     program="spawnctl").stderr
    said = box.run("help", "show", "sessions", program="spawnctl").stdout
    assert "sort rate|bytes|age" in said
    assert box.run("help", "nonsense", program="spawnctl").returncode == 2


def test_who_may_only_look(daemon, echo, box):
    """A second socket, for a group: it shows, nothing else, and its clients
    keep nobody from the first one."""
    path = box.dir / "readers.sock"
    group = os.getgid()
    d = daemon(remotes=[echo], spawnd=f"""
        control-readers = "{path}" control-group = {group}""")
    mode = os.stat(path)
    assert (mode.st_mode & 0o7777, mode.st_gid) == (0o660, group)
    client = roundtrip(d.connect())

    def ctl(*args):
        return subprocess.run([Box.programs["spawnctl"], "-s", path, *args],
                              capture_output=True, text=True, timeout=60)
    assert ctl("--json", "show", "summary").returncode == 0
    name = sessions(d)[0]["session"]
    assert name in ctl("show", "sessions").stdout
    for args in (["reload"], ["stop"], ["kill", name], ["drain", "1"],
                 ["reopen"], ["remote", "app/a", "disable"], ["upgrade"]):
        done = ctl(*args)
        assert done.returncode == 1 and "for those who look" in done.stderr
    assert peers.answers(client)
    crowd = []
    for _ in range(40):
        sock = box.closing(socket.socket(socket.AF_UNIX))
        sock.connect(str(path))
        crowd.append(sock)
    assert d.summary()["sessions"] == 1
    for sock in crowd:
        sock.close()
    if not box.single:
        d.ctl("upgrade")
        wait(lambda: d.summary()["last_reload"] == "ok", 30, "the reload")
        d.reloads += 1
        assert "for those who look" in ctl("reload").stderr
    # All or nothing; then it is gone.
    taken = box.dir / "taken"
    taken.write_text("")
    d.write(spawnd=f'control-readers = "{taken}"')
    done = d.ctl("reload", check=False)
    assert done.returncode == 1 and "control-readers: " in done.stderr
    d.reloads += 1
    assert ctl("show", "summary").returncode == 0
    d.reload(spawnd="")
    assert not path.exists() and ctl("show", "summary").returncode == 1
    assert d.summary()["sessions"] == 1
    bad = box.conf("bad", remotes=[echo], spawnd="control-group = 1")
    said = box.run("-n", bad.write() or bad.path)
    assert said.returncode == 1 and "add control-readers" in said.stderr


def test_level_of_the_log(daemon, echo, box):
    """In the master and in all workers, also later ones, until a reload."""
    d = daemon(remotes=[echo], spawnd="servers { min = 2 max = 4 }")
    assert "it was info" in d.ctl("log", "level", "debug").stdout

    def staged():
        """The logger learns of it by another way than its lines."""
        roundtrip(d.connect()).close()
        return d.lines("stage connect -> relay")
    wait(staged, 30, "lines about stages")
    if not box.single:
        d.ctl("drain", str(d.workers("ready")[0]["pid"]))
        wait(lambda: len(d.workers("ready")) == 2 == len(d.workers()), 30,
             "another worker")
        pids = set(d.kids())

        crowd = [roundtrip(d.connect()) for _ in range(6)]

        def told():
            crowd.append(roundtrip(d.connect()))
            return all(any(f"relay[{pid}]" in line for line in
                           d.lines("stage connect -> relay"))
                       for pid in pids)
        wait(told, 30, "lines of every worker")
        for sock in crowd:
            sock.close()
        d.wait_sessions(0)
    d.ctl("log", "level", "error")

    def lines_come():
        seen = len(d.closed())

        def more():
            roundtrip(d.connect()).close()
            return len(d.closed()) > seen
        return wait(more, 30, "lines of sessions")
    assert "it was error" in d.ctl("log", "level", "info").stdout
    lines_come()
    d.ctl("log", "level", "error")
    d.reload()
    wait(lambda: {w["generation"] for w in d.workers()} == {2}, 30,
         "the end of the old ones")
    lines_come()
    assert d.ctl("log", "level", "loud", check=False).returncode == 2


def test_what_goes_on(daemon, echo):
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    head, *lines = d.ctl("monitor", "every", "100ms", "count",
                         "3").stdout.splitlines()
    assert head.split()[:3] == ["time", "sessions", "waiting"]
    assert len(lines) == 3 and all(line.split()[1] == "1" for line in lines)
    looks = [json.loads(line) for line in
             d.ctl("--json", "monitor", "every", "100ms", "count",
                   "2").stdout.splitlines()]
    assert [look["sessions"] for look in looks] == [1, 1]
    assert looks[0]["bytes_in_rate"] == 0 and peers.answers(client)
    assert d.ctl("monitor", "often", "1", check=False).returncode == 2
