# SPDX-License-Identifier: MIT
"""A file whose inode lock the attacker holds for as long as he likes.

He has the host's descriptor of his own file, and writes to it from memory that never comes (hold_inode.c): the kernel waits for the
memory with the lock in its hand. Whoever then writes, truncates or changes that file waits, too; so may his own calls, but nobody
else's. The same through the mount, where his requests must not use up the threads that serve everybody.
"""

import os
import subprocess

import wire
from stage import Impossible, play, say

FILES, THROUGH_MOUNT = 24, 48


def make_files(base, count):
    """Each in a directory of its own: the host's kernel holds the directory, too, while it waits to unlink."""
    client = wire.Client()
    client.must("Mkdir", path=f"{base}/held{count}")
    paths, fds, donated = [], [], []
    for i in range(count):
        client.must("Mkdir", path=f"{base}/held{count}/{i}")
        paths.append(f"{base}/held{count}/{i}/file")
        fd, host = client.donated(paths[-1])
        fds.append(fd)
        donated.append(host)
    return client, paths, fds, donated


def hold(line, donated):
    """True when all locks are held; None where that cannot be done here."""
    if None in donated:
        return False  # the daemon does not give descriptors away
    for fd in donated:
        os.set_inheritable(fd, True)
    holder = subprocess.Popen(["hold_inode", *map(str, donated)], stdout=subprocess.PIPE, close_fds=False)
    for _ in donated:
        if not holder.stdout.readline():
            return None if holder.wait() == 77 else False
    return holder


def calls_on(client, path, fd, number):
    """Calls that need the lock."""
    calls = [
        lambda: client.send("Write", b"y", fd=fd),
        lambda: client.send("Ftruncate", fd=fd, size=100),
        lambda: client.send("Chmod", path=path, mode=0o600),
        lambda: client.send("Utimens", path=path, atime_sec=1, mtime_sec=1),
        lambda: client.send("Unlink", path=path),
        lambda: client.send("Rename", **{"from": path, "to": path + "2"}),
        lambda: client.send("Link", **{"from": path, "to": path + "3"}),
        lambda: client.send("Open", path=path, flags=wire.WRITE | wire.TRUNCATE),
    ]
    return calls[number % len(calls)]()


def attack_daemon(line, base):
    client, paths, fds, donated = make_files(base, FILES)
    holder = hold(line, donated)
    line.send("held" if holder else "impossible" if holder is None else "refused")
    if holder:
        children = [client.spawn(f"caller {i}") for i in range(FILES)]
        asked = [(child, calls_on(child, paths[i], fds[i], i)) for i, child in enumerate(children)]
        line.send(len(asked))
    line.recv()


def attack_mount(line, base, mount):
    _, paths, _, donated = make_files(base, THROUGH_MOUNT)
    holder = hold(line, donated)
    line.send("held" if holder else "impossible" if holder is None else "refused")
    if holder:
        for i, path in enumerate(paths):
            if os.fork() == 0:
                change = [lambda path: os.truncate(path, 100), lambda path: os.chmod(path, 0o600), os.unlink][i % 3]
                change(mount + path)
                os._exit(0)
        line.send(len(paths))
    line.recv()


def play_on(stage, attack, *arguments):
    innocent = stage.innocent()
    attacker = stage.actor(attack, *arguments)
    got = attacker.hear()
    if got == "impossible":
        raise Impossible("no FUSE in a user namespace")
    if got == "refused":
        say("the attacker gets no descriptor with which he could hold a lock")
        return
    say(f"the attacker holds the locks, and {attacker.hear()} calls of his need them")
    innocent.gets_on(50, "while the locks are held", lambda: attacker.running() and attacker.silent())


def on_the_store(stage):
    play_on(stage, attack_daemon, stage.directory)


def in_tmp(stage):
    play_on(stage, attack_daemon, "/tmp")


def through_the_mount(stage):
    play_on(stage, attack_mount, stage.directory, stage.mount)


if __name__ == "__main__":
    play(on_the_store, in_tmp, through_the_mount)
