"""Options of listening sockets, as the kernel tells them: of the socket, and
of the connections that it accepts; over reloads and upgrades."""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

import peers
from harness import (IPPROTO_MPTCP, free_port, free_ports, has_protocol,
                     listening, new_network, wait)
from peers import roundtrip
from test_upgrade import upgraded

IP_TOOL = shutil.which("ip", path=os.environ["PATH"] + ":/sbin:/usr/sbin")
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
LOCAL = 'address = "127.0.0.1" port = 0 '
TCP, IP, IPV6 = socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6
IP_FREEBIND, TCP_FASTOPEN = 15, 23
NAMES = {
    "dscp": (IP, socket.IP_TOS), "idle": (TCP, socket.TCP_KEEPIDLE),
    "interval": (TCP, socket.TCP_KEEPINTVL),
    "count": (TCP, socket.TCP_KEEPCNT),
    "user-timeout": (TCP, socket.TCP_USER_TIMEOUT),
    "fastopen": (TCP, TCP_FASTOPEN),
    "defer": (TCP, socket.TCP_DEFER_ACCEPT),
    "freebind": (IP, IP_FREEBIND),
    "protocol": (socket.SOL_SOCKET, socket.SO_PROTOCOL),
}


def steal(pid, fd):
    """A descriptor of another process, as a socket of ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    PIDFD_OPEN, PIDFD_GETFD = 434, 438
    pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
    own = libc.syscall(PIDFD_GETFD, pidfd, fd, 0)
    error = ctypes.get_errno()
    os.close(pidfd)
    if own == -1:
        raise OSError(error, f"descriptor {fd} of {pid}")
    return socket.socket(fileno=own)


def descriptors(pid):
    try:
        return os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []       # it has ended


def socket_of(pids, name, peer=None):
    """That which listens at an address, or whose peer is that."""
    for pid in pids:
        for fd in descriptors(pid):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket"):
                    continue
                sock = steal(pid, int(fd))
                if sock.family in (socket.AF_INET, socket.AF_INET6) and \
                        sock.getsockname()[:2] == name and peer == (
                            sock.getpeername()[:2] if peer else None):
                    return sock
            except OSError:
                pass    # gone, or not connected
    raise AssertionError(f"no socket {name} {peer}")


def tell(sock, *names):
    return {name: sock.getsockopt(*NAMES[name]) for name in names}


def of_listener(d, *names, name="web"):
    with socket_of([d.pid], d.address(name)) as sock:
        return tell(sock, *names)


def of_session(d, *names, name="web"):
    """Of one that is new, at the side of the client."""
    client = roundtrip(d.connect(name))
    with socket_of(d.kids(), d.address(name), client.getsockname()[:2]) as s:
        found = tell(s, *names)
    client.close()
    return found


ALL = ("dscp = ef keepalive-idle = 61 keepalive-interval = 7 "
       "keepalive-count = 4 user-timeout = 20s ")
INHERITED = {"dscp": 46 << 2, "idle": 61, "interval": 7, "count": 4,
             "user-timeout": 20000}


@pytest.mark.rights
@ROOT
def test_set_inherited_changed_and_kept(daemon, echo):
    d = daemon(remotes=[echo], listen=LOCAL + ALL + "fastopen = 5 "
               "defer-accept = yes tag = dmz")
    assert of_listener(d, *INHERITED) == INHERITED
    assert of_session(d, *INHERITED) == INHERITED
    assert d.wait_closed()[0]["tag"] == "dmz"
    more = of_listener(d, "fastopen", "defer", "protocol")
    assert more["fastopen"] == 5 and more["defer"] >= 30
    assert more["protocol"] == socket.IPPROTO_TCP
    # By the same socket, whose backlog nobody loses.
    at = d.address()
    other = LOCAL + ("dscp = 8 keepalive-idle = 62 keepalive-interval = 7 "
                     "user-timeout = 1s fastopen = 6")
    d.reload(listen=other)
    with socket.socket() as fresh:
        system = tell(fresh, *INHERITED)
    want = dict(INHERITED, dscp=32, idle=62, count=system["count"])
    want["user-timeout"] = 1000
    assert d.address() == at
    assert of_session(d, *INHERITED) == want
    assert of_listener(d, "fastopen", "defer") == {"fastopen": 6, "defer": 0}
    # What it has is known afterwards: only so can it be taken back.
    upgraded(d)
    assert of_session(d, *INHERITED) == want
    d.reload(listen=LOCAL)
    assert d.address() == at
    assert of_session(d, *INHERITED) == system
    assert of_listener(d, "fastopen") == {"fastopen": 0}


@pytest.mark.rights
@ROOT
def test_both_families_are_marked(daemon, echo):
    d = daemon(remotes=[echo], listen='address = "::1" port = 0 dscp = af41')
    client = roundtrip(d.connect())
    with socket_of(d.kids(), d.address(), client.getsockname()[:2]) as sock:
        assert sock.getsockopt(IPV6, socket.IPV6_TCLASS) == 34 << 2
    client.close()


def test_v6only_leaves_out_the_other_family(daemon, echo):
    d = daemon(remotes=[echo], listen="port = 0 v6only = yes")
    assert [text.rsplit(":", 1)[0] for text in d.addresses()] == ["[::]"]
    port = d.port()
    roundtrip(d.box.connect(("::1", port))).close()
    with pytest.raises(ConnectionError):
        d.box.connect(("127.0.0.1", port))


@pytest.mark.rights
@ROOT
@pytest.mark.skipif(IP_TOOL is None, reason="ip is missing")
def test_interfaces_and_addresses_to_come(daemon, backend, box):
    remote = backend(path=box.dir / "remote.sock")

    def scene():
        new_network()
        for command in ("link add name far0 type veth peer name far1",
                        "link set far0 up"):
            subprocess.run([IP_TOOL, *command.split()], check=True)
        at = 'address = "0.0.0.0" port = 8080 '
        d = daemon(remotes=[remote], listen={
            "web": at + "interface = lo",
            "far": 'address = "10.9.9.9" port = 8081 freebind = yes'})
        assert of_listener(d, "freebind", name="far") == {"freebind": 1}
        roundtrip(box.connect(("127.0.0.1", 8080))).close()
        # Another one is bound while the first serves, and back.
        client = roundtrip(box.connect(("127.0.0.1", 8080)))
        for interface in ("interface = far0", "", "interface = lo"):
            d.reload(listen={"web": at + interface})
            with socket_of([d.pid], ("0.0.0.0", 8080)) as sock:
                bound = sock.getsockopt(socket.SOL_SOCKET, 25, 16)
            name = bound.split(b"\0")[0].decode()
            assert name == interface.replace("interface = ", "")
            if name == "far0":
                with pytest.raises(ConnectionError):
                    box.connect(("127.0.0.1", 8080))
            else:
                roundtrip(box.connect(("127.0.0.1", 8080))).close()
        roundtrip(client).close()
        upgraded(d)
        roundtrip(box.connect(("127.0.0.1", 8080))).close()
        # Each interface its own, at one address.
        d.reload(listen={"web": at + "interface = lo",
                         "far": at + "interface = far0"})
        assert len(listening(8080)) == 2
        roundtrip(box.connect(("127.0.0.1", 8080))).close()
        assert {l["name"]: l["options"] for l in d.show("listeners")} == {
            "web": "interface=lo", "far": "interface=far0"}
        d.write(listen={"web": at + "interface = none"})
        done = d.ctl("reload", check=False)
        d.reloads += 1
        assert done.returncode == 1 and \
            'listen on 0.0.0.0:8080: interface "none": No such device' in \
            done.stderr
        check = box.run("-n", d.conf.path)
        assert check.returncode == 1
        assert 'interface "none": No such device' in check.stderr

    peers.Thread(scene).result()


@pytest.mark.rights
@ROOT
def test_mptcp_or_one_sentence(daemon, echo, box):
    listen = LOCAL + "protocol = mptcp dscp = ef keepalive-idle = 61"
    if not has_protocol(IPPROTO_MPTCP):
        refused(box, listen)
        return
    d = daemon(remotes=[echo], listen=LOCAL)
    d.reload(listen=listen)
    data = peers.Pattern(1, 300_000)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                       IPPROTO_MPTCP) as client:
        client.connect(d.address())
        roundtrip(client)
        with socket_of(d.kids(), d.address(),
                       client.getsockname()) as sock:
            assert sock.getsockopt(*NAMES["protocol"]) == IPPROTO_MPTCP
        peers.exchange(client, data, data)
    plain = roundtrip(d.connect())
    peers.exchange(plain, data, data)
    plain.close()
    assert [line["why"] for line in d.wait_closed(2)] == ["fin", "fin"]


def test_sctp_or_one_sentence(daemon, echo, box):
    if not has_protocol(socket.IPPROTO_SCTP):
        refused(box, LOCAL + "protocol = sctp")
        return
    d = daemon(remotes=[echo], listen=LOCAL + "protocol = sctp")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                       socket.IPPROTO_SCTP) as client:
        client.connect(d.address())
        roundtrip(client)


def refused(box, listen):
    conf = box.conf(remotes=["address = 127.0.0.1 port = 1"], listen=listen,
                    control=None)
    for option in ("-f", "-n"):
        done = box.run(option, conf.path)
        assert done.returncode == 1
        assert re.search("protocol: .*this kernel does not have it",
                         done.stderr), done


def test_bind_retry(daemon, echo, box):
    """At a start, and at a reload that disturbs nobody."""
    port, second = free_port(), free_port()
    at = f'address = "127.0.0.1" port = {port} bind-retry = 1h'
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        conf = box.conf("spawnd", remotes=[echo], listen=at)
        d = box.daemon(conf=conf, start=False)
        d.launch()
        line, = d.wait_line("it is tried again for 1h")
        assert f"listen on 127.0.0.1:{port}: Address already in use" in line
        assert not d.addrs.exists()
    wait(d.addrs.exists, 20, "the start")
    roundtrip(d.connect()).close()
    # One listener more, for which another reload does not wait.
    with socket.socket() as other:
        other.bind(("127.0.0.1", second))
        other.listen()
        more = {"web": at, "more": f'address = "127.0.0.1" port = {second} '
                                   "bind-retry = 1h"}
        d.write(listen=more)
        d.kill(signal.SIGHUP)
        d.wait_line("it is tried again for 1h", count=2)
        roundtrip(d.connect()).close()
        d.kill(signal.SIGHUP)
        d.wait_line("reload: failed: another one was asked for")
        d.wait_line("it is tried again for 1h", count=3)
        d.reloads += 2
    wait(lambda: d.lines("reload: done, generation 2"), 20, "the reload")
    roundtrip(d.connect("more")).close()
    # Not for ever.
    with socket.socket() as other:
        other.bind(("127.0.0.2", second))
        other.listen()
        d.write(listen={**more, "late": f'address = "127.0.0.2" '
                        f"port = {second} bind-retry = 300ms"})
        done = d.ctl("reload", check=False)
        d.reloads += 1
    assert done.returncode == 1 and "Address already in use" in done.stderr
    roundtrip(d.connect("more")).close()


def test_a_range_of_ports(daemon, echo, box):
    low = free_ports(6)
    d = daemon(remotes=[echo], listen=f'address = "127.0.0.1, 127.0.0.2" '
               f'port = "{low}-{low + 4}" tag = dmz dscp = ef')
    assert len(d.addresses()) == 10
    for port in (low, low + 4):
        roundtrip(box.connect(("127.0.0.2", port))).close()
    assert {int(line["port"]) for line in d.wait_closed(2)} == {low, low + 4}
    first, second = d.show("listeners")
    assert first["address"] == f"127.0.0.1:{low}-{low + 4}"
    assert (second["accepted"], second["waiting"]) == (2, 0)
    assert (second["tag"], second["tls"]) == ("dmz", "-")
    assert second["options"] == "dscp=ef"
    # Those that stay do, one by one.
    stays = {port: listening(port) for port in range(low, low + 5)}
    client = roundtrip(box.connect(("127.0.0.1", low + 2)))
    d.reload(listen='address = "127.0.0.1, 127.0.0.2" '
             f'port = "{low + 2}-{low + 5}"')
    for port in range(low + 2, low + 5):
        assert listening(port) == stays[port]
    assert listening(low) == [] and len(listening(low + 5)) == 2
    upgraded(d)
    assert listening(low + 3) == stays[low + 3]
    roundtrip(client).close()
    roundtrip(box.connect(("127.0.0.1", low + 5))).close()
    assert [l["address"] for l in d.show("listeners")] == [
        f"127.0.0.{host}:{low + 2}-{low + 5}" for host in (1, 2)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_a_unix_socket_without_a_file(daemon, echo, box):
    name = f"{box.dir}/abstract"
    d = daemon(remotes=[echo], listen=f'path = "@{name}"')

    def connect():
        sock = socket.socket(socket.AF_UNIX)
        box.closing(sock)
        sock.settimeout(30)
        sock.connect("\0" + name)
        return roundtrip(sock)

    assert d.addresses() == ["@" + name] and not os.path.exists(name)
    client = connect()
    d.reload()
    upgraded(d)
    roundtrip(client).close()
    connect().close()
    assert d.show("listeners")[0]["address"] == "@" + name
    second = box.conf("second", remotes=[echo], control=None,
                      listen=f'path = "@{name}"')
    done = box.run("-f", second.path)
    assert done.returncode == 1
    assert f"listen on @{name}: Address already in use" in done.stderr


@pytest.mark.rights
@ROOT
@pytest.mark.skipif(not os.path.exists("/proc/sys/net/ipv4/tcp_fastopen"),
                    reason="Linux has that")
def test_fastopen_that_the_system_does_not_allow(daemon, backend, box):
    """What a client sends with its first packet, where it does."""
    remote = backend(path=box.dir / "remote.sock")
    switch = pathlib.Path("/proc/sys/net/ipv4/tcp_fastopen")
    warning = "fastopen: it does nothing before net.ipv4.tcp_fastopen"
    MSG_FASTOPEN = 0x20000000

    def scene():
        new_network()
        switch.write_text("1")
        d = daemon(remotes=[remote], listen=LOCAL + "fastopen = 5")
        assert len(d.lines(warning)) == 1
        switch.write_text("3")
        d.reload()
        assert len(d.lines(warning)) == 1
        for _ in range(2):      # the first one gets the cookie
            client = box.closing(socket.socket())
            client.sendto(b"early", MSG_FASTOPEN, d.address())
            client.settimeout(30)
            assert client.recv(5) == b"early"
            client.close()
        stats = pathlib.Path("/proc/thread-self/net/netstat").read_text()
        names, values = [line.split()[1:] for line in stats.splitlines()
                         if line.startswith("TcpExt:")]
        assert int(dict(zip(names, values))["TCPFastOpenPassive"]) == 1

    peers.Thread(scene).result()


@ROOT
def test_as_a_user(box):
    """None of these needs a right of root's on Linux since 5.7."""
    conf = box.conf(remotes=["address = 127.0.0.1 port = 1"], control=None,
                    listen='address = "127.0.0.1" port = 0 interface = lo')
    box.dir.chmod(0o755)
    pathlib.Path(conf.path).chmod(0o644)
    done = box.run("-n", conf.path, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 0, done
