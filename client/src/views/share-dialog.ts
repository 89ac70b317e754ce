/**
 * The dialog that shares a console: makes a link or lets an account in, shows the link once with its QR
 * code, and lists what is shared now, to be taken back.
 */

import { type Api, ApiError } from "../api.ts";
import { h, iconButton } from "../dom.ts";
import {
  type Member,
  type NewShare,
  reachable,
  reachableBySsh,
  roleName,
  roleWarning,
  roleWords,
  type Share,
  timeLeft,
  usesWords,
} from "../shares.ts";
import { copyLine } from "./copy-line.ts";
import { openDialog } from "./dialog.ts";
import { bareText } from "./names.ts";
import { qrCode } from "./qr.ts";
import { shareForm } from "./share-form.ts";

interface ShareDialogOptions {
  readonly api: Api;
  /** The console's id and what it is called here. */
  readonly console: { readonly id: string; readonly name: string };
  readonly loginNeeded: () => void;
}

/** Shows the dialog; resolves when the person closes it. */
export async function shareDialog({ api, console, loginNeeded }: ShareDialogOptions): Promise<void> {
  const made = h("div", { className: "share-made", hidden: true, tabIndex: -1 });
  const list = h("ul", { className: "share-list", tabIndex: -1, attrs: { "aria-label": "Shared now" } });
  const listPart = h("section", { className: "share-now", hidden: true }, h("h3", {}, "Shared now"), list);
  const problem = h("p", { className: "problem", attrs: { role: "alert" } });

  const form = shareForm({
    share: (wanted) => api.share(console.id, wanted),
    shared: (share) => {
      form.hidden = true;
      made.replaceChildren(...result(share), again);
      made.hidden = false;
      made.focus({ preventScroll: true });
      dialog.element.scrollTop = 0;
      void refresh();
    },
    loginNeeded: () => leave(),
  });
  const again = h(
    "button",
    {
      type: "button",
      className: "button",
      onclick: () => {
        made.hidden = true;
        form.hidden = false;
        form.querySelector("input")?.focus();
      },
    },
    "Share with somebody else",
  );
  const close = iconButton("close", "Close", () => dialog.close());
  const dialog = openDialog(`Share ${console.name}`, close, form, made, listPart, problem);
  dialog.element.classList.add("share-dialog");
  form.querySelector("input")?.focus();

  function leave(): void {
    dialog.close();
    loginNeeded();
  }

  async function refresh(): Promise<void> {
    try {
      const { shares, members } = await api.shares(console.id);
      const now = Date.now() / 1000;
      listPart.hidden = shares.length === 0;
      list.replaceChildren(
        ...shares.map((share) =>
          shareRow(
            share,
            members.filter((member) => member.share === share.id),
            now,
          ),
        ),
      );
      problem.textContent = "";
    } catch (error) {
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (error instanceof ApiError && error.notLoggedIn) return leave();
    problem.textContent = error instanceof Error ? error.message : String(error);
  }

  /** Does `work`, shows what is shared after it, and keeps the focus when the pressed button is gone. */
  async function change(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      return fail(error);
    }
    await refresh();
    (listPart.hidden ? close : list).focus();
  }

  function shareRow(share: Share, members: readonly Member[], now: number): HTMLElement {
    const what = share.user === null ? "Link" : bareText(share.user);
    const facts = [
      share.user === null && usesWords(share.usesLeft),
      share.hasPassphrase && "pass-phrase",
      `ends in ${timeLeft(share.expires, now)}`,
    ];
    const inside = members.filter((member) => share.user === null || member.name !== share.user);
    return h(
      "li",
      { className: "share" },
      h(
        "div",
        { className: "share-line" },
        h(
          "div",
          { className: "share-facts" },
          h("span", { className: "share-name" }, h("bdi", {}, what), ` · ${roleName(share.role)}`),
          h("span", { className: "share-details" }, facts.filter(Boolean).join(" · ")),
        ),
        button("Revoke", ` ${what}, ${roleName(share.role)}`, () =>
          change(() => api.revoke(console.id, share.id)),
        ),
      ),
      inside.length > 0 && h("ul", { className: "share-members" }, ...inside.map(memberRow)),
    );
  }

  function memberRow(member: Member): HTMLElement {
    const name = bareText(member.name);
    const details = [member.isGuest && "guest", roleName(member.role)].filter(Boolean).join(" · ");
    return h(
      "li",
      { className: "share-line" },
      h(
        "span",
        { className: "share-facts" },
        h("bdi", {}, name),
        h("span", { className: "share-details" }, details),
      ),
      button("Remove", ` ${name}`, () => change(() => api.removeMember(console.id, member.number))),
    );
  }

  void refresh();
  await dialog.closed;
}

function button(label: string, about: string, run: () => Promise<void>): HTMLButtonElement {
  const made = h(
    "button",
    { type: "button", className: "button small" },
    label,
    h("span", { className: "hidden-text" }, about),
  );
  made.addEventListener("click", async () => {
    made.disabled = true;
    await run();
    made.disabled = false;
  });
  return made;
}

/** What to do with the share that was made. */
function result(share: NewShare): Node[] {
  const warning = roleWarning(share.role);
  const uses = share.usesLeft === 1 ? "one person" : `${share.usesLeft} people`;
  const ends = `It ends in ${timeLeft(share.expires, Date.now() / 1000)}${share.usesLeft === null ? "" : ` and is for ${uses}`}.`;
  const warned = warning === "" ? null : h("p", { className: "warning" }, warning);
  if (share.url === null) {
    const words = `${share.user ?? "The account"} ${roleWords(share.role)}, from their list of consoles. ${ends}`;
    return [h("p", { attrs: { role: "status" } }, words), ...(warned === null ? [] : [warned])];
  }
  const link = reachable(share.url, location.origin);
  const who = `Whoever has this link ${roleWords(share.role)}. ${ends}`;
  return [
    h("p", { attrs: { role: "status" } }, `${who} It is shown here only now.`),
    ...(warned === null ? [] : [warned]),
    copyLine(link, "the link"),
    ...(share.ssh === null
      ? []
      : [copyLine(reachableBySsh(share.ssh, location.hostname), "the ssh command")]),
    h(
      "figure",
      { className: "qr-box" },
      qrCode(link, "QR code of the link"),
      h("figcaption", { className: "muted small" }, "For a camera: opens the link."),
    ),
  ];
}
