/* SPDX-License-Identifier: MIT */
/*
 * The mount and the library show one state, whatever either side changes (N1, N2, N3).
 *
 * Workers are threads of several processes. Each has a connection and a tree of its own, and
 * changes it step by step, as a client or as a host program on the mount. After a step it looks
 * from both sides at what the step concerned, and at something else: the two sides, and the store
 * if it is a directory, must agree. Meanwhile others look at the same names all the time without
 * checking, so that answers to them overlap with the changes.
 *
 * The seed is printed; AXEBERG_SEED sets it. A case ends after AXEBERG_STEPS steps (default
 * 1000000) or AXEBERG_SECONDS seconds (default 20), whichever comes first, and prints how many
 * steps were made. tests/integration/exact_tree.c has the steps and the looks.
 */
#include "exact_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 2, THREADS = 2, WORKERS = PROCESSES * THREADS, LOOKERS = 2, DEFAULT_SECONDS = 20 };

/* Shared by all processes of a case. */
struct shared {
        atomic_bool over;
        atomic_uint ended; /* workers */
        atomic_ulong steps;
        unsigned long max_steps;
        double end_ms;
        uint64_t seed;
};

struct job {
        struct shared *shared;
        unsigned number;
};

static unsigned long number_from(const char *variable, unsigned long otherwise) {
        const char *text = getenv(variable);

        return text ? strtoul(text, NULL, 0) : otherwise;
}

static void tree_directory(char *buf, size_t size, unsigned number) {
        snprintf(buf, size, "/%s/exact%u", number % 2 ? "tmp" : "home/user", number);
}

static void *work(void *userdata) {
        struct job *job = userdata;
        struct shared *shared = job->shared;
        struct exact_tree *tree = calloc(1, sizeof(*tree));

        if (!tree)
                abort();
        tree_directory(tree->directory, sizeof(tree->directory), job->number);
        tree->random = (shared->seed + job->number * 977) * 2 + 1;
        tree->seed = shared->seed;
        exact_tree_begin(tree);
        while (now_ms() < shared->end_ms && atomic_fetch_add(&shared->steps, 1) < shared->max_steps)
                exact_tree_step(tree);
        exact_tree_end(tree);
        free(tree);
        return NULL;
}

static void work_in_threads(void *userdata) {
        struct job *first = userdata, jobs[THREADS];
        pthread_t threads[THREADS];

        for (unsigned i = 0; i < THREADS; i++) {
                jobs[i] = (struct job){ .shared = first->shared, .number = first->number + i };
                if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0)
                        abort();
        }
        for (unsigned i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
}

/* Looks at everything in a directory, as `ls -lR` does; what it finds does not matter. */
static void list(const char *directory, unsigned depth) {
        DIR *dir = opendir(directory);
        char path[512], target[64];
        struct dirent *entry;
        struct stat st;

        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >= (int) sizeof(path))
                        continue;
                if (lstat(path, &st) < 0)
                        continue;
                if (S_ISLNK(st.st_mode))
                        (void) !readlink(path, target, sizeof(target));
                if (S_ISDIR(st.st_mode) && depth < 4)
                        list(path, depth + 1);
        }
        closedir(dir);
}

/* Looks names up one by one, absent ones included. */
static void look_up(const char *directory, uint64_t *random) {
        char path[512], place[EXACT_PATH_SIZE];
        struct stat st;

        for (unsigned i = 0; i < 50; i++) {
                exact_place(random, place, sizeof(place));
                snprintf(path, sizeof(path), "%s/%s", directory, place);
                (void) stat(path, &st);
                (void) access(path, R_OK);
        }
}

static void look_all_the_time(void *userdata) {
        struct job *job = userdata;
        uint64_t random = (job->shared->seed + 7 * job->number) * 2 + 1;
        char directory[EXACT_PATH_SIZE], path[256];

        for (unsigned i = job->number; !atomic_load(&job->shared->over); i++) {
                tree_directory(directory, sizeof(directory), i % WORKERS);
                snprintf(path, sizeof(path), "%s%s", the_daemon.mount, directory);
                if (job->number % 2)
                        list(path, 0);
                else
                        look_up(path, &random);
        }
}

static void run(void) {
        struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct job jobs[PROCESSES + LOOKERS];
        pid_t pids[PROCESSES + LOOKERS];

        ck_assert_ptr_ne(shared, MAP_FAILED);
        shared->seed = fixture_seed();
        shared->max_steps = number_from("AXEBERG_STEPS", 1000000);
        shared->end_ms = now_ms() + 1000.0 * (double) number_from("AXEBERG_SECONDS", DEFAULT_SECONDS);
        for (unsigned i = 0; i < PROCESSES + LOOKERS; i++) {
                jobs[i] = (struct job){ .shared = shared, .number = i < PROCESSES ? i * THREADS : i - PROCESSES };
                pids[i] = fixture_fork(i < PROCESSES ? work_in_threads : look_all_the_time, &jobs[i]);
        }
        for (unsigned i = 0; i < PROCESSES; i++)
                fixture_reap(pids[i]);
        atomic_store(&shared->over, true);
        for (unsigned i = PROCESSES; i < PROCESSES + LOOKERS; i++)
                fixture_reap(pids[i]);
        printf("%lu steps\n", atomic_load(&shared->steps));
        munmap(shared, sizeof(*shared));
}

static void run_on(const struct daemon_options *options) {
        if (access("/dev/fuse", R_OK | W_OK) < 0)
                return;
        fixture_start(options);
        run();
}

START_TEST(test_N1_N2_N3_both_sides_agree_with_direct_clients) {
        static const struct daemon_options options = { .mount = true, .settings = "Direct=yes\n" };

        run_on(&options);
}
END_TEST

START_TEST(test_N1_N2_N3_both_sides_agree_with_mediated_clients) {
        static const struct daemon_options options = { .mount = true, .settings = "Direct=no\n" };

        run_on(&options);
}
END_TEST

START_TEST(test_N1_N2_N3_both_sides_and_a_durable_store_agree) {
        static const struct daemon_options options = { .mount = true, .durable = true };

        run_on(&options);
}
END_TEST

/* A case may take as long as it has been given. */
static void stretch_limits(void) {
        char text[32];

        snprintf(text, sizeof(text), "%lu", 1 + number_from("AXEBERG_SECONDS", DEFAULT_SECONDS) / DEFAULT_SECONDS);
        setenv("CK_TIMEOUT_MULTIPLIER", text, 0);
}

int main(void) {
        Suite *suite = suite_create("exact");

        stretch_limits();
        fixture_add(suite, test_N1_N2_N3_both_sides_agree_with_direct_clients, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_N1_N2_N3_both_sides_agree_with_mediated_clients, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_N1_N2_N3_both_sides_and_a_durable_store_agree, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return fixture_main(suite);
}
