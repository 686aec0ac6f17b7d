/* shop.h - the shop of the data folder as it stands now, for commands that ask and change nothing.
 *
 * The store is open read-only and the engine frozen, so this works beside a running server. */
#ifndef CLI_SHOP_H
#define CLI_SHOP_H

#include "base/arena.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "recommend/weights.h"

/* All-zero is closed. */
struct shop {
    struct store *store;
    struct engine *engine;
    struct view *view;
    struct recommend_weights weights;
    struct arena arena; /* for requests and their results, 64 MiB */
};

ERR_MUST_USE enum err_code shop_open(const struct args *args, struct shop *out, struct err *err);
void shop_close(struct shop *s);

/** Languages and currency from the settings; texts are borrowed from the config.
 *  ERR_INVALID  names the setting. */
ERR_MUST_USE enum err_code shop_profile_read(const struct config *config, struct shop_profile *out,
                                             struct err *err);

/** The weights of sources: the defaults and what the setting recommend.weights says of them.
 *  ERR_INVALID  names the setting. */
ERR_MUST_USE enum err_code shop_weights_read(const struct config *config,
                                             struct recommend_weights *out, struct err *err);

/** The currency that a flag names, or the shop's.
 *  ERR_INVALID  none of ISO 4217. */
ERR_MUST_USE enum err_code shop_currency(const struct shop *s, const char *name, currency_code *out,
                                         struct err *err);

/** The language that a flag names, or the shop's first.
 *  ERR_INVALID  the shop has no such language. */
ERR_MUST_USE enum err_code shop_language(const struct shop *s, const char *name, struct str *out,
                                         struct err *err);

/** "129.00 CNY" into out; "" for no price. Returns out. */
enum { SHOP_AMOUNT_SIZE = 40 };
char *shop_amount(int64_t minor, currency_code currency, char out[SHOP_AMOUNT_SIZE]);

/** "  129.00 CNY  K-1  Enamel kettle": a product in a list for people. */
void shop_print_product(const struct shop *s, uint32_t product_no, struct str language);

#endif
