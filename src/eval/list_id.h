/* list_id.h - the id of a list that was served, which says what made it.
 *
 * Model:   /v1/recommendations and /v1/search give each list an id, and events that it led to bring it back
 *          (`request_id`). The facts that results are counted by (placement, model, variants of experiments, what was
 *          explored and how probably) stand in the id itself, with a code that only this shop can make. So nothing is
 *          written for a list that is served, any replica can read any id, and there are no more different facts than
 *          the shop itself has made, whatever clients send.
 * Text:    base64url without padding of: format 1 byte; 6 random bytes; placement and model, each a length and that
 *          many bytes; number of variants, each 4 bytes of experiment and 1 of variant; 0, or 1 with 4 bytes of
 *          product, 4 of propensity (IEEE 754) and 1 of rank; SipHash-2-4 of what stands before, 8 bytes. Little-endian.
 * Key:     16 random bytes in the store's settings, made by the first server that may write.
 * Source:  Aumasson, Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012 (libsodium).
 * Threads: any. */
#ifndef EVAL_LIST_ID_H
#define EVAL_LIST_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"

struct store;

enum {
    LIST_PLACEMENT_MAX = 20, /* bytes */
    LIST_MODEL_MAX = 28,     /* bytes */
    LIST_VARIANTS_MAX = 4,
    LIST_ID_BYTES =
        1 + 6 + 1 + LIST_PLACEMENT_MAX + 1 + LIST_MODEL_MAX + 1 + 5 * LIST_VARIANTS_MAX + 1 + 9 + 8,
    LIST_ID_SIZE = (4 * LIST_ID_BYTES + 2) / 3 + 1, /* of the text and its NUL */
};

struct list_key {
    uint8_t bytes[16];
};

struct list_variant {
    uint32_t experiment; /* > 0 */
    uint8_t variant;     /* index within the experiment */
};

struct list_facts {
    struct str placement; /* 1..LIST_PLACEMENT_MAX bytes */
    struct str model;     /* version; empty: none. Above LIST_MODEL_MAX bytes it is cut */
    struct list_variant variants[LIST_VARIANTS_MAX];
    size_t variants_len;
    uint32_t explored_no;  /* product_no in the slot that explores; 0: none does */
    float propensity;      /* of it, in (0, 1] */
    uint8_t explored_rank; /* of it; 0: it belongs there */
};

/** A new id, in out with a NUL behind; returns its length. CHECKs the facts' limits. rng tells equal lists apart. */
size_t list_id_make(const struct list_key *key, const struct list_facts *facts, struct rng *rng,
                    char out[LIST_ID_SIZE]);

/** False for what is no id of this shop. Texts of facts are borrowed from bytes. */
bool list_id_read(const struct list_key *key, struct str id, uint8_t bytes[LIST_ID_BYTES],
                  struct list_facts *facts);

/** The shop's key, made where there is none and the store may be written. *found is false where there is none. */
ERR_MUST_USE enum err_code list_key_load(struct store *store, struct list_key *out, bool *found,
                                         struct err *err);

#endif
