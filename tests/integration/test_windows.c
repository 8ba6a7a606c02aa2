/* SPDX-License-Identifier: MIT */
/*
 * Windows: a program's side and viewers' side.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "fixture.h"

static uint64_t id_of(ax_client *ax, int fd) {
        struct ax_window window;

        assert_result(ax_window_get(ax, fd, &window), 0);
        return window.id;
}

static void put(ax_client *ax, int fd, const char *text) {
        assert_result(ax_write(ax, fd, text, strlen(text)), (int64_t) strlen(text));
}

static void assert_row(ax_client *ax, uint64_t window, unsigned row, const char *text) {
        struct ax_screen screen;

        assert_result(ax_window_read(ax, window, 0, AX_WINDOW_PLAIN, &screen), 0);
        ck_assert_uint_lt(row, screen.rows);
        ck_assert_ptr_nonnull(screen.text[row]);
        ck_assert_str_eq(screen.text[row], text);
        ax_screen_free(&screen);
}

START_TEST(test_what_is_written_is_a_terminals_stream) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "title"));
        uint64_t window = id_of(ax, fd);
        struct ax_screen screen;

        put(ax, fd, "first\nsecond\ttab\033[5;3Hthere\033[1;31mred\033[0m");
        assert_row(ax, window, 0, "first");
        assert_row(ax, window, 1, "second  tab");
        assert_row(ax, window, 2, "");
        assert_row(ax, window, 4, "  therered");
        assert_result(ax_window_read(ax, window, 0, 0, &screen), 0);
        ck_assert_uint_eq(screen.rows, 24);
        ck_assert_uint_eq(screen.columns, 80);
        ck_assert_uint_eq(screen.cursor_row, 4);
        ck_assert_uint_eq(screen.cursor_column, 10);
        ck_assert(screen.cursor_visible);
        ck_assert_str_eq(screen.title, "title");
        ck_assert_ptr_nonnull(strstr(screen.text[4], "\033[0;1;38;5;1mred"));
        ax_screen_free(&screen);
        put(ax, fd, "\033[2J\033[H\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\033[?25l");
        assert_row(ax, window, 0, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|");
        assert_row(ax, window, 4, "");
        assert_result(ax_window_read(ax, window, 0, 0, &screen), 0);
        ck_assert(!screen.cursor_visible);
        ax_screen_free(&screen);
        put(ax, fd, "\033]2;by the stream\033\\");
        assert_result(ax_window_read(ax, window, 0, 0, &screen), 0);
        ck_assert_str_eq(screen.title, "by the stream");
        ax_screen_free(&screen);
}
END_TEST

START_TEST(test_a_viewer_gets_the_rows_that_changed) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, NULL));
        uint64_t window = id_of(ax, fd);
        struct ax_screen screen;
        uint64_t version;

        put(ax, fd, "one\ntwo\nthree");
        assert_result(ax_window_read(ax, window, 0, 0, &screen), 0);
        version = screen.version;
        ax_screen_free(&screen);
        put(ax, fd, "\033[2;1Hchanged");
        assert_result(ax_window_read(ax, window, version, AX_WINDOW_WAIT | AX_WINDOW_PLAIN, &screen), 0);
        ck_assert_uint_gt(screen.version, version);
        for (unsigned row = 0; row < screen.rows; row++)
                ck_assert_msg((screen.text[row] != NULL) == (row == 1), "row %u", row);
        ck_assert_str_eq(screen.text[1], "changed");
        ax_screen_free(&screen);
}
END_TEST

struct viewer {
        ax_client *ax;
        uint64_t window, version;
        int result;
};

static void *view(void *userdata) {
        struct viewer *viewer = userdata;
        struct ax_screen screen;

        viewer->result = ax_window_read(viewer->ax, viewer->window, viewer->version, AX_WINDOW_WAIT, &screen);
        if (viewer->result == 0)
                ax_screen_free(&screen);
        return NULL;
}

START_TEST(test_a_viewer_waits_and_learns_of_the_end) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *owner = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(owner, "ends"));
        struct viewer viewer = { .ax = ax, .window = id_of(owner, fd) };
        struct ax_screen screen;
        struct ax_window *windows;
        pthread_t thread;

        assert_result(ax_window_read(ax, viewer.window, 0, 0, &screen), 0);
        viewer.version = screen.version;
        ax_screen_free(&screen);
        assert_result(pthread_create(&thread, NULL, view, &viewer), 0);
        wait_any_sleeping(owner, "a viewer that waits");
        ax_disconnect(owner); /* a window ends with its process */
        assert_result(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(viewer.result, -AX_ENOENT);
        assert_error(ax_window_read(ax, viewer.window, 0, 0, &screen), AX_ENOENT);
        assert_error(ax_window_type(ax, viewer.window, "x", 1), AX_ENOENT);
        assert_result(ax_window_list(ax, &windows), 0);
        free(windows);
}
END_TEST

static void assert_input(ax_client *ax, int fd, const char *expected) {
        char data[256] = { 0 };

        assert_result(ax_read(ax, fd, data, sizeof(data) - 1), (int64_t) strlen(expected));
        ck_assert_str_eq(data, expected);
}

START_TEST(test_keys_and_events_are_its_input) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "input"));
        uint64_t window = id_of(ax, fd);
        struct ax_window info;
        char large[10000] = { 0 };

        assert_result(ax_set_nonblock(ax, fd, true), 0);
        assert_error(ax_read(ax, fd, large, 1), AX_EAGAIN);
        assert_result(ax_window_type(ax, window, "key\033[A", 6), 6);
        assert_input(ax, fd, "key\033[A");
        assert_result(ax_window_ask_resize(ax, window, 10, 20), 0);
        assert_input(ax, fd, "\033_resize;10;20\033\\");
        assert_result(ax_window_get(ax, fd, &info), 0);
        ck_assert(info.rows == 10 && info.columns == 20 && !info.closing);
        assert_result(ax_window_ask_close(ax, window), 0);
        assert_input(ax, fd, "\033_close\033\\");
        assert_result(ax_window_get(ax, fd, &info), 0);
        ck_assert(info.closing);
        /* the program's own resize is no event */
        assert_result(ax_window_resize(ax, fd, 30, 90), 0);
        assert_error(ax_read(ax, fd, large, 1), AX_EAGAIN);
        /* the terminal's answer to a question */
        assert_result(ax_set_nonblock(ax, fd, false), 0);
        put(ax, fd, "\033[H\033[6n");
        assert_input(ax, fd, "\033[1;1R");
        /* bounded */
        assert_result(ax_window_type(ax, window, large, sizeof(large)), 4096);
        assert_error(ax_window_type(ax, window, large, 1), AX_EAGAIN);
        assert_error(ax_window_ask_close(ax, window), AX_EAGAIN);
}
END_TEST

START_TEST(test_titles_and_sizes_are_checked) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, NULL)), file = open_ok(ax, "/tmp/file", AX_WRITE);
        struct ax_window *windows, info;

        assert_result(ax_window_set_title(ax, fd, "new"), 0);
        assert_error(ax_window_set_title(ax, fd, ""), AX_EINVAL);
        assert_error(ax_window_set_title(ax, file, "x"), AX_ENOTTY);
        assert_error(ax_window_set_title(ax, 99, "x"), AX_EBADF);
        assert_error(ax_window_resize(ax, fd, 0, 10), AX_EINVAL);
        assert_error(ax_window_resize(ax, fd, 201, 10), AX_EINVAL);
        assert_error(ax_window_resize(ax, fd, 10, 401), AX_EINVAL);
        assert_error(ax_window_resize(ax, fd, UINT32_MAX, UINT32_MAX), AX_EINVAL);
        assert_error(ax_window_ask_resize(ax, id_of(ax, fd), 0, 0), AX_EINVAL);
        assert_error(ax_window_get(ax, fd, NULL), AX_EINVAL);
        assert_result(ax_window_list(ax, &windows), 1);
        ck_assert_str_eq(windows[0].title, "new");
        ck_assert_int_eq(windows[0].pid, ax_getpid(ax));
        free(windows);
        /* it lives as long as something refers to it */
        assert_result(ax_dup2(ax, fd, 50), 50);
        assert_result(ax_close(ax, fd), 0);
        assert_result(ax_window_get(ax, 50, &info), 0);
        assert_result(ax_close(ax, 50), 0);
        assert_result(ax_window_list(ax, &windows), 0);
        free(windows);
}
END_TEST

/* Larger than a frame: 200 rows of 400 columns, each cell of another colour. */
START_TEST(test_a_screen_larger_than_a_frame) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "large"));
        struct ax_screen screen;
        char line[64];

        assert_result(ax_window_resize(ax, fd, 200, 400), 0);
        for (int row = 0; row < 200; row++) {
                snprintf(line, sizeof(line), "\033[%d;1H", row + 1);
                put(ax, fd, line);
                for (int column = 0; column < 400; column++) {
                        static char cells[400 * 24];
                        static size_t n;

                        n = column == 0 ? 0 : n;
                        n += (size_t) sprintf(cells + n, "\033[38;5;%dm%c", (row + column) % 256, 'a' + column % 26);
                        if (column == 399)
                                assert_result(ax_write(ax, fd, cells, n), (int64_t) n);
                }
        }
        assert_result(ax_window_read(ax, id_of(ax, fd), 0, AX_WINDOW_PLAIN, &screen), 0);
        for (int row = 0; row < 200; row++) {
                ck_assert_ptr_nonnull(screen.text[row]);
                ck_assert_uint_eq(strlen(screen.text[row]), 400);
        }
        ax_screen_free(&screen);
        assert_result(ax_window_read(ax, id_of(ax, fd), 0, 0, &screen), 0);
        for (int row = 0; row < 200; row++)
                ck_assert_uint_gt(strlen(screen.text[row]), 400 * 8);
        ax_screen_free(&screen);
}
END_TEST

/* libvterm never returns if it is to repeat a character before there was one. */
START_TEST(test_nothing_is_repeated_nine_times) {
        static const char *const streams[] = { "\033[b", "\033[9b", "\033c\033[9b", "\033[5;80H\033[999b" };

        for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
                _connected_ ax_client *ax = fixture_connect();
                int fd = (int) assert_ok(ax_window_create(ax, "repeat"));

                assert_row(ax, id_of(ax, fd), 0, "");
                put(ax, fd, streams[i]);
                put(ax, fd, "\033[H\033[2Jlives\033[3b");
                assert_row(ax, id_of(ax, fd), 0, "livessss");
        }
}
END_TEST

static bool shows(ax_client *ax, uint64_t window, const char *text) {
        struct ax_screen screen;
        bool found;

        assert_result(ax_window_read(ax, window, 0, AX_WINDOW_PLAIN, &screen), 0);
        found = strcmp(screen.text[0], text) == 0;
        ax_screen_free(&screen);
        return found;
}

/*
 * A stream that the parser never comes back from costs its own window's screen, and that is new
 * then.
 */
START_TEST(test_a_parser_that_loops_is_ended) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "loop"));
        uint64_t window = id_of(ax, fd);

        put(ax, fd, "\xcc\x80\033[9b");
        do {
                put(ax, fd, "\033[Hlives");
        } while (!shows(ax, window, "lives"));
}
END_TEST

/* Whatever is written, the daemon lives. */
START_TEST(test_hostile_streams) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "hostile"));
        uint64_t window = id_of(ax, fd), random = fixture_seed();
        static const char *const pieces[] = {
                "\033[",  "999999999",  ";",      "\033]2;", "\033P", "\033\\", "H", "r",      "\xff\xfe", "\xf4",
                "?1049h", "?1049l",     "@",      "P",       "\033c", "L",      "M", "\033#8", "\n",       "\t",
                "-1",     "2147483648", "\033(0", "m",       "J",     "K",      "b", "text"
        };
        struct ax_screen screen;

        for (int i = 0; i < 3000 / slowness(); i++) {
                char data[512];
                size_t n = 0;

                while (n < sizeof(data) - 32) {
                        const char *piece;

                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        piece = pieces[random % (sizeof(pieces) / sizeof(pieces[0]))];
                        n += (size_t) sprintf(data + n, "%s", piece);
                }
                assert_result(ax_write(ax, fd, data, n), (int64_t) n);
                if (i % 50 == 0) {
                        assert_result(ax_window_resize(ax, fd, 1 + (unsigned) (random % 200),
                                                       1 + (unsigned) (random / 256 % 400)),
                                      0);
                        assert_result(ax_window_read(ax, window, 0, 0, &screen), 0);
                        ax_screen_free(&screen);
                }
        }
}
END_TEST

static void look(ax_client *ax, void *userdata) {
        uint64_t window = *(uint64_t *) userdata;
        struct ax_window *windows;
        struct ax_screen screen;

        assert_result(ax_window_list(ax, &windows), 1);
        ck_assert_uint_eq(windows[0].id, window);
        ck_assert_str_eq(windows[0].title, ""); /* which may say what is in it */
        free(windows);
        assert_error(ax_window_read(ax, window, 0, 0, &screen), AX_EPERM);
        assert_error(ax_window_type(ax, window, "x", 1), AX_EPERM);
        assert_error(ax_window_ask_close(ax, window), AX_EPERM);
}

START_TEST(test_a_window_is_its_users) {
        _connected_ ax_client *ax = fixture_connect();
        uint64_t window = id_of(ax, (int) assert_ok(ax_window_create(ax, "private")));

        fixture_as_uid(FIXTURE_UID, look, &window);
}
END_TEST

static void assert_title(ax_client *ax, int fd, const char *expected) {
        struct ax_window window, *windows;
        struct ax_screen screen;

        /* first what waits until the stream has been processed */
        assert_result(ax_window_read(ax, id_of(ax, fd), 0, 0, &screen), 0);
        ck_assert_str_eq(screen.title, expected);
        assert_result(ax_window_get(ax, fd, &window), 0);
        ck_assert_str_eq(window.title, expected);
        assert_result(ax_window_list(ax, &windows), 1);
        ck_assert_str_eq(windows[0].title, expected);
        free(windows);
        ax_screen_free(&screen);
}

START_TEST(test_titles_are_printable) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, "T\033\\\033]0;X\a\xc2\x9b\xff\n"));
        char longest[512] = "xx", cut[128] = "xx";

        assert_title(ax, fd, "T\\x1b\\\\\\x1b]0;X\\x07\\u009b\\xff\\n");
        assert_result(ax_window_set_title(ax, fd, "\u202er\u00e4t"), 0);
        assert_title(ax, fd, "\\u202er\u00e4t");
        put(ax, fd, "\033]2;by \xc2\x9bthe\xff stream\033\\");
        assert_title(ax, fd, "by \\u009bthe\\xff stream");
        /* however they come, they are cut behind a whole character */
        for (int i = 0; i < 100; i++)
                strcat(longest, "\u00e4");
        for (int i = 0; i < 62; i++)
                strcat(cut, "\u00e4");
        assert_result(ax_window_set_title(ax, fd, longest), 0);
        assert_title(ax, fd, cut);
        put(ax, fd, "\033]2;");
        put(ax, fd, longest);
        put(ax, fd, "\a");
        assert_title(ax, fd, cut);
}
END_TEST

START_TEST(test_rows_have_no_control_characters) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = (int) assert_ok(ax_window_create(ax, NULL));
        uint64_t window = id_of(ax, fd);
        struct ax_screen screen;

        put(ax, fd,
            "a\xc2\x9b"
            "31mb\u202ec\u200bd\u00ad\u2028\ne\u0301");
        for (unsigned plain = 0; plain <= AX_WINDOW_PLAIN; plain += AX_WINDOW_PLAIN) {
                assert_result(ax_window_read(ax, window, 0, plain, &screen), 0);
                for (const char *at = screen.text[0]; *at; at++)
                        ck_assert((unsigned char) *at >= 0x20 || (!plain && *at == '\033' && at[1] == '['));
                ck_assert_ptr_null(strstr(screen.text[0], "\xc2\x9b"));
                ck_assert_ptr_null(strstr(screen.text[0], "\u202e"));
                ck_assert_ptr_null(strstr(screen.text[0], "\u200b"));
                ck_assert_ptr_null(strstr(screen.text[0], "\u00ad"));
                ck_assert_ptr_null(strstr(screen.text[0], "\u2028"));
                ax_screen_free(&screen);
        }
        assert_row(ax, window, 1, "e\u0301");
}
END_TEST

START_TEST(test_windows_are_limited) {
        static const struct daemon_options options = { .settings = "WindowsPerUser=3\n" };
        ax_client *ax;

        fixture_start(&options);
        ax = fixture_connect();
        for (int i = 0; i < 3; i++)
                assert_ok(ax_window_create(ax, "one of three"));
        assert_error(ax_window_create(ax, "one too many"), AX_EDQUOT);
        ax_disconnect(ax);
}
END_TEST

/* ---- the console, followed ------------------------------------------------------------------- */

START_TEST(test_the_console_can_be_followed_by_several) {
        _connected_ ax_client *ax = fixture_connect();
        uint64_t one = 0, other = 0, late = 0, lost = 1;
        char data[64] = { 0 };

        put(ax, AX_STDOUT, "first");
        assert_result(ax_console_follow(ax, &one, data, sizeof(data), &lost), 5);
        ck_assert_uint_eq(lost, 0);
        other = 0;
        put(ax, AX_STDOUT, "next");
        /* what was followed counts as taken: a newcomer begins there */
        assert_result(ax_console_follow(ax, &other, data, sizeof(data), NULL), 4);
        assert_result(ax_console_follow(ax, &one, data, sizeof(data), NULL), 4);
        ck_assert_mem_eq(data, "next", 4);
        assert_result(ax_console_take_output(ax, data, sizeof(data)), 0);
        /* one that is late learns what it lost */
        late = one;
        for (int i = 0; i < 300; i++) {
                char line[1024] = { 0 };

                assert_result(ax_write(ax, AX_STDOUT, line, sizeof(line)), sizeof(line));
        }
        assert_result(ax_console_follow(ax, &late, data, sizeof(data), &lost), sizeof(data));
        ck_assert_uint_eq(lost, 300 * 1024 - 262144);
        assert_error(ax_console_follow(ax, NULL, data, sizeof(data), NULL), AX_EINVAL);
        assert_error(ax_console_follow(ax, &late, data, 0, NULL), AX_EINVAL);
}
END_TEST

START_TEST(test_the_consoles_size) {
        _connected_ ax_client *ax = fixture_connect();
        unsigned rows, columns;

        assert_result(ax_console_size(ax, &rows, &columns), 0);
        ck_assert(rows == 24 && columns == 80);
        assert_result(ax_console_set_size(ax, 50, 132), 0);
        assert_result(ax_console_size(ax, &rows, &columns), 0);
        ck_assert(rows == 50 && columns == 132);
        assert_error(ax_console_set_size(ax, 0, 10), AX_EINVAL);
        assert_error(ax_console_set_size(ax, 10, 10000), AX_EINVAL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("windows");

        fixture_add(suite, test_what_is_written_is_a_terminals_stream, 0);
        fixture_add(suite, test_a_viewer_gets_the_rows_that_changed, 0);
        fixture_add(suite, test_a_viewer_waits_and_learns_of_the_end, 0);
        fixture_add(suite, test_keys_and_events_are_its_input, 0);
        fixture_add(suite, test_titles_and_sizes_are_checked, 0);
        fixture_add(suite, test_a_screen_larger_than_a_frame, 0);
        fixture_add(suite, test_nothing_is_repeated_nine_times, 0);
        fixture_add(suite, test_a_parser_that_loops_is_ended, 0);
        fixture_add(suite, test_hostile_streams, 0);
        fixture_add(suite, test_a_window_is_its_users, FIXTURE_ROOT);
        fixture_add(suite, test_titles_are_printable, 0);
        fixture_add(suite, test_rows_have_no_control_characters, 0);
        fixture_add(suite, test_windows_are_limited, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_the_console_can_be_followed_by_several, 0);
        fixture_add(suite, test_the_consoles_size, 0);
        return fixture_main(suite);
}
