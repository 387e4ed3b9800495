"""Which certificate who gets to see, and whom of those who show one is
believed: clients and remotes."""

import shutil
import ssl

import pytest

import certs
from certs import Client, section

pytestmark = certs.needed
LISTEN = 'address = "127.0.0.1" port = 0 tls = site'
REFUSED = ssl.SSLError, ConnectionError
TLS12 = ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="module")
def site(ca):
    return ca.issue("first", "a.test")


def several(*pairs):
    return "certificate = {" + ", ".join(f'"{p.pem}"' for p in pairs) + \
        "} key = {" + ", ".join(f'"{p.key}"' for p in pairs) + "}"


def serve(daemon, echo, text, **parts):
    return daemon(remotes=[echo], listen=LISTEN, extra=text, **parts)


def shown(made, d, name):
    with Client(made, d.address(), name) as c:
        return c.subject


def said(failed, words):
    """Libraries write the name of an alert with blanks or without."""
    return words in str(failed.value).lower().replace("_", " ")


def test_by_the_name_that_is_asked_for(daemon, echo, ca, site):
    any_b = ca.issue("any-b", "*.b.test", "b.test")
    one_b = ca.issue("one-b", "one.b.test")
    again = ca.issue("again", "a.test", "again.test")
    d = serve(daemon, echo, section(None, several(site, any_b, one_b, again)))
    made = certs.context(ca)
    made.check_hostname = False
    for name, subject in {
            "a.test": "first", "A.Test": "first", "b.test": "any-b",
            "x.b.test": "any-b", "one.b.test": "one-b",
            "y.x.b.test": "first", "other.test": "first",
            "again.test": "again", "test": "first"}.items():
        assert shown(made, d, name) == subject, name
    assert shown(made, d, None) == "first"


def test_strict_names(daemon, echo, ca, site):
    any_b = ca.issue("strict-b", "*.b.test")
    d = serve(daemon, echo, section(None, several(site, any_b),
                                    "strict-sni = yes"))
    made = certs.context(ca)
    made.check_hostname = False
    assert shown(made, d, "a.test") == "first"
    assert shown(made, d, "x.b.test") == "strict-b"
    for name in "b.test", "other.test", None:
        with pytest.raises(REFUSED) as failed:
            shown(made, d, name)
        assert said(failed, "unrecognized name"), name
    d.wait_line("listener=", "sni=other.test", "why=handshake")
    d.wait_line("TLS handshake with the client: it asks for no name that a "
                "certificate has")


def test_keys_of_two_kinds_for_one_name(daemon, echo, ca, site):
    rsa = ca.issue("rsa", "a.test", kind="rsa")
    other = ca.issue("other", "b.test", kind="rsa")
    for pairs in [site, other, rsa], [rsa, other, site]:
        d = serve(daemon, echo, section(None, several(*pairs)))
        for kind, subject in ("ECDSA", "first"), ("RSA", "rsa"):
            made = certs.context(ca, TLS12, ciphers=f"ECDHE-{kind}-"
                                 "AES128-GCM-SHA256")
            assert shown(made, d, "a.test") == subject


def test_a_chain_is_sent_whole(daemon, echo, ca, box, tmp_path):
    middle = certs.Authority(tmp_path, "middle", parent=ca)
    pair = middle.issue("deep", "deep.test")
    chain = box.dir / "chain.pem"
    chain.write_text(pair.text)
    pair.pem = chain
    d = serve(daemon, echo, section(pair))
    assert shown(certs.context(ca), d, "deep.test") == "deep"


def test_a_passphrase(daemon, echo, ca, site, box):
    key = certs.encrypted(site, "sesame", "shown.key")
    d = serve(daemon, echo, f'tls site {{ certificate = "{site.pem}" '
              f'key = "{key}" passphrase = "sesame" }}')
    assert shown(certs.context(ca), d, "a.test") == "first"


def test_a_new_certificate_is_a_reload(daemon, echo, ca, site):
    d = serve(daemon, echo, section(site))
    made = certs.context(ca)
    with Client(made, d.address(), "a.test") as old:
        d.reload(extra=section(ca.issue("second", "a.test")))
        assert shown(made, d, "a.test") == "second"
        old.sock.sendall(b"still")
        assert old.sock.recv(5) == b"still"
        done = d.ctl("reload", check=False)
        assert done.returncode == 0, done.stderr
        d.write(extra=section(site).replace(".key", ".none"))
        assert d.ctl("reload", check=False).returncode == 1
        assert shown(made, d, "a.test") == "second"


def test_protocols(daemon, echo, ca, site):
    d = serve(daemon, echo, section(site, 'alpn = {"h2", "http/1.1"}'))
    for offered, chosen in (["http/1.1", "h2"], "h2"), \
            (["x", "http/1.1"], "http/1.1"), (None, None):
        with Client(certs.context(ca, alpn=offered), d.address(),
                    "a.test") as c:
            assert c.sock.selected_alpn_protocol() == chosen
    with pytest.raises(REFUSED) as failed:
        shown(certs.context(ca, alpn=["x"]), d, "a.test")
    assert said(failed, "no application protocol")


def test_versions_and_ciphers(daemon, echo, ca, site):
    d = serve(daemon, echo, section(site, "min-version = 1.3"))
    with pytest.raises(REFUSED):
        shown(certs.context(ca, TLS12), d, "a.test")
    d.reload(extra=section(site, "max-version = 1.2"))
    with Client(certs.context(ca), d.address(), "a.test") as c:
        assert c.sock.version() == "TLSv1.2"
    d.reload(extra=section(site, 'ciphersuites = "TLS_AES_256_GCM_SHA384"'))
    with Client(certs.context(ca), d.address(), "a.test") as c:
        assert c.sock.cipher()[0] == "TLS_AES_256_GCM_SHA384"
    d.reload(extra=section(site))
    with pytest.raises(REFUSED):
        shown(certs.context(ca, TLS12, ciphers="ECDHE-ECDSA-AES128-SHA"), d,
              "a.test")


@pytest.mark.parametrize("verify", ["required", "optional"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_clients(daemon, echo, ca, site, tmp_path, verify, version):
    version = getattr(ssl.TLSVersion, version)
    people = certs.Authority(tmp_path, "people")
    strangers = certs.Authority(tmp_path, "strangers")
    good, bad = people.issue("good"), people.issue("bad")
    people.revoke(bad)
    d = serve(daemon, echo, section(
        site, f'client-ca = "{people.pem}"', f'crl = "{people.crl()}"',
        f"client-verify = {verify}"))

    def serves(pair):
        try:
            return shown(certs.context(ca, version, pair), d,
                         "a.test") == "first"
        except REFUSED:
            return False

    assert serves(good)
    assert not serves(bad)
    assert not serves(strangers.issue("stranger"))
    assert not serves(people.issue("old", start=-20, days=-10))
    assert serves(None) == (verify == "optional")


def remote_of(daemon, echo, server, *lines, address='"127.0.0.1"', env=None):
    """A relay that speaks TLS with one that does."""
    return daemon(env=env or {}, remotes=[f"address = {address} port = {server.port()} "
                           "tls = inside"],
                  extra=section(None, *lines, name="inside"))


def echoes(d):
    """A session that can only fail may be reset before connect(2) returns."""
    try:
        with d.connect() as c:
            c.settimeout(60)
            c.sendall(b"ping")
            return c.recv(4) == b"ping"
    except ConnectionError:
        return False


def test_remotes_that_the_system_believes(daemon, echo, ca, site, tmp_path):
    """By a bundle, or by a folder with the names that OpenSSL gives."""
    server = serve(daemon, echo, section(site))
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(ca.pem, folder / "own.pem")
    certs.openssl("rehash", folder)
    for env in {"SSL_CERT_FILE": str(ca.pem)}, {"SSL_CERT_DIR": str(folder)}:
        assert echoes(remote_of(daemon, echo, server, "name = a.test",
                                env=env))
    assert not echoes(remote_of(daemon, echo, server, "name = a.test"))


def test_remotes(daemon, echo, ca, site, tmp_path):
    other = certs.Authority(tmp_path, "nobody")
    server = serve(daemon, echo, section(site))
    own = f'ca = "{ca.pem}"'
    d = remote_of(daemon, echo, server, own, "name = a.test")
    assert echoes(d)
    for lines in (own, "name = b.test"), (own,), \
            (f'ca = "{other.pem}"', "name = a.test"), ("name = a.test",):
        d.reload(extra=section(None, *lines, name="inside"))
        assert not echoes(d), lines
    d.reload(extra=section(None, "verify = no", name="inside"))
    assert echoes(d)


def test_a_remote_by_its_address(daemon, echo, ca):
    number = ca.issue("number", "IP:127.0.0.1")
    host = ca.issue("host", "localhost")
    server = serve(daemon, echo, section(None, several(number, host)))
    own = f'ca = "{ca.pem}"'
    assert echoes(remote_of(daemon, echo, server, own))
    assert echoes(remote_of(daemon, echo, server, own,
                            address='"localhost"'))


def test_a_remote_that_wants_to_know_us(daemon, echo, ca, site):
    server = serve(daemon, echo, section(site, f'client-ca = "{ca.pem}"'))
    own = f'ca = "{ca.pem}"', "name = a.test"
    d = remote_of(daemon, echo, server, *own)
    assert not echoes(d)
    d.reload(extra=section(ca.issue("relay"), *own, name="inside"))
    assert echoes(d)
