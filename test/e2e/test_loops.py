"""A remote that is spawnd itself is no loop: the check says so where it can be
known, and what shows later is a remote that fails."""

import os
import pathlib
import socket

import pytest

import peers
from harness import become, free_port, new_network, wait

BACK = "leads back to relay"


def own_address():
    """One that this machine has besides the loopback; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.250", 9))
        except OSError:
            return None
        host = sock.getsockname()[0]
        return None if host.startswith("127.") else host


def check(box, remote, **parts):
    return box.run("-n", box.conf("loop", remotes=[remote], **parts).path)


def test_a_start_warns_and_goes_on(daemon, echo, box):
    """The check refuses what the start has to bear, as a reload must be able
    to mend it."""
    port = free_port()
    listen = f'address = "127.0.0.1" port = {port}'
    assert check(box, listen, listen=listen).returncode == 1
    d = daemon(remotes=[listen], listen=listen)
    d.wait_line("warning: ", "remote \"a\" " + BACK)
    with pytest.raises((OSError, EOFError)):
        peers.roundtrip(d.connect())
    d.reload(remotes=[echo])
    wait(lambda: d.summary()["sessions"] == 0, 30, "the end of all sessions")
    peers.roundtrip(d.connect()).close()


@pytest.mark.skipif(own_address() is None, reason="no other address here")
def test_an_address_of_this_machine_behind_a_wildcard(box):
    remote = f'address = "{own_address()}" port = 9'
    done = check(box, remote, listen="port = 9")
    assert done.returncode == 1 and BACK in done.stderr
    assert f"{own_address()}:9" in done.stderr
    done = check(box, remote, listen='address = "127.0.0.1" port = 9')
    assert done.returncode == 0, "nobody listens there"


def test_a_unix_socket_by_another_name(box):
    (box.dir / "run").mkdir()
    (box.dir / "var").symlink_to("run")
    (box.dir / "link").symlink_to("var/in.sock")    # there is none yet
    listen = f'path = "{box.dir}/run/in.sock"'
    for name in ("var/in.sock", "link"):
        done = check(box, f'path = "{box.dir}/{name}"', listen=listen)
        assert done.returncode == 1 and BACK in done.stderr, done
    done = check(box, f'path = "{box.dir}/var/other.sock"', listen=listen)
    assert done.returncode == 0


@pytest.mark.rights
@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_source_port_that_meets_itself(daemon, box):
    """Of the ports that the kernel gives, one is that of a remote that does
    not answer: here all are."""
    def scene():
        new_network()
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(
            "40000 40000")
        d = daemon(remotes=["address = 127.0.0.1 port = 40000"],
                   listen=f'path = "{box.dir}/in.sock"')
        assert peers.turned_away(box, d.address()) == "reset"
        line, = d.wait_closed()
        assert (line["why"], line["in"]) == ("connect-failed", "0")
        d.wait_line("remote a: it leads back to spawnd itself; held for 1 s")
        wait(lambda: d.remotes()["a"]["failed"] == 1, 5, "the count")

    peers.Thread(scene).result()


@pytest.mark.rights
@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_an_address_that_has_become_our_own(daemon, box):
    """Known to nobody when the file was read."""
    def scene():
        new_network()
        d = daemon(remotes=["address = 10.9.9.9 port = 8080"],
                   listen="port = 8080", relay="connect-timeout = 1s")
        become("10.9.9.9")
        assert peers.turned_away(box, ("127.0.0.1", 8080)) == "reset"
        d.wait_line("remote a: it leads back to spawnd itself; held for")
        d.wait_sessions(0)
        # Each worker had to see it, and then a session is the last one.
        assert d.summary()["sessions_total"] <= 2 * len(d.workers()) + 1

    peers.Thread(scene).result()
