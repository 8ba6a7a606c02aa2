/* SPDX-License-Identifier: MIT */
/*
 * Counting the records of the trace.
 */
#include "trace_checks.h"

#include <stdlib.h>
#include <string.h>

uint64_t count_records(ax_client *ax, const struct ax_trace_filter *filter, const char *name, uint64_t *ret_lost) {
        struct ax_trace_status status;
        uint64_t after = 0, count = 0, lost = 0;

        assert_result(ax_trace_status(ax, &status), 0);
        while (after + 1 < status.next) {
                struct ax_trace_record *records = NULL;
                uint64_t now_lost = 0, before = after;
                int n = ax_trace_read(ax, &after, filter, false, &records, &now_lost);

                ck_assert_int_ge(n, 0);
                lost += now_lost;
                for (int i = 0; i < n; i++)
                        count += !name || strcmp(records[i].name, name) == 0;
                free(records);
                if (after == before)
                        break;
        }
        if (ret_lost)
                *ret_lost = lost;
        return count;
}
