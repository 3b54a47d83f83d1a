// The microphone as a moving point: its last seconds are measured again and again, each time as one utterance.

import { ask, Refused } from "./server.js";
import { openMicrophone, waveBytes } from "./sound.js";

export const WINDOW_S = 4;
const EVERY_MS = 1000;
const SHORTEST_S = 1;

/** The latest seconds of a sound, oldest first. */
class Latest {
  constructor(n) {
    Object.assign(this, { samples: new Float32Array(n), n: 0 });
  }

  add(chunk) {
    this.samples.copyWithin(0, chunk.length);
    this.samples.set(chunk, this.samples.length - chunk.length);
    this.n = Math.min(this.samples.length, this.n + chunk.length);
  }

  get heard() {
    return this.samples.subarray(this.samples.length - this.n);
  }
}

/**
 * Listen until the function that this gives is called. `tell` gets each row, `fail` an error that ends it; answers
 * that come late are left out, and where the server is busy a second is passed over.
 */
export async function startLive(tell, fail) {
  const stream = await openMicrophone();
  const context = new AudioContext();
  const latest = new Latest(Math.round(WINDOW_S * context.sampleRate));
  const asking = new AbortController();
  let [isOver, isAsking] = [false, false];
  const stop = () => {
    isOver = true;
    clearInterval(clock);
    asking.abort();
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
  const measure = async () => {
    if (isOver || isAsking || latest.n < SHORTEST_S * context.sampleRate) return;
    isAsking = true;
    try {
      const form = new FormData();
      form.append("file", new File([waveBytes(latest.heard, context.sampleRate)], "live.wav", { type: "audio/wav" }));
      const { rows } = await ask("/embed", { method: "POST", body: form, signal: asking.signal });
      if (!isOver) tell(rows[0]);
    } catch (error) {
      const isBusy = error instanceof Refused && error.status === 429;
      if (!isOver && !isBusy) {
        stop();
        fail(error);
      }
    } finally {
      isAsking = false;
    }
  };
  const clock = setInterval(measure, EVERY_MS);
  try {
    await context.audioWorklet.addModule("/static/tap.js");
    const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    tap.port.onmessage = (event) => latest.add(event.data);
    context.createMediaStreamSource(stream).connect(tap);
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}
