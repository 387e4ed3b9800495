"""Sessions that somebody else is asked about: programs and daemons that answer
well, badly, late or never, that die, hang and come back."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.parse

import pytest

import harness
from harness import wait
from peers import Backend, abort, answers, ended, roundtrip, turned_away
from test_route import hello
from test_upgrade import upgrade

ASK = 'address = "127.0.0.1" port = 0 auth = ask relay = app'
# By the address of the client.
SCRIPT = r"""#!/bin/sh
set -f
while read -r id words; do
    case " $words " in
    *" client=127.0.0.2 "*) echo "$id deny" ;;
    *" client=127.0.0.3 "*) echo "$id relay=other" ;;
    *" client=127.0.0.4 "*) echo "$id maybe" ;;
    *" client=127.0.0.5 "*) echo "$id relay=nowhere" ;;
    *" client=127.0.0.6 "*) ;;
    *" client=127.0.0.7 "*) echo "id=permit" ;;
    *" client=127.0.0.8 "*) printf '%0999d' 1 ;;
    *) echo "$id permit" ;;
    esac
done
"""


def script(box, text=SCRIPT, name="ask.sh"):
    path = box.dir / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def programs(d, name="ask.sh"):
    return d.kids(name)


class Asked:
    """Somebody's daemon at a unix socket: how(line) is the answer, or None."""

    def __init__(self, box, how, name="keep.ask"):
        self.lines, self.how = [], how
        self.backend = box.closing(
            Backend(self.serve, path=box.dir / name))

    def serve(self, sock):
        with sock.makefile("rw", newline="\n") as file:
            for line in file:
                self.lines.append(line)
                text = self.how(line)
                if text is not None:
                    file.write(text)
                    file.flush()


def words(line):
    return dict(word.split("=", 1) for word in line.split())


def permit(line):
    return f"{line.split()[0]} permit\n"


def section(more, name="ask"):
    return f"auth {name} {{ {more} }}\n"


@pytest.mark.parametrize("fail", ["deny", "permit"])
def test_answers(box, daemon, echo, backend, fail):
    """Permit, deny, another relay; what is none of these, garbage, too much or
    nothing at all is as fail says, and disturbs nobody else."""
    def other(sock):
        sock.recv(100)
        sock.sendall(b"other!")
    there = backend(other)
    d = daemon(remotes=[echo], listen=ASK, extra=section(
        f'command = "{script(box)} " timeout = 1s fail = {fail}') +
        f"relay other {{ remote o {{ {there.conf()} }} }}")
    held = roundtrip(d.connect())
    if os.geteuid() == 0 and not box.single:
        assert harness.status_field(programs(d)[0], "Uid")[0] != "0"
    assert turned_away(box, d.address(), source="127.0.0.2") == "reset"
    sock = d.connect(source="127.0.0.3")
    sock.sendall(b"hello")
    assert sock.recv(6) == b"other!" and ended(sock) == "fin"
    for last in (4, 5, 6, 7, 8):
        address = f"127.0.0.{last}"
        if fail == "permit":
            assert answers(d.connect(source=address))
        else:
            assert turned_away(box, d.address(), source=address) == "reset"
        assert answers(d.connect()) and answers(held)
    for part in ("an answer is not understood", "no relay", "in time",
                 '"id=permit" is no answer', "too long", "it was killed"):
        wait(lambda: part in d.log, what=part)
    for sock in box.sockets:
        sock.close()
    closed = d.wait_closed(13)
    whys = [(c["why"], c["remote"]) for c in closed]
    assert whys.count(("denied", "-")) == (1 if fail == "permit" else 6)
    assert ("fin", "o") in whys


def test_who_is_asked_about_after_a_reload(box, daemon, echo):
    """Who has not come so far when its worker drains is still asked about."""
    d = daemon(remotes=[echo], listen=ASK + ' proxy-from = "127.0.0.0/8"',
               extra=section(f'command = "{script(box)}"'))
    late, gone = d.connect(), d.connect()
    late.sendall(b"PROXY TCP4 10.1.2.3 10.")
    d.wait_sessions(2)
    d.reload()
    assert len(programs(d)) > len(d.workers("ready"))
    gone.close()
    late.sendall(b"2.3.4 1234 80\r\n")
    roundtrip(late)
    d.wait(lambda: len(programs(d)) == len(d.workers("ready")), 30,
           "the end of those that are asked no more")
    assert answers(late)


def test_deaths(box, daemon, echo):
    """Programs that are killed or stopped are replaced, and whoever waits for
    an answer gets it from the next; each worker has its own, as many as it may
    have; a reload and an upgrade leave none behind."""
    if box.single:
        pytest.skip("one process is one worker, and has sessions")
    ask = script(box)
    d = daemon(remotes=[echo], listen=ASK,
               spawnd="servers { min = 2 max = 2 }", extra=section(
                   f'command = "{ask}" processes = 2 timeout = 20s'))
    assert len(programs(d)) == 4
    first = programs(d)
    d.kill(signal.SIGKILL, *first)
    socks = [d.connect() for _ in range(20)]
    assert all(map(answers, socks))
    wait(lambda: len(programs(d)) == 4 and not set(first) & set(programs(d)))
    d.reload(spawnd="servers { min = 1 max = 1 }",
             extra=section(f'command = "{ask}" processes = 2 timeout = 100ms'))
    wait(lambda: len(programs(d)) == 2, what="programs of the new worker")
    for pid in programs(d):
        os.kill(pid, signal.SIGSTOP)
    before = programs(d)

    def replaced():
        good = answers(d.connect())
        return good and set(before) - set(programs(d))
    wait(replaced, what="another in the place of one that is stopped")
    assert "done" in upgrade(d)
    assert all(map(answers, socks)) and answers(d.connect())
    wait(lambda: len(programs(d)) == 2)
    d.kill(signal.SIGKILL, *programs(d))
    d.reload(extra=section(f'command = "{ask}" timeout = 20s'))
    assert answers(d.connect())


def test_upgrade_keeps(box, daemon, echo):
    """A connection that was had at a second try only goes on over an upgrade,
    with the questions that are under way there."""
    if box.single:
        pytest.skip("no upgrade of one process that has sessions")
    path, gate = box.dir / "keep.ask", threading.Event()
    d = daemon(remotes=[echo], listen=ASK,
               spawnd="servers { min = 1 max = 1 }",
               extra=section(f'path = "{path}" timeout = 20s') +
               section(f'path = "{box.dir}/none"', "away"))
    wait(lambda: d.lines("auth ask: "))

    def how(line):
        gate.wait(harness.LATE)
        return permit(line)
    asked = Asked(box, how)
    wait(lambda: asked.backend.conns)
    sock = d.connect()
    wait(lambda: asked.lines)
    d.write(spawnd='listen taken { address = "127.0.0.1" relay = app '
            f"port = {echo.port} }}")       # so that no new workers come
    assert "done" in upgrade(d)
    wait(lambda: d.lines("reload: failed"))
    seen = len(d.lines("auth away: "))
    wait(lambda: len(d.lines("auth away: ")) >= seen + 2)
    assert len(asked.backend.conns) == len(asked.lines) == 1
    gate.set()
    assert answers(sock)


def test_socket(box, daemon, echo):
    """A daemon that is not there, comes, goes and comes back; what it is
    told."""
    path = box.dir / "keep.ask"
    d = daemon(remotes=[echo], listen=ASK + ' proxy-from = {"127.0.0.9"}',
               extra=section(f'path = "{path}" timeout = 200ms'))
    assert turned_away(box, d.address()) == "reset"
    asked = Asked(box, permit)
    wait(lambda: answers(d.connect()))
    asked.backend.close()
    asked = Asked(box, permit)
    wait(lambda: answers(d.connect()))
    sock = d.connect(source="127.0.0.9")
    sock.sendall(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n")
    roundtrip(sock)
    told = words(asked.lines[-1])
    assert told.pop("id").isdigit() and told.pop("proxy-port").isdigit()
    assert told == {
        "listener": "web", "relay": "app", "client": "2001:db8::7",
        "client-port": "4711", "proxy": "127.0.0.9",
        "target": "2001:db8::1", "target-port": "443"}


def test_many(box, daemon, echo):
    """Hundreds of questions at a time, answered in another order, with one
    client that leaves meanwhile and one that waits too long; routes and a
    reload to others who are asked."""
    gate, late = threading.Event(), []

    def how(line):
        if gate.is_set():
            return permit(line)
        late.append(permit(line))
        return None
    asked = Asked(box, how)
    d = daemon(remotes=[echo], listen='address = "127.0.0.1" port = 0 '
               'auth = ask handshake-timeout = 25s route { relay = app }',
               spawnd="servers { min = 1 max = 1 }",
               extra=section(f'path = "{asked.backend.path}" timeout = 20s'))
    socks = [d.connect() for _ in range(300)]
    wait(lambda: len(late) == 300, what="all questions")
    abort(socks.pop(7))
    wait(lambda: any(c["why"] == "reset" for c in d.closed()))
    other = Asked(box, permit, "keep.other")
    d.reload(extra=section(f'path = "{other.backend.path}"'))
    assert answers(d.connect()) and len(other.lines) == 1
    gate.set()
    sock = asked.backend.conns[0]
    late.reverse()
    sock.sendall(("".join(late[::2]) + "id=1 permit\n").encode())
    sock.sendall("".join(late[1::2]).encode())
    assert all(map(answers, socks))


@pytest.mark.skipif(not harness.has_tls(), reason="built without OpenSSL")
def test_tls(box, daemon, echo):
    """What TLS tells, in which a name of a certificate forges nothing; one that
    nobody has signed is not told."""
    asked = Asked(box, permit)
    name = "x client=127.0.0.2\nid=1"
    for path in ("known", "unknown"):
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-subj", f"/CN={name}", "-out",
             box.dir / f"{path}.pem", "-keyout", box.dir / f"{path}.key"],
            check=True, capture_output=True)
    d = daemon(remotes=[echo], listen=ASK + " tls = site", extra=section(
        f'path = "{asked.backend.path}"') + "tls site { alpn = h2 "
        f'certificate = "{harness.certificate()}" client-verify = optional '
        f'client-ca = "{box.dir}/known.pem" }}')

    def told(cert=None):
        context = ssl.create_default_context(cafile=harness.certificate())
        context.set_alpn_protocols(["h2"])
        if cert:
            context.load_cert_chain(box.dir / f"{cert}.pem",
                                    box.dir / f"{cert}.key")
        with context.wrap_socket(d.connect(),
                                 server_hostname="relay.test") as sock:
            roundtrip(sock)
        line = asked.lines[-1]
        assert line.count("id=") == 1 and line.count(" client=") == 1
        return words(line)
    plain = told()
    assert (plain["sni"], plain["alpn"]) == ("relay.test", "h2")
    assert plain["tls"] == "TLSv1.3" and "subject" not in plain
    assert told("known")["subject"] == urllib.parse.quote(name, safe="")
    with pytest.raises((ssl.SSLError, EOFError, ConnectionError)):
        told("unknown")


def test_tls_of_others(box, daemon, echo):
    """A name in TLS that is passed on is looked for if that is asked for; who
    says nothing is waited for, and what is no TLS is asked about."""
    asked = Asked(box, permit)
    d = daemon(remotes=[echo], listen=ASK + " handshake-timeout = 300ms",
               extra=section(f'path = "{asked.backend.path}" sni = yes '
                             "timeout = 20s"))
    first = hello("Some.Example", ["h2", "x"])
    roundtrip(d.connect(), first)
    told = words(asked.lines[-1])
    assert (told["sni"], told["alpn"]) == ("some.example", "h2,x")
    roundtrip(d.connect())
    assert "sni" not in words(asked.lines[-1])
    sock = d.connect()
    wait(lambda: len(asked.lines) == 3, what="a question about who is silent")
    roundtrip(sock)


def test_too_late(box, daemon, echo):
    """The limit of all handshakes is that of this one too, and a timeout that
    can never be met is warned of."""
    asked = Asked(box, lambda line: None)
    d = daemon(remotes=[echo], listen=ASK + " handshake-timeout = 200ms",
               extra=section(f'path = "{asked.backend.path}"'))
    assert turned_away(box, d.address()) == "reset"
    closed = d.wait_closed()[0]
    assert (closed["why"], closed["end"]) == ("handshake-timeout", "relay")
    assert "is not less than the handshake-timeout" in d.log


@pytest.mark.rights
def test_surroundings(box, daemon, echo):
    """Where a program of others is started, and how; workers too."""
    if box.single:
        pytest.skip("no worker of its own has a priority of its own")
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    folder = box.dir / "work"
    folder.mkdir()
    ask = script(box, SCRIPT.replace(
        "set -f", 'set -f; echo "$PWD $A ${B-unset} $(ulimit -c)" >&2'))
    d = daemon(remotes=[echo], listen=ASK, env={"B": "2"},
               spawnd='servers { min = 1 } setenv = {"A=a b"} nice = 3 '
               f'core-limit = 1m working-directory = "{folder}"',
               extra=section(f'command = "{ask}"'))
    assert answers(d.connect())
    wait(lambda: f"{folder} a b unset 2048" in d.log)
    for pid in programs(d) + d.kids():
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(nice + 3, 19)
        assert os.readlink(f"/proc/{pid}/cwd") == str(folder)
    assert os.getpriority(os.PRIO_PROCESS, d.pid) == nice
    d.reload(spawnd="", extra=section(f'command = "{ask}"'))
    wait(lambda: "/  unset" in d.log)


def test_sample(box, daemon, echo):
    """The daemon of the examples."""
    sample = harness.TOP / "etc/examples/auth.py"
    path = box.dir / "keep.ask"
    proc = box.spawn([sys.executable, sample, path, "127.0.0.2"])
    wait(path.exists)
    d = daemon(remotes=[echo], listen=ASK, extra=section(f'path = "{path}"'))
    wait(lambda: answers(d.connect()))
    assert turned_away(box, d.address(), source="127.0.0.2") == "reset"
    assert proc.poll() is None
