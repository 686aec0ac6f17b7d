/* files.h - small files in a folder of their own. */
#ifndef TESTS_EVAL_FILES_H
#define TESTS_EVAL_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "support/suite.h"

struct files {
    char dir[64];
    char path[128]; /* of the file written last */
};

static inline void files_init(struct files *f)
{
    snprintf(f->dir, sizeof f->dir, "/tmp/aisle-eval-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
}

static inline void files_release(struct files *f)
{
    struct err err;
    ck_ok(fs_remove_tree(f->dir, &err));
}

static inline const char *write_text(struct files *f, const char *name, const char *text)
{
    struct err err;
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    ck_ok(fs_write_file_atomic(f->path, text, strlen(text), &err));
    return f->path;
}

#endif
