"""The log as text, JSON, HAProxy's tcplog and lines of one's own, to files,
receivers of syslog messages and the journal, all at once."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

import peers
from harness import SESSION, SLOW, wait
from peers import roundtrip
from test_logs import mount, needs_root, own_mounts

RFC5424 = re.compile(r"<(\d+)>1 (\S+) (\S+) (\w+) (\d+) (\S+) - (.*)", re.S)
LATE = 30


class Receiver:
    """Of messages of syslog, as packets or one behind the other."""

    def __init__(self, address, kind):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET
        self.sock = socket.socket(family, kind)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_STREAM:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind(address)
        self.address, self.kind = self.sock.getsockname(), kind
        self.messages, self.conns, self.over = [], [], False
        self.reads = threading.Event()
        self.reads.set()
        if kind == socket.SOCK_STREAM:
            self.sock.listen()
        self.sock.settimeout(0.05)
        self.thread = peers.Thread(self.run)

    def run(self):
        while not self.over:
            try:
                if self.kind == socket.SOCK_DGRAM:
                    self.messages.append(self.sock.recv(65536).decode())
                else:
                    self.stream(self.sock.accept()[0])
            except TimeoutError:
                pass

    def stream(self, conn):
        """RFC 6587: each behind its length."""
        self.conns.append(conn)
        conn.settimeout(0.05)
        got = b""
        while not self.over:
            if not self.reads.wait(0.05):
                continue
            try:
                more = conn.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not more:
                return
            got += more
            while b" " in got[:8]:
                size, rest = got.split(b" ", 1)
                if len(rest) < int(size):
                    break
                self.messages.append(rest[:int(size)].decode())
                got = rest[int(size):]

    def text(self):
        return "\n".join(self.messages)

    def close(self):
        self.over = True
        self.reads.set()
        self.thread.result()
        for sock in self.conns + [self.sock]:
            sock.close()


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def fields(text):
    """Of a closing line, as words."""
    return dict(part.split("=", 1) for part in text.split())


def closing(d):
    return [t for t in d.texts() if SESSION.match(t)]


def halog(text, *args):
    done = subprocess.run(["halog", *args], input=text, text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 0 and "Truncated" not in done.stderr, done
    assert not re.search(r"[1-9]\d* parsing errors", done.stderr), done
    return done


def test_all_formats_to_all_targets(daemon, backend, box):
    """Each line of a session is everywhere, and says the same."""
    def some(sock):
        data = sock.recv(100)
        sock.sendall(b"xyz")
        if data == b"reset":
            peers.abort(sock)

    server = backend(some)
    udp = box.closing(Receiver(("127.0.0.1", 0), socket.SOCK_DGRAM))
    tcp = box.closing(Receiver(("127.0.0.1", 0), socket.SOCK_STREAM))
    unix = box.closing(Receiver(str(box.dir / "keepdgram"),
                                socket.SOCK_DGRAM))
    stream = box.closing(Receiver(str(box.dir / "keepstream"),
                                  socket.SOCK_STREAM))
    custom = '%{client:quoted} %{why} 100%% %{tag:json} %{sni} ' \
        '%{total:ms} %{relay}/%{remote} %{event} %{process}'
    d = daemon(remotes=[server], relay="retries = 0",
               listen='address = "127.0.0.1" port = 0 tag = "dmz"', spawnd=f"""
        access = {{"deny 127.0.0.66", "permit all"}}
        log {{ to = stderr }}
        log j {{ to = "{box.dir}/own.json" format = json }}
        log h {{ to = "{box.dir}/own.haproxy" format = haproxy }}
        log c {{ to = "{box.dir}/own.custom" format = custom
                 custom = '{custom}' }}
        log s {{ to = "{box.dir}/own.few" sessions = no }}
        log w {{ to = "{box.dir}/own.warnings" level = warning }}
        log u {{ to = "udp://127.0.0.1:{udp.address[1]}" format = json
                 facility = local3 }}
        log t {{ to = "tcp://127.0.0.1:{tcp.address[1]}" }}
        log x {{ to = "unix://{unix.address}" format = haproxy }}
        log y {{ to = "unix://{stream.address}" format = custom
                 custom = '%{{client}}' }}
        """)
    for word in (b"one", b"two", b"reset"):
        sock = d.connect()
        sock.sendall(word)
        try:
            while sock.recv(100):
                pass
        except ConnectionResetError:
            pass
        sock.close()
    peers.turned_away(box, d.address(), source="127.0.0.66")
    d.wait_closed(3, LATE)
    server.close()
    box.closers.remove(server)
    assert peers.turned_away(box, d.address(), said=b"") == "reset"
    d.wait_closed(4, LATE)
    d.wait_line("refused: ", "127.0.0.66")
    text = closing(d)
    want = [fields(t) for t in text]

    # JSON: numbers are numbers, whatever is missing is null.
    def objects(source):
        return [json.loads(line) for line in source]

    path = box.dir / "own.json"
    wait(lambda: path.read_text().count('"session"') >= 8, LATE, "objects")
    found = objects(lines(path))
    sessions = [o for o in found if o.get("event") == "session"]
    assert len(sessions) == 4
    for session, words in zip(sorted(sessions, key=lambda o: o["session"]),
                              sorted(want, key=lambda w: w["session"])):
        assert session["relay"]
        assert session["process"] == "relay" or box.single
        assert session["pid"] == int(words["session"].split("-")[0], 16)
        assert isinstance(session["active"], int)
        assert re.match(r"\d{4}-.*T.*\.\d{3}Z$", session["time"])
        for name, value in words.items():
            have = session[name]
            if value == "-":
                assert have is None
            elif name in ("in", "out", "tries"):
                assert have == int(value) and isinstance(have, int)
            elif name in ("queue", "connect", "total"):
                assert have == float(value) and not isinstance(have, str)
            else:
                assert have == value
    refused, = [o for o in found if o.get("event") == "refused"]
    assert refused["why"] == "denied" and refused["level"] == "notice"
    assert refused["rule"] == "deny 127.0.0.66" and refused["tag"] == "dmz"
    assert any(o.get("message", "").startswith("ready: ") for o in found)

    # HAProxy's, as its own reader has it.
    path = box.dir / "own.haproxy"
    wait(lambda: sum(" [" in line for line in lines(path)) == 4, LATE,
         "lines for halog")
    states = sorted(line.split(" ")[-3] for line in lines(path)
                    if " [" in line)
    assert states == ["--", "--", "SC", "SD"], states
    if shutil.which("halog"):
        said = halog(path.read_text(), "-c")
        assert said.stdout.strip() == str(len(lines(path))), said
        said = halog("\n".join(line for line in lines(path)
                               if " [" in line) + "\n", "-ac", "0")
        assert sum(int(line.split()[-1])
                   for line in said.stdout.splitlines()) == 4, said

    # One's own.
    path = box.dir / "own.custom"
    wait(lambda: sum('"127' in line for line in lines(path)) >= 5, LATE,
         "lines of one's own")
    own = [line for line in lines(path) if " session " in line]
    assert len(own) == 4
    for words in want:
        ms = int(words["total"].replace(".", ""))
        assert any(re.match(
            rf'"{re.escape(words["client"])}" {words["why"]} 100% "dmz" - '
            rf'{ms} \w+/{words["remote"]} session ', line)
            for line in own), (words, own)
    assert any(" denied 100% " in line and " refused " in line
               for line in lines(path))

    # Levels, and no sessions.
    assert not any("session=" in line
                   for line in lines(box.dir / "own.few"))
    assert any("ready: " in line for line in lines(box.dir / "own.few"))
    wait(lambda: lines(box.dir / "own.warnings"), LATE, "a warning")
    assert all("warning: " in line or "error: " in line
               for line in lines(box.dir / "own.warnings"))

    # Receivers.
    for receiver in (udp, tcp, unix, stream):
        wait(lambda r=receiver: sum(" session - " in m
                                    for m in r.messages) == 4, LATE,
             f"messages at {receiver.address}")
        for message in receiver.messages:
            assert RFC5424.fullmatch(message), message
    match = RFC5424.match(next(m for m in udp.messages if " session " in m))
    assert int(match[1]) == 19 * 8 + 6
    assert json.loads(match[7])["event"] == "session"
    assert sorted(RFC5424.match(m)[7] for m in tcp.messages
                  if " session - " in m) == sorted(text)
    assert sorted(RFC5424.match(m)[7] for m in stream.messages
                  if " session - " in m) == \
        sorted(w["client"] for w in want)


def test_receivers_come_and_go(daemon, echo, box):
    """Nobody waits for one; what finds no room is counted, and the rest is
    there when it comes."""
    tcp = Receiver(("127.0.0.1", 0), socket.SOCK_STREAM)
    port = tcp.address[1]
    tcp.close()
    unix = str(box.dir / "keepnone")
    d = daemon(remotes=[echo], spawnd=f"""
        log {{ to = stderr }}
        log t {{ to = "tcp://127.0.0.1:{port}" }}
        log x {{ to = "unix://{unix}" sessions = no }}""")
    roundtrip(d.connect()).close()
    d.wait_closed(1, LATE)
    d.wait_line("warning: ", f"tcp://127.0.0.1:{port}", "refused")
    d.wait_line("warning: ", f"unix://{unix}", "cannot be opened")
    tcp = box.closing(Receiver(("127.0.0.1", port), socket.SOCK_STREAM))
    dgram = box.closing(Receiver(unix, socket.SOCK_DGRAM))
    wait(lambda: " session - session=" in tcp.text(), LATE,
         "the line that waited")
    wait(lambda: " ready: " in dgram.text(), LATE, "the one at the socket")

    # One that takes nothing: the others do not notice.
    tcp.reads.clear()
    total = 3000
    peers.load(box, d.address(), total, concurrent=20)
    d.wait_closed(total + 1, LATE * SLOW)
    tcp.reads.set()
    wait(lambda: "could not be written" in tcp.text(), LATE * SLOW,
         "how many are missing")

    def lost():
        return sum(map(int, re.findall(r"(\d+) lines could not be written",
                                       tcp.text())))

    def all_told():
        roundtrip(d.connect()).close()
        return tcp.text().count(" session - ") + lost() >= total + 1

    wait(all_told, LATE * SLOW, "each line there or counted", 0.2)

    # Another in its place.
    tcp.close()
    box.closers.remove(tcp)
    again = box.closing(Receiver(("127.0.0.1", port), socket.SOCK_STREAM))

    def found():
        roundtrip(d.connect()).close()
        return " session - " in again.text()

    wait(found, LATE, "lines at the next one", 0.2)
    assert all(RFC5424.fullmatch(m) for m in again.messages)


def test_sample_and_rate(daemon, echo, box):
    """Few lines of many sessions, but of all that went wrong; told how many
    there were."""
    def log(name):
        return box.dir / f"own.{name}"

    d = daemon(remotes=[echo], relay="idle-timeout = 300ms", spawnd=f"""
        log {{ to = "{log('none')}" sample = 0 }}
        log some {{ to = "{log('some')}" sample = 0.2 format = json }}
        log few {{ to = "{log('few')}" rate = 5 }}
        log all {{ to = "{log('all')}" }}""")
    d.logfile = log("all")
    total = 1000
    peers.load(box, d.address(), total, concurrent=20)
    d.wait_closed(total, LATE * SLOW)
    idle = roundtrip(d.connect())
    peers.ended(idle)
    d.wait_closed(total + 1, LATE)
    wait(lambda: "idle-timeout" in log("none").read_text(), LATE,
         "the one that went wrong")
    assert log("none").read_text().count("session=") == 1
    some = [json.loads(line) for line in lines(log("some"))]
    found = [o["why"] for o in some if o.get("event") == "session"]
    assert 100 <= found.count("fin") <= 320, len(found)
    assert found.count("idle-timeout") == 1

    def told():
        text = log("few").read_text()
        held = re.findall(r"warning: (\d+) sessions have no line here", text)
        return text.count(" why=") + sum(map(int, held)) == total + 1

    wait(told, LATE, "each session a line, or counted")
    held = log("few").read_text().count("have no line here")
    assert 1 <= held < 200


@needs_root
def test_journal(daemon, echo, box):
    """It gets the fields, by its own protocol."""
    def preexec():
        own_mounts()
        mount("tmpfs", "/run", "tmpfs", 0, b"size=64k,mode=755")
        os.makedirs("/run/systemd/journal")
        os.symlink(box.dir / "keepjournal", "/run/systemd/journal/socket")

    journal = box.closing(Receiver(str(box.dir / "keepjournal"),
                                   socket.SOCK_DGRAM))
    d = daemon(remotes=[echo], preexec=preexec, spawnd="""
        log { to = stderr }
        log j { to = journald facility = local1 }""")
    client = roundtrip(d.connect())
    name = "%s:%d" % client.getsockname()
    client.close()
    line, = d.wait_closed(1, LATE)
    wait(lambda: "SPAWND_SESSION=" in journal.text(), LATE, "the session")
    message = next(m for m in journal.messages if "SPAWND_SESSION=" in m)
    got = dict(part.split("=", 1) for part in message.splitlines())
    assert got["MESSAGE"].startswith("session=")
    assert got["PRIORITY"] == "6" and got["SYSLOG_FACILITY"] == "17"
    assert got["SYSLOG_IDENTIFIER"] in ("relay", "spawnd")
    assert got["SPAWND_CLIENT"] == name
    assert got["SPAWND_SESSION"] == line["session"]
    assert got["SPAWND_WHY"] == "fin" and got["SPAWND_EVENT"] == "session"


def test_targets_change_and_stay(daemon, echo, box):
    """A reload adds, changes and takes away; an upgrade and the death of the
    logger lose none; each file is followed over a rotation."""
    one, two = box.dir / "own.one", box.dir / "own.two"

    def logs(more):
        return f'log {{ to = stderr }} log one {{ to = "{one}" ' \
            f'format = json }}\n{more}'

    d = daemon(remotes=[echo], spawnd=logs(""))

    def session():
        client = roundtrip(d.connect())
        name = "%s:%d" % client.getsockname()
        client.close()
        return name

    def arrives(*paths):
        name = session()
        wait(lambda: all(name in p.read_text() for p in paths if p.exists())
             and all(p.exists() for p in paths), LATE, f"{name} in {paths}")

    arrives(one)
    custom = r'\\ %% "%{client}"'
    d.reload(spawnd=logs(f"log two {{ to = \"{two}\" format = custom "
                         f"custom = '{custom}' }}"))
    arrives(one, two)
    assert any(re.fullmatch(r'\\+ % "127\.0\.0\.1:\d+"', line)
               for line in lines(two))
    if not box.single:
        d.ctl("upgrade")
    arrives(one, two)
    victim, = d.kids("logger")
    d.kill(signal.SIGKILL, victim)
    wait(lambda: d.kids("logger") not in ([], [victim]), LATE, "another")
    arrives(one, two)
    for path in (one, two):
        path.rename(f"{path}.1")
    d.ctl("reopen")
    arrives(one, two)
    d.reload(spawnd=logs(""))

    def only_one():
        name = session()
        wait(lambda: name in one.read_text(), LATE, name)
        return name not in two.read_text()

    wait(only_one, LATE, "the end of the other target")
