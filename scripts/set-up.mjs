/**
 * Makes a fresh copy ready to run: `node scripts/set-up.mjs` installs the npm packages, one of which is the Node that Tabcast runs on;
 * with `--test` also the programs that the tests use, with `--bench` those of the bench as well. The second time it does nothing. It runs on the Node of the machine, 20 or later,
 * before anything is installed: so it uses Node's own modules only.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.mjs'
import { installBenchPrograms, installMissingPrograms, missingPrograms } from './test-programs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = join(root, '.set-up.lock')
const stamp = join(root, 'node_modules', '.tabcast-set-up')
const runtime = join(root, 'node_modules', '.bin', 'node')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const leastMajor = Number(/\d+/.exec(manifest.engines.node)[0])

if (!isComplete()) await locked(installPackages)
const forBench = process.argv.includes('--bench')
if ((forBench || process.argv.includes('--test')) && missingPrograms().length > 0) {
  const toDo = await locked(() => installMissingPrograms(say))
  if (toDo) fail(toDo)
}
if (forBench) await locked(() => installBenchPrograms(say))

/** Judged again under the lock: the process that held it before has probably done the work. */
async function installPackages(nameChild) {
  if (isComplete()) return
  const began = Date.now()
  say('Installing the npm packages, Node itself among them; this is done once …')
  await npmCi(nameChild)
  const version = runtimeVersion()
  if (version === undefined)
    fail(
      `The npm package "node" is installed, but ${runtime} does not run. If npm is told to ignore install scripts, let them run this once:\n\n` +
        '  npm_config_ignore_scripts=false node scripts/set-up.mjs\n\n' +
        'If there is no such package for this machine, install Node ' +
        `${leastMajor} or later and start with: node --max-semi-space-size=4 src/main.ts`,
    )
  if (major(version) < leastMajor)
    fail(`${runtime} is ${version}; Tabcast wants Node ${leastMajor} or later.`)
  writeFileSync(stamp, fingerprint())
  say(`Installed in ${((Date.now() - began) / 1000).toFixed(1)} s; Node ${version}.`)
}

function isComplete() {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint()) return false
  const version = runtimeVersion()
  return version !== undefined && major(version) >= leastMajor
}

/** What an installation depends on. A changed script or description is no reason to install again. */
function fingerprint() {
  const { dependencies, devDependencies, overrides, engines, allowScripts } = manifest
  return createHash('sha256')
    .update(JSON.stringify({ dependencies, devDependencies, overrides, engines, allowScripts }))
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** Running it shows more than that it exists: it may be for another system, or cut off half way. */
function runtimeVersion() {
  const { status, stdout } = spawnSync(runtime, ['-v'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function major(version) {
  return Number(/\d+/.exec(version)[0])
}

/** npm warns of things that are as they should be, so its words are shown only when it fails. */
async function npmCi(nameChild) {
  const args = 'ci --include=dev --include=optional --no-audit --no-fund --prefer-offline --loglevel=error'
  // npm is not run on the very Node that it is about to replace.
  const PATH = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith('node_modules/.bin'))
  const env = { ...process.env, PATH: PATH.join(delimiter) }
  const stdio = ['ignore', 'pipe', 'pipe']
  let stopped
  let child
  // Before npm is started: a signal that came in between would leave it running alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => {
      stopped = signal
      // Asked to stop, npm first finishes, then takes all back. What is half done is done again next time, so its group is killed.
      process.kill(-child.pid, 'SIGKILL')
    })
  child = spawn('npm', args.split(' '), { cwd: root, env, stdio, detached: true })
  if (child.pid !== undefined) nameChild(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-20_000)
    })
  await new Promise((resolve) => {
    child.once('error', () => fail('npm is not on the PATH: install it, it usually comes with Node.'))
    child.once('close', (code) => {
      if (stopped) process.exit(128 + constants.signals[stopped])
      if (code !== 0)
        fail(
          `${output.trim()}\n\nnpm could not install the packages; above is what it says. Then run the command again.`,
        )
      resolve()
    })
  })
}

function locked(work) {
  const tell = (owner) =>
    say(
      `Another set-up is at work (process ${owner ?? 'unknown'}): waiting. If there is none, remove ${lock}.`,
    )
  return withLock(lock, tell, work)
}

function say(text) {
  process.stdout.write(`set-up: ${text}\n`)
}

/** Written at once, since `process.exit` does not wait for a pipe. */
function fail(text) {
  writeFileSync(process.stderr.fd, `\n${text}\n`)
  process.exit(1)
}
