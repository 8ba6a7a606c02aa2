/* SPDX-License-Identifier: MIT */
/*
 * Long random sequences of calls on memory, each beside a model that says what it must do.
 */
#include "fixture.h"
#include "memory_checks.h"

#include <stdlib.h>
#include <string.h>

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
        assert_system_memory(model->ax[0], total, segments);
}

START_TEST(test_long_sequences_do_what_the_model_does) {
        static struct model model;

        model.random = fixture_seed() * 2 + 1;
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
        Suite *suite = suite_create("memory model");

        fixture_add(suite, test_long_sequences_do_what_the_model_does, 0);
        return fixture_main(suite);
}
