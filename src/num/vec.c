#include "num/vec.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "num/vec_int.h"

const struct vec_ops *vec = &vec_scalar;

enum { TABLES_MAX = 4 };

/* Fill tables[TABLES_MAX], slowest first, with those that this machine runs. Returns how many. */
static size_t list_tables(const struct vec_ops **tables)
{
    size_t n = 0;
    tables[n++] = &vec_scalar;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        tables[n++] = &vec_avx2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
            tables[n++] = &vec_avx512;
            if (__builtin_cpu_supports("avx512vnni"))
                tables[n++] = &vec_avx512vnni;
        }
    }
#endif
    return n;
}

const struct vec_ops *vec_available(size_t i)
{
    const struct vec_ops *tables[TABLES_MAX];
    return i < list_tables(tables) ? tables[i] : NULL;
}

enum err_code vec_init(struct err *err)
{
    const struct vec_ops *tables[TABLES_MAX];
    size_t n = list_tables(tables);
    const char *forced = getenv("AISLE_SIMD");
    if (!forced || !*forced) {
        vec = tables[n - 1];
        return ERR_OK;
    }
    struct str name = str_of(forced);
    if (!str_is(name, "scalar") && !str_is(name, "avx2") && !str_is(name, "avx512")) {
        char quoted[40];
        return err_set(err, ERR_INVALID, "AISLE_SIMD is \"%s\", not scalar, avx2 or avx512",
                       err_quote(quoted, sizeof quoted, name.p, name.n));
    }
    /* From the fastest down: "avx512" means its VNNI form where there is one. */
    while (n-- > 0) {
        if (str_starts(str_of(tables[n]->name), name)) {
            vec = tables[n];
            return ERR_OK;
        }
    }
    return err_set(err, ERR_UNSUPPORTED, "AISLE_SIMD is %s, which this processor does not run",
                   forced);
}

void vec_block_clear(uint8_t *block, size_t dim)
{
    memset(block, VEC_BLOCK_ZERO, vec_block_bytes(dim));
}

void vec_block_put(uint8_t *block, size_t dim, size_t lane, const int8_t *row)
{
    DCHECK(lane < VEC_BLOCK_ROWS);
    for (size_t k = 0; k < dim; k++)
        block[(k / VEC_BLOCK_GROUP * VEC_BLOCK_ROWS + lane) * VEC_BLOCK_GROUP +
              k % VEC_BLOCK_GROUP] = (uint8_t)(row[k] + VEC_BLOCK_ZERO);
}
