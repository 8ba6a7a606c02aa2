# SPDX-License-Identifier: MIT
"""What a local file system does, done in one directory; prints one line a case. operations.test runs it on the mount and on a tmpfs and compares."""

import ctypes
import errno
import fcntl
import mmap
import os
import random
import socket
import stat
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
PUNCH_HOLE, KEEP_SIZE, ZERO_RANGE = 2, 1, 16


def case(name, function):
    try:
        result = function()
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(f"{name}: {result}")


def write(name, data=b"data", mode=0o644):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.write(fd, data)
    os.close(fd)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def rename2(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def fallocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) < 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def links():
    write("a")
    os.link("a", "b")
    os.symlink("a", "s")
    same = os.stat("a").st_ino == os.stat("b").st_ino
    os.unlink("a")
    return same, os.stat("b").st_nlink, os.readlink("s"), os.path.exists("s")


def unlinked_but_open():
    write("u", b"old")
    fd = os.open("u", os.O_RDWR)
    os.unlink("u")
    write("u", b"new")
    os.pwrite(fd, b"still", 0)
    return os.pread(fd, 10, 0), os.fstat(fd).st_nlink, read("u")


def renames():
    write("x", b"x")
    write("y", b"y")
    try:
        rename2("x", "y", RENAME_NOREPLACE)
        refused = False
    except FileExistsError:
        refused = True
    rename2("x", "y", RENAME_EXCHANGE)
    exchanged = read("x"), read("y")
    os.rename("x", "y")
    os.makedirs("d1/in")
    os.mkdir("d2")
    os.rename("d1", "d2")
    return refused, exchanged, os.path.exists("x"), os.listdir("d2")


def rename_onto_full_directory():
    os.makedirs("full/f")
    os.mkdir("other")
    os.rename("other", "full")


def holes():
    fd = os.open("sparse", os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, b"end", 1 << 20)
    hole = os.lseek(fd, 0, os.SEEK_HOLE), os.lseek(fd, 0, os.SEEK_DATA)
    blocks = os.fstat(fd).st_blocks
    fallocate(fd, 0, 0, 65536)
    grown = os.fstat(fd).st_blocks > blocks
    fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 65536)
    return hole, blocks, grown, os.fstat(fd).st_blocks, os.fstat(fd).st_size


def zero_range():
    fd = os.open("zr", os.O_RDWR | os.O_CREAT)
    fallocate(fd, ZERO_RANGE, 0, 4096)


def copy_range():
    seed = int(os.environ.get("AXEBERG_SEED") or random.randrange(1, 1 << 32))
    print(f"AXEBERG_SEED={seed}", file=sys.stderr)
    write("from", random.Random(seed).randbytes(300000))
    source, target = os.open("from", os.O_RDONLY), os.open("to", os.O_RDWR | os.O_CREAT)
    done = 0
    while n := os.copy_file_range(source, target, 1 << 20):
        done += n
    return done, read("from") == read("to")


def truncations():
    write("t", b"0123456789")
    os.truncate("t", 4)
    os.truncate("t", 8)
    return read("t")


def append():
    write("ap", b"")
    fds = [os.open("ap", os.O_WRONLY | os.O_APPEND) for _ in range(4)]
    for i in range(100):
        os.write(fds[i % 4], b"%03d\n" % i)
    return read("ap") == b"".join(b"%03d\n" % i for i in range(100))


def xattrs(name):
    def run():
        write("xa")
        os.setxattr("xa", name, b"value")
        os.setxattr("xa", name, b"v2", os.XATTR_REPLACE)
        listed, value = os.listxattr("xa"), os.getxattr("xa", name)
        os.removexattr("xa", name)
        return name in listed, value, name in os.listxattr("xa")

    return run


def posix_locks():
    write("l")
    fd = os.open("l", os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        try:
            fcntl.lockf(os.open("l", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return errno.errorcode[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


def flocks():
    write("fl")
    first, second = os.open("fl", os.O_RDWR), os.open("fl", os.O_RDWR)
    fcntl.flock(first, fcntl.LOCK_EX)
    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def fifo():
    os.mkfifo("pipe", 0o600)
    result = []
    reader = threading.Thread(target=lambda: result.append(read("pipe")))
    reader.start()
    write("pipe", b"through")
    reader.join()
    return result, stat.S_ISFIFO(os.stat("pipe").st_mode)


def unix_socket():
    server = socket.socket(socket.AF_UNIX)
    server.bind("sock")
    server.listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect("sock")
    return stat.S_ISSOCK(os.stat("sock").st_mode)


def mapping():
    write("m", bytes(8192))
    fd = os.open("m", os.O_RDWR)
    with mmap.mmap(fd, 8192) as shared:
        shared[4096:4100] = b"maps"
        os.pwrite(fd, b"file", 0)
        seen = shared[0:4]
    return seen, os.pread(fd, 4, 4096)


def modes():
    os.umask(0o027)
    write("mode", mode=0o666)
    os.mkdir("dirmode", 0o777)
    os.umask(0o022)
    os.chmod("mode", 0o4755)
    with_suid = oct(os.stat("mode").st_mode)
    return oct(os.stat("dirmode").st_mode), with_suid


def suid_goes():
    write("suid", mode=0o755)
    os.chmod("suid", 0o6755)
    fd = os.open("suid", os.O_WRONLY)
    if os.geteuid() == 0:
        return "root keeps it"
    os.write(fd, b"x")
    return oct(os.stat("suid").st_mode)


def setgid_directory():
    os.mkdir("sg")
    os.chmod("sg", 0o2775)
    os.mkdir("sg/below")
    write("sg/file")
    return oct(os.stat("sg/below").st_mode), os.stat("sg/file").st_gid == os.stat("sg").st_gid


def times():
    write("time")
    os.utime("time", ns=(1_234_567_890_123_456_789, 987_654_321_987_654_321))
    status = os.stat("time")
    os.symlink("time", "timelink")
    os.utime("timelink", ns=(1, 2), follow_symlinks=False)
    return status.st_atime_ns, status.st_mtime_ns, os.lstat("timelink").st_mtime_ns, os.stat("time").st_mtime_ns


def exclusive():
    write("ex")
    os.open("ex", os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def many_names():
    os.mkdir("many")
    for i in range(3000):
        os.close(os.open(f"many/{i}", os.O_CREAT | os.O_WRONLY))
    count = len(os.listdir("many"))
    for entry in os.scandir("many"):
        os.unlink(entry.path)
    os.rmdir("many")
    return count


CASES = {
    "links": links,
    "unlinked but open": unlinked_but_open,
    "renames": renames,
    "rename onto a full directory": rename_onto_full_directory,
    "holes": holes,
    "zero range": zero_range,
    "copy_file_range": copy_range,
    "truncate": truncations,
    "append": append,
    "xattr user": xattrs("user.test"),
    "xattr trusted": xattrs("trusted.test"),
    "xattr security": xattrs("security.test"),
    "xattr unknown": xattrs("nonsense.test"),
    "POSIX locks": posix_locks,
    "flock": flocks,
    "fifo": fifo,
    "socket": unix_socket,
    "mmap": mapping,
    "modes": modes,
    "suid on write": suid_goes,
    "setgid directory": setgid_directory,
    "times": times,
    "exclusive create": exclusive,
    "many names": many_names,
    "name of 255 bytes": lambda: write("n" * 255),
    "name of 256 bytes": lambda: write("n" * 256),
    "name that is no UTF-8": lambda: write(b"\xff\xfe"),
    "rmdir of a full directory": lambda: (os.makedirs("r/x"), os.rmdir("r")),
    "unlink of a directory": lambda: os.unlink("r"),
    "open of a missing file": lambda: os.open("missing", os.O_RDONLY),
    "write to a directory": lambda: os.open("r", os.O_WRONLY),
    "symlink loop": lambda: (os.symlink("loop", "loop"), os.open("loop", os.O_RDONLY)),
    "statvfs name length": lambda: os.statvfs(".").f_namemax,
    "mknod of a device": lambda: os.mknod("dev", stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "O_DIRECTORY on a file": lambda: os.open("t", os.O_DIRECTORY),
    "O_NOFOLLOW": lambda: os.open("s", os.O_NOFOLLOW),
}

os.chdir(sys.argv[1])
for title, body in CASES.items():
    case(title, body)
