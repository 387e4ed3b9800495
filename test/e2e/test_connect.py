"""How a session gets its connection to a place of a remote."""

import collections
import os
import pathlib
import resource
import signal
import ssl

import pytest

import peers
from harness import (become, certificate, fd_count, free_port, has_tls,
                     new_network, wait)
from peers import roundtrip

ONE = "servers { min = 1 max = 1 }"
# Nobody waits for what does not answer, or the tests do so too.
LONG = "balance = first connect-timeout = 10m"
PORTS = 8

in_network = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def few_ports():
    """Of this network, for who connects."""
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(
        f"40000 {40000 + PORTS - 1}")


@pytest.mark.rights
@in_network
def test_a_range_of_sources_is_for_more_sessions_than_ports(daemon, box):
    """They take turns; one that has no port left is passed over, and one that
    is not there."""
    def scene():
        new_network()
        become("10.9.9.9")
        remote = box.closing(peers.Backend(peers.echo))
        few_ports()
        d = daemon(remotes=[remote], listen=f'path = "{box.dir}/in.sock"',
                   spawnd=ONE, relay='local-address = "127.0.1.4/30"')
        clients = [roundtrip(d.connect()) for _ in range(4)]
        assert len({peer[0] for peer in remote.peers}) == 4
        clients += [roundtrip(d.connect()) for _ in range(4 * PORTS - 4)]
        assert collections.Counter(peer[0] for peer in remote.peers) == {
            f"127.0.1.{i}": PORTS for i in range(4, 8)}
        assert peers.turned_away(box, d.address()) == "reset"
        line, = d.wait_closed()
        assert (line["end"], line["why"]) == ("relay", "error")
        d.wait_line("connect: Cannot assign requested address")
        assert d.remotes()["a"]["failed"] == 0
        d.reload(relay='local-address = "10.9.9.6-10.9.9.10"')
        d.wait_line("local-address 10.9.9.6 is no address of this machine")
        for _ in range(PORTS):
            clients.append(roundtrip(d.connect()))
            assert remote.peers[-1][0] == "10.9.9.9"

    peers.Thread(scene).result()


@pytest.mark.rights
@in_network
def test_a_source_address_is_good_for_each_remote(daemon, box):
    """All its ports are, over IPv6 as well; a remote may have its own."""
    def scene():
        new_network()
        remotes = [box.closing(peers.Backend(peers.echo, host=host))
                   for host in ("::1", "::1", "127.0.0.1")]
        few_ports()
        d = daemon(remotes=[remotes[0], remotes[1], remotes[2].conf(
                       "local-address = 127.0.0.7")],
                   listen=f'path = "{box.dir}/in.sock"', spawnd=ONE,
                   relay='local-address = "::1"')
        clients = [roundtrip(d.connect()) for _ in range(3 * PORTS)]
        assert all(peers.answers(client) for client in clients)
        assert [len(r.peers) for r in remotes] == [PORTS] * 3
        assert {peer[0] for peer in remotes[2].peers} == {"127.0.0.7"}

    peers.Thread(scene).result()


# Places of both families

@pytest.fixture
def silent(box):
    """A place of a port that does not answer; nobody has that port at any
    address."""
    def make(host, port=None):
        return box.closing(peers.Blackhole(host, port or free_port()))
    return make


def text(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def places(d):
    """By host; of one remote."""
    return {r["address"].rsplit(":", 1)[0].strip("[]"): r
            for r in d.show("remotes")}


def worker_fds(d):
    pid, = d.kids()
    return fd_count(pid)


@pytest.mark.parametrize("dead,alive", [("::1", "127.0.0.1"),
                                        ("127.0.0.1", "::1")])
def test_a_family_that_does_not_answer_is_not_waited_for(
        daemon, backend, silent, mechanism, dead, alive):
    """Nor is it held, as it has not failed."""
    remote = backend(host=alive, port=free_port())
    silent(dead, remote.port)
    d = daemon(spawnd=ONE, relay=LONG, remotes=[
        f'address = "{dead}, {alive}" port = {remote.port}'])
    fds = worker_fds(d)
    for i in range(3):
        client = roundtrip(d.connect())
        assert worker_fds(d) == fds + 2
        client.close()
        line = d.wait_closed(i + 1)[i]
        assert (line["address"], line["tries"]) == (
            text(alive, remote.port), "1")
        assert float(line["connect"]) >= (0.2 if i == 0 else 0.02)
    peers.load(d.box, d.address(), 200, concurrent=20)
    d.wait_closed(203)
    assert worker_fds(d) == fds
    at = places(d)
    assert (at[dead]["failed"], at[dead]["held"]) == (0, False)
    assert (at[dead]["sessions"], at[alive]["sessions"]) == (0, 203)
    assert (at[dead]["active"], at[alive]["active"]) == (0, 0)


def test_one_that_fails_beside_is_held_and_the_next_is_tried(
        daemon, backend, silent):
    """127.0.0.1 refuses."""
    remote = backend(host="127.0.0.2", port=free_port())
    silent("::1", remote.port)
    d = daemon(spawnd=ONE, relay=LONG, remotes=[
        f'address = "::1, 127.0.0.1, 127.0.0.2" port = {remote.port}'])
    roundtrip(d.connect()).close()
    line, = d.wait_closed()
    assert (line["address"], line["tries"]) == (
        text("127.0.0.2", remote.port), "1")
    assert {host: r["failed"] for host, r in places(d).items()} == {
        "::1": 0, "127.0.0.1": 1, "127.0.0.2": 0}


def test_the_first_one_may_still_be_connected(daemon, silent):
    """And the others are closed then."""
    first = silent("::1")
    second = silent("127.0.0.1", first.port)
    d = daemon(spawnd=ONE, relay=LONG, remotes=[
        f'address = "::1, 127.0.0.1" port = {first.port}'])
    fds = worker_fds(d)
    client = d.connect()
    client.sendall(b"hello")
    wait(lambda: worker_fds(d) == fds + 3, 30, "a second connect")
    assert {r["active"] for r in places(d).values()} == {1}
    conn = first.answer()
    assert peers.receive(conn, 5) == b"hello"
    assert worker_fds(d) == fds + 2
    assert places(d)["127.0.0.1"]["active"] == 0
    client.close()
    conn.close()
    line, = d.wait_closed()
    assert line["address"] == text("::1", second.port)


def test_both_fail_and_the_next_remote_is_tried(daemon, echo, silent,
                                                mechanism):
    """Each within the limit; both are held, and are one try."""
    first = silent("::1")
    silent("127.0.0.1", first.port)
    d = daemon(spawnd=ONE, relay="balance = first connect-timeout = 1s",
               remotes=[f'address = "::1, 127.0.0.1" port = {first.port}',
                        echo])
    roundtrip(d.connect()).close()
    line, = d.wait_closed()
    assert (line["remote"], line["tries"]) == ("b", "2")
    assert 1.2 <= float(line["connect"])
    a = [r for r in d.show("remotes") if r["name"] == "a"]
    assert [(r["failed"], r["active"]) for r in a] == [(1, 0), (1, 0)]


@pytest.mark.parametrize("how", ["reset", "kill"])
def test_who_leaves_meanwhile(daemon, silent, how):
    """The client, or the worker: nothing is left of it."""
    first = silent("::1")
    silent("127.0.0.1", first.port)
    d = daemon(spawnd=ONE, relay=LONG, remotes=[
        f'address = "::1, 127.0.0.1" port = {first.port}'])
    fds = worker_fds(d)
    client = d.connect()
    wait(lambda: worker_fds(d) == fds + 3, 30, "a second connect")
    if how == "reset":
        peers.abort(client)
        line, = d.wait_closed()
        assert (line["end"], line["why"], line["tries"]) == (
            "client", "reset", "0")
    else:
        d.deaths = True
        former, = d.kids()
        d.kill(signal.SIGKILL, former)
        wait(lambda: d.kids() not in ([], [former]), 30, "another worker")
    wait(lambda: {r["active"] for r in places(d).values()} == {0}, 30)
    wait(lambda: worker_fds(d) == fds, 30, "descriptors as before")


def test_without_a_descriptor_there_is_no_race(daemon, backend, silent):
    """And nothing else is lost: the limit of the first one makes room."""
    remote = backend(port=free_port())
    silent("::1", remote.port)
    # Limits of another user's processes are not everybody's to set.
    user = " user = root" if os.getuid() == 0 else ""
    d = daemon(spawnd=ONE + user, relay="balance = first connect-timeout = 2s",
               remotes=[f'address = "::1, 127.0.0.1" port = {remote.port}'])
    pid, = d.kids()
    taken = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    limit = [fd for fd in range(100) if fd not in taken][2]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    roundtrip(d.connect()).close()
    line, = d.wait_closed()
    assert (line["address"], line["tries"]) == (
        text("127.0.0.1", remote.port), "1")
    assert places(d)["::1"]["failed"] == 1


@pytest.mark.skipif(not has_tls(), reason="needs TLS")
def test_who_wins_gets_the_header_and_tls(daemon, backend, silent):
    def served(sock):
        head = b""
        while not head.endswith(b"\r\n"):
            head += peers.receive(sock, 1)
        heads.append(head)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate())
        peers.echo(context.wrap_socket(sock, server_side=True))

    heads = []
    remote = backend(served, port=free_port())
    silent("::1", remote.port)
    d = daemon(spawnd=ONE, relay=LONG, remotes=[
        f'address = "::1, 127.0.0.1" port = {remote.port} tls = inside '
        "proxy-out = v1"], extra=f'''tls inside {{
        ca = "{certificate()}" name = "relay.test" }}''')
    client = roundtrip(d.connect())
    host, port = client.getsockname()
    assert heads[0].startswith(f"PROXY TCP4 {host} 127.0.0.1 {port} ".encode())
    client.close()
    assert d.wait_closed()[0]["address"] == text("127.0.0.1", remote.port)
