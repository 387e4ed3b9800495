"""Starts the daemon for a test, watches it, and judges what it leaves."""

import ctypes
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILDDIR") or
                     os.environ.get("SPAWND_BUILD") or
                     TOP / "build").resolve()

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LINE = re.compile(rf"^(?:{STAMP} )?(\w+)\[(\d+)\]: (.*)$")
STAMPED = re.compile(rf"^{STAMP} \w+\[\d+\]: .")
ADDRESS = r"(?:\d+\.\d+\.\d+\.\d+:\d+|\[[0-9a-f:.]+\]:\d+|unix|/\S+)"
SESSION = re.compile(
    r"^session=(?P<session>\S+) listener=(?P<listener>\S+)"
    rf" client=(?P<client>{ADDRESS})"
    rf" remote=(?P<remote>\S+) address=(?P<address>-|{ADDRESS})"
    r" in=(?P<in>\d+) out=(?P<out>\d+) queue=(?P<queue>\d+\.\d{3})"
    r" connect=(?P<connect>\d+\.\d{3}) total=(?P<total>\d+\.\d{3})"
    r"(?: port=(?P<port>\d+))?(?: tag=(?P<tag>\S+))?"
    r"(?: backlog=(?P<backlog>\d+\.\d{3}))?"
    rf"(?: proxy=(?P<proxy>{ADDRESS}))?(?: sni=(?P<sni>\S+))?"
    r"(?: alpn=(?P<alpn>\S+))?(?: tls=(?P<tls>[\w.]+,[\w-]+))?"
    r"(?: user=(?P<user>\S+))?(?: target=(?P<target>\S+))?"
    r"(?: filters=(?P<filters>\S+))?"
    r"(?: rtt_client_us=(?P<rtt_client>\d+) retransmits_client=\d+"
    r" cwnd_client=\d+ unsent_client=\d+)?"
    r"(?: rtt_remote_us=(?P<rtt_remote>\d+) retransmits_remote=\d+"
    r" cwnd_remote=\d+ unsent_remote=\d+)?"
    r" tries=(?P<tries>\d+) end=(?P<end>client|remote|relay)"
    r" why=(?P<why>fin|reset|idle-timeout|half-close-timeout|connect-failed"
    r"|connect-timeout|no-remote|drain-timeout|max-generations|stopped"
    r"|error|memory|handshake-timeout|handshake|proxy-header|limit"
    r"|denied|remote-down|match|fault|program|killed|target-denied"
    r"|target-name)$")
BAD_END = re.compile(r"worker -?\d+ (died|was killed|failed|is stuck"
                     r"|is silent|speaks)")
NEVER = ("fatal", "sanitizer", "runtime error:", "leak", "assert",
         "core dumped", "double free", "corrupt")


def find_program(name):
    for path in (BUILD / "sbin" / name, BUILD / "libexec" / name,
                 BUILD / "test/e2e" / name):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def uses_asan(path):
    return path is not None and b"__asan_init" in path.read_bytes()


ASAN = uses_asan(find_program("spawnd"))
SLOW = 2 if ASAN else 1

# For who sets limits of workers or looks at what root's may do.
IPPROTO_MPTCP = 262

AS_ROOT = " user = root" if os.geteuid() == 0 else ""

# Some watchdog, in ms: a worker that has nothing to do but waits for its turn
# on a busy machine is not stuck.
WATCHDOG = 800 * SLOW


# Whoever waits for something waits at least so long, in s: what is not there
# then does not come, however busy the machine is. Only what fails takes it.
PATIENCE = 30

# What is to happen at once, or when a second is over, has not happened so
# late, in s: by some other limit, or never.
LATE = 20


def patience(seconds):
    return max(seconds * SLOW, PATIENCE)


def wait(condition, deadline=5, what="", interval=0.01):
    """Polls until condition() is true and returns that; fails when late. The
    interval grows, as what is asked costs the machine time as well."""
    limit = patience(deadline)
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what or condition}")
        time.sleep(interval)
        interval = min(interval * 1.2, 0.05)


class Beat:
    """Sleeps between signs of life, and knows how far two were apart."""

    def __init__(self):
        self.last, self.longest = time.monotonic(), 0

    def sleep(self, seconds):
        time.sleep(seconds)
        self.note()

    def note(self):
        now = time.monotonic()
        self.longest = max(self.longest, now - self.last)
        self.last = now


def unpaused(limit, attempt, tries=8):
    """attempt(beat) keeps something from being silent for limit seconds. Where
    a busy machine has made us silent for so long, that it has failed says
    nothing: it is tried again."""
    for _ in range(tries):
        beat = Beat()
        try:
            return attempt(beat)
        except (AssertionError, OSError, EOFError):
            beat.note()
            if beat.longest < 0.8 * limit:
                raise
    raise AssertionError(f"the machine pauses for {limit} s all the time")


# Processes

def become_subreaper():
    """What a dead master leaves becomes a child of this process, and is so
    found however it hides."""
    PR_SET_CHILD_SUBREAPER = 36
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def proc_stat(pid):
    """Name and the fields after it of /proc/PID/stat, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, rest = text.split("(", 1)[1].rsplit(")", 1)
    return name, rest.split()


def proc_table():
    """pid -> (parent, state, name)"""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = proc_stat(entry)
            if stat:
                table[int(entry)] = (int(stat[1][1]), stat[1][0], stat[0])
    return table


def soon(condition, seconds):
    """True if condition() becomes true within so long."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return bool(value)


def descendants(root):
    table = proc_table()
    found, todo = {}, [root]
    while todo:
        parent = todo.pop()
        for pid, (ppid, state, name) in table.items():
            if ppid == parent and pid not in found:
                found[pid] = (state, name)
                todo.append(pid)
    return found


def drop_sys_resource():
    """For preexec: root without the right to raise its limits."""
    PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE)


def new_network():
    """For a thread: a network with nothing but a loopback interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def become(host, number=1):
    """The loopback interface of such a network gets that address, too, and no
    others of its net."""
    SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891c
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for what, ip in ((SIOCSIFADDR, host),
                         (SIOCSIFNETMASK, "255.255.255.255")):
            fcntl.ioctl(sock, what, struct.pack(
                "16sHH4s8x", b"lo:%d" % number, socket.AF_INET, 0,
                socket.inet_aton(ip)))


def children(pid, name=None):
    return sorted(p for p, (ppid, state, comm) in proc_table().items()
                  if ppid == pid and state != "Z" and name in (None, comm))


def alive(pid):
    stat = proc_stat(pid)
    return stat is not None and stat[1][0] != "Z"


def cpu_ticks(pid):
    fields = proc_stat(pid)[1]
    return int(fields[11]) + int(fields[12])


def cpu_ticks_over(pids, seconds):
    """The CPU time that pids use in the coming seconds, in ticks."""
    before = {pid: cpu_ticks(pid) for pid in pids}
    time.sleep(seconds)
    return sum(cpu_ticks(pid) - before[pid] for pid in pids)


def fd_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def status_field(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return line.split(":", 1)[1].split()
    raise KeyError(key)


def is_confined():
    """Is this root without rights that it has outside of containers?"""
    CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_SYS_ADMIN = 12, 19, 21
    needed = 1 << CAP_NET_ADMIN | 1 << CAP_SYS_PTRACE | 1 << CAP_SYS_ADMIN
    has = int(status_field("self", "CapEff")[0], 16)
    return os.geteuid() == 0 and has & needed != needed


def private_kib(pid):
    """Memory of its own that it has written to, in KiB. What it has not is
    shared with whoever runs the same program, and so depends on others."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith("Private_Dirty:"))


def listeners_of(family):
    """(port, inode, backlog) of each listening socket. By netlink: reading
    /proc/net/tcp takes seconds while many connections are in TIME_WAIT."""
    NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, TCP_LISTEN = 4, 20, 10
    NLM_F_REQUEST_DUMP, NLMSG_DONE = 0x301, 3
    request = struct.pack("=IHHIIBBxxI48x", 72, SOCK_DIAG_BY_FAMILY,
                          NLM_F_REQUEST_DUMP, 1, 0, family,
                          socket.IPPROTO_TCP, 1 << TCP_LISTEN)
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_SOCK_DIAG) as sock:
        sock.send(request)
        while True:
            data = sock.recv(1 << 20)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_DONE:
                    return found
                port, = struct.unpack_from(">H", data, 20)
                backlog, uid, inode = struct.unpack_from("=III", data, 76)
                found.append((port, inode, backlog))
                data = data[(size + 3) & ~3:]


def listening(port):
    """Inodes of the IPv4 sockets that listen on port."""
    return sorted(inode for at, inode, backlog in
                  listeners_of(socket.AF_INET) if at == port)


_names = []


def free_port():
    """A port for who cannot choose one itself, out of those that the kernel
    never chooses. A name marks it as taken while this process lives: no other
    test gets it, be it of a file that runs at the same time."""
    for port in range(10000 + os.getpid() % 20000, 32000):
        name, probe = socket.socket(socket.AF_UNIX), socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            name.bind(f"\0spawnd-e2e-port-{port}")
            probe.bind(("", port))
        except OSError:
            name.close()
            continue
        finally:
            probe.close()
        _names.append(name)
        return port
    raise AssertionError("no free port")


def has_protocol(number):
    """Does this kernel have such streams?"""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, number).close()
        return True
    except OSError:
        return False


def free_ports(count):
    """The first of so many in a row."""
    got = [free_port() for _ in range(count)]
    while got != list(range(got[0], got[0] + count)):
        got = [*got[1:], free_port()]
    return got[0]


# Configuration

class Conf:
    """The text of a configuration file, as parts that a test changes."""

    def __init__(self, box, name):
        self.path = box.dir / f"{name}.conf"
        self.listen = {"web": 'address = "127.0.0.1" port = 0'}
        self.control = box.dir / f"{name}.sock"
        self.io, self.sandbox, self.tls = box.io, box.sandbox, box.tls
        self.single = box.single
        self.spawnd = ""
        self.relay = ""
        self.remotes = {}
        self.extra = ""
        self.text = None

    def change(self, **parts):
        for key, value in parts.items():
            if not hasattr(self, key):
                raise TypeError(key)
            if key == "remotes":
                value = name_remotes(value)
            if key == "listen" and not isinstance(value, dict):
                value = {"web": value}
            setattr(self, key, value)
        return self

    def render(self):
        if self.text is not None:
            return self.text
        lines = ["spawnd {"]
        for name, text in self.listen.items():
            text += " tls = site" if self.tls else ""
            lines.append(f"    listen {name} {{ {text} }}")
        if self.control:
            lines.append(f'    control = "{self.control}"')
        if self.sandbox and "sandbox = " not in self.spawnd:
            lines.append(f"    sandbox = {self.sandbox}")
        lines += [self.whole(), "}", "relay app {"]
        for name, text in self.remotes.items():
            lines.append(f"    remote {name} {{ {text} }}")
        if self.io and "io = " not in self.relay:
            lines.append(f"    io = {self.io}")
        lines += [self.relay, "}", self.extra, ""]
        if self.tls:
            lines.append(f'tls site {{ certificate = "{certificate()}" }}')
        return "\n".join(lines)

    def whole(self):
        """What tests say of the section spawnd. One process is one worker, and
        cannot become another user."""
        if not self.single:
            return self.spawnd
        text = re.sub(r"servers \{[^}]*\}", "", self.spawnd)
        return text + " single = yes" + ("" if "user = " in text else AS_ROOT)

    def write(self):
        self.path.write_text(self.render())
        return self.path


def name_remotes(remotes):
    """A dict as it is; a list of peers or texts gets the names a, b, c..."""
    if not isinstance(remotes, dict):
        remotes = dict(zip("abcdefghij", remotes))
    return {name: remote if isinstance(remote, str) else remote.conf()
            for name, remote in remotes.items()}


def has_tls():
    """Was it built with OpenSSL, and can certificates be made here?"""
    return shutil.which("openssl") is not None and \
        b"libssl.so" in find_program("relay").read_bytes()


def has_status():
    return "status" in {path.name for path in (BUILD / "libexec").iterdir()}


def has_patterns():
    """Was it built with PCRE2?"""
    return b"libpcre2" in find_program("relay").read_bytes()


def certificate(name="relay.test", key="ec"):
    """A file with a key and its certificate, which is its own authority; each
    is made once in a run."""
    path = Box.base / f"{name}-{key}.pem"
    if path.exists():
        return path
    kind = ["rsa:2048"] if key == "rsa" else \
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made = [Box.base / f"{name}-{key}.{part}" for part in ("key", "crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", *kind, "-days", "90",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", str(made[0]), "-out", str(made[1])],
        check=True, capture_output=True)
    path.write_bytes(b"".join(part.read_bytes() for part in made))
    path.chmod(0o600)
    return path


def dialer_text(daemon):
    """Listens in plain for each listener of a daemon, and speaks TLS to it."""
    lines = ["spawnd { servers { min = 1 }",
             f"sandbox = {daemon.box.sandbox or 'auto'}",
             f'control = "{daemon.box.dir}/{daemon.name}-tls.sock"']
    for name in daemon.conf.listen:
        lines.append(f"listen {name} {{ address = 127.0.0.1 port = 0 "
                     f"relay = {name} }}")
    lines.append("}")
    for name in daemon.conf.listen:
        at = daemon.address(name)
        to = f'path = "{at}"' if isinstance(at, str) else \
            f'address = "{at[0]}" port = {at[1]}'
        lines.append(f"relay {name} {{ remote tls {{ {to} tls = inside }} "
                     "idle-timeout = 0 half-close-timeout = 0 }")
    lines.append('tls inside { name = "relay.test" '
                 f'ca = "{certificate()}" }}')
    return "\n".join(lines) + "\n"


# The daemon

def well_formed(text):
    """A closing line, with times that can be."""
    match = SESSION.match(text)
    if not match:
        return False
    queue, connect, total = (float(match[key]) for key in
                             ("queue", "connect", "total"))
    return queue + connect <= total + 0.01 and total < 1000


def copy_output(read, path):
    with open(read, "rb", buffering=0) as pipe, \
            open(path, "ab", buffering=0) as out:
        while data := pipe.read(65536):
            out.write(data)


class Daemon:
    def __init__(self, box, name, conf, args=(), env=None, libexec=None,
                 event=None, background=False, preexec=None, program=None,
                 pass_fds=()):
        self.box, self.name, self.conf = box, name, conf
        self.addrs = box.dir / f"{name}.addrs"
        self.output = box.dir / f"{name}.log"
        self.logfile = None         # where log { to } points, if anywhere
        self.args, self.libexec, self.preexec = args, libexec, preexec
        self.pass_fds = pass_fds
        self.program = program      # another spawnd than the box's
        self.env, self.event, self.background = env or {}, event, background
        self.check_idle = True      # sessions must reach 0 at the end
        self.deaths = False         # a worker may die or fail
        self.leaves = set()         # files that may stay
        self.reloads = 0            # that were asked for
        self.proc = self.copier = None
        self.pid = None
        self.status = None
        self.dialer = None          # who speaks TLS for the tests

    def launch(self):
        argv = [self.program or box_program("single" if self.box.single else
                                            "spawnd"),
                "-b" if self.background else "-f",
                "-A", self.addrs, *self.args]
        if self.conf:
            argv.append(self.conf.path)
        self.output.touch()
        # A pipe and not the file: what a worker may not do is make one grow.
        read, write = os.pipe()
        self.proc = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=write,
            stderr=write, cwd=self.box.dir, env=self.box.environment(self),
            preexec_fn=self.preexec, pass_fds=self.pass_fds)
        os.close(write)
        self.copier = threading.Thread(target=copy_output, daemon=True,
                                       args=(read, self.output))
        self.copier.start()
        if not self.background:
            self.pid = self.proc.pid
        return self

    def start(self):
        self.launch()
        if self.background:
            self.status = self.proc.wait(patience(20))
            assert self.status == 0, self.describe()
            self.pid = self.summary()["pid"]
        else:
            wait(lambda: self.addrs.exists() or self._ended(), 10,
                 "serving", 0.005)
            if not self.addrs.exists():
                self.copier.join(PATIENCE)
                raise AssertionError(self.describe())
        self._wait_log()
        if self.conf and self.conf.tls and self.conf.text is None:
            self._dial()
        return self

    def _dial(self):
        """Clients that speak plain are served by one more daemon, which
        speaks TLS to this one: so tests need not know of it."""
        conf = Conf(self.box, f"{self.name}-tls")
        conf.control = self.box.dir / f"{self.name}-tls.sock"
        conf.text = dialer_text(self)
        self.dialer = self.box.daemon(conf=conf)

    def _wait_log(self):
        """Until the logger, for which nobody waits, is there and has opened
        its file; a test may be about one that cannot."""
        soon(lambda: self.kids("logger"), 2)
        named = self.conf and re.search(r'to = "(/[^"]*)"', self.conf.render())
        if named:
            soon(pathlib.Path(named[1]).exists, 3)

    def _ended(self):
        if self.status is None:
            self.status = self.proc.poll()
        return self.status is not None

    # What it serves

    def addresses(self, name="web"):
        if self.dialer:
            return self.dialer.addresses(name)
        return [line.split(" ", 1)[1]
                for line in self.addrs.read_text().splitlines()
                if line.split(" ", 1)[0] == name]

    def address(self, name="web", host=None):
        for text in self.addresses(name):
            if text.startswith("/"):
                return text
            at, port = text.rsplit(":", 1)
            at = at.strip("[]")
            if host is None or at == host:
                return at, int(port)
        raise AssertionError(f"{name} is not in {self.addrs}")

    def port(self, name="web"):
        return self.address(name)[1]

    def connect(self, name="web", **kw):
        return self.box.connect(self.address(name), **kw)

    # Control

    def ctl(self, *args, check=True):
        done = subprocess.run(
            [str(box_program("spawnctl")), "-s", str(self.conf.control),
             *args], capture_output=True, text=True, timeout=patience(30),
            env=self.box.environment())
        self.box.judge_text(f"spawnctl {args}", done.stdout + done.stderr)
        if check and done.returncode != 0:
            raise AssertionError(f"spawnctl {args}: {done.returncode}: "
                                 f"{done.stderr}")
        return done

    def show(self, what):
        return json.loads(self.ctl("--json", "show", what).stdout)

    def summary(self):
        return self.show("summary")

    def workers(self, *states):
        return [w for w in self.show("workers")
                if not states or w["state"] in states]

    def generations(self, ended=False):
        """Those that there are, or the last that have ended."""
        return [g for g in self.show("generations")
                if (g["state"] == "ended") == ended]

    def remotes(self):
        return {r["name"]: r for r in self.show("remotes")}

    def write(self, **parts):
        self.conf.change(**parts).write()

    def reload(self, **parts):
        """New parts into the file, then spawnctl reload, which must do."""
        self.write(**parts)
        self.reloads += 1
        return self.ctl("reload")

    def hup(self, **parts):
        """The same by the signal; returns the verdict in the log."""
        self.write(**parts)
        # That of the last reload may not have arrived there.
        wait(lambda: len(self.verdicts()) >= self.reloads, 5,
             "the last verdict")
        seen = len(self.verdicts())
        self.reloads = seen + 1
        self.kill(signal.SIGHUP)
        wait(lambda: self.verdicts(seen), 10, "the reload's verdict")
        return self.verdicts(seen)[0]

    def verdicts(self, skip=0):
        """The outcomes of reloads in the log, without the first ones."""
        return [line for line in self.lines("reload: ")
                if re.search(r"reload: (done|failed)", line)][skip:]

    def kill(self, signo, *pids):
        """To the master, or to these. Who is killed is dead afterwards: until
        then the master counts a worker as ready."""
        pids = pids or (self.pid,)
        for pid in pids:
            os.kill(pid, signo)
        if signo == signal.SIGKILL:
            wait(lambda: not any(map(alive, pids)), 30, f"the end of {pids}")

    def kids(self, name="relay"):
        found = children(self.pid, name)
        return found or ([self.pid] if self.box.single and name == "relay"
                         else found)

    def wait(self, condition, deadline=5, what=""):
        return wait(condition, deadline, what)

    def wait_sessions(self, count, deadline=5):
        wait(lambda: self.summary()["sessions"] == count, deadline,
             f"{count} sessions open")

    def wait_end(self, deadline=10):
        if not self.background:
            try:
                self.status = self.proc.wait(patience(deadline))
            except subprocess.TimeoutExpired:
                raise AssertionError("the master does not end") from None
        wait(lambda: not alive(self.pid), deadline, "the master's end")
        return self.status

    # Its log

    @property
    def log(self):
        text = self.output.read_text(errors="replace")
        if self.logfile and self.logfile.exists():
            text += self.logfile.read_text(errors="replace")
        return text

    def texts(self):
        """The text of each line, without stamp and process."""
        for line in self.log.splitlines():
            match = LINE.match(line)
            yield match.group(3) if match else line

    def lines(self, part):
        return [line for line in self.log.splitlines() if part in line]

    def wait_line(self, *parts, count=1):
        """The lines that have all these parts, once there are so many: what
        a process has written arrives here a little later."""
        def found():
            lines = [line for line in self.lines(parts[0])
                     if all(part in line for part in parts)]
            return lines if len(lines) >= count else None
        return wait(found, 5, f"{count} lines with {parts}")

    def closed(self):
        """The closing lines, parsed."""
        return [match.groupdict() for match in
                map(SESSION.match, self.texts()) if match]

    def wait_closed(self, count=1, deadline=5):
        return wait(lambda: (lambda got: got if len(got) >= count else None)
                    (self.closed()), deadline, f"{count} closing lines")

    def describe(self):
        return f"--- {self.output}\n{self.log}"

    # The end

    def stop(self):
        if self.proc is None or self.pid is None:
            return
        if alive(self.pid):
            if self.check_idle and self.conf and self.conf.control:
                self.wait_sessions(0, 10)
            self.kill(signal.SIGTERM)
        try:
            wait(lambda: self._gone(), 2, "end by TERM")
        except AssertionError:
            self.kill(signal.SIGINT)
            wait(lambda: self._gone(), 5, "end by INT")

    def _gone(self):
        if self.proc.poll() is not None and not self.background:
            return True
        return self.background and not alive(self.pid)

    def judge(self):
        """Every mistake to be seen in what it wrote and left."""
        faults, malformed = [], []
        for line in self.log.splitlines():
            dumped = " opened listener=" in line
            if " listener=" in line and "session=" in line and not dumped:
                match = LINE.match(line)
                if not match or not well_formed(match.group(3)):
                    malformed.append(f"malformed: {line}")
            if not self.deaths and BAD_END.search(line):
                faults.append(line)
        faults += malformed[:3]
        ids = [s["session"] for s in self.closed()]
        if len(set(ids)) != len(ids):
            faults.append("a session's id or closing line came twice")
        if self.proc and self.proc.returncode is not None and \
                self.proc.returncode not in (0, 1, -signal.SIGKILL):
            faults.append(f"{self.name} ended with {self.proc.returncode}")
        return faults


def box_program(name):
    path = Box.programs.get(name)
    if path is None:
        raise AssertionError(f"{name} is not built in {BUILD}")
    return path


class Box:
    """All that one test starts, opens and leaves."""

    programs = {}       # name -> path of the copy that the tests run
    base = None         # directory of one run of pytest
    peer = None

    def __init__(self, name):
        self.dir = pathlib.Path(tempfile.mkdtemp(
            prefix=re.sub(r"\W+", "-", name)[:40] + ".", dir=Box.base))
        self.dir.chmod(0o755)
        self.daemons, self.sockets, self.closers = [], [], []
        self.procs, self.faults = [], []
        self.event = self.io = None
        self.tls = False            # on all listeners
        # Master and worker are one process.
        self.single = bool(os.environ.get("E2E_SINGLE"))
        # Who is not root cannot look into workers that nobody may trace.
        self.sandbox = None if os.geteuid() == 0 else "off"
        self.libexec = "libexec"    # whose relay its daemons run

    def environment(self, daemon=None):
        env = dict(os.environ, SPAWND_TEST_ID=self.dir.name,
                   SPAWND_LIBEXEC=str(Box.base / self.libexec))
        # What lives on is looked through for leaks, what ends at once is not:
        # that would be the most of its time.
        env["ASAN_OPTIONS"] = ("quarantine_size_mb=2:"
                               "detect_stack_use_after_return=1:"
                               f"detect_leaks={int(daemon is not None)}")
        env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
        if daemon is not None:
            event = daemon.event or self.event
            if event:
                env["SPAWND_EVENT"] = event
            if daemon.libexec:
                env["SPAWND_LIBEXEC"] = str(daemon.libexec)
            env.update(daemon.env)
        return env

    def daemon(self, args=(), start=True, conf=None, **kw):
        options = {key: kw.pop(key) for key in
                   ("env", "libexec", "event", "background", "preexec",
                    "program", "pass_fds") if key in kw}
        name = f"d{len(self.daemons)}"
        if conf is None:
            conf = Conf(self, name)
        if conf:
            conf.change(**kw).write()
        daemon = Daemon(self, name, conf, args, **options)
        self.daemons.append(daemon)
        return daemon.start() if start else daemon

    def run(self, *args, program="spawnd", libexec=None, env=None,
            timeout=20, **kw):
        """A program that is to end by itself."""
        environment = self.environment()
        if libexec:
            environment["SPAWND_LIBEXEC"] = str(libexec)
        environment.update(env or {})
        return subprocess.run(
            [str(box_program(program)), *map(str, args)], text=True,
            capture_output=True, stdin=subprocess.DEVNULL, cwd=self.dir,
            env=environment, timeout=patience(timeout), **kw)

    def spawn(self, argv, **kw):
        """Another program, ended with the test."""
        proc = subprocess.Popen([str(a) for a in argv], **kw)
        self.procs.append(proc)
        return proc

    def conf(self, name="spawnd", **parts):
        conf = Conf(self, name).change(**parts)
        conf.write()
        return conf

    def connect(self, address, **kw):
        import peers
        sock = peers.connect(address, **kw)
        self.sockets.append(sock)
        return sock

    def closing(self, thing):
        self.closers.append(thing)
        return thing

    # The end of a test

    def finish(self):
        for sock in self.sockets:
            sock.close()
        for thing in reversed(self.closers):
            self._try(thing.close)
        for daemon in self.daemons:
            self._try(daemon.stop)
        for proc in self.procs:
            self._try(lambda p=proc: end_process(p))
        self._try(self.reap)
        for daemon in self.daemons:
            if daemon.copier:
                daemon.copier.join(PATIENCE)
            self.faults += daemon.judge()
        self.judge_output()
        self.judge_files()
        return self.faults

    def _try(self, action):
        try:
            action()
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def reap(self):
        """Nothing that the test started may still run."""
        me = os.getpid()
        try:
            wait(lambda: not reap_orphans(me), 5, "the end of all processes")
        finally:
            for pid, (state, name) in descendants(me).items():
                self.faults.append(f"{name}[{pid}] is still there ({state})")
                os.kill(pid, signal.SIGKILL)
            reap_orphans(me)

    def judge_text(self, where, text):
        low = text.lower()
        for word in NEVER:
            if word in low:
                self.faults.append(f"{word!r} in {where}: {text[-2000:]}")
                return

    def judge_output(self):
        for path in self.dir.iterdir():
            if path.suffix == ".log" and path.is_file():
                self.judge_text(path, path.read_text(errors="replace"))

    def judge_files(self):
        kept = set()
        for daemon in self.daemons:
            kept |= {pathlib.Path(p) for p in daemon.leaves}
        for path in self.dir.rglob("*"):
            if path in kept or path.name.startswith("keep"):
                continue
            if path.is_socket() or path.suffix == ".pid":
                self.faults.append(f"{path} was left")

    def describe(self):
        return "\n".join(d.describe() for d in self.daemons)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def reap_orphans(me):
    """Takes in what ended; returns what has not."""
    left = []
    for pid, (state, name) in descendants(me).items():
        if state == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        else:
            left.append(pid)
    return left


def end_process(proc):
    if proc.stdin:
        proc.stdin.close()
    if proc.poll() is None:
        proc.terminate()
        try:
            proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()
    if proc.stdout:
        proc.stdout.close()
    if proc.stderr:
        proc.stderr.close()


def prepare():
    """Once for a run: copies of the programs that anybody may execute, and
    the peer, in a directory that everybody may enter."""
    Box.base = pathlib.Path(tempfile.mkdtemp(prefix="spawnd-e2e."))
    Box.base.chmod(0o755)
    libexec = Box.base / "libexec"
    libexec.mkdir()
    for source in [*(BUILD / "sbin").glob("*"), *(BUILD / "libexec").glob("*")]:
        if find_program(source.name) != source:
            continue
        inner = source.parent.name == "libexec"
        target = (libexec if inner else Box.base) / source.name
        shutil.copy(source, target)
        target.chmod(0o755)
        Box.programs[source.name] = target
    if find_program("relay-so"):
        other = Box.base / "libexec-so"
        shutil.copytree(libexec, other)
        shutil.copy(find_program("relay-so"), other / "relay")
    Box.peer = Box.base / "peer"
    shutil.copy(compiled(HERE / "peer.c"), Box.peer)


def compiled(source, *others):
    """A program of the tests' own, without sanitizers. It is compiled once
    for a build tree, or twice by files that are run side by side."""
    target = BUILD / "test/e2e" / source.stem
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = f"{target}.{os.getpid()}"
    subprocess.run(["cc", "-std=gnu11", "-O2", "-Wall", "-D_GNU_SOURCE",
                    "-o", fresh, *map(str, (source, *others))], check=True)
    os.replace(fresh, target)
    return target


def clean_up():
    """Removes the run's directory unless a test's directory was kept."""
    keep = {"libexec", "libexec-so"}
    if any(p.is_dir() and p.name not in keep for p in Box.base.iterdir()):
        print(f"\nkept: {Box.base}", file=sys.stderr)
    else:
        shutil.rmtree(Box.base, ignore_errors=True)
