/* SPDX-License-Identifier: MIT */
#include "bus/objects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "printable.h"

const char *bus_process_path(int32_t pid, char buffer[static BUS_PATH_SIZE]) {
        snprintf(buffer, BUS_PATH_SIZE, BUS_PROCESS_PREFIX "/%d", (int) pid);
        return buffer;
}

const char *bus_text(const char *text, char buffer[static BUS_TEXT_SIZE]) {
        printable(buffer, BUS_TEXT_SIZE, text, strlen(text), 0);
        return buffer;
}

int bus_error(sd_bus_error *ret, int error, const char *format, ...) {
        va_list arguments;
        char text[256];

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        text[utf8_trim(text, strlen(text))] = '\0'; /* it may have been cut */
        printable_in_place(text, sizeof(text), PRINTABLE_ESCAPED);
        if (error <= -AX_EMEM_OUT_OF_MEMORY) /* one of the kernel's own */
                return sd_bus_error_setf(ret, SD_BUS_ERROR_INVALID_ARGS, "%s", text);
        return sd_bus_error_set_errnof(ret, error, "%s", text);
}

int bus_error_no_process(sd_bus_error *ret, int32_t pid) {
        return sd_bus_error_setf(ret, BUS_NAME ".NoSuchProcess", "there is no process %d", (int) pid);
}
