"""The files that are installed beside the programs: that they are whole, and
that they fit together."""

import ctypes
import errno
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from harness import ASAN, BUILD, HERE, status_field, wait
from peers import roundtrip
from test_sandbox import has

ETC = BUILD / "etc"
FILES = ["spawnd.service", "spawnd.socket", "spawnd.rc", "spawnd.openbsd.rc",
         "spawnd.logrotate", "spawnd.sysusers", "spawnd.tmpfiles",
         "examples/spawnd.xinetd"]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_to_be_filled_in(name):
    text = (ETC / name).read_text()
    assert not re.search(r"@[A-Za-z_]+@", text)


@pytest.mark.parametrize("name", ["spawnd.service", "spawnd.xinetd"])
def test_programs_are_where_they_are_installed(name):
    text = next(ETC.rglob(name)).read_text()
    makefile = (BUILD / "Makefile").read_text()
    prefix = re.search(r"(?m)^prefix = (.*)$", makefile).group(1)
    paths = re.findall(r"\S*/sbin/spawnd\b", text)
    assert paths and all(path.split("=")[-1] == f"{prefix}/sbin/spawnd"
                         for path in paths)


# The unit

DROPIN = HERE.parent.parent / "etc/examples/unprivileged.dropin"


def text_of_unit(dropin=False):
    return (ETC / "spawnd.service").read_text() + \
        (DROPIN.read_text() if dropin else "")


def unit(dropin=False):
    pairs = (line.split("=", 1) for line in text_of_unit(dropin).splitlines()
             if "=" in line and not line.startswith("#"))
    found = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
        if value == "":
            found[key] = []
    return found


def test_unit_survives_the_end_of_a_worker():
    """Systemd stops the whole service by default."""
    assert unit()["OOMPolicy"] == ["continue"]


def test_unit_can_be_reloaded():
    u = unit()
    assert u["Type"] in (["notify"], ["notify-reload"])
    assert (u["Type"] == ["notify-reload"]) == ("ExecReload" not in u)


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="needs systemd-analyze")
def test_unit_is_understood(box):
    """As systemd reads it, but for programs and pages that need not be
    installed here."""
    path = box.dir / "spawnd.service"
    path.write_text(re.sub(r"=\S*/sbin/spawnd", "=/bin/true",
                           (ETC / "spawnd.service").read_text()))
    done = subprocess.run(["systemd-analyze", "verify", path], text=True,
                          capture_output=True)
    bad = [line for line in done.stderr.splitlines()
           if "spawnd.service" in line and "Command 'man " not in line]
    assert not bad


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="needs systemd-analyze")
@pytest.mark.parametrize("dropin,most", [(False, 2.8), (True, 1.7)],
                         ids=["unit", "unprivileged"])
def test_exposure(box, dropin, most):
    """By what systemd counts; the unit says why it is not less."""
    path = box.dir / "spawnd.service"
    path.write_text(text_of_unit(dropin))
    done = subprocess.run(["systemd-analyze", "security", "--offline=true",
                           path], text=True, capture_output=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd before 250")
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(found.group(1)) <= most, done.stdout


CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
                "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
                "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
                "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
                "SYS_CHROOT"]


def group(name):
    """The calls of a name in SystemCallFilter=."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(["systemd-analyze", "syscall-filter", name],
                          check=True, capture_output=True, text=True)
    words = [line.strip() for line in done.stdout.splitlines()[1:]]
    return {call for word in words if word and not word.startswith("#")
            for call in group(word)}


def calls_of_the_unit(dropin):
    calls = group("@default")
    for line in unit(dropin)["SystemCallFilter"]:
        named = {call for word in line.removeprefix("~").split()
                 for call in group(word)}
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def filter_of_the_unit(dropin=False):
    """A function for preexec; None where there is no systemd, or no
    libseccomp."""
    ALLOW, REFUSE = 0x7fff0000, 0x00050000 | errno.EPERM
    try:
        lib = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    if not shutil.which("systemd-analyze"):
        return None
    lib.seccomp_init.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.seccomp_init(REFUSE))
    numbers = (lib.seccomp_syscall_resolve_name(call.encode())
               for call in calls_of_the_unit(dropin))
    for number in numbers:
        if number != -1:
            lib.seccomp_rule_add_array(ctx, ALLOW, number, 0, None)
    return lambda: lib.seccomp_load(ctx)


def as_the_unit(dropin=False):
    """For preexec: no more rights than the unit leaves."""
    PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
    kept = {CAPABILITIES.index(word.removeprefix("CAP_"))
            for line in unit(dropin)["CapabilityBoundingSet"]
            for word in line.split()}
    prctl = ctypes.CDLL(None).prctl
    for number in range(64):
        if number not in kept:
            prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(int(unit()["UMask"][0], 8))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(ASAN, reason="LeakSanitizer needs more rights")
def test_rights_of_the_unit_are_enough(daemon, echo, box):
    """To bind a low port, to give a socket away, to confine workers, to be nice
    and to signal them."""
    empty = box.dir / "empty"
    empty.mkdir()
    empty.chmod(0o555)
    path = box.dir / "own.sock"
    load = filter_of_the_unit()
    log = box.dir / "own.log"
    sandbox = "require" if has("seccomp") and has("Landlock") else "auto"

    def preexec():
        as_the_unit()
        if load is not None:
            assert load() == 0

    d = daemon(remotes=[echo], preexec=preexec, relay="", env={
        "ASAN_OPTIONS": "detect_leaks=0"}, listen={
        "web": 'address = "127.0.0.9" port = 82 relay = app',
        "own": f'path = "{path}" user = nobody mode = 0660 relay = app'},
        spawnd=f"""user = nobody chroot = "{empty}" drain-timeout = 1s
            sandbox = {sandbox} nice = 3 log {{ to = "{log}" }}""")
    bound = int(status_field(d.pid, "CapBnd")[0], 16)
    assert bound >> len(CAPABILITIES) == 0, "the test itself"
    filters = "0" if load is None else "2"
    assert status_field(d.pid, "Seccomp") == [filters], "the test itself"
    held = roundtrip(d.connect())
    assert path.stat().st_uid != 0
    d.reload()
    # Those from before may end at any moment.
    workers = [w["pid"] for w in d.workers("ready")]
    for pid in workers + d.kids("logger"):
        assert int(status_field(pid, "CapBnd")[0], 16) == 0
    assert os.getpriority(os.PRIO_PROCESS, workers[0]) == \
        min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
    d.kill(signal.SIGUSR2)
    wait(lambda: re.search(r"upgrade: done[^$]*reload: done", log.read_text()),
         30, "the upgrade")
    d.kill(signal.SIGUSR1)
    d.ctl("drain", str(d.workers("ready")[0]["pid"]))
    roundtrip(d.connect()).close()
    d.kill(signal.SIGINT)
    assert d.wait_end() == 0
    held.close()


def as_user(name, capability):
    """For preexec: another user, with that one right of root's."""
    PR_SET_KEEPCAPS, PR_CAP_AMBIENT, RAISE = 8, 47, 2
    VERSION_3 = 0x20080522
    number = CAPABILITIES.index(capability)
    user = pwd.getpwnam(name)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    head = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*[1 << number] * 3)
    assert libc.capset(head, data) == 0
    assert libc.prctl(PR_CAP_AMBIENT, RAISE, number, 0, 0) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(ASAN, reason="LeakSanitizer needs more rights")
def test_unprivileged_is_enough(box, echo):
    """Of what the drop-in leaves, to bind a low port, to confine workers, to
    reload and to upgrade."""
    os.chown(box.dir, pwd.getpwnam("nobody").pw_uid, -1)
    load = filter_of_the_unit(True)
    log = box.dir / "own.log"
    sandbox = "require" if has("seccomp") and has("Landlock") else "auto"

    def preexec():
        as_the_unit(True)
        as_user("nobody", "NET_BIND_SERVICE")
        if load is not None:
            assert load() == 0

    d = box.daemon(remotes=[echo], preexec=preexec, relay="", listen={
        "web": 'address = "127.0.0.9" port = 83 relay = app'},
        spawnd=f"""sandbox = {sandbox} drain-timeout = 1s
            log {{ to = "{log}" }}""")
    assert status_field(d.pid, "Uid") == [str(
        pwd.getpwnam("nobody").pw_uid)] * 4
    roundtrip(d.connect()).close()
    d.reload()
    wait(lambda: len(d.kids()) == 2, 30, "the old workers' end")
    for pid in d.kids() + d.kids("logger"):
        for word in "CapEff", "CapPrm", "CapAmb":
            assert int(status_field(pid, word)[0], 16) == 0, word
    d.kill(signal.SIGUSR2)
    wait(lambda: re.search(r"upgrade: done[^$]*reload: done", log.read_text()),
         30, "the upgrade")
    roundtrip(d.connect()).close()
    d.kill(signal.SIGINT)
    assert d.wait_end() == 0


# Rotation

@pytest.fixture
def rotation(box):
    """The file for logrotate, with its places in the test's folder, and a
    systemctl that writes down what it is asked. Returns it and an
    environment."""
    text = (ETC / "spawnd.logrotate").read_text()
    run = re.search(r"-s (\S+)/spawnd\.pid", text).group(1)
    text = text.replace(f"{run}/spawnd.pid", f"{box.dir}/keep.pid")
    text = text.replace("/var/log/spawnd/", f"{box.dir}/logs/")
    (box.dir / "logs").mkdir()
    (box.dir / "rotate.conf").write_text(text)
    tools = box.dir / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text(f"""#!/bin/sh
[ -e {box.dir}/active ] || exit 3
echo "$@" >>{box.dir}/asked
""")
    (tools / "systemctl").chmod(0o755)
    return text, dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}")


def postrotate(rotation):
    text, env = rotation
    script = text.split("postrotate", 1)[1].split("endscript")[0]
    return subprocess.run(["sh", "-c", script], env=env, text=True,
                          capture_output=True)


def test_rotation_of_a_service(rotation, box):
    (box.dir / "active").touch()
    assert postrotate(rotation).returncode == 0
    asked = (box.dir / "asked").read_text().splitlines()
    assert asked[-1] == "kill -s USR1 --kill-who=main spawnd"


def test_rotation_that_reaches_nobody_says_so(rotation):
    done = postrotate(rotation)
    assert done.returncode == 1 and "spawnd" in done.stderr


def test_rotation_by_the_pid_file(rotation, daemon, echo, box):
    log = box.dir / "logs" / "web.log"
    d = daemon(remotes=[echo], args=["-p", box.dir / "keep.pid"],
               spawnd=f'log {{ to = "{log}" }}')
    roundtrip(d.connect()).close()
    wait(lambda: " why=" in log.read_text(), 30, "a line")
    log.rename(f"{log}.1")
    assert postrotate(rotation).returncode == 0
    wait(log.exists, 30, "the new file")


@pytest.mark.skipif(not shutil.which("logrotate"), reason="needs logrotate")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_rotation_by_logrotate(rotation, daemon, echo, box):
    """The daemon has no pid file and is no service, as one that a shell has
    started: the new file is used nevertheless."""
    log = box.dir / "logs" / "web.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{log}" }}')
    roundtrip(d.connect()).close()
    wait(lambda: " why=" in log.read_text(), 30, "a line")
    done = subprocess.run(["logrotate", "-f", "-s", box.dir / "state",
                           box.dir / "rotate.conf"], env=rotation[1],
                          text=True, capture_output=True)
    assert done.returncode == 1 and "spawnd.logrotate" in done.stderr

    def followed():
        roundtrip(d.connect()).close()
        return log.exists() and " why=" in log.read_text()

    wait(followed, 30, "a line in the new file", 0.1)


# Examples

@pytest.mark.parametrize("name", sorted(
    path.name for path in (HERE.parent.parent / "etc/examples").glob("*.conf")))
def test_examples_are_installed(name):
    assert f"etc/examples/{name}" in (BUILD / "Makefile").read_text()
