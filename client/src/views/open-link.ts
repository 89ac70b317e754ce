/** Opens links that stand in a terminal. */

import { confirm } from "./dialog.ts";
import { complain } from "./notices.ts";

/** Opens a link in a new tab; asks first when its text may say something else than its address. */
export async function openLink(address: string, certain: boolean): Promise<void> {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !["http:", "https:", "mailto:"].includes(url.protocol)) {
    return complain(new Error(`Not opened: ${address.slice(0, 200)} is not a web address.`));
  }
  if (!certain && !(await confirm("Open this link?", url.href, "Open", false))) return;
  window.open(url.href, "_blank", "noopener,noreferrer");
}
