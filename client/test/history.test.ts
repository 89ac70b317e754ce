import { describe, expect, it } from "vitest";
import { History } from "../src/terminal/history.ts";
import { settle } from "./support/fakes.ts";

const SCREEN = { offset: 0, cols: 80, rows: 24, history: false };
const ALL = { ...SCREEN, history: true };

function setUp(request: () => Promise<void> = () => Promise.resolve()) {
  const state = { requests: 0, restored: [] as number[], linesBack: 0 };
  const history = new History({
    request: () => {
      state.requests += 1;
      return request();
    },
    restoreView: (more) => state.restored.push(more),
    linesBack: () => state.linesBack,
  });
  return { history, state };
}

describe("history", () => {
  it("is asked for once, and then it is here", async () => {
    const { history, state } = setUp();
    history.drawn(SCREEN);
    const first = history.want(3);
    const second = history.want();
    history.drawn(ALL);
    await expect(Promise.all([first, second])).resolves.toEqual([true, true]);
    await expect(history.want()).resolves.toBe(true);
    expect(state).toMatchObject({ requests: 1, restored: [3] });
  });

  it("is gone after a keyframe without it, and asked for again when looked at", () => {
    const { history, state } = setUp();
    void history.want();
    history.drawn(ALL);
    history.drawn(SCREEN);
    expect(history.complete).toBe(false);
    expect(state.requests).toBe(1);
    void history.want();
    expect(state.requests).toBe(2);
  });

  it("comes back by itself while the person reads further up, at the same place", () => {
    const { history, state } = setUp();
    state.linesBack = 40;
    history.drawn(SCREEN);
    expect(state.requests).toBe(1);
    state.linesBack = 0;
    history.drawn(ALL);
    expect(state.restored).toEqual([40]);
  });

  it("that cannot be had says so, and may be asked for again", async () => {
    const { history, state } = setUp(() => Promise.reject(new Error("no")));
    await expect(history.want()).resolves.toBe(false);
    void history.want();
    expect(state.requests).toBe(2);
  });

  it("is not waited for when the connection breaks", async () => {
    const { history } = setUp();
    const wanted = history.want();
    history.disconnected();
    await expect(wanted).resolves.toBe(false);
    await settle();
    expect(history.complete).toBe(false);
  });
});
