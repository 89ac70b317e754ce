/** The list of consoles, one's own and those of others: state, last activity, program and image; new, share, rename, end. */

import { ApiError, type Console, type Image, lacksSandbox } from "../api.ts";
import { h, icon } from "../dom.ts";
import { consolePath, navigate } from "../router.ts";
import { roleWords } from "../shares.ts";
import { ask, confirm, field } from "./dialog.ts";
import { type MenuContent, menuButton } from "./menu.ts";
import { complain } from "./notices.ts";
import { isShared, nameFor, type Page, type PageContext } from "./page.ts";
import { shareDialog } from "./share-dialog.ts";
import { ago } from "./time.ts";
import { topBar } from "./top-bar.ts";
import { visitorNote } from "./visitor.ts";

const REFRESH_MS = 3000;

const GUEST_WORDS =
  "You are here as a guest: you can open what others share with you, as long as they share it. " +
  "Consoles, files and keys of your own need an account.";

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
  const { api, me } = context;
  const own = h("ul", { className: "consoles", hidden: me.isGuest, attrs: { "aria-label": "Consoles" } });
  const shared = h("ul", { className: "consoles", attrs: { "aria-label": "Shared with you" } });
  const sharedPart = h(
    "section",
    { className: "part", hidden: true },
    h("h2", {}, "Shared with you"),
    shared,
  );
  const lists = h("div", {}, own, sharedPart);
  const spoken = h("p", { className: "hidden-text", attrs: { role: "status" } });
  let timer = 0;
  let drawn = "";

  async function refresh(): Promise<void> {
    try {
      draw(await api.consoles());
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return context.loginNeeded();
      spoken.textContent = error instanceof Error ? error.message : String(error);
      if (drawn === "") own.replaceChildren(h("li", { className: "empty" }, spoken.textContent));
    }
  }

  function draw(consoles: readonly Console[]): void {
    const now = Date.now() / 1000;
    const next = JSON.stringify(consoles.map((one) => [one, ago(one.lastActivity, now)]));
    // An open menu or a focused row must not vanish under the person's hands.
    if (next === drawn || lists.querySelector(".menu") !== null) return;
    drawn = next;
    const focused = document.activeElement?.closest<HTMLElement>("[data-id]");
    const within =
      focused === null || focused === undefined ? -1 : tabStops(focused).indexOf(document.activeElement);
    const mine = consoles.filter((one) => !isShared(one, me));
    const others = consoles.filter((one) => isShared(one, me));
    own.replaceChildren(...(mine.length === 0 ? [empty()] : mine.map((one) => row(one, now))));
    shared.replaceChildren(...(others.length === 0 ? [nothingShared()] : others.map((one) => row(one, now))));
    sharedPart.hidden = others.length === 0 && !me.isGuest;
    if (within >= 0 && focused?.dataset.id !== undefined) {
      const same = lists.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused.dataset.id)}"]`);
      const stop = same === null ? undefined : tabStops(same)[within];
      if (stop instanceof HTMLElement) stop.focus();
    }
  }

  function row(one: Console, now: number): HTMLElement {
    const name = nameFor(one, me);
    const activity = one.lastActivity;
    const viewers = one.viewers > 0 && (one.viewers === 1 ? "1 viewer" : `${one.viewers} viewers`);
    const image = imageWords(one.image);
    const program = one.program === "python" && image !== "" ? "" : one.program;
    const from = isShared(one, me) && `You ${roleWords(one.role)}`;
    const facts = [from, lacksSandbox(one) && "No sandbox!", program, image, viewers, one.reason];
    const details = facts.filter(Boolean).join(" · ");
    const time = h("time", { dateTime: new Date(activity * 1000).toISOString() }, ago(activity, now));
    return h(
      "li",
      { className: `console ${one.state}`, attrs: { "data-id": one.id } },
      h(
        "a",
        { className: "console-link", href: consolePath(name) },
        h("span", { className: "console-name", title: one.isolation }, name),
        h("span", { className: "console-details" }, one.title !== "" ? `${one.title} — ${details}` : details),
      ),
      h("span", { className: `state ${one.state}` }, STATES[one.state]),
      h("span", { className: "console-time" }, time),
      menuButton(`More for ${name}`, "more", () => menu(one)),
    );
  }

  function menu(one: Console): MenuContent {
    const name = nameFor(one, me);
    const share = () =>
      void shareDialog({ api, console: { id: one.id, name }, loginNeeded: context.loginNeeded });
    const end = { label: one.state === "ended" ? "Remove" : "End…", danger: true };
    return [
      { label: "Open", run: () => navigate(consolePath(name)) },
      ...(one.role === "owner"
        ? [
            ...(one.state === "ended" || me.isGuest ? [] : [{ label: "Share…", run: share }]),
            { label: "Rename…", run: () => void rename(context, one).then(refresh) },
            null,
            { ...end, run: () => void endConsole(context, one).then(refresh) },
          ]
        : []),
    ];
  }

  function nothingShared(): HTMLElement {
    return h(
      "li",
      { className: "empty" },
      h("p", { className: "empty-title" }, "Nothing is shared with you now"),
      h("p", { className: "muted" }, "A link that somebody sends you opens a console of theirs."),
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
      h("div", { className: "sheet-head" }, h("h1", {}, "Consoles"), !me.isGuest && button),
      me.isGuest && h("p", { className: "muted" }, GUEST_WORDS),
      me.expires !== null && visitorNote(me.expires),
      spoken,
      lists,
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
