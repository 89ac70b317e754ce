/** What went wrong, and what to do next, as the page says it. */

import { h } from "../dom.ts";
import { ApiError, errorWords } from "../rest.ts";

export interface NextStep {
  readonly href: string;
  readonly words: string;
}

const LIMITS: NextStep = { href: "/account", words: "Your plan and its limits" };

/** Where the person can see or change why the server said no. */
const STEPS: Readonly<Record<string, readonly NextStep[]>> = {
  too_many_consoles: [{ href: "/", words: "Your consoles" }, LIMITS],
  too_many_windows: [LIMITS],
};

/** Where `error` leads; nowhere that is in view already. */
export function nextSteps(error: unknown): readonly NextStep[] {
  const steps = error instanceof ApiError ? (STEPS[error.code] ?? []) : [];
  return steps.filter(({ href }) => href !== location.pathname);
}

/** The parts of a sentence on `error`: its words, and links that lead on. */
export function explain(error: unknown): readonly (Node | string)[] {
  const steps = nextSteps(error);
  return [
    // Where something can be done, waiting does not help.
    steps.length > 0 && error instanceof ApiError ? error.message : errorWords(error),
    ...steps.flatMap(({ href, words }) => [" ", h("a", { href }, words), "."]),
  ];
}
