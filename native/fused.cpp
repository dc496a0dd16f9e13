// The C interface: chooses the level by what the processor can do, and lends scratch memory to steps.
#include "fused.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if !defined(FUSED_LARGE_PAGES)
#define FUSED_LARGE_PAGES 1  // 0: small ones, to measure what large ones give
#endif

#include "laps.h"
#include "level.h"

#if defined(FUSED_LAPS)
double fused_laps[PART_COUNT];
#endif

namespace {

struct Choice {
    const Level* level;
    bool is_supported;
};

std::vector<Choice> choices() {
    std::vector<Choice> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool is_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    found.push_back({&level_avx512, is_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")});
    found.push_back({&level_avx2, is_avx2});
#elif defined(__aarch64__)
    found.push_back({&level_neon, true});
#endif
    found.push_back({&level_plain, true});
    return found;
}

const Level* choose(const char* wanted) {
    for (const Choice& choice : choices())
        if (choice.is_supported && (!*wanted || !std::strcmp(wanted, choice.level->name))) return choice.level;
    return nullptr;
}

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<void, Free>;

constexpr size_t LARGE = 2 << 20;  // bytes of a large page

// Large pages, where the system has them: a step walks through all of its weights once, too many small pages for one pass.
Memory allocate(size_t bytes) {
    const size_t alignment = bytes < LARGE ? Arena::ALIGNMENT : LARGE;
    const size_t whole = (bytes + alignment) / alignment * alignment;
    Memory found(std::aligned_alloc(alignment, whole));
#if defined(MADV_HUGEPAGE) && FUSED_LARGE_PAGES
    if (found && alignment == LARGE) madvise(found.get(), whole, MADV_HUGEPAGE);
#endif
    return found;
}

// A net and the scratch memory of its steps: one piece for each step that was ever under way at the same time.
struct Handle {
    const Level* level = nullptr;
    Memory memory;
    const void* net = nullptr;
    std::mutex mutex;
    std::vector<Memory> idle;

    Memory borrow() {
        {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!idle.empty()) {
                Memory found = std::move(idle.back());
                idle.pop_back();
                return found;
            }
        }
        return allocate(level->scratch_bytes(net));
    }

    void give_back(Memory scratch) {
        const std::lock_guard<std::mutex> lock(mutex);
        idle.push_back(std::move(scratch));
    }
};

}  // namespace

extern "C" {

void* fused_open(const FusedNet* net, const char* level) try {
    auto handle = std::make_unique<Handle>();
    handle->level = choose(level);
    if (!handle->level) return nullptr;
    Arena arena;
    handle->level->build(*net, arena);
    handle->memory = allocate(arena.used);
    if (!handle->memory) return nullptr;
    arena = {static_cast<char*>(handle->memory.get()), 0};
    handle->net = handle->level->build(*net, arena);
    return handle.release();
} catch (const std::bad_alloc&) {
    return nullptr;
}

void fused_close(void* net) { delete static_cast<Handle*>(net); }

const char* fused_level(const void* net) { return static_cast<const Handle*>(net)->level->name; }

const char* fused_levels() {
    static const std::string names = [] {
        std::string all;
        for (const Choice& choice : choices())
            if (choice.is_supported) all += (all.empty() ? "" : " ") + std::string(choice.level->name);
        return all;
    }();
    return names.c_str();
}

void fused_sizes(int64_t sizes[3]) {
    sizes[0] = sizeof(FusedNet);
    sizes[1] = sizeof(FusedBlock);
    sizes[2] = sizeof(FusedClip);
}

int fused_step(void* net, const FusedClip* clip, float* state, int64_t phase, const float* decay, float* logits) try {
    auto& handle = *static_cast<Handle*>(net);
    Memory scratch = handle.borrow();
    if (!scratch) return 1;
    handle.level->step(handle.net, *clip, scratch.get(), state, phase, decay, logits);
    handle.give_back(std::move(scratch));
    return 0;
} catch (const std::bad_alloc&) {
    return 1;
}
}
