"use strict";
/* Playing a point, and the outline of its sound. */

class Sound {
  constructor(data, source, theme, say) {
    Object.assign(this, { data, source, theme, say, point: -1, peaks: null, failed: "" });
    this.audio = document.getElementById("audio");
    this.canvas = document.getElementById("outline");
    this.button = document.getElementById("play");
    this.button.addEventListener("click", () => this.toggle());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.changed());
    this.audio.addEventListener("error", () => this.point >= 0 && this.audio.getAttribute("src") && this.explain());
  }

  /* Makes a point ready to be heard. */
  async choose(i) {
    if (i === this.point) return;
    this.audio.pause();
    this.point = i;
    this.failed = "";
    this.peaks = null;
    this.button.disabled = i < 0 || !this.source.has(i);
    this.draw();
    const peaks = i >= 0 ? await this.source.outline(i) : null;
    if (i === this.point) (this.peaks = peaks), this.draw();
  }

  play(i) {
    this.choose(i);
    if (!this.source.has(i)) return;
    if (this.loaded !== i) {
      if (this.address) URL.revokeObjectURL(this.address);
      const found = this.source.sound(i);
      this.address = found instanceof Blob ? URL.createObjectURL(found) : "";
      this.audio.src = this.address || found;
      this.loaded = i;
    }
    this.audio.currentTime = 0;
    this.audio.play().catch((error) => error.name !== "AbortError" && error.name !== "NotAllowedError" && this.explain());
  }

  toggle() {
    if (this.audio.paused || this.loaded !== this.point) this.play(this.point);
    else this.audio.pause();
  }

  async explain() {
    this.loaded = -1;
    const reason = await this.source.problem(this.point);
    this.failed = reason || "this browser cannot play it";
    this.say(this.failed);
  }

  changed() {
    this.button.textContent = this.audio.paused ? "Play" : "Pause";
    const step = () => {
      this.draw();
      if (!this.audio.paused) requestAnimationFrame(step);
    };
    step();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    const width = (this.canvas.width = Math.round(box.width * ratio)), height = (this.canvas.height = Math.round(box.height * ratio));
    const c = this.canvas.getContext("2d"), { colours } = this.theme();
    if (!this.peaks) return;
    const done = this.loaded === this.point && this.audio.duration ? this.audio.currentTime / this.audio.duration : 0;
    const n = this.peaks.length, step = width / n;
    for (let k = 0; k < n; k++) {
      c.fillStyle = k / n < done ? colours.link : colours.muted;
      const tall = Math.max(ratio, (this.peaks[k] / 255) * height);
      c.fillRect(k * step, (height - tall) / 2, Math.max(1, step * 0.68), tall);
    }
  }
}

/* Sound that stands in the page, one text of base64 after another. */
class SoundsInside {
  constructor(data) {
    this.data = data;
    this.text = document.getElementById("sound").textContent;
    this.starts = new Float64Array(data.n + 1);
    for (let i = 0; i < data.n; i++) this.starts[i + 1] = this.starts[i] + data.sounds[i];
  }

  has(i) { return this.data.sounds[i] > 0; }

  sound(i) { return new Blob([Columns.bytesOf(this.text.slice(this.starts[i], this.starts[i + 1]))], { type: "audio/mpeg" }); }

  async outline(i) {
    const { bars } = this.data.about;
    return this.has(i) ? this.data.outlines.subarray(i * bars, (i + 1) * bars) : null;
  }

  async problem() { return ""; }
}

/* No sound: the page was written without. */
class SoundsNowhere {
  has() { return false; }

  async outline() { return null; }
}

/* Sound that the server of the page reads from the recordings. */
class SoundsServed {
  constructor(data) { this.data = data; }

  has() { return true; }

  sound(i) { return `sound/${i}`; }

  async outline(i) {
    const answer = await fetch(`outline/${i}`);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  }

  async problem(i) {
    const answer = await fetch(`outline/${i}`);
    return answer.ok ? "" : (await answer.json()).detail;
  }
}
