// What one level of processor offers to the part that chooses among them.
#pragma once
#include <cstddef>
#include <cstdint>

#include "fused.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

// Hands out memory of one block, aligned; with no block it only counts.
struct Arena {
    static constexpr size_t ALIGNMENT = 64;
    char* block = nullptr;
    size_t used = 0;

    template <class Item>
    Item* take(size_t count) {
        char* found = block ? block + used : nullptr;
        used += (count * sizeof(Item) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
#if defined(__SANITIZE_ADDRESS__)  // a fence behind every piece, so that one is not mistaken for the next
        char* const end = found + count * sizeof(Item);
        used += ALIGNMENT;
        if (block) ASAN_POISON_MEMORY_REGION(end, block + used - end);
#endif
        return reinterpret_cast<Item*>(found);
    }
};

struct Level {
    const char* name;
    // Lays a net out in the arena and returns it; where the arena only counts, null.
    const void* (*build)(const FusedNet&, Arena&);
    // Bytes of scratch memory, aligned like the arena, that a step needs.
    size_t (*scratch_bytes)(const void* net);
    void (*step)(const void* net, const FusedClip&, void* scratch, float* state, int64_t phase, const float* decay, float* logits);
};

extern const Level level_plain, level_neon, level_avx2, level_avx512;
