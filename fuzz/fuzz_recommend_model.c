/* fuzz_recommend_model.c - any bytes, with right checksums, are refused as a model or are harmless. */
#include "base/mem.h"
#include "engine/model.h"
#include "index/damage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recommend_model m;
    uint8_t *image = mem_try_aligned(1, size, CONTAINER_ALIGN);
    if (size)
        memcpy(image, data, size);
    damage_seal(image, size);
    if (recommend_model_open_memory(image, size, &m, NULL) == ERR_OK) {
        touch_model(&m);
        recommend_model_close(&m);
    }
    mem_free(image);
    return 0;
}
