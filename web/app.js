// The page: camera -> square -> step -> smooth -> labels, all on this phone.

import * as camera from "./camera.js";
import { load } from "./engine.js";
import { Smoother } from "./smooth.js";
import { Stream } from "./step.js";
import { draw } from "./timeline.js";

const KEPT = 50; // actions
const at = (id) => document.getElementById(id);
const actions = [];

function say(words, isError = false) {
  at("status").textContent = words;
  at("status").classList.toggle("error", isError);
}

async function main() {
  if (!navigator.mediaDevices) throw new Error("The camera needs a secure address: https, or localhost.");
  say("Loading the model …");
  const model = await (await fetch("model/model.json")).json();
  const file = new Uint8Array(await (await fetch(`model/${model.file}`)).arrayBuffer());
  const { ort, session, name } = await load(file);
  at("engine").textContent = name;
  at("model").textContent = `${model.name}, ${(file.length / 1e6).toFixed(1)} MB`;
  const stream = new Stream(ort, session, model);
  remember(stream);
  say("Waiting for the camera …");
  await choose(stream);
  say("Running on this phone.");
  keepForOffline();
  await run(stream);
}

async function run(stream) {
  const { model } = stream, square = new camera.Square(model), smoother = new Smoother(model);
  const steps_ms = [], times_s = [];
  for await (const at_s of camera.ticks(at("video"), model.fps)) {
    const image = square.of(at("video")), begin_ms = performance.now();
    const probabilities = await stream.step(image, at_s);
    remembered(steps_ms, performance.now() - begin_ms);
    remembered(times_s, at_s);
    note(smoother.update(probabilities, at_s));
    show(smoother, steps_ms, times_s);
    draw(at("timeline"), actions, at_s);
  }
}

function remembered(list, value) {
  list.push(value);
  if (list.length > 100) list.shift();
}

function note(events) {
  for (const event of events) {
    if (event.phase === "BEGIN") actions.push({ ...event, end_s: null });
    else actions.findLast((action) => action.label === event.label).end_s = event.end_s;
  }
  if (!events.length) return;
  actions.splice(0, actions.length - KEPT);
  at("events").replaceChildren(...actions.toReversed().map(item));
}

function item({ label, begin_s, end_s }) {
  const row = document.createElement("li");
  row.dataset.label = label;
  row.append(span(label), span(end_s === null ? "now" : `${Math.max(0.1, end_s - begin_s).toFixed(1)} s`));
  return row;
}

function span(words) {
  const made = document.createElement("span");
  made.textContent = words;
  return made;
}

function show(smoother, steps_ms, times_s) {
  const best = smoother.best(3);
  at("now").textContent = best[0].label;
  at("labels").replaceChildren(...best.map(({ label, probability }) => {
    const row = document.createElement("li");
    row.style.setProperty("--p", probability);
    row.append(span(label), span(`${Math.round(100 * probability)} %`));
    return row;
  }));
  const middle_ms = steps_ms.toSorted((a, b) => a - b)[steps_ms.length >> 1];
  at("step").textContent = `${middle_ms.toFixed(1)} ms`;
  const seconds = times_s.at(-1) - times_s[0];
  if (seconds > 0) at("fps").textContent = ((times_s.length - 1) / seconds).toFixed(1);
}

function remember(stream) {
  const slider = at("memory");
  const set = () => {
    stream.memory_s = Number(slider.value);
    at("memory-value").textContent = `${slider.value} s`;
  };
  slider.value = stream.model.memory_s ?? slider.max;
  slider.addEventListener("input", set);
  set();
}

async function choose(stream) {
  const select = at("camera"), chosen = await camera.open(at("video"));
  const cameras = await camera.list();
  select.replaceChildren(...cameras.map(({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId)));
  select.value = chosen;
  select.addEventListener("change", () => {
    stream.forget();
    camera.open(at("video"), select.value).catch(fail);
  });
}

/** Hands the service worker what this visit loaded, so that the next needs no network. */
async function keepForOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register("worker.js");
  navigator.serviceWorker.addEventListener("message", () => (document.documentElement.dataset.kept = "yes"));
  const { active } = await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  active.postMessage([...new Set([location.href.split("#")[0], ...loaded])]);
}

function fail(error) {
  const known = { NotAllowedError: "The camera was not allowed.", NotFoundError: "There is no camera." };
  say(known[error.name] ?? error.message, true);
}

main().catch(fail);
