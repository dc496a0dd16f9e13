// Matrix products, the bulk of a step: (pixels, inputs) x (inputs, outputs), bias and activation in the epilogue.
//
// The weights are packed into panels as wide as two of the widest vectors; what is left at the end of a row goes into
// panels half, and half again, as wide. A tile is some rows of pixels times one panel, all its sums in registers.
#pragma once
#include "vectors.h"

namespace FUSED_LEVEL {

constexpr int PANEL = FUSED_PANEL;  // floats of the widest panel

struct Packed {
    long inputs, outputs;
    const float* panels;  // of every panel in turn: (inputs, width)
    const float* bias;
};

constexpr int rows_of(int width) { return width == PANEL ? FUSED_ROWS : FUSED_NARROW_ROWS; }

// What the next parts of a step will read, in order: the products, which leave the memory idle, fetch it meanwhile.
struct Region {
    long begin, bytes;  // from the weights' or the row of the state's first byte on
    bool is_state;
};

struct Ahead {
    const Region *next, *stop;
    const char *weights, *state;
    const char *at, *end;  // of the region under way

    // Returns where the next `lines` cache lines lie and steps past them; `line` is 0 where there is nothing to fetch.
    const char* take(long lines, long& line) {
        if (at >= end && next < stop) {
            at = (next->is_state ? state : weights) + next->begin;
            end = at + next->bytes;
            ++next;
        }
        const char* from = at;
        line = at < end ? 64 : 0;
        at += lines * line;
        return from;
    }

    // Goes on with `region` where it has not come so far yet, and ends before `until`.
    void reach(const Region* region, const Region* until) {
        if (next <= region) next = region, at = end = weights;
        stop = until;
    }
};

struct Tile {
    const float* in;  // the first pixel
    long in_stride;   // floats from pixel to pixel
    const long* at;   // where each input lies from its pixel on; null: one after the other
    const float* panel;
    long inputs;
    const float* bias;
    const float* add;  // laid out like `out`; null: nothing is added
    float* out;
    const int* place;  // where each pixel goes, counted in pixels; null: one after the other
    long out_stride;
    int activation;
    const char* ahead;  // memory to fetch while this is computed, one line for each input ...
    long line;          // ... of so many bytes
};

template <int width, int rows, bool is_spread>
static void tile(const Tile& t) {
    constexpr int lanes = width < WIDE ? width : WIDE, count = width / lanes;
    Vector<lanes> sum[rows][count];
    UNROLL for (int v = 0; v < count; ++v) {
        const Vector<lanes> bias = load<lanes>(t.bias + v * lanes);
        UNROLL for (int r = 0; r < rows; ++r) sum[r][v] = bias;
    }
    const float* panel = t.panel;
    const float* in = t.in;
    const char* ahead = t.ahead;
    const long line = t.line;
    const long stride = t.in_stride;
    for (long k = 0; k < t.inputs; ++k, panel += width, ahead += line) {
        if (FUSED_AHEAD) __builtin_prefetch(ahead, 0, 2);
        const float* from = is_spread ? in + t.at[k] : in + k;
        Vector<lanes> weight[count];
        UNROLL for (int v = 0; v < count; ++v) weight[v] = load<lanes>(panel + v * lanes);
        UNROLL for (int r = 0; r < rows; ++r) {
            const Vector<lanes> value = fill<lanes>(from[r * stride]);
            UNROLL for (int v = 0; v < count; ++v) sum[r][v] += value * weight[v];
        }
    }
    UNROLL for (int r = 0; r < rows; ++r) {
        const long pixel = (t.place ? t.place[r] : r) * t.out_stride;
        UNROLL for (int v = 0; v < count; ++v) {
            Vector<lanes> value = sum[r][v];
            value = activate<lanes>(value, t.activation);
            if (t.add) value += load<lanes>(t.add + r * t.out_stride + v * lanes);
            store<lanes>(t.out + pixel + v * lanes, value);
        }
    }
}

template <int width, int rows, bool is_spread>
INLINE void run_rows(int count, const Tile& t) {
    if constexpr (rows > 1)
        if (count < rows) return run_rows<width, rows - 1, is_spread>(count, t);
    tile<width, rows, is_spread>(t);
}

// All pixels times one panel, in tiles of as equal a size as can be.
template <int width, bool is_spread>
static void run_panel(Tile t, long pixels, Ahead& ahead) {
    constexpr int rows = rows_of(width);
    const long tiles = (pixels + rows - 1) / rows;
    long left = pixels;
    for (long i = tiles; i > 0; --i) {
        const int count = static_cast<int>((left + i - 1) / i);
        t.ahead = ahead.take(t.inputs, t.line);
        run_rows<width, rows, is_spread>(count, t);
        left -= count;
        t.in += count * t.in_stride;
        if (t.add) t.add += count * t.out_stride;
        if (t.place) t.place += count; else t.out += count * t.out_stride;
    }
}

template <bool is_spread, int width = PANEL>
INLINE void run_width(int wanted, const Tile& t, long pixels, Ahead& ahead) {
    if (wanted == width) return run_panel<width, is_spread>(t, pixels, ahead);
    if constexpr (width > STEP) run_width<is_spread, width / 2>(wanted, t, pixels, ahead);
}

INLINE int panel_width(long left) {
    int width = PANEL;
    while (width > left) width /= 2;
    return width;
}

// Calls `use(width, offset of the panel, first output)` for every panel of a product.
template <class Use>
INLINE void each_panel(long inputs, long outputs, Use use) {
    for (long first = 0; first < outputs;) {
        const int width = panel_width(outputs - first);
        use(width, first * inputs, first);
        first += width;
    }
}

template <bool is_spread = false>
static void product(const Packed& p, Tile t, long pixels, Ahead& ahead) {
    const float* panels = t.panel ? t.panel : p.panels;
    const Tile all = t;
    t.inputs = p.inputs;
    each_panel(p.inputs, p.outputs, [&](int width, long offset, long first) {
        t.panel = panels + offset;
        t.bias = p.bias + first;
        t.out = all.out + first;
        t.add = all.add ? all.add + first : nullptr;
        run_width<is_spread>(width, t, pixels, ahead);
    });
}

// (inputs) x (inputs, outputs) + bias: every weight is read once, so four rows of a panel are under way at a time.
template <int width>
static void run_vector(const float* in, const float* panel, long inputs, const float* bias, float* out) {
    constexpr int lanes = width < WIDE ? width : WIDE, count = width / lanes, ways = 4;
    Vector<lanes> sum[ways][count] = {};
    UNROLL for (int v = 0; v < count; ++v) sum[0][v] = load<lanes>(bias + v * lanes);
    for (long k = 0; k < inputs; k += ways, panel += ways * width) {
        UNROLL for (int way = 0; way < ways; ++way) {
            const Vector<lanes> value = fill<lanes>(in[k + way]);
            UNROLL for (int v = 0; v < count; ++v) sum[way][v] += value * load<lanes>(panel + way * width + v * lanes);
        }
    }
    UNROLL for (int v = 0; v < count; ++v)
        store<lanes>(out + v * lanes, (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]));
}

template <int width = PANEL>
INLINE void run_vector_width(int wanted, const float* in, const float* panel, long inputs, const float* bias, float* out) {
    if (wanted == width) return run_vector<width>(in, panel, inputs, bias, out);
    if constexpr (width > STEP) run_vector_width<width / 2>(wanted, in, panel, inputs, bias, out);
}

static void vector_product(const Packed& p, const float* in, float* out) {
    each_panel(p.inputs, p.outputs, [&](int width, long offset, long first) {
        run_vector_width(width, in, p.panels + offset, p.inputs, p.bias + first, out + first);
    });
}

static void pack(const float* weight, long inputs, long outputs, float* panels) {
    each_panel(inputs, outputs, [&](int width, long offset, long first) {
        float* to = panels + offset;
        for (long k = 0; k < inputs; ++k)
            for (int i = 0; i < width; ++i) *to++ = weight[k * outputs + first + i];
    });
}

// Scales every input of packed weights by its own factor: the gate, folded into the projection.
static void scale_inputs(const Packed& p, const float* factor, float* to) {
    const float* from = p.panels;
    each_panel(p.inputs, p.outputs, [&](int width, long, long) {
        for (long k = 0; k < p.inputs; ++k, from += width, to += width)
            for (int i = 0; i < width; i += HALF) store<HALF>(to + i, load<HALF>(from + i) * factor[k]);
    });
}

}  // namespace FUSED_LEVEL
