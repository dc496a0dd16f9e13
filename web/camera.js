// The phone's camera: which there are, the one that is open, and what the model sees of it.

const QUALITY = 0.92; // of a JPEG
const LEAST_EXPONENT = 1 / 6; // of lightening: a picture that is all but black is noise, and stays dark

/** Opens a camera; without an id the one that looks at the world. */
export async function open(video, id) {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  const wanted = id ? { deviceId: { exact: id } } : { facingMode: "environment" };
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, width: { ideal: 640 }, height: { ideal: 480 } } });
  await video.play();
  return video.srcObject.getVideoTracks()[0].getSettings().deviceId;
}

export async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput");
}

/** Yields the seconds of frames that lie on the model's clock; skips what comes while one is in work. */
export async function* ticks(video, fps) {
  const interval_s = 1 / fps;
  for (let due_s = -Infinity; ; ) {
    const at_s = await new Promise((done) => video.requestVideoFrameCallback((now) => done(now / 1000)));
    if (at_s < due_s - 0.05 * interval_s) continue;
    due_s = Math.max(due_s === -Infinity ? at_s : due_s, at_s - 1.5 * interval_s) + interval_s;
    yield at_s;
  }
}

/** Scales pictures to the model's square. */
export class Square {
  constructor({ side_px, fit, lighten = 0 }) {
    Object.assign(this, { side_px, fit, lighten });
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = side_px;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.imageSmoothingQuality = "high";
  }

  draw(video) {
    const { side_px: side, context } = this;
    const [width, height] = this.fit === "stretch" ? [side, side] : fitted(video, side, this.fit === "crop" ? Math.min : Math.max);
    context.clearRect(0, 0, side, side);
    context.drawImage(video, (side - width) / 2, (side - height) / 2, width, height);
  }

  /** Returns what was drawn as a JPEG, at once: toBlob waits until the page has nothing else to do. */
  jpeg() {
    const [, base64] = this.canvas.toDataURL("image/jpeg", QUALITY).split(",");
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  }

  /** Returns planes of red, green and blue in [0, 1], a dark picture raised as the card says. */
  of(video) {
    this.draw(video);
    const ends = [video.videoWidth, video.videoHeight];
    const share = this.fit === "pad" ? Math.min(...ends) / Math.max(...ends) : 1; // the borders are no darkness
    return lightened(this.context.getImageData(0, 0, this.side_px, this.side_px).data, this.lighten, share);
  }
}

/** Pixels of RGBA bytes, a share of them picture and not border -> planes in [0, 1], raised where darker than `brightness`. */
export function lightened(pixels, brightness, share = 1) {
  const count = pixels.length / 4;
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 4) sum += pixels[i] + pixels[i + 1] + pixels[i + 2];
  const mean = sum / (3 * count * 255 * share);
  const exponent = mean > 0 && mean < brightness ? Math.max(LEAST_EXPONENT, Math.log(brightness) / Math.log(mean)) : 1;
  const values = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255) ** exponent);
  const planes = new Float32Array(3 * count);
  for (let i = 0; i < count; i++)
    for (let colour = 0; colour < 3; colour++) planes[colour * count + i] = values[pixels[4 * i + colour]];
  return planes;
}

function fitted({ videoWidth: width, videoHeight: height }, side, which) {
  const scale = side / which(width, height);
  return [width * scale, height * scale];
}
