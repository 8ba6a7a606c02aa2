/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool parse_bytes(const char *text, uint64_t *ret) {
        static const char units[] = "KMGT";
        unsigned long long number;
        const char *unit;
        char *end;
        int shift = 0;

        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno || !isdigit((unsigned char) text[0])) /* no space, no sign */
                return false;
        unit = *end ? strchr(units, *end) : NULL;
        if (unit) {
                shift = 10 * (int) (unit - units + 1);
                end++;
        }
        if (*end || number > UINT64_MAX >> shift)
                return false;
        *ret = (uint64_t) number << shift;
        return true;
}
