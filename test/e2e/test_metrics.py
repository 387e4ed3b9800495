"""What Prometheus is told: names, sums and labels; that it reads them, over
whatever happens to the daemon; the alerts and the dashboard that are shipped."""

import json
import re
import shutil
import signal
import ssl
import subprocess
import urllib.parse
import urllib.request

import pytest

import peers
from harness import (TOP, certificate, free_port, has_status, has_tls,
                     wait)
from peers import roundtrip

RULES = TOP / "etc/prometheus/spawnd.rules.yml"
DASHBOARD = TOP / "etc/grafana/spawnd.json"
ALERTS = TOP / "test/e2e/alerts.yml"
MANUAL = TOP / "man/spawnd-metrics.7"
SAMPLE = re.compile(r'^(spawnd_\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? '
                    r"([-+.e\d]+|\+Inf)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
WEB = 'address = "127.0.0.1" port = 0'
needs_status = pytest.mark.skipif(not has_status(), reason="needs libevent")
STATS = WEB + " serve = status"


def program(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name}")
    return path


def get(d, path="/metrics"):
    host, port = d.address("stats")
    with urllib.request.urlopen(f"http://{host}:{port}{path}",
                                timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text):
    """(name, labels) -> value; no sample is there twice."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = name, frozenset(LABEL.findall(labels or ""))
        assert key not in found, line
        found[key] = float(value)
    return found


def total(found, metric, /, **labels):
    return sum(value for (one, have), value in found.items()
               if one == metric and set(labels.items()) <= have)


def named(text):
    """Metrics that a text speaks of; a histogram by any of its parts."""
    return {re.sub(r"_(bucket|sum|count)$", "", name)
            for name in re.findall(r"spawnd_[a-z_]+[a-z]", text)}


def expressions():
    """What the dashboard asks for, whatever is chosen."""
    board = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in board["panels"]
             for target in panel.get("targets", ())]
    asked += [one["expr"] for one in board["annotations"]["list"]]
    for name, value in (("$__rate_interval", "1m"), ("$instance", ".*"),
                        ("$listener", ".*"), ("$relay", ".*")):
        asked = [expr.replace(name, value) for expr in asked]
    return asked


def test_alerts_fire_when_they_should(box):
    tool = program("promtool")
    subprocess.run([tool, "check", "rules", str(RULES)], check=True)
    for path in RULES, ALERTS:
        shutil.copy(path, box.dir)
    done = subprocess.run([tool, "test", "rules", ALERTS.name], cwd=box.dir,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, done.stdout
    names = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert names == set(re.findall(r"alertname: (\w+)", ALERTS.read_text()))


@needs_status
def test_metrics_are_what_spawnctl_shows(daemon, backend, echo):
    gone = backend()
    d = daemon(listen={"web": WEB + ' tag = dmz', "stats": STATS},
               remotes=[echo], relay="retries = 1",
               spawnd='access = {"deny 127.0.0.2"}')
    for i in range(3):
        roundtrip(d.connect(), b"x" * 1000).close()
    peers.turned_away(d.box, d.address(), source="127.0.0.2")
    held = roundtrip(d.connect())
    d.reload(remotes=[gone])
    gone.stop()
    with pytest.raises(OSError):
        roundtrip(d.connect())
    d.wait_closed(4)
    found = {}

    def settled():
        found.update(samples(get(d)[1]))
        return total(found, "spawnd_session_ends_total") == 4
    wait(settled, 30, "all ends")
    kind, text = get(d)
    assert kind.startswith("text/plain; version=0.0.4")
    tool = shutil.which("promtool")
    if tool:
        done = subprocess.run([tool, "check", "metrics"], input=text,
                              capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
    found = samples(text)
    names = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    assert names == named(MANUAL.read_text())
    assert named(DASHBOARD.read_text()) <= names
    assert named(RULES.read_text()) <= names
    assert total(found, "spawnd_sessions_total", listener="web") == 5
    assert total(found, "spawnd_sessions", listener="web") == 1
    assert total(found, "spawnd_session_ends_total", end="client",
                 why="fin") == 3
    assert total(found, "spawnd_session_ends_total",
                 why="connect-failed") == 1
    assert total(found, "spawnd_refused_connections_total",
                 reason="denied") == 1
    assert total(found, "spawnd_remote_connect_failures_total",
                 reason="refused") >= 1
    assert total(found, "spawnd_session_seconds_count") == 4
    assert total(found, "spawnd_session_seconds_bucket", le="+Inf") == 4
    assert total(found, "spawnd_queue_seconds_count") == 4
    assert total(found, "spawnd_last_reload_success") == 1
    assert total(found, "spawnd_listener_info", tag="dmz") == 1
    summary = d.summary()
    for metric, column in (("start_time_seconds", "start_time"),
                           ("last_reload_timestamp_seconds", "config_time"),
                           ("max_fds", "descriptors_max"),
                           ("started_workers_total", "workers_started")):
        assert total(found, f"spawnd_{metric}") == summary[column] > 0
    for direction, column in ("up", "bytes_in"), ("down", "bytes_out"):
        moved = total(found, "spawnd_received_bytes_total",
                      direction=direction)
        assert moved == summary[column] > 3000
    for remote in d.show("remotes"):
        labels = {"relay": "app", "remote": remote["name"],
                  "address": remote["address"]}
        assert total(found, "spawnd_remote_sessions_total", **labels) == \
            remote["sessions"]
        assert total(found, "spawnd_remote_up", **labels) == \
            (remote["state"] == "up")
        assert total(found, "spawnd_remote_state", state=remote["state"],
                     **labels) == 1
    held.close()


@needs_status
@pytest.mark.skipif(not has_tls(), reason="no OpenSSL")
def test_metrics_of_certificates(daemon, echo, box):
    path = certificate()
    d = daemon(listen={"safe": WEB + " tls = ours", "stats": STATS},
               remotes=[echo],
               extra=f'tls ours {{ certificate = {{"{path}"}} }}')
    context = ssl.create_default_context(cafile=path)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with context.wrap_socket(d.connect("safe"),
                             server_hostname="relay.test") as sock:
        assert roundtrip(sock)
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(
            d.connect("safe"), server_hostname="relay.test")
    d.wait_closed(2)
    found = samples(get(d)[1])
    of = {"listener": "safe"}
    assert total(found, "spawnd_tls_handshakes_total", **of) == \
        total(found, "spawnd_tls_handshakes_total", version="1.3",
              resumed="0", **of) == 1
    assert total(found, "spawnd_tls_handshake_failures_total",
                 reason="refused", **of) == 1
    shown = d.show("tls")[0]
    assert total(found, "spawnd_tls_certificate_expiry_timestamp_seconds",
                 name="relay.test", **of) == shown["expires_at"]
    assert total(found, "spawnd_handshake_seconds_count", **of) >= 1


class Prometheus:
    """One that asks twice a second."""

    def __init__(self, box, target):
        self.port = free_port()
        conf = box.dir / "prometheus.yml"
        conf.write_text(
            "global: { scrape_interval: 500ms, scrape_timeout: 500ms }\n"
            f"rule_files: [ {RULES} ]\nscrape_configs:\n  - job_name: spawnd\n"
            f"    static_configs: [ {{ targets: [ '{target}' ] }} ]\n")
        self.log = (box.dir / "prometheus.out").open("wb")
        self.proc = box.spawn(
            [program("prometheus"), f"--config.file={conf}",
             f"--storage.tsdb.path={box.dir / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=self.log, stderr=self.log)

    def ask(self, what):
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{what}: {e.read()}") from None

    def names(self):
        return self.ask("label/__name__/values")

    def query(self, expr):
        return self.ask("query?" + urllib.parse.urlencode({"query": expr}))[
            "result"]

    def value(self, expr):
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else None

    def answers(self):
        try:
            return self.value("up") == 1
        except (OSError, AssertionError):
            return False


@needs_status
@pytest.mark.alone
def test_prometheus_sees_no_counter_fall(daemon, echo, box):
    program("prometheus")
    if box.single:
        pytest.skip("no worker dies by itself there")
    d = daemon(listen={"web": WEB, "stats": STATS}, remotes=[echo])
    d.deaths = True
    host, port = d.address("stats")
    prom = Prometheus(box, f"{host}:{port}")
    wait(prom.answers, 60, "its first look")
    asked = lost = 0
    token = b"who is there?\n"

    def looked():
        """It has asked once more."""
        before = prom.value("vector(time())")
        wait(lambda: prom.value("max(timestamp(up))") > before, 60, "a look")

    for what in "kill", "reload", "upgrade", "drain":
        peers.load(box, d.address(), 50)
        asked += 50
        d.wait_closed(asked, 30)
        looked()
        if what == "kill":
            held = [roundtrip(d.connect(), token) for i in range(4)]
            worker = max(d.workers("ready"), key=lambda w: w["sessions"])
            lost = worker["sessions"]
            d.kill(signal.SIGKILL, worker["pid"])
            wait(lambda: all(w["pid"] != worker["pid"]
                             for w in d.workers()), 30)
            for sock in held:
                sock.close()
            asked += len(held) - lost
        elif what == "reload":
            d.reload()
        elif what == "upgrade":
            d.ctl("upgrade")
            wait(lambda: d.summary()["last_reload"] == "ok", 30)
            d.reloads += 1
        else:
            d.ctl("drain", str(d.workers("ready")[0]["pid"]))
    peers.load(box, d.address(), 50)
    asked += 50
    d.wait_closed(asked, 30)
    closed = d.closed()
    wait(lambda: prom.value("sum(spawnd_session_ends_total)") == asked + lost,
         60, "all sessions")
    looked()
    counters = [name for name in prom.names()
                if re.match(r"spawnd_.*_(total|bucket|count|sum)$", name)]
    assert len(counters) > 10
    for name in counters:
        assert not prom.query(f"resets({name}[1h]) > 0")
    assert len(closed) == asked and lost > 0
    assert prom.value("sum(spawnd_sessions_total)") == asked + lost
    assert prom.value('sum(spawnd_session_ends_total{why="worker-died"})') == \
        lost
    assert prom.value("sum(spawnd_session_seconds_count)") == asked
    for direction, field in ("up", "in"), ("down", "out"):
        assert prom.value("sum(spawnd_received_bytes_total"
                          f'{{direction="{direction}"}})') == \
            sum(int(line[field]) for line in closed) + lost * len(token)
    assert prom.value("spawnd_worker_deaths_total") == 1
    assert prom.value("spawnd_last_reload_timestamp_seconds"
                      " - spawnd_start_time_seconds") >= 1
    for expr in expressions():
        prom.query(expr)
    assert {rule["labels"]["alertname"] for rule in prom.query("ALERTS")} <= \
        {"SpawndWorkersDie"}
