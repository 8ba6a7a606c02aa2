/* SPDX-License-Identifier: MIT */
/*
 * The contract of axeberg.h: names, types and numbers that programs were built with. A change of
 * any of them does not compile here; what is added is no change.
 *
 * The rows are compared by the compiler, exactly: a type that merely converts is another type. At
 * run time it remains to be seen that the library exports each function.
 */
#include "fixture.h"

#include <dlfcn.h>
#include <string.h>

/* ---- functions ------------------------------------------------------------------------------- */

#define FUNCTIONS(F)                                                                                                   \
        /* connection */                                                                                               \
        F(ax_connect, int, ax_client **, const char *)                                                                 \
        F(ax_disconnect, void, ax_client *)                                                                            \
        F(ax_fileno, int, ax_client *)                                                                                 \
        F(ax_dispatch, int, ax_client *, double)                                                                       \
        /* files */                                                                                                    \
        F(ax_open, int, ax_client *, const char *, unsigned)                                                           \
        F(ax_read, ssize_t, ax_client *, int, void *, size_t)                                                          \
        F(ax_write, ssize_t, ax_client *, int, const void *, size_t)                                                   \
        F(ax_pread, ssize_t, ax_client *, int, void *, size_t, int64_t)                                                \
        F(ax_pwrite, ssize_t, ax_client *, int, const void *, size_t, int64_t)                                         \
        F(ax_seek, int64_t, ax_client *, int, int64_t, int)                                                            \
        F(ax_close, int, ax_client *, int)                                                                             \
        F(ax_dup, int, ax_client *, int)                                                                               \
        F(ax_dup2, int, ax_client *, int, int)                                                                         \
        F(ax_set_nonblock, int, ax_client *, int, bool)                                                                \
        F(ax_fsync, int, ax_client *, int)                                                                             \
        F(ax_ftruncate, int, ax_client *, int, int64_t)                                                                \
        F(ax_stat, int, ax_client *, const char *, struct ax_stat *)                                                   \
        F(ax_lstat, int, ax_client *, const char *, struct ax_stat *)                                                  \
        F(ax_fstat, int, ax_client *, int, struct ax_stat *)                                                           \
        /* directories and names */                                                                                    \
        F(ax_mkdir, int, ax_client *, const char *)                                                                    \
        F(ax_readdir, int, ax_client *, const char *, char ***)                                                        \
        F(ax_names_free, void, char **)                                                                                \
        F(ax_exists, int, ax_client *, const char *)                                                                   \
        F(ax_getcwd, int, ax_client *, char *, size_t)                                                                 \
        F(ax_chdir, int, ax_client *, const char *)                                                                    \
        F(ax_unlink, int, ax_client *, const char *)                                                                   \
        F(ax_rmdir, int, ax_client *, const char *)                                                                    \
        F(ax_rename, int, ax_client *, const char *, const char *)                                                     \
        F(ax_link, int, ax_client *, const char *, const char *)                                                       \
        F(ax_symlink, int, ax_client *, const char *, const char *)                                                    \
        F(ax_readlink, int, ax_client *, const char *, char *, size_t)                                                 \
        F(ax_chmod, int, ax_client *, const char *, uint32_t)                                                          \
        F(ax_chown, int, ax_client *, const char *, uint32_t, uint32_t)                                                \
        F(ax_utimens, int, ax_client *, const char *, const struct timespec[2])                                        \
        F(ax_lutimens, int, ax_client *, const char *, const struct timespec[2])                                       \
        F(ax_getxattr, ssize_t, ax_client *, const char *, const char *, void *, size_t)                               \
        F(ax_setxattr, int, ax_client *, const char *, const char *, const void *, size_t, int)                        \
        F(ax_listxattr, ssize_t, ax_client *, const char *, char *, size_t)                                            \
        F(ax_removexattr, int, ax_client *, const char *, const char *)                                                \
        F(ax_statvfs, int, ax_client *, const char *, struct ax_statvfs *)                                             \
        F(ax_umask, int, ax_client *, uint32_t)                                                                        \
        /* processes and pipes */                                                                                      \
        F(ax_getpid, ax_pid, ax_client *)                                                                              \
        F(ax_getppid, ax_pid, ax_client *)                                                                             \
        F(ax_exit, int, ax_client *, int)                                                                              \
        F(ax_spawn, ax_pid, ax_client *, const char *const[], const struct ax_spawn_options *)                         \
        F(ax_wait, ax_pid, ax_client *, ax_pid, struct ax_wait_status *, unsigned)                                     \
        F(ax_pipe, int, ax_client *, int[2])                                                                           \
        /* memory */                                                                                                   \
        F(ax_mem_alloc, int, ax_client *, size_t, unsigned, ax_region_id *)                                            \
        F(ax_mem_free, int, ax_client *, ax_region_id)                                                                 \
        F(ax_mem_read, ssize_t, ax_client *, ax_region_id, size_t, void *, size_t)                                     \
        F(ax_mem_write, ssize_t, ax_client *, ax_region_id, size_t, const void *, size_t)                              \
        F(ax_mem_map, void *, ax_client *, ax_region_id, size_t *)                                                     \
        F(ax_shmget, int, ax_client *, size_t, ax_shm_id *)                                                            \
        F(ax_shmat, int, ax_client *, ax_shm_id, unsigned, ax_region_id *)                                             \
        F(ax_shmdt, int, ax_client *, ax_shm_id)                                                                       \
        F(ax_shm_sync, int, ax_client *, ax_shm_id)                                                                    \
        F(ax_shm_refresh, int, ax_client *, ax_shm_id)                                                                 \
        F(ax_memstats, int, ax_client *, struct ax_memory_stats *)                                                     \
        F(ax_set_memlimit, int, ax_client *, size_t)                                                                   \
        F(ax_system_memstats, int, ax_client *, struct ax_system_memory_stats *)                                       \
        /* windows and console */                                                                                      \
        F(ax_window_create, int, ax_client *, const char *)                                                            \
        F(ax_console_push_input, int, ax_client *, const void *, size_t)                                               \
        F(ax_console_take_output, ssize_t, ax_client *, void *, size_t)                                                \
        /* tasks and timers */                                                                                         \
        F(ax_task_create, int, ax_client *, ax_task_id *)                                                              \
        F(ax_task_destroy, int, ax_client *, ax_task_id)                                                               \
        F(ax_task_wait, int, ax_client *, ax_task_id, double)                                                          \
        F(ax_task_wake, int, ax_client *, ax_task_id)                                                                  \
        F(ax_timer_set, int, ax_client *, double, ax_task_id, ax_timer_id *)                                           \
        F(ax_timer_interval, int, ax_client *, double, ax_task_id, ax_timer_id *)                                      \
        F(ax_timer_cancel, int, ax_client *, ax_timer_id)                                                              \
        F(ax_alarm, int, ax_client *, double, ax_timer_id *)                                                           \
        /* signals */                                                                                                  \
        F(ax_kill, int, ax_client *, ax_pid, int)                                                                      \
        F(ax_signal, int, ax_client *, int, enum ax_signal_action)                                                     \
        F(ax_signal_handle, int, ax_client *, int, ax_signal_handler, void *)                                          \
        F(ax_sigblock, int, ax_client *, int)                                                                          \
        F(ax_sigunblock, int, ax_client *, int)                                                                        \
        F(ax_sigpending, int, ax_client *)                                                                             \
        /* trace */                                                                                                    \
        F(ax_trace_enable, int, ax_client *)                                                                           \
        F(ax_trace_disable, int, ax_client *)                                                                          \
        F(ax_trace_enabled, int, ax_client *)                                                                          \
        F(ax_trace_summary, int, ax_client *, struct ax_trace_summary *)                                               \
        F(ax_trace_reset, int, ax_client *)                                                                            \
        F(ax_trace_event, int, ax_client *, enum ax_trace_category, const char *, const char *)                        \
        /* errors */                                                                                                   \
        F(ax_errno, int, int)                                                                                          \
        F(ax_error_name, const char *, int)                                                                            \
        F(ax_strerror, const char *, int)

#define SAME_TYPE(what, type) _Static_assert(__builtin_types_compatible_p(__typeof__(what), type), #what)
#define FUNCTION_TYPE(name, result, ...)                                                                               \
        typedef result type_of_##name(__VA_ARGS__);                                                                    \
        SAME_TYPE(name, type_of_##name);
#define FUNCTION_POINTER(name, result, ...) result (*name)(__VA_ARGS__);
#define FUNCTION_INITIALISER(name, ...) .name = name,
#define FUNCTION_NAME(name, ...) #name,

FUNCTIONS(FUNCTION_TYPE)

/* A library of the contract's functions and no others, as a program sees it. */
static const struct { FUNCTIONS(FUNCTION_POINTER) } library = { FUNCTIONS(FUNCTION_INITIALISER) };

static const char *const function_names[] = { FUNCTIONS(FUNCTION_NAME) };

/* ---- types ----------------------------------------------------------------------------------- */

SAME_TYPE(ax_pid, int32_t);
SAME_TYPE(ax_region_id, uint64_t);
SAME_TYPE(ax_shm_id, uint64_t);
SAME_TYPE(ax_timer_id, uint64_t);
SAME_TYPE(ax_task_id, uint64_t);
SAME_TYPE(ax_signal_handler, void (*)(ax_client *, int, void *));

#define FIELD(type, field, field_type) SAME_TYPE(((type *) NULL)->field, field_type)

FIELD(struct ax_stat, ino, uint64_t);
FIELD(struct ax_stat, size, uint64_t);
FIELD(struct ax_stat, blocks, uint64_t);
FIELD(struct ax_stat, mode, uint32_t);
FIELD(struct ax_stat, nlink, uint32_t);
FIELD(struct ax_stat, uid, uint32_t);
FIELD(struct ax_stat, gid, uint32_t);
FIELD(struct ax_stat, atime, struct timespec);
FIELD(struct ax_stat, mtime, struct timespec);
FIELD(struct ax_stat, ctime, struct timespec);
FIELD(struct ax_stat, btime, struct timespec);

FIELD(struct ax_wait_status, kind, enum ax_wait_kind);
FIELD(struct ax_wait_status, code, int);

FIELD(struct ax_memory_stats, allocated, uint64_t);
FIELD(struct ax_memory_stats, limit, uint64_t);
FIELD(struct ax_memory_stats, peak, uint64_t);
FIELD(struct ax_memory_stats, region_count, uint64_t);
FIELD(struct ax_memory_stats, shm_count, uint64_t);

FIELD(struct ax_system_memory_stats, total_allocated, uint64_t);
FIELD(struct ax_system_memory_stats, system_limit, uint64_t);
FIELD(struct ax_system_memory_stats, shm_count, uint64_t);
FIELD(struct ax_system_memory_stats, shm_total_size, uint64_t);

FIELD(struct ax_trace_summary, uptime_ms, double);
FIELD(struct ax_trace_summary, enabled, uint64_t);
FIELD(struct ax_trace_summary, event_count, uint64_t);
FIELD(struct ax_trace_summary, syscall_count, uint64_t);
FIELD(struct ax_trace_summary, syscall_errors, uint64_t);
FIELD(struct ax_trace_summary, tick_count, uint64_t);
FIELD(struct ax_trace_summary, avg_tick_ms, double);
FIELD(struct ax_trace_summary, max_tick_ms, double);
FIELD(struct ax_trace_summary, processes_spawned, uint64_t);
FIELD(struct ax_trace_summary, processes_exited, uint64_t);
FIELD(struct ax_trace_summary, signals_delivered, uint64_t);
FIELD(struct ax_trace_summary, timers_fired, uint64_t);
FIELD(struct ax_trace_summary, bytes_read, uint64_t);
FIELD(struct ax_trace_summary, bytes_written, uint64_t);

FIELD(struct ax_spawn_fd, child_fd, int);
FIELD(struct ax_spawn_fd, fd, int);
FIELD(struct ax_spawn_options, path, const char *);
FIELD(struct ax_spawn_options, cwd, const char *);
FIELD(struct ax_spawn_options, environment, const char *const *);
FIELD(struct ax_spawn_options, fds, const struct ax_spawn_fd *);
FIELD(struct ax_spawn_options, n_fds, size_t);
FIELD(struct ax_spawn_options, close_others, bool);
FIELD(struct ax_spawn_options, new_group, bool);
FIELD(struct ax_spawn_options, set_ids, bool);
FIELD(struct ax_spawn_options, uid, uint32_t);
FIELD(struct ax_spawn_options, gid, uint32_t);

/* ---- numbers --------------------------------------------------------------------------------- */

#define VALUE(name, value) _Static_assert((name) == (value), #name)

VALUE(AX_O_READ, 1);
VALUE(AX_O_WRITE, 2);
VALUE(AX_O_CREATE, 4);
VALUE(AX_O_TRUNCATE, 8);
VALUE(AX_O_APPEND, 16);
VALUE(AX_O_EXCLUSIVE, 32);
VALUE(AX_O_NONBLOCK, 64);
VALUE(AX_READ, 1);
VALUE(AX_WRITE, 2 | 4 | 8);
VALUE(AX_RDWR, 1 | 2);
VALUE(AX_APPEND, 2 | 4 | 16);
VALUE(AX_STDIN, 0);
VALUE(AX_STDOUT, 1);
VALUE(AX_STDERR, 2);

VALUE(AX_EXITED, 1);
VALUE(AX_SIGNALED, 2);
VALUE(AX_STOPPED, 3);
VALUE(AX_CONTINUED, 4);
VALUE(AX_WAIT_NOHANG, 1);

VALUE(AX_PROT_NONE, 0);
VALUE(AX_PROT_READ, 1);
VALUE(AX_PROT_READ_WRITE, 3);
VALUE(AX_PROT_READ_EXEC, 5);

VALUE(AX_SIGHUP, 1);
VALUE(AX_SIGINT, 2);
VALUE(AX_SIGQUIT, 3);
VALUE(AX_SIGKILL, 9);
VALUE(AX_SIGUSR1, 10);
VALUE(AX_SIGUSR2, 12);
VALUE(AX_SIGPIPE, 13);
VALUE(AX_SIGALRM, 14);
VALUE(AX_SIGTERM, 15);
VALUE(AX_SIGCHLD, 17);
VALUE(AX_SIGCONT, 18);
VALUE(AX_SIGSTOP, 19);
VALUE(AX_SIGNAL_DEFAULT, 0);
VALUE(AX_SIGNAL_IGNORE, 1);
VALUE(AX_SIGNAL_TERMINATE, 2);
VALUE(AX_SIGNAL_HANDLE, 3);

VALUE(AX_TRACE_SYSCALL, 0);
VALUE(AX_TRACE_PROCESS, 1);
VALUE(AX_TRACE_MEMORY, 2);
VALUE(AX_TRACE_TIMER, 3);
VALUE(AX_TRACE_SIGNAL, 4);
VALUE(AX_TRACE_SCHEDULER, 5);
VALUE(AX_TRACE_FILE, 6);
VALUE(AX_TRACE_IPC, 7);
VALUE(AX_TRACE_WINDOW, 8);
VALUE(AX_TRACE_CUSTOM, 9);

/*
 * The contract leaves the numbers of these to the header; here they are what programs were built
 * with.
 */
VALUE(AX_EMEM_OUT_OF_MEMORY, 1000);
VALUE(AX_EMEM_INVALID_REGION, 1001);
VALUE(AX_EMEM_PERMISSION_DENIED, 1002);
VALUE(AX_EMEM_OUT_OF_BOUNDS, 1003);
VALUE(AX_EMEM_SHM_NOT_FOUND, 1004);
VALUE(AX_EMEM_ALREADY_ATTACHED, 1005);
VALUE(AX_EMEM_NOT_ATTACHED, 1006);
VALUE(AX_EMEM_INVALID_SIZE, 1007);
VALUE(AX_ESIG_CANNOT_CATCH, 1100);
VALUE(AX_ESIG_CANNOT_BLOCK, 1101);
VALUE(AX_ESIG_INVALID, 1102);

/* The others equal the errno of that name. */
#define ERRNO(name) VALUE(AX_##name, name)

ERRNO(EBADF);
ERRNO(ENOENT);
ERRNO(EACCES);
ERRNO(EINVAL);
ERRNO(EAGAIN);
ERRNO(EPIPE);
ERRNO(EBUSY);
ERRNO(ESRCH);
ERRNO(EIO);
ERRNO(EINTR);
ERRNO(EEXIST);
ERRNO(ENOTDIR);
ERRNO(EISDIR);
ERRNO(ENOTEMPTY);
ERRNO(EMFILE);
ERRNO(ENOSPC);
ERRNO(ENAMETOOLONG);
ERRNO(ELOOP);
ERRNO(EXDEV);
ERRNO(EPERM);
ERRNO(ECHILD);

/* ---- the library itself ---------------------------------------------------------------------- */

START_TEST(test_every_function_is_the_librarys) {
        _Static_assert(sizeof(library) == sizeof(function_names), "a pointer for each name");

        for (size_t i = 0; i < sizeof(function_names) / sizeof(function_names[0]); i++) {
                void *linked, *exported = dlsym(RTLD_DEFAULT, function_names[i]);
                Dl_info info;

                memcpy(&linked, (const char *) &library + i * sizeof(linked), sizeof(linked));
                ck_assert_msg(exported != NULL, "%s is not exported", function_names[i]);
                ck_assert_msg(exported == linked, "%s is not what a program gets", function_names[i]);
                ck_assert_int_ne(dladdr(exported, &info), 0);
                ck_assert_msg(strstr(info.dli_fname, "/libaxeberg-client.so.1") != NULL, "%s comes from %s",
                              function_names[i], info.dli_fname);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("contract");

        fixture_add(suite, test_every_function_is_the_librarys, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
