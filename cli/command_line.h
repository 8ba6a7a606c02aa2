/* SPDX-License-Identifier: MIT */
/*
 * The command line: the command, its options and operands, and its help.
 *
 * A line is read in steps. axctl takes its options up to the first other word, which names a
 * command; a group of commands does the same with the rest; a command takes the remaining options
 * and operands. Each step also knows the common options (--socket, --json, --help and so on), so
 * they may stand before and after the command's name. If a command's own option has the same
 * letter, it wins. "--" ends the options of a step.
 *
 * getopt_long() parses the words and argp_help() prints the help, both from one table of options.
 * Error messages are ours: they pass words of the command line through shown(), because a shell's
 * pattern may have expanded to a hostile file name.
 */
#pragma once

#include "axctl.h"

/*
 * Reads the command line of `root`, a group, into axctl. Returns if there is a command to run. If
 * the line is wrong, or asks for help, this ends the program.
 */
void command_line_parse(struct axctl *axctl, const struct command *root, int argc, char **argv);

/* Finds the command with these names, for axctl. Ends the program if there is none. */
void command_line_find(struct axctl *axctl, const struct command *root, int n_names, char **names);

/* Prints the help of axctl's command, like --help. Returns an exit status. */
int command_line_help(const struct axctl *axctl);
