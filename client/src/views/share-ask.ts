/**
 * Programs in the console ask to share it, and an owner at this page decides.
 *
 * A question comes as a notice and takes no focus: what is being typed at that moment must not
 * answer it.  It goes away when somebody else has answered.
 */

import { h } from "../dom.ts";
import type { ShareAsk } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { roleWarning, roleWords, timeLeft } from "../shares.ts";
import { ask } from "./dialog.ts";
import { complain, notice } from "./notices.ts";

/** As long as the hub waits for the answer. */
const ANSWER_MS = 60_000;

/** Asks the person what `room` says that programs ask. */
export class ShareAsks {
  private readonly open = new Map<string, () => void>();
  private readonly unsubscribe: () => void;

  constructor(private readonly room: Room) {
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "asks") this.draw();
    });
  }

  stop(): void {
    this.unsubscribe();
    for (const close of this.open.values()) close();
    this.open.clear();
  }

  private draw(): void {
    const { asks } = this.room;
    for (const [id, close] of this.open) {
      if (asks.some((one) => one.ask === id)) continue;
      this.open.delete(id);
      close();
    }
    for (const one of asks) {
      if (!this.open.has(one.ask)) this.open.set(one.ask, decide(this.room, one));
    }
  }
}

/** Asks the person; returns what takes the question away. */
function decide(room: Room, wanted: ShareAsk): () => void {
  const over = new AbortController();
  const close = notice("A program in this console asks to share it.", [
    { label: "Answer…", run: () => void question() },
    { label: "Refuse", run: () => answer(false) },
  ]);
  const timer = setTimeout(() => room.expire(wanted.ask), ANSWER_MS);

  async function question(): Promise<void> {
    const allowed = await ask({
      title: "Share this console?",
      content: [
        h("p", {}, wordsOf(wanted)),
        wanted.role === "observer" ? "" : h("p", { className: "warning" }, roleWarning(wanted.role)),
        h("p", {}, "The link is printed in the console: everybody who looks on can read and use it."),
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
    room.answer(wanted.ask, allow).catch(complain);
  }

  return () => {
    clearTimeout(timer);
    over.abort();
    close();
  };
}

function wordsOf({ role, expires, uses }: ShareAsk): string {
  const now = Date.now() / 1000;
  const takers = uses === null ? "any number of people" : uses === 1 ? "one person" : `${uses} people`;
  const ends = expires === null ? "" : ` It would end in ${timeLeft(now + expires, now)}.`;
  return `A program asks for a link. Whoever has the link ${roleWords(role)}. It is for ${takers}.${ends}`;
}
