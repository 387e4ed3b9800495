"""Certificates for tests, as openssl(1) makes them."""

import functools
import pathlib
import socket
import ssl
import subprocess
import time

import pytest

from harness import has_tls

needed = pytest.mark.skipif(
    not has_tls(), reason="built without OpenSSL, or openssl is missing")

CONFIG = """
[ca]
default_ca = own
[own]
database = {dir}/index
new_certs_dir = {dir}
serial = {dir}/serial
crlnumber = {dir}/crlnumber
certificate = {dir}/ca.pem
private_key = {dir}/ca.key
default_md = sha256
default_days = 400
default_crl_days = 100
policy = any
copy_extensions = none
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
{names}
[ca_kind]
basicConstraints = critical,CA:TRUE
keyUsage = keyCertSign,cRLSign
"""

KINDS = {"ecdsa": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "weak": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"]}


def openssl(*args, data=None):
    done = subprocess.run(["openssl", *map(str, args)], input=data,
                          stdin=subprocess.DEVNULL if data is None else None,
                          capture_output=True, check=False)
    assert done.returncode == 0, (args, done.stderr.decode())
    return done.stdout


@functools.lru_cache(maxsize=None)
def key_of(kind, number):
    """The same one for each number: RSA keys take their time."""
    return openssl("genpkey", "-algorithm", *KINDS[kind])


def stamp(days):
    return time.strftime("%Y%m%d%H%M%SZ",
                         time.gmtime(time.time() + days * 86400))


class Pair:
    """A certificate with its chain, and its key, in files of their own."""

    def __init__(self, pem, key, chain=()):
        self.pem, self.key = pathlib.Path(pem), pathlib.Path(key)
        self.chain = [pathlib.Path(p) for p in chain]

    @property
    def text(self):
        return self.pem.read_text() + "".join(
            p.read_text() for p in self.chain)


class Authority:
    """Signs certificates; itself signed by another one, or by nobody."""

    number = 0

    def __init__(self, folder, name="ca", parent=None, kind="ecdsa"):
        self.dir = pathlib.Path(folder) / name
        self.dir.mkdir()
        self.parent = parent
        (self.dir / "index").touch()
        (self.dir / "serial").write_text("1000\n")
        (self.dir / "crlnumber").write_text("01\n")
        self.pem, self.key = self.dir / "ca.pem", self.dir / "ca.key"
        self.configure()
        self.new_key(self.key, kind)
        if parent is None:
            openssl("req", "-x509", "-new", "-key", self.key, "-days", 3000,
                    "-subj", f"/CN={name}", "-config", self.config,
                    "-extensions", "ca_kind", "-out", self.pem)
        else:
            parent.sign(self.key, self.pem, name, "ca_kind", -1, 3000)

    def configure(self, names=()):
        self.config = self.dir / "config"
        text = "\n[req]\ndistinguished_name = dn\n[dn]\n"
        alt = "" if not names else "subjectAltName = " + ",".join(
            name if ":" in name else f"DNS:{name}" for name in names)
        self.config.write_text(
            CONFIG.format(dir=self.dir, names=alt) + text)

    @staticmethod
    def new_key(path, kind):
        Authority.number += 1
        path.write_bytes(key_of(kind, Authority.number))
        path.chmod(0o600)

    def sign(self, key, pem, name, extensions, start, days):
        request = self.dir / "request"
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}",
                "-config", self.config, "-out", request)
        openssl("ca", "-batch", "-notext", "-config", self.config,
                "-in", request, "-out", pem, "-extensions", extensions,
                "-startdate", stamp(start), "-enddate", stamp(days))

    def issue(self, name, *names, kind="ecdsa", start=-1, days=400,
              key=None, file=None):
        """names are those besides the common name, which is no name then."""
        base = self.dir / (file or name.replace("*", "any"))
        pem = base.with_name(base.name + ".pem")
        own = base.with_name(base.name + ".key")
        if key is None:
            self.new_key(own, kind)
        else:
            own = pathlib.Path(key)
        self.configure(names)
        self.sign(own, pem, name, "leaf", start, days)
        chain, above = [], self
        while above.parent is not None:
            chain.append(above.pem)
            above = above.parent
        return Pair(pem, own, chain)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-revoke", pair.pem)

    def crl(self, days=100):
        path = self.dir / "crl.pem"
        openssl("ca", "-config", self.config, "-gencrl", "-out", path,
                *(["-crlsec", "1"] if days <= 0 else
                  ["-crldays", str(days)]))
        if days <= 0:
            time.sleep(1.1)     # it is out of date when its second is over
        return path


def encrypted(pair, passphrase, file="encrypted.key"):
    path = pair.key.with_name(file)
    path.write_bytes(openssl("pkey", "-in", pair.key, "-aes256", "-passout",
                             f"pass:{passphrase}"))
    path.chmod(0o600)
    return path


def context(ca, version=None, pair=None, ciphers=None, alpn=None):
    """Of a client that believes one authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(ca.pem)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if pair is not None:
        made.load_cert_chain(pair.pem, pair.key)
    if ciphers is not None:
        made.set_ciphers(ciphers)
    if alpn is not None:
        made.set_alpn_protocols(alpn)
    return made


class Client:
    """A session by TLS, through which there is an echo already."""

    def __init__(self, made, address, name, session=None):
        raw = socket.create_connection(address, timeout=60)
        try:
            self.sock = made.wrap_socket(raw, server_hostname=name,
                                         session=session)
        except BaseException:
            raw.close()
            raise
        try:
            self.sock.sendall(b"ping")
            got = b""
            while len(got) < 4:
                more = self.sock.recv(4 - len(got))
                assert more, "the end"
                got += more
            assert got == b"ping"
        except BaseException:
            self.sock.close()
            raise
        self.reused = self.sock.session_reused
        self.session = self.sock.session

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    @property
    def subject(self):
        return dict(pair[0] for pair in
                    self.sock.getpeercert()["subject"])["commonName"]


def section(pair, *lines, name="site"):
    return (f"tls {name} {{ " +
            (f'certificate = "{pair.pem}" key = "{pair.key}" '
             if pair is not None else "") + " ".join(lines) + " }")
