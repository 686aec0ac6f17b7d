/* replay.c - runs a fuzz target on the files that it is given, without libFuzzer, printing TAP.
 *
 * The regression test of a corpus in builds that any compiler and sanitizer makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"

enum { INPUT_MAX_BYTES = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The input lies in memory of just its size, so that a sanitizer sees a byte too far. */
static void run_input(const struct buf *file)
{
    uint8_t *data = malloc(file->len ? file->len : 1);
    if (!data)
        abort();
    if (file->len)
        memcpy(data, file->data, file->len);
    LLVMFuzzerTestOneInput(data, file->len);
    free(data);
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        struct buf file;
        struct err err;
        buf_init(&file, INPUT_MAX_BYTES);
        if (fs_read_file(argv[i], INPUT_MAX_BYTES, &file, &err) == ERR_OK) {
            run_input(&file);
            printf("ok %d - %s\n", i, argv[i]);
        } else {
            printf("not ok %d - %s: %s\n", i, argv[i], err.msg);
            failed++;
        }
        fflush(stdout); /* what came before a crash is told */
        buf_release(&file);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
