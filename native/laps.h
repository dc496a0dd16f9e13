// Where a step's time goes: compiled in with -DFUSED_LAPS=1 only, for tests/parity/roofline.py, which steps one net in
// one thread. Otherwise a lap is nothing.
#pragma once

enum Part { PART_STEM, PART_EXPAND, PART_DEPTHWISE, PART_SQUEEZE, PART_PROJECT, PART_FEATURES, PART_HEAD, PART_COUNT };

#if defined(FUSED_LAPS)
#include <chrono>

extern "C" __attribute__((visibility("default"))) double fused_laps[PART_COUNT];  // seconds, since the library was loaded

inline std::chrono::steady_clock::time_point lap_begin;

inline void lap_start() { lap_begin = std::chrono::steady_clock::now(); }

inline void lap(Part part) {
    const auto now = std::chrono::steady_clock::now();
    fused_laps[part] += std::chrono::duration<double>(now - lap_begin).count();
    lap_begin = now;
}
#else
inline void lap_start() {}
inline void lap(Part) {}
#endif
