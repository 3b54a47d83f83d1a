// Sounds: fetched and decoded ahead, drawn, and played by one player, which the rater's first press unlocks.

import { base } from "./base.js";

const RATE = 16000;
const BARS = 400;
const SPEEDS = [1, 1.25, 0.75];
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/** A moment of silence as a WAV file. */
function silence() {
  const view = new DataView(new ArrayBuffer(46));
  const text = (at, words) => [...words].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  text(8, "WAVEfmt ");
  text(36, "data");
  [[4, 38], [16, 16], [24, RATE], [28, 2 * RATE], [40, 2]].forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => view.setUint16(at, value, true));
  return new Blob([view], { type: "audio/wav" });
}

async function load(address) {
  const response = await fetch(base + address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const bytes = await response.arrayBuffer();
  const url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  return { url, duration: decoded.duration, peaks: peaksOf(decoded.getChannelData(0)) };
}

function peaksOf(samples) {
  const peaks = new Float32Array(BARS);
  const each = samples.length / BARS;
  for (let i = 0; i < samples.length; i += 1) {
    const bar = Math.min(BARS - 1, Math.floor(i / each));
    peaks[bar] = Math.max(peaks[bar], Math.abs(samples[i]));
  }
  const highest = Math.max(...peaks) || 1;
  return peaks.map((peak) => peak / highest);
}

/** Sounds that are loaded or on their way, by address; the oldest are let go. */
export class Sounds {
  constructor(most = 4) {
    this.most = most;
    this.loading = new Map();
    this.ready = new Map();
  }

  /** Load a sound, or give the one that is loaded; a failure is forgotten, so that it can be tried again. */
  get(address) {
    if (!this.loading.has(address)) {
      const promise = load(address).then((sound) => {
        this.ready.set(address, sound);
        return sound;
      });
      promise.catch(() => this.loading.delete(address));
      this.loading.set(address, promise);
      this.forget();
    }
    return this.loading.get(address);
  }

  forget() {
    const [oldest] = this.loading.keys();
    if (this.loading.size <= this.most) return;
    this.loading.get(oldest).then((sound) => URL.revokeObjectURL(sound.url), () => {});
    this.loading.delete(oldest);
    this.ready.delete(oldest);
  }

  has(address) {
    return this.ready.has(address);
  }
}

/** The waveform with its playing line, and the sound that it shows. */
export class Player {
  constructor(audio, canvas, { blocked }) {
    this.audio = audio;
    this.canvas = canvas;
    this.blocked = blocked;
    this.sound = null;
    this.speed = 1;
    audio.addEventListener("play", () => this.run());
    ["timeupdate", "ended", "seeked"].forEach((kind) => audio.addEventListener(kind, () => this.draw()));
    canvas.addEventListener("pointerdown", (event) => this.playFrom(event.offsetX / canvas.clientWidth));
    new ResizeObserver(() => this.draw()).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Play silence within a press of the rater's: some browsers let a player play on its own only after that. */
  unlock() {
    if (this.sound) return;
    this.audio.src = URL.createObjectURL(silence());
    this.audio.play().catch(() => {});
  }

  /** Take a sound and play it, at speed 1: what a rater hears first is the voice as it was. */
  take(sound) {
    this.audio.pause();
    this.sound = sound;
    if (sound) {
      this.audio.src = sound.url;
      this.setSpeed(1);
      this.playFrom(0);
    } else this.audio.removeAttribute("src");
    this.draw();
  }

  playFrom(share) {
    if (!this.sound) return;
    this.audio.currentTime = share * this.sound.duration;
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.blocked();
    });
  }

  setSpeed(speed) {
    this.speed = speed;
    this.audio.defaultPlaybackRate = speed;
    this.audio.playbackRate = speed;
    this.audio.preservesPitch = true; // pitch tells of activation
  }

  nextSpeed() {
    this.setSpeed(SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length]);
  }

  run() {
    if (still.matches) return; // the line then moves with the player's own news, a few times a second
    const step = () => {
      this.draw();
      if (!this.audio.paused && !this.audio.ended) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  draw() {
    const { canvas, sound } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    const pen = canvas.getContext("2d");
    pen.scale(dense, dense);
    if (!sound || !width) return;
    const colours = getComputedStyle(canvas);
    const played = Math.min(1, this.audio.currentTime / sound.duration);
    const n = Math.min(BARS, Math.floor(width / 3));
    for (let bar = 0; bar < n; bar += 1) {
      const part = sound.peaks.subarray(Math.floor((bar * BARS) / n), Math.ceil(((bar + 1) * BARS) / n));
      const tall = Math.max(2, Math.max(...part) * (height - 6));
      pen.fillStyle = colours.getPropertyValue(bar / n < played ? "--accent" : "--mild");
      pen.fillRect((bar * width) / n, (height - tall) / 2, Math.max(1, width / n - 1), tall);
    }
  }
}
