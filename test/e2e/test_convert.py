"""spawnctl convert: what other relays are told becomes a configuration that
starts, and what does not is listed."""

import re
import subprocess

import pytest

import peers
from harness import box_program, certificate, free_port, has_tls
from peers import roundtrip


def convert(box, text, left=()):
    """The outcome for a file of that text; left: pairs of a line and a part of
    what is said of it."""
    path = box.dir / "foreign.conf"
    path.write_text(text)
    done = box.run("convert", path, program="spawnctl")
    said = done.stderr.splitlines()
    assert len(said) == len(left), done
    for line, (number, part) in zip(said, left):
        assert line.startswith(f"{path}:{number}: left out: "), line
        assert part in line and part in done.stdout
    assert done.returncode == (1 if left else 0)
    return done.stdout


def loads(box, text):
    """What spawnd -T makes of it."""
    path = box.dir / "ours.conf"
    path.write_text(text)
    done = box.run("-T", path)
    assert done.returncode == 0, (text, done.stderr)
    checked = box.run("-n", path)
    assert checked.returncode == 0, (text, checked.stderr)
    return done.stdout


def section(text, head):
    """What stands in the section of that head, at any depth."""
    at = re.search(rf"^(\t*){re.escape(head)} {{\n(.*?)^\1}}\n", text,
                   re.M | re.S)
    assert at, head
    return at[2]


def test_rinetd(box, echo, daemon):
    first, second = free_port(), free_port()
    host, port = "127.0.0.1", echo.port
    text = convert(box, f"""# what was there
allow 127.0.*.*
deny 127.0.9.*
127.0.0.1 {first} {host} {port}
127.0.0.1 {second}/tcp {host} {port} [timeout=3600,src=127.0.0.3]
deny 127.0.0.1
127.0.0.1 5353/udp 10.0.0.53 53/udp
deny 10.0.0.0
deny 10.0.1?
logfile {box.dir}/rinetd.log
pidlogfile {box.dir}/rinetd.pid
logcommon
""", [(7, "udp"), (9, "deny 10.0.1?"), (12, "one form")])
    value = loads(box, text)
    assert f'pidfile = "{box.dir}/rinetd.pid"' in value
    assert f'to = "{box.dir}/rinetd.log"' in section(value, "log")
    # All that nothing is left of is nobody's: the port of UDP had rules.
    assert 'access = {"deny 127.0.9.0/24", "permit 127.0.0.0/16"}' in value
    assert 'access = {"deny 127.0.0.1"}' in \
        section(value, f"listen port-{second}")
    relay = section(value, f"relay to-{host}-{port}-2")
    assert "idle-timeout = 1h" in relay
    assert 'local-address = {"127.0.0.3"}' in relay
    conf = box.conf("converted")
    conf.text = text.replace("spawnd {", "spawnd { control = "
                             f'"{conf.control}"', 1)
    d = box.daemon(conf=conf)
    d.logfile = box.dir / "rinetd.log"
    roundtrip(box.connect(("127.0.0.1", first), source="127.0.0.2")).close()
    assert peers.turned_away(box, ("127.0.0.1", second),
                             source="127.0.0.1")
    assert peers.turned_away(box, ("127.0.0.1", first), source="127.0.9.1")


TCPRELAY = """#!/usr/local/sbin/spawnd
id = spawnd {
    background = yes
    pidfile = BOX/pid
    listen = { address = 127.0.0.1 port = 9000 backlog = 512 realm = inner }
    listen = { path = BOX/front.sock mode = 0660 }
    listen = { ::0 port = 9001 }
    listen = { port = 9002 tls = yes }
    listen = { port = 9003 protocol = UDP }
    access = deny 10.9.0.0/16
    permit 10.0.0.0/8
    overload = queue
    tcp keepalive idle = 1k
    spawn = {
        exec = /usr/local/libexec/tcprelay
        users max = 0x1f4 users min = 20
        instances min = 2
        instances max = 8
    }
}
id = tcprelay {
    local address = 127.0.0.9
    remote = { address = 127.0.0.1 port = 80 weight = 2 }
    remote = { address = 10.0.0.2 port = 80 protocol = SCTP }
    remote = { address = 10.0.0.3 }
    retire limit = 10000
    syslog level = NOTICE
    syslog facility = LOCAL3
    rebalancing = often
    TLS
}
"""


def test_tcprelay(box):
    tls = f"tls cert-file = {certificate()}" if has_tls() else ""
    left = [(3, "-b"), (9, "UDP is not spoken"), (24, "SCTP is not spoken"),
            (25, "needs an address and a port"), (29, "rebalancing")]
    if not tls:
        left.insert(1, (8, "certificate"))
    text = convert(box, TCPRELAY.replace("BOX", str(box.dir))
                   .replace("TLS", tls), left)
    value = loads(box, text)
    first = section(value, "listen listen")
    assert 'address = "127.0.0.1"\n' in first and "port = 9000\n" in first
    assert 'tag = "inner"' in first and "backlog = 512" in first
    assert "keepalive-idle = 1024s" in first
    assert "mode = 0660" in section(value, "listen listen-2")
    assert 'address = "::"' in section(value, "listen listen-3")
    assert ("tls = site" in value) == bool(tls) and "9003" not in value
    assert 'access = {"deny 10.9.0.0/16", "permit 10.0.0.0/8"}' in value
    assert "max = 500" in section(value, "users")
    relay = section(value, "relay tcprelay")
    assert "retire = 10000" in relay and "idle-timeout = 0" in relay
    assert relay.count("\tremote ") == 1 and "weight = 2" in relay
    assert "level = notice" in section(value, "log")
    # What was served with TLS is never served in clear.
    dropped = convert(box, TCPRELAY.replace("BOX", str(box.dir))
                      .replace("TLS", ""), [left[0], (8, "certificate")] +
                      [one for one in left[1:] if one[0] != 8])
    assert "9002" not in loads(box, dropped)


def test_tcprelay_with_care(box):
    text = convert(box, f"""id = spawnd {{
    sticky cache period = 60
    listen = {{ path = {box.dir}/a.sock }}
    listen = {{ port = 9000 sticky cache period = 0 }}
    listen = {{ address = "1 2" odd = {{ }} port = 9001 }}
    listen = {{ port = 9002 tls = yes }}
    listen = {{ port = 9003 tls = yes }}
}}
id = tcprelay {{ remote = {{ address = 10.0.0.1 port = 80 }} }}
""", [(5, "goes as a whole"), (6, "certificate"), (7, "certificate")])
    value = loads(box, text)
    assert "sticky = no" in section(value, "listen listen-2")
    assert "900" in value and not re.search("900[123]", value)


@pytest.mark.skipif(not has_tls(), reason="built without OpenSSL")
def test_tcprelay_as_its_manual_shows_it(box):
    text = convert(box, f"""id = spawnd {{
    listen = {{ port = 12222 }}
    listen = {{ address = ::0 port = 12222 }}
    listen = {{ port = 12225 tls = yes }}
    spawn {{
        users max = 400
        users min = 10
        servers min = 1
        servers max = 20
    }}
}}

id = tcprelay {{
        remote = {{ address = 192.0.2.1 port = 22 }}
        ssl cert = {certificate()}
        ssl passphrase =  12345
}}
""")
    value = loads(box, text)
    assert "tls = site" in section(value, "listen listen-3")
    assert "max = 20" in section(value, "servers")


HAPROXY = r"""global
    maxconn 20000
    nbthread 4
    log /dev/log local0 notice
    tune.bufsize 32768
defaults
    mode tcp
    log global
    option tcplog
    timeout connect 5s
    timeout client 600000
    timeout server 20m
    timeout client-fin 30s
    retries 3
    option redispatch
listen pg
    bind 127.0.0.1:15432,[::1]:15433
    balance leastconn
    server a 127.0.0.1:5432 weight 200 check inter 3s
    server b 127.0.0.1:5433 cookie x
    server c 127.0.0.2 weight 5
frontend names
    bind :15434 accept-proxy tcp-ut 30s
    acl office src 10.1.0.0/16 127.0.0.0/8
    acl app req_ssl_sni -i app.example.org www.example.org
    tcp-request inspect-delay 5s
    tcp-request content accept if { req_ssl_hello_type 1 }
    tcp-request connection reject if !office
    use_backend app if app office or { req.ssl_sni -m end .b.example }
    use_backend app if { nbsrv(web) gt 2 }
    default_backend web
backend app
    server x unix@/run/app.sock send-proxy-v2
backend web
    balance url_param x
    option tcp-check
    tcp-check send PING\r\n\\0
    tcp-check expect string +PONG
    server y 127.0.0.1:80 check send-proxy
frontend http
    mode http
    bind :8080
    default_backend web
"""


def test_haproxy(box):
    text = convert(box, HAPROXY, [
        (5, "not understood"), (20, "cookie"), (21, "an address and a port"),
        (30, "such a condition"), (35, "balance"), (40, "mode tcp"),
        (41, "mode tcp"), (42, "mode tcp"), (43, "mode tcp")])
    value = loads(box, text)
    assert "max = 5000" in section(value, "users")
    assert "facility = local0" in section(value, "log")
    assert 'address = "127.0.0.1"' in section(value, "listen pg")
    assert 'address = "::1"' in section(value, "listen pg-2")
    pg = section(value, "relay pg")
    assert "connect-timeout = 5s" in pg and "idle-timeout = 20m" in pg
    assert "half-close-timeout = 30s" in pg and "balance = leastconn" in pg
    assert "weight = 200" in pg and "remote c " not in pg
    names = section(value, "listen names")
    assert 'access = {"permit 10.1.0.0/16", "permit 127.0.0.0/8", ' \
        '"deny all"}' in names
    assert 'proxy-from = {"0.0.0.0/0", "::/0"}' in names
    assert "user-timeout = 30s" in names and "relay = web" in names
    assert 'sni = {"app.example.org", "www.example.org"}' in names
    assert 'from = {"10.1.0.0/16", "127.0.0.0/8"}' in names
    assert 'sni = {"*.b.example"}' in names
    assert "proxy-out = v2" in section(value, "relay app")
    assert "proxy-out = v1" in section(value, "relay web")
    assert r'send = "PING\x0d\x0a\\\\0"' in value
    assert r'expect = "\\+PONG"' in value
    assert "8080" not in value


def test_haproxy_with_care(box):
    """What could open more than before does not, and says so."""
    text = convert(box, f"""peers those
    bind 127.0.0.1:15438
    server self 127.0.0.1:1024
listen a
    bind [::1]:15434 v4v6
    bind :::15435 v4v6
    tcp-request connection accept if {{ src 10.0.0.0/8 }}
    tcp-request connection reject if {{ src_conn_rate gt 10 }}
    source 127.0.0.9:0 usesrc clientip
    default-server inter 7s
    default-server check backup send-proxy
    server x 127.0.0.1:80
    server y 127.0.0.1:81 no-check no-backup no-send-proxy
resolvers names
    nameserver one 127.0.0.53:53
    timeout retry 1s
listen b
    bind 127.0.0.1:15436
    timeout client 0
    timeout server 30s
    server x 127.0.0.1:80
listen c
    bind 127.0.0.1:15437 ssl crt {box.dir}/x.pem ca-file ca.pem
    server x 127.0.0.1:80
""", [(1, "no place"), (2, "no place"), (3, "no place"),
      (8, "nobody is let in"), (9, "usesrc"), (14, "no place"),
      (15, "no place"), (16, "no place"), (23, "goes as a whole")])
    value = loads(box, text)
    assert 'address = "::1"' in section(value, "listen a")
    assert 'access = {"deny all", "permit 10.0.0.0/8", "permit all"}' in value
    relay = section(value, "relay a")
    assert 'local-address = {"127.0.0.9"}' in relay
    assert "idle-timeout = 0" in relay
    x, y = section(relay, "remote x"), section(relay, "remote y")
    assert "interval = 7s" in x and "backup = yes" in x
    assert "check {" not in y and "backup = no" in y and "proxy-out = none" in y
    assert "idle-timeout = 0" in section(value, "relay b")
    assert "15437" not in value and "15438" not in value


@pytest.mark.skipif(not has_tls(), reason="built without OpenSSL")
def test_haproxy_with_tls(box):
    pem = certificate()
    text = convert(box, f"""listen t
    bind 127.0.0.1:15434 ssl crt {pem} alpn h2,http/1.1 ssl-min-ver TLSv1.3
    bind 127.0.0.1:15435 no-such-word ssl crt {pem}
    bind 127.0.0.1:15436 ssl
    server a 127.0.0.1:443 ssl verify required ca-file {pem} sni str(a.test)
    server b 127.0.0.1:444 ssl verify none
""", [(3, "no-such-word"), (4, "crt")])
    value = loads(box, text)
    assert 'alpn = {"h2", "http/1.1"}' in section(value, "tls t")
    assert "min-version = 1.3" in section(value, "tls t")
    assert "tls = t-2" in section(value, "listen t-2")
    assert 'name = "a.test"' in section(value, "tls t-a")
    assert "verify = no" in section(value, "tls t-b")
    assert "15436" not in value


def test_what_is_wrong(box):
    def run(*args, **kw):
        return subprocess.run(
            [str(box_program("spawnctl")), "convert", *args],
            capture_output=True, text=True, **kw)

    for args in ((), ("a", "b")):
        done = run(*args)
        assert done.returncode == 2 and "convert needs the file" in done.stderr
    done = run(str(box.dir / "none"))
    assert done.returncode == 1 and "No such file" in done.stderr
    done = run("-", input="0.0.0.0 8080 10.0.0.1 80\n")
    assert done.returncode == 0 and 'port = "8080"' in done.stdout
    done = run("-", input="global\n maxconn 5\n")
    assert done.returncode == 1 and "nothing in it" in done.stderr
    (box.dir / "nul").write_bytes(b"id = spawnd {\0}")
    done = run(str(box.dir / "nul"))
    assert done.returncode == 1 and "NUL" in done.stderr


def test_spawnd_tells_of_it(box):
    path = box.dir / "foreign.conf"
    path.write_text("frontend a\n bind :80\n")
    done = box.run("-n", path)
    assert done.returncode == 1 and "spawnctl convert" in done.stderr
