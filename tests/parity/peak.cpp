// The most that one core adds and multiplies: sums that never leave their registers. For roofline.py.
#define UNROLL _Pragma("GCC unroll 16")

typedef float Vector __attribute__((vector_size(64)));

extern "C" double peak(long rounds) {
    constexpr int chains = 16;  // more than a product takes cycles, times the products that begin in one
    const Vector factor = Vector{} + 0.999f, shift = Vector{} + 0.001f;
    Vector sums[chains];
    UNROLL for (int i = 0; i < chains; ++i) sums[i] = shift + static_cast<float>(i);
    for (long round = 0; round < rounds; ++round)
        UNROLL for (int i = 0; i < chains; ++i) sums[i] = sums[i] * factor + shift;
    double total = 0;
    UNROLL for (int i = 0; i < chains; ++i) total += sums[i][0];
    return total;
}
