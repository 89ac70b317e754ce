/** The bell: a glow around the terminal, and a soft sound for those who want one. */

import { settings } from "../settings.ts";

const GLOW_MS = 250;
const PAUSE_MS = 400;

let last = Number.NEGATIVE_INFINITY;
let audio: AudioContext | null = null;

/** Rings in `element`; rings that follow at once are one. */
export function ring(element: HTMLElement): void {
  const now = performance.now();
  if (now - last < PAUSE_MS) return;
  last = now;
  element.classList.add("ringing");
  setTimeout(() => element.classList.remove("ringing"), GLOW_MS);
  if (settings().bellSound) beep();
}

function beep(): void {
  audio ??= new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  const start = audio.currentTime;
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.0001, start);
  volume.gain.exponentialRampToValueAtTime(0.08, start + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.18);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + 0.2);
}
