"""A reload loses nobody, and one that cannot work changes nothing."""

import os
import random
import signal
import subprocess
import time

import pytest

import peers
from harness import (LATE, PATIENCE, alive, box_program, children, cpu_ticks,
                     fd_count, free_port, listening, wait)
from peers import roundtrip


def test_reload_does_what_the_file_says(daemon, echo, backend):
    other = backend(lambda s: s.sendall(b"other"))
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    before = d.summary()
    done = d.reload(remotes=[other])
    assert done.stderr == ""
    assert peers.receive_all(d.connect()) == b"other"
    assert peers.answers(client), "an old session keeps its remote"
    after = d.summary()
    assert after["pid"] == before["pid"] == d.pid
    assert after["generation"] == before["generation"] + 1
    assert after["last_reload"] == "ok" and before["last_reload"] == "never"
    d.wait_line(f"reload: done, generation {after['generation']}")
    assert {w["generation"] for w in d.workers("ready")} == \
        {after["generation"]}
    old = d.workers("draining")
    assert [w["sessions"] for w in old] == [1]
    client.close()
    wait(lambda: not d.workers("draining"), 5, "the old generation's end")


def test_totals_survive_a_reload(daemon, echo, box):
    d = daemon(remotes=[echo])
    one = peers.load(box, d.address(), 100, size=(1000, 1000))
    d.wait_sessions(0)
    d.reload()
    wait(lambda: len(d.kids()) == 2, 5, "the old generation's end")
    two = peers.load(box, d.address(), 50, size=(1000, 1000))
    d.wait_sessions(0)
    summary = d.summary()
    assert summary["sessions_total"] == summary["accepted"] == 150
    assert summary["bytes_in"] == summary["bytes_out"] == \
        one["bytes"] + two["bytes"]
    assert d.show("listeners")[0]["accepted"] == 150
    assert d.remotes()["a"]["sessions"] == 150


def test_many_remotes_cost_the_master_little(daemon, echo, box):
    """It reads a value, and finds the totals of each by its name: 10,000
    remotes took 0.16 s of a reload, in which it did nothing else."""
    many = box.dir / "many.conf"
    many.write_text("".join(
        f"remote m{n} {{ path = /nowhere/{n} }}\n" for n in range(10000)))
    d = daemon(remotes=[echo], relay=f'include("{many}")')
    before = cpu_ticks(d.pid)
    for _ in range(5):
        d.reload()
    used = cpu_ticks(d.pid) - before
    assert used < 0.5 * os.sysconf("SC_CLK_TCK"), f"{used} ticks"
    assert len(d.show("remotes")) == 10001


@pytest.mark.load
def test_60_hups_under_load(daemon, echo, box, seed):
    """At random in 12 s, short sessions all the time and 50 long ones: not
    one fails; the pid is the same, descriptors do not grow."""
    d = daemon(remotes=[echo])
    long = [roundtrip(d.connect()) for _ in range(50)]
    fds, inodes = fd_count(d.pid), listening(d.port())
    load = peers.Load(box, d.address(), concurrent=20, rate=800, spread=50)
    dice, begun = random.Random(seed), time.monotonic()
    for at in sorted(dice.uniform(0, 12) for _ in range(60)):
        while time.monotonic() - begun < at:
            time.sleep(0.005)
        d.kill(signal.SIGHUP)
        assert d.proc.poll() is None
    result = load.stop(501)
    assert result["failed"] == 0, result
    assert all(peers.answers(client) for client in long)
    assert not d.lines("reload: failed")
    done = len(d.lines("reload: done"))
    assert 5 <= done <= 60
    for client in long:
        client.close()
    wait(lambda: len(d.workers()) == 2, 10, "the old generations' end")
    assert wait(lambda: fd_count(d.pid) == fds, 5, f"{fds} descriptors")
    assert listening(d.port()) == inodes
    assert d.summary()["pid"] == d.pid
    assert sum(1 for s in d.closed() if s["why"] not in ("fin", "reset")) == 0


def test_hups_in_one_burst_are_few_reloads(daemon, echo):
    d = daemon(remotes=[echo])
    for _ in range(50):
        d.kill(signal.SIGHUP)
    wait(lambda: d.verdicts(), 10, "the reload")
    generation = d.hup() and d.summary()["generation"]
    assert generation <= 12, generation
    roundtrip(d.connect())


MISTAKES = {
    "syntax": ("spawnd { listen web { port = \n", r"syntax|unexpected|"),
    "empty": ("", "empty"),
    "unknown-key": (None, "no-such-key"),
    "no-remote": ("spawnd { listen web { port = 0 } }\nrelay app { }\n",
                  "remote"),
}


def unchanged(d, client, inodes):
    assert peers.answers(client)
    roundtrip(d.connect())
    assert listening(d.port()) == inodes
    summary = d.summary()
    assert summary["generation"] == 1 and summary["pid"] == d.pid
    assert summary["last_reload"].startswith("failed"), summary
    wait(lambda: len(d.workers("ready")) == 2 == len(d.workers()), 30,
         "the workers of before, and no others")
    d.wait_line("reload: failed")


def good_again(d, client):
    d.conf.text = None
    assert "done" in d.hup(spawnd="")
    assert d.summary()["last_reload"] == "ok"
    assert peers.answers(client)
    roundtrip(d.connect())


@pytest.mark.parametrize("how", ["signal", "ctl"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bad_file_changes_nothing(daemon, echo, mistake, how):
    d = daemon(remotes=[echo])
    client, inodes = roundtrip(d.connect()), listening(d.port())
    text, word = MISTAKES[mistake]
    if text is None:
        d.conf.spawnd = "no-such-key = 1"
        text = d.conf.render()
    if how == "signal":
        verdict = d.hup(text=text)
        assert "reload: failed" in verdict
        said = "\n".join(d.texts())
    else:
        d.write(text=text)
        done = d.ctl("reload", check=False)
        assert done.returncode == 1
        said = done.stderr
    if mistake != "syntax":
        assert word in said, said
    unchanged(d, client, inodes)
    good_again(d, client)


def test_deleted_file_changes_nothing(daemon, echo):
    d = daemon(remotes=[echo])
    client, inodes = roundtrip(d.connect()), listening(d.port())
    d.conf.path.unlink()
    done = d.ctl("reload", check=False)
    assert done.returncode == 1
    assert str(d.conf.path) in done.stderr or "No such file" in done.stderr
    unchanged(d, client, inodes)
    good_again(d, client)


def test_port_in_use_changes_nothing(daemon, echo, backend):
    """New listeners of the same reload, bound already, are given up."""
    d = daemon(remotes=[echo])
    taken, free = backend(), backend(listen=False)
    free.close()
    client, inodes = roundtrip(d.connect()), listening(d.port())
    local = 'address = "127.0.0.1" port'
    verdict = d.hup(listen={"web": f"{local} = 0",
                            "free": f"{local} = {free.port}",
                            "taken": f"{local} = {taken.port}"})
    assert f"127.0.0.1:{taken.port}" in verdict and "in use" in verdict
    unchanged(d, client, inodes)
    assert not listening(free.port)
    done = d.ctl("reload", check=False)
    assert done.returncode == 1 and str(taken.port) in done.stderr
    taken.close()
    d.ctl("reload")
    roundtrip(d.connect("taken"))
    roundtrip(d.connect("free"))


def test_worker_that_cannot_start_changes_nothing(daemon, echo, box):
    """The new generation dies at once: the old one serves on."""
    from test_start import bad_libexec
    libexec = bad_libexec(box, "relay", "exit 3\n")
    good = box.base / "libexec" / "relay"
    (libexec / "relay").rename(libexec / "bad")
    (libexec / "relay").symlink_to(good)
    d = daemon(remotes=[echo], libexec=libexec)
    d.deaths = True
    client, inodes = roundtrip(d.connect()), listening(d.port())
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(libexec / "bad")
    done = d.ctl("reload", check=False)
    assert done.returncode == 1 and done.stderr
    unchanged(d, client, inodes)
    (libexec / "relay").unlink()
    (libexec / "relay").symlink_to(good)
    d.ctl("reload")
    assert d.summary()["generation"] >= 2
    roundtrip(d.connect())


def test_worker_of_a_failed_generation_that_does_not_listen(daemon, echo,
                                                            box):
    """It is ready, another one never is; it has a time limit."""
    from test_start import bad_libexec
    libexec = bad_libexec(box, "relay", f"""
        [ "$1" = 2 ] && [ "$2" = 1 ] && exec sleep 1000
        exec {box.base / "libexec" / "relay"} "$@"
        """)
    d = daemon(remotes=[echo], libexec=libexec, spawnd="""
        servers { min = 2 max = 2 } start-timeout = 1m watchdog = 0""")
    d.deaths = True
    reload = box.spawn([box_program("spawnctl"), "-s", d.conf.control,
                        "reload"], stderr=subprocess.DEVNULL)
    deaf = wait(lambda: [w["pid"] for w in d.workers("ready")
                         if w["generation"] == 2], 5, "a new worker")[0]
    silent = wait(lambda: children(d.pid, "sleep"), 5, "another one")[0]
    os.kill(deaf, signal.SIGSTOP)
    os.kill(silent, signal.SIGKILL)
    assert reload.wait(PATIENCE) == 1
    assert alive(deaf)
    wait(lambda: not alive(deaf), 30, "its end")
    d.wait_line(f"worker {deaf} has not ended as it was told: killed")
    roundtrip(d.connect())


def test_listeners_added_removed_and_kept(daemon, echo, box):
    """A listener that stays is the same socket all the time."""
    web, old, new = free_port(), free_port(), free_port()
    local = 'address = "127.0.0.1" port ='
    d = daemon(remotes=[echo], listen={"web": f"{local} {web}",
                                       "old": f"{local} {old}"})
    inodes = listening(web)
    client = roundtrip(d.connect("old"))
    load = peers.Load(box, d.address("web"), concurrent=10, rate=1000)
    d.reload(listen={"web": f"{local} {web}", "new": f"{local} {new}"})
    assert d.port("web") == web and listening(web) == inodes
    wait(lambda: not listening(old), 5, "the dropped listener's end")
    roundtrip(d.connect("new"))
    assert not d.addresses("old"), "the addresses are written anew"
    assert peers.answers(client)
    assert {l["name"] for l in d.show("listeners")} == {"web", "new"}
    d.reload(listen={"web": f"{local} {web} backlog = 77",
                     "new": f"{local} {new}"})
    assert listening(web) == inodes
    assert {l["name"]: l["backlog"] for l in d.show("listeners")} == \
        {"web": 77, "new": 4096}
    result = load.stop(1)
    assert result["failed"] == 0, result


def test_listener_renamed_keeps_its_socket(daemon, echo):
    port = free_port()
    at = f'address = "127.0.0.1" port = {port}'
    d = daemon(remotes=[echo], listen={"web": at})
    inodes = listening(port)
    d.reload(listen={"shop": at})
    assert listening(port) == inodes
    roundtrip(d.connect("shop")).close()
    assert d.wait_closed()[-1]["listener"] == "shop"


def test_listener_moves_to_another_relay(daemon, echo, backend):
    other = backend(lambda s: s.sendall(b"other"))
    d = daemon(remotes=[echo], listen='address = "127.0.0.1" port = 0 '
               'relay = app',
               extra=f"relay two {{ remote o {{ {other.conf()} }} }}")
    inodes = listening(d.port())
    d.reload(listen='address = "127.0.0.1" port = 0 relay = two')
    assert peers.receive_all(d.connect()) == b"other"
    assert listening(d.port()) == inodes


def test_dropped_listener_is_drained_first(daemon, echo):
    """Clients that the kernel had accepted for it are served or at least
    not lost silently: here they wait in overload."""
    web, old = free_port(), free_port()
    local = 'address = "127.0.0.1" port ='
    small = "servers { min = 1 max = 1 } users { min = 1 max = 2 }"
    d = daemon(remotes=[echo], spawnd=small, listen={
        "web": f"{local} {web}", "old": f"{local} {old}"})
    clients = [roundtrip(d.connect("old")) for _ in range(2)]
    waiting = d.connect("old")
    waiting.sendall(b"wait")
    assert peers.silent(waiting, 0.2)
    d.reload(listen={"web": f"{local} {web}"},
             spawnd="servers { min = 1 max = 1 } users { min = 1 max = 9 }")
    assert peers.receive(waiting, 4) == b"wait"
    assert all(peers.answers(c) for c in clients)
    wait(lambda: not listening(old), 30, "the dropped listener's end")


def test_two_listeners_at_port_0_keep_theirs(daemon, echo):
    """Which of them stays is settled by name, in any order."""
    local = 'address = "127.0.0.1" port = 0'
    d = daemon(remotes=[echo], listen={n: local for n in "abc"})
    ports = {n: d.port(n) for n in "abc"}
    d.reload(listen={n: local for n in "cba"})
    assert {n: d.port(n) for n in "abc"} == ports
    d.reload(listen={n: local for n in "bc"})
    assert {n: d.port(n) for n in "bc"} == {n: ports[n] for n in "bc"}
    wait(lambda: not listening(ports["a"]), 30, "the listener's end")


def test_unix_listener_over_reloads(daemon, echo, box):
    path, other = box.dir / "in.sock", box.dir / "two.sock"
    d = daemon(remotes=[echo], listen=f'path = "{path}"')
    inode = path.stat().st_ino
    d.reload(relay="retries = 1")
    assert path.stat().st_ino == inode
    roundtrip(d.connect())
    d.reload(listen=f'path = "{other}"')
    roundtrip(d.connect())
    assert not path.exists() and other.exists()


def test_drain_timeout_of_an_old_generation(daemon, echo):
    d = daemon(remotes=[echo], spawnd="drain-timeout = 1s")
    clients = [roundtrip(d.connect()) for _ in range(10)]
    d.reload()
    begun = time.monotonic()
    for client in clients:
        peers.ended(client)
    assert time.monotonic() - begun < LATE
    assert {s["why"] for s in d.wait_closed(10)} == {"drain-timeout"}
    wait(lambda: len(d.workers()) == 2, 5, "the old generation's end")
    roundtrip(d.connect())


def test_max_generations_ends_the_oldest(daemon, echo):
    d = daemon(remotes=[echo], spawnd="max-generations = 3")
    clients = []
    for _ in range(6):
        clients.append(roundtrip(d.connect()))
        d.reload()

    def generations():
        return {w["generation"] for w in d.workers()}

    wait(lambda: len(generations()) <= 3, 5, "at most 3 generations")
    assert not peers.answers(clients[0])
    assert peers.answers(clients[-1])


def test_more_and_fewer_workers_by_a_reload(daemon, echo):
    d = daemon(remotes=[echo], spawnd="servers { min = 2 max = 8 }")
    d.reload(spawnd="servers { min = 5 max = 8 }")
    wait(lambda: len(d.kids()) == 5, 5, "five workers")
    d.reload(spawnd="servers { min = 1 max = 1 }")
    wait(lambda: len(d.kids()) == 1, 5, "one worker")
    roundtrip(d.connect())


def test_pid_file_and_control_socket_stay(daemon, echo, box):
    pidfile = box.dir / "d.pid"
    d = daemon(remotes=[echo], spawnd=f'pidfile = "{pidfile}"')
    for _ in range(3):
        d.hup()
        assert int(pidfile.read_text()) == d.pid
        assert d.summary()["pid"] == d.pid


@pytest.mark.parametrize("option", ["file", "command line"])
def test_pid_file_and_control_socket_come_back(daemon, echo, box, option):
    pidfile = box.dir / "d.pid"
    parts = {"spawnd": f'pidfile = "{pidfile}"'} if option == "file" else \
        {"args": ["-p", pidfile]}
    d = daemon(remotes=[echo], **parts)
    for _ in range(2):
        pidfile.unlink()
        d.conf.control.unlink()
        d.kill(signal.SIGHUP)
        wait(lambda: pidfile.exists() and pidfile.read_text(), 30, "pid file")
        wait(d.conf.control.exists, 30, "the control socket")
        assert int(pidfile.read_text()) == d.pid == d.summary()["pid"]
    d.kill(signal.SIGTERM)
    d.wait_end(30)
    assert not pidfile.exists()


def test_hup_while_a_reload_waits_for_its_workers(daemon, echo):
    """The second reload begins when the first is through, with the file as
    it is then."""
    d = daemon(remotes=[echo], spawnd="servers { min = 4 max = 8 }")
    for workers in (3, 5, 2):
        d.write(spawnd=f"servers {{ min = {workers} max = 8 }}")
        d.kill(signal.SIGHUP)
        d.kill(signal.SIGHUP)
    wait(lambda: len(d.workers("ready")) == 2 == len(d.kids()), 10,
         "the last file's number of workers")


def test_reload_and_term_at_once(daemon, echo):
    d = daemon(remotes=[echo])
    d.kill(signal.SIGHUP)
    d.kill(signal.SIGTERM)
    assert d.wait_end() == 0
