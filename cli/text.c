/* SPDX-License-Identifier: MIT */
/*
 * Figures as people read them.
 */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>

const char *duration_text(uint64_t usec, char text[static DURATION_SIZE]) {
        uint64_t seconds = usec / 1000000;

        if (seconds >= 86400)
                snprintf(text, DURATION_SIZE, "%" PRIu64 "d %02d:%02d:%02d", seconds / 86400,
                         (int) (seconds / 3600 % 24), (int) (seconds / 60 % 60), (int) (seconds % 60));
        else if (seconds >= 60)
                snprintf(text, DURATION_SIZE, "%02d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60),
                         (int) (seconds % 60));
        else
                snprintf(text, DURATION_SIZE, "%d.%02ds", (int) seconds, (int) (usec / 10000 % 100));
        return text;
}

const char *bytes_text(uint64_t bytes, char text[static BYTES_SIZE]) {
        static const char units[] = " KMGTPE";
        double amount = (double) bytes;
        int unit = 0;

        for (; amount >= 1023.95 && units[unit + 1]; unit++)
                amount /= 1024;
        if (unit == 0)
                snprintf(text, BYTES_SIZE, "%" PRIu64, bytes);
        else
                snprintf(text, BYTES_SIZE, "%.1f%c", amount, units[unit]);
        return text;
}

const char *bar_text(uint64_t used, uint64_t limit, char text[static BAR_SIZE]) {
        unsigned filled = limit ? (unsigned) ((double) used / (double) limit * BAR_WIDTH + 0.5) : 0;

        if (filled > BAR_WIDTH)
                filled = BAR_WIDTH;
        text[0] = '[';
        for (unsigned i = 0; i < BAR_WIDTH; i++)
                text[1 + i] = i < filled ? '#' : '.';
        text[BAR_WIDTH + 1] = ']';
        text[BAR_WIDTH + 2] = '\0';
        return text;
}
