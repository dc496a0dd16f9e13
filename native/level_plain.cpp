#define FUSED_LEVEL plain
#define FUSED_LANES 4
#define FUSED_PANEL 16
#define FUSED_ROWS 2
#define FUSED_NARROW_ROWS 4
#define FUSED_PIXELS 4
#include "step.h"

const Level level_plain = {"plain", plain::build, plain::scratch_bytes, plain::step};
