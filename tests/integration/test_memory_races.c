/* SPDX-License-Identifier: MIT */
/*
 * M5: regions that go while they are used, and clients that die with memory in hand.
 */
#include "fixture.h"
#include "memory_checks.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- M5: what is gone ------------------------------------------------------------------------ */

START_TEST(test_M5_a_freed_region_gives_an_error) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_region_id region = alloc_region(ax, 100, AX_PROT_READ_WRITE), next;
        char byte;

        assert_error(ax_mem_read(other, region, 0, &byte, 1), AX_EMEM_INVALID_REGION); /* foreign */
        assert_error(ax_mem_free(other, region), AX_EMEM_INVALID_REGION);
        assert_result(ax_mem_free(ax, region), 0);
        next = alloc_region(ax, 100, AX_PROT_READ_WRITE); /* may lie where that was */
        assert_error(ax_mem_read(ax, region, 0, &byte, 1), AX_EMEM_INVALID_REGION);
        assert_error(ax_mem_write(ax, region, 0, &byte, 1), AX_EMEM_INVALID_REGION);
        assert_error(ax_mem_free(ax, region), AX_EMEM_INVALID_REGION);
        ck_assert_ptr_null(ax_mem_map(ax, region, NULL));
        ck_assert_ptr_nonnull(ax_mem_map(ax, next, NULL));
        assert_error(ax_mem_free(ax, 0), AX_EMEM_INVALID_REGION);
        assert_error(ax_mem_read(ax, UINT64_MAX, 0, &byte, 1), AX_EMEM_INVALID_REGION);
        assert_result(ax_exit(ax, 0), 0);
        assert_error(ax_mem_read(ax, next, 0, &byte, 1), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

enum { COPIERS = 3, COPY_SIZE = 1 << 15 };

struct victim {
        ax_client *ax;
        _Atomic ax_region_id region;
        atomic_bool stop;
        atomic_uint copies, started;
};

/* Each thread in a part of its own: what two threads write at one place is theirs to agree upon. */
static void *copy_what_is_freed(void *userdata) {
        struct victim *victim = userdata;
        size_t offset = atomic_fetch_add(&victim->started, 1) * (size_t) COPY_SIZE;
        static _Thread_local char data[COPY_SIZE];

        while (!atomic_load(&victim->stop)) {
                ax_region_id region = atomic_load(&victim->region);
                ssize_t n = ax_mem_read(victim->ax, region, offset, data, sizeof(data));

                ck_assert(n == sizeof(data) || n == -AX_EMEM_INVALID_REGION);
                n = ax_mem_write(victim->ax, region, offset, data, sizeof(data));
                ck_assert(n == sizeof(data) || n == -AX_EMEM_INVALID_REGION);
                atomic_fetch_add(&victim->copies, 1);
        }
        return NULL;
}

START_TEST(test_M5_a_region_may_be_freed_during_a_copy) {
        _connected_ ax_client *ax = fixture_connect();
        struct victim victim = { .ax = ax };
        pthread_t threads[COPIERS];

        atomic_store(&victim.region, alloc_region(ax, COPIERS * COPY_SIZE, AX_PROT_READ_WRITE));
        for (int i = 0; i < COPIERS; i++)
                assert_result(pthread_create(&threads[i], NULL, copy_what_is_freed, &victim), 0);
        for (int i = 0; i < 300; i++) {
                ax_region_id old = atomic_load(&victim.region);

                atomic_store(&victim.region, alloc_region(ax, COPIERS * COPY_SIZE, AX_PROT_READ_WRITE));
                assert_result(ax_mem_free(ax, old), 0);
        }
        while (atomic_load(&victim.copies) < 100)
                ;
        atomic_store(&victim.stop, true);
        for (int i = 0; i < COPIERS; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        assert_memory(ax, COPIERS * COPY_SIZE, 1, 0);
}
END_TEST

/* After copies that went well. */
START_TEST(test_M5_every_copy_looks_again) {
        ax_client *ax = fixture_connect();
        ax_region_id region = alloc_region(ax, 100, AX_PROT_READ_WRITE), other = alloc_region(ax, 100, AX_PROT_READ);
        char data[200] = "abc", back[200];
        int status;
        pid_t pid;

        for (int i = 0; i < 3; i++) {
                assert_result(ax_mem_write(ax, region, 0, data, 100), 100);
                assert_result(ax_mem_read(ax, region, 1, back, 99), 99);
                ck_assert_mem_eq(back, data + 1, 99);
        }
        assert_result(ax_mem_read(ax, region, 90, back, 20), 10);
        assert_result(ax_mem_read(ax, region, 100, back, 20), 0);
        assert_result(ax_mem_read(ax, region, 0, back, 0), 0);
        assert_error(ax_mem_read(ax, region, 101, back, 0), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_read(ax, region, SIZE_MAX, back, 2), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_write(ax, region, 99, data, 2), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_write(ax, region, SIZE_MAX, data, 2), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_read(ax, region, 0, NULL, 1), AX_EINVAL);
        assert_error(ax_mem_read(NULL, region, 0, back, 1), AX_EINVAL);
        assert_error(ax_mem_read(ax, 0, 0, back, 1), AX_EMEM_INVALID_REGION);
        assert_result(ax_mem_read(ax, other, 0, back, 1), 1);
        assert_error(ax_mem_write(ax, other, 0, data, 1), AX_EMEM_PERMISSION_DENIED);
        assert_result(ax_mem_read(ax, region, 0, back, 1), 1);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(ax_mem_read(ax, region, 0, back, 1) == -AX_ESRCH ? 0 : 1);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        assert_result(ax_mem_read(ax, region, 0, back, 1), 1);
        assert_result(ax_mem_free(ax, region), 0);
        assert_error(ax_mem_read(ax, region, 0, back, 1), AX_EMEM_INVALID_REGION);
        assert_result(ax_mem_read(ax, other, 0, back, 1), 1);
        ax_disconnect(ax);
        ax = fixture_connect(); /* perhaps where the last one was */
        assert_error(ax_mem_read(ax, other, 0, back, 1), AX_EMEM_INVALID_REGION);
        region = alloc_region(ax, 100, AX_PROT_READ_WRITE);
        assert_result(ax_mem_read(ax, region, 0, back, 1), 1);
        assert_result(ax_exit(ax, 0), 0);
        assert_error(ax_mem_read(ax, region, 0, back, 1), AX_ESRCH);
        ax_disconnect(ax);
}
END_TEST

static unsigned count_mappings(void) {
        FILE *maps = fopen("/proc/self/maps", "re");
        char line[512];
        unsigned count = 0;

        ck_assert_ptr_nonnull(maps);
        while (fgets(line, sizeof(line), maps))
                count += strstr(line, "memfd:") != NULL;
        fclose(maps);
        return count;
}

static void *alloc_and_free(void *ax) {
        for (int i = 0; i < 2000; i++)
                assert_result(ax_mem_free(ax, alloc_region(ax, PAGE, AX_PROT_READ_WRITE)), 0);
        return NULL;
}

/*
 * The daemon gives a region's number away as soon as it is free, before the thread that freed it
 * has unmapped it.
 */
START_TEST(test_M5_regions_freed_and_made_at_once_leave_no_mapping) {
        _connected_ ax_client *ax = fixture_connect();
        pthread_t threads[COPIERS];
        unsigned before;

        alloc_and_free(ax);
        before = count_mappings();
        for (int i = 0; i < COPIERS; i++)
                assert_result(pthread_create(&threads[i], NULL, alloc_and_free, ax), 0);
        for (int i = 0; i < COPIERS; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(count_mappings(), before);
        assert_memory(ax, 0, 0, 0);
}
END_TEST

struct contest {
        ax_client *ax;
        ax_shm_id shm;
        atomic_bool stop;
};

static void *detach_always(void *userdata) {
        struct contest *contest = userdata;
        int r;

        while (!atomic_load(&contest->stop)) {
                r = ax_shmdt(contest->ax, contest->shm);
                ck_assert(r == 0 || r == -AX_EMEM_NOT_ATTACHED);
        }
        return NULL;
}

static void *use_what_is_mapped(void *userdata) {
        struct contest *contest = userdata;

        while (!atomic_load(&contest->stop)) {
                ax_region_id region = alloc_region(contest->ax, PAGE, AX_PROT_READ_WRITE);
                volatile char *memory = ax_mem_map(contest->ax, region, NULL);

                ck_assert(memory != NULL);
                for (int i = 0; i < 20; i++) {
                        memory[i] = 1;
                        sched_yield();
                }
                assert_result(ax_mem_free(contest->ax, region), 0);
        }
        return NULL;
}

/* One thread may detach what another has not yet mapped; and the number be a third's by then. */
START_TEST(test_M5_a_region_that_is_gone_before_it_is_mapped_is_in_nobodys_way) {
        _connected_ ax_client *ax = fixture_connect(), *owner = fixture_connect();
        struct contest contest = { .ax = ax };
        ax_region_id region, kept;
        pthread_t threads[3];
        unsigned before;

        assert_result(ax_shmget(owner, PAGE, &contest.shm), 0);
        assert_result(ax_shmat(owner, contest.shm, AX_PROT_READ, &kept), 0);
        before = count_mappings();
        assert_result(pthread_create(&threads[0], NULL, detach_always, &contest), 0);
        assert_result(pthread_create(&threads[1], NULL, use_what_is_mapped, &contest), 0);
        assert_result(pthread_create(&threads[2], NULL, use_what_is_mapped, &contest), 0);
        for (int i = 0; i < 3000; i++) {
                int r = ax_shmat(ax, contest.shm, AX_PROT_READ_WRITE, &region);

                ck_assert(r == 0 || r == -AX_EMEM_ALREADY_ATTACHED || r == -AX_EMEM_NOT_ATTACHED);
        }
        atomic_store(&contest.stop, true);
        for (int i = 0; i < 3; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        ax_shmdt(ax, contest.shm);
        ck_assert_uint_eq(count_mappings(), before);
        assert_memory(ax, 0, 0, 0);
}
END_TEST

static void *copy_always(void *userdata) {
        struct victim *victim = userdata;
        static char data[1 << 20];

        while (!atomic_load(&victim->stop))
                assert_result(ax_mem_read(victim->ax, atomic_load(&victim->region), 0, data, sizeof(data)),
                              sizeof(data));
        return NULL;
}

/* A child inherits what its parent's threads were about, but not the threads. */
START_TEST(test_M5_a_forked_child_waits_for_no_thread_of_its_parent) {
        _connected_ ax_client *ax = fixture_connect();
        struct victim victim = { .ax = ax };
        pthread_t thread;

        atomic_store(&victim.region, alloc_region(ax, 1 << 20, AX_PROT_READ_WRITE));
        assert_result(pthread_create(&thread, NULL, copy_always, &victim), 0);
        for (int i = 0; i < 20; i++) {
                pid_t pid = fork();
                int status;

                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        ax_client *own;
                        ax_region_id region;

                        alarm(10);
                        ax_disconnect(ax); /* so that its own regions may lie where the parent's did */
                        own = fixture_connect();
                        region = alloc_region(own, PAGE, AX_PROT_READ);
                        _exit(ax_mem_free(own, region) == 0 ? 0 : 2);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(status, 0);
        }
        atomic_store(&victim.stop, true);
        assert_result(pthread_join(thread, NULL), 0);
}
END_TEST

/* ---- dying ----------------------------------------------------------------------------------- */

static void use_memory(void *userdata) {
        ax_client *ax = fixture_connect();
        ax_shm_id common = *(ax_shm_id *) userdata, own = 0;
        ax_region_id regions[8] = { 0 }, region;

        for (unsigned i = 0;; i++) {
                unsigned at = i % 8;

                if (regions[at])
                        ax_mem_free(ax, regions[at]);
                if (ax_mem_alloc(ax, 1000 + i % 3000, AX_PROT_READ_WRITE, &regions[at]) < 0)
                        regions[at] = 0;
                if (ax_shmat(ax, common, AX_PROT_READ_WRITE, &region) == 0)
                        ax_shm_sync(ax, common);
                if (i % 3 == 0)
                        ax_shmdt(ax, common);
                if (ax_shmget(ax, 5000, &own) == 0 && i % 2)
                        ax_shmat(ax, own, AX_PROT_READ, &region);
                if (i % 5 == 0)
                        ax_shmdt(ax, own);
        }
}

static bool only_ours_is_left(void *userdata) {
        struct ax_system_memory_stats stats;

        assert_result(ax_system_memstats(userdata, &stats), 0);
        return stats.total_allocated == 4 << 20 && stats.shm_count == 1;
}

/*
 * Some hundred clients, each killed at another moment. One that has not sealed its attachment yet
 * is charged until a worker has unmapped it.
 */
START_TEST(test_a_client_that_is_killed_leaves_the_totals_as_they_were) {
        enum { KILLS = 300, AT_ONCE = 3 };
        _connected_ ax_client *ax = fixture_connect();
        struct daemon_state before, after;
        ax_region_id region;
        ax_shm_id shm;

        assert_result(ax_shmget(ax, 2 << 20, &shm), 0);
        assert_result(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &region), 0);
        ck_assert_int_eq(ax_getppid(ax), 1); /* what came with the reply before has been closed */
        assert_result(daemon_observe(&the_daemon, &before), 0);
        for (int i = 0; i < KILLS / AT_ONCE / (slowness() > 1 ? 3 : 1); i++) {
                pid_t pids[AT_ONCE];

                for (int j = 0; j < AT_ONCE; j++)
                        pids[j] = fixture_fork(use_memory, &shm);
                for (int j = 0; j < (i * 37) % 200; j++)
                        ck_assert_int_eq(ax_getppid(ax), 1);
                for (int j = 0; j < AT_ONCE; j++)
                        fixture_kill(pids[j]);
                fixture_wait_sessions(ax, 1);
                fixture_wait(only_ours_is_left, ax, "the memory of those who were killed");
        }
        do /* a copy that a worker has begun ends, though nobody waits for it */
                assert_result(daemon_observe(&the_daemon, &after), 0);
        while (after.descriptors != before.descriptors);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("memory races");

        fixture_add(suite, test_M5_a_freed_region_gives_an_error, 0);
        fixture_add(suite, test_M5_a_region_may_be_freed_during_a_copy, 0);
        fixture_add(suite, test_M5_every_copy_looks_again, 0);
        fixture_add(suite, test_M5_regions_freed_and_made_at_once_leave_no_mapping, 0);
        fixture_add(suite, test_M5_a_region_that_is_gone_before_it_is_mapped_is_in_nobodys_way, 0);
        fixture_add(suite, test_M5_a_forked_child_waits_for_no_thread_of_its_parent, 0);
        fixture_add(suite, test_a_client_that_is_killed_leaves_the_totals_as_they_were, 0);
        return fixture_main(suite);
}
