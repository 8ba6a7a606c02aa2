# SPDX-License-Identifier: MIT
"""Names of others in a sticky directory, between the kernel's check and the act.

The host's kernel checks what a request of the mount may do before axfs does it. Meanwhile the attacker has the daemon, or the victim, put
another file under that name. Nobody's file may go or be replaced but by its owner.
"""

import os
import threading
import time

import wire
from stage import INNOCENT, check, play, say

FILES = 1500


def make_files(line, stage, name, pause):
    """The victim: files that nobody else may touch; how often somebody did."""
    client = wire.Client()
    made = replaced = gone = 0
    path, host_path = f"{stage.directory}/{name}", f"{stage.mount}{stage.directory}/{name}"
    while made < FILES:
        fd = client.call("Open", path=path, flags=wire.WRITE | wire.CREATE | wire.EXCLUSIVE).status
        if fd < 0:
            continue
        made += 1
        for _ in range(3):
            try:
                if os.stat(host_path).st_uid != INNOCENT:
                    replaced += 1
                    break
            except FileNotFoundError:
                gone += 1
                break
        client.call("Close", fd=fd)
        client.call("Unlink", path=path)
        time.sleep(pause)  # let the attacker have the name for a while
    line.send((made, replaced, gone))


def rename_over(line, directory, name):
    mine, target = f"{directory}/mine", f"{directory}/{name}"
    tries = done = 0
    while not line.poll():
        os.close(os.open(mine, os.O_CREAT | os.O_WRONLY, 0o644))
        tries += 1
        try:
            os.rename(mine, target)
            done += 1
            os.unlink(target)
        except OSError:
            pass
    line.send((tries, done))
    line.recv()


def unlink_under(line, directory, namespace_path, name):
    """The attacker's own file is there when the kernel looks; he takes it away himself, through the daemon."""
    target = f"{directory}/{name}"
    client = wire.Client()
    tries = done = 0
    begin, end = threading.Barrier(2), threading.Barrier(2)

    def take_away():
        while True:
            begin.wait()
            client.call("Unlink", path=f"{namespace_path}/{name}")
            end.wait()

    threading.Thread(target=take_away, daemon=True).start()
    while not line.poll():
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except OSError:
            continue
        tries += 1
        begin.wait()
        try:
            os.unlink(target)
            done += 1
        except OSError:
            pass
        end.wait()
    line.send((tries, done))
    os._exit(0)


def play_on(stage, name, pause, attack, *arguments):
    attacker = stage.actor(attack, *arguments, name, nice=0)
    victim = stage.actor(make_files, stage, name, pause, uid=INNOCENT, nice=0)
    made, replaced, gone = victim.hear()
    attacker.tell()
    tries, done = attacker.hear()
    say(f"the victim made {made} files: {replaced} were replaced, {gone} unlinked by the attacker, who tried {tries} times and succeeded {done} times")
    check(tries > 100, "the attack was not made")
    check(replaced == 0 and gone == 0, f"{replaced} files of another user were replaced, {gone} unlinked")


def rename(stage):
    play_on(stage, "renamed", 0, rename_over, f"{stage.mount}{stage.directory}")


def unlink(stage):
    play_on(stage, "unlinked", 0.0005, unlink_under, f"{stage.mount}{stage.directory}", stage.directory)


if __name__ == "__main__":
    play(rename, unlink)
