/** The list of consoles: state, last activity, program and image; new, rename, end. */

import { ApiError, type Console, type Image, lacksSandbox } from "../api.ts";
import { h, icon } from "../dom.ts";
import { consolePath, navigate } from "../router.ts";
import { ask, confirm, field } from "./dialog.ts";
import { menuButton } from "./menu.ts";
import { complain } from "./notices.ts";
import type { Page, PageContext } from "./page.ts";
import { ago } from "./time.ts";
import { topBar } from "./top-bar.ts";

const REFRESH_MS = 3000;

const STATES: Record<Console["state"], string> = {
  starting: "Starting",
  running: "Running",
  recovering: "Recovering",
  ended: "Ended",
};

const PROGRAMS: readonly (readonly [string, string])[] = [
  ["python", "Python"],
  ["ipython", "IPython"],
  ["ptpython", "ptpython"],
  ["bash", "Shell (bash)"],
];

export function listPage(context: PageContext): Page {
  const { api } = context;
  const list = h("ul", { className: "consoles", attrs: { "aria-label": "Consoles" } });
  const spoken = h("p", { className: "hidden-text", attrs: { role: "status" } });
  let timer = 0;
  let drawn = "";

  async function refresh(): Promise<void> {
    try {
      draw(await api.consoles());
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return context.loginNeeded();
      spoken.textContent = error instanceof Error ? error.message : String(error);
      if (drawn === "") list.replaceChildren(h("li", { className: "empty" }, spoken.textContent));
    }
  }

  function draw(consoles: readonly Console[]): void {
    const now = Date.now() / 1000;
    const next = JSON.stringify(consoles.map((one) => [one, ago(one.lastActivity, now)]));
    // An open menu or a focused row must not vanish under the person's hands.
    if (next === drawn || list.querySelector(".menu") !== null) return;
    drawn = next;
    const focused = document.activeElement?.closest<HTMLElement>("[data-id]");
    const within =
      focused === null || focused === undefined ? -1 : tabStops(focused).indexOf(document.activeElement);
    list.replaceChildren(...(consoles.length === 0 ? [empty()] : consoles.map((one) => row(one, now))));
    if (within >= 0 && focused?.dataset.id !== undefined) {
      const same = list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused.dataset.id)}"]`);
      const stop = same === null ? undefined : tabStops(same)[within];
      if (stop instanceof HTMLElement) stop.focus();
    }
  }

  function row(one: Console, now: number): HTMLElement {
    const activity = one.lastActivity;
    const viewers = one.viewers > 0 && (one.viewers === 1 ? "1 viewer" : `${one.viewers} viewers`);
    const image = imageWords(one.image);
    const program = one.program === "python" && image !== "" ? "" : one.program;
    const facts = [lacksSandbox(one) && "No sandbox!", program, image, viewers, one.reason];
    const details = facts.filter(Boolean).join(" · ");
    const time = h("time", { dateTime: new Date(activity * 1000).toISOString() }, ago(activity, now));
    return h(
      "li",
      { className: `console ${one.state}`, attrs: { "data-id": one.id } },
      h(
        "a",
        { className: "console-link", href: consolePath(one.name) },
        h("span", { className: "console-name", title: one.isolation }, one.name),
        h("span", { className: "console-details" }, one.title !== "" ? `${one.title} — ${details}` : details),
      ),
      h("span", { className: `state ${one.state}` }, STATES[one.state]),
      h("span", { className: "console-time" }, time),
      menuButton(`More for ${one.name}`, "more", () => [
        { label: "Open", run: () => navigate(consolePath(one.name)) },
        { label: "Rename…", run: () => void rename(context, one).then(refresh) },
        null,
        {
          label: one.state === "ended" ? "Remove" : "End…",
          danger: true,
          run: () => void endConsole(context, one).then(refresh),
        },
      ]),
    );
  }

  function empty(): HTMLElement {
    return h(
      "li",
      { className: "empty" },
      h("p", { className: "empty-title" }, "No consoles yet"),
      h(
        "p",
        { className: "muted" },
        "A console keeps running when you close this page. Start one; come back any time.",
      ),
    );
  }

  async function create(): Promise<void> {
    const created = await newConsole(context);
    if (created !== null) navigate(consolePath(created.name));
  }

  const button = h("button", { type: "button", className: "button primary", onclick: () => void create() });
  button.append(icon("plus"), "New console");
  const element = h(
    "div",
    { className: "list-page" },
    topBar(context),
    h(
      "main",
      { className: "sheet" },
      h("div", { className: "sheet-head" }, h("h1", {}, "Consoles"), button),
      spoken,
      list,
    ),
  );
  return {
    element,
    start: () => {
      document.title = "Consoles – termhub";
      void refresh();
      timer = window.setInterval(() => {
        if (!document.hidden) void refresh();
      }, REFRESH_MS);
    },
    stop: () => clearInterval(timer),
  };
}

/** "Python 3.13" for an image that is only a version. */
function imageWords(image: string): string {
  return /^\d/.test(image) ? `Python ${image}` : image === "python" ? "" : image;
}

function tabStops(element: HTMLElement): (Element | null)[] {
  return [...element.querySelectorAll("a, button")];
}

/** Asks for program and image and makes a console; null when the person declines. */
async function newConsole({ api }: PageContext): Promise<Console | null> {
  const name = h("input", { name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: false });
  const program = h("select", { name: "program" });
  const image = h("select", { name: "image" }, h("option", { value: "" }, "Default"));
  let images: readonly Image[] = [];
  const offer = (): void => {
    const chosen = program.value;
    const can = (images.find((one) => one.name === image.value) ?? images[0])?.programs ?? ["python", "bash"];
    const offered = PROGRAMS.filter(([value]) => can.includes(value));
    program.replaceChildren(...offered.map(([value, label]) => h("option", { value }, label)));
    if (can.includes(chosen)) program.value = chosen;
  };
  offer();
  image.addEventListener("change", offer);
  api.images().then((found) => {
    images = found;
    image.append(...found.map(imageOption));
    offer();
  }, complain);
  return ask<Console>({
    title: "New console",
    content: [
      field("Name", name, "Letters, digits and . _ -, or empty for a name of our choosing."),
      field("Program", program),
      field("Python version", image),
    ],
    action: "Start",
    answer: () =>
      api.create({
        program: program.value,
        ...(name.value.trim() === "" ? {} : { name: name.value.trim() }),
        ...(image.value === "" ? {} : { image: image.value }),
      }),
  });
}

function imageOption(image: Image): HTMLOptionElement {
  const detail = [image.version !== image.name && image.version, image.source].filter(Boolean).join(", ");
  return h("option", { value: image.name }, detail === "" ? image.name : `${image.name} (${detail})`);
}

/** Asks for a new name. */
export async function rename(
  { api }: PageContext,
  one: Pick<Console, "id" | "name">,
): Promise<Console | null> {
  const name = h("input", {
    value: one.name,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
  });
  return ask<Console>({
    title: `Rename ${one.name}`,
    content: [field("Name", name)],
    action: "Rename",
    answer: () => (name.value.trim() === "" ? "A name, please." : api.rename(one.id, name.value.trim())),
  });
}

/** Ends a running console after asking; removes one that ended. */
export async function endConsole({ api }: PageContext, one: Console): Promise<boolean> {
  if (one.state === "ended") {
    try {
      await api.end(one.id);
      return true;
    } catch (error) {
      complain(error);
      return false;
    }
  }
  const text =
    "All programs in it are stopped, and what they have not saved is lost. Files in your home stay.";
  return confirm(`End ${one.name}?`, text, "End console", true, () => api.end(one.id));
}
