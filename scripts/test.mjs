/**
 * Runs the tests: `node scripts/test.mjs [--one | --watch | --long] [FILE …]`. Without a file all of them, and lint, types and the OpenAPI file
 * meanwhile; what one folder may cost is in `test/budgets/`. `--one` runs files and nothing else, `--watch` those of what changes, `--long`
 * all of them in their full forms.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = join(root, 'node_modules', '.bin', 'node')
const MODES = ['--one', '--watch', '--long']
const mode = MODES.find((name) => name === process.argv[2])
const files = process.argv.slice(mode === undefined ? 2 : 3)

if (!existsSync(node)) fail('Nothing is installed yet: run `npm test` once, or `npm start`.')
if (mode === '--one' && files.length === 0)
  fail('Which file or folder? For example: npm run test:one -- test/core/model/position.test.ts')
if (mode === '--long')
  say(
    'everything in its full form: about three hours on two cores, most of them in test/chaos. `npm test` takes five minutes.',
  )

const isWhole = files.length === 0 && mode === undefined
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
  ...(mode === '--long' ? { TABCAST_LONG: '1' } : {}),
  ...(isWhole || mode === '--long' ? { TABCAST_BUDGETS: isWhole ? 'kept' : 'shown' } : {}),
}
const how = mode === '--watch' ? ['watch', '--standalone'] : ['run']
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const jobs = [run('the tests', node, [vitest, ...how, ...files], 'inherit')]
if (isWhole || mode === '--long')
  jobs.push(run('`npm run check`', 'npm', ['run', '--silent', 'check'], 'pipe'))

const ended = await Promise.all(jobs)
const failed = ended.filter(({ code }) => code !== 0)
if (jobs.length > 1)
  for (const { name, output } of failed) say(`${output === '' ? '' : `${output}\n`}${name} failed.`)
process.exitCode = failed.length === 0 ? 0 : failed[0].code

/** Runs a program to its end. What it prints is shown at once, or kept for later. */
function run(name, command, args, stdio) {
  const child = spawn(command, args, { cwd: root, env, stdio: ['inherit', stdio, stdio] })
  // Ctrl-C reaches it by itself; a signal to this process alone does not.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => undefined)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ name, code: 1, output: message }))
    child.once('close', (code, signal) => {
      const end = code ?? 128 + constants.signals[signal]
      if (stdio === 'pipe' && end !== 0) say(`${name} has failed; what it says follows after the tests.`)
      resolve({ name, code: end, output: output.trim() })
    })
  })
}

function say(text) {
  process.stdout.write(`\n${text}\n`)
}

function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
