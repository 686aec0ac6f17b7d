/* fuzz_ranker.c - any text is refused as a ranker's file or orders something. */
#include "base/check.h"
#include "base/mem.h"
#include "engine/ranker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ranker r;
    float out;
    if (ranker_read((struct str){(const char *)data, size}, &r, NULL) != ERR_OK)
        return 0;
    float *x = mem_new(r.trees.features, sizeof *x);
    trees_score(&r.trees, x, 1, 1, &out);
    float chance = isotonic_at(&r.act, out) + isotonic_at(&r.purchase, out);
    CHECK(chance >= 0 && chance <= 2);
    CHECK(r.candidates >= 1 && r.candidates <= RANKER_CANDIDATES_MAX);
    ranker_serves(&r, "home");
    mem_free(x);
    ranker_release(&r);
    return 0;
}
