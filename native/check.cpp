// Steps random nets at every level this processor has and holds the results together: `make sanitize` runs it under the
// address and undefined-behaviour sanitizers, and it needs no Python, so that another processor can be emulated.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "fused.h"

namespace {

std::mt19937 random_source(7);

struct Model {
    std::vector<std::vector<float>> kept;
    std::vector<FusedBlock> blocks;
    FusedNet net = {};
    bool has_se;

    const float* numbers(size_t count, float size) {
        std::uniform_real_distribution<float> any(-size, size);
        std::vector<float> values(count);
        for (float& value : values) value = any(random_source);
        kept.push_back(std::move(values));
        return kept.back().data();
    }

    FusedProduct product(int inputs, int outputs) {
        const float* weight = numbers(size_t(inputs) * outputs, 1.7f / std::sqrt(float(inputs)));
        return {weight, numbers(outputs, 0.3f)};
    }

    void add(int inputs, int middle, int outputs, int taps, int kernel, int stride, int side) {
        const int hidden = has_se ? 16 : 0, after = (side + stride - 1) / stride;
        FusedBlock b = {};
        b.side_in = side, b.side_out = after, b.inputs = inputs, b.middle = middle, b.outputs = outputs, b.hidden = hidden;
        b.taps = taps, b.kernel = kernel, b.stride = stride, b.is_projected = stride > 1 || inputs != outputs;
        b.ring = net.row_floats, net.row_floats += int64_t(taps - 1) * after * after * middle;
        b.pool = net.row_floats, net.row_floats += has_se ? middle : 0;
        b.position_scale = 0.5f;
        b.expand = product(inputs, middle);
        if (has_se) b.reduce = product(2 * middle, hidden), b.gate = product(hidden, middle);
        b.project = product(middle, outputs), b.spatial = product(kernel * kernel, middle);
        if (b.is_projected) b.skip = product(inputs, outputs);
        if (taps > 1) b.temporal = product(taps, middle);
        blocks.push_back(b);
    }

    Model(int side, bool is_positional, bool has_se_) : has_se(has_se_) {
        const int half = (side + 1) / 2, quarter = (half + 1) / 2, last = (quarter + 1) / 2;
        add(8, 24, 8, 1, 5, 2, half);
        add(8, 72, 32, 3, 3, 2, quarter);
        add(32, 80, 32, 5, 3, 1, last);
        add(32, 56, 40, 1, 3, 1, last);
        add(40, 104, 40, 3, 5, 1, last);
        net.side = side, net.stem_outputs = 8, net.features = 48, net.head = 64, net.classes = 5;
        net.gate = side % 3, net.activation = has_se ? 1 : 2, net.head_activation = side % 3, net.is_positional = is_positional, net.trained_frames = 4;
        net.head_pool = net.row_floats, net.count = net.head_pool + 48, net.position = net.count + 8;
        net.row_floats += 64;
        net.stem = product(27, 8), net.features_product = product(40, 48);
        net.dense = product(48, 64), net.classifier = product(64, 8);
        net.frequencies = is_positional ? numbers(24 + 72 + 80 + 56 + 104, 1.0f) : nullptr;
        net.blocks = blocks.data(), net.block_count = int(blocks.size());
    }
};

// Logits and the last state of two rows of different decay, after clips of different lengths.
std::vector<float> run(const Model& model, const char* level, const std::vector<float>& frames, int side) {
    void* net = fused_open(&model.net, level);
    if (!net) return {};
    const int batch = 2;
    const int64_t plane = int64_t(side) * side, frame = 3 * plane;
    std::vector<float> state(batch * model.net.row_floats), logits(batch * 8), all;
    const float decay[] = {1.0f, 0.7f};
    int64_t phase = 0;
    for (const int length : {1, 2, 3, 1}) {
        const FusedClip clip = {frames.data() + phase * frame, 7 * frame, plane, frame, side, batch, length};
        if (fused_step(net, &clip, state.data(), phase, decay, logits.data())) return {};
        phase += length;
        all.insert(all.end(), logits.begin(), logits.end());
    }
    all.insert(all.end(), state.begin(), state.end());
    fused_close(net);
    return all;
}

}  // namespace

int main() {
    int failed = 0;
    for (const int wish : {32, 33, 35, 46, 63, -32, -35}) {  // negative: without squeeze-excitation, by relu6
        const int side = std::abs(wish);
        const bool has_se = wish > 0;
        const Model model(side, has_se && side % 2, has_se);
        std::vector<float> frames(size_t(2) * 7 * 3 * side * side);
        for (float& value : frames) value = std::uniform_real_distribution<float>(0, 1)(random_source);
        const std::vector<float> expected = run(model, "plain", frames, side);
        const std::string levels = std::string(fused_levels()) + " ";
        for (size_t begin = 0, end; (end = levels.find(' ', begin)) != std::string::npos; begin = end + 1) {
            const std::string level = levels.substr(begin, end - begin);
            const std::vector<float> found = run(model, level.c_str(), frames, side);
            float worst = found.size() == expected.size() && !found.empty() ? 0.0f : INFINITY;
            for (size_t i = 0; i < found.size() && i < expected.size(); ++i) {
                const float size = std::fmax(1.0f, std::fabs(expected[i]));
                const float difference = std::fabs(found[i] - expected[i]) / size;
                worst = difference < INFINITY ? std::fmax(worst, difference) : INFINITY;  // also what is not a number
            }
            failed += !(worst < 1e-4f);
            std::printf("side %d, %s, %s: largest difference from plain %.1e\n", side, has_se ? "hard swish" : "relu6 alone", level.c_str(), double(worst));
        }
    }
    if (fused_open(nullptr, "abacus")) ++failed;
    std::printf("%s\n", failed ? "FAILED" : "all levels agree");
    return failed ? 1 : 0;
}
