// The server's answers, and what stands in their way told by kind.

import { base } from "./base.js";

/** Why a request failed: `kind` is network, away, full, link, conflict or refused. */
export class Trouble extends Error {
  constructor(kind, message, answer = {}) {
    super(message);
    this.kind = kind;
    this.answer = answer;
  }
}

const KINDS = { 401: "link", 403: "link", 404: "link", 408: "away", 409: "conflict", 429: "away", 507: "full" };
const PATIENCE_MS = 15000;

export class Client {
  constructor(token) {
    this.root = `${base}/api/${encodeURIComponent(token)}`;
  }

  session() {
    return this.ask("session");
  }

  next() {
    return this.ask("next");
  }

  trained() {
    return this.ask("trained", { method: "POST" });
  }

  rate(rating) {
    const headers = { "Content-Type": "application/json" };
    return this.ask("ratings", { method: "POST", headers, body: JSON.stringify(rating) });
  }

  async ask(what, options = {}) {
    let response;
    let answer = {};
    try {
      response = await fetch(`${this.root}/${what}`, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (response.status !== 204) answer = await response.json();
    } catch (error) {
      if (!response || response.ok) throw new Trouble("network", error.message);
    }
    if (response.ok) return answer;
    const kind = KINDS[response.status] ?? (response.status >= 500 ? "away" : "refused");
    throw new Trouble(kind, answer.detail ?? `the server answered ${response.status}`, answer);
  }
}
