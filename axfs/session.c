/* SPDX-License-Identifier: MIT */
/* session.c - see session.h */
#include "session.h"

#include "mountpoint.h"
#include "options.h"
#include "util.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

static atomic_uint_least64_t init_unique;
static atomic_bool kernel_has_passthrough, kernel_has_killpriv, kernel_maps_direct;

static const void *body_of(const struct fuse_in_header *header, size_t size, size_t need) {
        return size >= sizeof(*header) + need ? header + 1 : NULL;
}

static void note_init(const struct axfs *fs, const struct fuse_in_header *header, size_t size) {
        const struct fuse_init_in *init = body_of(header, size, sizeof(*init));

        atomic_store(&init_unique, header->unique);
        if (!init)
                return;
        atomic_store(&kernel_has_killpriv, (init->flags & WIRE_HANDLE_KILLPRIV_V2) != 0);
        atomic_store(&kernel_maps_direct, (init->flags & WIRE_INIT_EXT) && (init->flags2 & WIRE_DIRECT_IO_ALLOW_MMAP2));
        atomic_store(&kernel_has_passthrough, (init->flags & WIRE_INIT_EXT) && (init->flags2 & WIRE_PASSTHROUGH2));
        if (fs->want_passthrough && atomic_load(&kernel_has_passthrough))
                options_say(fs->options, "the kernel reads and writes files by itself (passthrough)");
}

static bool asks_to_kill_setid(const struct fuse_in_header *header, size_t size) {
        const struct fuse_open_in *open;
        const struct fuse_create_in *create;
        const struct fuse_write_in *write_in;
        const struct fuse_setattr_in *setattr;

        switch (header->opcode) {
        case FUSE_OPEN:
                open = body_of(header, size, sizeof(*open));
                return open && (open->open_flags & FUSE_OPEN_KILL_SUIDGID);
        case FUSE_CREATE:
                create = body_of(header, size, sizeof(*create));
                return create && (create->open_flags & FUSE_OPEN_KILL_SUIDGID);
        case FUSE_WRITE:
                write_in = body_of(header, size, sizeof(*write_in));
                return write_in && (write_in->write_flags & FUSE_WRITE_KILL_SUIDGID);
        case FUSE_SETATTR:
                setattr = body_of(header, size, sizeof(*setattr));
                /* The host knows by itself what a change of owner clears. */
                return setattr && (setattr->valid & FATTR_KILL_SUIDGID) && (setattr->valid & FATTR_SIZE);
        default:
                return false;
        }
}

/* Get the next request that this thread may serve, be it new or one that was put off. */
static ssize_t read_request(struct axfs *fs, int fd, void *buffer, size_t size) {
        for (;;) {
                size_t taken = turns_take(&fs->turns, buffer, size);
                ssize_t n = taken > 0 ? (ssize_t) taken : read(fd, buffer, size);

                if (taken > 0 || n < (ssize_t) sizeof(struct fuse_in_header) ||
                    turns_begin(&fs->turns, fd, buffer, (size_t) n))
                        return n;
        }
}

/* ENODEV: the kernel has let the mount go. libfuse looks at errno, too. */
static void note_end(struct axfs *fs, ssize_t n) {
        if (n < 0 && errno == ENODEV) {
                ending_begin(&fs->ending);
                errno = ENODEV;
        }
}

static ssize_t session_read(int fd, void *buffer, size_t size, void *userdata) {
        struct axfs *fs = ((struct requests *) userdata)->fs;
        struct fuse_in_header *header = buffer;
        ssize_t n;

        turns_end(&fs->turns);
        n = read_request(fs, fd, buffer, size);
        note_end(fs, n);
        if (n < (ssize_t) sizeof(*header))
                return n;
        request_note_setid(asks_to_kill_setid(header, (size_t) n));
        if (header->opcode != FUSE_INIT && header->opcode != FUSE_FORGET && header->opcode != FUSE_BATCH_FORGET &&
            header->opcode != FUSE_INTERRUPT)
                tracing_begin(&fs->tracing, &fs->nodes, header, (size_t) n);
        if (header->opcode == FUSE_INIT)
                note_init(fs, header, (size_t) n);
        else if (header->opcode == FUSE_TMPFILE)
                header->opcode = FUSE_CREATE;
        if (header->opcode != FUSE_FORGET && header->opcode != FUSE_BATCH_FORGET && header->opcode != FUSE_INTERRUPT)
                counter_add(&fs->counters.requests, 1);
        janitor_note(&fs->janitor);
        return n;
}

/* Old kernels' answers are shorter and have no room for the new flags. */
static void extend_init(struct axfs *fs, struct iovec *iov, int count) {
        struct wire_init_out *init = count >= 2 ? iov[1].iov_base : NULL;

        if (!init || iov[1].iov_len < sizeof(*init))
                return;
        if (atomic_load(&kernel_has_killpriv))
                init->flags |= WIRE_HANDLE_KILLPRIV_V2;
        if (atomic_load(&kernel_maps_direct)) {
                init->flags |= WIRE_INIT_EXT;
                init->flags2 |= WIRE_DIRECT_IO_ALLOW_MMAP2;
                atomic_store(&fs->maps_direct, true);
        }
        if (!fs->want_passthrough || !atomic_load(&kernel_has_passthrough))
                return;
        init->flags |= WIRE_INIT_EXT;
        init->flags2 |= WIRE_PASSTHROUGH2;
        init->max_stack_depth = 1;
        atomic_store(&fs->passthrough.enabled, true);
}

static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata) {
        struct axfs *fs = ((struct requests *) userdata)->fs;
        const struct fuse_out_header *header = iov[0].iov_base;

        if (header->error == 0 && header->unique != 0 &&
            header->unique == atomic_load_explicit(&init_unique, memory_order_relaxed)) {
                atomic_store(&init_unique, 0);
                extend_init(fs, iov, count);
        }
        if (header->error < 0 && header->unique != 0)
                counter_add(&fs->counters.errors, 1);
        tracing_end(&fs->tracing, header->unique, header->error);
        return writev(fd, iov, count);
}

/*
 * ---- the session -------------------------------------------------------------------------------
 */

static struct axfs *signalled; /* what a signal ends */

static void on_signal(int number) {
        int saved = errno;

        (void) number;
        fuse_session_exit(signalled->session);
        ending_begin(&signalled->ending);
        errno = saved;
}

/* A signal that was ignored when we started stays so. */
static int handle_signals(void (*from)(int number), void (*to)(int number)) {
        static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
        struct sigaction action = { .sa_handler = to }, old;

        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
                if (sigaction(numbers[i], NULL, &old) < 0 ||
                    (old.sa_handler == from && sigaction(numbers[i], &action, NULL) < 0))
                        return negative_errno();
        return 0;
}

static int session_new(struct axfs *fs, const char *mount_options) {
        struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
        int r = 0;

        if (fuse_opt_add_arg(&args, "axfs") < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
            fuse_opt_add_arg(&args, mount_options) < 0)
                r = -ENOMEM;
        if (r == 0) {
                fs->session = fuse_session_new(&args, &axfs_operations, sizeof(axfs_operations), &fs->requests);
                r = fs->session ? 0 : -EIO;
        }
        fuse_opt_free_args(&args);
        return r;
}

int session_mount(struct axfs *fs, const char *mountpoint, const char *mount_options) {
        static const struct fuse_custom_io io = { .writev = session_writev, .read = session_read };
        int r;

        r = session_new(fs, mount_options);
        if (r < 0)
                return r;
        /* before anybody can see the mount and end us: it would stay behind */
        signalled = fs;
        r = handle_signals(SIG_DFL, on_signal);
        if (r < 0)
                return r;
        if (fuse_session_mount(fs->session, mountpoint) != 0) {
                (void) handle_signals(on_signal, SIG_DFL);
                fuse_session_destroy(fs->session);
                fs->session = NULL;
                return -EIO;
        }
        fs->directory = mountpoint;
        atomic_store(&fs->passthrough.device, fuse_session_fd(fs->session));
        r = fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session));
        return r != 0 ? -EIO : 0;
}

unsigned session_threads(void) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        return processors > 8 ? 4 * (unsigned) processors : 32;
}

int session_serve(struct axfs *fs) {
        struct fuse_loop_config *config = fuse_loop_cfg_create();
        unsigned threads = session_threads();
        int r;

        if (!config)
                return -ENOMEM;
        /*
         * Threads wait for disks, not for processors. Idle ones are kept, because making them costs
         * more.
         */
        fuse_loop_cfg_set_max_threads(config, threads);
        fuse_loop_cfg_set_idle_threads(config, threads);
        fuse_loop_cfg_set_clone_fd(config, 0);
        r = fuse_session_loop_mt(fs->session, config);
        fuse_loop_cfg_destroy(config);
        return r < 0 ? r : 0;
}

void session_unmount(struct axfs *fs) {
        if (!fs->session)
                return;
        fuse_session_unmount(fs->session);
        (void) handle_signals(on_signal, SIG_DFL);
        fuse_session_destroy(fs->session);
        fs->session = NULL;
}

/*
 * What the kernel still has to write when it is told to unmount would wait for the threads that
 * hang. So a child unmounts once this process has gone: it reads from a pipe until then.
 */
void session_leave(struct axfs *fs) {
        int fds[2];
        char byte;

        if (!fs->directory || pipe2(fds, O_CLOEXEC) < 0 || fork() != 0)
                _exit(EXIT_SUCCESS);
        close(fds[1]);
        close(fuse_session_fd(fs->session));
        (void) !read(fds[0], &byte, 1);
        (void) mountpoint_clear(fs->directory);
        _exit(EXIT_SUCCESS);
}
