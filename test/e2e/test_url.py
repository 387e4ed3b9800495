"""A configuration that is at a URL: fetched with verification, in bounds, and
from the copy when the server is away."""

import http.server
import os
import shutil
import socket
import threading

import pytest

from harness import Conf, certificate, find_program, free_port, wait
from peers import answers

pytestmark = pytest.mark.skipif(
    find_program("fetcher") is None, reason="built without libcurl")


class UrlConf(Conf):
    """A file that a server has; the daemon is given its URL."""

    def __init__(self, box, name, url):
        super().__init__(box, name)
        self.file = box.dir / "www" / "spawnd.conf"
        self.file.parent.mkdir(exist_ok=True)
        self.path = url

    def write(self):
        self.file.write_text(self.render())
        return self.path


class Server:
    """By http on this machine; what it answers is the test's to say."""

    def __init__(self, box, port=0):
        self.asked, self.text, self.code = [], None, 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(dict(self.headers))
                outer.answer(self)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        box.closing(self)

    def answer(self, handler):
        data = self.text.encode() if isinstance(self.text, str) else self.text
        tag = f'"{hash(data)}"'
        if handler.headers.get("If-None-Match") == tag:
            handler.send_response(304)
            handler.end_headers()
            return
        handler.send_response(self.code)
        handler.send_header("ETag", tag)
        handler.send_header("Location", "http://127.0.0.1:1/")
        handler.end_headers()
        try:
            handler.wfile.write(data)
        except ConnectionError:
            pass

    def url(self, path="spawnd.conf"):
        return f"http://127.0.0.1:{self.port}/{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def state(box):
    """A folder for the copy."""
    folder = box.dir / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def nginx(box):
    """nginx(port): with TLS on this machine, and the files in www."""
    if shutil.which("nginx") is None or os.geteuid() != 0:
        pytest.skip("nginx is missing, or this is not root")
    pem = certificate("localhost")
    (box.dir / "ca.pem").write_bytes(
        pem.with_suffix(".crt").read_bytes())
    conf = box.dir / "nginx.conf"

    def start(port):
        conf.write_text(
            "daemon off; user root; worker_processes 1;"
            f'pid "{box.dir}/keep.pid"; error_log "{box.dir}/nginx.err";'
            "events { } http { "
            f'access_log "{box.dir}/access.txt"; server {{'
            f'listen 127.0.0.1:{port} ssl; root "{box.dir}/www";'
            f'ssl_certificate "{pem}"; ssl_certificate_key "{pem}"; }} }}')
        proc = box.spawn([shutil.which("nginx"), "-c", conf, "-e",
                          box.dir / "nginx.err"])

        def serves():
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", port)) == 0
        wait(serves, what="nginx")
        return proc
    return start


def test_https(box, daemon, echo, nginx, state):
    """Verified, anew at a reload unless it is the same; the copy serves while
    the server is away, also at a start, and a warning tells of it."""
    port = free_port()
    conf = UrlConf(box, "d0", f"https://localhost:{port}/spawnd.conf")
    env = {"SSL_CERT_FILE": str(box.dir / "ca.pem"),
           "SPAWND_STATE": str(state)}
    proc = nginx(port)
    d = daemon(conf=conf, env=env, remotes=[echo])
    assert answers(d.connect())
    copy, = state.iterdir()
    assert copy.read_text() == conf.file.read_text()
    assert copy.stat().st_mode & 0o777 == 0o600
    d.ctl("reload")
    wait(lambda: " 304 " in (box.dir / "access.txt").read_text())
    d.reload(relay="idle-timeout = 7m")
    assert "idle-timeout = 7m" in copy.read_text()
    before = copy.read_text()
    conf.file.write_text("nonsense")
    assert "nonsense" in d.ctl("reload", check=False).stderr
    assert copy.read_text() == before and answers(d.connect())
    proc.terminate()
    proc.wait()
    d.ctl("reload")
    wait(lambda: f"{conf.path}: warning: it cannot be fetched" in d.log and
         "the copy of 20" in d.log)
    assert answers(d.connect())
    for sock in box.sockets:
        sock.close()
    d.stop()
    again = daemon(conf=UrlConf(box, "d0", conf.path), env=env, remotes=[echo])
    wait(lambda: "the copy of 20" in again.log)
    assert answers(again.connect())
    done = box.run("-n", conf.path, env=env)
    assert done.returncode == 1 and "cannot be fetched" in done.stderr
    nginx(port)
    again.reload()
    good = box.run("-n", conf.path, env=env)
    assert good.returncode == 0, good.stderr
    done = box.run("-n", conf.path, env={"SPAWND_STATE": str(state)})
    assert done.returncode == 1 and "SSL_CERT_FILE names" in done.stderr


def test_bounds(box, echo):
    """What is too large, what the server refuses, redirects to elsewhere or
    does not have."""
    server = Server(box)
    conf = Conf(box, "keep").change(remotes=[echo])

    def said():
        done = box.run("-T", server.url("x"))
        return done.returncode, done.stdout + done.stderr
    server.text = conf.render()
    code, text = said()
    assert code == 0 and "remote a" in text
    assert server.asked[-1]["User-Agent"].startswith("spawnd/")
    for server.code in (404, 500, 302, 206):
        code, text = said()
        assert code == 1 and f"the server answers {server.code}" in text
    server.code, server.text = 200, b"#" * (17 << 20)
    assert "larger than 16 MiB" in said()[1]
    server.text = b"spawnd { \0 }"
    assert "NUL" in said()[1]
    server.text = "spawnd { x = 1 }"
    assert f"{server.url('x')}:1: unknown option" in said()[1]


def test_copy_of_others(box, daemon, echo, state):
    """A folder that others can write to is no place for a copy."""
    server = Server(box)
    conf = UrlConf(box, "d0", server.url())
    conf.change(remotes=[echo])
    server.text = conf.render()
    state.chmod(0o777)
    d = daemon(conf=conf, env={"SPAWND_STATE": str(state)})
    wait(lambda: "not ours alone" in d.log)
    assert not list(state.iterdir())
    server.close()
    assert "cannot be fetched" in d.ctl("reload", check=False).stderr
    assert answers(d.connect())


@pytest.mark.parametrize("url, why", [
    ("http://192.0.2.1/x", "http is for this machine only"),
    ("http://127.0.0.1.example/x", "http is for this machine only"),
    ("http://localhost@192.0.2.1/x", "no user or password"),
    ("https://a:b@127.0.0.1/x", "no user or password"),
    ("https://host/a b", "is no URL")])
def test_refused(box, url, why):
    done = box.run("-n", url)
    assert done.returncode == 2 and why in done.stderr
