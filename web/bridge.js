// One stream to the server: the protocol's own messages over a WebSocket, opened again when it is lost.

const IN_FLIGHT = 8; // frames without an answer; while there are so many, others are not sent
const SILENCE_MS = 10_000; // a frame without an answer for so long: nobody is there any more
const FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 15_000;
const STATUS = 4000; // what the server adds to gRPC's status
const PASSING = [4, 8, 13, 14].map((status) => STATUS + status); // no frame for too long, too many, failed, away
const TOO_LARGE = 1009, UNAUTHENTICATED = STATUS + 16;

export class Bridge {
  /**
   * wire: wire/protocol.js; config: () => the Config of a stream; told: { state(name, words), opened(configured),
   * answered(case, value, trip_ms) }. States: off, connecting, open, waiting.
   */
  constructor(wire, config, told) {
    Object.assign(this, { wire, config, told, state: "off", socket: null, left_out: 0, pause_ms: FIRST_PAUSE_MS });
    this.forget();
  }

  forget() {
    this.began_s = null;
    this.sent = new Map(); // sequence -> when, of those without an answer
  }

  start(token = "") {
    this.token = token;
    this.left_out = 0;
    this.pause_ms = FIRST_PAUSE_MS;
    this.connect();
  }

  /** Lets the server answer what it has, and sends nothing more. */
  stop(words = "Nothing is sent.") {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (socket?.readyState === WebSocket.OPEN) socket.send("end");
    if (socket?.readyState === WebSocket.CONNECTING) socket.close();
    if (socket) setTimeout(() => socket.close(), 2000);
    this.become("off", words);
  }

  /** The same with a new configuration, or after another camera was chosen. */
  restart() {
    if (this.state === "off") return;
    this.stop();
    this.start(this.token);
  }

  /** Sends a frame: what makes its JPEG, when it was taken. Returns null where it is not sent, else whether it is the first. */
  send(sequence, at_s, jpeg) {
    if (this.state !== "open") return null;
    const now_ms = performance.now();
    const oldest_ms = this.sent.values().next().value ?? now_ms;
    if (now_ms - oldest_ms > SILENCE_MS) return this.lost("The server has not answered for 10 s."), null;
    if (this.sent.size >= IN_FLIGHT) return this.left_out++, null;
    const isFirst = this.began_s === null;
    this.began_s ??= at_s;
    const offset = this.wire.duration(at_s - this.began_s);
    this.sent.set(sequence, now_ms);
    const picture = { case: "image", value: jpeg() };
    this.socket.send(this.wire.request("frame", { sequence: BigInt(sequence), offset, picture }));
    return isFirst;
  }

  async connect() {
    this.become("connecting", "Connecting …");
    const attempt = (this.attempt = {}); // start may be pressed again meanwhile
    const about = await fetch("bridge", { cache: "no-store" }).then((answer) => answer.json()).catch(() => null);
    if (this.state !== "connecting" || this.attempt !== attempt) return;
    if (!about) return this.lost("The server cannot be reached.");
    if (!about.is_open) return this.stop(sentence(about.why));
    if (about.needs_token && !this.token) return this.stop("This server wants a token: ask whoever runs it.");
    const address = new URL("bridge", location.href);
    address.protocol = location.protocol.replace("http", "ws");
    address.hash = address.search = "";
    const socket = new WebSocket(address, ["stream.v1", ...(this.token ? [`bearer.${this.token}`] : [])]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket === this.socket && socket.send(this.wire.request("config", this.config()));
    socket.onmessage = ({ data }) => socket === this.socket && this.hear(this.wire.response(new Uint8Array(data)));
    socket.onclose = (closing) => socket === this.socket && this.closed(closing);
    this.forget();
    this.socket = socket;
  }

  hear({ case: kind, value }) {
    if (kind === "configured") {
      this.pause_ms = FIRST_PAUSE_MS;
      this.told.opened(value);
      this.become("open", "Frames go to the server.");
    } else if (kind === "goAway") {
      this.socket.send("end"); // what waits is answered, then the server closes
      this.become("leaving", "The server is shutting down.");
    } else if (value && "sequence" in value) {
      const sequence = Number(value.sequence), sent_ms = this.sent.get(sequence);
      this.sent.delete(sequence);
      this.told.answered(kind, value, performance.now() - sent_ms);
    }
  }

  closed({ code, reason }) {
    if (code === TOO_LARGE) return this.stop("The server takes no picture that large.");
    if (code === UNAUTHENTICATED) return this.stop("The server does not know that token.");
    if (code > STATUS && !PASSING.includes(code)) return this.stop(sentence(reason));
    if (this.state === "leaving") return this.lost("The server is shutting down.");
    this.lost(reason ? sentence(reason) : "The connection was lost.");
  }

  /** Tries again after a pause, longer each time. */
  lost(words) {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    const pause_ms = this.pause_ms * (0.75 + Math.random() / 2);
    this.pause_ms = Math.min(2 * this.pause_ms, LONGEST_PAUSE_MS);
    this.become("waiting", `${words} Trying again in ${Math.ceil(pause_ms / 1000)} s.`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause_ms);
  }

  become(state, words) {
    this.state = state;
    this.told.state(state, words);
  }
}

function sentence(words) {
  return `The server says: ${words}.`;
}
