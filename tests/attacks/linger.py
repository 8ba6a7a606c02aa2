# SPDX-License-Identifier: MIT
"""Descriptors that nobody asked for, whose last close waits.

A TCP socket with unsent data and SO_LINGER keeps whoever closes it for as long as the peer does not read and the linger time is not
over. The attacker passes such sockets to the daemon, which has no use for them: on a connection that serves, on a child's, and on one
that has not said Hello. The linger time is an hour, and the peer reads only at the end.
"""

import socket
import struct

import wire
from stage import Impossible, error_name, play, say

HOUR = 3600
SOCKETS = 8


def lingering_socket():
    """One end with unsent data and the other, which does not read."""
    try:
        listener = socket.create_server(("127.0.0.1", 0))
        near = socket.create_connection(listener.getsockname())
    except OSError as error:
        raise Impossible(f"no TCP on the loopback: {error}") from error
    far, _ = listener.accept()
    listener.close()
    near.setblocking(False)
    try:
        while True:
            near.send(bytes(1 << 16))
    except BlockingIOError:
        pass
    near.setblocking(True)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, HOUR))
    return near, far


def pass_it(client, descriptor):
    client.serial += 1
    try:
        socket.send_fds(client.socket, [wire.frame("Getppid", client.serial)], [descriptor.fileno()])
    except OSError as error:
        descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))  # ours is the last close
        return f"not sent: {error_name(-error.errno)}"
    return "sent"


def attack(line, make_client):
    parent = wire.Client()
    peers, outcomes = [], []
    for _ in range(SOCKETS):
        client = make_client(parent)
        near, far = lingering_socket()
        outcome = pass_it(client, near)
        near.close()
        peers.append((client, far))
        outcomes.append(outcome)
    line.send(sorted(set(outcomes)))
    line.recv()
    for _, far in peers:
        far.setblocking(False)
        while True:
            try:
                if not far.recv(1 << 20):
                    break
            except OSError:
                break
    line.send("read")
    line.recv()


def play_on(stage, make_client):
    innocent = stage.innocent()
    attacker = stage.actor(attack, make_client)
    say(f"the attacker's packets: {', '.join(attacker.hear())}")
    innocent.gets_on(50, "while nobody reads what lingers", lambda: attacker.running() and attacker.silent())
    attacker.tell()
    attacker.hear()
    innocent.gets_on(5, "afterwards")


def on_a_connection(stage):
    play_on(stage, lambda parent: wire.Client())


def on_a_childs_connection(stage):
    play_on(stage, lambda parent: parent.spawn())


def before_hello(stage):
    play_on(stage, lambda parent: wire.Client(hello=False))


if __name__ == "__main__":
    play(on_a_connection, on_a_childs_connection, before_hello)
