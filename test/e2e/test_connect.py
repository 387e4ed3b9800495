"""How a session gets its connection to a place of a remote."""

import collections
import os
import pathlib

import pytest

import peers
from harness import become, new_network
from peers import roundtrip

ONE = "servers { min = 1 max = 1 }"
PORTS = 8

in_network = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def few_ports():
    """Of this network, for who connects."""
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(
        f"40000 {40000 + PORTS - 1}")


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
