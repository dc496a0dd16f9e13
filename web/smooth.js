// Probabilities -> labels and actions: average, begin and end thresholds, minimum duration; as stream/smoothing.py.

export class Smoother {
  constructor(model) {
    Object.assign(this, { model, ...model.thresholds, mean: null, at_s: 0 });
    this.up = new Map(); // label -> { begin_s, last_s, peak, is_begun }
  }

  /** Returns what began and ended with this frame: { phase, label, begin_s, end_s, probability }. */
  update(probabilities, at_s) {
    this.average(probabilities, at_s);
    return this.model.labels.flatMap((label, index) =>
      this.model.background.includes(label) ? [] : this.follow(label, this.mean[index], at_s));
  }

  average(probabilities, at_s) {
    const keep = this.mean && this.smoothing_s ? Math.exp((this.at_s - at_s) / this.smoothing_s) : 0;
    this.mean = probabilities.map((p, index) => (keep ? keep * this.mean[index] + (1 - keep) * p : p));
    this.at_s = at_s;
  }

  follow(label, probability, at_s) {
    if (!this.up.has(label)) {
      if (probability < this.begin_threshold) return [];
      this.up.set(label, { begin_s: at_s, last_s: at_s, peak: 0, is_begun: false });
    }
    const action = this.up.get(label);
    if (probability < this.end_threshold) {
      this.up.delete(label);
      return action.is_begun ? [told("END", label, action)] : [];
    }
    action.last_s = at_s;
    action.peak = Math.max(action.peak, probability);
    if (action.is_begun || at_s - action.begin_s < this.min_duration_s - 1e-6) return [];
    action.is_begun = true;
    return [told("BEGIN", label, action)];
  }

  /** The most probable labels, best first. */
  best(count) {
    const found = this.model.labels.map((label, index) => ({ label, probability: this.mean[index] }));
    return found.sort((a, b) => b.probability - a.probability).slice(0, count);
  }
}

function told(phase, label, { begin_s, last_s, peak }) {
  return { phase, label, begin_s, end_s: last_s, probability: peak };
}
