// Ratings on their way: each is kept in the browser, under a key of its own, until the server says that it is stored.
// A key makes a rating count once however often it is sent.

const WAITS_S = [1, 2, 4, 8, 15];

/** A random UUID; crypto.randomUUID is missing where the page comes over plain http. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Sends ratings in order until all are stored: `stored(next, notes)` is called when none is left, with what the server
 * says comes next, `trouble(trouble)` after every attempt that failed; it is made again, later and later. */
export class Outbox {
  constructor(client, token, { stored, trouble }) {
    this.client = client;
    this.prefix = `affectmap-rating:${token}:`;
    this.stored = stored;
    this.trouble = trouble;
    this.memory = new Map(); // where the browser keeps nothing, or has no room
    this.gone = new Set();
    this.failures = 0;
    this.timer = 0;
    this.busy = false;
    window.addEventListener("online", () => this.entries().length && this.deliver());
  }

  /** Keep a rating and begin to send it. */
  add(rating) {
    const entry = { at: Date.now(), rating: { ...rating, key: newKey() } };
    this.memory.set(entry.rating.key, entry);
    try {
      localStorage.setItem(this.prefix + entry.rating.key, JSON.stringify(entry));
    } catch {
      // It stays in memory.
    }
    this.deliver();
  }

  /** What is not stored yet, the oldest first; another window's too. */
  entries() {
    const found = new Map(this.memory);
    try {
      Object.keys(localStorage).filter((name) => name.startsWith(this.prefix)).forEach((name) => {
        found.set(name.slice(this.prefix.length), JSON.parse(localStorage.getItem(name)));
      });
    } catch {
      // What is in memory is all there is.
    }
    this.gone.forEach((key) => found.delete(key));
    return [...found.values()].sort((one, other) => one.at - other.at);
  }

  remove({ rating: { key } }) {
    this.gone.add(key); // also where the browser does not let go of it
    this.memory.delete(key);
    try {
      localStorage.removeItem(this.prefix + key);
    } catch {
      // It was never there.
    }
  }

  /** Send all that waits; one attempt at a time. */
  async deliver() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    const notes = [];
    let next = null;
    try {
      for (let [entry] = this.entries(); entry; [entry] = this.entries()) {
        next = await this.send(entry, notes);
        this.remove(entry);
      }
      next ??= await this.client.next();
    } catch (trouble) {
      this.timer = setTimeout(() => this.deliver(), 1000 * WAITS_S[Math.min(this.failures, WAITS_S.length - 1)]);
      this.failures += 1;
      this.busy = false;
      this.trouble(trouble);
      return;
    }
    this.failures = 0;
    this.busy = false;
    this.stored(next, notes);
  }

  /** Send one; give what comes next. What can never be stored is told in a note and let go. */
  async send(entry, notes) {
    try {
      return (await this.client.rate(entry.rating)).next;
    } catch (trouble) {
      if (trouble.kind === "link") await this.client.session(); // fails too if it is the link that is not known
      const why = trouble.message;
      if (trouble.kind === "conflict" && !trouble.answer.paused) notes.push({ kind: "moved" });
      else if (["refused", "link"].includes(trouble.kind)) notes.push({ kind: "refused", why });
      else throw trouble;
      return trouble.answer.next ?? null;
    }
  }
}
