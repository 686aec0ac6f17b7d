#include "base/json_reader.h"

#include "base/check.h"

static unsigned find_field(struct jr_fields *f, struct str key)
{
    for (unsigned k = 0; k < f->n; k++) {
        unsigned i = f->next + k < f->n ? f->next + k : f->next + k - f->n;
        if (str_is(key, f->names[i])) {
            f->next = i + 1 < f->n ? i + 1 : 0;
            return i;
        }
    }
    return f->n;
}

static void fail_unknown(struct json_reader *r, const struct jr_fields *f, struct str key)
{
    char quoted[48], meant[STR_MEANT_SIZE];
    jr_fail(r, ERR_INVALID, "unknown key '%s'%s", err_quote(quoted, sizeof quoted, key.p, key.n),
            str_meant(key, f->names, f->n, meant));
}

int jr_field(struct json_reader *r, struct jr_fields *f)
{
    struct str key;
    CHECK(f->n <= 64);
    while (jr_key(r, &key)) {
        unsigned i = find_field(f, key);
        if (i == f->n) {
            if (f->strict) {
                fail_unknown(r, f, key);
                return -1;
            }
            continue;
        }
        uint64_t bit = (uint64_t)1 << i;
        if (f->seen & bit) {
            f->twice = true;
            jr_fail(r, ERR_INVALID, "the key '%s' comes twice", f->names[i]);
            return -1;
        }
        f->seen |= bit;
        return (int)i;
    }
    return -1;
}
