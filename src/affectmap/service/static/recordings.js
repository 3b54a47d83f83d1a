// The recordings of this page: measured some at a time, each with its file, its answer or why there is none.

import { followProgress, sendOrConvert } from "./server.js";
import { durationOf } from "./sound.js";

const AT_ONCE_S = 10;
let lastId = 0;

/** What is measured, in the order in which it was added. `changed` is called after every change. */
export class Recordings {
  constructor(changed) {
    Object.assign(this, { changed, all: [], chosen: null, wanted: null, atOnce: 1, isCancelled: false });
  }

  get waiting() {
    return this.all.filter((each) => each.state === "waiting");
  }

  get open() {
    return this.all.filter((each) => each.state === "waiting" || each.state === "measuring");
  }

  get done() {
    return this.all.filter((each) => each.state === "done");
  }

  /** Add files and measure them; the first of them is shown once it is done. */
  add(files, mode) {
    const added = files.map((file) => ({
      id: (lastId += 1), file, mode, name: file.name, url: URL.createObjectURL(file), state: "waiting", share: 0,
      controller: new AbortController(), answer: null, error: null,
    }));
    if (!this.open.length) this.isCancelled = false;
    this.all.push(...added);
    [this.wanted] = added;
    this.changed();
    this.go();
  }

  go() {
    while (this.all.filter((each) => each.state === "measuring").length < this.atOnce && this.waiting.length) {
      this.measure(this.waiting[0]);
    }
  }

  async measure(each) {
    each.state = "measuring";
    this.changed();
    try {
      const address = await addressFor(each);
      each.isTrack = address.startsWith("/track");
      const key = crypto.randomUUID?.();
      const asked = each.isTrack && key ? `${address}${address.includes("?") ? "&" : "?"}progress=${key}` : address;
      if (asked !== address) {
        followProgress(key, () => each.state !== "measuring", (share) => {
          each.share = share;
          this.changed();
        });
      }
      each.answer = { ...(await sendOrConvert(asked, each.file, each.controller.signal)), isTrack: each.isTrack };
      each.state = "done";
      if (each === this.wanted) this.choose(each);
      else this.chosen ??= each; // until that is done which was asked for first
    } catch (error) {
      each.state = error.name === "AbortError" ? "cancelled" : "failed";
      each.error = error;
      if (each === this.wanted) this.wanted = this.open[0] ?? null;
    }
    if (this.all.includes(each)) this.changed(each);
    this.go();
  }

  /** Measure again those that failed for a reason that is gone. */
  again(isMeant) {
    this.all.filter((each) => each.state === "failed" && isMeant(each)).forEach((each) => {
      Object.assign(each, { state: "waiting", error: null, isTold: false, controller: new AbortController() });
    });
    this.changed();
    this.go();
  }

  choose(each) {
    this.chosen = each;
    this.wanted = null;
    this.changed(each);
  }

  cancel() {
    this.isCancelled = true;
    this.waiting.forEach((each) => {
      each.state = "cancelled";
    });
    this.open.forEach((each) => each.controller.abort());
    this.changed();
  }

  remove(each) {
    each.controller.abort();
    URL.revokeObjectURL(each.url);
    const at = this.all.indexOf(each);
    this.all.splice(at, 1);
    if (each === this.chosen) {
      const [next = null] = [...this.done].sort((one, other) => one.id - other.id);
      this.chosen = next;
    }
    this.changed();
  }
}

async function addressFor({ mode, url }) {
  if (mode === "embed" || mode === "track") return `/${mode}`;
  if (mode === "windows") return "/track?windows=3";
  return (await durationOf(url)) > AT_ONCE_S ? "/track" : "/embed";
}
