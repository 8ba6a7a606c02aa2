# SPDX-License-Identifier: MIT
"""Ends programs by signals while they have the terminal, and looks whether they give it back.

  signals.py TEXT COMMAND...   on a terminal of its own for each signal, once it has shown TEXT and, but for "trace follow", taken the terminal
"""
import os
import pty
import select
import signal
import sys
import termios
import time

SIGNALS = [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP]


def complain(what, number, output):
    sys.exit(f"{' '.join(sys.argv[2:])}, {signal.Signals(number).name}: {what}: {output[-500:]!r}")


def read_until(terminal, number, done):
    output = b""
    while not done(output):
        if not select.select([terminal], [], [], 120)[0]:
            complain("nothing more comes", number, output)
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            break
        output += part
    return output


def end_by(number, text, command):
    terminal, line = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    before = termios.tcgetattr(line)
    pid = os.fork()
    if pid == 0:
        os.login_tty(line)
        os.environ["TERM"] = "xterm-256color"
        for each in SIGNALS:  # a shell has its background jobs ignore some
            signal.signal(each, signal.SIG_DFL)
        os.execvp(command[0], command)
    output = read_until(terminal, number, lambda output: text.encode() in output)
    takes = command[1:3] != ["trace", "follow"]
    deadline = time.monotonic() + 120
    while takes and termios.tcgetattr(line) == before:
        if time.monotonic() > deadline:
            complain("it does not take the terminal", number, output)
        time.sleep(0.02)
    os.kill(pid, number)
    ended = 0
    while not ended:
        if select.select([terminal], [], [], 0.05)[0]:
            output += os.read(terminal, 65536)
        ended, status = os.waitpid(pid, os.WNOHANG)
    while select.select([terminal], [], [], 0)[0]:
        output += os.read(terminal, 65536)
    if termios.tcgetattr(line) != before:
        complain("the terminal's settings are not what they were", number, output)
    if b"\x1b[?1049h" in output and output.rindex(b"\x1b[?1049h") > output.rfind(b"\x1b[?1049l"):
        complain("the terminal's own screen is not back", number, output)
    if b"\x1b[?25l" in output and output.rindex(b"\x1b[?25l") > max(output.rfind(b"\x1b[?25h"), output.rfind(b"\x1b[?12l\x1b[?25h")):
        complain("the cursor is not back", number, output)
    code = os.waitstatus_to_exitcode(status)
    if code not in (-number, 0):
        complain(f"exit status {code}", number, output)
    if code == 0 and takes:
        complain("it does not say that a signal ended it", number, output)
    os.close(terminal)
    os.close(line)


for one in SIGNALS:
    end_by(one, sys.argv[1], sys.argv[2:])
