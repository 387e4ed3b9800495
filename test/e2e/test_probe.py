"""What spawnd -n calls good starts: it looks at folders, rights and addresses
of this machine. What may be different later is a warning."""

import os
import re
import subprocess

import pytest

from harness import box_program, free_port

FOREIGN = "192.0.2.77"
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def check(box, remotes=("port = 1 address = 127.0.0.1",), user=None, **parts):
    conf = box.conf("probed", remotes=list(remotes), **parts)
    done = subprocess.run(
        [str(box_program("spawnd")), "-n", str(conf.path)], user=user,
        group=user, extra_groups=[] if user else None,
        capture_output=True, text=True, env=box.environment())
    good = "the configuration is good" in done.stdout
    assert done.returncode == (0 if good else 1), done
    return done


def cannot_start(box):
    """By the same file."""
    done = box.run("-f", box.dir / "probed.conf")
    assert done.returncode == 1 and "cannot start" in done.stderr, done


def test_what_is_good_says_nothing_else(box):
    done = check(box)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("option", ["control", "pidfile", "log", "listen"])
def test_a_folder_that_is_not_there_is_a_warning(box, option):
    path = box.dir / "none/x"
    parts = {
        "control": {"control": path},
        "pidfile": {"spawnd": f'pidfile = "{path}"'},
        "log": {"spawnd": f'log {{ to = "{path}" }}'},
        "listen": {"listen": f'path = "{path}"'},
    }[option]
    done = check(box, **parts)
    assert done.returncode == 0
    warning, = done.stderr.splitlines()
    assert "warning: " + option in warning and str(path) in warning
    assert "no such folder" in warning
    assert not path.parent.exists()
    cannot_start(box)


@pytest.mark.parametrize("option", ["control", "pidfile", "log", "listen"])
def test_what_is_in_the_way_is_a_mistake(box, option):
    path = box.dir / "folder"
    path.mkdir()
    parts = {
        "control": {"control": path},
        "pidfile": {"spawnd": f'pidfile = "{path}"'},
        "log": {"spawnd": f'log {{ to = "{path}" }}'},
        "listen": {"listen": f'path = "{path}"'},
    }[option]
    done = check(box, **parts)
    assert done.returncode == 1 and str(path) in done.stderr, done
    assert "warning" not in done.stderr
    cannot_start(box)


def test_nothing_is_made_by_it(box):
    before = set(os.listdir(box.dir)) | {"probed.conf"}
    check(box, control=box.dir / "c.sock", listen=f'path = "{box.dir}/l.sock"',
          spawnd=f'pidfile = "{box.dir}/p" log {{ to = "{box.dir}/l" }}')
    assert set(os.listdir(box.dir)) == before


@ROOT
def test_what_this_user_may_not_is_a_warning(box):
    box.dir.chmod(0o755)
    (box.dir / "old.log").touch(0o600)
    done = check(box, user=65534, control=box.dir / "c.sock",
                 listen='address = "127.0.0.1" port = 7',
                 spawnd=f'pidfile = "{box.dir}/p" '
                        f'log {{ to = "{box.dir}/old.log" }}')
    assert done.returncode == 0
    for word in ('"web": this user may not listen on port 7', "pidfile",
                 "old.log", "control"):
        assert word in done.stderr, done.stderr


def test_an_address_of_another_machine(box):
    done = check(box, listen=f'address = "{FOREIGN}" port = 0')
    assert done.returncode == 1
    assert f"{FOREIGN} is no address of this machine" in done.stderr
    cannot_start(box)


def test_an_address_beside_every_address(box):
    """Both cannot be had here, and the order does not matter."""
    port = free_port()
    listen = {"one": f'address = "127.0.0.1" port = {port}',
              "all": f"port = {port}"}
    for names in (("one", "all"), ("all", "one")):
        done = check(box, listen={name: listen[name] for name in names})
        assert done.returncode == 1
        mistake, = done.stderr.splitlines()
        assert '"one": ' in mistake and '"all" is for every' in mistake
        cannot_start(box)
    done = check(box, listen={"one": listen["one"],
                              "two": f'address = "127.0.0.2" port = {port}',
                              "six": f'address = "::" port = {port}'})
    assert done.returncode == 0, done.stderr


def test_a_source_address_of_another_machine_is_a_warning(box, daemon, echo):
    relay = f"local-address = {FOREIGN}"
    done = check(box, relay=relay)
    assert done.returncode == 0
    warning, = done.stderr.splitlines()
    assert "warning: " in warning and FOREIGN in warning
    d = daemon(remotes=[echo], relay=relay)
    d.wait_line(f"local-address {FOREIGN} is no address of this machine")
    d.hup(relay="")
    assert len(d.lines(FOREIGN)) == 1
    d.hup(relay=relay)
    assert len(d.lines(FOREIGN)) == 2


def test_it_may_be_asked_while_it_runs(box, daemon, echo):
    """What the daemon itself holds is in nobody's way."""
    port = free_port()
    parts = {"remotes": [echo], "listen": {
        "web": f'address = "127.0.0.1" port = {port}',
        "local": f'path = "{box.dir}/l.sock"'},
        "spawnd": f'pidfile = "{box.dir}/p"'}
    d = daemon(**parts)
    done = box.run("-n", d.conf.path)
    assert done.returncode == 0 and done.stderr == "", done


@pytest.mark.parametrize("where", ["file", "include", "folder"])
def test_files_that_everybody_can_write(box, where):
    more = box.dir / "more.conf"
    more.write_text("")
    if where == "folder":
        (box.dir / "open").mkdir()
        more = more.rename(box.dir / "open/more.conf")
    extra = f'include("{more}")' if where != "file" else ""
    conf = box.conf("probed", remotes=["port = 1 address = 127.0.0.1"],
                    extra=extra)
    {"file": conf.path, "include": more,
     "folder": more.parent}[where].chmod(0o777)
    done = box.run("-n", conf.path)
    assert done.returncode == 0
    warning, = done.stderr.splitlines()
    assert "can be written by everybody" in warning
    assert str(conf.path if where == "file" else more) in warning
    if where == "folder":       # as /tmp: others cannot rename ours
        more.parent.chmod(0o1777)
        assert box.run("-n", conf.path).stderr == ""


def test_who_is_asked_is_there(box):
    """Sessions would find out otherwise; and a folder of parts is looked at
    before there are any."""
    path = box.dir / "ask"
    for text, said in (
            (f'command = "{path} -x"', f"{path} cannot be run: No such file"),
            (f'path = "{path}"', f"{path} is no socket yet")):
        done = check(box, extra=f"auth ask {{ {text} }}")
        assert done.returncode == 0
        assert f'warning: auth "ask": {said}' in done.stderr
    path.write_text("")
    path.chmod(0o644)
    done = check(box, extra=f'auth ask {{ command = "{path}" }}')
    assert f"{path} cannot be run: Permission denied" in done.stderr
    path.chmod(0o755)
    done = check(box, extra=f'auth ask {{ command = "{path} -x" }}')
    assert done.stderr == ""
    parts = box.dir / "parts"
    parts.mkdir()
    parts.chmod(0o777)
    done = check(box, extra=f'auth ask {{ path = "{parts}/sock" }}')
    assert f'auth "ask": {parts}/sock: everybody can write to its folder' in \
        done.stderr
    done = check(box, extra=f'include("{parts}/*.conf")')
    assert f"the folder of {parts}/*.conf can be written by everybody" in \
        done.stderr


def test_where_nothing_can_be_recorded(box, echo):
    """Root could write there, who records could not."""
    folder = box.dir / "rec"
    folder.mkdir(0o555)
    conf = box.conf("rec", remotes=[echo], listen="port = 1080 filters = { r }",
                    extra=f'record r {{ directory = "{folder}" }}')
    done = box.run("-n", conf.path)
    assert done.returncode == 0
    assert re.search(r'record "r": directory .*/rec: .* cannot write there',
                     done.stderr)
    folder.chmod(0o777)
    assert "cannot write" not in box.run("-n", conf.path).stderr
