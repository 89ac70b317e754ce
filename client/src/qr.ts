/** QR codes as drawings.  No DOM. */

import encodeQR from "qr";

/** Light modules that a reader wants around the code (ISO/IEC 18004, 6.3.8). */
const QUIET = 4;

/** A QR code as the side of its square and the SVG path of its dark modules, the quiet zone included. */
export interface QrDrawing {
  readonly side: number;
  readonly path: string;
}

/**
 * The QR code of `text`, with medium error correction.
 *
 * @throws Error when the text is too long for a QR code (2331 bytes)
 */
export function drawQr(text: string): QrDrawing {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const runs = rows.flatMap((row, y) =>
    darkRuns(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`),
  );
  return { side: rows.length, path: runs.join("") };
}

function darkRuns(row: readonly boolean[]): [start: number, length: number][] {
  const runs: [number, number][] = [];
  let start = -1;
  for (let x = 0; x <= row.length; x += 1) {
    if (row[x] && start < 0) start = x;
    if (!row[x] && start >= 0) {
      runs.push([start, x - start]);
      start = -1;
    }
  }
  return runs;
}
