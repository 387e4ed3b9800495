"""Keys and passphrases are with those who need them, as long as they do."""

import contextlib
import os
import re
import signal

import pytest

import certs
from certs import Client, section
from harness import ASAN
from test_upgrade import upgrade, upgraded

pytestmark = [certs.needed, pytest.mark.skipif(
    os.geteuid() != 0, reason="looks into processes")]
WORD = b"open-sesame-and-nothing-else"
LISTEN = 'address = "127.0.0.1" port = 0 tls = site'


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def site(ca):
    pair = ca.issue("a.test", "a.test")
    pair.key = certs.encrypted(pair, WORD.decode())
    return pair


def number_of(pair):
    """What makes the key a secret."""
    text = certs.openssl("pkey", "-in", pair.key, "-passin",
                         f"pass:{WORD.decode()}", "-text", "-noout").decode()
    digits = re.search(r"priv:\s*((?:[0-9a-f]{2}:?\s*)+)", text)[1]
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))
    return number[-32:]


def memory_of(pid):
    found = []
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if "r" not in rights or end - start > 1 << 30 or "[v" in line:
                continue
            try:
                mem.seek(start)
                found.append(mem.read(end - start))
            except (OSError, ValueError, OverflowError):
                pass
    return found


def has(pid, secret):
    """In either order of bytes: libraries keep numbers as they like."""
    return any(secret in part or secret[::-1] in part
               for part in memory_of(pid))


def descriptors(pid, name):
    """How many have that name; some are closed while one looks."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += name in os.readlink(f"/proc/{pid}/fd/{fd}")
    return count


def maps(pid, name):
    return name in open(f"/proc/{pid}/maps").read()


def serve(daemon, echo, *sections, **parts):
    return daemon(remotes=[echo], extra="\n".join(sections),
                  spawnd="log { level = debug }", **parts)


@pytest.mark.skipif(ASAN, reason="keeps what was freed, and much memory")
def test_who_has_a_key(daemon, echo, ca, site):
    number = number_of(site)
    d = serve(daemon, echo, section(
        site, f'passphrase = "{WORD.decode()}"'), listen=LISTEN)

    def look():
        with Client(certs.context(ca), d.address(), "a.test"):
            assert has(d.pid, b"a.test.pem")     # it can be found
            for pid in d.pid, *d.kids("logger"):
                assert not has(pid, number) and not has(pid, WORD)
            for worker in d.workers("ready"):
                assert has(worker["pid"], number)
                assert not has(worker["pid"], WORD)

    look()
    d.reload()
    look()
    assert "done" in upgrade(d)
    look()
    assert WORD.decode() not in d.log


def test_a_worker_keeps_no_descriptor(daemon, echo, site):
    """Nor a mapping; whether it needs what is in it or not."""
    text = section(site, f'passphrase = "{WORD.decode()}"')
    d = serve(daemon, echo, text, listen=LISTEN)
    for listen in LISTEN, LISTEN.replace("tls = site", ""):
        d.reload(listen=listen)
        assert descriptors(d.pid, "spawnd-secrets") >= 1
        assert not maps(d.pid, "spawnd-secrets")
        for worker in d.workers("ready"):
            assert descriptors(worker["pid"], "spawnd-secrets") == 0
            assert not maps(worker["pid"], "spawnd-secrets")


def test_without_tls_there_is_nothing(daemon, echo):
    d = serve(daemon, echo)
    for name in "spawnd-secrets", "spawnd-tickets":
        assert descriptors(d.pid, name) == 0


def test_secrets_go_with_their_generation(daemon, echo, ca, site):
    text = section(site, f'passphrase = "{WORD.decode()}"')
    d = serve(daemon, echo, text, listen=LISTEN)
    for _ in range(3):
        d.reload()
    for _ in range(2):
        d.wait(lambda: descriptors(d.pid, "spawnd-secrets") == 1, 10,
               "the end of what former generations had")
        assert descriptors(d.pid, "spawnd-tickets") == 1
        upgraded(d)
    # A worker that is started now gets them as well.
    before = {w["pid"] for w in d.workers("ready")}
    for pid in before:
        d.kill(signal.SIGTERM, pid)
    d.wait(lambda: len({w["pid"] for w in d.workers("ready")} - before) == 2,
           10, "others in their places")
    for _ in range(4):
        with Client(certs.context(ca), d.address(), "a.test") as c:
            assert c.subject == "a.test"
