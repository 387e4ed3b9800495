"""What the README says of runit, s6 and supervisord, with those of them that
are installed: start, reload, a crash, stop."""

import json
import os
import re
import shutil
import signal

import pytest

import peers
from harness import TOP, alive, free_port, wait
from peers import roundtrip

README = (TOP / "README.md").read_text()
RUN = re.search(r"`/etc/sv/spawnd/run` is\n\n```\n(.*?)```", README,
                re.S).group(1)
COMMAND, WAITS = re.search(r"supervisord it is\s+`command=(.*?)` with "
                           r"`(stopwaitsecs=\d+)`", README, re.S).groups()
EACH = {"runit": ["runsv", "sv"], "s6": ["s6-supervise", "s6-svc"],
        "supervisord": ["supervisord", "supervisorctl"]}


class Manager:
    """One of them, with spawnd as its service."""

    def __init__(self, box, name, conf):
        self.box, self.conf, self.name = box, conf, name
        self.env = box.environment()
        self.folder = box.dir / "spawnd"
        self.folder.mkdir()
        self.log = open(box.dir / "service.log", "w+b")
        argv = self.supervisord() if name == "supervisord" else \
            self.run_file()
        self.process = box.spawn(argv, env=self.env, stdout=self.log,
                                 stderr=self.log, cwd=box.dir)

    def here(self, text):
        """With the names of this test."""
        return text.replace("/usr/local/sbin/spawnd",
                            str(self.box.programs["spawnd"])) \
                   .replace("/etc/spawnd.conf", str(self.conf.path))

    def run_file(self):
        run = self.folder / "run"
        run.write_text(self.here(RUN))
        run.chmod(0o755)
        return [EACH[self.name][0], self.folder]

    def supervisord(self):
        conf = self.box.dir / "supervisord.conf"
        conf.write_text(f"""
[supervisord]
nodaemon = true
logfile = /dev/null
logfile_maxbytes = 0
pidfile = {self.box.dir}/supervisord.pid
[unix_http_server]
file = {self.box.dir}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{self.box.dir}/s.sock
[program:spawnd]
command={self.here(COMMAND)}
{WAITS}
redirect_stderr = true
stdout_logfile = {self.box.dir}/program.log
""")
        return ["supervisord", "-c", conf]

    def tell(self, runit, s6, supervisord):
        """Its own command for that."""
        argv = {"runit": ["sv", *runit, self.folder],
                "s6": ["s6-svc", *s6, self.folder],
                "supervisord": ["supervisorctl", "-c", self.box.dir /
                                "supervisord.conf", *supervisord, "spawnd"]}
        return self.box.spawn(argv[self.name], env=self.env, stdout=self.log,
                              stderr=self.log)

    def ask(self, *what):
        return self.box.run("-s", self.conf.control, *what,
                            program="spawnctl")

    def summary(self):
        done = self.ask("--json", "show", "summary")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


@pytest.fixture(params=sorted(EACH))
def manager(request, box, echo):
    for program in EACH[request.param]:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    port = free_port()
    conf = box.conf(remotes=[echo], spawnd="drain-timeout = 30s",
                    listen=f'address = "127.0.0.1" port = {port}')
    m = box.closing(Manager(box, request.param, conf))
    m.address = ("127.0.0.1", port)
    wait(m.summary, 30, "the start")
    return m


def test_reload_crash_and_stop(manager, box):
    m, before = manager, manager.summary()
    assert alive(before["pid"]) and before["generation"] == 1
    client = roundtrip(box.connect(m.address))

    m.tell(["hup"], ["-h"], ["signal", "HUP"])
    wait(lambda: m.summary()["generation"] == 2, 30, "the reload")
    assert m.summary()["pid"] == before["pid"]
    assert peers.answers(client)

    os.kill(before["pid"], signal.SIGKILL)
    after = wait(lambda: (lambda s: s if s and s["pid"] != before["pid"]
                          else None)(m.summary()), 60, "another master")
    assert peers.answers(client), "workers end their sessions"
    client.close()

    client = roundtrip(box.connect(m.address))
    m.tell(["down"], ["-d"], ["stop"])
    wait(lambda: refused(m.address), 30, "nobody listens")
    assert alive(after["pid"]) and peers.answers(client), "it drains"
    client.close()
    wait(lambda: not alive(after["pid"]), 30, "the end")
    assert m.summary() is None


def test_log_is_opened_anew(manager, box):
    log = box.dir / "file.log"
    manager.conf.change(spawnd=f'log {{ to = "{log}" }}').write()
    assert manager.ask("reload").returncode == 0

    def arrives():
        roundtrip(box.connect(manager.address)).close()
        return log.exists() and log.stat().st_size

    wait(arrives, 30, "a line in the log")
    log.rename(box.dir / "file.log.1")
    manager.tell(["1"], ["-1"], ["signal", "USR1"])
    wait(log.exists, 30, "the new file")


def refused(address):
    try:
        peers.connect(address).close()
    except OSError:
        return True
    return False
