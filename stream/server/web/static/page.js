// Asks the server how its sources are, and draws it. Whatever the server says is text, never markup.
"use strict";

const HOUR_S = 3600, LANES = 6, ASK_MS = 1500;
const COLOURS = ["#3b82c4", "#d97b29", "#2f9e6e", "#b8529e", "#8a6bd1", "#c4473b", "#5c8a2f", "#2a9bb0"];
const cards = new Map();  // name -> its card

const token = () => sessionStorage.getItem("token") || "";

function ask(path) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  return fetch(path, { headers, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10000) });
}

function colour(name) {
  let sum = 0;
  for (const letter of name) sum = (31 * sum + letter.codePointAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length];
}

function since(seconds) {
  const s = Math.max(0, Math.round(seconds));
  return s < 90 ? `${s} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

function card(name) {
  if (!cards.has(name)) {
    const made = document.getElementById("source").content.firstElementChild.cloneNode(true);
    made.querySelector("h2").textContent = name;
    made.querySelector("img").alt = `newest picture of ${name}`;
    document.getElementById("sources").append(made);
    cards.set(name, made);
  }
  return cards.get(name);
}

function labels(list, found) {
  list.replaceChildren(...found.map(({ name, probability }) => {
    const item = document.createElement("li"), words = document.createElement("span");
    const bar = document.createElement("meter"), number = document.createElement("b");
    words.textContent = name;
    bar.value = probability;
    number.textContent = `${Math.round(100 * probability)} %`;
    item.append(words, bar, number);
    return item;
  }));
}

function lane(words, stretches, now, paint, isThin) {
  const row = document.createElement("div"), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  row.className = isThin ? "lane thin" : "lane";
  svg.setAttribute("viewBox", `0 0 ${HOUR_S} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
  for (const { name, begin, end, probability } of stretches) {
    const from = Math.max(0, begin - now + HOUR_S), to = Math.min(HOUR_S, (end ?? now) - now + HOUR_S);
    const rect = document.createElementNS(svg.namespaceURI, "rect"), title = document.createElementNS(svg.namespaceURI, "title");
    rect.setAttribute("x", from);
    rect.setAttribute("width", Math.max(4, to - from));
    rect.setAttribute("height", 10);
    paint(rect, name);
    const share = probability ? `, ${Math.round(100 * probability)} %` : "";
    title.textContent = `${name}${share}: ${new Date(1000 * begin).toLocaleTimeString()} for ${since((end ?? now) - begin)}`;
    rect.append(title);
    svg.append(rect);
  }
  row.append(svg);
  if (words) {
    const label = document.createElement("span");
    label.textContent = words;
    row.append(label);
  }
  return row;
}

function timeline(box, source, now) {
  const named = Map.groupBy ? Map.groupBy(source.actions, one => one.name) : new Map();
  if (!Map.groupBy) for (const one of source.actions) named.set(one.name, [...(named.get(one.name) || []), one]);
  const newest = [...named].sort((a, b) => b[1].at(-1).begin - a[1].at(-1).begin).slice(0, LANES);
  const lanes = newest.map(([name, found]) => lane(name, found, now, rect => { rect.style.fill = colour(name); }, false));
  const states = lane("", source.states, now, (rect, name) => { rect.classList.add(`is-${name}`); }, true);
  box.replaceChildren(states, ...lanes);
}

function show(source, now) {
  const made = card(source.name), state = made.querySelector(".state");
  state.textContent = `${source.state} for ${since(now - source.since)}`;
  state.className = `state is-${source.state}`;
  made.querySelector(".error").textContent = source.state === "live" ? "" : source.error;
  labels(made.querySelector(".labels"), source.labels);
  const lost = Object.entries(source.drops).filter(([, count]) => count).map(([cause, count]) => `${count} ${cause}`);
  made.querySelector(".numbers").textContent = [
    source.model, `${source.fps_in} fps in, ${source.fps_out} out`, `dropped: ${lost.join(", ") || "none"}`,
    `${source.reconnects} reconnections`, `${source.watchers} watch`,
  ].join("  ·  ");
  timeline(made.querySelector(".lanes"), source, now);
}

async function picture(name) {
  const image = card(name).querySelector("img");
  const answer = await ask(`/sources/${encodeURIComponent(name)}.jpg`);
  if (!answer.ok) return;
  const old = image.src;
  image.src = URL.createObjectURL(await answer.blob());
  image.hidden = false;
  card(name).querySelector(".none").hidden = true;
  if (old) URL.revokeObjectURL(old);
}

async function turn() {
  const summary = document.getElementById("summary"), door = document.getElementById("door");
  try {
    const answer = await ask("/sources");
    door.hidden = answer.status !== 401;
    if (!answer.ok) {
      summary.textContent = answer.status === 401 ? (token() ? "that token is not accepted" : "a token is needed") : await answer.text();
      return;
    }
    const { sources } = await answer.json(), now = Date.now() / 1000;
    for (const [name, made] of cards) if (!sources.some(one => one.name === name)) { made.remove(); cards.delete(name); }
    sources.forEach(one => show(one, now));
    summary.textContent = `${sources.filter(one => one.state === "live").length} of ${sources.length} live`;
    await Promise.allSettled(sources.map(one => picture(one.name)));
    document.body.dataset.turns = 1 + Number(document.body.dataset.turns || 0);
  } catch (error) {
    summary.textContent = `the server does not answer: ${error.message}`;
  }
}

async function go() {
  if (!document.hidden) await turn();
  setTimeout(go, ASK_MS);
}

document.getElementById("door").addEventListener("submit", event => {
  event.preventDefault();
  sessionStorage.setItem("token", document.getElementById("token").value.trim());
  turn();
});
go();
