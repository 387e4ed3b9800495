"""Names of remotes that are looked up again, at a real name server."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import peers
from harness import alive, find_program, new_network, patience, wait
from test_logs import mount, own_mounts

MS_BIND = 4096
DNSMASQ = shutil.which("dnsmasq", path=os.environ["PATH"] + ":/usr/sbin")

pytestmark = [
    pytest.mark.rights,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a network"),
    pytest.mark.skipif(DNSMASQ is None, reason="dnsmasq is missing"),
    pytest.mark.skipif(b"libcares" not in find_program("checker")
                       .read_bytes(), reason="without c-ares")]


class Zone:
    """dnsmasq, which a file tells what to say."""

    def __init__(self, box, *args):
        self.box, self.args = box, args
        self.hosts = box.dir / "hosts"
        self.log = box.dir / "queries"
        self.conf = box.dir / "resolv.conf"
        self.conf.write_text("nameserver 127.0.0.1\noptions attempts:1\n")
        self.hosts.write_text("")
        self.process = None

    def start(self):
        self.process = self.box.spawn(
            [DNSMASQ, "-k", "-C", "/dev/null", "-u", "root", "-R", "-h", "-i",
             "lo", f"--addn-hosts={self.hosts}", "--log-queries=extra",
             f"--log-facility={self.log}", "--pid-file=", "--local=/test/",
             *self.args], stderr=subprocess.DEVNULL)
        wait(lambda: self.log.exists() and "started" in self.log.read_text(),
             10, "dnsmasq")

    def say(self, *lines):
        self.hosts.write_text("".join(f"{line}\n" for line in lines))
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def queries(self, name):
        return self.log.read_text().count(f"query[A] {name} ")

    def use(self):
        """For preexec."""
        own_mounts()
        mount(str(self.conf), "/etc/resolv.conf", None, MS_BIND)


class Host:
    """Says where it is, to each who comes."""

    def __init__(self, box, host, port=0):
        self.host = host
        self.sock = box.closing(socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else
            socket.AF_INET, backlog=2000))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                try:
                    conn.sendall(self.host.encode())
                except OSError:
                    pass


def in_network(scene):
    def run(box, daemon):
        def inside():
            new_network()
            scene(box, daemon)
        peers.Thread(inside).result()
    run.__name__ = scene.__name__
    run.__doc__ = scene.__doc__
    return run


def ask(d):
    """Who has served a session; None: nobody."""
    try:
        with d.connect() as sock:
            return peers.receive_all(sock).decode() or None
    except OSError:
        return None


def who(d, count=12):
    return {ask(d) for _ in range(count)}


@in_network
def test_names_that_change(box, daemon):
    """Addresses come and go, there are none, too many, no answer at all."""
    zone = Zone(box)
    zone.say("127.0.0.2 db.test", "127.0.0.3 db.test", "0.0.0.0 db.test",
             "127.0.0.5 db.test", "127.0.0.9 slow.test")
    zone.start()
    hosts = [Host(box, "127.0.0.2")]
    hosts += [Host(box, f"127.0.0.{i}", hosts[0].port) for i in (3, 4)]
    at = f"port = {hosts[0].port}"
    d = daemon(remotes={"db": f"address = db.test {at}"},
               listen='address = "127.0.0.1" port = 0 relay = app',
               relay="resolve = 1s retries = 9 balance = roundrobin",
               extra=f"relay slow {{ remote a {{ address = slow.test {at} }} "
                     "resolve = 10m }\n"
                     "relay bad { resolve-at-start = later "
                     f"remote a {{ address = refused.example {at} }} }}",
               preexec=zone.use)
    wait(lambda: who(d) == {"127.0.0.2", "127.0.0.3"}, 30, "both")
    d.wait_line('remote bad/a cannot be looked up: "refused.example": ')
    zone.say("127.0.0.3 db.test", "127.0.0.4 db.test", "127.0.0.9 slow.test")
    d.wait_line("remote app/db has 2 addresses: 1 new, ")
    wait(lambda: who(d) == {"127.0.0.3", "127.0.0.4"}, 30, "the others")
    # A TTL of zero is one second, whatever resolve is.
    before, begun = zone.queries("slow.test"), time.monotonic()
    wait(lambda: zone.queries("slow.test") >= before + 3, 30, "queries")
    assert time.monotonic() - begun > 1.5
    # Nothing, and then nobody.
    zone.say()
    d.wait_line('remote app/db cannot be looked up: "db.test": ')
    assert None not in who(d)
    zone.process.send_signal(signal.SIGSTOP)
    assert None not in who(d)
    zone.process.send_signal(signal.SIGCONT)
    zone.say("127.0.0.2 db.test")
    d.wait_line("remote app/db can be looked up again")
    wait(lambda: who(d) == {"127.0.0.2"}, 30, "the first")
    assert len(d.lines("app/db cannot be looked up")) == 1
    zone.say("127.0.0.9 slow.test", "127.0.0.2 db.test",
             *(f"127.0.{i // 250 + 1}.{i % 250} db.test" for i in range(500)))
    d.wait_line("remote app/db has 501 addresses, of which 16 are used")
    wait(lambda: "127.0.0.2" in who(d, 3), 30, "the one that is there")
    assert len(d.lines("of which 16 are used")) == 1
    # As many as that, at a reload.
    d.reload()
    d.wait(lambda: len(d.show("remotes")) > 250, 30, "places")
    wait(lambda: "127.0.0.2" in who(d, 3), 30, "the one that is there")


@in_network
def test_a_name_that_comes_later(box, daemon):
    host = Host(box, "127.0.0.2")
    zone = Zone(box)
    zone.say("127.0.0.2 db.test")
    at = f"address = db.test port = {host.port}"
    bad = box.conf("bad", remotes=[at])
    done = subprocess.run([find_program("spawnd"), "-f", bad.path],
                          preexec_fn=zone.use, capture_output=True,
                          env=box.environment(), timeout=patience(60),
                          text=True)
    assert done.returncode == 1 and 'host "db.test"' in done.stderr
    d = daemon(remotes=[at], relay="resolve-at-start = later",
               preexec=zone.use)
    d.wait_line("it is looked up later")
    assert ask(d) is None
    zone.start()
    wait(lambda: ask(d) == "127.0.0.2", 60, "it")
    # Known now, and not looked up any more.
    pid, = d.kids("checker")
    before = zone.queries("db.test")
    time.sleep(2)
    assert zone.queries("db.test") == before
    os.kill(pid, signal.SIGKILL)
    wait(lambda: not alive(pid), 10, "its end")
    assert ask(d) == "127.0.0.2"


@in_network
def test_a_service(box, daemon):
    """Ports and weights by the record, those of another priority in need."""
    hosts = [Host(box, f"127.0.0.{i}") for i in (2, 3, 4)]
    record = "--srv-host=_db._tcp.x.test,h{}.test,{},{},{}"
    zone = Zone(box, *(record.format(i, hosts[i].port, 20 if i == 2 else 10,
                                     300 if i == 0 else 100)
                       for i in range(3)))
    zone.say(*(f"127.0.0.{i + 2} h{i}.test" for i in range(3)))
    zone.start()
    d = daemon(remotes=["address = _db._tcp.x.test"], preexec=zone.use,
               relay="resolve = 1s retries = 9 balance = roundrobin")
    wait(lambda: who(d) == {"127.0.0.2", "127.0.0.3"}, 30, "the first two")
    got = [ask(d) for _ in range(40)]
    assert 25 <= got.count("127.0.0.2") <= 35
    for host in hosts[:2]:
        host.sock.shutdown(socket.SHUT_RDWR)
        host.sock.close()
    wait(lambda: who(d, 3) == {"127.0.0.4"}, 30, "the third")
