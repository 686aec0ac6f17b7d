/* detect.h - a cheap hint which language a text is in. */
#ifndef TEXT_DETECT_H
#define TEXT_DETECT_H

#include "base/str.h"

enum text_language {
    TEXT_LANGUAGE_OTHER = 0, /* neither, or no letters at all */
    TEXT_LANGUAGE_EN,
    TEXT_LANGUAGE_ZH
};

/** Chinese where at least a tenth of the letters are Han characters (a brand and a model number in
 *  Latin letters leave a Chinese title Chinese) and kana are fewer than a quarter of those; English
 *  where at least four fifths of the letters are ASCII. Only the first 1,024 bytes are looked
 *  at. */
enum text_language text_detect(struct str text);

/** The code of a language: "zh", "en", or "" for the others. */
const char *text_language_code(enum text_language language);

#endif
