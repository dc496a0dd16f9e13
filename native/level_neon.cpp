#define FUSED_LEVEL neon
#define FUSED_LANES 4
#define FUSED_PANEL 16
#define FUSED_ROWS 6
#define FUSED_NARROW_ROWS 12
#define FUSED_PIXELS 7
#include "step.h"

const Level level_neon = {"neon", neon::build, neon::scratch_bytes, neon::step};
