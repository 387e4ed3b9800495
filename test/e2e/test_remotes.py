"""Which remote a session gets, and what happens to those that fail."""

import collections
import signal
import time

import pytest

import peers
from harness import LATE, cpu_ticks_over, free_port, wait
from peers import roundtrip

ONE = "servers { min = 1 max = 1 }"


def shares(d, count):
    """How many of the closed sessions each remote got."""
    return collections.Counter(s["remote"] for s in d.wait_closed(count))


def open_sessions(d, count, **kw):
    return [roundtrip(d.connect(**kw)) for _ in range(count)]


def active(d):
    return {name: r["active"] for name, r in d.remotes().items()}


def test_refused_goes_on_to_the_next_remote(daemon, echo, backend,
                                            mechanism):
    dead = backend(listen=False)
    d = daemon(remotes=[dead.conf("weight = 100"), echo], spawnd=ONE)
    begun = time.monotonic()
    for _ in range(10):
        roundtrip(d.connect()).close()
    held = time.monotonic() - begun < 1     # as long as it is the first time
    lines = d.wait_closed(10)
    assert {s["remote"] for s in lines} == {"b"}
    assert lines[0]["tries"] == "2"
    again = sum(s["tries"] == "2" for s in lines[1:])
    assert again <= (0 if held else 3), "held remotes are tried"


def test_retries_limits_the_tries(daemon, echo, backend):
    dead = [backend(listen=False) for _ in range(3)]
    remotes = [r.conf("weight = 200") for r in dead] + [echo]
    d = daemon(remotes=remotes, relay="retries = 1", spawnd=ONE)
    peers.turned_away(d.box, d.address())
    line, = d.wait_closed()
    assert (line["why"], line["tries"]) == ("connect-failed", "2")


def test_all_remotes_down_closes_clients_fast_and_does_not_spin(
        daemon, backend, mechanism):
    dead = [backend(listen=False) for _ in range(3)]
    d = daemon(remotes=dead)
    begun = time.monotonic()
    for _ in range(20):
        assert peers.turned_away(d.box, d.address()) == "reset"
    assert time.monotonic() - begun < LATE
    lines = d.wait_closed(20)
    assert {s["why"] for s in lines} <= {"connect-failed", "no-remote"}
    assert {(s["remote"], s["address"]) for s in lines} == {("-", "-")}
    ticks = cpu_ticks_over([d.pid, *d.kids()], 1)
    assert ticks <= 5, f"{ticks} ticks of CPU time in an idle second"


def test_a_remote_down_while_another_is_busy_does_not_spin(daemon, echo,
                                                           backend):
    """The dead one has the fewest sessions and must not win for it."""
    dead = backend(listen=False)
    d = daemon(remotes=[dead, echo], spawnd=ONE)
    clients = open_sessions(d, 50)
    ticks = cpu_ticks_over([d.pid, *d.kids()], 1)
    assert ticks <= 5, f"{ticks} ticks of CPU time in an idle second"
    assert all(peers.answers(client) for client in clients)


def test_a_dead_remote_is_held_and_comes_back(daemon, echo, backend,
                                              mechanism):
    late = backend(listen=False)
    d = daemon(remotes=[late.conf("weight = 100"), echo], spawnd=ONE)
    begun = time.monotonic()
    open_sessions(d, 3)
    remotes = d.remotes()
    if time.monotonic() - begun < 1:
        assert remotes["a"]["held"]
        assert remotes["a"]["failed"] == 1
    assert not remotes["b"]["held"]
    assert remotes["a"]["active"] == 0 and remotes["b"]["active"] == 3
    late.start()

    def came_back():
        open_sessions(d, 1)
        return late.conns

    wait(came_back, 5, "the remote's return", 0.1)
    assert not d.remotes()["a"]["held"]
    d.wait_line("remote a: back after")


def test_a_dead_remote_is_held_longer_each_time(daemon, echo, backend):
    dead = backend(listen=False)
    d = daemon(remotes=[dead.conf("weight = 100"), echo], spawnd=ONE)
    begun = time.monotonic()

    def three_times():
        open_sessions(d, 1)
        return d.remotes()["a"]["failed"] == 3

    wait(three_times, 12, "the third attempt", 0.1)
    # A second and two; the lines tell which.
    assert time.monotonic() - begun > 2.5
    held = [line.split("held for ")[1] for line in
            d.wait_line("remote a: ", "held for ", count=3)]
    assert held == ["1 s", "2 s", "4 s"]


def test_leastconn_respects_weights(daemon, box, mechanism):
    echo = box.closing(peers.EchoServer(3))
    d = daemon(spawnd=ONE, remotes=[
        echo.conf("weight = 1"), echo.conf("weight = 3", 1),
        echo.conf("weight = 6", 2)])
    open_sessions(d, 100)
    got = active(d)
    assert got["a"] + got["b"] + got["c"] == 100
    assert abs(got["a"] - 10) <= 2 and abs(got["b"] - 30) <= 2, got


def test_leastconn_idle_remotes_take_turns_by_weight(daemon, box):
    """With one session at a time all are idle whenever one is chosen."""
    echo = box.closing(peers.EchoServer(2))
    d = daemon(spawnd=ONE, remotes=[
        echo.conf("weight = 2"), echo.conf("weight = 1", 1)])
    for _ in range(30):
        roundtrip(d.connect()).close()
        d.wait_sessions(0)
    assert shares(d, 30) == {"a": 20, "b": 10}


def test_leastconn_sees_the_load_of_all_workers(daemon, box):
    """One remote has long sessions, all of them in the first worker; what
    the second worker gets must go to the other remote."""
    echo = box.closing(peers.EchoServer(2))
    d = daemon(remotes=[echo.conf(), echo.conf(which=1)],
               spawnd="servers { min = 4 max = 4 } users { min = 5 }")
    clients = open_sessions(d, 200)
    sessions = [w["sessions"] for w in d.workers()]
    assert min(sessions) >= 40, sessions
    got = active(d)
    assert abs(got["a"] - 100) <= 4, got
    # An uneven half ends; what comes next must level it.
    for client in clients[::2]:
        client.close()
    d.wait_sessions(100)
    before = active(d)
    open_sessions(d, 100)
    got = active(d)
    assert abs(got["a"] - 100) <= 4, (before, got)


def test_leastconn_sees_the_load_of_all_generations(daemon, box):
    """What is open from before a reload counts."""
    echo = box.closing(peers.EchoServer(2))
    d = daemon(remotes=[echo.conf()],
               spawnd="servers { min = 2 max = 4 } users { min = 5 }")
    clients = open_sessions(d, 20)
    d.conf.change(remotes=[echo.conf(), echo.conf(which=1)])
    d.reload()
    clients += open_sessions(d, 20)
    assert active(d) == {"a": 20, "b": 20}
    clients += open_sessions(d, 20)
    assert abs(active(d)["a"] - 30) <= 4


@pytest.mark.parametrize("how", ["reload", "death"])
def test_what_is_held_is_known_to_a_new_worker(daemon, echo, backend, how):
    """It does not try what others have found dead."""
    dead = backend(listen=False)
    d = daemon(remotes=[dead.conf("weight = 100"), echo], spawnd=ONE)

    def failed(count):
        open_sessions(d, 1)
        return d.remotes()["a"]["failed"] == count

    wait(lambda: failed(4), 30, "the fourth failure", 0.05)  # held for 8 s
    begun = time.monotonic()
    if how == "reload":
        d.reload()
    else:
        d.deaths = True
        former, = d.kids()
        d.kill(signal.SIGKILL, former)
        wait(lambda: d.kids() not in ([], [former]), 30, "another worker")
    open_sessions(d, 5)
    remotes = d.remotes()
    if time.monotonic() - begun < 7:
        assert remotes["a"]["failed"] == 4
        assert remotes["a"]["held"]


def test_only_its_own_part_of_the_board_is_writable(daemon, echo):
    """Not even by mprotect(2): "mw" of smaps says that the kernel would let
    it, and "wr" that it is."""
    d = daemon(remotes=[echo], spawnd="servers { min = 2 max = 2 }")
    open_sessions(d, 4)
    for worker in d.workers():
        flags, name = collections.defaultdict(set), None
        for line in open(f"/proc/{worker['pid']}/smaps"):
            fields = line.split()
            if "-" in fields[0]:
                name = " ".join(fields[5:])
            elif fields[0] == "VmFlags:" and "spawnd-" in name:
                flags[name.split()[0].split(":")[-1]].add(
                    "mw" in fields[1:])
        assert flags["spawnd-board"] == {False}, flags
        assert flags["spawnd-slot"] == {True}, flags


def test_roundrobin_takes_turns(daemon, box):
    echo = box.closing(peers.EchoServer(3))
    d = daemon(spawnd=ONE, relay="balance = roundrobin",
               remotes=[echo.conf(which=i) for i in range(3)])
    for _ in range(30):
        roundtrip(d.connect()).close()
        d.wait_sessions(0)
    order = [s["remote"] for s in d.wait_closed(30)]
    assert shares(d, 30) == {"a": 10, "b": 10, "c": 10}
    assert all(order[i] == order[i + 3] for i in range(27)), order


def test_roundrobin_respects_weights(daemon, box):
    echo = box.closing(peers.EchoServer(2))
    d = daemon(spawnd=ONE, relay="balance = roundrobin", remotes=[
        echo.conf("weight = 3"), echo.conf("weight = 1", 1)])
    peers.load(box, d.address(), 200, concurrent=4)
    assert shares(d, 200) == {"a": 150, "b": 50}


def test_source_keeps_a_client_with_its_remote(daemon, box):
    """In every worker, and over a reload."""
    echo = box.closing(peers.EchoServer(4))
    d = daemon(relay="balance = source",
               spawnd="servers { min = 3 max = 3 } users { min = 1 }",
               remotes=[echo.conf(which=i) for i in range(4)])
    place = {}
    for turn in range(3):
        if turn == 2:
            d.reload()
        for i in range(40):
            client = roundtrip(d.connect(source=f"127.0.2.{i + 1}"))
            client.close()
        for s in d.wait_closed(40 * (turn + 1)):
            host = s["client"].split(":")[0]
            assert place.setdefault(host, s["remote"]) == s["remote"]
    count = collections.Counter(place.values())
    assert len(place) == 40 and set(count) == set("abcd")
    assert max(count.values()) <= 22, count


def places(d):
    """Which remote each of forty clients gets."""
    before = len(d.closed())
    hosts = [f"127.0.2.{i + 1}" for i in range(40)]
    for host in hosts:
        roundtrip(d.connect(source=host)).close()
    place = {s["client"].split(":")[0]: s["remote"]
             for s in d.wait_closed(before + 40)[before:]}
    assert sorted(place) == sorted(hosts)
    return place


def test_source_is_the_same_in_two_relays(daemon, box):
    """Whatever the order of the remotes in their files is."""
    echo = box.closing(peers.EchoServer(5))
    remotes = {name: echo.conf(which=i) for i, name in enumerate("abcde")}
    one = daemon(relay="balance = source", remotes=remotes)
    two = daemon(relay="balance = source", spawnd=ONE,
                 remotes=dict(reversed(remotes.items())))
    assert places(one) == places(two)


def test_source_shares_out_the_clients_of_a_dead_remote(daemon, backend, box):
    """Those of others stay, and its own come back to it."""
    echo = box.closing(peers.EchoServer(3))
    dying = backend(peers.echo)
    d = daemon(relay="balance = source", spawnd=ONE, remotes={
        "a": dying, **{n: echo.conf(which=i) for i, n in enumerate("bcd")}})
    before = places(d)
    dying.stop()
    while_dead = places(d)
    assert places(d) == while_dead
    moved = {host for host in before if before[host] != while_dead[host]}
    assert moved == {host for host in before if before[host] == "a"}
    assert len({while_dead[host] for host in moved}) > 1, while_dead
    dying.start()

    def came_back():
        places(d)
        return d.lines("remote a: back after")

    wait(came_back, 15, "the remote's return", 0.1)
    assert places(d) == before


def test_random_respects_weights(daemon, box):
    echo = box.closing(peers.EchoServer(2))
    d = daemon(relay="balance = random", remotes=[
        echo.conf("weight = 1"), echo.conf("weight = 4", 1)])
    peers.load(box, d.address(), 1000, concurrent=8)
    got = shares(d, 1000)
    assert 140 <= got["a"] <= 260, got


def test_first_is_the_first_that_works_and_rebalance_looks_for_it(
        daemon, backend, echo):
    """What is held is tried every five sessions, whatever the time."""
    late = backend(listen=False)
    d = daemon(remotes=[late, echo], spawnd=ONE,
               relay="balance = first rebalance = 5")
    clients = open_sessions(d, 25)
    held = [line.split("held for ")[1] for line in
            d.wait_line("remote a: ", "held for ", count=6)]
    assert held[:6] == ["1 s", "2 s", "4 s", "8 s", "16 s", "32 s"]
    late.start()
    begun = time.monotonic()
    clients += open_sessions(d, 10)
    back = time.monotonic() - begun < 20
    d.wait_line("remote a: back after")
    assert not back or 5 <= active(d)["a"] <= 6


def test_unix_socket_remote(daemon, backend, box, mechanism):
    remote = backend(peers.echo, path=box.dir / "keep-remote.sock")
    d = daemon(remotes=[remote])
    data = peers.Pattern(2, 1_000_000)
    client = d.connect()
    peers.exchange(client, data, data)
    client.close()
    line, = d.wait_closed()
    assert line["address"] == str(remote.path)


def test_unix_socket_remote_that_is_missing(daemon, echo, box):
    """A connect that fails at once must not stop the worker."""
    d = daemon(remotes=[f'path = "{box.dir}/none" weight = 100', echo],
               spawnd=ONE)
    open_sessions(d, 10)
    d.conf.change(remotes=[f'path = "{box.dir}/none"']).write()
    d.ctl("reload")
    peers.turned_away(d.box, d.address())
    assert d.wait_closed()[-1]["why"] == "connect-failed"


def test_local_address_is_what_the_remote_sees(daemon, backend):
    remote = backend()
    d = daemon(remotes=[remote], relay='local-address = "127.0.0.9"')
    roundtrip(d.connect())
    assert remote.peers[0][0] == "127.0.0.9"


def test_ipv6_remote(daemon, backend):
    remote = backend(host="::1")
    d = daemon(remotes=[remote])
    roundtrip(d.connect()).close()
    assert d.wait_closed()[0]["address"] == f"[::1]:{remote.port}"


def test_each_address_of_a_remote_is_a_place(daemon, backend):
    """Only the second one listens: the other is held alone, and to go on from
    there is no retry."""
    remote = backend(port=free_port())
    d = daemon(remotes=[f'address = "::1, 127.0.0.1" port = {remote.port}'],
               relay="retries = 0", spawnd=ONE)
    for _ in range(3):
        roundtrip(d.connect()).close()
    lines = d.wait_closed(3)
    assert {s["address"] for s in lines} == {f"127.0.0.1:{remote.port}"}
    assert {s["tries"] for s in lines} == {"1"}
    places = {r["address"]: r for r in d.show("remotes")}
    assert places[f"127.0.0.1:{remote.port}"]["sessions"] == 3
    assert not places[f"127.0.0.1:{remote.port}"]["held"]
    assert places[f"[::1]:{remote.port}"]["failed"]
    assert places[f"[::1]:{remote.port}"]["sessions"] == 0


def test_counters_of_remotes(daemon, box):
    echo = box.closing(peers.EchoServer(2))
    d = daemon(remotes=[echo.conf("weight = 5"), echo.conf(which=1)])
    result = peers.load(box, d.address(), 300, concurrent=10,
                        size=(100, 100))
    d.wait_sessions(0)
    remotes = d.remotes()
    assert sum(r["sessions"] for r in remotes.values()) == 300
    assert sum(r["bytes_in"] for r in remotes.values()) == result["bytes"]
    assert sum(r["bytes_out"] for r in remotes.values()) == result["bytes"]
    assert all(r["active"] == 0 for r in remotes.values())
    assert remotes["a"]["weight"] == 5
