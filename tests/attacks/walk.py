# SPDX-License-Identifier: MIT
"""Paths whose walk has no end worth waiting for.

A deep directory, and a path that goes down and up again by `..`, hundreds of times in each of several symbolic links that lead to one
another. The attacker asks for it on more connections than there are workers, again and again. Whatever a walk is answered with, the
others go on, and a walk whose connection has gone does not go on.
"""

import errno

import wire
from stage import check, error_name, play, say

DEPTH, LINKS, PAIRS, CONNECTIONS = 1000, 3, 790, 12
ALLOWED = {0, -errno.ELOOP, -errno.ENAMETOOLONG, -errno.EINTR, -errno.ETIMEDOUT, -errno.EAGAIN, -errno.EDQUOT}


def make_maze(base):
    """Its bottom is the client's working directory; the path to ask for."""
    client = wire.Client()
    client.must("Mkdir", path=f"{base}/maze")
    client.must("Chdir", path=f"{base}/maze")
    for _ in range(DEPTH):
        client.must("Mkdir", path="d" * 250)
        client.must("Chdir", path="d" * 250)
    client.must("Mkdir", path="a")
    loop = "a/../" * PAIRS
    for i in range(LINKS):
        target = loop + (f"l{i + 1}" if i + 1 < LINKS else "end")
        client.must("Symlink", **{"from": target, "to": f"l{i}"})
    client.open("end", wire.WRITE | wire.CREATE)
    return client, loop + "l0"


def attack(line, base):
    client, path = make_maze(base)
    walkers = [client.spawn(f"walker {i}") for i in range(CONNECTIONS)]  # they have the maze as their directory
    for walker in walkers:
        walker.send("Stat", path=path)
    line.send("asked")
    seen = {}
    while True:
        for walker in walkers:
            status = walker.receive()[1].status
            seen[status] = seen.get(status, 0) + 1
            walker.send("Stat", path=path)
        if line.poll():
            break
    line.send(seen)
    line.recv()  # the connections end with walks under way
    for walker in walkers:
        walker.close()
    line.send("gone")
    line.recv()


def play_on(stage, base):
    innocent = stage.innocent()
    attacker = stage.actor(attack, base)
    attacker.hear()
    innocent.gets_on(50, "while walks are asked for without end", attacker.running)
    attacker.tell()
    seen = attacker.hear()
    say("walks were answered: " + ", ".join(f"{n} x {error_name(status)}" for status, n in sorted(seen.items())))
    check(set(seen) <= ALLOWED, f"walks ended with {seen}")
    attacker.tell()
    attacker.hear()
    innocent.gets_on(20, "when the walkers have gone")


def on_the_store(stage):
    play_on(stage, stage.directory)


def in_tmp(stage):
    play_on(stage, "/tmp")


if __name__ == "__main__":
    play(on_the_store, in_tmp)
