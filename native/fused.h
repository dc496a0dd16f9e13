// What passes between Python and the library: a plain C interface, so that one library serves every Python.
//
// All matrices are row-major float32 and every count of channels is a multiple of 8: the caller pads with zeros.
// An activation is (H, W, C), channels together, so that a 1x1 convolution is a matrix product and a vector of channels
// is one load.
#pragma once
#include <cstdint>

extern "C" {

struct FusedProduct {
    const float* weight;  // (inputs, outputs)
    const float* bias;    // (outputs)
};

struct FusedBlock {
    int32_t side_in, side_out;  // pixels
    int32_t inputs, middle, outputs, hidden;  // channels: in, inside, out, of the squeeze-excitation (0: none)
    int32_t taps, kernel, stride;  // 1, 3 or 5 frames; 3 or 5 pixels; 1 or 2
    int32_t is_projected;  // whether the skip has a product of its own
    int64_t ring, pool;  // where this block's past frames and sum lie in a row of the state, counted in floats
    float position_scale;  // weight of the positional encoding; 0 without one
    FusedProduct expand, reduce, gate, project, skip;  // norms and the ReZero scale folded in
    FusedProduct spatial;   // weight (kernel * kernel, middle), norm folded in
    FusedProduct temporal;  // weight (taps, middle), oldest first, norm folded in
};

struct FusedNet {
    int32_t side, stem_outputs, features, head, classes;  // pixels, then channels; classes is not padded
    int32_t gate;  // 0 relu6, 1 clip, 2 sigmoid
    int32_t activation, head_activation;  // of all convolutions, of the dense layer: 0 swish, 1 hard swish, 2 relu6
    int32_t is_positional, trained_frames, block_count;
    int64_t row_floats, head_pool, count, position;  // size of a row of the state, and where in it
    const float* frequencies;  // of the positional encoding: a row of `middle` numbers for every block, or null
    FusedProduct stem;  // weight (27, stem_outputs): channel, then row, then column of the 3x3
    FusedProduct features_product, dense, classifier;
    const FusedBlock* blocks;
};

struct FusedClip {
    const float* pixels;
    int64_t row, channel, frame, line;  // strides, in floats; a line's pixels lie together
    int32_t batch, frames;
};

#pragma GCC visibility push(default)
// Returns a net of its own memory, or null where there is no memory or the processor lacks `level`.
// Level: "" the best this processor has, or the name of one of those `fused_levels` lists.
void* fused_open(const FusedNet* net, const char* level);
void fused_close(void* net);
// The level a net runs at; the levels built in, best first, parted by spaces.
const char* fused_level(const void* net);
const char* fused_levels();
// Writes the bytes of a FusedNet, FusedBlock and FusedClip: who calls with other layouts must not.
void fused_sizes(int64_t sizes[3]);
// Advances every row of `state`, (batch, row_floats), by a clip; `phase` counts the frames this state has seen.
// Writes (batch, padded classes) logits. Returns 0, or 1 where there is no memory. Any number of threads may step one net.
int fused_step(void* net, const FusedClip* clip, float* state, int64_t phase, const float* decay, float* logits);
#pragma GCC visibility pop
}
