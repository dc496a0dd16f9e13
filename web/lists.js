// Labels and actions as rows.

export const at = (id) => document.getElementById(id);

export function span(words) {
  const made = document.createElement("span");
  made.textContent = words;
  return made;
}

/** A bar for each label: [{ label, probability }]. */
export function labels(list, best) {
  list.replaceChildren(...best.map(({ label, probability }) => {
    const row = document.createElement("li");
    row.style.setProperty("--p", probability);
    row.append(span(label), span(`${Math.round(100 * probability)} %`));
    return row;
  }));
}

/** The actions of one stream, and the list that shows the newest of them. */
export class Actions {
  constructor(list, kept) {
    Object.assign(this, { list, kept, all: [] });
  }

  /** events: [{ phase, label, begin_s, end_s }]. */
  note(events) {
    for (const event of events) {
      if (event.phase === "BEGIN") this.all.push({ ...event, end_s: null });
      else if (event.phase === "END") this.end(this.all.findLast((action) => action.label === event.label && action.end_s === null), event.end_s);
    }
    if (events.some(({ phase }) => phase !== "UPDATE")) this.show();
  }

  /** Ends what goes on: the stream was lost, or begins anew. */
  cut(at_s) {
    for (const action of this.all) if (action.end_s === null) this.end(action, at_s);
    this.show();
  }

  end(action, end_s) {
    if (action) action.end_s = end_s;
  }

  show() {
    this.all.splice(0, this.all.length - this.kept);
    this.list.replaceChildren(...this.all.toReversed().map(item));
  }
}

function item({ label, begin_s, end_s }) {
  const row = document.createElement("li");
  row.dataset.label = label;
  row.append(span(label), span(end_s === null ? "now" : `${Math.max(0.1, end_s - begin_s).toFixed(1)} s`));
  return row;
}
