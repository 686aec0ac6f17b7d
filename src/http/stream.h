/* stream.h - replies of unknown length: chunks, and server-sent events over them.
 *
 * Life:    begin ... write* ... end. The handler returns after begin; what continues the stream (a
 *          post from a thread, on_drained) runs later on the loop. A request that is written to from
 *          outside its loop is suspended first (http_request_suspend), then posts, then resumes with
 *          a function that ends the stream.
 * Bounds:  unsent bytes are capped (http_config.stream_unsent_bytes); a reader too slow even for that
 *          finds the write refused with ERR_BUSY, and no progress at all for write_timeout_ms cuts it.
 *          Streams have no read time-out.
 * Cancel:  when the client leaves, http_request_on_cancel's function runs. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/reply.h"

/** Send the head (reply->body and take must be empty). */
void http_stream_begin(struct http_request *req, const struct http_reply *reply);

/** Append bytes, copied.
 *  ERR_BUSY       unsent bytes would pass the cap: nothing was taken; wait for on_drained
 *  ERR_CANCELLED  the client left */
ERR_MUST_USE enum err_code http_stream_write(struct http_request *req, struct str bytes,
                                             struct err *err);

/** Bytes that the client has not yet taken. */
size_t http_stream_unsent(const struct http_request *req);

/** After a refused write, call fn when unsent has fallen to a quarter of the cap. NULL: never. */
void http_stream_on_drained(struct http_request *req, http_handler *fn);

/** The last byte was written; the request is over. */
void http_stream_end(struct http_request *req);

/** Cut the connection so that the client sees the reply as incomplete; the request is over. */
void http_stream_abort(struct http_request *req);

/** Begin text/event-stream: no caching, no compression, a comment as heartbeat every
 *  http_config.heartbeat_ms. */
void http_sse_begin(struct http_request *req);

/** One event. event and id may be empty; data may have any line breaks, each line becomes a data:
 *  field. Errors as http_stream_write; event and id must be one line (CHECKed). */
ERR_MUST_USE enum err_code http_sse_send(struct http_request *req, struct str event, struct str id,
                                         struct str data, struct err *err);

#endif
