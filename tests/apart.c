/* SPDX-License-Identifier: MIT */
/*
 * apart [-d DIRECTORY]… COMMAND [ARGUMENT…]: runs a test in a session of its own, where other users
 * reach the DIRECTORIES.
 *
 * The session: a process group that has no parent left in its session is orphaned, as ctest's is if
 * no shell with job control started it. Linux sends SIGHUP to all of such a group when it loses
 * what looks like its last connection to the rest of the session while one of its members is
 * stopped. One test that stops a daemon, and another that runs timeout(1), which moves to a group
 * of its own, in a shell that has children, are enough: ctest, the shell that started it, and every
 * test end without a word. In a session of its own a test shares its group with nobody.
 *
 * The process keeps its number, so whoever started it can wait for the test and end it. It no
 * longer hears the terminal's Ctrl-C, so it gets SIGTERM when its parent ends.
 *
 * The mounts: root's tests get a mount namespace each. Else whoever makes a namespace of his own
 * meanwhile, such as the fixture of the integration tests, copies the mounts of all tests that run
 * just then, and keeps them alive after they were unmounted: axfs would not end.
 *
 * The directories: root's tests become other users, who run programs of the build directory. If
 * that lies below a directory that is closed to others, such as /root, an open, empty directory
 * lies over the closed one, and the directories are bound to their places in it. Outside nothing
 * changes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DIRECTORIES = 8 };

struct directory {
        const char *path;
        int fd;
};

static struct directory directories[MAX_DIRECTORIES];
static size_t n_directories;

static bool add_directory(const char *path) {
        if (n_directories == MAX_DIRECTORIES || path[0] != '/' || strlen(path) >= PATH_MAX)
                return false;
        directories[n_directories++].path = path;
        return true;
}

/*
 * The path up to the next slash after its first @length bytes; at the end all of it. Returns the
 * part's length.
 */
static size_t next_part(const char *path, size_t length, char part[static PATH_MAX]) {
        const char *slash = strchr(path + length + 1, '/');
        size_t n = slash ? (size_t) (slash - path) : strlen(path);

        memcpy(part, path, n);
        part[n] = '\0';
        return n;
}

/* The first part of the path that others may not pass. */
static bool find_closed(const char *path, char part[static PATH_MAX]) {
        struct stat status;

        for (size_t n = 0; path[n];) {
                n = next_part(path, n, part);
                if (stat(part, &status) == 0 && !(status.st_mode & S_IXOTH))
                        return true;
        }
        return false;
}

static int make_directories(const char *path) {
        char part[PATH_MAX];

        for (size_t n = 0; path[n];) {
                n = next_part(path, n, part);
                if (mkdir(part, 0755) < 0 && errno != EEXIST)
                        return -1;
        }
        return 0;
}

/* One entry of a directory that is closed itself. */
static int bind_entry(const struct directory *directory, const char *name) {
        char source[PATH_MAX], target[PATH_MAX], link[PATH_MAX];
        struct stat status;
        ssize_t n;
        int fd;

        if (snprintf(source, sizeof(source), "/proc/self/fd/%d/%s", directory->fd, name) >= PATH_MAX ||
            snprintf(target, sizeof(target), "%s/%s", directory->path, name) >= PATH_MAX || lstat(source, &status) < 0)
                return -1;
        if (S_ISLNK(status.st_mode)) {
                n = readlink(source, link, sizeof(link) - 1);
                link[n < 0 ? 0 : n] = '\0';
                return symlink(link, target);
        }
        if (S_ISDIR(status.st_mode))
                return mkdir(target, 0755) < 0 ? -1 : mount(source, target, NULL, MS_BIND | MS_REC, NULL);
        fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
                return -1;
        close(fd);
        return mount(source, target, NULL, MS_BIND, NULL);
}

static int bind_entries(const struct directory *directory) {
        int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *entries = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!entries)
                return -1;
        while (r == 0 && (entry = readdir(entries)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        r = bind_entry(directory, entry->d_name);
        closedir(entries);
        return r;
}

static int bind_into_place(const struct directory *directory) {
        char source[32];
        struct stat status;

        if (make_directories(directory->path) < 0 || fstat(directory->fd, &status) < 0)
                return -1;
        if (!(status.st_mode & S_IXOTH))
                return bind_entries(directory);
        snprintf(source, sizeof(source), "/proc/self/fd/%d", directory->fd);
        return mount(source, directory->path, NULL, MS_BIND | MS_REC, NULL);
}

static bool is_in_place(const struct directory *directory) {
        struct stat found, wanted;

        return stat(directory->path, &found) == 0 && fstat(directory->fd, &wanted) == 0 &&
               found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
}

/*
 * Open, empty directories cover the closed ones: a second one may appear when what was below the
 * first is back.
 */
static int open_directory(const struct directory *directory) {
        char part[PATH_MAX];

        if (find_closed(directory->path, part) && mount("apart", part, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                return -1;
        return is_in_place(directory) ? 0 : bind_into_place(directory);
}

/*
 * What is unmounted outside must not stay busy because of us, so mounts still come in, but none go
 * out.
 */
static int open_directories(void) {
        char *here = getcwd(NULL, 0);
        int r = unshare(CLONE_NEWNS);

        if (r == 0)
                r = mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
        for (size_t i = 0; r == 0 && i < n_directories; i++) {
                directories[i].fd = open(directories[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                r = directories[i].fd < 0 ? -1 : 0;
        }
        for (size_t i = 0; r == 0 && i < n_directories; i++)
                r = open_directory(&directories[i]);
        if (r == 0 && here && chdir(here) < 0)
                r = chdir("/");
        free(here);
        return r;
}

static void be_reachable(void) {
        const char *temporary = getenv("TMPDIR");
        char part[PATH_MAX];
        bool closed = false;

        if (geteuid() != 0)
                return;
        if (temporary)
                (void) add_directory(temporary);
        for (size_t i = 0; i < n_directories; i++)
                closed |= find_closed(directories[i].path, part);
        if (open_directories() < 0 && closed)
                fprintf(stderr, "apart: other users cannot be given access to %s: %m\n", directories[0].path);
}

int main(int argc, char **argv) {
        pid_t parent = getppid();
        int option;

        while ((option = getopt(argc, argv, "+d:")) != -1)
                if (option != 'd' || !add_directory(optarg))
                        return EXIT_FAILURE;
        if (optind == argc) {
                fprintf(stderr, "usage: apart [-d DIRECTORY]... COMMAND [ARGUMENT...]\n");
                return EXIT_FAILURE;
        }
        umask(022);
        be_reachable();
        /* This fails for the leader of a group only, which has it for itself already. */
        (void) setsid();
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                return EXIT_FAILURE;
        execvp(argv[optind], argv + optind);
        fprintf(stderr, "apart: %s: %m\n", argv[optind]);
        return 127;
}
