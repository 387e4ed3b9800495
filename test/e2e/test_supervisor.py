"""Started by others: by a supervisor that wants to be told, with sockets that
are passed, by inetd, as process 1 of a container."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

import peers
from harness import (LATE, PATIENCE, alive, children, descendants, free_ports,
                     listening, new_network, proc_table, wait)
from peers import answers, roundtrip, silent

needs_root = pytest.mark.skipif(os.getuid() != 0,
                                reason="only root can make name spaces")

# Becomes spawnd, same pid, with descriptors in the places that are asked for.
LAUNCHER = f"""#!{sys.executable}
import fcntl, json, os, sys
how = json.loads(os.environ.pop("LAUNCH"))
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 500) for fd in how["fds"]]
for place, fd in enumerate(high, how["first"]):
    os.dup2(fd, place)
for name, value in how["env"].items():
    os.environ[name] = value.replace("PID", str(os.getpid()))
os.execv(how["spawnd"], [how["spawnd"], *sys.argv[1:]])
"""


def launcher(box):
    path = box.dir / "launcher"
    path.write_text(LAUNCHER)
    path.chmod(0o755)
    return path


def launch_env(box, fds=(), first=3, **env):
    return {"LAUNCH": json.dumps({
        "fds": list(fds), "first": first, "env": env,
        "spawnd": str(box.programs["spawnd"])})}


def listener(box, host="127.0.0.1", port=0, path=None):
    """A socket as a supervisor makes it."""
    if path is not None:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
    else:
        v6 = ":" in host
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    sock.listen(64)
    return box.closing(sock)


def address_of(sock):
    name = sock.getsockname()
    return name if isinstance(name, (str, bytes)) else name[:2]


def inode(sock):
    return os.fstat(sock.fileno()).st_ino


def socket_inodes(pid):
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue        # closed meanwhile
        if match := re.match(r"socket:\[(\d+)\]", name):
            found.add(int(match.group(1)))
    return found


@pytest.fixture
def activated(box, daemon):
    """activated([sockets], names=..., configuration): as a supervisor that
    passes sockets starts it."""
    def start(socks, names=None, env=None, fds=None, pid="PID", **kw):
        variables = {"LISTEN_FDS": str(len(socks) if fds is None else fds),
                     "LISTEN_PID": pid}
        if names is not None:
            variables["LISTEN_FDNAMES"] = ":".join(names)
        numbers = [s.fileno() for s in socks]
        return daemon(program=launcher(box), pass_fds=numbers,
                      env={**launch_env(box, numbers, **variables),
                           **(env or {})}, **kw)
    return start


def start_fails(d, status=1):
    d.launch()
    wait(lambda: d.proc.poll() is not None, 10, "the end")
    d.copier.join(5)
    assert d.proc.returncode == status, d.log
    return d.log


# Telling the supervisor

class Supervisor:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, box, abstract=False):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = str(box.dir / "keep-notify")
        self.name = "@" + self.path if abstract else self.path
        self.sock.bind(self.name.replace("@", "\0", 1) if abstract
                       else self.path)
        self.sock.setblocking(False)
        self.seen = []
        self.env = {"NOTIFY_SOCKET": self.name}

    def read(self):
        """What has come, each message as a dictionary."""
        while True:
            try:
                text = self.sock.recv(65536).decode()
            except BlockingIOError:
                return self.seen
            assert text.endswith("\n"), text
            pairs = [line.split("=", 1) for line in text.splitlines()]
            assert len(dict(pairs)) == len(pairs), text
            self.seen.append(dict(pairs))

    def wait(self, key, deadline=5, **also):
        """The next message with key; what came before it is forgotten."""
        def look():
            for i, message in enumerate(self.read()):
                if key in message:
                    self.seen = self.seen[i + 1:]
                    return message
        return wait(look, deadline, f"{key} to the supervisor")

    def states(self):
        """All that came, but for those that come by a timer."""
        timed = {"WATCHDOG", "EXTEND_TIMEOUT_USEC"}
        return [m for m in self.read() if not timed & set(m)]

    def close(self):
        self.sock.close()


@pytest.fixture
def supervisor(box):
    return box.closing(Supervisor(box))


def usec():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def kinds(messages):
    return ["/".join(k for k in m if k not in ("STATUS", "MONOTONIC_USEC"))
            or "STATUS" for m in messages]


@pytest.mark.parametrize("abstract", [False, True])
def test_messages_of_a_life(daemon, echo, box, abstract):
    """Start, reload, failed reload, stop: each told once, in order."""
    sup = box.closing(Supervisor(box, abstract))
    pidfile = box.dir / "d.pid"
    d = daemon(remotes=[echo], env=sup.env, spawnd=f'pidfile = "{pidfile}"')
    first, ready = wait(lambda: len(sup.states()) == 2 and sup.states(), 5,
                        "the messages of the start")
    assert first == {"STATUS": "starting"}
    assert ready == {"READY": "1", "MAINPID": str(d.pid), "STATUS":
                     "generation 1: 2 workers, 0 sessions"}
    sup.seen.clear()

    client = roundtrip(d.connect())
    before = usec()
    d.reload(spawnd=f'pidfile = "{pidfile}" servers {{ min = 3 }}')
    reloading, ready = wait(lambda: len(sup.states()) == 2 and sup.states(),
                            5, "the messages of the reload")
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= usec()
    assert "generation 1 serves 1 sessions" in reloading["STATUS"]
    assert ready == {"READY": "1", "MAINPID": str(d.pid), "STATUS":
                     "generation 2: 3 workers, 1 sessions"}
    sup.seen.clear()

    before = usec()
    assert "failed" in d.hup(relay="no-such-option = 1")
    wait(lambda: len(sup.states()) == 2, 5, "the messages of the failure")
    assert kinds(sup.seen) == ["RELOADING", "READY/MAINPID"]
    assert int(sup.seen[0]["MONOTONIC_USEC"]) >= before
    status = sup.seen[1]["STATUS"]
    assert status.startswith("generation 2: 3 workers, 1 sessions; "
                             "the last reload failed: "), status
    assert str(d.conf.path) in status and "no-such-option" in status
    sup.seen.clear()

    assert "done" in d.hup(relay="")
    assert sup.wait("READY")["STATUS"] == \
        "generation 3: 3 workers, 1 sessions"
    sup.seen.clear()
    d.kill(signal.SIGTERM)
    assert sup.wait("STOPPING") == {
        "STOPPING": "1", "STATUS": "draining, 1 sessions are left"}
    roundtrip(client).close()
    d.wait_end()
    assert d.status == 0
    assert sup.states() == []
    d.check_idle = False


def test_ready_means_serving(echo, box):
    """Nothing is said to be ready before all of it is there."""
    sup = box.closing(Supervisor(box))
    pidfile = box.dir / "d.pid"
    d = box.daemon(start=False, remotes=[echo], env=sup.env,
                   spawnd=f'pidfile = "{pidfile}"').launch()
    sup.sock.settimeout(PATIENCE)
    while b"READY=1" not in sup.sock.recv(65536):
        pass
    assert int(pidfile.read_text()) == d.pid
    assert d.summary()["pid"] == d.pid
    roundtrip(d.connect())
    sup.sock.setblocking(False)


def test_start_that_fails_is_never_ready(box, echo, supervisor):
    keeper = box.closing(peers.Backend(peers.echo))
    d = box.daemon(start=False, remotes=[echo], env=supervisor.env,
                   listen=f'address = "127.0.0.1" port = {keeper.port}')
    assert "in use" in start_fails(d)
    assert kinds(supervisor.read()) == ["STATUS", "STATUS"]
    assert supervisor.seen[1]["STATUS"].startswith("cannot start: listen on")


def test_term_during_the_start(box, echo, supervisor):
    libexec = slow_libexec(box, "exec sleep 1000")
    (box.dir / "slow").touch()
    d = box.daemon(start=False, remotes=[echo], env=supervisor.env,
                   libexec=libexec).launch()
    wait(lambda: any(name == "sleep" for state, name in
                     descendants(d.pid).values()), 5, "the worker")
    d.kill(signal.SIGTERM)
    d.wait_end()
    assert d.status == 1
    assert kinds(supervisor.read()) == ["STATUS", "STOPPING", "STATUS"]
    assert supervisor.seen[-1]["STATUS"] == \
        "cannot start: stopped by a signal"
    assert not d.conf.control.exists()


def test_upgrade_is_told_and_telling_goes_on(daemon, echo, supervisor):
    d = daemon(remotes=[echo], env={**supervisor.env,
                                    "WATCHDOG_USEC": "200000"})
    supervisor.wait("READY")
    client = roundtrip(d.connect())
    d.kill(signal.SIGUSR2)
    supervisor.wait("RELOADING")
    ready = supervisor.wait("READY", 10)
    assert ready["MAINPID"] == str(d.pid)
    assert "1 sessions" in ready["STATUS"]
    d.wait_line("upgrade: done")
    supervisor.read()
    supervisor.seen.clear()
    supervisor.wait("WATCHDOG")
    d.reload()
    supervisor.wait("RELOADING")
    supervisor.wait("READY")
    roundtrip(client)


def test_watchdog_is_fed_while_the_loop_turns(daemon, echo, supervisor):
    begun = time.monotonic()
    d = daemon(remotes=[echo], env={**supervisor.env,
                                    "WATCHDOG_USEC": "400000"})
    supervisor.wait("READY")
    for i in range(6):
        assert supervisor.wait("WATCHDOG") == {"WATCHDOG": "1"}
    # Half of it: five times 0.2 s at least, and the start.
    assert 0.9 < time.monotonic() - begun < LATE
    d.kill(signal.SIGSTOP)
    wait(lambda: proc_table()[d.pid][1] == "T", 5, "the stop")
    supervisor.read()
    supervisor.seen.clear()
    time.sleep(0.6)
    assert supervisor.read() == []
    d.kill(signal.SIGCONT)
    supervisor.wait("WATCHDOG")


def test_watchdog_of_another_process_is_not_fed(daemon, echo, supervisor):
    d = daemon(remotes=[echo], env={
        **supervisor.env, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"})
    supervisor.wait("READY")
    time.sleep(0.2)
    assert "WATCHDOG" not in kinds(supervisor.read())
    assert alive(d.pid)


def test_watchdog_of_this_process(daemon, box, echo, supervisor):
    daemon(program=launcher(box), remotes=[echo], env={
        **supervisor.env, **launch_env(box, WATCHDOG_PID="PID",
                                       WATCHDOG_USEC="100000")})
    supervisor.wait("WATCHDOG")


def slow_libexec(box, command):
    """Workers that take their time to start while the file slow exists."""
    directory = box.dir / "libexec-slow"
    directory.mkdir()
    for inner in ("logger", "reader"):
        (directory / inner).symlink_to(box.base / "libexec" / inner)
    relay = directory / "relay"
    relay.write_text(f"#!/bin/sh\n[ ! -e '{box.dir}/slow' ] || "
                     f"{command}\n"
                     f"exec '{box.base}/libexec/relay' \"$@\"\n")
    relay.chmod(0o755)
    return directory


def test_more_time_is_asked_for_when_it_takes_long(daemon, box, echo,
                                                   supervisor):
    """While starting, reloading and draining, and not otherwise."""
    slow = box.dir / "slow"
    slow.touch()
    d = box.daemon(start=False, remotes=[echo], env=supervisor.env,
                   libexec=slow_libexec(box, "sleep 3.5"),
                   spawnd="start-timeout = 60s").launch()
    asked = supervisor.wait("EXTEND_TIMEOUT_USEC", 6)
    assert int(asked["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
    assert "READY" not in asked
    supervisor.wait("READY")
    reload = box.spawn([box.programs["spawnctl"], "-s", d.conf.control,
                        "reload"])
    supervisor.wait("RELOADING")
    supervisor.wait("EXTEND_TIMEOUT_USEC", 6)
    supervisor.wait("READY")
    assert reload.wait(PATIENCE) == 0
    slow.unlink()
    time.sleep(3.5)
    assert supervisor.read() == []
    client = roundtrip(d.connect())
    d.kill(signal.SIGTERM)
    supervisor.wait("STOPPING")
    asked = supervisor.wait("EXTEND_TIMEOUT_USEC", 6)
    assert asked["STATUS"] == "draining, 1 sessions are left"
    client.close()
    d.wait_end()
    d.check_idle = False


def test_states_arrive_though_the_supervisor_is_slow(daemon, echo,
                                                     supervisor):
    """A full queue delays them but loses none, and delays nothing else."""
    junk = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    junk.setblocking(False)
    try:
        for i in range(1_000_000):
            junk.sendto(b"JUNK=1\n", supervisor.path)
    except BlockingIOError:
        pass
    junk.close()
    d = daemon(remotes=[echo], env=supervisor.env)
    roundtrip(d.connect())
    d.reload()
    d.reload()
    wait(lambda: "READY/MAINPID" in kinds(supervisor.read()), 5, "READY")
    supervisor.seen = [m for m in supervisor.seen if "JUNK" not in m]
    wait(lambda: len(supervisor.read()) >= 6, 5, "all of them")
    assert kinds(supervisor.seen) == ["STATUS", "READY/MAINPID"] + \
        ["RELOADING", "READY/MAINPID"] * 2
    for i in (0, 1):
        assert f"generation {i + 2}" in supervisor.seen[3 + 2 * i]["STATUS"]


def test_supervisor_that_is_gone_is_no_trouble(daemon, echo, supervisor):
    d = daemon(remotes=[echo], env={**supervisor.env,
                                    "WATCHDOG_USEC": "20000"})
    supervisor.wait("WATCHDOG")
    supervisor.close()
    wait(lambda: d.lines("keep-notify: "), 5, "the warning")
    d.reload()
    roundtrip(d.connect())
    assert len(d.lines("keep-notify: ")) == 1


@pytest.mark.parametrize("path", ["relative", "vsock:2:1234", "/" + 120 * "x"],
                         ids=["relative", "vsock", "long"])
def test_notify_socket_that_is_none(daemon, echo, path):
    d = daemon(remotes=[echo], env={"NOTIFY_SOCKET": path})
    wait(lambda: d.lines("NOTIFY_SOCKET"), 5, "the warning")
    d.reload()


def test_hup_before_the_start_is_over(box, echo):
    """It is done when the start is."""
    conf = box.conf("d0", remotes=[echo])
    good = conf.path.read_text()
    fifo = endless_file(box, conf.path)
    d = box.daemon(start=False, conf=False, args=[conf.path]).launch()
    d.conf = conf
    # A signal that comes before is for the file that is then read.
    wait(lambda: d.kids("reader"), 5, "the reading")
    d.kill(signal.SIGHUP)
    # At once, as the reader may not have opened either of them yet.
    other = box.dir / "good.conf"
    other.write_text(good)
    other.replace(conf.path)
    fifo.write(good.encode())
    fifo.close()
    wait(lambda: d.lines("reload: done, generation 2"), 10, "the reload")
    roundtrip(d.connect())


def endless_file(box, path):
    """Who reads it waits until what is returned is closed."""
    path.unlink()
    os.mkfifo(path)
    return box.closing(open(path, "r+b", buffering=0))


# Sockets that are passed

@pytest.mark.rights
def test_socket_by_name(activated, echo, box, mechanism):
    """It serves the section of its name, whatever address that has: after
    reloads, upgrades, and for the next start."""
    sock = listener(box)
    early = box.connect(address_of(sock))
    early.sendall(b"first\n")
    d = activated([sock], ["web"], remotes=[echo])
    assert peers.receive(early, 6) == b"first\n"
    assert d.addresses() == ["%s:%d" % address_of(sock)]
    assert inode(sock) in socket_inodes(d.pid)
    roundtrip(d.connect()).close()
    for pid in d.kids() + d.kids("logger"):
        assert inode(sock) not in socket_inodes(pid)
        environ = open(f"/proc/{pid}/environ").read()
        assert "LISTEN_" not in environ and "NOTIFY_SOCKET" not in environ

    d.reload()
    d.reload(listen='address = "127.0.0.1" port = 1')
    assert d.addresses() == ["%s:%d" % address_of(sock)]
    assert listening(address_of(sock)[1]) == [inode(sock)]
    roundtrip(d.connect()).close()
    d.kill(signal.SIGUSR2)
    wait(lambda: d.lines("reload: done, generation 4"), 10, "the upgrade")
    assert d.addresses() == ["%s:%d" % address_of(sock)]
    assert d.show("listeners")[0]["address"] == "%s:%d" % address_of(sock)
    client = roundtrip(d.connect())
    d.reload()
    roundtrip(d.connect()).close()
    assert inode(sock) in socket_inodes(d.pid)
    assert {s["listener"] for s in d.closed()} <= {"web"}

    # It is closed here, and goes on listening elsewhere.
    client.close()
    early.close()
    d.stop()
    late = box.connect(address_of(sock))
    second = activated([sock], ["web"], remotes=[echo])
    roundtrip(late)
    second.wait_line("ready: ")


def test_socket_goes_with_its_section(activated, echo, box):
    sock = listener(box)
    d = activated([sock], ["web"], remotes=[echo])
    d.reload(listen={"other": 'address = "127.0.0.1" port = 0'})
    assert inode(sock) not in socket_inodes(d.pid)
    roundtrip(d.connect("other"))


@pytest.mark.parametrize("names", [None, ["spawnd.socket"], [""]])
def test_socket_by_address(activated, echo, box, names):
    sock = listener(box)
    host, port = address_of(sock)
    d = activated([sock], names, remotes=[echo],
                  listen=f'address = "{host}" port = {port}')
    roundtrip(d.connect())
    assert listening(port) == [inode(sock)]
    d.reload()
    d.kill(signal.SIGUSR2)
    wait(lambda: d.lines("reload: done, generation 3"), 10, "the upgrade")
    d.reload()
    roundtrip(d.connect())
    assert listening(port) == [inode(sock)]
    assert not d.lines("passed socket")


def test_name_goes_before_address(activated, echo, box):
    """A socket with the name of one section and the address of another."""
    sock, other = listener(box), listener(box)
    host, port = address_of(sock)
    d = activated([other, sock], ["none", "b"], remotes=[echo], listen={
        "a": f'address = "127.0.0.1" port = {address_of(other)[1]}',
        "b": 'address = "127.0.0.1" port = 0'})
    assert d.port("a") == address_of(other)[1]
    assert d.port("b") == port
    roundtrip(d.connect("a"))
    roundtrip(d.connect("b"))


def test_socket_of_a_name_is_not_for_another_section(box, activated, echo):
    sock = listener(box)
    host, port = address_of(sock)
    d = activated([sock], ["b"], start=False, remotes=[echo], listen={
        "a": f'address = "{host}" port = {port}',
        "b": 'address = "127.0.0.1" port = 0'})
    assert f"{host}:{port}: Address already in use" in start_fails(d)


def test_several_sockets_of_one_name(activated, echo, box):
    socks = [listener(box), listener(box)]
    d = activated(socks, ["web", "web"], remotes=[echo])
    assert sorted(d.addresses()) == sorted("%s:%d" % address_of(s)
                                           for s in socks)
    for sock in socks:
        roundtrip(box.connect(address_of(sock)))
    d.reload()
    for sock in socks:
        roundtrip(box.connect(address_of(sock)))


def test_other_listeners_are_bound_as_usual(activated, echo, box):
    sock = listener(box)
    d = activated([sock], ["b"], remotes=[echo], listen={
        "a": 'address = "127.0.0.1" port = 0',
        "b": 'address = "127.0.0.1" port = 0'})
    assert d.port("a") != d.port("b") == address_of(sock)[1]
    roundtrip(d.connect("a"))
    roundtrip(d.connect("b"))


def test_surplus_socket_is_closed_with_a_warning(activated, echo, box):
    socks = [listener(box), listener(box), listener(box)]
    d = activated(socks, ["more", "web"], remotes=[echo])
    warnings = d.wait_line("is for no listener", count=2)
    assert len(warnings) == 2 and "warning" in warnings[0]
    assert "%s:%d" % address_of(socks[0]) in warnings[0]
    assert "named more" in warnings[0] and "without a name" in warnings[1]
    assert [inode(s) in socket_inodes(d.pid) for s in socks] == \
        [False, True, False]
    roundtrip(d.connect())


def test_background_keeps_what_is_passed(activated, echo, box):
    """-b: another process than the one that LISTEN_PID names."""
    sock = listener(box)
    d = activated([sock], ["web"], remotes=[echo], background=True,
                  spawnd=f'log {{ to = "{box.dir}/back.log" }}')
    d.logfile = box.dir / "back.log"
    assert d.addresses() == ["%s:%d" % address_of(sock)]
    roundtrip(d.connect())


@pytest.mark.rights
@pytest.mark.parametrize("pid", ["1", "", "PID0"])
def test_sockets_for_another_process_are_not_taken(activated, echo, box,
                                                   pid):
    sock = listener(box)
    d = activated([sock], ["web"], pid=pid, remotes=[echo])
    assert d.port() != address_of(sock)[1]
    assert inode(sock) not in socket_inodes(d.pid)
    roundtrip(d.connect())
    assert all("LISTEN_" not in open(f"/proc/{pid}/environ").read()
               for pid in d.kids())


def wrong_socket(box, kind):
    if kind == "datagram":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
    elif kind == "packets":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.bind("\0" + str(box.dir / "packets"))
        sock.listen()
    elif kind == "bound":
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
    elif kind == "connected":
        sock, other = socket.socketpair()
        box.closing(other)
    else:
        sock = open("/dev/null")
    return box.closing(sock)


@pytest.mark.parametrize("kind,words", [
    ("datagram", "is not a stream socket"),
    ("packets", "is not a stream socket"),
    ("bound", "does not listen"),
    ("connected", "does not listen"),
    ("file", "is not a socket")])
def test_wrong_kind_of_socket(activated, echo, box, kind, words):
    sock = listener(box)
    d = activated([sock, wrong_socket(box, kind)], ["web", "bad"],
                  start=False, remotes=[echo])
    assert f"descriptor 4 bad, passed by the supervisor, {words}" in \
        start_fails(d)


def test_fewer_sockets_than_said(activated, echo, box):
    d = activated([listener(box)], ["web"], fds=2, start=False,
                  remotes=[echo])
    assert "descriptor 4, passed by the supervisor, is not open" in \
        start_fails(d)


@pytest.mark.parametrize("count", ["many", "-1", "100000", ""])
def test_number_of_sockets_that_is_none(activated, echo, box, count):
    d = activated([listener(box)], ["web"], fds=count, start=False,
                  remotes=[echo])
    assert "LISTEN_FDS" in start_fails(d)


def test_check_does_not_look_at_sockets(box, echo):
    conf = box.conf(remotes=[echo])
    done = box.run("-n", conf.path, env={"LISTEN_FDS": "7"})
    assert done.returncode == 0


@pytest.mark.parametrize("names", [["web"], None])
def test_unix_socket_that_is_passed(activated, echo, box, names):
    """Its file is not ours to remove."""
    path = str(box.dir / "keep-in.sock")
    sock = listener(box, path=path)
    # By its name it need not be the one of the file.
    configured = path if names is None else str(box.dir / "other.sock")
    d = activated([sock], names, remotes=[echo],
                  listen=f'path = "{configured}" mode = 0600')
    assert d.address() == path
    assert os.stat(path).st_mode & 0o777 == 0o600
    roundtrip(box.connect(path)).close()
    d.reload()
    d.kill(signal.SIGUSR2)
    wait(lambda: d.lines("reload: done, generation 3"), 10, "the upgrade")
    d.reload()
    assert d.address() == path
    roundtrip(box.connect(path)).close()
    d.reload(listen={"web": 'address = "127.0.0.1" port = 0'})
    d.stop()
    assert os.path.exists(path)
    assert not (box.dir / "other.sock").exists()
    late = box.connect(path)
    late.close()


def test_abstract_unix_socket(activated, echo, box):
    name = str(box.dir / "abstract")
    sock = listener(box, path="\0" + name)
    d = activated([sock], ["web"], remotes=[echo],
                  listen=f'path = "{box.dir}/none" mode = 0600')
    assert d.addrs.read_text() == f"web @{name}\n"
    roundtrip(box.connect("\0" + name))
    d.reload()
    roundtrip(box.connect("\0" + name))


def test_options_of_the_section_are_for_passed_sockets_too(
        activated, backend, box):
    """What a listener passes on to those that it accepts."""
    remote = backend()
    sock = listener(box)
    assert not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    activated([sock], ["web"], remotes=[remote])
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.rights
@needs_root
@pytest.mark.parametrize("names", [["web"], ["spawnd.socket"]])
def test_one_socket_for_both_families(activated, backend, box, names):
    """[::]:port without IPV6_V6ONLY, as systemd makes it of a bare port."""
    remote = backend(path=box.dir / "remote.sock")

    def scene():
        new_network()
        sock = listener(box, "::", 8080)
        d = activated([sock], names, remotes=[remote],
                      listen="port = 8080")
        assert d.addresses() == ["[::]:8080"]
        for host in ("127.0.0.1", "::1"):
            roundtrip(box.connect((host, 8080)))
        d.reload()
        d.kill(signal.SIGUSR2)
        wait(lambda: d.lines("reload: done, generation 3"), 10, "the upgrade")
        d.reload()
        assert d.addresses() == ["[::]:8080"]
        for host in ("127.0.0.1", "::1"):
            roundtrip(box.connect((host, 8080)))

    peers.Thread(scene).result()


@pytest.mark.rights
@needs_root
def test_one_family_of_two_is_passed(activated, backend, box):
    """[::]:port with IPV6_V6ONLY: the other one is bound."""
    remote = backend(path=box.dir / "remote.sock")

    def scene():
        new_network()
        sock = socket.socket(socket.AF_INET6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("::", 8080))
        sock.listen()
        box.closing(sock)
        d = activated([sock], remotes=[remote], listen="port = 8080")
        assert d.addresses() == ["[::]:8080", "0.0.0.0:8080"]
        for host in ("127.0.0.1", "::1"):
            roundtrip(box.connect((host, 8080)))

    peers.Thread(scene).result()


def test_ports_of_a_range_one_by_one(activated, echo, box):
    """What is given is set on what is passed, and the rest of it is left as
    it was."""
    low = free_ports(3)
    ports = [low + 2, low]
    socks = [listener(box, port=port) for port in ports]
    socks[0].setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 32)
    at = f'address = "127.0.0.1" port = "{low}-{low + 2}" '
    d = activated(socks, remotes=[echo], listen=at + "keepalive-idle = 61")
    inodes = [os.fstat(sock.fileno()).st_ino for sock in socks]
    assert [listening(port) for port in ports] == [[n] for n in inodes]
    assert len(d.addresses()) == 3
    for port in (*ports, low + 1):
        roundtrip(box.connect(("127.0.0.1", port))).close()
    idle = socket.IPPROTO_TCP, socket.TCP_KEEPIDLE
    assert [sock.getsockopt(*idle) for sock in socks] == [61, 61]
    assert socks[0].getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 32
    d.reload(listen=at + "dscp = ef interface = lo")
    assert socks[0].getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 46 << 2
    assert socks[0].getsockopt(*idle) == socket.socket().getsockopt(*idle)
    d.stop()


# inetd

class Inetd:
    """inetd(8) for one service, wait: starts the server when there is a
    client, and waits for its end before it looks again."""

    def __init__(self, box, conf, *args, wrapper=()):
        self.box, self.conf = box, conf
        self.sock = listener(box)
        self.address = address_of(self.sock)
        self.addrs = box.dir / "inetd.addrs"
        self.argv = [*wrapper, launcher(box), "-i", "-A", self.addrs, *args]
        if conf:
            self.argv.append(conf.path)

    def has_client(self):
        return bool(select.select([self.sock], [], [], 0)[0])

    def start(self):
        wait(self.has_client, 5, "a client")
        fd = self.sock.fileno()
        env = {**self.box.environment(),
               **launch_env(self.box, [fd, fd, fd], 0)}
        return self.box.spawn(self.argv, env=env, pass_fds=[fd],
                              cwd=self.box.dir, stdin=subprocess.DEVNULL)


@pytest.fixture
def inetd(box, echo):
    def make(*args, wrapper=(), shrink="1s", **parts):
        spawnd = parts.pop("spawnd", "")
        log = box.dir / "inetd.log"
        conf = box.conf("inetd", remotes=[echo], listen=parts.pop(
            "listen", 'address = "127.0.0.1" port = 0'), spawnd=f"""
            log {{ to = "{log}" }} shrink-after = {shrink}
            pidfile = "{box.dir}/no.pid" {spawnd}""", **parts)
        made = Inetd(box, conf, *args, wrapper=wrapper)
        made.log = log
        return made
    return make


def test_inetd_starts_it_again_and_again(inetd, box):
    service = inetd()
    for n in (1, 2, 3):
        client = box.connect(service.address)
        other = box.connect(service.address)
        proc = service.start()
        roundtrip(client)
        roundtrip(other)
        wait(lambda: service.addrs.exists() and
             service.log.read_text().count("ready: ") == n, 5, "the start")
        assert service.addrs.read_text() == "web %s:%d\n" % service.address
        assert [os.readlink(f"/proc/{proc.pid}/fd/{fd}") for fd in
                (0, 1, 2)] == ["/dev/null"] * 3
        assert inode(service.sock) in socket_inodes(proc.pid)
        assert not (box.dir / "no.pid").exists()
        client.close()
        roundtrip(other)
        other.close()
        assert proc.wait(PATIENCE) == 0
        wait(lambda: service.log.read_text().count(
            "idle: inetd takes over") == n, 5, "the last line")
    assert not service.has_client()


def test_inetd_server_stays_while_there_are_sessions(inetd, box):
    service = inetd(shrink="2s")
    client = box.connect(service.address)
    proc = service.start()
    roundtrip(client)
    # Longer than shrink-after.
    assert silent(client, 3)
    roundtrip(client)
    assert proc.poll() is None
    # Nor does it end between two that come and go.
    for i in range(10):
        client.close()
        time.sleep(0.25)
        client = roundtrip(box.connect(service.address))
    assert proc.poll() is None
    client.close()
    assert proc.wait(PATIENCE) == 0


def test_inetd_shrink_after_0_is_never(inetd, box):
    service = inetd(shrink="0")
    client = box.connect(service.address)
    proc = service.start()
    roundtrip(client)
    client.close()
    ticks = os.sysconf("SC_CLK_TCK")
    before = sum(int(n) for n in
                 open(f"/proc/{proc.pid}/stat").read().split()[13:15])
    time.sleep(1.5)
    assert proc.poll() is None
    after = sum(int(n) for n in
                open(f"/proc/{proc.pid}/stat").read().split()[13:15])
    assert after - before < ticks // 10
    proc.terminate()
    assert proc.wait(PATIENCE) == 0


def test_inetd_reload_and_upgrade_keep_the_socket(inetd, box):
    service = inetd(shrink="1s")
    client = box.connect(service.address)
    proc = service.start()
    roundtrip(client)
    # Even under another name and address: it is the only one.
    service.conf.change(listen={"new": 'address = "127.0.0.1" port = 1'}
                        ).write()
    proc.send_signal(signal.SIGHUP)
    wait(lambda: "reload: done" in service.log.read_text(), 5, "the reload")
    assert service.addrs.read_text() == "new %s:%d\n" % service.address
    roundtrip(box.connect(service.address)).close()
    proc.send_signal(signal.SIGUSR2)
    wait(lambda: "generation 3" in service.log.read_text(), 10,
         "the upgrade")
    roundtrip(box.connect(service.address)).close()
    assert not (box.dir / "no.pid").exists()
    service.conf.change(listen={"a": 'address = "127.0.0.1" port = 0',
                                "b": 'address = "127.0.0.1" port = 0'}
                        ).write()
    proc.send_signal(signal.SIGHUP)
    wait(lambda: "exactly one" in service.log.read_text(), 5, "the refusal")
    roundtrip(client)
    client.close()
    assert proc.wait(PATIENCE) == 0
    wait(lambda: "idle" in service.log.read_text(), 5, "the last line")


def test_inetd_without_a_file(box, echo):
    """-i with -L and -R: enough for one line of inetd.conf."""
    service = Inetd(box, None, "-L", "0", "-R", f"127.0.0.1:{echo.port}")
    client = box.connect(service.address)
    proc = service.start()
    roundtrip(client)
    client.close()
    proc.terminate()
    assert proc.wait(PATIENCE) == 0


def run_inetd(box, sock, *args, **env):
    """spawnd -i with sock as 0, 1 and 2; the status it ends with."""
    fd = sock.fileno()
    proc = box.spawn([launcher(box), "-i", *args], pass_fds=[fd], env={
        **box.environment(), **launch_env(box, [fd, fd, fd], 0), **env})
    return proc.wait(PATIENCE)


def test_inetd_nowait_is_refused_in_silence(box, echo):
    """The client is not who error messages are for."""
    conf = box.conf(remotes=[echo])
    sock = listener(box)
    client = box.connect(address_of(sock))
    conn, peer = sock.accept()
    box.closing(conn)
    assert run_inetd(box, conn, conf.path) == 1
    conn.close()
    assert client.recv(100) == b""


def test_inetd_refuses_datagrams(box, echo):
    conf = box.conf(remotes=[echo])
    assert run_inetd(box, wrong_socket(box, "datagram"), conf.path) == 1


def test_inetd_needs_a_socket_and_one_section(box, echo):
    conf = box.conf(remotes=[echo])
    done = box.run("-i", conf.path)
    assert done.returncode == 1
    assert "-i: descriptor 0 is not a socket" in done.stderr
    conf.change(listen={"a": 'address = "127.0.0.1" port = 0',
                        "b": 'address = "127.0.0.1" port = 0'}).write()
    done = box.run("-i", "-n", conf.path)
    assert done.returncode == 1
    assert "-i needs exactly one" in done.stderr
    assert "there are 2" in done.stderr


@pytest.mark.parametrize("option", [["-b"], ["-p", "x.pid"]])
def test_inetd_has_no_background_and_no_pid_file(box, echo, option):
    conf = box.conf(remotes=[echo])
    done = box.run("-i", *option, conf.path)
    assert done.returncode == 2 and "usage" in done.stderr


@pytest.mark.rights
@needs_root
def test_inetd_errors_go_to_syslog(inetd, box):
    """Mistakes of the configuration, before there is any log."""
    dev = box.dir / "dev"
    dev.mkdir()
    os.mknod(dev / "null", 0o20666, os.makedev(1, 3))
    syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    syslog.bind(str(dev / "log"))
    syslog.settimeout(PATIENCE)
    service = inetd(wrapper=["unshare", "-m", "sh", "-c",
                             'mount --bind "$0" /dev && exec "$@"', dev],
                    relay="no-such-option = 1")
    client = box.connect(service.address)
    proc = service.start()
    try:
        assert proc.wait(PATIENCE) == 1
        line = syslog.recv(65536).decode()
        assert "no-such-option" in line and "spawnd[" in line
        assert line.startswith("<27>")      # daemon, error
    finally:
        syslog.close()
        (dev / "log").unlink()
        (dev / "null").unlink()
    assert silent(client)


def test_socket_as_standard_input_changes_nothing(box, daemon, echo):
    """Without -i, whatever descriptor 0 is."""
    sock = listener(box)
    pair = socket.socketpair()
    for inherited in (sock, box.closing(pair[0]), wrong_socket(
            box, "datagram")):
        fd = inherited.fileno()
        d = daemon(program=launcher(box), pass_fds=[fd], remotes=[echo],
                   env=launch_env(box, [fd], 0))
        assert d.port() != address_of(sock)[1]
        roundtrip(d.connect()).close()
        d.stop()
    pair[1].close()


def test_closed_standard_descriptors(box, daemon, echo):
    """What is opened at the start does not become the standard error."""
    script = box.dir / "closed"
    script.write_text(f"#!/bin/sh\nexec '{box.programs['spawnd']}' \"$@\""
                      " <&- >&- 2>&-\n")
    script.chmod(0o755)
    log = box.dir / "closed.log"
    d = daemon(program=script, remotes=[echo],
               spawnd=f'log {{ to = "{log}" }}')
    d.logfile = log
    assert [os.readlink(f"/proc/{d.pid}/fd/{fd}") for fd in (0, 1, 2)] == \
        ["/dev/null"] * 3
    roundtrip(d.connect())
    d.reload()


# Children that are not its own

def zombies(pid):
    return [p for p, (ppid, state, name) in proc_table().items()
            if ppid == pid and state == "Z"]


def test_children_of_who_it_was_before(box, daemon, echo):
    """A shell that becomes spawnd leaves it a child."""
    script = box.dir / "shell"
    script.write_text("#!/bin/sh\nsleep 0.01 &\nsleep 5 &\n"
                      f"exec '{box.programs['spawnd']}' \"$@\"\n")
    script.chmod(0o755)
    d = daemon(program=script, remotes=[echo])
    sleeper = wait(lambda: d.kids("sleep"), 5, "the child")
    wait(lambda: not alive(sleeper[0]), 5, "its end")
    wait(lambda: not zombies(d.pid), 5, "no zombies")


def test_logger_that_was_replaced_is_no_zombie(box, daemon, echo):
    d = daemon(remotes=[echo])
    old = d.kids("logger")
    d.logfile = box.dir / "second.log"
    d.reload(spawnd=f'log {{ to = "{d.logfile}" }}')
    wait(lambda: old[0] not in proc_table(), 5, "the end of the logger")
    wait(lambda: len(d.kids("logger")) == 1, 30, "one logger")


class Container:
    """spawnd as process 1 of a pid name space of its own."""

    def __init__(self, box, conf, **env):
        self.box, self.conf = box, conf
        self.addrs = box.dir / "ns.addrs"
        self.log = box.dir / "ns.log"
        self.out = open(self.log, "w")
        self.outer = box.spawn(
            ["unshare", "--pid", "--fork", "--mount-proc",
             box.programs["spawnd"], "-f", "-A", self.addrs, conf.path],
            stdin=subprocess.DEVNULL, stderr=self.out,
            env={**box.environment(), **env})
        self.out.close()
        self.pid = wait(lambda: children(self.outer.pid, "spawnd"), 5,
                        "process 1")[0]
        box.closing(self)

    def serving(self):
        wait(self.addrs.exists, 10, "serving")
        host, port = self.addrs.read_text().split()[1].split(":")
        return self.box.connect((host, int(port)))

    def run(self, script):
        subprocess.run(["nsenter", "-t", str(self.pid), "-p", "-m", "sh",
                        "-c", script], check=True)

    def close(self):
        if alive(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        self.outer.wait(PATIENCE)


@pytest.mark.rights
@needs_root
@pytest.mark.parametrize("event", ["epoll", "poll"])
def test_process_1_reaps_orphans(box, echo, event):
    c = Container(box, box.conf(remotes=[echo]), SPAWND_EVENT=event)
    client = roundtrip(c.serving())
    # Two that are still running when they are orphans, and many that end.
    c.run("(sleep 4 &); (sleep 4.2 &); "
          "for i in 1 2 3 4 5 6 7 8 9; do (true &); done")
    sleepers = wait(lambda: len(children(c.pid, "sleep")) == 2 and
                    children(c.pid, "sleep"), 5, "the orphans")
    wait(lambda: not any(alive(pid) for pid in sleepers), 5, "their end")
    wait(lambda: not zombies(c.pid), 5, "no zombies")
    roundtrip(client)

    # And leaves the status of its own to whom it concerns.
    for n in (1, 2):
        victims = children(c.pid, "relay")
        c.run("(sleep 0.05 &); (true &)")
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait(lambda: c.log.read_text().count("died of signal 9") == 2 * n, 5,
             "both deaths in the log")
        wait(lambda: len(children(c.pid, "relay")) == 2, 10, "new workers")
        wait(lambda: not zombies(c.pid), 5, "no zombies")
    assert not answers(client)
    roundtrip(c.serving()).close()
    os.kill(c.pid, signal.SIGTERM)
    assert c.outer.wait(PATIENCE) == 0


@pytest.mark.rights
@needs_root
@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_process_1_can_be_ended(box, echo, signo):
    """And takes nothing with it into the grave: the last line is written,
    although the kernel kills the logger together with process 1."""
    c = Container(box, box.conf(remotes=[echo]))
    roundtrip(c.serving()).close()
    os.kill(c.pid, signo)
    assert c.outer.wait(PATIENCE) == 0
    assert "stopped" in c.log.read_text()


@pytest.mark.rights
@needs_root
@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_process_1_can_be_ended_while_it_reads_the_file(box, echo, signo):
    """The kernel has no default action for it."""
    conf = box.conf(remotes=[echo])
    endless_file(box, conf.path)
    c = Container(box, conf)
    wait(lambda: children(c.pid, "reader"), 5, "the reading")
    os.kill(c.pid, signo)
    assert c.outer.wait(PATIENCE) == 1
