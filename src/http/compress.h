/* compress.h - gzip of whole reply bodies with one deflate state per loop, reset between uses. */
#ifndef HTTP_COMPRESS_H
#define HTTP_COMPRESS_H

#include "base/buf.h"

struct http_gzip;

/** level 1..9. Aborts when memory is out (about 256 KiB). */
struct http_gzip *http_gzip_new(int level);
void http_gzip_free(struct http_gzip *g);

/** Replace out's content by the gzip form of in. false: it would not be smaller, or exceed out->max. */
bool http_gzip(struct http_gzip *g, struct str in, struct buf *out);

/** Is it worth compressing: text, JSON, XML, SVG, JavaScript? */
bool http_compressible(const char *content_type);

#endif
