"""How many workers there are, who gets a session, and what happens when all
of them are full."""

import re
import select
import signal
import socket
import time

import pytest

import peers
from harness import cpu_ticks_over, unpaused, wait
from peers import roundtrip

POOL = """servers { min = 2 max = 3 } users { min = 2 max = 4 }
          shrink-after = 1h"""


def loads(d):
    return sorted(w["sessions"] for w in d.workers())


def test_pick_and_growth_are_exact(daemon, echo):
    """Up to users min in each of servers min; then one worker more; then up
    to users max; then overload."""
    d = daemon(remotes=[echo], spawnd=POOL)
    clients = []

    def one_more():
        clients.append(roundtrip(d.connect()))
        d.wait_sessions(len(clients))

    for want in ([0, 1], [1, 1], [1, 2], [2, 2]):
        one_more()
        assert loads(d) == want
    assert len(d.kids()) == 2
    one_more()
    wait(lambda: len(d.workers("ready")) == 3, 5, "the third worker")
    assert sum(loads(d)) == 5
    one_more()
    one_more()
    assert sum(loads(d)) == 7 and max(loads(d)) <= 3, loads(d)
    while len(clients) < 12:
        assert d.summary()["overload"] == "no"
        one_more()
        assert max(loads(d)) - min(loads(d)) <= 1, loads(d)
    assert loads(d) == [4, 4, 4]
    assert d.summary()["users_max_total"] == 12
    assert len(d.kids()) == 3
    late = d.connect()
    late.sendall(b"late")
    assert peers.silent(late)
    assert d.summary()["overload"] == "yes"
    assert d.summary()["sessions"] == 12
    clients.pop().close()
    assert peers.receive(late, 4) == b"late"


def test_new_sessions_go_to_the_least_loaded(daemon, echo):
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 4 max = 4 } users { min = 100 }""")
    clients = [roundtrip(d.connect()) for _ in range(40)]
    assert loads(d) == [10] * 4
    for client in clients[:20]:
        client.close()
    d.wait_sessions(20)
    clients += [roundtrip(d.connect()) for _ in range(20)]
    assert loads(d) == [10] * 4


@pytest.mark.alone
@pytest.mark.load
def test_skew_under_load(daemon, echo, box):
    """1,000 sessions that stay are spread within 15 % of the mean over more
    workers than there are processors, those too that begin while short ones
    come and go: what saves waking a worker does not pile them up."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 8 max = 8 } users { min = 1000 }""")
    clients = [d.connect() for _ in range(500)]
    load = peers.Load(box, d.address(), concurrent=32)
    clients += [d.connect() for _ in range(500)]
    assert load.stop()["failed"] == 0
    for client in clients:
        roundtrip(client)
    d.wait_sessions(1000)
    assert all(106 <= n <= 144 for n in loads(d)), loads(d)


FULL = "servers { min = 2 max = 2 } users { min = 1 max = 2 }"


def fill(d):
    clients = [roundtrip(d.connect()) for _ in range(4)]
    d.wait_sessions(4)
    return clients


@pytest.mark.parametrize("room", ["session", "crash", "reload"])
@pytest.mark.parametrize("overload", ["queue", "close", "reset"])
def test_overload_ends(daemon, box, echo, overload, room):
    """By a session's end, a worker's death, a reload that raises the limit:
    whatever makes room lets waiting and new clients in."""
    spawnd = f"overload = {overload}"
    d = daemon(remotes=[echo], spawnd=f"{FULL} {spawnd}")
    clients = fill(d)
    waiting = []
    if overload == "queue":
        waiting = [d.connect() for _ in range(3)]
        for client in waiting:
            client.sendall(b"wait")
        assert all(peers.silent(c, 0.1) for c in waiting)
    else:
        for _ in range(3):
            # A close is a reset too if what the client sent was there.
            got = peers.turned_away(box, d.address())
            assert got == "reset" or overload == "close" and got == "fin"
    assert d.summary()["overload"] == "yes"
    assert cpu_ticks_over([d.pid, *d.kids()], 0.5) <= 3
    if room == "session":
        for client in clients[:3]:
            client.close()
    elif room == "crash":
        d.deaths = True
        d.kill(signal.SIGKILL, d.kids()[0])
    else:
        d.reload(spawnd=f"{FULL.replace('max = 2 }', 'max = 9 }')} {spawnd}")
    served = 2 if room == "crash" else 3
    for client in waiting[:served]:
        assert peers.receive(client, 4) == b"wait"
    if not waiting:
        if room == "session":
            d.wait_sessions(1)      # overload ends with the first of three
        wait(lambda: d.summary()["overload"] == "no", 5, "overload's end")
        for _ in range(served):
            roundtrip(d.connect())
    if room == "crash":
        assert sum(peers.answers(c) for c in clients) == 2
    else:
        assert all(peers.answers(c) for c in clients[3:])


def test_overload_counts_and_says_so(daemon, echo):
    d = daemon(remotes=[echo], spawnd=f"{FULL} overload = reset")
    fill(d)
    for _ in range(5):
        assert peers.turned_away(d.box, d.address()) == "reset"
    listener, = d.show("listeners")
    assert (listener["refused"], listener["overload"]) == (5, "reset")
    assert d.summary()["refused"] == 5
    warned = d.wait_line("warning", "users max")
    assert 1 <= len(warned) <= 2, "the limit is named, once"


def test_overload_by_queue_under_load_loses_nobody(daemon, echo, box):
    """50 clients at 4 places: all are served, none is refused."""
    d = daemon(remotes=[echo], spawnd=FULL)
    peers.load(box, d.address(), 2000, concurrent=50)
    assert d.summary()["refused"] == 0


def test_shrink_after_an_idle_time(daemon, echo):
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 4 } users { min = 1 max = 10 }
        shrink-after = 1s""")
    clients = []

    def grown():
        clients.append(roundtrip(d.connect()))
        return len(d.workers("ready")) == 4

    wait(grown, 5, "four workers", 0.05)
    clients += [roundtrip(d.connect()) for _ in range(4)]
    assert cpu_ticks_over([d.pid], 1.5) <= 5
    busy = [w["pid"] for w in d.workers() if w["sessions"]]
    assert set(busy) <= set(d.kids()), "a busy worker went"
    for client in clients:
        client.close()
    wait(lambda: len(d.kids()) == 1, 6, "one worker left")
    assert len(d.workers("ready")) == 1
    roundtrip(d.connect())
    assert not d.lines("warning"), "a worker that goes is no accident"


def test_a_worker_that_was_just_busy_stays(daemon, echo):
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 1 max = 3 } users { min = 1 max = 10 }
        shrink-after = 2s""")
    clients = []

    def grown():
        clients.append(roundtrip(d.connect()))
        return len(d.workers("ready")) == 3

    def attempt(beat):
        wait(grown, 5, "three workers", 0.05)
        while clients:
            clients.pop().close()
        d.wait_sessions(0)
        for _ in range(15):
            for client in [roundtrip(d.connect()) for _ in range(3)]:
                client.close()
            beat.note()
            assert len(d.kids()) == 3
            beat.sleep(0.2)

    unpaused(2, attempt)


@pytest.mark.load
def test_retire_every_200_under_load(daemon, echo, box):
    """No session fails; replacements are ready before old ones go."""
    d = daemon(remotes=[echo], spawnd="""
        servers { min = 2 max = 4 } users { min = 50 }""",
               relay="retire = 200")
    load = peers.Load(box, d.address(), concurrent=20, total=6000)
    seen, pids = 0, set()
    while load.running():
        workers = d.workers()
        able = [w for w in workers
                if w["state"] not in ("draining", "stuck")]
        serving = [w for w in workers if w["state"] in ("ready", "retiring")]
        assert len([w for w in able if w["state"] != "retiring"]) <= 4
        assert serving, "nobody to serve"
        seen = max(seen, len(workers))
        pids |= {w["pid"] for w in workers}
    result = load.result()
    assert result["failed"] == 0 and result["ok"] == 6000, result
    assert len({line.split("[")[1].split("]")[0]
                for line in d.lines(" session=")}) >= 25
    wait(lambda: 2 <= len(d.workers()) <= 4, 5, "the old workers' end")
    assert d.summary()["sessions_total"] == 6000, "totals outlive workers"


def test_retired_worker_serves_what_it_has(daemon, echo):
    d = daemon(remotes=[echo], spawnd="servers { min = 1 max = 1 }",
               relay="retire = 10")
    first = d.kids()
    clients = [roundtrip(d.connect()) for _ in range(10)]
    wait(lambda: d.workers("draining"), 5, "the retirement")
    wait(lambda: d.workers("ready"), 5, "the replacement")
    clients += [roundtrip(d.connect()) for _ in range(3)]
    assert all(peers.answers(c) for c in clients)
    assert first[0] in d.kids()
    for client in clients[:10]:
        client.close()
    wait(lambda: first[0] not in d.kids(), 5, "the old worker's end")
    assert all(peers.answers(c) for c in clients[10:])


ONE = "servers { min = 1 max = 1 } users { min = 1 max = 1 }"
BEGIN = "servers max 1 and users max 1 are reached"
END = re.compile(r"overload is over after (\d+\.\d{3}) s: (\d+) connections "
                 r"were refused, (\d+) had to wait$")


def over(d, count=1):
    """How long each overload was, who was refused, and who had to wait."""
    lines = wait(lambda: (lambda got: got if len(got) >= count else None)
                 (d.lines("overload is over")), 30, "the overload's end")
    assert len(lines) == count == len(d.lines(BEGIN)), d.log
    found = [END.search(line) for line in lines]
    return [(float(m[1]), int(m[2]), int(m[3])) for m in found]


def test_the_end_of_an_overload_says_who_waited(daemon, echo):
    """One that comes and goes with each session is one."""
    d = daemon(remotes=[echo], spawnd=ONE)
    first = roundtrip(d.connect())
    began = time.monotonic()
    late = [d.connect() for _ in range(5)]
    for sock in late:
        sock.sendall(b"late")
    d.wait_line(BEGIN)
    first.close()
    while late:
        there = select.select(late, [], [], 30)[0]
        assert there, f"{len(late)} wait for ever"
        assert peers.receive(there[0], 4) == b"late"
        there[0].close()
        late.remove(there[0])
    long = time.monotonic() - began
    (lasted, refused, waited), = over(d)
    assert lasted <= long + 0.01, "but for the parts of milliseconds"
    assert (refused, waited) == (0, 5)
    assert d.summary()["limited"] == 0


@pytest.mark.parametrize("said", ["at once", "late", "end", "nothing"])
def test_the_closing_line_says_how_long_one_waited(daemon, echo, said):
    """Of who came before or without an overload it says nothing."""
    d = daemon(remotes=[echo], spawnd=ONE)
    first = roundtrip(d.connect())
    late = d.connect()
    began = time.monotonic()
    if said == "at once":
        late.sendall(b"x" * 10000)
    d.wait_line(BEGIN)
    wait(lambda: time.monotonic() - began > 1.1, 30)
    if said == "late":
        late.sendall(b"late")
    if said == "end":
        late.shutdown(socket.SHUT_WR)
    wait(lambda: time.monotonic() - began > 1.5, 30)
    first.close()
    d.wait(lambda: d.summary()["sessions_total"] == 2, 30, "its turn")
    longest = time.monotonic() - began
    late.close()
    d.wait_closed(2)
    over(d)
    roundtrip(d.connect()).close()
    before, waited, after = d.wait_closed(3)
    assert before["backlog"] is after["backlog"] is None
    assert 1.4 < float(waited["backlog"]) < longest + 0.1, waited
    assert float(waited["queue"]) < 1.4, waited


@pytest.mark.parametrize("policy", ["close", "reset"])
def test_the_end_of_an_overload_says_who_was_refused(daemon, echo, box,
                                                     policy):
    """Each is a line, ten a second at most; who is denied anyway is denied."""
    d = daemon(remotes=[echo], spawnd=f"""{ONE} overload = {policy}
        access = {{"deny 127.0.3.0/24"}}""")
    first = roundtrip(d.connect())
    for _ in range(40):
        peers.turned_away(box, d.address())
    for _ in range(3):
        peers.turned_away(box, d.address(), source="127.0.3.1")
    wait(lambda: d.summary()["denied"] == 3, 30, "three are denied")
    summary, listener = d.summary(), d.show("listeners")[0]
    for what in summary, listener:
        assert (what["denied"], what["limited"], what["refused"]) == \
            (3, 40, 43)
    first.close()
    (lasted, refused, waited), = over(d)
    assert (refused, waited) == (40, 0)
    told = d.lines("why=limit limit=overload")
    assert 10 <= len(told) <= 40
    assert all("refused: listener=web client=127.0.0.1:" in line
               for line in told)
    assert len(d.lines('rule="deny 127.0.3.0/24"')) == 3


def test_the_end_ends_an_overload(daemon, echo):
    d = daemon(remotes=[echo], spawnd=ONE)
    first, late = roundtrip(d.connect()), d.connect()
    d.wait_line(BEGIN)
    d.kill(signal.SIGTERM)
    over(d)
    late.close()
    first.close()
    d.wait_end(30)
