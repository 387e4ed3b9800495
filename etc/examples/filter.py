#!/usr/bin/env python3
"""A filter program of spawnd(8): see spawnd-filter(7).

    program words { command = "/usr/libexec/filter.py secret ******" }

Replaces one word by another in both directions; a word that is cut between two
pieces is found. usage: filter.py WORD WITH
"""

import struct
import sys

OPEN, DATA, FIN, RESET, CLOSE = 1, 2, 3, 4, 5
PASS, REPLACE, END = 16, 17, 18
word, other = sys.argv[1].encode(), sys.argv[2].encode()
held = {}       # what may be the beginning of the word, by session and direction


def say(kind, way, session, contents=b""):
    sys.stdout.buffer.write(struct.pack(
        ">IBBHQ", len(contents), kind, way, 0, session) + contents)


def data(way, session, text):
    text = held.pop((session, way), b"") + text
    keep = max(n for n in range(len(word)) if word.startswith(
        text[len(text) - n:]) and n <= len(text))
    done, rest = text[:len(text) - keep], text[len(text) - keep:]
    if rest:
        held[session, way] = rest
    new = done.replace(word, other)
    if new == done:
        say(PASS, way, session, struct.pack(">I", len(done)))
    else:
        for at in range(0, len(new), 65536):
            say(REPLACE, way, session, struct.pack(
                ">I", 0 if at else len(done)) + new[at:at + 65536])


while head := sys.stdin.buffer.read(16):
    length, kind, way, _, session = struct.unpack(">IBBHQ", head)
    contents = sys.stdin.buffer.read(length)
    if kind == DATA:
        data(way, session, contents)
    elif kind in (FIN, RESET):
        rest = held.pop((session, way), b"")
        say(PASS, way, session, struct.pack(">I", len(rest)))
        say(END, way, session)
    elif kind == CLOSE:
        held.pop((session, 0), None)
        held.pop((session, 1), None)
    sys.stdout.buffer.flush()
