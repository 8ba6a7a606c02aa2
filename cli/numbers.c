/* SPDX-License-Identifier: MIT */
#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool parse_id(const char *text, uint32_t *ret) {
        unsigned long number;
        char *end;

        errno = 0;
        number = strtoul(text, &end, 10);
        if (errno || !isdigit((unsigned char) *text) || *end || number >= UINT32_MAX)
                return false;
        *ret = (uint32_t) number;
        return true;
}

bool parse_seconds(const char *text, double *ret) {
        static const char units[] = "smhd";
        static const double seconds[] = { 1, 60, 3600, 86400 };
        const char *unit;
        char *end;

        if (!isdigit((unsigned char) *text) && *text != '.')
                return false;
        *ret = strtod(text, &end);
        if (end == text || !isfinite(*ret))
                return false;
        if (!*end)
                return true;
        unit = strchr(units, *end);
        if (!unit || end[1])
                return false;
        *ret *= seconds[unit - units];
        return true;
}
