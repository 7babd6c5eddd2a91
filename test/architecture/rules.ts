import { posix } from 'node:path'
import { codeOf, type Import, importsOf } from './imports.ts'

/** The files of `src` by their path, `src/…`. */
export type Sources = ReadonlyMap<string, string>

/** The rooms of the house: each with the other rooms that it may import. `node:` modules are open to all but the client. */
const mayImport: Record<string, readonly string[]> = {
  main: ['app', 'config', 'cluster'],
  app: ['config', 'core', 'engines', 'api', 'sockets', 'doors', 'webhooks', 'pages', 'cluster'],
  config: ['core'],
  api: ['core'],
  sockets: ['core'],
  doors: ['core'],
  cluster: ['core'],
  webhooks: ['core'],
  engines: ['core'],
  pages: ['core'],
  core: [],
  client: [],
}

/** Files beside `main.ts` and `app.ts` that are a part of them: what the process says, and what the map prepares. */
const partOf: Record<string, string> = {
  'src/development/banner.ts': 'main',
  'src/process/explain.ts': 'app',
  'src/development/demo.ts': 'app',
  'src/process/metric-sources.ts': 'app',
  'src/development/secrets.ts': 'app',
  'src/process/engine-log.ts': 'app',
  'src/development/welcome.ts': 'app',
}

/** One vendor, one room. `types` may name the vendor's types in its own signature. */
const vendors: { owns: RegExp; rooms: RegExp; types?: RegExp }[] = [
  { owns: /^(fastify|@fastify\/.+)$/, rooms: /^src\/api\//, types: /^src\/app\.ts$/ },
  { owns: /^(socket\.io|engine\.io)$/, rooms: /^src\/sockets\//, types: /^src\/app\.ts$/ },
  { owns: /^(ioredis|cluster-key-slot)$/, rooms: /^src\/(engines\/redis|doors)\// },
  { owns: /^socket\.io-client$/, rooms: /^src\/client\// },
  { owns: /^(standardwebhooks|request-filtering-agent)$/, rooms: /^src\/webhooks\// },
  { owns: /^env-schema$/, rooms: /^src\/config\.ts$/ },
]

/** What only some files may write, whatever they import. */
const phrases: { what: string; pattern: RegExp; allowed?: string }[] = [
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

const mostLines = 300

/** Everything in the sources that is against the rules of the house, one line each. */
export function violationsIn(sources: Sources): string[] {
  const found: string[] = []
  for (const [path, source] of sources) {
    const tell = (fault: string) => found.push(`${path}: ${fault}`)
    const lines = source.trimEnd().split('\n').length
    if (/\.(ts|js|lua)$/.test(path) && lines > mostLines) tell(`${lines} lines, more than ${mostLines}`)
    if (/(manager|service|helper|util)s?\.\w+$/i.test(path)) tell('the name says nothing')
    // A `.d.ts` describes what somebody else wrote.
    if (!path.endsWith('.ts') || path.endsWith('.d.ts')) continue

    if (!(roomOf(path) in mayImport)) tell('belongs to no room')
    const code = codeOf(source, { strings: false })
    for (const { what, pattern, allowed } of phrases)
      if (path !== allowed && pattern.test(code)) tell(`has ${what}`)
    for (const imported of importsOf(source)) {
      const fault = faultOf(path, imported)
      if (fault) tell(fault)
    }
  }
  for (const cycle of cyclesIn(sources)) found.push(`${cycle[0]}: imports itself: ${cycle.join(' → ')}`)
  return found
}

function faultOf(path: string, imported: Import): string | undefined {
  const { specifier, typeOnly } = imported
  const room = roomOf(path)
  const target = targetOf(path, specifier)
  if (target !== undefined) return faultOfFile(path, target, typeOnly)

  if (specifier.startsWith('node:')) {
    if (room === 'client') return `the client runs in browsers, without ${specifier}`
    return specifier === 'node:process' ? 'imports node:process: the global says who uses it' : undefined
  }
  if (room === 'core') return `core may not import the package ${specifier}`
  const name = packageOf(specifier)
  const vendor = vendors.find(({ owns }) => owns.test(name))
  const welcome = vendor?.rooms.test(path) || (typeOnly && vendor?.types?.test(path))
  return vendor && !welcome ? `the package ${name} lives in another room` : undefined
}

function faultOfFile(path: string, target: string, typeOnly: boolean): string | undefined {
  if (!target.startsWith('src/'))
    return target === 'package.json' ? undefined : `imports ${target}, outside of src`
  const room = roomOf(path)
  const other = roomOf(target)
  if (room === other)
    return engineOf(path) && engineOf(target) && engineOf(path) !== engineOf(target)
      ? `one engine may not import another: ${target}`
      : undefined
  // The events' types are all that the client knows of the server; they cost it nothing.
  if (room === 'client' && other === 'core' && typeOnly) return undefined
  return mayImport[room]?.includes(other) ? undefined : `${room} may not import ${other}: ${target}`
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

/** The folder below `src`, or the file's name there. */
function roomOf(path: string): string {
  return partOf[path] ?? /^src\/(?:([^/]+)\/|([^/]+)\.ts$)/.exec(path)?.slice(1).find(Boolean) ?? ''
}

/** `redis` or `embedded`, for a file that belongs to one engine. */
function engineOf(path: string): string | undefined {
  return /^src\/engines\/([^/]+)\//.exec(path)?.[1]
}

function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
