// Runs beside the page's own thread: passes on the samples of the microphone, a tenth of a second at a time.

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    Object.assign(this, { chunk: new Float32Array(Math.round(sampleRate / 10)), n: 0 });
  }

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.chunk[this.n++] = sample;
      if (this.n < this.chunk.length) continue;
      this.port.postMessage(this.chunk.slice());
      this.n = 0;
    }
    return true;
  }
}

registerProcessor("tap", Tap);
