/**
 * The REST interface, typed: who is here, consoles, shares, keys.
 *
 * What only some pages need stands beside it, and comes with them: `account.ts`, `usage.ts`, `admin.ts`.
 */

import type { Key, KeyOffer } from "./keys.ts";
import { ApiError, type Fetch, type Json, list, number, numberOrNull, Rest, text } from "./rest.ts";
import { parseRole } from "./room/messages.ts";
import {
  type NewShare,
  parseNewShare,
  parsePreview,
  parseShares,
  parseTaken,
  type Role,
  type SharePreview,
  type Shares,
  type Taken,
  type WantedShare,
} from "./shares.ts";

export { ApiError } from "./rest.ts";

/** A console as the server lists it. */
export interface Console {
  readonly id: string;
  readonly name: string;
  readonly state: "starting" | "running" | "recovering" | "ended";
  readonly reason: string | null;
  readonly program: string;
  readonly image: string;
  readonly isolation: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. */
  readonly lastActivity: number;
  /** The title of the first window. */
  readonly title: string;
  readonly viewers: number;
  /** The name of the account it belongs to. */
  readonly owner: string;
  /** What the person may do with it. */
  readonly role: Role;
}

/** Whether nothing keeps a console apart from its machine; its isolation says so in capitals. */
export function lacksSandbox({ isolation }: Console): boolean {
  return isolation.startsWith("NO SANDBOX");
}

export interface Image {
  readonly name: string;
  readonly version: string;
  readonly source: string;
  /** The names of the programs it can run. */
  readonly programs: readonly string[];
}

export interface Me {
  readonly name: string;
  /** Somebody without an account, who came by a link. */
  readonly isGuest: boolean;
  readonly isAdmin: boolean;
  readonly hasPassword: boolean;
  /** The name of the plan. */
  readonly plan: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** When a visitor's account ends with everything in it, seconds since the epoch; null for one that stays. */
  readonly expires: number | null;
}

/** What the server says of itself to everybody. */
export interface ServerFacts {
  /** The command that connects by ssh; empty when the server does not serve it. */
  readonly ssh: string;
  /** Whether one can try it without an account. */
  readonly guests: boolean;
}

export interface NewConsole {
  readonly name?: string;
  readonly program?: string;
  readonly argv?: readonly string[];
  readonly image?: string;
  readonly cols?: number;
  readonly rows?: number;
}

export class Api {
  readonly rest: Rest;

  /** @param fetch the browser's, or a stand-in */
  constructor(fetch: Fetch) {
    this.rest = new Rest(fetch);
  }

  async me(): Promise<Me> {
    const me = await this.call("GET", "/me");
    return {
      name: text(me.name),
      isGuest: me.is_guest === true,
      isAdmin: me.is_admin === true,
      hasPassword: me.has_password === true,
      plan: text(me.plan),
      created: number(me.created),
      expires: numberOrNull(me.expires),
    };
  }

  async loginWithLink(link: string): Promise<void> {
    await this.call("POST", "/login", { link });
  }

  async login(name: string, password: string): Promise<void> {
    await this.call("POST", "/login", { name, password });
  }

  /** Begins as a visitor without an account. */
  async loginAsVisitor(): Promise<void> {
    await this.call("POST", "/login/guest");
  }

  async logout(): Promise<void> {
    await this.call("POST", "/logout");
  }

  /** The person's consoles and those shared with them: those that live first, in each part the latest activity first. */
  async consoles(): Promise<Console[]> {
    const reply = await this.call("GET", "/consoles");
    return list(reply.consoles)
      .map(parseConsole)
      .sort((a, b) => hasEnded(a) - hasEnded(b) || b.lastActivity - a.lastActivity);
  }

  /** @param key id or name; `owner/name` for a console of somebody else */
  async console(key: string): Promise<Console> {
    const [, owner, name] = /^([^/]+)\/([^/]+)$/.exec(key) ?? [];
    if (name === undefined)
      return parseConsole(await this.call("GET", `/consoles/${encodeURIComponent(key)}`));
    const found = (await this.consoles()).find((one) => one.owner === owner && one.name === name);
    if (found === undefined) throw new ApiError("There is no such console.", 404, "no_such_console");
    return found;
  }

  async create(wanted: NewConsole): Promise<Console> {
    return parseConsole(await this.call("POST", "/consoles", wanted));
  }

  async rename(id: string, name: string): Promise<Console> {
    return parseConsole(await this.call("PATCH", `/consoles/${encodeURIComponent(id)}`, { name }));
  }

  /** Ends a console that runs; removes one that has ended. */
  async end(id: string): Promise<void> {
    await this.call("DELETE", `/consoles/${encodeURIComponent(id)}`);
  }

  async images(): Promise<Image[]> {
    const reply = await this.call("GET", "/images");
    return list(reply.images).map((image) => ({
      name: text(image.name),
      version: text(image.version),
      source: text(image.source),
      programs: Array.isArray(image.programs) ? image.programs.map(String) : [],
    }));
  }

  /** The keys that open the person's account by ssh, oldest first. */
  async keys(): Promise<Key[]> {
    const reply = await this.call("GET", "/keys");
    return list(reply.keys).map(parseKey);
  }

  /** @param label what to call it; empty for the comment in the key */
  async addKey(key: string, label: string): Promise<Key> {
    return parseKey(await this.call("POST", "/keys", label === "" ? { key } : { key, label }));
  }

  async removeKey(number: number): Promise<void> {
    await this.call("DELETE", `/keys/${number}`);
  }

  /** The key that a code from ssh is for. */
  async keyOffer(code: string): Promise<KeyOffer> {
    const offer = await this.call("GET", `/keys/offers/${encodeURIComponent(code)}`);
    return {
      code: text(offer.code),
      algorithm: text(offer.algorithm),
      fingerprint: text(offer.fingerprint),
      address: text(offer.address),
    };
  }

  async acceptKeyOffer(code: string, label: string): Promise<Key> {
    return parseKey(await this.call("POST", `/keys/offers/${encodeURIComponent(code)}`, { label }));
  }

  async server(): Promise<ServerFacts> {
    const server = await this.call("GET", "/server");
    return { ssh: text(server.ssh), guests: server.guests === true };
  }

  /** Who may come into a console, and by what. */
  async shares(id: string): Promise<Shares> {
    return parseShares(await this.call("GET", `/consoles/${encodeURIComponent(id)}/shares`));
  }

  /** Lets others in; the reply is the only one that has the link. */
  async share(id: string, wanted: WantedShare): Promise<NewShare> {
    return parseNewShare(await this.call("POST", `/consoles/${encodeURIComponent(id)}/shares`, wanted));
  }

  /** Takes a share back; those whom it let in are sent away. */
  async revoke(id: string, share: string): Promise<void> {
    await this.call("DELETE", `/consoles/${encodeURIComponent(id)}/shares/${encodeURIComponent(share)}`);
  }

  async setRole(id: string, member: number, role: Role): Promise<void> {
    await this.call("PATCH", `/consoles/${encodeURIComponent(id)}/members/${member}`, { role });
  }

  /** Sends somebody away whom a share let in; it lets them in no more. */
  async removeMember(id: string, member: number): Promise<void> {
    await this.call("DELETE", `/consoles/${encodeURIComponent(id)}/members/${member}`);
  }

  /** What the link with `token` leads to; uses nothing up. */
  async lookAtShare(token: string): Promise<SharePreview> {
    return parsePreview(await this.call("POST", "/shares/look", { token }));
  }

  /**
   * Comes in by a link: as the account that is logged in here, else as a guest called `name`.
   *
   * @param passphrase empty when the link needs none
   */
  async takeShare(token: string, name: string, passphrase: string): Promise<Taken> {
    const given = { ...(name === "" ? {} : { name }), ...(passphrase === "" ? {} : { passphrase }) };
    return parseTaken(await this.call("POST", "/shares/take", { token, ...given }));
  }

  private call(method: string, path: string, body?: object): Promise<Json> {
    return this.rest.call(method, path, body);
  }
}

export function parseConsole(value: Json): Console {
  const state = text(value.state);
  const created = number(value.created);
  return {
    id: text(value.id),
    name: text(value.name),
    state: state === "starting" || state === "recovering" || state === "ended" ? state : "running",
    reason: text(value.reason) || null,
    program: text(value.program),
    image: text(value.image),
    isolation: text(value.isolation),
    created,
    lastActivity: number(value.last_activity) || created,
    title: text(list(value.windows)[0]?.title),
    viewers: number(value.viewers),
    owner: text(value.owner),
    // A server says nothing of the role where it can only be the owner's.
    role: value.role === undefined ? "owner" : parseRole(value.role),
  };
}

function parseKey(value: Json): Key {
  return {
    number: number(value.number),
    label: text(value.label),
    algorithm: text(value.algorithm),
    fingerprint: text(value.fingerprint),
    created: number(value.created),
    lastUsed: numberOrNull(value.last_used),
  };
}

function hasEnded(console: Console): number {
  return console.state === "ended" ? 1 : 0;
}
