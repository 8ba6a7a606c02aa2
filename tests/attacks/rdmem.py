# SPDX-License-Identifier: MIT
"""Lists that nobody reads.

The names of a large directory travel in a memory file. The attacker asks for them on many connections and reads no answer: what
waits for him is his, so it is bounded by his share, whether it lies with the daemon or on its way to him.
"""

import os
import signal

import wire
from stage import check, play, say

NAMES, LENGTH, CONNECTIONS, CALLS = 4000, 250, 10, 60
SHARE = 64 << 20  # MemoryPerUser of this test


def make_directory(path):
    client = wire.Client()
    client.must("Mkdir", path=path)
    client.must("Chdir", path=path)
    for begin in range(0, NAMES, 100):
        for serial in [client.send("Mkfifo", path=f"{begin + i:06}".ljust(LENGTH, "n")) for i in range(100)]:
            client.wait(serial)


def read_what_waits(clients):
    """Bytes of the memory files on their way to us, and how often each status was answered."""
    total, seen = 0, {}
    for client in clients:
        client.socket.setblocking(False)
        while True:
            try:
                _, reply = client.receive()
            except (BlockingIOError, EOFError, ConnectionResetError):
                break
            status = min(reply.status, 0)
            seen[status] = seen.get(status, 0) + 1
            for fd in reply.fds:
                total += os.fstat(fd).st_size
                os.close(fd)
    return total, seen


def attack(line, path):
    make_directory(path)
    clients = [wire.Client() for _ in range(CONNECTIONS)]
    for client in clients:
        for _ in range(CALLS):
            client.send("Readdir", path=path)
    line.send("asked")
    line.recv()
    line.send(read_what_waits(clients))
    line.recv()


def attacker_alone(innocent, stage):
    """The innocent rests, so that the daemon comes to an end with what the attacker has asked for."""
    innocent.stop()
    stage.daemon_settles()
    innocent.go_on()


def play_on(stage, base):
    innocent = stage.innocent()
    attacker = stage.actor(attack, f"{base}/large")
    attacker.hear()
    innocent.gets_on(50, "while lists are not read", attacker.running)
    attacker_alone(innocent, stage)
    os.kill(stage.daemon, signal.SIGSTOP)  # so that nothing comes after what is counted
    try:
        held = stage.daemon_memfds()
        attacker.tell()
        on_its_way, seen = attacker.hear()
    finally:
        os.kill(stage.daemon, signal.SIGCONT)
    say(f"{CONNECTIONS * CALLS} lists asked for, {NAMES * LENGTH >> 10} KiB each: {on_its_way >> 20} MiB on their way, "
        f"{held >> 20} MiB with the daemon; answers {seen}")
    check(held + on_its_way < 2 * SHARE, f"lists take {held + on_its_way >> 20} MiB where a user may have {SHARE >> 20}")
    innocent.gets_on(20, "afterwards")


def on_the_store(stage):
    play_on(stage, stage.directory)


def in_tmp(stage):
    play_on(stage, "/tmp")


if __name__ == "__main__":
    play(on_the_store, in_tmp)
