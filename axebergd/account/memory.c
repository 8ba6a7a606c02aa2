/* SPDX-License-Identifier: MIT */
#include "account/memory.h"

#include <assert.h>
#include <stdbool.h>

#include "axeberg.h"

static bool has_room(const struct memory_account *account, uint64_t bytes) {
        uint64_t limit = account->limit ? account->limit : UINT64_MAX;

        return account->used <= limit && bytes <= limit - account->used;
}

static void take(struct memory_account *account, uint64_t bytes) {
        account->used += bytes;
        assert(!account->limit || account->used <= account->limit); /* M1 */
        if (account->used > account->peak)
                account->peak = account->used;
}

int memory_charge(struct memory_charge *charge, const struct memory_parties *parties, uint64_t bytes) {
        if ((parties->process && !has_room(parties->process, bytes)) ||
            (parties->system && !has_room(parties->system, bytes)))
                return -AX_EMEM_OUT_OF_MEMORY;
        if (parties->system && user_charge(parties->user, &charge->user, USER_MEMORY, bytes) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        if (parties->process) {
                take(parties->process, bytes);
                charge->process = parties->process;
                charge->process_bytes = bytes;
        }
        if (parties->system) {
                take(parties->system, bytes);
                charge->system = parties->system;
                charge->system_bytes = bytes;
        }
        return 0;
}

void memory_charge_leave_process(struct memory_charge *charge) {
        if (!charge->process)
                return;
        assert(charge->process->used >= charge->process_bytes);
        charge->process->used -= charge->process_bytes;
        charge->process = NULL;
}

void memory_charge_deinit(struct memory_charge *charge) {
        memory_charge_leave_process(charge);
        if (charge->system) {
                assert(charge->system->used >= charge->system_bytes);
                charge->system->used -= charge->system_bytes;
        }
        user_charge_deinit(&charge->user);
        *charge = (struct memory_charge){ 0 };
}
