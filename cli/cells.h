/* SPDX-License-Identifier: MIT */
/*
 * Cells: how much room text takes on a terminal.
 *
 * The text is printable already (show.h). A wide character takes two cells, and a combining one
 * takes none and stays with the character before it. An escape like \u202e is never broken.
 */
#pragma once

#include <stddef.h>

/* Returns the cells that the text takes. */
size_t cells_count(const char *text);
/* Returns how many bytes of the text fit into `room` cells. */
size_t cells_fit(const char *text, size_t room);
/*
 * Returns how many bytes of the text to put on a line of `room` cells: all, or as many as fit, up
 * to the end of a word if the line is at least half full then. At least one character or escape.
 */
size_t cells_line(const char *text, size_t room);
