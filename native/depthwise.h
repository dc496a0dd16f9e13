// The depthwise part of a block in one loop, while its rows are in cache: spatial taps, activation, the newest frame into
// the ring, temporal taps over the ring, activation, and the pool's sum.
#pragma once
#include "vectors.h"

namespace FUSED_LEVEL {

struct Row {
    const float* in[5];  // `kernel` rows of (width + kernel - 1, channels), borders included
    long channels;
    const float* spatial;  // packed: of every vector of channels in turn (kernel * kernel, lanes)
    const float* spatial_bias;
    const float* temporal;  // packed likewise: (taps, lanes)
    const float* temporal_bias;
    const float* past[4];  // this row of `taps - 1` past frames, oldest first
    float* newest;         // where this frame goes: the place of the oldest one
    float* out;            // (width, channels)
    float* sum;            // (channels); null: not wanted
};

template <int lanes, int activation, int kernel, int stride, int taps, int pixels>
INLINE void depthwise_vector(const Row& row, long x, long c) {
    constexpr int columns = (pixels - 1) * stride + kernel;
    const long channels = row.channels;
    Vector<lanes> sum[pixels];
    const Vector<lanes> bias = load<lanes>(row.spatial_bias + c);
    UNROLL for (int p = 0; p < pixels; ++p) sum[p] = bias;
    const float* weight = row.spatial + c * kernel * kernel;
    UNROLL for (int ky = 0; ky < kernel; ++ky) {
        const float* in = row.in[ky] + x * stride * channels + c;
        Vector<lanes> value[columns];
        UNROLL for (int i = 0; i < columns; ++i) value[i] = load<lanes>(in + i * channels);
        UNROLL for (int kx = 0; kx < kernel; ++kx) {
            const Vector<lanes> w = load<lanes>(weight + (ky * kernel + kx) * lanes);
            UNROLL for (int p = 0; p < pixels; ++p) sum[p] += value[p * stride + kx] * w;
        }
    }
    UNROLL for (int p = 0; p < pixels; ++p) sum[p] = activate<lanes>(sum[p], activation);
    const long at = x * channels + c;
    if constexpr (taps > 1) {
        const float* tap = row.temporal + c * taps;
        const Vector<lanes> shift = load<lanes>(row.temporal_bias + c), last = load<lanes>(tap + (taps - 1) * lanes);
        UNROLL for (int p = 0; p < pixels; ++p) {
            if (FUSED_AHEAD && c % LINE == 0)
                UNROLL for (int i = 0; i < taps - 1; ++i) __builtin_prefetch(row.past[i] + at + (p + 2 * pixels) * channels);
            Vector<lanes> total = shift + last * sum[p];
            UNROLL for (int i = 0; i < taps - 1; ++i)
                total += load<lanes>(tap + i * lanes) * load<lanes>(row.past[i] + at + p * channels);
            store<lanes>(row.newest + at + p * channels, sum[p]);
            sum[p] = activate<lanes>(total, activation);
        }
    }
    UNROLL for (int p = 0; p < pixels; ++p) store<lanes>(row.out + at + p * channels, sum[p]);
    if (!row.sum) return;
    Vector<lanes> all = load<lanes>(row.sum + c);
    UNROLL for (int p = 0; p < pixels; ++p) all += sum[p];
    store<lanes>(row.sum + c, all);
}

template <int activation, int kernel, int stride, int taps, int pixels>
static void depthwise_pixels(const Row& row, long x) {
    long c = 0;
    for (; c + WIDE <= row.channels; c += WIDE) depthwise_vector<WIDE, activation, kernel, stride, taps, pixels>(row, x, c);
    if constexpr (WIDE > STEP)
        if (c < row.channels) depthwise_vector<STEP, activation, kernel, stride, taps, pixels>(row, x, c);
}

template <int activation, int kernel, int stride, int taps, int pixels = FUSED_PIXELS>
INLINE void run_pixels(long count, const Row& row, long x) {
    if constexpr (pixels > 1)
        if (count < pixels) return run_pixels<activation, kernel, stride, taps, pixels - 1>(count, row, x);
    depthwise_pixels<activation, kernel, stride, taps, pixels>(row, x);
}

template <int activation, int kernel, int stride, int taps>
static void depthwise_row(const Row& row, long width) {
    long x = 0;
    for (long tiles = (width + FUSED_PIXELS - 1) / FUSED_PIXELS; tiles > 0; --tiles) {
        const long count = (width - x + tiles - 1) / tiles;
        run_pixels<activation, kernel, stride, taps>(count, row, x);
        x += count;
    }
}

using RowFunction = void (*)(const Row&, long width);

template <int activation, int kernel, int stride>
INLINE RowFunction depthwise_taps(int taps) {
    if (taps == 5) return depthwise_row<activation, kernel, stride, 5>;
    return taps == 3 ? depthwise_row<activation, kernel, stride, 3> : depthwise_row<activation, kernel, stride, 1>;
}

template <int activation>
static RowFunction depthwise_kernel(int kernel, int stride, int taps) {
    if (kernel == 5) return stride == 2 ? depthwise_taps<activation, 5, 2>(taps) : depthwise_taps<activation, 5, 1>(taps);
    return stride == 2 ? depthwise_taps<activation, 3, 2>(taps) : depthwise_taps<activation, 3, 1>(taps);
}

static RowFunction depthwise(int activation, int kernel, int stride, int taps) {
    return activation == RELU6 ? depthwise_kernel<RELU6>(kernel, stride, taps) : depthwise_kernel<HARD_SWISH>(kernel, stride, taps);
}

// (count, channels) -> of every vector of channels in turn (count, lanes).
static void pack_channels(const float* from, long count, long channels, float* to) {
    for (long c = 0; c < channels;) {
        const long lanes = c + WIDE <= channels ? WIDE : STEP;
        for (long i = 0; i < count; ++i)
            for (long lane = 0; lane < lanes; ++lane) *to++ = from[i * channels + c + lane];
        c += lanes;
    }
}

}  // namespace FUSED_LEVEL
