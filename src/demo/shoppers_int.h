/* shoppers_int.h - the shoppers as the choice model sees them.
 *
 * Model:   everything about shopper n is drawn from the stream (seed, n), but for what he remembers (his
 *          last purchases, whether he has signed in), which the visits write.
 * Memory:  shoppers_open allocates, shoppers_release frees. */
#ifndef DEMO_SHOPPERS_INT_H
#define DEMO_SHOPPERS_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "demo/catalogue_int.h"

enum {
    FAVOURITES = 3, /* departments that a shopper mostly visits */
    BOUGHT_MAX = 4, /* purchases that he remembers */
    CITIES = 12,
};

enum shopper_kind {
    SHOPPER_REGISTERED, /* signed in from the first event on */
    SHOPPER_JOINING,    /* a guest who registers at joins_s */
    SHOPPER_GUEST,      /* never registers, has no user record */
};

struct bought {
    uint32_t item;
    int32_t at_s; /* seconds since the history began */
    bool rated;
};

struct shopper {
    float taste[TASTES];       /* hidden: what he likes */
    uint8_t dept[FAVOURITES];  /* hidden: departments, best first */
    uint8_t share[FAVOURITES]; /* hidden: of his visits, in 1/255 */
    float budget;              /* hidden: where in a type's price range he looks, about -1..1 */
    float thrift;              /* hidden: how much a price off his budget deters him */
    float loyalty;             /* hidden: worth of a favourite brand */
    float activity;            /* hidden: relative number of visits */
    uint8_t colour;            /* hidden: the favourite one */
    uint8_t kind;              /* enum shopper_kind */
    uint8_t lang;              /* enum lang */
    uint8_t city;
    bool introduced; /* his guest id was seen together with his user id */
    uint8_t bought_len;
    struct bought bought[BOUGHT_MAX]; /* newest first */
    int32_t since_s; /* first visit not before this, seconds since the history began; may be < 0 */
    int32_t joins_s; /* SHOPPER_JOINING: registers then */
};

struct shoppers {
    struct shopper *list; /* [len], owned; those with a user record first */
    uint32_t len;
    uint32_t users; /* registered or joining */
};

/** users registered shoppers and a few guests.
 *  ERR_MEMORY  no room for that many. */
ERR_MUST_USE enum err_code shoppers_open(struct shoppers *s, const struct catalogue *c,
                                         uint32_t users, struct err *err);
void shoppers_release(struct shoppers *s);

/** Take away what the visits gave him to remember. */
void shopper_forget(struct shopper *s);

/** Append the user id of shopper n (n < users). */
void shopper_put_id(uint32_t n, struct buf *out);

/** Append the anonymous id of shopper n: 32 hexadecimal digits. */
void shopper_put_anonymous(const struct catalogue *c, uint32_t n, struct buf *out);

/** The user record of shopper n < users. Its texts lie in text until the next call with it. */
void describe_shopper(const struct catalogue *c, const struct shoppers *s, uint32_t n,
                      struct buf *text, struct user *out);

/** Append {"city":"...","country":"CN"} in the shopper's language. */
void shopper_put_address(const struct shopper *s, struct buf *out);

/** Make shopper n one of the showcase: overwrite what he likes. n < DEMO_SHOWCASE_USERS. */
void showcase_shape(const struct catalogue *c, uint32_t n, struct shopper *s);

/** Does he prefer this brand of this department to others? */
bool shopper_prefers_brand(uint32_t n, int dept, int brand, int brands);

#endif
