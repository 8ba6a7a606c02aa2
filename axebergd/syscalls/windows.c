/* SPDX-License-Identifier: MIT */
/*
 * Windows: the program's side, and the viewers'.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "axeberg.h"
#include "contract.h"
#include "kernel.h"
#include "printable.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/reply_list.h"
#include "syscalls/syscalls.h"
#include "util/identity.h"
#include "window/window.h"

enum { WINDOWS_PER_REPLY = 128 };

static void trace_created(const struct process *process, const struct window *window) {
        char title[2 * SCREEN_TITLE_SIZE];

        printable(title, sizeof(title), window->title, strlen(window->title), PRINTABLE_ESCAPED | PRINTABLE_QUOTE);
        trace_process(process, AX_TRACE_WINDOW, "created", "window %llu \"%s\"", (unsigned long long) window->id,
                      title);
}

SYSCALL(window_create, WindowCreateRequest, Empty) {
        struct window *window;
        int r = window_new(&window, &call->kernel->windows, call->process, request->title);

        if (r < 0) {
                call_reply(call, r);
                return;
        }
        r = fdtable_add(&call->process->fds, &window->object);
        if (r >= 0)
                trace_created(call->process, window);
        object_unref(&window->object);
        call_reply(call, r);
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

/* The caller's window; answers the call if there is none. */
static struct window *own_window(struct call *call, int fd) {
        struct object *object = fdtable_get(&call->process->fds, fd);
        struct window *window = window_from_object(object);

        if (!window)
                call_reply(call, object ? -ENOTTY : -EBADF);
        return window;
}

static void reply_info(struct call *call, int status, const struct window *window) {
        Axeberg__WindowInfo reply;

        info_fill(&reply, window);
        call_reply_message(call, status, &reply.base);
}

SYSCALL(window_set_title, WindowSetTitleRequest, WindowInfo) {
        struct window *window = own_window(call, request->fd);

        if (!window)
                return;
        if (*request->title)
                window_set_title(window, request->title);
        reply_info(call, *request->title ? 0 : -EINVAL, window);
}

SYSCALL(window_resize, WindowResizeRequest, WindowInfo) {
        struct window *window = own_window(call, request->fd);

        if (window)
                reply_info(call, window_resize(window, request->rows, request->columns, false), window);
}

SYSCALL(window_get, FdRequest, WindowInfo) {
        const struct window *window = own_window(call, request->fd);

        if (window)
                reply_info(call, 0, window);
}

static bool may_view(const struct process *viewer, const struct window *window) {
        return viewer->identity->uid == window->uid || process_is_administrator(viewer);
}

/* Everybody's are listed, as processes are. But titles tell what is in them: not for all. */
SYSCALL(window_list, WindowListRequest, WindowListReply) {
        static Axeberg__WindowInfo infos[WINDOWS_PER_REPLY], *pointers[WINDOWS_PER_REPLY];
        Axeberg__WindowListReply reply = AXEBERG__WINDOW_LIST_REPLY__INIT;
        struct reply_list taken = { 0 };
        struct window *window;

        DL_FOREACH (call->kernel->windows.windows, window) {
                Axeberg__WindowInfo *info = &infos[reply.n_windows];

                if (window->id <= request->after_id)
                        continue;
                reply.more = reply.n_windows == WINDOWS_PER_REPLY;
                if (reply.more)
                        break;
                info_fill(info, window);
                if (!may_view(call->process, window))
                        info->title = (char *) "";
                reply.more = !reply_list_takes(&taken, &info->base);
                if (reply.more)
                        break;
                pointers[reply.n_windows] = info;
                reply.n_windows++;
        }
        reply.windows = pointers;
        call_reply_message(call, (int) reply.n_windows, &reply.base);
}

/* ---- reading the screen ---------------------------------------------------------------------- */

struct viewing {
        uint64_t window, version;
        uint64_t messages; /* what has been written before is to be seen */
        unsigned first_row;
        bool plain, wait;
};

enum { MOST_ROWS_SIZE = AX_FRAME_MAX_DATA - 512 };

/* Return: bytes; `*ret_more`: the first row that had no room, 0 none. */
static size_t put_rows(const struct window *window, const struct viewing *viewing, unsigned rows, uint8_t *buffer,
                       unsigned *ret_more) {
        size_t used = 0;

        *ret_more = 0;
        for (unsigned row = viewing->first_row; row < rows; row++) {
                size_t length, room = MOST_ROWS_SIZE - used;

                if (screen_host_row_version(&window->screen, row) <= viewing->version)
                        continue;
                length = room > AX_ROW_HEADER_SIZE ? screen_host_row_text(&window->screen, row, viewing->plain,
                                                                          (char *) buffer + used + AX_ROW_HEADER_SIZE,
                                                                          room - AX_ROW_HEADER_SIZE)
                                                   : room;
                if (room <= AX_ROW_HEADER_SIZE || length >= room - AX_ROW_HEADER_SIZE) {
                        *ret_more = row;
                        break;
                }
                ax_row_header_encode(row, length, buffer + used);
                used += AX_ROW_HEADER_SIZE + length;
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
        struct window *window = window_from_id(&call->kernel->windows, viewing->window);
        int r = window && !window->screen.ended ? 0 : window ? -EIO : -ENOENT;

        if (r == 0 && is_news(window, viewing)) {
                view(call, window, viewing);
                free(viewing);
                return;
        }
        if (r == 0)
                r = call_park(call, &window->viewers, viewing_attempt, call_drop_data);
        if (r < 0) {
                free(viewing);
                call_reply(call, r);
        }
}

static struct window *window_to_view(struct call *call, uint64_t id) {
        struct window *window = window_from_id(&call->kernel->windows, id);

        if (window && may_view(call->process, window))
                return window;
        call_reply(call, window ? -EPERM : -ENOENT);
        return NULL;
}

SYSCALL(window_read, WindowReadRequest, WindowReadReply) {
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

SYSCALL(window_type, WindowRequest, Empty) {
        struct window *window = window_to_view(call, request->window);

        if (window)
                call_reply(call, window_type(window, call->trailer, call->trailer_size));
}

SYSCALL(window_ask_resize, WindowAskResizeRequest, Empty) {
        struct window *window = window_to_view(call, request->window);
        int r;

        if (!window)
                return;
        r = window_resize(window, request->rows, request->columns, true);
        if (r >= 0)
                trace_process(call->process, AX_TRACE_WINDOW, "resizes", "window %llu",
                              (unsigned long long) window->id);
        call_reply(call, r);
}

SYSCALL(window_ask_close, WindowRequest, Empty) {
        struct window *window = window_to_view(call, request->window);
        int r;

        if (!window)
                return;
        r = window_ask_to_close(window);
        if (r >= 0)
                trace_process(call->process, AX_TRACE_WINDOW, "asks to close", "window %llu",
                              (unsigned long long) window->id);
        call_reply(call, r);
}
