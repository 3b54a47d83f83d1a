"use strict";
/* Flags of recordings: what each is called, what it says of the values, and beside which nobody's affect can be read. */

const Flags = (() => {
  const TABLE = {
    too_short: ["too short", "Too short to measure."],
    silent: ["silent", "Silent: there is nothing to measure, and the values mean nothing."],
    quiet: ["quiet", "Very quiet: pitch and timbre are found in part at best; record it louder."],
    clipped: ["clipped", "Clipped: the microphone was too loud, so loudness and timbre are distorted."],
    narrow_band: ["narrow band", "Narrow band, as over the telephone: what lies higher is missing, so be careful with the values."],
    uneven_channels: ["uneven channels", "The channels differ: not all of them count, or several voices were added."],
    mostly_pause: ["mostly pause", "Most of it is pause, which moves the values: cut silence away before and after the speech."],
    rumble: ["rumble", "Its offset moves, or it holds much below 20 Hz that nobody hears: take it out with a high-pass filter."],
    not_speech: ["no speech", "This does not sound like speech; the values mean little."],
    unfamiliar: ["unfamiliar", "Unlike anything the model was trained on (voice, room or microphone); be careful with the values."],
  };
  const NO_AFFECT = ["silent", "not_speech"];
  const names = Object.keys(TABLE);

  const word = (name) => (Object.hasOwn(TABLE, name) ? TABLE[name][0] : name);

  /* A cell of flags, parted by commas, in words. */
  const inWords = (cell) => cell.split(", ").map(word).join(", ");

  const advice = (name) => TABLE[name][1];

  /* The flags of a row that has a column for each. */
  const of = (row) => names.filter((name) => row[name]);

  /* Why values beside some flags say nothing of anybody, in words; empty if they do say something. */
  const silence = (flags) => word(NO_AFFECT.find((name) => flags.includes(name)) ?? "");

  return { names, word, inWords, advice, of, silence, silences: NO_AFFECT.map(word) };
})();
