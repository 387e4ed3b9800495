"""Who comes back with a ticket is served sooner: by any worker, over reloads,
upgrades and retirement, as long as it was promised what is true now."""

import os
import ssl

import pytest

import certs
from certs import Client, section
from harness import wait
from test_upgrade import upgrade

pytestmark = certs.needed
TIMES = 40
LISTEN = 'address = "127.0.0.1" port = 0 tls = site'


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("tickets"))


@pytest.fixture(scope="module")
def site(ca):
    return ca.issue("a.test", "a.test")


@pytest.fixture(params=["1.2", "1.3"])
def made(request, ca):
    return certs.context(ca, getattr(
        ssl.TLSVersion, "TLSv" + request.param.replace(".", "_")))


def first(made, d, name="web"):
    with Client(made, d.address(name), "a.test") as c:
        assert not c.reused
        return c.session


def back(made, d, session, name="web"):
    """How it went, and the ticket for the next time."""
    with Client(made, d.address(name), "a.test", session) as c:
        return c.reused, c.session


def all_back(made, d, session, times=TIMES):
    for i in range(times):
        reused, session = back(made, d, session)
        assert reused, f"time {i}"
    return session


def serve(daemon, echo, site, *lines, **parts):
    parts.setdefault("spawnd", "servers { min = 4 max = 4 }")
    return daemon(remotes=[echo], listen=LISTEN,
                  extra=section(site, *lines), **parts)


def test_every_worker_takes_it(daemon, echo, site, made):
    d = serve(daemon, echo, site)
    session = first(made, d)
    held = []
    try:
        # Of those that are open each worker has its share.
        for _ in range(8):
            c = Client(made, d.address(), "a.test", session)
            held.append(c)
            assert c.reused
        wait(lambda: sum(w["sessions"] > 0 for w in d.workers()) == 4, 5,
             "a session of each worker")
    finally:
        for c in held:
            c.close()
    all_back(made, d, session)


def test_each_comes_with_the_next(daemon, echo, site, made):
    """Of TLS 1.3, where clients use a ticket only once."""
    d = serve(daemon, echo, site)
    session = first(made, d)
    seen = {session.id}
    for _ in range(5):
        reused, session = back(made, d, session)
        assert reused
        seen.add(session.id)
    if made.minimum_version == ssl.TLSVersion.TLSv1_3:
        assert len(seen) == 6


def test_over_reloads_and_upgrades(daemon, echo, site, made):
    d = serve(daemon, echo, site)
    session = all_back(made, d, first(made, d))
    d.reload()
    session = all_back(made, d, session)
    assert "done" in upgrade(d)
    session = all_back(made, d, session)
    d.reload()
    all_back(made, d, session)


def test_over_retirement(daemon, echo, site, made):
    d = serve(daemon, echo, site, relay="retire = 5")
    all_back(made, d, first(made, d))
    d.wait_line("retires")


def test_keys_turn(daemon, echo, site, made):
    d = serve(daemon, echo, site, "ticket-lifetime = 1s",
              spawnd="log { level = debug }")
    session = first(made, d)
    seen = len(d.lines("are turned"))
    wait(lambda: len(d.lines("are turned")) > seen + 2, 10, "three turns")
    assert not back(made, d, session)[0]
    # A new one is taken, unless it took longer than it lives.
    wait(lambda: back(made, d, first(made, d))[0], 10, "a ticket that is taken")


def test_off(daemon, echo, site, made):
    d = serve(daemon, echo, site, "tickets = no")
    with Client(made, d.address(), "a.test") as c:
        assert c.session is None or not c.session.has_ticket


def test_what_it_was_promised_has_changed(daemon, echo, ca, site, made):
    same_key = ca.issue("a.test", "a.test", key=site.key, file="renewed")
    other_key = ca.issue("a.test", "a.test", file="rekeyed")
    d = serve(daemon, echo, site)
    session = first(made, d)
    d.reload(extra=section(same_key))
    reused, session = back(made, d, session)
    assert reused
    d.reload(extra=section(other_key))
    reused, session = back(made, d, session)
    assert not reused
    session = all_back(made, d, session, 4)
    optional = f'client-ca = "{ca.pem}"', "client-verify = optional"
    d.reload(extra=section(other_key, *optional))
    reused, session = back(made, d, session)
    assert not reused
    session = all_back(made, d, session, 4)
    d.reload(extra=section(other_key, *optional, f'crl = "{ca.crl()}"'))
    assert not back(made, d, session)[0]


def test_keys_that_machines_share(daemon, echo, box, site, made):
    path = box.dir / "ticket.keys"
    old, new = os.urandom(80), os.urandom(80)

    def put(*keys):
        path.write_bytes(b"".join(keys))
        path.chmod(0o600)

    put(old)
    one = serve(daemon, echo, site, f'ticket-keys = "{path}"')
    two = serve(daemon, echo, site, f'ticket-keys = "{path}"')
    own = serve(daemon, echo, site)
    session = first(made, one)
    assert back(made, two, session)[0]
    assert not back(made, own, session)[0]
    put(new, old)
    two.reload()
    reused, later = back(made, two, session)
    assert reused
    one.reload()
    assert back(made, one, later)[0]
    put(new)
    one.reload()
    assert not back(made, one, session)[0]


def test_a_ticket_is_no_way_around_a_certificate(daemon, echo, box, ca, site,
                                                 made):
    """Of a section that asks for none, shown to one that does."""
    path = box.dir / "ticket.keys"
    path.write_bytes(os.urandom(80))
    path.chmod(0o600)
    keys = f'ticket-keys = "{path}"'
    d = daemon(remotes=[echo], listen={
        "web": LISTEN, "closed": LISTEN.replace("site", "closed")},
        extra=section(site, keys) + "\n" +
        section(site, keys, f'client-ca = "{ca.pem}"', name="closed"))
    session = first(made, d)
    assert back(made, d, session)[0]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        back(made, d, session, "closed")
