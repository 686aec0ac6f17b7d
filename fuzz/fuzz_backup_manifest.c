/* fuzz_backup_manifest.c - any bytes as the manifest of a backup are refused with a reason, or list
 * files that lie within it and add up. */
#include <stdint.h>

#include "base/check.h"
#include "store/backup_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_manifest m = {0};
    struct err err = {0};
    int64_t sum = 0;
    buf_init(&m.text, size + 1);
    arena_init(&m.arena, 0, 64 << 20);
    if (size)
        buf_put(&m.text, data, size);
    if (backup_manifest_parse(&m, &err) == ERR_OK) {
        CHECK(m.summary.files == (int64_t)m.len);
        for (size_t i = 0; i < m.len; i++) {
            const char *path = m.files[i].path;
            CHECK(path[0] != '\0' && path[0] != '/' && path[0] != '.' && !strstr(path, "/."));
            CHECK(m.files[i].bytes >= 0);
            sum += m.files[i].bytes;
        }
        CHECK(sum == m.summary.bytes);
    } else {
        CHECK(err.msg[0] != '\0');
    }
    backup_manifest_release(&m);
    return 0;
}
