#define FUSED_LEVEL avx2
#define FUSED_LANES 8
#define FUSED_PANEL 16
#define FUSED_ROWS 6
#define FUSED_NARROW_ROWS 12
#define FUSED_PIXELS 4
#include "step.h"

const Level level_avx2 = {"avx2", avx2::build, avx2::scratch_bytes, avx2::step};
