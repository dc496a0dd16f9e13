// One stream of the exported model: its state and its clock. docs/phone.md draws the loop.

const STEADY = 0.1; // of a frame's interval: an elapsed time this near to it counts as the interval itself

export class Stream {
  constructor(ort, session, model) {
    Object.assign(this, { ort, session, model, memory_s: model.memory_s ?? Infinity });
    this.forget();
  }

  forget() {
    this.used_s = null;
    this.state = Object.fromEntries(Object.keys(this.model.state).map((name) => [name, this.tensor(name)]));
  }

  tensor(name, data) {
    const shape = this.model.inputs[name];
    return new this.ort.Tensor("float32", data ?? new Float32Array(shape.reduce((a, b) => a * b)), shape);
  }

  /** image: planes of red, green and blue in [0, 1]; at_s: when it was taken. Returns a probability for every label. */
  async step(image, at_s) {
    const gap_s = this.used_s === null ? null : at_s - this.used_s;
    if (gap_s > this.model.thresholds.max_gap_s) this.forget();
    const decay = this.tensor("decay", Float32Array.of(this.decay(gap_s)));
    this.used_s = at_s;
    const fresh = await this.session.run({ image: this.tensor("image", image), decay, ...this.state });
    const origin = Object.entries(this.model.state);
    this.state = Object.fromEntries(origin.map(([name, source]) => [name, fresh[source] ?? this.state[source]]));
    return probabilities(fresh.logits.data, this.model.output);
  }

  decay(gap_s) {
    const interval_s = 1 / this.model.fps;
    const is_steady = gap_s === null || Math.abs(gap_s - interval_s) <= STEADY * interval_s;
    return Math.exp(-(is_steady ? interval_s : gap_s) / this.memory_s);
  }
}

/** Logits -> probabilities: softmax (one label at a time) or sigmoid (any number at once). */
export function probabilities(logits, output) {
  if (output === "sigmoid") return Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
