"""What tls sections name: loaded, checked and told of by the reader."""

import os
import re
import shutil

import pytest

import certs
from harness import TOP

pytestmark = certs.needed


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def site(ca):
    return ca.issue("a.test", "a.test", "*.a.test")


@pytest.fixture
def look(box):
    """Checks a file with a tls section of these lines."""
    return lambda *lines, option="-n", remote="", user=None, env=None: check(
        box, lines, option, remote, user, env)


def check(box, lines, option, remote, user, env):
    path = box.dir / "tls.conf"
    path.write_text(
        'spawnd { listen w { address = "127.0.0.1" port = 0 tls = site } }\n'
        'relay a { remote r { address = "127.0.0.1" port = 9'
        f"{remote} }} }}\n"
        "tls site {\n" + "\n".join(lines) + "\n}\n")
    path.chmod(0o644)
    return path, box.run(option, path, user=user, env=env)


def good(found):
    path, done = found
    assert done.returncode == 0, done.stderr
    return done


def bad(found, line, *words):
    """A sentence, at that line of the section, and no other."""
    path, done = found
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"{path}:{line + 3}: "), done.stderr
    for word in words:
        assert word in lines[0], (word, done.stderr)


def pair_lines(pair):
    return f'certificate = "{pair.pem}"', f'key = "{pair.key}"'


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_kinds_of_keys(look, ca, kind):
    pair = ca.issue("k.test", "k.test", kind=kind, file=f"kind-{kind}")
    assert good(look(*pair_lines(pair))).stderr == ""


def test_key_and_certificate_in_one_file(look, box, site):
    both = box.dir / "both.pem"
    both.write_text(site.text + site.key.read_text())
    both.chmod(0o600)
    assert good(look(f'certificate = "{both}"')).stderr == ""
    both.write_text(site.key.read_text() + site.text)
    assert good(look(f'certificate = "{both}"')).stderr == ""


def test_key_of_another(look, ca, site):
    other = ca.issue("other.test")
    bad(look(f'certificate = "{site.pem}"', f'key = "{other.key}"'), 2,
        str(other.key), "is not the key of the certificate")


def test_no_key_and_no_certificate_in_a_file(look, box, site):
    bad(look(f'certificate = "{site.pem}"'), 1, "has no key in it",
        "key = FILE")
    bad(look(f'certificate = "{site.key}"', f'key = "{site.key}"'), 1,
        "has no certificate in it")
    der = box.dir / "a.der"
    certs.openssl("x509", "-in", site.pem, "-outform", "DER", "-out", der)
    bad(look(f'certificate = "{der}"', f'key = "{site.key}"'), 1,
        "is binary (DER)", "convert it")


def test_files_that_are_not_there(look, box, site):
    none = box.dir / "none.pem"
    bad(look(f'certificate = "{none}"', f'key = "{site.key}"'), 1,
        "cannot be read: No such file")
    bad(look(f'certificate = "{site.pem}"', f'key = "{none}"'), 2,
        "cannot be read: No such file")
    bad(look(f'certificate = "{box.dir}"', f'key = "{site.key}"'), 1,
        "is a directory")
    none.write_text("")
    bad(look(f'certificate = "{none}"', f'key = "{site.key}"'), 1,
        "is empty")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_unreadable_by_whom(look, box, site):
    """Who starts it reads the files, and may not be able to."""
    box.dir.chmod(0o755)
    shown = box.dir / "shown"
    shown.mkdir()
    pem, key = shown / "open.pem", shown / "closed.key"
    shutil.copy(site.pem, pem)
    shutil.copy(site.key, key)
    pem.chmod(0o644)
    key.chmod(0o600)
    bad(look(f'certificate = "{pem}"', f'key = "{key}"', user=65534), 2,
        f'key "{key}" cannot be read by user ',
        ": it is user root's and group root's, of mode 0600; let that user "
        "read it, or start spawnd as root")
    shown.chmod(0o700)
    bad(look(f'certificate = "{pem}"', f'key = "{key}"', user=65534),
        1, "a folder on the way is closed to them")


def test_damaged_files(look, box, site):
    broken = box.dir / "broken.pem"
    lines = site.text.splitlines()
    broken.write_text("\n".join(lines[:-2]) + "\n")
    bad(look(f'certificate = "{broken}"', f'key = "{site.key}"'), 1,
        "is damaged", "copy it again")
    lines[2] = "A" * len(lines[2])
    broken.write_text("\n".join(lines) + "\n")
    bad(look(f'certificate = "{broken}"', f'key = "{site.key}"'), 1,
        "is damaged", "certificate 1 in it")
    lines = site.key.read_text().splitlines()
    broken.chmod(0o600)
    broken.write_text("\n".join(lines[:1] + lines[2:]) + "\n")
    bad(look(f'certificate = "{site.pem}"', f'key = "{broken}"'), 2,
        "is damaged")


def test_chain_out_of_order(look, box, ca, tmp_path):
    middle = certs.Authority(tmp_path, "middle", parent=ca)
    lower = certs.Authority(tmp_path, "lower", parent=middle)
    pair = lower.issue("deep.test", "deep.test")
    assert [p.parent.name for p in pair.chain] == ["lower", "middle"]
    chain = box.dir / "chain.pem"
    own, one, two = (p.read_text() for p in (pair.pem, *pair.chain))
    chain.write_text(own + one + two)
    key = f'key = "{pair.key}"'
    assert good(look(f'certificate = "{chain}"', key)).stderr == ""
    chain.write_text(own + two + one)
    bad(look(f'certificate = "{chain}"', key), 1, "is out of order",
        "CN=middle", "put each behind")
    # What is served as well as it can be is a warning at the start.
    done = good(look(f'certificate = "{chain}"', key, option="-T"))
    assert "warning: certificate" in done.stderr
    chain.write_text(one + two + own)
    bad(look(f'certificate = "{chain}"', key, option="-T"), 2,
        "is the key of certificate 3 in the file; put that first")


def test_times(look, ca):
    old = ca.issue("old.test", start=-20, days=-10)
    bad(look(*pair_lines(old)), 1, "has expired on 20", "replace it")
    assert "warning: certificate" in good(
        look(*pair_lines(old), option="-T")).stderr
    early = ca.issue("early.test", start=3, days=300)
    bad(look(*pair_lines(early)), 1, "is valid only from 20",
        "this machine's clock")
    soon = ca.issue("soon.test", start=-3, days=20.5)
    assert re.search(r"tls.conf:4: warning: certificate \".*soon.test.pem\" "
                     "expires in 20 days", good(
                         look(*pair_lines(soon))).stderr)
    later = ca.issue("later.test", start=-3, days=31.5)
    assert good(look(*pair_lines(later))).stderr == ""


def test_passphrases(look, box, site):
    key = certs.encrypted(site, "open sesame")
    lines = f'certificate = "{site.pem}"', f'key = "{key}"'
    bad(look(*lines), 2, "is encrypted and there is no passphrase",
        "passphrase-file")
    bad(look(*lines, 'passphrase = "wrong word"'), 2,
        "is not opened by the passphrase")
    good(look(*lines, 'passphrase = "open sesame"'))
    word = box.dir / "word"
    word.write_text("open sesame\nand more\n")
    word.chmod(0o600)
    assert good(look(*lines, f'passphrase-file = "{word}"')).stderr == ""
    done = good(look(*lines, 'passphrase = "open sesame"', option="-T"))
    assert "sesame" not in done.stdout + done.stderr
    assert "# passphrase is not shown" in done.stdout
    assert str(key) in done.stdout
    word.write_text("\n")
    path, done = look(*lines, f'passphrase-file = "{word}"')
    assert done.returncode == 1
    assert f"{path}:6: passphrase-file \"{word}\" has no passphrase of" in \
        done.stderr


def test_files_that_others_can_read(look, box, site):
    key = box.dir / "open.key"
    shutil.copy(site.key, key)
    key.chmod(0o644)
    done = good(look(f'certificate = "{site.pem}"', f'key = "{key}"'))
    assert f"warning: {key} can be read by everybody; chmod o-r it" in \
        done.stderr


@pytest.mark.parametrize("option,value,words", [
    ("ciphers", "ECDHE+AESGCM:NO-SUCH", ["NO-SUCH", "does not know"]),
    ("ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_X", ["TLS_X"]),
    ("groups", "X25519:P-1", ["P-1", "does not know"]),
    ("ciphers", "ECDHE+AESGCM:ECDHE-RSA-AES128-SHA256",
     ["has ECDHE-RSA-AES128-SHA256", "only suites with GCM"]),
    ("ciphers", "AES256-SHA", ["has AES256-SHA", "only suites with GCM"]),
    ("ciphers", "ADH-AES128-GCM-SHA256", ["nobody shows who he is"]),
    ("ciphers", "NULL-SHA256:@SECLEVEL=0", ["has NULL-SHA256"]),
])
def test_values_that_are_refused(look, site, option, value, words):
    bad(look(*pair_lines(site), f'{option} = "{value}"'), 3, option, *words)


@pytest.mark.parametrize("line", [
    'ciphers = "ECDHE+AESGCM:!aNULL:@STRENGTH"',
    'ciphersuites = "TLS_CHACHA20_POLY1305_SHA256"',
    'groups = "P-256:X25519"', 'alpn = {"h2", "http/1.1"}',
    "min-version = 1.3", "max-version = 1.2", "strict-sni = yes",
    "tickets = no", "ticket-lifetime = 1m"])
def test_values_that_it_knows(look, site, line):
    assert good(look(*pair_lines(site), line)).stderr == ""


def test_no_forward_secrecy_is_warned_of(look, site):
    done = good(look(*pair_lines(site),
                     'ciphers = "ECDHE+AESGCM:AES128-GCM-SHA256"'))
    assert ":6: warning: ciphers has AES128-GCM-SHA256: who gets" in \
        done.stderr
    done = good(look(*pair_lines(site),
                     'ciphers = "HIGH:!aNULL:!kRSA:!SHA1:!SHA256:!SHA384"'))
    assert done.stderr == ""


def test_weak_key_is_refused(look, ca):
    weak = ca.issue("weak.test", kind="weak")
    bad(look(*pair_lines(weak)), 1, "is not taken by OpenSSL", "too small")


def test_client_ca_and_crl(look, box, ca, site, tmp_path):
    own = pair_lines(site)
    crl = ca.crl()
    assert good(look(*own, f'client-ca = "{ca.pem}"',
                     f'crl = "{crl}"')).stderr == ""
    bad(look(*own, f'client-ca = "{site.key}"'), 3, "has no certificate")
    bad(look(*own, f'client-ca = "{ca.pem}"', f'crl = "{ca.pem}"'), 4,
        "has no list of revoked certificates")
    stranger = certs.Authority(tmp_path, "stranger")
    bad(look(*own, f'client-ca = "{ca.pem}"', f'crl = "{stranger.crl()}"'),
        4, "is of nobody in client-ca")
    bad(look(*own, f'client-ca = "{ca.pem}"', f'crl = "{ca.crl(0)}"'), 4,
        "was due to be replaced")
    people = f'client-ca = "{ca.pem}"'
    assert re.search("tls.conf:7: warning: crl .* is due to be replaced in "
                     "2[234] hours", good(look(
                         *own, people, f'crl = "{ca.crl(1)}"')).stderr)
    assert good(look(*own, people, f'crl = "{ca.crl(3)}"')).stderr == ""


def test_several_files_of_revocations(look, box, ca, site, tmp_path):
    other = certs.Authority(tmp_path, "other")
    both = box.dir / "both.pem"
    both.write_text(ca.pem.read_text() + other.pem.read_text())
    lines = (*pair_lines(site), f'client-ca = "{both}"',
             f'crl = {{"{ca.crl()}", "{other.crl()}"}}')
    assert good(look(*lines)).stderr == ""
    bad(look(*lines[:-1], f'crl = {{"{ca.crl()}", "{other.crl(0)}"}}'), 4,
        str(other.dir), "was due to be replaced")


def test_whom_the_system_believes(look, box, ca, site):
    none = {"SSL_CERT_FILE": "/none", "SSL_CERT_DIR": str(box.dir)}
    lines = (*pair_lines(site), "name = a.test")
    bad(look(*lines, remote=" tls = site", env=none), 0,
        "neither in the file /none nor in the folder", "add ca = FILE")
    assert good(look(*lines, remote=" tls = site", env=dict(
        none, SSL_CERT_FILE=str(ca.pem)))).stderr == ""
    shutil.copy(ca.pem, box.dir / "own.pem")
    certs.openssl("rehash", box.dir)
    assert good(look(*lines, remote=" tls = site", env=dict(
        none, SSL_CERT_DIR=f"/nowhere:{box.dir}"))).stderr == ""


def test_ca_of_remotes(look, ca, site):
    own = pair_lines(site)
    assert good(look(*own, f'ca = "{ca.pem}"', "name = x.test",
                     remote=" tls = site")).stderr == ""
    bad(look(*own, f'ca = "{site.key}"'), 3, "ca ", "has no certificate")


def test_ticket_keys(look, box, site):
    own = pair_lines(site)
    path = box.dir / "ticket.keys"
    for n in 80, 160, 240:
        path.write_bytes(os.urandom(n))
        path.chmod(0o600)
        assert good(look(*own, f'ticket-keys = "{path}"')).stderr == ""
    for n in 1, 79, 81, 320:
        path.write_bytes(os.urandom(n))
        bad(look(*own, f'ticket-keys = "{path}"'), 3, f"has {n} bytes",
            "openssl rand 80")


def test_example_with_certificates(box, ca):
    where = box.dir / "certs"
    where.mkdir()
    pair = ca.issue("example.test", "example.test")
    shutil.copy(pair.pem, where / "site.pem")
    shutil.copy(pair.key, where / "site.key")
    shutil.copy(ca.pem, where / "inside-ca.pem")
    done = box.run("-n", "-D", f"certs={where}",
                   TOP / "etc/examples/tls.conf")
    assert done.returncode == 0, done.stderr
