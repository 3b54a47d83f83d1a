// Asking the server: the token, refusals in its own words, and how far a recording is.

import { toWave } from "./sound.js";

const POLL_MS = 700;
const AGAIN_MS = 2000;
const TRIES = 30;

let token = "";

export function useToken(value) {
  token = value;
}

/** Where a voice is measured while it speaks. */
export function liveAddress() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`;
}

/** Add the token to a first message: a browser sends no header with a WebSocket. */
export function withToken(options) {
  return token ? { ...options, token } : options;
}

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

async function reasonOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `the server answered ${response.status}`;
  }
}

export async function ask(address, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(address, { ...options, headers });
  if (response.ok) return response.json();
  throw new Refused(response.status, await reasonOf(response));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function send(address, file, signal) {
  const form = new FormData();
  form.append("file", file, file.name);
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask(address, { method: "POST", body: form, signal });
    } catch (error) {
      if (error.status !== 429 || tried === TRIES) throw error;
      await pause(AGAIN_MS); // others are measured now
      signal.throwIfAborted();
    }
  }
}

/** Measure a file; what the server cannot read, a video for one, the browser often can. */
export async function sendOrConvert(address, file, signal) {
  try {
    return await send(address, file, signal);
  } catch (error) {
    if (error.status !== 422 || !/not audio|libsndfile cannot read/.test(error.message)) throw error;
    let wave;
    try {
      wave = await toWave(file, file.name);
    } catch {
      throw error;
    }
    const answer = await send(address, wave, signal);
    return { ...answer, notes: ["converted to 16 kHz mono by your browser", ...answer.notes] };
  }
}

/** Ask again and again how far the work of a key is, until `isOver` says so; `tell` gets a share from 0 to 1. */
export async function followProgress(key, isOver, tell) {
  for (;;) {
    await pause(POLL_MS);
    if (isOver()) return;
    try {
      const { done_s, total_s } = await ask(`/progress/${key}`);
      if (total_s > 0 && !isOver()) tell(Math.min(1, done_s / total_s));
    } catch {
      // The answer itself says more.
    }
  }
}
