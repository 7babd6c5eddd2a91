import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { ERROR_ENTRIES, type ErrorEntry, type ErrorPlace } from '../../core/model/error-help.ts'
import { ERRORS_PATH } from '../../core/model/errors.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../pages/${name}`, import.meta.url), 'utf8').trim()

/** Registers the page that explains every error, open to everybody and the same in every role: `type` and `help` of an error lead to it. */
export function registerErrors(app: FastifyInstance): void {
  const style = `\n${read('base.css')}\n\n${read('errors.css')}\n`
  const page = pageOf(read('errors.html'), style)
  app.get(
    ERRORS_PATH,
    { schema: { hide: true }, helmet: { contentSecurityPolicy: policyFor(style) } },
    (_request, reply) => reply.type('text/html; charset=utf-8').send(page),
  )
}

/** A Content-Security-Policy that allows nothing but the page itself: no script, and only the style that it was built with. */
const policyFor = (style: string) => ({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: [`'sha256-${hash('sha256', style, 'base64')}'`],
    imgSrc: ['data:'],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
})

function pageOf(template: string, style: string): string {
  const permanent = ERROR_ENTRIES.filter(({ temporary }) => !temporary)
  const temporary = ERROR_ENTRIES.filter(({ temporary }) => temporary)
  const parts: Record<string, string> = {
    style: `<style>${style}</style>`,
    permanent: permanent.map(entryOf).join(''),
    temporary: temporary.map(entryOf).join(''),
    permanentContents: permanent.map(linkTo).join(''),
    temporaryContents: temporary.map(linkTo).join(''),
  }
  return template.replace(/<!-- (\w+) -->/g, (_, name: string) => parts[name]!)
}

const linkTo = ({ code }: ErrorEntry): string => `<li><a href="#${code}"><code>${code}</code></a></li>`

const PLACES: Record<ErrorPlace, (status: number) => string> = {
  http: (status) => `HTTP ${status}`,
  connect: () => 'connect_error',
  event: () => 'acknowledgement',
  unsubscribed: () => 'unsubscribed',
}

const entryOf = ({ code, status, places, title, happened, remedy, temporary }: ErrorEntry): string => `
<article id="${code}">
  <div class="top">
    <div>
      <h3><a href="#${code}"><code>${code}</code></a></h3>
      <p class="title">${htmlOf(title)}</p>
    </div>
    <ul class="places">${places.map((place) => `<li>${PLACES[place](status)}</li>`).join('')}</ul>
  </div>
  <dl>
    <dt>What happened</dt><dd>${htmlOf(happened)}</dd>
    <dt>What to do</dt><dd>${htmlOf(remedy)}</dd>
    <dt>Repeat it as it is</dt><dd>${temporary ? YES : NO}</dd>
  </dl>
</article>`

const YES = '<strong class="temporary">Yes</strong>, the same call may succeed.'
const NO = '<strong class="permanent">No</strong>, the same call fails again.'

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A text of the table as HTML; words between backticks become code. */
const htmlOf = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character]!).replace(/`([^`]+)`/g, '<code>$1</code>')
