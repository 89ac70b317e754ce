/** Making elements, briefly. */

type Child = Node | string | null | undefined | false;

type Props<T extends HTMLElement> = Partial<Omit<T, "style" | "dataset" | "classList">> & {
  /** Attributes that have no property, such as `aria-label`. */
  readonly attrs?: Readonly<Record<string, string>>;
};

/** An element with properties, attributes and children; false and null children are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { attrs, ...properties } = props;
  Object.assign(element, properties);
  for (const [name, value] of Object.entries(attrs ?? {})) element.setAttribute(name, value);
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ""));
  return element;
}

/**
 * Makes the children of `list` those for `items`, in order.
 *
 * An element whose `key` is there already stays as it is, with its focus, selection and place.
 */
export function keepChildren<T>(
  list: HTMLElement,
  items: readonly T[],
  key: (item: T, before: T | undefined) => string,
  draw: (item: T, before: T | undefined) => HTMLElement,
): void {
  const known = new Map<string, HTMLElement>();
  for (const child of list.children) {
    if (child instanceof HTMLElement) known.set(child.dataset.key ?? "", child);
  }
  const wanted = items.map((item, at) => {
    const name = key(item, items[at - 1]);
    const element = known.get(name) ?? draw(item, items[at - 1]);
    known.delete(name);
    element.dataset.key = name;
    return element;
  });
  for (const gone of known.values()) gone.remove();
  wanted.forEach((element, at) => {
    const there = list.children[at];
    // Moving an element takes its focus away.
    if (there !== element) list.insertBefore(element, there ?? null);
  });
}

const SVG = "http://www.w3.org/2000/svg";

/** Stroked paths in a 20 by 20 box. */
const ICONS = {
  back: "M12 4.5 6.5 10l5.5 5.5",
  plus: "M10 4v12M4 10h12",
  share: "M10 12V3.5M6.5 6.5 10 3l3.5 3.5M5 9.5H4v7h12v-7h-1",
  close: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4",
  up: "M5 12l5-5 5 5",
  down: "M5 8l5 5 5-5",
  light:
    "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  dark: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z",
  keyboard:
    "M3.5 5h13a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM5.5 8.3h1M9.5 8.3h1M13.5 8.3h1M7 11.7h6",
  people:
    "M7.5 9a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM2.5 16c0-2.8 2.2-4.6 5-4.6s5 1.8 5 4.6M12.6 3.7a2.8 2.8 0 0 1 0 5M14.4 11.7c1.9.6 3.1 2.2 3.1 4.3",
  system: "M3 4.5h14v9H3zM7.5 16.5h5M10 13.5v3",
} as const;

export type IconName = keyof typeof ICONS;

/** A decorative icon; the button around it carries the name. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and is called `label`. */
export function iconButton(name: IconName, label: string, click: () => void): HTMLButtonElement {
  return h(
    "button",
    {
      type: "button",
      className: "icon-button",
      title: label,
      onclick: click,
      attrs: { "aria-label": label },
    },
    icon(name),
  );
}
