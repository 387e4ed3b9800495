"""Starting: nothing is said to be ready before it is, and a start that
fails leaves nothing behind."""

import os
import signal
import subprocess
import sys

import pytest

import peers
from harness import (PATIENCE, alive, descendants, listening, status_field,
                     wait)
from peers import roundtrip


def bad_libexec(box, name, script):
    """A libexec directory in which the program name is this script."""
    directory = box.dir / f"libexec-{name}"
    directory.mkdir()
    for inner in (box.base / "libexec").iterdir():
        if inner.name != name:
            (directory / inner.name).symlink_to(inner)
    path = directory / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return directory


def assert_nothing_left(box, *paths):
    for path in paths:
        assert not path.exists(), path
    names = ("spawnd", "relay", "logger", "reader", "sh", "sleep")

    def left():
        return [name for state, name in descendants(os.getpid()).values()
                if state != "Z" and name in names]

    wait(lambda: not left(), 2, f"the end of {left()}")


def test_order_of_the_start(daemon, echo, box):
    """Serving, then the pid file, then the addresses."""
    pidfile = box.dir / "d.pid"
    d = daemon(remotes=[echo], spawnd=f'pidfile = "{pidfile}"')
    assert int(pidfile.read_text()) == d.pid
    assert len(d.workers("ready")) == 2
    d.wait_line("ready: 2 workers, 1 listener")
    assert d.summary()["pid"] == d.pid
    assert [w["sessions"] for w in d.workers()] == [0, 0]
    d.stop()
    assert not pidfile.exists()


def test_the_number_of_workers_is_servers_min(daemon, echo):
    d = daemon(remotes=[echo], spawnd="servers { min = 5 max = 9 }")
    assert len(d.workers("ready")) == 5 == len(d.kids())
    assert len(d.kids("logger")) == 1


def test_background_returns_when_it_serves(daemon, echo, box):
    pidfile, log = box.dir / "d.pid", box.dir / "back.log"
    d = daemon(remotes=[echo], background=True, spawnd=f"""
        pidfile = "{pidfile}" log {{ to = "{log}" }}""")
    d.logfile = log
    pid = int(pidfile.read_text())
    assert pid == d.pid != d.proc.pid
    roundtrip(d.connect())
    assert os.getsid(pid) != os.getsid(0)
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert d.output.read_text() == ""


def test_option_p_is_the_pid_file(daemon, echo, box):
    pidfile = box.dir / "other.pid"
    d = daemon(remotes=[echo], args=["-p", pidfile],
               spawnd=f'pidfile = "{box.dir}/d.pid"')
    assert int(pidfile.read_text()) == d.pid
    assert not (box.dir / "d.pid").exists()


def test_relative_paths_survive_the_background(daemon, echo, box):
    d = daemon(remotes=[echo], background=True, control=box.dir / "d0.sock",
               args=["-p", "rel.pid"],
               spawnd=f'log {{ to = "{box.dir}/back.log" }}')
    assert int((box.dir / "rel.pid").read_text()) == d.pid
    d.stop()
    assert not (box.dir / "rel.pid").exists()


def start_fails(box, conf, *args, libexec=None, words=(), status=1):
    done = box.run("-f", *args, conf.path, libexec=libexec)
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert_nothing_left(box, conf.control, box.dir / "d.pid")
    return done


def test_port_in_use(daemon, echo, box):
    first = daemon(remotes=[echo])
    pidfile = box.dir / "d.pid"
    conf = box.conf(remotes=[echo], spawnd=f'pidfile = "{pidfile}"',
                    listen=f'address = "127.0.0.1" port = {first.port()}')
    done = box.run("-f", conf.path)
    assert done.returncode == 1
    assert f"127.0.0.1:{first.port()}" in done.stderr
    assert "in use" in done.stderr
    assert not pidfile.exists() and not conf.control.exists()
    roundtrip(first.connect())


def test_background_start_that_fails_returns_1(echo, box):
    keeper = box.closing(peers.Backend(peers.echo))
    conf = box.conf(remotes=[echo], listen=f'address = "127.0.0.1" '
                    f'port = {keeper.port}')
    done = box.run("-b", conf.path)
    assert done.returncode == 1 and "in use" in done.stderr
    assert_nothing_left(box, conf.control)


def test_one_of_two_listeners_cannot_bind(echo, box):
    keeper = box.closing(peers.Backend(peers.echo))
    path = box.dir / "in.sock"
    conf = box.conf(remotes=[echo], listen={
        "sock": f'path = "{path}"',
        "web": f'address = "127.0.0.1" port = {keeper.port}'})
    start_fails(box, conf, words=[str(keeper.port), "in use"])
    assert not path.exists()


def test_address_that_is_not_ours(echo, box):
    conf = box.conf(remotes=[echo],
                    listen='address = "192.0.2.7" port = 0')
    start_fails(box, conf, words=["192.0.2.7"])


@pytest.mark.parametrize("back", ["-f", "-b"])
def test_worker_that_dies_at_once(echo, box, back):
    libexec = bad_libexec(box, "relay", "exit 3\n")
    conf = box.conf(remotes=[echo], spawnd=f'pidfile = "{box.dir}/d.pid"')
    done = box.run(back, conf.path, libexec=libexec)
    assert done.returncode == 1
    assert "worker" in done.stderr or "relay" in done.stderr, done.stderr
    assert_nothing_left(box, conf.control, box.dir / "d.pid")


def test_worker_that_never_gets_ready(echo, box):
    """start-timeout ends the wait, and the worker too."""
    libexec = bad_libexec(box, "relay", "exec sleep 1000\n")
    conf = box.conf(remotes=[echo], spawnd="start-timeout = 1s")
    done = start_fails(box, conf, libexec=libexec)
    assert "silent" in done.stderr or "start-timeout" in done.stderr


def test_worker_that_is_missing(echo, box):
    libexec = box.dir / "empty"
    libexec.mkdir()
    conf = box.conf(remotes=[echo])
    start_fails(box, conf, libexec=libexec, words=[str(libexec)])


def test_late_logger_still_writes_why_the_start_failed(echo, box):
    # Not sleep(1): a shell that waits for a child lets all signals in.
    late = ("import os, sys, time; time.sleep(0.2); "
            "os.execv(sys.argv[1], sys.argv[1:])")
    libexec = bad_libexec(box, "logger", f"""exec {sys.executable} -c \
        '{late}' {box.base}/libexec/logger "$@"\n""")
    (libexec / "relay").unlink()
    conf = box.conf(remotes=[echo])
    start_fails(box, conf, libexec=libexec, words=[f"{libexec}/relay"])


def test_logger_that_dies_at_once(echo, box):
    """Either a clear refusal or service without a log, but no hang."""
    libexec = bad_libexec(box, "logger", "exit 3\n")
    conf = box.conf(remotes=[echo], spawnd="start-timeout = 2s")
    proc = box.spawn([box.programs["spawnd"], "-f", "-A", box.dir / "a",
                      conf.path], stderr=subprocess.PIPE, text=True,
                     env=dict(box.environment(),
                              SPAWND_LIBEXEC=str(libexec)))
    wait(lambda: proc.poll() is not None or (box.dir / "a").exists(), 10,
         "an answer")
    if proc.returncode is not None:
        assert proc.returncode == 1
        assert "logger" in proc.stderr.read()


def test_int_during_the_start(echo, box):
    """A start that is broken off leaves nothing."""
    libexec = bad_libexec(box, "relay", "exec sleep 1000\n")
    conf = box.conf(remotes=[echo])
    proc = box.spawn([box.programs["spawnd"], "-f", conf.path],
                     stderr=subprocess.DEVNULL,
                     env=dict(box.environment(),
                              SPAWND_LIBEXEC=str(libexec)))
    wait(lambda: any(name == "sleep" for state, name in
                     descendants(proc.pid).values()), 5, "the worker")
    proc.send_signal(signal.SIGINT)
    proc.wait(PATIENCE)
    wait(lambda: not [n for s, n in descendants(os.getpid()).values()
                      if n == "sleep" and s != "Z"], 5, "the worker's end")
    assert not conf.control.exists()


def test_second_instance_by_pid_file(daemon, echo, box):
    pidfile = box.dir / "d.pid"
    first = daemon(remotes=[echo], spawnd=f'pidfile = "{pidfile}"')
    conf = box.conf(remotes=[echo], spawnd=f'pidfile = "{pidfile}"')
    done = box.run("-f", conf.path)
    assert done.returncode == 1
    assert str(first.pid) in done.stderr and str(pidfile) in done.stderr
    assert int(pidfile.read_text()) == first.pid
    assert not conf.control.exists()
    roundtrip(first.connect())


def test_second_instance_by_control_socket(daemon, echo, box):
    first = daemon(remotes=[echo])
    inode = first.conf.control.stat().st_ino
    conf = box.conf("second", remotes=[echo], control=first.conf.control)
    done = box.run("-f", conf.path)
    assert done.returncode == 1
    assert f"control: listen on {first.conf.control}: " in done.stderr
    assert first.conf.control.stat().st_ino == inode
    assert first.summary()["pid"] == first.pid
    roundtrip(first.connect())


def test_stale_pid_file_and_control_socket_are_replaced(daemon, echo, box):
    pidfile = box.dir / "d.pid"
    pidfile.write_text("1234567890\n")
    stale = peers.socket.socket(peers.socket.AF_UNIX)
    stale.bind(str(box.dir / "d0.sock"))
    stale.close()
    d = daemon(remotes=[echo], spawnd=f'pidfile = "{pidfile}"')
    assert pidfile.read_text().strip() == str(d.pid)
    assert d.summary()["pid"] == d.pid


def test_addresses_on_the_standard_output(box, echo):
    """A link stays one, and what was in the file before stays there."""
    conf = box.conf("own", remotes=[echo])
    link, out = box.dir / "link", box.dir / "own.out"
    link.symlink_to("/dev/stdout")
    out.write_text("before\n")
    with open(out, "ab") as stdout, open(box.dir / "own.err", "ab") as stderr:
        box.spawn([box.programs["spawnd"], "-A", link, conf.path],
                  stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                  env=box.environment())
    wait(lambda: "web 127.0.0.1:" in out.read_text(), 30, "the addresses")
    assert out.read_text().startswith("before\nweb 127.0.0.1:")
    assert link.is_symlink()


def test_ready_tells_where(daemon, echo):
    """Ten listeners: the first are named, the others counted."""
    d = daemon(remotes=[echo], relay="", listen={
        f"l{i}": 'address = "127.0.0.1" port = 0 relay = app'
        for i in range(10)})
    d.wait_line("ready: 2 workers, 10 listeners")
    line, = d.lines("ready: ")
    first = d.addresses("l0")[0]
    assert f": l0 {first}, l1 127.0.0.1:" in line, line
    assert "l7 127.0.0.1" in line and line.endswith(" and 2 more")


@pytest.mark.parametrize("args, words", [
    (["-L", "8080"], "-L needs a remote: -R host:port"),
    (["-R", "a:1"], "-R needs a listener: -L"),
    (["-L", "1", "-L", "2"], "-L is given twice"),
    (["-L", "1", "-R", "a:1", "x.conf"], "there is no use for x.conf"),
    (["-s", "x.sock"], "-s goes with -L and -R"),
    (["a.conf", "b.conf"], "b.conf is one file too many"),
    (["-i", "-b"], "-i goes with neither -b nor -p"),
    (["-c", "x.conf"], "a file is named alone"),
    (["-Z"], "unknown option: -Z"), (["--nope"], "unknown option: --nope"),
    (["-p"], "something is missing behind -p")],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_usage_errors_say_why(box, args, words):
    done = box.run(*args)
    assert done.returncode == 2
    reason, usage = done.stderr.split("\n", 1)
    assert reason.startswith("spawnd: ") and words in reason
    assert usage.startswith("usage:")


@pytest.mark.parametrize("args, words", [
    (["--help"], "--version"), (["-h"], "-p file"),
    (["--version"], "spawnd "), (["-V"], "configuration: ")],
    ids=lambda a: a[0])
def test_help_and_version(box, args, words):
    done = box.run(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_bad_event_mechanism(echo, box):
    conf = box.conf(remotes=[echo])
    done = box.run("-f", conf.path, env={"SPAWND_EVENT": "magic"})
    assert done.returncode == 1 and "magic" in done.stderr
    assert_nothing_left(box, conf.control)


def test_descriptors_that_were_open_at_the_start_are_not_kept(
        daemon, echo, box):
    """Neither the master nor workers hold what they inherited."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    conf = box.conf(remotes=[echo])
    addrs = box.dir / "addrs"
    with open(box.dir / "extra.log", "w") as log:
        proc = box.spawn([box.programs["spawnd"], "-f", "-A", addrs,
                          conf.path], close_fds=False, stderr=log,
                         env=box.environment())
    os.close(write)
    wait(addrs.exists, 10, "serving")
    pipe = os.stat(read).st_ino
    held = [(name, fd)
            for pid, (state, name) in descendants(os.getpid()).items()
            if name in ("spawnd", "relay", "logger")
            for fd in os.listdir(f"/proc/{pid}/fd")
            if os.readlink(f"/proc/{pid}/fd/{fd}") == f"pipe:[{pipe}]"]
    os.close(read)
    assert not held, held
    assert alive(proc.pid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can drop")
def test_privileges_are_dropped(daemon, echo, box):
    """Workers and the logger are nobody in an empty root; the master stays
    root, to bind and to start workers."""
    empty = box.dir / "empty"
    empty.mkdir(mode=0o755)
    d = daemon(remotes=[echo], env={"ASAN_OPTIONS": "detect_leaks=0"},
               spawnd=f'user = nobody chroot = "{empty}"')
    roundtrip(d.connect())
    for pid in d.kids():
        assert status_field(pid, "Uid") == ["65534"] * 4
        assert status_field(pid, "Gid") == ["65534"] * 4
        assert set(status_field(pid, "Groups")) <= {"65534"}
        for kind in ("CapEff", "CapPrm"):
            assert int(status_field(pid, kind)[0], 16) == 0
        assert status_field(pid, "NoNewPrivs") == ["1"]
        assert os.readlink(f"/proc/{pid}/root") == str(empty)
        assert os.readlink(f"/proc/{pid}/cwd") in ("/", str(empty))
    assert status_field(d.pid, "Uid") == ["0"] * 4
    # All that a start can do, a reload and a new worker must do as well.
    d.reload()
    roundtrip(d.connect())
    d.deaths = True
    victim = d.kids()[0]
    d.kill(signal.SIGKILL, victim)
    wait(lambda: len(d.workers("ready")) == 2 and victim not in d.kids(), 5,
         "the new worker")
    assert {status_field(w["pid"], "Uid")[0]
            for w in d.workers("ready")} == {"65534"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can drop")
def test_unknown_user(echo, box):
    conf = box.conf(remotes=[echo], spawnd="user = nobody-of-that-name")
    start_fails(box, conf, words=["nobody-of-that-name"])


def test_listening_ends_with_the_master(daemon, echo):
    d = daemon(remotes=[echo])
    port = d.port()
    assert listening(port)
    d.stop()
    assert not listening(port)
