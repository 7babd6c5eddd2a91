import { parseArgs } from 'node:util'
import { returned, type SoakOptions, soak } from '../soak.ts'
import { holds, type ProveOptions, prove } from './prove.ts'
import { reportOf } from './report.ts'

const USAGE = `npm run prove -- [options]

Publishes to tabs on real processes while they are killed, frozen, cut off and wiped, and counts what was lost, doubled or disordered.
Exits with 0 if nothing was, with 1 if something was or the attacks did not happen, with 2 if an option is wrong.

  --engine redis|embedded   what stores (redis)
  --seed N                  decides what is broken in which order (1)
  --minutes N               how long (5)
  --users N                 with three tabs each (30)
  --rooms N                 (4)
  --rate N                  publications a second in all (200)
  --json                    prints JSON and nothing else
  --soak                    instead: tabs come and go in great numbers, and everything must be where it was in the end
  --connects N              with --soak: how many (200000)
  --messages N              with --soak: how many they are sent (1000000)
`

type NumberOption = 'seed' | 'minutes' | 'users' | 'rooms' | 'rate' | 'connects' | 'messages'

/** The options of the command line; throws with what is wrong. */
function read(): { options: ProveOptions; soaking: SoakOptions | undefined; json: boolean; help: boolean } {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', default: 'redis' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '5' },
      users: { type: 'string', default: '30' },
      rooms: { type: 'string', default: '4' },
      rate: { type: 'string', default: '200' },
      connects: { type: 'string', default: '200000' },
      messages: { type: 'string', default: '1000000' },
      soak: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: NumberOption, least: number): number => {
    const value = Number(values[name])
    if (!(value >= least))
      throw new Error(`--${name} must be a number from ${least} on, and is "${values[name]}"`)
    return value
  }
  const { engine, json, help } = values
  if (engine !== 'redis' && engine !== 'embedded')
    throw new Error(`--engine must be redis or embedded, and is "${engine}"`)
  const options: ProveOptions = {
    engine,
    seed: number('seed', 0),
    seconds: number('minutes', 0.1) * 60,
    pace: 2,
    users: number('users', 1),
    rooms: number('rooms', 1),
    rate: number('rate', 1),
  }
  const soaking = { engine, connects: number('connects', 1), messages: number('messages', 1) } as const
  return { options, soaking: values.soak ? soaking : undefined, json, help }
}

function readOrExplain(): ReturnType<typeof read> {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

async function runProof(options: ProveOptions, json: boolean): Promise<boolean> {
  const began = performance.now()
  const proof = await prove(options, (what) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6)
    if (!json) process.stderr.write(`${seconds} s  ${what}\n`)
  })
  process.stdout.write(`${json ? JSON.stringify(proof) : `\n${reportOf(proof)}`}\n`)
  return holds(proof)
}

async function runSoak(soaking: SoakOptions): Promise<boolean> {
  const figures = await soak(soaking)
  process.stdout.write(`${JSON.stringify({ ...soaking, ...figures }, undefined, 2)}\n`)
  return returned(figures)
}

const { options, soaking, json, help } = readOrExplain()
if (help) process.stdout.write(USAGE)
else {
  const holding = soaking === undefined ? await runProof(options, json) : await runSoak(soaking)
  process.exitCode = holding ? 0 : 1
}
