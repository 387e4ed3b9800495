#!/usr/bin/env python3
"""A small backend to try a relay with.

usage: backend.py [address:]port

Answers HTTP GET and POST with a text that says what arrived; whatever else
comes is sent back line by line, until the client ends its side.
"""

import os
import signal
import socket
import socketserver
import sys

MOST = 1 << 20                  # longest line or body that is looked at
METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ")


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            line = self.rfile.readline(MOST)
            if line.startswith(METHODS):
                while line.startswith(METHODS) and self.answer(line):
                    line = self.rfile.readline(MOST)
                return
            while line:
                self.wfile.write(line)
                line = self.rfile.readline(MOST)
        except OSError:
            pass                # the client has gone: so do we

    def answer(self, request):
        """Answers one request; returns whether the client may send more."""
        headers = {}
        for line in iter(lambda: self.rfile.readline(MOST), b""):
            if not line.strip():
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        method, _, rest = request.decode("latin-1").strip().partition(" ")
        size = headers.get("content-length", "0")
        if not size.isdigit() or int(size) > MOST:
            self.reply("413 Content Too Large", "at most %d bytes\n" % MOST,
                       method, False)
            return False
        if "100-continue" in headers.get("expect", ""):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(size))
        path, _, version = rest.partition(" ")
        keep = version == "HTTP/1.1" and headers.get("connection") != "close"
        self.reply("200 OK", self.text(method, path, headers, body),
                   method, keep)
        return keep

    def text(self, method, path, headers, body):
        lines = ["hello from the backend (pid %d)" % os.getpid(),
                 "you asked: %s %s" % (method, path),
                 "your host: %s" % headers.get("host", "-"),
                 "you came from %s:%d" % self.client_address[:2]]
        if body:
            lines.append("you sent %d bytes: %s" % (
                len(body), body[:200].decode("utf-8", "replace")))
        return "\n".join(lines) + "\n"

    def reply(self, status, text, method, keep):
        body = text.encode()
        head = ("HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Length: %d\r\nConnection: %s\r\n\r\n"
                % (status, len(body), "keep-alive" if keep else "close"))
        self.wfile.write(head.encode() + (b"" if method == "HEAD" else body))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


class Server6(Server):
    address_family = socket.AF_INET6


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip().split("\n\n")[1])
    host, _, port = sys.argv[1].rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    kind = Server6 if ":" in host else Server
    try:
        server = kind((host, int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        sys.exit("backend.py: %s: %s" % (sys.argv[1], error))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("backend: serving on %s" % sys.argv[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
