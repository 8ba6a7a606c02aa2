/* SPDX-License-Identifier: MIT */
/*
 * Text of others, made printable: every class of characters, and cuts at every size.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

static void assert_shown(const char *text, size_t length, unsigned flags, const char *expected) {
        char result[4096];

        ck_assert_uint_eq(printable(result, sizeof(result), text, length, flags), strlen(expected));
        ck_assert_str_eq(result, expected);
}

#define ASSERT_SHOWN(text, expected) assert_shown(text, sizeof(text) - 1, 0, expected)

START_TEST(test_printable_text_stays_as_it_is) {
        ASSERT_SHOWN("", "");
        ASSERT_SHOWN("plain text, with \"quotes\"", "plain text, with \"quotes\"");
        ASSERT_SHOWN("sm\u00f6rg\u00e5sbord \u65e5\u672c\u8a9e \U0001f600 e\u0301",
                     "sm\u00f6rg\u00e5sbord \u65e5\u672c\u8a9e \U0001f600 e\u0301");
        ASSERT_SHOWN("\u00a0\ufffd\ue000", "\u00a0\ufffd\ue000");
}
END_TEST

START_TEST(test_control_characters_are_escaped) {
        ASSERT_SHOWN("a\nb\tc\rd", "a\\nb\\tc\\rd");
        ASSERT_SHOWN("\033]0;title\a", "\\x1b]0;title\\x07");
        ASSERT_SHOWN("\0\x7f", "\\x00\\x7f");
        ASSERT_SHOWN("\xc2\x80\xc2\x9b"
                     "31m\xc2\x9f",
                     "\\u0080\\u009b31m\\u009f"); /* C1 */
}
END_TEST

START_TEST(test_characters_that_reorder_or_hide_are_escaped) {
        ASSERT_SHOWN("\u202e\u202a\u2066\u2069\u200e\u200f\u061c", "\\u202e\\u202a\\u2066\\u2069\\u200e\\u200f\\u061c");
        ASSERT_SHOWN("\u200b\u200d\u2060\ufeff\u00ad\u3164", "\\u200b\\u200d\\u2060\\ufeff\\u00ad\\u3164");
        ASSERT_SHOWN("\u2028\u2029", "\\u2028\\u2029");
        ASSERT_SHOWN("\ufe0f\U000e0041\U000e0100", "\\ufe0f\\U000e0041\\U000e0100");
        ASSERT_SHOWN("\uffff\U0001fffe\U0010ffff", "\\uffff\\U0001fffe\\U0010ffff"); /* noncharacters */
}
END_TEST

START_TEST(test_bytes_that_are_no_utf8_are_escaped_one_by_one) {
        ASSERT_SHOWN("\xff\xfe", "\\xff\\xfe");
        ASSERT_SHOWN("\x9b", "\\x9b");
        ASSERT_SHOWN("\xc3", "\\xc3");                                              /* not all there */
        ASSERT_SHOWN("\xc3(", "\\xc3(");                                            /* no continuation */
        ASSERT_SHOWN("\xc0\xaf \xc1\xbf", "\\xc0\\xaf \\xc1\\xbf");                 /* not the shortest form */
        ASSERT_SHOWN("\xe0\x80\x9b", "\\xe0\\x80\\x9b");                            /* likewise */
        ASSERT_SHOWN("\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b");                   /* likewise */
        ASSERT_SHOWN("\xed\xa0\x80\xed\xbf\xbf", "\\xed\\xa0\\x80\\xed\\xbf\\xbf"); /* surrogates */
        ASSERT_SHOWN("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");                   /* beyond U+10FFFF */
        ASSERT_SHOWN("a\xe2\x82z\xe2\x82\xac", "a\\xe2\\x82z\u20ac");
}
END_TEST

START_TEST(test_text_can_be_told_from_escapes) {
        ASSERT_SHOWN("\\", "\\\\");
        ASSERT_SHOWN("\\x1b", "\\\\x1b");
        ASSERT_SHOWN("\\\n", "\\\\\\n");
}
END_TEST

START_TEST(test_a_second_pass_changes_nothing_with_the_flag) {
        static const char text[] = "\\ \n \033 \xff \u202e \U000e0041 \u00e4 \"";
        char once[256], twice[256];

        printable(once, sizeof(once), text, sizeof(text) - 1, 0);
        printable(twice, sizeof(twice), once, strlen(once), PRINTABLE_ESCAPED);
        ck_assert_str_eq(once, twice);
        /* without it backslashes are escaped again: text is escaped once */
        printable(twice, sizeof(twice), once, strlen(once), 0);
        ck_assert_str_ne(once, twice);
        /* and it lets nothing through that was not escaped */
        assert_shown("\\\033\\x\u202e\\u12\xff", 12, PRINTABLE_ESCAPED, "\\\\x1b\\x\\u202e\\u12\\xff");
}
END_TEST

START_TEST(test_flags) {
        assert_shown("say \"hi\" \u00e4", 11, PRINTABLE_QUOTE, "say \\\"hi\\\" \u00e4");
        assert_shown("\u00e4\U0001f600", 6, PRINTABLE_ASCII, "\\u00e4\\U0001f600");
        assert_shown("\u00e4\n", 3, PRINTABLE_BYTES, "\\xc3\\xa4\\n");
        assert_shown("\\u00e4\u00e4\\\"\"", 11, PRINTABLE_ESCAPED | PRINTABLE_ASCII | PRINTABLE_QUOTE,
                     "\\u00e4\\u00e4\\\"\\\"");
}
END_TEST

/* Returns true if `part` is a beginning of `whole`, up to the end of a character or an escape. */
static bool is_whole_beginning(const char *part, const char *whole) {
        size_t length = strlen(part), at = 0;

        if (strncmp(part, whole, length) != 0)
                return false;
        while (at < length) {
                uint32_t character;
                const char *text = whole + at;

                if (text[0] != '\\')
                        at += utf8_decode(text, strlen(text), &character);
                else
                        at += text[1] == 'x' ? 4 : text[1] == 'u' ? 6 : text[1] == 'U' ? 10 : 2;
        }
        return at == length;
}

START_TEST(test_cuts_never_split_a_character_or_an_escape) {
        static const char text[] = "a\u00e4\u20ac\U0001f600\\\n\033\xff\xc2\x9b\u202e\U000e0041z";
        char whole[256], result[256];

        printable(whole, sizeof(whole), text, sizeof(text) - 1, 0);
        for (size_t size = 1; size <= strlen(whole) + 1; size++) {
                size_t longest = strlen(whole);

                memset(result, 'x', sizeof(result));
                ck_assert_uint_eq(printable(result, size, text, sizeof(text) - 1, 0), strlen(result));
                ck_assert_uint_lt(strlen(result), size);
                ck_assert_int_eq(result[size], 'x');
                ck_assert_msg(is_whole_beginning(result, whole), "cut to %zu: %s", size, result);
                ck_assert(strlen(result) + 10 >= (size - 1 < longest ? size - 1 : longest));
                /* the same of text that is escaped already */
                printable(result, size, whole, longest, PRINTABLE_ESCAPED);
                ck_assert_msg(is_whole_beginning(result, whole), "escaped, cut to %zu: %s", size, result);
        }
}
END_TEST

START_TEST(test_random_bytes_become_printable_utf8) {
        static const unsigned all_flags[] = { 0, PRINTABLE_ESCAPED, PRINTABLE_QUOTE, PRINTABLE_ASCII, PRINTABLE_BYTES };
        char text[64], result[64 * PRINTABLE_GROWTH + 1], again[sizeof(result)];
        unsigned seed = (unsigned) fixture_seed();

        for (int i = 0; i < 4000; i++) {
                size_t length = (size_t) rand_r(&seed) % sizeof(text), n;
                unsigned flags = all_flags[(size_t) rand_r(&seed) % 5];

                for (size_t at = 0; at < length; at++)
                        text[at] = (char) (rand_r(&seed) % 3 ? rand_r(&seed) : "\\\"x1bu202e"[rand_r(&seed) % 10]);
                n = printable(result, sizeof(result), text, length, flags);
                ck_assert_uint_eq(n, strlen(result));
                ck_assert(utf8_is_valid(result, n));
                for (size_t at = 0; at < n;) {
                        uint32_t character = 0;

                        at += utf8_decode(result + at, n - at, &character);
                        if (!character_is_printable(character))
                                ck_abort_msg("U+%04X in %s", character, result);
                }
                printable(again, sizeof(again), result, n, PRINTABLE_ESCAPED | flags);
                ck_assert_str_eq(result, again);
        }
}
END_TEST

START_TEST(test_in_place) {
        char text[16] = "a\nb", full[4] = "\n\n";

        printable_in_place(text, sizeof(text), 0);
        ck_assert_str_eq(text, "a\\nb");
        printable_in_place(text, sizeof(text), PRINTABLE_ESCAPED);
        ck_assert_str_eq(text, "a\\nb");
        printable_in_place(full, sizeof(full), 0);
        ck_assert_str_eq(full, "\\n");
}
END_TEST

START_TEST(test_copies_are_cut_behind_a_character) {
        char to[4];

        utf8_copy(to, sizeof(to), "abc");
        ck_assert_str_eq(to, "abc");
        utf8_copy(to, sizeof(to), "abcd");
        ck_assert_str_eq(to, "abc");
        utf8_copy(to, sizeof(to), "ab\u00e4");
        ck_assert_str_eq(to, "ab");
        utf8_copy(to, sizeof(to), "\U0001f600");
        ck_assert_str_eq(to, "");
        utf8_copy(to, sizeof(to), "a\u00e4z");
        ck_assert_str_eq(to, "a\u00e4");
        ck_assert_uint_eq(utf8_trim("\u20ac\xe2\x82", 5), 3);
        ck_assert_uint_eq(utf8_trim("\xf0\x9f\x98", 3), 0);
        ck_assert_uint_eq(utf8_trim("\x80\x80\x80\x80", 4), 4); /* that was no character */
        ck_assert_uint_eq(utf8_trim("", 0), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("printable");

        fixture_add(suite, test_printable_text_stays_as_it_is, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_control_characters_are_escaped, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_characters_that_reorder_or_hide_are_escaped, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_bytes_that_are_no_utf8_are_escaped_one_by_one, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_text_can_be_told_from_escapes, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_second_pass_changes_nothing_with_the_flag, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_flags, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_cuts_never_split_a_character_or_an_escape, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_random_bytes_become_printable_utf8, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_in_place, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_copies_are_cut_behind_a_character, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
