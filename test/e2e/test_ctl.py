"""spawnctl, and what it shows."""

import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import peers
from harness import wait
from peers import roundtrip

SUMMARY = {"version", "pid", "uptime_seconds", "generation", "mechanism",
           "workers", "draining", "sessions", "sessions_total", "accepted",
           "refused", "denied", "limited", "waiting", "kept", "overload",
           "users_max_total", "bytes_in", "bytes_out", "last_reload",
           "dropped_logs", "kernel_tls"}
COLUMNS = {
    "workers": ["pid", "generation", "state", "sessions", "taken", "closed",
                "bytes_in", "bytes_out", "age_seconds"],
    "listeners": ["name", "address", "relay", "tls", "tag", "accepted",
                  "refused", "denied", "limited", "waiting", "overload",
                  "backlog", "options", "sessions", "sessions_total",
                  "failed", "bytes_in", "bytes_out"],
    "remotes": ["relay", "name", "address", "weight", "active", "sessions",
                "failed", "held", "bytes_in", "bytes_out", "state", "up",
                "since", "check_error", "queue", "refused", "timed_out",
                "unreachable", "other"],
}


@pytest.fixture
def d(daemon, echo):
    d = daemon(remotes=[echo, echo])
    client = roundtrip(d.connect(), b"12345")
    client.close()
    d.wait_sessions(0)
    return d


def test_summary(d):
    summary = d.summary()
    assert SUMMARY <= set(summary)
    assert (summary["sessions_total"], summary["accepted"],
            summary["refused"], summary["bytes_in"], summary["bytes_out"],
            summary["workers"], summary["draining"], summary["overload"]) \
        == (1, 1, 0, 5, 5, 2, 0, "no")
    assert isinstance(summary["pid"], int)
    assert summary["users_max_total"] > 0
    assert summary["last_reload"] == "never"
    assert summary["dropped_logs"] == 0
    text = dict(line.split(None, 1) for line in
                d.ctl("show", "summary").stdout.splitlines())
    assert set(text) == set(summary)
    assert text["pid"] == str(d.pid)


@pytest.mark.parametrize("what", COLUMNS)
def test_tables(d, what):
    rows = d.show(what)
    assert isinstance(rows, list) and rows
    for row in rows:
        assert list(row) == COLUMNS[what]
    head, *lines = d.ctl("show", what).stdout.splitlines()
    assert head.split() == COLUMNS[what]
    assert len(lines) == len(rows)
    for line in lines:
        assert len(line.split()) == len(COLUMNS[what]), line


def test_numbers_add_up(d, box):
    clients = [roundtrip(d.connect()) for _ in range(7)]
    peers.load(box, d.address(), 50, size=(10, 10))
    d.wait_sessions(7)
    workers, remotes = d.workers(), d.remotes()
    assert sum(w["sessions"] for w in workers) == 7
    assert sum(w["taken"] - w["closed"] for w in workers) == 7
    assert sum(r["active"] for r in remotes.values()) == 7
    assert sum(r["sessions"] for r in remotes.values()) == 58
    assert d.summary()["sessions_total"] == 58
    assert {w["pid"] for w in workers} == set(d.kids())
    assert all(w["state"] == "ready" and w["age_seconds"] < 100
               for w in workers)
    assert all(peers.answers(c) for c in clients)


def test_bytes_of_open_sessions_are_counted(daemon, echo):
    d = daemon(remotes=[echo])
    client = d.connect()
    client.sendall(b"x" * 5000)
    peers.receive(client, 5000)
    wait(lambda: d.summary()["bytes_in"] == 5000 ==
         d.summary()["bytes_out"], 5, "the bytes of an open session")


def test_who_waits_in_each_backlog(daemon, echo, box):
    """The kernel is asked: TCP and unix sockets alike."""
    path = box.dir / "side.sock"
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 1 } users { min = 1 max = 1 }""",
               listen={"web": 'address = "127.0.0.1" port = 0',
                       "side": f'path = "{path}"'})
    first = roundtrip(d.connect())
    late = [d.connect() for _ in range(3)]
    late += [box.closing(peers.connect(str(path))) for _ in range(2)]
    for sock in late:
        sock.sendall(b"late")

    def waiting():
        return {l["name"]: l["waiting"] for l in d.show("listeners")}
    wait(lambda: waiting() == {"web": 3, "side": 2}, 30, "five wait")
    summary = d.summary()
    assert (summary["waiting"], summary["kept"], summary["overload"]) == \
        (5, 0, "yes")
    head, *lines = d.ctl("show", "listeners").stdout.splitlines()
    column = head.split().index("waiting")
    assert sorted(line.split()[column] for line in lines) == ["2", "3"]
    first.close()
    for _ in range(5):
        there = select.select(late, [], [], 30)[0]
        assert there, f"{len(late)} wait for ever"
        assert peers.receive(there[0], 4) == b"late"
        there[0].close()
        late.remove(there[0])
    wait(lambda: waiting() == {"web": 0, "side": 0}, 30, "nobody waits")


@pytest.mark.parametrize("args, words", [
    ([], "a command is missing; there are show VIEW, reload"),
    (["show"], "a view is missing; there are summary, workers"),
    (["show", "nothing"], 'unknown view "nothing"; there are summary'),
    (["show", "sumary"], 'did you mean "summary"?'),
    (["show", "summary", "x"], 'show summary takes no "x"'),
    (["frobnicate"], 'unknown command "frobnicate"; there are show VIEW'),
    (["relaod"], 'did you mean "reload"?'),
    (["summary"], 'did you mean "show summary"?'),
    (["drain"], "drain needs the process id of a worker"),
    (["drain", "x"], "drain needs the process id of a worker"),
    (["reload", "now"], 'reload takes no "now"'),
    (["-t", "soon", "reload"], '"soon" is not a time'),
    (["reload", "-t"], "-t"), (["-Z"], "unknown option: -Z"),
    (["--nope"], "unknown option: --nope")],
    ids=lambda a: " ".join(a) or "nothing" if isinstance(a, list) else "")
def test_unknown_commands_are_2(d, args, words):
    done = d.ctl(*args, check=False)
    assert done.returncode == 2, done.stderr
    reason, usage = done.stderr.split("\n", 1)
    assert reason.startswith("spawnctl: ") and words in reason
    assert usage.startswith("usage:")


@pytest.mark.parametrize("args, words", [
    (["--help"], "show generations"), (["-h"], "show generations"),
    (["help"], "drain PID"), (["--version"], "spawnctl "),
    (["-V"], "spawnctl ")], ids=lambda a: a[0])
def test_help_and_version(box, args, words):
    done = box.run(*args, program="spawnctl")
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_names_cannot_break_a_view(daemon, echo, box):
    """A path may have any byte: JSON stays UTF-8, a row one line."""
    folder = os.fsencode(box.dir)
    path = folder + b'/a\xff"\t\x1b\xc2\x9b\xc3\xbc.sock'
    conf = box.conf("own", remotes=[echo])
    text = conf.path.read_bytes().replace(
        b"listen web {", b"listen odd { path = '" + path + b"' }\n"
        b"listen web {", 1)
    conf.path.write_bytes(text)
    d = daemon(conf=False, args=[conf.path])
    d.conf = conf
    raw = subprocess.run([box.programs["spawnctl"], "-s", conf.control,
                          "--json", "show", "listeners"],
                         capture_output=True).stdout
    rows = {row["name"]: row for row in json.loads(raw.decode("utf-8"))}
    assert rows["odd"]["address"].endswith('/a\ufffd"\t\x1b\x9b\u00fc.sock')
    table = d.ctl("show", "listeners").stdout.splitlines()
    assert len(table) == 3
    assert '/a?"????\u00fc.sock' in table[1] + table[2]
    os.unlink(path)


def test_socket_of_the_environment(d, box):
    env = {"SPAWND_CONTROL": str(d.conf.control)}
    done = box.run("show", "summary", program="spawnctl", env=env)
    assert done.returncode == 0, done.stderr
    other = box.run("-s", box.dir / "none.sock", "show", "summary",
                    program="spawnctl", env=env)
    assert other.returncode == 1 and "none.sock" in other.stderr


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None,
                    reason="mounts over /run")
def test_default_socket(box, echo):
    """In a folder that root makes, on a machine that has just been started."""
    said = box.run("--help", program="spawnctl").stdout
    default = re.search(r"else (/\S+/spawnd/control)\n", said).group(1)
    run = os.path.dirname(os.path.dirname(default))
    conf = box.conf(remotes=[echo], spawnd=f"""
        log {{ to = "{box.dir}/log" }} control = "{default}"
        pidfile = "{run}/spawnd/spawnd.pid" """)
    conf.control = None
    conf.write()
    done = subprocess.run(["unshare", "-m", "sh", "-xc", f"""set -e
        mount -t tmpfs none {run}
        umask 077
        ! {box.programs["spawnctl"]} show summary
        {box.programs["spawnd"]} -n {conf.path}
        {box.programs["spawnd"]} -b {conf.path}
        {box.programs["spawnctl"]} show summary
        stat -c %a {run}/spawnd
        {box.programs["spawnctl"]} stop"""], text=True, timeout=60,
                          capture_output=True, env=box.environment())
    if "unshare: " in done.stderr or "mount: " in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout + done.stderr
    assert f'with control = "{default}" in its file?' in done.stderr
    assert "\n755\n" in done.stdout


@pytest.mark.parametrize("command", [["show", "summary"], ["reload"],
                                     ["stop"]], ids=" ".join)
def test_answer_has_a_limit(daemon, echo, command):
    d = daemon(remotes=[echo])
    os.kill(d.pid, signal.SIGSTOP)
    try:
        done = d.ctl("-t", "300ms", *command, check=False)
    finally:
        os.kill(d.pid, signal.SIGCONT)
    assert done.returncode == 1
    assert "no answer in 300ms" in done.stderr
    # What it was asked it does, when it can.
    if command == ["stop"]:
        assert d.wait_end() == 0
    else:
        assert d.ctl("-t", "30s", "show", "summary").returncode == 0


def test_limit_of_the_connection(daemon, echo):
    """So many ask one that does not answer that they cannot connect."""
    d = daemon(remotes=[echo])
    os.kill(d.pid, signal.SIGSTOP)
    socks = []
    try:
        for _ in range(100):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            socks.append(sock)
            if sock.connect_ex(str(d.conf.control)) != 0:
                break
        done = d.ctl("-t", "300ms", "show", "summary", check=False)
    finally:
        os.kill(d.pid, signal.SIGCONT)
        for sock in socks:
            sock.close()
    assert done.returncode == 1
    assert "takes no connection" in done.stderr


def test_reload_may_last_as_long_as_the_master_answers(daemon, echo, box):
    slow = box.dir / "slow"
    slow.mkdir()
    for name in ("relay", "logger", "reader", "checker"):
        if (box.base / "libexec" / name).exists():
            (slow / name).symlink_to(box.base / "libexec" / name)
    d = daemon(remotes=[echo], libexec=slow)
    (slow / "relay").unlink()
    (slow / "relay").write_text(
        f"#!/bin/sh\nsleep 2\nexec {box.base}/libexec/relay \"$@\"\n")
    (slow / "relay").chmod(0o755)
    done = d.ctl("-t", "500ms", "reload", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert d.summary()["generation"] == 2


def test_reopen(daemon, echo, box):
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    log.rename(box.dir / "own.log.1")
    d.ctl("reopen")
    wait(log.exists, 30, "the new file")


def test_json_option_anywhere(d):
    assert json.loads(d.ctl("show", "summary", "--json").stdout) == \
        d.summary() or d.summary()["pid"] == d.pid


def test_no_daemon_is_1(box):
    done = box.run("-s", box.dir / "none.sock", "show", "summary",
                   program="spawnctl")
    assert done.returncode == 1 and "none.sock" in done.stderr


def test_stop(daemon, echo):
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    d.ctl("stop")
    assert peers.answers(client), "stop drains, as TERM"
    client.close()
    assert d.wait_end() == 0
    assert not d.conf.control.exists()


def test_control_socket_is_the_owners_alone(d):
    mode = d.conf.control.stat().st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o007


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_control_socket_refuses_others(d, box):
    done = box.run("-s", d.conf.control, "stop", program="spawnctl",
                   user="nobody", group="nogroup", extra_groups=[])
    assert done.returncode == 1
    assert "run this as root or as the user who started" in done.stderr
    assert d.summary()["pid"] == d.pid


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET],
                         ids=["stream", "seqpacket"])
def test_garbage_on_the_control_socket(d, kind):
    for junk in (b"", b"\n", b"\0" * 4096, b"show " + b"x" * 100_000,
                 b"\xff" * 70_000, b"show summary"):
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.settimeout(1)
        try:
            sock.connect(str(d.conf.control))
            sock.sendall(junk)
            sock.shutdown(1)
            sock.recv(65536)
        except OSError:
            pass
        sock.close()
    assert d.summary()["pid"] == d.pid
    roundtrip(d.connect())


def test_many_control_clients(d):
    """More than can be meant well; the next one is still answered."""
    socks = []
    for _ in range(200):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(0.2)
        try:
            sock.connect(str(d.conf.control))
        except OSError:
            pass
        socks.append(sock)
    roundtrip(d.connect())
    for sock in socks:
        sock.close()
    wait(lambda: d.ctl("show", "summary", check=False).returncode == 0, 5,
         "an answer")
