/* SPDX-License-Identifier: MIT */
/*
 * main() of a fuzz target without libFuzzer: every file of the directories that are named is an
 * input. So the kept corpus is a test with every compiler and sanitizer.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "target.h"

struct input {
        size_t size;
        uint8_t *bytes;
};

static struct input *inputs;
static size_t n_inputs;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
        (void) data;
        return size < max_size ? size : max_size;
}

static void load_file(const char *path) {
        FILE *file = fopen(path, "re");
        struct input *input;

        must(file != NULL);
        inputs = realloc(inputs, (n_inputs + 1) * sizeof(*inputs));
        must(inputs != NULL);
        input = &inputs[n_inputs++];
        must(fseek(file, 0, SEEK_END) == 0);
        input->size = (size_t) ftell(file);
        input->bytes = malloc(input->size + 1);
        rewind(file);
        must(input->bytes && fread(input->bytes, 1, input->size, file) == input->size);
        fclose(file);
}

/* Before the sandbox, from which they may not be seen. */
static void load(const char *path) {
        struct dirent **entries;
        int n = scandir(path, &entries, NULL, alphasort);
        char name[4096];

        must(n >= 0);
        for (int i = 0; i < n; i++) {
                if (entries[i]->d_name[0] != '.') {
                        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
                        load_file(name);
                }
                free(entries[i]);
        }
        free(entries);
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                load(argv[i]);
        LLVMFuzzerInitialize(&argc, &argv);
        for (size_t i = 0; i < n_inputs; i++) {
                LLVMFuzzerTestOneInput(inputs[i].bytes, inputs[i].size);
                free(inputs[i].bytes);
        }
        free(inputs);
        printf("%zu inputs\n", n_inputs);
        return 0;
}
