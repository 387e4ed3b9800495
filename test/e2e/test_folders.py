"""Files of the daemon in folders that belong to others, who put links in
their place: root's own files must stay as they are."""

import os
import socket
import stat

import pytest

import peers
from harness import wait
from test_start import roundtrip, start_fails

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="gives files away")


def owned(path, uid=NOBODY):
    os.lchown(path, uid, uid)
    return path


@pytest.fixture
def theirs(box):
    """A folder of somebody else."""
    folder = box.dir / "theirs"
    folder.mkdir()
    yield owned(folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture
def precious(box):
    """A file of root's; as it was after the test."""
    path = box.dir / "precious"
    path.write_text("precious")
    path.chmod(0o600)
    yield path
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert (status.st_uid, status.st_gid) == (0, 0)
    assert path.read_text() == "precious"


def unix_listen(path, mode="0600"):
    return f'path = "{path}" mode = {mode} user = "nobody" group = "nogroup"'


@pytest.mark.parametrize("how", ["symbolic", "hard", "socket"])
def test_a_listener_with_a_link_in_its_place(daemon, echo, theirs, precious,
                                             how):
    """The owner of the folder waits for a reload to give him the file."""
    path = theirs / "in.sock"
    d = daemon(remotes=[echo], listen=unix_listen(path))
    roundtrip(d.connect()).close()
    path.unlink()
    other = socket.socket(socket.AF_UNIX)
    if how == "symbolic":
        path.symlink_to(precious)
    elif how == "hard":
        os.link(precious, path)
    else:
        other.bind(str(path))
        path.chmod(0o600)
    d.reload(listen=unix_listen(path, "0666"))
    d.wait_line("its file has been replaced")
    assert path.lstat().st_uid == 0
    assert stat.S_IMODE(path.lstat().st_mode) != 0o666
    d.stop()
    assert path.is_symlink() or path.exists()
    other.close()


def test_a_listener_is_given_away_at_a_reload(daemon, echo, theirs):
    path = theirs / "in.sock"
    d = daemon(remotes=[echo], listen=f'path = "{path}" mode = 0600')
    inode = path.stat().st_ino
    d.reload(listen=unix_listen(path, "0666"))
    status = path.stat()
    assert status.st_ino == inode and status.st_uid == NOBODY
    assert stat.S_IMODE(status.st_mode) == 0o666
    roundtrip(d.connect()).close()
    assert [p.name for p in theirs.iterdir()] == ["in.sock"]
    d.stop()
    assert not path.exists()


def test_a_stale_link_is_no_socket(box, echo, theirs, precious):
    path = theirs / "in.sock"
    path.symlink_to(precious)
    conf = box.conf(remotes=[echo], listen=unix_listen(path))
    start_fails(box, conf, words=[str(path), "is no socket"])
    assert path.is_symlink()


def test_a_folder_that_is_their_link(box, echo, theirs):
    """To a folder of root's."""
    inside = box.dir / "inside"
    inside.mkdir()
    (theirs / "way").symlink_to(inside)
    owned(theirs / "way")
    conf = box.conf(remotes=[echo], listen=unix_listen(theirs / "way/in.sock"))
    start_fails(box, conf, words=["listen on", "in.sock"])
    assert not list(inside.iterdir())


def test_a_folder_that_is_our_link(daemon, box, echo):
    inside = box.dir / "inside"
    inside.mkdir()
    (box.dir / "way").symlink_to("inside")
    d = daemon(remotes=[echo], listen=f'path = "{box.dir}/way/in.sock"')
    assert stat.S_ISSOCK((inside / "in.sock").stat().st_mode)
    roundtrip(d.connect()).close()


def test_the_control_socket_with_a_link_in_its_place(daemon, box, echo,
                                                     theirs, precious):
    path = theirs / "ctl.sock"
    d = daemon(remotes=[echo], control=path)
    d.check_idle = False    # nobody could be asked
    path.unlink()
    path.symlink_to(precious)
    d.stop()
    assert path.is_symlink()


@pytest.mark.parametrize("how", ["symbolic", "hard", "folder", "theirs"])
@pytest.mark.parametrize("what", ["pidfile", "log"])
def test_a_file_with_a_link_in_its_place(box, echo, theirs, precious, what,
                                         how):
    path = theirs / "file"
    word = {"symbolic": "symbolic link", "hard": "second name",
            "folder": "neither a regular file", "theirs": "another user"}[how]
    if how == "symbolic":
        path.symlink_to(precious)
    elif how == "hard":
        os.link(precious, path)
    elif how == "theirs":
        path.write_text("1\n")
        owned(path)
    else:
        path = box.dir
        word = "irectory"
    text = f'pidfile = "{path}"' if what == "pidfile" else \
        f'log {{ to = "{path}" }}'
    conf = box.conf(remotes=[echo], spawnd=text)
    start_fails(box, conf, words=[str(path), word])


def test_a_log_with_a_link_after_a_rotation(daemon, echo, theirs, precious):
    """The logger goes on with the file it has."""
    path = theirs / "own.log"
    d = daemon(remotes=[echo], spawnd=f'log {{ to = "{path}" }}')
    d.logfile = theirs / "old.log"
    path.rename(d.logfile)
    path.symlink_to(precious)
    d.hup()
    peers.load(d.box, d.address(), 3)
    wait(lambda: d.logfile.read_text().count(" why=") == 3, 5,
         "lines in the old file")


def test_addresses_with_a_link_in_their_place(daemon, box, echo, theirs,
                                              precious):
    """It is replaced; one to what is no file is not written to."""
    path = theirs / "addrs"
    path.symlink_to(precious)
    d = daemon(remotes=[echo], start=False)
    d.addrs = path
    d.start().wait_line("ready")
    assert not path.is_symlink() and path.read_text().startswith("web ")
    fifo = box.dir / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    path.unlink()
    path.symlink_to(fifo)
    d.reload()
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_a_pid_file_that_was_replaced_stays(daemon, box, echo, theirs,
                                            precious):
    path = theirs / "d.pid"
    d = daemon(remotes=[echo], spawnd=f'pidfile = "{path}"')
    assert int(path.read_text()) == d.pid
    path.unlink()
    path.symlink_to(precious)
    d.stop()
    assert path.is_symlink()
