/**
 * A program in the console asks to share it, and an owner at this page decides.
 *
 * The question comes as a notice and takes no focus: what is being typed at that moment must not
 * answer it.
 */

import { h } from "../dom.ts";
import type { ShareAsk } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { roleWarning, roleWords, timeLeft } from "../shares.ts";
import { ask } from "./dialog.ts";
import { complain, notice } from "./notices.ts";

/** As long as the hub waits for the answer. */
const ANSWER_MS = 60_000;

/** Asks the person; resolves once it is answered, by them or by time. */
export function decideOnShare(room: Room, wanted: ShareAsk): void {
  const over = new AbortController();
  const close = notice("A program in this console asks to share it.", [
    { label: "Answer…", run: () => void decide() },
    { label: "Refuse", run: () => answer(false) },
  ]);
  const timer = setTimeout(() => {
    over.abort();
    close();
  }, ANSWER_MS);

  async function decide(): Promise<void> {
    const allowed = await ask({
      title: "Share this console?",
      content: [
        h("p", {}, wordsOf(wanted)),
        h("p", { className: "warning" }, roleWarning(wanted.role)),
        h("p", { className: "muted small" }, "Allow it only if you have just asked for it yourself."),
      ],
      action: "Allow",
      decline: "Refuse",
      danger: true,
      until: over.signal,
      answer: () => ({}),
    });
    if (!over.signal.aborted) answer(allowed !== null);
  }

  function answer(allow: boolean): void {
    clearTimeout(timer);
    room.answer(wanted.ask, allow).catch(complain);
  }
}

function wordsOf({ role, expires, uses }: ShareAsk): string {
  const now = Date.now() / 1000;
  const takers = uses === null ? "any number of people" : uses === 1 ? "one person" : `${uses} people`;
  const ends = expires === null ? "" : ` It would end in ${timeLeft(now + expires, now)}.`;
  return `A program asks for a link. Whoever has the link ${roleWords(role)}. It is for ${takers}.${ends}`;
}
