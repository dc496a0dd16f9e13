// The second tab: the same frames to the server, and both answers side by side. Nothing is sent before start is pressed.

import { Square } from "./camera.js";
import { Bridge } from "./bridge.js";
import { Actions, at, labels } from "./lists.js";
import { shown } from "./smooth.js";

const ACTIONS = 5, WINDOW = 200; // rows; frames over which agreement and delays are told
const MAX_AGE_S = 2; // an older frame is skipped by the server

export class Compare {
  /** stream: the phone's own. */
  constructor(stream) {
    Object.assign(this, { stream, wire: null, bridge: null, is_sending: false });
    this.actions = { phone: new Actions(at("phone-events"), ACTIONS), server: new Actions(at("server-events"), ACTIONS) };
    at("server-name").textContent = location.host;
    at("side").textContent = stream.model.side_px;
    at("start").addEventListener("click", () => (this.is_sending ? this.stop() : this.start()).catch((error) => this.state("off", error.message)));
    at("token").addEventListener("keydown", ({ key }) => key === "Enter" && at("start").click());
    this.forget();
  }

  /** The tab was opened: asks what the server wants, so that whoever presses start knows it. */
  async open() {
    const about = await fetch("bridge", { cache: "no-store" }).then((answer) => answer.json()).catch(() => null);
    if (this.is_sending) return;
    at("token-row").hidden = !about?.needs_token;
    if (!about) this.state("off", "The server cannot be reached. Nothing is sent.");
    else if (!about.is_open) this.state("off", `Nothing can be sent: ${about.why}.`);
    else this.state("off", "Nothing is sent.");
  }

  async start() {
    this.is_sending = true;
    at("start").textContent = "Stop sending";
    this.wire ??= await import("./wire/protocol.js");
    if (!this.is_sending) return; // stopped meanwhile
    const told = { state: (...words) => this.state(...words), opened: (found) => this.opened(found), answered: (...words) => this.answered(...words) };
    this.bridge ??= new Bridge(this.wire, () => this.config(), told);
    this.bridge.start(at("token").value.trim());
  }

  async stop() {
    this.is_sending = false;
    this.bridge ? this.bridge.stop() : this.state("off", "Nothing is sent.");
  }

  /** Another camera, or another memory: both begin anew. */
  restart() {
    this.bridge?.restart();
  }

  config() {
    return { dropPolicy: this.wire.DropPolicy.LATEST, topK: 3, memoryS: this.stream.memory_s, isCutAware: false, maxAgeS: MAX_AGE_S };
  }

  opened({ model }) {
    this.forget();
    const { side_px, fit, name } = this.stream.model, ours = shown(this.stream.model);
    this.square = model.sidePx === side_px ? null : new Square({ side_px: model.sidePx, fit });
    at("side").textContent = model.sidePx;
    const same = ours.length === model.labels.length && ours.every((label, index) => label === model.labels[index]);
    at("models").textContent = same ? `${name} here, ${model.name} there` : `The server's ${model.name} has other labels than ${name} here.`;
  }

  forget() {
    this.pending = new Map(); // sequence -> { at_s, phone, server }: the best label of each
    this.same = [];
    this.ages = { phone: [], server: [], trip: [], work: [] };
  }

  /** A frame was taken, and lies on the phone's square: sends it. Returns whether the phone's stream is to begin anew with it. */
  take(sequence, at_s, square, video) {
    if (!this.is_sending) return false;
    const isFirst = this.bridge?.send(sequence, at_s, () => this.jpeg(square, video)) ?? null;
    if (isFirst !== null) this.pending.set(sequence, { at_s });
    if (isFirst) this.first_s = at_s;
    if (this.pending.size > WINDOW) this.pending.delete(this.pending.keys().next().value);
    return isFirst === true;
  }

  jpeg(square, video) {
    this.square?.draw(video);
    return (this.square ?? square).jpeg();
  }

  /** The phone has answered a frame. */
  phone(sequence, at_s, best, events) {
    labels(at("phone-labels"), best);
    this.actions.phone.note(events);
    remember(this.ages.phone, performance.now() - 1000 * at_s);
    this.pair(sequence, "phone", best[0].label);
  }

  /** The server has answered a frame. */
  answered(kind, value, trip_ms) {
    const sequence = Number(value.sequence);
    if (kind !== "update") return this.pending.delete(sequence), this.show();
    labels(at("server-labels"), value.labels.map(({ name, probability }) => ({ label: name, probability })));
    this.actions.server.note(value.events.map((event) => this.event(event)));
    remember(this.ages.trip, trip_ms);
    remember(this.ages.work, 1000 * this.wire.seconds(value.age));
    const found = this.pending.get(sequence);
    if (found) remember(this.ages.server, performance.now() - 1000 * found.at_s);
    const { rate, backlog, decode, order, late } = value.drops ?? {};
    this.dropped = [rate, backlog, decode, order, late].reduce((sum, count) => sum + Number(count ?? 0), 0);
    this.pair(sequence, "server", value.labels[0]?.name);
    this.show();
  }

  event(event) {
    const of = (offset) => this.first_s + this.wire.seconds(offset);
    return { phase: this.wire.phase(event), label: event.label, begin_s: of(event.beginOffset), end_s: of(event.offset) };
  }

  pair(sequence, side, label) {
    const found = this.pending.get(sequence);
    if (!found) return;
    found[side] = label;
    if (!found.phone || !found.server) return;
    this.pending.delete(sequence);
    remember(this.same, found.phone === found.server);
  }

  show() {
    const { same, ages } = this, count = same.filter(Boolean).length;
    Object.assign(at("same").dataset, { same: count, count: same.length });
    if (same.length) at("same").textContent = `${Math.round((100 * count) / same.length)} % of ${same.length} frames`;
    at("phone-age").textContent = told(ages.phone);
    at("server-age").textContent = told(ages.server);
    at("trip").textContent = `${told(ages.trip)}, of it ${told(ages.work)} in the server`;
    at("drops").textContent = `${this.bridge.left_out} not sent, ${this.dropped ?? 0} not used by the server`;
  }

  state(name, words) {
    at("link").textContent = words;
    at("link").dataset.state = name;
    if (name !== "open") this.actions.server.cut(performance.now() / 1000);
    if (name !== "off") return;
    this.is_sending = false;
    at("start").textContent = "Start sending";
  }
}

function remember(list, value) {
  list.push(value);
  if (list.length > WINDOW) list.shift();
}

function told(list) {
  return list.length ? `${list.toSorted((a, b) => a - b)[list.length >> 1].toFixed(0)} ms` : "–";
}
