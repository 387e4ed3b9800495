"""Where clients may connect, and which of them."""

import os
import re
import stat
import subprocess
import time

import pytest

import peers
from harness import free_port, listeners_of, listening, wait
from peers import roundtrip


def test_ipv4(daemon, echo):
    d = daemon(remotes=[echo], listen='address = "127.0.0.1" port = 0')
    assert re.fullmatch(r"web 127\.0\.0\.1:\d+\n", d.addrs.read_text())
    client = roundtrip(d.connect())
    host, port = client.getsockname()
    client.close()
    assert d.wait_closed()[0]["client"] == f"{host}:{port}"


def test_ipv6(daemon, echo):
    d = daemon(remotes=[echo], listen='address = "::1" port = 0')
    assert re.fullmatch(r"web \[::1\]:\d+\n", d.addrs.read_text())
    client = roundtrip(d.connect())
    port = client.getsockname()[1]
    client.close()
    assert d.wait_closed()[0]["client"] == f"[::1]:{port}"


def test_no_address_means_every_address_of_both_families(daemon, echo):
    d = daemon(remotes=[echo], listen="port = 0")
    hosts = {host for host, port in
             (text.rsplit(":", 1) for text in d.addresses())}
    assert hosts == {"[::]", "0.0.0.0"}
    v4 = d.address(host="0.0.0.0")[1]
    v6 = d.address(host="::")[1]
    for address in (("127.0.0.1", v4), ("127.5.5.5", v4), ("::1", v6)):
        roundtrip(d.box.connect(address))


def test_no_address_with_a_fixed_port(daemon, echo):
    """Both families get the same port."""
    port = free_port()
    d = daemon(remotes=[echo], listen=f"port = {port}")
    assert sorted(d.addresses()) == [f"0.0.0.0:{port}", f"[::]:{port}"]
    roundtrip(d.box.connect(("127.0.0.1", port)))
    roundtrip(d.box.connect(("::1", port)))


def test_unix_socket_with_mode_and_owner(daemon, echo, box):
    path = box.dir / "in.sock"
    more = "mode = 0620"
    if os.getuid() == 0:
        more += ' user = "nobody" group = "nogroup"'
    d = daemon(remotes=[echo], listen=f'path = "{path}" {more}')
    assert d.addrs.read_text() == f"web {path}\n"
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o620
    if os.getuid() == 0:
        assert (status.st_uid, status.st_gid) == (65534, 65534)
    client = d.connect()
    data = peers.Pattern(1, 500_000)
    peers.exchange(client, data, data)
    client.close()
    assert d.wait_closed()[0]["client"] == "unix"
    d.stop()
    assert not path.exists()


def test_unix_socket_with_the_longest_name(daemon, echo, box):
    path = box.dir / ("s" * (106 - len(str(box.dir))))
    d = daemon(remotes=[echo], listen=f'path = "{path}" mode = 0600')
    assert len(str(path)) == 107 and stat.S_ISSOCK(path.stat().st_mode)
    roundtrip(d.connect())


def test_unix_socket_replaces_a_stale_one(daemon, echo, box):
    path = box.dir / "in.sock"
    stale = peers.socket.socket(peers.socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    d = daemon(remotes=[echo], listen=f'path = "{path}"')
    roundtrip(d.connect())


def test_unix_socket_in_use_is_left_alone(daemon, echo, box):
    path = box.dir / "in.sock"
    first = daemon(remotes=[echo], listen=f'path = "{path}"')
    inode = path.stat().st_ino
    conf = box.conf("second", remotes=[echo], control=None,
                    listen=f'path = "{path}"')
    done = box.run("-f", conf.path)
    assert done.returncode == 1
    assert str(path) in done.stderr and "another process" in done.stderr
    assert path.stat().st_ino == inode
    roundtrip(first.connect())


def test_a_file_in_the_way_is_left_alone(echo, box):
    path = box.dir / "in.sock"
    path.write_text("precious")
    conf = box.conf(remotes=[echo], listen=f'path = "{path}"')
    done = box.run("-f", conf.path)
    assert done.returncode == 1 and str(path) in done.stderr
    assert path.read_text() == "precious"


def let_in(d, address, **kw):
    return peers.answers(d.box.connect(address, **kw))


def test_access_deny_list(daemon, echo):
    d = daemon(remotes=[echo], listen="port = 0", spawnd="""
        access = {"deny 127.0.3.0/24", "deny ::1"}""")
    v4, v6 = d.address(host="0.0.0.0")[1], d.address(host="::")[1]
    assert peers.turned_away(d.box, ("127.0.0.1", v4), source="127.0.3.7")
    assert peers.turned_away(d.box, ("::1", v6))
    assert let_in(d, ("127.0.0.1", v4), source="127.0.4.7")
    assert let_in(d, ("127.0.0.1", v4))
    wait(lambda: d.summary()["refused"] == 2, 5, "the count of refused")
    assert sum(l["refused"] for l in d.show("listeners")) == 2
    assert sum(l["denied"] for l in d.show("listeners")) == 2
    summary = d.summary()
    assert (summary["denied"], summary["limited"]) == (2, 0)
    line, = d.wait_line("refused: listener=web client=127.0.3.7:")
    assert line.endswith(' end=relay why=denied rule="deny 127.0.3.0/24"')
    line, = d.wait_line("refused: listener=web client=[::1]:")
    assert line.endswith(' end=relay why=denied rule="deny ::1"')


def test_access_permit_list_denies_the_rest(daemon, echo):
    d = daemon(remotes=[echo], listen="port = 0", spawnd="""
        access = {"deny 127.0.3.9", "permit 127.0.3.0/24", "permit ::1"}""")
    v4, v6 = d.address(host="0.0.0.0")[1], d.address(host="::")[1]
    assert peers.turned_away(d.box, ("127.0.0.1", v4), source="127.0.3.9")
    assert let_in(d, ("127.0.0.1", v4), source="127.0.3.8")
    assert peers.turned_away(d.box, ("127.0.0.1", v4), source="127.0.4.7")
    assert let_in(d, ("::1", v6))
    d.wait_line("client=127.0.3.9:", 'rule="deny 127.0.3.9"')
    d.wait_line("client=127.0.4.7:", 'rule="none permits"')


def hours(first, last):
    """A rule's hours, so far from now, by the local time of a zone that is 5
    hours and 45 minutes ahead."""
    now = int(time.time()) // 60 + 345
    return "-".join(f"{(now + 60 * h) // 60 % 24:02}:{(now + 60 * h) % 60:02}"
                    for h in (first, last))


def test_access_of_a_listener_by_hours(daemon, echo, monkeypatch):
    """A list of its own is asked after spawnd's, in the master for who comes
    and in the worker for whom a header names; by the time of TZ."""
    monkeypatch.setenv("TZ", "<+0545>-5:45")
    d = daemon(remotes=[echo], listen={
        "web": f'''address = "127.0.0.1" port = 0 access = {{
            "permit 127.0.3.0/24 {hours(-2, 2)}",
            "permit 127.0.4.0/24 {hours(2, 4)}"}}''',
        "named": f'''address = "127.0.0.1" port = 0
            proxy-from = {{"127.0.0.1"}} access = {{ "permit 127.0.0.1",
            "deny 192.0.2.1 {hours(-2, 2)}",
            "permit 192.0.2.0/24 {hours(-2, 2)}"}}'''},
        spawnd='access = {"deny 127.0.3.9"}')
    assert let_in(d, d.address(), source="127.0.3.1")
    assert peers.turned_away(d.box, d.address(), source="127.0.3.9")
    assert peers.turned_away(d.box, d.address(), source="127.0.4.1")
    assert peers.turned_away(d.box, d.address(), source="127.0.5.1")
    d.wait_line("listener=web client=127.0.3.9:", 'rule="deny 127.0.3.9"')
    d.wait_line("listener=web client=127.0.4.1:", 'rule="none permits"')
    for client, good in (("192.0.2.7", True), ("192.0.2.1", False),
                         ("198.51.100.1", False)):
        s = d.connect("named")
        s.sendall(f"PROXY TCP4 {client} 192.0.2.8 5 80\r\nhello".encode())
        if good:
            assert peers.receive(s, 5) == b"hello"
        else:
            assert peers.ended(s)
            d.wait_line(f"client={client}:", "why=denied")


def test_access_changes_with_a_reload(daemon, echo):
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    d.reload(spawnd='access = {"deny all"}')
    assert peers.turned_away(d.box, d.address())
    assert peers.answers(client), "an open session is no new one"
    d.reload(spawnd='access = {"permit 127.0.0.0/8"}')
    assert let_in(d, d.address())


def test_two_listeners_to_two_relays(daemon, box):
    one, two = (box.closing(peers.EchoServer()) for _ in range(2))
    local = 'address = "127.0.0.1" port = 0'
    d = daemon(remotes=[one],
               listen={"web": f"{local} relay = app",
                       "mail": f"{local} relay = post"},
               extra=f"relay post {{ remote m {{ {two.conf()} }} }}")
    for name, count in (("web", 3), ("mail", 4)):
        for _ in range(count):
            roundtrip(d.connect(name)).close()
    lines = d.wait_closed(7)
    assert {(s["listener"], s["remote"]) for s in lines} == \
        {("web", "a"), ("mail", "m")}
    counts = {l["name"]: (l["accepted"], l["relay"])
              for l in d.show("listeners")}
    assert counts == {"web": (3, "app"), "mail": (4, "post")}


def test_many_listeners(daemon, echo):
    local = 'address = "127.0.0.1" port = 0'
    d = daemon(remotes=[echo], listen={f"l{i}": local for i in range(20)})
    for i in range(20):
        roundtrip(d.connect(f"l{i}"))
    ports = [d.port(f"l{i}") for i in range(20)]
    assert len(set(ports)) == 20 and all(listening(p) for p in ports)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_quick_mode(daemon, backend, host):
    remotes = [backend(host=host) for _ in range(2)]
    at = f"[{host}]" if ":" in host else host
    d = daemon(conf=False, args=["-L", f"{at}:0",
                                 "-R", f"{at}:{remotes[0].port}",
                                 "-R", f"{at}:{remotes[1].port},3"])
    name = d.addrs.read_text().split()[0]
    for _ in range(8):
        roundtrip(d.connect(name))
    assert len(remotes[0].conns) >= 1 and len(remotes[1].conns) >= 3


def test_quick_mode_with_a_control_socket(daemon, echo):
    d = daemon(conf=False, args=[
        "-s", "quick.sock", "-L", "127.0.0.1:0",
        "-R", f"127.0.0.1:{echo.port}"])
    path = d.box.dir / "quick.sock"
    done = subprocess.run([d.box.programs["spawnctl"], "-s", path, "show",
                           "remotes"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert f"127.0.0.1:{echo.port}" in done.stdout


def test_quick_mode_without_an_address(daemon, echo):
    d = daemon(conf=False, args=["-L", "0", "-R", f"127.0.0.1:{echo.port}"])
    name = d.addrs.read_text().split()[0]
    assert len(d.addresses(name)) == 2
    roundtrip(d.box.connect(("::1", d.address(name, "::")[1])))


def test_backlog_is_what_the_kernel_got(daemon, echo):
    d = daemon(remotes=[echo],
               listen='address = "127.0.0.1" port = 0 backlog = 7')
    assert d.show("listeners")[0]["backlog"] == 7
    assert [backlog for port, inode, backlog in
            listeners_of(peers.socket.AF_INET) if port == d.port()] == [7]
