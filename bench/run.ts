/** `npm run bench`: see `USAGE`. */
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { watchMachine } from './figures/machine.ts'
import type { Part } from './part.ts'
import { PARTS } from './parts.ts'
import { linesOf } from './print.ts'
import { machine, merged, type PartResults, type Results, readResults, version } from './results.ts'

const USAGE = `npm run bench -- [--quick] [--json FILE] [--against FILE] [--rounds N] --all | PART …

Each figure is a median with its range over rounds in which all that is compared runs in turn.

${PARTS.map(({ name, about }) => `  ${name.padEnd(11)} ${about}`).join('\n')}

  --all            all parts: about 25 minutes on two cores
  --quick          fewer rounds and posts, a third of the time; all parts unless some are named
  --rounds N       so many rounds, whatever the scale says
  --json FILE      keeps the figures; parts that FILE has already are replaced, others stay
  --against FILE   prints what each figure was in FILE, and how it has changed

BENCH_CENTRIFUGO=/path/to/centrifugo measures Centrifugo 6 as well.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    quick: { type: 'boolean' },
    tiny: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    against: { type: 'string' },
  },
})
const scale = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'
const unknown = positionals.find((name) => !PARTS.some((part) => part.name === name))
if (unknown !== undefined)
  fail(`There is no part ${unknown}. There are: ${PARTS.map(({ name }) => name).join(', ')}.`)
if (!existsSync('/proc/self/stat'))
  fail('The bench reads CPU, memory and bytes from /proc: it runs on Linux only.')
const wanted =
  positionals.length > 0
    ? PARTS.filter(({ name }) => positionals.includes(name))
    : values.all || scale !== 'full'
      ? PARTS
      : []
if (values.help || wanted.length === 0) {
  process.stdout.write(USAGE)
  process.exit()
}
const older = values.against === undefined ? undefined : readResults(values.against)
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
for (const part of wanted) {
  const results = await measured(part)
  if (results === undefined) continue
  process.stdout.write(`${linesOf(results, older).join('\n')}\n\n`)
  if (values.json !== undefined) keep(values.json, results)
}

/** One part that fails does not take the others with it, but the exit code says so. */
async function measured(part: Part): Promise<PartResults | undefined> {
  const start = performance.now()
  const disturbance = watchMachine()
  try {
    const measurements = await part.run(scale, rounds)
    const seconds = (performance.now() - start) / 1000
    return { name: part.name, about: part.about, seconds, ...disturbance(), ...measurements }
  } catch (error) {
    process.stderr.write(
      `${part.name}: not measured: ${error instanceof Error ? error.message : String(error)}\n\n`,
    )
    process.exitCode = 1
    return undefined
  }
}

/** After each part, so that a run that is broken off has not been for nothing. */
function keep(file: string, part: PartResults): void {
  const kept = existsSync(file) ? readResults(file) : undefined
  const newer: Results = {
    ...version(),
    date: new Date().toISOString(),
    scale,
    machine: machine(),
    parts: [part],
  }
  writeFileSync(file, `${JSON.stringify(merged(kept, newer), undefined, 2)}\n`)
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
