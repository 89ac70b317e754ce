/** Public keys of ssh, as far as the page looks at them.  Pure. */

/** A key that opens the person's account by ssh. */
export interface Key {
  readonly number: number;
  readonly label: string;
  readonly algorithm: string;
  readonly fingerprint: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. */
  readonly lastUsed: number | null;
}

/** A key that somebody who came by ssh has, and that opens no account yet. */
export interface KeyOffer {
  readonly code: string;
  readonly algorithm: string;
  readonly fingerprint: string;
  /** Where they came from; empty when that is not known. */
  readonly address: string;
}

/** No public key is longer, in bytes. */
export const MOST_KEY_BYTES = 16_384;

const PRIVATE = /-BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|^Private-Lines:|b3BlbnNzaC1rZXktdjEA/m;

/** What is wrong with `text` that the server need not, or must not, see; null when it may. */
export function keyProblem(text: string): string | null {
  if (PRIVATE.test(text)) {
    return (
      "This is a PRIVATE key: never give it to anybody. It was not sent. " +
      "The public key is in the file with the same name and .pub."
    );
  }
  if (text.trim() === "") return "Paste the line of a .pub file, or choose the file.";
  if (text.length > MOST_KEY_BYTES) return "That is too long for a public key. Is it the right file?";
  return null;
}

const NAMES: Readonly<Record<string, string>> = {
  "ssh-ed25519": "Ed25519",
  "ssh-rsa": "RSA",
  "ecdsa-sha2-nistp256": "ECDSA 256",
  "ecdsa-sha2-nistp384": "ECDSA 384",
  "ecdsa-sha2-nistp521": "ECDSA 521",
  "sk-ssh-ed25519@openssh.com": "Security key, Ed25519",
  "sk-ecdsa-sha2-nistp256@openssh.com": "Security key, ECDSA 256",
};

/** A type of key as people call it. */
export function algorithmName(algorithm: string): string {
  return NAMES[algorithm] ?? algorithm;
}
