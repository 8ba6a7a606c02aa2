/*
 * Regions, segments and what they cost: M1 to M5, bad input, and a random walk beside a model.
 */
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static ax_region_id alloc(ax_client *ax, size_t size, unsigned protection) {
        ax_region_id region = 0;

        assert_result(ax_mem_alloc(ax, size, protection, &region), 0);
        ck_assert_uint_ne(region, 0);
        return region;
}

static void assert_system(ax_client *ax, uint64_t allocated, uint64_t segments) {
        struct ax_system_memory_stats stats;

        assert_result(ax_system_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.total_allocated, allocated);
        ck_assert_uint_eq(stats.shm_count, segments);
}

static void assert_memory(ax_client *ax, uint64_t allocated, uint64_t regions, uint64_t attachments) {
        struct ax_memory_stats stats;

        assert_result(ax_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.allocated, allocated);
        ck_assert_uint_eq(stats.region_count, regions);
        ck_assert_uint_eq(stats.shm_count, attachments);
}

/* ---- M1: limits ------------------------------------------------------------------------------------------- */

START_TEST(test_M1_no_allocation_passes_the_processs_limit) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_memory_stats stats;
        ax_region_id region, other;
        ax_shm_id shm;

        assert_result(ax_set_memlimit(ax, 10000), 0);
        region = alloc(ax, 6000, AX_PROT_READ_WRITE);
        assert_error(ax_mem_alloc(ax, 4001, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_memory(ax, 6000, 1, 0);
        assert_result(ax_shmget(ax, 4001, &shm), 0); /* it counts when it is attached */
        assert_error(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_error(ax_shmat_coherent(ax, shm, &other), AX_EMEM_OUT_OF_MEMORY);
        (void) alloc(ax, 4000, AX_PROT_READ);
        assert_error(ax_mem_alloc(ax, 1, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_result(ax_set_memlimit(ax, 1), 0); /* below what is in use */
        assert_memory(ax, 10000, 2, 0);
        assert_result(ax_mem_free(ax, region), 0);
        assert_error(ax_mem_alloc(ax, 1, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_result(ax_set_memlimit(ax, 0), 0);
        (void) alloc(ax, 100000, AX_PROT_READ_WRITE);
        assert_result(ax_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.limit, 0);
        ck_assert_uint_eq(stats.allocated, 104000);
        ck_assert_uint_eq(stats.peak, 104000);
}
END_TEST

START_TEST(test_M1_users_and_the_system_have_limits) {
        static const char *const arguments[] = { "--system-memory-limit", "20K", NULL };
        struct daemon_options options = { .settings = "MemoryPerUser = 16K\nMemoryPerProcess = 10000",
                                          .arguments = arguments };
        struct ax_memory_stats stats;
        struct ax_system_memory_stats system;
        ax_client *ax, *other;
        ax_region_id region;
        ax_shm_id shm;

        fixture_start(&options);
        ax = fixture_connect();
        other = fixture_connect();
        assert_result(ax_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.limit, 10000);
        assert_result(ax_system_memstats(ax, &system), 0);
        ck_assert_uint_eq(system.system_limit, 20480);
        assert_error(ax_mem_alloc(ax, 10001, AX_PROT_READ_WRITE, &region), AX_EMEM_OUT_OF_MEMORY);
        (void) alloc(ax, 10000, AX_PROT_READ_WRITE);
        assert_error(ax_mem_alloc(other, 6385, AX_PROT_READ_WRITE, &region), AX_EMEM_OUT_OF_MEMORY);
        assert_error(ax_shmget(other, 6385, &shm), AX_EMEM_OUT_OF_MEMORY);
        (void) alloc(other, 6384, AX_PROT_READ_WRITE);
        assert_system(ax, 16384, 0);
        ax_disconnect(ax);
        fixture_wait_sessions(other, 1);
        (void) alloc(other, 3616, AX_PROT_READ_WRITE);
        assert_system(other, 10000, 0);
        ax_disconnect(other);
}
END_TEST

static void limit_another(ax_client *ax, void *userdata) {
        struct ax_memory_stats stats;

        assert_error(ax_set_memlimit_of(ax, *(ax_pid *) userdata, 1), AX_EPERM);
        assert_error(ax_memstats_of(ax, *(ax_pid *) userdata, &stats), AX_EPERM);
        assert_result(ax_set_memlimit_of(ax, ax_getpid(ax), 1), 0);
}

START_TEST(test_administrators_limit_others) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_pid pid = ax_getpid(other);
        struct ax_memory_stats stats;
        ax_region_id region;

        assert_result(ax_set_memlimit_of(ax, pid, 100), 0);
        assert_result(ax_memstats_of(ax, pid, &stats), 0);
        ck_assert_uint_eq(stats.limit, 100);
        assert_error(ax_mem_alloc(other, 101, AX_PROT_READ, &region), AX_EMEM_OUT_OF_MEMORY);
        assert_error(ax_set_memlimit_of(ax, 4000000, 1), AX_ESRCH);
        fixture_as_uid(FIXTURE_UID, limit_another, &pid);
        ax_disconnect(other);
}
END_TEST

/* ---- M2, M3: bounds and protection ------------------------------------------------------------------------- */

START_TEST(test_M2_no_access_leaves_its_region) {
        _connected_ ax_client *ax = fixture_connect();
        ax_region_id region = alloc(ax, 1000, AX_PROT_READ_WRITE);
        char buf[2000];

        memset(buf, 'x', sizeof(buf));
        assert_result(ax_mem_write(ax, region, 0, buf, 1000), 1000);
        assert_error(ax_mem_write(ax, region, 0, buf, 1001), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_write(ax, region, 999, "yy", 2), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_write(ax, region, SIZE_MAX, buf, 2), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_write(ax, region, 1, buf, SIZE_MAX), AX_EMEM_OUT_OF_BOUNDS);
        assert_result(ax_mem_read(ax, region, 999, buf, 2), 1);
        ck_assert_int_eq(buf[0], 'x'); /* nothing of it was written */
        assert_result(ax_mem_read(ax, region, 1000, buf, 10), 0);
        assert_error(ax_mem_read(ax, region, 1001, buf, 10), AX_EMEM_OUT_OF_BOUNDS);
        assert_error(ax_mem_read(ax, region, SIZE_MAX, buf, 10), AX_EMEM_OUT_OF_BOUNDS);
        assert_result(ax_mem_read(ax, region, 0, buf, sizeof(buf)), 1000);
        assert_result(ax_mem_write(ax, region, 1000, buf, 0), 0);
}
END_TEST

/* How the host sees the pages: "rw-s", … */
static void host_permissions(const void *address, char permissions[static 5]) {
        FILE *maps = fopen("/proc/self/maps", "r");
        unsigned long start, end;
        char line[512];
        bool found = false;

        ck_assert_ptr_nonnull(maps);
        while (!found && fgets(line, sizeof(line), maps))
                found = sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3 && start <= (uintptr_t) address &&
                        (uintptr_t) address < end;
        fclose(maps);
        ck_assert(found);
}

START_TEST(test_M3_protection_holds) {
        static const struct {
                unsigned protection;
                const char *permissions;
        } kinds[] = { { AX_PROT_NONE, "---s" },
                      { AX_PROT_READ, "r--s" },
                      { AX_PROT_READ_WRITE, "rw-s" },
                      { AX_PROT_READ_EXEC, "r-xs" } };
        _connected_ ax_client *ax = fixture_connect();

        for (int i = 0; i < 4; i++) {
                ax_region_id region = alloc(ax, PAGE, kinds[i].protection);
                char permissions[5] = "", byte = 1;
                size_t size = 0;
                void *address = ax_mem_map(ax, region, &size);

                ck_assert_ptr_nonnull(address);
                ck_assert_uint_eq(size, PAGE);
                host_permissions(address, permissions);
                ck_assert_str_eq(permissions, kinds[i].permissions);
                if (kinds[i].protection == AX_PROT_READ_WRITE) {
                        assert_result(ax_mem_write(ax, region, 0, &byte, 1), 1);
                        continue;
                }
                assert_error(ax_mem_write(ax, region, 0, &byte, 1), AX_EMEM_PERMISSION_DENIED);
                /* and cannot be had otherwise, root or not */
                ck_assert_int_ne(mprotect(address, PAGE, PROT_READ | PROT_WRITE), 0);
                if (kinds[i].protection != AX_PROT_NONE)
                        assert_result(ax_mem_read(ax, region, 0, &byte, 1), 1);
                else
                        assert_error(ax_mem_read(ax, region, 0, &byte, 1), AX_EMEM_PERMISSION_DENIED);
        }
}
END_TEST

/* What a hostile program does with the descriptors themselves. */
START_TEST(test_M3_descriptors_are_sealed) {
        Axeberg__MemoryAllocRequest request = AXEBERG__MEMORY_ALLOC_REQUEST__INIT;
        static struct wire_frame reply;
        static const unsigned protections[] = { AX_PROT_READ_WRITE, AX_PROT_READ };
        _closed_ int fd = fixture_wire();

        for (uint32_t i = 0; i < 2; i++) {
                char path[64];
                int memory, again;

                request.size = 3 * PAGE;
                request.protection = protections[i];
                assert_result(wire_call(fd, 5 + i, wire_method("MemoryAlloc"), &request.base, &reply), 0);
                ck_assert_uint_eq(reply.n_fds, 1);
                memory = reply.fds[0];
                ck_assert_int_ne(ftruncate(memory, PAGE), 0);
                ck_assert_int_ne(ftruncate(memory, 100 * PAGE), 0);
                ck_assert_int_ne(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
                snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
                again = open(path, O_RDWR);
                if (i == 0) {
                        close(again);
                        close(memory);
                        continue;
                }
                for (int j = 0; j < 2; j++) {
                        int use = j == 0 ? memory : again;

                        if (use < 0)
                                continue;
                        ck_assert_int_ne((int) write(use, "x", 1), 1);
                        ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, use, 0), MAP_FAILED);
                        ck_assert_int_ne(fallocate(use, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
                        close(use);
                }
        }
}
END_TEST

/* ---- M4: segments ------------------------------------------------------------------------------------------- */

static void assert_byte(ax_client *ax, ax_region_id region, char expected) {
        char byte = 0;

        assert_result(ax_mem_read(ax, region, 0, &byte, 1), 1);
        ck_assert_int_eq(byte, expected);
}

START_TEST(test_M4_sync_and_refresh_pass_data_on_and_nothing_else_does) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_region_id a, b, late;
        ax_shm_id shm;

        assert_result(ax_shmget(ax, 10000, &shm), 0);
        assert_result(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &a), 0);
        assert_result(ax_shmat(other, shm, AX_PROT_READ, &b), 0);
        assert_result(ax_mem_write(ax, a, 0, "1", 1), 1);
        assert_result(ax_shm_refresh(other, shm), 0);
        assert_byte(other, b, 0); /* not synced */
        assert_result(ax_shm_sync(ax, shm), 0);
        assert_byte(other, b, 0); /* not refreshed */
        assert_result(ax_shm_refresh(other, shm), 0);
        assert_byte(other, b, '1');
        assert_error(ax_shm_sync(other, shm), AX_EMEM_PERMISSION_DENIED);
        assert_error(ax_mem_write(other, b, 0, "2", 1), AX_EMEM_PERMISSION_DENIED);
        assert_error(ax_mem_free(ax, a), AX_EMEM_PERMISSION_DENIED);
        assert_error(ax_shmat(ax, shm, AX_PROT_READ, &late), AX_EMEM_ALREADY_ATTACHED);
        assert_memory(ax, 10000, 1, 1);
        assert_system(ax, 30000, 1);
        assert_result(ax_shmdt(other, shm), 0);
        assert_result(ax_shmat(other, shm, AX_PROT_READ_WRITE, &late), 0);
        assert_byte(other, late, '1'); /* what is there when it is attached */
        assert_result(ax_shmdt(ax, shm), 0);
        assert_error(ax_shmdt(ax, shm), AX_EMEM_NOT_ATTACHED);
        assert_error(ax_shm_sync(ax, shm), AX_EMEM_NOT_ATTACHED);
        assert_error(ax_mem_read(ax, a, 0, &(char){ 0 }, 1), AX_EMEM_INVALID_REGION);
        assert_result(ax_shmdt(other, shm), 0);
        assert_error(ax_shmat(ax, shm, AX_PROT_READ, &a), AX_EMEM_SHM_NOT_FOUND);
        assert_error(ax_shm_refresh(ax, shm), AX_EMEM_SHM_NOT_FOUND);
        assert_system(ax, 0, 0);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_a_coherent_attachment_is_the_segment) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_region_id a, b;
        ax_shm_id shm;

        assert_result(ax_shmget(ax, PAGE, &shm), 0);
        assert_result(ax_shmat_coherent(ax, shm, &a), 0);
        assert_result(ax_shmat_coherent(other, shm, &b), 0);
        assert_result(ax_mem_write(ax, a, 0, "!", 1), 1);
        assert_byte(other, b, '!');
        assert_result(ax_shm_sync(ax, shm), 0);
        assert_result(ax_shm_refresh(other, shm), 0);
        assert_memory(ax, PAGE, 1, 1);
        assert_system(ax, PAGE, 1); /* every byte once */
        ax_disconnect(other);
}
END_TEST

START_TEST(test_a_segment_that_nobody_attached_ends_with_its_maker) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_segment *list;
        ax_region_id region;
        ax_shm_id shm, kept;

        assert_result(ax_shmget(other, 100, &shm), 0);
        assert_result(ax_shmget(other, 200, &kept), 0);
        assert_result(ax_shmat(ax, kept, AX_PROT_READ, &region), 0);
        assert_result(ax_shm_list(ax, &list), 2);
        ck_assert_uint_eq(list[0].id, shm);
        ck_assert_uint_eq(list[1].size, 200);
        ck_assert_uint_eq(list[1].attachments, 1);
        free(list);
        ax_disconnect(other);
        fixture_wait_sessions(ax, 1);
        assert_system(ax, 400, 1);
        assert_error(ax_shmat(ax, shm, AX_PROT_READ, &region), AX_EMEM_SHM_NOT_FOUND);
}
END_TEST

static void attach_as_another(ax_client *ax, void *userdata) {
        ax_region_id region;

        assert_error(ax_shmat(ax, *(ax_shm_id *) userdata, AX_PROT_READ, &region), AX_EMEM_PERMISSION_DENIED);
}

START_TEST(test_another_users_segment_is_not_attached) {
        _connected_ ax_client *ax = fixture_connect();
        ax_shm_id shm;

        assert_result(ax_shmget(ax, 100, &shm), 0);
        fixture_as_uid(FIXTURE_UID, attach_as_another, &shm);
}
END_TEST

struct copier {
        ax_client *ax;
        ax_shm_id shm;
        ax_region_id region;
        size_t size;
        char fill;
        unsigned mixed;
};

/* Writes patterns that are all of one byte; a segment that holds two was copied by halves. */
static void *copy_patterns(void *userdata) {
        struct copier *copier = userdata;
        char *data = malloc(copier->size);

        for (int i = 0; i < 60; i++) {
                memset(data, copier->fill + i % 5, copier->size);
                assert_result(ax_mem_write(copier->ax, copier->region, 0, data, copier->size), (int64_t) copier->size);
                assert_result(ax_shm_sync(copier->ax, copier->shm), 0);
                assert_result(ax_shm_refresh(copier->ax, copier->shm), 0);
                assert_result(ax_mem_read(copier->ax, copier->region, 0, data, copier->size), (int64_t) copier->size);
                copier->mixed += memcmp(data, data + 1, copier->size - 1) != 0;
        }
        free(data);
        return NULL;
}

START_TEST(test_sync_and_refresh_are_atomic) {
        static const size_t sizes[] = { 100000, 3 << 20 }; /* in the kernel's thread, and in workers */

        for (int i = 0; i < 2; i++) {
                struct copier copiers[3];
                pthread_t threads[3];
                ax_shm_id shm;

                for (int j = 0; j < 3; j++) {
                        copiers[j] = (struct copier){ .ax = fixture_connect(),
                                                      .size = sizes[i],
                                                      .fill = (char) ('a' + 5 * j) };
                        if (j == 0)
                                assert_result(ax_shmget(copiers[0].ax, sizes[i], &shm), 0);
                        copiers[j].shm = shm;
                        assert_result(ax_shmat(copiers[j].ax, shm, AX_PROT_READ_WRITE, &copiers[j].region), 0);
                }
                for (int j = 0; j < 3; j++)
                        assert_result(pthread_create(&threads[j], NULL, copy_patterns, &copiers[j]), 0);
                for (int j = 0; j < 3; j++) {
                        assert_result(pthread_join(threads[j], NULL), 0);
                        ck_assert_uint_eq(copiers[j].mixed, 0);
                        ax_disconnect(copiers[j].ax);
                }
        }
}
END_TEST

/* ---- M5: what is gone ---------------------------------------------------------------------------------------- */

START_TEST(test_M5_a_freed_region_gives_an_error) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_region_id region = alloc(ax, 100, AX_PROT_READ_WRITE), next;
        char byte;

        assert_error(ax_mem_read(other, region, 0, &byte, 1), AX_EMEM_INVALID_REGION); /* foreign */
        assert_error(ax_mem_free(other, region), AX_EMEM_INVALID_REGION);
        assert_result(ax_mem_free(ax, region), 0);
        next = alloc(ax, 100, AX_PROT_READ_WRITE); /* may lie where that was */
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

        atomic_store(&victim.region, alloc(ax, COPIERS * COPY_SIZE, AX_PROT_READ_WRITE));
        for (int i = 0; i < COPIERS; i++)
                assert_result(pthread_create(&threads[i], NULL, copy_what_is_freed, &victim), 0);
        for (int i = 0; i < 300; i++) {
                ax_region_id old = atomic_load(&victim.region);

                atomic_store(&victim.region, alloc(ax, COPIERS * COPY_SIZE, AX_PROT_READ_WRITE));
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
        ax_region_id region = alloc(ax, 100, AX_PROT_READ_WRITE), other = alloc(ax, 100, AX_PROT_READ);
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
        region = alloc(ax, 100, AX_PROT_READ_WRITE);
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
                assert_result(ax_mem_free(ax, alloc(ax, PAGE, AX_PROT_READ_WRITE)), 0);
        return NULL;
}

/* The daemon gives a region's number away as soon as it is free, before the thread that freed it has unmapped it. */
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
                ax_region_id region = alloc(contest->ax, PAGE, AX_PROT_READ_WRITE);
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

        atomic_store(&victim.region, alloc(ax, 1 << 20, AX_PROT_READ_WRITE));
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
                        region = alloc(own, PAGE, AX_PROT_READ);
                        _exit(ax_mem_free(own, region) == 0 ? 0 : 2);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(status, 0);
        }
        atomic_store(&victim.stop, true);
        assert_result(pthread_join(thread, NULL), 0);
}
END_TEST

/* ---- published pages ------------------------------------------------------------------------------------------- */

START_TEST(test_published_figures_cost_no_call_and_are_right) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_memory_stats stats, asked;
        struct ax_status before, after;
        double uptime_ms;

        (void) alloc(ax, 12345, AX_PROT_READ);
        assert_result(ax_sigblock(ax, AX_SIGUSR1), 0);
        assert_result(ax_status(other, &before), 0);
        for (int i = 0; i < 1000; i++) {
                assert_result(ax_memstats(ax, &stats), 0);
                assert_result(ax_sigpending(ax), 0);
                ck_assert_int_gt(ax_getpid(ax), 1);
                assert_result(ax_trace_enabled(ax), 0);
        }
        assert_result(ax_status(other, &after), 0);
        ck_assert_uint_eq(after.calls - after.local_calls, before.calls - before.local_calls + 1);
        ck_assert_uint_ge(after.local_calls, before.local_calls + 4000);
        assert_result(ax_memstats_of(ax, ax_getpid(ax), &asked), 0);
        ck_assert_mem_eq(&stats, &asked, sizeof(stats));
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGUSR1), 0);
        assert_result(ax_sigpending(ax), 1);
        uptime_ms = ax_uptime_ms(ax);
        ck_assert(uptime_ms > 0 && uptime_ms >= (double) before.uptime_usec / 1e3);
        /* and of one that has ended they say so */
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGKILL), 0);
        assert_error(ax_sigpending(ax), AX_ESRCH);
        assert_error(ax_memstats(ax, &stats), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_pages_cannot_be_written) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        static struct wire_frame reply;
        _closed_ int fd = wire_connect(the_daemon.socket);

        request.version = AX_PROTOCOL_VERSION;
        assert_result(wire_call(fd, 1, wire_method("Hello"), &request.base, &reply), 0);
        ck_assert_uint_eq(reply.n_fds, 3); /* the third is the counters, which are its own */
        for (int i = 0; i < 2; i++) {
                int page = reply.fds[i];

                ck_assert_int_ne((int) write(page, "x", 1), 1);
                ck_assert_int_ne(ftruncate(page, 0), 0);
                ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0), MAP_FAILED);
                ck_assert_int_ne(fallocate(page, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
        }
        wire_frame_close_fds(&reply);
}
END_TEST

/* ---- bad input, and many -------------------------------------------------------------------------------------- */

START_TEST(test_bad_sizes_protections_and_ids) {
        static const size_t large[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - PAGE, SIZE_MAX / 2, (size_t) 1 << 47 };
        static const unsigned bad[] = { 2, 4, 6, 7, 8, UINT32_MAX };
        _connected_ ax_client *ax = fixture_connect();
        ax_region_id region;
        ax_shm_id shm;

        assert_error(ax_mem_alloc(ax, 0, AX_PROT_READ_WRITE, &region), AX_EMEM_INVALID_SIZE);
        assert_error(ax_shmget(ax, 0, &shm), AX_EMEM_INVALID_SIZE);
        for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
                assert_error(ax_mem_alloc(ax, large[i], AX_PROT_READ_WRITE, &region), AX_EMEM_OUT_OF_MEMORY);
                assert_error(ax_shmget(ax, large[i], &shm), AX_EMEM_OUT_OF_MEMORY);
        }
        assert_result(ax_shmget(ax, 10, &shm), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_error(ax_mem_alloc(ax, 10, bad[i], &region), AX_EINVAL);
                assert_error(ax_shmat(ax, shm, bad[i], &region), AX_EINVAL);
        }
        assert_error(ax_mem_alloc(ax, 10, AX_PROT_READ, NULL), AX_EINVAL);
        assert_error(ax_shmget(ax, 10, NULL), AX_EINVAL);
        assert_error(ax_shmat(ax, shm, AX_PROT_READ, NULL), AX_EINVAL);
        assert_error(ax_shmat(ax, shm + 1, AX_PROT_READ, &region), AX_EMEM_SHM_NOT_FOUND);
        assert_error(ax_shmdt(ax, 0), AX_EMEM_SHM_NOT_FOUND);
        assert_error(ax_memstats(ax, NULL), AX_EINVAL);
        assert_memory(ax, 0, 0, 0);
        assert_system(ax, 10, 1);
}
END_TEST

START_TEST(test_ten_thousand_regions_and_segments) {
        enum { COUNT = 10000 };
        static ax_region_id regions[COUNT];
        static ax_shm_id segments[COUNT];
        _connected_ ax_client *ax = fixture_connect();
        struct ax_segment *list;
        int value;

        for (int i = 0; i < COUNT; i++) {
                regions[i] = alloc(ax, 4096, AX_PROT_READ_WRITE);
                assert_result(ax_mem_write(ax, regions[i], 0, &i, sizeof(i)), sizeof(i));
        }
        for (int i = 0; i < COUNT; i++)
                assert_result(ax_shmget(ax, 64, &segments[i]), 0);
        assert_result(ax_shm_list(ax, &list), COUNT);
        free(list);
        for (int i = 0; i < COUNT; i += 7) {
                assert_result(ax_mem_read(ax, regions[i], 0, &value, sizeof(value)), sizeof(value));
                ck_assert_int_eq(value, i);
        }
        for (int i = 0; i < COUNT; i++)
                assert_result(ax_mem_free(ax, regions[(i * 7919) % COUNT]), 0);
        for (int i = 0; i < COUNT; i += 100) {
                ax_region_id region;

                assert_result(ax_shmat(ax, segments[i], AX_PROT_READ_WRITE, &region), 0);
                assert_result(ax_shmdt(ax, segments[i]), 0);
        }
        assert_memory(ax, 0, 0, 0);
        assert_system(ax, 64 * (COUNT - COUNT / 100), COUNT - COUNT / 100);
}
END_TEST

/* So large that only pages that differ are copied. */
START_TEST(test_M4_large_segments) {
        enum { SIZE = (16 << 20) + 5 };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        ax_region_id mine, theirs;
        uint8_t *here, *there;
        ax_shm_id shm;

        assert_result(ax_shmget(ax, SIZE, &shm), 0);
        assert_result(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &mine), 0);
        assert_result(ax_shmat(other, shm, AX_PROT_READ_WRITE, &theirs), 0);
        here = ax_mem_map(ax, mine, NULL);
        there = ax_mem_map(other, theirs, NULL);
        for (size_t at = 0; at < SIZE; at += 123457)
                here[at] = (uint8_t) (at / 3 + 1);
        here[SIZE - 1] = 77;
        assert_result(ax_shm_sync(ax, shm), 0);
        ck_assert_int_eq(there[SIZE - 1], 0);
        assert_result(ax_shm_refresh(other, shm), 0);
        ck_assert_mem_eq(here, there, SIZE);
        there[4096 * 7 - 1] = 1;
        there[0] = 9;
        assert_result(ax_shm_sync(other, shm), 0);
        assert_result(ax_shm_refresh(ax, shm), 0);
        ck_assert_mem_eq(here, there, SIZE);
        ax_disconnect(other);
}
END_TEST

/* ---- dying ---------------------------------------------------------------------------------------------------- */

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

/* Some hundred clients, each killed at another moment. */
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
                assert_system(ax, 4 << 20, 1);
        }
        do /* a copy that a worker has begun ends, though nobody waits for it */
                assert_result(daemon_observe(&the_daemon, &after), 0);
        while (after.descriptors != before.descriptors);
}
END_TEST

/* ---- beside a model ------------------------------------------------------------------------------------------- */

enum { CLIENTS = 4, REGIONS = 24, SEGMENTS = 10, STEPS = 60000, LARGEST = 6000, LIMIT = 60000 };

struct model_region {
        ax_region_id id; /* 0: none */
        size_t size;
        unsigned protection;
        uint8_t data[LARGEST];
};

struct model_segment {
        ax_shm_id id;
        size_t size;
        int attachments;
        uint8_t data[LARGEST];
};

struct model {
        ax_client *ax[CLIENTS];
        struct model_region regions[CLIENTS][REGIONS], attached[CLIENTS][SEGMENTS];
        struct model_segment segments[SEGMENTS];
        uint64_t random;
};

static uint32_t below(struct model *model, uint32_t limit) {
        model->random ^= model->random >> 12;
        model->random ^= model->random << 25;
        model->random ^= model->random >> 27;
        return (uint32_t) ((model->random * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static uint64_t used_by(const struct model *model, int c) {
        uint64_t used = 0;

        for (int i = 0; i < REGIONS; i++)
                used += model->regions[c][i].id ? model->regions[c][i].size : 0;
        for (int i = 0; i < SEGMENTS; i++)
                used += model->attached[c][i].id ? model->attached[c][i].size : 0;
        return used;
}

static unsigned any_protection(struct model *model) {
        static const unsigned protections[] = { AX_PROT_NONE,       AX_PROT_READ,       AX_PROT_READ_WRITE,
                                                AX_PROT_READ_WRITE, AX_PROT_READ_WRITE, AX_PROT_READ_EXEC };

        return protections[below(model, 6)];
}

static void step_alloc(struct model *model, int c) {
        struct model_region *region = &model->regions[c][below(model, REGIONS)];
        size_t size = 1 + below(model, LARGEST);
        unsigned protection = any_protection(model);
        ax_region_id id = 0;

        if (region->id) {
                assert_result(ax_mem_free(model->ax[c], region->id), 0);
                region->id = 0;
        } else if (used_by(model, c) + size > LIMIT) {
                assert_error(ax_mem_alloc(model->ax[c], size, protection, &id), AX_EMEM_OUT_OF_MEMORY);
        } else {
                assert_result(ax_mem_alloc(model->ax[c], size, protection, &id), 0);
                *region = (struct model_region){ .id = id, .size = size, .protection = protection };
        }
}

static void step_copy(struct model *model, int c) {
        struct model_region *region = below(model, 2) ? &model->regions[c][below(model, REGIONS)]
                                                      : &model->attached[c][below(model, SEGMENTS)];
        size_t offset = below(model, LARGEST + 100), size = below(model, LARGEST), expected;
        static uint8_t data[LARGEST];

        if (!region->id)
                return;
        if (below(model, 2)) {
                for (size_t i = 0; i < size; i++)
                        data[i] = (uint8_t) (model->random >> (i % 8) * 8);
                if (region->protection != AX_PROT_READ_WRITE) {
                        assert_error(ax_mem_write(model->ax[c], region->id, offset, data, size),
                                     AX_EMEM_PERMISSION_DENIED);
                } else if (offset > region->size || size > region->size - offset) {
                        assert_error(ax_mem_write(model->ax[c], region->id, offset, data, size), AX_EMEM_OUT_OF_BOUNDS);
                } else {
                        assert_result(ax_mem_write(model->ax[c], region->id, offset, data, size), (int64_t) size);
                        memcpy(region->data + offset, data, size);
                }
                return;
        }
        if (region->protection == AX_PROT_NONE) {
                assert_error(ax_mem_read(model->ax[c], region->id, offset, data, size), AX_EMEM_PERMISSION_DENIED);
        } else if (offset > region->size) {
                assert_error(ax_mem_read(model->ax[c], region->id, offset, data, size), AX_EMEM_OUT_OF_BOUNDS);
        } else {
                expected = size < region->size - offset ? size : region->size - offset;
                assert_result(ax_mem_read(model->ax[c], region->id, offset, data, size), (int64_t) expected);
                ck_assert(memcmp(data, region->data + offset, expected) == 0);
        }
}

static void step_attach(struct model *model, int c) {
        int s = (int) below(model, SEGMENTS);
        struct model_segment *segment = &model->segments[s];
        struct model_region *attached = &model->attached[c][s];
        unsigned protection = any_protection(model);
        ax_region_id id;

        if (!segment->id) {
                *segment = (struct model_segment){ .size = 1 + below(model, LARGEST) };
                assert_result(ax_shmget(model->ax[c], segment->size, &segment->id), 0);
        }
        if (attached->id) {
                assert_error(ax_shmat(model->ax[c], segment->id, protection, &id), AX_EMEM_ALREADY_ATTACHED);
        } else if (used_by(model, c) + segment->size > LIMIT) {
                assert_error(ax_shmat(model->ax[c], segment->id, protection, &id), AX_EMEM_OUT_OF_MEMORY);
        } else {
                assert_result(ax_shmat(model->ax[c], segment->id, protection, &id), 0);
                *attached = (struct model_region){ .id = id, .size = segment->size, .protection = protection };
                memcpy(attached->data, segment->data, segment->size);
                segment->attachments++;
        }
}

static void step_segment(struct model *model, int c) {
        int s = (int) below(model, SEGMENTS);
        struct model_segment *segment = &model->segments[s];
        struct model_region *attached = &model->attached[c][s];
        ax_client *ax = model->ax[c];

        if (!segment->id)
                return;
        if (!attached->id) {
                assert_error(ax_shmdt(ax, segment->id), AX_EMEM_NOT_ATTACHED);
                assert_error(ax_shm_sync(ax, segment->id), AX_EMEM_NOT_ATTACHED);
        } else if (below(model, 3) == 0) {
                assert_result(ax_shmdt(ax, segment->id), 0);
                attached->id = 0;
                if (--segment->attachments == 0)
                        segment->id = 0;
        } else if (below(model, 2)) {
                assert_result(ax_shm_refresh(ax, segment->id), 0);
                memcpy(attached->data, segment->data, segment->size);
        } else if (attached->protection != AX_PROT_READ_WRITE) {
                assert_error(ax_shm_sync(ax, segment->id), AX_EMEM_PERMISSION_DENIED);
        } else {
                assert_result(ax_shm_sync(ax, segment->id), 0);
                memcpy(segment->data, attached->data, segment->size);
        }
}

static void compare_totals(struct model *model) {
        uint64_t total = 0, segments = 0;

        for (int s = 0; s < SEGMENTS; s++)
                if (model->segments[s].id) {
                        total += model->segments[s].size;
                        segments++;
                }
        for (int c = 0; c < CLIENTS; c++) {
                uint64_t regions = 0, attachments = 0;

                for (int i = 0; i < REGIONS; i++)
                        regions += model->regions[c][i].id != 0;
                for (int i = 0; i < SEGMENTS; i++)
                        attachments += model->attached[c][i].id != 0;
                assert_memory(model->ax[c], used_by(model, c), regions + attachments, attachments);
                total += used_by(model, c);
        }
        assert_system(model->ax[0], total, segments);
}

START_TEST(test_long_sequences_do_what_the_model_does) {
        static struct model model;
        const char *seed = getenv("AXEBERG_FUZZ_SEED");

        model.random = seed ? strtoull(seed, NULL, 0) : 20261124;
        printf("AXEBERG_FUZZ_SEED=%llu\n", (unsigned long long) model.random);
        model.random = model.random * 2 + 1;
        for (int c = 0; c < CLIENTS; c++) {
                model.ax[c] = fixture_connect();
                assert_result(ax_set_memlimit(model.ax[c], LIMIT), 0);
        }
        for (unsigned i = 0; i < STEPS; i++) {
                static void (*const steps[])(struct model *, int) = { step_alloc, step_copy, step_copy, step_attach,
                                                                      step_segment };

                steps[below(&model, 5)](&model, (int) below(&model, CLIENTS));
                if (i % 500 == 0)
                        compare_totals(&model);
        }
        for (int c = 1; c < CLIENTS; c++)
                ax_disconnect(model.ax[c]);
        fixture_wait_sessions(model.ax[0], 1);
        ax_disconnect(model.ax[0]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("memory");

        fixture_add(suite, test_M1_no_allocation_passes_the_processs_limit, 0);
        fixture_add(suite, test_M1_users_and_the_system_have_limits, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_administrators_limit_others, FIXTURE_ROOT);
        fixture_add(suite, test_M2_no_access_leaves_its_region, 0);
        fixture_add(suite, test_M3_protection_holds, 0);
        fixture_add(suite, test_M3_descriptors_are_sealed, 0);
        fixture_add(suite, test_M4_sync_and_refresh_pass_data_on_and_nothing_else_does, 0);
        fixture_add(suite, test_a_coherent_attachment_is_the_segment, 0);
        fixture_add(suite, test_a_segment_that_nobody_attached_ends_with_its_maker, 0);
        fixture_add(suite, test_another_users_segment_is_not_attached, FIXTURE_ROOT);
        fixture_add(suite, test_sync_and_refresh_are_atomic, 0);
        fixture_add(suite, test_M5_a_freed_region_gives_an_error, 0);
        fixture_add(suite, test_M5_a_region_may_be_freed_during_a_copy, 0);
        fixture_add(suite, test_M5_every_copy_looks_again, 0);
        fixture_add(suite, test_M5_regions_freed_and_made_at_once_leave_no_mapping, 0);
        fixture_add(suite, test_M5_a_region_that_is_gone_before_it_is_mapped_is_in_nobodys_way, 0);
        fixture_add(suite, test_M5_a_forked_child_waits_for_no_thread_of_its_parent, 0);
        fixture_add(suite, test_published_figures_cost_no_call_and_are_right, 0);
        fixture_add(suite, test_pages_cannot_be_written, 0);
        fixture_add(suite, test_bad_sizes_protections_and_ids, 0);
        fixture_add(suite, test_ten_thousand_regions_and_segments, 0);
        fixture_add(suite, test_M4_large_segments, 0);
        fixture_add(suite, test_a_client_that_is_killed_leaves_the_totals_as_they_were, 0);
        fixture_add(suite, test_long_sequences_do_what_the_model_does, 0);
        return fixture_main(suite);
}
