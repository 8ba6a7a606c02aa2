/*
 * Windows: the program's side, and the viewers'.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/window.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/identity.h"

enum { WINDOWS_PER_REPLY = 128 };

SYSCALL(sys_window_create, WindowCreateRequest, IdReply) {
        Axeberg__IdReply reply = AXEBERG__ID_REPLY__INIT;
        struct window *window;
        int r = window_new(&window, call->process, request->title);

        if (r < 0) {
                call_reply(call, r);
                return;
        }
        r = fdtable_add(&call->process->fds, &window->object);
        reply.id = window->id;
        if (r >= 0)
                trace_process(call->process, AX_TRACE_WINDOW, "created", "window %llu \"%s\"",
                              (unsigned long long) window->id, window->title);
        object_unref(&window->object);
        call_reply_message(call, r, &reply.base);
}

static void info_fill(Axeberg__WindowInfo *info, const struct window *window) {
        axeberg__window_info__init(info);
        info->id = window->id;
        info->pid = window->pid;
        info->uid = window->uid;
        info->title = (char *) window->title;
        info->rows = window->rows;
        info->columns = window->columns;
        info->closing = window->closing;
}

SYSCALL(sys_window_set, WindowSetRequest, WindowInfo) {
        struct window *window = window_from_object(fdtable_get(&call->process->fds, request->fd));
        Axeberg__WindowInfo reply;
        int r = 0;

        if (!window) {
                call_reply(call, fdtable_get(&call->process->fds, request->fd) ? -ENOTTY : -EBADF);
                return;
        }
        if (request->rows || request->columns)
                r = window_resize(window, request->rows, request->columns, false);
        if (r == 0 && *request->title)
                window_set_title(window, request->title);
        info_fill(&reply, window);
        call_reply_message(call, r, &reply.base);
}

static bool may_view(const struct process *viewer, const struct window *window) {
        return viewer->identity->uid == window->uid || process_is_administrator(viewer);
}

/* Everybody's are listed, as processes are. */
SYSCALL(sys_window_list, WindowRequest, WindowListReply) {
        static Axeberg__WindowInfo infos[WINDOWS_PER_REPLY], *pointers[WINDOWS_PER_REPLY];
        Axeberg__WindowListReply reply = AXEBERG__WINDOW_LIST_REPLY__INIT;
        struct window *window;

        DL_FOREACH (call->kernel->windows, window) {
                if (window->id <= request->window)
                        continue;
                if (reply.n_windows == WINDOWS_PER_REPLY) {
                        reply.more = true;
                        break;
                }
                info_fill(&infos[reply.n_windows], window);
                pointers[reply.n_windows] = &infos[reply.n_windows];
                reply.n_windows++;
        }
        reply.windows = pointers;
        call_reply_message(call, (int) reply.n_windows, &reply.base);
}

/* ---- reading the screen -------------------------------------------------------------------------------------- */

struct viewing {
        uint64_t window, version;
        uint64_t messages; /* what has been written before is to be seen */
        unsigned first_row;
        bool plain, wait;
};

enum { ROW_HEADER = 6, MOST_ROWS_SIZE = AX_FRAME_MAX_DATA - 512 };

static void put_header(uint8_t *at, unsigned row, size_t length) {
        at[0] = (uint8_t) row;
        at[1] = (uint8_t) (row >> 8);
        for (int i = 0; i < 4; i++)
                at[2 + i] = (uint8_t) (length >> (8 * i));
}

/* Return: bytes; `*ret_more`: the first row that had no room, 0 none. */
static size_t put_rows(const struct window *window, const struct viewing *viewing, unsigned rows, uint8_t *buffer,
                       unsigned *ret_more) {
        size_t used = 0;

        *ret_more = 0;
        for (unsigned row = viewing->first_row; row < rows; row++) {
                size_t length, room = MOST_ROWS_SIZE - used;

                if (screen_host_row_version(&window->screen, row) <= viewing->version)
                        continue;
                length = room > ROW_HEADER
                                 ? screen_host_row_text(&window->screen, row, viewing->plain,
                                                        (char *) buffer + used + ROW_HEADER, room - ROW_HEADER)
                                 : room;
                if (room <= ROW_HEADER || length >= room - ROW_HEADER) {
                        *ret_more = row;
                        break;
                }
                put_header(buffer + used, row, length);
                used += ROW_HEADER + length;
        }
        return used;
}

static void view(struct call *call, const struct window *window, const struct viewing *viewing) {
        static uint8_t buffer[AX_FRAME_MAX_DATA];
        Axeberg__WindowReadReply reply = AXEBERG__WINDOW_READ_REPLY__INIT;
        struct screen_state state;
        unsigned more;

        screen_host_state(&window->screen, &state);
        call->reply.trailer = buffer;
        call->reply.trailer_size = put_rows(window, viewing, state.rows, buffer, &more);
        reply.version = state.version;
        reply.rows = state.rows;
        reply.columns = state.columns;
        reply.cursor_row = state.cursor_row;
        reply.cursor_column = state.cursor_column;
        reply.cursor_visible = state.cursor_visible != 0;
        reply.more = more;
        reply.title = (char *) window->title;
        call_reply_message(call, 0, &reply.base);
}

static int viewing_drop(struct call *call, int status) {
        free(call->data);
        return status;
}

/* Whether there is something to see that the viewer has not. */
static bool is_news(const struct window *window, const struct viewing *viewing) {
        struct screen_state state;

        if (!screen_host_has_processed(&window->screen, viewing->messages))
                return false;
        screen_host_state(&window->screen, &state);
        return !viewing->wait || state.version != viewing->version;
}

static void viewing_attempt(struct call *call) {
        struct viewing *viewing = call->data;
        struct window *window = window_from_id(call->kernel, viewing->window);
        int r = window && !window->screen.ended ? 0 : window ? -EIO : -ENOENT;

        if (r == 0 && is_news(window, viewing)) {
                view(call, window, viewing);
                free(viewing);
                return;
        }
        if (r == 0)
                r = call_park(call, &window->viewers, viewing_attempt, viewing_drop);
        if (r < 0) {
                free(viewing);
                call_reply(call, r);
        }
}

static struct window *window_to_view(struct call *call, uint64_t id) {
        struct window *window = window_from_id(call->kernel, id);

        if (window && may_view(call->process, window))
                return window;
        call_reply(call, window ? -EPERM : -ENOENT);
        return NULL;
}

SYSCALL(sys_window_read, WindowReadRequest, WindowReadReply) {
        const struct window *window = window_to_view(call, request->window);
        struct viewing *viewing;

        if (!window)
                return;
        viewing = malloc(sizeof(*viewing));
        if (!viewing) {
                call_reply(call, -ENOMEM);
                return;
        }
        *viewing = (struct viewing){
                .window = request->window,
                .version = request->version,
                .messages = window->screen.sent,
                .first_row = request->first_row,
                .plain = request->plain,
                .wait = request->wait && request->first_row == 0,
        };
        call->data = viewing;
        viewing_attempt(call);
}

SYSCALL(sys_window_input, WindowInputRequest, Empty) {
        struct window *window = window_to_view(call, request->window);
        int64_t r = 0;

        if (!window)
                return;
        if (request->resize)
                r = window_resize(window, request->rows, request->columns, true);
        if (r == 0 && request->close)
                r = window_ask_to_close(window);
        if (r == 0 && call->trailer_size > 0)
                r = window_type(window, call->trailer, call->trailer_size);
        if (r >= 0 && (request->resize || request->close))
                trace_process(call->process, AX_TRACE_WINDOW, request->close ? "asks to close" : "resizes",
                              "window %llu", (unsigned long long) window->id);
        call_reply(call, r);
}

void syscalls_add_windows(Axeberg__Kernel_Service *service) {
        service->window_create = sys_window_create;
        service->window_set = sys_window_set;
        service->window_list = sys_window_list;
        service->window_read = sys_window_read;
        service->window_input = sys_window_input;
}
