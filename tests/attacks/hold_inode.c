/* SPDX-License-Identifier: MIT */
/*
 * hold_inode FD…: holds the inode locks of these open files until it is ended, one for each, and
 * prints a line "held" for each that it holds.
 *
 * A write takes the file's inode lock and then reads from memory; the memory here is mapped from a
 * file whose pages never come. That file lies on a FUSE file system of our own, which any user can
 * mount in a user namespace of his own. $FUSE_DEVICE is the device where /dev/fuse is not for
 * everybody.
 */
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_INODE = 2, PAGE = 4096, MAX_FILES = 256, IMPOSSIBLE = 77 };

struct hold {
        int fd;
        const char *source;
};

/* ---- the file whose pages never come --------------------------------------------------------- */

static struct stat status_of(fuse_ino_t ino) {
        struct stat status = { .st_ino = ino, .st_nlink = 1, .st_mode = S_IFDIR | 0755 };

        if (ino == FILE_INODE) {
                status.st_mode = S_IFREG | 0444;
                status.st_size = (off_t) PAGE * MAX_FILES;
        }
        return status;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
        struct fuse_entry_param entry = { .ino = FILE_INODE, .attr = status_of(FILE_INODE), .attr_timeout = 3600 };

        if (parent == FUSE_ROOT_ID && strcmp(name, "file") == 0)
                fuse_reply_entry(request, &entry);
        else
                fuse_reply_err(request, ENOENT);
}

static void on_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
        struct stat status = status_of(ino);

        (void) info;
        fuse_reply_attr(request, &status, 3600);
}

static void on_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
        (void) ino;
        fuse_reply_open(request, info);
}

/* Whoever reads waits. */
static void on_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info) {
        (void) request;
        (void) ino;
        (void) size;
        (void) offset;
        (void) info;
        puts("held");
        fflush(stdout);
}

static const struct fuse_lowlevel_ops operations = {
        .lookup = on_lookup,
        .getattr = on_getattr,
        .open = on_open,
        .read = on_read,
};

/*
 * In a process of its own, which alone has the device: when it ends, the kernel gives up the reads,
 * and the locks come free. Within one process, the writes would keep the device open and the device
 * would keep the writes waiting.
 */
static int serve(struct fuse_session *session, int device) {
        pid_t holder = getpid(), pid = fork();

        if (pid < 0)
                return -errno;
        if (pid > 0) {
                close(device);
                return 0;
        }
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == holder)
                fuse_session_loop(session);
        _exit(0);
}

/* ---- a place where we may mount -------------------------------------------------------------- */

static int write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static int enter_namespace(void) {
        char users[32], groups[32];
        int r;

        snprintf(users, sizeof(users), "0 %u 1", (unsigned) getuid());
        snprintf(groups, sizeof(groups), "0 %u 1", (unsigned) getgid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        r = write_text("/proc/self/setgroups", "deny");
        if (r == 0)
                r = write_text("/proc/self/uid_map", users);
        return r == 0 ? write_text("/proc/self/gid_map", groups) : r;
}

/*
 * The device and what is mounted with it belong to the same user namespace: we open it, not
 * libfuse.
 */
static int mount_fuse(const char *directory) {
        const char *device = getenv("FUSE_DEVICE");
        char options[64];
        int fd = open(device ? device : "/dev/fuse", O_RDWR);

        if (fd < 0)
                return -errno;
        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        return mount("hold_inode", directory, "fuse", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : fd;
}

static int start_serving(const char *directory) {
        char *arguments[] = { "hold_inode", NULL }, mounted[32];
        struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
        struct fuse_session *session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
        int fd = session ? mount_fuse(directory) : -ENOMEM;

        if (fd < 0)
                return fd;
        snprintf(mounted, sizeof(mounted), "/dev/fd/%d", fd);
        if (fuse_session_mount(session, mounted) < 0)
                return -ENOTSUP;
        return serve(session, fd);
}

/* The file, mapped. The directory is left to whoever made $TMPDIR. */
static int map_source(char **ret) {
        char directory[256], path[300];
        void *source;
        int fd, r;

        snprintf(directory, sizeof(directory), "%s/hold-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        if (!mkdtemp(directory))
                return -errno;
        r = start_serving(directory);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "%s/file", directory);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        source = mmap(NULL, (size_t) PAGE * MAX_FILES, PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
        if (source == MAP_FAILED)
                return -errno;
        (void) madvise(source, (size_t) PAGE * MAX_FILES, MADV_RANDOM); /* each page is asked for alone */
        *ret = source;
        return 0;
}

/* ---- holding --------------------------------------------------------------------------------- */

static void *hold(void *userdata) {
        const struct hold *hold = userdata;

        if (pwrite(hold->fd, hold->source, 1, 0) < 0)
                perror("hold_inode: write");
        return NULL;
}

int main(int argc, char **argv) {
        static struct hold holds[MAX_FILES];
        pthread_t threads[MAX_FILES];
        char *source = NULL;
        int r = enter_namespace();

        if (r == 0)
                r = map_source(&source);
        if (r < 0) {
                fprintf(stderr, "hold_inode: no FUSE in a user namespace: %s\n", strerror(-r));
                return IMPOSSIBLE;
        }
        for (int i = 0; i + 1 < argc && i < MAX_FILES; i++) {
                holds[i] = (struct hold){ .fd = (int) strtol(argv[i + 1], NULL, 10),
                                          .source = source + (size_t) i * PAGE };
                if (pthread_create(&threads[i], NULL, hold, &holds[i]) != 0)
                        return EXIT_FAILURE;
        }
        pause();
        return EXIT_SUCCESS;
}
