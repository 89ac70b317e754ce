/**
 * Calls of the REST interface: JSON in, JSON out, and errors as sentences for people.
 *
 * No DOM: `fetch` is passed in.  Errors are problem details (RFC 9457) and become {@link ApiError}.
 */

/** The server said no, or could not be reached (`status` 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }

  get notLoggedIn(): boolean {
    return this.status === 401;
  }
}

/** What went wrong, and when to try again where the server says it beside its words. */
export function errorWords(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { message, retryAfterSeconds } = error;
  if (retryAfterSeconds === null || /\btry again\b/i.test(message)) return message;
  return `${message} Try again in ${Math.ceil(retryAfterSeconds)} s.`;
}

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;
export type Json = Readonly<Record<string, unknown>>;

/** What goes behind the `?` of an address; undefined is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export class Rest {
  /** @param fetch the browser's, or a stand-in */
  constructor(
    private readonly fetch: Fetch,
    readonly base = "/api/v1",
  ) {}

  /** @returns the answer's object; empty for an answer without one */
  async call(method: string, path: string, body?: object): Promise<Json> {
    const init: RequestInit = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { Accept: "application/json", "Content-Type": "application/json" };
    }
    let response: Response;
    try {
      response = await this.fetch(this.base + path, init);
    } catch {
      throw new ApiError("The server cannot be reached. Is it running?", 0, "unreachable");
    }
    const content = await response.text();
    const value = parse(content);
    if (response.ok) return value;
    throw problem(response, value);
  }

  get(path: string, query: Query = {}): Promise<Json> {
    return this.call("GET", path + queryText(query));
  }
}

/** `?name=value…`, or nothing. */
export function queryText(query: Query): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

/** The error in a response that is not a success. */
function problem(response: Response, value: Json): ApiError {
  const detail = text(value.detail) || text(value.title) || `The server answered ${response.status}.`;
  const retryAfter = Number(response.headers.get("Retry-After"));
  const seconds = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null;
  return new ApiError(detail, response.status, text(value.code) || "error", seconds);
}

function parse(content: string): Json {
  if (content === "") return {};
  try {
    return object(JSON.parse(content));
  } catch {
    // Not ours: a proxy's error page, say.  The status tells the rest.
    return {};
  }
}

// -- reading fields --------------------------------------------------------------------------------

/** The object `value`; empty when it is none. */
export function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

/** The number `value`; 0 when it is none. */
export function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** The number `value`, or null. */
export function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** The string `value`; empty when it is none. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The objects in the list `value`; none when it is no list. */
export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}
