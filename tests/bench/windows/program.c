/* SPDX-License-Identifier: MIT */
/*
 * The Windows program that axbench compares with: calls that wineserver serves.
 *
 * Standard input has orders of two numbers, which call and how often; each is answered with one
 * number, 0 if all went well. Each thread of a Windows program has a connection of its own to
 * wineserver: one order is to have so many threads that do nothing.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <windows.h>

#include "../other_wine.h"

enum { MAX_IDLE = 4096 };

static HANDLE event, end;
static HANDLE idle[MAX_IDLE];
static DWORD n_idle;

static bool set_event(void) {
        return SetEvent(event);
}

static bool duplicate(void) {
        HANDLE copy, self = GetCurrentProcess();

        return DuplicateHandle(self, event, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) && CloseHandle(copy);
}

static bool open_file(void) {
        HANDLE file = CreateFileA("bench.txt", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_ALWAYS, 0, NULL);

        return file != INVALID_HANDLE_VALUE && CloseHandle(file);
}

static DWORD WINAPI do_nothing(void *unused) {
        (void) unused;
        return WaitForSingleObject(end, INFINITE);
}

static bool have_idle(DWORD n) {
        if (n == n_idle)
                return true;
        SetEvent(end);
        while (n_idle > 0) {
                WaitForSingleObject(idle[--n_idle], INFINITE);
                CloseHandle(idle[n_idle]);
        }
        ResetEvent(end);
        while (n_idle < n && n_idle < MAX_IDLE) {
                idle[n_idle] = CreateThread(NULL, 65536, do_nothing, NULL, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
                if (!idle[n_idle])
                        return false;
                n_idle++;
        }
        return n_idle == n;
}

static bool run(DWORD what, DWORD n) {
        static bool (*const calls[])(void) = { set_event, duplicate, open_file };

        while (n-- > 0)
                if (!calls[what]())
                        return false;
        return true;
}

int main(void) {
        HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
        DWORD order[2], answer = 0, size;

        event = CreateEventA(NULL, TRUE, FALSE, NULL);
        end = CreateEventA(NULL, TRUE, FALSE, NULL);
        WriteFile(out, &answer, sizeof(answer), &size, NULL);
        while (ReadFile(in, order, sizeof(order), &size, NULL) && size == sizeof(order) && order[0] <= WINE_IDLE) {
                answer = order[0] == WINE_IDLE ? !have_idle(order[1]) : !run(order[0], order[1]);
                WriteFile(out, &answer, sizeof(answer), &size, NULL);
        }
        return 0;
}
