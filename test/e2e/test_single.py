"""Master and worker in one process: what sessions, reloads, TLS, limits and the
tools do is the same; the tests of others, with that flag."""

import os
import shutil
import signal
import subprocess

import pytest

import peers
from harness import ASAN, AS_ROOT, Box, children, fd_count, has_tls, wait
from peers import roundtrip
# What is tested with one process as well.
from test_ctl import test_bytes_of_open_sessions_are_counted  # noqa: F401
from test_cuts import test_nothing_left_is_an_orderly_end  # noqa: F401
from test_datapath import (  # noqa: F401
    test_both_fins_at_once, test_reply_after_the_clients_fin,
    test_rst_is_mirrored_at_once, test_sizes_both_ways_at_once)
from test_proxy import test_from_ourselves  # noqa: F401
from test_reload import (  # noqa: F401
    test_listener_renamed_keeps_its_socket, test_unix_listener_over_reloads)
from test_remotes import test_counters_of_remotes  # noqa: F401


@pytest.fixture(autouse=True)
def single(box):
    box.single = True


@pytest.fixture(params=["epoll", "epoll-tls", "poll"])
def data_path(request, box):
    box.event, _, tls = request.param.partition("-")
    if tls and not has_tls():
        pytest.skip("built without OpenSSL")
    box.tls = bool(tls)
    return request.param


def inside(d):
    """Is there a worker, and no process but the logger?"""
    return [w["pid"] for w in d.workers()] == [d.pid] and \
        children(d.pid) == children(d.pid, "logger")


def test_it_comes_back_into_the_process(daemon, echo, box):
    """After reloads and a drain, as soon as the sessions there have ended; no
    session fails, and the process stays the same."""
    d = daemon(remotes=[echo])
    assert inside(d)
    fds = fd_count(d.pid)
    load = peers.Load(box, d.address(), concurrent=8, rate=300, spread=50)
    for how in ("reload", "drain"):
        client = roundtrip(d.connect())
        if how == "reload":
            d.reload()
        else:
            d.ctl("drain", str(d.pid))
        wait(lambda: len(d.workers("ready")) == 1 and d.kids("relay") !=
             [d.pid], 10, "another worker")
        assert peers.answers(client)
        done = d.ctl("upgrade", check=False)
        assert done.returncode == 1 and "single = yes" in done.stderr
        client.close()
        wait(lambda: inside(d), 10, "one process")
    for _ in range(5):
        seen = len(d.verdicts())
        d.kill(signal.SIGHUP)
        wait(lambda: len(d.verdicts()) > seen, 10, "a reload")
    result = load.stop(51)
    assert result["failed"] == 0, result
    wait(lambda: inside(d), 10, "one process")
    wait(lambda: fd_count(d.pid) == fds, 10, f"{fds} descriptors")
    assert not d.lines("reload: failed: ")


def test_overload_and_stop(daemon, echo):
    d = daemon(remotes=[echo], spawnd="users { min = 1 max = 2 }")
    clients = [roundtrip(d.connect()) for _ in range(2)]
    late = d.connect()
    late.sendall(b"late")
    wait(lambda: d.summary()["overload"] == "yes", 5, "overload")
    clients.pop().close()
    assert peers.receive(late, 4) == b"late"
    d.kill(signal.SIGTERM)
    d.wait_line("stopping")
    assert peers.answers(clients[0]) and peers.answers(late)
    d.kill(signal.SIGINT)
    assert d.wait_end() == 0
    wait(lambda: [s["why"] for s in d.closed()].count("stopped") == 2, 5,
         "two that were stopped")


def test_what_is_refused(box, echo):
    def says(*args, program="single", **kw):
        conf = box.conf(remotes=[echo], **kw)
        done = box.run(*args, conf.path, program=program)
        assert done.returncode == 1
        return done.stderr

    assert "single = yes: start " in says("-f", program="spawnd")
    for place in ({"spawnd": "sandbox = require"}, {"spawnd": "chroot = /"},
                  {"spawnd": 'spawn { exec = "/bin/sh" }'},
                  {"relay": "retire = 3"}):
        assert "is not together with single = yes" in says("-n", **place)
    box.single = False
    assert "there is one worker" in says("-n", spawnd="""single = yes
        servers { max = 4 }""")
    if AS_ROOT:
        assert "cannot become user nobody" in says("-f", spawnd="""
            single = yes user = nobody""")


# Where both are one function, moving is told as a copy that overlaps.
KNOWN = """
{
   memmove
   Memcheck:Overlap
   fun:__memcpy_chk
   fun:memmove
}
"""


@pytest.mark.skipif(ASAN or not shutil.which("valgrind"),
                    reason="needs valgrind, and no sanitizer beside it")
def test_valgrind(box, echo):
    """A short life with no error in memory: sessions, a reload, the end."""
    conf = box.conf(remotes=[echo])
    addrs, log = box.dir / "addrs", box.dir / "valgrind.log"
    known = box.dir / "known"
    known.write_text(KNOWN)
    with open(log, "wb") as out:
        proc = box.spawn(
            ["valgrind", "-q", "--error-exitcode=9", "--leak-check=no",
             f"--suppressions={known}", Box.programs["single"], "-f", "-A", addrs, conf.path],
            env=box.environment(), stdout=out, stderr=out)
    wait(addrs.exists, 60, "serving")
    at = addrs.read_text().split()[1].rsplit(":", 1)
    clients = [roundtrip(box.connect((at[0], int(at[1]))))
               for _ in range(5)]
    for client in clients[1:]:
        client.close()
    ctl = [str(Box.programs["spawnctl"]), "-s", str(conf.control), "-t", "60s"]
    subprocess.run([*ctl, "show", "workers"], check=True, timeout=90,
                   stdout=subprocess.DEVNULL)
    subprocess.run([*ctl, "reload"], check=True, timeout=90)
    assert peers.answers(clients[0])
    clients[0].close()
    os.kill(proc.pid, signal.SIGTERM)
    assert proc.wait(90) == 0, log.read_text()
