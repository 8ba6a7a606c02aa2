# SPDX-License-Identifier: MIT
"""Things that cost the daemon a descriptor, a mapping or memory, taken one after the other until they are refused.

However small each of them is, a user's are bounded, and at his bound the others still connect and take a few of the same kind. What
he had is given back when he goes.
"""

import errno
import os

import wire
from stage import INNOCENT, check, error_name, play, say, wait_for

MOST = 150000  # more than any bound that the daemon could have
BATCH = 50
OUT_OF_MEMORY = -1000  # AX_EMEM_OUT_OF_MEMORY: what memory calls answer at a limit
REFUSALS = {-errno.EDQUOT, -errno.EMFILE, -errno.ENFILE, -errno.ENOSPC, -errno.EAGAIN, OUT_OF_MEMORY}


def take_in_batches(client, most, ask):
    """How many were had and what ended it."""
    taken = 0
    while taken < most:
        statuses = []
        for reply in [client.wait(serial) for serial in [ask(client) for _ in range(min(BATCH, most - taken))]]:
            statuses.append(reply.status)
            for fd in reply.fds:
                os.close(fd)
        refused = [status for status in statuses if status < 0]
        taken += len(statuses) - len(refused)
        if refused:
            return taken, refused[0]
    return taken, 0


def segments(most):
    client = wire.Client()
    return client, *take_in_batches(client, most, lambda client: client.send("Shmget", size=1))


def attachments(most):
    """Two of the kind: the segment and its attachment."""
    client = wire.Client()

    def get_and_attach(client):
        shm = client.must("Shmget", size=1)["id"]
        return client.send("Shmat", shm=shm, protection=3)

    def until_refused(client):
        try:
            return get_and_attach(client)
        except OSError:
            return client.send("Shmget", size=1)

    return client, *take_in_batches(client, most, until_refused)


def regions(most):
    client = wire.Client()
    return client, *take_in_batches(client, most, lambda client: client.send("MemAlloc", size=1, protection=3))


def take(line, kind, most):
    held, taken, status = kind(most)
    line.send((taken, status))
    line.recv()
    held.close()


def play_on(stage, kind):
    innocent = stage.innocent()
    before = stage.daemon_descriptors()
    attacker = stage.actor(take, kind, MOST)
    while not attacker.line.poll(0.2):
        check(innocent.running(), "the innocent has ended")
        if not innocent.silent():
            innocent.hear()
    taken, status = attacker.hear()
    say(f"the attacker took {taken} {kind.__name__}, then: {error_name(status)}; "
        f"the daemon has {stage.daemon_descriptors() - before} descriptors more")
    check(status in REFUSALS, f"{kind.__name__} are without bound, or the refusal is no quota: {error_name(status)}")
    innocent.gets_on(30, "while the attacker is at his limit", attacker.running)
    other = stage.actor(take, kind, 5, uid=INNOCENT)
    few, status = other.hear()
    check(few == 5, f"another user gets only {few} {kind.__name__}: {error_name(status)}")
    other.tell()
    other.join()
    attacker.tell()
    attacker.join()
    wait_for(lambda: stage.daemon_descriptors() <= before + 20, "the daemon's descriptors are given back")


def shared_segments(stage):
    play_on(stage, segments)


def attached_segments(stage):
    play_on(stage, attachments)


def memory_regions(stage):
    play_on(stage, regions)


if __name__ == "__main__":
    play(shared_segments, attached_segments, memory_regions)
