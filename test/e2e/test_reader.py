"""The file is read by a program of its own: what that takes, and what it is
kept away from."""

import os
import pwd
import signal
import socket
import subprocess

import pytest

import peers
from harness import ASAN, HERE, SLOW, Box, alive, box_program, wait
from peers import roundtrip
from test_start import bad_libexec

preloads = pytest.mark.skipif(ASAN, reason="ASan wants to be loaded first")


class Names:
    """What the processes ask the name services, and how long that takes."""

    def __init__(self, box, library):
        self.hold = box.dir / "hold"
        self.told = []
        self.path = path = box.dir / "names"
        self.log = socket.socket(socket.AF_UNIX)
        self.log.bind(str(path))
        path.chmod(0o666)
        self.log.listen(1000)
        self.log.setblocking(False)
        self.env = {"LD_PRELOAD": str(library), "NAMES_LOG": str(path),
                    "NAMES_HOLD": str(self.hold)}

    def slow(self):
        self.take()
        self.told = [line for line in self.told if "waits" not in line]
        self.hold.touch()

    def take(self):
        while True:
            try:
                caller, _ = self.log.accept()
            except BlockingIOError:
                return
            with caller, caller.makefile() as lines:
                self.told += lines.read().splitlines()

    def waits(self):
        self.take()
        return any("waits" in line for line in self.told)

    def asked(self):
        self.take()
        return [line for line in self.told if "waits" not in line]

    def close(self):
        self.hold.unlink(missing_ok=True)
        self.log.close()
        self.path.unlink()


@pytest.fixture
def names(box):
    library = Box.base / "libexec" / "names.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall",
                        "-D_GNU_SOURCE", "-o", str(library),
                        str(HERE / "names.c"), "-ldl"], check=True)
    return box.closing(Names(box, library))


def slow_remote(echo):
    return f'address = "slow.test" port = {echo.port}'


# What it is kept away from

@preloads
def test_end_of_a_session_is_not_held_up(daemon, echo, names, box):
    """A client that was accepted in the turn in which the reading began: its
    socket must not be open anywhere but in its worker."""
    d = daemon(remotes=[slow_remote(echo)], env=names.env)
    names.slow()
    d.kill(signal.SIGSTOP)
    client = box.connect(d.address())
    client.sendall(b"to the end")
    client.shutdown(socket.SHUT_WR)
    d.kill(signal.SIGHUP)
    d.kill(signal.SIGCONT)
    wait(names.waits, 30, "the reading")
    client.settimeout(30)
    got = b""
    while data := client.recv(100):
        got += data
    assert got == b"to the end"
    assert names.hold.exists() and not d.lines("reload:")
    names.hold.unlink()
    d.wait_line("reload: done")


@preloads
def test_reader_has_nothing_else_open(daemon, echo, names):
    d = daemon(remotes=[slow_remote(echo)], env=names.env)
    clients = [roundtrip(d.connect()) for _ in range(3)]
    names.slow()
    d.kill(signal.SIGHUP)
    wait(names.waits, 30, "the reading")
    reader, = d.kids("reader")
    folder = f"/proc/{reader}/fd"
    open_now = {int(fd): os.readlink(f"{folder}/{fd}")
                for fd in os.listdir(folder)}
    assert sorted(open_now) == [0, 1, 2, 3, 4, 5, 6], open_now
    assert all("memfd:spawnd" in open_now[fd] for fd in (3, 4, 5, 6)), \
        open_now
    names.hold.unlink()
    d.wait_line("reload: done")
    assert all(peers.answers(c) for c in clients)


@preloads
def test_only_the_reader_asks_for_names(daemon, echo, names, box):
    d = daemon(remotes=[slow_remote(echo)], env=names.env,
               spawnd='user = "nobody"' if os.geteuid() == 0 else
               f'user = "{pwd.getpwuid(os.getuid()).pw_name}"')
    roundtrip(d.connect()).close()
    d.reload(relay="retire = 1")
    for _ in range(4):
        roundtrip(d.connect()).close()
    d.ctl("upgrade")
    wait(lambda: d.summary()["generation"] == 3, 30, "the upgrade")
    roundtrip(d.connect()).close()
    asked = names.asked()
    assert "reader getaddrinfo" in asked and "reader getpwnam" in asked
    assert {line.split()[0] for line in asked} == {"reader"}, asked


def test_programs_do_not_parse():
    """Whoever accepts or relays cannot even: the parts are not in it."""
    for name in ("spawnd", "relay"):
        done = subprocess.run(["nm", "-D", str(box_program(name))], text=True,
                              capture_output=True)
        if done.returncode != 0:
            pytest.skip(done.stderr)
        used = {line.split()[-1].split("@")[0]
                for line in done.stdout.splitlines() if line}
        bad = {word for word in used if word.startswith("cfg_") or word in (
            "getaddrinfo", "getpwnam", "getpwuid", "getgrnam")}
        assert not bad, f"{name}: {bad}"


# How long it takes

@preloads
def test_all_goes_on_while_it_reads(daemon, echo, names):
    d = daemon(remotes=[slow_remote(echo)], env=names.env)
    names.slow()
    d.kill(signal.SIGHUP)
    wait(names.waits, 30, "the reading")
    roundtrip(d.connect()).close()
    assert d.summary()["generation"] == 1
    names.hold.unlink()
    d.wait_line("reload: done")


@preloads
def test_stop_while_it_reads_answers_who_asked(daemon, echo, names):
    """The reload is given up at once, although the sessions go on."""
    d = daemon(remotes=[slow_remote(echo)], env=names.env)
    client = roundtrip(d.connect())
    names.slow()
    asker = d.box.spawn([box_program("spawnctl"), "-s", d.conf.control,
                         "reload"], stderr=subprocess.PIPE, text=True)
    wait(names.waits, 30, "the reading")
    d.kill(signal.SIGTERM)
    assert asker.wait(30) == 1
    assert "stopping" in asker.stderr.read()
    assert alive(d.pid) and peers.answers(client)
    wait(lambda: not d.kids("reader"), 30, "the reader's end")
    late = d.ctl("reload", check=False)
    assert late.returncode == 1 and "stopping" in late.stderr
    client.close()
    assert d.wait_end() == 0


@preloads
@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_stop_while_the_first_start_reads(box, echo, names, signo):
    names.slow()
    d = box.daemon(remotes=[slow_remote(echo)], env=names.env, start=False)
    d.launch()
    wait(names.waits, 30, "the reading")
    d.kill(signo)
    assert d.wait_end() == 1
    wait(lambda: "stopped by a signal" in d.output.read_text(), 5, "the reason")


@preloads
def test_interrupt_of_the_command_that_launches(box, echo, names):
    """Who is tired of waiting for the resolver gets no daemon later."""
    names.slow()
    log = box.dir / "lines"
    conf = box.conf(remotes=[slow_remote(echo)],
                    spawnd=f'log {{ to = "{log}" }}')
    proc = box.spawn([box_program("spawnd"), "-b", conf.path],
                     env=dict(box.environment(), **names.env))
    wait(names.waits, 30, "the reading")
    proc.send_signal(signal.SIGINT)
    proc.wait(30)
    names.hold.unlink()
    wait(lambda: log.exists() and "stopped" in log.read_text(), 5, "the end")
    assert "has gone" in log.read_text()


@preloads
def test_reader_does_not_outlive_the_master(box, echo, names):
    names.slow()
    conf = box.conf(remotes=[slow_remote(echo)])
    proc = box.spawn([box_program("spawnd"), "-n", conf.path],
                     env=dict(box.environment(), **names.env))
    wait(names.waits, 30, "the reading")
    proc.kill()
    proc.wait()     # that nothing is left is seen at the end of the test


# What it is and what it says

def test_reader_that_is_missing(box, echo):
    libexec = bad_libexec(box, "reader", "exit 0\n")
    (libexec / "reader").unlink()
    conf = box.conf(remotes=[echo])
    for args in ([], ["-n"], ["-T"]):
        done = box.run(*args, conf.path, libexec=libexec)
        assert done.returncode == 1, args
        for word in (str(libexec / "reader"), "No such file",
                     "SPAWND_LIBEXEC"):
            assert word in done.stderr, done.stderr


@pytest.mark.parametrize("script", [
    "exit 0\n", "exit 1\n", "exit 4\n", "kill -9 $$\n",
    "echo nonsense >&3\nexit 0\n",
    "head -c 100000 /dev/urandom >&3\nexit 0\n"])
def test_reader_that_cannot_be_trusted(daemon, echo, box, script):
    """Nothing of it is believed, and all goes on as it was."""
    bad = bad_libexec(box, "reader", script)
    good = Box.base / "libexec" / "reader"
    text = (bad / "reader").read_text()
    (bad / "reader").unlink()
    (bad / "reader").symlink_to(good)
    d = daemon(remotes=[echo], libexec=bad)
    (bad / "reader").unlink()
    (bad / "reader").write_text(text)
    (bad / "reader").chmod(0o755)
    done = d.ctl("reload", check=False)
    assert done.returncode == 1, done
    assert done.stderr.startswith("error: the configuration could not be ")
    roundtrip(d.connect()).close()
    assert d.summary()["generation"] == 1
    (bad / "reader").unlink()
    (bad / "reader").symlink_to(good)
    d.reload()
    assert d.summary()["generation"] == 2


def test_reader_that_says_very_much(daemon, echo, box):
    """The master does not stand still to log all of it."""
    bad = bad_libexec(box, "reader", f"""read how < {box.dir / "how"}
[ "$how" = good ] && exec {Box.base / "libexec" / "reader"} "$@"
yes mistake | head -n 300000 >&4
exit 1
""")
    (box.dir / "how").write_text("good\n")
    d = daemon(remotes=[echo], libexec=bad)
    (box.dir / "how").write_text("bad\n")
    done = d.ctl("reload", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: mistake (and 299999 more)"), done
    d.wait_line("reload: 299000 lines more")
    assert len(d.lines("reload: mistake")) <= 1000
    roundtrip(d.connect()).close()


def test_limits_of_its_own(daemon, echo, box):
    """A limit of the size of files that is lower than the reader's holds, and
    is no reason not to start."""
    d = daemon(remotes=[echo], preexec=limit_files)
    roundtrip(d.connect()).close()


def limit_files():
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))


# Files that are descriptors

def by_descriptor(box, text, *args, name="/dev/fd/{}", **kw):
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    try:
        return box.run(*args, name.format(read), pass_fds=[read], **kw)
    finally:
        os.close(read)


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_check_of_a_descriptor(box, echo, name):
    """As in spawnd -n <(template)."""
    text = box.conf(remotes=[echo]).render()
    done = by_descriptor(box, text, "-n", name=name)
    assert done.returncode == 0, done.stderr
    assert "is good" in done.stdout
    done = by_descriptor(box, text, "-T", name=name)
    assert done.returncode == 0 and "relay app {" in done.stdout
    done = by_descriptor(box, "relay {\n", "-n", name=name)
    assert done.returncode == 1 and done.stderr.startswith("/"), done.stderr


def test_service_of_a_descriptor_is_refused(box, echo):
    """It could not be read again."""
    text = box.conf(remotes=[echo]).render()
    done = by_descriptor(box, text, "-f")
    assert done.returncode == 2
    assert "read once" in done.stderr and "/dev/fd/" in done.stderr


def test_service_of_the_standard_input(box, echo):
    """A file there can be read as often as is wanted."""
    conf = box.conf(remotes=[echo])
    addrs = box.dir / "addrs"
    with open(conf.path) as file:
        proc = box.spawn([box_program("spawnd"), "-f", "-A", addrs,
                          "/dev/stdin"], stdin=file, env=box.environment())
    wait(addrs.exists, 30, "serving")
    done = box.run("-s", conf.control, "reload", program="spawnctl")
    assert done.returncode == 0, done.stderr
    proc.terminate()
    assert proc.wait(30) == 0


# What it spares the master

@pytest.mark.alone
def test_many_remotes_cost_the_master_little(daemon, box):
    """To parse 9,000 kept it from everything else for more than a second."""
    remotes = "\n".join(
        f'remote r{n} {{ address = "127.1.{n >> 8}.{n & 255}" port = 9 }}'
        for n in range(9000))
    d = daemon(relay=remotes, spawnd="start-timeout = 60s")
    before = cpu_ms(d.pid)
    done = box.run("-s", d.conf.control, "reload", program="spawnctl",
                   timeout=60)
    assert done.returncode == 0, done.stderr
    spent = cpu_ms(d.pid) - before
    print(f"{spent:.1f} ms")
    assert spent < 200 * SLOW


def cpu_ms(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e6
