/* SPDX-License-Identifier: MIT */
/*
 * axeberg.h - the axeberg system calls
 *
 * A program connects to axebergd with ax_connect() and is from then on a process of the axeberg
 * kernel. Every function takes the connection as its first argument.
 *
 * Results: 0 or positive is success; negative is an error, -AX_E…. Codes up to 999 equal the Linux
 * errno of the same name; see ax_errno(), ax_error_name() and ax_strerror(). Strings are UTF-8,
 * sizes are bytes, and times are milliseconds unless the name says otherwise.
 *
 * Threads: all functions may be called from any thread on the same ax_client at the same time. A
 * call that waits holds up only its own thread. The exception is ax_disconnect(), after which the
 * handle must not be used.
 *
 * fork(): the child's copy of a handle is dead. Calls on it fail with -AX_ESRCH, and
 * ax_disconnect() frees it without touching the parent's process. The child's copies of cancel
 * switches do nothing, and its thread uses none. A child that wants to be an axeberg process
 * connects by itself.
 *
 * Descriptors of the host: the library's own descriptors, and those that it hands out, lie above 2,
 * even if the program has closed its standard input, output or error.
 *
 * Any call can fail with: -AX_ESRCH: the process has ended, or the connection is lost; -AX_EINTR:
 * the call waited, and was cancelled or interrupted by a signal that the process handles;
 * -AX_ENOMEM; -AX_EAGAIN: too many calls wait on this connection; -AX_EINVAL: @ax, or a pointer for
 * a result, is NULL; -AX_EPROTO: the daemon speaks a different protocol.
 */
#pragma once

#include <errno.h>
#include <sched.h> /* struct timespec, which <time.h> has only since C11, or by _POSIX_C_SOURCE */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ax_client ax_client;
typedef int32_t ax_pid;
/* 0 is never valid; as a task it means none. */
typedef uint64_t ax_region_id, ax_shm_id, ax_timer_id, ax_task_id;

/* ---- errors ---------------------------------------------------------------------------------- */

enum ax_error {
        AX_EPERM = EPERM,
        AX_ENOENT = ENOENT,
        AX_ESRCH = ESRCH,
        AX_EINTR = EINTR,
        AX_EIO = EIO,
        AX_ENXIO = ENXIO,
        AX_E2BIG = E2BIG,
        AX_EBADF = EBADF,
        AX_ECHILD = ECHILD,
        AX_EAGAIN = EAGAIN,
        AX_ENOMEM = ENOMEM,
        AX_EACCES = EACCES,
        AX_EFAULT = EFAULT,
        AX_EBUSY = EBUSY,
        AX_EEXIST = EEXIST,
        AX_EXDEV = EXDEV,
        AX_ENODEV = ENODEV,
        AX_ENOTDIR = ENOTDIR,
        AX_EISDIR = EISDIR,
        AX_EINVAL = EINVAL,
        AX_ENFILE = ENFILE,
        AX_EMFILE = EMFILE,
        AX_ENOTTY = ENOTTY,
        AX_ETXTBSY = ETXTBSY,
        AX_EFBIG = EFBIG,
        AX_ENOSPC = ENOSPC,
        AX_ESPIPE = ESPIPE,
        AX_EROFS = EROFS,
        AX_EMLINK = EMLINK,
        AX_EPIPE = EPIPE,
        AX_ERANGE = ERANGE,
        AX_EDEADLK = EDEADLK,
        AX_ENAMETOOLONG = ENAMETOOLONG,
        AX_ENOSYS = ENOSYS,
        AX_ENOTEMPTY = ENOTEMPTY,
        AX_ELOOP = ELOOP,
        AX_ENODATA = ENODATA,
        AX_EPROTO = EPROTO,
        AX_EBADMSG = EBADMSG,
        AX_EOVERFLOW = EOVERFLOW,
        AX_EILSEQ = EILSEQ,
        AX_EMSGSIZE = EMSGSIZE,
        AX_EOPNOTSUPP = EOPNOTSUPP,
        AX_EADDRINUSE = EADDRINUSE,
        AX_ECONNRESET = ECONNRESET,
        AX_ETIMEDOUT = ETIMEDOUT,
        AX_ECONNREFUSED = ECONNREFUSED,
        AX_ESTALE = ESTALE,
        AX_EDQUOT = EDQUOT,
        AX_ECANCELED = ECANCELED,

        /* codes without an errno of the same name */
        AX_EMEM_OUT_OF_MEMORY = 1000,
        AX_EMEM_INVALID_REGION,
        AX_EMEM_PERMISSION_DENIED,
        AX_EMEM_OUT_OF_BOUNDS,
        AX_EMEM_SHM_NOT_FOUND,
        AX_EMEM_ALREADY_ATTACHED,
        AX_EMEM_NOT_ATTACHED,
        AX_EMEM_INVALID_SIZE,
        AX_ESIG_CANNOT_CATCH = 1100,
        AX_ESIG_CANNOT_BLOCK,
        AX_ESIG_INVALID,
};

/**
 * ax_errno() - the errno nearest to a result
 * @error: a negative result; its positive code is accepted, too
 *
 * Thread-safe; needs no connection.
 *
 * Returns the errno, or 0 for a result that is not an error.
 */
int ax_errno(int error);

/**
 * ax_error_name() - an error's name: "NotFound", "Memory(OutOfBounds)", "Signal(CannotBlock)" …
 * @error: a negative result; its positive code is accepted, too
 *
 * Thread-safe; needs no connection.
 *
 * Returns a constant string: "Success" for 0, "Unknown" for a code that does not exist.
 */
const char *ax_error_name(int error);

/**
 * ax_strerror() - an error as a sentence for people
 * @error: a negative result; its positive code is accepted, too
 *
 * Thread-safe; needs no connection.
 *
 * Returns a constant string.
 */
const char *ax_strerror(int error);

/* ---- a connection is a process --------------------------------------------------------------- */

/**
 * ax_connect() - become a process of the axeberg kernel
 * @ret: the connection; untouched on error
 * @socket_path: the daemon's socket. NULL: the connection that ax_spawn() left in the environment,
 *               else $AXEBERG_SOCKET, else the socket of the user's own daemon (in
 *               $XDG_RUNTIME_DIR/axeberg, or in /tmp/axeberg-UID without that variable) if there is
 *               one and its directory belongs to the user alone, else /run/axeberg/axebergd.sock
 *
 * The new process is a child of pid 1. Its working directory is "/home/user", or "/" if that cannot
 * be entered; its umask is 022; and its descriptors 0, 1 and 2 are open on the console, which only
 * an administrator's process can read.
 *
 * Returns 0; -AX_ENOENT: there is no socket; -AX_ECONNREFUSED: nobody listens; -AX_EACCES: the
 * socket may not be opened, or the daemon belongs neither to root nor to the caller; -AX_EDQUOT: a
 * limit of this user is reached; -AX_EPROTO: the daemon speaks a different version of the protocol;
 * -AX_ENAMETOOLONG; -AX_EMFILE.
 */
int ax_connect(ax_client **ret, const char *socket_path);

/**
 * ax_socket_path() - the socket that ax_connect() uses if it gets NULL and inherits no connection
 * @buf: the path is written here, with a NUL at its end
 * @size: size of @buf
 *
 * Needs no connection.
 *
 * Returns the path's length; -AX_ERANGE: @buf is too small; -AX_EINVAL: @buf is NULL.
 */
int ax_socket_path(char *buf, size_t size);

/**
 * ax_disconnect() - end the process with exit code 0 if it still lives, and free the handle
 * @ax: the connection; NULL is fine
 *
 * The waiting parent gets exit code 0. Call ax_exit() first to report another code. A program that
 * merely exits need not call this; its exit status counts then. No other thread may be inside a
 * call on @ax.
 */
void ax_disconnect(ax_client *ax);

/**
 * ax_fileno() - a descriptor for event loops
 * @ax: the connection
 *
 * It polls readable (POLLIN) if ax_dispatch() has something to do: signals are due, or the
 * connection is lost. Call ax_dispatch() with a timeout of 0 then, because it may find nothing
 * after all. Other calls run due handlers, too, so an event loop looks at what its handlers have
 * done before it waits. Woken tasks and readable axeberg descriptors do not show here: wait for
 * those in a thread or a child.
 *
 * Returns a host descriptor, the same each time. It belongs to @ax: do not read or close it.
 * -AX_EMFILE: the program has no descriptor left.
 */
int ax_fileno(ax_client *ax);

/**
 * ax_dispatch() - run due signal handlers
 * @ax: the connection
 * @timeout_ms: how long to wait for the first; 0 does not wait, a negative time waits without limit
 *
 * Returns how many handlers ran, 0 if the time is over; -AX_ESRCH: the connection is lost;
 * -AX_EINVAL: @timeout_ms is not a number.
 */
int ax_dispatch(ax_client *ax, double timeout_ms);

/* ---- cancelling calls ------------------------------------------------------------------------ */

typedef struct ax_cancel ax_cancel;

/**
 * ax_cancel_new() - make a switch that ends waiting calls
 * @ret: the switch; untouched on error
 *
 * A thread takes the switch with ax_cancel_use(). Once any thread fires it, the call that its user
 * waits in, and every later call that would wait, ends with -AX_EINTR. A switch fires once and
 * stays fired.
 *
 * Returns 0; -AX_ENOMEM; -AX_EINVAL: @ret is NULL.
 */
int ax_cancel_new(ax_cancel **ret);

/**
 * ax_cancel_free() - free a switch that no thread uses any more
 * @cancel: the switch; NULL is fine
 */
void ax_cancel_free(ax_cancel *cancel);

/**
 * ax_cancel_use() - let the calling thread's calls obey a switch
 * @cancel: the switch; NULL: none, as at the start of a thread
 */
void ax_cancel_use(ax_cancel *cancel);

/**
 * ax_cancel_fire() - end the waiting calls of the threads that use a switch
 * @cancel: the switch
 *
 * Any thread may call it. A handler of the host's signals must not.
 */
void ax_cancel_fire(ax_cancel *cancel);

/* ---- files ----------------------------------------------------------------------------------- */

enum {
        AX_O_READ = 1,
        AX_O_WRITE = 2,
        AX_O_CREATE = 4,
        AX_O_TRUNCATE = 8,
        AX_O_APPEND = 16,
        AX_O_EXCLUSIVE = 32,
        AX_O_NONBLOCK = 64,
};

#define AX_READ AX_O_READ
#define AX_WRITE (AX_O_WRITE | AX_O_CREATE | AX_O_TRUNCATE)
#define AX_RDWR (AX_O_READ | AX_O_WRITE)
#define AX_APPEND (AX_O_WRITE | AX_O_CREATE | AX_O_APPEND)

enum { AX_STDIN = 0, AX_STDOUT = 1, AX_STDERR = 2 };

/**
 * ax_open() - open a file, directory, device or FIFO (open(2))
 * @ax: the connection
 * @path: absolute, or relative to the working directory; at most 4095 bytes, each component at most
 *        255
 * @flags: AX_O_READ, AX_O_WRITE or both; and any of
 *         AX_O_CREATE: create a missing file with mode 0666 & ~umask and the caller's uid and gid;
 *         AX_O_TRUNCATE: empty an existing regular file (needs AX_O_WRITE) once access is granted;
 *         AX_O_APPEND: every write goes to the end;
 *         AX_O_EXCLUSIVE: with AX_O_CREATE, fail if the name exists, even as a symlink;
 *         AX_O_NONBLOCK: calls on it fail with -AX_EAGAIN instead of waiting
 *
 * Opening a FIFO waits for the other side, see ax_mkfifo().
 *
 * Returns the lowest free descriptor; -AX_ENOENT; -AX_EACCES; -AX_EISDIR: a directory cannot be
 * written; -AX_ENOTDIR; -AX_EEXIST; -AX_ELOOP; -AX_ENAMETOOLONG; -AX_EMFILE: too many descriptors
 * of the process; -AX_ENFILE: too many of the user; -AX_ENXIO: a device or socket of the host in a
 * store; -AX_EROFS; -AX_ENOSPC; -AX_EDQUOT; -AX_EINVAL: no access mode, an unknown flag, or a path
 * that is not UTF-8.
 */
int ax_open(ax_client *ax, const char *path, unsigned flags);

/**
 * ax_read() - read from a descriptor (read(2))
 * @ax: the connection
 * @fd: open for reading
 * @buf: the data is written here
 * @size: size of @buf
 *
 * If nothing is there and something can still come (console, pipe, window), it waits, unless the
 * descriptor is non-blocking. It does not wait for more once something is there.
 *
 * The console can be read by administrators' programs and those that they start; others get
 * -AX_EIO.
 *
 * Returns the bytes read, 0 at the end of the file; -AX_EBADF: not open, or not for reading;
 * -AX_EISDIR; -AX_EAGAIN; -AX_EINTR; -AX_EIO; -AX_EINVAL: @buf is NULL.
 */
ssize_t ax_read(ax_client *ax, int fd, void *buf, size_t size);

/**
 * ax_write() - write to a descriptor (write(2))
 * @ax: the connection
 * @fd: open for writing
 * @buf: the data
 * @size: bytes of data
 *
 * If there is no room (pipe, window), it waits until all is taken, unless the descriptor is
 * non-blocking.
 *
 * Returns the bytes written; fewer than @size only if an error came after some of the data (a full
 * disk, an interruption). -AX_EBADF; -AX_EAGAIN; -AX_EPIPE; -AX_EFBIG; -AX_ENOSPC; -AX_EDQUOT;
 * -AX_EINTR; -AX_EIO; -AX_EINVAL: @buf is NULL.
 */
ssize_t ax_write(ax_client *ax, int fd, const void *buf, size_t size);

/**
 * ax_pread() - read at an offset, and leave the descriptor's own offset as it is (pread(2))
 * @ax: the connection
 * @fd: open for reading
 * @buf: the data is written here
 * @size: size of @buf
 * @offset: bytes from the start of the file
 *
 * Returns as ax_read(); -AX_ESPIPE: the object has no offsets; -AX_EINVAL: @offset is negative.
 */
ssize_t ax_pread(ax_client *ax, int fd, void *buf, size_t size, int64_t offset);

/**
 * ax_pwrite() - write at an offset, and leave the descriptor's own offset as it is (pwrite(2))
 * @ax: the connection
 * @fd: open for writing
 * @buf: the data
 * @size: bytes of data
 * @offset: bytes from the start of the file
 *
 * On a descriptor with AX_O_APPEND the data goes to the end, as on Linux.
 *
 * Returns as ax_write(); -AX_ESPIPE: the object has no offsets; -AX_EINVAL: @offset is negative.
 */
ssize_t ax_pwrite(ax_client *ax, int fd, const void *buf, size_t size, int64_t offset);

/**
 * ax_seek() - move the offset of an open file (lseek(2))
 * @ax: the connection
 * @fd: the descriptor; its duplicates share the offset
 * @offset: bytes, relative to @whence
 * @whence: SEEK_SET, SEEK_CUR or SEEK_END; for store files also SEEK_DATA and SEEK_HOLE
 *
 * Returns the new offset; -AX_EBADF; -AX_ESPIPE; -AX_EINVAL; -AX_ENXIO; -AX_EOVERFLOW.
 */
int64_t ax_seek(ax_client *ax, int fd, int64_t offset, int whence);

/**
 * ax_close() - close a descriptor (close(2))
 * @ax: the connection
 * @fd: the descriptor
 *
 * Calls on it that other threads are in go on.
 *
 * Returns 0; -AX_EBADF.
 */
int ax_close(ax_client *ax, int fd);

/**
 * ax_dup() - duplicate a descriptor to the lowest free number (dup(2))
 * @ax: the connection
 * @fd: the descriptor; object, offset and flags are shared
 *
 * Returns the new descriptor; -AX_EBADF; -AX_EMFILE; -AX_ENFILE.
 */
int ax_dup(ax_client *ax, int fd);

/**
 * ax_dup2() - duplicate a descriptor to a given number (dup2(2))
 * @ax: the connection
 * @fd: the descriptor; object, offset and flags are shared
 * @newfd: the number; what was open there is closed
 *
 * Returns @newfd; -AX_EBADF: either number; -AX_ENFILE.
 */
int ax_dup2(ax_client *ax, int fd, int newfd);

/**
 * ax_set_nonblock() - choose whether calls on an open file fail with -AX_EAGAIN instead of waiting
 * @ax: the connection
 * @fd: the descriptor; its duplicates share the choice
 * @on: fail
 *
 * Returns 0; -AX_EBADF.
 */
int ax_set_nonblock(ax_client *ax, int fd, bool on);

/**
 * ax_fsync() - wait until data and metadata are on the medium (fsync(2))
 * @ax: the connection
 * @fd: of a store file
 *
 * Returns 0; -AX_EBADF; -AX_EINVAL: not a store file; -AX_EIO; -AX_ENOSPC.
 */
int ax_fsync(ax_client *ax, int fd);

/**
 * ax_ftruncate() - set the size of an open file (ftruncate(2))
 * @ax: the connection
 * @fd: of a regular file, open for writing
 * @size: bytes; what is added is zero
 *
 * Returns 0; -AX_EBADF; -AX_EINVAL: not a regular file open for writing, or a negative size;
 * -AX_EFBIG.
 */
int ax_ftruncate(ax_client *ax, int fd, int64_t size);

struct ax_stat {
        uint64_t ino, size, blocks; /* size in bytes; blocks of 512 bytes */
        uint32_t mode, nlink, uid, gid;
        struct timespec atime, mtime, ctime, btime; /* btime: creation; 0 if unknown */
};

/**
 * ax_stat() - what is at a path; symlinks are followed (stat(2))
 * @ax: the connection
 * @path: see ax_open()
 * @ret: what it is; untouched on error
 *
 * Returns 0; -AX_ENOENT; -AX_ENOTDIR; -AX_EACCES; -AX_ELOOP; -AX_ENAMETOOLONG; -AX_EINVAL.
 */
int ax_stat(ax_client *ax, const char *path, struct ax_stat *ret);

/** ax_lstat() - as ax_stat(), but a symlink at the end is not followed (lstat(2)) */
int ax_lstat(ax_client *ax, const char *path, struct ax_stat *ret);

/**
 * ax_fstat() - what a descriptor refers to (fstat(2))
 * @ax: the connection
 * @fd: the descriptor
 * @ret: what it is; untouched on error
 *
 * Returns 0; -AX_EBADF.
 */
int ax_fstat(ax_client *ax, int fd, struct ax_stat *ret);

/* ---- directories and names ------------------------------------------------------------------- */

/**
 * ax_mkdir() - create a directory with mode 0777 & ~umask (mkdir(2))
 * @ax: the connection
 * @path: see ax_open()
 *
 * Returns 0; -AX_EEXIST; -AX_ENOENT; -AX_ENOTDIR; -AX_EACCES; -AX_EROFS: in /dev or /proc; …
 */
int ax_mkdir(ax_client *ax, const char *path);

/**
 * ax_readdir() - the names in a directory
 * @ax: the connection
 * @path: the directory
 * @ret_names: the names without . and .., sorted by byte value, with a NULL at the end; free them
 *             with ax_names_free(). Untouched on error.
 *
 * Returns the number of names; -AX_ENOENT; -AX_ENOTDIR; -AX_EACCES; …
 */
int ax_readdir(ax_client *ax, const char *path, char ***ret_names);

/**
 * ax_names_free() - free what ax_readdir() gave
 * @names: the names; NULL is fine
 */
void ax_names_free(char **names);

/**
 * ax_exists() - whether a path leads to something; symlinks are followed
 * @ax: the connection
 * @path: see ax_open()
 *
 * Returns 1 or 0; 0 also stands for -AX_ENOENT, -AX_ENOTDIR and a dangling symlink. Any other error
 * is returned as such.
 */
int ax_exists(ax_client *ax, const char *path);

/**
 * ax_getcwd() - the path of the working directory (getcwd(2))
 * @ax: the connection
 * @buf: the path is written here, with a NUL at its end
 * @size: size of @buf
 *
 * Returns the length without the NUL; -AX_ERANGE: @buf is too small; -AX_ENOENT: the directory was
 * removed; -AX_EINVAL: @buf is NULL, or @size is 0.
 */
int ax_getcwd(ax_client *ax, char *buf, size_t size);

/**
 * ax_chdir() - change the working directory, which all threads of the process share (chdir(2))
 * @ax: the connection
 * @path: see ax_open()
 *
 * Returns 0; -AX_ENOENT; -AX_ENOTDIR; -AX_EACCES; …
 */
int ax_chdir(ax_client *ax, const char *path);

/**
 * ax_unlink() - remove a name that is not a directory's (unlink(2))
 * @ax: the connection
 * @path: see ax_open()
 *
 * The file lives on while it is open or has other names.
 *
 * Returns 0; -AX_EISDIR; -AX_ENOENT; -AX_EACCES; -AX_EROFS; …
 */
int ax_unlink(ax_client *ax, const char *path);

/**
 * ax_rmdir() - remove an empty directory (rmdir(2))
 * @ax: the connection
 * @path: see ax_open()
 *
 * Returns 0; -AX_ENOTEMPTY; -AX_ENOTDIR; -AX_EBUSY: a mount point; …
 */
int ax_rmdir(ax_client *ax, const char *path);

/**
 * ax_rename() - rename a file or directory, atomically (rename(2))
 * @ax: the connection
 * @from: the old name
 * @to: the new name; what it was is replaced
 *
 * Returns 0; -AX_EXDEV: on different mounts; -AX_EBUSY: a mount point; -AX_EISDIR; -AX_ENOTEMPTY; …
 */
int ax_rename(ax_client *ax, const char *from, const char *to);

/**
 * ax_link() - give a file another name; symlinks are not followed (link(2))
 * @ax: the connection
 * @from: the file
 * @to: the new name
 *
 * Returns 0; -AX_EEXIST; -AX_EXDEV: on different mounts; -AX_EPERM; …
 */
int ax_link(ax_client *ax, const char *from, const char *to);

/**
 * ax_symlink() - create a symlink (symlink(2))
 * @ax: the connection
 * @target: its text; need not lead to anything
 * @path: its name
 *
 * Returns 0; -AX_EEXIST; -AX_ENOENT: @target is empty; …
 */
int ax_symlink(ax_client *ax, const char *target, const char *path);

/**
 * ax_readlink() - the text of a symlink (readlink(2))
 * @ax: the connection
 * @path: the symlink
 * @buf: the text is written here, without a NUL
 * @size: size of @buf
 *
 * Returns the text's length, at most @size; -AX_EINVAL: not a symlink; …
 */
int ax_readlink(ax_client *ax, const char *path, char *buf, size_t size);

/**
 * ax_chmod() - set the permission bits; symlinks are followed (chmod(2))
 * @ax: the connection
 * @path: see ax_open()
 * @mode: 0 to 07777
 *
 * Returns 0; -AX_EPERM: not the owner; -AX_EINVAL: other bits; …
 */
int ax_chmod(ax_client *ax, const char *path, uint32_t mode);

/**
 * ax_chown() - set owner and group; symlinks are followed (chown(2))
 * @ax: the connection
 * @path: see ax_open()
 * @uid: the owner; UINT32_MAX leaves it as it is
 * @gid: the group; UINT32_MAX leaves it as it is
 *
 * Returns 0; -AX_EPERM; …
 */
int ax_chown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid);

/** ax_lchown() - as ax_chown(), of a symlink itself (lchown(2)) */
int ax_lchown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid);

/**
 * ax_utimens() - set the times of access and modification; symlinks are followed (utimensat(2))
 * @ax: the connection
 * @path: see ax_open()
 * @times: access, modification; NULL sets both to now. tv_nsec may be UTIME_NOW or UTIME_OMIT.
 *
 * Returns 0; -AX_EPERM; -AX_EACCES; -AX_EINVAL; …
 */
int ax_utimens(ax_client *ax, const char *path, const struct timespec times[2]);

/** ax_lutimens() - as ax_utimens(), of a symlink itself (lutimes(3)) */
int ax_lutimens(ax_client *ax, const char *path, const struct timespec times[2]);

/**
 * ax_getxattr() - read an extended attribute; symlinks are followed (getxattr(2))
 * @ax: the connection
 * @path: the file
 * @name: "user.…", "system.posix_acl_access" …; at most 255 bytes
 * @value: the value is written here
 * @size: size of @value; 0 only asks for the value's size
 *
 * Names that begin with "trusted." are visible to administrators only.
 *
 * Returns the value's size; -AX_ENODATA: there is no such attribute; -AX_ERANGE: @value is too
 * small, or the name is empty or too long; -AX_EOPNOTSUPP: the filesystem has no such attributes;
 * -AX_EDQUOT; and those of ax_stat().
 */
ssize_t ax_getxattr(ax_client *ax, const char *path, const char *name, void *value, size_t size);

/** ax_lgetxattr() - as ax_getxattr(), of a symlink itself (lgetxattr(2)) */
ssize_t ax_lgetxattr(ax_client *ax, const char *path, const char *name, void *value, size_t size);

/**
 * ax_setxattr() - set an extended attribute; symlinks are followed (setxattr(2))
 * @ax: the connection
 * @path: the file
 * @name: the attribute. Only administrators may set names that begin with "trusted." or
 *        "security.".
 * @value: the new value
 * @size: bytes of @value, at most 61,440
 * @flags: 0; XATTR_CREATE: it must not exist yet; XATTR_REPLACE: it must exist
 *
 * Returns 0; -AX_E2BIG; -AX_EEXIST; -AX_ENODATA; -AX_EPERM; -AX_EACCES; -AX_ENOSPC; -AX_EROFS;
 * -AX_ERANGE; -AX_EOPNOTSUPP, also in /dev and /proc; -AX_EINVAL; and those of ax_stat().
 */
int ax_setxattr(ax_client *ax, const char *path, const char *name, const void *value, size_t size, int flags);

/** ax_lsetxattr() - as ax_setxattr(), of a symlink itself (lsetxattr(2)) */
int ax_lsetxattr(ax_client *ax, const char *path, const char *name, const void *value, size_t size, int flags);

/**
 * ax_listxattr() - the names of extended attributes; symlinks are followed (listxattr(2))
 * @ax: the connection
 * @path: the file
 * @names: the names are written here, each with a NUL at its end
 * @size: size of @names; 0 only asks for their size
 *
 * Returns the bytes of all names; -AX_ERANGE: @names is too small; -AX_EDQUOT; and those of
 * ax_stat().
 */
ssize_t ax_listxattr(ax_client *ax, const char *path, char *names, size_t size);

/** ax_llistxattr() - as ax_listxattr(), of a symlink itself (llistxattr(2)) */
ssize_t ax_llistxattr(ax_client *ax, const char *path, char *names, size_t size);

/**
 * ax_removexattr() - remove an extended attribute; symlinks are followed (removexattr(2))
 * @ax: the connection
 * @path: the file
 * @name: the attribute
 *
 * Returns 0; errors as ax_setxattr().
 */
int ax_removexattr(ax_client *ax, const char *path, const char *name);

/** ax_lremovexattr() - as ax_removexattr(), of a symlink itself (lremovexattr(2)) */
int ax_lremovexattr(ax_client *ax, const char *path, const char *name);

struct ax_statvfs {
        uint64_t block_size;                            /* bytes; the unit of the next three */
        uint64_t blocks, blocks_free, blocks_available; /* available: for ordinary users */
        uint64_t files, files_free, name_max;
        uint64_t flags; /* ST_RDONLY and so on, statvfs(3) */
};

/**
 * ax_statvfs() - the room on the filesystem that a path lies on (statvfs(3))
 * @ax: the connection
 * @path: see ax_open(); /dev and /proc have 0 blocks
 * @ret: the room; untouched on error
 *
 * Returns 0; errors as ax_stat().
 */
int ax_statvfs(ax_client *ax, const char *path, struct ax_statvfs *ret);

/**
 * ax_umask() - set the permission bits that new files of the process do not get (umask(2))
 * @ax: the connection
 * @mask: 0 to 0777
 *
 * Returns the old mask; -AX_EINVAL: other bits.
 */
int ax_umask(ax_client *ax, uint32_t mask);

/* ---- processes ------------------------------------------------------------------------------- */

/**
 * ax_getpid() - the process's pid; costs no round trip
 * @ax: the connection
 *
 * Returns the pid, which is positive; -AX_ESRCH: the handle is a forked child's copy.
 */
ax_pid ax_getpid(ax_client *ax);

/**
 * ax_getppid() - the parent's pid
 * @ax: the connection
 *
 * Returns the pid; 1 if the process connected by itself, or its parent has ended.
 */
ax_pid ax_getppid(ax_client *ax);

/**
 * ax_exit() - end the process
 * @ax: the connection; free it with ax_disconnect() afterwards
 * @code: exit code, 0 to 255; higher bits are cut off, as by exit(3)
 *
 * Everything that the process holds is freed, and a waiting parent gets @code. The host program
 * goes on; its further calls fail with -AX_ESRCH.
 *
 * Returns 0.
 */
int ax_exit(ax_client *ax, int code);

struct ax_spawn_fd {
        int child_fd; /* the number in the child */
        int fd;       /* one of the caller's; -1: closed in the child */
};

struct ax_spawn_options {
        /* the host program's file; NULL: argv[0], found in $PATH as by execvp(3) */
        const char *path;
        const char *cwd; /* the child's working directory in the namespace; NULL: the caller's */
        /* of the host program, with a NULL at the end; NULL: the caller's */
        const char *const *environment;
        const struct ax_spawn_fd *fds; /* made in this order, each from the caller's descriptors */
        size_t n_fds;
        bool close_others; /* the child has no descriptors but those in `fds` */
        bool new_group;    /* the child begins a process group of its own */
        bool set_ids;      /* administrators only: run as `uid` and `gid`, without other groups */
        uint32_t uid, gid;
};

/**
 * ax_spawn() - start a host program as a child process
 * @ax: the connection
 * @argv: the program's arguments, with a NULL at the end; argv[0] names it
 * @options: NULL: inherit everything
 *
 * The child has copies of the caller's descriptors (numbers, objects, offsets and flags), its
 * working directory, umask, blocked and ignored signals, user and process group. The host program
 * finds a connection in its environment (AXEBERG_FD): its ax_connect(…, NULL) becomes the child. A
 * program that never connects is a process all the same. On the host the program is a child of the
 * caller, and has the caller's standard streams, working directory and signal mask. Host signals
 * that the caller handles have their default action.
 *
 * The child owns its host program. Stopping and continuing the child stops and continues the
 * program (SIGSTOP, SIGCONT); a signal that ends the child kills it (SIGKILL). When the program
 * ends, by whatever cause, the child ends, too, with the program's exit code or signal as its wait
 * status. The child also ends with its connection. ax_wait() reaps the host program, too. If the
 * calling program ignores SIGCHLD, or has a handler that reaps all its host children, the status
 * still comes from the host's kernel since Linux 6.15; an older one has lost it, and the exit code
 * is 255.
 *
 * Returns the child's pid; -AX_ENOENT, -AX_EACCES, -AX_ENOTDIR …: the program's file cannot be
 * executed (execve(2)), or the directory cannot be entered; -AX_E2BIG: the arguments and the
 * environment are longer than the host takes, 128 KiB each and a limit for all together; -AX_EBADF:
 * one of the descriptors; -AX_EPERM: ids; -AX_EDQUOT, -AX_EMFILE, -AX_ENFILE, -AX_ENOMEM,
 * -AX_EAGAIN: limits; -AX_EINVAL. If the program cannot be started, no child is left.
 */
ax_pid ax_spawn(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options);

/**
 * ax_spawn_client() - make a child process that the calling program itself speaks for
 * @ax: the connection
 * @options: as for ax_spawn(); path, environment and ids of the host program do not matter. NULL:
 *           inherit everything
 * @ret: the child's connection; untouched on error
 *
 * For programs whose threads are processes. The child has no host program, and ends as any process
 * that connected.
 *
 * Returns the child's pid; errors as ax_spawn().
 */
ax_pid ax_spawn_client(ax_client *ax, const struct ax_spawn_options *options, ax_client **ret);

enum ax_wait_kind { AX_EXITED = 1, AX_SIGNALED, AX_STOPPED, AX_CONTINUED };

struct ax_wait_status {
        enum ax_wait_kind kind;
        int code; /* exit code, or the signal */
};

enum {
        AX_WAIT_NOHANG = 1, /* do not wait */
        AX_WAIT_ENDED = 2,  /* children that ended only, not those that stopped or continued */
};

/**
 * ax_wait() - wait for a child to change its state (waitpid(2))
 * @ax: the connection
 * @pid: a child; -1: any; 0: any of the caller's process group; < -1: any of the group -pid
 * @ret: what happened; may be NULL
 * @flags: AX_WAIT_…
 *
 * Reports the end of each child once, which frees its pid, and its latest stop or continuation
 * once. A child that a signal ended is reported when its host program is gone, too. The children of
 * a process that ignores SIGCHLD (AX_SIGNAL_IGNORE) leave nothing to report.
 *
 * Returns the child's pid; 0: AX_WAIT_NOHANG, and there is nothing to report yet; -AX_ECHILD: no
 * such child; -AX_EINTR; -AX_EINVAL: unknown flags.
 */
ax_pid ax_wait(ax_client *ax, ax_pid pid, struct ax_wait_status *ret, unsigned flags);

/* ---- pipes ----------------------------------------------------------------------------------- */

/**
 * ax_pipe() - make a pipe (pipe(7))
 * @ax: the connection
 * @fds: fds[0] reads, fds[1] writes; untouched on error
 *
 * A pipe holds 64 KiB. Writes of up to 4096 bytes are atomic. Reads wait while it is empty, and
 * give 0 after the last writing descriptor is closed. Writes wait while it is full, and fail with
 * -AX_EPIPE after the last reading descriptor is closed, which also raises SIGPIPE. A child of
 * ax_spawn() that inherits everything has both ends as well, and so keeps the pipe from ending: use
 * close_others, and give it only its own end.
 *
 * Returns 0; -AX_EMFILE; -AX_ENFILE; -AX_EDQUOT; -AX_ENOMEM.
 */
int ax_pipe(ax_client *ax, int fds[2]);

/**
 * ax_mkfifo() - create a FIFO with mode 0666 & ~umask (mkfifo(3), fifo(7))
 * @ax: the connection
 * @path: see ax_open()
 *
 * Opening it for reading waits for a writer, and the reverse. With AX_O_NONBLOCK, opening for
 * reading succeeds at once, and opening for writing without a reader fails with -AX_ENXIO. Opening
 * it for both never waits. A FIFO connects processes of this kernel with each other. Host programs
 * that open it through the mount are connected with each other only: the host's kernel serves them,
 * and neither the daemon nor axfs learns of it.
 *
 * Returns 0; -AX_EEXIST; -AX_ENOENT; -AX_EACCES; …
 */
int ax_mkfifo(ax_client *ax, const char *path);

/* ---- tasks and timers ------------------------------------------------------------------------ */

/**
 * ax_task_create() - make a task: one permit that threads of the process wait for
 * @ax: the connection
 * @ret: the task; untouched on error
 *
 * Returns 0; -AX_EDQUOT; -AX_ENOMEM.
 */
int ax_task_create(ax_client *ax, ax_task_id *ret);

/**
 * ax_task_destroy() - end a task
 * @ax: the connection
 * @task: one of this process
 *
 * Waiting calls end with -AX_ENOENT. Timers that would wake it go on without it.
 *
 * Returns 0; -AX_ENOENT: no task of this process.
 */
int ax_task_destroy(ax_client *ax, ax_task_id task);

/**
 * ax_task_wait() - wait for a task's permit, and take it
 * @ax: the connection
 * @task: one of this process
 * @timeout_ms: 0 does not wait; a negative or infinite time waits without limit
 *
 * If several wait, a wake goes to the one that has waited longest.
 *
 * Returns 1: woken; 0: the time is over; -AX_ENOENT; -AX_EINTR; -AX_EINVAL: @timeout_ms is not a
 * number.
 */
int ax_task_wait(ax_client *ax, ax_task_id task, double timeout_ms);

/**
 * ax_task_wake() - give a task its permit
 * @ax: the connection
 * @task: one of this process
 *
 * The permit is kept until a call takes it. It is one permit, however often it is given.
 *
 * Returns 0; -AX_ENOENT.
 */
int ax_task_wake(ax_client *ax, ax_task_id task);

/**
 * ax_timer_set() - wake a task once, after a time
 * @ax: the connection
 * @delay_ms: 0 or more, on the monotonic clock, rounded up to the microsecond
 * @wake_task: one of this process; 0: none, the timer just comes due
 * @ret: the timer; may be NULL
 *
 * Timers come due in the order of their times and never early, and end with their process.
 *
 * Returns 0; -AX_EINVAL: negative, infinite or not a number; -AX_ENOENT: no such task; -AX_EDQUOT;
 * -AX_ENOMEM.
 */
int ax_timer_set(ax_client *ax, double delay_ms, ax_task_id wake_task, ax_timer_id *ret);

/**
 * ax_timer_interval() - wake a task again and again
 * @ax: the connection
 * @interval_ms: more than 0; less than 1 counts as 1
 * @wake_task: as for ax_timer_set()
 * @ret: the timer; may be NULL
 *
 * The n-th tick is due n intervals after the call. Ticks that could not be given in time become
 * one, and the rest is counted: ax_timer_overruns().
 *
 * Returns as ax_timer_set().
 */
int ax_timer_interval(ax_client *ax, double interval_ms, ax_task_id wake_task, ax_timer_id *ret);

/**
 * ax_timer_cancel() - end a timer, which does not fire any more
 * @ax: the connection
 * @timer: the timer
 *
 * Returns 1 if it was pending, else 0, also for an unknown id.
 */
int ax_timer_cancel(ax_client *ax, ax_timer_id timer);

/**
 * ax_timer_overruns() - how many ticks of a pending interval timer were missed so far
 * @ax: the connection
 * @timer: one of this process
 *
 * Returns the count; -AX_ENOENT.
 */
int64_t ax_timer_overruns(ax_client *ax, ax_timer_id timer);

/**
 * ax_timer_remaining() - how long it is until a pending timer comes due next
 * @ax: the connection
 * @timer: one of this process
 *
 * Returns milliseconds, 0 if it is due already; -AX_ENOENT.
 */
double ax_timer_remaining(ax_client *ax, ax_timer_id timer);

/**
 * ax_alarm() - raise SIGALRM in this process, once, after a time
 * @ax: the connection
 * @delay_ms: as for ax_timer_set()
 * @ret: the timer; may be NULL
 *
 * Other alarms of the process stay.
 *
 * Returns as ax_timer_set().
 */
int ax_alarm(ax_client *ax, double delay_ms, ax_timer_id *ret);

/* ---- signals --------------------------------------------------------------------------------- */

enum { /* Linux's numbers, signal(7) */
       AX_SIGHUP = 1,
       AX_SIGINT = 2,
       AX_SIGQUIT = 3,
       AX_SIGKILL = 9,
       AX_SIGUSR1 = 10,
       AX_SIGUSR2 = 12,
       AX_SIGPIPE = 13,
       AX_SIGALRM = 14,
       AX_SIGTERM = 15,
       AX_SIGCHLD = 17,
       AX_SIGCONT = 18,
       AX_SIGSTOP = 19,
};

/*
 * What a signal does. By default SIGCHLD is ignored, SIGSTOP stops, SIGCONT continues, and the
 * others end the process.
 */
enum ax_signal_action { AX_SIGNAL_DEFAULT, AX_SIGNAL_IGNORE, AX_SIGNAL_TERMINATE, AX_SIGNAL_HANDLE };

/*
 * A program's signal handler. It runs in a thread that is inside a library call or ax_dispatch(),
 * never asynchronously, so it may call everything but ax_disconnect(). Its signal is blocked while
 * it runs. If several threads are inside calls on @ax, any of them may run it.
 */
typedef void (*ax_signal_handler)(ax_client *ax, int signal, void *userdata);

/**
 * ax_kill() - send a signal (kill(2))
 * @ax: the connection
 * @pid: a process; 0: every process of the caller's group; -1: every process that the caller may
 *       signal, except pid 1 and itself; < -1: every process of the group -pid
 * @signal: AX_SIG…; 0 sends nothing, and only checks whether it could be sent
 *
 * Equal pending signals become one. KILL and STOP act at once; the others arrive in the order in
 * which they were sent. CONT continues a stopped process even if CONT is blocked or ignored. STOP
 * drops a pending CONT. If the process handles the signal, its waiting calls end with -AX_EINTR. A
 * process may signal processes of its own user; an administrator may signal any. Pid 1 cannot be
 * signalled.
 *
 * Returns 0; -AX_ESRCH: no such process; -AX_EPERM; -AX_ESIG_INVALID.
 */
int ax_kill(ax_client *ax, ax_pid pid, int signal);

/**
 * ax_signal() - set what a signal does
 * @ax: the connection
 * @signal: AX_SIG…
 * @action: AX_SIGNAL_HANDLE runs the handler that ax_signal_handle() set before; without one the
 *          signal only interrupts
 *
 * If the signal is ignored from now on, a pending one is dropped.
 *
 * Returns the old action; -AX_ESIG_INVALID; -AX_ESIG_CANNOT_CATCH: KILL or STOP; -AX_EINVAL:
 * unknown action.
 */
int ax_signal(ax_client *ax, int signal, enum ax_signal_action action);

/**
 * ax_signal_handle() - run a handler for a signal from now on
 * @ax: the connection
 * @signal: AX_SIG…
 * @handler: see ax_signal_handler
 * @userdata: passed to @handler
 *
 * Returns the old action; errors as ax_signal(); -AX_EINVAL: @handler is NULL.
 */
int ax_signal_handle(ax_client *ax, int signal, ax_signal_handler handler, void *userdata);

/**
 * ax_sigblock() - keep a signal pending until it is unblocked
 * @ax: the connection
 * @signal: AX_SIG…
 *
 * Returns 1 if it was blocked already, else 0; -AX_ESIG_INVALID; -AX_ESIG_CANNOT_BLOCK: KILL or
 * STOP.
 */
int ax_sigblock(ax_client *ax, int signal);

/**
 * ax_sigunblock() - unblock a signal; a pending one is delivered before the call returns
 * @ax: the connection
 * @signal: AX_SIG…
 *
 * Returns 1 if it was blocked, else 0; -AX_ESIG_INVALID.
 */
int ax_sigunblock(ax_client *ax, int signal);

/**
 * ax_sigpending() - whether signals are pending, blocked ones included; costs no round trip
 * @ax: the connection
 *
 * Returns 1 or 0.
 */
int ax_sigpending(ax_client *ax);

/**
 * ax_signal_name() - the name of a signal: "SIGTERM" …
 * @signal: AX_SIG…
 *
 * Needs no connection.
 *
 * Returns a constant string; NULL: axeberg has no such signal.
 */
const char *ax_signal_name(int signal);

/**
 * ax_signal_number() - a signal from its number or name
 * @text: "15", "TERM" or "SIGTERM", in upper or lower case
 *
 * Needs no connection.
 *
 * Returns the number; -AX_ESIG_INVALID.
 */
int ax_signal_number(const char *text);

/* ---- memory ---------------------------------------------------------------------------------- */

enum { AX_PROT_NONE = 0, AX_PROT_READ = 1, AX_PROT_READ_WRITE = 3, AX_PROT_READ_EXEC = 5 };

/**
 * ax_mem_alloc() - get a region of zeroed memory
 * @ax: the connection
 * @size: bytes, not 0
 * @protection: AX_PROT_…, enforced by the host's kernel: a region that is not AX_PROT_READ_WRITE
 *              can be written by nobody
 * @ret: the region
 *
 * The region counts against the limits of the process, its user and the system until it is freed or
 * the process ends. Children do not inherit it.
 *
 * Returns 0; -AX_EMEM_INVALID_SIZE; -AX_EMEM_OUT_OF_MEMORY: a limit, and nothing has changed;
 * -AX_EINVAL: the protection, or @ret is NULL.
 */
int ax_mem_alloc(ax_client *ax, size_t size, unsigned protection, ax_region_id *ret);

/**
 * ax_mem_free() - give a region back
 * @ax: the connection
 * @region: one of this process
 *
 * Threads that are copying from or to it finish first.
 *
 * Returns 0; -AX_EMEM_INVALID_REGION; -AX_EMEM_PERMISSION_DENIED: an attachment, see ax_shmdt().
 */
int ax_mem_free(ax_client *ax, ax_region_id region);

/**
 * ax_mem_read() - copy out of a region or attachment; costs no round trip
 * @ax: the connection
 * @region: one of this process
 * @offset: bytes, at most the region's size
 * @buf: the data is written here
 * @size: size of @buf
 *
 * Returns the bytes read, fewer than @size at the region's end; -AX_EMEM_INVALID_REGION;
 * -AX_EMEM_OUT_OF_BOUNDS: @offset is beyond the end; -AX_EMEM_PERMISSION_DENIED; -AX_EINVAL: @buf
 * is NULL.
 */
ssize_t ax_mem_read(ax_client *ax, ax_region_id region, size_t offset, void *buf, size_t size);

/**
 * ax_mem_write() - copy into a region or attachment; costs no round trip
 * @ax: the connection
 * @region: one of this process
 * @offset: bytes from the region's start
 * @buf: the data
 * @size: bytes of data; if they would cross the region's end, nothing is written
 *
 * Returns @size; errors as ax_mem_read().
 */
ssize_t ax_mem_write(ax_client *ax, ax_region_id region, size_t offset, const void *buf, size_t size);

/**
 * ax_mem_map() - the region itself
 * @ax: the connection
 * @region: one of this process
 * @ret_size: its size in bytes; may be NULL
 *
 * Returns its address, which is valid until the region is freed or detached, or @ax is
 * disconnected; NULL: there is no such region.
 */
void *ax_mem_map(ax_client *ax, ax_region_id region, size_t *ret_size);

/**
 * ax_shmget() - make a shared segment of zeroed memory
 * @ax: the connection
 * @size: bytes, not 0
 * @ret: the segment
 *
 * Every process of the same user can attach it, and so can administrators. It lives while it is
 * attached; a segment that was never attached ends with its maker.
 *
 * Returns 0; -AX_EMEM_INVALID_SIZE; -AX_EMEM_OUT_OF_MEMORY; -AX_EINVAL: @ret is NULL.
 */
int ax_shmget(ax_client *ax, size_t size, ax_shm_id *ret);

/**
 * ax_shmat() - attach a segment: get a region of its size with its present content
 * @ax: the connection
 * @shm: the segment; its maker tells other processes the id, for example as an argument
 * @protection: of the copy, AX_PROT_…; ax_shm_sync() needs AX_PROT_READ_WRITE
 * @ret: the region, for ax_mem_map(), ax_mem_read() and ax_mem_write()
 *
 * The region is the process's own copy. ax_shm_sync() copies it to the segment, and
 * ax_shm_refresh() copies the segment to it. Each copy is whole: copies of two processes never mix.
 * Neither call notifies other processes; they settle whose turn it is among themselves, for example
 * with pipes.
 *
 * Returns 0; -AX_EMEM_SHM_NOT_FOUND; -AX_EMEM_ALREADY_ATTACHED; -AX_EMEM_PERMISSION_DENIED: the
 * segment is another user's; -AX_EMEM_OUT_OF_MEMORY; -AX_EINTR; -AX_EINVAL.
 */
int ax_shmat(ax_client *ax, ax_shm_id shm, unsigned protection, ax_region_id *ret);

/**
 * ax_shmat_coherent() - attach the segment itself, for reading and writing
 * @ax: the connection
 * @shm: the segment
 * @ret: the region, for ax_mem_map(), ax_mem_read() and ax_mem_write()
 *
 * Plain shared memory: others see a store at once, ordered as between threads. ax_shm_sync() and
 * ax_shm_refresh() have nothing to do, and return 0.
 *
 * Returns as ax_shmat().
 */
int ax_shmat_coherent(ax_client *ax, ax_shm_id shm, ax_region_id *ret);

/**
 * ax_shmdt() - detach a segment; its region is gone
 * @ax: the connection
 * @shm: the segment
 *
 * Returns 0; -AX_EMEM_NOT_ATTACHED; -AX_EMEM_SHM_NOT_FOUND.
 */
int ax_shmdt(ax_client *ax, ax_shm_id shm);

/**
 * ax_shm_sync() - copy the attachment to the segment
 * @ax: the connection
 * @shm: the segment
 *
 * Returns 0; -AX_EMEM_NOT_ATTACHED; -AX_EMEM_SHM_NOT_FOUND; -AX_EMEM_PERMISSION_DENIED: the
 * attachment is not AX_PROT_READ_WRITE; -AX_EINTR.
 */
int ax_shm_sync(ax_client *ax, ax_shm_id shm);

/**
 * ax_shm_refresh() - copy the segment to the attachment
 * @ax: the connection
 * @shm: the segment
 *
 * Returns 0; -AX_EMEM_NOT_ATTACHED; -AX_EMEM_SHM_NOT_FOUND; -AX_EINTR.
 */
int ax_shm_refresh(ax_client *ax, ax_shm_id shm);

struct ax_memory_stats {
        uint64_t allocated, limit, peak;  /* bytes of regions and attachments; limit 0: unlimited */
        uint64_t region_count, shm_count; /* regions, attachments included; attachments */
};

struct ax_system_memory_stats {
        /* bytes of regions, attachments' copies and segments, once each; limit 0: unlimited */
        uint64_t total_allocated, system_limit;
        uint64_t shm_count, shm_total_size; /* segments */
};

/**
 * ax_memstats() - the process's memory; costs no round trip
 * @ax: the connection
 * @ret: the figures
 *
 * Returns 0.
 */
int ax_memstats(ax_client *ax, struct ax_memory_stats *ret);

/**
 * ax_memstats_of() - another process's memory
 * @ax: the connection
 * @pid: a process of the same user; for administrators, any
 * @ret: the figures; untouched on error
 *
 * Returns 0; -AX_ESRCH; -AX_EPERM: another user's, and the caller is no administrator.
 */
int ax_memstats_of(ax_client *ax, ax_pid pid, struct ax_memory_stats *ret);

/**
 * ax_set_memlimit() - limit the process's memory
 * @ax: the connection
 * @limit: bytes; 0: unlimited. A limit below what is in use is accepted, and nothing more is given.
 *
 * Returns 0.
 */
int ax_set_memlimit(ax_client *ax, size_t limit);

/**
 * ax_set_memlimit_of() - limit another process's memory; administrators only
 * @ax: the connection
 * @pid: the process
 * @limit: as for ax_set_memlimit()
 *
 * Returns 0; -AX_ESRCH; -AX_EPERM.
 */
int ax_set_memlimit_of(ax_client *ax, ax_pid pid, uint64_t limit);

/**
 * ax_system_memstats() - the system's memory
 * @ax: the connection
 * @ret: the figures
 *
 * Returns 0.
 */
int ax_system_memstats(ax_client *ax, struct ax_system_memory_stats *ret);

struct ax_segment {
        ax_shm_id id;
        uint64_t size;
        uint32_t uid, attachments;
        ax_pid creator;
};

/**
 * ax_shm_list() - every segment, in the order in which they were made
 * @ax: the connection
 * @ret: an array; free it with free(). Untouched on error.
 *
 * Returns how many there are.
 */
int ax_shm_list(ax_client *ax, struct ax_segment **ret);

/* ---- trace ----------------------------------------------------------------------------------- */

enum ax_trace_category {
        AX_TRACE_SYSCALL,
        AX_TRACE_PROCESS,   /* created, exited, killed, stopped, continued */
        AX_TRACE_MEMORY,    /* allocated, freed, refused */
        AX_TRACE_TIMER,     /* set, fired */
        AX_TRACE_SIGNAL,    /* sends, sent, handled, ignored */
        AX_TRACE_SCHEDULER, /* parked, woken */
        AX_TRACE_FILE,      /* requests of mounts */
        AX_TRACE_IPC,       /* pipes; segments synced, refreshed */
        AX_TRACE_WINDOW,
        AX_TRACE_CUSTOM,
};

/**
 * ax_trace_category_name() - the name of a category: "syscall" …
 * @category: the category
 *
 * Needs no connection.
 *
 * Returns a constant string; NULL: there is no such category.
 */
const char *ax_trace_category_name(enum ax_trace_category category);

/**
 * ax_trace_category_number() - the category of a name
 * @name: as ax_trace_category_name() gives it
 *
 * Needs no connection.
 *
 * Returns the category; -AX_EINVAL: there is no such category.
 */
int ax_trace_category_number(const char *name);

/**
 * ax_trace_enable() - record what happens from now on; administrators only
 * @ax: the connection
 *
 * This is one switch for the whole kernel: it stays on when the connection ends, until somebody
 * switches it off. Calls of recorded programs go through the daemon. See ax_trace_begin() for a
 * trace of your own.
 *
 * Returns 0; -AX_EPERM.
 */
int ax_trace_enable(ax_client *ax);

/**
 * ax_trace_disable() - stop recording, and keep what was recorded; administrators only
 * @ax: the connection
 *
 * What connections have requested with ax_trace_begin() is still recorded.
 *
 * Returns 0; -AX_EPERM.
 */
int ax_trace_disable(ax_client *ax);

struct ax_trace_summary {
        double uptime_ms; /* since the daemon started; everything else since the last reset */
        uint64_t enabled, event_count, syscall_count, syscall_errors;
        uint64_t tick_count; /* turns of the kernel loop that did work */
        double avg_tick_ms, max_tick_ms;
        uint64_t processes_spawned, processes_exited, signals_delivered, timers_fired, bytes_read, bytes_written;
};

/**
 * ax_trace_summary() - the kernel's figures, whether the trace is on or off
 * @ax: the connection
 * @ret: the figures
 *
 * Returns 0; -AX_EINVAL: @ret is NULL.
 */
int ax_trace_summary(ax_client *ax, struct ax_trace_summary *ret);

/**
 * ax_trace_reset() - drop all events and clear the figures; administrators only
 * @ax: the connection
 *
 * Returns 0; -AX_EPERM.
 */
int ax_trace_reset(ax_client *ax);

/**
 * ax_trace_event() - record an event of your own
 * @ax: the connection
 * @category: usually AX_TRACE_CUSTOM
 * @name: not empty; cut off after 31 bytes
 * @detail: may be NULL; cut off after 239 bytes
 *
 * Nothing is recorded if the trace is off, or its filter does not select the event.
 *
 * Returns 0; -AX_EINVAL.
 */
int ax_trace_event(ax_client *ax, enum ax_trace_category category, const char *name, const char *detail);

enum { AX_TRACE_MAX_PIDS = 64 };

struct ax_trace_filter {
        uint32_t categories; /* bit number: the category; 0: all */
        size_t n_pids;       /* 0: all processes */
        ax_pid pids[AX_TRACE_MAX_PIDS];
        bool children; /* their children are included, too */
};

/**
 * ax_trace_set_filter() - select what ax_trace_enable() records; administrators only
 * @ax: the connection
 * @filter: the selection, which is the whole kernel's
 *
 * Returns 0; -AX_EPERM; -AX_EINVAL: a category or pid that cannot exist.
 */
int ax_trace_set_filter(ax_client *ax, const struct ax_trace_filter *filter);

/**
 * ax_trace_begin() - request a trace for this connection; administrators only
 * @ax: the connection
 * @filter: selects events; NULL selects all
 *
 * The request belongs to the connection and ends with it; a new request replaces it. The trace
 * records what the kernel's switch or any connection requests. While the request lasts,
 * ax_trace_read() gives this connection the events that it requested, from the request's beginning,
 * and no others.
 *
 * Returns 0; -AX_EPERM; -AX_EINVAL: as ax_trace_set_filter(); -AX_EBUSY or -AX_EDQUOT: there are
 * too many requests.
 */
int ax_trace_begin(ax_client *ax, const struct ax_trace_filter *filter);

/**
 * ax_trace_end() - end this connection's request
 * @ax: the connection
 *
 * Returns 0, also if there is none.
 */
int ax_trace_end(ax_client *ax);

/* The kernel's own switch and filter. Requests of connections are not included. */
struct ax_trace_status {
        bool enabled;
        struct ax_trace_filter filter;
        uint64_t size;     /* events that the ring holds */
        uint64_t next;     /* number of the next event */
        uint64_t oldest;   /* number of the oldest event in the ring */
        uint64_t recorded; /* events since the last reset */
};

/**
 * ax_trace_status() - the state of the ring, and the kernel's switch and filter
 * @ax: the connection
 * @ret: the state
 *
 * Returns 0.
 */
int ax_trace_status(ax_client *ax, struct ax_trace_status *ret);

struct ax_trace_record {
        uint64_t number;      /* from 1; without gaps over all processes and categories */
        struct timespec time; /* of the day */
        uint64_t duration_nsec;
        ax_pid pid;
        int32_t host_pid; /* 0: none */
        uint32_t uid;
        enum ax_trace_category category;
        bool has_result;
        int64_t result; /* of a call */
        /* printable; other characters are escapes, see axeberg(7) */
        char name[32];
        char text[240];    /* a call's arguments, or what happened */
        char outcome[128]; /* a call's results other than `result` */
        char command[64];  /* the program; for a request of a mount, the program on the host */
};

/**
 * ax_trace_read() - events, oldest first
 * @ax: the connection
 * @after: the number of the last event that you know; 0: from the oldest. Moved on to the last
 *         event that was looked at.
 * @filter: selects events; NULL selects all. Its `children` is ignored.
 * @wait: wait until there is an event
 * @ret: an array; free it with free(). Untouched if the result is 0 or less.
 * @ret_lost: how many events were dropped before they were read; may be NULL
 *
 * Administrators see everybody's events, others only their own user's.
 *
 * Returns how many there are, 0 for none; -AX_EINTR; -AX_EINVAL.
 */
int ax_trace_read(ax_client *ax, uint64_t *after, const struct ax_trace_filter *filter, bool wait,
                  struct ax_trace_record **ret, uint64_t *ret_lost);

enum { AX_CALL_BUCKETS = 24 };

struct ax_call_stats {
        char name[32];
        uint64_t count, errors;
        uint64_t timed;                          /* calls that came to the daemon */
        uint64_t total_nsec, min_nsec, max_nsec; /* of those */
        /* bucket n: shorter than 2^n µs, and in no lower bucket; the last one: all others, too */
        uint64_t histogram[AX_CALL_BUCKETS];
};

/**
 * ax_call_stats() - figures of each call that was made since the last reset
 * @ax: the connection
 * @ret: an array; free it with free(). Untouched on error.
 *
 * Returns how many there are.
 */
int ax_call_stats(ax_client *ax, struct ax_call_stats **ret);

/**
 * ax_trace_enabled() - whether the kernel or any connection records; costs no round trip
 * @ax: the connection
 *
 * Returns 1 or 0.
 */
int ax_trace_enabled(ax_client *ax);

/**
 * ax_uptime_ms() - time since the daemon started, on the monotonic clock; costs no round trip
 * @ax: the connection
 *
 * Returns milliseconds; a negative error if the connection is gone.
 */
double ax_uptime_ms(ax_client *ax);

/* ---- console --------------------------------------------------------------------------------- */

/**
 * ax_console_push_input() - type on the console; administrators only
 * @ax: the connection
 * @data: what is typed
 * @size: bytes of @data
 *
 * Returns the bytes taken: all, or as many as the input queue has room for; -AX_EAGAIN: it is full;
 * -AX_EPERM.
 */
int ax_console_push_input(ax_client *ax, const void *data, size_t size);

/**
 * ax_console_take_output() - take console output that nobody took yet; administrators only
 * @ax: the connection
 * @buf: the output is written here
 * @size: size of @buf
 *
 * Returns the bytes taken, 0 if there are none; -AX_EPERM.
 */
ssize_t ax_console_take_output(ax_client *ax, void *buf, size_t size);

/**
 * ax_console_wait_output() - as ax_console_take_output(), but waits until there is some
 * @ax: the connection
 * @buf: the output is written here
 * @size: size of @buf, not 0
 * @ret_lost: bytes that were dropped since the previous call because nobody took them; may be NULL
 *
 * Returns the bytes taken, at least 1; -AX_EINTR; -AX_EPERM.
 */
ssize_t ax_console_wait_output(ax_client *ax, void *buf, size_t size, uint64_t *ret_lost);

/**
 * ax_console_follow() - wait for console output, and leave it to others who follow
 * @ax: the connection
 * @offset: your place in the output; 0: what nobody has taken. Moved on.
 * @buf: the output is written here
 * @size: size of @buf, at least 1
 * @ret_lost: bytes that were overwritten before they were read; may be NULL
 *
 * Administrators only. Output that was followed counts as taken.
 *
 * Returns the bytes read, at least 1; -AX_EINTR; -AX_EPERM.
 */
ssize_t ax_console_follow(ax_client *ax, uint64_t *offset, void *buf, size_t size, uint64_t *ret_lost);

/**
 * ax_console_size() - the size of the terminal that shows the console
 * @ax: the connection
 * @ret_rows: as the terminal attached last has reported it; may be NULL
 * @ret_columns: as @ret_rows
 *
 * Returns 0.
 */
int ax_console_size(ax_client *ax, unsigned *ret_rows, unsigned *ret_columns);

/**
 * ax_console_set_size() - report the size of the console's terminal; administrators only
 * @ax: the connection
 * @rows: 1 to 9999
 * @columns: 1 to 9999
 *
 * Returns 0; -AX_EPERM; -AX_EINVAL.
 */
int ax_console_set_size(ax_client *ax, unsigned rows, unsigned columns);

/* ---- windows --------------------------------------------------------------------------------- */

/**
 * ax_window_create() - make a window
 * @ax: the connection
 * @title: cut off after 127 bytes; NULL: none. Characters that are not printable are kept as
 *         escapes.
 *
 * The program writes the stream of a terminal like xterm's, of 24 rows and 80 columns at first. It
 * reads the keys that viewers type, as a terminal sends them; the terminal's answers to the
 * program's queries; and events, which are application program commands and come from no key:
 *
 *   ESC _ resize;ROWS;COLUMNS ESC \    a viewer has resized the window
 *   ESC _ close ESC \                  a viewer wants it closed; the program decides what to do
 *
 * A read waits for one of them. The window ends when nothing refers to it any more: after
 * ax_close(), or the process's end.
 *
 * Returns a descriptor; -AX_EDQUOT: the user has too many windows; -AX_EMFILE; -AX_ENFILE.
 */
int ax_window_create(ax_client *ax, const char *title);

/**
 * ax_window_set_title() - set a window's title
 * @ax: the connection
 * @fd: the window
 * @title: not empty; as for ax_window_create()
 *
 * Returns 0; -AX_EINVAL: no title, or an empty one; -AX_EBADF; -AX_ENOTTY: not a window.
 */
int ax_window_set_title(ax_client *ax, int fd, const char *title);

/**
 * ax_window_resize() - set a window's size; content that still fits stays
 * @ax: the connection
 * @fd: the window
 * @rows: 1 to 200
 * @columns: 1 to 400
 *
 * Returns 0; -AX_EINVAL; -AX_EBADF; -AX_ENOTTY: not a window.
 */
int ax_window_resize(ax_client *ax, int fd, unsigned rows, unsigned columns);

struct ax_window {
        uint64_t id;
        ax_pid pid; /* the process that made it */
        uint32_t uid;
        char title[128];
        unsigned rows, columns;
        bool closing; /* a viewer has asked the program to end */
};

/**
 * ax_window_get() - a window's id, size and title
 * @ax: the connection
 * @fd: the window
 * @ret: what is known of it; untouched on error
 *
 * Returns 0; -AX_EBADF; -AX_ENOTTY: not a window.
 */
int ax_window_get(ax_client *ax, int fd, struct ax_window *ret);

/**
 * ax_window_list() - everybody's windows
 * @ax: the connection
 * @ret: an array; free it with free(). Only administrators see the titles of other users' windows;
 *       others see them empty. Untouched on error.
 *
 * Returns how many there are.
 */
int ax_window_list(ax_client *ax, struct ax_window **ret);

struct ax_screen {
        uint64_t version; /* pass it to the next ax_window_read() */
        unsigned rows, columns, cursor_row, cursor_column;
        bool cursor_visible;
        char title[128];
        char **text; /* by row; NULL: unchanged since the version that you know */
};

enum { AX_WINDOW_WAIT = 1, AX_WINDOW_PLAIN = 2 };

/**
 * ax_window_read() - a window's screen; for its user and administrators
 * @ax: the connection
 * @window: its id
 * @version: of the screen that you know; 0: none. You get the rows that have changed since.
 * @flags: AX_WINDOW_WAIT: wait for a later version; AX_WINDOW_PLAIN: without escape sequences for
 *         colours and the like
 * @ret: free it with ax_screen_free(); untouched on error
 *
 * Returns 0; -AX_ENOENT: the window is gone; -AX_EPERM; -AX_EINTR; -AX_EIO: its screen has crashed
 * too often.
 */
int ax_window_read(ax_client *ax, uint64_t window, uint64_t version, unsigned flags, struct ax_screen *ret);

/**
 * ax_screen_free() - free what ax_window_read() gave
 * @screen: NULL, and one that was freed already, are fine
 */
void ax_screen_free(struct ax_screen *screen);

/**
 * ax_window_type() - type on a window; for its user and administrators
 * @ax: the connection
 * @window: its id
 * @keys: what is typed
 * @size: bytes of @keys
 *
 * Returns the bytes taken; -AX_EAGAIN: the program does not read; -AX_ENOENT; -AX_EPERM.
 */
int ax_window_type(ax_client *ax, uint64_t window, const void *keys, size_t size);

/**
 * ax_window_ask_resize() - resize a window, and notify the program; for its user and administrators
 * @ax: the connection
 * @window: its id
 * @rows: 1 to 200
 * @columns: 1 to 400
 *
 * Returns 0; -AX_EINVAL; -AX_EAGAIN: the program does not read; -AX_ENOENT; -AX_EPERM.
 */
int ax_window_ask_resize(ax_client *ax, uint64_t window, unsigned rows, unsigned columns);

/**
 * ax_window_ask_close() - ask the program to end; for the window's user and administrators
 * @ax: the connection
 * @window: its id
 *
 * Returns 0; -AX_EAGAIN: the program does not read; -AX_ENOENT; -AX_EPERM.
 */
int ax_window_ask_close(ax_client *ax, uint64_t window);

/* ---- looking at the kernel ------------------------------------------------------------------- */

struct ax_status {
        char version[32];
        char store[256]; /* "durable:/path", "ephemeral", "temporary:/path" */
        uint64_t uptime_usec;
        uint32_t host_pid, processes, sessions, open_files;
        uint64_t calls, call_errors, mount_requests, bytes_read, bytes_written;
        uint64_t local_calls; /* the part of `calls` that the library made without the daemon */
};

/**
 * ax_status() - figures of the daemon
 * @ax: the connection
 * @ret: the figures
 *
 * Returns 0.
 */
int ax_status(ax_client *ax, struct ax_status *ret);

struct ax_process {
        ax_pid pid, ppid, group;
        uint32_t uid, gid;
        int32_t host_pid; /* 0: none */
        char state[16];   /* "Running", "Sleeping", "Stopped", "Zombie" */
        char command[64]; /* printable; a longer one is cut off */
        uint32_t open_files;
        uint64_t age_usec, calls, memory;
        uint64_t memory_limit; /* 0: none */
        uint64_t bytes_read, bytes_written;
        uint32_t parked; /* waiting calls */
};

/**
 * ax_process_list() - every process, in the order of pids
 * @ax: the connection
 * @ret: an array; free it with free(). Untouched on error.
 *
 * Returns how many there are.
 */
int ax_process_list(ax_client *ax, struct ax_process **ret);

/* Resources that are limited for each user; axeberg.conf(5) has the limits. */
enum ax_resource {
        AX_RESOURCE_CONNECTIONS,
        AX_RESOURCE_PROCESSES,
        AX_RESOURCE_DESCRIPTORS,
        AX_RESOURCE_PIPES,
        AX_RESOURCE_TASKS,
        AX_RESOURCE_TIMERS,
        AX_RESOURCE_REGIONS,
        AX_RESOURCE_WINDOWS,
        AX_RESOURCE_MEMORY, /* bytes */
        AX_RESOURCE_SEGMENTS,
        /* bytes that the daemon holds for the user: waiting writes, unread replies, lists, texts */
        AX_RESOURCE_BUFFERS,
        AX_RESOURCE_HOST_DESCRIPTORS, /* descriptors of the daemon that the user occupies */
        AX_RESOURCE_MAPPINGS,         /* mappings of the daemon that the user occupies */
        AX_RESOURCES,
};

struct ax_user {
        uint32_t uid;
        struct {
                uint64_t used, limit; /* a limit of 0: none */
                uint64_t refused;     /* refusals since the user's oldest process began */
        } resources[AX_RESOURCES];    /* by enum ax_resource */
};

/**
 * ax_user_list() - what each user has taken, in the order of uids
 * @ax: the connection
 * @ret: an array; free it with free(). Untouched on error.
 *
 * A user is known to the kernel while it has something there. Administrators see all users, others
 * only themselves.
 *
 * Returns how many there are.
 */
int ax_user_list(ax_client *ax, struct ax_user **ret);

/**
 * ax_resource_name() - the name of a resource
 * @resource: the resource
 *
 * Needs no connection.
 *
 * Returns "connections", "processes", "descriptors", "pipes", "tasks", "timers", "regions",
 * "windows", "memory", "segments", "buffers", "host-descriptors" or "mappings"; NULL: there is no
 * such resource.
 */
const char *ax_resource_name(enum ax_resource resource);

/* ---- for file servers ------------------------------------------------------------------------ */

struct ax_mount {
        char path[256];   /* in the namespace: "/", "/tmp", … */
        char backend[16]; /* "store", "devfs", "procfs" */
        char source[256]; /* for people */
        int fd;           /* root directory of a store, yours to close; else -1 */
        uint32_t index;   /* of the store; WIRE.md: how shown inode numbers follow from it */
};

/**
 * ax_mount_list() - the mount table with the stores' descriptors; administrators only
 * @ax: the connection
 * @ret: an array, "/" first; close each fd that is not -1, then free() the array. Untouched on
 *       error.
 *
 * Returns how many there are; -AX_EPERM; -AX_EMFILE.
 */
int ax_mount_list(ax_client *ax, struct ax_mount **ret);

struct ax_mount_counters {
        uint64_t requests, errors, bytes_read, bytes_written;
};

/**
 * ax_trace_flag() - a word that shows what is recorded of this process, for frequent looks
 * @ax: the connection
 *
 * Returns a pointer, never NULL, that is valid until ax_disconnect(). Bit n of the word is set if
 * category n is recorded; 0: nothing is.
 */
const volatile uint32_t *ax_trace_flag(ax_client *ax);

/* A request to a mount, for the trace. */
struct ax_mount_event {
        char name[32], text[128];
        int32_t host_pid;
        uint32_t uid;
        uint64_t duration_nsec;
        int32_t result;   /* 0, or a negative errno */
        char command[64]; /* the program on the host, printable; empty: unknown */
};

/**
 * ax_mount_trace() - record what a mount did; administrators only
 * @ax: the connection
 * @events: the requests
 * @count: how many
 * @lost: how many more there were
 *
 * Returns 0; -AX_EPERM.
 */
int ax_mount_trace(ax_client *ax, const struct ax_mount_event *events, size_t count, uint64_t lost);

/**
 * ax_mount_report() - add to the daemon's counters of mount requests; administrators only
 * @ax: the connection
 * @counters: what is added
 *
 * Returns 0; -AX_EPERM.
 */
int ax_mount_report(ax_client *ax, const struct ax_mount_counters *counters);

#ifdef __cplusplus
}
#endif
