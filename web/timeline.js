// The last half minute: a lane for each of the newest actions.

const SECONDS = 30, LANES = 4, LANE_PX = 18, GAP_PX = 6;

export function draw(canvas, actions, now_s) {
  const scale = devicePixelRatio, width = canvas.clientWidth;
  canvas.width = width * scale;
  canvas.height = LANES * LANE_PX * scale;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  context.scale(scale, scale);
  context.font = "12px system-ui, sans-serif";
  const recent = actions.filter((action) => (action.end_s ?? now_s) > now_s - SECONDS);
  const lanes = [...new Set(recent.toReversed().map((action) => action.label))].slice(0, LANES); // newest first
  const left = Math.max(0, ...lanes.map((label) => context.measureText(label).width)) + 2 * GAP_PX; // names stand beside the bars
  const x = (at_s) => Math.max(left, width - ((width - left) * (now_s - at_s)) / SECONDS);
  for (const { label, begin_s, end_s } of recent) {
    const lane = lanes.indexOf(label);
    if (lane < 0) continue;
    context.fillStyle = colour("--bar");
    context.fillRect(x(begin_s), lane * LANE_PX + 3, Math.max(2, x(end_s ?? now_s) - x(begin_s)), LANE_PX - 6);
  }
  context.fillStyle = colour("--ink");
  lanes.forEach((label, lane) => context.fillText(label, GAP_PX, lane * LANE_PX + 13));
}
