/* detect.h - a cheap hint which language a text is in. */
#ifndef TEXT_DETECT_H
#define TEXT_DETECT_H

#include "base/str.h"

enum text_language {
    TEXT_LANGUAGE_OTHER = 0, /* neither, or no letters at all */
    TEXT_LANGUAGE_EN,
    TEXT_LANGUAGE_ZH
};

/** Chinese where Han characters make up at least a fifth of the letters (a brand and a model
 *  number in Latin letters leave a Chinese title Chinese) and kana do not; English where ASCII
 *  letters make up at least nine tenths. At most the first 1,024 bytes are looked at. */
enum text_language text_detect(struct str text);

/** The code of a language: "zh", "en", or "" for the others. */
const char *text_language_code(enum text_language language);

#endif
