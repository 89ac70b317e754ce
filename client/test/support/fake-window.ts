/** A window of the fake hub: a stream, a screen, and a toy program that reads lines. */

import headless, { type Terminal } from "@xterm/headless";
import type { JsonObject } from "../../src/frames.ts";
import type { FakeConsole } from "./fake-hub.ts";

/** One window: a stream, a screen, a toy program. */
export class FakeWindow {
  readonly terminal: Terminal;
  readonly expected = new Map<bigint, number>();
  title = "";
  exit: JsonObject | null = null;
  /** Every byte of input the program was given. */
  typed = "";
  private stream: Uint8Array = new Uint8Array(0);
  private line = "";
  private timer: NodeJS.Timeout | null = null;

  constructor(
    readonly console: FakeConsole,
    readonly number: number,
    readonly argv: string[],
    cols: number,
    rows: number,
  ) {
    this.terminal = new headless.Terminal({ cols, rows, scrollback: 10_000, allowProposedApi: true });
  }

  get end(): number {
    return this.stream.length;
  }

  read(start: number, end = this.end): Uint8Array {
    return this.stream.subarray(start, end);
  }

  /** The program writes. */
  print(text: string): void {
    const data = new TextEncoder().encode(text);
    const joined = new Uint8Array(this.stream.length + data.length);
    joined.set(this.stream);
    joined.set(data, this.stream.length);
    this.stream = joined;
    this.terminal.write(data);
    this.console.flush(this.number);
  }

  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows);
    this.console.resized(this.number, cols, rows);
  }

  /** Text only, with the cursor in place: enough to tell a right screen from a wrong one. */
  keyframe(scrollback: number | null): Promise<{ offset: number; data: Uint8Array }> {
    const offset = this.end;
    return new Promise((resolve) =>
      this.terminal.write("", () => {
        const { active } = this.terminal.buffer;
        const from = scrollback === null ? 0 : Math.max(0, active.baseY - scrollback);
        const lines: string[] = [];
        for (let y = from; y < active.baseY + this.terminal.rows; y += 1) {
          lines.push(active.getLine(y)?.translateToString(true) ?? "");
        }
        const cursor = `\x1b[${active.cursorY + 1};${active.cursorX + 1}H`;
        resolve({ offset, data: new TextEncoder().encode(`${lines.join("\r\n")}${cursor}`) });
      }),
    );
  }

  /** A person types. */
  input(text: string): void {
    this.typed += text;
    for (const character of text) this.key(character);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private key(character: string): void {
    if (character === "\x03") {
      this.stop();
      this.line = "";
      this.print("^C\r\nKeyboardInterrupt\r\n>>> ");
    } else if (character === "\r") {
      const line = this.line;
      this.line = "";
      this.print("\r\n");
      this.run(line);
    } else if (character === "\x7f") {
      if (this.line !== "") this.print("\b \b");
      this.line = this.line.slice(0, -1);
    } else {
      this.line += character;
      this.print(character.replaceAll("\x1b", "^["));
    }
  }

  private run(line: string): void {
    const [command = "", argument = ""] = line.split(" ");
    if (command === "count") this.repeat(20, (n) => this.print(`${n}\r\n`));
    else if (command === "lines") for (let n = 0; n < Number(argument); n += 1) this.print(`line ${n}\r\n`);
    else if (command === "flood") this.repeat(5, () => this.print(`${"x".repeat(80)}\r\n`.repeat(200)));
    else if (command === "bell") this.event({ type: "bell" });
    else if (command === "title") this.setTitle(line.slice(6));
    else if (command === "copy") this.event({ type: "clipboard", selection: "c", data: btoa(line.slice(5)) });
    else if (command === "colours") this.print(colours());
    else if (command === "exit") return this.end_();
    else if (/^[\d*+ -]+$/.test(line)) this.print(`${evaluate(line)}\r\n`);
    else if (command === "help")
      this.print("count, lines N, flood, bell, title T, copy T, colours, exit, 6*7\r\n");
    if (this.timer === null) this.print(">>> ");
  }

  private end_(): void {
    this.exit = { type: "exit", code: 0 };
    this.event(this.exit);
  }

  private setTitle(title: string): void {
    this.title = title;
    this.event({ type: "title", title });
  }

  private event(event: JsonObject): void {
    this.console.broadcast(this.number, event);
  }

  private repeat(milliseconds: number, step: (n: number) => void): void {
    let n = 0;
    this.timer = setInterval(() => step(n++), milliseconds);
  }
}

function evaluate(line: string): number {
  return line.split("*").reduce((product, factor) => product * Number(factor), 1);
}

function colours(): string {
  const row = (from: number, mode: number) =>
    Array.from({ length: 8 }, (_, n) => `\x1b[${mode + n}m colour ${from + n} \x1b[0m`).join("");
  return `${row(0, 30)}\r\n${row(8, 90)}\r\n${row(0, 40)}\r\n\x1b[1mbold\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m \x1b[38;2;200;90;160mtruecolour\x1b[0m https://example.org/ 漢字 é\r\n`;
}
