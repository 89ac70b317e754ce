/**
 * One's own account: plans, where one is logged in, API tokens, password, taking everything along, leaving.
 *
 * No DOM.  Comes with the page that needs it.
 */

import { type Plan, parsePlan } from "./plans.ts";
import { type Json, list, number, numberOrNull, type Rest, text } from "./rest.ts";

/** A browser where the person is logged in. */
export interface LoginSession {
  readonly number: number;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. */
  readonly lastSeen: number;
  readonly address: string;
  /** How the browser calls itself. */
  readonly agent: string;
  /** This browser. */
  readonly isCurrent: boolean;
}

/** What a token may be for. */
export type Scope = "read" | "write" | "account" | "admin";

export const SCOPES: readonly (readonly [scope: Scope, words: string])[] = [
  ["read", "see consoles, their output and your usage"],
  ["write", "make, use and end consoles"],
  ["account", "change your account: keys, tokens, password"],
  ["admin", "look after this server"],
];

/** How long a token may last, to choose from; 0 for as long as it is not revoked. */
export const TOKEN_DURATIONS: readonly (readonly [seconds: number, words: string])[] = [
  [7 * 86_400, "a week"],
  [30 * 86_400, "30 days"],
  [90 * 86_400, "90 days"],
  [365 * 86_400, "a year"],
  [0, "until it is revoked"],
];

export interface Token {
  readonly number: number;
  readonly label: string;
  readonly created: number;
  readonly lastUsed: number | null;
  readonly scopes: readonly string[];
  readonly expires: number | null;
}

export interface WantedToken {
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** Seconds from now; 0 for no end. */
  readonly expiresIn: number;
}

export class AccountApi {
  constructor(private readonly rest: Rest) {}

  /** The plans of the server, in its order. */
  async plans(): Promise<Plan[]> {
    return list((await this.rest.get("/plans")).plans).map(parsePlan);
  }

  /** Where the person is logged in: this browser first, then who was seen last. */
  async sessions(): Promise<LoginSession[]> {
    return list((await this.rest.get("/sessions")).sessions)
      .map(parseSession)
      .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || b.lastSeen - a.lastSeen);
  }

  async endSession(session: number): Promise<void> {
    await this.rest.call("DELETE", `/sessions/${session}`);
  }

  /** Ends all sessions but this browser's. */
  async endOtherSessions(): Promise<void> {
    await this.rest.call("DELETE", "/sessions");
  }

  async tokens(): Promise<Token[]> {
    return list((await this.rest.get("/tokens")).tokens).map(parseToken);
  }

  /** @returns the secret; no other answer ever has it */
  async createToken({ label, scopes, expiresIn }: WantedToken): Promise<string> {
    const expires = expiresIn > 0 ? { expires_in: expiresIn } : {};
    return text((await this.rest.call("POST", "/tokens", { label, scopes, ...expires })).secret);
  }

  async revokeToken(token: number): Promise<void> {
    await this.rest.call("DELETE", `/tokens/${token}`);
  }

  /**
   * Sets another password; the other sessions end.
   *
   * @param old empty for an account that has none
   */
  async setPassword(old: string, password: string): Promise<void> {
    await this.rest.call("PUT", "/me/password", { ...(old === "" ? {} : { old }), new: password });
  }

  /** Where everything that the account has is downloaded from. */
  get exportAddress(): string {
    return `${this.rest.base}/me/export`;
  }

  /** Deletes the account with all it has. */
  async deleteAccount(name: string, password: string): Promise<void> {
    await this.rest.call("DELETE", "/me", { name, ...(password === "" ? {} : { password }) });
  }
}

function parseSession(value: Json): LoginSession {
  return {
    number: number(value.number),
    created: number(value.created),
    lastSeen: number(value.last_seen) || number(value.created),
    address: text(value.address),
    agent: text(value.agent),
    isCurrent: value.current === true,
  };
}

function parseToken(value: Json): Token {
  return {
    number: number(value.number),
    label: text(value.label),
    created: number(value.created),
    lastUsed: numberOrNull(value.last_used),
    scopes: Array.isArray(value.scopes) ? value.scopes.map(String) : [],
    expires: numberOrNull(value.expires),
  };
}

const BROWSERS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?(?:Chrome|CriOS)\/|\bChromium\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\b(?:iPhone|iPad)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** "Firefox on Linux" of what a browser calls itself; its own words where they say nothing to us. */
export function browserWords(agent: string): string {
  const found = (names: typeof BROWSERS) => names.find(([sign]) => sign.test(agent))?.[1];
  const browser = found(BROWSERS);
  const system = found(SYSTEMS);
  if (browser === undefined) return agent.slice(0, 60) || "Unknown browser";
  return system === undefined ? browser : `${browser} on ${system}`;
}
