/**
 * `/s/TOKEN`: what somebody sees who opens a link to a shared console.
 *
 * It says whose console it is and what one may do there, asks for a name and a pass-phrase where they
 * are needed, and has one button.  Looking uses nothing up, so a chat that fetches the link for a preview
 * does no harm.
 */

import { type Api, ApiError, type Me } from "../api.ts";
import { h } from "../dom.ts";
import { errorWords } from "../rest.ts";
import { calledName } from "../room/messages.ts";
import { roleWords, type SharePreview, type Taken, timeLeft } from "../shares.ts";
import { field } from "./dialog.ts";
import { bareText } from "./names.ts";
import type { Page } from "./page.ts";
import { themeButton } from "./theme.ts";

/** Codes of refusals after which trying again is of no use. */
const GONE = new Set(["no_such_share", "share_used_up", "removed_from_share"]);

interface SharePageEvents {
  taken(taken: Taken): Promise<void>;
  /** The person has an account and wants to come in as themself. */
  logIn(): void;
}

/** @param token the link's secret; empty when the page was loaded again and it is gone */
export function sharePage(api: Api, token: string, events: SharePageEvents): Page {
  const body = h("div", { className: "share-body" }, h("p", { className: "muted" }, "Looking at the link…"));
  const title = h("h1", { tabIndex: -1 }, "A shared console");
  const element = h(
    "div",
    { className: "centre" },
    h("div", { className: "corner" }, themeButton()),
    h("main", { className: "login" }, h("p", { className: "wordmark large" }, "termhub"), title, body),
  );

  async function start(): Promise<void> {
    document.title = "A shared console – termhub";
    if (token === "") {
      return refuse("The link is no longer in the address bar. Open it again where you got it from.");
    }
    try {
      const [preview, me] = await Promise.all([api.lookAtShare(token), whoIsHere(api)]);
      if (!element.isConnected) return;
      if (preview.isUsedUp && me === null)
        refuse("It has been used as often as it may be. Ask for another one.");
      else offer(preview, me);
    } catch (error) {
      if (error instanceof ApiError && GONE.has(error.code)) refuse(errorWords(error));
      else sayLater(errorWords(error));
    }
  }

  /** The link may well be right, but nobody could say so now. */
  function sayLater(said: string): void {
    body.replaceChildren(
      h("p", { className: "problem", attrs: { role: "alert" } }, said),
      h("button", { type: "button", className: "button wide", onclick: () => void start() }, "Try again"),
    );
  }

  function refuse(said: string): void {
    title.textContent = "This link does not work";
    body.replaceChildren(
      h("p", { className: "problem", attrs: { role: "alert" } }, said),
      h("p", {}, h("a", { href: "/" }, "Go to termhub")),
    );
  }

  function offer(preview: SharePreview, me: Me | null): void {
    const name = h("input", {
      name: "name",
      maxLength: 40,
      placeholder: "guest",
      attrs: { autocomplete: "nickname" },
    });
    const passphrase = h("input", { name: "passphrase", type: "password", autocomplete: "off" });
    const problem = h("p", { className: "problem", attrs: { role: "alert" } });
    const button = h(
      "button",
      { type: "submit", className: "button primary wide" },
      me === null ? "Come in" : `Come in as ${bareText(calledName(me))}`,
    );
    const form = h(
      "form",
      { className: "share-take", noValidate: true },
      sentence(preview),
      preview.isUsedUp ? h("p", { className: "muted" }, "It lets in only who came by it before.") : null,
      me !== null ? null : field("Your name", name, "The others see it next to what you do."),
      preview.needsPassphrase
        ? field("Pass-phrase", passphrase, "Whoever sent you the link knows it.")
        : null,
      problem,
      button,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      // Who is in by this link already is not asked again.
      if (preview.needsPassphrase && passphrase.value === "" && me === null) {
        problem.textContent = "The pass-phrase, please.";
        return passphrase.focus();
      }
      button.disabled = true;
      problem.textContent = "";
      try {
        await events.taken(
          await api.takeShare(token, me === null ? name.value.trim() : "", passphrase.value),
        );
      } catch (error) {
        if (error instanceof ApiError && GONE.has(error.code)) return refuse(errorWords(error));
        problem.textContent = errorWords(error);
        if (preview.needsPassphrase) passphrase.select();
      } finally {
        button.disabled = false;
      }
    });
    body.replaceChildren(form);
    if (me === null || me.isGuest) {
      const logIn = h("button", { type: "button", className: "link", onclick: events.logIn }, "Log in first");
      body.append(h("p", { className: "muted small" }, "You have an account here? ", logIn, "."));
    }
    const first = form.querySelector<HTMLElement>("input") ?? button;
    first.focus();
  }

  return { element, start: () => void start() };
}

/** Whose console, which role, until when. */
function sentence({ owner, name, role, expires }: SharePreview): HTMLElement {
  const which = name === "" ? "a console" : h("b", {}, h("bdi", {}, bareText(name)));
  const left = timeLeft(expires, Date.now() / 1000);
  return h(
    "p",
    {},
    h("b", {}, h("bdi", {}, bareText(owner))),
    " shares ",
    which,
    ` with you: you ${roleWords(role)}. It ends in ${left}.`,
  );
}

async function whoIsHere(api: Api): Promise<Me | null> {
  try {
    return await api.me();
  } catch (error) {
    if (error instanceof ApiError && error.notLoggedIn) return null;
    throw error;
  }
}
