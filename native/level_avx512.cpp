#define FUSED_LEVEL avx512
#define FUSED_LANES 16
#define FUSED_PANEL 32
#define FUSED_ROWS 13
#define FUSED_NARROW_ROWS 13
#define FUSED_PIXELS 7
#include "step.h"

const Level level_avx512 = {"avx512", avx512::build, avx512::scratch_bytes, avx512::step};
