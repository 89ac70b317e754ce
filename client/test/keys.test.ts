import { describe, expect, it } from "vitest";
import { algorithmName, keyProblem, MOST_KEY_BYTES } from "../src/keys.ts";

describe("what may be sent as a public key", () => {
  it("is never a private one", () => {
    for (const text of [
      "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
      "\n-----BEGIN RSA PRIVATE KEY-----",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----",
      "PuTTY-User-Key-File-3: ssh-ed25519",
      "Comment: x\nPrivate-Lines: 1\nAAAA",
      "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
    ]) {
      const said = keyProblem(text);
      expect(said).toContain("PRIVATE key");
      expect(said).not.toContain("c2VjcmV0");
    }
  });

  it("is something, and not too long", () => {
    expect(keyProblem(" \n")).toContain("Paste");
    expect(keyProblem("x".repeat(MOST_KEY_BYTES + 1))).toContain("too long");
  });

  it("is for the server to judge otherwise", () => {
    expect(keyProblem("ssh-ed25519 AAAA my PRIVATE KEY of work")).toBeNull();
    expect(keyProblem("---- BEGIN SSH2 PUBLIC KEY ----")).toBeNull();
  });
});

it("types of keys have names", () => {
  expect(algorithmName("sk-ssh-ed25519@openssh.com")).toBe("Security key, Ed25519");
  expect(algorithmName("ssh-future")).toBe("ssh-future");
});
