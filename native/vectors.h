// Vectors of floats by the compiler's own extension: the same code for AVX-512, AVX2, NEON and anything else.
// Every file that includes this is compiled once for each level, in a namespace of its own, so that no function compiled
// for one processor is ever run on another.
#pragma once
#include <cmath>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if !defined(FUSED_AHEAD)
#define FUSED_AHEAD 1  // 0: fetch nothing ahead, to measure what that gives
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

namespace FUSED_LEVEL {

template <int lanes>
struct Lanes {
    typedef float Type __attribute__((vector_size(4 * lanes), aligned(4), may_alias));
};
template <int lanes>
using Vector = typename Lanes<lanes>::Type;

constexpr int WIDE = FUSED_LANES;  // floats of the widest vector
constexpr int STEP = 8;            // every count of channels is a multiple of it
constexpr int LINE = 16;           // floats of a cache line
constexpr int HALF = WIDE < STEP ? WIDE : STEP;

template <int lanes>
INLINE Vector<lanes> load(const float* from) {
    return *reinterpret_cast<const Vector<lanes>*>(from);
}
template <int lanes>
INLINE void store(float* to, Vector<lanes> values) {
    *reinterpret_cast<Vector<lanes>*>(to) = values;
}
template <int lanes>
INLINE Vector<lanes> fill(float value) {
    return value - Vector<lanes>{};
}

// The comparisons as one instruction: compilers write two for `a < b ? a : b`, since it says more about what is not a number.
template <int lanes>
INLINE Vector<lanes> lesser(Vector<lanes> a, Vector<lanes> b) {
#if defined(__AVX512F__)
    if constexpr (lanes == 16) return _mm512_min_ps(a, b);
#endif
#if defined(__AVX__)
    if constexpr (lanes == 8) return _mm256_min_ps(a, b);
#endif
    return a < b ? a : b;
}
template <int lanes>
INLINE Vector<lanes> greater(Vector<lanes> a, Vector<lanes> b) {
#if defined(__AVX512F__)
    if constexpr (lanes == 16) return _mm512_max_ps(a, b);
#endif
#if defined(__AVX__)
    if constexpr (lanes == 8) return _mm256_max_ps(a, b);
#endif
    return a > b ? a : b;
}

template <int lanes>
INLINE Vector<lanes> hard_swish(Vector<lanes> x) {
    const Vector<lanes> zero = {}, one = fill<lanes>(1.0f);
    return x * lesser<lanes>(greater<lanes>(x * (1.0f / 6.0f) + 0.5f, zero), one);
}

enum Activation { NO_ACTIVATION, HARD_SWISH, RELU6 };  // swish only in the head, which is no loop of ours

template <int lanes>
INLINE Vector<lanes> relu6(Vector<lanes> x) {
    const Vector<lanes> zero = {};
    return lesser<lanes>(greater<lanes>(x, zero), fill<lanes>(6.0f));
}

template <int lanes>
INLINE Vector<lanes> activate(Vector<lanes> x, int kind) {
    if (kind == NO_ACTIVATION) return x;
    return kind == RELU6 ? relu6<lanes>(x) : hard_swish<lanes>(x);
}

}  // namespace FUSED_LEVEL
