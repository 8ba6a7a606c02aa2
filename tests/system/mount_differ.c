/* SPDX-License-Identifier: MIT */
/*
 * mount_differ SEED STEPS MOUNTED REFERENCE [passthrough] - do the same things in two directories
 * and compare
 *
 * The first directory lies on the mount, the second on the host's own filesystem. Each step is
 * drawn from a generator that SEED starts, and done in both: as root or as one of two ordinary
 * users if root runs the program, else as its user. Then the results are compared, errors included,
 * and both trees: names, types, modes, owners, links, sizes, contents, holes, extended attributes,
 * access control lists, and which times the step has changed. The first difference is told with the
 * steps that led to it, and ends the program.
 *
 * What axfs(8) lists as different on purpose is left out, some of it with passthrough only.
 *
 * It works in a directory of its own below each of the two, uses relative names only, and makes no
 * symlink that leads out of there.
 */
#include "mount_differ.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY = 12 };

bool as_root, passthrough;
static struct step history[HISTORY];
static unsigned n_steps;

/* ---- what is drawn ------------------------------------------------------------------------ */

static uint64_t random_state;

static uint64_t draw(void) {
        random_state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = random_state;

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

static unsigned draw_below(unsigned limit) {
        return (unsigned) (draw() % limit);
}

#define PICK(array) ((array)[draw_below(sizeof(array) / sizeof(*(array)))])

static char long_name[256], longer_name[257];

static const char *const plain_names[] = {
        "a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/f", "g", "g/a", "g/b"
};
static const char *const odd_names[] = {
        long_name, longer_name, "",         ".",        "d/.",
        "d/..",    "a/",        "d/",       "g/..",     "a/b/c",
        "d//b",    "./a",       " ",        "\001\002", "\303\244\342\202\254",
        "-rf",     "new\nline", "\377\376", "d/e/../b", "*",
        "'",       "\\",        "a\\b",
};
static const char *draw_name(void) {
        return draw_below(12) == 0 ? PICK(odd_names) : PICK(plain_names);
}

static const mode_t modes[] = { 0644,  0600,  0666,  0777, 0755, 0,     04755, 02755, 06777, 06711,
                                02644, 02775, 01777, 0400, 0111, 02070, 04000, 03770, 07777, 0640 };
static const unsigned ids[] = { 0, 1000, 1001, 2000, UINT_MAX, UINT_MAX };
static const int64_t sizes[] = { 0, 1, 10, 4095, 4096, 4097, 70000, 262144, 300000 };
static const int64_t lengths[] = { 1, 7, 100, 4096, 5000, 65536, 140000 };
static int open_flags(uint64_t bits) {
        static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
        static const int more[] = { 0,
                                    0,
                                    O_CREAT,
                                    O_CREAT,
                                    O_CREAT | O_EXCL,
                                    O_TRUNC,
                                    O_APPEND,
                                    O_CREAT | O_TRUNC,
                                    O_CREAT | O_APPEND,
                                    O_DIRECTORY,
                                    O_NOFOLLOW,
                                    O_PATH,
                                    O_SYNC,
                                    O_NOATIME,
                                    O_CREAT | O_DIRECTORY };

        if ((bits >> 8) % 16 == 15)
                return O_TMPFILE | (bits & 1 ? O_RDWR : O_WRONLY) | (bits & 2 ? O_EXCL : 0);
        return access[bits % 4] | more[(bits >> 8) % 16 % (sizeof(more) / sizeof(*more))];
}
enum { AREAS = 5 };
static const struct operation *const areas[AREAS] = { name_operations, data_operations, mode_operations,
                                                      attribute_operations, handle_operations };

static const struct operation *draw_operation(void) {
        unsigned total = 0, at;

        for (unsigned i = 0; i < AREAS; i++)
                for (const struct operation *operation = areas[i]; operation->name; operation++)
                        total += operation->weight;
        at = draw_below(total);
        for (unsigned i = 0; i < AREAS; i++)
                for (const struct operation *operation = areas[i]; operation->name; operation++) {
                        if (at < operation->weight)
                                return operation;
                        at -= operation->weight;
                }
        abort();
}

static struct step draw_step(void) {
        struct step step = {
                .operation = draw_operation(), .actor = draw_below(3), .name = draw_name(), .name2 = draw_name()
        };

        step.slot = draw_below(SLOTS);
        step.slot2 = draw_below(SLOTS);
        step.number = draw_below(10000);
        step.bits = draw();
        step.flags = open_flags(step.bits);
        step.mode = PICK(modes);
        step.umask = draw_below(4) == 0 ? 027 : 0;
        step.uid = PICK(ids);
        step.gid = PICK(ids);
        step.offset = PICK(sizes) + (draw_below(8) == 0 ? -1 : 0);
        step.length = PICK(lengths);
        return step;
}
/* ---- what the parts share ----------------------------------------------------------------- */

void say(struct outcome *outcome, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(outcome->text + outcome->used, TEXT - outcome->used, format, arguments);
        va_end(arguments);
        if (n > 0)
                outcome->used += (size_t) n < TEXT - outcome->used ? (size_t) n : TEXT - outcome->used - 1;
}
uint64_t hash(const void *data, size_t size) {
        uint64_t value = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < size; i++)
                value = (value ^ ((const unsigned char *) data)[i]) * UINT64_C(0x100000001b3);
        return value;
}

long error_or(long result) {
        return result < 0 ? -errno : result;
}

void must(long result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "mount_differ: %s: %s\n", what, strerror(errno));
        exit(2);
}

void say_stat(struct outcome *outcome, const struct stat *st) {
        say(outcome, "mode %o links %lu owner %u:%u size %lld blocks %lld", st->st_mode, (unsigned long) st->st_nlink,
            st->st_uid, st->st_gid, (long long) st->st_size, (long long) st->st_blocks);
}

/* ---- who acts ----------------------------------------------------------------------------- */

const struct actor actors[3] = { { "root", 0, 0, 0 }, { "1000", 1000, 1000, 2000 }, { "1001", 1001, 1001, 1000 } };

static void become(unsigned actor) {
        if (!as_root)
                return;
        must(seteuid(0), "seteuid");
        must(setegid(actors[actor].gid), "setegid");
        must(setgroups(actor != 0, &actors[actor].group), "setgroups");
        must(seteuid(actors[actor].uid), "seteuid");
}
/* ---- comparing ---------------------------------------------------------------------------- */

static void print_name(const char *name) {
        if (name == long_name || name == longer_name)
                fprintf(stderr, " long*%zu", strlen(name));
        else
                fprintf(stderr, " \"%s\"", name);
}

static void print_step(unsigned index) {
        const struct step *step = &history[index % HISTORY];

        fprintf(stderr, "%u: as %s: %s", index, as_root ? actors[step->actor].name : "oneself", step->operation->name);
        print_name(step->name);
        print_name(step->name2);
        fprintf(stderr,
                " slots %u %u number %u flags %#o mode %o umask %o owner %d:%d offset %lld length %lld bits %#" PRIx64
                "\n",
                step->slot, step->slot2, step->number, (unsigned) step->flags, step->mode, step->umask, (int) step->uid,
                (int) step->gid, (long long) step->offset, (long long) step->length, step->bits);
}

static void print_difference(const char *left, const char *right) {
        while (*left && *right) {
                size_t a = strcspn(left, "\n"), b = strcspn(right, "\n");

                if (a != b || strncmp(left, right, a) != 0)
                        fprintf(stderr, "  mounted:   %.*s\n  reference: %.*s\n", (int) a, left, (int) b, right);
                left += a + (left[a] == '\n');
                right += b + (right[b] == '\n');
        }
        fprintf(stderr, "%s%s%s%s", *left ? "  mounted too: " : "", left, *right ? "  reference too: " : "", right);
}

static int tell_difference(uint64_t seed) {
        fprintf(stderr, "mount_differ: seed %" PRIu64 ", the last steps:\n", seed);
        for (unsigned i = n_steps > HISTORY ? n_steps - HISTORY : 0; i < n_steps; i++)
                print_step(i);
        return 1;
}

static void act(struct side *side, const struct step *step, struct outcome *outcome) {
        *outcome = (struct outcome){ .used = 0 };
        become(step->actor);
        umask(step->umask);
        outcome->result = step->operation->act(side, step, outcome);
        umask(0);
        become(0);
}

static int compare(const struct outcome outcomes[SIDES], const struct tree trees[SIDES]) {
        if (outcomes[0].result != outcomes[1].result || strcmp(outcomes[0].text, outcomes[1].text) != 0) {
                fprintf(stderr, "mounted: %ld %s; reference: %ld %s\n", outcomes[0].result, outcomes[0].text,
                        outcomes[1].result, outcomes[1].text);
                return 1;
        }
        if (strcmp(trees[0].text, trees[1].text) == 0)
                return 0;
        print_difference(trees[0].text, trees[1].text);
        return 1;
}

static int run(struct side sides[SIDES], uint64_t seed, unsigned steps) {
        static struct outcome outcomes[SIDES];
        struct tree trees[SIDES] = { { .n_known = 0 }, { .n_known = 0 } };
        int differs = 0;

        for (n_steps = 0; n_steps < steps && !differs;) {
                struct step *step = &history[n_steps % HISTORY];

                *step = draw_step();
                n_steps++;
                for (unsigned i = 0; i < SIDES; i++)
                        act(&sides[i], step, &outcomes[i]);
                for (unsigned i = 0; i < SIDES; i++)
                        tree_read(&trees[i], &sides[i]);
                differs = compare(outcomes, trees);
        }
        for (unsigned i = 0; i < SIDES; i++)
                tree_free(&trees[i]);
        return differs ? tell_difference(seed) : 0;
}
/* ---- the whole ---------------------------------------------------------------------------- */

static void side_open(struct side *side, const char *title, const char *directory, uint64_t seed) {
        char *path;

        *side = (struct side){ .title = title };
        for (unsigned i = 0; i < SLOTS; i++)
                side->slots[i] = -1;
        must(asprintf(&path, "%s/differ-%" PRIu64, directory, seed), "asprintf");
        must(mkdir(path, 0777), path);
        side->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(side->root, path);
        free(path);
        /*
         * A name that goes up through a symlink to "." comes out one directory higher: still in
         * ours.
         */
        must(mkdirat(side->root, "inner", 0777), "mkdir inner");
        side->root = openat(side->root, "inner", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(side->root, "inner");
}

int main(int argc, char **argv) {
        struct side sides[SIDES];
        uint64_t seed;

        if (argc < 5) {
                fprintf(stderr, "usage: mount_differ SEED STEPS MOUNTED REFERENCE [passthrough]\n");
                return 2;
        }
        seed = strtoull(argv[1], NULL, 10);
        random_state = seed;
        as_root = geteuid() == 0;
        passthrough = argc > 5;
        signal(SIGPIPE, SIG_IGN);
        memset(long_name, 'n', sizeof(long_name) - 1);
        memset(longer_name, 'n', sizeof(longer_name) - 1);
        umask(0);
        side_open(&sides[0], "mounted", argv[3], seed);
        side_open(&sides[1], "reference", argv[4], seed);
        return run(sides, seed, (unsigned) strtoul(argv[2], NULL, 10));
}
