// What xterm.js makes of a stream: one JSON request a line in, one JSON answer a line out.
// Request: {"cols", "rows", "steps": [{"data": base64} | {"resize": [cols, rows]} | {"reset": true}]}.
// Usage: node xterm_oracle.mjs PATH_OF_XTERM_HEADLESS WIDTHS_JSON
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modulePath, widthsPath] = process.argv.slice(2);
const { Terminal } = createRequire(import.meta.url)(modulePath);

const widths = new Uint8Array(0x110000).fill(1);
for (const [first, last, width] of JSON.parse(readFileSync(widthsPath, "utf8"))) widths.fill(width, first, last + 1);
const unicode = {
  version: "termhub",
  wcwidth: (code) => widths[code],
  charProperties(code, preceding) {
    let width = widths[code];
    let joins = width === 0 && preceding !== 0;
    if (joins) {
      const before = (preceding >> 1) & 3;
      if (before === 0) joins = false;
      else width = Math.max(width, before);
    }
    return (width << 1) | (joins ? 1 : 0);
  },
};

function write(terminal, data) {
  return new Promise((resolve) => terminal.write(data, resolve));
}

// [text, attributes] runs; of a blank only what shows.
function runs(line, cols) {
  const out = [];
  for (let x = 0; x < cols; x++) {
    const cell = line?.getCell(x);
    if (!cell || cell.getWidth() === 0) continue;
    const text = cell.getChars() || " ";
    const blank = text === " ";
    const lines = [cell.isInverse(), cell.isUnderline(), cell.isStrikethrough(), cell.isOverline()];
    const shown = !blank || lines.some((on) => on);
    const background = cell.isBgDefault() ? "" : `${cell.isBgRGB() ? "#" : ""}${cell.getBgColor()}`;
    const foreground = cell.isFgDefault() || !shown ? "" : `${cell.isFgRGB() ? "#" : ""}${cell.getFgColor()}`;
    const flags = shown
      ? [cell.isBold(), cell.isItalic(), cell.isDim(), cell.isBlink(), cell.isInvisible(), ...lines]
          .map((on, bit) => (on ? 1 << bit : 0))
          .reduce((a, b) => a | b)
      : 0;
    const attributes = `${foreground}/${background}/${flags}`;
    const last = out.at(-1);
    if (last && last[1] === attributes) last[0] += text;
    else out.push([text, attributes]);
  }
  const end = out.at(-1);
  if (end?.[1] === "//0") {
    end[0] = end[0].trimEnd();
    if (!end[0]) out.pop();
  }
  return out;
}

function state(terminal) {
  const buffer = terminal.buffer.active;
  const { cols, rows } = terminal;
  const screen = [];
  for (let y = 0; y < rows; y++) screen.push(runs(buffer.getLine(buffer.baseY + y), cols));
  const normal = terminal.buffer.normal;
  const history = [];
  for (let y = 0; y < normal.baseY; y++) history.push(normal.getLine(y).translateToString(true).trimEnd());
  const modes = { ...terminal.modes };
  delete modes.synchronizedOutputMode;
  const core = terminal._core;
  return {
    cols,
    rows,
    screen,
    history,
    modes,
    x: buffer.cursorX,
    y: buffer.cursorY,
    visible: !core.coreService.isCursorHidden,
    alternate: buffer.type === "alternate",
    title: terminal.title ?? "",
    margins: [core.buffer.scrollTop, core.buffer.scrollBottom],
  };
}

async function answer(request) {
  const terminal = new Terminal({ cols: request.cols, rows: request.rows, scrollback: 10000, allowProposedApi: true });
  let title = "";
  terminal.onTitleChange((next) => { title = next; });
  terminal.unicode.register(unicode);
  terminal.unicode.activeVersion = unicode.version;
  for (const step of request.steps) {
    if (step.resize) terminal.resize(...step.resize);
    else if (step.reset) await write(terminal, "\x18\x1bc");
    else await write(terminal, Buffer.from(step.data, "base64"));
  }
  const out = { ...state(terminal), title };
  terminal.dispose();
  return out;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
