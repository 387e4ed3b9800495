"""Who starts spawnd leaves it signals, limits, descriptors and rights: each is
put right, obeyed, or named in one sentence."""

import ctypes
import os
import resource
import signal
import subprocess

import pytest

from harness import box_program, patience, wait
from peers import roundtrip

ROOT = os.getuid() == 0
NOBODY = 65534


def signals(what):
    """All but those that the C library keeps for itself."""
    def preexec():
        for signo in signal.valid_signals() - {signal.SIGKILL,
                                               signal.SIGSTOP}:
            if what != "held":
                signal.signal(signo, signal.SIG_IGN)
        if what != "ignored":
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    return preexec


def closed(*fds):
    return lambda: [os.close(fd) for fd in fds]


def limit(which, *values):
    return lambda: resource.setrlimit(getattr(resource, f"RLIMIT_{which}"),
                                      values)


def umask(mask):
    return lambda: os.umask(mask)


def without(*capabilities):
    PR_CAPBSET_DROP = 24
    return lambda: [ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, c)
                    for c in capabilities]


def as_nobody(then):
    def preexec():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        then()
    return preexec


SERVES = {
    "ignored": signals("ignored"), "held": signals("held"),
    "ignored-held": signals("both"), "no-stdin": closed(0),
    "no-stdout": closed(1), "no-stdin-stdout": closed(0, 1),
    "no-core": limit("CORE", 0, 0), "no-memlock": limit("MEMLOCK", 0, 0),
    "no-queued-signals": limit("SIGPENDING", 0, 0),
    "descriptors": limit("NOFILE", 64, 64), "umask-none": umask(0),
    "umask-all": umask(0o777),
}


@pytest.mark.parametrize("state", SERVES)
def test_it_serves_all_the_same(daemon, echo, box, state):
    if state == "umask-all" and not ROOT:
        pytest.skip("what it writes can be read by root only")
    d = daemon(remotes=[echo], preexec=SERVES[state],
               spawnd=f'pidfile = "{box.dir}/pid"')
    client = roundtrip(d.connect())
    d.reload()
    d.kill(signal.SIGHUP)
    wait(lambda: d.summary()["generation"] == 3, 10, "the signal's reload")
    d.reloads += 1
    d.kill(signal.SIGUSR2)
    d.reloads += 1
    wait(lambda: d.summary()["generation"] == 4, 20, "the upgrade")
    roundtrip(client).close()
    roundtrip(d.connect()).close()
    for path in (d.addrs, box.dir / "pid", d.conf.control):
        assert path.stat().st_mode & 0o022 == 0, path
    d.stop()
    assert not (box.dir / "pid").exists()


TELLS = {
    "descriptors": (limit("NOFILE", 10, 10), "", "too many open files"),
    "files": (limit("FSIZE", 0, 0), "", "limited as files are"),
    "some-files": (limit("FSIZE", 4096, 4096), "", "limited as files are"),
    "processes": (as_nobody(limit("NPROC", 1, 1)), "", "no more processes"),
    "user": (without(6, 7), 'user = "nobody"', "CAP_SETUID"),
    "chroot": (without(18), 'chroot = "/"', "CAP_SYS_CHROOT"),
}


@pytest.mark.skipif(not ROOT, reason="needs root")
@pytest.mark.parametrize("state", TELLS)
def test_it_tells_what_is_in_the_way(box, state):
    preexec, option, sentence = TELLS[state]
    box.dir.chmod(0o755)
    conf = box.conf(remotes=["port = 1 address = 127.0.0.1"], spawnd=option,
                    control=None)
    done = subprocess.run(
        [str(box_program("spawnd")), "-f", str(conf.path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        preexec_fn=preexec, timeout=patience(30), env=box.environment())
    assert done.returncode == 1
    assert sentence in done.stderr, done.stderr
    assert "cannot start: " in done.stderr, done.stderr
