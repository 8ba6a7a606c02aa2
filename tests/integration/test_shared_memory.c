/* SPDX-License-Identifier: MIT */
/*
 * Shared segments: M4, attachments of every kind, and what cannot be sealed.
 */
#include "fixture.h"
#include "memory_checks.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- M4: segments ---------------------------------------------------------------------------- */

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
        assert_system_memory(ax, 30000, 1);
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
        assert_system_memory(ax, 0, 0);
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
        assert_system_memory(ax, PAGE, 1); /* every byte once */
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
        assert_system_memory(ax, 400, 1);
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

/* ---- published pages ------------------------------------------------------------------------- */

static int attach_by_wire(int fd, ax_shm_id shm) {
        static struct wire_frame reply;
        Axeberg__ShmatRequest request = AXEBERG__SHMAT_REQUEST__INIT;

        request.shm = shm;
        request.protection = AX_PROT_READ_WRITE;
        assert_result(wire_call(fd, 10, wire_method("Shmat"), &request.base, &reply), 0);
        ck_assert_uint_eq(reply.n_fds, 1);
        return reply.fds[0];
}

static int shm_by_wire(int fd, const char *method, ax_shm_id shm) {
        static struct wire_frame reply;
        Axeberg__ShmRequest request = AXEBERG__SHM_REQUEST__INIT;

        request.shm = shm;
        return wire_call(fd, 11, wire_method(method), &request.base, &reply);
}

/*
 * Programs that do not seal their attachments, with a segment that other programs have, and with
 * one that they have not.
 */
static void copy_unsealed(bool shared) {
        enum { SIZE = 300000, AT = 262139 };
        _connected_ ax_client *ax = fixture_connect(), *third = shared ? fixture_connect() : NULL;
        _closed_ int fd = fixture_wire();
        ax_region_id region, of_third;
        int memory;
        char buf[16] = { 0 };
        ax_shm_id shm;

        assert_result(ax_shmget(ax, SIZE, &shm), 0);
        assert_result(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &region), 0);
        if (shared)
                assert_result(ax_shmat_coherent(third, shm, &of_third), 0);
        memory = attach_by_wire(fd, shm);
        ck_assert_int_eq(pwrite(memory, "from the wire", 13, AT), 13);
        assert_result(shm_by_wire(fd, "ShmSync", shm), 0);
        assert_result(ax_shm_refresh(ax, shm), 0);
        assert_result(ax_mem_read(ax, region, AT, buf, 13), 13);
        ck_assert_str_eq(buf, "from the wire");
        if (shared)
                assert_result(ax_mem_read(third, of_third, AT, buf, 13), 13);
        assert_result(ax_mem_write(ax, region, AT, "to the wire!!", 13), 13);
        assert_result(ax_shm_sync(ax, shm), 0);
        assert_result(shm_by_wire(fd, "ShmRefresh", shm), 0);
        ck_assert_int_eq(pread(memory, buf, 13, AT), 13);
        ck_assert_str_eq(buf, "to the wire!!");
        assert_result(shm_by_wire(fd, "Shmdt", shm), 0);
        close(memory);
}

START_TEST(test_M4_attachments_that_are_not_sealed) {
        copy_unsealed(false);
        copy_unsealed(true);
}
END_TEST

/* Whoever keeps the daemon from unmapping safely goes on paying; nobody else notices. */
START_TEST(test_memory_that_cannot_be_sealed_stays_charged) {
        enum { SIZE = 8192 };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_user *users;
        ax_shm_id shm;
        int memory, fd = fixture_wire();

        assert_result(ax_shmget(ax, SIZE, &shm), 0);
        memory = attach_by_wire(fd, shm);
        ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL), 0);
        assert_result(shm_by_wire(fd, "ShmSync", shm), 0);
        close(fd);
        fixture_wait_sessions(ax, 1);
        close(memory);
        assert_ok(ax_user_list(ax, &users));
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_MEMORY].used, SIZE);
        ck_assert_uint_ge(users[0].resources[AX_RESOURCE_MAPPINGS].used, 1);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_REGIONS].used, 0);
        free(users);
        assert_ok(ax_shmget(ax, SIZE, &shm));
}
END_TEST

/* ---- bad input, and many --------------------------------------------------------------------- */

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

int main(void) {
        Suite *suite = suite_create("shared memory");

        fixture_add(suite, test_M4_sync_and_refresh_pass_data_on_and_nothing_else_does, 0);
        fixture_add(suite, test_a_coherent_attachment_is_the_segment, 0);
        fixture_add(suite, test_a_segment_that_nobody_attached_ends_with_its_maker, 0);
        fixture_add(suite, test_another_users_segment_is_not_attached, FIXTURE_ROOT);
        fixture_add(suite, test_sync_and_refresh_are_atomic, 0);
        fixture_add(suite, test_M4_attachments_that_are_not_sealed, 0);
        fixture_add(suite, test_memory_that_cannot_be_sealed_stays_charged, 0);
        fixture_add(suite, test_M4_large_segments, 0);
        return fixture_main(suite);
}
