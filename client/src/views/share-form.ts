/** The form that makes a share: with whom, what they may do, for how long. */

import { h } from "../dom.ts";
import {
  DAY_SECONDS,
  DURATIONS,
  type NewShare,
  PASSPHRASE_CHARACTERS,
  ROLES,
  type Role,
  roleName,
  roleWarning,
  roleWords,
  type WantedShare,
} from "../shares.ts";
import { field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";

const USES = [
  ["", "Any number of people"],
  ["1", "One person"],
  ["2", "Two people"],
  ["5", "Five people"],
  ["20", "Twenty people"],
] as const;

interface ShareFormEvents {
  share(wanted: WantedShare): Promise<NewShare>;
  shared(share: NewShare): void;
  loginNeeded(): void;
}

let serial = 0;

/** A form of its own in the share dialog; {@link ShareFormEvents.shared} gets what it made. */
export function shareForm(events: ShareFormEvents): HTMLFormElement {
  const target = new Choice<"link" | "account">("With", [
    ["link", "A link", "Whoever has it"],
    ["account", "An account", "Of this server"],
  ]);
  target.element.classList.add("side-by-side");
  const role = new Choice<Role>(
    "They are",
    ROLES.map((one) => [one, roleName(one), sentence(roleWords(one))]),
  );
  const user = h("input", {
    name: "user",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    maxLength: 64,
  });
  const lasts = h(
    "select",
    { name: "expires" },
    ...DURATIONS.map(([value, words]) => option(value, sentence(words))),
  );
  lasts.value = String(DAY_SECONDS);
  const uses = h("select", { name: "uses" }, ...USES.map(([value, words]) => option(value, words)));
  const passphrase = h("input", {
    name: "passphrase",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    maxLength: 200,
  });
  const userField = field("Account name", user);
  const usesField = field("For", uses);
  const passphraseField = field(
    "Pass-phrase, if you want one",
    passphrase,
    `At least ${PASSPHRASE_CHARACTERS} characters. Tell it by another way than the link.`,
  );
  const warning = h("p", { className: "warning", hidden: true, attrs: { role: "status" } });
  const problem = new FieldProblem(user);
  const linkProblem = new FieldProblem(passphrase);
  const button = h("button", { type: "submit", className: "button primary wide" });
  const form = h(
    "form",
    { className: "share-form", noValidate: true },
    target.element,
    userField,
    role.element,
    warning,
    h("div", { className: "pair" }, field("Ends after", lasts), usesField),
    passphraseField,
    problem.element,
    linkProblem.element,
    button,
  );

  const isLink = (): boolean => target.value === "link";

  function draw(): void {
    userField.hidden = isLink();
    usesField.hidden = !isLink();
    passphraseField.hidden = !isLink();
    problem.element.hidden = isLink();
    linkProblem.element.hidden = !isLink();
    button.textContent = isLink() ? "Make a link" : "Share";
    const words = roleWarning(role.value);
    warning.textContent = words;
    warning.hidden = words === "";
  }

  function wanted(): WantedShare {
    const common = { role: role.value, expires: Number(lasts.value) };
    if (target.value === "account") return { ...common, user: user.value.trim() };
    return {
      ...common,
      ...(uses.value === "" ? {} : { uses: Number(uses.value) }),
      ...(passphrase.value === "" ? {} : { passphrase: passphrase.value }),
    };
  }

  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    if (target.value === "account" && user.value.trim() === "")
      return problem.say("Whose account? A name, please.");
    const { length } = passphrase.value;
    if (isLink() && length > 0 && length < PASSPHRASE_CHARACTERS)
      return linkProblem.say(`A pass-phrase has at least ${PASSPHRASE_CHARACTERS} characters.`);
    void (isLink() ? linkProblem : problem).watch(button, events.loginNeeded, async () => {
      const made = await events.share(wanted());
      form.reset();
      draw();
      events.shared(made);
    });
  });
  draw();
  return form;
}

/** Radio buttons, each with a sentence. */
class Choice<T extends string> {
  readonly element: HTMLFieldSetElement;
  private readonly inputs: readonly HTMLInputElement[];

  constructor(legend: string, choices: readonly (readonly [value: T, label: string, words: string])[]) {
    const name = `choice-${++serial}`;
    this.inputs = choices.map(([value], at) =>
      h("input", { type: "radio", name, value, defaultChecked: at === 0 }),
    );
    this.element = h(
      "fieldset",
      { className: "choice" },
      h("legend", {}, legend),
      ...choices.map(([, label, words], at) =>
        h(
          "label",
          { className: "choice-item" },
          this.inputs[at],
          h("span", { className: "choice-name" }, label),
          h("span", { className: "choice-words" }, words),
        ),
      ),
    );
  }

  get value(): T {
    return (this.inputs.find(({ checked }) => checked)?.value ?? "") as T;
  }
}

function option(value: string | number, words: string): HTMLOptionElement {
  return h("option", { value: String(value) }, words);
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
