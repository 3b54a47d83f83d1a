// The waveform of the recording that is played, by wavesurfer.js: a click plays from there.

import { monoOf } from "./sound.js";
import WaveSurfer from "./vendor/wavesurfer.esm.js";

/** Seconds of the longest recording that is drawn: the browser has to decode all of it. */
const LONGEST_S = 1800;
/** Samples a second, enough for its outline. */
const RATE = 8000;
const HEIGHT = 56;

export class Waveform {
  /** Draw into `place` what `player` plays; `play` begins to play. */
  constructor(place, player, play) {
    Object.assign(this, { place, player, play, drawn: null });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawn?.setOptions(colours()));
  }

  clear() {
    this.drawn?.destroy();
    this.drawn = null;
    this.place.hidden = true;
    this.player.removeAttribute("src");
    this.player.load();
  }

  /** Have the player play a file, and draw it, unless it is too long or the browser cannot decode it. */
  async show(file, url, seconds) {
    this.clear();
    this.player.src = url;
    if (seconds > LONGEST_S) return;
    const peaks = await monoOf(file, RATE).catch(() => null);
    if (!peaks || this.player.src !== url) return; // another is shown by now
    this.place.hidden = false;
    this.drawn = WaveSurfer.create({
      ...colours(), container: this.place, media: this.player, peaks: [peaks], duration: seconds, height: HEIGHT, cursorWidth: 2, normalize: true,
      cspNonce: document.querySelector("meta[name=style-nonce]").content,
    });
    this.drawn.on("interaction", () => this.play());
  }
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const [waveColor, progressColor, cursorColor] = ["mild", "accent", "ink"].map((name) => style.getPropertyValue(`--${name}`).trim());
  return { waveColor, progressColor, cursorColor };
}
