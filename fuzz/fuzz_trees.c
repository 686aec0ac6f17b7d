/* fuzz_trees.c - any text is refused as an ensemble of trees or scores within its arrays, the same in every
 * table. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "num/trees.h"

enum { ROWS = 19 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trees t;
    if (trees_read((struct str){(const char *)data, size}, &t, NULL) != ERR_OK)
        return 0;
    float *x = mem_new((size_t)t.features * ROWS, sizeof *x), first[ROWS], out[ROWS];
    const struct trees_ops *ops;
    for (size_t i = 0; i < (size_t)t.features * ROWS; i++)
        x[i] = i % 5 == 0 ? NAN : (float)(i % 7) - 3;
    for (size_t o = 0; (ops = trees_available(o)); o++) {
        trees_score_with(ops, &t, x, ROWS, ROWS, out);
        if (o == 0)
            memcpy(first, out, sizeof out);
        else
            CHECK(memcmp(first, out, sizeof out) == 0);
    }
    mem_free(x);
    trees_release(&t);
    return 0;
}
