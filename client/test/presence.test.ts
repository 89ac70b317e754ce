import { beforeEach, describe, expect, it } from "vitest";
import { parsePeople } from "../src/room/messages.ts";
import { byPerson, Comings, lastTyper, type Presence } from "../src/room/presence.ts";
import { FakeClock } from "./support/fakes.ts";

function connection(person: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const plain = { id: `${person}-1`, person, name: person, role: "observer", via: "browser" };
  return { ...plain, is_guest: false, member: null, typed: null, ...changes };
}

describe("people", () => {
  it("are one each, however many connections they have", () => {
    const people = byPerson(
      parsePeople([
        connection("ada", { role: "owner", typed: 10 }),
        connection("bob", { role: "writer", member: 3, is_guest: true }),
        connection("ada", { id: "ada-2", role: "owner", via: "terminal", typed: 20 }),
        connection("ada", { id: "ada-3", role: "owner" }),
      ]),
    );
    expect(people.map(({ person }) => person)).toEqual(["ada", "bob"]);
    expect(people[0]).toMatchObject({ vias: ["browser", "terminal"], typed: 20, member: null });
    expect(people[1]).toMatchObject({ role: "writer", member: 3, isGuest: true, typed: null });
  });

  it("have the best role of their connections", () => {
    const people = byPerson(
      parsePeople([connection("bob"), connection("bob", { id: "b2", role: "writer" })]),
    );
    expect(people).toMatchObject([{ role: "writer" }]);
  });

  it("include one who typed last, if anybody has", () => {
    const people = parsePeople([connection("ada", { typed: 10 }), connection("bob", { typed: 11 })]);
    expect(lastTyper(byPerson(people))).toBe("bob");
    expect(lastTyper(byPerson(parsePeople([connection("ada")])))).toBeNull();
  });
});

describe("who comes and goes", () => {
  let clock: FakeClock;
  let said: string[];
  let comings: Comings;

  beforeEach(() => {
    clock = new FakeClock();
    said = [];
    comings = new Comings(clock, (words) => said.push(words));
  });

  const here = (...names: string[]): Presence[] =>
    byPerson(parsePeople(names.map((name) => connection(name))));

  it("is told, but not who was here before", async () => {
    comings.update(here("you", "ada"), true, "you");
    comings.update(here("you", "ada", "bob"), true, "you");
    expect(said).toEqual(["bob joined"]);
    comings.update(here("you", "bob"), true, "you");
    await clock.advance(60_000);
    expect(said).toEqual(["bob joined", "ada left"]);
    comings.update(here("you", "bob", "ada"), true, "you");
    expect(said.at(-1)).toBe("ada joined");
  });

  it("says who is only a guest", () => {
    comings.update(here("you"), true, "you");
    comings.update(byPerson(parsePeople([connection("ada", { is_guest: true })])), true, "you");
    expect(said).toEqual(["ada (guest) joined"]);
  });

  it("is not told of the person at this page", async () => {
    comings.update(here("ada"), true, "you");
    comings.update(here("ada", "you"), true, "you");
    comings.update(here("ada"), true, "you");
    await clock.advance(60_000);
    expect(said).toEqual([]);
  });

  it("is not told of a page that is only loaded again", async () => {
    comings.update(here("ada", "bob"), true, "you");
    comings.update(here("ada"), true, "you");
    await clock.advance(1000);
    comings.update(here("ada", "bob"), true, "you");
    await clock.advance(60_000);
    expect(said).toEqual([]);
  });

  it("is counted when many come at once", () => {
    comings.update(here("ada"), true, "you");
    comings.update(here("ada", "b", "c", "d"), true, "you");
    comings.update(here("ada", "b", "c", "d", "e", "f", "g", "h"), true, "you");
    expect(said).toEqual(["b, c and d joined", "4 people joined"]);
  });

  it("is not told of a crowd, whose list changes by itself", async () => {
    comings.update(here("ada", "bob"), true, "you");
    comings.update(here("c", "d"), false, "you");
    comings.update(here("e", "f"), false, "you");
    await clock.advance(60_000);
    comings.update(here("ada"), true, "you");
    expect(said).toEqual([]);
    comings.update(here("ada", "bob"), true, "you");
    expect(said).toEqual(["bob joined"]);
  });

  it("is told no more after the page was left", async () => {
    comings.update(here("ada"), true, "you");
    comings.update(here(), true, "you");
    comings.stop();
    await clock.advance(60_000);
    expect(said).toEqual([]);
  });
});
