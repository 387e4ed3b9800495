"""What the checker finds out about remotes, and who is told."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import peers
import tlspeer
from harness import Box, alive, certificate, free_port, has_tls, listening, wait
from peers import roundtrip

POSTGRES = shutil.which("postgres", path="/usr/lib/postgresql/17/bin:"
                        "/usr/lib/postgresql/16/bin:"
                        "/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin")


def check(more="", interval="200ms"):
    return f"check {{ interval = {interval} timeout = 10s {more} }}"


def changes(d, name):
    """What was said of a remote: ["down", "up", ...]"""
    said = (re.search(r" is (down: |up again)", line)
            for line in d.lines(f"remote app/{name} "))
    return [match[1].split()[0].rstrip(":") for match in said if match]


def down(d, name):
    return changes(d, name)[-1:] == ["down"]


def checker(d):
    pid, = d.kids("checker")
    return pid


class Redis:
    def __init__(self, box):
        self.box, self.port = box, free_port()
        self.start()

    def start(self):
        self.process = self.box.spawn(
            ["redis-server", "--port", str(self.port), "--save", "",
             "--bind", "127.0.0.1", "--dir", str(self.box.dir)],
            stdout=subprocess.DEVNULL)
        wait(lambda: listening(self.port), 10, "redis")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def conf(self, more=""):
        return f'address = "127.0.0.1" port = {self.port} {more}'


class Asking:
    """Asks again and again, each time by a session of its own."""

    def __init__(self, box, address, count=4):
        self.box, self.address = box, address
        self.done, self.failed, self.stopping = 0, [], False
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping:
            try:
                with peers.connect(self.address) as sock:
                    sock.sendall(b"PING\r\n")
                    assert sock.recv(100) == b"+PONG\r\n"
                self.done += 1
            except (OSError, AssertionError) as error:
                self.failed.append(repr(error))

    def more(self, count):
        goal = self.done + count
        wait(lambda: self.done >= goal or self.failed, 30, "sessions")
        assert not self.failed

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


@pytest.mark.skipif(shutil.which("redis-server") is None,
                    reason="redis-server is missing")
def test_redis_killed_and_back_under_load(box, daemon):
    servers = [Redis(box), Redis(box)]
    ping = check(r'send = "PING\r\n" expect = "^\\+PONG"')
    d = daemon(remotes=[s.conf(ping) for s in servers])
    asking = Asking(box, d.address())
    try:
        asking.more(50)
        servers[0].kill()
        wait(lambda: down(d, "a"), 30, "the first to be down")
        # Only those that were there when it was killed.
        assert len(asking.failed) <= len(asking.threads)
        asking.failed.clear()
        asking.more(200)
        servers[0].start()
        wait(lambda: changes(d, "a") == ["down", "up"], 30, "it to be up")
        asking.more(50)
    finally:
        asking.stop()
    assert not asking.failed
    assert changes(d, "b") == []


@pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is missing")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_postgresql(box, daemon):
    """It says N, and is down while something else answers there."""
    user, port = pwd.getpwnam("nobody"), free_port()
    folder = box.dir / "pg"
    folder.mkdir()
    for path in (box.dir, folder):
        os.chown(path, user.pw_uid, user.pw_gid)

    def run(*argv, **kw):
        return box.spawn(argv, user=user.pw_uid, group=user.pw_gid,
                         extra_groups=[], cwd=folder,
                         stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, **kw)

    initdb = os.path.join(os.path.dirname(POSTGRES), "initdb")
    assert run(initdb, "-D", folder / "data", "-N", "-U", "x",
               "--no-instructions").wait() == 0
    ask = check(r"send = '\x00\x00\x00\x08\x04\xd2\x16\x2f' "
                'expect = "^[SN]"')
    d = daemon(remotes=[f"address = 127.0.0.1 port = {port} {ask}"])
    wait(lambda: down(d, "a"), 30, "it to be down")
    run(POSTGRES, "-D", folder / "data", "-p", str(port), "-k", "",
        "-h", "127.0.0.1", "-c", "fsync=off")
    wait(lambda: changes(d, "a") == ["down", "up"], 60, "it to be up")


def test_one_probe_for_all_workers_and_generations(daemon, echo, backend):
    counts = backend(peers.ended)
    d = daemon(remotes=[echo.conf(check(f"port = {counts.port} jitter = 0"))],
               spawnd="servers { min = 8 max = 8 }")
    held = []
    for _ in range(3):
        held += [roundtrip(d.connect()) for _ in range(2)]
        d.reload(relay=f"retries = {len(held)}")
    held += [roundtrip(d.connect())]
    before, begun = len(counts.peers), time.monotonic()
    wait(lambda: len(counts.peers) >= before + 15, 60, "probes")
    took = time.monotonic() - begun
    assert took >= 15 * 0.2 * 0.8, "more than one probe an interval"
    assert len(d.kids("checker")) == 1 and len(d.kids()) >= 8 + 3
    assert all(peers.answers(sock) for sock in held)
    # None is left when nothing is checked any more, but in what drains.
    for sock in held:
        sock.close()
    d.reload(remotes=[echo])
    d.wait(lambda: not d.kids("checker"), 30, "no checker")


def test_flapping_changes_nothing(daemon, echo, backend):
    flaps = backend(peers.ended)
    d = daemon(remotes=[echo, flaps.conf(check("rise = 6 fall = 6",
                                               "150ms"))])
    wait(lambda: d.remotes()["b"]["up"], 30, "the first check")
    for _ in range(3):
        flaps.stop()
        time.sleep(0.5)
        flaps.start()
        seen = len(flaps.peers)
        wait(lambda: len(flaps.peers) > seen, 30, "a check that is well")
    assert changes(d, "b") == []


def test_what_is_known_outlives_the_checker(daemon, echo, backend):
    """Its death, a reload, an upgrade: who is down stays so, without a word,
    and comes up again."""
    dead = backend(peers.ended, listen=False)
    d = daemon(remotes=[echo, dead.conf(check())])
    wait(lambda: down(d, "b"), 30, "it to be down")
    for step in ("kill", "reload", "upgrade", "stop"):
        before = checker(d)
        if step == "kill":
            os.kill(before, signal.SIGKILL)
            d.wait_line("the checker died of signal 9")
        elif step == "stop":
            os.kill(before, signal.SIGSTOP)
            for _ in range(5):
                d.reload()
            os.kill(before, signal.SIGKILL)
        else:
            d.ctl(step)
        roundtrip(d.connect()).close()
        if step != "reload":
            wait(lambda: d.kids("checker") not in ([], [before]) and
                 len(d.kids("checker")) == 1, 30, "another checker")
    time.sleep(0.5)
    assert changes(d, "b") == ["down"]
    dead.start()
    wait(lambda: changes(d, "b") == ["down", "up"], 30, "it to be up")
    master, pid = d.pid, checker(d)
    d.stop()
    wait(lambda: not alive(pid) and not alive(master), 30, "their end")


def test_a_checker_that_shuts_its_channel(box, daemon, echo, backend):
    """And goes on living: there is no other one until it has ended, and
    nobody waits for that."""
    libexec = box.dir / "libexec"
    shutil.copytree(Box.base / "libexec", libexec)
    real, first = libexec / "checker", box.dir / "first"
    real.rename(libexec / "checker.real")
    real.write_text(f"""#!/bin/sh
if ! [ -e {first} ]; then
	until dd bs=65536 count=1 <&3 >/dev/null 2>&1; do sleep 0.1; done
	: > {first}
	exec 3>&-
	exec sleep 60
fi
exec "$0.real" "$@"
""")
    real.chmod(0o755)
    dead = backend(peers.ended, listen=False)
    d = daemon(libexec=libexec, spawnd="user = root",
               remotes=[echo, dead.conf(check())])
    wait(lambda: first.exists() and d.kids("sleep"), 30, "the first")
    for _ in range(3):
        d.reload()
    assert len(d.kids("sleep")) == 1 and not d.kids("checker.real")
    d.wait_line("checker ", "takes too long: killed")
    wait(lambda: down(d, "b"), 30, "the next one")
    roundtrip(d.connect()).close()
    assert changes(d, "b") == ["down"]


@pytest.mark.skipif(not has_tls(), reason="without OpenSSL")
def test_tls(daemon, echo, backend):
    """As the section of the remote says; without one, a handshake will do."""
    pem = certificate()

    def serve(sock):
        try:
            end = tlspeer.Tls(sock, cert=pem)
            end.sendall(end.recv(100).upper())
            end.recv(100)
        except tlspeer.Broken:
            pass

    server, plain = backend(serve), backend(peers.echo)
    tls = check("type = tls")
    d = daemon(remotes={
        "good": server.conf(f"tls = good {tls}"),
        "name": server.conf(f"tls = name {tls}"),
        "open": server.conf(tls),
        "talks": server.conf("tls = good " + check(
            r"type = tls send = 'hello\n' expect = '^HELLO'")),
        "plain": plain.conf(tls),
        "echo": echo.conf(check())},
        extra=f'tls good {{ ca = "{pem}" name = relay.test }}\n'
              f'tls name {{ ca = "{pem}" name = bad.test }}')
    wait(lambda: down(d, "name") and down(d, "plain"), 30, "two down")
    line, = d.lines("remote app/name ")
    assert re.search("TLS handshake: .*mismatch", line), line
    # Four of the six are checked there.
    seen = len(server.peers)
    wait(lambda: len(server.peers) >= seen + 16, 60, "some checks more")
    for name in ("good", "open", "talks", "echo"):
        assert d.remotes()[name]["up"], name
        assert changes(d, name) == [], name
