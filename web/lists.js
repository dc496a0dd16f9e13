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

/** The actions of one stream, and the list that shows the newest of them. Rows stay, so that a screen reader tells each once. */
export class Actions {
  constructor(list, kept) {
    Object.assign(this, { list, kept, all: [] });
  }

  /** events: [{ phase, label, begin_s, end_s }]. */
  note(events) {
    for (const event of events) {
      if (event.phase === "BEGIN") this.begin(event);
      else if (event.phase === "END") this.end(this.all.findLast((action) => action.label === event.label && action.end_s === null), event.end_s);
    }
  }

  /** Ends what goes on: the stream was lost, or begins anew. */
  cut(at_s) {
    for (const action of this.all) if (action.end_s === null) this.end(action, at_s);
  }

  begin({ label, begin_s }) {
    const row = item(label);
    this.list.prepend(row);
    this.all.push({ label, begin_s, end_s: null, row });
    for (const old of this.all.splice(0, this.all.length - this.kept)) old.row.remove();
  }

  end(action, end_s) {
    if (!action) return;
    action.end_s = end_s;
    action.row.lastChild.textContent = `${Math.max(0.1, end_s - action.begin_s).toFixed(1)} s`;
  }
}

function item(label) {
  const row = document.createElement("li");
  row.dataset.label = label;
  row.append(span(label), span("now"));
  return row;
}
