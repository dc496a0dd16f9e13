// Probabilities -> labels and actions: sums, average, begin and end thresholds, minimum duration; as stream/smoothing.py.

/** The labels that people see: the sets of the network's classes and the rest, or its classes. */
export function shown({ labels, label_sets, rest_label }) {
  const sets = Object.keys(label_sets ?? {});
  return sets.length ? [...sets, rest_label] : labels;
}

export class Smoother {
  constructor(model) {
    this.sets = Object.values(model.label_sets ?? {});
    this.labels = shown(model);
    this.silent = new Set([...model.background, ...(model.experimental ?? []), model.rest_label]);
    this.smoothing_s = model.thresholds.smoothing_s;
    this.limits = this.labels.map((label) => model.label_thresholds?.[label] ?? model.thresholds);
    this.mean = null;
    this.at_s = 0;
    this.up = new Map(); // label -> { begin_s, last_s, peak, is_begun }
  }

  /** Returns what began and ended with this frame: { phase, label, begin_s, end_s, probability }. */
  update(probabilities, at_s) {
    this.average(this.summed(probabilities), at_s);
    return this.labels.flatMap((label, index) =>
      this.silent.has(label) ? [] : this.follow(label, this.limits[index], this.mean[index], at_s));
  }

  /** Adds the network's classes up to the labels shown; as stream/label_sets.py. */
  summed(probabilities) {
    if (!this.sets.length) return probabilities;
    const sums = this.sets.map((places) => Math.min(1, places.reduce((sum, place) => sum + probabilities[place], 0)));
    return [...sums, Math.max(0, 1 - sums.reduce((a, b) => a + b))];
  }

  average(probabilities, at_s) {
    const keep = this.mean && this.smoothing_s ? Math.exp((this.at_s - at_s) / this.smoothing_s) : 0;
    this.mean = probabilities.map((p, index) => (keep ? keep * this.mean[index] + (1 - keep) * p : p));
    this.at_s = at_s;
  }

  follow(label, limits, probability, at_s) {
    if (!this.up.has(label)) {
      if (probability < limits.begin_threshold) return [];
      this.up.set(label, { begin_s: at_s, last_s: at_s, peak: 0, is_begun: false });
    }
    const action = this.up.get(label);
    if (probability < limits.end_threshold) {
      this.up.delete(label);
      return action.is_begun ? [told("END", label, action)] : [];
    }
    action.last_s = at_s;
    action.peak = Math.max(action.peak, probability);
    if (action.is_begun || at_s - action.begin_s < limits.min_duration_s - 1e-6) return [];
    action.is_begun = true;
    return [told("BEGIN", label, action)];
  }

  /** The most probable labels, best first. */
  best(count) {
    const found = this.labels.map((label, index) => ({ label, probability: this.mean[index] }));
    return found.sort((a, b) => b.probability - a.probability).slice(0, count);
  }
}

function told(phase, label, { begin_s, last_s, peak }) {
  return { phase, label, begin_s, end_s: last_s, probability: peak };
}
