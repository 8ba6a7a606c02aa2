/* SPDX-License-Identifier: MIT */
/*
 * Regions: limits (M1), bounds (M2), protection (M3), bad input, and many of them.
 */
#include "fixture.h"
#include "memory_checks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- M1: limits ------------------------------------------------------------------------------ */

START_TEST(test_M1_no_allocation_passes_the_processs_limit) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_memory_stats stats;
        ax_region_id region, other;
        ax_shm_id shm;

        assert_result(ax_set_memlimit(ax, 10000), 0);
        region = alloc_region(ax, 6000, AX_PROT_READ_WRITE);
        assert_error(ax_mem_alloc(ax, 4001, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_memory(ax, 6000, 1, 0);
        assert_result(ax_shmget(ax, 4001, &shm), 0); /* it counts when it is attached */
        assert_error(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_error(ax_shmat_coherent(ax, shm, &other), AX_EMEM_OUT_OF_MEMORY);
        (void) alloc_region(ax, 4000, AX_PROT_READ);
        assert_error(ax_mem_alloc(ax, 1, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_result(ax_set_memlimit(ax, 1), 0); /* below what is in use */
        assert_memory(ax, 10000, 2, 0);
        assert_result(ax_mem_free(ax, region), 0);
        assert_error(ax_mem_alloc(ax, 1, AX_PROT_READ_WRITE, &other), AX_EMEM_OUT_OF_MEMORY);
        assert_result(ax_set_memlimit(ax, 0), 0);
        (void) alloc_region(ax, 100000, AX_PROT_READ_WRITE);
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
        (void) alloc_region(ax, 10000, AX_PROT_READ_WRITE);
        assert_error(ax_mem_alloc(other, 6385, AX_PROT_READ_WRITE, &region), AX_EMEM_OUT_OF_MEMORY);
        assert_error(ax_shmget(other, 6385, &shm), AX_EMEM_OUT_OF_MEMORY);
        (void) alloc_region(other, 6384, AX_PROT_READ_WRITE);
        assert_system_memory(ax, 16384, 0);
        ax_disconnect(ax);
        fixture_wait_sessions(other, 1);
        (void) alloc_region(other, 3616, AX_PROT_READ_WRITE);
        assert_system_memory(other, 10000, 0);
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

/* ---- M2, M3: bounds and protection ----------------------------------------------------------- */

START_TEST(test_M2_no_access_leaves_its_region) {
        _connected_ ax_client *ax = fixture_connect();
        ax_region_id region = alloc_region(ax, 1000, AX_PROT_READ_WRITE);
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
                ax_region_id region = alloc_region(ax, PAGE, kinds[i].protection);
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
        Axeberg__MemAllocRequest request = AXEBERG__MEM_ALLOC_REQUEST__INIT;
        static struct wire_frame reply;
        static const unsigned protections[] = { AX_PROT_READ_WRITE, AX_PROT_READ };
        _closed_ int fd = fixture_wire();

        for (uint32_t i = 0; i < 2; i++) {
                char path[64];
                int memory, again;

                request.size = 3 * PAGE;
                request.protection = protections[i];
                assert_result(wire_call(fd, 5 + i, wire_method("MemAlloc"), &request.base, &reply), 0);
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

/* ---- bad input, and many --------------------------------------------------------------------- */

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
        assert_system_memory(ax, 10, 1);
}
END_TEST

/* Segments are fewer: each takes a descriptor of the daemon. */
START_TEST(test_ten_thousand_regions_and_many_segments) {
        enum { COUNT = 10000, SEGMENTS = 3000 };
        static ax_region_id regions[COUNT];
        static ax_shm_id segments[SEGMENTS];
        _connected_ ax_client *ax = fixture_connect();
        struct ax_segment *list;
        int value;

        for (int i = 0; i < COUNT; i++) {
                regions[i] = alloc_region(ax, 4096, AX_PROT_READ_WRITE);
                assert_result(ax_mem_write(ax, regions[i], 0, &i, sizeof(i)), sizeof(i));
        }
        for (int i = 0; i < SEGMENTS; i++)
                assert_result(ax_shmget(ax, 64, &segments[i]), 0);
        assert_result(ax_shm_list(ax, &list), SEGMENTS);
        free(list);
        for (int i = 0; i < COUNT; i += 7) {
                assert_result(ax_mem_read(ax, regions[i], 0, &value, sizeof(value)), sizeof(value));
                ck_assert_int_eq(value, i);
        }
        for (int i = 0; i < COUNT; i++)
                assert_result(ax_mem_free(ax, regions[(i * 7919) % COUNT]), 0);
        for (int i = 0; i < SEGMENTS; i += 100) {
                ax_region_id region;

                assert_result(ax_shmat(ax, segments[i], AX_PROT_READ_WRITE, &region), 0);
                assert_result(ax_shmdt(ax, segments[i]), 0);
        }
        assert_memory(ax, 0, 0, 0);
        assert_system_memory(ax, 64 * (SEGMENTS - SEGMENTS / 100), SEGMENTS - SEGMENTS / 100);
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
        fixture_add(suite, test_bad_sizes_protections_and_ids, 0);
        fixture_add(suite, test_ten_thousand_regions_and_many_segments, 0);
        return fixture_main(suite);
}
