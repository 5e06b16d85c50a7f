/* What the fuzz targets share.
 *
 * A target defines LLVMFuzzerTestOneInput, libFuzzer's entry point (clang -fsanitize=fuzzer), and
 * make_input, which writes a valid input. Built with -DSTANDALONE, by any compiler, main() calls
 * the first with what the second made, changed here and there:
 *
 *     fuzz_target SECONDS SEED [FILE ...]     each file once, then inputs of its own for so long
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "ps_sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_INPUT = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At most MAX_INPUT bytes; their number. */
size_t make_input(uint8_t *input);

static void check(int holds) {
    if (!holds) {
        abort();
    }
}

/* A copy of exactly that size, for the sanitizer to see a byte too far. A malloc of nothing has one
 * byte that it does not see. */
static inline void *exactly(const void *data, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    check(copy != NULL);
    *copy = 'x';
    memcpy(copy, data, size);
    return copy;
}

#ifdef STANDALONE

static void run(const uint8_t *input, size_t size) {
    uint8_t *copy = exactly(input, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_file(const char *path) {
    static uint8_t input[1 << 16];
    FILE *file = fopen(path, "rb");
    check(file != NULL);
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    run(input, size);
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    for (int i = 3; i < argc; i++) {
        run_file(argv[i]);
    }
    unsigned long runs = 0;
    uint8_t input[MAX_INPUT];
    clock_t begin = clock();
    for (; (double)(clock() - begin) / CLOCKS_PER_SEC < seconds; runs++) {
        size_t size = make_input(input);
        for (int flips = rand() % 8; flips > 0 && size > 0; flips--) {
            input[(size_t)rand() % size] = (uint8_t)(rand() % 3 ? rand() : rand() % 40);
        }
        run(input, rand() % 3 || size == 0 ? size : (size_t)rand() % size);
    }
    printf("%lu runs\n", runs);
    return 0;
}

#endif

#endif
