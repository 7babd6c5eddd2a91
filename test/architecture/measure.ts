import { parseSync } from 'vite'

/** The most lines of a function, from its first to its last. */
const MAX_FUNCTION_LINES = 60

/** A node of the syntax tree (ESTree, with TypeScript's), as far as it is looked at. */
interface Node {
  type: string
  start: number
  end: number
  [field: string]: unknown
}

/** The faults of a file in its parts: functions that are too long, exported names without a docstring. */
export function measure(path: string, source: string): string[] {
  const { program, errors, comments } = parseSync(path, source)
  // The compiler says so.
  if (errors.length > 0) return []
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length
  const faults: string[] = []
  for (const node of functionsIn(program as unknown as Node)) {
    const lines = lineAt(node.end) - lineAt(node.start) + 1
    if (lines > MAX_FUNCTION_LINES)
      faults.push(
        `a function of ${lines} lines at line ${lineAt(node.start)}, more than ${MAX_FUNCTION_LINES}`,
      )
  }
  const docstrings = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
  for (const node of program.body as unknown as Node[]) {
    if (node.type !== 'ExportNamedDeclaration' || node.declaration === null) continue
    const docstring = docstrings.find(
      ({ end }) => end <= node.start && source.slice(end, node.start).trim() === '',
    )
    if (docstring === undefined) faults.push(`an export without a docstring at line ${lineAt(node.start)}`)
    else if (/^\*\s*(What|Who|Whose|Whether|Where|Which|How)\b/.test(docstring.value))
      faults.push(`a docstring that begins with a relative clause at line ${lineAt(node.start)}`)
  }
  return faults
}

function* functionsIn(node: Node): Generator<Node> {
  if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) yield node
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child === 'object' && child !== null && 'type' in child) yield* functionsIn(child as Node)
}
