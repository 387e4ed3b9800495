"""A client or server of TLS that does what Python's ssl does not: half-close,
KeyUpdate, renegotiation; by libssl itself."""

import ctypes
import errno
import select
import socket

from harness import PATIENCE

WANT_READ, WANT_WRITE, ZERO_RETURN = 2, 3, 6
SET_MIN_PROTO, SET_MAX_PROTO, MODE = 123, 124, 33
PARTIAL_WRITE, MOVING_BUFFER = 1, 2
TLS1_2, TLS1_3 = 0x303, 0x304
EARLY_REJECTED, EARLY_ACCEPTED = 1, 2

libssl = None


def load():
    global libssl
    libssl = ctypes.CDLL("libssl.so.3", use_errno=True)
    pointers = ["TLS_method", "SSL_CTX_new", "SSL_new", "SSL_get_version",
                "SSL_get1_session"]
    for name in pointers:
        getattr(libssl, name).restype = ctypes.c_void_p
    libssl.SSL_get_version.restype = ctypes.c_char_p
    libssl.SSL_CTX_ctrl.restype = ctypes.c_long


class Broken(Exception):
    """The other side has gone without saying so, or has sent nonsense."""


class Tls:
    """TLS over a connected socket; cert: the file of a server."""

    def __init__(self, sock, cert=None, version=None, session=None,
                 early=None, together=False):
        """session: of an earlier one, to go on with; early: what is said
        before anything is agreed on; together: the client's last word of the
        handshake comes with what it sends then, as one."""
        if libssl is None:
            load()
        self.sock = sock
        sock.setblocking(False)
        method = ctypes.c_void_p(libssl.TLS_method())
        self.ctx = ctypes.c_void_p(libssl.SSL_CTX_new(method))
        if version:
            for command in (SET_MIN_PROTO, SET_MAX_PROTO):
                libssl.SSL_CTX_ctrl(self.ctx, command,
                                    ctypes.c_long(version), None)
        libssl.SSL_CTX_ctrl(self.ctx, MODE, ctypes.c_long(
            PARTIAL_WRITE | MOVING_BUFFER), None)
        if cert:
            name = str(cert).encode()
            assert libssl.SSL_CTX_use_certificate_chain_file(
                self.ctx, name) == 1
            assert libssl.SSL_CTX_use_PrivateKey_file(self.ctx, name, 1) == 1
        self.ssl = ctypes.c_void_p(libssl.SSL_new(self.ctx))
        libssl.SSL_set_fd(self.ssl, sock.fileno())
        if cert:
            libssl.SSL_set_accept_state(self.ssl)
        else:
            libssl.SSL_set_connect_state(self.ssl)
        if session:
            assert libssl.SSL_set_session(self.ssl, session) == 1
        if early:
            assert libssl.SSL_SESSION_set_max_early_data(session, 16384) == 1
            self._do(libssl.SSL_write_early_data, early, len(early),
                     ctypes.byref(ctypes.c_size_t()))
        self.together = together
        if together:
            self._try(libssl.SSL_do_handshake)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        self._do(libssl.SSL_do_handshake)
        self.early_status = libssl.SSL_get_early_data_status(self.ssl)
        self.reused = libssl.SSL_session_reused(self.ssl) == 1

    def session(self):
        """What to come back with, when something was received."""
        return ctypes.c_void_p(libssl.SSL_get1_session(self.ssl))

    def _try(self, function, *args):
        """What it returns, or which event it waits for: None, event."""
        libssl.ERR_clear_error()
        ctypes.set_errno(0)
        r = function(self.ssl, *args)
        why = ctypes.get_errno()
        if r > 0:
            return r, 0
        error = libssl.SSL_get_error(self.ssl, r)
        if error == ZERO_RETURN:
            return 0, 0
        if error in (WANT_READ, WANT_WRITE):
            return None, error
        if why in (errno.ECONNRESET, errno.EPIPE):
            raise ConnectionResetError(why, "reset")
        raise Broken(f"error {error}, errno {why}")

    def _wait(self, *events):
        fds = [self.sock.fileno()]
        ready = select.select(fds if WANT_READ in events else [],
                              fds if WANT_WRITE in events else [],
                              [], PATIENCE)
        if not any(ready):
            raise TimeoutError("nothing happens")

    def _do(self, function, *args):
        while True:
            r, event = self._try(function, *args)
            if r is not None:
                return r
            self._wait(event)

    def send(self, data):
        return self._do(libssl.SSL_write, bytes(data), len(data))

    def sendall(self, data):
        view = memoryview(data)
        while view:
            view = view[self.send(view[:16384]):]
        if self.together:
            self.together = False
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def recv(self, size):
        """b"" is a close_notify, and nothing else."""
        room = ctypes.create_string_buffer(min(size, 65536))
        got = self._do(libssl.SSL_read, room, len(room))
        return room.raw[:got]

    def key_update(self, request=True):
        """Goes out with the next byte that is sent."""
        assert libssl.SSL_key_update(self.ssl, int(request)) == 1

    def renegotiate(self):
        libssl.SSL_renegotiate(self.ssl)
        self._do(libssl.SSL_do_handshake)

    def shutdown(self, how=socket.SHUT_WR):
        """A close_notify, and the FIN behind it."""
        libssl.SSL_shutdown(self.ssl)
        self.sock.shutdown(how)

    def both(self, out, size, between=None):
        """Sends blocks and receives so many bytes, both at once; between is
        called now and then when no write is half done."""
        sent, got = memoryview(b""), bytearray()
        out = iter(out)
        room = ctypes.create_string_buffer(65536)
        block = b""
        while block is not None or len(got) < size:
            if block is not None and not sent:
                block = next(out, None)
                sent = memoryview(block or b"")
                if block and between:
                    between()
            moved = None
            if sent:
                part = bytes(sent[:16384])
                moved, event = self._try(libssl.SSL_write, part, len(part))
                sent = sent[moved or 0:]
            if len(got) < size:
                n, event = self._try(libssl.SSL_read, room,
                                     min(65536, size - len(got)))
                if n == 0:
                    raise EOFError(f"{size - len(got)} bytes missing")
                got += room.raw[:n or 0]
                moved = moved or n
            if not moved and (sent or len(got) < size):
                self._wait(WANT_READ, WANT_WRITE if sent else 0)
        return bytes(got)

    def close(self):
        if self.ssl:
            libssl.SSL_free(self.ssl)
            libssl.SSL_CTX_free(self.ctx)
            self.ssl = None
        self.sock.close()


def ended(end):
    """How what an end receives ends: "fin", "reset" or "broken"."""
    try:
        while end.recv(65536):
            pass
        return "fin"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except Broken:
        return "broken"
