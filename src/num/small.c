#include "num/small.h"

#include "base/str.h"
#include "num/small_int.h"
#include "num/vec.h"

const struct small_ops *small = &small_scalar;

/* The tables of vec in its order, each with the one of small that needs no more of the processor. */
static const struct {
    const char *vec;
    const struct small_ops *ops;
} tables[] = {
    {"scalar", &small_scalar},
#ifdef __x86_64__
    {"avx2", &small_avx2},
    {"avx512", &small_avx512},
    {"avx512-vnni", &small_avx512},
#endif
};

void small_init(void)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (str_is(str_of(vec->name), tables[i].vec))
            small = tables[i].ops;
}

const struct small_ops *small_available(size_t i)
{
    const struct vec_ops *ops = vec_available(i);
    for (size_t k = 0; ops && k < sizeof tables / sizeof *tables; k++)
        if (str_is(str_of(ops->name), tables[k].vec))
            return tables[k].ops;
    return NULL;
}
