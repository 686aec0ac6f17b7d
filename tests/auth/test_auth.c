/* test_auth.c - keys and shopper tokens; the tokens are made with OpenSSL's HMAC, not by auth/. */
#include "auth/auth.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "store/fixture.h"
#include "store/keys.h"

enum { NOW_S = 1800000000, TOKEN_ROOM = 8192 };

struct gate {
    struct shop shop;
    struct auth *auth;
    char server_key[AUTH_KEY_SIZE], public_key[AUTH_KEY_SIZE];
    int64_t server_no, public_no;
};

static void gate_init(struct gate *g)
{
    struct err err;
    shop_init(&g->shop);
    ck_ok(auth_key_create(g->shop.store, STR_LIT("backend"), AUTH_SERVER, g->server_key,
                          &g->server_no, &err));
    ck_ok(auth_key_create(g->shop.store, STR_LIT("browser"), AUTH_PUBLIC, g->public_key,
                          &g->public_no, &err));
    ck_ok(auth_open(g->shop.store, &g->auth, &err));
}

static void gate_release(struct gate *g)
{
    auth_close(g->auth);
    shop_release(&g->shop);
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum auth_scope scope_of(struct auth *a, const char *key)
{
    struct err err;
    enum auth_scope scope;
    int64_t no;
    ck_ok(auth_check_key(a, str_of(key), &scope, &no, &err));
    ck_assert((scope == AUTH_NONE) == (no == 0));
    return scope;
}

START_TEST(a_key_opens_its_scope_and_nothing_like_it_does)
{
    struct gate g;
    char bad[AUTH_KEY_SIZE];
    gate_init(&g);
    ck_assert_int_eq(scope_of(g.auth, g.server_key), AUTH_SERVER);
    ck_assert_int_eq(scope_of(g.auth, g.public_key), AUTH_PUBLIC);
    for (size_t i = 0; i < AUTH_KEY_SIZE - 1; i++) {
        memcpy(bad, g.server_key, sizeof bad);
        bad[i] ^= 1;
        ck_assert_int_eq(scope_of(g.auth, bad), AUTH_NONE);
    }
    memcpy(bad, g.public_key, sizeof bad);
    bad[0] = 's'; /* a public key does not become a server key by its prefix */
    ck_assert_int_eq(scope_of(g.auth, bad), AUTH_NONE);
    ck_assert_int_eq(scope_of(g.auth, ""), AUTH_NONE);
    ck_assert_int_eq(scope_of(g.auth, g.server_key + 1), AUTH_NONE);
    gate_release(&g);
}
END_TEST

START_TEST(the_store_holds_a_hash_and_a_hint_and_never_the_key)
{
    struct gate g;
    struct err err;
    struct db_rows rows;
    struct api_key key;
    bool more;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    gate_init(&g);
    ck_ok(api_keys_list(read_begin(&g.shop), &rows, &err));
    ck_ok(api_keys_next(&rows, &key, &more, &err));
    SHA256((const uint8_t *)g.server_key, strlen(g.server_key), hash);
    ck_assert(more && key.no == g.server_no);
    ck_assert_mem_eq(key.hash, hash, sizeof hash);
    ck_assert_uint_le(key.hint.n, 8);
    ck_text(key.name, "backend");
    ck_text(key.scope, "server");
    db_rows_close(&rows);
    read_end(&g.shop);
    gate_release(&g);
}
END_TEST

START_TEST(a_revoked_key_is_refused_a_second_later_and_a_new_one_is_known)
{
    struct gate g;
    struct err err;
    char key[AUTH_KEY_SIZE];
    int64_t no;
    gate_init(&g);
    ck_assert_int_eq(scope_of(g.auth, g.server_key), AUTH_SERVER);
    ck_ok(api_key_revoke(tx_begin(&g.shop), g.server_no, &err));
    tx_commit(&g.shop);
    ck_ok(auth_key_create(g.shop.store, STR_LIT("ops"), AUTH_ADMIN, key, &no, &err));
    usleep(1100 * 1000);
    ck_assert_int_eq(scope_of(g.auth, g.server_key), AUTH_NONE);
    ck_assert_int_eq(scope_of(g.auth, key), AUTH_ADMIN);
    char token[AUTH_TOKEN_MAX];
    ck_err(auth_token_sign(g.auth, g.server_no, STR_LIT("ann"), NOW_S, token, &err), ERR_NOT_FOUND);
    gate_release(&g);
}
END_TEST

START_TEST(renewing_makes_a_new_key_and_a_revocation_count_at_once)
{
    struct gate g;
    struct err err;
    char key[AUTH_KEY_SIZE];
    int64_t no;
    gate_init(&g);
    ck_ok(auth_key_revoke(tx_begin(&g.shop), g.server_no, false, &err));
    tx_commit(&g.shop);
    ck_ok(auth_key_create(g.shop.store, STR_LIT("ops"), AUTH_ADMIN, key, &no, &err));
    ck_ok(auth_renew(g.auth, &err));
    ck_assert_int_eq(scope_of(g.auth, g.server_key), AUTH_NONE);
    ck_assert_int_eq(scope_of(g.auth, key), AUTH_ADMIN);
    gate_release(&g);
}
END_TEST

static enum err_code end_key(struct gate *g, int64_t no, bool force, struct err *err)
{
    enum err_code code = auth_key_revoke(tx_begin(&g->shop), no, force, err);
    tx_commit(&g->shop);
    return code;
}

START_TEST(the_last_admin_key_is_revoked_by_force_alone)
{
    struct gate g;
    struct err err;
    char key[AUTH_KEY_SIZE];
    int64_t one, two;
    gate_init(&g);
    ck_ok(auth_key_create(g.shop.store, STR_LIT("one"), AUTH_ADMIN, key, &one, &err));
    ck_err(end_key(&g, one, false, &err), ERR_CONFLICT);
    ck_ok(auth_key_create(g.shop.store, STR_LIT("two"), AUTH_ADMIN, key, &two, &err));
    ck_ok(end_key(&g, one, false, &err));
    ck_err(end_key(&g, one, false, &err), ERR_NOT_FOUND);
    ck_err(end_key(&g, two, false, &err), ERR_CONFLICT); /* a revoked one is no other */
    ck_ok(end_key(&g, g.server_no, false, &err));
    ck_ok(end_key(&g, two, true, &err));
    ck_err(end_key(&g, 999, false, &err), ERR_NOT_FOUND);
    gate_release(&g);
}
END_TEST

START_TEST(scopes_have_names_both_ways)
{
    enum auth_scope s;
    for (int i = AUTH_PUBLIC; i <= AUTH_ADMIN; i++) {
        ck_assert(auth_scope_of(str_of(auth_scope_name((enum auth_scope)i)), &s));
        ck_assert_int_eq(s, i);
    }
    ck_assert(!auth_scope_of(STR_LIT("none"), &s) && !auth_scope_of(STR_LIT(""), &s));
}
END_TEST

/* --- tokens ----------------------------------------------------------------------------------- */

static size_t put_base64(char *out, const void *p, size_t n)
{
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n);
    while (len && out[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++)
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    out[len] = '\0';
    return len;
}

/* A token as a shop's backend makes it: HMAC under SHA-256 of the key's text. */
static void make(const char *key, const char *header, const char *payload, const EVP_MD *md,
                 char out[TOKEN_ROOM])
{
    uint8_t hash[SHA256_DIGEST_LENGTH], mac[EVP_MAX_MD_SIZE];
    unsigned mac_len;
    size_t n = put_base64(out, header, strlen(header));
    out[n++] = '.';
    n += put_base64(out + n, payload, strlen(payload));
    SHA256((const uint8_t *)key, strlen(key), hash);
    HMAC(md, hash, sizeof hash, (const uint8_t *)out, n, mac, &mac_len);
    out[n++] = '.';
    put_base64(out + n, mac, mac_len);
}

static enum err_code check(struct gate *g, const char *token, struct str *who, struct err *err)
{
    arena_reset(&g->shop.arena);
    return auth_token_check(g->auth, str_of(token), NOW_S, &g->shop.arena, who, err);
}

static void header_of(int64_t kid, char out[128])
{
    snprintf(out, 128, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%" PRId64 "\"}", kid);
}

START_TEST(a_token_of_any_backend_with_the_key_is_accepted)
{
    static const struct {
        const char *payload, *who;
    } good[] = {
        {"{\"sub\":\"ann\",\"exp\":1800000060}", "ann"},
        {"{\"iat\":1799999999,\"exp\":1800000060,\"sub\":\"a b\",\"x\":{\"y\":[1]}}", "a b"},
        {"{\"sub\":\"\\u5b89\",\"exp\":1800000001,\"nbf\":1800000000}", "\xe5\xae\x89"},
        {"{\"sub\":\"ann\",\"exp\":1802678400}", "ann"}, /* 31 days */
    };
    struct gate g;
    struct err err;
    struct str who;
    char header[128], token[TOKEN_ROOM];
    gate_init(&g);
    header_of(g.server_no, header);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        make(g.server_key, header, good[i].payload, EVP_sha256(), token);
        ck_ok(check(&g, token, &who, &err));
        ck_text(who, good[i].who);
    }
    char own[AUTH_TOKEN_MAX];
    ck_ok(auth_token_sign(g.auth, g.server_no, STR_LIT("\"b\" \\ \xe5\xae\x89"), NOW_S + 60, own,
                          &err));
    ck_ok(check(&g, own, &who, &err));
    ck_text(who, "\"b\" \\ \xe5\xae\x89");
    gate_release(&g);
}
END_TEST

START_TEST(a_token_with_a_wrong_header_or_claim_is_refused)
{
    static const char fine[] = "{\"sub\":\"ann\",\"exp\":1800000060}";
    static const struct {
        const char *header; /* NULL: the right one; %d: the server key's number */
        const char *payload;
    } bad[] = {
        {"{\"alg\":\"none\",\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"HS384\",\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"RS256\",\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"hs256\",\"kid\":\"%d\"}", fine},
        {"{\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"HS256\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":%d}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"99\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"0\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"-1\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"99999999999999999999\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"../%d\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"%d\",\"crit\":[\"exp\"]}", fine},
        {"{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"99\",\"kid\":\"%d\"}", fine},
        {"{\"alg\":\"HS256\",\"kid\":\"%d\"} x", fine},
        {"[\"HS256\"]", fine},
        {"", fine},
        {NULL, "{\"sub\":\"ann\",\"exp\":1800000000}"}, /* now */
        {NULL, "{\"sub\":\"ann\",\"exp\":1799999999}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":0}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":-5}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1802678401}"}, /* a second over 31 days */
        {NULL, "{\"sub\":\"ann\",\"exp\":9223372036854775807}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1e30}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":\"1800000060\"}"},
        {NULL, "{\"sub\":\"ann\"}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1800000060,\"nbf\":1800000001}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1800000060,\"nbf\":0,\"nbf\":0}"},
        {NULL, "{\"exp\":1800000060}"},
        {NULL, "{\"sub\":\"\",\"exp\":1800000060}"},
        {NULL, "{\"sub\":7,\"exp\":1800000060}"},
        {NULL, "{\"sub\":null,\"exp\":1800000060}"},
        {NULL, "{\"sub\":\"a\\u0000b\",\"exp\":1800000060}"},
        {NULL, "{\"sub\":\"ann\",\"sub\":\"bob\",\"exp\":1800000060}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1,\"exp\":1800000060}"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1800000060"},
        {NULL, "{\"sub\":\"ann\",\"exp\":1800000060}{}"},
        {NULL, "{\"sub\":\"\xff\",\"exp\":1800000060}"},
        {NULL, "[]"},
        {NULL, ""},
    };
    struct gate g;
    struct err err;
    struct str who = {NULL, 0};
    char header[128], token[TOKEN_ROOM];
    gate_init(&g);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        header_of(g.server_no, header);
        const char *number = bad[i].header ? strstr(bad[i].header, "%d") : NULL;
        if (number)
            snprintf(header, sizeof header, "%.*s%" PRId64 "%s", (int)(number - bad[i].header),
                     bad[i].header, g.server_no, number + 2);
        else if (bad[i].header)
            snprintf(header, sizeof header, "%s", bad[i].header);
        make(g.server_key, header, bad[i].payload, EVP_sha256(), token);
        enum err_code code = check(&g, token, &who, &err);
        ck_assert_msg(code == ERR_UNAUTHENTICATED, "%s %s: %s", header, bad[i].payload,
                      err_code_name(code));
        ck_assert_ptr_null(who.p);
    }
    gate_release(&g);
}
END_TEST

START_TEST(a_token_that_is_signed_wrongly_or_cut_or_changed_is_refused)
{
    static const char fine[] = "{\"sub\":\"ann\",\"exp\":1800000060}";
    static const char *const shapes[] = {"",    ".",     "..",      "...",        "a.b.c",
                                         "a",   "a.b",   "a.b.",    ".b.c",       "\xff.\xff.\xff",
                                         "e30", "e30.e", "e30.e30", "e30.e30.e30"};
    struct gate g;
    struct err err;
    struct str who = {NULL, 0};
    char header[128], token[TOKEN_ROOM], bad[TOKEN_ROOM];
    gate_init(&g);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        ck_err(check(&g, shapes[i], &who, &err), ERR_UNAUTHENTICATED);
    header_of(g.public_no, header); /* a browser's key signs nothing */
    make(g.public_key, header, fine, EVP_sha256(), token);
    ck_err(check(&g, token, &who, &err), ERR_UNAUTHENTICATED);
    header_of(g.server_no, header);
    make(g.public_key, header, fine, EVP_sha256(), token);
    ck_err(check(&g, token, &who, &err), ERR_UNAUTHENTICATED);
    make(g.server_key, header, fine, EVP_sha384(), token);
    ck_err(check(&g, token, &who, &err), ERR_UNAUTHENTICATED);
    make(g.server_key, header, fine, EVP_sha256(), token);
    size_t n = strlen(token);
    ck_ok(check(&g, token, &who, &err));
    for (size_t i = 0; i < n; i++) {
        snprintf(bad, sizeof bad, "%.*s", (int)i, token);
        ck_err(check(&g, bad, &who, &err), ERR_UNAUTHENTICATED);
        memcpy(bad, token, n + 1);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        ck_err(check(&g, bad, &who, &err), ERR_UNAUTHENTICATED);
    }
    static const char *const tails[] = {"=", ".", ".e30", "A", " ", "\n"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(bad, sizeof bad, "%s%s", token, tails[i]);
        ck_err(check(&g, bad, &who, &err), ERR_UNAUTHENTICATED);
    }
    memset(bad, 'A', sizeof bad - 1);
    bad[sizeof bad - 1] = '\0';
    bad[100] = bad[200] = '.';
    ck_err(check(&g, bad, &who, &err), ERR_UNAUTHENTICATED);
    gate_release(&g);
}
END_TEST

START_TEST(a_token_that_would_be_too_long_is_not_signed)
{
    struct gate g;
    struct err err;
    char id[600], token[AUTH_TOKEN_MAX];
    memset(id, 'x', sizeof id);
    gate_init(&g);
    ck_err(auth_token_sign(g.auth, g.server_no, (struct str){id, sizeof id}, NOW_S, token, &err),
           ERR_LIMIT);
    gate_release(&g);
}
END_TEST

struct crowd {
    struct gate *gate;
    atomic_bool stop;
};

static void *check_on(void *arg)
{
    struct crowd *c = arg;
    while (!atomic_load(&c->stop))
        ck_assert_int_eq(scope_of(c->gate->auth, c->gate->public_key), AUTH_PUBLIC);
    return NULL;
}

START_TEST(keys_are_checked_while_they_are_read_anew)
{
    struct gate g;
    struct err err;
    pthread_t threads[2];
    gate_init(&g);
    struct crowd c = {.gate = &g};
    for (size_t i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, check_on, &c);
    for (int i = 0; i < 3; i++) {
        char key[AUTH_KEY_SIZE];
        int64_t no;
        ck_ok(auth_key_create(g.shop.store, STR_LIT("k"), AUTH_SERVER, key, &no, &err));
        usleep(600 * 1000);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    gate_release(&g);
}
END_TEST

SUITE("auth", a_key_opens_its_scope_and_nothing_like_it_does,
      the_store_holds_a_hash_and_a_hint_and_never_the_key,
      a_revoked_key_is_refused_a_second_later_and_a_new_one_is_known,
      renewing_makes_a_new_key_and_a_revocation_count_at_once,
      the_last_admin_key_is_revoked_by_force_alone, scopes_have_names_both_ways,
      a_token_of_any_backend_with_the_key_is_accepted,
      a_token_with_a_wrong_header_or_claim_is_refused,
      a_token_that_is_signed_wrongly_or_cut_or_changed_is_refused,
      a_token_that_would_be_too_long_is_not_signed, keys_are_checked_while_they_are_read_anew)
