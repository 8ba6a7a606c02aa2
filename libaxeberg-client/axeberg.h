/*
 * axeberg.h - the axeberg system calls
 *
 * A program connects to axebergd with ax_connect() and is from then on a process of the axeberg kernel. Every
 * function takes the connection as its first argument.
 *
 * Results: 0 or positive is success; negative is an error, -AX_E…. Codes up to 999 equal the Linux errno of the
 * same name; see ax_errno(), ax_error_name() and ax_strerror(). Strings are UTF-8, sizes are bytes, times are
 * milliseconds unless the name says otherwise.
 *
 * Threads: all functions may be called from any thread on the same ax_client at the same time; a call that waits holds
 * up only its own thread. The exception is ax_disconnect(), after which the handle must not be used.
 *
 * fork(): the child's copy of a handle is dead. Calls on it fail with -AX_ESRCH, ax_disconnect() frees it without
 * touching the parent's process. Its copies of cancel switches do nothing, and its thread uses none. A child that wants to be an axeberg process
 * connects by itself.
 *
 * Any call can fail with: -AX_ESRCH the process has ended, or the connection is lost; -AX_EINTR the call waited, and was
 * cancelled or interrupted by a signal that the process handles; -AX_ENOMEM; -AX_EAGAIN too many calls wait on this connection; -AX_EPROTO the daemon
 * speaks another protocol.
 */
#pragma once

#include <errno.h>
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
typedef uint64_t ax_region_id, ax_shm_id, ax_timer_id, ax_task_id; /* 0 is never valid; as a task: none */

/* ---- errors ---------------------------------------------------------------------------------------------- */

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

        /* codes with no errno of their own */
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
 * ax_errno() - nearest errno of a result
 * @error: a negative result; positive codes are taken too
 *
 * Return: the errno, 0 for a result that is not an error. Thread-safe, needs no connection.
 */
int ax_errno(int error);

/**
 * ax_error_name() - name of an error: "NotFound", "Memory(OutOfBounds)", "Signal(CannotBlock)" …
 * @error: a negative result; positive codes are taken too
 *
 * Return: a constant string; "Success" for 0, "Unknown" for a code that does not exist.
 */
const char *ax_error_name(int error);

/**
 * ax_strerror() - a sentence for people
 * @error: a negative result; positive codes are taken too
 *
 * Return: a constant string.
 */
const char *ax_strerror(int error);

/* ---- connection = process -------------------------------------------------------------------------------- */

/**
 * ax_connect() - become a process of the axeberg kernel
 * @ret: the connection; untouched on error
 * @socket_path: the daemon's socket. NULL: the connection that ax_spawn() left in the environment, else
 *               $AXEBERG_SOCKET, else /run/axeberg/axebergd.sock as root and $XDG_RUNTIME_DIR/axeberg/axebergd.sock otherwise
 *               (/run/axeberg/axebergd.sock again where that does not exist)
 *
 * The new process is a child of pid 1, has the working directory "/home/user" (or "/" where that cannot be entered), umask 022, and
 * descriptors 0, 1 and 2 open on the console.
 *
 * Return: 0; -AX_ENOENT no socket there, -AX_ECONNREFUSED nobody listens, -AX_EACCES the socket may not be
 * opened, -AX_EDQUOT a limit for this uid is reached, -AX_EPROTO other protocol version, -AX_ENAMETOOLONG.
 */
int ax_connect(ax_client **ret, const char *socket_path);

/**
 * ax_socket_path() - the socket that ax_connect() takes where it is given NULL and no connection is inherited
 * @buf: where the path goes, ended by a NUL
 * @size: of @buf
 *
 * Return: its length; -AX_ERANGE @buf is too small, -AX_EINVAL @buf is NULL.
 */
int ax_socket_path(char *buf, size_t size);

/**
 * ax_disconnect() - end the process with exit code 0, if it still lives, and free the handle
 * @ax: the connection; NULL is fine
 *
 * A parent that waits is told 0, whatever the host program's exit status will be: where that is another, ax_exit() comes first. A program that
 * just ends need not call this; its exit status counts then. No other thread may be inside a call on @ax.
 */
void ax_disconnect(ax_client *ax);

/**
 * ax_fileno() - descriptor for event loops
 * @ax: the connection
 *
 * It polls readable (POLLIN) when ax_dispatch() has something to do: signals that are to be handled, or the connection is lost. Call that with a timeout of 0,
 * as it may find nothing after all. Other calls run due handlers, too, so an event loop looks at what its handlers have done before it waits. Woken tasks
 * and readable axeberg descriptors do not show here: who waits for those is a thread, or a child, of its own.
 *
 * Return: a host descriptor, always the same. It belongs to @ax: do not read or close it. -AX_EMFILE.
 */
int ax_fileno(ax_client *ax);

/**
 * ax_dispatch() - run due signal handlers
 * @ax: the connection
 * @timeout_ms: how long to wait for something to do; 0 not at all, < 0 for ever
 *
 * Return: how many handlers ran; 0 when the time is over; -AX_ESRCH the connection is lost, -AX_EINVAL for a NaN.
 */
int ax_dispatch(ax_client *ax, double timeout_ms);

/* ---- cancelling calls ------------------------------------------------------------------------------------ */

typedef struct ax_cancel ax_cancel;

/**
 * ax_cancel_new() - a switch that ends waiting calls
 *
 * A thread takes the switch with ax_cancel_use(). Once any thread has fired it, the call that its user waits in, and every later call that would wait,
 * ends with -AX_EINTR. A switch fires once; it stays fired.
 *
 * Return: 0, -AX_ENOMEM.
 */
int ax_cancel_new(ax_cancel **ret);

/** ax_cancel_free() - free a switch that no thread uses any more; NULL is fine */
void ax_cancel_free(ax_cancel *cancel);

/** ax_cancel_use() - let the calling thread's calls obey @cancel; NULL: none, as at the start of a thread */
void ax_cancel_use(ax_cancel *cancel);

/** ax_cancel_fire() - end the waiting calls of the threads that use @cancel; from any thread, not from a host signal handler */
void ax_cancel_fire(ax_cancel *cancel);

/* ---- files ----------------------------------------------------------------------------------------------- */

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
 * ax_open() - open a file, directory or device (open(2))
 * @ax: the connection
 * @path: absolute, or relative to the working directory; at most 4095 bytes, each component at most 255
 * @flags: AX_O_READ, AX_O_WRITE or both; and any of
 *         AX_O_CREATE: create a missing file, with mode 0666 & ~umask and the caller's uid and gid;
 *         AX_O_TRUNCATE: make an existing regular file empty (needs AX_O_WRITE), after access has been granted;
 *         AX_O_APPEND: every write goes to the end;
 *         AX_O_EXCLUSIVE: with AX_O_CREATE, fail where the name exists, a symlink included;
 *         AX_O_NONBLOCK: calls on it fail with -AX_EAGAIN instead of waiting
 *
 * Return: the lowest free descriptor. -AX_ENOENT, -AX_EACCES, -AX_EISDIR (writing a directory), -AX_ENOTDIR, -AX_EEXIST, -AX_ELOOP,
 * -AX_ENAMETOOLONG, -AX_EMFILE (descriptors of the process), -AX_ENFILE (of the uid), -AX_ENXIO (a host device or socket node in a store), -AX_EROFS,
 * -AX_ENOSPC, -AX_EDQUOT, -AX_EINVAL (no access mode, unknown flags, path not UTF-8).
 */
int ax_open(ax_client *ax, const char *path, unsigned flags);

/**
 * ax_read() - read from a descriptor (read(2))
 * @ax: the connection
 * @fd: open for reading
 * @buf: where the data goes
 * @size: of @buf
 *
 * Waits while nothing is there and something can still come (console, pipe), unless the descriptor is non-blocking. Once something is there it does not
 * wait for more.
 *
 * Return: bytes read, 0 at the end of the file. -AX_EBADF (not open, or not for reading), -AX_EISDIR, -AX_EAGAIN, -AX_EINTR, -AX_EIO, -AX_EINVAL (@buf is NULL).
 */
ssize_t ax_read(ax_client *ax, int fd, void *buf, size_t size);

/**
 * ax_write() - write to a descriptor (write(2))
 * @ax: the connection
 * @fd: open for writing
 * @buf: the data
 * @size: of the data
 *
 * Waits while there is no room (pipe, window), unless the descriptor is non-blocking.
 *
 * Return: bytes written; less than @size only where an error came after some of the data (a full disk, an interruption).
 * -AX_EBADF, -AX_EAGAIN, -AX_EPIPE, -AX_EFBIG, -AX_ENOSPC, -AX_EDQUOT, -AX_EINTR, -AX_EIO, -AX_EINVAL.
 */
ssize_t ax_write(ax_client *ax, int fd, const void *buf, size_t size);

/**
 * ax_pread() - read at an offset; the descriptor's own offset stays (pread(2))
 *
 * Return: as ax_read(); -AX_ESPIPE where there are no offsets, -AX_EINVAL for a negative one.
 */
ssize_t ax_pread(ax_client *ax, int fd, void *buf, size_t size, int64_t offset);

/**
 * ax_pwrite() - write at an offset; the descriptor's own offset stays (pwrite(2))
 *
 * On a descriptor with AX_O_APPEND the data goes to the end, as on Linux.
 *
 * Return: as ax_write(); -AX_ESPIPE where there are no offsets, -AX_EINVAL for a negative one.
 */
ssize_t ax_pwrite(ax_client *ax, int fd, const void *buf, size_t size, int64_t offset);

/**
 * ax_seek() - move the offset of an open file (lseek(2))
 * @ax: the connection
 * @fd: the descriptor; duplicates share the offset
 * @offset: bytes, relative to @whence
 * @whence: SEEK_SET, SEEK_CUR, SEEK_END; SEEK_DATA and SEEK_HOLE on store files
 *
 * Return: the new offset. -AX_EBADF, -AX_ESPIPE, -AX_EINVAL, -AX_ENXIO, -AX_EOVERFLOW.
 */
int64_t ax_seek(ax_client *ax, int fd, int64_t offset, int whence);

/** ax_close() - close a descriptor (close(2)). Return: 0, -AX_EBADF. */
int ax_close(ax_client *ax, int fd);

/** ax_dup() - duplicate to the lowest free descriptor; object, offset and flags are shared (dup(2)). Return: fd, -AX_EBADF, -AX_EMFILE, -AX_ENFILE. */
int ax_dup(ax_client *ax, int fd);

/** ax_dup2() - duplicate to @newfd, closing what was there (dup2(2)). Return: @newfd, -AX_EBADF (either number), -AX_ENFILE. */
int ax_dup2(ax_client *ax, int fd, int newfd);

/** ax_set_nonblock() - let calls on the open file fail instead of waiting; shared by duplicates. Return: 0, -AX_EBADF. */
int ax_set_nonblock(ax_client *ax, int fd, bool on);

/** ax_fsync() - wait until data and metadata are on the medium (fsync(2)). Return: 0, -AX_EBADF, -AX_EINVAL (not a store file), -AX_EIO, -AX_ENOSPC. */
int ax_fsync(ax_client *ax, int fd);

/** ax_ftruncate() - set the size of an open file, filling with zeros (ftruncate(2)). Return: 0, -AX_EBADF, -AX_EINVAL (not a regular file open for writing, negative size), -AX_EFBIG. */
int ax_ftruncate(ax_client *ax, int fd, int64_t size);

struct ax_stat {
        uint64_t ino, size, blocks; /* size in bytes, blocks of 512 bytes */
        uint32_t mode, nlink, uid, gid;
        struct timespec atime, mtime, ctime, btime; /* btime: creation; 0 where unknown */
};

/** ax_stat() - what a path is, following symlinks (stat(2)). Return: 0, -AX_ENOENT, -AX_ENOTDIR, -AX_EACCES, -AX_ELOOP, -AX_ENAMETOOLONG, -AX_EINVAL. */
int ax_stat(ax_client *ax, const char *path, struct ax_stat *ret);

/** ax_lstat() - as ax_stat(), but a symlink at the end is not followed (lstat(2)) */
int ax_lstat(ax_client *ax, const char *path, struct ax_stat *ret);

/** ax_fstat() - what a descriptor is (fstat(2)). Return: 0, -AX_EBADF. */
int ax_fstat(ax_client *ax, int fd, struct ax_stat *ret);

/* ---- directories and names ------------------------------------------------------------------------------- */

/** ax_mkdir() - create a directory with mode 0777 & ~umask (mkdir(2)). Return: 0, -AX_EEXIST, -AX_ENOENT, -AX_ENOTDIR, -AX_EACCES, -AX_EROFS (in /dev and /proc), … */
int ax_mkdir(ax_client *ax, const char *path);

/**
 * ax_readdir() - the names in a directory
 * @ax: the connection
 * @path: the directory
 * @ret_names: the names, sorted by byte value, without . and .., ended by NULL; free with ax_names_free(). Untouched on error.
 *
 * Return: how many names. -AX_ENOENT, -AX_ENOTDIR, -AX_EACCES, …
 */
int ax_readdir(ax_client *ax, const char *path, char ***ret_names);

/** ax_names_free() - free what ax_readdir() gave; NULL is fine */
void ax_names_free(char **names);

/** ax_exists() - whether a path leads to something, following symlinks. Return: 1, 0 (-AX_ENOENT, -AX_ENOTDIR and dangling symlinks), another error. */
int ax_exists(ax_client *ax, const char *path);

/**
 * ax_getcwd() - path of the working directory (getcwd(2))
 * @ax: the connection
 * @buf: where the path goes, ended by a NUL
 * @size: of @buf
 *
 * Return: length without the NUL. -AX_ERANGE @buf is too small, -AX_ENOENT the directory was removed, -AX_EINVAL.
 */
int ax_getcwd(ax_client *ax, char *buf, size_t size);

/** ax_chdir() - change the working directory (chdir(2)). Return: 0, -AX_ENOENT, -AX_ENOTDIR, -AX_EACCES, … */
int ax_chdir(ax_client *ax, const char *path);

/** ax_unlink() - remove a name that is not a directory (unlink(2)). Return: 0, -AX_EISDIR, -AX_ENOENT, -AX_EACCES, -AX_EROFS, … */
int ax_unlink(ax_client *ax, const char *path);

/** ax_rmdir() - remove an empty directory (rmdir(2)). Return: 0, -AX_ENOTEMPTY, -AX_ENOTDIR, -AX_EBUSY (a mount point), … */
int ax_rmdir(ax_client *ax, const char *path);

/** ax_rename() - rename, replacing what @to was, atomically (rename(2)). Return: 0, -AX_EXDEV (other mount), -AX_EBUSY (a mount point), -AX_EISDIR, -AX_ENOTEMPTY, … */
int ax_rename(ax_client *ax, const char *from, const char *to);

/** ax_link() - another name @to for the file @from; symlinks are not followed (link(2)). Return: 0, -AX_EEXIST, -AX_EXDEV, -AX_EPERM, … */
int ax_link(ax_client *ax, const char *from, const char *to);

/** ax_symlink() - create a symlink @path whose text is @target (symlink(2)). Return: 0, -AX_EEXIST, -AX_ENOENT (empty target), … */
int ax_symlink(ax_client *ax, const char *target, const char *path);

/** ax_readlink() - text of a symlink, not NUL-terminated where it fills @buf (readlink(2)). Return: its length, cut at @size; -AX_EINVAL not a symlink, … */
int ax_readlink(ax_client *ax, const char *path, char *buf, size_t size);

/** ax_chmod() - set the permission bits, 0 to 07777 (chmod(2)). Return: 0, -AX_EPERM not the owner, -AX_EINVAL other bits, … */
int ax_chmod(ax_client *ax, const char *path, uint32_t mode);

/** ax_chown() - set owner and group, UINT32_MAX leaves one as it is (chown(2)). Return: 0, -AX_EPERM, … */
int ax_chown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid);

/** ax_lchown() - as ax_chown(), of a symlink itself (lchown(2)) */
int ax_lchown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid);

/** ax_utimens() - set access and modification time; NULL: now; tv_nsec may be UTIME_NOW or UTIME_OMIT (utimensat(2)). Return: 0, -AX_EPERM, -AX_EACCES, -AX_EINVAL, … */
int ax_utimens(ax_client *ax, const char *path, const struct timespec times[2]);

/** ax_umask() - set which permission bits new files do not get, 0 to 0777 (umask(2)). Return: the old mask; -AX_EINVAL. */
int ax_umask(ax_client *ax, uint32_t mask);

/* ---- processes ------------------------------------------------------------------------------------------- */

/** ax_getpid() - the process's pid, positive; costs no round trip. Return: -AX_ESRCH on a forked child's handle. */
ax_pid ax_getpid(ax_client *ax);

/** ax_getppid() - the parent's pid; 1 for a process that connected by itself, or whose parent has ended */
ax_pid ax_getppid(ax_client *ax);

/**
 * ax_exit() - end the process
 * @ax: the connection; free it with ax_disconnect() afterwards
 * @code: exit code, 0 to 255; higher bits are cut off, as by exit(3)
 *
 * Everything that the process holds is freed. The host program goes on; its further calls fail with -AX_ESRCH. A parent that waits is told.
 *
 * Return: 0.
 */
int ax_exit(ax_client *ax, int code);

struct ax_spawn_fd {
        int child_fd; /* the number in the child */
        int fd;       /* one of the caller's; -1: closed in the child */
};

struct ax_spawn_options {
        const char *path; /* the host program's file; NULL: argv[0], looked for in $PATH as by execvp(3) */
        const char *cwd;  /* the child's working directory in the namespace; NULL: the caller's */
        const char *const *environment; /* of the host program, ended by NULL; NULL: the caller's */
        const struct ax_spawn_fd *fds;  /* made in this order, each from the caller's descriptors as they are */
        size_t n_fds;
        bool close_others; /* the child has the descriptors in @fds only */
        bool new_group;    /* the child begins a process group of its own */
        bool set_ids; /* administrators only: the child, and its host program, run as uid and gid, without further groups */
        uint32_t uid, gid;
};

/**
 * ax_spawn() - start a host program as a child process
 * @ax: the connection
 * @argv: the program's arguments, ended by NULL; argv[0] names it
 * @options: NULL: inherit all
 *
 * The child has copies of the caller's descriptors (numbers, objects, offsets and flags), its working directory, umask, blocked and ignored
 * signals, user and process group. The host program gets a connection in its environment (AXEBERG_FD): its ax_connect(…, NULL) becomes the child. A
 * program that never connects is a process all the same. On the host the program is a child of the caller's, with the caller's standard streams, working
 * directory and signal mask; host signals that the caller handles are at their defaults.
 *
 * The child owns its host program: stopping and continuing the child stops and continues it (SIGSTOP, SIGCONT), a signal that ends the child kills it
 * (SIGKILL), and its end, by whatever cause, ends the child, with its exit code or signal as the wait status. So does the end of its
 * connection. ax_wait() reaps the host program, too: programs that reap all their host children themselves (wait(2), SIGCHLD ignored) may take
 * a child's exit code away, which is 255 then.
 *
 * Return: the child's pid. -AX_ENOENT, -AX_EACCES, -AX_ENOTDIR, … the program's file cannot be executed, or the directory not be entered; -AX_EBADF one of
 * the descriptors; -AX_EPERM ids; -AX_EDQUOT, -AX_EMFILE, -AX_ENFILE, -AX_ENOMEM, -AX_EAGAIN limits; -AX_EINVAL. A program that was found and cannot be
 * started after all ends with 127.
 */
ax_pid ax_spawn(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options);

/**
 * ax_spawn_client() - make a child process that the calling program itself speaks for
 * @ax: the connection
 * @options: as for ax_spawn(); path, environment and ids of the host program do not matter. NULL: inherit all
 * @ret: the child's connection; untouched on error
 *
 * For programs whose threads are processes. The child has no host program, and ends as any process that connected.
 *
 * Return: the child's pid, else as ax_spawn().
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
 * ax_wait() - wait for a child's change of state (waitpid(2))
 * @ax: the connection
 * @pid: a child; -1: any; 0: any of the caller's process group; < -1: any of the group -pid
 * @ret: what happened; may be NULL
 * @flags: AX_WAIT_…
 *
 * Reports each child's end once, after which its pid is free; and its latest stop or continuation once. A child that a signal ended is reported when
 * its host program is gone, too. The children of a process that ignores SIGCHLD (AX_SIGNAL_IGNORE) leave nothing to report.
 *
 * Return: the child's pid; 0 with AX_WAIT_NOHANG where there is nothing to report yet. -AX_ECHILD no such child, -AX_EINTR, -AX_EINVAL unknown flags.
 */
ax_pid ax_wait(ax_client *ax, ax_pid pid, struct ax_wait_status *ret, unsigned flags);

/* ---- pipes ----------------------------------------------------------------------------------------------- */

/**
 * ax_pipe() - make a pipe (pipe(7))
 * @ax: the connection
 * @fds: fds[0] reads, fds[1] writes; untouched on error
 *
 * A pipe holds 64 KiB. Writes of up to 4096 bytes are atomic. Reads wait while it is empty, and give 0 when the last writing descriptor is
 * closed; writes wait while it is full, and fail with -AX_EPIPE, raising SIGPIPE, when the last reading one is. Children of ax_spawn() that inherit all have
 * both ends as well, and keep the pipe from ending: give them only theirs, with close_others.
 *
 * Return: 0; -AX_EMFILE, -AX_ENFILE, -AX_EDQUOT, -AX_ENOMEM.
 */
int ax_pipe(ax_client *ax, int fds[2]);

/**
 * ax_mkfifo() - create a FIFO with mode 0666 & ~umask (mkfifo(3), fifo(7))
 *
 * Opening it for reading waits for a writer and the reverse. With AX_O_NONBLOCK a reader is open at once, and a writer without a reader fails with -AX_ENXIO. Open
 * for both it waits for nobody. A FIFO connects processes of this kernel with each other. Host programs that open it through the mount are connected
 * with each other only: the host's kernel serves them, and neither the daemon nor axfs learns of it.
 *
 * Return: 0, -AX_EEXIST, -AX_ENOENT, -AX_EACCES, …
 */
int ax_mkfifo(ax_client *ax, const char *path);

/* ---- tasks and timers ------------------------------------------------------------------------------------ */

/** ax_task_create() - make a task: one permit that threads of the process wait for. Return: 0, -AX_EDQUOT, -AX_ENOMEM. */
int ax_task_create(ax_client *ax, ax_task_id *ret);

/** ax_task_destroy() - end a task; who waits for it gets -AX_ENOENT, timers go on without it. Return: 0, -AX_ENOENT no task of this process. */
int ax_task_destroy(ax_client *ax, ax_task_id task);

/**
 * ax_task_wait() - wait for a task's permit, and take it
 * @ax: the connection
 * @task: one of this process
 * @timeout_ms: 0 does not wait; negative or infinite waits for ever
 *
 * Of several that wait, a wake lets the one go on that has waited longest.
 *
 * Return: 1 woken, 0 timed out; -AX_ENOENT, -AX_EINTR, -AX_EINVAL for a NaN.
 */
int ax_task_wait(ax_client *ax, ax_task_id task, double timeout_ms);

/** ax_task_wake() - give a task its permit; it is kept until somebody waits, and is one however often it is given. Return: 0, -AX_ENOENT. */
int ax_task_wake(ax_client *ax, ax_task_id task);

/**
 * ax_timer_set() - wake a task once, after a time
 * @ax: the connection
 * @delay_ms: 0 or more, on the monotonic clock, to the microsecond, rounded up
 * @wake_task: one of this process; 0: none, the timer just comes due
 * @ret: the timer; may be NULL
 *
 * Timers come due in order of their times, never early, and end with their process.
 *
 * Return: 0; -AX_EINVAL negative, NaN or infinite, -AX_ENOENT no such task, -AX_EDQUOT, -AX_ENOMEM.
 */
int ax_timer_set(ax_client *ax, double delay_ms, ax_task_id wake_task, ax_timer_id *ret);

/**
 * ax_timer_interval() - wake a task again and again
 * @ax: the connection
 * @interval_ms: more than 0; less than 0.1 is taken as 0.1
 * @wake_task: as for ax_timer_set()
 * @ret: the timer; may be NULL
 *
 * The n-th tick is due n intervals after now. Ticks that could not be given in time become one, the rest is counted: ax_timer_overruns().
 *
 * Return: as ax_timer_set().
 */
int ax_timer_interval(ax_client *ax, double interval_ms, ax_task_id wake_task, ax_timer_id *ret);

/** ax_timer_cancel() - end a timer; it will not fire any more. Return: 1 if it was pending, else 0, unknown ids included. */
int ax_timer_cancel(ax_client *ax, ax_timer_id timer);

/** ax_timer_overruns() - how many ticks of a pending interval timer were missed so far. Return: the count; -AX_ENOENT. */
int64_t ax_timer_overruns(ax_client *ax, ax_timer_id timer);

/**
 * ax_alarm() - raise SIGALRM in this process, once, after a time
 * @ax: the connection
 * @delay_ms: as for ax_timer_set()
 * @ret: the timer; may be NULL
 *
 * Other alarms of the process stay.
 *
 * Return: as ax_timer_set().
 */
int ax_alarm(ax_client *ax, double delay_ms, ax_timer_id *ret);

/* ---- signals --------------------------------------------------------------------------------------------- */

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

/* What a signal does. By default SIGCHLD is ignored, SIGSTOP stops, SIGCONT continues, and the others terminate. */
enum ax_signal_action { AX_SIGNAL_DEFAULT, AX_SIGNAL_IGNORE, AX_SIGNAL_TERMINATE, AX_SIGNAL_HANDLE };

/*
 * A program's signal handler. It runs in a thread that is inside a library call or ax_dispatch(), never asynchronously, so it may call
 * everything but ax_disconnect(). Its signal is blocked while it runs. Where several threads are inside calls on @ax, it may be any of them.
 */
typedef void (*ax_signal_handler)(ax_client *ax, int signal, void *userdata);

/**
 * ax_kill() - send a signal (kill(2))
 * @ax: the connection
 * @pid: a process; 0: every process of the caller's group; -1: every process that the caller may signal, but pid 1 and itself; < -1: every process of the group -pid
 * @signal: AX_SIG…; 0 sends nothing, and tells whether it could be sent
 *
 * Equal signals that are pending become one. A process gets KILL first, then STOP, then the others in the order in which they came. CONT continues
 * a stopped process even where it is blocked or ignored, and drops a pending STOP; STOP drops a pending CONT. The parked calls of a process that handles
 * the signal end with -AX_EINTR. Processes may signal those of the same uid, administrators all; nobody pid 1.
 *
 * Return: 0; -AX_ESRCH no such process, -AX_EPERM, -AX_ESIG_INVALID.
 */
int ax_kill(ax_client *ax, ax_pid pid, int signal);

/**
 * ax_signal() - set what a signal does
 * @ax: the connection
 * @signal: AX_SIG…
 * @action: AX_SIGNAL_HANDLE runs the handler that ax_signal_handle() has set before; without one the signal only interrupts
 *
 * A pending signal that is ignored from now on is dropped.
 *
 * Return: the old action; -AX_ESIG_INVALID, -AX_ESIG_CANNOT_CATCH for KILL and STOP, -AX_EINVAL unknown action.
 */
int ax_signal(ax_client *ax, int signal, enum ax_signal_action action);

/** ax_signal_handle() - run @handler for a signal from now on. Return: the old action; as ax_signal(), -AX_EINVAL @handler is NULL. */
int ax_signal_handle(ax_client *ax, int signal, ax_signal_handler handler, void *userdata);

/** ax_sigblock() - keep a signal pending until it is unblocked. Return: 1 if it was blocked already, else 0; -AX_ESIG_INVALID, -AX_ESIG_CANNOT_BLOCK for KILL and STOP. */
int ax_sigblock(ax_client *ax, int signal);

/** ax_sigunblock() - let a signal through; one that is pending is delivered before the call returns. Return: 1 if it was blocked, else 0; -AX_ESIG_INVALID. */
int ax_sigunblock(ax_client *ax, int signal);

/** ax_sigpending() - whether signals wait, blocked ones included; costs no round trip. Return: 1, 0. */
int ax_sigpending(ax_client *ax);

/** ax_signal_name() - "SIGTERM" …; NULL for a number that is no signal of axeberg's. Needs no connection. */
const char *ax_signal_name(int signal);

/** ax_signal_number() - a signal from its number or name, "15", "TERM" or "SIGTERM", in any case. Return: the number; -AX_ESIG_INVALID. Needs no connection. */
int ax_signal_number(const char *text);

/* ---- memory ---------------------------------------------------------------------------------------------- */

enum { AX_PROT_NONE = 0, AX_PROT_READ = 1, AX_PROT_READ_WRITE = 3, AX_PROT_READ_EXEC = 5 };

/**
 * ax_mem_alloc() - get a region of zeroed memory
 * @ax: the connection
 * @size: bytes, not 0
 * @protection: AX_PROT_…; the host's kernel enforces it: a region that is not AX_PROT_READ_WRITE stays as it is, whoever tries
 * @ret: the region
 *
 * The region is counted against the limits of the process, its user and the system until it is freed or the process ends. It is not inherited.
 *
 * Return: 0; -AX_EMEM_INVALID_SIZE, -AX_EMEM_OUT_OF_MEMORY (a limit, and nothing has changed), -AX_EINVAL the protection, or @ret is NULL.
 */
int ax_mem_alloc(ax_client *ax, size_t size, unsigned protection, ax_region_id *ret);

/** ax_mem_free() - give a region back. Threads that copy just now finish first. Return: 0, -AX_EMEM_INVALID_REGION, -AX_EMEM_PERMISSION_DENIED an attachment: ax_shmdt(). */
int ax_mem_free(ax_client *ax, ax_region_id region);

/**
 * ax_mem_read() - copy out of a region or attachment; costs no round trip
 * @ax: the connection
 * @region: one of this process
 * @offset: at most the region's size
 * @buf: where the data goes
 * @size: of @buf
 *
 * Return: bytes read, fewer than @size at the region's end. -AX_EMEM_INVALID_REGION, -AX_EMEM_OUT_OF_BOUNDS @offset is beyond the end,
 * -AX_EMEM_PERMISSION_DENIED, -AX_EINVAL @buf is NULL.
 */
ssize_t ax_mem_read(ax_client *ax, ax_region_id region, size_t offset, void *buf, size_t size);

/** ax_mem_write() - copy into a region or attachment; what would cross its end is not written at all. Return: @size; as ax_mem_read(). */
ssize_t ax_mem_write(ax_client *ax, ax_region_id region, size_t offset, const void *buf, size_t size);

/**
 * ax_mem_map() - the region itself
 * @ax: the connection
 * @region: one of this process
 * @ret_size: its size; may be NULL
 *
 * Return: its address, until it is freed or detached or @ax is disconnected; NULL where there is no such region.
 */
void *ax_mem_map(ax_client *ax, ax_region_id region, size_t *ret_size);

/**
 * ax_shmget() - make a shared segment of zeroed memory
 * @ax: the connection
 * @size: bytes, not 0
 * @ret: the segment
 *
 * It can be attached by every process of the same user, and by administrators. It lives as long as it is attached; one that was never attached ends with
 * its maker.
 *
 * Return: 0; -AX_EMEM_INVALID_SIZE, -AX_EMEM_OUT_OF_MEMORY, -AX_EINVAL @ret is NULL.
 */
int ax_shmget(ax_client *ax, size_t size, ax_shm_id *ret);

/**
 * ax_shmat() - attach a segment: get a region of its size and present content
 * @ax: the connection
 * @shm: the segment; other processes learn its id from its maker, as from an argument
 * @protection: of the copy, AX_PROT_…; ax_shm_sync() needs AX_PROT_READ_WRITE
 * @ret: the region, for ax_mem_map(), ax_mem_read() and ax_mem_write()
 *
 * The region is the process's own copy. ax_shm_sync() copies it to the segment, ax_shm_refresh() the segment to it, each whole: two processes' copies
 * never mix. Neither waits for anybody or tells anybody; whose turn it is, processes settle among themselves, as by pipes.
 *
 * Return: 0; -AX_EMEM_SHM_NOT_FOUND, -AX_EMEM_ALREADY_ATTACHED, -AX_EMEM_PERMISSION_DENIED another user's, -AX_EMEM_OUT_OF_MEMORY, -AX_EINVAL.
 */
int ax_shmat(ax_client *ax, ax_shm_id shm, unsigned protection, ax_region_id *ret);

/**
 * ax_shmat_coherent() - attach the segment itself, for reading and writing
 *
 * Plain shared memory: a store is there for the others at once, in no other order than between threads. ax_shm_sync() and ax_shm_refresh() have nothing to do,
 * and return 0.
 *
 * Return: as ax_shmat().
 */
int ax_shmat_coherent(ax_client *ax, ax_shm_id shm, ax_region_id *ret);

/** ax_shmdt() - detach; the region is gone. Return: 0, -AX_EMEM_NOT_ATTACHED, -AX_EMEM_SHM_NOT_FOUND. */
int ax_shmdt(ax_client *ax, ax_shm_id shm);

/** ax_shm_sync() - copy the attachment to the segment. Return: 0, -AX_EMEM_NOT_ATTACHED, -AX_EMEM_SHM_NOT_FOUND, -AX_EMEM_PERMISSION_DENIED it is not AX_PROT_READ_WRITE. */
int ax_shm_sync(ax_client *ax, ax_shm_id shm);

/** ax_shm_refresh() - copy the segment to the attachment. Return: 0, -AX_EMEM_NOT_ATTACHED, -AX_EMEM_SHM_NOT_FOUND. */
int ax_shm_refresh(ax_client *ax, ax_shm_id shm);

struct ax_memory_stats {
        uint64_t allocated, limit, peak;  /* bytes of regions and attachments; limit 0: unlimited */
        uint64_t region_count, shm_count; /* regions, attachments included; attachments */
};

struct ax_system_memory_stats {
        uint64_t total_allocated, system_limit; /* every byte of regions, attachments' copies and segments, once */
        uint64_t shm_count, shm_total_size;     /* segments */
};

/** ax_memstats() - the process's memory; costs no round trip. Return: 0. */
int ax_memstats(ax_client *ax, struct ax_memory_stats *ret);

/** ax_memstats_of() - another process's memory. Return: 0, -AX_ESRCH, -AX_EPERM neither the same user's nor an administrator. */
int ax_memstats_of(ax_client *ax, ax_pid pid, struct ax_memory_stats *ret);

/** ax_set_memlimit() - limit the process's memory, 0: unlimited. A limit below what is in use lets nothing more in. Return: 0. */
int ax_set_memlimit(ax_client *ax, size_t limit);

/** ax_set_memlimit_of() - limit another process's memory; administrators only. Return: 0, -AX_ESRCH, -AX_EPERM. */
int ax_set_memlimit_of(ax_client *ax, ax_pid pid, uint64_t limit);

/** ax_system_memstats() - the system's memory. Return: 0. */
int ax_system_memstats(ax_client *ax, struct ax_system_memory_stats *ret);

struct ax_segment {
        ax_shm_id id;
        uint64_t size;
        uint32_t uid, attachments;
        ax_pid creator;
};

/** ax_shm_list() - every segment, in the order they were made. @ret: an array, free it with free(). Return: how many. */
int ax_shm_list(ax_client *ax, struct ax_segment **ret);

/* ---- trace ----------------------------------------------------------------------------------------------- */

enum ax_trace_category {
        AX_TRACE_SYSCALL,
        AX_TRACE_PROCESS,   /* created, exited, killed, stopped, continued */
        AX_TRACE_MEMORY,    /* allocated, freed, refused */
        AX_TRACE_TIMER,     /* set, fired */
        AX_TRACE_SIGNAL,    /* sends, sent, handled, ignored */
        AX_TRACE_SCHEDULER, /* parked, woken */
        AX_TRACE_FILE,      /* requests of mounts */
        AX_TRACE_IPC,       /* pipes; segments synchronised, refreshed */
        AX_TRACE_WINDOW,
        AX_TRACE_CUSTOM,
};

/** ax_trace_category_name() - "syscall", …; NULL for none. ax_trace_category_number() - the reverse; -AX_EINVAL. */
const char *ax_trace_category_name(enum ax_trace_category category);
int ax_trace_category_number(const char *name);

/**
 * ax_trace_enable() - record what happens, from now on; administrators only
 *
 * While the trace is on every program's calls go through the daemon. It is one switch for all. Return: 0, -AX_EPERM.
 */
int ax_trace_enable(ax_client *ax);
/** ax_trace_disable() - stop recording; what has been recorded stays. Administrators only. Return: 0, -AX_EPERM. */
int ax_trace_disable(ax_client *ax);

struct ax_trace_summary {
        double uptime_ms; /* since the daemon started; everything else since the last reset */
        uint64_t enabled, event_count, syscall_count, syscall_errors;
        uint64_t tick_count; /* turns of the kernel loop that did work */
        double avg_tick_ms, max_tick_ms;
        uint64_t processes_spawned, processes_exited, signals_delivered, timers_fired, bytes_read, bytes_written;
};

/** ax_trace_summary() - the kernel's figures, whether the trace is on or not. Return: 0; -AX_EINVAL @ret is NULL. */
int ax_trace_summary(ax_client *ax, struct ax_trace_summary *ret);
/** ax_trace_reset() - forget all events, and begin to count anew; administrators only. Return: 0, -AX_EPERM. */
int ax_trace_reset(ax_client *ax);

/**
 * ax_trace_event() - record an event of one's own
 * @category: usually AX_TRACE_CUSTOM
 * @name: not empty; cut off after 31 bytes
 * @detail: may be NULL; cut off after 239 bytes
 *
 * Nothing is recorded where the trace is off, or its filter does not want it. Return: 0; -AX_EINVAL.
 */
int ax_trace_event(ax_client *ax, enum ax_trace_category category, const char *name, const char *detail);

enum { AX_TRACE_MAX_PIDS = 64 };

struct ax_trace_filter {
        uint32_t categories; /* bit number: the category; 0: all */
        size_t n_pids;       /* 0: all processes */
        ax_pid pids[AX_TRACE_MAX_PIDS];
        bool children; /* those that processes of the set make join it */
};

/** ax_trace_set_filter() - what is recorded; administrators only. Return: 0; -AX_EPERM; -AX_EINVAL a category or pid that cannot be. */
int ax_trace_set_filter(ax_client *ax, const struct ax_trace_filter *filter);

struct ax_trace_status {
        bool enabled;
        struct ax_trace_filter filter;
        uint64_t size;     /* of the ring, events */
        uint64_t next;     /* the number that the next event will have */
        uint64_t oldest;   /* the number of the oldest event that is there */
        uint64_t recorded; /* events since the last reset */
};

/** ax_trace_status() - the trace's own state. Return: 0. */
int ax_trace_status(ax_client *ax, struct ax_trace_status *ret);

struct ax_trace_record {
        uint64_t number;      /* from 1, without gaps over all processes and categories */
        struct timespec time; /* of the day */
        uint64_t duration_nsec;
        ax_pid pid;
        int32_t host_pid; /* 0: none */
        uint32_t uid;
        enum ax_trace_category category;
        bool has_result;
        int64_t result; /* of a call */
        char name[32];
        char text[240];    /* a call's arguments; what happened */
        char outcome[128]; /* a call's results beside `result` */
};

/**
 * ax_trace_read() - events, oldest first
 * @after: the number of the last event that is known; 0: from the oldest. Moved on to the last one looked at.
 * @filter: what of them; NULL: everything. `children` means nothing here.
 * @wait: wait until there is one
 * @ret: an array, free it with free(); untouched where the result is 0 or less
 * @ret_lost: how many were dropped before they were read; may be NULL
 *
 * Other users' events are for administrators; who is none does not see them. Return: how many, 0 for none; -AX_EINTR; -AX_EINVAL.
 */
int ax_trace_read(ax_client *ax, uint64_t *after, const struct ax_trace_filter *filter, bool wait,
                  struct ax_trace_record **ret, uint64_t *ret_lost);

enum { AX_CALL_BUCKETS = 24 };

struct ax_call_stats {
        char name[32];
        uint64_t count, errors;
        uint64_t timed;                          /* calls whose time is known: those that came to the daemon */
        uint64_t total_nsec, min_nsec, max_nsec; /* of those */
        uint64_t histogram
                [AX_CALL_BUCKETS]; /* bucket n: less than 2^n µs, and not less than half of that; the last: or longer */
};

/** ax_call_stats() - figures of each call that was made since the last reset. @ret: an array, free it with free(). Return: how many. */
int ax_call_stats(ax_client *ax, struct ax_call_stats **ret);

/** ax_trace_enabled() - whether the daemon traces; costs no round trip. Return: 1, 0. */
int ax_trace_enabled(ax_client *ax);

/** ax_uptime_ms() - milliseconds since the daemon started, on the monotonic clock; costs no round trip. Return: a negative error where the connection is gone. */
double ax_uptime_ms(ax_client *ax);

/* ---- console --------------------------------------------------------------------------------------------- */

/**
 * ax_console_push_input() - type on the console; administrators only
 * @ax: the connection
 * @data: what is typed
 * @size: of @data
 *
 * Return: bytes taken, all or as many as the input queue has room for; -AX_EAGAIN it is full, -AX_EPERM.
 */
int ax_console_push_input(ax_client *ax, const void *data, size_t size);

/**
 * ax_console_take_output() - what programs wrote to the console, and nobody took yet; administrators only
 * @ax: the connection
 * @buf: where it goes
 * @size: of @buf
 *
 * Return: bytes taken, 0 where there are none; -AX_EPERM.
 */
ssize_t ax_console_take_output(ax_client *ax, void *buf, size_t size);

/**
 * ax_console_wait_output() - as ax_console_take_output(), but waits until there is something
 * @ax: the connection
 * @buf: where it goes
 * @size: of @buf, not 0
 * @ret_lost: bytes that were dropped because nobody took them, since the previous call; may be NULL
 *
 * Return: bytes taken, at least 1; -AX_EINTR, -AX_EPERM.
 */
ssize_t ax_console_wait_output(ax_client *ax, void *buf, size_t size, uint64_t *ret_lost);

/**
 * ax_console_follow() - wait for output, and leave it to others who follow; administrators only
 * @offset: one's place in the output; 0: what nobody has taken. Moved on.
 * @size: at least 1
 * @ret_lost: bytes that were overwritten before they were read; may be NULL
 *
 * What has been followed counts as taken. Return: bytes, at least 1; -AX_EINTR, -AX_EPERM.
 */
ssize_t ax_console_follow(ax_client *ax, uint64_t *offset, void *buf, size_t size, uint64_t *ret_lost);

/** ax_console_size() - the size of the terminal that shows the console, as the last one attached has told. Return: 0. */
int ax_console_size(ax_client *ax, unsigned *ret_rows, unsigned *ret_columns);
/** ax_console_set_size() - tell it; administrators only. Return: 0, -AX_EPERM, -AX_EINVAL (0, or more than 9999). */
int ax_console_set_size(ax_client *ax, unsigned rows, unsigned columns);

/* ---- windows --------------------------------------------------------------------------------------------- */

/**
 * ax_window_create() - a window
 * @title: cut off after 127 bytes; NULL: none
 *
 * What is written to it is the stream of a terminal like xterm's, of 24 rows and 80 columns at first. What is read from it are the keys that viewers type, as a
 * terminal sends them; the terminal's answers to what the program asks it; and events, which are application program commands and no key's:
 *
 *   ESC _ resize;ROWS;COLUMNS ESC \    a viewer has resized it
 *   ESC _ close ESC \                  a viewer wants it closed; what becomes of that is the program's business
 *
 * A read waits for one of them. The window ends when nothing refers to it any more: ax_close(), the process's end.
 * Return: a descriptor; -AX_EDQUOT too many of this user, -AX_EMFILE.
 */
int ax_window_create(ax_client *ax, const char *title);
/** ax_window_set_title() - its title. Return: 0; -AX_EINVAL no or an empty title; -AX_EBADF; -AX_ENOTTY no window. */
int ax_window_set_title(ax_client *ax, int fd, const char *title);
/** ax_window_resize() - its size; what is on it stays as far as there is room. Return: 0; -AX_EINVAL beyond 200 rows, 400 columns, or 0; -AX_EBADF; -AX_ENOTTY. */
int ax_window_resize(ax_client *ax, int fd, unsigned rows, unsigned columns);

struct ax_window {
        uint64_t id;
        ax_pid pid; /* who made it */
        uint32_t uid;
        char title[128];
        unsigned rows, columns;
        bool closing; /* a viewer has asked for it */
};

/** ax_window_get() - what is known of one's own. Return: 0; -AX_EBADF; -AX_ENOTTY. */
int ax_window_get(ax_client *ax, int fd, struct ax_window *ret);
/** ax_window_list() - everybody's. @ret: an array, free it with free(). Return: how many. */
int ax_window_list(ax_client *ax, struct ax_window **ret);

struct ax_screen {
        uint64_t version; /* for the next time */
        unsigned rows, columns, cursor_row, cursor_column;
        bool cursor_visible;
        char title[128];
        char **text; /* by row; NULL: as it was in the version that was known */
};

/**
 * ax_window_read() - a window's screen; for its user, and administrators
 * @window: its id
 * @version: of the screen that is known; 0: none. Rows that have changed since are given.
 * @flags: AX_WINDOW_WAIT: wait for a later version; AX_WINDOW_PLAIN: without escape sequences for colours and the like
 * @ret: give it back with ax_screen_free(); untouched on error
 *
 * Return: 0; -AX_ENOENT it is gone; -AX_EPERM; -AX_EINTR.
 */
enum { AX_WINDOW_WAIT = 1, AX_WINDOW_PLAIN = 2 };
int ax_window_read(ax_client *ax, uint64_t window, uint64_t version, unsigned flags, struct ax_screen *ret);
void ax_screen_free(struct ax_screen *screen);

/** ax_window_type() - type on it. Return: bytes taken; -AX_EAGAIN the program does not read; -AX_ENOENT, -AX_EPERM. */
int ax_window_type(ax_client *ax, uint64_t window, const void *keys, size_t size);
/** ax_window_ask_resize() - resize it, and tell the program. Return: as ax_window_resize(); -AX_EAGAIN, -AX_ENOENT, -AX_EPERM. */
int ax_window_ask_resize(ax_client *ax, uint64_t window, unsigned rows, unsigned columns);
/** ax_window_ask_close() - tell the program that it should end. Return: 0; -AX_EAGAIN, -AX_ENOENT, -AX_EPERM. */
int ax_window_ask_close(ax_client *ax, uint64_t window);

/* ---- looking at the kernel ------------------------------------------------------------------------------- */

struct ax_status {
        char version[32];
        char store[256]; /* "durable:/path", "ephemeral", "temporary:/path" */
        uint64_t uptime_usec;
        uint32_t host_pid, processes, sessions, open_files;
        uint64_t calls, call_errors, mount_requests, bytes_read, bytes_written;
        uint64_t local_calls; /* those of `calls` that the library made without the daemon */
};

/** ax_status() - figures of the daemon. Return: 0. */
int ax_status(ax_client *ax, struct ax_status *ret);

struct ax_process {
        ax_pid pid, ppid, group;
        uint32_t uid, gid;
        int32_t host_pid; /* 0: none */
        char state[16];   /* "Running", "Sleeping", "Stopped", "Zombie" */
        char command[64]; /* cut off where longer */
        uint32_t open_files;
        uint64_t age_usec, calls, memory;
        uint64_t memory_limit; /* 0: none */
        uint64_t bytes_read, bytes_written;
        uint32_t parked; /* calls that wait */
};

/**
 * ax_process_list() - every process, in order of pids
 * @ax: the connection
 * @ret: an array, free it with free(); untouched on error
 *
 * Return: how many.
 */
int ax_process_list(ax_client *ax, struct ax_process **ret);

/* What is limited for each user; axeberg.conf(5) has the limits. */
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
        AX_RESOURCES,
};

struct ax_user {
        uint32_t uid;
        struct {
                uint64_t used, limit; /* a limit of 0: none */
                uint64_t refused;     /* how often something was refused, since the user's oldest process began */
        } resources[AX_RESOURCES];    /* by enum ax_resource */
};

/**
 * ax_user_list() - what each user has taken, in order of uids
 * @ax: the connection
 * @ret: an array, free it with free(); untouched on error
 *
 * Users exist in the kernel while they have something there. Administrators see all, others themselves.
 *
 * Return: how many.
 */
int ax_user_list(ax_client *ax, struct ax_user **ret);

/** ax_resource_name() - "connections", "processes", "descriptors", "pipes", "tasks", "timers", "regions", "windows", "memory"; NULL: there is no such. */
const char *ax_resource_name(enum ax_resource resource);

/* ---- for file servers ------------------------------------------------------------------------------------ */

struct ax_mount {
        char path[256];   /* in the namespace: "/", "/tmp", … */
        char backend[16]; /* "store", "devfs", "procfs" */
        char source[256]; /* for people */
        int fd;           /* a store's root directory (the receiver's to close), -1 for the others */
        uint32_t index;   /* of the store: inode numbers shown are (host inode | index << 56) */
};

/**
 * ax_mount_list() - the mount table with the stores' descriptors; administrators only
 * @ax: the connection
 * @ret: an array, "/" first; close each fd that is not -1, then free() the array. Untouched on error.
 *
 * Return: how many; -AX_EPERM.
 */
int ax_mount_list(ax_client *ax, struct ax_mount **ret);

struct ax_mount_counters {
        uint64_t requests, errors, bytes_read, bytes_written;
};

/** ax_trace_flag() - the published switch of the trace, for those who look often; until ax_disconnect(). Never NULL. */
const volatile uint32_t *ax_trace_flag(ax_client *ax);

/* A request of a mount, for the trace. */
struct ax_mount_event {
        char name[32], text[128];
        int32_t host_pid;
        uint32_t uid;
        uint64_t duration_nsec;
        int32_t result; /* 0, or a negative errno */
};

/** ax_mount_trace() - record what a mount did; @lost: how many more there were. Administrators only. Return: 0, -AX_EPERM. */
int ax_mount_trace(ax_client *ax, const struct ax_mount_event *events, size_t count, uint64_t lost);

/** ax_mount_report() - add to the daemon's counters of mount requests; administrators only. Return: 0, -AX_EPERM. */
int ax_mount_report(ax_client *ax, const struct ax_mount_counters *counters);

#ifdef __cplusplus
}
#endif
