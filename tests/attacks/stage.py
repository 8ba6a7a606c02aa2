# SPDX-License-Identifier: MIT
"""The stage of an attack: an attacker, an innocent, and what must hold between them.

attack.sh starts a real daemon as root and then a program of this directory, once for each kind of store. The program describes an
attack and ends with play(). Attackers and the innocent are processes of ordinary users; we ourselves are root only in order to be
each of them, and to look.

What is asserted is behaviour, never a time. The question is always whether the innocent gets on *while* the attack lasts:
Innocent.gets_on() counts his rounds between two moments at which the attack demonstrably goes on. LIMIT only bounds how long we
wait for what must come; times are printed for people.
"""

import encodings.idna  # noqa: F401  sockets load it when they need it, and by then we may be somebody who must not
import json
import mmap
import multiprocessing.connection
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

import wire

ATTACKER, INNOCENT = 1000, 1001
SANITIZED = bool(os.environ.get("AXEBERG_SANITIZE"))
SLOWNESS = 4 if SANITIZED else 1
LIMIT = 30 * SLOWNESS
PATIENCE = 4 * LIMIT  # with an attacker, who has to prepare something

class Failed(Exception):
    """The attack has done its harm."""


class Impossible(Exception):
    """This machine cannot show the attack."""


def check(condition, message):
    if not condition:
        raise Failed(message)


def say(text):
    print(f"  {text}", flush=True)


def wait_for(condition, what, limit=LIMIT):
    deadline = time.monotonic() + limit
    while not (result := condition()):
        check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.01)
    return result


def error_name(status):
    """The name of a negative result, for people."""
    names = {1000: "Memory(OutOfMemory)", 122: "QuotaExceeded"}
    return "success" if status >= 0 else names.get(-status, os.strerror(-status))


# ---- the cast ------------------------------------------------------------------------------------


def become(uid):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


class Group:
    """A child that leads a process group. Nobody waits for it before gone(), so until then no one else has its number or its group's."""

    def __init__(self, pid):
        self.pid = pid
        try:
            os.setpgid(pid, pid)  # as the child does itself; whoever is first
        except (PermissionError, ProcessLookupError):
            pass  # it has done it, and begun

    def running(self):
        return self.pid != 0 and not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def signal(self, number):
        if self.pid:
            os.killpg(self.pid, number)

    def signal_leader(self, number):
        if self.pid:
            os.kill(self.pid, number)

    def gone(self):
        if self.pid:
            os.waitpid(self.pid, 0)
        self.pid = 0


class Actor:
    """A function in a process of its own, run as an ordinary user: function(line, *arguments).

    It talks to us through `line`: what it sends is heard here in order. It ends with the function, with kill(), or with us.
    """

    def __init__(self, uid, function, *arguments, nice=0):
        self.line, theirs = multiprocessing.connection.Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self.act(uid, nice, function, theirs, arguments)
            finally:
                os._exit(0)
        self.group = Group(pid)
        theirs.close()

    def act(self, uid, nice, function, line, arguments):
        self.line.close()
        os.setpgid(0, 0)  # it may have children, and they end with it
        try:
            os.nice(nice)
            become(uid)
            function(line, *arguments)
        except (KeyboardInterrupt, BrokenPipeError):
            pass
        except BaseException:  # whatever it was, the stage has to know
            line.send(Failed(traceback.format_exc()))

    def hear(self, limit=PATIENCE):
        """The next thing that it says."""
        check(self.line.poll(limit), "an actor says nothing")
        try:
            said = self.line.recv()
        except EOFError:
            raise Failed("an actor has ended without a word") from None
        if isinstance(said, Exception):
            raise said
        return said

    def silent(self):
        return not self.line.poll(0)

    def tell(self, thing=None):
        self.line.send(thing)

    def running(self):
        return self.group.running()

    def stop(self):
        self.group.signal_leader(signal.SIGSTOP)

    def stop_all(self):
        self.group.signal(signal.SIGSTOP)

    def go_on(self):
        self.group.signal_leader(signal.SIGCONT)

    def join(self, limit=PATIENCE):
        wait_for(lambda: not self.running(), "an actor ends", limit)

    def kill(self):
        self.group.signal(signal.SIGKILL)

    def gone(self):
        self.group.gone()
        self.line.close()


def read_once(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


class Record:
    """Figures that two processes see: for each kind of call how many were made, and how long each took."""

    MOST = 1 << 16

    def __init__(self, kinds):
        self.kinds = kinds
        self.counts = memoryview(mmap.mmap(-1, 8 * len(kinds))).cast("Q")
        self.seconds = memoryview(mmap.mmap(-1, 8 * len(kinds) * self.MOST)).cast("d")

    def add(self, kind, seconds):
        self.seconds[kind * self.MOST + self.counts[kind] % self.MOST] = seconds
        self.counts[kind] += 1

    def print(self, since, title):
        for kind, name in enumerate(self.kinds):
            begin, end = since[kind], self.counts[kind]
            taken = sorted(self.seconds[kind * self.MOST + i % self.MOST] for i in range(max(begin, end - self.MOST), end))
            if taken:
                slow = taken[min(len(taken) - 1, len(taken) * 99 // 100)]
                say(f"{title}: {len(taken)} x {name}, median {statistics.median(taken) * 1e3:.2f} ms, 99 % {slow * 1e3:.2f} ms")


def be_innocent(line, record, path, mount):
    """Small calls, a few in each round: one to the daemon alone, one with a path, a file read, a new connection, the mount."""
    client = wire.Client(argv=("innocent",))

    def read_file():
        fd = client.open(path, wire.READ)
        content = client.must("Read", fd=fd, size=100).trailer
        client.must("Close", fd=fd)
        check(content == b"innocent", f"the innocent reads {content!r}")

    def connect():
        wire.Client(argv=("innocent",)).close()

    def use_mount():
        check(read_once(mount + path) == b"innocent", "the innocent's file has changed")
        check(read_once(mount + "/proc/uptime"), "/proc/uptime of the mount is empty")
        os.stat(mount + "/dev/null")

    calls = [lambda: client.must("Getppid"), lambda: client.must("Stat", path=path), read_file, connect, use_mount]
    client.must("Write", b"innocent", fd=client.open(path, wire.WRITE | wire.CREATE | wire.TRUNCATE))
    line.send("ready")
    while True:
        for kind in range(len(record.kinds)):
            began = time.perf_counter()
            calls[kind]()
            record.add(kind, time.perf_counter() - began)
        time.sleep(0.002)


class Innocent(Actor):
    KINDS = ["getppid", "stat", "file", "connect", "mount"]

    def __init__(self, path, mount):
        self.record = Record(self.KINDS if mount else self.KINDS[:4])
        super().__init__(INNOCENT, be_innocent, self.record, path, mount, nice=-5)

    def begin(self):
        check(self.hear() == "ready", "the innocent cannot begin")
        self.gets_on(20, "before the attack")

    def rounds(self):
        return self.record.counts[len(self.record.kinds) - 1]

    def gets_on(self, rounds, title, meanwhile=None):
        """He makes so many rounds, and `meanwhile` holds before and after them."""
        since, begin = list(self.record.counts), self.rounds()
        check(meanwhile is None or meanwhile(), f"{title}: the attack did not last until it could be seen")
        deadline = time.monotonic() + LIMIT
        while self.rounds() < begin + rounds:
            if not self.silent():
                self.hear()
            check(self.running(), "the innocent has ended")
            if time.monotonic() > deadline:
                self.record.print(since, title)
                raise Failed(f"{title}: the innocent got no further than {self.rounds() - begin} of {rounds} rounds")
            time.sleep(0.005)
        check(meanwhile is None or meanwhile(), f"{title}: the attack had ended before the innocent had made {rounds} rounds")
        self.record.print(since, title)


class Load:
    """A load of loads.c, as the attacker."""

    COUNTS = ["ready", "calls", "refused"]

    def __init__(self, stage, name):
        self.name = name
        with tempfile.TemporaryFile() as file:
            file.truncate(mmap.PAGESIZE)
            self.counts = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")
            command = ["attacker", name, stage.socket, stage.directory, f"/proc/self/fd/{file.fileno()}"]
            os.fchmod(file.fileno(), 0o666)
            self.process = subprocess.Popen(  # nobody asks it whether it has ended: it would wait for it
                command, pass_fds=[file.fileno()], user=ATTACKER, group=ATTACKER, extra_groups=[], process_group=0
            )
        self.group = Group(self.process.pid)
        wait_for(lambda: self.count("ready") or not self.running(), f"the load {name} begins", PATIENCE)
        check(self.running(), f"the load {name} does not run")

    def count(self, what):
        return self.counts[self.COUNTS.index(what)]

    def running(self):
        return self.group.running()

    def kill(self):
        self.group.signal(signal.SIGKILL)

    def gone(self):
        self.process.wait()
        self.group.pid = 0


# ---- the stage -----------------------------------------------------------------------------------


class Stage:
    """One daemon with its store, and everybody who acts on it."""

    def __init__(self):
        self.socket = os.environ["AXEBERG_SOCKET"]
        self.daemon = int(os.environ["ATTACK_DAEMON"])
        self.durable = os.environ["ATTACK_STORE"] == "durable"
        self.mount = os.environ.get("ATTACK_MOUNT") or None
        self.log = os.environ["ATTACK_LOG"]
        self.directory = "/attack"  # for everybody, on the store itself
        self.actors = []
        root = wire.Client(argv=("stage",))
        if root.call("Mkdir", path=self.directory).status == 0:
            root.must("Chmod", path=self.directory, mode=0o1777)
        root.close()

    def actor(self, function, *arguments, uid=ATTACKER, nice=0):
        actor = Actor(uid, function, *arguments, nice=nice)
        self.actors.append(actor)
        return actor

    def load(self, name):
        load = Load(self, name)
        self.actors.append(load)
        return load

    def innocent(self):
        innocent = Innocent(f"{self.directory}/innocent", self.mount)
        self.actors.append(innocent)
        innocent.begin()
        return innocent

    def end_actors(self):
        for actor in self.actors:
            actor.kill()  # all of them first: the innocent may wait for what only the attacker's end frees
        for actor in self.actors:
            actor.gone()
        self.actors.clear()

    def daemon_answers(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(LIMIT / 4)
        try:
            connection.connect(self.socket)
            wire.Client(connection=connection, argv=("stage",))
            return True
        except (OSError, EOFError):
            return False
        finally:
            connection.close()

    def daemon_descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon}/fd"))

    def daemon_settles(self):
        """Wait until it has done what it was asked for and uses no more time; if it goes on, that is well, too."""
        used, since, end = None, time.monotonic(), time.monotonic() + LIMIT / 2
        while time.monotonic() < min(since + 0.3, end):
            with open(f"/proc/{self.daemon}/stat", encoding="ascii", errors="replace") as file:
                now = file.read().rsplit(")", 1)[1].split()[11:13]
            if now != used:
                used, since = now, time.monotonic()
            time.sleep(0.02)

    def daemon_memory(self):
        """Anonymous memory that is resident, bytes."""
        with open(f"/proc/{self.daemon}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s*(\d+)", file.read()).group(1)) * 1024

    def daemon_memfds(self):
        """Bytes of the memory files that the daemon holds open."""
        total = 0
        for fd in os.listdir(f"/proc/{self.daemon}/fd"):
            path = f"/proc/{self.daemon}/fd/{fd}"
            try:
                if os.readlink(path).startswith("/memfd:"):
                    total += os.stat(path).st_blocks * 512
            except FileNotFoundError:
                pass
        return total

    @staticmethod
    def axctl(*arguments, uid=0):
        """Its output, bytes; it must succeed."""
        command = ["axctl", *arguments]
        if uid:
            command = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
        check(done.returncode == 0, f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def processes(self, uid=0):
        return json.loads(self.axctl("--json", "ps", uid=uid))["processes"]


def raise_descriptor_limit():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def play(*acts):
    """Each act is a function of the stage. The program ends with 0, 1 or 77, and leaves no process."""
    raise_descriptor_limit()
    stage = Stage()
    status = 0
    for act in acts:
        name = act.__name__.replace("_", " ")
        print(f"{name}, {'durable' if stage.durable else 'ephemeral'} store", flush=True)
        try:
            act(stage)
        except Impossible as reason:
            print(f"  skipped: {reason}", flush=True)
        except Failed as failure:
            print(f"  FAILED: {failure}", flush=True)
            status = 1
        except (OSError, EOFError) as error:
            traceback.print_exception(error)
            status = 1
        finally:
            stage.end_actors()
        if not stage.daemon_answers():
            print("  FAILED: the daemon does not answer afterwards", flush=True)
            status = 1
            break
    sys.exit(status)
