"""How many sessions listeners and sources may have: refused or kept waiting
beyond that, and let in again when there are fewer, whatever became of the
worker that had them."""

import signal

import peers
from harness import wait
from peers import roundtrip
from test_upgrade import upgraded

WEB = 'address = "127.0.0.1" port = 0 '


def tries(d, source=None):
    """Somebody who is let in, or None."""
    try:
        sock = d.box.connect(d.address(), source=source)
        return sock if peers.answers(sock) else None
    except ConnectionError:
        return None


def again(d, count=1):
    """So many are let in, as soon as it is known that others have ended."""
    return [wait(lambda: tries(d), 30, "room for one more")
            for _ in range(count)]


def limited(d, name="web"):
    return next(l["limited"] for l in d.show("listeners")
                if l["name"] == name)


def test_sessions_of_a_source(daemon, echo):
    """Exact over a reload, an upgrade, a worker that is killed and one that
    has hung: nobody gets more, and nobody is locked out."""
    d = daemon(remotes=[echo], listen=WEB + "source-sessions = 2",
               spawnd="""servers { min = 2 } watchdog = 500ms
                         watchdog-kill = 500ms""")
    d.deaths = True
    first, second = roundtrip(d.connect()), roundtrip(d.connect())
    assert peers.turned_away(d.box, d.address()) == "reset"
    d.wait_line("refused: listener=web client=127.0.0.1:",
                "end=relay why=limit limit=source-sessions")
    assert limited(d) == 1 and d.summary()["limited"] == 1
    assert tries(d, source="127.0.0.2")
    d.reload(listen=WEB + "source-sessions = 2 over-limit = close")
    assert peers.turned_away(d.box, d.address(), said=b"") == "fin"
    first.close()
    third, = again(d)
    assert not tries(d)
    upgraded(d, "ctl")
    assert not tries(d), "the upgrade has forgotten somebody"
    assert tries(d, source="127.0.0.2")
    second.close()
    fourth, = again(d)
    assert peers.answers(third)
    assert not tries(d)
    third.close()
    fourth.close()

    clients = again(d, 2)
    assert not tries(d)
    d.kill(signal.SIGKILL, *[w["pid"] for w in d.workers() if w["sessions"]])
    assert all(map(peers.ended, clients))
    clients = again(d, 2)
    assert not tries(d)
    busy = [w["pid"] for w in d.workers() if w["sessions"]]
    d.kill(signal.SIGSTOP, *busy)
    # Who waits there goes to another when it is clear that it hangs.
    others = [d.box.connect(d.address(), source=f"127.0.1.{i}")
              for i in range(1, 9)]
    assert all(map(peers.answers, others))
    assert all(map(peers.ended, clients))
    again(d, 2)


def test_sources_that_a_header_names(daemon, echo):
    """They are counted as those that come by themselves, with these."""
    listen = (WEB + 'source-sessions = 2 proxy-from = {"127.0.0.1"} '
              'source-prefix = 24 ')
    d = daemon(remotes=[echo], listen=listen)

    def named(client, said="PROXY TCP4 {} 192.0.2.8 5 80\r\n"):
        sock = d.connect()
        sock.sendall(said.format(client).encode())
        return sock if peers.answers(sock) else None

    first, second = named("127.0.2.1"), named("127.0.2.2")
    assert first and second
    assert not named("127.0.2.3")
    line, = d.wait_line("client=127.0.2.3:5 ", "end=relay why=limit")
    assert "proxy=127.0.0.1:" in line
    assert limited(d) == 1
    assert not tries(d, source="127.0.2.4")
    assert tries(d, source="127.0.3.4")
    assert all(named("127.0.0.1", "PROXY UNKNOWN\r\n") for _ in range(3))
    d.reload(listen=listen + "over-limit = close")
    assert not named("127.0.2.3")
    first.close()
    wait(lambda: named("127.0.2.3"), 30, "room for one more")
    assert peers.answers(second)


def test_rate_of_a_source(daemon, echo):
    """One that comes too often, and a thousand others that come once."""
    d = daemon(remotes=[echo], listen=WEB + "source-rate = 1 source-burst = 4")
    good = 0
    for i in range(1000):
        with d.box.connect(d.address(),
                           source=f"127.1.{i % 250}.{1 + i // 250}"):
            pass
        if i % 50 == 0:
            good += tries(d) is not None
    assert good < 20
    d.wait_line("refused: listener=web client=127.0.0.1:", "source-rate")
    again(d)
    assert tries(d, source="127.0.0.2")


def test_who_finds_no_room_has_not_begun(daemon, echo):
    """What the pool refuses does not count for the rate of its source."""
    d = daemon(remotes=[echo], listen=WEB + "source-rate = 1 source-burst = 3",
               spawnd="""servers { min = 1 max = 1 } users { min = 1 max = 1 }
                         overload = reset""")
    client = roundtrip(d.connect())
    for _ in range(20):
        assert peers.turned_away(d.box, d.address()) == "reset"
    client.close()
    again(d)
    d.wait_line("refused: listener=web", "limit=overload")
    assert not d.lines("limit=source-rate"), d.log


def test_sessions_of_a_listener(daemon, echo):
    """They wait in the backlog, also for the sessions of workers that no
    longer are of the pool."""
    d = daemon(remotes=[echo], listen={
        "web": WEB + "max-sessions = 2 over-limit = queue",
        "other": WEB + "max-sessions = 1"})
    first, second = roundtrip(d.connect()), roundtrip(d.connect())
    late, later = d.connect(), d.connect()
    late.sendall(b"late")
    later.sendall(b"later")
    assert peers.silent(late)
    assert d.summary()["overload"] == "no"
    roundtrip(d.connect("other"))
    assert peers.turned_away(d.box, d.address("other")) == "reset"
    first.close()
    assert peers.receive(late, 4) == b"late"
    assert peers.silent(later)
    d.reload()
    assert peers.silent(later)
    second.close()
    assert peers.receive(later, 5) == b"later"
    assert d.summary()["limited"] == 1
    late.close()
    line = next(c for c in d.wait_closed(3) if c["backlog"])
    assert float(line["backlog"]) > 0


def test_what_is_reserved_for_a_listener(daemon, echo):
    """One listener does not take what is kept for another, and gets it when
    that is not kept any more."""
    listen = {"web": WEB, "admin": WEB + "reserve = 2"}
    d = daemon(remotes=[echo], listen=listen,
               spawnd="servers { min = 2 max = 2 } users { min = 1 max = 2 }")
    clients = [roundtrip(d.connect()) for _ in range(2)]
    late = d.connect()
    late.sendall(b"late")
    assert peers.silent(late)
    admins = [roundtrip(d.connect("admin")) for _ in range(2)]
    clients.pop().close()
    assert peers.receive(late, 4) == b"late"
    later = d.connect()
    later.sendall(b"later")
    admins.pop().close()
    assert peers.silent(later)
    admins.append(roundtrip(d.connect("admin")))
    listen["admin"] = WEB
    d.reload(listen=listen, spawnd="overload = reset " + d.conf.spawnd)
    assert peers.receive(later, 5) == b"later"
    listen["admin"] = WEB + "reserve = 4"
    d.reload(listen=listen)
    assert peers.turned_away(d.box, d.address()) == "reset"
    d.wait_line("listener=web", "why=limit limit=reserve")
    roundtrip(d.connect("admin"))


def test_a_source_keeps_its_worker(daemon, echo):
    """Also when others come and go, until it is gone or full."""
    d = daemon(remotes=[echo], listen=WEB + "sticky = yes",
               spawnd="servers { min = 4 max = 4 } users { min = 2 max = 6 }")
    d.deaths = True

    def loads():
        return {w["pid"]: w["sessions"] for w in d.workers("ready")
                if w["sessions"]}

    mine = [roundtrip(d.connect()) for _ in range(4)]
    d.wait_sessions(4)
    (worker, count), = loads().items()
    assert count == 4
    others = [roundtrip(d.box.connect(d.address(), source=f"127.0.1.{i}"))
              for i in range(3)]
    d.wait_sessions(7)
    assert loads()[worker] == 4 and len(loads()) == 4, loads()
    victim = next(pid for pid in loads() if pid != worker)
    d.kill(signal.SIGKILL, victim)
    wait(lambda: len(d.workers("ready")) == 4, 30, "another one")
    mine += [roundtrip(d.connect()) for _ in range(2)]
    wait(lambda: loads()[worker] == 6, 30, "all of one source at one worker")
    mine.append(roundtrip(d.connect()))
    wait(lambda: sum(loads().values()) == 9, 30, "one more elsewhere")
    assert loads()[worker] == 6
    assert sum(map(peers.answers, mine)) == 7
    assert sum(map(peers.answers, others)) == 2
