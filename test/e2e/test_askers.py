"""Programs that people use, by SOCKS and by CONNECT."""

import os
import pwd
import subprocess

import pytest

import harness
import peers
from harness import free_port, listening, patience, wait
from test_ask import ASK, OUT, hashed
from test_realpeers import needs, program

SIZE = 1_000_000
PARTS = 6
PAGE = """<!DOCTYPE html><title>none</title><link rel="stylesheet" href="s.css">
<h1>spawnd</h1>%s<p id="p"></p><script src="s.js"></script>
""" % "".join(f'<img src="{i}.svg" width="60" height="60">'
              for i in range(PARTS))
SCRIPT = """window.onload = () => {
    const seen = [...document.images].filter(i => i.naturalWidth > 0);
    const green = getComputedStyle(document.body).backgroundColor;
    document.getElementById("p").textContent =
        `${seen.length} pictures on ${green}`;
};
"""
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60">' \
    '<circle cx="30" cy="30" r="%d" fill="red"/></svg>'


class Site:
    """nginx with a page of several parts, also by HTTPS, and a large file."""

    def __init__(self, box):
        self.port, self.tls = free_port(), free_port()
        root = box.dir / "www"
        root.mkdir()
        self.data = peers.Pattern(7, SIZE).bytes()
        (root / "data").write_bytes(self.data)
        (root / "index.html").write_text(PAGE)
        (root / "s.css").write_text("body { background: rgb(1, 200, 3) }")
        (root / "s.js").write_text(SCRIPT)
        for i in range(PARTS):
            (root / f"{i}.svg").write_text(PICTURE % (5 + 4 * i))
        secure = ""
        if harness.has_tls():
            pem = harness.certificate()
            secure = f"""server {{ listen 127.0.0.1:{self.tls} ssl;
                ssl_certificate {pem}; ssl_certificate_key {pem};
                root {root}; }}"""
        conf = box.dir / "nginx.conf"
        conf.write_text(f"""
            daemon off; worker_processes 1; pid {box.dir}/nginx-pid;
            error_log {box.dir}/nginx-errors; user root;
            events {{ worker_connections 512; }}
            http {{ access_log off; types {{ text/html html; text/css css;
                application/javascript js; image/svg+xml svg; }}
                client_body_temp_path {box.dir}; proxy_temp_path {box.dir};
                fastcgi_temp_path {box.dir}; uwsgi_temp_path {box.dir};
                scgi_temp_path {box.dir}; {secure}
                server {{ listen 127.0.0.1:{self.port}; root {root}; }} }}""")
        box.spawn([program("nginx"), "-c", conf, "-p", box.dir],
                  stderr=subprocess.DEVNULL)
        wait(lambda: listening(self.port), 10, "nginx")


@pytest.fixture
def site(box):
    return Site(box)


def run(*args, **kw):
    return subprocess.run([str(a) for a in args], capture_output=True,
                          timeout=patience(60), **kw)


def proxychains(box, kind, port, *login):
    conf = box.dir / f"{kind}.conf"
    conf.write_text("strict_chain\nquiet_mode\nproxy_dns\n[ProxyList]\n"
                    f"{kind} 127.0.0.1 {port} {' '.join(login)}\n")
    return ["proxychains4", "-q", "-f", conf]


@needs("nginx")
@needs("curl")
def test_curl(box, daemon, site):
    """All ways that it has, with a password and without."""
    path = box.dir / "people.txt"
    d = daemon(listen={"web": ASK}, **OUT)
    at, word = f"127.0.0.1:{d.port()}", ""
    if harness.find_program("users") and harness.has_tls():
        path.write_text(f"me:{hashed('a:b@c')}\n")
        d.reload(listen={"web": ASK, "shut": ASK + f' users = "{path}"'})
        at, word = f"127.0.0.1:{d.port('shut')}", "me:a%3ab%40c@"
    url = f"http://localhost:{site.port}/data"
    for way in ("--socks4", "--socks4a", "--socks5", "--socks5-hostname",
                "-x", "-px", "-p1x"):
        way = ["-p", "--proxy1.0"] if way == "-p1x" else [way]
        open_at = f"127.0.0.1:{d.port()}"
        scheme = "socks5h://" if way == ["-x"] else "http://" \
            if way == ["-px"] else ""
        done = run("curl", "-sS", "--fail", *way, scheme + open_at, url)
        assert done.stdout == site.data, (way, done.stderr)
        if scheme and word:
            done = run("curl", "-sS", *way, scheme + word + at, url)
            assert done.stdout == site.data, (way, done.stderr)
            done = run("curl", "-sS", *way, scheme + at, url)
            assert done.returncode != 0
    done = run("curl", "-sS", "-x", f"http://{open_at}", url)
    assert b"This is spawnd" in done.stdout


@needs("nginx")
@needs("proxychains4")
@needs("curl")
def test_proxychains(box, daemon, site):
    d = daemon(listen=ASK, **OUT)
    for kind in "socks4", "socks5", "http":
        done = run(*proxychains(box, kind, d.port()), "curl", "-sS", "--fail",
                   f"http://localhost:{site.port}/data")
        assert done.stdout == site.data, (kind, done.stderr)
    assert len(d.wait_closed(3)) == 3


@needs("nginx")
@needs("tsocks")
@needs("curl")
def test_tsocks(box, daemon, site):
    """It never asks for 127.0.0.1, so that another address stands for it."""
    conf = box.dir / "tsocks.conf"
    d = daemon(listen=ASK + ' relay = app route { target = "198.51.100.7" '
               "relay = site }", **OUT, extra="relay site { remote r { "
               f'address = "127.0.0.1" port = {site.port} }} }}')
    for kind in 4, 5:
        conf.write_text(f"server = 127.0.0.1\nserver_port = {d.port()}\n"
                        f"server_type = {kind}\n"
                        "local = 10.255.0.0/255.255.0.0\n")
        done = run("tsocks", "curl", "-sS", "--fail",
                   "http://198.51.100.7:8080/data",
                   env=dict(os.environ, TSOCKS_CONF_FILE=str(conf)))
        assert done.stdout == site.data, done.stderr
    assert len(d.wait_closed(2)) == 2


@needs("socat")
def test_socat(daemon, echo):
    """It ends what it says, and hears what comes then."""
    d = daemon(listen=ASK, **OUT)
    for to in (f"SOCKS4:127.0.0.1:127.0.0.1:{echo.port},"
               f"socksport={d.port()}",
               f"SOCKS4A:127.0.0.1:localhost:{echo.port},"
               f"socksport={d.port()}",
               f"PROXY:127.0.0.1:localhost:{echo.port},"
               f"proxyport={d.port()}"):
        done = run("socat", "-t", "30", "-", to, input=b"knock knock\n")
        assert done.stdout == b"knock knock\n", done.stderr
    assert [c["why"] for c in d.wait_closed(3)] == ["fin"] * 3


@needs("sshd")
@needs("ssh")
@needs("nc")
@pytest.mark.skipif(os.getuid() != 0, reason="sshd wants root")
def test_ssh(box, daemon):
    if b"-X proxy_protocol" not in run("nc", "-h").stderr:
        pytest.skip("nc is not that of OpenBSD")
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
            box.dir / name, check=True)
    (box.dir / "authorized").write_text((box.dir / "user.pub").read_text())
    port = free_port()
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    box.spawn([program("sshd"), "-D", "-e", "-f", "/dev/null", "-p", port,
               "-h", box.dir / "host", "-o", "ListenAddress=127.0.0.1",
               "-o", f"AuthorizedKeysFile={box.dir}/authorized",
               "-o", "StrictModes=no", "-o", "PidFile=none",
               "-o", "PermitRootLogin=yes", "-o", "UsePAM=no"],
              stderr=subprocess.DEVNULL)
    wait(lambda: listening(port), 10, "sshd")
    d = daemon(listen=ASK, **OUT)
    user = pwd.getpwuid(os.getuid()).pw_name
    data = peers.Pattern(3, 3_000_000).bytes()
    for way in "connect", "5", "4":
        done = run("ssh", "-q", "-F", "none", "-i", box.dir / "user", "-p",
                   port, "-o", "StrictHostKeyChecking=no",
                   "-o", "UserKnownHostsFile=/dev/null", "-o",
                   f"ProxyCommand=nc -X {way} -x 127.0.0.1:{d.port()} %h %p",
                   f"{user}@127.0.0.1", "cat", input=data)
        assert done.stdout == data, (way, done.stderr)


@needs("nginx")
@needs("chromium")
@pytest.mark.parametrize("way", ["socks5", "http"])
def test_chromium(box, daemon, site, way):
    """A page and its parts; by CONNECT that is HTTPS."""
    if way == "http" and not harness.has_tls():
        pytest.skip("without TLS")
    d = daemon(listen=ASK, **OUT)
    url = f"http://127.0.0.1:{site.port}/" if way == "socks5" else \
        f"https://127.0.0.1:{site.tls}/"
    done = run("chromium", "--headless", "--no-sandbox", "--disable-gpu",
               "--disable-dev-shm-usage", "--no-first-run",
               "--ignore-certificate-errors",
               f"--user-data-dir={box.dir}/profile",
               f"--proxy-server={way}://127.0.0.1:{d.port()}",
               "--proxy-bypass-list=<-loopback>", "--virtual-time-budget=5000",
               "--dump-dom", url, cwd=box.dir,
               env=dict(os.environ, HOME=str(box.dir)))
    assert f"{PARTS} pictures on rgb(1, 200, 3)" in done.stdout.decode(), \
        done.stderr[-2000:]
    wait(lambda: any(c["target"] and c["target"] in url for c in d.closed()),
         30, "a session of it")
