/**
 * A document for xterm.js under a strict content security policy.
 *
 * xterm.js writes style elements and style attributes, which `style-src 'self'` refuses.  The same rules
 * through the CSS object model are allowed.  So xterm.js gets this document, an official option of
 * its own: what it makes with `createElement` keeps its rules in constructed style sheets.
 */

/** The document to give to a terminal, and how to take its style sheets away again. */
export interface StrictDocument {
  readonly document: Document;
  dispose(): void;
}

export function strictDocument(real: Document): StrictDocument {
  const sheets: CSSStyleSheet[] = [];

  function styleElement(): HTMLElement {
    // A stand-in that the policy does not look at; even an empty style element is refused.
    const element = real.createElement("template");
    const sheet = new CSSStyleSheet();
    sheets.push(sheet);
    real.adoptedStyleSheets = [...real.adoptedStyleSheets, sheet];
    Object.defineProperty(element, "textContent", {
      get: () => "",
      set: (rules: string) => sheet.replaceSync(rules),
    });
    return element;
  }

  function spanElement(): HTMLElement {
    const element = real.createElement("span");
    element.setAttribute = (name: string, value: string) => {
      if (name === "style") element.style.cssText = value;
      else HTMLElement.prototype.setAttribute.call(element, name, value);
    };
    return element;
  }

  function createElement(name: string): HTMLElement {
    if (name === "style") return styleElement();
    if (name === "span") return spanElement();
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
