/* mapping_builtin.h - the files of mappings/, put into the binary by rules.mk. */
#ifndef INGEST_MAPPING_BUILTIN_H
#define INGEST_MAPPING_BUILTIN_H

struct mapping_builtin {
    const char *name;        /* the file's, without ".yaml" */
    const char *begin, *end; /* its text */
};

/** Sorted by name; ends with a NULL name. */
extern const struct mapping_builtin mapping_builtins[];

#endif
