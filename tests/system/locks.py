#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Locks of files between two mounts and the store itself.

usage: locks.py MOUNT MOUNT STORE

Each actor is a process that does as it is told over a pipe, so that every step has happened when the
next one begins.
"""
import errno
import fcntl
import os
import signal
import struct
import sys
import threading

ONE, OTHER, STORE = sys.argv[1:4]
WAIT_LIMIT_S = 60
UNLOCKED = "free"


def posix(fd, kind, start=0, length=0, command=fcntl.F_SETLK):
    """fcntl(2)'s locks, of the process or, with F_OFD_..., of the open file."""
    asked = struct.pack("hhqqi", kind, os.SEEK_SET, start, length, 0)
    return struct.unpack("hhqqi", fcntl.fcntl(fd, command, asked.ljust(32, b"\0"))[:28])


class Actor:
    """A process that evaluates expressions; files are its list f."""

    def __init__(self, uid=0):
        asks, self.asks = os.pipe()
        self.answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.asks)
            os.close(self.answers)
            for actor in Actor.all:
                os.close(actor.asks)
                os.close(actor.answers)
            if uid:
                os.setgid(uid)
                os.setuid(uid)
            self.serve(asks, os.fdopen(answers, "w"))
        os.close(asks)
        os.close(answers)
        self.lines = os.fdopen(os.dup(self.answers))
        Actor.all.append(self)

    all = []

    def serve(self, asks, answers):
        values = dict(globals(), f=[], open=lambda p, flags=os.O_RDWR: values["f"].append(os.open(p, flags)))
        try:
            for line in os.fdopen(asks):
                try:
                    result = eval(line, values)
                    result = UNLOCKED if result is None else result
                except OSError as error:
                    result = errno.errorcode[error.errno]
                print(result, file=answers, flush=True)
        finally:
            os._exit(0)

    def ask(self, text):
        os.write(self.asks, (text + "\n").encode())

    def answer(self):
        return self.lines.readline().strip()

    def do(self, text):
        self.ask(text)
        return self.answer()

    def end(self, number=signal.SIGKILL):
        os.kill(self.pid, number)
        os.waitpid(self.pid, 0)
        Actor.all.remove(self)
        os.close(self.asks)
        os.close(self.answers)
        self.lines.close()


def check(what, expected, actual):
    if str(expected) != str(actual):
        sys.exit(f"locks.py: {what}: expected {expected}, got {actual}")


def wait_until_asleep(pid):
    """Until it waits for a lock: the mount's in FUSE, the store's in the host's kernel."""
    while True:
        with open(f"/proc/{pid}/wchan") as file:
            if any(word in file.read() for word in ("request_wait", "flock_lock", "posix_lock", "locks_lock")):
                return


def lock_of(family, kind, waits=False, where="0, 0"):
    if family == "flock":
        name = {"write": "LOCK_EX", "read": "LOCK_SH", "none": "LOCK_UN"}[kind]
        return f"fcntl.flock(f[0], fcntl.{name}{'' if waits or kind == 'none' else ' | fcntl.LOCK_NB'})"
    name = {"write": "F_WRLCK", "read": "F_RDLCK", "none": "F_UNLCK"}[kind]
    command = {"posix": "F_SETLK", "ofd": "F_OFD_SETLK"}[family] + ("W" if waits else "")
    return f"posix(f[0], fcntl.{name}, {where}, fcntl.{command}) and None"


FAMILIES = ("flock", "posix", "ofd")
ways = [0]


def fresh_file():
    ways[0] += 1
    name = f"/home/user/locked{ways[0]}"
    os.close(os.open(ONE + name, os.O_CREAT | os.O_RDWR, 0o666))
    os.chmod(ONE + name, 0o666)
    return name


def two(first=ONE, second=OTHER, uid=0):
    name = fresh_file()
    actors = Actor(), Actor(uid)
    for actor, place in zip(actors, (first, second)):
        actor.do(f"open({place + name!r})")
    return actors


def end(*actors):
    for actor in actors:
        actor.end()


def exclusion(family, first, second):
    a, b = two(first, second)
    check("a free lock", UNLOCKED, a.do(lock_of(family, "write")))
    check("a taken lock", "EAGAIN", b.do(lock_of(family, "write")))
    check("a taken lock, to read", "EAGAIN", b.do(lock_of(family, "read")))
    check("downgrade", UNLOCKED, a.do(lock_of(family, "read")))
    check("both read", UNLOCKED, b.do(lock_of(family, "read")))
    check("upgrade beside a reader", "EAGAIN", a.do(lock_of(family, "write")))
    check("the reader goes", UNLOCKED, b.do(lock_of(family, "none")))
    check("upgrade", UNLOCKED, a.do(lock_of(family, "write")))
    check("after the upgrade", "EAGAIN", b.do(lock_of(family, "read")))
    check("unlock", UNLOCKED, a.do(lock_of(family, "none")))
    check("unlocked", UNLOCKED, b.do(lock_of(family, "write")))
    end(a, b)


def ranges(family):
    a, b = two()
    check("a range", UNLOCKED, a.do(lock_of(family, "write", where="10, 20")))
    check("beside it", UNLOCKED, b.do(lock_of(family, "write", where="30, 0")))
    check("before it", UNLOCKED, b.do(lock_of(family, "write", where="0, 10")))
    check("its last byte", "EAGAIN", b.do(lock_of(family, "read", where="29, 1")))
    check("a hole", UNLOCKED, a.do(lock_of(family, "none", where="15, 5")))
    check("in the hole", UNLOCKED, b.do(lock_of(family, "write", where="15, 5")))
    check("behind the hole", "EAGAIN", b.do(lock_of(family, "write", where="20, 1")))
    check("a part is read", UNLOCKED, a.do(lock_of(family, "read", where="20, 5")))
    check("a part is read by both", UNLOCKED, b.do(lock_of(family, "read", where="20, 5")))
    end(a, b)


def release(family, how, flags):
    name = fresh_file()
    a, b = Actor(), Actor()
    a.do(f"open({ONE + name!r}, {flags})")
    b.do(f"open({OTHER + name!r})")
    kind = "read" if flags == os.O_RDONLY else "write"
    check("taken", UNLOCKED, a.do(lock_of(family, kind)))
    check("held", "EAGAIN", b.do(lock_of(family, "write")))
    if how == "close":
        check("close", UNLOCKED, a.do("os.close(f[0])"))
    elif how == "exit":
        a.ask("os._exit(0)")
        os.waitid(os.P_PID, a.pid, os.WEXITED | os.WNOWAIT)
    else:
        os.kill(a.pid, signal.SIGKILL)
        os.waitid(os.P_PID, a.pid, os.WEXITED | os.WNOWAIT)
    check(f"{family} after {how}", UNLOCKED, b.do(lock_of(family, "write")))
    end(a, b)


def owners():
    """A process loses its locks with any descriptor of the file; an open file with the last one."""
    a, b = two()
    check("a process's lock", UNLOCKED, a.do(lock_of("posix", "write")))
    check("a second one", UNLOCKED, a.do("f.append(os.dup(f[0]))"))
    check("and is closed", UNLOCKED, a.do("os.close(f[1])"))
    check("the process has lost its lock", UNLOCKED, b.do(lock_of("posix", "write")))
    check("and back", UNLOCKED, b.do(lock_of("posix", "none")))
    for family in ("flock", "ofd"):
        check("an open file's lock", UNLOCKED, a.do(lock_of(family, "write")))
        check("a duplicate", UNLOCKED, a.do("f.append(os.dup(f[0]))"))
        check("and is closed", UNLOCKED, a.do("os.close(f[-1])"))
        check(f"{family}: the open file keeps its lock", "EAGAIN", b.do(lock_of(family, "write")))
        check("unlock", UNLOCKED, a.do(lock_of(family, "none")))
    # A lock of the process is not its child's, although they share the open file.
    check("the parent's lock", UNLOCKED, a.do(lock_of("posix", "write")))
    check("the child's try", errno.EAGAIN, a.do("child_tries(f[0])"))
    check("the parent's lock after the child's end", "EAGAIN", b.do(lock_of("posix", "write")))
    # An owner's own locks are never in its way, be it the same file or opened anew.
    check("once more", UNLOCKED, a.do("open(f'/proc/self/fd/{f[0]}')"))
    check("the same range", UNLOCKED, a.do("posix(f[-1], fcntl.F_WRLCK) and None"))
    end(a, b)


def child_tries(fd):
    child = os.fork()
    if child == 0:
        try:
            posix(fd, fcntl.F_WRLCK)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def reader_and_writer():
    """One owner locks through a file for reading, and then through one for writing."""
    name = fresh_file()
    a, b = Actor(), Actor()
    a.do(f"open({ONE + name!r}, os.O_RDONLY)")
    a.do(f"open({ONE + name!r})")
    b.do(f"open({OTHER + name!r})")
    check("to read", UNLOCKED, a.do(lock_of("posix", "read")))
    check("to read, beside", UNLOCKED, b.do(lock_of("posix", "read")))
    check("to write, beside a reader", "EAGAIN", a.do("posix(f[1], fcntl.F_WRLCK) and None"))
    check("the reader goes", UNLOCKED, b.do(lock_of("posix", "none")))
    check("still to read", "EAGAIN", b.do(lock_of("posix", "write")))
    check("to write", UNLOCKED, a.do("posix(f[1], fcntl.F_WRLCK) and None"))
    check("excluded", "EAGAIN", b.do(lock_of("posix", "read")))
    check("to read again", UNLOCKED, a.do(lock_of("posix", "read")))
    check("both read", UNLOCKED, b.do(lock_of("posix", "read")))
    check("unlocked by b", UNLOCKED, b.do(lock_of("posix", "none")))
    check("unlocked", UNLOCKED, a.do(lock_of("posix", "none")))
    check("free", UNLOCKED, b.do(lock_of("posix", "write")))
    end(a, b)


def asked():
    """F_GETLK tells the range, and who holds it if that is a process on the same mount."""
    a, b = two(ONE, ONE)
    c = Actor()
    c.do(f"open({OTHER + '/home/user/locked' + str(ways[0])!r})")
    ask = "posix(f[0], fcntl.F_WRLCK, 0, 0, fcntl.F_GETLK)"
    check("nothing is locked", fcntl.F_UNLCK, b.do(f"{ask}[0]"))
    check("taken", UNLOCKED, a.do(lock_of("posix", "write", where="5, 7")))
    check("who", (fcntl.F_WRLCK, 0, 5, 7, a.pid), b.do(ask))
    check("who, from the other mount", (fcntl.F_WRLCK, 0, 5, 7), c.do(f"{ask}[:4]"))
    check("not the owner himself", fcntl.F_UNLCK, a.do(f"{ask}[0]"))
    check("to read", UNLOCKED, a.do(lock_of("posix", "read", where="5, 7")))
    check("who reads", (fcntl.F_RDLCK, 0, 5, 7, a.pid), b.do(ask))
    end(a, b, c)


def waiting(family, first, second):
    a, b = two(first, second)
    check("taken", UNLOCKED, a.do(lock_of(family, "write")))
    b.ask(lock_of(family, "write", waits=True))
    wait_until_asleep(b.pid)
    check("unlock", UNLOCKED, a.do(lock_of(family, "none")))
    check("the wait's end", UNLOCKED, b.answer())
    check("held", "EAGAIN", a.do(lock_of(family, "read")))
    end(a, b)


def interrupted(family):
    a, b = two()
    check("taken", UNLOCKED, a.do(lock_of(family, "write")))
    # Python repeats what a signal interrupts, unless its handler raises.
    b.do("signal.signal(signal.SIGUSR1, lambda *_: (_ for _ in ()).throw(OSError(errno.EINTR, '')))")
    for _ in range(20):
        b.ask(lock_of(family, "write", waits=True))
        wait_until_asleep(b.pid)
        os.kill(b.pid, signal.SIGUSR1)
        check(f"{family}, interrupted", "EINTR", b.answer())
    b.ask(lock_of(family, "write", waits=True))
    wait_until_asleep(b.pid)
    b.end()
    check("unlock", UNLOCKED, a.do(lock_of(family, "none")))
    check("nobody has it", UNLOCKED, a.do(lock_of(family, "write")))
    end(a)


def crowd(family, count=200):
    """Many locks of one user that wait hold nobody up: neither him nor others."""
    a, b = two()
    path = OTHER + f"/home/user/locked{ways[0]}"
    check("taken", UNLOCKED, a.do(lock_of(family, "write")))
    waiters = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.setgid(1000)
            os.setuid(1000)
            fd = os.open(path, os.O_RDWR)
            if family == "flock":
                fcntl.flock(fd, fcntl.LOCK_EX)
            else:
                posix(fd, fcntl.F_WRLCK, 0, 0, fcntl.F_SETLKW)
            os._exit(0)
        waiters.append(child)
    for waiter in waiters:
        wait_until_asleep_or_gone(waiter)
    for uid in (1000, 1001, 0):
        other = Actor(uid)
        other.do(f"open({OTHER + '/home/user/locked1'!r})")
        check("another lock", UNLOCKED, other.do(lock_of(family, "write")))
        check("unlock", UNLOCKED, other.do(lock_of(family, "none")))
        other.end()
    for waiter in waiters[::2]:
        os.kill(waiter, signal.SIGKILL)
        os.waitpid(waiter, 0)
    check("unlock", UNLOCKED, a.do(lock_of(family, "none")))
    for waiter in waiters[1::2]:
        check("a waiter's end", 0, os.waitpid(waiter, 0)[1])
    end(a, b)


def wait_until_asleep_or_gone(pid):
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        wait_until_asleep(pid)


def closed_while_waiting():
    """A thread waits while another closes the file: what the wait gets does not outlive it."""
    a, b = two()
    check("taken", UNLOCKED, a.do(lock_of("posix", "write")))
    b.do("f.append(os.dup(f[0]))")
    b.do("f.append(threading.Thread(target=lambda: posix(f[0], fcntl.F_WRLCK, 0, 0, fcntl.F_SETLKW)))")
    b.do("f[-1].start()")
    b.do("wait_for_thread()")
    check("close", UNLOCKED, b.do("os.close(f[1])"))
    check("unlock", UNLOCKED, a.do(lock_of("posix", "none")))
    check("the wait's end", UNLOCKED, b.do("f[-1].join()"))
    b.do("os.close(f[0])")
    check("free", UNLOCKED, a.do(lock_of("posix", "write")))
    end(a, b)


def wait_for_thread():
    other = [int(task) for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]
    wait_until_asleep(other[0])


def main():
    signal.alarm(WAIT_LIMIT_S * 5)
    for family in FAMILIES:
        for first, second in ((ONE, OTHER), (ONE, ONE)):
            exclusion(family, first, second)
            waiting(family, first, second)
        interrupted(family)
        for how in ("close", "exit", "kill"):
            for flags in (os.O_RDWR, os.O_RDONLY):
                release(family, how, flags)
    # The host's own locks; those of a process are locks of fcntl(2), too.
    for family in FAMILIES:
        exclusion(family, ONE, STORE)
        exclusion(family, STORE, ONE)
        waiting(family, STORE, OTHER)
    for family in ("posix", "ofd"):
        ranges(family)
    owners()
    reader_and_writer()
    asked()
    closed_while_waiting()
    for family in ("flock", "posix"):
        crowd(family)


main()
