# SPDX-License-Identifier: MIT
"""A donated pipe end whose open file description is the daemon's, too.

Spawned programs get the host's pipe. The attacker clears O_NONBLOCK on what he got and then asks the daemon to read where there is
nothing to read, or to write where there is no room: that call has to wait, and nobody else with it.
"""

import fcntl
import os

import wire
from stage import check, play, say


def clear_nonblock(fds):
    for fd in fds:
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_NONBLOCK)


def attack(line, make_it_wait):
    parent = wire.Client()
    pipe = parent.must("Pipe")
    child = parent.spawn()
    written = child.must("Write", b"x", fd=pipe["writer"], want_direct=True)
    read = child.must("Read", fd=pipe["reader"], size=1, want_direct=True)
    fds = written.fds + read.fds
    clear_nonblock(fds)
    line.send(len(fds))
    serial = make_it_wait(child, pipe)
    line.send("asked")
    line.recv()
    # the other end, so that the waiting call ends
    if make_it_wait is read_from_empty:
        parent.send("Write", b"y", fd=pipe["writer"])
    else:
        parent.send("Read", fd=pipe["reader"], size=wire.MAX_DATA)
    line.send(child.wait(serial).status)
    line.recv()


def read_from_empty(child, pipe):
    return child.send("Read", fd=pipe["reader"], size=10)


def write_to_full(child, pipe):
    child.must("SetNonblock", fd=pipe["writer"], on=True)
    while child.call("Write", bytes(4096), fd=pipe["writer"]).status > 0:
        pass
    child.must("SetNonblock", fd=pipe["writer"], on=False)
    return child.send("Write", bytes(4096), fd=pipe["writer"])


def play_on(stage, make_it_wait):
    innocent = stage.innocent()
    attacker = stage.actor(attack, make_it_wait)
    say(f"the attacker got {attacker.hear()} of the host's descriptors and cleared O_NONBLOCK on them")
    attacker.hear()
    innocent.gets_on(50, "while the attacker's call waits", lambda: attacker.running() and attacker.silent())
    attacker.tell()
    status = attacker.hear()
    check(status > 0, f"the attacker's call did not end well when it could: {status}")


def the_reader(stage):
    play_on(stage, read_from_empty)


def the_writer(stage):
    play_on(stage, write_to_full)


if __name__ == "__main__":
    play(the_reader, the_writer)
