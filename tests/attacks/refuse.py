# SPDX-License-Identifier: MIT
"""Packets on connections that are being refused.

The attacker has all the connections that he may have, makes one more, and fills it with packets from several processes without end:
whoever refuses him must not read until nothing comes any more.
"""

from stage import check, play, say, wait_for

MOST_PACKETS = 5000  # for each connection; what fits into a socket is a few hundred


def others_are_served_and_let_in(stage):
    innocent = stage.innocent()
    load = stage.load("refused")
    innocent.gets_on(50, "beside the packets", load.running)
    wait_for(lambda: load.count("refused") > 0, "a connection is refused")
    packets, refused = load.count("calls"), load.count("refused")
    say(f"{packets} packets were taken on {refused} refused connections")
    check(packets < MOST_PACKETS * (refused + 1), f"{packets // refused} packets were taken from each refused connection")


if __name__ == "__main__":
    play(others_are_served_and_let_in)
