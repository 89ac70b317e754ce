import headless from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { avoidFreeze, focusEcho, silence } from "../src/terminal/guards.ts";
import { arrow, modified, pasted } from "../src/terminal/keys.ts";
import { useWidths, Widths } from "../src/terminal/widths.ts";

const NONE = { ctrl: false, alt: false };

function terminal(cols = 20, rows = 4) {
  const made = new headless.Terminal({ cols, rows, allowProposedApi: true });
  const said: string[] = [];
  made.onData((data) => said.push(data));
  const write = (data: string) => new Promise<void>((done) => made.write(data, done));
  const row = (y: number) => made.buffer.active.getLine(y)?.translateToString(true) ?? "";
  return { terminal: made, said, write, row };
}

describe("a silenced terminal", () => {
  const QUERIES = {
    "device attributes": "\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1bZ",
    status: "\x1b[5n\x1b[6n\x1b[?6n\x1b[?15n\x1b[?25n\x1b[?996n",
    version: "\x1b[>q\x1b[>0q",
    modes: "\x1b[?1$p\x1b[?2026$p\x1b[4$p",
    "kitty keyboard": "\x1b[?u",
    settings: "\x1bP$qm\x1b\\\x1bP$qr\x1b\\\x1bP$q q\x1b\\\x1bP+q544e\x1b\\",
    colours: "\x1b]4;1;?\x07\x1b]10;?\x07\x1b]11;?\x1b\\\x1b]12;?\x07\x1b]10;?;?;?\x07",
    clipboard: "\x1b]52;c;?\x07\x1b]52;c;aGk=\x07",
    window: "\x1b[14t\x1b[16t\x1b[18t\x1b[19t\x1b[20t\x1b[21t",
  };

  it.each(Object.entries(QUERIES))("does not answer %s", async (_name, queries) => {
    const { terminal: quiet, said, write, row } = terminal();
    silence(quiet);
    await write(`${queries}ok`);
    expect(said).toEqual([]);
    expect(row(0)).toBe("ok");
  });

  it("would answer otherwise", async () => {
    const { said, write } = terminal();
    await write("\x1b[c\x1b[6n");
    expect(said).toHaveLength(2);
  });

  it("still sets colours and titles", async () => {
    const { terminal: quiet, write } = terminal();
    const titles: string[] = [];
    const colours: string[] = [];
    quiet.parser.registerOscHandler(4, (data) => {
      colours.push(data);
      return false;
    });
    quiet.onTitleChange((title) => titles.push(title));
    silence(quiet);
    await write("\x1b]2;one\x07\x1b]4;1;?\x07\x1b]4;1;rgb:ff/00/00\x07");
    expect(titles).toEqual(["one"]);
    expect(colours).toEqual(["1;rgb:ff/00/00"]);
  });
});

describe("the erase that freezes", () => {
  it.each(["\x1b[1J", "\x1b[?1J"])("is swallowed and mended: %j in the last cell", async (erase) => {
    const { terminal: guarded, write, row } = terminal(10, 3);
    let mended = 0;
    avoidFreeze(guarded, () => {
      mended += 1;
    });
    await write(`\x1b[3;10H${erase}\rgoes on`);
    expect(mended).toBe(1);
    expect(row(2)).toBe("goes on");
  });

  it("elsewhere is left to the terminal", async () => {
    const { terminal: guarded, write, row } = terminal(10, 3);
    let mended = 0;
    avoidFreeze(guarded, () => {
      mended += 1;
    });
    await write("abc\r\ndef\x1b[2;2H\x1b[1J");
    expect(mended).toBe(0);
    expect([row(0), row(1)]).toEqual(["", "  f"]);
  });
});

it("tells the focus report that xterm.js sends by itself from the person's own", async () => {
  const { terminal: guarded, write } = terminal();
  const isEcho = focusEcho(guarded);
  const during: boolean[] = [];
  guarded.parser.registerCsiHandler({ final: "y" }, () => {
    during.push(isEcho("\x1b[I"));
    return true;
  });
  await write("\x1b[y\x1b[?1004h\x1b[y");
  expect(during).toEqual([false, true]);
  expect(isEcho("\x1b[I")).toBe(false);
});

describe("widths", () => {
  const widths = new Widths();

  it("are the server's", () => {
    const of = (character: string) => widths.wcwidth(character.codePointAt(0) ?? 0);
    expect(["a", "é", "漢", "😀", "\u0301", "\u200d"].map(of)).toEqual([1, 1, 2, 2, 0, 0]);
    expect(widths.wcwidth(7)).toBe(0);
    expect(widths.wcwidth(0x10ffff)).toBeGreaterThanOrEqual(0);
  });

  it("join what has none to the character before", async () => {
    const { terminal: wide, write, row } = terminal();
    useWidths(wide.unicode);
    await write("e\u0301漢\u0301x");
    expect(row(0)).toBe("e\u0301漢\u0301x");
    expect(wide.buffer.active.cursorX).toBe(4);
  });
});

describe("keys", () => {
  it("of arrows follow the cursor mode and the modifiers", () => {
    expect(arrow("up", false, NONE)).toBe("\x1b[A");
    expect(arrow("up", true, NONE)).toBe("\x1bOA");
    expect(arrow("left", true, { ctrl: true, alt: false })).toBe("\x1b[1;5D");
    expect(arrow("right", false, { ctrl: true, alt: true })).toBe("\x1b[1;7C");
  });

  it("held with Ctrl become control characters, with Alt follow an escape", () => {
    const ctrl = { ctrl: true, alt: false };
    expect(modified("c", ctrl)).toBe("\x03");
    expect(modified("[", ctrl)).toBe("\x1b");
    expect(modified(" ", ctrl)).toBe("\x00");
    expect(modified("?", ctrl)).toBe("\x7f");
    expect(modified("x", { ctrl: false, alt: true })).toBe("\x1bx");
    expect(modified("d", { ctrl: true, alt: true })).toBe("\x1b\x04");
    expect(modified("pasted words", ctrl)).toBe("pasted words");
  });
});

describe("pasted text", () => {
  it("ends its lines as the Enter key does", () => {
    expect(pasted("a\nb\r\nc", false)).toBe("a\rb\rc");
  });

  it("in brackets cannot end the brackets", () => {
    expect(pasted("a\nb", true)).toBe("\x1b[200~a\rb\x1b[201~");
    expect(pasted("x\x1b[201~rm -rf ~\n", true)).toBe("\x1b[200~x\u241b[201~rm -rf ~\r\x1b[201~");
  });
});
