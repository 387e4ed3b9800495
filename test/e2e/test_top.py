"""spawnctl top: as text, and on the screen of a terminal."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import alive, wait
from peers import roundtrip

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")


class Screen:
    """A terminal of tmux's, with spawnctl top in it."""

    def __init__(self, box, daemon, columns, rows):
        self.name = str(box.dir / "tmux")
        self.daemon = daemon
        # Who has seen its end tells of it on the screen.
        self.tmux("-f", os.devnull, "new-session", "-d", "-x", str(columns),
                  "-y", str(rows), "env", "LC_ALL=C.UTF-8", "sh", "-c",
                  'trap : INT; "$@"; echo "ended with $?"; exec sleep 600',
                  "sh", f"{box.programs['spawnctl']}", "-s",
                  daemon.conf.control, "top", "every", "100ms")

    def tmux(self, *args):
        env = {k: v for k, v in os.environ.items() if k != "TMUX"}
        done = subprocess.run(["tmux", "-S", self.name, *map(str, args)],
                              text=True, capture_output=True, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def lines(self):
        return self.tmux("capture-pane", "-p").splitlines()

    def line(self, *parts):
        """The first line in which all of them match; waits for it."""
        found = []

        def look():
            found[:] = [line for line in self.lines()
                        if all(re.search(part, line) for part in parts)]
            return found

        try:
            wait(look, 30, f"a line with {parts}")
        except AssertionError:
            print("\n".join(self.lines()))
            raise
        return found[0]

    def close(self):
        pid = int(self.tmux("display", "-p", "#{pid}"))
        self.tmux("kill-server")
        wait(lambda: not alive(pid), 30, "the end of tmux")
        os.unlink(self.name)


@pytest.fixture
def screen(box):
    screens = []

    def begin(daemon, columns=100, rows=40):
        screens.append(Screen(box, daemon, columns, rows))
        return screens[-1]

    yield begin
    for one in screens:
        one.close()


def test_prints_what_there_is(daemon, echo, box):
    d = daemon(remotes=[echo, echo])
    clients = [roundtrip(d.connect(), b"x" * 1000) for _ in range(3)]
    d.wait_sessions(3)
    text = d.ctl("top", "-n", "1", "every", "100ms").stdout
    assert "\033" not in text and all(line == line.rstrip()
                                      for line in text.splitlines())
    assert re.search(r"sessions 3  \[", text)
    assert re.search(r"^listeners 1 ", text, re.M)
    assert re.search(r"^web +127\.0\.0\.1:\d+ ", text, re.M)
    assert re.search(r"^remotes 2 ", text, re.M)
    assert re.search(r"^127\.0\.0\.1 +3 ", text, re.M)
    assert len(re.findall(r"^[0-9a-f]+-[0-9a-f]+ +127\.0\.0\.1:\d+ .* relay ",
                          text, re.M)) == 3
    assert f"pid {d.pid}" in text
    twice = d.ctl("top", "every", "100ms", "count", "2").stdout
    assert twice.count("spawnd ") == 2
    assert all(f"{worker['pid']} " in twice for worker in d.workers())
    done = d.ctl("top", check=False)
    assert done.returncode == 1
    assert "-n 1" in done.stderr
    for wrong in ["every", "1ms"], ["no", "1"], ["-n", "0"]:
        assert d.ctl("top", *wrong, check=False).returncode == 2
    for client in clients:
        client.close()


def test_prints_nothing_of_who_is_gone(daemon, echo, box):
    d = daemon(remotes=[echo])
    d.stop()
    done = d.ctl("top", "-n", "1", check=False)
    assert done.returncode == 1
    assert "is spawnd running" in done.stderr
    assert done.stdout == ""


@needs_tmux
def test_keys_and_sizes(daemon, echo, screen):
    d = daemon(remotes=[echo, echo])
    s = screen(d)
    clients = [roundtrip(d.connect()) for _ in range(5)]
    s.line(r"^>sessions 5 ")
    s.line(r"^listeners 1 ", "address")
    # Narrow and low: what matters most is still there.
    for columns, rows in (40, 12), (20, 5), (3, 2), (160, 50), (80, 24):
        s.tmux("resize-window", "-x", columns, "-y", rows)
        wait(lambda: len(s.lines()) == rows, 30, "the size")
        if columns >= 40:
            s.line(r"^>sessions 5 ")
    s.press("Down", "k")
    question = s.line(r"^End session \S+ of \S+\? \[y/N\]")
    s.press("n")
    s.line("^nothing done")
    name = question.split()[2]
    s.press("k", "y")
    s.line("^ended 1 session$")
    s.line(r"^>sessions 4 ")
    d.wait_line(f"session={name}", "why=killed")
    s.press("2", "Down", "d", "y")
    s.line("^done")
    s.line("draining")
    # Whichever is used more stands above.
    assert sorted(r["state"] for r in d.remotes().values()) == \
        ["draining", "up"]
    s.press("e", "y")
    wait(lambda: {r["state"] for r in d.remotes().values()} == {"up"}, 30,
         "enabled")
    old = {worker["pid"] for worker in d.workers()}
    s.press("3", "Down", "d", "y")
    wait(lambda: {w["pid"] for w in d.workers()} - old, 30, "another worker")
    s.press("4", "Down", "k", "y")
    s.line("^ended 4 sessions$")
    d.wait_sessions(0)
    s.press("/", "no-such", "Enter")
    s.line("filter: no-such")
    s.line("^>clients 0$|^>clients 0 ")
    s.press("Escape", "?")
    s.line("kill the session")
    s.press("z", "p")
    s.line("PAUSED")
    s.press("q")
    s.line("^ended with 0$")
    for client in clients:
        client.close()


@needs_tmux
def test_whatever_happens_to_the_daemon(daemon, echo, screen, box):
    d = daemon(remotes=[echo])
    s = screen(d, 120, 30)
    client = roundtrip(d.connect())
    s.line(r"^>sessions 1 ")
    d.reload(remotes=[echo, echo])
    s.line(r"generation 2 ", "reload ok")
    s.line(r"^remotes 2 ")
    assert d.ctl("upgrade").returncode == 0
    roundtrip(client)
    s.line(r"^>sessions 1 ")
    # It does not answer: that is told, and keys go on.
    d.kill(signal.SIGSTOP)
    s.line(r"LOST \d+s ago")
    s.line("^no answer")
    s.press("?")
    s.line("kill the session")
    s.press("?")
    d.kill(signal.SIGCONT)
    wait(lambda: not any("LOST" in line for line in s.lines()), 30, "back")
    client.close()
    s.line(r"^>sessions 0$|^>sessions 0 ")
    d.stop()
    s.line("LOST")
    s.line(r"socket\): (No such file|Connection refused)")
    s.press("C-c")
    s.line(f"^ended with {128 + signal.SIGINT}$")
