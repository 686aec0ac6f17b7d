/* fuzz_token.c - any bytes are no shopper token, and any header and claims under a right signature name
 * one shopper or none. Input: a token, or '!' header newline claims, which are encoded and signed. */
#include <sodium.h>
#include <stdlib.h>

#include "auth/auth_int.h"
#include "base/buf.h"
#include "base/check.h"

enum { NOW_S = 1800000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_base64(struct buf *out, const void *p, size_t n)
{
    char text[4 * AUTH_TOKEN_MAX];
    sodium_bin2base64(text, sizeof text, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_puts(out, text);
}

static void sign(struct str text, const struct known_key *key, struct buf *token)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    struct str header = str_split(&text, '\n');
    put_base64(token, header.p, header.n);
    buf_putc(token, '.');
    put_base64(token, text.p, text.n);
    crypto_auth_hmacsha256(mac, (const uint8_t *)token->data, token->len, key->hash);
    buf_putc(token, '.');
    put_base64(token, mac, sizeof mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct known_key key = {.no = 1, .scope = AUTH_SERVER, .hash = "0123456789abcdef"};
    /* Its keys were read in the far future: the store is not asked. */
    struct auth auth = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .keys = &key, .len = 1, .read_at_ns = INT64_MAX};
    struct str text = {(const char *)data, size}, user_id = {NULL, 0};
    struct buf token;
    struct arena arena;
    if (size > AUTH_TOKEN_MAX)
        return 0;
    buf_init(&token, 16 * AUTH_TOKEN_MAX);
    arena_init(&arena, 0, 1 << 20);
    bool right = size && text.p[0] == '!';
    if (right)
        sign((struct str){text.p + 1, text.n - 1}, &key, &token);
    else
        buf_put(&token, text.p, text.n);
    enum err_code code = auth_token_check(&auth, buf_str(&token), NOW_S, &arena, &user_id, NULL);
    CHECK(code == ERR_OK || code == ERR_UNAUTHENTICATED || code == ERR_LIMIT);
    CHECK((code == ERR_OK) == (user_id.n > 0));
    CHECK(code != ERR_OK || (right && store_id_check("sub", user_id, NULL) == ERR_OK));
    arena_release(&arena);
    buf_release(&token);
    return 0;
}
