/* timeformat.h - times as exports write them, by formats in the manner of strptime.
 *
 * %Y year, %m month, %d day, %H hour, %I hour of 12, %M minute, %S second with an optional fraction,
 * %p AM or PM, %b month's English name or its first three letters, %y year of two digits (1970 to
 * 2069), %z zone (Z, +hh:mm, +hhmm), %s seconds since 1970, %Q milliseconds since 1970, %% itself.
 * Numbers may lack leading zeros; a space in the format is any white space; the rest stands for
 * itself. Without a zone the time is UTC. */
#ifndef INGEST_TIMEFORMAT_H
#define INGEST_TIMEFORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/** Does all of text follow the format? Then *us is the time. */
bool time_parse(struct str format, struct str text, int64_t *us);

/** Is it a format at all (known letters, a date or a count of seconds)? */
bool time_format_ok(struct str format);

#endif
