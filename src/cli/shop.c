#include "cli/shop.h"

#include "rank/rules.h"
#include "recommend/experiment_set.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BYTES_MAX = 64 << 20 };

/* "+08:00" to minutes. */
static bool read_offset(struct str text, int32_t *minutes)
{
    int64_t hour, minute;
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        str_parse_i64((struct str){text.p + 1, 2}, 0, 14, &hour, NULL) != ERR_OK ||
        str_parse_i64((struct str){text.p + 4, 2}, 0, 59, &minute, NULL) != ERR_OK)
        return false;
    *minutes = (int32_t)(hour * 60 + minute) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

enum err_code shop_profile_read(const struct config *config, struct shop_profile *out,
                                struct err *err)
{
    struct str languages = str_of(config_str(config, "shop.languages"));
    struct str currency = str_of(config_str(config, "shop.currency"));
    *out = (struct shop_profile){0};
    while (languages.p && languages.n) {
        struct str language = str_trim(str_split(&languages, ','));
        if (language.n == 0 || out->languages_len == VIEW_LANGUAGES_MAX)
            return err_set(err, ERR_INVALID, "shop.languages: 1 to %d languages",
                           VIEW_LANGUAGES_MAX);
        out->languages[out->languages_len++] = language;
    }
    if (currency.n && !currency_of(currency, &out->currency))
        return err_set(err, ERR_INVALID, "shop.currency: not a currency of ISO 4217");
    if (!read_offset(str_of(config_str(config, "shop.utc_offset")), &out->utc_offset_min))
        return err_set(err, ERR_INVALID, "shop.utc_offset: expected -14:59 to +14:59, as +08:00");
    return ERR_OK;
}

enum err_code shop_weights_read(const struct config *config, struct recommend_weights *out,
                                struct err *err)
{
    struct str list = str_of(config_str(config, "recommend.weights"));
    enum err_code code = ERR_OK;
    *out = recommend_weights_default;
    while (list.p && list.n && code == ERR_OK)
        code = recommend_weight_set(out, str_trim(str_split(&list, ',')), err);
    return code == ERR_OK ? code : err_prefix(err, code, "recommend.weights");
}

enum err_code shop_open(const struct args *args, struct shop *out, struct err *err)
{
    struct engine_options options = {
        .frozen = true, .rules = &rules_compiler, .experiments = &experiments_reader};
    *out = (struct shop){0};
    arena_init(&out->arena, 0, ARENA_BYTES_MAX);
    enum err_code code = shop_profile_read(args->config, &options.shop, err);
    if (code == ERR_OK)
        code = shop_weights_read(args->config, &out->weights, err);
    if (code == ERR_OK)
        code = open_store(args, true, true, &out->store, err);
    if (code == ERR_OK)
        code = engine_open(out->store, &options, &out->engine, err);
    if (code == ERR_OK)
        out->view = engine_view(out->engine);
    else
        shop_close(out);
    return code;
}

void shop_close(struct shop *s)
{
    view_unref(s->view);
    engine_close(s->engine);
    store_close(s->store);
    arena_release(&s->arena);
    *s = (struct shop){0};
}

enum err_code shop_currency(const struct shop *s, const char *name, currency_code *out,
                            struct err *err)
{
    *out = engine_shop(s->engine)->currency;
    if (!name || currency_of(str_of(name), out))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "'%.10s' is no currency of ISO 4217", name);
}

enum err_code shop_language(const struct shop *s, const char *name, struct str *out,
                            struct err *err)
{
    *out = view_language(s->view, str_of(name));
    if (!name || str_is(*out, name))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "--lang: '%.10s' is no language of this shop", name);
}

char *shop_amount(int64_t minor, currency_code currency, char out[SHOP_AMOUNT_SIZE])
{
    char name[4];
    long long unit = 1, amount = minor;
    int digits = currency_exponent(currency);
    for (int i = 0; i < digits; i++)
        unit *= 10;
    if (minor == STORE_NO_AMOUNT)
        out[0] = '\0';
    else if (digits == 0)
        snprintf(out, SHOP_AMOUNT_SIZE, "%lld %s", amount, currency_name(currency, name));
    else
        snprintf(out, SHOP_AMOUNT_SIZE, "%s%lld.%0*lld %s", amount < 0 ? "-" : "",
                 llabs(amount / unit), digits, llabs(amount % unit), currency_name(currency, name));
    return out;
}

void shop_print_product(const struct shop *s, uint32_t product_no, struct str language)
{
    char amount[SHOP_AMOUNT_SIZE];
    struct live_row row;
    live_get(s->view->live, product_no, &row);
    struct str id = card_id(s->view, product_no);
    struct str title = card_title(s->view, product_no, language);
    printf("%14s  %-20.*s  %.*s\n", shop_amount(row.price_minor, row.currency, amount), STR_ARG(id),
           STR_ARG(title));
}
