/** What a credential of a backend may do. `admin` is all of them. */
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

export type Scope = (typeof SCOPES)[number]

/** A key of a backend. Only its hash is known, so that neither a log nor a dump can give it away. */
export interface ApiKey {
  name: string
  sha256: Buffer
  scopes: ReadonlySet<Scope>
}

const ADMIN: ReadonlySet<Scope> = new Set(['admin'])

/** The scopes that a list names, or what is wrong with it. Without a list nothing is limited. */
export function parseScopes(list: readonly string[] | undefined): ReadonlySet<Scope> | string {
  if (list === undefined) return ADMIN
  const unknown = list.filter((scope) => !(SCOPES as readonly string[]).includes(scope))
  if (unknown.length > 0)
    return `has the unknown scope ${unknown.map((scope) => `"${scope}"`).join(', ')}; there are ${SCOPES.join(', ')}`
  return new Set(list as readonly Scope[])
}

/** Whether these scopes allow what wants that one. */
export const allows = (scopes: ReadonlySet<Scope>, scope: Scope): boolean =>
  scopes.has('admin') || scopes.has(scope)
