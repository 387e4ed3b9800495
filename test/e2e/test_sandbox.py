"""What a worker, the logger and the reader cannot do any more: seen from
outside, and tried by hostile code in it (../attack/hostile.c)."""

import errno
import os
import pty
import pwd
import re
import shutil
import signal
import socket
import subprocess

import pytest

import peers
from harness import (AS_ROOT, ASAN, HERE, Box, alive, box_program, children,
                     has_status, status_field, wait)
from test_logtargets import Logger
from test_reader import names, slow_remote  # noqa: F401
from test_start import roundtrip, start_fails

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="not Linux")

plain = pytest.mark.skipif(
    ASAN, reason="a sanitizer looks into itself and into /proc")

# What fails, and how it fails: by the list of calls, or by Landlock where it
# is not the call that is wrong.
FAILS = ["open", "create", "unlink", "chmod", "netlink", "datagram", "bind",
         "owner", "silence", "disconnect", "filter", "dumpable", "shared",
         "code", "mprotect", "limit"]
ENDS = ["exec", "fork", "ptrace", "memory", "listen", "sendmsg", "memfd",
        "ring", "namespace", "root"]


@pytest.fixture(autouse=True)
def as_installed(box):
    box.sandbox = None


def has(word):
    done = subprocess.run([str(Box.programs["spawnd"]), "-V"],
                          capture_output=True, text=True)
    return word in done.stdout


@pytest.fixture
def seccomp():
    if not has("seccomp"):
        pytest.skip("built without libseccomp")


@pytest.fixture
def landlock():
    if not has("Landlock"):
        pytest.skip("a kernel without Landlock")


@pytest.fixture(scope="module")
def library(programs):
    path = Box.base / "libexec" / "hostile.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall",
                    "-Wno-unused-parameter", "-D_GNU_SOURCE", "-o", str(path),
                    str(HERE.parent / "attack/hostile.c"), "-ldl"],
                   check=True)
    return path


def deaf(sock):
    """An echo, but not of attacks."""
    while data := sock.recv(1000):
        if not data.startswith(b"attack "):
            sock.sendall(data)


@pytest.fixture
def hostile(box, backend, library):
    """hostile(spawnd="..."): a daemon with hostile code in its workers."""
    def make(**parts):
        return box.daemon(remotes=[backend(deaf)],
                          env={"LD_PRELOAD": str(library),
                               "HOSTILE_SECRET": "x"}, **parts)
    return make


def status(pid, key):
    return " ".join(status_field(pid, key))


def attack(d, name, number=0):
    """The errno of the attack, 0 if it worked, None if nothing came back."""
    client = d.connect()
    client.sendall(f"attack {name} {number}\n".encode())
    answer = b""
    try:
        while not answer.endswith(b"\n"):
            more = client.recv(100)
            if not more:
                return None
            answer += more
    except ConnectionError:
        return None
    finally:
        client.close()
    word, number = answer.split()
    assert word == name.encode()
    return int(number)


def test_a_worker_has_nothing(daemon, echo, seccomp):
    d = daemon(remotes=[echo])
    roundtrip(d.connect())
    for pid in d.kids():
        assert status(pid, "Seccomp") == "2"
        assert status(pid, "NoNewPrivs") == "1"
        for word in "CapInh", "CapPrm", "CapEff", "CapAmb":
            assert int(status(pid, word), 16) == 0, word
        if os.getuid() == 0:
            assert int(status(pid, "CapBnd"), 16) == 0
    assert "seccomp" in d.summary()["sandbox"]


@plain
def test_a_worker_of_another_user_has_nothing(daemon, echo, seccomp):
    if os.getuid() != 0:
        pytest.skip("only root can change the user")
    d = daemon(remotes=[echo], spawnd='user = "nobody"')
    roundtrip(d.connect())
    for pid in d.kids():
        assert status_field(pid, "Uid") == ["65534"] * 4
        assert status(pid, "Seccomp") == "2"
        for word in "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd":
            assert int(status(pid, word), 16) == 0, word


def users_of(d):
    """None if one has ended meanwhile."""
    try:
        return {uid for pid in d.kids() for uid in status_field(pid, "Uid")}
    except (FileNotFoundError, ProcessLookupError):
        return None


def nobody():
    for name in "_spawnd", "nobody":
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    pytest.skip("there is neither user")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change the user")
def test_workers_of_root_are_not_root(box, daemon, echo):
    user = nobody()
    d = daemon(remotes=[echo])
    roundtrip(d.connect()).close()
    assert users_of(d) == {str(user.pw_uid)}
    d.wait_line(f"workers run as user {user.pw_name}")
    text = box.run("-T", d.conf.path).stdout
    assert f'user = "{user.pw_name}"\n' in text
    same = box.dir / "same.conf"
    same.write_text(text)
    assert box.run("-T", same).stdout == text
    d.reload(spawnd="user = root")
    wait(lambda: users_of(d) == {"0"}, 30, "workers of root")
    said = d.wait_line("warning: ", "user root: workers")
    assert all(line.count("warning: ") == 1 for line in said)
    d.reload(spawnd="")
    wait(lambda: users_of(d) == {str(user.pw_uid)}, 30, "those of nobody")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can stay root")
def test_workers_stay_root_if_that_is_said(box, echo):
    conf = box.conf(remotes=[echo], spawnd="user = root")
    done = box.run("-n", conf.path)
    assert done.returncode == 0
    assert "warning: user root: workers" in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="for who is not root")
def test_workers_of_another_are_as_they_were(box, echo):
    conf = box.conf(remotes=[echo])
    assert "# user is not set" in box.run("-T", conf.path).stdout


@pytest.mark.rights
@pytest.mark.skipif(os.getuid() != 0, reason="only root may look")
def test_a_worker_holds_no_file(daemon, echo):
    """Sockets, pipes, what events come by, /dev/null, and memory."""
    d = daemon(remotes=[echo])
    client = roundtrip(d.connect())
    kinds = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/memfd:")
    for pid in d.kids():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            assert target.startswith(kinds), target
    client.close()


@plain
@pytest.mark.parametrize("name", FAILS)
def test_what_fails(hostile, seccomp, name):
    d = hostile()
    assert attack(d, name) in (errno.EPERM, errno.EACCES)
    roundtrip(d.connect())


@plain
def test_the_environment_is_not_its_own(hostile):
    assert attack(hostile(spawnd="sandbox = off"), "environ") == errno.EACCES


@plain
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give rights")
def test_rights_of_the_file_are_not_the_callers(box, echo):
    """Who starts a set-group-id binary does not say what that executes."""
    conf = box.conf(remotes=[echo])
    conf.path.chmod(0o644)
    program = box.dir / "spawnd"
    shutil.copy(box_program("spawnd"), program)
    words = []
    for mode in 0o755, 0o2755:
        os.chown(program, 0, 1)
        program.chmod(mode)
        done = subprocess.run(
            [str(program), "-n", str(conf.path)], text=True,
            capture_output=True, user=65534, group=65534, extra_groups=[],
            env={"SPAWND_LIBEXEC": "/of/the/caller"})
        assert done.returncode == 1
        words.append("/of/the/caller/reader" in done.stderr)
    assert words == [True, False]


@plain
def test_a_worker_speaks_for_itself_only(hostile):
    d = hostile()
    assert attack(d, "forge", d.pid) == 0
    line, = d.wait_line("forged")
    assert any(f" relay[{pid}]: spawnd[{d.pid}]: forged" in line
               for pid in d.kids()), line


@plain
def test_a_worker_cuts_off_itself_only(hostile):
    """It gets another way to the logger; what was lost is counted, and others
    are heard."""
    d = hostile(spawnd="servers { min = 1 max = 1 } sandbox = off")
    roundtrip(d.connect()).close()
    pid, = d.kids()
    for count in 1, 2:
        assert attack(d, "silence") == 0
        wait(lambda: d.output.read_text().count(
            f"worker {pid} had no way to the logger") == count, 30, "a way")
    roundtrip(d.connect()).close()
    d.wait_line("log lines were dropped")
    client = d.connect()
    mine = f" client=127.0.0.1:{client.getsockname()[1]} "
    roundtrip(client).close()
    d.wait_line(mine)
    assert d.kids() == [pid]


@plain
def test_signals_of_others_fail(hostile, seccomp):
    d = hostile()
    assert attack(d, "kill", d.pid) == errno.EPERM
    for pid in d.kids():
        assert attack(d, "kill", pid) == errno.EPERM


@plain
@pytest.mark.parametrize("name", ENDS)
def test_what_ends_a_worker(hostile, seccomp, name):
    d = hostile()
    d.deaths = True
    workers = set(d.kids())
    assert attack(d, name, d.pid) is None
    wait(lambda: len(d.kids()) == 2 and set(d.kids()) != workers, 5,
         "another worker")
    d.wait_line("signal 31")
    roundtrip(d.connect())


@plain
def test_a_port_that_is_no_remotes(hostile, backend, landlock):
    d = hostile()
    other = backend()
    assert attack(d, "connect", other.port) == errno.EACCES
    roundtrip(d.connect())


@plain
def test_an_abstract_socket(hostile, landlock):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0spawnd-hostile-{os.getpid()}")
        listener.listen(5)
        d = hostile()
        assert attack(d, "abstract", os.getpid()) == errno.EPERM


@plain
def test_off(hostile, backend):
    """What the attacks are without it."""
    d = hostile(spawnd="sandbox = off" + AS_ROOT)
    other = backend()
    for name in "open", "datagram", "listen", "memfd", "shared", "code":
        assert attack(d, name) == 0, name
    assert attack(d, "connect", other.port) == 0
    assert attack(d, "kill", d.pid) == 0
    assert "seccomp" not in d.summary()["sandbox"]
    for pid in d.kids():
        assert status(pid, "Seccomp") == "0"
        assert status(pid, "NoNewPrivs") == "1"


@pytest.mark.rights
@pytest.mark.skipif(os.getuid() != 0, reason="only root may look")
def test_no_terminal(box, echo):
    """On one, none can type into the shell: it is not theirs, and workers do
    not have it at all."""
    conf = box.conf(remotes=[echo])
    addrs = box.dir / "addrs"
    argv = [str(Box.programs["spawnd"]), "-f", "-A", str(addrs),
            str(conf.path)]
    env = box.environment()
    try:
        master, terminal = pty.fork()
    except OSError as why:
        pytest.skip(f"no terminals: {why}")     # no /dev/pts
    if master == 0:
        os.execve(argv[0], argv, env)
    try:
        wait(addrs.exists, 10, "serving")
        for name in "relay", "logger":
            for pid in children(master, name):
                assert os.getsid(pid) == pid
                assert terminal_of(pid) == 0
        for pid in children(master, "relay"):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                assert "/pts/" not in os.readlink(f"/proc/{pid}/fd/{fd}")
        os.write(terminal, b"\x03")
        wait(lambda: os.waitpid(master, os.WNOHANG)[0] == master, 10,
             "the end by the interrupt key")
    finally:
        if alive(master):
            os.kill(master, signal.SIGKILL)
        os.close(terminal)


def terminal_of(pid):
    """The controlling one, 0 if there is none; the name may have blanks."""
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[4])


def test_require(daemon, echo, seccomp, landlock):
    d = daemon(remotes=[echo], spawnd="sandbox = require")
    roundtrip(d.connect())


def test_require_what_is_missing(box, echo):
    if has("seccomp") and has("Landlock"):
        pytest.skip("nothing is")
    conf = box.conf(remotes=[echo], spawnd="sandbox = require")
    start_fails(box, conf, words=["sandbox = require", "lacks"])


def test_it_changes_with_a_reload(daemon, echo, seccomp):
    d = daemon(remotes=[echo])
    for word, mode in ("off", "0"), ("auto", "2"):
        d.reload(spawnd=f"sandbox = {word}")
        wait(lambda: len(d.workers()) == 2, 10, "the old ones' end")
        for worker in d.workers():
            assert status(worker["pid"], "Seccomp") == mode
        roundtrip(d.connect()).close()


def test_a_local_address_can_be_bound(daemon, backend):
    seen = []

    def look(sock):
        seen.append(sock.getpeername()[0])
        peers.echo(sock)

    d = daemon(remotes=[backend(look)],
               relay='local-address = "127.0.0.3"')
    roundtrip(d.connect())
    assert seen == ["127.0.0.3"]


def test_many_ports_are_any_port(daemon, echo):
    """Their list is kept only while it is short."""
    remotes = {f"r{i}": f"address = 127.0.0.1 port = {20000 + i}"
               for i in range(300)}
    remotes["last"] = echo.conf("weight = 256")
    d = daemon(remotes=remotes, relay="balance = roundrobin")
    roundtrip(d.connect()).close()
    assert d.wait_closed()[0]["remote"] == "last"


def test_the_end_by_a_signal_of_its_own(daemon, echo, seccomp):
    """abort(3) works: it is how a fault is seen."""
    d = daemon(remotes=[echo])
    d.deaths = True
    pid = d.kids()[0]
    d.kill(signal.SIGABRT, pid)
    wait(lambda: pid not in d.kids() and len(d.kids()) == 2, 5,
         "another worker")


# The logger

@pytest.mark.rights
@pytest.mark.parametrize("how", ["standard error", "file"])
def test_the_logger_has_nothing(daemon, echo, box, seccomp, how):
    log = box.dir / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}'
               if how == "file" else "")
    roundtrip(d.connect()).close()
    wait(lambda: " why=" in (log if how == "file" else d.output).read_text(),
         30, "a line")
    pid, = d.kids("logger")
    assert status(pid, "Seccomp") == "2"
    assert status(pid, "NoNewPrivs") == "1"
    for word in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status(pid, word), 16) == 0, word
    if os.getuid() == 0:
        assert int(status(pid, "CapBnd"), 16) == 0
        opened = [os.readlink(f"/proc/{pid}/fd/{fd}")
                  for fd in os.listdir(f"/proc/{pid}/fd")]
        files = {path for path in opened if path.startswith("/")}
        assert files <= {"/dev/null", str(d.output), str(log)}, opened
        # The master's orders, its lines, and those of two workers.
        assert sum("socket:" in path for path in opened) == 4, opened


@pytest.mark.skipif(not has_status(), reason="needs libevent")
def test_the_status_process_has_nothing(daemon, echo, seccomp):
    """Not even what others run as, nor anything but what it is given."""
    d = daemon(remotes=[echo], listen={
        "web": 'address = "127.0.0.1" port = 0',
        "status": 'address = "127.0.0.1" port = 0 serve = status'})
    with socket.create_connection(d.address("status"), 60) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"
    pid, = d.kids("status")
    assert status(pid, "Seccomp") == "2"
    assert status(pid, "NoNewPrivs") == "1"
    for word in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status(pid, word), 16) == 0, word
    opened = [os.readlink(f"/proc/{pid}/fd/{fd}")
              for fd in os.listdir(f"/proc/{pid}/fd")]
    files = {path for path in opened if path.startswith("/")}
    assert files <= {"/dev/null", str(d.output)}, opened
    if os.getuid() == 0:
        assert int(status(pid, "CapBnd"), 16) == 0
        assert status_field(pid, "Uid")[0] != "0"


as_root = pytest.mark.skipif(os.getuid() != 0,
                             reason="only root can change the user")
OTHER = "daemon"


def logger_of(d, name):
    """Once that is its user."""
    uid = str(pwd.getpwnam(name).pw_uid)

    def found():
        try:
            return next((pid for pid in d.kids("logger")
                         if status_field(pid, "Uid") == [uid] * 4), None)
        except (FileNotFoundError, ProcessLookupError):
            return None
    return wait(found, 30, f"the logger of {name}")


@as_root
def test_the_logger_is_a_user_of_its_own(daemon, echo, box):
    """The file is in a folder that it may not enter, and followed
    nevertheless."""
    folder = box.dir / "logs"
    folder.mkdir(mode=0o700)
    log = folder / "own.log"
    how = f'log {{ to = "{log}" user = {OTHER} }}'
    d = daemon(remotes=[echo], spawnd=how)
    d.logfile = log

    def followed():
        roundtrip(d.connect()).close()
        return log.exists() and " why=" in log.read_text()

    pid = logger_of(d, OTHER)
    wait(followed, 30, "a line", 0.1)
    assert log.stat().st_uid == 0
    for word in "CapPrm", "CapEff", "CapBnd":
        assert int(status(pid, word), 16) == 0, word
    log.rename(folder / "own.log.1")
    wait(followed, 30, "a line in the new file", 0.1)
    log.unlink()
    wait(followed, 30, "a line in another one", 0.1)
    log.rename(folder / "own.log.2")
    d.kill(signal.SIGUSR1)
    wait(log.exists, 30, "the file that was asked for")
    d.kill(signal.SIGKILL, pid)
    wait(lambda: d.kids("logger") not in ([], [pid]), 30, "another logger")
    pid = logger_of(d, OTHER)
    d.kill(signal.SIGUSR2)
    wait(lambda: "upgrade: done" in log.read_text(), 30, "the upgrade")
    assert logger_of(d, OTHER) == pid
    d.kill(signal.SIGKILL, pid)
    wait(lambda: d.kids("logger") not in ([], [pid]), 30, "another logger")
    logger_of(d, OTHER)
    d.reload(spawnd=f'log {{ to = "{log}" user = root }}')
    logger_of(d, "root")
    wait(followed, 30, "its lines", 0.1)
    assert "cannot be opened" not in log.read_text()


@as_root
def test_the_loggers_user_by_default(box, daemon, echo):
    """Not that of the workers, of whom it would be within reach."""
    def text(spawnd=""):
        conf = box.conf("user", remotes=[echo], spawnd=spawnd)
        return box.run("-T", conf.path).stdout

    try:
        own = pwd.getpwnam("_spawndlog").pw_name
    except KeyError:
        own = None
    named = 'log {[^}]*\n\t\tuser = "{}"\n'
    for spawnd in f"user = {OTHER}", "user = root":
        assert re.search(named.replace("{}", own or "nobody"), text(spawnd))
    if own is None:
        assert not re.search(named.replace("{}", "nobody"),
                             text("user = nobody"))
    d = daemon(remotes=[echo], spawnd=f"user = {OTHER}")
    logger_of(d, own or "nobody")
    d.wait_line(f"workers run as user {OTHER}, the logger as "
                f"{own or 'nobody'}")


@as_root
@plain
@pytest.mark.parametrize("name", ["kill", "ptrace"])
def test_a_worker_does_not_reach_the_logger(hostile, name):
    """Even without its sandbox."""
    d = hostile(spawnd="sandbox = off user = nobody "
                f"log {{ user = {OTHER} }}")
    assert attack(d, name, logger_of(d, OTHER)) == errno.EPERM
    roundtrip(d.connect()).close()


def test_the_loggers_is_off_too(daemon, echo, seccomp):
    """And on again with a reload, as nobody else can start it anew."""
    d = daemon(remotes=[echo], spawnd="sandbox = off")
    wait(lambda: d.kids("logger"), 30, "the logger")
    first, = d.kids("logger")
    assert status(first, "Seccomp") == "0"
    assert status(first, "NoNewPrivs") == "1"
    d.reload(spawnd="sandbox = auto")
    wait(lambda: first not in d.kids("logger") and d.kids("logger"), 30,
         "another logger")
    wait(lambda: all(status(pid, "Seccomp") == "2"
                     for pid in d.kids("logger")), 30, "its sandbox")


@pytest.fixture
def logger(box, library):
    """One with hostile code in it."""
    logger = Logger(box, LD_PRELOAD=str(library))
    logger.sock.send(b"begin")
    logger.wait("begin")
    yield logger
    for sock in logger.writers + [logger.master]:
        sock.close()
    logger.proc.wait(30)


@plain
@pytest.mark.parametrize("name", [name for name in FAILS
                                  if name != "disconnect"])
def test_what_fails_in_the_logger(logger, seccomp, name):
    logger.sock.send(f"attack {name} 0".encode())
    error = int(logger.wait(f": {name} ").split()[-1].rstrip("?"))
    assert error in (errno.EPERM, errno.EACCES)
    logger.sock.send(b"<6>more")
    logger.wait("more")


@plain
def test_the_logger_signals_nobody(logger, seccomp):
    logger.sock.send(f"attack kill {os.getpid()}".encode())
    assert logger.wait(": kill ").rstrip("?").endswith(" 1")


@plain
@pytest.mark.parametrize("name", ENDS)
def test_what_ends_the_logger(logger, seccomp, name):
    logger.sock.send(f"attack {name} {os.getpid()}".encode())
    assert logger.proc.wait(30) == -signal.SIGSYS


def test_the_loggers_file_in_another_folder(daemon, echo, box, landlock):
    """The master opens it, whatever has become of the folder."""
    folder = box.dir / "logs"
    folder.mkdir()
    log = folder / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    wait(log.exists, 30, "the file")
    folder.rename(box.dir / "moved")
    folder.mkdir()

    def followed():
        roundtrip(d.connect()).close()
        return log.exists() and " why=" in log.read_text()

    wait(followed, 30, "a line in the new file", 0.1)
    assert "cannot be opened" not in log.read_text()


# The reader

@plain
def test_the_reader_has_little(daemon, echo, names, seccomp):  # noqa: F811
    """To read as root, and to try ports and files."""
    d = daemon(remotes=[slow_remote(echo)], env=names.env)
    names.slow()
    d.kill(signal.SIGHUP)
    wait(names.waits, 30, "the reading")
    pid, = d.kids("reader")
    assert status(pid, "Seccomp") == "2"
    assert status(pid, "NoNewPrivs") == "1"
    for word in "CapPrm", "CapEff":
        assert int(status(pid, word), 16) & ~(1 << 1 | 1 << 2 | 1 << 10) == 0
    for word in ("CapInh", "CapAmb") + ("CapBnd",) * (os.getuid() == 0):
        assert int(status(pid, word), 16) == 0, word
    names.hold.unlink()
    d.wait_line("reload: done")


# The checker

@pytest.mark.rights
def test_the_checker_has_nothing(daemon, echo, backend, seccomp):
    """And finds out with that whether a remote is well, and after a reload
    again; as the user that workers are now."""
    user = f"user = {OTHER}" if os.getuid() == 0 else ""
    probed = backend(peers.ended)
    check = f"check {{ interval = 100ms timeout = 10s port = {probed.port} }}"
    d = daemon(remotes=[echo.conf(check)], spawnd=f"sandbox = require {user}")
    wait(lambda: d.remotes()["a"]["up"], 30, "the first check")
    pid, = d.kids("checker")
    assert status(pid, "Seccomp") == "2"
    assert status(pid, "NoNewPrivs") == "1"
    for word in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status(pid, word), 16) == 0, word
    if os.getuid() == 0:
        assert status(pid, "Uid").split()[0] == str(pwd.getpwnam(OTHER).pw_uid)
        files = {os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0]
                 for fd in os.listdir(f"/proc/{pid}/fd")}
        assert {path for path in files if path.startswith("/")} <= {
            "/dev/null", str(d.output)}, files
    d.reload(spawnd="sandbox = require")
    if os.getuid() == 0:
        wait(lambda: d.kids("checker") and pid not in d.kids("checker"), 30,
             "another")
    # That it is up is known from before: more than was under way is new.
    seen = len(probed.peers)
    wait(lambda: len(probed.peers) > seen + 1, 30, "another check")
    assert d.remotes()["a"]["up"]
    now, = d.kids("checker")
    assert status(now, "Uid") == status(d.workers("ready")[0]["pid"], "Uid")


def attack_reader(box, library, name):
    conf = box.conf(remotes=[f'address = "attack-{name}.test" port = 80'])
    return subprocess.run(
        [str(Box.programs["spawnd"]), "-n", str(conf.path)],
        env=dict(box.environment(), LD_PRELOAD=str(library)), text=True,
        capture_output=True)


@plain
@pytest.mark.parametrize("name", ["create", "fork", "ring", "namespace",
                                  "root"])
def test_what_fails_in_the_reader(box, library, seccomp, landlock, name):
    done = attack_reader(box, library, name)
    assert done.returncode == 0, done.stderr
    answer, = [line.split() for line in done.stderr.splitlines()
               if line.startswith(f"{name} ")]
    assert int(answer[1]) in (errno.EPERM, errno.EACCES)


@plain
@pytest.mark.parametrize("name", ["exec", "ptrace", "memory"])
def test_what_ends_the_reader(box, library, seccomp, name):
    done = attack_reader(box, library, name)
    assert done.returncode != 0
    assert "could not be read to its end" in done.stderr


# spawnctl

@pytest.fixture
def asked(box, library):
    """asked("answer"): spawnctl with hostile code in it, whom somebody else
    than spawnd answers so; asked(): whom nobody answers yet."""
    path = box.dir / "keep.sock"
    listener = box.closing(socket.socket(socket.AF_UNIX))
    listener.bind(str(path))
    listener.listen()

    def ask(answer=None):
        proc = box.spawn([Box.programs["spawnctl"], "-j", "-s", path,
                          "show", "summary"], stdout=subprocess.PIPE, text=True,
                         env=dict(os.environ, LD_PRELOAD=str(library)))
        sock = box.closing(listener.accept()[0])
        assert sock.recv(100) == b"show summary json\n"
        if answer is None:
            return proc, sock
        sock.sendall(answer.encode())
        sock.shutdown(socket.SHUT_WR)
        return proc, proc.communicate(timeout=30)[0]
    return ask


@plain
def test_spawnctl_has_little(asked, seccomp):
    proc, sock = asked()
    assert status(proc.pid, "Seccomp") == "2"
    assert status(proc.pid, "NoNewPrivs") == "1"
    for word in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status(proc.pid, word), 16) & ~2 == 0, word
    sock.sendall(b"ok\nall is well\n")
    sock.close()
    assert proc.communicate(timeout=30)[0] == "all is well\n"
    assert proc.returncode == 0


@plain
@pytest.mark.parametrize("name", ["open", "create", "unlink", "chmod",
                                  "netlink", "datagram", "bind",
                                  "kill", "shared", "code", "limit"])
def test_what_fails_in_spawnctl(asked, seccomp, name):
    proc, answer = asked(f"ok\nattack {name} {os.getpid()}\n")
    assert proc.returncode == 0
    word, error = answer.split()
    assert word == name and int(error) in (errno.EPERM, errno.EACCES)


@plain
@pytest.mark.parametrize("name", ENDS)
def test_what_ends_spawnctl(asked, seccomp, name):
    proc, answer = asked(f"ok\nattack {name} {os.getpid()}\n")
    assert (proc.returncode, answer) == (-signal.SIGSYS, "")
