/* session.c - see session.h */
#include "session.h"

#include "util.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

/* Of the request that this thread has read last, which is the one that it serves. */
static _Thread_local bool kills_setid;

static atomic_uint_least64_t init_unique;
static atomic_bool kernel_has_passthrough, kernel_has_killpriv;

bool request_kills_setid(void) {
        return kills_setid;
}

static const void *body_of(const struct fuse_in_header *header, size_t size, size_t need) {
        return size >= sizeof(*header) + need ? header + 1 : NULL;
}

static void note_init(const struct fuse_in_header *header, size_t size) {
        const struct fuse_init_in *init = body_of(header, size, sizeof(*init));

        atomic_store(&init_unique, header->unique);
        if (!init)
                return;
        atomic_store(&kernel_has_killpriv, (init->flags & WIRE_HANDLE_KILLPRIV_V2) != 0);
        atomic_store(&kernel_has_passthrough, (init->flags & WIRE_INIT_EXT) && (init->flags2 & WIRE_PASSTHROUGH2));
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
                return setattr && (setattr->valid & FATTR_KILL_SUIDGID);
        default:
                return false;
        }
}

static ssize_t session_read(int fd, void *buffer, size_t size, void *userdata) {
        struct axfs *fs = userdata;
        struct fuse_in_header *header = buffer;
        ssize_t n = read(fd, buffer, size);

        if (n < (ssize_t) sizeof(*header))
                return n;
        kills_setid = asks_to_kill_setid(header, (size_t) n);
        if (header->opcode != FUSE_INIT && header->opcode != FUSE_FORGET && header->opcode != FUSE_BATCH_FORGET &&
            header->opcode != FUSE_INTERRUPT)
                tracing_begin(fs, header, (size_t) n);
        if (header->opcode == FUSE_INIT)
                note_init(header, (size_t) n);
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
        if (!fs->want_passthrough || !atomic_load(&kernel_has_passthrough))
                return;
        init->flags |= WIRE_INIT_EXT;
        init->flags2 |= WIRE_PASSTHROUGH2;
        init->max_stack_depth = 1;
        atomic_store(&fs->passthrough.enabled, true);
}

static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata) {
        struct axfs *fs = userdata;
        const struct fuse_out_header *header = iov[0].iov_base;

        if (header->error == 0 && header->unique != 0 &&
            header->unique == atomic_load_explicit(&init_unique, memory_order_relaxed)) {
                atomic_store(&init_unique, 0);
                extend_init(fs, iov, count);
        }
        if (header->error < 0 && header->unique != 0)
                counter_add(&fs->counters.errors, 1);
        tracing_end(fs, header->unique, header->error);
        return writev(fd, iov, count);
}

static int session_new(struct axfs *fs, const char *mount_options) {
        struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
        int r = 0;

        if (fuse_opt_add_arg(&args, "axfs") < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
            fuse_opt_add_arg(&args, mount_options) < 0)
                r = -ENOMEM;
        if (r == 0) {
                fs->session = fuse_session_new(&args, &axfs_operations, sizeof(axfs_operations), fs);
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
        if (fuse_session_mount(fs->session, mountpoint) != 0)
                return -EIO;
        atomic_store(&fs->passthrough.device, fuse_session_fd(fs->session));
        r = fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session));
        if (r != 0)
                return -EIO;
        return fuse_set_signal_handlers(fs->session) < 0 ? -EIO : 0;
}

int session_serve(struct axfs *fs) {
        struct fuse_loop_config *config = fuse_loop_cfg_create();
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned threads = processors > 8 ? 4 * (unsigned) processors : 32;
        int r;

        if (!config)
                return -ENOMEM;
        /* Threads wait for disks, not for processors; idle ones are kept, as making them costs more than they do. */
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
        fuse_remove_signal_handlers(fs->session);
        fuse_session_unmount(fs->session);
        fuse_session_destroy(fs->session);
        fs->session = NULL;
}

void session_leave(struct axfs *fs) {
        if (fs->session)
                fuse_session_unmount(fs->session);
}
