/* SPDX-License-Identifier: MIT */
/*
 * Makes each system call once, in the order of the public header, for the trace's golden test. Ends
 * with 0 where each did what it should.
 */
#include <axeberg.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int failures;

static int64_t check(int64_t result, const char *call) {
        if (result < 0) {
                fprintf(stderr, "all_calls: %s: %s\n", call, ax_error_name((int) result));
                failures++;
        }
        return result;
}

#define CHECK(call) check((int64_t) (call), #call)

static void on_signal(ax_client *ax, int signal, void *userdata) {
        (void) ax;
        (void) signal;
        ++*(int *) userdata;
}

static void files(ax_client *ax) {
        char data[64];
        struct ax_stat status;
        int fd = (int) CHECK(ax_open(ax, "/tmp/all/file", AX_WRITE | AX_O_READ));

        CHECK(ax_write(ax, fd, "some \"text\"\n", 12));
        CHECK(ax_pwrite(ax, fd, "more", 4, 12));
        CHECK(ax_seek(ax, fd, 0, SEEK_SET));
        CHECK(ax_read(ax, fd, data, sizeof(data)));
        CHECK(ax_pread(ax, fd, data, 4, 5));
        CHECK(ax_fstat(ax, fd, &status));
        CHECK(ax_ftruncate(ax, fd, 5));
        CHECK(ax_fsync(ax, fd));
        CHECK(ax_dup2(ax, fd, 9));
        CHECK(ax_set_nonblock(ax, 9, true));
        CHECK(ax_close(ax, ax_dup(ax, fd)));
        CHECK(ax_close(ax, fd));
        CHECK(ax_stat(ax, "/tmp/all/file", &status));
        CHECK(ax_lstat(ax, "/tmp/all/file", &status));
        if (ax_open(ax, "/tmp/all/none", AX_READ) != -AX_ENOENT || ax_read(ax, 77, data, 1) != -AX_EBADF)
                failures++;
}

static void names(ax_client *ax) {
        static const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000001 } };
        char buffer[256], **list = NULL;

        CHECK(ax_umask(ax, 022));
        CHECK(ax_mkdir(ax, "/tmp/all/sub"));
        CHECK(ax_exists(ax, "/tmp/all/sub"));
        CHECK(ax_chdir(ax, "/tmp/all"));
        CHECK(ax_getcwd(ax, buffer, sizeof(buffer)));
        CHECK(ax_link(ax, "file", "other"));
        CHECK(ax_symlink(ax, "file", "symlink"));
        CHECK(ax_readlink(ax, "symlink", buffer, sizeof(buffer)));
        CHECK(ax_rename(ax, "other", "sub/renamed"));
        CHECK(ax_chmod(ax, "file", 0640));
        CHECK(ax_chown(ax, "file", 0, 0));
        CHECK(ax_utimens(ax, "file", times));
        CHECK(ax_lutimens(ax, "symlink", times));
        CHECK(ax_setxattr(ax, "file", "user.a", "value", 5, 0));
        CHECK(ax_getxattr(ax, "file", "user.a", buffer, sizeof(buffer)));
        CHECK(ax_listxattr(ax, "file", buffer, sizeof(buffer)));
        CHECK(ax_llistxattr(ax, "symlink", buffer, sizeof(buffer)));
        CHECK(ax_removexattr(ax, "file", "user.a"));
        CHECK(ax_mkfifo(ax, "fifo"));
        CHECK(ax_readdir(ax, ".", &list));
        ax_names_free(list);
        CHECK(ax_unlink(ax, "sub/renamed"));
        CHECK(ax_rmdir(ax, "sub"));
}

static void processes(ax_client *ax) {
        static const char *const child[] = { "/bin/false", NULL };
        struct ax_wait_status status;
        ax_pid pid;
        int fds[2];

        CHECK(ax_getpid(ax));
        CHECK(ax_getppid(ax));
        pid = (ax_pid) CHECK(ax_spawn(ax, child, NULL));
        CHECK(ax_wait(ax, pid, &status, 0));
        CHECK(ax_pipe(ax, fds));
        CHECK(ax_write(ax, fds[1], "x", 1));
}

static void memory(ax_client *ax) {
        struct ax_system_memory_stats system;
        struct ax_memory_stats stats;
        ax_region_id region, attached;
        char data[16] = "0123456789";
        ax_shm_id shm;
        size_t size;

        CHECK(ax_mem_alloc(ax, 4096, AX_PROT_READ_WRITE, &region));
        CHECK(ax_mem_write(ax, region, 8, data, 10));
        CHECK(ax_mem_read(ax, region, 10, data, 4));
        CHECK(ax_mem_map(ax, region, &size) ? 0 : -AX_EINVAL);
        CHECK(ax_memstats(ax, &stats));
        CHECK(ax_system_memstats(ax, &system));
        CHECK(ax_set_memlimit(ax, 1 << 20));
        CHECK(ax_mem_free(ax, region));
        CHECK(ax_shmget(ax, 8192, &shm));
        CHECK(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &attached));
        CHECK(ax_shm_sync(ax, shm));
        CHECK(ax_shm_refresh(ax, shm));
        CHECK(ax_shmdt(ax, shm));
        if (ax_mem_alloc(ax, 2 << 20, AX_PROT_READ, &region) != -AX_EMEM_OUT_OF_MEMORY)
                failures++;
}

static void windows(ax_client *ax) {
        char buffer[16];
        int fd = (int) CHECK(ax_window_create(ax, "A title"));

        CHECK(ax_window_set_title(ax, fd, "Another"));
        CHECK(ax_window_resize(ax, fd, 10, 40));
        CHECK(ax_write(ax, fd, "\033[1mbold", 8));
        CHECK(ax_console_push_input(ax, "typed\n", 6));
        CHECK(ax_read(ax, AX_STDIN, buffer, sizeof(buffer)));
        CHECK(ax_write(ax, AX_STDOUT, "printed\n", 8));
        CHECK(ax_console_take_output(ax, buffer, sizeof(buffer)));
}

static void timers_and_signals(ax_client *ax) {
        ax_timer_id timer;
        ax_task_id task;
        int handled = 0;

        CHECK(ax_task_create(ax, &task));
        CHECK(ax_task_wake(ax, task));
        CHECK(ax_task_wait(ax, task, 1000));
        CHECK(ax_timer_set(ax, 100000, task, &timer));
        CHECK((int) ax_timer_remaining(ax, timer));
        CHECK(ax_timer_cancel(ax, timer));
        CHECK(ax_timer_interval(ax, 200000, 0, &timer));
        CHECK(ax_alarm(ax, 300000, &timer));
        CHECK(ax_task_destroy(ax, task));
        CHECK(ax_signal_handle(ax, AX_SIGUSR1, on_signal, &handled));
        CHECK(ax_signal(ax, AX_SIGUSR2, AX_SIGNAL_IGNORE));
        CHECK(ax_sigblock(ax, AX_SIGUSR1));
        CHECK(ax_kill(ax, ax_getpid(ax), AX_SIGUSR1));
        CHECK(ax_sigpending(ax));
        CHECK(ax_sigunblock(ax, AX_SIGUSR1));
        CHECK(ax_dispatch(ax, 0));
        if (handled != 1 || ax_signal(ax, AX_SIGKILL, AX_SIGNAL_IGNORE) != -AX_ESIG_CANNOT_CATCH)
                failures++;
}

static void trace(ax_client *ax) {
        struct ax_trace_summary summary;

        CHECK(ax_trace_enabled(ax));
        CHECK(ax_trace_event(ax, AX_TRACE_CUSTOM, "milestone", "of the program's own"));
        CHECK(ax_trace_summary(ax, &summary));
}

int main(void) {
        ax_client *ax;
        int r = ax_connect(&ax, NULL);

        if (r < 0)
                return EXIT_FAILURE;
        CHECK(ax_mkdir(ax, "/tmp/all"));
        files(ax);
        names(ax);
        processes(ax);
        memory(ax);
        windows(ax);
        timers_and_signals(ax);
        trace(ax);
        CHECK(ax_exit(ax, failures > 0));
        ax_disconnect(ax);
        return failures > 0;
}
