"""The command line and the configuration file of spawnd."""

import glob
import os
import pathlib
import re

import pytest

import peers
from harness import TOP, Box, has_tls, wait
from peers import receive_all, roundtrip

# tls.conf needs certificates: test_certs.py makes some for it.
SAMPLES = sorted(glob.glob(str(TOP / "etc" / "*.conf")) +
                 glob.glob(str(TOP / "etc" / "examples" / "[!t]*.conf")))


def good_here(path):
    """A sample, unless it needs what was left out here."""
    text = pathlib.Path(path).read_text()
    if re.search(r"^[^#\n]* tls ", text, re.M) and not has_tls():
        pytest.skip("built without OpenSSL, or openssl is missing")
    return path


GOOD = """spawnd {
    listen web { address = "127.0.0.1" port = 0 }
}
relay app {
    remote a { address = "127.0.0.1" port = 80 }
}
"""


def check(box, text, *args):
    path = box.dir / "t.conf"
    path.write_text(text)
    return box.run("-n", *args, path), path


@pytest.mark.parametrize("path", SAMPLES, ids=os.path.basename)
def test_shipped_samples_are_good(box, path):
    done = box.run("-n", good_here(path))
    assert done.returncode == 0, done.stderr
    # Of this user and this machine, as it is now.
    here = ("no such folder", "this user")
    assert all(any(words in line for words in here)
               for line in done.stderr.splitlines()), done.stderr


def test_there_are_samples():
    assert str(TOP / "etc" / "spawnd.conf") in SAMPLES
    assert len(SAMPLES) >= 2


@pytest.mark.parametrize("option", ["-n", "-P"])
def test_check_binds_and_starts_nothing(box, echo, option):
    keeper = box.closing(peers.Backend(peers.echo))
    conf = box.conf(remotes=[echo], listen=f'address = "127.0.0.1" '
                    f'port = {keeper.port}',
                    spawnd=f'pidfile = "{box.dir}/d.pid"')
    done = box.run(option, conf.path)
    assert done.returncode == 0, done.stderr
    assert not (box.dir / "d.pid").exists()


# (the mistake in place of a line of GOOD, the line it is reported at, words)
MISTAKES = {
    "unknown-option": ("spawnd {", "spawnd { no-such = 1", 1, "no-such"),
    "did-you-mean": ("spawnd {", "spawnd { overlaod = queue", 1,
                     'did you mean "overload"'),
    "port-range": ("port = 0", "port = 70000", 2, "65535"),
    "port-negative": ("port = 0", "port = -1", 2, "-1"),
    "port-name": ("port = 0", 'port = "no-such-service"', 2,
                  "no-such-service"),
    "port-trailing": ("port = 0", 'port = "80abc"', 2, "80abc"),
    "remote-port-0": ("port = 80", "port = 0", 5, "port"),
    "no-port": (" port = 80", "", 5, "port"),
    "no-address": ('address = "127.0.0.1" port = 80', "port = 80", 5,
                   "address"),
    "bad-address": ('"127.0.0.1" port = 0', '"300.1.1.1" port = 0', 2,
                    "300.1.1.1"),
    "path-and-port": ("port = 80", 'port = 80 path = "/x"', 5, "path"),
    "weight-0": ("port = 80", "port = 80 weight = 0", 5, "256"),
    "weight-257": ("port = 80", "port = 80 weight = 257", 5, "256"),
    "word": ("spawnd {", "spawnd { overload = drop", 1, "reset"),
    "balance": ("relay app {", "relay app { balance = fair", 4,
                "roundrobin"),
    "duration": ("relay app {", "relay app { idle-timeout = 5x", 4, "5x"),
    "size": ("relay app {", "relay app { buffer = 1t", 4, "1t"),
    "size-range": ("relay app {", "relay app { buffer = 1", 4, "4k"),
    "negative": ("relay app {", "relay app { retire = -5", 4, "-5"),
    "min-above-max": ("spawnd {", "spawnd { servers { min = 9 max = 3 }", 1,
                      "max"),
    "users-min-max": ("spawnd {", "spawnd { users { min = 9 max = 3 }", 1,
                      "max"),
    "servers-0": ("spawnd {", "spawnd { servers { min = 0 }", 1, "1024"),
    "access-word": ("spawnd {", 'spawnd { access = {"allow all"}', 1,
                    "permit"),
    "access-address": ("spawnd {", 'spawnd { access = {"deny 10.0.0.0/33"}',
                       1, "33"),
    "access-host-bits": ("spawnd {", 'spawnd { access = {"deny 10.0.0.1/8"}',
                         1, "10.0.0"),
    "no-such-relay": ("port = 0", "port = 0 relay = other", 2, "other"),
    "user": ("spawnd {", "spawnd { user = no-such-user", 1, "no-such-user"),
    "chroot": ("spawnd {", 'spawnd { chroot = "/no/such/place"', 1,
               "/no/such/place"),
    "relative-path": ("spawnd {", 'spawnd { pidfile = "x.pid"', 1, "x.pid"),
    "log-level": ("spawnd {", "spawnd { log { level = loud }", 1, "loud"),
    "facility": ("spawnd {", "spawnd { log { facility = radio }", 1,
                 "radio"),
    "bool": ("relay app {", "relay app { keepalive = maybe", 4, "maybe"),
    "local-address": ("relay app {", 'relay app { local-address = "x.y.z."',
                      4, "local-address"),
    "twice": ("port = 0", "port = 5001 backlog = 5 backlog = 6", 2,
              "backlog"),
    "same-title": ("}\nrelay app {", "    listen web { port = 5 }\n}\n"
                   "relay app {", 3, "web"),
    "unset-variable": ("port = 80", "port = ${nowhere}", 5, "nowhere"),
    "unclosed": ("port = 80 }\n}\n", "port = 80 }\n", None, ""),
    "mode-without-path": ("port = 0", "port = 0 mode = 0600", 2, "mode"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_reported_with_file_and_line(box, name):
    old, new, line, word = MISTAKES[name]
    assert old in GOOD
    done, path = check(box, GOOD.replace(old, new, 1))
    assert done.returncode == 1, done.stdout + done.stderr
    assert word in done.stderr, done.stderr
    if line:
        assert f"{path}:{line}: " in done.stderr, done.stderr
    sentence = done.stderr.splitlines()[0].split(": ", 1)[1]
    assert len(sentence) > 10


def test_all_mistakes_are_reported_in_one_run(box):
    text = GOOD.replace("port = 0", "port = 70000") \
        .replace("spawnd {", "spawnd { overload = drop") \
        .replace("port = 80", "port = 80 weight = 0") \
        .replace("relay app {", "relay app { retries = x")
    done, path = check(box, text)
    assert done.returncode == 1
    lines = re.findall(rf"{path}:(\d+): ", done.stderr)
    assert lines == ["1", "2", "4", "5"], done.stderr


def test_no_relay_and_no_listener(box):
    for text in ("", "spawnd { }\n", GOOD.split("relay app")[0],
                 "relay app { remote a { address = \"127.0.0.1\" port = 1 "
                 "} }\n"):
        done, path = check(box, text)
        assert done.returncode == 1 and str(path) in done.stderr, text


def test_missing_file(box):
    done = box.run("-n", box.dir / "none.conf")
    assert done.returncode == 1
    assert "none.conf" in done.stderr and "No such file" in done.stderr


def test_a_directory_is_no_file(box):
    done = box.run("-n", box.dir)
    assert done.returncode == 1 and str(box.dir) in done.stderr


def test_binary_garbage(box):
    path = box.dir / "t.conf"
    path.write_bytes(bytes(range(256)) * 50)
    done = box.run("-n", path)
    assert done.returncode == 1 and str(path) in done.stderr


@pytest.mark.parametrize("path", SAMPLES, ids=os.path.basename)
def test_print_is_a_fixpoint(box, path):
    once = box.run("-T", good_here(path))
    assert once.returncode == 0, once.stderr
    copy = box.dir / "copy.conf"
    copy.write_text(once.stdout)
    twice = box.run("-T", copy)
    assert twice.returncode == 0, twice.stderr
    assert twice.stdout == once.stdout


def test_print_has_every_default(box):
    path = box.dir / "t.conf"
    path.write_text(GOOD)
    out = box.run("-T", path).stdout
    for words in ("overload = queue", "idle-timeout = 10m",
                  "half-close-timeout = 1m", "connect-timeout = 5s",
                  "buffer = 64k", "drain-timeout = 1h", "retries = 3",
                  "balance = leastconn", "backlog = 4096"):
        assert words in re.sub(r'\s+', " ", out).replace('"', ""), out


def test_print_of_a_bad_file(box):
    path = box.dir / "t.conf"
    path.write_text("spawnd { bad = 1 }")
    done = box.run("-T", path)
    assert done.returncode == 1 and done.stdout == ""


def test_print_runs_as_the_same_service(box, daemon, echo):
    conf = box.conf("source", remotes=[echo], control=box.dir / "d0.sock")
    d = daemon(text=box.run("-T", conf.path).stdout)
    roundtrip(d.connect())
    assert d.summary()["pid"] == d.pid


@pytest.mark.parametrize("args", [
    ["-Z"], ["-d"], ["-d", "loud", "x.conf"], ["a.conf", "b.conf"],
    ["-D", "noequals", "x.conf"], ["-L", "127.0.0.1:0"],
    ["-R", "127.0.0.1:1"], ["-L", "0", "-R", "127.0.0.1:1", "x.conf"],
    ["-S", "0", "-L", "0"], ["-S", "0", "x.conf"], ["-S", "1", "-S", "2"],
    ["--record", "/tmp", "x.conf"], ["--dump", "x.conf"],
    ["--fault", "latency=1s"], ["-S", "0", "--fault"], ["-S", "0", "--record"],
    ["-S", "0"] + 9 * ["--fault", "latency=1s"]],
    ids=" ".join)
def test_usage_errors_are_2(box, args):
    done = box.run(*args)
    assert done.returncode == 2, done.stderr
    assert "usage:" in done.stderr or args[0] in done.stderr


@pytest.mark.parametrize("args", [
    ["-L", "127.0.0.1:x", "-R", "127.0.0.1:1"],
    ["-L", "127.0.0.1:0", "-R", "127.0.0.1"],
    ["-L", "127.0.0.1:0", "-R", "127.0.0.1:1,0"],
    ["-S", "0.0.0.0:1080"], ["-S", "::1:1080"],
    ["-S", "0", "--fault", "latency"], ["-S", "0", "--fault", "a=b=c"],
    ["-S", "0", "--fault", "latency=1s,"], ["-S", "0", "--fault", "x y=1"],
    ["-S", "0", "--fault", "latency=1s' } #"], ["-S", "0", "--dump=x'"],
    ["-S", "0", "--record", "/tmp/it's"], ["-S", "0", "--record", "/no/such"],
    ["-L", "127.0.0.1:70000", "-R", "127.0.0.1:1"]], ids=" ".join)
def test_bad_quick_mode_addresses(box, args):
    done = box.run(*args)
    assert done.returncode in (1, 2) and done.stderr


def test_a_mistake_in_quick_mode_names_its_argument(box):
    done = box.run("-n", "-L", "70000", "-R", "127.0.0.1:1", "-R",
                   "127.0.0.1:2,900")
    assert done.returncode == 1
    assert re.fullmatch(r"command line: -L 70000: port .*\n"
                        r"command line: -R 127\.0\.0\.1:2,900: weight .*\n",
                        done.stderr)


def test_mistakes_in_filters_of_quick_mode_name_their_argument(box):
    done = box.run("-n", "-S", "1080", "--fault", "latency=1s,flip=3",
                   "--fault", "lat=1", "--dump=oct")
    assert done.returncode == 1
    for start in ("--fault latency=1s,flip=3: flip 3 is out of range",
                  '--fault lat=1: unknown option "lat"',
                  '--dump=oct: format "oct" is not known'):
        assert f"command line: {start}" in done.stderr


def test_quick_mode_with_filters(box, daemon, echo):
    """One line records, shows and harms what goes through."""
    folder = box.dir / "rec"
    folder.mkdir()
    folder.chmod(0o777)
    there = f"127.0.0.1:{echo.port}"
    d = daemon(conf=False, args=[
        "-L", "127.0.0.1:0", "-R", there, "--record", str(folder), "--dump",
        "--fault", "limit=7", "--fault", "flip-at=2,bit=0,direction=up"])
    sock = d.connect("quick")
    sock.sendall(b"a line 0123456789")
    assert receive_all(sock) == b"a mine "
    sock.close()
    closed = d.wait_closed()
    assert closed[0]["why"] == "fault"
    assert closed[0]["filters"] == "record,dump,fault1,fault2"
    d.wait_line("6c 69 6e 65")
    wait(lambda: any(f.stat().st_size > 200 for f in folder.iterdir()))


def test_version(box):
    done = box.run("-V")
    assert done.returncode == 0
    assert re.search(r"spawnd \d+\.\d+", done.stdout)
    assert "epoll" in done.stdout or "kqueue" in done.stdout


def test_variables(box, daemon, echo):
    d = daemon(args=["-D", f"port={echo.port}", "-D", "host=127.0.0.1"],
               remotes=['address = "${host}" port = ${port}'])
    roundtrip(d.connect())
    d.reload()
    roundtrip(d.connect())


def test_variable_in_a_check(box):
    text = GOOD.replace("port = 80", "port = ${port}")
    assert check(box, text, "-D", "port=99")[0].returncode == 0
    assert check(box, text, "-D", "port=x")[0].returncode == 1


def test_log_level_option(daemon, echo):
    d = daemon(remotes=[echo], args=["-d", "debug"])
    roundtrip(d.connect()).close()
    d.wait_closed()
    loud = len(d.log.splitlines())
    two = daemon(remotes=[echo])
    roundtrip(two.connect()).close()
    two.wait_closed()
    assert loud > len(two.log.splitlines())


def test_verbose_is_debug(daemon, echo):
    d = daemon(remotes=[echo], args=["-v"])
    roundtrip(d.connect()).close()
    d.wait_closed()
    d.wait_line("stage")


def test_worker_programs_refuse_to_run_by_hand(box):
    for name in ("relay", "logger", "reader", "checker", "recorder",
                 "fetcher", "users", "status"):
        if name not in Box.programs:
            continue    # built without its library
        done = box.run(program=name)
        assert done.returncode != 0 and done.stderr, name


def test_configuration_by_include(box, daemon, echo):
    part = box.dir / "part.inc"
    part.write_text(f"remote a {{ {echo.conf()} }}\n")
    d = daemon(remotes={}, relay=f'include("{part}")')
    roundtrip(d.connect())
    part.write_text("remote a { address = \"127.0.0.1\" port = x }\n")
    done = d.ctl("reload", check=False)
    assert done.returncode == 1 and f"{part}:1: " in done.stderr
