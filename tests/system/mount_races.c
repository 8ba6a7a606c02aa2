/* SPDX-License-Identifier: MIT */
/*
 * mount_races SEED ROUNDS MOUNTED HOST [NAMESPACE] - change the same names from all sides at once
 *
 * Several processes make, open, rename, link and remove the same few names in one directory: two on
 * the mount (MOUNTED), one in the host's directory that is the same (HOST), and one as a client of
 * the library, which knows the directory as NAMESPACE. The two on the mount do ROUNDS calls each,
 * and each error that a local filesystem cannot give in such a race is told and fails the program.
 * Without NAMESPACE, and with MOUNTED and HOST on a local filesystem, the same shows that the list
 * of errors is right.
 */
#include <axeberg.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint64_t state;

static unsigned draw(unsigned limit) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (state >> 33) % limit;
}

static const char *const names[] = { "a", "b", "c", "d", "a/x", "b/x", "d/y", "a/b" };

static const char *draw_name(void) {
        return names[draw(sizeof(names) / sizeof(*names))];
}

/*
 * What comes of names that change, for root on a local filesystem; EINVAL: a directory moved into
 * itself, a link that is none.
 */
static int is_local(int error) {
        static const int local[] = { ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, EINVAL, EPERM, ENODATA };

        for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
                if (error == local[i])
                        return 1;
        return 0;
}

static int failed;

static void check(const char *call, const char *name, long result) {
        if (result >= 0 || is_local(errno))
                return;
        fprintf(stderr, "mount_races: %s %s: %s\n", call, name, strerrorname_np(errno));
        failed = 1;
}

static void use_file(int directory, const char *name, int fd) {
        char byte = 'x';
        struct stat st;

        if (fd < 0)
                return;
        check("fstat", name, fstat(fd, &st));
        if (S_ISREG(st.st_mode)) {
                check("write", name, write(fd, &byte, 1));
                check("fchmod", name, fchmod(fd, 0640));
                check("ftruncate", name, ftruncate(fd, 10));
                check("pread", name, pread(fd, &byte, 1, 0));
                check("fsync", name, fsync(fd));
        }
        (void) directory;
        check("close", name, close(fd));
}

static void list(int directory, const char *name) {
        int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream;

        check("opendir", name, fd);
        if (fd < 0)
                return;
        stream = fdopendir(fd);
        errno = 0;
        while (stream && readdir(stream))
                ;
        check("readdir", name, errno == 0 ? 0 : -1);
        if (stream)
                closedir(stream);
}

/* A place that others remove: what is done there comes too late, which is ENOENT. */
static void stand_in(int directory, const char *name) {
        int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return;
        check("stat below a held directory", name, fstatat(fd, "x", &st, 0));
        check("mkdir below a held directory", name, mkdirat(fd, "x", 0755));
        check("fstat of a held directory", name, fstat(fd, &st));
        close(fd);
}

static void act(int directory) {
        static const int flags[] = { O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL,
                                     O_RDWR | O_CREAT | O_TRUNC };
        const char *name = draw_name(), *other = draw_name();
        char target[16];
        struct stat st;

        switch (draw(16)) {
        case 0:
        case 1:
        case 2: {
                int fd = openat(directory, name, flags[draw(5)] | O_NONBLOCK | O_CLOEXEC, 0644);

                check("open", name, fd);
                use_file(directory, name, fd);
                break;
        }
        case 3:
                check("mkdir", name, mkdirat(directory, name, 0755));
                break;
        case 4:
                check("rmdir", name, unlinkat(directory, name, AT_REMOVEDIR));
                break;
        case 5:
        case 6:
                check("unlink", name, unlinkat(directory, name, 0));
                break;
        case 7:
        case 8:
                check("rename", name, renameat2(directory, name, directory, other, draw(3)));
                break;
        case 9:
                check("link", name, linkat(directory, name, directory, other, 0));
                break;
        case 10:
                check("symlink", name, symlinkat("b", directory, name));
                break;
        case 11:
                check("readlink", name, readlinkat(directory, name, target, sizeof(target)));
                break;
        case 12:
                list(directory, name);
                break;
        case 13:
                check("chmod", name, fchmodat(directory, name, 0755, 0));
                check("utimens", name, utimensat(directory, name, NULL, 0));
                break;
        case 14:
                stand_in(directory, name);
                break;
        default:
                check("stat", name, fstatat(directory, name, &st, draw(2) ? AT_SYMLINK_NOFOLLOW : 0));
                check("mknod", name, mknodat(directory, other, S_IFREG | 0600, 0));
                break;
        }
}

/* A client's errors are the client's; it is here to be in the way. */
static void act_as_client(ax_client *ax, const char *directory) {
        char path[256], other[256];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", directory, draw_name());
        snprintf(other, sizeof(other), "%s/%s", directory, draw_name());
        switch (draw(6)) {
        case 0:
        case 1:
                fd = ax_open(ax, path, AX_O_READ | AX_O_WRITE | AX_O_CREATE | AX_O_NONBLOCK);
                if (fd >= 0)
                        (void) ax_close(ax, fd);
                break;
        case 2:
                (void) ax_mkdir(ax, path);
                break;
        case 3:
                (void) ax_rename(ax, path, other);
                break;
        case 4:
                (void) ax_rmdir(ax, path);
                break;
        default:
                (void) ax_unlink(ax, path);
                break;
        }
}

static pid_t start(uint64_t seed, const char *directory, const char *client_directory, unsigned rounds) {
        pid_t pid = fork();
        ax_client *ax;
        int fd;

        if (pid != 0)
                return pid;
        state = seed;
        if (client_directory) {
                if (ax_connect(&ax, NULL) < 0)
                        _exit(2);
                for (;;)
                        act_as_client(ax, client_directory);
        }
        fd = !directory ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                _exit(2);
        for (unsigned i = 0; rounds == 0 || i < rounds; i++)
                act(fd);
        _exit(failed);
}

static void end(pid_t pid) {
        if (pid <= 0)
                return;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

int main(int argc, char **argv) {
        uint64_t seed;
        unsigned rounds;
        pid_t mounted[2], host, client;
        int status, result = 0;

        if (argc < 5) {
                fprintf(stderr, "usage: mount_races SEED ROUNDS MOUNTED HOST [NAMESPACE]\n");
                return 2;
        }
        seed = strtoull(argv[1], NULL, 10);
        rounds = (unsigned) strtoul(argv[2], NULL, 10);
        host = start(seed + 2, argv[4], NULL, 0);
        client = argc > 5 ? start(seed + 3, NULL, argv[5], 0) : 0;
        for (unsigned i = 0; i < 2; i++)
                mounted[i] = start(seed + i, argv[3], NULL, rounds);
        for (unsigned i = 0; i < 2; i++)
                if (waitpid(mounted[i], &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                        result = 1;
        end(host);
        end(client);
        return result;
}
