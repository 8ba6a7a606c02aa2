# SPDX-License-Identifier: MIT
"""Control characters and forged lines in every text that a program can leave for somebody to look at.

Nothing that axctl prints has a control character in it but the ends of lines; each event of the trace is one line, however many its
text claims to be; JSON is JSON, in UTF-8. (What programs write on the console is shown as on any terminal, to who attaches to it.)
"""

import json
import re
import subprocess

import wire
from stage import LIMIT, check, play, say

MARK = b"OWNED"
EVIL = [
    b"\x1b]0;OWNED\x07",  # sets a terminal's title
    b"\x1b[31mOWNED",
    b"\xc2\x9b31mOWNED",  # C1, as UTF-8 has it
    b"\xc2\x9d0;OWNED\xc2\x9c",
    b"OWNED\nforged: 1 call of nobody\n",
    b"OWNED\r\x7f\x08\x0b\x0c",
    b"OWNED\xff\xfe\x80",  # no UTF-8
    b"OWNED\xe2\x80",  # cut inside a character
    b"OWNED" + "é".encode() * 700,  # will be cut by somebody
]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def try_all(calls):
    """Which of them were taken."""
    taken = 0
    for call in calls:
        try:
            taken += call().status >= 0
        except OSError:
            pass
    return taken


def attack(line, directory):
    client = wire.Client()
    client.must("Mkdir", path=f"{directory}/evil")
    client.must("Chdir", path=f"{directory}/evil")
    processes, taken = [], {}
    for evil in EVIL:
        try:
            processes.append(wire.Client(argv=(b"/bin/" + evil, evil)))
        except (OSError, EOFError):
            pass
    taken["arguments"] = len(processes)
    taken["children"] = try_all([lambda evil=evil: client.call("SpawnClient", argv=[evil]) for evil in EVIL])
    taken["windows"] = try_all([lambda evil=evil: client.call("WindowCreate", title=evil) for evil in EVIL])
    window = client.call("WindowCreate", title=b"text")
    for evil in EVIL:
        client.call("Write", evil, fd=window.status)
        client.call("WindowSetTitle", fd=window.status, title=evil)
    taken["files"] = try_all([lambda evil=evil: client.call("Open", path=evil, flags=wire.WRITE | wire.CREATE) for evil in EVIL])
    taken["directories"] = try_all([lambda evil=evil: client.call("Mkdir", path=evil + b"d") for evil in EVIL])
    taken["links"] = try_all([lambda i=i, evil=evil: client.call("Symlink", **{"from": evil, "to": f"l{i}"}) for i, evil in enumerate(EVIL)])
    taken["notes"] = try_all([lambda evil=evil: client.call("TraceEvent", category=9, name=evil, detail=evil) for evil in EVIL])
    try_all([lambda evil=evil: client.call("Stat", path=b"/none/" + evil) for evil in EVIL])
    try_all([lambda evil=evil: client.call("Rename", **{"from": evil, "to": evil + b"2"}) for evil in EVIL])
    line.send((taken, client.pid, client.must("WindowGet", fd=window.status)["id"]))
    line.recv()


def printable(name, shown):
    try:
        text = shown.decode()
    except UnicodeDecodeError as error:
        check(False, f"{name}: not UTF-8: {shown[max(0, error.start - 30):error.end + 10]!r}")
    found = CONTROL.search(text)
    check(not found, f"{name}: a control character: {text[max(0, found.start() - 30):found.end() + 10]!r}" if found else "")
    if name.startswith("window screenshot"):
        return  # its lines are the window's
    check(not any(line.startswith("forged") for line in text.splitlines()), f"{name}: a forged line")


def looks(stage, window):
    """Everything that axctl prints, by its arguments; all of it is looked at, and what fails is told at the end."""
    evil = f"{stage.directory}/evil"
    links = [f"{evil}/l{i}" for i in range(len(EVIL))]
    plain = [
        ["ps"], ["ps", "--tree"], ["windows"], ["window", "screenshot", str(window)], ["users"], ["mem"], ["shm"], ["status"],
        ["ls", evil], ["ls", "-l", evil], ["stat", evil, *links],
        ["trace", "show"], ["trace", "summary"], ["trace", "status"],
    ]
    return plain, [["--json", *arguments] for arguments in plain if arguments[0] in ("ps", "windows", "users", "mem", "shm", "ls", "status")]


def nothing_reaches_a_terminal(stage):
    root = wire.Client(argv=("stage",))
    root.must("TraceEnable")
    innocent = stage.innocent()
    attacker = stage.actor(attack, stage.directory)
    taken, pid, window = attacker.hear()
    say(f"of {len(EVIL)} texts each were taken: " + ", ".join(f"{n} {what}" for what, n in taken.items()))
    plain, as_json = looks(stage, window)
    bad, marks = [], 0

    def look(name, shown, is_json=False):
        nonlocal marks
        marks += shown.count(MARK)
        try:
            printable(name, shown)
            if is_json:
                json.loads(shown)
        except Exception as failure:  # all of them are wanted
            bad.append(str(failure))

    for arguments in plain + as_json:
        command = ["axctl", *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
        look(" ".join(arguments), done.stdout, arguments[0] == "--json" and done.returncode == 0)
        look(" ".join(arguments) + " (errors)", done.stderr)
    look("trace export", stage.axctl("trace", "export", "-"), True)
    for path in f"/proc/{pid}/status", f"/proc/{pid}/cmdline", "/proc/trace", "/proc/metrics":
        done = subprocess.run(["axctl", "cat", path], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
        if not path.endswith("cmdline"):  # its arguments are NUL-terminated, and are what they are
            look(path, done.stdout)
        say(f"{path}: {len(done.stdout)} bytes")
    root.must("TraceDisable")
    innocent.gets_on(10, "afterwards", attacker.running)
    say(f"the attacker's texts were seen {marks} times")
    check(marks > 0, "nothing of the attacker was looked at")
    check(not bad, "\n    ".join([f"{len(bad)} outputs"] + bad))


if __name__ == "__main__":
    play(nothing_reaches_a_terminal)
