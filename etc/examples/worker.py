#!/usr/bin/env python3
"""An echo server that spawnd(8) runs in place of relay(8), with one event loop
and nothing but the standard library of Python 3.9; see spawnd-worker(7).

    spawnd {
        listen echo { port = 7 }
        spawn { exec = "/usr/local/libexec/worker.py"  arguments = {"1000"} }
    }

The argument is after how many sessions it asks to be replaced; 0 is never."""

import mmap
import os
import selectors
import signal
import socket
import struct
import sys

VERSION, BATCH = 1, 16
CONN, DRAIN, READY, LEAVE, WAKE, LOG = range(1, 7)
HEADER = struct.Struct("=HH")               # type, count
ITEM = struct.Struct("=16sIHBxIIQI4x")      # of CONN, as in spawnd/worker.h

loop = selectors.DefaultSelector()
channel, log = socket.socket(fileno=3), socket.socket(fileno=6)
sessions = {}                               # socket -> what is to be written
seats = {}                                  # socket -> told when it ends

# The counters. A store through such a view is one of 8 bytes; struct would
# write byte by byte, and the master could see half of a number.
memory = memoryview(mmap.mmap(7, 0))
slot, flags = memory.cast("Q"), memory.cast("I")
TAKEN, CLOSED, IN, OUT, DROPPED = range(5)
DRAINING = 10                               # among the flags, at 40 bytes
board = memoryview(mmap.mmap(5, mmap.PAGESIZE, prot=mmap.PROT_READ)).cast("I")
SEATS, ENDED_AT = board[1], board[2] // 4   # among the flags as well


def tell(kind, *numbers):
    """False if the channel is full."""
    try:
        channel.send(HEADER.pack(kind, 1) +
                     struct.pack(f"={len(numbers)}I", *numbers),
                     socket.MSG_EOR)
    except BlockingIOError:
        return False
    return True


def note(text, level=6):
    try:
        log.send(f"<{level}>{text}".encode()[:2048],
                 socket.MSG_EOR)
    except OSError:
        slot[DROPPED] += 1


def begin(fd, item):
    address, scope, port, family, listener, backlog, accepted, seat = item
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    sessions[sock], seats[sock] = b"", seat
    loop.register(sock, selectors.EVENT_READ, serve)


def end(sock):
    loop.unregister(sock)
    sock.close()
    del sessions[sock]
    ended(seats.pop(sock))


def ended(seat):
    if SEATS:                               # somebody wants to know
        flags[ENDED_AT + slot[CLOSED] % SEATS] = seat
    slot[CLOSED] += 1


def serve(sock):
    """What has been written comes back before more is read."""
    try:
        if sessions[sock]:
            count = sock.send(sessions[sock])
            sessions[sock] = sessions[sock][count:]
            slot[OUT] += count
        elif data := sock.recv(65536):
            sessions[sock] = data
            slot[IN] += len(data)
        else:
            return end(sock)
    except BlockingIOError:
        return
    except OSError:
        return end(sock)
    loop.modify(sock, selectors.EVENT_WRITE if sessions[sock] else
                selectors.EVENT_READ, serve)


def drain(now=False):
    flags[DRAINING] = 1
    for sock in list(sessions) if now else ():
        end(sock)


def take(channel):
    """One packet; what is of no known type does not matter."""
    try:
        data, fds, _, _ = socket.recv_fds(
            channel, HEADER.size + BATCH * ITEM.size, BATCH)
    except BlockingIOError:
        return
    if not data:                            # the master is gone
        loop.unregister(channel)
        return drain()
    kind, count = HEADER.unpack_from(data)
    if kind == CONN:
        slot[TAKEN] += count
        items = list(ITEM.iter_unpack(data[HEADER.size:]))
        for fd, item in zip(fds, items):
            begin(fd, item)
        for item in items[len(fds):]:       # no descriptors were left
            ended(item[-1])
        return
    if kind == LOG and fds:
        os.dup2(fds[0], 6)
    for fd in fds:
        os.close(fd)
    if kind == DRAIN:
        drain(now=struct.unpack_from("=I", data, HEADER.size)[0] != 0)


def main():
    *given, generation, number, version = map(int, sys.argv[1:])
    most = given[0] if given else 0
    if version != VERSION:
        sys.exit(f"spawnd speaks version {version}, this worker {VERSION}")
    asked = []
    for signo in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(signo, lambda *_: asked.append(2))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    wake, other = socket.socketpair()       # a signal ends the wait
    for sock in (wake, other):
        sock.setblocking(False)
    signal.set_wakeup_fd(other.fileno())
    loop.register(wake, selectors.EVENT_READ, lambda sock: sock.recv(64))
    channel.setblocking(False)
    loop.register(channel, selectors.EVENT_READ, take)
    tell(READY, VERSION, os.getpid())
    note(f"serves, of generation {generation} in slot {number}")
    while sessions or not flags[DRAINING]:
        before = slot[CLOSED]
        for key, _ in loop.select(0.1 if asked else None):
            if key.fileobj is channel or key.fileobj is wake or \
                    key.fileobj in sessions:
                key.data(key.fileobj)
        # Without a look at the board, for which it lacks a memory barrier.
        if slot[CLOSED] != before:
            tell(WAKE, 0)
        if most and slot[TAKEN] >= most:
            most = asked.append(1)
        if asked and not flags[DRAINING] and tell(LEAVE, asked[0]):
            asked.clear()


if __name__ == "__main__":
    main()
