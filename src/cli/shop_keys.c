#include "cli/shop_keys.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/keys.h"

#define PUBLIC_KEY_SETTING "storefront.public_key"
#define DEMO_KEY_SETTING   "demo.key_no"

enum err_code shop_keys_read(struct db *db, struct arena *texts, struct shop_keys *keys,
                             struct err *err)
{
    struct str text;
    *keys = (struct shop_keys){0};
    enum err_code code = setting_get(db, STR_LIT(PUBLIC_KEY_SETTING), texts, &text, err);
    if (code == ERR_OK && text.n == AUTH_KEY_SIZE - 1)
        memcpy(keys->public_key, text.p, text.n);
    if (code == ERR_OK)
        code = setting_get(db, STR_LIT(DEMO_KEY_SETTING), texts, &text, err);
    if (code == ERR_OK && text.n)
        code = str_parse_i64(text, 1, INT64_MAX, &keys->demo_no, err);
    return code;
}

struct setting {
    struct str name, value;
};

static enum err_code put_setting(struct store_tx *tx, void *arg, struct err *err)
{
    const struct setting *s = arg;
    return setting_put(tx, s->name, s->value, err);
}

static enum err_code make_public_key(struct store *store, struct shop_keys *keys, struct err *err)
{
    int64_t no;
    enum err_code code =
        auth_key_create(store, STR_LIT("storefront"), AUTH_PUBLIC, keys->public_key, &no, err);
    struct setting s = {STR_LIT(PUBLIC_KEY_SETTING), str_of(keys->public_key)};
    return code == ERR_OK ? store_write(store, put_setting, &s, err) : code;
}

static enum err_code make_demo_key(struct store *store, struct shop_keys *keys, struct err *err)
{
    char key[AUTH_KEY_SIZE], text[24];
    enum err_code code =
        auth_key_create(store, STR_LIT("demonstration"), AUTH_SERVER, key, &keys->demo_no, err);
    explicit_bzero(key, sizeof key);
    snprintf(text, sizeof text, "%" PRId64, keys->demo_no);
    struct setting s = {STR_LIT(DEMO_KEY_SETTING), str_of(text)};
    return code == ERR_OK ? store_write(store, put_setting, &s, err) : code;
}

enum err_code shop_keys_make(struct store *store, bool demo, struct shop_keys *keys,
                             struct err *err)
{
    enum err_code code = ERR_OK;
    if (!keys->public_key[0])
        code = make_public_key(store, keys, err);
    if (code == ERR_OK && demo && !keys->demo_no)
        code = make_demo_key(store, keys, err);
    return code;
}
