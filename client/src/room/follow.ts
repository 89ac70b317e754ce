/**
 * Following somebody: this page's scrollback goes where theirs is.
 *
 * The person's own scrolling ends it, and so does theirs leaving.  No DOM.
 */

import type { Look } from "./messages.ts";
import type { Room } from "./room.ts";

/** Where this page looks, as following needs it. */
export interface Sight {
  /** Brings `window` into view, `back` lines above its live screen. */
  look(window: number, back: number): void;
}

export class Follow {
  private followed: string | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly room: Room,
    private readonly sight: Sight,
  ) {
    room.subscribe((topic) => {
      if (topic === "looks") this.go();
      if (topic === "people") this.checkPresence();
    });
  }

  get person(): string | null {
    return this.followed;
  }

  follow(person: string | null): void {
    if (person === this.followed) return;
    this.followed = person;
    for (const listener of [...this.listeners]) listener();
    this.go();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private go(): void {
    const look = this.latest();
    if (look !== null) this.sight.look(look.window, look.back);
  }

  private latest(): Look | null {
    const { looks } = this.room;
    return looks.filter(({ person }) => person === this.followed).at(-1) ?? null;
  }

  private checkPresence(): void {
    if (this.followed === null) return;
    const { people, count } = this.room;
    const isHere = people.some(({ person }) => person === this.followed);
    if (!isHere && count <= people.length) this.follow(null);
  }
}
