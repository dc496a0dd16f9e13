// A net as a step reads it: weights packed for this level, and where everything goes.
#pragma once
#include "depthwise.h"
#include "level.h"
#include "products.h"

namespace FUSED_LEVEL {

constexpr int MOST_BLOCKS = 64;
constexpr long BAND_BYTES = 192 * 1024;  // of expanded rows that are kept in cache between the product and the taps

struct Window {  // TensorFlow's SAME: the odd pixel goes after
    long in, out, kernel, stride, before, width;  // width: a row with its borders

    Window() = default;
    Window(long side, long kernel_, long stride_) : in(side), out((side + stride_ - 1) / stride_), kernel(kernel_), stride(stride_) {
        width = (out - 1) * stride + kernel;
        before = (width - in) / 2;
    }
};

struct Block {
    Packed expand, reduce, gate, project, skip;
    Window window;
    long inputs, middle, outputs, hidden, taps;
    long ring, pool;     // in a row of the state, in floats
    long band, kept;     // rows made at a time, and expanded rows kept for them
    const int* place;    // pixel of the expanded input -> where it lies among the kept rows
    const float *spatial, *spatial_bias, *temporal, *temporal_bias, *frequencies;
    float position_scale;
    bool is_projected;
    RowFunction depthwise;
};

struct Net {
    FusedNet shape;
    Packed stem, features, dense, classifier;
    Window stem_window;
    const long* stem_at;  // where the 27 inputs of a pixel lie
    Block* blocks;
    const Region* regions;  // three for each block: its state, its other weights, the next block's first weights
    long side;            // of the last feature map
    const float* zeros;   // a row of nothing, as long as the longest
};

struct Scratch {
    float *image, *front, *back, *pooled, *expanded, *middle, *weights, *features;
    float *sum, *squeezed, *hidden, *gate, *head;
};

struct Most {  // the largest of each, over all blocks
    long plane = 0, pooled = 0, expanded = 0, middle_plane = 0, weights = 0, middle = 0, hidden = 0, zeros = 0;
};

INLINE long larger(long a, long b) { return a > b ? a : b; }

// The weights lie in the arena in the order of their use.
struct Marks {
    size_t begin, middle, end;  // of a block's weights: those of the first product, then the others
};

static void regions_of(const FusedNet& net, const Marks* marks, size_t end, Region* to) {
    for (int i = 0; i < net.block_count; ++i, to += 3) {
        const FusedBlock& b = net.blocks[i];
        const long side = (b.side_in + b.stride - 1) / b.stride, floats = (b.taps - 1) * side * side * b.middle;
        const size_t next = i + 1 < net.block_count ? marks[i + 1].middle : end;
        to[0] = {b.ring * 4, floats * 4, true};
        to[1] = {static_cast<long>(marks[i].middle), static_cast<long>(marks[i].end - marks[i].middle), false};
        to[2] = {static_cast<long>(marks[i].end), static_cast<long>(next - marks[i].end), false};
    }
}

static Packed packed(const FusedProduct& from, long inputs, long outputs, Arena& arena) {
    Packed to = {inputs, outputs, nullptr, nullptr};
    float* panels = arena.take<float>(inputs * outputs);
    float* bias = arena.take<float>(outputs);
    if (!arena.block) return to;
    pack(from.weight, inputs, outputs, panels);
    for (long i = 0; i < outputs; ++i) bias[i] = from.bias[i];
    to.panels = panels;
    to.bias = bias;
    return to;
}

static const float* channels_of(const float* from, long count, long channels, Arena& arena) {
    float* to = arena.take<float>(count * channels);
    if (arena.block) pack_channels(from, count, channels, to);
    return to;
}

static const int* places(const Block& b, Arena& arena) {
    const long side = b.window.in;
    int* place = arena.take<int>(side * side);
    if (arena.block)
        for (long m = 0; m < side * side; ++m)
            place[m] = static_cast<int>(m / side % b.kept * b.window.width + b.window.before + m % side);
    return place;
}

static Block block_of(const FusedBlock& from, int activation, const float* frequencies, Arena& arena, Marks& marks) {
    Block b = {};
    marks.begin = arena.used;
    b.window = Window(from.side_in, from.kernel, from.stride);
    b.inputs = from.inputs, b.middle = from.middle, b.outputs = from.outputs, b.hidden = from.hidden, b.taps = from.taps;
    b.ring = from.ring, b.pool = from.pool;
    b.position_scale = from.position_scale, b.is_projected = from.is_projected;
    const long fits = BAND_BYTES / 4 / (b.window.width * b.middle);
    b.band = larger(1, (fits - from.kernel) / from.stride + 1);
    if (b.band > b.window.out) b.band = b.window.out;
    b.kept = (b.band - 1) * from.stride + from.kernel;
    b.expand = packed(from.expand, b.inputs, b.middle, arena);
    b.place = places(b, arena);
    marks.middle = arena.used;
    b.spatial = channels_of(from.spatial.weight, from.kernel * from.kernel, b.middle, arena);
    b.spatial_bias = channels_of(from.spatial.bias, 1, b.middle, arena);
    if (b.taps > 1) {
        b.temporal = channels_of(from.temporal.weight, b.taps, b.middle, arena);
        b.temporal_bias = channels_of(from.temporal.bias, 1, b.middle, arena);
    }
    if (b.hidden) {
        b.reduce = packed(from.reduce, 2 * b.middle, b.hidden, arena);
        b.gate = packed(from.gate, b.hidden, b.middle, arena);
    }
    b.project = packed(from.project, b.middle, b.outputs, arena);
    if (b.is_projected) b.skip = packed(from.skip, b.inputs, b.outputs, arena);
    b.frequencies = frequencies ? channels_of(frequencies, 1, b.middle, arena) : nullptr;
    marks.end = arena.used;
    b.depthwise = depthwise(activation, from.kernel, from.stride, from.taps);
    return b;
}

static Most most(const FusedNet& net, const Block* blocks) {
    Most m;
    m.plane = blocks[0].window.in * blocks[0].window.in * net.stem_outputs;
    for (int i = 0; i < net.block_count; ++i) {
        const Block& b = blocks[i];
        const long out = b.window.out * b.window.out;
        m.plane = larger(m.plane, out * b.outputs);
        m.pooled = larger(m.pooled, out * b.inputs);
        m.expanded = larger(m.expanded, b.kept * b.window.width * b.middle);
        m.middle_plane = larger(m.middle_plane, out * b.middle);
        m.weights = larger(m.weights, b.middle * b.outputs);
        m.middle = larger(m.middle, b.middle);
        m.hidden = larger(m.hidden, b.hidden);
        m.zeros = larger(m.zeros, b.window.width * b.middle);
    }
    return m;
}

static const long* stem_places(const Window& w, Arena& arena) {
    long* at = arena.take<long>(27);
    if (arena.block)
        for (int i = 0; i < 27; ++i) at[i] = (i / 9 * w.width + i / 3 % 3) * w.width + i % 3;
    return at;
}

static const void* build(const FusedNet& from, Arena& arena) {
    Net* net = arena.take<Net>(1);
    Block* blocks = arena.take<Block>(from.block_count);
    Region* regions = arena.take<Region>(3 * from.block_count);
    Marks marks[MOST_BLOCKS];
    Net made = {};
    made.shape = from;
    made.shape.blocks = nullptr;  // the caller's memory ends with the call
    made.blocks = blocks;
    made.regions = regions;
    made.stem_window = Window(from.side, 3, 2);
    made.stem_at = stem_places(made.stem_window, arena);
    made.stem = packed(from.stem, 27, from.stem_outputs, arena);
    long widest = 0;
    for (int i = 0; i < from.block_count; ++i) {
        const Block b = block_of(from.blocks[i], from.activation, from.is_positional ? from.frequencies + widest : nullptr, arena, marks[i]);
        widest += b.middle;
        if (arena.block) blocks[i] = b;
    }
    const FusedBlock& last = from.blocks[from.block_count - 1];
    made.side = (last.side_in + last.stride - 1) / last.stride;
    made.features = packed(from.features_product, last.outputs, from.features, arena);
    const size_t end = arena.used;
    made.dense = packed(from.dense, from.features, from.head, arena);
    made.classifier = packed(from.classifier, from.head, (from.classes + STEP - 1) / STEP * STEP, arena);
    long zeros = 0;
    for (int i = 0; i < from.block_count; ++i)
        zeros = larger(zeros, Window(from.blocks[i].side_in, from.blocks[i].kernel, from.blocks[i].stride).width * from.blocks[i].middle);
    float* nothing = arena.take<float>(zeros);
    if (!arena.block) return nullptr;
    for (long i = 0; i < zeros; ++i) nothing[i] = 0.0f;
    made.zeros = nothing;
    regions_of(from, marks, end, regions);
    *net = made;
    return net;
}

static Scratch scratch_of(const Net& net, Arena& arena) {
    const Most m = most(net.shape, net.blocks);
    Scratch s;
    const long image = net.stem_window.width;
    s.image = arena.take<float>(3 * image * image);
    s.front = arena.take<float>(m.plane);
    s.back = arena.take<float>(m.plane);
    s.pooled = arena.take<float>(m.pooled);
    s.expanded = arena.take<float>(m.expanded);
    s.middle = arena.take<float>(m.middle_plane);
    s.weights = arena.take<float>(m.weights);
    s.features = arena.take<float>(net.side * net.side * net.shape.features);
    s.sum = arena.take<float>(m.middle);
    s.squeezed = arena.take<float>(2 * m.middle);
    s.hidden = arena.take<float>(m.hidden);
    s.gate = arena.take<float>(m.middle);
    s.head = arena.take<float>(net.shape.features + net.shape.head);
    return s;
}

static size_t scratch_bytes(const void* net) {
    Arena arena;
    scratch_of(*static_cast<const Net*>(net), arena);
    return arena.used;
}

}  // namespace FUSED_LEVEL
