/** A line over the terminal that says quietly who came and who left, and what one may do now. */

import { h } from "../dom.ts";
import type { Role } from "../room/messages.ts";
import { byPerson, Comings } from "../room/presence.ts";
import type { Room } from "../room/room.ts";
import { roleWords } from "../shares.ts";
import { browserClock } from "../socket.ts";
import { bareText } from "./names.ts";

const SHOWN_MS = 6000;

export class ComingsLine {
  readonly element = h("p", { className: "comings", attrs: { role: "status", "aria-live": "polite" } });
  private readonly comings = new Comings(browserClock, (words) => this.say(words));
  private readonly unsubscribe: () => void;
  private role: Role | null = null;
  private timer = 0;

  constructor(private readonly room: Room) {
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "people") this.people();
      if (topic === "role") this.changeRole();
    });
  }

  stop(): void {
    clearTimeout(this.timer);
    this.comings.stop();
    this.unsubscribe();
  }

  private people(): void {
    const { people, count, you } = this.room;
    if (you.person !== "") this.comings.update(byPerson(people), count <= people.length, you.person);
  }

  private changeRole(): void {
    const { role } = this.room;
    // The first role is no change.
    if (this.role !== null && this.role !== role) this.say(`You ${roleWords(role)} now`);
    this.role = role;
  }

  private say(words: string): void {
    clearTimeout(this.timer);
    this.element.textContent = bareText(words);
    this.timer = window.setTimeout(() => {
      this.element.textContent = "";
    }, SHOWN_MS);
  }
}
