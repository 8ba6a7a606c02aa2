# SPDX-License-Identifier: MIT
"""Files and directories of the mount, held open by the ten thousand.

axfs needs a descriptor for each. They belong to the host user who opened them: past his share his opens fail, and another's succeed.
"""

import errno
import os

from stage import check, error_name, play, raise_descriptor_limit, say

OPENS, PROCESSES = 12000, 2
REFUSALS = {errno.EMFILE, errno.ENFILE, errno.EDQUOT, errno.EAGAIN, errno.ENOSPC}


def hold_files(line, path):
    raise_descriptor_limit()
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    hold(line, path)
    os.unlink(path)


def hold_directories(line, path):
    raise_descriptor_limit()
    os.mkdir(path)
    hold(line, path)
    os.rmdir(path)


def hold(line, path):
    held, error = [], 0
    try:
        while len(held) < OPENS:
            held.append(os.open(path, os.O_RDONLY))
    except OSError as refused:
        error = refused.errno
    line.send((len(held), error))
    line.recv()
    for fd in held:
        os.close(fd)


def play_on(stage, hold_them, base):
    innocent = stage.innocent()
    attackers = [stage.actor(hold_them, f"{stage.mount}{base}/{hold_them.__name__}{i}") for i in range(PROCESSES)]
    for attacker in attackers:
        held, error = attacker.hear()
        say(f"an attacker holds {held} open, then: {error_name(-error)}")
        check(error in REFUSALS or held == OPENS, f"refused with {error_name(-error)}")
    innocent.gets_on(50, "while they are held", lambda: all(attacker.running() for attacker in attackers))
    for attacker in attackers:
        attacker.tell()
        attacker.join()


def files_of_the_store(stage):
    play_on(stage, hold_files, stage.directory)


def files_in_tmp(stage):
    play_on(stage, hold_files, "/tmp")


def directories(stage):
    play_on(stage, hold_directories, stage.directory)


if __name__ == "__main__":
    play(files_of_the_store, files_in_tmp, directories)
