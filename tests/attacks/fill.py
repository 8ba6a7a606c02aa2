# SPDX-License-Identifier: MIT
"""All of the room in the stores that are in memory.

The attacker takes what he can of /tmp, and of the store where that is in memory, too: with data, with preallocation through a descriptor of
the host's, and with names. At his share he is refused, and another can still write.
"""

import ctypes
import errno

import wire
from stage import INNOCENT, Impossible, check, error_name, play, say

REFUSALS = {-errno.ENOSPC, -errno.EDQUOT}
PIECE, MOST_BYTES, MOST_FILES = 16 << 20, 1 << 30, 300000

libc = ctypes.CDLL(None, use_errno=True)


def preallocate(fd, size):
    if libc.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(size)) < 0:
        return -ctypes.get_errno()
    return 0


def fill_with_bytes(line, base):
    """Large files through the host's descriptor, or through the daemon where it gives none; then small ones."""
    client = wire.Client()
    client.must("Mkdir", path=f"{base}/full")
    taken = number = status = 0
    while status == 0 and taken < MOST_BYTES:
        fd = client.open(f"{base}/full/{number}", wire.READ | wire.WRITE | wire.CREATE)
        reply = client.call("Write", b"x", fd=fd, want_direct=True)
        status = min(reply.status, 0)
        if status == 0 and reply.fds:
            status = preallocate(reply.fds[0], PIECE)
            taken += PIECE if status == 0 else 0
        number += 1
    written = wire.MAX_DATA
    while written > 0 and taken < MOST_BYTES:
        written = client.call("Write", bytes(wire.MAX_DATA), fd=fd).status
        taken += max(written, 0)
    line.send((taken, min(written, status)))
    line.recv()


def fill_with_names(line, base):
    client = wire.Client()
    client.must("Mkdir", path=f"{base}/names")
    client.must("Chdir", path=f"{base}/names")
    made = 0
    while made < MOST_FILES:
        serials = [client.send("Mkfifo", path=f"{made + i}") for i in range(100)]
        refused = [status for status in [client.wait(serial).status for serial in serials] if status < 0]
        made += 100 - len(refused)
        if refused:
            line.send((made, refused[0]))
            line.recv()
            return
    line.send((made, 0))
    line.recv()


def write_a_little(line, base):
    client = wire.Client()
    path = f"{base}/little"
    fd = client.open(path, wire.WRITE | wire.CREATE)
    line.send(client.call("Write", bytes(10000), fd=fd).status)
    client.call("Unlink", path=path)


def has_quotas(stage):
    with open(stage.log, "rb") as file:
        return b"tmpfs has no quotas" not in file.read()


def play_on(stage, fill, base):
    innocent = stage.innocent()
    attacker = stage.actor(fill, base)
    taken, status = attacker.hear()
    say(f"the attacker took {taken} {'bytes' if fill is fill_with_bytes else 'names'} of {base}, then: {error_name(status)}")
    check(status in REFUSALS, f"one user has {base} without bound")
    if not has_quotas(stage):
        raise Impossible("a share for each user: this host's tmpfs has no quotas")
    written = stage.actor(write_a_little, base, uid=INNOCENT).hear()
    check(written == 10000, f"another user cannot write: {error_name(written)}")
    innocent.gets_on(20, "while it is full", attacker.running)


def bytes_of_tmp(stage):
    play_on(stage, fill_with_bytes, "/tmp")


def names_in_tmp(stage):
    play_on(stage, fill_with_names, "/tmp")


def bytes_of_the_store(stage):
    if stage.durable:
        return  # a directory of the host's, with the quotas that the host has
    play_on(stage, fill_with_bytes, stage.directory)


if __name__ == "__main__":
    play(bytes_of_tmp, names_in_tmp, bytes_of_the_store)
