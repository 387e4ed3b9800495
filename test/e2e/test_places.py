"""States and weights of remotes, and what the operator does to them."""

import collections
import itertools
import select
import signal
import socket
import threading

import pytest

import peers
from harness import free_port, wait
from peers import roundtrip
from test_upgrade import upgraded

ONE = "servers { min = 1 max = 1 }"


@pytest.fixture
def three(box):
    echo = box.closing(peers.EchoServer(3))
    return [echo.conf(which=i) for i in range(3)]


def shares(d, count, since=0):
    """How many of the latest sessions each remote got."""
    for _ in range(count):
        roundtrip(d.connect()).close()
    return collections.Counter(
        s["remote"] for s in d.wait_closed(since + count)[since:])


def begin(d, count):
    """So many sessions, one after the other: workers are told of each other
    once a millisecond, and a look at the board takes longer."""
    there = []
    for i in range(count):
        there.append(roundtrip(d.connect()))
        wait(lambda: sum(r["active"] for r in d.show("remotes")) == i + 1, 30,
             "the count")
    return there


def remote(d, name, *change):
    d.ctl("remote", f"app/{name}", *change)


def test_drain_under_load_cuts_nobody(daemon, three):
    """Sessions come and go all the time, in several workers; from the answer
    on none of them goes to the remote, and those that are there go on."""
    d = daemon(remotes=three, spawnd="servers { min = 3 max = 3 } "
               "users { min = 1 }")
    stay = begin(d, 30)
    stop, errors = threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                roundtrip(d.connect()).close()
            except Exception as error:      # told by the assertion below
                errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        before = d.remotes()["a"]["active"]
        assert before >= 10
        remote(d, "a", "drain")
        then = d.remotes()["a"]
        assert then["state"] == "draining"
        closed = len(d.wait_closed(1))
        wait(lambda: len(d.closed()) > closed + 100, 30, "some load", 0.05)
        after = d.remotes()["a"]
        assert after["sessions"] <= then["sessions"] + 3, (then, after)
        late = d.remotes()["a"]["sessions"]
        wait(lambda: len(d.closed()) > closed + 200, 30, "some load", 0.05)
        assert d.remotes()["a"]["sessions"] == late
        remote(d, "a", "enable")
        wait(lambda: d.remotes()["a"]["sessions"] > late, 30, "sessions", 0.05)
        assert d.remotes()["a"]["state"] == "up"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors, errors[:3]
    assert all(peers.answers(client) for client in stay)


def test_the_next_session_obeys(daemon, three):
    """One answer after the other, in all workers, also one that starts then,
    after an upgrade, and not after a reload, which says so."""
    d = daemon(remotes=three, relay="balance = roundrobin",
               spawnd="servers { min = 2 max = 2 } users { min = 1 }")
    names = itertools.cycle("abc")
    for turn in range(3):
        name = next(names)
        remote(d, name, "disable")
        assert name not in shares(d, 6, 16 * turn)
        remote(d, name, "enable")
        # Its turn is at once, and perhaps once more before the others'.
        assert set(shares(d, 10, 16 * turn + 6)) == set("abc")
    remote(d, "b", "disable")
    remote(d, "c", "weight", "5")
    d.deaths = True
    kids = d.kids()
    for kid in kids:
        d.kill(signal.SIGKILL, kid)
    wait(lambda: len(set(d.kids()) - set(kids)) >= 2, 30, "other workers")
    got = shares(d, 12, 48)
    assert "b" not in got and got["c"] > got["a"], got
    upgraded(d, "ctl")
    rows = d.remotes()
    assert rows["b"]["state"] == "disabled" and rows["c"]["weight"] == 5
    assert "b" not in shares(d, 6, 60)
    said = d.ctl("reload").stdout.splitlines()
    assert sorted(said) == ["remote app/b: undone: disabled",
                            "remote app/c: undone: weight 5"]
    d.wait_line("reload: remote app/b: undone: disabled")
    assert set(shares(d, 9, 66)) == set("abc")
    assert not d.ctl("reload").stdout


def test_weights_are_seen_in_shares(daemon, three):
    d = daemon(remotes=three, relay="balance = roundrobin", spawnd=ONE)
    remote(d, "a", "weight", "4")
    got = shares(d, 30)
    assert got["a"] == 20 and got["b"] == got["c"] == 5, got
    remote(d, "a", "weight", "1")
    got = shares(d, 30, 30)
    assert all(9 <= n <= 11 for n in got.values()), got


def test_states_and_backups_of_the_file(daemon, three, backend):
    dying = backend(peers.echo)
    d = daemon(spawnd=ONE, remotes={
        "a": dying, "b": f"{three[0]} backup = yes",
        "c": f"{three[1]} state = disabled",
        "d": f"{three[2]} state = drain"})
    assert set(shares(d, 5)) == {"a"}
    assert [d.remotes()[n]["state"] for n in "abcd"] == [
        "up", "up", "disabled", "draining"]
    dying.stop()
    assert set(shares(d, 5, 5)) == {"b"}
    remote(d, "b", "disable")
    remote(d, "a", "disable")
    assert set(shares(d, 3, 10)) == {"d"}
    remote(d, "d", "disable")
    peers.turned_away(d.box, d.address())
    assert d.wait_closed(14)[-1]["why"] == "no-remote"
    remote(d, "c", "enable")
    assert set(shares(d, 3, 14)) == {"c"}


@pytest.mark.parametrize("args, status, words", [
    (["app/z", "drain"], 1, "there is no such remote"),
    (["app/a", "weight", "257"], 1, "1 to 256"),
    (["app/a", "weight", "0"], 1, "1 to 256"),
    (["app/a", "weight"], 2, "weight"),
    (["app/a", "weight", "x"], 2, "number"),
    (["app/a", "dry"], 2, "enable, drain, disable or weight N"),
    (["app/a", "drain", "now"], 2, "enable, drain, disable or weight N"),
    (["app"], 2, "RELAY/NAME"), ([], 2, "RELAY/NAME")])
def test_what_is_refused(daemon, echo, args, status, words):
    d = daemon(remotes=[echo])
    done = d.ctl("remote", *args, check=False)
    assert done.returncode == status, done
    assert words in done.stderr
    assert d.remotes()["a"]["state"] == "up"


# --- max-sessions ---


def asks(d, count, **kw):
    """Clients that have asked; who is served has an answer."""
    clients = [d.connect(**kw) for _ in range(count)]
    for client in clients:
        client.sendall(b"ping")
    return clients


def answered(clients):
    ready, _, _ = select.select(clients, [], [], 0)
    return [c for c in clients if c in ready]


def test_who_finds_no_room_waits_in_order(daemon, three):
    """Also on if the configuration or the binary becomes another one; who
    leaves gives its place to the next."""
    d = daemon(spawnd=ONE, relay="connect-timeout = 1m",
               remotes=[f"{three[0]} max-sessions = 2"])
    there = [roundtrip(d.connect()) for _ in range(2)]
    queued = asks(d, 1)
    for _ in range(5):
        wait(lambda: d.remotes()["a"]["queue"] == len(queued), 30, "the queue")
        queued += asks(d, 1)
    wait(lambda: d.remotes()["a"]["queue"] == 6, 30, "the queue")
    assert d.remotes()["a"]["active"] == 2 and not answered(queued)

    def frees(client, expected):
        peers.abort(client)
        wait(lambda: answered([expected]), 30, "the next one")
        there.append(queued.pop(queued.index(expected)))
        assert expected.recv(100) == b"ping"

    frees(there.pop(0), queued[0])
    assert not answered(queued)
    peers.abort(queued.pop(0))
    wait(lambda: d.remotes()["a"]["queue"] == 4, 30, "one to be gone")
    frees(there.pop(0), queued[0])
    d.reload()
    frees(there.pop(0), queued[0])
    upgraded(d, "ctl")
    frees(there.pop(0), queued[0])
    frees(there.pop(0), queued[0])
    assert d.remotes()["a"]["queue"] == 0 and not queued
    assert d.remotes()["a"]["active"] == 2


def test_room_is_that_of_all_workers(daemon, three):
    """Whoever gets it, and without any new session that brings news."""
    d = daemon(spawnd="servers { min = 3 max = 3 } users { min = 1 }",
               relay="connect-timeout = 1m", remotes=[
                   f"{three[0]} max-sessions = 3",
                   f"{three[1]} max-sessions = 3"])
    there = begin(d, 6)
    queued = asks(d, 9)
    wait(lambda: sum(r["queue"] for r in d.show("remotes")) == 9, 30,
         "the queue")
    assert not answered(queued)
    while queued:
        there.pop(0).close()
        wait(lambda: answered(queued), 30, "the next one")
        for client in answered(queued):
            queued.remove(client)
            there.append(client)
        assert sum(r["active"] for r in d.show("remotes")) <= 6 + 2
    assert d.summary()["sessions"] == 6


def test_room_elsewhere_is_told_after_an_upgrade(daemon, three):
    """Who waits is at another worker than who leaves, and nobody else comes."""
    d = daemon(spawnd="servers { min = 2 max = 2 } users { min = 1 }",
               relay="connect-timeout = 1m",
               remotes=[f"{three[0]} max-sessions = 1"])
    first = roundtrip(d.connect())
    queued, = asks(d, 1)
    wait(lambda: d.remotes()["a"]["queue"], 30, "the queue")
    assert sorted(w["sessions"] for w in d.show("workers")) == [1, 1]
    upgraded(d, "ctl")
    first.close()
    wait(lambda: answered([queued]), 30, "the next one")


def test_waiting_has_an_end(daemon, three):
    """When the time is over, and at once when it is of no use any more."""
    d = daemon(spawnd=ONE, relay="connect-timeout = 1s",
               remotes=[f"{three[0]} max-sessions = 1"])
    first = roundtrip(d.connect())
    assert peers.turned_away(d.box, d.address()) == "reset"
    line, = d.wait_closed()
    assert (line["why"], line["end"], line["remote"]) == (
        "connect-timeout", "relay", "-")
    d.reload(relay="connect-timeout = 1m")
    queued, = asks(d, 1)
    wait(lambda: d.remotes()["a"]["queue"], 30, "the queue")
    remote(d, "a", "disable")
    assert d.wait_closed(2)[-1]["why"] == "no-remote"
    assert d.remotes()["a"]["queue"] == 0
    assert peers.answers(first)


class Counting:
    """Echoes, and knows the most that were connected at any moment."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=99)
        self.port = self.listener.getsockname()[1]
        self.there, self.most, self.over = [], 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def conf(self, limit):
        return (f'address = "127.0.0.1" port = {self.port} '
                f"max-sessions = {limit}")

    def run(self):
        while not self.over:
            ready, _, _ = select.select([self.listener, *self.there], [], [],
                                        0.2)
            for sock in list(self.there):
                self.serve(sock)
            if self.listener not in ready:
                continue
            sock, _ = self.listener.accept()
            # Who has gone before this one came is seen now.
            for other in list(self.there):
                self.serve(other)
            self.there.append(sock)
            self.most = max(self.most, len(self.there))

    def serve(self, sock):
        try:
            data = sock.recv(1000, socket.MSG_DONTWAIT)
            sock.sendall(data)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.there.remove(sock)
            sock.close()

    def close(self):
        self.over = True
        self.thread.join()
        for sock in [self.listener, *self.there]:
            sock.close()


def wave(d, count, middle=None):
    """So many clients at once; how many of them were served."""
    served, begun = [], threading.Event()

    def one():
        try:
            with d.connect() as client:
                served.append(roundtrip(client))
                begun.set()
                roundtrip(client)
        except (OSError, EOFError):
            pass        # its worker was killed
        finally:
            begun.set()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    if middle is not None:
        assert begun.wait(60)
        middle()
    for thread in threads:
        thread.join()
    return len(served)


@pytest.mark.parametrize("what", ["kill", "reload", "upgrade"])
def test_no_moment_has_more(daemon, box, what):
    """Four workers, and clients that come at once, while one dies, or another
    generation or another binary begins."""
    server = box.closing(Counting())
    d = daemon(spawnd="servers { min = 4 max = 4 } users { min = 1 }",
               relay="connect-timeout = 1m", remotes=[server.conf(3)])

    def happens():
        if what == "kill":
            d.deaths = True
            d.kill(signal.SIGKILL, d.kids()[0])
        else:
            d.ctl(what)

    assert wave(d, 60) == 60
    some = wave(d, 60, happens)
    assert some == 60 or what == "kill" and some >= 15
    generation = 1 if what == "kill" else 2
    wait(lambda: d.summary()["generation"] == generation, 30, "the reload")
    assert wave(d, 60) == 60
    wait(lambda: d.summary()["sessions"] == 0, 30, "the end of all")
    assert server.most == 3
    assert d.remotes()["a"]["active"] == d.remotes()["a"]["queue"] == 0


def test_a_limit_that_is_lowered(daemon, box):
    """Holds for both generations: nobody comes before enough have left."""
    server = box.closing(Counting())
    d = daemon(spawnd="servers { min = 2 max = 2 } users { min = 1 }",
               relay="connect-timeout = 1m", remotes=[server.conf(3)])
    there = [roundtrip(d.connect()) for _ in range(3)]
    d.reload(remotes=[server.conf(2)])
    queued, = asks(d, 1)
    wait(lambda: d.remotes()["a"]["queue"], 30, "the queue")
    assert not answered([queued])
    there.pop().close()
    wait(lambda: len(server.there) == 2, 30, "one to go")
    assert not answered([queued])
    there.pop().close()
    wait(lambda: answered([queued]), 30, "the next one")
    assert server.most == 3 and len(server.there) == 2


def test_who_refuses_gives_its_leases_back(daemon, box, three):
    """More failures than it may have sessions, and then it is there."""
    port = free_port()
    d = daemon(spawnd="servers { min = 2 max = 2 } users { min = 1 }",
               relay="connect-timeout = 1m retries = 1", remotes=[
                   f'address = "127.0.0.1" port = {port} '
                   "max-sessions = 2", f"{three[0]} max-sessions = 2"])
    for _ in range(3):
        assert wave(d, 20) == 20
    assert d.remotes()["a"]["failed"] and not d.remotes()["a"]["active"]
    server = box.closing(Counting(port))
    wait(lambda: wave(d, 20) == 20 and d.remotes()["a"]["sessions"] > 2, 30,
         "it to be tried again")
    assert server.most <= 2


# --- what checks find ---


def test_on_down_close_resets_both_sides(daemon, backend):
    """Those of the remote that went down, in a generation that drains too;
    those of others go on, as do all without the option."""
    resets = []

    def echo(sock):
        try:
            while data := sock.recv(1000):
                sock.sendall(data)
        except ConnectionResetError:
            resets.append(sock)

    ill, well = backend(echo), backend(peers.echo)
    health = backend()
    check = (f"check {{ interval = 100ms timeout = 5s rise = 1 fall = 1 "
             f"port = {health.port} }}")
    d = daemon(remotes=[ill.conf(check), well], relay="on-down = close",
               spawnd="servers { min = 2 max = 2 } users { min = 1 }")
    wait(lambda: d.remotes()["a"]["up"], 30, "the first check")
    clients = [roundtrip(d.connect()) for _ in range(6)]
    d.reload()
    clients += [roundtrip(d.connect()) for _ in range(6)]
    before = {n: r["active"] for n, r in d.remotes().items()}
    assert before["a"] >= 4 and before["b"] >= 4, before
    health.stop()
    lines = d.wait_closed(before["a"])
    assert {(s["remote"], s["end"], s["why"]) for s in lines} == {
        ("a", "relay", "remote-down")}
    assert d.remotes()["a"]["state"] == "down"
    assert not d.remotes()["a"]["up"] and d.remotes()["a"]["check_error"]
    ended = [c for c in clients if not peers.answers(c)]
    assert len(ended) == before["a"]
    assert d.remotes()["b"]["active"] == before["b"]
    wait(lambda: len(resets) == before["a"], 30, "the remote to see it")
    assert set(shares(d, 4, before["a"])) == {"b"}
    d.reload(relay="on-down = keep")
    health.start()
    wait(lambda: d.remotes()["a"]["up"], 30, "it to be back")
    stay = [roundtrip(d.connect()) for _ in range(4)]
    assert d.remotes()["a"]["active"] >= 1
    health.stop()
    wait(lambda: d.remotes()["a"]["state"] == "down", 30, "it to go down")
    assert all(peers.answers(client) for client in stay)
