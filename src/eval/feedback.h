/* feedback.h - who had what, from a caller's files: to fit on one and to foretell another.
 *
 * Formats: adjacency  a line is a user and the items, separated by blanks, tabs, commas or semicolons;
 *          pairs      a line is user, item[, time], by header or place. What separates them is what the
 *                     first line has: a tab, else a comma, else a semicolon, else blanks. A time is seconds
 *                     since 1970 or ISO 8601; without one an act is of no particular time.
 * Result:  users and items are numbered from 1 in the order of their first appearance, in all files that one
 *          struct feedback read; each act is a view.
 * Memory:  all-zero is a valid empty value but for `pairs`; release with feedback_release. */
#ifndef EVAL_FEEDBACK_H
#define EVAL_FEEDBACK_H

#include "base/map.h"
#include "ingest/derive.h"

struct feedback {
    struct map_str users, items; /* outside id -> number */
    bool pairs;                  /* the format */
};

/** Read a file into out, which is all-zero and then sorted (interactions_release, on failure too).
 *  ERR_INVALID  nothing is in it, a line is broken (the message has its number), or its header names
 *               one of user and item alone (the message lists the header); else what the file reports */
ERR_MUST_USE enum err_code feedback_read(struct feedback *f, const char *path,
                                         struct interactions *out, struct err *err);
void feedback_release(struct feedback *f);

#endif
