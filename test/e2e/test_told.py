"""What spawnctl tells of what holds: the configuration."""

import json
import subprocess

import certs
from harness import box_program, has_tls

AGAIN = """
rate cap { bytes = 1k per = source }
fault slow { latency = 20ms chance = 0.25 }
"""
LISTEN = """address = "127.0.0.1" port = "0" relay = app filters = {{slow, cap}}
route {{ sni = {{a.test, "*.b.test"}} relay = app }}
route {{ from = {{10.0.0.0/8, unix}} relay = app }} tag = "t" {0}"""
SPAWND = """log one { to = stderr level = debug }
access = {"deny 192.0.2.0/24"} memory = 3m"""


def printed(program, *args):
    """As it is written: paths need not be UTF-8."""
    return subprocess.run([box_program(program), *args], capture_output=True,
                          check=True).stdout.decode("latin-1")


def test_the_configuration_that_holds(daemon, echo, box, tmp_path):
    secret = ""
    if has_tls():
        pair = certs.Authority(tmp_path).issue("first", "a.test")
        key = certs.encrypted(pair, "sesame", "told.key")
        secret = f'''tls site {{ certificate = "{pair.pem}" key = "{key}"
            passphrase = "sesame" ticket-lifetime = 90m }}'''
    more = "tls = site" if secret else ""
    odd = 'path = "/tmp/\\xff\\"\\$x" weight = 3 check { type = tcp }'
    d = daemon(remotes={"a": echo.conf(), "odd": odd}, spawnd=SPAWND,
               listen=LISTEN.format(more), extra=AGAIN + secret)
    d.ctl("remote", "app/a", "weight", "7")
    d.ctl("fault", "slow", "set", "latency=5ms")
    text = printed("spawnctl", "-s", d.conf.control, "show", "config")
    assert "sesame" not in text
    assert text.endswith("# until the next reload: remote app/a: weight 7\n"
                         "# until the next reload: fault slow: latency=5ms\n")
    # It is a configuration, and prints as itself.
    kept = box.dir / "again.conf"
    kept.write_text(text.replace("# passphrase is not shown",
                                 'passphrase = "sesame"'), "latin-1")
    assert printed("spawnd", "-T", kept) == text[:text.index("# until")]

    raw = d.ctl("--json", "show", "config").stdout
    assert "sesame" not in raw
    whole = json.loads(raw)
    spawnd, relay = whole["spawnd"], whole["relay"][0]
    web = spawnd["listen"][0]
    assert web["name"] == "web" and web["tag"] == "t" and web["port"] == 0
    assert web["relay"] == "app" and web["filters"] == ["slow", "cap"]
    assert web["route"][0]["sni"] == ["a.test", "*.b.test"]
    assert web["route"][1]["from"] == ["10.0.0.0/8", "unix"]
    assert spawnd["memory"] == 3 << 20 and spawnd["batch"] is True
    assert spawnd["access"] == ["deny 192.0.2.0/24"]
    assert spawnd["log"]["level"] == "info"
    assert spawnd["logs"][0]["level"] == "debug"
    assert spawnd["chroot"] is None
    assert relay["connect-timeout"] == 5 and relay["remote"][0]["port"]
    assert relay["remote"][1]["path"] == '/tmp/\N{REPLACEMENT CHARACTER}"$x'
    assert relay["remote"][1]["check"][0]["type"] == "tcp"
    assert whole["fault"][0]["latency"] == 0.02
    assert whole["fault"][0]["chance"] == 0.25
    assert whole["rate"][0]["bytes"] == 1024
    if secret:
        assert whole["tls"][0]["ticket-lifetime"] == 5400
        assert "passphrase" not in whole["tls"][0]
    assert d.ctl("show", "config", "more", check=False).returncode == 2
