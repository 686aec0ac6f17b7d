/* fold.h - bring text into the one form in which it is compared.
 *
 * Model:   Unicode NFKC with case folding (UAX 31's NFKC_Casefold: width, ligatures, compatibility
 *          forms and invisible characters go too); then Latin letters lose their accents, decimal
 *          digits of every script become 0-9, typographic hyphens and apostrophes become ASCII
 *          ones, and traditional Chinese characters become simplified ones. The last is an
 *          equivalence for matching, not a conversion for display: where one traditional character
 *          has several simplified forms, all of them meet in one (see tools/gen_text_fold.c).
 *          Folding twice changes nothing more. Each byte that is not UTF-8 becomes U+FFFD.
 * Cost:    one table look-up per character; ICU is asked only for characters with combining
 *          marks.
 * Threads: any; there is no state. */
#ifndef TEXT_FOLD_H
#define TEXT_FOLD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/** Append the folded form of in to out. For keys: brands, categories, attribute values, synonyms.
 *  ERR_LIMIT     out's cap is reached, or memory is out
 *  ERR_INTERNAL  ICU failed */
ERR_MUST_USE enum err_code text_fold(struct str in, struct buf *out, struct err *err);

#endif
