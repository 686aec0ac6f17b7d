/* html.h - a product description in HTML to plain text. */
#ifndef INGEST_HTML_H
#define INGEST_HTML_H

#include "base/arena.h"
#include "base/str.h"

/** Tags go, scripts, styles and comments with what they hold; ends of blocks become line feeds, list
 *  items begin with "- "; entities become characters; white space is folded. Never a parser of HTML
 *  to be shown: what comes out is text. Lies in the arena; p is NULL past its cap. */
struct str html_to_text(struct str html, struct arena *a);

#endif
