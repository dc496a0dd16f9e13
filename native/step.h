// One frame through the whole net, and a clip through all rows of a batch.
#pragma once
#include "laps.h"
#include "net.h"

namespace FUSED_LEVEL {

struct Clock {  // of one row, at one frame
    int64_t phase;    // frames its rings have seen
    float decay, count, position;
};

INLINE void clear(float* to, long count) { __builtin_memset(to, 0, count * sizeof(float)); }

// The picture with its borders: three planes of (width, width).
static void copy_image(const Net& net, const FusedClip& clip, const float* pixels, float* image) {
    const Window& w = net.stem_window;
    const long after = w.before + w.in;
    for (long channel = 0; channel < 3; ++channel, image += w.width * w.width) {
        clear(image, w.before * w.width);
        for (long y = 0; y < w.in; ++y) {
            float* line = image + (w.before + y) * w.width;
            clear(line, w.before);
            __builtin_memcpy(line + w.before, pixels + channel * clip.channel + y * clip.line, w.in * sizeof(float));
            clear(line + after, w.width - after);
        }
        clear(image + after * w.width, (w.width - after) * w.width);
    }
}

static void stem(const Net& net, const float* image, float* out, Ahead& ahead) {
    const Window& w = net.stem_window;
    for (long y = 0; y < w.out; ++y) {
        Tile t = {};
        t.in = image + 2 * y * w.width, t.in_stride = 2, t.at = net.stem_at;
        t.out = out + y * w.out * net.stem.outputs, t.out_stride = net.stem.outputs, t.activation = net.shape.activation;
        product<true>(net.stem, t, w.out, ahead);
    }
}

// Means of 3x3 pixels, stride 2; a mean at the border counts the cells inside only.
static void average_pool(const Window& w, const float* in, long channels, float* out) {
    for (long y = 0; y < w.out; ++y)
        for (long x = 0; x < w.out; ++x, out += channels) {
            const long top = larger(y * 2 - w.before, 0), left = larger(x * 2 - w.before, 0);
            const long bottom = y * 2 - w.before + 3 < w.in ? y * 2 - w.before + 3 : w.in;
            const long right = x * 2 - w.before + 3 < w.in ? x * 2 - w.before + 3 : w.in;
            const float share = 1.0f / static_cast<float>((bottom - top) * (right - left));
            for (long c = 0; c < channels; c += HALF) {
                Vector<HALF> sum = {};
                for (long row = top; row < bottom; ++row)
                    for (long column = left; column < right; ++column)
                        sum += load<HALF>(in + (row * w.in + column) * channels + c);
                store<HALF>(out + c, sum * share);
            }
        }
}

static void clear_borders(const Block& b, float* expanded) {
    const Window& w = b.window;
    for (long row = 0; row < b.kept; ++row) {
        float* begin = expanded + row * w.width * b.middle;
        clear(begin, w.before * b.middle);
        clear(begin + (w.before + w.in) * b.middle, (w.width - w.in - w.before) * b.middle);
    }
}

// Expands the input's rows from `begin` to `end` into the kept rows.
static void expand_rows(const Net& net, const Block& b, const float* in, long begin, long end, float* expanded, Ahead& ahead) {
    const long first = begin * b.window.in;
    Tile t = {};
    t.in = in + first * b.inputs, t.in_stride = b.inputs;
    t.out = expanded, t.out_stride = b.middle, t.place = b.place + first, t.activation = net.shape.activation;
    product(b.expand, t, (end - begin) * b.window.in, ahead);
}

static void feature_row(const Net& net, const Block& b, const Scratch& s, long y, const Clock& clock, float* state) {
    const Window& w = b.window;
    const long line = w.out * b.middle, plane = w.out * line, slots = b.taps - 1;
    Row row = {};
    for (long i = 0; i < w.kernel; ++i) {
        const long from = y * w.stride - w.before + i;
        row.in[i] = from < 0 || from >= w.in ? net.zeros : s.expanded + from % b.kept * w.width * b.middle;
    }
    row.channels = b.middle;
    row.spatial = b.spatial, row.spatial_bias = b.spatial_bias;
    row.temporal = b.temporal, row.temporal_bias = b.temporal_bias;
    for (long i = 0; i < slots; ++i) row.past[i] = state + b.ring + (clock.phase + i) % slots * plane + y * line;
    if (slots) row.newest = state + b.ring + clock.phase % slots * plane + y * line;
    row.out = s.middle + y * line;
    row.sum = b.hidden ? s.sum : nullptr;
    b.depthwise(row, w.out);
}

// Expand, spatial and temporal taps, band by band: leaves (side, side, middle) and, for the squeeze-excitation, its sum.
static void feature(const Net& net, const Block& b, const Scratch& s, const float* in, const Clock& clock, float* state, Ahead& ahead) {
    const Window& w = b.window;
    for (long c = 0; c < b.middle; ++c) s.sum[c] = 0.0f;
    clear_borders(b, s.expanded);
    for (long y = 0, made = 0; y < w.out; y += b.band) {
        const long last = y + b.band < w.out ? y + b.band : w.out;
        const long needed = (last - 1) * w.stride - w.before + w.kernel;
        const long end = needed < w.in ? needed : w.in;
        if (end > made) expand_rows(net, b, in, made, end, s.expanded, ahead);
        lap(PART_EXPAND);
        made = larger(made, end);
        for (long line = y; line < last; ++line) feature_row(net, b, s, line, clock, state);
        lap(PART_DEPTHWISE);
    }
}

static float gate_of(int kind, float x) {
    if (kind == 2) return 1.0f / (1.0f + expf(-x));
    if (kind == 1) return fminf(fmaxf(0.2f * x + 0.5f, 0.0f), 1.0f);
    return fminf(fmaxf(x + 3.0f, 0.0f), 6.0f) * 0.16667f;  // the official code's rounding of 1/6
}

// Squeeze-excitation: the pool's mean and this frame's -> a factor for every channel.
static void squeeze(const Net& net, const Block& b, const Scratch& s, const Clock& clock, float* state) {
    const float share = 1.0f / static_cast<float>(b.window.out * b.window.out), age = 1.0f / clock.count;
    float *pool = state + b.pool, *so_far = s.squeezed, *now = s.squeezed + b.middle;
    for (long c = 0; c < b.middle; ++c) {
        now[c] = s.sum[c] * share;
        pool[c] = pool[c] * clock.decay + now[c];
        so_far[c] = pool[c] * age;
    }
    if (b.frequencies)
        for (long c = 0; c < b.middle; ++c) {
            const float angle = clock.position * b.frequencies[c];
            so_far[c] += b.position_scale * sinf(angle);
            now[c] += b.position_scale * cosf(angle);
        }
    vector_product(b.reduce, s.squeezed, s.hidden);
    for (long i = 0; i < b.hidden; i += HALF)
        store<HALF>(s.hidden + i, activate<HALF>(load<HALF>(s.hidden + i), net.shape.activation));
    vector_product(b.gate, s.hidden, s.gate);
    for (long c = 0; c < b.middle; ++c) s.gate[c] = gate_of(net.shape.gate, s.gate[c]);
}

// The gate, where there is one, times the projection's input: into its weights where those are fewer.
static void project(const Block& b, const Scratch& s, const float* add, float* out, Ahead& ahead) {
    const long pixels = b.window.out * b.window.out;
    Tile t = {};
    t.in = s.middle, t.in_stride = b.middle, t.add = add, t.out = out, t.out_stride = b.outputs;
    if (b.hidden && pixels < b.outputs) {
        for (long m = 0; m < pixels; ++m)
            for (long c = 0; c < b.middle; c += HALF)
                store<HALF>(s.middle + m * b.middle + c, load<HALF>(s.middle + m * b.middle + c) * load<HALF>(s.gate + c));
    } else if (b.hidden) {
        scale_inputs(b.project, s.gate, s.weights);
        t.panel = s.weights;
    }
    product(b.project, t, pixels, ahead);
}

static const float* skip(const Block& b, const Scratch& s, const float* in, float* out, Ahead& ahead) {
    if (!b.is_projected) return in;
    const long pixels = b.window.out * b.window.out;
    if (b.window.stride > 1) {
        average_pool(Window(b.window.in, 3, 2), in, b.inputs, s.pooled);
        in = s.pooled;
    }
    Tile t = {};
    t.in = in, t.in_stride = b.inputs, t.out = out, t.out_stride = b.outputs;
    product(b.skip, t, pixels, ahead);
    return out;
}

static void pool_features(const Net& net, const Scratch& s, const float* in, const Clock& clock, float* state, Ahead& ahead) {
    const long pixels = net.side * net.side, channels = net.shape.features;
    Tile t = {};
    t.in = in, t.in_stride = net.features.inputs, t.out = s.features, t.out_stride = channels, t.activation = net.shape.activation;
    product(net.features, t, pixels, ahead);
    const float share = 1.0f / static_cast<float>(pixels);
    float* pool = state + net.shape.head_pool;
    for (long c = 0; c < channels; c += HALF) {
        Vector<HALF> sum = {};
        for (long m = 0; m < pixels; ++m) sum += load<HALF>(s.features + m * channels + c);
        store<HALF>(pool + c, load<HALF>(pool + c) * clock.decay + sum * share);
    }
}

static float head_of(int kind, float x) {
    if (kind == RELU6) return fminf(fmaxf(x, 0.0f), 6.0f);
    return kind == HARD_SWISH ? x * fminf(fmaxf(x / 6.0f + 0.5f, 0.0f), 1.0f) : x / (1.0f + expf(-x));
}

static void classify(const Net& net, const Scratch& s, const Clock& clock, const float* state, float* logits) {
    const long channels = net.shape.features;
    float *mean = s.head, *hidden = s.head + channels;
    for (long c = 0; c < channels; ++c) mean[c] = state[net.shape.head_pool + c] / clock.count;
    vector_product(net.dense, mean, hidden);
    for (long i = 0; i < net.shape.head; ++i) {
        const float x = hidden[i];
        hidden[i] = head_of(net.shape.head_activation, x);
    }
    vector_product(net.classifier, hidden, logits);
}

// This frame's clock; leaves the next frame's in the state. A row that forgets stops at the last trained position.
static Clock tick(const Net& net, int64_t phase, float decay, float* state) {
    Clock clock = {phase, decay, state[net.shape.count] * decay + 1.0f, 0.0f};
    state[net.shape.count] = clock.count;
    if (net.shape.is_positional) {
        const float last = static_cast<float>(net.shape.trained_frames - 1);
        float &position = state[net.shape.position], next = position + 1.0f;
        clock.position = decay < 1.0f ? fminf(position, last) : position;
        position = decay < 1.0f ? fminf(next, last) : next;
    }
    return clock;
}

static void frame(const Net& net, const FusedClip& clip, const float* pixels, const Scratch& s, const Clock& clock, float* state) {
    lap_start();
    float *in = s.front, *out = s.back;
    copy_image(net, clip, pixels, s.image);
    const char* const weights = reinterpret_cast<const char*>(&net);
    Ahead ahead = {net.regions, net.regions + 3, weights, reinterpret_cast<const char*>(state), weights, weights};
    stem(net, s.image, in, ahead);
    lap(PART_STEM);
    for (int i = 0; i < net.shape.block_count; ++i) {
        const Block& b = net.blocks[i];
        const Region* const own = net.regions + 3 * i;
        const Region* const until = own + 3;  // further on, and the second cache loses it again
        ahead.reach(own, until);
        feature(net, b, s, in, clock, state, ahead);
        if (b.hidden) squeeze(net, b, s, clock, state);
        lap(PART_SQUEEZE);
        ahead.reach(own + 2, until);
        project(b, s, skip(b, s, in, out, ahead), out, ahead);
        lap(PART_PROJECT);
        float* const swapped = in;
        in = out, out = swapped;
    }
    pool_features(net, s, in, clock, state, ahead);
    lap(PART_FEATURES);
}

static void step(const void* opaque, const FusedClip& clip, void* scratch, float* state, int64_t phase, const float* decay, float* logits) {
    const Net& net = *static_cast<const Net*>(opaque);
    Arena arena = {static_cast<char*>(scratch), 0};
    const Scratch s = scratch_of(net, arena);
    for (long row = 0; row < clip.batch; ++row) {
        float* own = state + row * net.shape.row_floats;
        Clock clock = {};
        for (long t = 0; t < clip.frames; ++t) {
            clock = tick(net, phase + t, decay[row], own);
            frame(net, clip, clip.pixels + row * clip.row + t * clip.frame, s, clock, own);
        }
        lap_start();
        classify(net, s, clock, own, logits + row * net.classifier.outputs);
        lap(PART_HEAD);
    }
}

}  // namespace FUSED_LEVEL
