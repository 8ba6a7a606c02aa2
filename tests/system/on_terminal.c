/* SPDX-License-Identifier: MIT */
/*
 * Runs a program on a terminal, and prints what the terminal shows.
 *
 *   on_terminal COLUMNS RAW COMMAND...
 *
 * The terminal is libvterm's, behind a pty that says it has COLUMNS columns; all that the program
 * writes is kept in the file RAW. The screen is wider than the program knows, and as high as
 * needed, so that nothing is broken or lost: a line that does not fit into COLUMNS is a failure,
 * 97. Else the exit status is the program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

enum { TOO_WIDE = 97, ROWS = 600, BEYOND = 100 };

static VTerm *new_screen(int columns) {
        VTerm *terminal = vterm_new(ROWS, columns + BEYOND);

        vterm_set_utf8(terminal, 1);
        vterm_screen_reset(vterm_obtain_screen(terminal), 1);
        return terminal;
}

static pid_t start(int columns, char **command, int *ret_fd) {
        struct winsize size = { .ws_row = 50, .ws_col = (unsigned short) columns };
        pid_t pid = forkpty(ret_fd, NULL, NULL, &size);

        if (pid != 0)
                return pid;
        setenv("TERM", "xterm-256color", 1);
        execvp(command[0], command);
        _exit(127);
}

/* All at once: the terminal need not put together characters that the pty has cut. */
static void read_all(int fd, int raw, VTerm *terminal) {
        char *data = NULL;
        size_t size = 0;
        ssize_t n;

        do {
                data = realloc(data, size + 4096);
                if (!data)
                        abort();
                n = read(fd, data + size, 4096);
                size += n > 0 ? (size_t) n : 0;
        } while (n > 0 || (n < 0 && errno == EINTR));
        vterm_input_write(terminal, data, size);
        if (write(raw, data, size) != (ssize_t) size)
                abort();
        free(data);
}

static void put_character(uint32_t character) {
        if (character < 0x80)
                putchar((int) character);
        else if (character < 0x800)
                printf("%c%c", (int) (0xC0 | character >> 6), (int) (0x80 | (character & 0x3F)));
        else if (character < 0x10000)
                printf("%c%c%c", (int) (0xE0 | character >> 12), (int) (0x80 | (character >> 6 & 0x3F)),
                       (int) (0x80 | (character & 0x3F)));
        else
                printf("%c%c%c%c", (int) (0xF0 | character >> 18), (int) (0x80 | (character >> 12 & 0x3F)),
                       (int) (0x80 | (character >> 6 & 0x3F)), (int) (0x80 | (character & 0x3F)));
}

/* Returns the cells that the row uses. */
static int row_width(VTermScreen *screen, int row, int columns) {
        int width = 0;

        for (int column = 0; column < columns; column++) {
                VTermScreenCell cell;

                vterm_screen_get_cell(screen, (VTermPos){ row, column }, &cell);
                if (cell.chars[0] && cell.chars[0] != ' ' && cell.chars[0] != (uint32_t) -1)
                        width = column + cell.width;
        }
        return width;
}

static void print_row(VTermScreen *screen, int row, int width) {
        for (int column = 0; column < width; column++) {
                VTermScreenCell cell;

                vterm_screen_get_cell(screen, (VTermPos){ row, column }, &cell);
                if (cell.chars[0] == (uint32_t) -1)
                        continue;
                if (!cell.chars[0])
                        putchar(' ');
                for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++)
                        put_character(cell.chars[i]);
        }
        putchar('\n');
}

static int print_screen(VTerm *terminal, int columns) {
        VTermScreen *screen = vterm_obtain_screen(terminal);
        int last = 0, status = 0, widths[ROWS];

        for (int row = 0; row < ROWS; row++) {
                widths[row] = row_width(screen, row, columns + BEYOND);
                if (widths[row] > 0)
                        last = row + 1;
                if (widths[row] > columns) {
                        fprintf(stderr, "on_terminal: row %d takes %d of %d cells\n", row, widths[row], columns);
                        status = TOO_WIDE;
                }
        }
        for (int row = 0; row < last; row++)
                print_row(screen, row, widths[row]);
        return status;
}

int main(int argc, char **argv) {
        int columns = argc > 3 ? atoi(argv[1]) : 0, fd, raw, status, r;
        VTerm *terminal;
        pid_t pid;

        if (columns < 1)
                return 2;
        raw = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        terminal = new_screen(columns);
        pid = start(columns, argv + 3, &fd);
        if (pid < 0 || raw < 0)
                return 2;
        read_all(fd, raw, terminal);
        r = print_screen(terminal, columns);
        vterm_free(terminal);
        if (waitpid(pid, &status, 0) != pid)
                return 2;
        return r ? r : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
