# SPDX-License-Identifier: MIT
"""Calls that wait, and keep what they were called with.

A write to a full pipe waits with up to 60 KiB; an open of a FIFO waits with a descriptor. Both belong to the user who asked: past
his share they are refused, or not even read from his connection, and the daemon's memory and descriptors show it.
"""

import errno
import select

import wire
from stage import INNOCENT, SANITIZED, SLOWNESS, check, error_name, play, say, wait_for

CONNECTIONS, CALLS = 40, 255
SHARE = 64 << 20  # MemoryPerUser of this test
WRITE_SIZE = 61440


def send_what_goes(client, *arguments, **fields):
    """The connection may be full, and stay so: the daemon need not read what it will not serve."""
    if not select.select([], [client.socket], [], 0.05 * SLOWNESS)[1]:
        return 0
    try:
        client.send(*arguments, **fields)
        return 1
    except (BlockingIOError, ConnectionError):
        return 0


def send_many(client, *arguments, **fields):
    sent = 0
    while sent < CALLS and send_what_goes(client, *arguments, **fields):
        sent += 1
    return sent


def answers_so_far(clients):
    """Without waiting; how often each status was answered."""
    seen = {}
    for client in clients:
        while True:
            try:
                status = client.receive()[1].status
            except (BlockingIOError, EOFError, ConnectionResetError):
                break
            seen[status] = seen.get(status, 0) + 1
    return seen


def full_pipe():
    client = wire.Client()
    writer = client.must("Pipe")["writer"]
    client.must("SetNonblock", fd=writer, on=True)
    while client.call("Write", bytes(4096), fd=writer).status > 0:
        pass
    client.must("SetNonblock", fd=writer, on=False)
    return client, writer


def park_writes(line):
    clients, asked = [], 0
    for _ in range(CONNECTIONS):
        client, writer = full_pipe()
        client.socket.setblocking(False)
        asked += send_many(client, "Write", bytes(WRITE_SIZE), fd=writer)
        clients.append(client)
    line.send(asked)
    line.recv()
    line.send(answers_so_far(clients))
    line.recv()


def park_opens(line, directory):
    clients, asked = [], 0
    first = wire.Client()
    for i in range(CONNECTIONS):
        first.must("Mkfifo", path=f"{directory}/fifo{i}")
        client = wire.Client()
        client.socket.setblocking(False)
        asked += send_many(client, "Open", path=f"{directory}/fifo{i}", flags=wire.READ)
        clients.append(client)
    line.send(asked)
    line.recv()
    line.send(answers_so_far(clients))
    line.recv()
    for i in range(CONNECTIONS):
        first.call("Unlink", path=f"{directory}/fifo{i}")


def park_one_write(line):
    client, writer = full_pipe()
    serial = client.send("Write", bytes(WRITE_SIZE), fd=writer)
    client.must("Cancel", serial=serial)
    line.send(client.wait(serial).status)


def told(seen):
    return ", ".join(f"{n} x {error_name(status)}" for status, n in sorted(seen.items())) or "none"


def writes_to_full_pipes(stage):
    innocent = stage.innocent()
    before = stage.daemon_memory()
    attacker = stage.actor(park_writes)
    asked = attacker.hear()
    innocent.gets_on(50, "while the writes wait", attacker.running)
    grown = stage.daemon_memory() - before
    other = stage.actor(park_one_write, uid=INNOCENT)
    check(other.hear() == -errno.EINTR, "another user's write does not wait as it should")
    attacker.tell()
    say(f"{asked} writes sent, {asked * WRITE_SIZE >> 20} MiB; the daemon has {grown >> 20} MiB more; answers: {told(attacker.hear())}")
    check(grown < 2 * SHARE, f"parked writes take {grown >> 20} MiB where a user may have {SHARE >> 20}")
    attacker.tell()
    attacker.join()
    if SANITIZED:
        return  # a sanitizer keeps for a while what is freed
    try:
        wait_for(lambda: stage.daemon_memory() - before < SHARE // 2, "the daemon's memory is given back")
    finally:
        say(f"afterwards the daemon has {stage.daemon_memory() - before >> 20} MiB more than before")


def opens_of_fifos(stage):
    innocent = stage.innocent()
    before = stage.daemon_descriptors()
    attacker = stage.actor(park_opens, stage.directory)
    asked = attacker.hear()
    innocent.gets_on(50, "while the opens wait", attacker.running)
    grown = stage.daemon_descriptors() - before
    attacker.tell()
    say(f"{asked} opens sent; the daemon has {grown} descriptors more; answers: {told(attacker.hear())}")
    check(grown < 3000, f"parked opens hold {grown} descriptors where a user may have 2000")
    attacker.tell()
    attacker.join()
    wait_for(lambda: stage.daemon_descriptors() <= before + 20, "the daemon's descriptors are given back")


if __name__ == "__main__":
    play(writes_to_full_pipes, opens_of_fifos)
