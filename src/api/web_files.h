/* web_files.h - the storefront's files, made part of the binary by tools/embed_files.sh. */
#ifndef API_WEB_FILES_H
#define API_WEB_FILES_H

struct web_file {
    const char *path;              /* "/assets/index-x.js" */
    const char *etag;              /* changes with the content */
    const char *begin, *end;       /* as it is */
    const char *gz_begin, *gz_end; /* gzip form, NULL where it is no smaller */
};

/** Sorted by path, ended by an entry without one. "/openapi.yaml" is among them. */
extern const struct web_file web_files[];

#endif
