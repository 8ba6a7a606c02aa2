# SPDX-License-Identifier: MIT
"""Loads within the quotas: many connections, many calls, many of everything. Users are served in turn.

Fairness is counted, not timed. Who calls without pause finds the attacker's calls before his own: as many as are waiting, where the
daemon takes whoever came first, and a turn's worth, where users take turns.
"""

import time

import wire
from stage import INNOCENT, check, play, say, wait_for

ROUNDS, CALLS = 20, 300
BAD_FRAMES, MOST_LINES = 1000, 200
MOST_BETWEEN = 1800  # a round of the attacker's connections; a turn is far less


def call_without_pause(line):
    client = wire.Client(argv=("hurried",))
    while True:
        line.recv()
        for _ in range(CALLS):
            client.must("Getppid")
        line.send("done")


def users_take_turns(stage):
    innocent = stage.innocent()
    hurried = stage.actor(call_without_pause, uid=INNOCENT, nice=-10)
    load = stage.load("connections")
    before = load.count("calls")
    hurried.tell()
    hurried.hear()
    between = (load.count("calls") - before) / CALLS
    say(f"{between:.1f} of the attacker's calls were served for each of the innocent's")
    check(load.running() and between > 0, "the attack did not last")
    check(between < MOST_BETWEEN, f"the innocent waits for {between:.0f} calls of the attacker's each time")
    innocent.gets_on(ROUNDS, "beside the calls", load.running)


def go_on_beside(stage, name):
    innocent = stage.innocent()
    load = stage.load(name)
    time.sleep(0.2)  # let it swell
    before = load.count("calls"), load.count("refused")
    innocent.gets_on(ROUNDS, f"beside {name}", load.running)
    done = load.count("calls") - before[0], load.count("refused") - before[1]
    say(f"{name}: meanwhile {done[0]} calls of the attacker's were answered, and {done[1]} refused")
    if name != "timers":  # the innocent may have been quicker than one of these calls
        wait_for(lambda: load.count("calls") + load.count("refused") > sum(before), "the attack lasts")
    return load


def files_are_synced(stage):
    go_on_beside(stage, "syncs")


def one_pipe_has_many_readers(stage):
    go_on_beside(stage, "readers")


def thousands_wait_for_bytes(stage):
    go_on_beside(stage, "parked")


def windows_come_and_go(stage):
    go_on_beside(stage, "windows")


def timers_run_at_the_floor(stage):
    go_on_beside(stage, "timers")


def everything_is_listed(stage):
    go_on_beside(stage, "lists")


def a_large_directory_is_listed(stage):
    go_on_beside(stage, "directories")


def lines_of_the_log(stage):
    with open(stage.log, "rb") as file:
        return sum(1 for _ in file)


def notes_and_bad_frames_come(stage):
    before = lines_of_the_log(stage)
    load = go_on_beside(stage, "notes")
    wait_for(lambda: load.count("refused") > BAD_FRAMES, "bad frames are sent")
    lines = lines_of_the_log(stage) - before
    say(f"{load.count('refused')} bad frames are worth {lines} lines of the log")
    check(lines < MOST_LINES, f"a user fills the log: {lines} lines")


def calls_are_called_off(stage):
    go_on_beside(stage, "cancels")


def connections_come_and_go(stage):
    go_on_beside(stage, "storm")


if __name__ == "__main__":
    play(
        users_take_turns,
        files_are_synced,
        one_pipe_has_many_readers,
        thousands_wait_for_bytes,
        windows_come_and_go,
        timers_run_at_the_floor,
        everything_is_listed,
        a_large_directory_is_listed,
        notes_and_bad_frames_come,
        calls_are_called_off,
        connections_come_and_go,
    )
