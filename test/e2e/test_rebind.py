"""A listener that stays at its port, or at its file, by another address: the
reload does it, and nobody who connects meanwhile notices."""

import os
import signal
import socket
import subprocess
import sys

import pytest

import peers
from harness import IPPROTO_MPTCP, free_port, has_protocol, wait
from peers import roundtrip


@pytest.mark.load
def test_wider_and_narrower_under_load(daemon, echo, box, seed):
    port = free_port()
    forms = (f"port = {port}", f'address = "127.0.0.1" port = {port}',
             f'address = "0.0.0.0" port = {port}',
             f'address = "127.0.0.2, 127.0.0.1" port = {port}',
             f'address = "::, 127.0.0.1" port = {port}',
             f'address = "::1, 0.0.0.0" port = {port}',
             *(f'address = "0.0.0.0" port = {port} ' + more for more in
               ("freebind = yes", "interface = lo", "interface = lo dscp = ef",
                *(["protocol = mptcp"] if has_protocol(IPPROTO_MPTCP)
                  else []))))
    d = daemon(remotes=[echo], listen=forms[0])
    load = peers.Load(box, ("127.0.0.1", port), concurrent=10, rate=600)
    for n in range(1, 25):
        d.reload(listen=forms[n % len(forms)])
        wait(lambda: d.summary()["accepted"] > 10 * n, 10, "more clients")
    result = load.stop(201)
    assert result["failed"] == 0, (seed, result)
    assert not d.lines("reload: failed")


def test_what_was_open_goes_on_and_the_rest_is_closed(daemon, echo):
    port = free_port()
    d = daemon(remotes=[echo], listen=f"port = {port}")
    client = roundtrip(d.box.connect(("127.0.0.2", port)))
    d.reload(listen=f'address = "127.0.0.1" port = {port}')
    assert d.addresses() == [f"127.0.0.1:{port}"]
    roundtrip(client).close()
    roundtrip(d.box.connect(("127.0.0.1", port))).close()
    with pytest.raises(ConnectionError):
        d.box.connect(("127.0.0.2", port))
    d.reload(listen=f"port = {port}")
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        roundtrip(d.box.connect((host, port))).close()


def takes_part(port, user):
    """A process of that user, which binds with SO_REUSEPORT."""
    return subprocess.run(
        [sys.executable, "-c", "import socket\ns = socket.socket()\n"
         "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
         f"s.bind(('127.0.0.1', {port}))"], user=user,
        capture_output=True, text=True)


@pytest.mark.skipif(os.getuid() != 0, reason="another user is needed")
def test_no_other_user_can_have_a_part_of_the_port(daemon, echo, box):
    port = free_port()
    d = daemon(remotes=[echo], listen=f"port = {port}")
    d.reload(listen=f'address = "127.0.0.1" port = {port}')
    done = takes_part(port, 65534)
    assert done.returncode == 1 and "in use" in done.stderr, done
    second = box.conf("second", remotes=[echo], control=None,
                      listen=f'address = "127.0.0.1" port = {port}')
    done = box.run("-f", second.path)
    assert done.returncode == 1 and "in use" in done.stderr


def test_one_that_cannot_be_widened_stays(daemon, echo, box):
    """Known at the last step only, when the new workers are there."""
    port = free_port()
    narrow = f'address = "127.0.0.1" port = {port}'
    d = daemon(remotes=[echo], listen=narrow)
    control = d.conf.control
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))
        other.listen()
        d.write(listen=f'address = "0.0.0.0" port = {port}',
                control=box.dir / "new.sock")
        d.kill(signal.SIGHUP)
        d.wait_line("reload: failed")
        failed, = d.lines("reload: failed")
        assert f"0.0.0.0:{port}: Address already in use" in failed
        assert not (box.dir / "new.sock").exists()
        roundtrip(d.box.connect(("127.0.0.1", port))).close()
        # With some patience it is, when the other one has gone.
        d.write(listen=f'address = "0.0.0.0" port = {port} bind-retry = 1h',
                control=control)
        d.kill(signal.SIGHUP)
        d.wait_line(f"0.0.0.0:{port}: Address already in use: it is tried "
                    "again for 1h")
        for _ in range(3):
            roundtrip(d.box.connect(("127.0.0.1", port))).close()
        d.kill(signal.SIGHUP)
        d.wait_line("reload: failed: another one was asked for")
        d.wait_line("it is tried again for 1h", count=2)
        roundtrip(d.box.connect(("127.0.0.1", port))).close()
    wait(lambda: d.verdicts(2), 20, "the reload")
    d.reloads += 3
    roundtrip(d.box.connect(("127.0.0.3", port))).close()


def test_a_unix_socket_by_another_name_of_its_folder(daemon, echo, box):
    (box.dir / "run").mkdir()
    (box.dir / "var").symlink_to("run")
    old, new = box.dir / "var/in.sock", box.dir / "run/in.sock"
    d = daemon(remotes=[echo], listen=f'path = "{old}"',
               control=box.dir / "var/ctl.sock")
    inode = new.stat().st_ino
    client = roundtrip(d.connect())
    d.hup(listen=f'path = "{new}"', control=box.dir / "run/ctl.sock")
    assert new.stat().st_ino == inode
    assert d.addresses() == [str(new)]
    roundtrip(client).close()
    roundtrip(d.connect()).close()
    # The names of now are those that are looked after.
    for path in (new, d.conf.control):
        os.unlink(path)
    d.hup()
    roundtrip(d.connect()).close()
    d.stop()
    assert not os.listdir(box.dir / "run")
