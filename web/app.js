// The page: camera -> square -> step -> smooth -> labels, all on this phone; the second tab has the server do it, too.

import * as camera from "./camera.js";
import { Compare } from "./compare.js";
import { load } from "./engine.js";
import { Actions, at, labels } from "./lists.js";
import { Smoother } from "./smooth.js";
import { Stream } from "./step.js";
import { tabs } from "./tabs.js";
import { draw } from "./timeline.js";

const KEPT = 50; // actions
const RUNNING = "Running on this phone.";
const actions = new Actions(at("events"), KEPT);
let isNew = false; // what was seen so far is to be forgotten

function say(words, isError = false) {
  at("status").textContent = words;
  at("status").classList.toggle("error", isError);
}

async function main() {
  if (!navigator.mediaDevices) throw new Error("The camera needs a secure address: https, or localhost.");
  say("Loading the model …");
  const model = await (await fetched("model/model.json")).json();
  const file = new Uint8Array(await (await fetched(`model/${model.file}`)).arrayBuffer());
  const { ort, session, name } = await load(file);
  at("engine").textContent = name;
  at("model").textContent = `${model.name}, ${(file.length / 1e6).toFixed(1)} MB`;
  const stream = new Stream(ort, session, model), compare = new Compare(stream);
  tabs(at("tabs"), (panel) => (panel === "panel-server" ? compare.open() : compare.stop()));
  remember(stream, compare);
  say("Waiting for the camera …");
  await choose(compare);
  say(RUNNING);
  keepForOffline().then(() => say(`${RUNNING} From now on it loads without a network, too.`), (error) => say(`${RUNNING} ${unkept(error)}`));
  await run(stream, compare);
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The model cannot be loaded: the server answered ${answer.status} to ${address}.`);
  return answer;
}

async function run(stream, compare) {
  const { model } = stream, square = new camera.Square(model), steps_ms = [], times_s = [];
  let smoother = new Smoother(model), sequence = 0;
  for await (const at_s of camera.ticks(at("video"), model.fps)) {
    const image = square.of(at("video")), begin_ms = performance.now();
    if (compare.take(++sequence, at_s, square, at("video")) || isNew) {
      stream.forget();
      smoother = new Smoother(model);
      actions.cut(at_s);
      compare.actions.phone.cut(at_s);
      isNew = false;
    }
    const probabilities = await stream.step(image, at_s);
    remembered(steps_ms, performance.now() - begin_ms);
    remembered(times_s, at_s);
    const events = smoother.update(probabilities, at_s), best = smoother.best(3);
    actions.note(events);
    compare.phone(sequence, at_s, best, events);
    show(best, steps_ms, times_s);
    draw(at("timeline"), actions.all, at_s);
  }
}

function remembered(list, value) {
  list.push(value);
  if (list.length > 100) list.shift();
}

function show(best, steps_ms, times_s) {
  at("now").textContent = best[0].label;
  labels(at("labels"), best);
  const middle_ms = steps_ms.toSorted((a, b) => a - b)[steps_ms.length >> 1];
  at("step").textContent = `${middle_ms.toFixed(1)} ms`;
  const seconds = times_s.at(-1) - times_s[0];
  if (seconds > 0) at("fps").textContent = ((times_s.length - 1) / seconds).toFixed(1);
}

function remember(stream, compare) {
  const slider = at("memory");
  const set = () => {
    stream.memory_s = Number(slider.value);
    at("memory-value").textContent = `${slider.value} s`;
  };
  slider.value = stream.model.memory_s ?? slider.max;
  slider.addEventListener("input", set);
  slider.addEventListener("change", () => compare.restart());
  set();
}

async function choose(compare) {
  const select = at("camera"), chosen = await camera.open(at("video"));
  const cameras = await camera.list();
  select.replaceChildren(...cameras.map(({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId)));
  select.value = chosen;
  select.addEventListener("change", () => {
    isNew = true;
    compare.restart();
    camera.open(at("video"), select.value).catch(fail);
  });
}

/** Hands the service worker what this visit loaded, so that the next needs no network. */
async function keepForOffline() {
  if (!navigator.serviceWorker) throw new Error("this browser keeps nothing");
  await navigator.serviceWorker.register("worker.js");
  const kept = new Promise((done) => navigator.serviceWorker.addEventListener("message", done));
  const { active } = await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const ours = loaded.filter((name) => new URL(name).pathname.split("/").pop() !== "bridge"); // who is not there says nothing
  active.postMessage([...new Set([location.href.split("#")[0], ...ours])]);
  await kept;
  document.documentElement.dataset.kept = "yes";
}

function unkept({ name, message }) {
  const why = name === "SecurityError" ? "the browser does not trust this address's certificate" : message;
  return `Without a network it will not load: ${why}.`;
}

function fail(error) {
  const known = { NotAllowedError: "The camera was not allowed.", NotFoundError: "There is no camera." };
  say(known[error.name] ?? error.message, true);
}

main().catch(fail);
