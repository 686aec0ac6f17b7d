/* reader_int.h - what the record readers share: the window over the text, and one table of functions
 * per format. */
#ifndef INGEST_READER_INT_H
#define INGEST_READER_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "ingest/reader.h"

/** The part of the text that is in memory: data[at..end) is not consumed yet. */
struct window {
    struct source *src; /* owned */
    char *data;         /* [cap], owned */
    size_t cap, at, end;
    uint64_t offset; /* of data[at] in the decoded text */
    uint64_t line;   /* physical line of data[at], from 1 */
    bool eof;        /* nothing comes behind end */
};

void window_init(struct window *w, struct source *src);
void window_release(struct window *w);

/** Read more behind end; what is at `at` may move. At least doubles what is held, so that looking at
 *  the same record again costs no more than looking once. The caller sees to it that no more than a
 *  record is held. */
ERR_MUST_USE enum err_code window_more(struct window *w, struct err *err);

/** Consume n bytes that hold `lines` line ends. */
void window_take(struct window *w, size_t n, uint64_t lines);

/** Consume up to and including the next line feed (or a lone CR in a text without line feeds), however
 *  far it is, holding no more than a block. */
ERR_MUST_USE enum err_code window_skip_line(struct window *w, struct err *err);

static inline struct str window_text(const struct window *w)
{
    return (struct str){w->data + w->at, w->end - w->at};
}

struct reader_ops {
    ERR_MUST_USE enum err_code (*open)(struct reader *r, struct err *err);
    void (*close)(struct reader *r);
    ERR_MUST_USE enum err_code (*next)(struct reader *r, bool *more, struct err *err);
    int (*want)(struct reader *r, struct str name);
};

extern const struct reader_ops reader_csv, reader_jsonl, reader_json, reader_xml;

/** A name or path that was asked for: JSON and XML. */
struct wants {
    struct str *paths; /* [len] as asked for, owned by the arena */
    size_t len;
    bool nested; /* any of them is a path */
    size_t next; /* where the search begins: names mostly come in the same order */
    struct arena arena;
};

struct reader {
    const struct reader_ops *ops;
    enum reader_format format;
    char delimiter;
    size_t row_max;
    struct window w;
    struct record rec;
    uint64_t given;       /* records so far */
    struct field *fields; /* [fields_len], owned */
    size_t fields_len;
    size_t sound;         /* fields of the record that are read whatever comes behind: of a fault */
    struct arena scratch; /* of one record: unescaped text */
    char message[200];    /* rec.message of a fault */
    struct str *header;   /* [header_len] CSV, in names */
    size_t header_len;
    struct arena names;
    struct wants wants; /* JSON, XML */
    void *state;        /* the format's own */
};

/** Begin a record at the window's place. */
void reader_begin(struct reader *r);

/** Give a fault: raw is cut to READER_RAW_MAX, fields from r->sound on are absent. */
void reader_fault(struct reader *r, enum import_reason why, struct str raw, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** Names are equal but for case, spaces, hyphens, underscores and a namespace "g:". */
bool reader_name_eq(struct str a, struct str b);

/** `want` of JSON and XML. */
int reader_want_path(struct reader *r, struct str name);

/** The index of a path, or -1. */
int reader_find_path(struct reader *r, struct str path);

#endif
