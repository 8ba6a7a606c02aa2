/* SPDX-License-Identifier: MIT */
/*
 * mount_exact SEED STEPS WORKERS MOUNTED NAMESPACE - nothing old is seen, from either side
 *
 * Each worker is a process with a tree of its own, which it changes STEPS times, as a client of the
 * library or on the mount. After each step it looks from both sides at names that the step changed
 * and at others: what is there, and what is not, must be as its model says (N1, N2), and both sides
 * must agree about attributes (N3). Meanwhile other processes look and list all the time, so that
 * the host's kernel remembers as much as it may, and what it asks for crosses what is changed.
 */
#include <axeberg.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIRECTORIES = 3, NAMES = 6, FILES = DIRECTORIES * NAMES, SHOWN = 256 };

struct file {
        unsigned links;
        mode_t mode;
        off_t size;
};

/* Directories 0 and 1 stay; 2 lies in one of these, and moves. */
struct model {
        unsigned moving_in;
        struct file files[FILES];
        int at[DIRECTORIES][NAMES]; /* the file; -1: none */
};

static struct {
        uint64_t state, seed;
        unsigned step;
        const char *mounted, *namespace;
        char tree[32], last[SHOWN];
        ax_client *ax;
        struct model model;
        int written[2]; /* open for writing: on the mount, at the daemon */
        int written_file;
} w;

static unsigned draw(unsigned limit) {
        w.state = w.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (w.state >> 33) % limit;
}

struct place {
        unsigned directory, name;
};

static struct place draw_place(void) {
        return (struct place){ .directory = draw(DIRECTORIES), .name = draw(NAMES) };
}

struct path {
        char mounted[SHOWN], namespace[SHOWN];
};

static struct path path_of_directory(unsigned directory) {
        struct path path;
        char inside[64];

        if (directory == 2)
                snprintf(inside, sizeof(inside), "%s/%u/moving", w.tree, w.model.moving_in);
        else
                snprintf(inside, sizeof(inside), "%s/%u", w.tree, directory);
        snprintf(path.mounted, sizeof(path.mounted), "%s/%s", w.mounted, inside);
        snprintf(path.namespace, sizeof(path.namespace), "%s/%s", w.namespace, inside);
        return path;
}

static struct path path_of(struct place place) {
        struct path path = path_of_directory(place.directory);
        char name[8];

        snprintf(name, sizeof(name), "/n%u", place.name);
        strncat(path.mounted, name, sizeof(path.mounted) - strlen(path.mounted) - 1);
        strncat(path.namespace, name, sizeof(path.namespace) - strlen(path.namespace) - 1);
        return path;
}

static _Noreturn void fail(const char *what, const char *path) {
        fprintf(stderr, "mount_exact: seed %llu, step %u, %s: %s: %s\n", (unsigned long long) w.seed, w.step, w.last,
                path, what);
        _exit(1);
}

static int *entry(struct place place) {
        return &w.model.at[place.directory][place.name];
}

static struct file *file_at(struct place place) {
        return *entry(place) < 0 ? NULL : &w.model.files[*entry(place)];
}

static void must(bool done, const char *what, const char *path) {
        char text[96];

        if (done)
                return;
        snprintf(text, sizeof(text), "%s fails (%s)", what, strerrorname_np(errno));
        fail(text, path);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void look_absent(const struct path *path) {
        struct ax_stat seen;
        struct stat st;

        if (lstat(path->mounted, &st) == 0 || errno != ENOENT)
                fail("is there on the mount", path->mounted);
        if (ax_lstat(w.ax, path->namespace, &seen) != -AX_ENOENT)
                fail("is there for a client", path->namespace);
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void compare(const struct path *path, const struct stat *st, const struct ax_stat *seen) {
        if (st->st_ino != seen->ino)
                fail("different files", path->mounted);
        if ((uint64_t) st->st_size != seen->size && !S_ISDIR(st->st_mode))
                fail("different sizes", path->mounted);
        if (st->st_mode != seen->mode || st->st_nlink != seen->nlink)
                fail("different modes or links", path->mounted);
        if (!same_time(&st->st_mtim, &seen->mtime))
                fail("different times of writing", path->mounted);
        if (!same_time(&st->st_ctim, &seen->ctime))
                fail("different times of change", path->mounted);
}

static void look(struct place place) {
        const struct path path = path_of(place);
        const struct file *file = file_at(place);
        struct ax_stat seen;
        struct stat st;

        if (!file) {
                look_absent(&path);
                return;
        }
        must(lstat(path.mounted, &st) == 0, "lstat", path.mounted);
        if (st.st_size != file->size)
                fail("an old size on the mount", path.mounted);
        if ((st.st_mode & 07777) != file->mode || st.st_nlink != file->links)
                fail("an old mode, or number of links, on the mount", path.mounted);
        must(ax_lstat(w.ax, path.namespace, &seen) == 0, "ax_lstat", path.namespace);
        compare(&path, &st, &seen);
}

static void look_at_directory(unsigned directory) {
        const struct path path = path_of_directory(directory);
        struct ax_stat seen;
        struct stat st;

        must(lstat(path.mounted, &st) == 0, "lstat", path.mounted);
        must(ax_lstat(w.ax, path.namespace, &seen) == 0, "ax_lstat", path.namespace);
        compare(&path, &st, &seen);
}

/* The directory is not where it was. */
static void look_moved(void) {
        struct path path;

        w.model.moving_in = !w.model.moving_in;
        path = path_of_directory(2);
        w.model.moving_in = !w.model.moving_in;
        look_absent(&path);
}

/* ---- changing: each as a client, or on the mount --------------------------------------------- */

static int unused_file(void) {
        for (int i = 0; i < FILES; i++)
                if (w.model.files[i].links == 0 && i != w.written_file)
                        return i;
        return -1;
}

static bool make(bool client, struct place place) {
        const struct path path = path_of(place);
        int file = unused_file(), fd;

        if (file_at(place) || file < 0)
                return false;
        if (client) {
                fd = ax_open(w.ax, path.namespace, AX_RDWR | AX_O_CREATE | AX_O_EXCLUSIVE);
                must(fd >= 0 && ax_close(w.ax, fd) == 0, "ax_open", path.namespace);
        } else {
                fd = open(path.mounted, O_RDWR | O_CREAT | O_EXCL, 0644);
                must(fd >= 0 && close(fd) == 0, "open", path.mounted);
        }
        w.model.files[file] = (struct file){ .links = 1, .mode = 0644 };
        *entry(place) = file;
        return true;
}

static bool drop(bool client, struct place place) {
        const struct path path = path_of(place);

        if (!file_at(place))
                return false;
        if (client)
                must(ax_unlink(w.ax, path.namespace) == 0, "ax_unlink", path.namespace);
        else
                must(unlink(path.mounted) == 0, "unlink", path.mounted);
        file_at(place)->links--;
        *entry(place) = -1;
        return true;
}

static bool move(bool client, struct place from, struct place to) {
        const struct path old = path_of(from), new = path_of(to);

        if (!file_at(from) || *entry(from) == *entry(to))
                return false;
        if (client)
                must(ax_rename(w.ax, old.namespace, new.namespace) == 0, "ax_rename", old.namespace);
        else
                must(rename(old.mounted, new.mounted) == 0, "rename", old.mounted);
        if (file_at(to))
                file_at(to)->links--;
        *entry(to) = *entry(from);
        *entry(from) = -1;
        return true;
}

static bool join(bool client, struct place from, struct place to) {
        const struct path old = path_of(from), new = path_of(to);

        if (!file_at(from) || file_at(to))
                return false;
        if (client)
                must(ax_link(w.ax, old.namespace, new.namespace) == 0, "ax_link", old.namespace);
        else
                must(link(old.mounted, new.mounted) == 0, "link", old.mounted);
        *entry(to) = *entry(from);
        file_at(to)->links++;
        return true;
}

static bool set_mode(bool client, struct place place) {
        const struct path path = path_of(place);
        mode_t mode = 0600 | draw(0100);

        if (!file_at(place))
                return false;
        if (client)
                must(ax_chmod(w.ax, path.namespace, mode) == 0, "ax_chmod", path.namespace);
        else
                must(chmod(path.mounted, mode) == 0, "chmod", path.mounted);
        file_at(place)->mode = mode;
        return true;
}

static bool cut(bool client, struct place place) {
        const struct path path = path_of(place);
        off_t size = draw(10000);
        int fd;

        if (!file_at(place))
                return false;
        if (client) {
                fd = ax_open(w.ax, path.namespace, AX_O_WRITE);
                must(fd >= 0 && ax_ftruncate(w.ax, fd, size) == 0, "ax_ftruncate", path.namespace);
                must(ax_close(w.ax, fd) == 0, "ax_close", path.namespace);
        } else {
                must(truncate(path.mounted, size) == 0, "truncate", path.mounted);
        }
        file_at(place)->size = size;
        return true;
}

/* ---- writing into files that stay open ------------------------------------------------------- */

static void close_written(void) {
        if (w.written[0] >= 0)
                close(w.written[0]);
        if (w.written[1] >= 0)
                ax_close(w.ax, w.written[1]);
        w.written[0] = w.written[1] = w.written_file = -1;
}

static bool open_written(bool client, struct place place) {
        const struct path path = path_of(place);

        if (!file_at(place))
                return false;
        close_written();
        if (client)
                w.written[1] = ax_open(w.ax, path.namespace, AX_O_WRITE);
        else
                w.written[0] = open(path.mounted, O_RDWR);
        must(w.written[0] >= 0 || w.written[1] >= 0, "opening", path.mounted);
        w.written_file = *entry(place);
        return true;
}

static bool write_written(void) {
        char data[512] = "written";
        size_t size = 1 + draw(sizeof(data));
        struct file *file = w.written_file < 0 ? NULL : &w.model.files[w.written_file];
        off_t offset = draw(10000);

        if (!file)
                return false;
        if (w.written[0] >= 0)
                must(pwrite(w.written[0], data, size, offset) == (ssize_t) size, "pwrite", "");
        else
                must(ax_pwrite(w.ax, w.written[1], data, size, offset) == (ssize_t) size, "ax_pwrite", "");
        if (offset + (off_t) size > file->size)
                file->size = offset + (off_t) size;
        return true;
}

static bool write_mapped(struct place place) {
        const struct path path = path_of(place);
        int fd;
        char *map;

        if (!file_at(place) || file_at(place)->size == 0)
                return false;
        fd = open(path.mounted, O_RDWR);
        must(fd >= 0, "open", path.mounted);
        map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        must(map != MAP_FAILED, "mmap", path.mounted);
        close(fd);
        map[0] = (char) draw(256);
        look(place);
        must(msync(map, 1, MS_SYNC) == 0, "msync", path.mounted);
        munmap(map, 1);
        return true;
}

static bool move_directory(bool client) {
        const struct path old = path_of_directory(2);
        struct path new;

        w.model.moving_in = !w.model.moving_in;
        new = path_of_directory(2);
        if (client)
                must(ax_rename(w.ax, old.namespace, new.namespace) == 0, "ax_rename", old.namespace);
        else
                must(rename(old.mounted, new.mounted) == 0, "rename", old.mounted);
        look_moved();
        return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool act(unsigned what, bool client, struct place place, struct place other) {
        switch (what) {
        case 0:
        case 1:
                return make(client, place);
        case 2:
                return drop(client, place);
        case 3:
                return move(client, place, other);
        case 4:
                return join(client, place, other);
        case 5:
                return set_mode(client, place);
        case 6:
                return cut(client, place);
        case 7:
                return open_written(client, place);
        case 8:
                close_written();
                return true;
        case 9:
                return write_mapped(place);
        case 10:
                return move_directory(client);
        default:
                return write_written();
        }
}

static void step(void) {
        static const char *const words[] = { "make", "make",       "unlink",      "rename", "link",           "chmod",
                                             "cut",  "open_write", "close_write", "mmap",   "move_directory", "write" };
        struct place place = draw_place(), other = draw_place();
        unsigned what = draw(12);
        bool client = draw(2);

        look(other);
        snprintf(w.last, sizeof(w.last), "%s %s %u/n%u %u/n%u", client ? "client" : "mount", words[what],
                 place.directory, place.name, other.directory, other.name);
        (void) act(what, client, place, other);
        look(place);
        look(other);
        look_at_directory(draw(DIRECTORIES));
        look(draw_place());
}

static void begin(const char *tree) {
        struct path path;

        snprintf(w.tree, sizeof(w.tree), "%s", tree);
        w.written[0] = w.written[1] = w.written_file = -1;
        memset(w.model.at, 0xff, sizeof(w.model.at));
        snprintf(path.mounted, sizeof(path.mounted), "%s/%s", w.mounted, tree);
        must(mkdir(path.mounted, 0755) == 0, "mkdir", path.mounted);
        for (unsigned i = 0; i < DIRECTORIES; i++) {
                path = path_of_directory(i);
                must(mkdir(path.mounted, 0755) == 0, "mkdir", path.mounted);
        }
}

static pid_t start_worker(unsigned number, unsigned steps) {
        pid_t pid = fork();
        char tree[16];

        if (pid != 0)
                return pid;
        w.state = w.seed + number;
        must(ax_connect(&w.ax, NULL) == 0, "ax_connect", "");
        snprintf(tree, sizeof(tree), "w%u", number);
        begin(tree);
        for (w.step = 0; w.step < steps; w.step++)
                step();
        close_written();
        ax_disconnect(w.ax);
        _exit(0);
}

/* Looks at everything there is, and at names that are not there. */
static void look_around(const char *path, unsigned depth) {
        DIR *stream = opendir(path);
        struct dirent *found;
        char below[1024];
        struct stat st;

        while (stream && (found = readdir(stream))) {
                if (found->d_name[0] == '.')
                        continue;
                snprintf(below, sizeof(below), "%s/%s", path, found->d_name);
                if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode) && depth > 0)
                        look_around(below, depth - 1);
        }
        if (stream)
                closedir(stream);
        for (unsigned i = 0; i < NAMES; i++) {
                snprintf(below, sizeof(below), "%s/n%u", path, i);
                (void) lstat(below, &st);
        }
}

static pid_t start_looker(void) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        for (;;)
                look_around(w.mounted, 3);
}

int main(int argc, char **argv) {
        pid_t lookers[2], workers[64];
        unsigned steps, n_workers;
        int status, result = 0;

        if (argc != 6)
                return 2;
        umask(022);
        w.seed = strtoull(argv[1], NULL, 10);
        steps = (unsigned) strtoul(argv[2], NULL, 10);
        n_workers = (unsigned) strtoul(argv[3], NULL, 10);
        n_workers = n_workers < 64 ? n_workers : 64;
        w.mounted = argv[4];
        w.namespace = argv[5];
        for (unsigned i = 0; i < 2; i++)
                lookers[i] = start_looker();
        for (unsigned i = 0; i < n_workers; i++)
                workers[i] = start_worker(i, steps);
        for (unsigned i = 0; i < n_workers; i++) {
                waitpid(workers[i], &status, 0);
                result |= status;
        }
        for (unsigned i = 0; i < 2; i++)
                kill(lookers[i], SIGKILL);
        while (wait(NULL) > 0)
                ;
        return result != 0;
}
