# SPDX-License-Identifier: MIT
"""Clients that do not read: deaf ones, stopped ones, and a thousand that end at once.

What waits for a client that does not read is bounded, its descriptors above all, and a client that the host has stopped holds up nobody. The end of very many
processes at once is not the others' affair either.
"""

import os
import select

import wire
from stage import SLOWNESS, check, play, say, wait_for

CONNECTIONS, CALLS, MOST_DESCRIPTORS = 30, 400, 3000
STOPPED, STORM = 100, 1000


def send_while_there_is_room(client, most, *arguments, **fields):
    sent = 0
    while sent < most and select.select([], [client.socket], [], 0.05 * SLOWNESS)[1]:
        try:
            client.send(*arguments, **fields)
        except OSError:
            break  # it was thrown out
        sent += 1
    return sent


def ask_for_descriptors(line):
    """Each reply carries one, and none is read."""
    clients = [wire.Client() for _ in range(CONNECTIONS)]
    asked = sum(send_while_there_is_room(client, CALLS, "MemAlloc", size=1, protection=3) for client in clients)
    asked += sum(send_while_there_is_room(client, CALLS, "SpawnClient", argv=["unread"]) for client in clients[:5])
    line.send(asked)
    line.recv()


def be_stopped(line):
    """In the middle of many calls."""
    clients = [wire.Client() for _ in range(STOPPED)]
    for client in clients:
        send_while_there_is_room(client, 50, "ProcessList", after_pid=0)
    line.send(sum(1 for _ in clients))
    line.recv()


def be_many_and_go(line):
    come, go = os.pipe(), os.pipe()
    for _ in range(STORM):
        if os.fork() == 0:
            os.close(go[1])
            client = wire.Client()
            client.send("Read", fd=0, size=1)
            os.write(come[1], b"x")
            os.read(go[0], 1)
            os._exit(0)
    for _ in range(STORM):
        os.read(come[0], 1)
    line.send("here")
    line.recv()
    os.close(go[1])
    for _ in range(STORM):
        os.wait()
    line.send("gone")
    line.recv()


def replies_with_descriptors_are_not_read(stage):
    innocent = stage.innocent()
    before = stage.daemon_descriptors()
    attacker = stage.actor(ask_for_descriptors)
    asked = attacker.hear()
    innocent.gets_on(50, "while nobody reads", attacker.running)
    held = stage.daemon_descriptors() - before
    say(f"{asked} descriptors asked for; the daemon has {held} more")
    check(held < MOST_DESCRIPTORS, f"unread replies hold {held} descriptors")
    attacker.kill()
    wait_for(lambda: stage.daemon_descriptors() <= before + 20, "the daemon's descriptors are given back")


def clients_are_stopped(stage):
    innocent = stage.innocent()
    attacker = stage.actor(be_stopped)
    stopped = attacker.hear()
    attacker.stop_all()
    innocent.gets_on(50, f"while {stopped} connections are stopped", attacker.running)
    check(len(stage.processes()) > stopped, "the stopped processes are not listed")


def a_thousand_end_at_once(stage):
    innocent = stage.innocent()
    attacker = stage.actor(be_many_and_go)
    attacker.hear()
    listed = len(stage.processes())
    check(listed > STORM, f"only {listed} processes are listed")
    attacker.tell()
    innocent.gets_on(30, "while they end", attacker.running)
    attacker.hear()
    wait_for(lambda: len(stage.processes()) < 50, "the processes are gone")


if __name__ == "__main__":
    play(replies_with_descriptors_are_not_read, clients_are_stopped, a_thousand_end_at_once)
