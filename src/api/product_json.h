/* product_json.h - a product as docs/http-api.md has it, in both directions. */
#ifndef API_PRODUCT_JSON_H
#define API_PRODUCT_JSON_H

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "store/records.h"

/** Read a product as docs/http-api.md has it; id is from the path where not empty. Texts lie in the
 *  reader's arena or text. ERR_INVALID with the place. */
enum err_code product_from_json(struct json_reader *r, struct str id, struct product *out,
                                struct err *err);

/* A JSON merge patch (RFC 7396) of a product, read and checked. */
struct product_merge {
    struct product given; /* what it names; objects as they are, to be merged */
    uint64_t named;       /* bit per member of a product that it names */
    unsigned rated;       /* bit per part of the rating that it names */
};

/** Read a patch of the product with this id; what no product could be is refused here. Texts as
 *  product_from_json. */
enum err_code product_merge_from_json(struct json_reader *r, struct str id,
                                      struct product_merge *out, struct err *err);

/** Merge it into the stored product p. ERR_INVALID, ERR_LIMIT: what comes out is none. */
enum err_code product_merge_apply(const struct product_merge *m, struct arena *arena,
                                  struct product *p, struct err *err);

/** The whole product as members of an open object, in its own language. with_cost: what it costs the shop too,
 *  which is for a caller of scope admin alone. */
void product_members(const struct product *p, bool with_cost, struct json_writer *w);

/** Replace the texts by those of a translation; false, with nothing changed, if there is none. */
bool product_translate(struct product *p, struct str language, struct arena *arena);

#endif
