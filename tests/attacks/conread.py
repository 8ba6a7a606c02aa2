# SPDX-License-Identifier: MIT
"""Readers of the console, by the hundred, where nobody types.

Through the mount each is a request that axfs must ask the daemon for; at the daemon each is a call that waits. The mount's /dev and
/proc, and the console itself, go on for the others.
"""

import os

import wire
from stage import check, play, say

THROUGH_MOUNT, CONNECTIONS, CALLS = 120, 20, 50


def read_through_mount(line, path):
    """Readers in processes of their own, which die with us."""
    readers = []
    for _ in range(THROUGH_MOUNT):
        pid = os.fork()
        if pid == 0:
            try:
                os.read(os.open(path, os.O_RDONLY), 1)
                os._exit(0)
            except OSError as error:
                os._exit(error.errno)
        readers.append(pid)
    line.send("asked")
    line.recv()
    ended = {}
    for pid in readers:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            ended[code] = ended.get(code, 0) + 1
        else:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    line.send(ended)
    line.recv()


def read_from_daemon(line):
    clients = [wire.Client() for _ in range(CONNECTIONS)]
    for client in clients:
        for _ in range(CALLS):
            client.send("Read", fd=0, size=1)
        client.send("ConsoleFollow", offset=1 << 40, size=1)
    line.send("asked")
    line.recv()


def through_the_mount(stage):
    innocent = stage.innocent()
    attacker = stage.actor(read_through_mount, stage.mount + "/dev/console")
    attacker.hear()
    innocent.gets_on(50, "while the readers wait", attacker.running)
    attacker.tell()
    ended = attacker.hear()
    say(f"{THROUGH_MOUNT} readers; ended by themselves: "
        + (", ".join(f"{n} x {os.strerror(code)}" for code, n in ended.items()) or "none"))


def at_the_daemon(stage):
    innocent = stage.innocent()
    attacker = stage.actor(read_from_daemon)
    attacker.hear()
    innocent.gets_on(50, "while the calls wait", attacker.running)
    root = wire.Client(argv=("stage",))
    for _ in range(20):
        check(root.call("Write", b"a line for the console\n", fd=1).status > 0, "the console cannot be written")
        check(root.call("ConsoleTakeOutput", size=1000).status >= 0, "the console's output cannot be taken")
    innocent.gets_on(20, "while the console is written", attacker.running)


if __name__ == "__main__":
    play(through_the_mount, at_the_daemon)
