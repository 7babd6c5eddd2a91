/** The scopes of a backend's credential. `admin` includes all of them. */
export const SCOPES = [
  'notify:write',
  'notify:read',
  'rooms:write',
  'rooms:read',
  'presence:read',
  'users:write',
  'tokens:write',
  'admin',
] as const

/** One of the scopes of a backend's credential. */
export type Scope = (typeof SCOPES)[number]

/** An API key of a backend. Only its hash is kept, so that neither a log nor a dump can give it away. */
export interface ApiKey {
  name: string
  sha256: Buffer
  scopes: ReadonlySet<Scope>
}

const ADMIN: ReadonlySet<Scope> = new Set(['admin'])

/** The scopes that a list names, or the fault of the list, as words that follow on its name. Without a list, the scope is `admin`. */
export function parseScopes(list: readonly string[] | undefined): ReadonlySet<Scope> | string {
  if (list === undefined) return ADMIN
  const unknown = list.filter((scope) => !(SCOPES as readonly string[]).includes(scope))
  if (unknown.length > 0)
    return `has the unknown scope ${unknown.map((scope) => `"${scope}"`).join(', ')}; there are ${SCOPES.join(', ')}`
  return new Set(list as readonly Scope[])
}

/** True if these scopes include that one. */
export const allows = (scopes: ReadonlySet<Scope>, scope: Scope): boolean =>
  scopes.has('admin') || scopes.has(scope)
