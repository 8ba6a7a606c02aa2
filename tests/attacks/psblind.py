# SPDX-License-Identifier: MIT
"""Names as long as the wire takes them, of processes, windows and segments' makers: whoever lists them still sees everything.

A list's replies are filled by bytes, so no name of the attacker's can keep another's from the list.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import time

import wire
from stage import INNOCENT, LIMIT, check, play, say

CHILDREN, WINDOWS, NAME = 60, 20, 60000


def longest(call, size=NAME):
    """The longest name that is taken: halved until it is."""
    while size > 1:
        try:
            return call("n" * size), size
        except (OSError, EOFError):
            size //= 2
    raise OSError("no name is taken")


def attack(line):
    client, size = longest(lambda name: wire.Client(argv=(name,)))
    children = [longest(lambda name: client.must("SpawnClient", argv=[name])) for _ in range(CHILDREN)]
    windows = [longest(lambda name: client.must("WindowCreate", title=name)) for _ in range(WINDOWS)]
    pids = [client.pid] + [reply.status for reply, _ in children]
    line.send((pids, len(windows), size, children[0][1], windows[0][1]))
    line.recv()


def screen_of_top(seconds):
    """What `axctl top` shows on a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 300, 200, 0, 0))
        os.execvpe("axctl", ["axctl", "top", "-d", "0.2"], os.environ | {"TERM": "xterm"})
    shown, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and b"innocent" not in shown:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
    os.kill(pid, signal.SIGINT)
    while select.select([terminal], [], [], 1)[0]:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:
            break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return shown, status


def lists_are_whole(stage):
    innocent = stage.innocent()
    attacker = stage.actor(attack)
    pids, windows, *sizes = attacker.hear()
    say(f"{len(pids)} processes and {windows} windows; names of {sizes} bytes were taken")
    innocent.gets_on(20, "beside the names", attacker.running)
    for uid in 0, INNOCENT:
        listed = {process["pid"]: process for process in stage.processes(uid)}
        check(set(pids) <= set(listed), f"ps of uid {uid} lacks processes of the attacker")
        check(any(process["uid"] == INNOCENT for process in listed.values()), f"ps of uid {uid} lacks the innocent")
        for arguments in ["ps"], ["ps", "--tree"], ["windows"], ["users"], ["mem"], ["shm"], ["status"]:
            shown = stage.axctl(*arguments, uid=uid)
            say(f"uid {uid}: axctl {' '.join(arguments)}: {len(shown)} bytes, longest line {max(map(len, shown.splitlines()), default=0)}")
    listed = json.loads(stage.axctl("--json", "windows"))["windows"]
    check(sum(window["pid"] == pids[0] for window in listed) == windows, "windows are missing")
    shown, status = screen_of_top(LIMIT)
    check(b"innocent" in shown, f"top does not show the innocent (exit status {status})")


if __name__ == "__main__":
    play(lists_are_whole)
