import { posix } from 'node:path'
import { codeOf, type Import, importsOf } from './imports.ts'
import { measure } from './measure.ts'

/** The files of `src` by their path, `src/…`. */
export type Sources = ReadonlyMap<string, string>

/** The rooms that a room may import: as they are, or only their types. `node:` modules are open to all but the client. */
interface Law {
  values: readonly string[]
  types?: readonly string[]
}

/** The wings: they know core and nothing beside themselves. */
const WING: Law = { values: ['core'] }

/** The rooms of the house. */
const ROOMS: Readonly<Record<string, Law>> = {
  main: { values: ['app', 'config', 'cluster', 'development', 'process'] },
  app: {
    values: [
      ...['config', 'core', 'engines', 'api', 'sockets', 'bridges', 'webhooks', 'cluster'],
      ...['development', 'process'],
    ],
  },
  process: { values: ['core'], types: ['api', 'bridges', 'cluster', 'sockets', 'webhooks'] },
  development: { values: ['core', 'process'], types: ['api', 'config'] },
  config: WING,
  api: WING,
  sockets: WING,
  bridges: WING,
  cluster: WING,
  webhooks: WING,
  engines: WING,
  // For browsers: styles, pages and their scripts.
  pages: { values: [] },
  core: { values: [] },
  // The events' types are all that the client knows of the server; they cost it nothing.
  client: { values: [], types: ['core'] },
}

/** The rooms of core, the lowest floor first, and the rooms below that each may import: no arrow runs up. */
const CORE: Readonly<Record<string, readonly string[]>> = {
  model: [],
  json: ['model'],
  engine: ['model'],
  access: ['model', 'engine'],
  lifecycle: ['model', 'engine'],
  drafts: ['model', 'json'],
  inbox: ['model', 'engine', 'drafts'],
  presence: ['model', 'engine', 'lifecycle'],
  publishing: ['model', 'engine', 'drafts', 'lifecycle', 'inbox'],
  delivery: ['model', 'engine', 'lifecycle', 'presence'],
  session: ['model', 'engine', 'access', 'lifecycle', 'presence', 'delivery'],
}

/** Rooms within a room, and what else of it they may import; the rooms themselves may import all of them. */
const INNER: Readonly<Record<string, readonly string[]>> = {
  'api/schemas': [],
  'api/auth': [],
  'api/http': ['api/schemas'],
  'api/routes': ['api/schemas', 'api/auth', 'api/http'],
  'api/compatible': ['api/schemas', 'api/auth', 'api/http'],
  'sockets/engine-io': [],
  'sockets/events': [],
  'engines/embedded/tables': [],
  'engines/embedded/file': ['engines/embedded/tables'],
  'engines/redis/links': [],
  'engines/redis/scripts': ['engines/redis/links'],
}

/** One vendor, one room. `types` may name the vendor's types in its own signature. */
const VENDORS: readonly { owns: RegExp; rooms: RegExp; types?: RegExp }[] = [
  {
    owns: /^(fastify|@fastify\/.+)$/,
    rooms: /^src\/api\//,
    types: /^src\/(app\.ts$|process\/)/,
  },
  { owns: /^(socket\.io|engine\.io)$/, rooms: /^src\/sockets\//, types: /^src\/app\.ts$/ },
  { owns: /^(ioredis|cluster-key-slot)$/, rooms: /^src\/(engines\/redis|bridges)\// },
  { owns: /^socket\.io-client$/, rooms: /^src\/client\// },
  { owns: /^(standardwebhooks|request-filtering-agent)$/, rooms: /^src\/webhooks\// },
  { owns: /^env-schema$/, rooms: /^src\/config\// },
  { owns: /^pino$/, rooms: /^src\/process\// },
]

/** Phrases that only some files may have, whatever they import. */
const PHRASES: readonly { what: string; pattern: RegExp; allowed?: string }[] = [
  {
    what: 'process.env',
    pattern: /\bprocess\s*(\?\.|\.|\[)\s*(''|env\b)|\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/,
    allowed: 'src/config/config.ts',
  },
  {
    what: 'signals and exit',
    pattern: /\bprocess\s*(\?\.|\.)\s*(on|once|addListener|prependListener|exit|abort)\b/,
    allowed: 'src/main.ts',
  },
  { what: 'a barrel', pattern: /(?<![.\w$])export\s*(type\s*)?\*/ },
  {
    what: 'a default export',
    pattern: /(?<![.\w$])export\s+default\b|(?<![.\w$])export\s*\{[^}]*\bas\s+default\b/,
  },
]

/** The most lines of a file, schemas, styles and Lua aside, and the most files of a folder beside its sub-folders. */
const MAX_LINES = 250
const MAX_FILES = 15

/** The faults of the sources against the rules of the house, one line each. */
export function violationsIn(sources: Sources): string[] {
  const found: string[] = []
  for (const [path, source] of sources)
    for (const fault of faultsOf(path, source)) found.push(`${path}: ${fault}`)
  for (const cycle of cyclesIn(sources)) found.push(`${cycle[0]}: imports itself: ${cycle.join(' → ')}`)
  for (const [folder, files] of foldersOf(sources))
    if (files > MAX_FILES) found.push(`${folder}: ${files} files, more than ${MAX_FILES}`)
  return found
}

function faultsOf(path: string, source: string): string[] {
  const faults: string[] = []
  const lines = source.trimEnd().split('\n').length
  if (/\.(ts|js)$/.test(path) && !path.startsWith('src/api/schemas/') && lines > MAX_LINES)
    faults.push(`${lines} lines, more than ${MAX_LINES}`)
  if (/(manager|service|helper|util)s?\.\w+$/i.test(path)) faults.push('the name says nothing')
  // A `.d.ts` describes what somebody else wrote.
  if (!path.endsWith('.ts') || path.endsWith('.d.ts')) return faults
  if (!(roomOf(path) in ROOMS)) faults.push('belongs to no room')
  if (roomOf(path) === 'core' && !(coreRoomOf(path) in CORE)) faults.push('belongs to no room of core')
  const code = codeOf(source, { strings: false })
  for (const { what, pattern, allowed } of PHRASES)
    if (path !== allowed && pattern.test(code)) faults.push(`has ${what}`)
  for (const imported of importsOf(source)) {
    const fault = faultOfImport(path, imported)
    if (fault) faults.push(fault)
  }
  return [...faults, ...measure(path, source)]
}

function faultOfImport(path: string, { specifier, typeOnly }: Import): string | undefined {
  const room = roomOf(path)
  const target = targetOf(path, specifier)
  if (target !== undefined) return faultOfFile(path, target, typeOnly)
  if (specifier.startsWith('node:')) {
    if (room === 'client') return `the client runs in browsers, without ${specifier}`
    return specifier === 'node:process' ? 'imports node:process: the global says who uses it' : undefined
  }
  if (room === 'core') return `core may not import the package ${specifier}`
  const name = packageOf(specifier)
  const vendor = VENDORS.find(({ owns }) => owns.test(name))
  const welcome = vendor?.rooms.test(path) || (typeOnly && vendor?.types?.test(path))
  return vendor && !welcome ? `the package ${name} lives in another room` : undefined
}

function faultOfFile(path: string, target: string, typeOnly: boolean): string | undefined {
  if (!target.startsWith('src/'))
    return target === 'package.json' ? undefined : `imports ${target}, outside of src`
  const [room, other] = [roomOf(path), roomOf(target)]
  if (room !== other) {
    const { values = [], types = [] } = ROOMS[room] ?? {}
    if (values.includes(other) || (typeOnly && types.includes(other))) return undefined
    return `${room} may not import ${other}: ${target}`
  }
  return room === 'core' ? faultWithinCore(path, target) : faultWithin(path, target)
}

function faultWithinCore(path: string, target: string): string | undefined {
  const [room, other] = [coreRoomOf(path), coreRoomOf(target)]
  if (room === other || CORE[room]?.includes(other)) return undefined
  return `core/${room} may not import core/${other}: ${target}`
}

function faultWithin(path: string, target: string): string | undefined {
  if (engineOf(path) && engineOf(target) && engineOf(path) !== engineOf(target))
    return `one engine may not import another: ${target}`
  const [inner, other] = [innerOf(path), innerOf(target)]
  if (inner === undefined || inner === other) return undefined
  return other !== undefined && INNER[inner]!.includes(other)
    ? undefined
    : `${inner} may not import ${other ?? 'what is built on it'}: ${target}`
}

/** Each cycle once, as the paths along it. An import of types counts: two files that need each other's words are one. */
export function cyclesIn(sources: Sources): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) {
      cycles.push([...trail.slice(at), path])
      return
    }
    if (done.has(path)) return
    for (const { specifier } of importsOf(sources.get(path) ?? '')) {
      const target = targetOf(path, specifier)
      if (target !== undefined && sources.has(target)) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const path of sources.keys()) if (path.endsWith('.ts')) visit(path, [])
  return cycles
}

/** The number of files of each folder beside its sub-folders; Lua scripts do not count. */
function foldersOf(sources: Sources): Map<string, number> {
  const folders = new Map<string, number>()
  for (const path of sources.keys()) {
    const folder = posix.dirname(path)
    if (!path.endsWith('.lua')) folders.set(folder, (folders.get(folder) ?? 0) + 1)
  }
  return folders
}

/** The folder below `src`, or the file's name there. */
const roomOf = (path: string): string =>
  /^src\/(?:([^/]+)\/|([^/]+)\.ts$)/.exec(path)?.slice(1).find(Boolean) ?? ''

/** The folder below `src/core`; nothing lies beside it. */
const coreRoomOf = (path: string): string => /^src\/core\/([^/]+)\//.exec(path)?.[1] ?? ''

/** The innermost of the rooms within a room; undefined for what lies outside of them. */
const innerOf = (path: string): string | undefined =>
  Object.keys(INNER).find((inner) => path.startsWith(`src/${inner}/`))

/** `redis` or `embedded`, for a file that belongs to one engine. */
const engineOf = (path: string): string | undefined => /^src\/engines\/([^/]+)\//.exec(path)?.[1]

const targetOf = (path: string, specifier: string): string | undefined =>
  specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined

const packageOf = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
