/**
 * A document for xterm.js under a strict content security policy.
 *
 * xterm.js writes style elements and style attributes, which `style-src 'self'` refuses.  The same rules
 * through the CSS object model are allowed.  So xterm.js gets this document, an official option of
 * its own: what it would write as style elements becomes constructed style sheets.
 */

/** The document to give to a terminal, and how to take its style sheets away again. */
export interface StrictDocument {
  readonly document: Document;
  dispose(): void;
}

/**
 * Lets spans take a `style` attribute as rules of the object model, which is the same to everybody but
 * the policy.  The DOM renderer makes its spans with the page's own document.
 */
function allowSpanStyles(): void {
  const plain = Element.prototype.setAttribute;
  HTMLSpanElement.prototype.setAttribute = function (name: string, value: string): void {
    if (name === "style") this.style.cssText = value;
    else plain.call(this, name, value);
  };
}

let spansAreAllowed = false;

export function strictDocument(real: Document): StrictDocument {
  const sheets: CSSStyleSheet[] = [];
  if (!spansAreAllowed) allowSpanStyles();
  spansAreAllowed = true;

  /** The rules of `element`, which never gets into the page, go into a sheet of their own. */
  function adopt(element: HTMLStyleElement): void {
    const sheet = new CSSStyleSheet();
    sheets.push(sheet);
    real.adoptedStyleSheets = [...real.adoptedStyleSheets, sheet];
    Object.defineProperty(element, "textContent", {
      get: () => "",
      set: (rules: string) => sheet.replaceSync(rules),
    });
  }

  function divElement(): HTMLElement {
    const element = real.createElement("div");
    element.appendChild = <T extends Node>(child: T): T => {
      if (child instanceof HTMLStyleElement) adopt(child);
      else HTMLElement.prototype.appendChild.call(element, child);
      return child;
    };
    return element;
  }

  function createElement(name: string): HTMLElement {
    if (name === "div") return divElement();
    return real.createElement(name);
  }

  const document = new Proxy(real, {
    get(target, property) {
      if (property === "createElement") return createElement;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });

  return {
    document,
    dispose() {
      real.adoptedStyleSheets = real.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
    },
  };
}
