/* banned.h - unsafe functions become compile errors.
 *
 * Include last, or let base/check.h include it. Each name has a replacement: buf_* and str_* for
 * strings, num_parse_* for numbers, clock_* for dates, struct rng for randomness. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll atof
#pragma GCC poison gmtime localtime asctime ctime rand srand gets tmpnam mktemp

#endif
