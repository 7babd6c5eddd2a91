/** One import of a TypeScript file: `import`, `export … from`, `import()`, or `import('…')` as a type. */
export interface Import {
  specifier: string
  typeOnly: boolean
}

const comment = String.raw`\/\*[\s\S]*?\*\/|\/\/[^\n]*`
const string = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"`
const template = '`(?:\\\\.|[^`\\\\])*`'
const regex = String.raw`(?<=(?:[(,=:[!&|?{};]|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`

/** The source without comments; with `strings: false` also without what quoted strings say. Templates stay: they may hold code. */
export function codeOf(source: string, { strings = true } = {}): string {
  const tokens = new RegExp(`(${comment})|(${string})|${template}|${regex}`, 'g')
  return source.replace(tokens, (token, isComment?: string, isString?: string) => {
    if (isComment !== undefined) return ' '
    return isString !== undefined && !strings ? "''" : token
  })
}

/** Every import of a source, in the order in which the kinds are looked for. */
export function importsOf(source: string): Import[] {
  const code = codeOf(source)
  const fromClauses = code.matchAll(
    /(?<![.\w$])(?:import|export)\s+(type\s+(?!from\b|,))?([^;'"()=]*?)\bfrom\s*(['"])(.+?)\3/g,
  )
  const bare = code.matchAll(/(?<![.\w$])import\s*(['"])(.+?)\1/g)
  const calls = code.matchAll(/(?<![.\w$])(typeof\s+)?(?:import|require)\s*\(\s*(['"`])(.+?)\2/g)
  return [
    ...[...fromClauses].map(([, type, names, , specifier]) => ({
      specifier: specifier!,
      typeOnly: type !== undefined || namesOnlyTypes(names!),
    })),
    ...[...bare].map(([, , specifier]) => ({ specifier: specifier!, typeOnly: false })),
    ...[...calls].map(([, type, , specifier]) => ({ specifier: specifier!, typeOnly: type !== undefined })),
  ]
}

/** `import { type A, type B } from` brings in no value either. */
function namesOnlyTypes(names: string): boolean {
  const list = /^\s*\{([^}]*)\}\s*$/
    .exec(names)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '')
  return list !== undefined && list.length > 0 && list.every((name) => /^\s*type\s/.test(name))
}
