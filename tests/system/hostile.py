# SPDX-License-Identifier: MIT
"""A program that calls itself, and all that it makes, what no terminal should be told; and a look at
what is shown of it.

  hostile.py make SOCKET         connects by hand, without the library, and makes a process, children, windows, files, links and notes with
                                 such names. Says "ready WINDOW" and waits for the end of its input.
  hostile.py many SOCKET COUNT   makes so many children with long names; likewise
  hostile.py deep SOCKET COUNT   makes a child, which makes a child, and so on; likewise
  hostile.py ruler SOCKET        makes a window, and draws a line of 100 figures in it whenever it reads a line; says "ready WINDOW"
  hostile.py mount DIRECTORY     makes files with names that are not even UTF-8, through a mount
  hostile.py plain FILE          fails if the text has anything that a terminal would obey, or a forged line
  hostile.py json FILE           the same, and it is JSON: one, or one a line
  hostile.py check DIRECTORY     the same for each file in it, as its name says: .plain, .errors, .ascii, .json, .terminal
  hostile.py screen RAW TEXT KEY COMMAND…   runs the command on a terminal until it shows TEXT, types KEY, waits for its end; what it wrote goes to RAW
  hostile.py terminal RAW        fails if that has anything but text and the sequences that axctl and ncurses send
"""
import array
import json
import os
import pty
import re
import select
import socket
import struct
import sys
import unicodedata

TEXTS = [
    "\x1b]0;OWNED\x07\x1b[31m",  # a title, a colour
    "\u009b31mC1\u009d0;OWNED\u009c",  # the same by C1 controls
    "x\nFORGED line\r\tback\x08\x7f",  # lines
    "\u202eRTL\u2066\u200f\u2028\u2029\u200b\ufeff",  # order, and what shows nothing
    "\\x1b back\\slash \"quotes\" \U000e0041",
    "\u0301sm\u00f6rg\u00e5s \u65e5\u672c\u8a9e \U0001f600",  # combining, wide
]
BYTES = [b"\xff\xfe\x9b31m\xc3", b"\xed\xa0\x80\xf0\x9f\x98\n\xe2\x80"]
SIZE = [int(number) for number in os.environ.get("SCREEN_SIZE", "30 100").split()]
LONG = "l" + "\u00e4" * 1000

# ---- the wire ------------------------------------------------------------------------------------


def varint(value):
    result = b""
    value &= (1 << 64) - 1
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def read_varint(data):
    value = 0
    for position, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            break
    return value


def raw(value):
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


class Client:
    """Fields come as (number, value): text as str or bytes, numbers as int, signed ones as ("s", int)."""

    def __init__(self, path=None, argv=(), connection=None):
        source = os.path.join(os.environ["AXEBERG_SOURCE_DIR"], "proto", "axeberg.proto")
        names = re.findall(r"^\s*rpc (\w+) ", open(source, encoding="utf-8").read(), re.M)
        self.methods = {name: number for number, name in enumerate(names)}
        self.socket = connection or socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if not connection:
            self.socket.connect(path)
        self.serial = 0
        self.call("Hello", (1, 2), *[(2, argument) for argument in argv])

    def call(self, method, *fields, trailer=b""):
        body = b""
        for number, value in fields:
            if isinstance(value, (str, bytes)):
                body += varint(number << 3 | 2) + varint(len(raw(value))) + raw(value)
            elif isinstance(value, tuple):
                body += varint(number << 3) + varint(value[1] << 1 ^ value[1] >> 63)
            else:
                body += varint(number << 3) + varint(value)
        self.serial += 1
        length = 24 + len(body) + len(trailer)
        header = struct.pack("<IIIiII", length, self.serial, self.methods[method], 0, len(trailer), 0)
        self.socket.send(header + body + trailer)
        while True:
            data, control, _, _ = self.socket.recvmsg(70000, socket.CMSG_SPACE(4 * 16))
            if not data:
                raise EOFError(method)
            _, serial, _, status, size, _ = struct.unpack("<IIIiII", data[:24])
            self.fds = array.array("i")
            for _, _, fds in control:
                self.fds.frombytes(fds)
            if serial == self.serial:
                self.body = data[24 : len(data) - size]
                return status

    def call_ok(self, method, *fields, trailer=b""):
        status = self.call(method, *fields, trailer=trailer)
        if status < 0:
            sys.exit(f"{method}: {os.strerror(-status) if status > -200 else status}")
        return status

    def child(self, *argv):
        self.call_ok("SpawnClient", *[(1, argument) for argument in argv])
        return self.fds[0]


# ---- making --------------------------------------------------------------------------------------


def wait_for_the_end():
    sys.stdin.read()


def make(path):
    client = Client(path, ["/bin/" + TEXTS[0], "argument\nFORGED"])
    children = []
    for text in TEXTS + BYTES + [LONG, "", "/", "a/b/"]:
        children.append(client.child(text, text))
    # one of them says itself what it is called, and works in a directory with such a name
    client.call_ok("Mkdir", (1, "/tmp/d" + TEXTS[0].replace("/", "")))
    client.call_ok("Chdir", (1, "/tmp/d" + TEXTS[0]))
    windows = []
    for text in TEXTS + BYTES + [LONG]:
        client.call_ok("WindowCreate", (1, text))
    window = client.call_ok("WindowCreate", (1, "first"))
    client.call_ok("WindowGet", (1, ("s", window)))
    shown = read_varint(client.body[1:])
    client.call_ok("WindowSetTitle", (1, ("s", window)), (2, TEXTS[2]))
    screen = "\u009b31mC1 \u202ertl \u200b\x1b[1mbold\x1b[0m SCREEN\u0301 \u65e5\u672c\n"
    client.call_ok("Write", (1, ("s", window)), trailer=screen.encode())
    streamed = client.call_ok("WindowCreate", (1, "streamed"))
    client.call_ok("Write", (1, ("s", streamed)), trailer=b"\x1b]0;s\xff\xc2\x9b31m" + LONG.encode() + b"\x07")
    for text in TEXTS + [LONG[:100]]:
        name = text.replace("/", "")
        client.call_ok("Mkdir", (1, "/tmp/inner" + name))
        client.call_ok("Symlink", (1, text), (2, "/tmp/link" + name))
        client.call("Stat", (1, "/tmp/none" + text))
        client.call("Open", (1, "/tmp/inner" + text), (2, 1))
    for text in TEXTS + BYTES + [LONG]:
        client.call_ok("TraceEvent", (1, 9), (2, text), (3, text))
        client.call("Stat", (1, text))
        client.call("Write", (1, ("s", window)), trailer=raw(text).replace(b"\n", b" "))  # rows are its own
    # the log tells the largest holders when a user has as many windows as he may
    while client.call("WindowCreate", (1, TEXTS[2])) >= 0:
        pass
    for fd in (1, 2):
        client.call("Write", (1, ("s", fd)), trailer=b"for the console\n")
    print("ready", shown, flush=True)
    wait_for_the_end()


def many(path, count):
    client = Client(path, ["p" * 2040])
    children = [client.child(("q\n" + LONG)[:2040]) for _ in range(count)]
    print("ready", len(children), flush=True)
    wait_for_the_end()


def deep(path, count):
    clients = [Client(path, ["deep"])]
    for number in range(count):
        child = socket.socket(fileno=clients[-1].child(f"depth{number} {TEXTS[5]}"))
        clients.append(Client(argv=[f"depth{number} {TEXTS[5]}"], connection=child))
    print("ready", count, flush=True)
    wait_for_the_end()


def ruler(path):
    client = Client(path, ["ruler"])
    window = client.call_ok("WindowCreate", (1, "ruler"))
    client.call_ok("WindowGet", (1, ("s", window)))
    print("ready", read_varint(client.body[1:]), flush=True)
    for _ in sys.stdin:
        client.call_ok("Write", (1, ("s", window)), trailer=b"\x1b[2J\x1b[H" + b"0123456789" * 10)


def make_on_mount(directory):
    for number, name in enumerate(BYTES + [b'"quote\\']):
        os.mkdir(os.path.join(os.fsencode(directory), b"mnt%d" % number + name))
        os.symlink(b"to" + name, os.path.join(os.fsencode(directory), b"mntlink%d" % number + name))


# ---- looking -------------------------------------------------------------------------------------


def complain(what, text):
    sys.exit(f"{what}: {text[-1000:]!r}")


def check_text(text):
    for line in text.split("\n"):
        if line.lstrip().startswith("FORGED"):
            complain("a forged line", line)
        for character in line:
            if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\t":
                complain(f"U+{ord(character):04X}", line)


def check_json(text):
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.split("\n") if line]
        if len(lines) < 2:
            complain(f"no JSON ({error})", text)
        for line in lines:
            json.loads(line)


SEQUENCES = re.compile(
    r"\x1b\[[0-9;?>]*[A-Za-z`@]"  # CSI
    r"|\x1b\]0;[^\x00-\x1f\x7f-\x9f]*\x1b\\"  # a title, in printable text
    r"|\x1b[()][0-9A-B]|\x1b[=>78MHc]"
)


def check_terminal(text):
    check_text(re.sub(r"[\r\n\x08\x0e\x0f]", " ", SEQUENCES.sub("", text)))


# 100 columns and 30 rows, as tmux has in the other tests, or what $SCREEN_SIZE says.
def screen(output, wanted, key, command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    import fcntl, termios  # pylint: disable=multiple-imports,import-outside-toplevel

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    data, typed = b"", False
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        data += part
        if not part:
            break
        if not typed and wanted.encode() in data:
            os.write(terminal, key.encode())
            typed = True
    else:
        os.kill(pid, 9)
    with open(output, "wb") as file:
        file.write(data)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not typed or status != 0:
        complain(f"status {status}, {'' if typed else 'never'} shown {wanted}", data)


def check_ascii(text):
    if not text.isascii():
        complain("not ASCII", text)


def check(path, kind):
    try:
        text = open(path, encoding="utf-8", newline="").read()
    except UnicodeDecodeError as error:
        sys.exit(f"not UTF-8: {error}")
    if kind == "terminal":
        check_terminal(text)
        return
    check_text(text)
    if kind == "json":
        check_json(text)
    elif kind == "ascii":
        check_ascii(text)


def check_all(directory):
    for name in sorted(os.listdir(directory)):
        stem, kind = os.path.splitext(os.path.join(directory, name))
        if kind == ".command":
            continue
        try:
            check(stem + kind, kind[1:])
        except SystemExit as error:
            command = stem + ".command"
            sys.exit(f"{open(command, encoding='utf-8').read() if os.path.exists(command) else name}: {error}")


def main(what, path, *arguments):
    if what == "make":
        make(path)
    elif what == "many":
        many(path, int(arguments[0]))
    elif what == "ruler":
        ruler(path)
    elif what == "deep":
        deep(path, int(arguments[0]))
    elif what == "mount":
        make_on_mount(path)
    elif what == "screen":
        screen(path, arguments[0], arguments[1], arguments[2:])
    elif what == "check":
        check_all(path)
    else:
        check(path, what)


main(*sys.argv[1:])
