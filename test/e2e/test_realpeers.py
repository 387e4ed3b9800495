"""Programs that people use, through the relay."""

import hashlib
import os
import pwd
import shutil
import subprocess

import pytest

import peers
from harness import free_port, listening, patience, wait

SIZES = [0, 1, 1000, 65536, 1_000_000, 20_000_000, 100_000_000]


def needs(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return pytest.mark.skipif(path is None, reason=f"{name} is missing")


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def remote_at(port):
    return f'address = "127.0.0.1" port = {port}'


@pytest.fixture
def nginx(box):
    """nginx that serves files of SIZES; returns its port."""
    port, root = free_port(), box.dir / "www"
    root.mkdir()
    for size in SIZES:
        (root / str(size)).write_bytes(peers.Pattern(size, size).bytes()
                                       if size else b"")
    conf = box.dir / "nginx.conf"
    conf.write_text(f"""
        daemon off; worker_processes 1; pid {box.dir}/nginx-pid;
        error_log {box.dir}/nginx-errors; user root;
        events {{ worker_connections 512; }}
        http {{ access_log off; sendfile on; keepalive_requests 100000;
            client_body_temp_path {box.dir}; proxy_temp_path {box.dir};
            fastcgi_temp_path {box.dir}; uwsgi_temp_path {box.dir};
            scgi_temp_path {box.dir};
            server {{ listen 127.0.0.1:{port}; root {root}; }} }}""")
    box.spawn([program("nginx"), "-c", conf, "-p", box.dir],
              stderr=subprocess.DEVNULL)
    wait(lambda: listening(port), 5, "nginx")
    return port


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--fail", *map(str, args)],
                          capture_output=True, timeout=patience(60))
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs("nginx")
@needs("curl")
def test_nginx_and_curl_checksums(daemon, nginx, data_path):
    d = daemon(remotes=[remote_at(nginx)])
    for size in SIZES:
        got = curl(f"http://127.0.0.1:{d.port()}/{size}")
        assert len(got) == size
        want = peers.Pattern(size, size).digest() if size else \
            hashlib.sha256().hexdigest()
        assert hashlib.sha256(got).hexdigest() == want


@needs("nginx")
@needs("curl")
def test_nginx_and_curl_in_parallel_and_with_keep_alive(daemon, nginx):
    d = daemon(remotes=[remote_at(nginx)])
    url = f"http://127.0.0.1:{d.port()}/1000"
    got = curl("--parallel", "--parallel-max", "20",
               *[url] * 200, "-o", "/dev/null",
               *["-o", "/dev/null"] * 199, "-w", "%{http_code} ")
    assert got.split() == [b"200"] * 200
    got = curl(*[url] * 50)
    assert got == peers.Pattern(1000, 1000).bytes() * 50


@needs("iperf3")
@pytest.mark.parametrize("how", [[], ["-R"], ["--bidir"]],
                         ids=["up", "down", "bidir"])
def test_iperf3(daemon, box, how):
    port = free_port()
    box.spawn([program("iperf3"), "-s", "-B", "127.0.0.1", "-p", port],
              stdout=subprocess.DEVNULL)
    wait(lambda: listening(port), 5, "iperf3")
    d = daemon(remotes=[remote_at(port)])
    done = subprocess.run(
        ["iperf3", "-c", "127.0.0.1", "-p", str(d.port()), "-n", "60M",
         "-P", "2", *how], capture_output=True, text=True,
        timeout=patience(60))
    assert done.returncode == 0, done.stdout + done.stderr
    moved = sum(int(s["in"]) + int(s["out"]) for s in d.wait_closed(3))
    assert moved >= 20_000_000  # it ends in mid-stream


@needs("sshd")
@needs("ssh")
@pytest.mark.skipif(os.getuid() != 0, reason="sshd wants root")
def test_ssh(daemon, box):
    """Keys made here; a command, a pipe both ways, an exit status."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        box.dir / name], check=True)
    (box.dir / "authorized").write_text((box.dir / "user.pub").read_text())
    port = free_port()
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    box.spawn([program("sshd"), "-D", "-e", "-f", "/dev/null", "-p", port,
               "-h", box.dir / "host", "-o", "ListenAddress=127.0.0.1",
               "-o", f"AuthorizedKeysFile={box.dir}/authorized",
               "-o", "StrictModes=no", "-o", "PidFile=none",
               "-o", "PermitRootLogin=yes", "-o", "UsePAM=no"],
              stderr=subprocess.DEVNULL)
    wait(lambda: listening(port), 5, "sshd")
    d = daemon(remotes=[remote_at(port)])
    user = pwd.getpwuid(os.getuid()).pw_name
    ssh = ["ssh", "-q", "-F", "none", "-i", box.dir / "user", "-p",
           str(d.port()), "-o", "StrictHostKeyChecking=no", "-o",
           "UserKnownHostsFile=/dev/null", f"{user}@127.0.0.1"]
    data = peers.Pattern(3, 20_000_000).bytes()
    done = subprocess.run([*ssh, "cat"], input=data, capture_output=True,
                          timeout=patience(60))
    assert done.returncode == 0 and done.stdout == data, done.stderr
    done = subprocess.run([*ssh, "exit 7"], stdin=subprocess.DEVNULL,
                          timeout=patience(30))
    assert done.returncode == 7
