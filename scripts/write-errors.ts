/** Writes `docs/errors.md` from the error table, so that the document and the page `/errors` say the same. */
import { writeFileSync } from 'node:fs'
import { ERROR_ENTRIES, type ErrorEntry, type ErrorPlace } from '../src/core/model/error-help.ts'

const INTRODUCTION = `# Errors

<!-- Written by scripts/write-errors.ts from src/core/model/errors.ts and error-help.ts: change it there. -->

Every code that Tabcast answers with. The same is on the page \`/errors\` of every server, and each error leads to its entry there:

| where | what it looks like |
| --- | --- |
| HTTP | \`application/problem+json\` (RFC 9457): \`type\`, \`title\`, \`status\`, \`detail\`, \`instance\`, \`code\`, \`help\`, and \`errors\` if several fields are wrong |
| \`connect_error\` | \`data\`: \`code\`, \`title\`, \`help\`; the \`message\` of the error is the detail |
| acknowledgement | \`{ok: false, error: {code, title, detail, temporary, help}}\` |
| \`unsubscribed\` | \`room\`, \`code\` |

Programs rely on \`code\`, which stays the same; \`detail\` says what was wrong this time. \`type\` is relative to the server (\`/errors#not_found\`).
Over HTTP \`help\` is the whole URL, below \`PUBLIC_URL\` if that is set; over sockets it is relative as well.
`

const PERMANENT = `
## The call has to change

The same call fails again until what is described here has been corrected.
`

const TEMPORARY = `
## The same call may succeed later

HTTP answers most of them with 503 and \`Retry-After\`. Over a socket only \`publish\` is answered with the code; any other event closes the connection,
and the client connects again by itself.
`

const NO_CODE = `
## Closed without a code

A connection that is refused or closed for a reason that passes by itself has no code, so that every client tries again. The reasons are in
[events](events.md#when-it-is-refused).
`

const PLACES: Record<ErrorPlace, (status: number) => string> = {
  http: (status) => `HTTP ${status}`,
  connect: () => '`connect_error`',
  event: () => 'acknowledgement',
  unsubscribed: () => '`unsubscribed`',
}

const sectionOf = ({ code, title, status, places, happened, remedy }: ErrorEntry): string => `
### \`${code}\`

${title}: ${places.map((place) => PLACES[place](status)).join(', ')}.

- **What happened**: ${happened}
- **What to do**: ${remedy}
`

/** The text of `docs/errors.md`. */
export function errorsDocument(): string {
  const sections = (temporary: boolean) =>
    ERROR_ENTRIES.filter((entry) => entry.temporary === temporary)
      .map(sectionOf)
      .join('')
  return INTRODUCTION + PERMANENT + sections(false) + TEMPORARY + sections(true) + NO_CODE
}

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsDocument())
