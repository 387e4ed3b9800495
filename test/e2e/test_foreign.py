"""Workers that are another program than relay: the samples, in C and Python,
live as relay does, and what they are given is all that they have."""

import os
import re
import shutil
import signal
import textwrap

import pytest

import peers
from harness import (TOP, WATCHDOG, Box, Conf, alive, children, compiled,
                     proc_stat, status_field, wait)
from peers import roundtrip


@pytest.fixture(scope="module")
def samples():
    """Where anybody may execute them."""
    source = TOP / "etc/examples"
    built = compiled(source / "worker.c", "-Wextra", "-pthread", "-I",
                     TOP / "include")
    found = {"c": Box.base / "worker", "py": Box.base / "worker.py"}
    shutil.copy(built, found["c"])
    shutil.copy(source / "worker.py", found["py"])
    return found


@pytest.fixture(params=["c", "py"])
def sample(request, samples):
    return samples[request.param]


def spawn(program, *arguments):
    quoted = ", ".join(f'"{a}"' for a in arguments)
    given = f"arguments = {{{quoted}}}" if arguments else ""
    return f'spawn {{ exec = "{program}" {given} }}'


class Alone(Conf):
    """Without a relay section."""

    def render(self):
        return super().render().partition("relay app {")[0]


def served_by(box, program, *arguments, more="", **kw):
    conf = Alone(box, "foreign").change(
        spawnd=f"{spawn(program, *arguments)} {more}", **kw)
    conf.write()
    return box.daemon(conf=conf)


def pids(d, *states):
    return {w["pid"] for w in d.workers(*states)}


def state(d, pid):
    return next((w["state"] for w in d.workers() if w["pid"] == pid), None)


@pytest.mark.rights
def test_what_it_finds(box, sample):
    """Who it is, what is open, and what the master knows of it."""
    d = served_by(box, sample, 0, more="""servers { min = 1 max = 1 }
        users { min = 8 max = 9 } setenv = {"OURS=x y"} nice = 2""")
    pid, = pids(d)
    clients = [roundtrip(d.connect()) for _ in range(3)]
    d.wait_sessions(3)
    assert not d.kids("relay")
    if os.geteuid() == 0:
        assert set(status_field(pid, "Uid")) & {"0"} == set()
        assert int(status_field(pid, "CapBnd")[0], 16) == 0
    assert status_field(pid, "NoNewPrivs") == [str(int(
        box.sandbox != "off"))]
    assert int(status_field(pid, "SigBlk")[0], 16) == 0
    with open(f"/proc/{pid}/environ") as f:
        env = dict(entry.partition("=")[::2] for entry in f.read().split("\0"))
    assert "PATH" in env and "HOME" not in env and env["OURS"] == "x y"
    assert os.getpriority(os.PRIO_PROCESS, pid) == \
        min(os.getpriority(os.PRIO_PROCESS, 0) + 2, 19)
    with open(f"/proc/{pid}/cmdline") as f:
        assert f.read().split("\0")[-5:-1] == ["0", "1", "0", "1"]
    # Its configuration is text, in which names are numbers, to be read from
    # the start by each.
    with open(f"/proc/{pid}/fd/4") as f:
        text = f.read()
    assert 'address = "127.0.0.1"' in text and "max = 9" in text
    with open(f"/proc/{pid}/fdinfo/4") as f:
        assert int(re.search(r"flags:\s*(\d+)", f.read())[1], 8) & 3 == 0
    assert not os.path.exists(f"/proc/{pid}/fd/8") or \
        "spawnd" not in os.readlink(f"/proc/{pid}/fd/8")
    clients.pop().close()
    d.wait_sessions(2)
    worker, = d.workers()
    assert (worker["taken"], worker["closed"]) == (3, 1)
    assert worker["bytes_in"] == worker["bytes_out"] > 0
    for client in clients:
        client.close()
    d.wait_sessions(0)
    assert d.summary()["bytes_in"] == 3 * len(b"knock knock\n")
    assert d.show("listeners")[0]["relay"] == "-"
    assert d.show("remotes") == []


def test_no_session_fails_while_all_changes(box, sample):
    """Retirement, reloads, drains and an upgrade under load, and an open
    session that goes through all of them."""
    d = served_by(box, sample, 60, more="servers { min = 2 max = 3 }")
    long = roundtrip(d.connect())
    load = peers.Load(box, d.address(), concurrent=8, rate=300, spread=50)
    wait(lambda: len(d.lines(": retires")) >= 3, 20, "retirement")
    assert "done" in d.hup()
    d.ctl("drain", str(next(iter(pids(d, "ready")))))
    d.reload(spawnd=f"{spawn(sample, 0)} servers {{ min = 3 max = 3 }}")
    assert peers.answers(long)
    d.ctl("upgrade")
    d.wait_line("reload: done, generation 4")
    wait(lambda: len(pids(d, "ready")) == 3, 10, "new workers")
    assert peers.answers(long)
    result = load.stop(181)
    assert result["failed"] == 0, result
    long.close()
    wait(lambda: len(d.workers()) == 3, 10, "the end of all others")
    assert len(children(d.pid)) == 4    # and the logger


def test_death_and_hang(box, sample):
    """One that is killed loses its own sessions; one that stops is replaced,
    and drains when it comes back."""
    d = served_by(box, sample, 0, more=f"""servers {{ min = 2 max = 2 }}
        watchdog = {WATCHDOG}ms""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(6)]
    victim, other = sorted(pids(d))
    d.kill(signal.SIGKILL, victim)
    wait(lambda: len(pids(d, "ready")) == 2 and victim not in pids(d), 10,
         "another")
    assert sum(peers.answers(c) for c in clients) == 3
    d.wait_line(f"worker {victim} died of signal 9")
    d.kill(signal.SIGSTOP, other)
    try:
        late = [d.connect() for _ in range(6)]
        for client in late:
            client.sendall(b"late")
        assert all(peers.receive(c, 4) == b"late" for c in late)
        wait(lambda: state(d, other) == "stuck", 10, "the watchdog")
    finally:
        d.kill(signal.SIGCONT, other)
    wait(lambda: state(d, other) == "draining", 10, "its drain")
    assert sum(peers.answers(c) for c in clients) == 3
    for client in clients:
        client.close()
    wait(lambda: not alive(other), 10, "its end")


def test_overload_drain_and_end(box, sample):
    """Who waits for room gets it when a session ends; a stop waits for what is
    open, and the end of a drain is the master's to bring about."""
    d = served_by(box, sample, 0, more="""servers { min = 1 max = 1 }
        users { min = 1 max = 2 } drain-timeout = 1s""")
    d.deaths = True
    clients = [roundtrip(d.connect()) for _ in range(2)]
    late = d.connect()
    late.sendall(b"late")
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload")
    assert peers.silent(late, 0.1)
    clients.pop().close()
    assert peers.receive(late, 4) == b"late"
    worker, = pids(d)
    d.kill(signal.SIGTERM)
    wait(lambda: state(d, worker) == "draining", 5, "the drain")
    assert all(peers.answers(c) for c in clients + [late])
    if sample.suffix == ".py":
        late.close()
        clients.pop().close()
    else:
        d.wait_line("has not ended in its drain-timeout: killed")
    assert d.wait_end(20) == 0
    assert not alive(worker)


def test_limits_of_a_listener(box, sample):
    """The master learns which sessions have ended."""
    d = served_by(box, sample, 0, listen="""address = "127.0.0.1" port = 0
        max-sessions = 3 source-sessions = 2""")
    clients = [roundtrip(d.connect()) for _ in range(2)]
    assert peers.turned_away(box, d.address()) == "reset"
    other = roundtrip(box.connect(d.address(), source="127.0.0.2"))
    assert peers.turned_away(box, d.address(), source="127.0.0.3") == "reset"
    other.close()
    d.wait_sessions(2)
    for _ in range(20):
        clients.pop(0).close()
        d.wait_sessions(1)
        clients.append(roundtrip(d.connect()))
        assert peers.turned_away(box, d.address()) == "reset"
    assert not d.lines("killed")


def test_it_outlives_the_master(box, sample):
    d = served_by(box, sample, 0, more="servers { min = 1 max = 1 }")
    d.leaves = {d.conf.control}
    client = roundtrip(d.connect())
    worker, = pids(d)
    d.kill(signal.SIGKILL)
    assert peers.answers(client)
    client.close()
    wait(lambda: not alive(worker), 10, "its end")


def test_max_generations_and_a_stop_at_once(box, sample):
    d = served_by(box, sample, 0, more="""servers { min = 1 max = 1 }
        max-generations = 1""")
    client = roundtrip(d.connect())
    d.reload()
    wait(lambda: not peers.answers(client), 5, "the end of its generation")
    client = roundtrip(d.connect())
    d.kill(signal.SIGINT)
    assert d.wait_end() == 0
    assert not peers.answers(client)


def script(box, name, text):
    """What it writes is for nobody: an interpreter that is ended while it
    still starts calls that fatal."""
    path = Box.base / f"{box.dir.name}-{name}"
    code = path.with_suffix(".py")
    code.write_text(textwrap.dedent(text))
    code.chmod(0o644)
    path.write_text(f'#!/bin/sh\nexec python3 {code} "$@" 2>/dev/null\n')
    path.chmod(0o755)
    return path


SPEAKS = """
    import os, socket, struct, time
    channel = socket.socket(fileno=3)
    channel.send({packet})
    time.sleep(1000)
"""


@pytest.mark.parametrize("packet, says", [
    ('struct.pack("=HHIi", 3, 1, 77, os.getpid())',
     r"speaks version 77 of the protocol of workers, this spawnd 1: \S+ is "
     "to be built for this release"),
    ('struct.pack("=HHI", 3, 1, 1)', "speaks out of turn: killed"),
    ("os._exit(0)", r"worker \d+ failed with status 0"),
])
def test_one_that_does_not_agree(box, samples, packet, says):
    """It is told so clearly, and the former generation serves on; so if it has
    ended before it has said anything, as if all were well."""
    bad = script(box, "bad", SPEAKS.format(packet=packet))
    d = served_by(box, samples["c"], 0)
    d.deaths = True
    client = roundtrip(d.connect())
    assert "failed" in d.hup(
        spawnd=f"{spawn(bad)} servers {{ min = 1 max = 1 }}")
    assert re.search(says, d.log), d.log
    assert peers.answers(client) and roundtrip(d.connect())
    bad.unlink()
    assert "No such file" in d.hup()


def test_relay_and_back(box, daemon, echo, samples):
    """A reload changes over, without a session that fails."""
    d = daemon(remotes=[echo])
    load = peers.Load(box, d.address(), concurrent=8, rate=200, spread=50)
    long = roundtrip(d.connect())
    for other in (spawn(samples["c"]), ""):
        wait(lambda: d.summary()["sessions_total"] > 50, 10, "load")
        d.reload(spawnd=other)
        assert {proc_stat(pid)[0] for pid in pids(d, "ready")} == \
            {"worker" if other else "relay"}
        roundtrip(d.connect()).close()
    assert peers.answers(long)
    result = load.stop(51)
    assert result["failed"] == 0, result


def test_what_is_checked(box, samples):
    """By -n, with the line; what only relay does is refused."""
    def says(text):
        path = box.dir / "checked.conf"
        path.write_text(text)
        done = box.run("-n", path)
        assert "Sanitizer" not in done.stderr
        return done.stderr or "good"

    def given(program, spawnd="", listen="", more=""):
        return says(f'spawnd {{\nspawn {{ exec = "{program}" }}\n{spawnd}\n'
                    f"listen a {{ port = 0 {listen} }} }}\n{more}\n")

    program, plain = samples["c"], box.dir / "plain"
    plain.write_text("#!/bin/sh\n")
    assert given(program) == "good"
    open_to_all = Box.base / f"{box.dir.name}-open"
    shutil.copy(program, open_to_all)
    open_to_all.chmod(0o777)
    assert f"conf:2: warning: {open_to_all} can be written by everybody" in \
        given(open_to_all)
    assert given(program, more="relay r { remote a { path = /x } }\n"
                 "relay s { remote a { path = /x } }") == "good"
    for path, why in ((box.dir / "no", "No such file"),
                      (box.dir, "is no file"), (plain, "cannot be executed"),
                      ("worker", "is not absolute")):
        assert re.search(f'conf:2: spawn: exec "{path}"?.*{why}', given(path))
    for place in ({"spawnd": "chroot = /"}, {"spawnd": "sandbox = require"},
                  {"listen": "tls = t"}, {"listen": 'proxy-from = {"::1"}'},
                  {"more": "tls t { ca = /x }"},
                  {"more": "auth a { path = /x }"}):
        assert "is for relay, and spawn: exec runs another program" in \
            given(program, **place), place
    assert "there is no relay" in given(program, listen="relay = r")
    assert "arguments are for nobody" in says(
        'spawnd { listen a { port = 0 } spawn { arguments = {"x"} } }\n'
        "relay r { remote a { path = /x } }\n")
    assert 'there is no "relay" section' in says(
        "spawnd { listen a { port = 0 } spawn { } }\n")
