/** The keys of the fake hub's person: anything that looks like a key is one, `ABCD-EFGH` offers another. */

import type { JsonObject } from "../../src/frames.ts";

const OFFER = {
  code: "ABCD-EFGH",
  algorithm: "ssh-ed25519",
  fingerprint: "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA",
  address: "192.0.2.7",
};

export class FakeKeys {
  private keys: JsonObject[] = [];
  private last = 0;

  /** Answers a request for `path`; null when it is not about keys. */
  answer(method: string, path: string, fields: Record<string, string>): [number, JsonObject] | null {
    const [, root, item, code] = path.split("/");
    if (root !== "keys") return null;
    if (item === "offers") {
      if (code?.toUpperCase() !== OFFER.code)
        return [404, { code: "no_such_offer", detail: "This code is wrong." }];
      return method === "GET" ? [200, OFFER] : [201, this.add(OFFER.fingerprint, fields.label ?? "")];
    }
    if (method === "GET") return [200, { keys: this.keys }];
    if (method === "DELETE") {
      this.keys = this.keys.filter(({ number }) => number !== Number(item));
      return [204, {}];
    }
    const [algorithm = "", , comment = ""] = (fields.key ?? "").split(" ");
    if (!algorithm.startsWith("ssh-"))
      return [400, { code: "bad_key", detail: "That is no public key of ssh." }];
    return [201, this.add(`SHA256:${btoa(fields.key ?? "").slice(-43)}`, fields.label ?? comment)];
  }

  private add(fingerprint: string, label: string): JsonObject {
    const created = Date.now() / 1000;
    const key = {
      number: ++this.last,
      label,
      algorithm: "ssh-ed25519",
      fingerprint,
      created,
      last_used: null,
    };
    this.keys.push(key);
    return key;
  }
}
