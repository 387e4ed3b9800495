"""Filters between the ends of sessions: rates, whichever way bytes move, alone
and in a row; and how an end and a reset get through."""

import socket
import time

import peers
from harness import certificate, has_tls
from peers import Pattern, Thread, exchange, receive, receive_all
from tlspeer import Tls

RATE, BURST = 400_000, 40_000
SIZE = 200_000


def rate(name, more="", size=RATE):
    return f"rate {name} {{ bytes = {size} burst = {BURST} {more} }}\n"


def not_sooner(start, size, buckets=1):
    """That many bytes have come since then, and not too fast."""
    took = time.monotonic() - start
    assert took >= (size - buckets * BURST) / RATE


def test_all_bytes_both_ways_by_every_path(backend, daemon):
    """Each at once with the others, each as fast as if it were alone."""
    up, down = Pattern(1, SIZE), Pattern(2, SIZE)
    remote = backend(lambda sock: exchange(sock, down, up))
    listen = {io: f"address = 127.0.0.1 port = 0 relay = {io} "
                  "filters = {each, wide}" for io in ("copy", "splice")}
    relays = "".join(f"relay {io} {{ remote r {{ {remote.conf()} }} "
                     f"io = {io} filters = {{again}} }}\n" for io in listen)
    if has_tls():
        listen["tls"] = listen["splice"] + " tls = s"
        relays += f'tls s {{ certificate = "{certificate()}" }}\n'
    d = daemon(listen=listen, remotes=[remote], extra=relays + rate("each")
               + rate("wide", size=100 * RATE) + rate("again"))

    def client(name):
        start = time.monotonic()
        sock = d.connect(name)
        if name == "tls":
            sock = Tls(sock)
            assert sock.both(up, SIZE) == down.bytes()
            sock.shutdown()
        else:
            exchange(sock, up, down)
        sock.close()
        not_sooner(start, SIZE)

    for thread in [Thread(client, name) for name in listen]:
        thread.result()
    lines = d.wait_closed(len(listen))
    assert {s["filters"] for s in lines} == {"each,wide,again"}
    assert {(int(s["in"]), int(s["out"])) for s in lines} == {(SIZE, SIZE)}


def test_bulk_both_ways_with_one_of_them_in_the_kernel(backend, daemon):
    """The way up has only a rate and goes through pipes, which are larger than
    what the way down, that a fault looks at, may store."""
    size, rounds = 25_000_000, 3
    up, down = Pattern(1, size), Pattern(2, size)
    remote = backend(lambda sock: exchange(sock, down, up))
    d = daemon(remotes=[remote], relay="filters = {most, wide}",
               extra="fault most { limit = 1024g }\n"
               "rate wide { bytes = 1000g burst = 1g }\n")
    for _ in range(rounds):
        client = d.connect()
        exchange(client, up, down)
        client.close()
    lines = d.wait_closed(rounds)
    assert {(int(s["in"]), int(s["out"])) for s in lines} == {(size, size)}


def test_what_shares_a_rate(backend, daemon):
    """A source, a listener or a relay section is one, whichever workers have
    its sessions, also with those that a reload has left; others are not."""
    remote = backend(lambda sock: sock.sendall(b"x" * SIZE))
    place = remote.conf()
    listen = {name: f"address = 127.0.0.1 port = 0 relay = {relay} "
                    f"filters = {{{name}}}" for name, relay in
              {"each": "a", "all": "a", "c": "c", "d": "c"}.items()}
    d = daemon(listen=listen, remotes=[remote],
               spawnd="servers { min = 2 max = 2 }", extra="".join([
                   rate("each", "per = source direction = down"),
                   rate("all", "per = listener direction = down"),
                   rate("c", "per = session"), rate("d", "per = session"),
                   rate("both", "per = relay direction = down"),
                   f"relay a {{ remote r {{ {place} }} }}\n"
                   f"relay c {{ remote r {{ {place} }} "
                   "filters = { both } }\n"]))
    start = time.monotonic()
    old = [d.connect(name, source=source) for name, source in (
        ("each", "127.0.0.1"), ("each", "127.0.0.2"), ("all", "127.0.0.1"),
        ("c", "127.0.0.1"))]
    for sock in old:
        assert receive(sock, 1) == b"x"
    d.hup()
    new = [d.connect(name, source=source) for name, source in (
        ("each", "127.0.0.1"), ("all", "127.0.0.3"), ("d", "127.0.0.1"))]
    readers = [Thread(receive_all, sock) for sock in old + new]
    sizes = [len(reader.result()) for reader in readers]
    assert sizes == [SIZE - 1] * 4 + [SIZE] * 3
    not_sooner(start, 2 * SIZE)
    for sock in old + new:
        sock.close()
    d.wait_closed(7)
    rows = {(row["generation"], row["name"]): row
            for row in d.show("filters")}
    assert rows[2, "both"] == {
        "generation": 2, "name": "both", "kind": "rate", "sessions": 0,
        "sessions_total": 1, "bytes_in": 0, "bytes_out": SIZE,
        "hits": rows[2, "both"]["hits"], "set": f"bytes={RATE},"
        f"burst={BURST},per=relay,direction=down"}
    assert rows[2, "both"]["hits"] > 0
    assert rows[2, "each"]["sessions_total"] == 1
    assert len({s["session"].split("-")[0] for s in d.closed()}) > 1


def test_ends_and_resets_get_through(backend, daemon, mechanism):
    """An end comes behind the last byte, and the other way goes on; a reset
    comes, though more is there than may be read."""
    def serve(sock):
        got = receive_all(sock)
        sock.sendall(got[:1000])

    listen = {name: f"address = 127.0.0.1 port = 0 filters = {{ {name} }}"
              for name in ("slow", "slower")}
    d = daemon(listen=listen, remotes=[backend(serve)],
               relay="idle-timeout = 500ms half-close-timeout = 500ms",
               extra="rate slow { bytes = 20k burst = 1k }\n"
                     "rate slower { bytes = 1k burst = 1k }")
    start = time.monotonic()
    client = d.connect("slow")
    text = Pattern(1, 20_000).bytes()
    client.sendall(text)
    client.shutdown(socket.SHUT_WR)
    assert receive_all(client) == text[:1000]
    assert time.monotonic() - start >= 0.9
    client.close()
    client = d.connect("slower")
    peers.fill(client, 0.2)
    peers.abort(client)
    lines = d.wait_closed(2, 30)
    assert [(s["end"], s["why"]) for s in lines] == [
        ("client", "fin"), ("client", "reset")]
    assert int(lines[0]["in"]) == 20_000
