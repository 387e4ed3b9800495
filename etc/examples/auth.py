#!/usr/bin/env python3
"""Answers spawnd(8) about sessions at a unix socket: see spawnd-auth(7).

    auth ask { path = "/run/ask.sock" }

usage: auth.py /run/ask.sock [denied client ...]
"""

import os
import socketserver
import sys
import urllib.parse


def answer(words, denied):
    """permit, deny or relay=NAME, by what is known of a session."""
    if words.get("client") in denied:
        return "deny"
    if words.get("sni", "").endswith(".internal"):
        return "relay=internal"
    return "permit"


class Asked(socketserver.StreamRequestHandler):
    """A connection of a worker; many questions may be under way."""

    def handle(self):
        for line in self.rfile:
            words = dict(word.split("=", 1) for word in line.decode().split())
            words = {name: urllib.parse.unquote(value)
                     for name, value in words.items()}
            text = answer(words, self.server.denied)
            self.wfile.write(f"id={words['id']} {text}\n".encode())


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    path, denied = sys.argv[1], set(sys.argv[2:])
    if os.path.exists(path):
        os.unlink(path)
    with Server(path, Asked) as server:
        server.denied = denied
        os.chmod(path, 0o600)
        server.serve_forever()
