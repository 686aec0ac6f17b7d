#include "eval/list_id.h"

#include <sodium.h>

#include "base/check.h"
#include "store/keys.h"
#include "store/store.h"

#define KEY_SETTING "list_key"

enum { FORMAT = 1, NONCE_BYTES = 6, CODE_BYTES = crypto_shorthash_BYTES, VARIANT_BYTES = 5 };

_Static_assert(sizeof(struct list_key) == crypto_shorthash_KEYBYTES && CODE_BYTES == 8,
               "SipHash-2-4");
_Static_assert(LIST_ID_SIZE - 1 <= STORE_ID_MAX, "an event can carry it");

/* --- making ---------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8)
        *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_text(uint8_t *at, struct str text)
{
    *at++ = (uint8_t)text.n;
    if (text.n)
        memcpy(at, text.p, text.n);
    return at + text.n;
}

static uint8_t *put_explored(uint8_t *at, const struct list_facts *f)
{
    uint32_t bits;
    *at++ = f->explored_no != 0;
    if (f->explored_no == 0)
        return at;
    memcpy(&bits, &f->propensity, sizeof bits);
    at = put_number(put_number(at, f->explored_no, 4), bits, 4);
    return put_number(at, f->explored_rank, 1);
}

size_t list_id_make(const struct list_key *key, const struct list_facts *f, struct rng *rng,
                    char out[LIST_ID_SIZE])
{
    uint8_t bytes[LIST_ID_BYTES], *at = bytes;
    struct str model = {f->model.p, f->model.n < LIST_MODEL_MAX ? f->model.n : LIST_MODEL_MAX};
    CHECK(f->placement.n > 0 && f->placement.n <= LIST_PLACEMENT_MAX);
    CHECK(f->variants_len <= LIST_VARIANTS_MAX);
    *at++ = FORMAT;
    at = put_number(at, rng_u64(rng), NONCE_BYTES);
    at = put_text(at, f->placement);
    at = put_text(at, model);
    *at++ = (uint8_t)f->variants_len;
    for (size_t i = 0; i < f->variants_len; i++) {
        at = put_number(at, f->variants[i].experiment, 4);
        *at++ = f->variants[i].variant;
    }
    at = put_explored(at, f);
    crypto_shorthash(at, bytes, (size_t)(at - bytes), key->bytes);
    size_t n = (size_t)(at - bytes) + CODE_BYTES;
    sodium_bin2base64(out, LIST_ID_SIZE, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING) - 1;
}

/* --- reading --------------------------------------------------------------------------------- */

/* What is left of the bytes; at is NULL once they were too few. */
struct cursor {
    const uint8_t *at, *end;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
    const uint8_t *at = c->at;
    c->at = at && (size_t)(c->end - at) >= n ? at + n : NULL;
    return c->at ? at : NULL;
}

static uint64_t take_number(struct cursor *c, size_t bytes)
{
    const uint8_t *at = take(c, bytes);
    uint64_t value = 0;
    for (size_t i = 0; at && i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static struct str take_text(struct cursor *c, size_t max)
{
    size_t n = take_number(c, 1);
    const uint8_t *at = n <= max ? take(c, n) : NULL;
    if (!at)
        c->at = NULL;
    return (struct str){(const char *)at, at ? n : 0};
}

static bool read_facts(struct cursor *c, struct list_facts *f)
{
    *f = (struct list_facts){0};
    f->placement = take_text(c, LIST_PLACEMENT_MAX);
    f->model = take_text(c, LIST_MODEL_MAX);
    f->variants_len = take_number(c, 1);
    if (f->variants_len > LIST_VARIANTS_MAX)
        return false;
    for (size_t i = 0; i < f->variants_len; i++) {
        f->variants[i].experiment = (uint32_t)take_number(c, 4);
        f->variants[i].variant = (uint8_t)take_number(c, 1);
    }
    if (take_number(c, 1)) {
        f->explored_no = (uint32_t)take_number(c, 4);
        uint32_t bits = (uint32_t)take_number(c, 4);
        memcpy(&f->propensity, &bits, sizeof bits);
        f->explored_rank = (uint8_t)take_number(c, 1);
    }
    return c->at == c->end && f->placement.n > 0;
}

bool list_id_read(const struct list_key *key, struct str id, uint8_t bytes[LIST_ID_BYTES],
                  struct list_facts *facts)
{
    uint8_t code[CODE_BYTES];
    const char *end;
    size_t n;
    if (id.n == 0 || id.n >= LIST_ID_SIZE ||
        sodium_base642bin(bytes, LIST_ID_BYTES, id.p, id.n, NULL, &n, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != id.p + id.n || n < 1 + NONCE_BYTES + CODE_BYTES || bytes[0] != FORMAT)
        return false;
    crypto_shorthash(code, bytes, n - CODE_BYTES, key->bytes);
    if (sodium_memcmp(code, bytes + n - CODE_BYTES, CODE_BYTES) != 0)
        return false;
    struct cursor c = {bytes + 1 + NONCE_BYTES, bytes + n - CODE_BYTES};
    return read_facts(&c, facts);
}

/* --- the key --------------------------------------------------------------------------------- */

static enum err_code read_key(struct db *db, struct list_key *out, bool *found, struct err *err)
{
    struct arena arena;
    struct str hex;
    size_t n = 0;
    arena_init(&arena, 0, 1 << 16);
    enum err_code code = setting_get(db, STR_LIT(KEY_SETTING), &arena, &hex, err);
    *found = code == ERR_OK && hex.n > 0;
    if (*found && (sodium_hex2bin(out->bytes, sizeof out->bytes, hex.p, hex.n, NULL, &n, NULL) ||
                   n != sizeof out->bytes))
        code = err_set(err, ERR_CORRUPT, "the setting " KEY_SETTING " holds no key");
    arena_release(&arena);
    return code;
}

/* Another server may have been first. */
static enum err_code make_key(struct store_tx *tx, void *arg, struct err *err)
{
    struct list_key *out = arg;
    char hex[2 * sizeof out->bytes + 1];
    bool found;
    enum err_code code = read_key(tx->db, out, &found, err);
    if (code != ERR_OK || found)
        return code;
    randombytes_buf(out->bytes, sizeof out->bytes);
    sodium_bin2hex(hex, sizeof hex, out->bytes, sizeof out->bytes);
    return setting_put(tx, STR_LIT(KEY_SETTING), str_of(hex), err);
}

enum err_code list_key_load(struct store *store, struct list_key *out, bool *found, struct err *err)
{
    struct db *db;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = read_key(db, out, found, err);
    store_read_end(store, db);
    if (code != ERR_OK || *found || store_is_read_only(store))
        return code;
    code = store_write(store, make_key, out, err);
    *found = code == ERR_OK;
    return code;
}
